"""Explore: change a scene and watch what happens in two networks, from the picture to the prediction."""

import base64
import io
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, clientside_callback, dcc, html
from PIL import Image

from perturber.errors import OvertakenError
from perturber.figures import SIGMAS, SLOT_COLOURS, activation_mosaic, empty_figure, prediction_bars
from perturber.parameters import PARAMETERS, Number
from perturber.service import Look, SlotLook
from perturber.ui.context import service
from perturber.ui.parameter_panel import parameter_panel
from perturber.ui.scene_view import camera_facts, scene_view
from perturber.ui.slots import slot_frame
from perturber.ui.state import MAX_NEURONS, ExploreState

dash.register_page(__name__, path="/", name="Explore", title="Perturber · Explore", order=0)

PAGE = "explore"


def layout(**query: str) -> html.Div:
    """The page in the state that its URL names."""
    state, problems = ExploreState.from_query(query, service().model)
    models = service().models()
    return html.Div(
        [
            html.Div(
                problems and [html.P(p) for p in problems], id=f"{PAGE}-problems", className="problems", role="alert"
            ),
            html.Div(
                [
                    html.Section([_pictures(), parameter_panel(PAGE, state.scene)], className="scene"),
                    html.Section(
                        [
                            html.Div([html.H1("Neurons"), html.H1("Predictions")], className="headings"),
                            *(slot_frame(PAGE, n, slot, models) for n, slot in enumerate(state.slots)),
                        ],
                        className="slots",
                    ),
                ],
                className="columns",
            ),
            html.Footer([html.Span(id=f"{PAGE}-status"), html.Span(id=f"{PAGE}-rate")], className="status"),
            dcc.Store(id=f"{PAGE}-facts", data=_facts(state)),
            dcc.Store(id=f"{PAGE}-state"),
            dcc.Store(id=f"{PAGE}-request"),
            dcc.Store(id=f"{PAGE}-answer"),
            dcc.Store(id=f"{PAGE}-drawn"),
        ],
        className="explore",
        id=PAGE,
    )


def _pictures() -> html.Div:
    return html.Div(
        [
            html.Figure([html.H1("Scene"), scene_view(PAGE)]),
            html.Figure(
                [
                    html.H1("Model input"),
                    html.Img(id=f"{PAGE}-input", width=224, height=224, alt="The picture that the networks see"),
                    html.Figcaption(
                        [
                            "Exactly what the networks see, 224 × 224, drawn by the service.",
                            html.Button("Save", id=f"{PAGE}-save-input", className="quiet", title="Save as PNG"),
                        ]
                    ),
                ]
            ),
        ],
        className="pictures",
    )


def _facts(state: ExploreState) -> dict[str, Any]:
    """What the page's script needs to know; everything else it reads from the controls."""
    return {
        "scene": state.scene.as_dict(),
        "defaults": {key: parameter.default for key, parameter in PARAMETERS.items()},
        "limits": {
            key: [parameter.minimum, parameter.maximum, parameter.periodic]
            for key, parameter in PARAMETERS.items()
            if isinstance(parameter, Number)
        },
        "models": {
            name: {
                "defaultLayer": info.default_layer,
                "layers": {layer.name: [layer.channels, layer.height, layer.width] for layer in info.layers.values()},
            }
            for name, info in service().models().items()
        },
        "neurons": MAX_NEURONS,
        "camera": camera_facts(),
    }


def _slot(what: str) -> dict[str, Any]:
    return {"type": f"{PAGE}-slot-{what}", "slot": ALL}


# One function hears every control, keeps the state, moves the view, writes the URL and hands the state to the gate.
clientside_callback(
    ClientsideFunction("explore", "changed"),
    Output(f"{PAGE}-state", "data"),
    Input({"type": f"{PAGE}-range", "key": ALL}, "value"),
    Input({"type": f"{PAGE}-number", "key": ALL}, "value"),
    Input({"type": f"{PAGE}-choice", "key": ALL}, "value"),
    Input({"type": f"{PAGE}-reset", "key": ALL}, "n_clicks"),
    Input(f"{PAGE}-reset-all", "n_clicks"),
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

clientside_callback(
    ClientsideFunction("explore", "answered"),
    Output(f"{PAGE}-drawn", "data"),
    Input(f"{PAGE}-answer", "data"),
    prevent_initial_call=True,
)


@dash.callback(
    Output(f"{PAGE}-input", "src"),
    Output(_slot("activations"), "figure"),
    Output(_slot("predictions"), "figure"),
    Output(_slot("scale"), "children"),
    Output(f"{PAGE}-status", "children"),
    Output(f"{PAGE}-answer", "data"),
    Input(f"{PAGE}-request", "data"),
    prevent_initial_call=True,
)
def look(request: dict[str, Any] | None) -> tuple:
    """One request of a page → everything that the page shows, all from one answer of the service."""
    state = ExploreState.from_json(request, service().model)
    client = str((request or {}).get("client"))[:64]
    try:
        answer = service().look(state.request(client))
    except OvertakenError as error:
        raise dash.exceptions.PreventUpdate from error
    slots = answer.slots
    echo = {"sequence": (request or {}).get("sequence"), "serviceMs": answer.total_ms}
    return (
        _png(answer),
        [_activations(slot) for slot in slots],
        [_predictions(slot, SLOT_COLOURS[n]) for n, slot in enumerate(slots)],
        [_scale(slot) for slot in slots],
        _status(answer),
        echo,
    )


def _activations(slot: SlotLook) -> Any:
    if slot.activations is None:
        return empty_figure("Activations are switched off")
    return activation_mosaic(slot.activations, slot.channels, scale=SIGMAS * slot.deviation)


def _predictions(slot: SlotLook, colour: str) -> Any:
    if slot.top is None:
        return empty_figure("Predictions are switched off")
    return prediction_bars(slot.top, colour=colour)


def _scale(slot: SlotLook) -> Any:
    if slot.activations is None:
        return ""
    end = SIGMAS * slot.deviation
    return [
        html.Span(f"−{end:.3g}"),
        html.Span(className="colours", title=f"{SIGMAS:g} standard deviations of the whole layer's activations"),
        html.Span(f"+{end:.3g}"),
    ]


def _status(answer: Look) -> str:
    networks = [f"Model {n} {slot.milliseconds:.0f} ms" for n, slot in enumerate(answer.slots, 1)]
    parts = [f"Render {answer.render_ms:.0f} ms", *networks, f"service {answer.total_ms:.0f} ms", answer.device]
    return " · ".join(parts)


def _png(answer: Look) -> str:
    file = io.BytesIO()
    Image.fromarray(answer.image).save(file, format="PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
