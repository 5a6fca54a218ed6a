"""A picture that is clicked is shown larger, with what belongs beside it."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Input, Output, State, callback, html, no_update
from pydantic import Field

from perturber.ui.components.controls import dialog_title
from perturber.ui.components.maps import Picture
from perturber.ui.states.page import Sent

Beside = Callable[[Any, int, object, dict[str, Any]], Sequence[Picture]]
"""Slot, channel, what is settled, and the page's facts → what stands beside a neuron's picture."""


class Enlarged(Sent):
    """What was clicked (``assets/page.js``).

    Attributes:
        place: id of the component.
        channel: of the neuron, or None.
        src: address of the picture.
        title: what it shows.
    """

    place: str = Field(max_length=200)
    channel: int | None = Field(ge=0)
    src: str = Field(max_length=2**20, pattern="^(/[^/]|data:image/)")
    title: str = Field(max_length=500)

    @property
    def slot(self) -> Any:
        """The slot of a component whose id has one, else None."""
        try:
            id_ = json.loads(self.place)
        except ValueError:
            return None
        return id_.get("slot") if isinstance(id_, dict) else None


def enlarging_callbacks(page: str, beside: Beside | None = None) -> None:
    """The callback; to be called once as the page's module is imported."""

    @callback(
        Output(f"{page}-dialog", "children", allow_duplicate=True),
        Output(f"{page}-dialog", "is_open", allow_duplicate=True),
        Input(f"{page}-enlarged", "data"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def enlarge(data: object, settled: object, facts: dict[str, Any]) -> tuple[Any, Any]:
        if data is None:
            return no_update, no_update
        clicked = Enlarged.read(data)
        if beside is None or clicked.channel is None or clicked.slot is None:
            return enlargement(clicked, []), True
        return enlargement(clicked, beside(clicked.slot, clicked.channel, settled, facts)), True


def enlargement(clicked: Enlarged, others: Sequence[Picture]) -> list[Any]:
    """The dialog: the picture, and the others that are there."""
    known = {clicked.src.partition("?")[0]}
    shown = [(clicked.src, clicked.title)]
    shown += [(p["src"], p["title"]) for p in others if p["src"] and p["src"].partition("?")[0] not in known]
    figures = [html.Figure([html.Img(src=src, alt=title), html.Figcaption(title)]) for src, title in shown]
    return [dialog_title(clicked.title), dbc.ModalBody(figures, className="enlarged")]
