"""What Explore's attack panel asks: figures of the attack, and the jobs behind them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request

from perturber.attack import NORMS, Attack
from perturber.errors import InvalidInputError
from perturber.figures import (
    SLOT_NAMES,
    amplified,
    as_json,
    data_uri,
    falls,
    layer_changes,
    layer_jumps,
    robustness,
    robustness_csv,
    signs,
    spectra,
)
from perturber.service import (
    LOW_FREQUENCY,
    AttackLook,
    CurveRequest,
    Curves,
    JobStatus,
    Perturbations,
    PerturbationsRequest,
)
from perturber.service.checks import check_classes
from perturber.service.curve_works import ABOUT, LABELS, MAX_EPSILONS
from perturber.ui.context import service
from perturber.ui.sent import sent_object
from perturber.ui.state import ExploreState

routes = Blueprint("attack", __name__, url_prefix="/attack")


@routes.post("/models")
def models() -> Response:
    """Order the same attack on every model that is shown."""
    data = sent_object()
    state, attack, common = _asked(data)
    for slot in state.shown.values():
        if attack.target is not None:
            check_classes(service().model(slot.model), (attack.target,))
    return _job(service().jobs.submit(PerturbationsRequest(attack=replace(attack, model="each"), **common)))


@routes.post("/curve")
def curve() -> Response:
    """Order a robustness curve of every model that is shown."""
    data = sent_object()
    _, attack, common = _asked(data)
    asked = data.get("curve")
    if not isinstance(asked, Mapping):
        raise InvalidInputError("A request must hold what the curve is to be taken over.")
    pictures = asked.get("pictures", "scene")
    automatic = asked.get("autoattack") is True
    ordered = CurveRequest(
        pictures=pictures,
        count=1 if pictures == "scene" else asked.get("count"),  # type: ignore[arg-type]
        folder=service().settings.examples if pictures == "folder" else None,
        method="autoattack" if automatic else "pgd",
        norm=attack.norm,
        epsilons=_grid(attack, asked.get("most"), asked.get("points")),
        steps=asked.get("steps", 8),
        random_start=attack.random_start and not automatic,
        seed=attack.seed,
        **common,
    )
    return _job(service().jobs.submit(ordered))


@routes.get("/job/<name>")
def job(name: str) -> Response:
    """Where a job of the panel stands, with its figure as far as it has come."""
    return _job(service().jobs.status(name), request.args.get("have"))


@routes.get("/job/<name>.csv")
def values(name: str) -> Response:
    """A curve's values."""
    product = service().jobs.product(name)
    if not isinstance(product, Curves):
        raise InvalidInputError("This job has no values yet, or none to be written as a table.")
    text = robustness_csv(product.request.models, product.results)
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": "attachment; filename=robustness.csv"})


def attack_facts(attack: AttackLook, names: list[str], drawn: object) -> dict[str, Any]:
    """How an attack stands, what it does to each slot, and what the perturbation looks like.

    Args:
        names: of the slots with predictions.
        drawn: steps up to which the page has drawn how far the layers move.
    """
    pictures = {}
    if attack.perturbation is not None and attack.linf > 0:
        pictures = {"amplified": data_uri(amplified(attack.perturbation)), "sign": data_uri(signs(attack.perturbation))}
    layers = attack.layers
    return {
        "done": attack.progress.done,
        "steps": attack.progress.steps,
        "l2": attack.l2,
        "linf": attack.linf,
        "pictures": pictures,
        "spectrum": None if attack.spectrum is None or attack.linf == 0 else attack.spectrum.tolist(),
        "lowShare": attack.low_share,
        "lowFrequency": LOW_FREQUENCY,
        "layers": None
        if layers is None or drawn == attack.progress.done
        else {
            "figure": as_json(layer_changes(layers.layers, layers.change)),
            "note": layer_jumps(layers.layers, layers.change),
        },
        "outcomes": [
            {
                "slot": name,
                "class": outcome.before.name,
                "before": outcome.before.probability,
                "now": outcome.now.probability,
                "top": outcome.top.name,
                "topProbability": outcome.top.probability,
                "topBefore": outcome.top_before.name,
                "changed": outcome.top.index != outcome.top_before.index,
            }
            for name, outcome in zip(names, attack.outcomes, strict=True)
        ],
    }


def _asked(data: Mapping[str, Any]) -> tuple[ExploreState, Attack, dict[str, Any]]:
    """The state, its attack, and what both kinds of job are told of it."""
    state = ExploreState.from_json(data, service().model)
    attack = state.attack.attack
    if attack is None:
        raise InvalidInputError("A request must hold an attack.")
    shown = state.shown
    plane = service().plane(state.scene.plane_neuron) if state.scene.plane else None
    names = tuple(slot.model for slot in shown.values())
    return (
        state,
        attack,
        {
            "scene": state.scene,
            "models": names,
            "slots": tuple(shown),
            "fingerprints": tuple(service().model(name).fingerprint for name in names),
            "plane": plane,
        },
    )


def _grid(attack: Attack, most: Any, points: Any) -> tuple[float, ...]:
    """Values of ε from 0 up to the largest one, evenly spaced."""
    if isinstance(points, bool) or not isinstance(points, int) or not 2 <= points <= MAX_EPSILONS:
        raise InvalidInputError(f"ε cannot take {str(points)[:40]} values. Allowed: 2 to {MAX_EPSILONS}.")
    largest = replace(attack, epsilon=most, step_size=None).epsilon  # says what is allowed
    values = np.linspace(0, largest, points)
    whole = NORMS[attack.norm].whole
    return tuple(sorted({float(round(value)) if whole else float(f"{value:.6g}") for value in values}))


def _job(status: JobStatus, have: str | None = None) -> Response:
    product = service().jobs.product(status.id)
    known = f"{status.state} {status.progress.done}"
    shown: dict[str, Any] = {}
    if product is not None and have != known:
        if type(product) not in SHOWN:
            raise InvalidInputError("This is not a job of the attack panel.")
        shown = SHOWN[type(product)](product)
    return jsonify(
        job=status.id,
        title=status.title,
        state=status.state,
        done=status.progress.done,
        steps=status.progress.steps,
        error=status.error,
        have=known,
        **shown,
    )


def _perturbations(product: Perturbations) -> dict[str, Any]:
    found = product.found
    columns = [p.slot for p in found], [p.spectrum for p in found], [p.low_share for p in found]
    return {
        "figure": as_json(spectra(*columns, LOW_FREQUENCY)),
        "about": str(product.attack).rpartition(";")[0] + ")",
        "pictures": [
            {
                "slot": p.slot,
                "picture": data_uri(amplified(p.perturbation)),
                "words": f"{SLOT_NAMES[p.slot]}: {p.low_share:.0%} low",
                "title": f"{p.model}: {p.before.name} {p.before.probability:.1%} → {p.now.name} "
                f"{p.now.probability:.1%}, ‖δ‖₂ {p.l2:.3g}, ‖δ‖∞ {p.linf:.3g} ({p.linf * 255:.3g}/255)",
            }
            for p in found
        ],
    }


def _curves(product: Curves) -> dict[str, Any]:
    request = product.request
    count = "" if request.pictures == "scene" else f"{product.results[0].count} × "
    return {
        "figure": as_json(robustness(request.slots, product.results)),
        "notes": [
            *falls(request.slots, product.results),
            f"{product.results[0].attack}, untargeted. Pictures: {count}{ABOUT[request.pictures]}. Right is "
            f"{LABELS[request.pictures]}.",
        ],
    }


SHOWN: dict[type, Callable[[Any], dict[str, Any]]] = {Perturbations: _perturbations, Curves: _curves}
"""Kind of result → what the page shows of it."""
