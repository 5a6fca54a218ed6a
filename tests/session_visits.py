"""What a browser does with a page's session, without one: it presses buttons, and keeps what it was answered."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from callback_requests import props_of, text_of, value
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

ALL = ["ALL"]


def spec_with(client: FlaskClient, id_: Any, prop: str = "n_clicks") -> dict[str, Any]:
    """The server's callback whose first input this is."""
    wanted = f"{text_of(id_)}.{prop}"
    for spec in client.get("/_dash-dependencies").get_json():
        if not spec["clientside_function"] and f"{spec['inputs'][0]['id']}.{spec['inputs'][0]['property']}" == wanted:
            return spec
    raise LookupError(f"no callback has the first input {wanted}")


def send(client: FlaskClient, spec: dict[str, Any], values: Mapping[str, Any], triggered: str) -> TestResponse:
    """Ask a callback.

    Args:
        values: ``id.property`` of what the callback asks for → its value; of a pattern a list of `value`. What is
            left out is not on the page.
        triggered: ``id.property``.
    """

    def given(one: dict[str, Any]) -> Any:
        pattern = one["id"].startswith("{") and ALL in json.loads(one["id"]).values()
        found = values.get(f"{one['id']}.{one['property']}", [] if pattern else None)
        return found if pattern else {**one, "value": found}

    outputs = [part.rsplit(".", 1) for part in spec["output"].strip(".").split("...")]
    named = [{"id": json.loads(id_) if id_[0] == "{" else id_, "property": prop} for id_, prop in outputs]
    sent = {
        "output": spec["output"],
        "outputs": named if spec["output"].startswith("..") else named[0],
        "inputs": [given(one) for one in spec["inputs"]],
        "state": [given(one) for one in spec["state"]],
        "changedPropIds": [triggered],
    }
    return client.post("/_dash-update-component", json=sent)


def pattern(page: str, key: str) -> str:
    """The id of all components of a page that have this key."""
    return text_of({"page": page, key: ALL})


class Strip:
    """A filmstrip and its fields, on a page with a scene or on that of a session.

    Attributes:
        shown: component → what it shows.
    """

    def __init__(self, client: FlaskClient, page: str, **known: Any) -> None:
        self.client, self.page, self.known = client, page, known
        self.shown: dict[str, dict[str, Any]] = {}

    def press(
        self, act: str, *, picked: Sequence[int] = (), choice: str | None = None, **fields: str
    ) -> dict[str, dict[str, Any]]:
        """Press a button, or choose a session; what has come of it."""
        page = self.page
        spec = spec_with(self.client, {"page": page, "strip": ALL})
        button = {"page": page, "strip": act} if choice is None else {"page": page, "session-choice": "menu"}
        ids = [{"page": page, "session": name} for name in fields]
        boxes = [{"page": page, "pick": one} for one in picked]
        memory = {"page": page, "strip-state": "strip"}
        prop = "n_clicks" if choice is None else "value"
        values = {
            f"{pattern(page, 'strip')}.n_clicks": [] if choice else [value(button, "n_clicks", 1)],
            f"{pattern(page, 'session-choice')}.value": [value(button, "value", choice)] if choice else [],
            f"{pattern(page, 'session')}.value": [
                value(i, "value", v) for i, v in zip(ids, fields.values(), strict=True)
            ],
            f"{pattern(page, 'session')}.id": [value(i, "id", i) for i in ids],
            f"{pattern(page, 'pick')}.value": [value(i, "value", True) for i in boxes],
            f"{pattern(page, 'pick')}.id": [value(i, "id", i) for i in boxes],
            f"{pattern(page, 'strip-state')}.data": [value(memory, "data", self.memory)] if self.memory else [],
            **self.known,
            "session.data": self.session,
        }
        props = props_of(send(self.client, spec, values, f"{text_of(button)}.{prop}"))
        for name, found in props.items():
            plain = {key.partition("@")[0]: one for key, one in found.items()}
            self.shown[name.partition("@")[0]] = {**self.shown.get(name.partition("@")[0], {}), **plain}
        return props

    @property
    def session(self) -> Any:
        """What the tab's store holds."""
        return self.shown.get("session", {}).get("data")

    @property
    def panel(self) -> Any:
        """What is unfolded."""
        for place in (f"{self.page}-session-panel", f"{self.page}-strip"):
            if "children" in self.shown.get(place, {}):
                return self.shown[place]["children"]
        return []

    @property
    def memory(self) -> Any:
        """What the filmstrip remembers."""
        found = [one for one in parts(self.panel) if isinstance(one["props"].get("id"), dict)]
        return next((one["props"]["data"] for one in found if "strip-state" in one["props"]["id"]), None)

    @property
    def said(self) -> str:
        """The sentence beside the session."""
        return self.shown[text_of({"page": self.page, "session": "said"})]["children"]


def parts(layout: Any) -> list[dict[str, Any]]:
    """Every component of a layout as a browser gets it, in order."""
    if isinstance(layout, list):
        return [part for one in layout for part in parts(one)]
    if not isinstance(layout, dict) or "props" not in layout:
        return []
    return [layout, *parts(layout["props"].get("children"))]


def words(layout: Any) -> str:
    """All text of a layout."""
    if isinstance(layout, list):
        return " ".join(words(one) for one in layout)
    if isinstance(layout, dict):
        return words(layout.get("props", {}).get("children"))
    return "" if layout is None else str(layout)
