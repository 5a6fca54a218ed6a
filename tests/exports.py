"""The dialog that exports a figure: what its fields hold, and what Dash's own script sends as Download is pressed."""

import base64
import json
from typing import Any

from callback_requests import props_of, value
from werkzeug.test import TestResponse

from perturber.ui.components.export import Looks, look_id


def chosen(figure: str, **looks: Any) -> dict[str, Any]:
    """The dialog's fields; files of JSON need no Chromium."""
    return {"figure": figure, **Looks(format="json")._asdict(), **looks}


def asked(client: Any, page: str, shown: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """What is sent as Download is pressed on a page that shows a state: its query, and perhaps memory and records."""
    specs = client.get("/_dash-dependencies")
    listed = specs.get_json() if hasattr(specs, "get_json") else specs.json()
    spec = next(one for one in listed if one["inputs"] == [{"id": f"{page}-export-go", "property": "n_clicks"}])
    outputs = [part.rpartition(".") for part in spec["output"].strip(".").split("...")]
    ids = [look_id(page, name) for name in fields]
    settled = {"memory": {}, "records": [], "client": "me", "sequence": 1, **shown}
    return {
        "output": spec["output"],
        "outputs": [{"id": id_, "property": prop} for id_, _, prop in outputs],
        "inputs": [value(f"{page}-export-go", "n_clicks", 1)],
        "state": [
            [value(id_, "value", field) for id_, field in zip(ids, fields.values(), strict=True)],
            [value(id_, "id", id_) for id_ in ids],
            value(f"{page}-settled", "data", settled),
            value(f"{page}-facts", "data", None),
        ],
        "changedPropIds": [f"{page}-export-go.n_clicks"],
    }


def pressed(client: Any, body: dict[str, Any]) -> TestResponse:
    """The answer to that."""
    return client.post("/_dash-update-component", json=body)


def exported(client: Any, page: str, shown: dict[str, Any], fields: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What components show then, by their ids."""
    return props_of(pressed(client, asked(client, page, shown, fields)))


def said(found: dict[str, dict[str, Any]], page: str) -> str:
    """What the dialog says."""
    return found[f"{page}-export-said"]["children"]


def file_of(found: dict[str, dict[str, Any]], page: str) -> bytes:
    """What the browser is to save."""
    return base64.b64decode(found[f"{page}-export-file"]["data"]["content"])


def described(found: dict[str, dict[str, Any]], page: str) -> dict[str, Any]:
    """A figure that was exported as JSON."""
    return json.loads(file_of(found, page))
