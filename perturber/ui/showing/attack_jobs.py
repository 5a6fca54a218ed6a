"""What the jobs behind Explore's figures of attacks are asked, from the page's state."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from perturber.attack import METHODS, NORMS, Attack
from perturber.service import MAX_EPSILONS, CurveRequest, PerturbationsRequest
from perturber.ui.context import service
from perturber.ui.papers.orders import of_models
from perturber.ui.states import reading
from perturber.ui.states.attack import CURVE_POINTS, CURVE_STEPS
from perturber.ui.states.explore import ExploreState


def _common(state: ExploreState) -> dict[str, Any]:
    shown = state.shown
    names = tuple(slot.model for slot in shown.values())
    return {"scene": state.scene, "models": names, "slots": tuple(shown), **of_models(names, state.scene)}


def _whole(state: ExploreState) -> Attack:
    """The attack with all the steps that were taken, or that Run would take."""
    form = state.attack.form
    return form.attack("each", state.attack.done if state.attack.attack else form.count)


def perturbations_request(state: ExploreState) -> PerturbationsRequest:
    """The same attack on each shown model."""
    return PerturbationsRequest(attack=_whole(state), **_common(state))


def curve_request(state: ExploreState, tools: Mapping[str, Any]) -> CurveRequest:
    """Accuracy and margin of each shown model over ε.

    Args:
        tools: settings beside the figure, by their names; those that are missing have their defaults.

    Raises:
        InvalidInputError: one of them is not allowed.
    """
    pictures = tools.get("pictures", "scene")
    automatic = tools.get("method") == ["autoattack"]
    form = state.attack.form
    return CurveRequest(
        pictures=pictures,
        count=1 if pictures == "scene" else tools.get("pictures-count"),  # type: ignore[arg-type]  # it says what is allowed
        folder=service().settings.examples if pictures == "folder" else None,
        method="autoattack" if automatic else "pgd",
        norm=form.norm,  # type: ignore[arg-type]
        epsilons=_grid(state, tools.get("most"), tools.get("points", CURVE_POINTS)),
        steps=tools.get("curve-steps", CURVE_STEPS),
        random_start=form.random_start and not automatic and METHODS["pgd"].has_random_start,
        seed=form.seed,
        **_common(state),
    )


def _grid(state: ExploreState, most: Any, points: Any) -> tuple[float, ...]:
    """Values of ε from 0 up to the largest one, evenly spaced; by default up to twice the panel's."""
    form = state.attack.form
    norm = NORMS[form.norm]
    points = reading.whole("The number of values of ε", points, 2, MAX_EPSILONS)
    largest = min(2 * form.epsilon, norm.maximum) if most in (None, "") else most
    largest = form.model_copy(update={"epsilon": largest, "step_size": None}).attack("any", 0).epsilon
    values = np.linspace(0, largest, points)
    return tuple(sorted({float(round(value)) if norm.whole else float(f"{value:.6g}") for value in values}))
