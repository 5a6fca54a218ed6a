"""The attack on the picture: whom and how, step by step, and what comes of it."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from perturber.attack import METHODS, NORMS
from perturber.experiments.adversary import MAX_RENDERS
from perturber.figures import SLOT_NAMES
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import At, Controls, checks, control_id, menu, named, options
from perturber.ui.states.attack import MOST_STEPS, AttackState
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.physical import MOVES, PHYSICAL, PhysicalAttack

START = (("random", "random start", "Start at a random point of the ball"),)
BALL = "ε: size of the ball, in the [0, 1] pixel scale; for L0 a number of pixels"
STEP = "Step size; empty: the one that is shown"
TARGET = "Untargeted"
END = "Back to the picture as it is; a click into the scene does the same"
SEEK = "Look for the nearest scene that does so; the sliders move meanwhile. The number is the most renders"
UNDO = "Back to the scene in which the attack began"
MOVING: dict[str, Any] = {"placeholder": "What may move", "className": "moves", "maxHeight": 300}
PICTURES = ("amplified", "sign", "spectrum")
"""Of the perturbation."""


def attack_form(page: str, state: ExploreState, controls: Controls) -> html.Details:
    """The controls of an attack, folded until there is one; they come to be as it is unfolded (see `attack_parts`)."""
    there = state.attack.attack is not None or state.attack.physical is not None
    progress = html.Span(id=f"{page}-attack-progress", className="facts", **attributes(data_live="polite"))
    return html.Details(
        [
            html.Summary(["Attack", progress], id=f"{page}-attack-title", n_clicks=0),
            html.Div(attack_parts(page, controls) if there else [], id=f"{page}-attack-parts"),
        ],
        className="attack",
        id=f"{page}-attack",
        open=there,
    )


def attack_parts(page: str, controls: Controls) -> list[Any]:
    """What is below the title: every component of a page costs time at each answer, and few visits attack."""
    result = [html.Pre(id=f"{page}-outcome"), *(html.Img(id=f"{page}-{name}", hidden=True) for name in PICTURES)]
    body = [*_how(page, controls), *_steps(page, controls), *_alphas(page, controls)]
    return [
        html.Div(body, id=control_id(page, "attack-body"), disable_n_clicks=True, **controls[At("attack-body")]),
        html.Div(result, className="result"),
    ]


def attack_controls(state: ExploreState, classes: tuple[str, ...]) -> dict[At, dict[str, Any]]:
    """What these controls show.

    Args:
        classes: of the attacked model.
    """
    attack, form, physical = state.attack, state.attack.form, state.attack.physical
    method, norm = METHODS[form.method], NORMS[form.norm]
    slots = [(n, SLOT_NAMES[n]) for n, slot in enumerate(state.slots) if slot is not None]
    kinds = [(f"{key} {n}", f"{m.label}, {NORMS[n].label}") for key, m in METHODS.items() for n in m.norms]
    kinds.append((PHYSICAL, "Physical (scene parameters)"))
    several = method.max_steps > 1
    default_step = method.step_size(form.norm, form.epsilon)  # type: ignore[arg-type]
    return {
        At("attack-slot"): {"options": options(slots), "value": form.slot},
        At("attack-method"): {
            "options": options(kinds),
            "value": PHYSICAL if physical else f"{form.method} {form.norm}",
        },
        At("attack-epsilon"): {"value": form.epsilon, "max": norm.maximum},
        At("attack-unit"): {"children": attack.unit},
        At("attack-step-size"): {
            "value": "" if form.step_size is None else form.step_size,
            "placeholder": f"{default_step:.3g}",
            "disabled": not method.has_step_size,
        },
        At("attack-target"): {
            "options": options((n, f"→ {name} ({n})") for n, name in enumerate(classes)),
            "value": form.target,
        },
        At("attack-start"): {
            "value": ["random"] if form.random_start else [],
            "className": "checks" if method.has_random_start else "checks hidden",
        },
        At("attack-step"): {"children": "PGD step" if several else "Attack"},
        At("attack-stop"): {"disabled": not is_running(attack)},
        **(_of_picture(attack, several=several) if physical is None else _of_scene(attack, physical)),
        **_physical_controls(slots, form.slot, physical or PhysicalAttack()),
        At("attack-alpha"): {"value": attack.attack_alpha},
        At("original-alpha"): {"value": attack.original_alpha},
    }


def _of_picture(attack: AttackState, *, several: bool) -> dict[At, dict[str, Any]]:
    """What those controls show of an attack on the picture that one on the scene has, too."""
    return {
        At("attack-body"): {"className": "body"},
        At("attack-count"): {"value": attack.form.count, "max": MOST_STEPS, "disabled": not several},
        At("attack-run"): {"disabled": not several, "children": "Run", "title": "Take that many steps"},
        At("attack-end"): {"disabled": attack.attack is None, "children": "End attack", "title": END},
    }


def _of_scene(attack: AttackState, physical: PhysicalAttack) -> dict[At, dict[str, Any]]:
    return {
        At("attack-body"): {"className": "body physical"},
        At("attack-count"): {"value": physical.renders, "max": MAX_RENDERS, "disabled": False},
        At("attack-run"): {"disabled": is_running(attack), "children": "Start", "title": SEEK},
        At("attack-end"): {"disabled": not physical.start, "children": "Undo", "title": UNDO},
    }


def _physical_controls(
    slots: Sequence[tuple[int, str]], fooled: int, physical: PhysicalAttack
) -> dict[At, dict[str, Any]]:
    goals = [(-1, "Fool it"), *((n, f"Part it from {name}") for n, name in slots if n != fooled)]
    keeps = -1 if physical.keeps is None else physical.keeps
    return {
        At("attack-keeps"): {"options": options(goals), "value": keeps},
        At("attack-moves"): {
            "options": options((name, name.capitalize()) for name in MOVES),
            "value": [*physical.moves],
        },
    }


def is_running(attack: AttackState) -> bool:
    """Whether more steps are wanted than were taken, or a scene is looked for."""
    if attack.physical is not None:
        return attack.physical.job is not None
    return attack.attack is not None and attack.done < attack.attack.steps


def _how(page: str, controls: Controls) -> list[Any]:
    def number(name: str, label: str, placeholder: str, className: str) -> dcc.Input:
        props = {"placeholder": placeholder, **controls[At(name)]}
        id_ = control_id(page, name)
        field = dcc.Input(id=id_, type="number", min=0, step="any", debounce=True, className=className, **props)
        return named(label, field)

    return [
        menu(control_id(page, "attack-slot"), "Attacked model", controls[At("attack-slot")]),
        menu(control_id(page, "attack-method"), "Method and norm", controls[At("attack-method")], maxHeight=300),
        menu(control_id(page, "attack-keeps"), "Goal", controls[At("attack-keeps")]),
        menu(control_id(page, "attack-moves"), "What may move", controls[At("attack-moves")], multi=True, **MOVING),
        html.Div(number("attack-epsilon", "ε", "ε", "epsilon"), title=BALL),
        html.Span(
            id=control_id(page, "attack-unit"), className="scaled", disable_n_clicks=True, **controls[At("attack-unit")]
        ),
        html.Div(number("attack-step-size", "Step size", "", "step-size"), title=STEP),
    ]


def _steps(page: str, controls: Controls) -> list[Any]:
    def press(name: str, **props: Any) -> html.Button:
        return html.Button(id=control_id(page, name), n_clicks=0, className="quiet", **props, **controls[At(name)])

    target = control_id(page, "attack-target")
    count = dcc.Input(
        id=control_id(page, "attack-count"),
        type="number",
        min=1,
        step=1,
        className="steps",
        **controls[At("attack-count")],
    )
    return [
        menu(target, "Target", controls[At("attack-target")], placeholder=TARGET, searchable=True, clearable=True),
        checks(control_id(page, "attack-start"), START, controls[At("attack-start")]),
        press("attack-step", title="Take one step"),
        press("attack-run"),
        named("How many steps, or renders", count),
        press("attack-stop", title="Stop after the present step", children="Stop"),
        press("attack-end"),
    ]


def _alphas(page: str, controls: Controls) -> list[Any]:
    def alpha(name: str, label: str, title: str) -> html.Label:
        slider = dcc.Slider(
            id=control_id(page, name),
            min=0,
            max=1,
            step=0.01,
            marks=None,
            updatemode="drag",
            allow_direct_input=False,
            **controls[At(name)],
        )
        return html.Label([label, named(label, slider)], title=title, className="share")

    return [
        alpha("attack-alpha", "Attack Alpha", "Fades the perturbation"),
        alpha("original-alpha", "Original Alpha", "Fades the picture to 50 % grey and leaves the perturbation alone"),
    ]
