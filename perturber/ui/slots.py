"""A model slot: everything that belongs to one network, in a frame of its colour."""

from typing import Any

from dash import dcc, html

from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT, empty_figure
from perturber.service import ModelInfo
from perturber.ui.attributes import attributes
from perturber.ui.state import MAX_NEURONS, SlotState

GRAPH_CONFIG: Any = {"displayModeBar": False, "doubleClick": False, "responsive": True}


def slot_frame(page: str, number: int, slot: SlotState | None, models: dict[str, ModelInfo]) -> html.Section:
    """The frame of one slot; controls have ids ``{"type": "<page>-slot-<what>", "slot": number}``.

    Args:
        slot: what it shows, or None for an empty slot, which folds up to its title.
    """

    def at(what: str) -> dict[str, Any]:
        return {"type": f"{page}-slot-{what}", "slot": number}

    title = SLOT_NAMES[number]
    shown = slot or SlotState.default(next(iter(models.values())))
    name = title.lower().replace(" ", "-")
    neurons = html.Div(
        [
            html.Div(
                [
                    html.H2(title, className="badge"),
                    html.P(
                        ["Empty until weights are edited: ", dcc.Link("Mixing", href="/mixing")], className="vacancy"
                    ),
                    _menu(
                        at("model"), [(m.name, m.label) for m in models.values()], shown.model, f"Network of {title}"
                    ),
                    _menu(at("layer"), layer_options(models[shown.model]), shown.layer, f"Layer of {title}", wide=True),
                    _scale(),
                    html.Button("–", className="quiet hide", title=f"Hide {title}: it then costs nothing", n_clicks=0),
                ],
                className="bar",
            ),
            html.Div(_neuron_controls(at, shown, title), className="bar"),
            html.Div(id=at("message"), className="message", role="alert"),
            html.Div(
                [
                    html.Div(className="cards"),
                    html.Div(
                        dcc.Graph(id=at("activations"), figure=empty_figure(), config=GRAPH_CONFIG, className="graph"),
                        className="maps",
                    ),
                    _save_buttons(f"activations-{name}"),
                ],
                className="figure",
            ),
        ],
        className="neurons",
    )
    predictions = html.Div(
        [
            html.Div(
                [_switch(at("show-predictions"), shown.predictions, "Predictions"), html.Span("logit · probability")],
                className="bar apart",
            ),
            html.Div([html.Div(className="bars"), _save_buttons(f"predictions-{name}")], className="figure"),
            html.Div(className="pins"),
            html.Div(className="evidence"),
        ],
        className="predictions",
    )
    states = [("vacant", slot is None), ("collapsed", slot is not None and slot.hidden)]
    return html.Section(
        [neurons, predictions],
        className=" ".join(["slot", *(name for name, on in states if on)]),
        id=f"{page}-slot-{number}",
        style={"--slot": SLOT_COLOURS[number], "--slot-text": SLOT_TEXT[number]},
        **attributes(aria_label=title),
    )


def layer_options(info: ModelInfo) -> list[tuple[str, str]]:
    """Layers in network order with channels and resolution."""
    return [
        (layer.name, f"{layer.name}  ·  {layer.channels} ch, {layer.height}×{layer.width}")
        for layer in info.layers.values()
    ]


def _neuron_controls(at: Any, slot: SlotState, title: str) -> list:
    return [
        _switch(at("show-activations"), slot.activations, "Activations"),
        html.Label(
            [
                "Neurons",
                dcc.Input(
                    id=at("count"),
                    type="number",
                    min=1,
                    max=MAX_NEURONS,
                    step=1,
                    value=len(slot.channels),
                    className="count",
                ),
            ],
            title=f"How many neurons to show, 1 to {MAX_NEURONS}",
        ),
        html.Label(
            [
                "Channels",
                dcc.Input(
                    id=at("channels"),
                    type="text",
                    value=", ".join(map(str, slot.channels)),
                    debounce=True,
                    className="channels",
                    spellCheck=False,
                ),
            ],
            title="Which channels to show: numbers and ranges, for example 0, 5, 12-15",
        ),
        html.Span(
            [
                html.Button("‹", id=at("back"), title=f"{title}: previous channels", className="quiet"),
                html.Button("›", id=at("on"), title=f"{title}: next channels", className="quiet"),
            ],
            className="pager",
        ),
        html.Span(className="groups-menu"),
        html.Span(className="making"),
    ]


def _scale() -> html.Span:
    return html.Span(
        [html.Span(className="low"), html.Span(className="colours"), html.Span(className="high")], className="scale"
    )


def _menu(id_: dict, options: list[tuple[str, str]], value: str, label: str, *, wide: bool = False) -> html.Div:
    return html.Div(
        dcc.Dropdown(
            id=id_, options=[{"value": v, "label": text} for v, text in options], value=value, clearable=False
        ),
        className="menu wide" if wide else "menu",
        title=label,
        **attributes(aria_label=label),
    )


def _switch(id_: dict, on: bool, label: str) -> dcc.Checklist:
    return dcc.Checklist(
        id=id_, options=[{"value": "on", "label": label}], value=["on"] if on else [], className="switch"
    )


def _save_buttons(name: str) -> html.Span:
    return html.Span(
        [
            html.Button(
                kind.upper(),
                title=f"Save this figure as {kind.upper()}",
                className="quiet",
                **attributes(data_save=kind, data_name=name),
            )
            for kind in ("svg", "png")
        ],
        className="save",
    )
