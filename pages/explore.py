"""Explore: change a scene and watch what happens in two networks, from the picture to the prediction."""

import base64
import io
from dataclasses import replace
from typing import Any

import dash
import numpy as np
from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, html
from flask import Blueprint, Response, jsonify
from PIL import Image

from perturber.errors import InvalidInputError, OvertakenError, UnknownNameError
from perturber.figures import (
    DIVERGING,
    GAP,
    SIGMAS,
    SLOT_COLOURS,
    SLOT_NAMES,
    ChannelMeans,
    activation_mosaic,
    as_json,
    cam_picture,
    channel_summary,
    data_uri,
    gradient_picture,
    mosaic,
    prediction_bars,
)
from perturber.service import Look, ModelInfo, SlotLook
from perturber.service.checks import check_classes
from perturber.ui.attack_routes import attack_facts
from perturber.ui.context import service
from perturber.ui.neuron_routes import class_examples, sheet
from perturber.ui.scene_page import plane_facts, scene_page
from perturber.ui.scene_view import scene_facts
from perturber.ui.sent import client, sent_json
from perturber.ui.slots import slot_frame
from perturber.ui.state import MAX_NEURONS, ExploreState
from perturber.ui.view import MAX_PINNED, View
from perturber.zoo.receptive_field import Span

dash.register_page(__name__, path="/", name="Explore", title="Perturber · Explore", order=0)

PAGE = "explore"

routes = Blueprint(PAGE, __name__)
"""What the page's script asks; `app.py` serves it."""


def layout(**query: str) -> html.Div:
    """The page in the state that its URL names."""
    state, problems = ExploreState.from_query(query, service().model)
    state, unknown = _without_unknown_classes(state)
    models = service().models()
    examples = _examples_problem(models)
    problems += unknown + examples
    main = html.Section(
        [
            html.Div(
                [
                    html.Div([html.H1("Neurons"), html.Span(className="display")]),
                    html.Div([html.H1("Predictions"), html.Span(className="pinning")]),
                ],
                className="headings",
            ),
            *(slot_frame(PAGE, n, slot, _models(state)) for n, slot in enumerate(state.slots)),
            html.Section(className="attack-figures", hidden=True),
            html.Section(className="drawer"),
        ],
        className="slots",
    )
    reference = html.Button(
        "Reference",
        className="quiet reference",
        title="Make this scene the reference: which neurons change most from it?",
    )
    return scene_page(
        PAGE,
        state.scene,
        main,
        _facts(state, examples=service().settings.examples is not None and not examples),
        problems=problems,
        caption="Exactly what the networks see, 224 × 224, drawn by the service.",
        over_input=[html.Canvas(className="overlay"), html.Div(className="field")],
        buttons=[reference],
        above_parameters=[html.Details(className="attack")],
    )


def _facts(state: ExploreState, *, examples: bool) -> dict[str, Any]:
    """What the page's script needs to know; everything else it reads from the controls."""
    return {
        **scene_facts(state.scene),
        "models": {name: _model_facts(info) for name, info in _models(state).items()},
        "classes": {info.class_list: info.classes for info in service().models().values()},
        "slots": [{"vacant": slot is None, "hidden": slot is not None and slot.hidden} for slot in state.slots],
        "slotNames": SLOT_NAMES,
        "slotColours": SLOT_COLOURS,
        "view": state.view.as_dict(),
        "viewDefaults": View().as_dict(),
        "maxPinned": MAX_PINNED,
        "gap": GAP,
        "diverging": DIVERGING,
        "examples": examples,
        **state.attack.facts(),
        "neurons": MAX_NEURONS,
    }


def _without_unknown_classes(state: ExploreState) -> tuple[ExploreState, list[str]]:
    """The state of a link without classes that its models do not have, and a sentence for each option that had some."""
    problems = []
    explain = state.view.explain
    explained = (explain,) if isinstance(explain, int) else ()
    for option, classes in (("pinned", state.view.pinned), ("explain", explained)):
        try:
            for slot in filter(None, state.slots):
                check_classes(service().model(slot.model), classes)
        except InvalidInputError as error:
            problems.append(str(error))
            view = replace(state.view, **{option: getattr(View(), option)})
            state = state.model_copy(update={"view": view})
    return state, problems


def _examples_problem(models: dict[str, ModelInfo]) -> list[str]:
    """A sentence if the configured folder of example pictures cannot be used; their place is taken then."""
    try:
        for class_list in {info.class_list for info in models.values()}:
            class_examples(class_list)
    except InvalidInputError as error:
        return [str(error)]
    return []


def _models(state: ExploreState) -> dict[str, ModelInfo]:
    """Every model that can be chosen, and those edited ones that are shown."""
    shown = {slot.model: service().model(slot.model) for slot in state.slots if slot is not None}
    return {**service().models(), **shown}


def _model_facts(info: ModelInfo) -> dict[str, Any]:
    """A model's layers: channels, height, width, and the receptive field along rows and columns."""

    def span(one: Span) -> list[int]:
        return [one.start, one.size, one.stride]

    return {
        "label": info.label,
        "defaultLayer": info.default_layer,
        "layers": {
            layer.name: [
                layer.channels,
                layer.height,
                layer.width,
                layer.field and [span(layer.field.rows), span(layer.field.columns)],
            ]
            for layer in info.layers.values()
        },
        "groups": {layer: {g.name: g.channels for g in groups} for layer, groups in info.groups.items()},
        "classList": info.class_list,
        "inputSize": info.input_size,
    }


def _slot(what: str) -> dict[str, Any]:
    return {"type": f"{PAGE}-slot-{what}", "slot": ALL}


# One function hears every menu and switch, keeps the state, moves the view, writes the URL and feeds the request gate.
clientside_callback(
    ClientsideFunction("explore", "changed"),
    Output(f"{PAGE}-state", "data"),
    Input({"type": f"{PAGE}-choice", "key": ALL}, "value"),
    Input(_slot("model"), "value"),
    Input(_slot("layer"), "value"),
    Input(_slot("count"), "value"),
    Input(_slot("channels"), "value"),
    Input(_slot("back"), "n_clicks"),
    Input(_slot("on"), "n_clicks"),
    Input(_slot("show-activations"), "value"),
    Input(_slot("show-predictions"), "value"),
    State(f"{PAGE}-facts", "data"),
)


@routes.post("/explore/look")
def look() -> Response:
    """One request of a page → everything that the page shows, all from one answer of the service.

    Not a Dash callback but a plain request: the page asks ten times a second, and Dash's own way through its store
    and React costs more time than the figures. Errors are answered like a callback's (see ``app.py``).
    """
    state, asked = _asked()
    drawn = asked.get("drawn")
    try:
        answer = service().look(state.request(client(asked)))
    except OvertakenError:
        return Response(status=204)
    slots: list[dict[str, Any] | None] = [None] * len(state.slots)
    summary = []
    for number, slot in zip(state.shown, answer.slots, strict=True):
        known = isinstance(drawn, list) and drawn[number : number + 1] == [_signature(slot)]
        slots[number] = _slot_answer(slot, answer.image, known)
        if slot.means is not None:
            summary.append(ChannelMeans(number, slot.layer or "", slot.means))
    return jsonify(
        input=data_uri(answer.image),
        slots=slots,
        summary=as_json(channel_summary(summary)) if summary else None,
        status=_status(answer, list(state.shown)),
        serviceMs=answer.total_ms,
        plane=plane_facts(answer.plane),
        attack=answer.attack
        and attack_facts(
            answer.attack,
            [SLOT_NAMES[n] for n, s in state.shown.items() if s.predictions],
            asked.get("attack_layers_drawn"),
        ),
    )


@routes.post("/explore/figure")
def paper_figure() -> Response:
    """A slot's activations or predictions as a labelled Plotly figure, for saving."""
    state, asked = _asked()
    number = asked.get("slot")
    if type(number) is not int or number not in state.shown:
        raise UnknownNameError("slot", number, [str(n) for n in state.shown])
    answer = service().look(state.request(None))
    slots = dict(zip(state.shown, answer.slots, strict=True))
    slot = slots[number]
    if asked.get("what") != "activations" or slot.activations is None:
        return jsonify(as_json(prediction_bars(slot.top or (), slot=number)))
    deviations = [s.deviation for s in slots.values()] if state.view.shared else [slot.deviation]
    scale = SIGMAS * max(deviations) if state.view.divisor is None else 10**state.view.divisor
    pictures: list[np.ndarray | None] = []
    if state.view.cards == "visualisation":
        targets = state.view.targets(slot.layer or "", slot.channels)
        found = service().visualise(slot.model, targets, state.view.recipe)
        made = [service().visualisations.pictures(v.key) for v in found]
        pictures = [None if picture is None else sheet(list(picture), columns=2) for picture in made]
    figure = activation_mosaic(slot.activations, slot.channels, scale=scale, pictures=pictures, paper=True)
    return jsonify(as_json(figure))


def _asked() -> tuple[ExploreState, dict[str, Any]]:
    """The state that a request holds, and all that it holds."""
    data = sent_json()
    return ExploreState.from_json(data, service().model), data


def _slot_answer(slot: SlotLook, image: np.ndarray, drawn: bool) -> dict[str, Any]:
    """What the page needs to draw one slot; of a figure that it has drawn before only what has changed."""
    result: dict[str, Any] = {"signature": _signature(slot), "top": None, "scale": None, "explanation": None}
    if slot.activations is not None:
        scale = SIGMAS * slot.deviation
        result["scale"] = scale
        if drawn:
            z = mosaic(slot.activations)
            result["z"] = {"data": base64.b64encode(z.tobytes()).decode(), "rows": z.shape[0]}
        else:
            figure = activation_mosaic(slot.activations, slot.channels, scale=scale)
            result["figure"] = as_json(figure)
    if slot.top is not None:
        result["top"] = [vars(score) for score in slot.top]
    result["pinned"] = [vars(score) for score in slot.pinned]
    if slot.explanation is not None:
        result["explanation"] = {
            "class": slot.explanation.score.name,
            "cam": _jpeg(cam_picture(image, slot.explanation.cam)),
            "gradient": _jpeg(gradient_picture(slot.explanation.gradient)),
        }
    return result


def _signature(slot: SlotLook) -> str:
    """Tells which figure is drawn: the same signature, the same figure but for its values."""
    return f"{slot.model} {slot.layer} {','.join(map(str, slot.channels))}"


def _status(answer: Look, numbers: list[int]) -> str:
    networks = [f"{SLOT_NAMES[n]} {slot.milliseconds:.0f} ms" for n, slot in zip(numbers, answer.slots, strict=True)]
    parts = [f"Render {answer.render_ms:.0f} ms", *networks, f"service {answer.total_ms:.0f} ms", answer.device]
    if answer.plane and not answer.plane.finished:
        parts.insert(0, f"Feature visualisation: step {answer.plane.done} of {answer.plane.steps}")
    return " · ".join(parts)


def _jpeg(picture: np.ndarray) -> str:
    """A picture for the page, which is drawn anew with every answer, in a ``data:`` address."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=90)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
