"""Any page with a scene without a browser: what it answers, as the JSON that a browser gets."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

import dash
from dash._utils import to_json

from app import create_app
from perturber.service import InferenceService
from perturber.ui.callbacks.follow import Asked, Order, Settled
from perturber.ui.callbacks.look import answer
from perturber.ui.states.page import parse_query


@contextmanager
def open_pages(service: InferenceService) -> Iterator[Callable[[str, str], "Visit"]]:
    """The app with this service: a function that opens one of its pages, by path and query."""
    app = create_app(service=service)
    modules = {page["path"]: sys.modules[page["module"]] for page in dash.page_registry.values()}
    with app.server.test_request_context("/"):
        yield lambda path, query: Visit(modules[path], query)


def strict(text: str) -> Any:
    """JSON as browsers read it, which know neither NaN nor Infinity."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


class Visit:
    """A page that is open.

    Attributes:
        properties: component → what it shows; of controls by their name and slot.
    """

    def __init__(self, page: ModuleType, query: str) -> None:
        self.page = getattr(page, "PAGE_PARTS", None) or page.MIXING
        self.query = query
        self.memory: dict[str, Any] = {}
        self.properties: dict[str, dict[str, Any]] = {}
        self.records: list[Any] = []
        self.shown: dict[str, str] = {}
        self.running = False
        self.sequence = 0

    def look(self, *changes: tuple[Any, ...], **scene: Any) -> dict[str, Any]:
        """Change controls (name, value and perhaps slot) and parameters until nothing more comes by itself."""
        self.sequence += 1
        sent = [{"control": control, "value": value, "slot": (*slot, "")[0]} for control, value, *slot in changes]
        asked = {"query": self.query, "memory": self.memory, "scene": scene, "changes": sent, "drawn": {}}
        found = strict(to_json(answer(self.page, {**asked, "client": "me", "sequence": self.sequence})))
        self._take(found["props"])
        if found["query"] is not None:
            self.query, self.memory = found["query"], found["memory"]
        if found["record"]:
            self.records.append(found["record"])
        return self.look(**scene) if found["again"] is not None else found

    def follow(self, order: str | None = None, **tools: Any) -> None:
        """What takes its time, with a button that was pressed and the settings beside it."""
        settled = {"query": self.query, "memory": self.memory, "client": "me", "sequence": self.sequence}
        asked = Asked(
            settled=Settled.read({**settled, "records": self.records}),
            order=None if order is None else Order(order=order, slot=""),
            hovered={},
            tools=tools,
            shown=self.shown,
            woken=True,
        )
        state, _ = self.page.read(parse_query(self.query), self.memory)
        found = self.page.follow(state, asked)
        self.shown = {**self.shown, **found.shown}
        self.running = found.running
        props = strict(to_json(found.props))
        self._take(props)
        for one in props:
            if isinstance(one["id"], dict) and one["id"].get("control") == "job":
                self.look(("job", one["props"]["value"]))

    def wait(self, order: str | None = None, **tools: Any) -> None:
        """Follow until nothing is under way any more."""
        self.follow(order, **tools)
        end = time.monotonic() + 60
        while self.running and time.monotonic() < end:
            time.sleep(0.02)
            self.follow(**tools)
        assert not self.running

    def _take(self, props: list[dict[str, Any]]) -> None:
        for one in props:
            id_ = one["id"]
            key = id_ if isinstance(id_, str) else f"{id_.get('control', id_.get('order'))} {id_['slot']}".strip()
            self.properties[key] = {**self.properties.get(key, {}), **one["props"]}

    @property
    def notice(self) -> str:
        """What the page says."""
        return self.properties["notice"]["children"]

    def words(self, component: str) -> str:
        """All text that a component shows, as one."""
        return json.dumps(self.properties[component], ensure_ascii=False)
