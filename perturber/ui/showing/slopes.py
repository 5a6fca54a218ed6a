"""Slopes and flips beside the sliders of Explore: ordered once the scene rests, given up as it moves on."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite
from typing import Any

import numpy as np

from perturber.errors import BusyError, InvalidInputError, OvertakenError, PerturberError
from perturber.experiments.slopes import Flip, Slope, Slopes
from perturber.figures import SLOT_COLOURS, SLOT_NAMES, SLOT_TEXT
from perturber.parameters import Number, get
from perturber.service import ClassScore, JobState, JobStatus, SlotLook, job_id
from perturber.service.works.slopes import FlipsRequest, SlopesRequest
from perturber.ui.callbacks.follow import Asked, Follow
from perturber.ui.callbacks.messages import Props
from perturber.ui.components.controls import control_id, slot_style
from perturber.ui.components.explore_display import slopes_box
from perturber.ui.context import service
from perturber.ui.looks import looked
from perturber.ui.papers.orders import of_models
from perturber.ui.states.explore import ExploreState

SHARE = 0.1
"""Of a parameter's range, the change over which its bar shows."""

DRAWN = 0.9
"""Share of the changes that bars show to scale; larger ones are full bars."""

WAITING = "they appear beside the sliders once the scene rests."
ATTACKED = "they are of scenes, and an attack is on this picture. End the attack to see them."
MOVING = "they wait until the physical attack moves the sliders no more."
NO_CLASS = "no shown model predicts a class whose score could be followed."

How = {"gradient": "by autograd", "difference": "by central differences"}


def ordered_for(state: ExploreState, looks: Mapping[int, SlotLook], visit: str) -> str:
    """The ids of the jobs that belong to what is shown, with a space between them; empty where none do."""
    requests = _requests(state, looks, visit)
    return "" if isinstance(requests, str) else " ".join(job_id(request) for request in requests)


def moved_on(page: str, state: ExploreState, before: str) -> list[Props]:
    """End the jobs of what was shown before, and take their bars away.

    Args:
        state: what is shown now.
        before: their ids (see `ordered_for`).
    """
    jobs = service().jobs
    for name in before.split():
        with suppress(PerturberError):  # it is forgotten, or was never begun
            if isinstance(jobs.request(name), SlopesRequest | FlipsRequest):
                jobs.cancel(name)
    options = slopes_box(WAITING if state.view.slopes else "")
    return [
        {"id": f"{page}-panel", "props": {"slopes": {}}},
        {"id": control_id(page, "slopes"), "props": {"options": options}},
    ]


def follow_slopes(page: str, state: ExploreState, asked: Asked, follow: Follow) -> None:
    """Order the slopes of what has come to rest, and show how far they are."""
    rows: Mapping[str, list[dict[str, Any]]] = {}
    mark, words = "", ""
    if state.view.slopes:
        answer, _ = looked(state.request(asked.settled.follower))
        looks = dict(zip(state.shown, answer.slots, strict=True))
        requests = _requests(state, looks, asked.settled.client)
        if isinstance(requests, str):
            mark = words = requests
        else:
            try:
                jobs = [service().jobs.submit(one) if asked.woken else _status(job_id(one)) for one in requests]
            except (BusyError, OvertakenError):
                raise
            except PerturberError as error:  # who only looks orders nothing
                jobs, mark, words = [], str(error), str(error)
            if jobs:
                mark, words, rows = _found(state, looks, requests, jobs)
                follow.running = follow.running or any(not job.state.over for job in jobs)
    if asked.shown.get("slopes", "") != mark or (asked.woken and state.view.slopes):  # a look may have taken them away
        follow.shown["slopes"] = mark
        follow.show(f"{page}-panel", slopes=rows)
        follow.show(control_id(page, "slopes"), options=slopes_box(words))


def _requests(
    state: ExploreState, looks: Mapping[int, SlotLook], visit: str
) -> "tuple[SlopesRequest, FlipsRequest] | str":
    """What is asked of the slots that follow a class; or why nothing is."""
    if state.attack.attack is not None:
        return ATTACKED
    if state.attack.physical is not None and state.attack.physical.job is not None:
        return MOVING
    followed = _followed(looks)
    if not followed:
        return NO_CLASS
    models = tuple(looks[n].model for n in followed)
    common: dict[str, Any] = {"scene": state.scene, "models": models, "visit": visit, **of_models(models, state.scene)}
    slopes = SlopesRequest(classes=tuple(score.index for score in followed.values()), **common)
    return slopes, FlipsRequest(keys=slopes.keys, urgent=False, **common)  # what takes longer comes after


def _followed(looks: Mapping[int, SlotLook]) -> dict[int, ClassScore]:
    """Slot → the first pinned class, or else the most probable one; of those that predict any."""
    return {n: (look.pinned or look.top)[0] for n, look in looks.items() if look.top}


def _status(name: str) -> JobStatus:
    """Of a job; one that is forgotten is over."""
    try:
        return service().jobs.status(name)
    except InvalidInputError:
        return JobStatus(id=name, title="", state=JobState.CANCELLED)


def _found(
    state: ExploreState,
    looks: Mapping[int, SlotLook],
    requests: tuple[SlopesRequest, FlipsRequest],
    jobs: Sequence[JobStatus],
) -> tuple[str, str, dict[str, list[dict[str, Any]]]]:
    """A mark of what is known, the sentence beside the switch, and parameter → bars and marks of its slider."""
    slopes, flips = (_product(job.id) for job in jobs)
    failed = next((job.error for job in jobs if job.error), None)
    mark = " ".join(f"{job.id} {job.state} {job.progress.done}" for job in jobs)
    if failed is not None:
        return mark, failed, {}
    whole = jobs[0].state is JobState.DONE and isinstance(slopes, Slopes)
    if jobs[0].state is JobState.CANCELLED:
        return mark, WAITING, {}
    rows: dict[str, list[dict[str, Any]]] = {}
    if whole:
        rows = _bars(state, looks, slopes)
    for key, sides in (flips or {}).items():
        rows.setdefault(key, []).extend(_marks(state, looks, key, sides))
    return mark, _sentence(looks, jobs, requests[1], slopes), rows


def _product(name: str) -> Any:
    try:
        return service().jobs.product(name)
    except InvalidInputError:
        return None


def _sentence(
    looks: Mapping[int, SlotLook], jobs: Sequence[JobStatus], flips: FlipsRequest, slopes: Slopes | None
) -> str:
    names = list(dict.fromkeys(score.name for score in _followed(looks).values()))
    if jobs[0].state is not JobState.DONE or slopes is None:
        progress = jobs[0].progress
        return f"of the logit of {' and '.join(names)}: {progress.done} of {progress.steps} …"
    scale = f"left −, right +, full bar {_full(slopes):.2g} or more"
    bars = f"Δ logit of {' and '.join(names)} over a tenth of each range, {scale}"
    seen = "" if jobs[1].state.over else f" ({jobs[1].progress.done} of {len(flips.keys)})"
    return f"{bars}. Triangles: the top class changes{seen}."


# ---- beside a slider ----------------------------------------------------------------------------------------------


def _bars(state: ExploreState, looks: Mapping[int, SlotLook], slopes: Slopes) -> dict[str, list[dict[str, Any]]]:
    slots = list(_followed(looks))
    changes = {key: [SHARE * _range(key) * value for value in one.values] for key, one in slopes.slopes.items()}
    full = _full(slopes)
    return {
        key: [
            _span(
                "slope",
                n,
                f"{_named(state, n)}: {_written(key, one, i, changes[key][i])}",
                share=max(-1.0, min(changes[key][i] / full, 1.0)),
                row=i,
            )
            for i, n in enumerate(slots)
            if isfinite(changes[key][i])
        ]
        for key, one in slopes.slopes.items()
    }


def _full(slopes: Slopes) -> float:
    """The change of a full bar: a few parameters have slopes of another order, beside which no other could be seen."""
    changes = np.abs([SHARE * _range(key) * value for key, one in slopes.slopes.items() for value in one.values])
    known = changes[np.isfinite(changes) & (changes > 0)]
    return float(np.quantile(known, DRAWN)) if len(known) else 1.0


def _marks(
    state: ExploreState, looks: Mapping[int, SlotLook], key: str, sides: Sequence[Sequence[Flip | None]]
) -> list[dict[str, Any]]:
    parameter = get(key)
    assert isinstance(parameter, Number)
    spans = []
    for (n, _), own in zip(_followed(looks).items(), sides, strict=True):
        top = looks[n].top
        classes = service().model(looks[n].model).classes
        for flip in own:
            if flip is None or not top:
                continue
            at = _amount(key, f"{flip.value:.4g}")
            words = f"{_named(state, n)}: {top[0].name} → {classes[flip.to_class]} at {at}"
            spans.append(_span("flip", n, words, at=(flip.value - parameter.minimum) / _range(key)))
    return spans


def _span(kind: str, slot: int, words: str, **numbers: float) -> dict[str, Any]:
    """Properties of an element in a slot's colour; numbers are for its style."""
    style = slot_style(SLOT_COLOURS[slot], SLOT_TEXT[slot])
    style |= {f"--{name}": f"{number:.4g}" for name, number in numbers.items()}
    return {"className": kind, "title": words, "aria-label": words, "style": style}


def _named(state: ExploreState, slot: int) -> str:
    return f"{SLOT_NAMES[slot]} ({service().model(state.slot(slot).model).label})"


def _written(key: str, slope: Slope, i: int, change: float) -> str:
    unit = getattr(get(key), "unit", "") or "unit"
    return f"Δ logit {slope.values[i]:+.3g} per {unit}, {How[slope.how]}; {change:+.3g} over a tenth of the range"


def _amount(key: str, number: str) -> str:
    unit = getattr(get(key), "unit", "")
    return f"{number}{unit}" if unit in ("", "°") else f"{number} {unit}"


def _range(key: str) -> float:
    parameter = get(key)
    assert isinstance(parameter, Number)
    return parameter.maximum - parameter.minimum
