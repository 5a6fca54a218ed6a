"""What the Experiments page does: one callback for its state, one for what has come of it, one for its data."""

import json
import time
from collections.abc import Mapping
from typing import Any

from dash import ALL, Input, Output, State, callback, ctx, dcc, no_update

from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.json_values import finite
from perturber.service import JobState
from perturber.service.estimates import time_left
from perturber.ui.callbacks.forms import address_callback, address_of, query_of
from perturber.ui.callbacks.messages import BUG, by_id, pressed_ids, triggered_value
from perturber.ui.components.experiments import (
    BORDERS,
    PAGE,
    experiment_list,
    field_id,
    graph,
    item_id,
    numbers_table,
    part,
    settings_of,
    values_of,
    view_id,
    view_menu,
)
from perturber.ui.context import service
from perturber.ui.experiments import Known
from perturber.ui.failures import told
from perturber.ui.limits import EXPORTS, SAVES, limited
from perturber.ui.showing.experiments import (
    Stand,
    cost_words,
    examples_json,
    figure_json,
    known,
    labels,
    said,
    stand,
    view_of,
)
from perturber.ui.states.experiments import PATH, ExperimentsState
from perturber.ui.states.page import parse_query

LONGEST_QUERY = 20_000
MOST = 1e12


def experiments_callbacks() -> None:
    """To be called once as the page's module is imported."""
    address_callback(part)
    _choosing()
    _following()
    _downloading()


def state_of(facts: object, there: Known) -> ExperimentsState:
    """What the page shows, as its browser brings it back.

    Raises:
        InvalidInputError: it is not what a page of this app would send.
    """
    return ExperimentsState.from_query(parse_query(query_of(facts, LONGEST_QUERY)), there)[0]


def model_names(state: ExperimentsState) -> dict[str, str]:
    """Name → label of the networks to choose from."""
    return {name: info.label for name, info in service().models().items()} | labels(state)


# ---- what is chosen -----------------------------------------------------------------------------------------------


def _choosing() -> None:
    @callback(
        Output(part("facts"), "data"),
        Output(part("settings"), "children"),
        Output(part("list"), "children"),
        Output(part("address"), "data"),
        Output(part("said"), "children"),
        Input(item_id(ALL), "n_clicks"),
        Input(field_id(ALL), "value"),
        Input(view_id(ALL), "value"),
        State(field_id(ALL), "id"),
        State(part("facts"), "data"),
        State(part("followed"), "data"),
        prevent_initial_call=True,
    )
    def choose(_: object, values: object, __: object, ids: object, facts: object, followed: object) -> tuple[Any, ...]:
        there = known()
        state = state_of(facts, there)
        sent = by_id(ids, values, "field")
        try:
            new = _changed(state, sent, there, followed)
        except PerturberError as error:
            return no_update, no_update, no_update, no_update, str(error)
        shown = values_of(new, there)
        same = new.experiment == state.experiment
        settings = no_update if same and shown == sent else settings_of(new, there, model_names(new))
        if new == state:
            return no_update, settings, no_update, no_update, ""
        query = new.query()
        address = address_of(PATH, query)
        entries = no_update if same else experiment_list(new)
        return {"query": query, "memory": {}}, settings, entries, address, ""


def _changed(state: ExperimentsState, sent: Mapping[Any, Any], there: Known, followed: object) -> ExperimentsState:
    opened = next((id_["open"] for id_, _ in pressed_ids() if "open" in id_), None)
    if opened is not None:
        return state.opened(opened, there)
    view = next((triggered_value() for id_, _ in pressed_ids() if "view" in id_), None)
    if view is not None:  # the menu has only just come to be where this is shown already
        return state if isinstance(followed, dict) and followed.get("view") == view else state.with_figure(view)
    now = values_of(state, there)
    for name in [name for name in now if name in sent and sent[name] != now[name]]:
        state = _with_field(state, str(name), sent[name], there)
    return state


def _with_field(state: ExperimentsState, name: str, value: Any, there: Known) -> ExperimentsState:
    if name == "models":
        return state.with_models(value, there)
    if name == "folder":
        return state if value is None else state.with_folder(value, there)
    if isinstance(value, list):  # a box to tick
        value = "on" if value else "off"
    return state.with_option(name.removeprefix("o-"), value, there)


# ---- what has come of it ------------------------------------------------------------------------------------------

SHOWN = {
    "followed": (part("followed"), "data"),
    "words": (part("words"), "children"),
    "said": (part("said"), "children"),
    "value": (part("progress"), "value"),
    "max": (part("progress"), "max"),
    "no_progress": (part("progress"), "hidden"),
    "no_run": (part("run"), "disabled"),
    "run": (part("run"), "children"),
    "no_cancel": (part("cancel"), "hidden"),
    "no_result": (part("result"), "hidden"),
    "no_empty": (part("empty"), "hidden"),
    "views": (part("views"), "children"),
    "figure": (part("figure"), "children"),
    "examples": (part("examples"), "children"),
    "numbers": (part("numbers"), "children"),
    "notes": (part("notes"), "children"),
    "idle": (part("interval"), "disabled"),
}
"""Part of the answer → component and property."""

NOTHING: dict[str, Any] = {"no_progress": True, "no_cancel": True, "idle": True, "said": ""}


def _following() -> None:
    outputs = {
        name: Output(*place, allow_duplicate=name == "said")  # the other callback says what is wrong in a field
        for name, place in SHOWN.items()
    }

    @callback(
        output=outputs,
        inputs={
            "facts": Input(part("facts"), "data"),
            "beat": Input(part("interval"), "n_intervals"),
            "clicks": [Input(part(name), "n_clicks") for name in ("run", "cancel")],
        },
        state={"followed": State(part("followed"), "data")},
        prevent_initial_call="initial_duplicate",
    )
    def follow(facts: Any, beat: Any, clicks: Any, followed: Any) -> dict[str, Any]:
        unchanged = dict.fromkeys(SHOWN, no_update)
        pressed = str(ctx.triggered_id).partition("-")[2] if triggered_value() else ""
        try:
            return {**unchanged, **_followed(facts, pressed, followed if isinstance(followed, dict) else {})}
        except (PerturberError, BusyError) as error:
            hidden = {"no_result": True, "no_empty": True, "no_run": True} if pressed not in ("run", "cancel") else {}
            return {**unchanged, **NOTHING, **hidden, "words": "", "said": str(error), "followed": {}}
        except Exception as error:
            told("following an experiment failed", error)
            return {**unchanged, **NOTHING, "said": BUG}


def _followed(facts: object, pressed: str, followed: Mapping[str, Any]) -> dict[str, Any]:
    there = known()
    state = state_of(facts, there)
    try:
        return _state_followed(state, there, pressed, followed)
    except InvalidInputError as error:
        raise InvalidInputError(said(state, error)) from error


def _state_followed(state: ExperimentsState, there: Known, pressed: str, followed: Mapping[str, Any]) -> dict[str, Any]:
    found = stand(state, there)
    if pressed == "run" and not found.running:
        limited("experiments", SAVES)
        service().jobs.submit(found.request, again=found.finished)
        found = stand(state, there)
    elif pressed == "cancel" and found.running:
        service().jobs.cancel(found.job)
        found = stand(state, there)
    parts = {**NOTHING, **_progress(state, found, followed), **_outcome(state, found, there, followed)}
    kept = {**parts.pop("pace", {}), **parts.pop("shown", {})}
    return {**parts, "followed": kept}


def _progress(state: ExperimentsState, found: Stand, followed: Mapping[str, Any]) -> dict[str, Any]:
    """The bar, its buttons and words; how long it will still take by how fast it has been since it was seen first."""
    base = {
        "no_run": found.running or (found.finished and not state.shown.folder),
        "run": "Run again" if found.finished and state.shown.folder else "Run",
        "no_cancel": not found.running,
    }
    if found.status is not None and found.status.state is JobState.FAILED and not found.finished:
        return {**base, "words": "", "said": said(state, found.status.error or "")}
    if not found.running or found.status is None:
        if found.finished:
            return {**base, "words": "Measured before: nothing is computed twice." if found.before else "Done."}
        cancelled = found.status is not None and found.status.state is JobState.CANCELLED
        return {**base, "words": f"{'Cancelled. ' * cancelled}{cost_words(state, found)}"}
    done, steps = found.status.progress.done, found.status.progress.steps
    since, first = _number(followed.get("since")), _number(followed.get("first"))
    if followed.get("job") != found.job or since is None or first is None:
        since, first = time.time(), done
    left = time_left(since, int(first), done, steps)
    waiting = found.status.state is JobState.WAITING
    words = "Queued" if waiting else f"{done:,} of {steps:,}{left}"
    return {
        **base,
        "words": words,
        "value": str(done),
        "max": str(max(1, steps)),
        "no_progress": False,
        "idle": False,
        "pace": {"job": found.job, "since": since, "first": first},
    }


def _number(value: object) -> float | None:
    """A number that a browser brings back, of a size that any clock or count has."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST else None


def _outcome(state: ExperimentsState, found: Stand, there: Known, followed: Mapping[str, Any]) -> dict[str, Any]:
    """The figure, its pictures and numbers; nothing where they are shown already."""
    if found.product is None:
        return {"no_result": True, "no_empty": found.running}
    views = state.shown.views(found.product)
    view = view_of(state, views)
    values = state.values(there)
    progress = found.status.progress.done if found.running and found.status is not None else "all"
    listed = f"{state.experiment} {' '.join(views)}"
    shown = {"mark": f"{found.job} {progress} {view} {values.get('alike')}", "views": listed, "view": view}
    if followed.get("mark") == shown["mark"]:
        return {"shown": shown, "no_result": False, "no_empty": True}
    drawn = figure_json(state, found, view, values)
    pictures = examples_json(state, found, view) if found.finished else None
    return {
        "shown": shown,
        "no_result": False,
        "no_empty": True,
        "views": no_update if followed.get("views") == listed else view_menu(views, view),
        "figure": graph("graph", drawn, f"{state.shown.title}: {views[view]}"),
        "examples": [] if pictures is None else [BORDERS, graph("pictures", pictures, "Views at the border")],
        "numbers": numbers_table(state.shown.numbers(found.product, view, labels(state))),
        "notes": " ".join(state.shown.notes(found.product)),
    }


# ---- data ---------------------------------------------------------------------------------------------------------


def _downloading() -> None:
    @callback(
        Output(part("file"), "data"),
        Output(part("said"), "children", allow_duplicate=True),
        Input(part("csv"), "n_clicks"),
        Input(part("json"), "n_clicks"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def download(_: object, __: object, facts: object) -> tuple[Any, Any]:
        if not triggered_value():
            return no_update, no_update
        kind = "json" if ctx.triggered_id == part("json") else "csv"
        try:
            limited("exports", EXPORTS)
            there = known()
            state = state_of(facts, there)
            found = stand(state, there)
            if not found.finished:
                raise InvalidInputError("There is no result to download yet. Choose Run first.")
        except PerturberError as error:
            return no_update, str(error)
        one = state.shown
        if kind == "csv":
            content = one.csv(found.product)
        else:
            content = json.dumps(finite(one.json(found.product)), ensure_ascii=False, allow_nan=False)
        return dcc.send_string(content, f"{PAGE}-{state.experiment}.{kind}"), ""
