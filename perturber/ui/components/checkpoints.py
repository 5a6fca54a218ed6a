"""The Checkpoints page's own parts: two slots with sliders over trainings, and the tabs below them."""

from collections.abc import Sequence
from typing import Any, Literal

from dash import dcc, html

from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT, empty_figure
from perturber.service import MIN_PICTURES, ManyPictures
from perturber.ui.components.attributes import attributes
from perturber.ui.components.bars import Bars
from perturber.ui.components.controls import (
    At,
    Controls,
    button,
    control_id,
    dropdown,
    labelled,
    named,
    order_id,
    slot_style,
)
from perturber.ui.components.export import export_button
from perturber.ui.states.channels import MAX_NEURONS

TABS = {
    "curves": ("Curves", "Errors, predictions and correlations over the training"),
    "pictures": ("Feature visualisations", "What the chosen channels look for, at each checkpoint"),
    "maps": ("Activations", "How the chosen channels respond to the scene, at each checkpoint"),
    "kernels": ("Filters", "The first layer’s filters, at each checkpoint"),
}

Panel = Literal["errors", "predictions", "activations", "weights", "multiples"]

CURVES: dict[Panel, tuple[str, str]] = {
    "errors": ("Errors", "Share of pictures that are misclassified, from the training’s log"),
    "predictions": (
        "Prediction for the scene",
        "Probability of the classes that any of the checkpoints finds most probable",
    ),
    "activations": (
        "Activations: correlation with the first checkpoint",
        "Pearson correlation of each channel’s activations before the non-linearity, mean over channels: one line per "
        "layer, the chosen one in red",
    ),
    "weights": (
        "Weights: correlation with the first checkpoint",
        "Pearson correlation of each layer’s weights, without biases and normalisations: one line per layer, the "
        "chosen one in red",
    ),
}
"""The figures of the tab "curves", and what they show."""

PANELS: tuple[Panel, ...] = (*CURVES, "multiples")
"""Every figure; the last one is that of the other tabs."""

WAITING = "…"
"""In a figure that is on its way."""


def figure_id(page: str, panel: Any) -> dict[str, Any]:
    """The id of a figure."""
    return {"page": page, "figure": panel}


def training_slot(page: str, number: int, controls: Controls, words: str) -> html.Section:
    """The frame of one slot.

    Args:
        controls: what each control shows.
        words: what its checkpoint is.
    """
    title = SLOT_NAMES[number]

    def at(control: str) -> dict[str, Any]:
        return {"id": control_id(page, control, number), **controls[At(control, number)]}

    series = controls[At("series", number)]
    head = [
        html.H2(title, className="badge"),
        dropdown(control_id(page, "series", number), f"{title}: kind of training", series, wide=True),
    ]
    slider = dcc.Slider(step=1, updatemode="mouseup", included=False, allow_direct_input=False, **at("place"))
    slide = [
        html.Button(n_clicks=0, **at("play")),
        named(f"{title}: checkpoint", slider),
        html.Output(words, id=words_id(page, number)),
    ]
    preview = html.Img(id=preview_id(page, number), alt=f"{title}: feature visualisations")
    return html.Section(
        [
            html.Div(head, className="bar"),
            html.Div(slide, className="slide"),
            html.Div(preview, className="picture previews"),
            Bars(id=control_id(page, "bars", number), compact=True),
        ],
        className="model",
        id=f"{page}-slot-{number}",
        style=slot_style(SLOT_COLOURS[number], SLOT_TEXT[number]),
        **attributes(aria_label=title),
    )


def words_id(page: str, number: int) -> str:
    """The id of what says which checkpoint a slider points at."""
    return f"{page}-words-{number}"


def preview_id(page: str, number: int) -> str:
    """The id of a slot's feature visualisations, which are one picture."""
    return f"{page}-preview-{number}"


def training_tabs(page: str, controls: Controls, links: Sequence[tuple[str, str]]) -> html.Section:
    """The tabs, their tools and their figures, of which the open tab's are seen.

    Args:
        controls: what each control shows.
        links: name and address of the pages on which both checkpoints can be opened.
    """
    tabs = dcc.RadioItems(
        id=control_id(page, "tab"),
        options=[{"value": tab, "label": words, "title": title} for tab, (words, title) in TABS.items()],
        className="tab-names",
        **controls[At("tab")],
    )
    pair = [
        dcc.Link(name, href=href, id=link_id(page, name), title=f"Both checkpoints on {name}, with this scene")
        for name, href in links
    ]
    figures = [_panel(page, name) for name in PANELS]
    return html.Section(
        [
            html.Div(
                [named("What is drawn", tabs), html.Span(["Open both in ", *pair], className="pair")],
                className="tab-line",
            ),
            html.Div(_tools(page, controls), className="tools bar"),
            html.Div(figures, className="panels"),
            html.P(id=f"{page}-hint", className="hint", **attributes(data_live="polite")),
        ],
        id=f"{page}-tabs",
        className=tab_class(controls[At("tab")]["value"]),
    )


def tab_class(tab: str) -> str:
    """The class of the tabs' frame: what belongs to the others is not seen."""
    return f"tab of-{tab}"


def link_id(page: str, name: str) -> str:
    """The id of the link that opens both checkpoints on another page."""
    return f"{page}-open-{name.lower()}"


def _tools(page: str, controls: Controls) -> list[Any]:
    def menu(control: str, label: str, **more: Any) -> html.Div:
        return dropdown(control_id(page, control), label, controls[At(control)], **more)

    def field(control: str) -> dcc.Input:
        value = controls[At(control)]["value"]
        return dcc.Input(id=control_id(page, control), type="text", debounce=True, className=control, value=value)

    def order(name: str, words: str, title: str, **more: Any) -> html.Button:
        return button(order_id(page, name), words, title, className=f"use {name}", hidden=True, **more)

    counted = f"How many pictures: {MIN_PICTURES} to {ManyPictures.most}"
    return [
        menu("of", "Whose checkpoints these are"),
        labelled("Layer", menu("layer", "Layer", searchable=True, optionHeight=24)),
        labelled("Channels", field("channels"), f"1 to {MAX_NEURONS} channels, for example 0, 5, 12-15"),
        labelled("Over", field("count"), counted, "of-curves"),
        html.Div(menu("pictures", "Which pictures the correlations are taken over"), className="of-curves"),
        html.Div(
            [
                menu("naive", "Parameterisation: what is optimised"),
                menu("objective", "Objective: the unit in the middle, or the whole channel"),
            ],
            className="of-pictures",
        ),
        order("compute", "Compute", "Compute the correlations of activations and weights"),
        order("make", "Make them", "Make the feature visualisations that are missing"),
        order("cancel", "Cancel", "Stop what is being computed"),
        html.Progress(id=f"{page}-progress", max="1", value="0", hidden=True, **attributes(aria_label="Progress")),
    ]


def _panel(page: str, name: Panel) -> html.Figure:
    words, title = CURVES.get(name, ("", ""))
    graph = dcc.Graph(
        id=figure_id(page, name),
        figure=empty_figure(WAITING),
        config={"displayModeBar": False, "responsive": True},
        responsive=True,
        className="plot",
    )
    return html.Figure(
        [
            html.Figcaption(words, title=title),
            named(words or "Small multiples", graph),
            export_button(page, name, words or "table of pictures"),
        ],
        className=f"panel {name}",
    )
