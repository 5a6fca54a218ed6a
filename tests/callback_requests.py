"""Asks an app's callbacks as Dash's own script does."""

import json
import time
from collections.abc import Sequence
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def text_of(id_: Any) -> str:
    """An id as Dash writes it."""
    return id_ if isinstance(id_, str) else json.dumps(id_, sort_keys=True, separators=(",", ":"))


def value(id_: Any, prop: str, value: Any) -> dict[str, Any]:
    """A property of a component."""
    return {"id": id_, "property": prop, "value": value}


def spec_of(client: FlaskClient, *inputs: str) -> dict[str, Any]:
    """The server's callback with these inputs, written ``id.property``."""
    for spec in client.get("/_dash-dependencies").get_json():
        if [f"{one['id']}.{one['property']}" for one in spec["inputs"]] == list(inputs):
            return spec
    raise LookupError(f"no callback has the inputs {inputs}")


def ask(
    client: FlaskClient, spec: dict[str, Any], inputs: Sequence[Any], state: Sequence[Any] = (), triggered: int = 0
) -> TestResponse:
    """Ask a callback; `inputs` and `state` are the values of the properties that its spec names."""
    return client.post("/_dash-update-component", json=body(spec, inputs, state, triggered))


def body(spec: dict[str, Any], inputs: Sequence[Any], state: Sequence[Any] = (), triggered: int = 0) -> dict[str, Any]:
    """What is sent to ask a callback."""
    outputs = [_property(part) for part in spec["output"].strip(".").split("...")] if spec["output"][0] == "." else None
    given = [{**one, "value": sent} for one, sent in zip(spec["inputs"], inputs, strict=True)]
    return {
        "output": spec["output"],
        "outputs": outputs or ([] if spec.get("no_output") else _property(spec["output"])),
        "inputs": given,
        "state": [{**one, "value": sent} for one, sent in zip(spec["state"], state, strict=True)],
        "changedPropIds": [f"{given[triggered]['id']}.{given[triggered]['property']}"],
    }


class Followed:
    """A page as its visitor has it: what its components show, and whether something is under way."""

    properties: dict[str, dict[str, Any]]
    running: bool

    def follow(self) -> Any:
        """Ask what has come of what takes its time."""
        raise NotImplementedError

    def wait(self) -> None:
        """Until nothing goes on any more."""
        end = time.monotonic() + 120
        self.follow()
        while self.running and time.monotonic() < end:
            time.sleep(0.05)
            self.follow()
        assert not self.running

    def take(self, props: dict[str, Any]) -> None:
        """Components have these properties from now on."""
        for name, values in props.items():
            self.properties[name] = {**self.properties.get(name, {}), **values}


def props_of(response: TestResponse) -> dict[str, dict[str, Any]]:
    """Component → properties that a callback has set, by its outputs and besides them."""
    assert response.status_code == 200, response.text
    answer = response.get_json()
    found: dict[str, dict[str, Any]] = {}
    for given in (answer.get("sideUpdate", {}), answer.get("response", {})):
        for id_, props in given.items():
            found.setdefault(id_, {}).update(props)
    return found


def _property(text: str) -> dict[str, str]:
    id_, _, prop = text.rpartition(".")
    return {"id": id_, "property": prop}
