"""What the Mixing page is made of: sliders of the weights, what three models predict, and where two fit together."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html

from perturber.editing import LEVELS
from perturber.editing.edit import DEFAULTS
from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT, empty_figure
from perturber.service import ModelInfo
from perturber.ui.components.attributes import attributes
from perturber.ui.components.bars import Bars
from perturber.ui.components.controls import (
    At,
    Controls,
    button,
    checks,
    control_id,
    dialog_title,
    dropdown,
    named,
    options,
    order_id,
    slot_style,
    tool_id,
)
from perturber.ui.components.export import export_button
from perturber.ui.components.unit_sliders import UnitSliders
from perturber.ui.states.mixing import ATTACK_STEPS, MixingState
from perturber.ui.states.mixing_changes import all_amounts
from perturber.ui.states.mixing_presets import presets

COLUMNS = (0, 2, 1)
"""Slots as they stand side by side: Model 1, Edited, Model 2."""

MODES = (("mix", "Mix weights"), ("prune", "Prune filters"))
EXPLAINED = {
    "mix": "Share of Model 2 in each part’s weights and statistics",
    "prune": "Filters that stay, by mean absolute weight: 0 weakest, 1 strongest",
}
ATTACKS = (("none", "no attack"), ("l2", "PGD, L2"), ("linf", "PGD, L∞"))
ATTACKED = f"Attack every cut as well, by {ATTACK_STEPS} steps of ε/{ATTACK_STEPS} along its own gradients"
SCANS = "Cuts both models behind each part and joins the halves: where do they fit together?"
REVERSE = ("reverse", "early parts from Model 1", "Early parts from Model 1 rather than from Model 2")
RECALIBRATE = (
    "recalibrate",
    "Recalibrate BatchNorm statistics",
    "Measure the mean and variance of each normalisation anew over the folder of example pictures",
)
NAME = "a name: a-z, 0-9, _ . -"


def mixing_frame(page: str, controls: Controls, *, examples: bool) -> html.Section:
    """Everything at the right of the page.

    Args:
        controls: what each control shows (see `mixing_controls`).
        examples: whether a folder of example pictures is configured.
    """
    sliders = UnitSliders(id=control_id(page, "units"), className="card", **controls[At("units")])
    outcomes = html.Div([_outcome(page, number, controls) for number in COLUMNS], className="outcomes")
    return html.Section(
        [
            html.Div(_editing(page, controls), className="bar editing"),
            html.Div([sliders, outcomes], className="editor"),
            _scan(page, controls, examples),
        ],
        id=control_id(page, "frame"),
        disable_n_clicks=True,
        **controls[At("frame")],
    )


def mixing_controls(
    state: MixingState, units: tuple[str, ...] | str, models: Mapping[str, ModelInfo], kept: Sequence[tuple[str, str]]
) -> dict[At, dict[str, Any]]:
    """What the controls show.

    Args:
        units: those that have sliders, or the sentence that says why there are none.
        models: that can be chosen.
        kept: name and label of each edit that was kept.
    """
    edit, form = state.edit, state.form
    empty, units = (units, ()) if isinstance(units, str) else ("", units)
    names = [(info.name, info.label) for info in models.values()]
    labels = dict(names)
    frame = {"pruning": edit.mode == "prune", "impossible": bool(empty), "attacked": form.norm is not None}
    return {
        At("frame"): {"className": " ".join(["weights", *(name for name, on in frame.items() if on)])},
        At("first"): {"options": options(names), "value": edit.first},
        At("second"): {"options": options(names), "value": state.second},
        At("mode"): {"options": options(MODES), "value": edit.mode},
        At("level"): {"options": options((level, f"by {level}") for level in LEVELS), "value": state.level},
        At("preset"): {"options": options(presets(edit.mode, units)), "value": None, "disabled": bool(empty)},
        At("back"): {"disabled": not state.past},
        At("forth"): {"disabled": not state.future},
        At("kept"): kept_menu(kept),
        At("units"): {
            "units": units,
            "value": all_amounts(state, units),
            "default": DEFAULTS[edit.mode],
            "explained": EXPLAINED[edit.mode],
            "empty": empty,
        },
        At("name", 0): {"children": labels.get(edit.first, edit.first)},
        At("name", 1): {"children": labels.get(state.second, state.second)},
        At("name", 2): {"children": "weights of both" if edit.mode == "mix" else "without some filters"},
        At("reverse"): {"value": ["reverse"] if form.reverse else []},
        At("attack"): {"options": options(ATTACKS), "value": form.norm or "none"},
        At("epsilon"): {"value": form.epsilon},
        At("scaled"): {"children": f"= {round(form.epsilon * 255, 2):g}/255"},
    }


def kept_menu(kept: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """What the menu of kept edits shows.

    Args:
        kept: name and label of each.
    """
    return {
        "options": options(kept),
        "value": None,
        "disabled": not kept,
        "placeholder": "Load …" if kept else "Nothing kept yet",
    }


def save_dialog(page: str, *, examples: bool) -> list[Any]:
    """Asks for the name under which the edited weights are kept."""
    name = dcc.Input(id=tool_id(page, "name"), type="text", maxLength=64, placeholder=NAME, autoFocus=True)
    recalibrate = [checks(tool_id(page, "recalibrate"), [RECALIBRATE], {"value": []})] if examples else []
    return [
        dialog_title("Keep the edited weights as a model"),
        dbc.ModalBody(
            [
                html.Label(["Name of the new model", name]),
                *recalibrate,
                html.P(id=f"{page}-refused", className="message"),
            ],
            class_name="keep",
        ),
        dbc.ModalFooter(
            button(order_id(page, "keep"), "Keep", "Save it; it is then in the menus of models", className="use")
        ),
    ]


def _editing(page: str, controls: Controls) -> list[Any]:
    def menu(name: str, label: str, **more: Any) -> html.Div:
        return dropdown(control_id(page, name), label, controls[At(name)], **more)

    partner = [html.Span("Model 2", className="badge two"), menu("second", "Model 2", searchable=True)]
    models = [
        html.Span("Model 1", className="badge one"),
        menu("first", "Model 1", searchable=True),
        html.Span(partner, className="partner"),
        menu("mode", "What is done to the weights"),
    ]
    sliders = [
        menu("level", "How fine the sliders are"),
        menu("preset", "Presets", placeholder="Preset …", searchable=True, maxHeight=420),
        button(control_id(page, "back"), "↶", "Undo", **controls[At("back")]),
        button(control_id(page, "forth"), "↷", "Redo", **controls[At("forth")]),
    ]
    keep = [
        menu("kept", "Edits that were kept"),
        button(f"{page}-save", "Save …", "Keep the edited weights as a model of your own"),
        dcc.Link(
            "Open in Explore",
            href="/",
            id=f"{page}-explore",
            className="button",
            title="Show the edited model in the third slot of Explore",
        ),
    ]
    return [
        html.Div(models, className="models"),
        html.Div(sliders, className="steps"),
        html.Div(keep, className="keeping"),
    ]


def _outcome(page: str, number: int, controls: Controls) -> html.Section:
    return html.Section(
        [
            html.H2(SLOT_NAMES[number], className="badge"),
            html.P(
                id=control_id(page, "name", number),
                disable_n_clicks=True,
                className="name",
                **controls[At("name", number)],
            ),
            Bars(id=control_id(page, "bars", number)),
        ],
        className="outcome",
        id=f"{page}-outcome-{number}",
        style=slot_style(SLOT_COLOURS[number], SLOT_TEXT[number]),
        **attributes(aria_label=SLOT_NAMES[number]),
    )


def _scan(page: str, controls: Controls, examples: bool) -> html.Div:
    scene = button(control_id(page, "scan", "scene"), "Scan this scene", "Every cut on the scene as it is now")
    folder = button(
        control_id(page, "scan", "folder"),
        "Scan example pictures",
        "Every cut on up to 256 pictures of the folder of examples",
    )
    epsilon = dcc.Input(id=control_id(page, "epsilon"), type="number", min=0, step="any", **controls[At("epsilon")])
    scaled = html.Span(id=control_id(page, "scaled"), disable_n_clicks=True, **controls[At("scaled")])
    bar = [
        html.H2("Compatibility"),
        scene,
        *([folder] if examples else []),
        checks(control_id(page, "reverse"), [REVERSE], controls[At("reverse")]),
        dropdown(control_id(page, "attack"), ATTACKED, controls[At("attack")]),
        html.Label(["ε", epsilon, scaled], title="Size of the ball, in the [0, 1] pixel scale", className="ball"),
        button(order_id(page, "cancel"), "Cancel", "End this scan", hidden=True),
        html.Span(id=f"{page}-scan", className="words", **attributes(data_live="polite")),
    ]
    figure = dcc.Graph(
        id=f"{page}-compatibility",
        figure=empty_figure(SCANS),
        config={"displayModeBar": False, "responsive": True},
        responsive=True,
        className="plot",
    )
    export = export_button(page, "compatibility", "compatibility of the two models")
    drawn = html.Div([named("Compatibility of the two models", figure), export], className="figure")
    return html.Div([html.Div(bar, className="bar scanning"), drawn], className="card scan")
