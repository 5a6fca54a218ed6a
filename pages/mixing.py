"""Mixing: edit a model's weights with those of another, or switch its filters off, and see what it then predicts."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, html
from flask import Blueprint, Response, jsonify, request

from perturber import zoo
from perturber.attack import Attack
from perturber.editing import LEVELS, Edit, load_edit
from perturber.errors import InvalidInputError, OvertakenError
from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT, as_json, compatibility, data_uri, scanned
from perturber.service import JobStatus, LookRequest, SaveRequest, ScanRequest, SlotRequest
from perturber.service.editing_works import check_name
from perturber.ui.context import service
from perturber.ui.mixing_state import MixingState, edit_facts, read_level
from perturber.ui.scene_page import plane_facts, scene_page
from perturber.ui.scene_view import scene_facts
from perturber.ui.sent import client, sent_object

dash.register_page(__name__, path="/mixing", name="Mixing", title="Perturber · Mixing", order=2)

PAGE = "mixing"

COLUMNS = (0, 2, 1)
"""Slots as they stand side by side: Model 1, Edited, Model 2."""

routes = Blueprint(PAGE, __name__)


def layout(**query: str) -> html.Div:
    """The page in the state that its URL names."""
    known = zoo.entries(service().settings)
    architectures = {name: known[name].architecture for name in service().models() if name in known}
    state, problems = MixingState.from_query(query, architectures, service().model)
    main = html.Section(
        [
            html.Div(className="bar editing"),
            html.Div(
                [html.Div(className="units card"), html.Div(_columns(), className="outcomes")], className="editor"
            ),
            html.Div([html.Div(className="bar scanning"), html.Div(className="figure")], className="card scan"),
        ],
        className="weights",
    )
    return scene_page(
        PAGE,
        state.scene,
        main,
        _facts(state),
        problems=problems,
        caption="Exactly what the networks see, 224 × 224, drawn by the service.",
        loads_plotly=True,
    )


def _columns() -> list[html.Section]:
    return [
        html.Section(
            [
                html.H2(SLOT_NAMES[number], className="badge"),
                html.P(className="name"),
                html.Div(html.Div(className="bars"), className="figure"),
            ],
            className="outcome",
            id=f"{PAGE}-outcome-{number}",
            style={"--slot": SLOT_COLOURS[number], "--slot-text": SLOT_TEXT[number]},
        )
        for number in COLUMNS
    ]


def _facts(state: MixingState) -> dict[str, Any]:
    infos = service().models()
    return {
        **scene_facts(state.scene),
        "models": {name: info.label for name, info in infos.items()},
        "edit": state.facts(),
        "levels": LEVELS,
        "examples": service().settings.examples is not None,
    }


clientside_callback(
    ClientsideFunction("mixing", "changed"),
    Output(f"{PAGE}-state", "data"),
    Input({"type": f"{PAGE}-choice", "key": ALL}, "value"),
    State(f"{PAGE}-facts", "data"),
)


@routes.post("/mixing/look")
def look() -> Response:
    """What Model 1, Model 2 (not where only Model 1 is pruned) and the edited model make of the scene."""
    data = sent_object()
    state = MixingState.from_json(data)
    models = (state.edit.first, state.edit.second, str(state.edit))
    slots = tuple(SlotRequest(model=model) for model in models if model is not None)
    try:
        answer = service().look(LookRequest(scene=state.scene, slots=slots, client=client(data)))
    except OvertakenError:
        return Response(status=204)
    answers = iter(answer.slots)
    shown = [None if model is None else next(answers) for model in models]
    networks = [f"{name} {slot.milliseconds:.0f} ms" for name, slot in zip(SLOT_NAMES, shown, strict=True) if slot]
    return jsonify(
        input=data_uri(answer.image),
        slots=[slot and {"signature": slot.model, "top": [vars(s) for s in slot.top or ()]} for slot in shown],
        status=" · ".join([f"Render {answer.render_ms:.0f} ms", *networks, answer.device]),
        serviceMs=answer.total_ms,
        plane=plane_facts(answer.plane),
    )


@routes.get("/mixing/units")
def units() -> Response:
    """The units of one model, or of two that can be mixed, in forward order."""
    first, second = request.args.get("first", ""), request.args.get("second") or None
    return jsonify(service().units(first, second, read_level(request.args.get("level", "stage"))))


@routes.post("/mixing/scan")
def scan() -> Response:
    """Order a compatibility scan of the two models."""
    data = sent_object()
    state = MixingState.from_json(data)
    service().units(state.edit.first, state.second)  # says why they cannot be mixed
    fingerprints = tuple(service().model(name).fingerprint for name in (state.edit.first, state.second))
    return _job(
        service().jobs.submit(
            ScanRequest(
                first=state.edit.first,
                second=state.second,
                scene=state.scene,
                folder=_examples() if data.get("folder") is True else None,
                fingerprints=fingerprints,
                level=state.level,
                reverse=data.get("reverse") is True,
                attack=Attack.parse(str(data["attack"])) if data.get("attack") else None,
            )
        )
    )


@routes.post("/mixing/save")
def save() -> Response:
    """Order that an edit is kept as a model of the user's own."""
    data = sent_object()
    edit, name = Edit.parse(str(data.get("edit"))), data.get("name")
    service().model(str(edit))  # says why it cannot be made
    if not isinstance(name, str):
        raise InvalidInputError("A request must hold the new model's name.")
    check_name(name, service().settings)
    folder = _examples() if data.get("recalibrate") is True else None
    # One that was saved under this name, and removed since, is saved once more.
    return _job(service().jobs.submit(SaveRequest(edit=str(edit), name=name, recalibrate=folder), again=True))


@routes.get("/mixing/job/<name>")
def job(name: str) -> Response:
    """Where a job of this page stands, with its figure as far as it has come."""
    return _job(service().jobs.status(name))


@routes.get("/mixing/saved")
def saved() -> Response:
    """The edits that were kept, newest first."""
    folder = service().settings.data / "edits"
    found = []
    for name in service().models():
        path = folder / f"{name}.safetensors"
        row = _saved(path, path.stat().st_mtime_ns) if path.is_file() else None
        if row is not None:
            found.append({"name": name, **row})
    return jsonify(sorted(found, key=lambda row: row["date"], reverse=True))


@lru_cache(256)
def _saved(path: Path, changed: int) -> dict[str, Any] | None:
    """What was done to the weights in a file (as it is since `changed`), and when; None where it does not say so."""
    try:
        edit, _, provenance = load_edit(path)
    except InvalidInputError:
        return None
    return None if edit is None else {**edit_facts(edit), "date": provenance.date, "text": str(edit)}


def _job(status: JobStatus) -> Response:
    product = service().jobs.product(status.id)
    figure = compatibility(product) if product is not None and hasattr(product, "margin") and scanned(product) else None
    return jsonify(
        job=status.id,
        title=status.title,
        state=status.state,
        done=status.progress.done,
        steps=status.progress.steps,
        error=status.error,
        figure=figure and as_json(figure),
        model=product if isinstance(product, str) else None,
    )


def _examples() -> Path:
    folder = service().settings.examples
    if folder is None:
        raise InvalidInputError("No folder of pictures is set. Set PERTURBER_EXAMPLES, then start again.")
    return folder
