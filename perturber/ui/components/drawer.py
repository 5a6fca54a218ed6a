"""Figures below the slots of Explore, of which one is open at a time."""

from typing import Any

from dash import dcc, html

from perturber.figures import empty_figure
from perturber.service import MAX_EPSILONS
from perturber.ui.components.attributes import attributes
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
    tool_id,
)
from perturber.ui.components.export import export_button
from perturber.ui.states.attack import CURVE_POINTS, CURVE_STEPS
from perturber.ui.states.explore import ExploreState

FIGURES = {
    "history": ("History of classes", "How the followed classes fare from look to look"),
    "summary": ("All channels", "The mean activation of every channel of the layers; click one to show it"),
    "layers": ("Change by layer", "How far each layer of the attacked model moves, step by step"),
    "models": ("Attack across models", "The same attack on every shown model: which frequencies does each one use?"),
    "curve": ("Robustness curve", "Accuracy and margin of every shown model over ε"),
}
"""Name → words, and what it shows."""

GRAPH: Any = {"displayModeBar": False, "responsive": True}
AUTOATTACK = (
    "autoattack",
    "AutoAttack",
    "The standard AutoAttack instead of PGD, for numbers in a paper: L2 and L∞ only, and some hundred times as long",
)


def drawer(page: str, state: ExploreState, controls: Controls, *, examples: bool) -> html.Section:
    """The figures, folded until one is chosen.

    Args:
        examples: whether there are labelled pictures for a curve.
    """
    tools = drawer_tools(page, open_figure(state), state, examples=examples)
    tabs = [{"value": name, "label": words, "title": title} for name, (words, title) in FIGURES.items()]
    choice = dcc.RadioItems(
        id=control_id(page, "drawer"),
        options=[{"value": "", "label": "Figures: none"}, *tabs],
        inline=True,
        className="tabs",
        **controls[At("drawer")],
    )
    graph = dcc.Graph(id=f"{page}-figure", figure=empty_figure(), config=GRAPH, className="plot", responsive=True)
    return html.Section(
        [
            named("Figure", choice),
            html.Div(tools, id=f"{page}-tools", className=tools_class(open_figure(state))),
            named("The open figure", graph),
            html.Div(id=f"{page}-notes", className="notes"),
        ],
        className=drawer_class(state),
        id=f"{page}-drawer",
    )


def open_figure(state: ExploreState) -> str:
    """Name of the figure that is open, or ""."""
    if state.history:
        return "history"
    return "summary" if state.view.summary else state.attack.open or ""


def drawer_class(state: ExploreState) -> str:
    """The class of the drawer."""
    return "drawer open" if open_figure(state) else "drawer"


def tools_class(name: str) -> str:
    """The class of the open figure's controls, which says whose they are."""
    return f"tools of-{name or 'none'}"


def drawer_controls(state: ExploreState) -> dict[At, dict[str, Any]]:
    """What its controls show."""
    return {At("drawer"): {"value": open_figure(state)}}


def drawer_tools(page: str, name: str, state: ExploreState, *, examples: bool) -> list[Any]:
    """The controls of the figure that is open.

    Args:
        examples: whether there are labelled pictures for a curve.
    """
    if name not in FIGURES:
        return []
    own = {
        "history": lambda: _history(page, state),
        "summary": lambda: _summary(page),
        "curve": lambda: _curve(page, examples),
    }
    order = {"models": "Compare", "curve": "Compute"}.get(name)
    running = [
        html.Button(order, id=order_id(page, name), n_clicks=0, className="use"),
        html.Span(id=f"{page}-job", className="about", **attributes(data_live="polite")),
    ]
    table = button(order_id(page, "csv"), "Table", "Save all that was recorded as a table (CSV)")
    export = export_button(page, name, FIGURES[name][0])
    return [
        *own.get(name, list)(),
        *(running if order else []),
        *([table] if name in ("history", "curve") else []),
        export,
    ]


def _history(page: str, state: ExploreState) -> list[Any]:
    measures = options([("probability", "probability"), ("logit", "logit")])
    return [
        menu(control_id(page, "measure"), "Measure", {"options": measures, "value": state.measure}),
        button(order_id(page, "clear"), "Clear", "Forget what was recorded"),
        html.Data(id=control_id(page, "since"), value=str(state.since)),
    ]


def _summary(page: str) -> list[Any]:
    return [html.Data(id=control_id(page, "add"), value="")]


def _curve(page: str, examples: bool) -> list[Any]:
    sources = [
        ("scene", "this scene"),
        ("variations", "variations"),
        *([("folder", "labelled pictures")] if examples else []),
    ]

    def number(name: str, words: str, value: Any, least: float, most: float | None, title: str) -> html.Label:
        step, placeholder = ("any", "2 ε") if most is None else (1, "")
        field = dcc.Input(
            id=tool_id(page, name), type="number", value=value, min=least, max=most, placeholder=placeholder, step=step
        )
        return html.Label([words, field], title=title)

    return [
        menu(tool_id(page, "pictures"), "Pictures", {"options": options(sources), "value": "scene"}),
        number("pictures-count", "pictures", 16, 1, 256, "How many pictures, unless it is this scene alone"),
        number("most", "ε up to", None, 0, None, "The largest ε; empty: twice the panel’s"),
        number("points", "in", CURVE_POINTS, 2, MAX_EPSILONS, "How many values of ε, 0 and the largest included"),
        number("curve-steps", "steps", CURVE_STEPS, 1, 200, "Steps of PGD, of ε/8 each; of sparse PGD for L0"),
        checks(tool_id(page, "method"), [AUTOATTACK], {"value": []}),
    ]
