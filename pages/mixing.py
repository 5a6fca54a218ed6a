"""Mixing: edit a model's weights with those of another, or switch its filters off, and see what it then predicts."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import dash
from dash import Input, Output, callback, html
from dash.exceptions import PreventUpdate

from perturber.editing import ScanResult
from perturber.errors import InvalidInputError, PerturberError
from perturber.figures import compatibility, scanned
from perturber.service import JobState, SaveRequest, check_name
from perturber.ui.callbacks.enlarging import enlarging_callbacks
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.callbacks.follow import Asked, Follow, follow_callbacks
from perturber.ui.callbacks.look import Shown, look_callbacks
from perturber.ui.callbacks.messages import PageRequest, Props
from perturber.ui.callbacks.saving import saving_callbacks
from perturber.ui.callbacks.uploads import upload_callbacks
from perturber.ui.components.controls import Controls, control_id, order_id, tool_id
from perturber.ui.components.mixing import kept_menu, mixing_controls, mixing_frame, save_dialog
from perturber.ui.components.scene_page import scene_page
from perturber.ui.context import service
from perturber.ui.limits import SAVES, limited
from perturber.ui.looks import looked
from perturber.ui.papers.orders import examples_folder
from perturber.ui.showing.mixing import (
    kept_labels,
    known,
    look_status,
    outcomes,
    scan_request,
    scan_words,
    units_of,
)
from perturber.ui.showing.notices import network_notices
from perturber.ui.showing.pictures import model_input
from perturber.ui.states.mixing import MixingState
from perturber.ui.states.mixing_changes import changed
from perturber.ui.states.page import Change
from perturber.users import current

dash.register_page(__name__, path="/mixing", name="Mixing", title="Perturber · Mixing", order=2)

PAGE = "mixing"


def layout(**query: str) -> html.Div:
    """The page in the state that its link holds."""
    state, problems = MixingState.from_query(query, known())
    return scene_page(
        PAGE,
        "/mixing",
        state,
        mixing_frame(PAGE, MIXING.controls(state), examples=service().settings.examples is not None),
        problems=problems,
        caption="Exactly what the networks see, 224 × 224, drawn by the service.",
    )


class MixingPage:
    """What the page is made of (see `ScenePage` and `FollowedPage`)."""

    name = PAGE

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[MixingState, list[str]]:
        """The state that a link holds, with what its memory adds."""
        state, problems = MixingState.from_query(query, known())
        return state.recalling(memory), problems

    def changed(self, state: MixingState, change: Change) -> MixingState:
        """The state after a change; a scan is ordered of the scene as it is at that moment."""
        if change.control == "scan":
            return _scan(state, examples=change.slot == "folder")
        return changed(state, change, known())

    def controls(self, state: MixingState) -> Controls:
        """What each control shows."""
        units: tuple[str, ...] | str
        try:
            units = units_of(state.edit.first, state.edit.second, state.level)
        except InvalidInputError as error:
            units = str(error)
        return mixing_controls(state, units, service().models(), kept_labels())

    def show(self, state: MixingState, asked: PageRequest) -> Shown:
        """Ask the service what the models make of the scene; of two that cannot be mixed each alone."""
        fits = known().fits(state.edit)
        answer, kept = looked(state.request(asked.client, fits))
        looks = iter(answer.slots)
        slots = [None if model is None else next(looks) for model in state.models(fits)]
        props: list[Props] = [
            model_input(PAGE, answer.image),
            {"id": f"{PAGE}-explore", "props": {"href": f"/?{state.explore_query()}"}},
            {"id": f"{PAGE}-save", "props": {"disabled": not fits}},
            *outcomes(PAGE, slots),
        ]
        status = look_status(answer, slots, kept)
        notices = network_notices(answer.slots)
        return Shown(props=props, status=status, service_ms=answer.total_ms, plane=answer.plane, notices=notices)

    def follow(self, state: MixingState, asked: Asked) -> Follow:
        """The scan that is drawn, and the edit that is being kept."""
        follow = Follow()
        order = asked.order["order"] if asked.order else None
        if order == "cancel" and state.scan:
            service().jobs.cancel(state.scan)
        if order == "keep":
            _keep(state, asked, follow)
        _follow_scan(state, asked, follow)
        _follow_keeping(asked, follow)
        return follow


# ---- scans --------------------------------------------------------------------------------------------------------


def _scan(state: MixingState, *, examples: bool) -> MixingState:
    """With a scan that begins now; one that is under way would be seen by nobody any more, and ends."""
    units_of(state.edit.first, state.second, state.level)  # says why they cannot be mixed
    status = service().jobs.submit(scan_request(state, examples=examples))
    if state.scan not in (None, status.id):
        with suppress(InvalidInputError):  # it is forgotten already
            service().jobs.cancel(str(state.scan))
    return replace(state, scan=status.id)


def _follow_scan(state: MixingState, asked: Asked, follow: Follow) -> None:
    if state.scan is None:
        return
    words, cancel = f"{PAGE}-scan", order_id(PAGE, "cancel")
    try:
        status = service().jobs.status(state.scan)
    except InvalidInputError as error:
        follow.show(words, children=str(error), title=str(error))
        follow.show(cancel, hidden=True)
        return
    follow.running = not status.state.over
    mark = f"{status.id} {status.state} {status.progress.done}"
    if asked.shown.get("scan") == mark:
        return
    follow.shown["scan"] = mark
    follow.show(cancel, hidden=status.state.over)
    result = _result(state)
    told = scan_words(status, result)
    follow.show(words, children=told, title=told)
    if result is not None:
        follow.show(f"{PAGE}-compatibility", figure=compatibility(result))


def _result(state: MixingState) -> ScanResult | None:
    """What a scan has found so far, if there is anything to draw."""
    product = None if state.scan is None else service().jobs.product(state.scan)
    return product if isinstance(product, ScanResult) and scanned(product) else None


# ---- edits that are kept ------------------------------------------------------------------------------------------


@callback(
    Output(f"{PAGE}-dialog", "children"),
    Output(f"{PAGE}-dialog", "is_open"),
    Input(f"{PAGE}-save", "n_clicks"),
    prevent_initial_call=True,
)
def ask_for_a_name(clicks: int | None) -> tuple[list[Any], bool]:
    """The dialog that keeps an edit."""
    if not clicks:
        raise PreventUpdate
    return save_dialog(PAGE, examples=service().settings.examples is not None), True


@callback(
    Output(order_id(PAGE, "keep"), "n_clicks"), Input(tool_id(PAGE, "name"), "n_submit"), prevent_initial_call=True
)
def keep_by_enter(times: int | None) -> int | None:
    """Enter in the field does what the button does."""
    return times


def _keep(state: MixingState, asked: Asked, follow: Follow) -> None:
    """Order that the edit is kept; what is wrong is said in the dialog, which stays open."""
    try:
        limited("models", SAVES)
        service().model(str(state.edit))  # says why it cannot be made
        name = str(asked.tools.get("name") or "").strip()
        check_name(name, service().settings)
        folder = examples_folder() if "recalibrate" in (asked.tools.get("recalibrate") or ()) else None
        # One that was saved under this name, and removed since, is saved once more.
        request = SaveRequest(edit=str(state.edit), name=name, owner=current().name, recalibrate=folder)
        follow.shown["keeping"] = service().jobs.submit(request, again=True).id
    except PerturberError as error:
        follow.show(f"{PAGE}-refused", children=str(error))
    else:
        follow.show(f"{PAGE}-dialog", is_open=False)


def _follow_keeping(asked: Asked, follow: Follow) -> None:
    job = follow.shown.get("keeping", asked.shown.get("keeping"))
    if not job:
        return
    try:
        status = service().jobs.status(job)
    except InvalidInputError as error:
        follow.shown["keeping"], follow.notice = "", str(error)
        return
    if not status.state.over:
        follow.running = True
        follow.notice = f"{status.title}: {status.progress.done} of {status.progress.steps}"
        return
    follow.shown["keeping"] = ""
    if status.state is not JobState.DONE:
        follow.notice = status.error or f"{status.title} was cancelled."
        return
    follow.notice = f"Saved as {service().jobs.product(job)}; it is in the menus of models now."
    names = [{"value": info.name, "label": info.label} for info in service().models().values()]
    for menu in ("first", "second"):
        follow.show(control_id(PAGE, menu), options=names)
    follow.show(control_id(PAGE, "kept"), **kept_menu(kept_labels()))


MIXING = MixingPage()
look_callbacks(MIXING)
follow_callbacks(MIXING)
saving_callbacks(PAGE)
exporting_callbacks(PAGE, "/mixing")
enlarging_callbacks(PAGE)
upload_callbacks(PAGE)
