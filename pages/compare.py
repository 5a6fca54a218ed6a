"""Compare: two to four networks side by side over one scene, from their predictions down to single channels."""

from collections.abc import Mapping
from typing import Any

import dash
from dash import ALL, Input, Output, State, callback, html, no_update

from perturber.errors import InvalidInputError, PerturberError
from perturber.service import MAX_MODELS, Comparison, JobStatus, SimilarityRequest, job_id
from perturber.ui.callbacks.enlarging import enlarging_callbacks
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.callbacks.follow import Asked, Follow, follow_callbacks
from perturber.ui.callbacks.look import Shown, look_callbacks
from perturber.ui.callbacks.messages import PageRequest, Props, triggered_part, triggered_value
from perturber.ui.callbacks.saving import saving_callbacks
from perturber.ui.callbacks.uploads import upload_callbacks
from perturber.ui.components.compare import HIDDEN, comparison, name_dialog
from perturber.ui.components.compare_controls import compare_controls
from perturber.ui.components.controls import Controls, control_id
from perturber.ui.components.scene_page import scene_page
from perturber.ui.context import service
from perturber.ui.showing.compare import (
    column_props,
    infos_of,
    job_of,
    job_props,
    labels_of,
    similarity_figure,
    tab_props,
)
from perturber.ui.showing.notices import network_notices
from perturber.ui.showing.pictures import model_input
from perturber.ui.states.compare import CompareState, model_name
from perturber.ui.states.compare_changes import OTHER, Known, changed
from perturber.ui.states.page import Change

dash.register_page(__name__, path="/compare", name="Compare", title="Perturber · Compare", order=1)

PAGE = "compare"


def layout(**query: str) -> html.Div:
    """The page in the state that its link holds."""
    state, problems = CompareState.from_query(query, service().model)
    return scene_page(
        PAGE,
        "/compare",
        state,
        comparison(PAGE, PAGE_PARTS.controls(state)),
        problems=problems,
        caption="What every network sees.",
    )


class ComparePage:
    """What the page is made of (see `ScenePage` and `FollowedPage`)."""

    name = PAGE

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[CompareState, list[str]]:
        """The state that a link holds, with what its memory adds."""
        state, problems = CompareState.from_query(query, service().model)
        return state.recalling(memory), problems

    def changed(self, state: CompareState, change: Change) -> CompareState:
        """The state after a change."""
        return changed(state, change, Known(tuple(service().models()), service().model))

    def controls(self, state: CompareState) -> Controls:
        """What each control shows."""
        models = {**service().models(), **{name: service().model(name) for name in state.models}}
        return compare_controls(state, models, examples=service().settings.examples is not None)

    def show(self, state: CompareState, asked: PageRequest) -> Shown:
        """Ask the service about the state."""
        answer = service().compare(state.request(asked.client))
        below, drawn = tab_props(PAGE, state, answer, infos_of(state), asked.drawn)
        picture: Props = model_input(PAGE, answer.image)
        most = tuple(channel for channel, _ in answer.maps.most) if answer.maps else ()
        return Shown(
            props=[picture, *column_props(PAGE, answer), *below],
            status=_status(answer),
            service_ms=answer.total_ms,
            drawn=drawn,
            plane=answer.plane,
            notices=network_notices(answer.columns),
            state=state.with_values(most=most),
        )

    def follow(self, state: CompareState, asked: Asked) -> Follow:
        """What the open tab computes in the background: its id follows from the state alone."""
        follow = Follow()
        request = job_of(state)
        if request is None:
            return follow
        name = job_id(request)
        if asked.order is not None:
            _take(asked.order["order"], request)
        status = _job_status(name)
        product = None if status is None else service().jobs.product(name)
        job_props(PAGE, follow, state, status, product)
        graph = control_id(PAGE, "graph", "job")
        if status is None or product is None:
            follow.shown["figure"] = ""
            follow.show(graph, style=HIDDEN)
            return follow
        follow.shown["figure"] = f"{name} {status.progress.done} {state.matched}"
        if asked.shown.get("figure") != follow.shown["figure"]:
            follow.show(graph, figure=similarity_figure(state, product, labels_of(state)))
        follow.show(graph, style={})
        return follow


def _status(answer: Comparison) -> list[str]:
    networks = [f"model {n} {column.milliseconds:.0f} ms" for n, column in enumerate(answer.columns, 1)]
    parts = [f"Render {answer.render_ms:.0f} ms", *networks, f"service {answer.total_ms:.0f} ms"]
    if answer.plane and not answer.plane.finished:
        parts.insert(0, f"Feature visualisation: step {answer.plane.done} of {answer.plane.steps}")
    return parts


def _take(order: str, request: SimilarityRequest) -> None:
    if order == "compute":
        service().jobs.submit(request)
    elif _job_status(name := job_id(request)) is not None:
        service().jobs.cancel(name)


def _job_status(name: str) -> JobStatus | None:
    try:
        return service().jobs.status(name)
    except InvalidInputError:  # nobody has ordered it
        return None


# ---- a model by its name ------------------------------------------------------------------------------------------


@callback(
    Output(f"{PAGE}-dialog", "children"),
    Output(f"{PAGE}-dialog", "is_open"),
    Input(control_id(PAGE, "model", ALL), "value"),
    prevent_initial_call=True,
)
def ask_for_a_model(_: object) -> tuple[Any, Any]:
    """A column's menu asks for a model that it does not have."""
    if triggered_value() != OTHER:
        return no_update, no_update
    return name_dialog(PAGE, triggered_part("slot", range(MAX_MODELS))), True


@callback(
    Output(control_id(PAGE, "named"), "value"),
    Output(f"{PAGE}-model-message", "children"),
    Output(f"{PAGE}-dialog", "is_open", allow_duplicate=True),
    Input(f"{PAGE}-model-use", "n_clicks"),
    Input(f"{PAGE}-model-text", "n_submit"),
    State(f"{PAGE}-model-text", "value"),
    State(f"{PAGE}-model-number", "data"),
    prevent_initial_call=True,
)
def take_the_model(_: object, __: object, text: object, number: object) -> tuple[Any, Any, Any]:
    """The model that was named takes the column, or a sentence says why it cannot."""
    if not triggered_value():  # the dialog has only just come to be
        return no_update, no_update, no_update
    try:
        name = service().model(model_name(str(text or ""))).name
    except PerturberError as error:
        return no_update, str(error), no_update
    return f"{number} {name}", "", False


@callback(
    Output(f"{PAGE}-dialog", "is_open", allow_duplicate=True),
    Input(f"{PAGE}-model-cancel", "n_clicks"),
    prevent_initial_call=True,
)
def close_the_dialog(clicks: object) -> Any:
    """The column keeps its model."""
    return False if clicks else no_update


PAGE_PARTS = ComparePage()
look_callbacks(PAGE_PARTS)
follow_callbacks(PAGE_PARTS)
saving_callbacks(PAGE)
exporting_callbacks(PAGE, "/compare")
enlarging_callbacks(PAGE)
upload_callbacks(PAGE)
