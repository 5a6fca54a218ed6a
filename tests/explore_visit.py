"""What a browser does with the Explore page, without one: it asks its callbacks, and keeps what it was answered."""

import hashlib
import json
from typing import Any

from callback_requests import Followed, props_of, text_of, value
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from perturber.ui.states.page import parse_query

PAGE = "explore"


def at(control: str, slot: int | str = "") -> dict[str, Any]:
    """The id of a control."""
    return {"page": PAGE, "control": control, "slot": slot}


class Visit(Followed):
    """A page that is open."""

    def __init__(self, client: FlaskClient, query: str = "") -> None:
        self.client, self.query = client, query
        self.memory: dict[str, Any] = {}
        self.drawn: dict[str, str] = {}
        self.followed: dict[str, str] = {}
        self.properties: dict[str, dict[str, Any]] = {}
        self.records: list[Any] = []
        self.running = False
        self.sequence = 0

    def look(self, *changes: tuple[Any, ...], scene: Any = (), **sent: Any) -> dict[str, Any]:
        """Change controls (name, value and perhaps slot) and parameters, and take over what is answered."""
        self.sequence += 1
        controls = [{"control": c, "value": v, "slot": (*slot, "")[0]} for c, v, *slot in changes]
        asked = {"query": self.query, "memory": self.memory, "scene": scene or {}, "changes": controls}
        asked |= {"drawn": self.drawn, "client": "me", "sequence": self.sequence, **sent}
        found = props_of(self.ask("explore-panel.answer", [value("explore-panel", "request", asked)]))
        answer = found["explore-panel"]["answer"]
        written = json.dumps(asked, sort_keys=True, separators=(",", ":"))
        assert answer["request"] == hashlib.sha256(written.encode()).hexdigest()
        self.take({text_of(one["id"]): one["props"] for one in answer["props"]})
        if answer["query"] is not None:
            self.query, self.memory = answer["query"], answer["memory"]
        if answer["looked"]:
            self.drawn = answer["drawn"]
        if answer["record"]:
            self.records.append(answer["record"])
        return answer

    def follow(self, order: str | None = None, slot: int | str = "", hovered: tuple[int, int] | None = None) -> Any:
        """What takes its time, with a button that was pressed, and slot and class that are pointed at.

        Returns:
            The properties that were set.
        """
        id_ = {"page": PAGE, "order": order, "slot": slot}
        bars = [at("bars", hovered[0])] if hovered else []
        inputs = [
            value("explore-interval", "n_intervals", 1),
            self.settled,
            [] if order is None else [value(id_, "n_clicks", 1)],
            [value(one, "hovered", hovered and hovered[1]) for one in bars],
        ]
        ids = [value(one, "id", one) for one in bars]
        state = [ids, [], [], value("explore-followed", "data", self.followed), self.facts]
        triggered = "explore-settled.data" if order is None else f"{text_of(id_)}.n_clicks"
        output = "..explore-followed.data...explore-interval.disabled.."
        props = props_of(self.ask(output, inputs, state, triggered))
        self.followed = props["explore-followed"]["data"]
        self.running = not props["explore-interval"]["disabled"]
        self.take(props)
        return props

    def of(self, control: str, slot: int | str = "") -> dict[str, Any]:
        """What a control shows."""
        return self.properties[text_of(at(control, slot))]

    def ask(self, output: str, inputs: list[Any], state: Any = (), triggered: str = "") -> TestResponse:
        """Ask a callback as Dash's own script does."""
        parts = [part.rsplit(".", 1) for part in output.strip(".").split("...")]
        outputs = [{"id": json.loads(id_) if id_[0] == "{" else id_, "property": prop} for id_, prop in parts]
        body = {
            "output": output,
            "outputs": outputs[0] if len(outputs) == 1 else outputs,
            "inputs": inputs,
            "state": list(state),
            "changedPropIds": [triggered or f"{text_of(inputs[0]['id'])}.{inputs[0]['property']}"],
        }
        return self.client.post("/_dash-update-component", json=body)

    @property
    def settled(self) -> dict[str, Any]:
        """The page at rest."""
        data = {"query": self.query, "memory": self.memory, "records": self.records}
        return value("explore-settled", "data", {**data, "client": "me", "sequence": self.sequence})

    @property
    def facts(self) -> dict[str, Any]:
        """What the page was opened with."""
        return value("explore-facts", "data", {"query": self.query, "memory": self.memory})

    @property
    def values(self) -> dict[str, str]:
        """The link's query by its keys."""
        return parse_query(self.query)

    @property
    def channels(self) -> list[int]:
        """Of the first slot."""
        return list(map(int, self.values["c1"].split(",")))

    @property
    def notice(self) -> str:
        """The sentence that the page says."""
        return self.properties["notice"]["children"]
