"""A model slot: everything that belongs to one network, in a frame of its colour."""

from typing import Any

from dash import dcc, html

from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT
from perturber.service import ModelInfo
from perturber.ui.components.attributes import attributes
from perturber.ui.components.bars import Bars
from perturber.ui.components.controls import (
    At,
    Controls,
    button,
    checks,
    control_id,
    menu,
    named,
    options,
    order_id,
    slot_style,
)
from perturber.ui.components.export import export_button
from perturber.ui.components.maps import Maps
from perturber.ui.states.channels import MAX_NEURONS, written
from perturber.ui.states.explore import SlotState
from perturber.ui.states.reading import layer_options

SHOWS = (
    ("activations", "Activations", "Show the heatmaps of this model"),
    ("predictions", "Predictions", "Show what this model predicts"),
)


def slot_frame(page: str, number: int, slot: SlotState | None, controls: Controls) -> html.Section:
    """The frame of one slot; an empty one has but its title.

    Args:
        slot: what it shows, or None.
        controls: what each control shows (see `slot_controls`).
    """
    title = SLOT_NAMES[number]
    badge = html.H2(title, className="badge")
    if slot is None:
        empty = html.P(["Empty until weights are edited: ", dcc.Link("Mixing", href="/mixing")], className="vacancy")
        parts: list[Any] = [html.Div([badge, empty], className="bar")]
    else:
        parts = [
            html.Div([badge, *_controls(page, number, controls)], className="bar"),
            Maps(id=control_id(page, "maps", number), className="figure"),
            _export(page, "activations", number),
            Bars(id=control_id(page, "bars", number), className="predictions"),
            _export(page, "predictions", number),
        ]
    return html.Section(
        parts,
        className=slot_class(slot),
        id=slot_id(page, number),
        style=slot_style(SLOT_COLOURS[number], SLOT_TEXT[number]),
        **attributes(aria_label=title),
    )


def slot_id(page: str, number: int) -> str:
    """The id of a slot's frame."""
    return f"{page}-slot-{number}"


def slot_class(slot: SlotState | None) -> str:
    """The class of a slot's frame: an empty or hidden one is folded up."""
    if slot is None:
        return "slot vacant"
    return "slot collapsed" if slot.hidden else "slot"


def slot_controls(
    number: int, slot: SlotState | None, models: dict[str, ModelInfo], groups: list[dict[str, Any]]
) -> dict[At, dict[str, Any]]:
    """What the controls of a slot show; an empty one has none.

    Args:
        models: that can be chosen.
        groups: options of its menu of neuron groups.
    """
    if slot is None:
        return {}
    name = SLOT_NAMES[number]
    total = models[slot.model].layers[slot.layer].channels
    boxes = [name for name, on in (("activations", slot.activations), ("predictions", slot.predictions)) if on]
    hidden = f"Show {name} again" if slot.hidden else f"Hide {name}: a hidden model uses no compute"
    return {
        At("model", number): {"options": options((m.name, m.label) for m in models.values()), "value": slot.model},
        At("layer", number): {"options": layer_options(models[slot.model]), "value": slot.layer},
        At("shows", number): {"value": boxes},
        At("count", number): {"value": len(slot.channels), "max": min(MAX_NEURONS, total)},
        At("channels", number): {"value": written(slot.channels)},
        At("group", number): {"options": groups, "value": None},
        At("hide", number): {"children": "+" if slot.hidden else "–", "title": hidden},
    }


def _export(page: str, what: str, number: int) -> html.Button:
    name = SLOT_NAMES[number]
    kind = f"{what}-{name.lower().replace(' ', '-')}"
    return export_button(page, kind, f"{what} of {name}", className=f"of-{what}")


def _controls(page: str, number: int, controls: Controls) -> list[Any]:
    title = SLOT_NAMES[number]

    def at(name: str) -> dict[str, Any]:
        return {"id": control_id(page, name, number), **controls[At(name, number)]}

    def choose(name: str, label: str, **more: Any) -> dcc.Dropdown:
        return menu(control_id(page, name, number), f"{title}: {label}", controls[At(name, number)], **more)

    count = dcc.Input(type="number", min=1, step=1, className="count", **at("count"))
    channels = dcc.Input(type="text", debounce=True, className="channels", **at("channels"))
    turns = [("back", "‹", "previous channels"), ("on", "›", "next channels")]
    return [
        choose("model", "network", className="model"),
        choose("layer", "layer", className="layer", searchable=True),
        checks(control_id(page, "shows", number), SHOWS, controls[At("shows", number)]),
        named(f"{title}: number of neurons", count),
        named(f"{title}: channels", channels),
        *(button(control_id(page, name, number), words, f"{title}: {what}") for name, words, what in turns),
        choose("group", "group of neurons", className="group", placeholder="Group …", maxHeight=420),
        html.Button(id=order_id(page, "make", number), n_clicks=0, className="quiet making"),
        html.Button(n_clicks=0, className="quiet hide", **at("hide")),
    ]
