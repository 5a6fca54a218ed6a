"""How Explore shows things: the scale of its colours, what stands under the maps, which classes are followed."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from perturber.ui.components.controls import At, Controls, checks, control_id, menu, named, options
from perturber.ui.states.display import DIVISOR_RANGE, DIVISOR_STEP, MAX_VARIANTS, View

CARDS = (("visualisation", "Visualisations"), ("examples", "Examples"), ("none", "Maps only"))
BOXES = (
    ("shared", "Shared", "One scale for all models: the widest of their own"),
    ("overlay", "Overlay", "Lay the marked heatmap over the model input; click a heatmap to mark it"),
)
SLOPES = (
    "How the followed class’s logit changes with each parameter, and where another class becomes the most probable one"
)
OBJECTIVES = (("neuron", "Objective: neuron"), ("channel", "Objective: channel"))
PARAMETERISATIONS = (("fourier", "Fourier coefficients"), ("naive", "Pixels (naive)"))
NORMALISATION = (
    "Activation normalisation: the activation at which the colours end. The slider sets log10 of a fixed divisor, with "
    "which two states can be compared absolutely; 4 σ follows the picture."
)
SIGMA = "Four standard deviations of the whole layer’s activations for this picture"


def headings(page: str, controls: Controls) -> html.Div:
    """The line above the slots."""

    def choose(name: str, label: str, **more: Any) -> dcc.Dropdown:
        return menu(control_id(page, name), label, controls[At(name)], className=name, **more)

    slider = dcc.Slider(
        id=control_id(page, "divisor"),
        min=DIVISOR_RANGE[0],
        max=DIVISOR_RANGE[1],
        step=DIVISOR_STEP,
        marks=None,
        updatemode="drag",
        allow_direct_input=False,
        **controls[At("divisor")],
    )
    recipe = html.Details(  # a popover of Dash Bootstrap Components would hold on to every page that is left
        [
            html.Summary("⚙", title="How feature visualisations are made"),
            html.Div(
                [choose("objective", "Objective"), choose("variants", "Variants"), choose("naive", "Parameterisation")]
            ),
        ],
        className="recipe",
    )
    return html.Div(
        [
            html.H2("Neurons"),
            html.Label(
                ["Act. norm.", named("Activation normalisation", slider)],
                title=NORMALISATION,
                className="normalisation",
            ),
            html.Button(id=control_id(page, "four-sigma"), title=SIGMA, n_clicks=0, **controls[At("four-sigma")]),
            checks(control_id(page, "boxes"), BOXES, controls[At("boxes")]),
            choose("cards", "Below the maps"),
            recipe,
            html.H2("Predictions"),
            choose("pin", "Pin a class", placeholder="Pin …", searchable=True, clearable=True),
            choose("explain", "Grad-CAM"),
        ],
        className="headings",
    )


def slopes_switch(page: str, controls: Controls) -> dcc.Checklist:
    """The switch above the parameters; what is said of the slopes is its label, so that it is one component."""
    props = {"options": slopes_box(""), **controls[At("slopes")], "className": "checks slopes"}
    return dcc.Checklist(id=control_id(page, "slopes"), inline=True, **props)


def slopes_box(words: str) -> list[dict[str, str]]:
    """The switch's options.

    Args:
        words: what is said of the slopes, or nothing.
    """
    return [{"value": "slopes", "label": f"Slopes: {words}" if words else "Slopes", "title": SLOPES}]


def display_controls(view: View, classes: Sequence[str]) -> dict[At, dict[str, Any]]:
    """What these controls show.

    Args:
        classes: names of the first model's classes, by index.
    """
    boxes = [name for name in ("shared", "overlay") if getattr(view, name)]
    explained = [view.explain] if isinstance(view.explain, int) else []
    known = [index for index in dict.fromkeys([*view.pinned, *explained]) if index < len(classes)]
    explain: list[tuple[Any, str]] = [("none", "Grad-CAM off"), ("top", "Grad-CAM: top class")]
    variants = [(n, f"{n} variant{'s' * (n > 1)}") for n in range(1, MAX_VARIANTS + 1)]
    fixed = view.divisor is not None
    return {
        At("divisor"): {"value": view.divisor if view.divisor is not None else 0.0},
        At("four-sigma"): {
            "className": "quiet" if fixed else "quiet chosen",
            "children": f"÷ {10**view.divisor:.3g} → 4 σ" if view.divisor is not None else "4 σ",
        },
        At("boxes"): {"value": boxes},
        At("slopes"): {"value": ["slopes"] if view.slopes else []},
        At("cards"): {"options": options(CARDS), "value": view.cards},
        At("objective"): {"options": options(OBJECTIVES), "value": view.objective},
        At("variants"): {"options": options(variants), "value": view.variants},
        At("naive"): {"options": options(PARAMETERISATIONS), "value": "naive" if view.naive else "fourier"},
        At("pin"): {"options": options((n, f"{name} ({n})") for n, name in enumerate(classes)), "value": None},
        At("explain"): {
            "options": options([*explain, *((c, f"Grad-CAM: {classes[c]}") for c in known)]),
            "value": "none" if view.explain is None else view.explain,
        },
    }
