"""Checkpoints: a network in the course of its training, from its predictions down to its filters."""

import time
from collections.abc import Mapping
from typing import Any

import dash
from dash import html

from perturber.figures import SLOT_NAMES
from perturber.service import Look
from perturber.training import Series, all_series
from perturber.ui.callbacks.checkpoints import Following, links, slider_callback
from perturber.ui.callbacks.enlarging import enlarging_callbacks
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.callbacks.follow import Asked, Follow, follow_callbacks
from perturber.ui.callbacks.look import Shown, look_callbacks
from perturber.ui.callbacks.messages import PageRequest, Props
from perturber.ui.callbacks.saving import saving_callbacks
from perturber.ui.callbacks.uploads import upload_callbacks
from perturber.ui.components.bars import NO_LOGITS, bar_rows
from perturber.ui.components.checkpoints import WAITING, figure_id, tab_class, training_slot, training_tabs
from perturber.ui.components.controls import Controls, control_id
from perturber.ui.components.scene_page import scene_page
from perturber.ui.context import service
from perturber.ui.looks import looked
from perturber.ui.showing.checkpoints import control_props, words
from perturber.ui.showing.notices import network_notices
from perturber.ui.showing.pictures import model_input
from perturber.ui.showing.training import said
from perturber.ui.states.checkpoint_changes import Known, changed
from perturber.ui.states.checkpoints import CheckpointState
from perturber.ui.states.page import Change

PAGE = "checkpoints"
PATH = "/checkpoints"

dash.register_page(__name__, path=PATH, name="Checkpoints", title="Perturber · Checkpoints", order=3)

NONE = (
    "No model has checkpoints yet. `perturber train adversarial --base efficientnet_lite0 --data FOLDER --out runs "
    "--name robust` makes a family that this page then shows."
)


def layout(**query: str) -> html.Div:
    """The page in the state that its link holds."""
    if not series():
        return html.Div(html.P(NONE, className="empty"), className="explore checkpoints")
    state, problems = PAGE_PARTS.read(query, {})
    controls = PAGE_PARTS.controls(state)
    told = [words(one, place) for (one, _), place in zip(state.slots, state.places, strict=True)]
    slots = [training_slot(PAGE, number, controls, told[number]) for number in (0, 1)]
    main = html.Section(
        [html.Div(slots, className="models"), training_tabs(PAGE, controls, links(state))], className="comparison"
    )
    caption = "What every checkpoint sees."
    service().prefetch(state.nearest)  # the figures need them all; meanwhile the browser builds the page
    return scene_page(PAGE, PATH, state, main, problems=problems, caption=caption)


def series() -> dict[str, Series]:
    """Every model with checkpoints, by name."""
    return all_series(service().settings)


class CheckpointsPage:
    """What the page is made of (see `ScenePage` and `FollowedPage`)."""

    name = PAGE

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[CheckpointState, list[str]]:
        """The state that a link holds, with what its memory adds."""
        state, problems = CheckpointState.from_query(query, series(), service().model, service().settings)
        return state.recalling(memory), problems

    def changed(self, state: CheckpointState, change: Change) -> CheckpointState:
        """The state after a change."""
        return changed(state, change, Known(series(), service().model, time.time()))

    def controls(self, state: CheckpointState) -> Controls:
        """What each control shows."""
        return control_props(state, series())

    def show(self, state: CheckpointState, asked: PageRequest) -> Shown:
        """The scene, and what both checkpoints make of it; the other ones are made ready."""
        now = time.time()
        state = state.played(now)
        answer, known = looked(state.request(asked.client))
        service().prefetch(state.nearest)
        props: list[Props] = [model_input(PAGE, answer.image)]
        for number, slot in enumerate(answer.slots):
            bars = {"rows": bar_rows(slot.top or ()), "empty": "" if slot.top else NO_LOGITS}
            props.append({"id": control_id(PAGE, "bars", number), "props": bars})
        opened = str(state.opened)
        if asked.drawn.get("opened", opened) != opened:  # what another tab has shown is gone at once
            props.append({"id": f"{PAGE}-tabs", "props": {"className": tab_class(state.tab)}})
            props.append({"id": figure_id(PAGE, "multiples"), "props": {"figure": said(WAITING)}})
            props.append({"id": f"{PAGE}-hint", "props": {"children": ""}})
        due = [one for one in state.playing if one is not None]
        return Shown(
            props=props,
            status=_status(answer, known),
            service_ms=answer.total_ms,
            drawn={"opened": opened},
            again=max(1, round(1000 * (min(due) - now))) if due else None,
            plane=answer.plane,
            notices=network_notices(answer.slots),
            state=state,
        )

    def follow(self, state: CheckpointState, asked: Asked) -> Follow:
        """Feature visualisations, the open tab's figures, and the jobs that they need."""
        return Following(PAGE, state, asked).answer()


def _status(answer: Look, known: bool) -> list[str]:
    networks = [f"{name} {slot.milliseconds:.0f} ms" for name, slot in zip(SLOT_NAMES, answer.slots, strict=False)]
    parts = [f"Render {answer.render_ms:.0f} ms", *networks, f"service {answer.total_ms:.0f} ms", answer.device]
    if known:
        parts.append("cached")
    if answer.plane and not answer.plane.finished:
        parts.insert(0, f"Feature visualisation: step {answer.plane.done} of {answer.plane.steps}")
    return parts


PAGE_PARTS = CheckpointsPage()
look_callbacks(PAGE_PARTS)
follow_callbacks(PAGE_PARTS)
saving_callbacks(PAGE)
exporting_callbacks(PAGE, PATH)
enlarging_callbacks(PAGE)
upload_callbacks(PAGE)
slider_callback(PAGE, PAGE_PARTS.read, series)
