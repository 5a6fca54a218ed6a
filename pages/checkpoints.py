"""Checkpoints: a network in the course of its training, from its predictions down to its filters."""

from functools import partial
from typing import Any

import dash
import numpy as np
from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, html
from flask import Blueprint, Response, jsonify
from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError, OvertakenError
from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT, as_json, data_uri
from perturber.figures.training import (
    activation_multiples,
    correlations,
    errors,
    kernel_sheet,
    picture_multiples,
    probabilities,
)
from perturber.service import JobState, LookRequest, SlotRequest, Visualised
from perturber.service.comparing_works import MIN_PICTURES, VARIATION
from perturber.service.jobs import job_id
from perturber.service.training_works import ManyPictures, kept
from perturber.training import Development, Series, all_series
from perturber.ui.checkpoint_state import CheckpointState
from perturber.ui.context import service
from perturber.ui.scene_page import plane_facts, scene_page
from perturber.ui.scene_view import scene_facts
from perturber.ui.sent import client, sent_object
from perturber.ui.state import MAX_NEURONS

dash.register_page(__name__, path="/checkpoints", name="Checkpoints", title="Perturber · Checkpoints", order=3)

PAGE = "checkpoints"

FOLLOWED = 5
"""Classes whose probability is drawn."""

NONE = (
    "No model has checkpoints yet. `perturber train adversarial --base efficientnet_lite0 --data FOLDER --out runs "
    "--name robust` makes a family that this page then shows."
)

routes = Blueprint(PAGE, __name__)
"""What the page's script asks; `app.py` serves it."""


def layout(**query: str) -> html.Div:
    """The page in the state that its URL names; ``assets/checkpoints.js`` fills it."""
    series = all_series(service().settings)
    if not series:
        return html.Div(html.P(NONE, className="empty"), className="explore checkpoints")
    state, problems = CheckpointState.from_query(query, series, service().model, service().settings)
    body = [html.Div(className="panels"), html.Div(className="hint")]
    main = html.Section(
        [
            html.Div([_slot(number) for number in (0, 1)], className="models"),
            html.Section(
                [
                    html.Div(className="tabs", role="tablist"),
                    html.Div(className="tools bar"),
                    html.Div(body, className="tab-body"),
                ],
                className="tab",
            ),
        ],
        className="comparison",
    )
    caption = "What every checkpoint sees."
    facts = _facts(state, series)
    return scene_page(PAGE, state.scene, main, facts, problems=problems, caption=caption, loads_plotly=True)


def _slot(number: int) -> html.Section:
    return html.Section(
        [
            html.Div(html.H2(SLOT_NAMES[number], className="badge"), className="bar"),
            html.Div(className="slide"),
            html.Div(className="previews"),
            html.Div(className="tops"),
        ],
        className="model",
        id=f"{PAGE}-slot-{number}",
        style={"--slot": SLOT_COLOURS[number], "--slot-text": SLOT_TEXT[number]},
    )


def _facts(state: CheckpointState, series: dict[str, Series]) -> dict[str, Any]:
    """What the page's script needs to know."""
    return {
        **scene_facts(state.scene),
        "series": {name: _series_facts(found) for name, found in series.items()},
        "state": state.facts(),
        "colours": SLOT_COLOURS[:2],
        "neurons": MAX_NEURONS,
        "counts": [MIN_PICTURES, ManyPictures.most],
        "variation": VARIATION,
        "examples": service().settings.examples is not None,
    }


def _series_facts(found: Series) -> dict[str, Any]:
    info = service().model(found.name)
    return {
        "label": found.label,
        "training": found.training,
        "moments": [vars(moment) for moment in found.moments],
        "defaultLayer": info.default_layer,
        "layers": {layer.name: [layer.channels, layer.height, layer.width] for layer in info.layers.values()},
    }


# One function hears the scene's menus, keeps the state, moves the view, writes the URL and feeds the request gate.
clientside_callback(
    ClientsideFunction(PAGE, "changed"),
    Output(f"{PAGE}-state", "data"),
    Input({"type": f"{PAGE}-choice", "key": ALL}, "value"),
    State(f"{PAGE}-facts", "data"),
)


@routes.post("/checkpoints/look")
def look() -> Response:
    """The scene, and what both checkpoints make of it; those beside them are made ready."""
    data = sent_object()
    state = _asked(data)
    slots = tuple(SlotRequest(model=moment.model) for moment in state.moments)
    try:
        answer = service().look(LookRequest(scene=state.scene, slots=slots, client=client(data)))
    except OvertakenError:
        return Response(status=204)
    service().prefetch(state.neighbours)
    times = [f"{name} {slot.milliseconds:.0f} ms" for name, slot in zip(SLOT_NAMES, answer.slots, strict=False)]
    return jsonify(
        input=data_uri(answer.image),
        slots=[{"signature": slot.model, "top": [vars(score) for score in slot.top or ()]} for slot in answer.slots],
        status=" · ".join([f"Render {answer.render_ms:.0f} ms", *times, answer.device]),
        serviceMs=answer.total_ms,
        plane=plane_facts(answer.plane),
    )


@routes.post("/checkpoints/over")
def over() -> Response:
    """What the open tab shows of all checkpoints of a series: of the scene, or of the filters."""
    data = sent_object()
    state = _asked(data)
    make = {"curves": _predictions, "maps": _maps, "kernels": _kernels}.get(state.tab)
    if make is None:
        raise InvalidInputError(f"The tab {state.tab!r} asks for nothing here. Allowed: curves, maps, kernels.")
    try:
        figure, note = make(state, client(data))
    except OvertakenError:
        return Response(status=204)
    return jsonify(figure=figure and as_json(figure), note=note)


@routes.post("/checkpoints/pictures")
def pictures() -> Response:
    """Where the feature visualisations of both series stand, by series: of each checkpoint, of each channel.

    With ``order`` those of the open series are ordered, also again.
    """
    data = sent_object()
    state = _asked(data)
    found = {}
    for series in {chosen.name: chosen for chosen, _ in state.slots}.values():
        order = data.get("order") is True and series == state.series
        found[series.name] = [_pictures(state, model, order=order) for model in series.models]
    return jsonify(found)


@routes.post("/checkpoints/figure")
def figure() -> Response:
    """The feature visualisations that are there as one figure."""
    state = _asked(sent_object())
    columns = [[_picture(v) for v in _pictures(state, model, order=False)] for model in state.series.models]
    names = [f"{state.layer}:{channel}" for channel in state.channels]
    return jsonify(as_json(picture_multiples(list(zip(*columns, strict=True)), names, state.series.steps)))


@routes.post("/checkpoints/curves")
def curves() -> Response:
    """Errors from the log, and correlations with the first checkpoint as far as they are known; ``order`` begins."""
    data = sent_object()
    state = _asked(data)
    series = state.series
    try:
        drawn, note = errors(series.metrics(), series.steps), None
    except InvalidInputError as error:
        drawn, note = None, f"{error} Errors cannot be drawn without it."
    if drawn is None and note is None:
        note = f"The log {series.log.name!r} knows no errors."
    shown = {"errors": drawn and as_json(drawn), "note": note}
    request = state.development(service().model, service().settings)
    name = job_id(request)
    found = kept(request, service().settings)
    if found is not None:
        return jsonify(**shown, id=name, state="done", done=1, steps=1, error=None, **_correlations(state, found))
    if data.get("order") is True:
        service().jobs.submit(request, again=True)
    try:
        status = service().jobs.status(name)
    except InvalidInputError:  # nobody has ordered it
        return jsonify(**shown, id=name, state="none", done=0, steps=1, error=None)
    progress = {"done": status.progress.done, "steps": status.progress.steps}
    product = _correlations(state, service().jobs.product(name))
    return jsonify(**shown, id=name, state=status.state, error=status.error, **progress, **product)


def _asked(data: dict[str, Any]) -> CheckpointState:
    return CheckpointState.from_json(data, all_series(service().settings), service().model, service().settings)


def _correlations(state: CheckpointState, found: Development | None) -> dict[str, Any]:
    if found is None:
        return {}
    draw = partial(correlations, state.series.steps)
    least, most = min(found.samples.values()), max(found.samples.values())
    fewer = "" if least == most else f", {least:,} where maps are small"
    return {
        "activations": as_json(draw(found.layers, state.layer)),
        "weights": as_json(draw(found.weights, _weights_of(state.layer, found))),
        "samples": f"{found.pictures} pictures, {most:,} values of each channel{fewer}",
    }


def _weights_of(layer: str, found: Development) -> str | None:
    """The layer with weights of this name, or the first one inside it."""
    return next((name for name in found.weights if name == layer or name.startswith(f"{layer}.")), None)


def _pictures(state: CheckpointState, model: str, *, order: bool) -> list[dict[str, Any]]:
    """Of each channel; a checkpoint that cannot be loaded says why, and the others are shown."""
    try:
        found = service().visualise(model, state.targets, state.recipe, order=order, again=order)
    except InvalidInputError as error:
        return [{"key": None, "state": "failed", "done": 0, "steps": 1, "job": None, "error": str(error)}] * len(
            state.channels
        )
    return [_visualised(one) for one in found]


def _visualised(found: Visualised) -> dict[str, Any]:
    absent = found.state is JobState.WAITING and found.job is None
    progress = {"done": found.progress.done, "steps": found.progress.steps}
    return {
        "key": found.key,
        "state": "none" if absent else found.state,
        "job": found.job,
        "error": found.error,
        **progress,
    }


def _picture(found: dict[str, Any]) -> np.ndarray | None:
    made = service().visualisations.pictures(found["key"]) if found["state"] == "done" else None
    return None if made is None else made[0]


def _seen(state: CheckpointState, who: str | None, **slot: Any) -> tuple:
    """What each checkpoint of the open series makes of the scene."""
    slots = tuple(SlotRequest(model=model, **slot) for model in state.series.models)
    # Whoever follows the page follows this, too: what an older request asked for is overtaken.
    return service().look(LookRequest(scene=state.scene, slots=slots, client=f"{who} over")).slots


def _predictions(state: CheckpointState, who: str | None) -> tuple[Figure, str]:
    tops = [slot.top for slot in _seen(state, who)]
    best: dict[int, float] = {}
    for score in (score for top in tops for score in top):
        best[score.index] = max(best.get(score.index, 0.0), score.probability)
    classes = tuple(sorted(best, key=lambda index: -best[index])[:FOLLOWED])
    seen = [slot.pinned for slot in _seen(state, who, predictions=False, pinned=classes)]
    values = np.array([[score.probability for score in scores] for scores in seen])
    return probabilities(state.series.steps, [score.name for score in seen[0]], values), ""


def _maps(state: CheckpointState, who: str | None) -> tuple[Figure, str]:
    seen = _seen(state, who, layer=state.layer, channels=state.channels, predictions=False)
    maps = np.stack([slot.activations for slot in seen])
    note = "Red: excitation, blue: inhibition. The colours of a row end at its largest value, written at its left."
    return activation_multiples(maps, state.channels, state.series.steps), note


def _kernels(state: CheckpointState, _: str | None) -> tuple[Figure | None, str]:
    found = [service().kernels(model) for model in state.series.models]
    first = found[0]
    if first is None:
        return None, f"{state.series.label} has no convolution that looks at the picture itself."
    known = np.stack([kernels for kernels in found if kernels is not None])
    scale, moved = float(np.abs(known).max()), known - known[0]
    change = float(np.abs(moved).max())
    rows = [[kernel_sheet(one, scale) for one in known], [kernel_sheet(one, change) for one in moved]]
    names = [f"filters<br>± {scale:.2g}", f"change since<br>step {state.series.steps[0]}<br>± {change:.2g}"]
    note = (
        f"The {len(first)} filters of the first convolution, weights as RGB: grey is 0, white and black are "
        f"± {scale:.2g}, the largest weight of all checkpoints (second row: ± {change:.2g}, the largest change)."
    )
    return picture_multiples(rows, names, state.series.steps), note
