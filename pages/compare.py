"""Compare: two to four networks side by side over one scene, from their predictions down to single channels."""

from dataclasses import replace
from typing import Any

import dash
import numpy as np
from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, html
from flask import Blueprint, Response, jsonify

from perturber.editing import Edit
from perturber.errors import InvalidInputError
from perturber.experiments import Similarity
from perturber.figures import SIGMAS, as_json, data_uri
from perturber.figures.comparison import (
    begins,
    cka_heatmap,
    column_colours,
    correlation_heatmap,
    difference_mosaic,
    divergence_lines,
)
from perturber.service import ModelInfo
from perturber.service.comparing import MAX_MODELS, Column, Comparison
from perturber.service.comparing_works import MAX_PICTURES, MIN_PICTURES, VARIATION, Correlation
from perturber.service.jobs import job_id
from perturber.ui.compare_state import CompareState, model_name, unlike
from perturber.ui.context import service
from perturber.ui.scene_page import plane_facts, scene_page
from perturber.ui.scene_view import scene_facts
from perturber.ui.sent import sent_json
from perturber.ui.state import MAX_NEURONS
from perturber.ui.view import MAX_PINNED

dash.register_page(__name__, path="/compare", name="Compare", title="Perturber · Compare", order=1)

PAGE = "compare"

routes = Blueprint(PAGE, __name__)
"""What the page's script asks; `app.py` serves it."""


def layout(**query: str) -> html.Div:
    """The page in the state that its URL names; ``assets/compare.js`` fills it."""
    state, problems = CompareState.from_query(query, service().model)
    main = html.Section(
        [
            html.Div([html.H1("Models"), html.Span(className="model-tools")], className="models-title"),
            html.Div(className="models"),
            html.Section(
                [
                    html.Div(className="tabs", role="tablist"),
                    html.Div(className="tools bar"),
                    html.Div(
                        [
                            html.Div(
                                [html.Div(className="plot"), html.Div(className="hint"), html.Span(className="save")],
                                className="figure",
                            ),
                            html.Aside(className="aside"),
                        ],
                        className="tab-body",
                    ),
                ],
                className="tab",
            ),
        ],
        className="comparison",
    )
    return scene_page(
        PAGE,
        state.scene,
        main,
        _facts(state),
        problems=problems,
        caption="What every network sees.",
        loads_plotly=True,
    )


def _facts(state: CompareState) -> dict[str, Any]:
    """What the page's script needs to know."""
    infos = service().models() | {name: service().model(name) for name in state.models}
    return {
        **scene_facts(state.scene),
        "models": {name: _model_facts(info) for name, info in infos.items()},
        "classes": {info.class_list: info.classes for info in infos.values()},
        "state": state.model_dump(exclude={"scene"}),
        "colours": [column_colours([bool(bits >> n & 1) for n in range(MAX_MODELS)]) for bits in range(2**MAX_MODELS)],
        "maxModels": MAX_MODELS,
        "maxPinned": MAX_PINNED,
        "neurons": MAX_NEURONS,
        "pictures": [MIN_PICTURES, MAX_PICTURES],
        "variation": VARIATION,
        "examples": service().settings.examples is not None,
    }


def _model_facts(info: ModelInfo) -> dict[str, Any]:
    return {
        "label": info.label,
        "edit": Edit.is_edit(info.name),
        "defaultLayer": info.default_layer,
        "layers": {layer.name: [layer.channels, layer.height, layer.width] for layer in info.layers.values()},
        "classList": info.class_list,
    }


# One function hears the scene's menus, keeps the state, moves the view, writes the URL and feeds the request gate.
clientside_callback(
    ClientsideFunction("compare", "changed"),
    Output(f"{PAGE}-state", "data"),
    Input({"type": f"{PAGE}-choice", "key": ALL}, "value"),
    State(f"{PAGE}-facts", "data"),
)


@routes.post("/compare/look")
def look() -> Response:
    """One state of a page → what every network makes of it, and the figure of the open tab."""
    state = _asked()
    answer = service().compare(state.request())
    infos = [service().model(name) for name in state.models]
    figure, note, most = _figure(state, answer, infos)
    times = [f"model {n}: {column.milliseconds:.0f} ms" for n, column in enumerate(answer.columns, 1)]
    return jsonify(
        input=data_uri(answer.image),
        slots=[_column(column) for column in answer.columns],
        figure=figure,
        note=note,
        most=most,
        status=" · ".join([f"Render {answer.render_ms:.0f} ms", *times, f"service in all {answer.total_ms:.0f} ms"]),
        serviceMs=answer.total_ms,
        plane=plane_facts(answer.plane),
    )


@routes.post("/compare/job")
def job() -> Response:
    """Where the open tab's computation stands; ``order`` begins it. Its id follows from the state alone."""
    data = sent_json()
    state = _asked()
    request = state.job(service().model)
    if state.pictures == "scene" and state.scene.plane:
        plane = service().plane(state.scene.plane_neuron)
        request = replace(request, batch=replace(request.batch, plane=plane))
    name = job_id(request)
    if data.get("order") is True:
        service().jobs.submit(request)
    try:
        status = service().jobs.status(name)
    except InvalidInputError:  # nobody has ordered it
        return jsonify(id=name, state="none", done=0, steps=1, error=None, figure=None, note=None)
    have = f"{name} {status.progress.done} {state.matched}"
    product = service().jobs.product(name)
    figure, note = (None, None) if product is None or data.get("have") == have else _result(state, product)
    return jsonify(
        id=name,
        state=status.state,
        done=status.progress.done,
        steps=status.progress.steps,
        error=status.error,
        have=have,
        figure=figure,
        note=note,
    )


@routes.post("/compare/model")
def model() -> Response:
    """A model that the user has named, or an edit by its text: its canonical name, and what is known of it."""
    data = sent_json()
    if not isinstance(data, dict) or not isinstance(data.get("model"), str):
        raise InvalidInputError("A request must hold the name of a model.")
    info = service().model(model_name(data["model"]))
    return jsonify(name=info.name, facts=_model_facts(info), classes={info.class_list: info.classes})


def _asked() -> CompareState:
    return CompareState.from_json(sent_json(), service().model)


def _column(column: Column) -> dict[str, Any]:
    return {
        "signature": None,  # nothing of a column is kept from one answer to the next
        "top": [vars(score) for score in column.top],
        "pinned": [vars(score) for score in column.pinned],
        "agreement": column.agreement and vars(column.agreement),
    }


def _figure(state: CompareState, answer: Comparison, infos: list[ModelInfo]) -> tuple[Any, str | None, list]:
    """The open tab's figure, a sentence about it or why there is none, and the channels that differ most."""
    a, b = infos[state.a - 1], infos[state.b - 1]
    if state.tab == "channels":
        if answer.maps is None:
            return None, unlike(a, b), []
        maps = answer.maps
        scale = SIGMAS * maps.deviation
        figure = difference_mosaic(
            maps.a, maps.b, state.channels, scale=scale, names=(a.label, b.label), layer=state.layer
        )
        note = None if maps.most[0][1] > 0 else f"A and B do not differ at {state.layer} for this picture."
        return as_json(figure), note, [list(pair) for pair in maps.most]
    if state.tab != "depth":
        return None, None, []
    if not answer.depth:
        return None, unlike(a, b), []
    names = [f"{n} · {info.label}" for n, info in enumerate(infos, 1)]
    colours = column_colours([Edit.is_edit(info.name) for info in infos])
    sentences = []
    for number, found in answer.depth.items():
        first = begins(found)
        sentences.append(
            f"{names[number]} differs from A from {first} on." if first else f"{names[number]} never differs from A."
        )
    left_out = [names[n] for n in range(len(infos)) if n not in answer.depth and n != state.a - 1]
    if left_out:
        sentences.append(f"Not shown, for another architecture: {', '.join(left_out)}.")
    figure = divergence_lines(answer.depth, names, colours)
    return as_json(figure), "\n".join(sentences), []


def _result(state: CompareState, product: Similarity | Correlation) -> tuple[Any, str]:
    """A job's figure, and what it says as a sentence."""
    labels = tuple(service().model(name).label for name in state.pair)
    names = (labels[0], labels[1])
    if isinstance(product, Similarity):
        best = [found for found in map(_best_layer(product), range(len(product.rows))) if found is not None]
        aligned = sum(row == product.columns[column] for row, column in best)
        note = f"{product.count} pictures. " + (
            f"{aligned} of {len(best)} layers of A are most alike to the layer of B with the same name." if best else ""
        )
        return as_json(cka_heatmap(product, names)), note
    figure = correlation_heatmap(product.matrix, names, (state.layer, state.other), matched=state.matched)
    same = product.same
    note = (
        f"{same.count} of {len(same.diagonal)} channels correlate most with the channel of the same index "
        f"({product.count} pictures)."
    )
    dead = int(np.isnan(product.matrix).all(1).sum())
    if dead:
        note += f" {dead} channels of A never change." if dead > 1 else " One channel of A never changes."
    return as_json(figure), note


def _best_layer(found: Similarity) -> Any:
    """Row → its layer and the column that is most alike to it; None where nothing is known."""

    def best(row: int) -> tuple[str, int] | None:
        values = found.cka[row]
        return None if np.isnan(values).all() else (found.rows[row], int(np.nanargmax(values)))

    return best
