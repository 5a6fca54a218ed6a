"""Neurons as hypotheses: which parameters of scenes its response depends on, and which it does not.

Views are random. From each, every parameter is moved twice within its range, and the neuron's response is compared. On
one half of the views it is found out which effect a parameter may have; the other half, held out, tests it. Whether a
parameter changes the response is tested by flipping signs, for all parameters and neurons together with
false discoveries kept low (Benjamini & Hochberg 1995); whether it does not by an interval that lies within a margin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from perturber.errors import InvalidInputError
from perturber.experiments.paired import sign_flip
from perturber.experiments.smallest import listed, named, written
from perturber.experiments.space import Span

Verdict = Literal["selective", "invariant", "open"]

Where = Literal["low", "start", "high"]
"""A value of a parameter: an end of its range, or the one that a view has."""

FALSE_DISCOVERIES = 0.05
"""Expected share, among those said to be selective, of parameters that the response does not depend on."""

CONFIDENCE = 0.95
RESAMPLES = 2_000

FLIPS_A_TEST = 40
"""Of all tests together, at least: so few p-values are as small as one must be to be told among so many."""

MARGIN = 0.25
"""Mean change, in standard deviations of the response over views, below which it counts as invariant."""

PREFERRED = 0.7
"""Of the strength of what stands out most, from which on an effect is said to be one of the whole range."""

FEWEST = 10
"""Views, below which a half of them says nothing."""

REACH: dict[str, float] = {
    "yaw": 60, "pitch": 20, "roll": 30, "distance": 1.5, "pan_x": 0.4, "pan_y": 0.4, "texture_blur": 6,
    "light_azimuth": 60, "light_elevation": 30, "background_blur": 4, "background_rotation": 60, "hue": 0.2,
    "contrast": 0.6, "brightness": 0.25, "noise": 0.15,
}  # fmt: skip
"""Parameter → how far to either side of the scene it is moved where nobody says otherwise."""

MOVED = (*REACH, "morph", "texture_influence", "lighting_influence", "background_saturation", "saturation")
"""Those that are moved where nobody says otherwise; without a reach over all that they can be."""

TOLD = 4
"""Parameters that a sentence names one by one, the strongest first."""

SIDES: dict[str, tuple[str, str]] = {"yaw": ("to the left", "to the right"), "pitch": ("from above", "from below")}
"""Parameter → what its values below and above 0 mean."""

CONTRASTS: tuple[tuple[Where, Where], ...] = (("high", "low"), ("low", "start"), ("high", "start"))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is known of a neuron and a parameter.

    Attributes:
        parameter: its key.
        effect: mean change of the response over held-out views when the parameter moves, along the direction found on
            the others; in standard deviations of the response over views.
        stronger, weaker: that direction: where the response is, if there is an effect.
        low, high: ends of its bootstrap interval, at `CONFIDENCE`.
        q: p-value of there being no effect, adjusted for all parameters together.
        change: mean absolute change, in the same unit, with the high end of its interval.
        verdict: ``selective`` where there is an effect, ``invariant`` where the response certainly changes by less than
            `MARGIN` on average, else ``open``.
    """

    parameter: str
    effect: float
    stronger: Where
    weaker: Where
    low: float
    high: float
    q: float
    change: tuple[float, float]
    verdict: Verdict


def hypothesis(
    parameters: Sequence[str], low: np.ndarray, high: np.ndarray, start: np.ndarray, *, seed: int = 0
) -> tuple[Finding, ...]:
    """Which parameters a neuron is selective for, and to which it is invariant.

    Args:
        parameters: P keys.
        low, high: (N, P) responses to each view with one parameter at the lower and at the upper end of its range.
        start: (N,) responses to the views as they are.
        seed: of the halves, resamples and flips.

    Raises:
        InvalidInputError: as of `hypotheses`, or the neuron responds to all views alike.
    """
    low, high, start = (np.asarray(values, np.float64)[..., None] for values in (low, high, start))
    (found,) = hypotheses(parameters, low, high, start, seed=seed)
    if not found:
        raise InvalidInputError("The neuron responds to all views alike, so there is nothing to be tested.")
    return found


def hypotheses(
    parameters: Sequence[str], low: np.ndarray, high: np.ndarray, start: np.ndarray, *, seed: int = 0
) -> tuple[tuple[Finding, ...], ...]:
    """The same of several neurons, whose p-values are adjusted together.

    Args:
        parameters: P keys.
        low, high: (N, P, C) responses of C neurons.
        start: (N, C).
        seed: of the halves, resamples and flips.

    Returns:
        Of each neuron a finding for each parameter; none where it responds to all views alike.

    Raises:
        InvalidInputError: too few views, or responses that are not known.
    """
    low, high, start = (np.asarray(values, np.float64) for values in (low, high, start))
    views, neurons = start.shape
    if views < 2 * FEWEST:
        raise InvalidInputError(f"{views} views are too few to test a neuron on. At least {2 * FEWEST} are needed.")
    if low.shape != (views, len(parameters), neurons) or high.shape != low.shape:
        raise InvalidInputError("Each view needs a response to both ends of each parameter.")
    if not all(np.isfinite(values).all() for values in (low, high, start)):
        raise InvalidInputError("Some responses are not known (NaN or ∞), so nothing can be tested.")
    random = np.random.default_rng(seed)
    order = random.permutation(views)
    halves = order[: views // 2], order[views // 2 :]
    units = np.concatenate((low, high, start[:, None]), 1).std((0, 1))
    alive = np.flatnonzero(units).tolist()
    flips = max(RESAMPLES, FLIPS_A_TEST * len(parameters) * len(alive))
    effects = [
        [_effect(changes / units[c], halves, random, flips) for changes in _changes(low, high, start, c)] for c in alive
    ]
    found: list[tuple[Finding, ...]] = [()] * neurons
    adjusted = iter(_adjusted([effect.p for own in effects for effect in own]))
    for c, own in zip(alive, effects, strict=True):
        found[c] = tuple(
            _finding(parameter, effect, next(adjusted), random)
            for parameter, effect in zip(parameters, own, strict=True)
        )
    return tuple(found)


def sentence(neuron: str, findings: Sequence[Finding], spans: Mapping[str, Span]) -> str:
    """What is known of a neuron, in words.

    Args:
        findings: of each parameter; none where it responds to all views alike.
        spans: parameter → the range whose ends it was moved to.
    """
    if not findings:
        return f"{neuron} responds to all views alike."
    said = {
        verdict: [finding for finding in findings if finding.verdict == verdict]
        for verdict in ("selective", "invariant", "open")
    }
    parts = []
    if said["selective"]:
        strongest = sorted(said["selective"], key=lambda one: -one.effect)
        parts.append(f"selective for {_listed([_selective(one, spans[one.parameter]) for one in strongest])}")
    if said["invariant"]:
        calmest = sorted(said["invariant"], key=lambda one: one.change[1])
        parts.append(f"invariant to {_listed([named(one.parameter) for one in calmest])}")
    text = f"{neuron} is {' and '.join(parts)}" if parts else f"{neuron} is neither surely selective nor invariant"
    rest = f"; of {_listed([named(one.parameter) for one in said['open']])} nothing is certain" if said["open"] else ""
    return f"{text}{rest if parts else ''}."


def direction(finding: Finding, span: Span) -> str:
    """Where the response is stronger, if there is an effect, in words.

    Args:
        span: the range whose ends the parameter was moved to.
    """
    stronger, weaker = (_place(where, span) for where in (finding.stronger, finding.weaker))
    return f"stronger {stronger} than {weaker}"


def _listed(words: Sequence[str]) -> str:
    more = len(words) - TOLD
    return listed(words if more < 2 else [*words[:TOLD], f"{more} more"])


def _selective(finding: Finding, span: Span) -> str:
    return f"{named(finding.parameter)} ({direction(finding, span)})"


def _place(where: Where, span: Span) -> str:
    if where == "start":
        return "as a view has it"
    if span.key in SIDES and span.low < 0 < span.high:
        return SIDES[span.key][where == "high"]
    return f"at {written(span.key, span.low if where == 'low' else span.high)}"


@dataclass(frozen=True)
class _Effect:
    """Of a parameter on the held-out views, in units.

    Attributes:
        held: (N′,) along the direction found on the other views.
        absolute: (N′,) the larger change of both ends.
    """

    held: np.ndarray
    absolute: np.ndarray
    direction: tuple[Where, Where]
    p: float


def _changes(low: np.ndarray, high: np.ndarray, start: np.ndarray, neuron: int) -> np.ndarray:
    """(P, N, contrasts) of one neuron, in the order of `CONTRASTS`."""
    low, high, start = low[..., neuron].T, high[..., neuron].T, start[:, neuron]
    return np.stack((high - low, low - start, high - start), 2)


def _effect(
    changes: np.ndarray, halves: tuple[np.ndarray, np.ndarray], random: np.random.Generator, flips: int
) -> _Effect:
    finding, testing = halves
    which, sign = _contrast(changes[finding])
    stronger, weaker = CONTRASTS[which][::sign]
    held = sign * changes[testing, which]
    return _Effect(held, np.abs(changes[testing, 1:]).max(1), (stronger, weaker), _p(held, random, flips))


def _adjusted(p: Sequence[float]) -> list[float]:
    from scipy import stats  # a second that no start should wait for

    return stats.false_discovery_control(p, method="bh").tolist() if p else []


def _finding(parameter: str, effect: _Effect, q: float, random: np.random.Generator) -> Finding:
    low, high = _interval(effect.held, random)
    most = _interval(effect.absolute, random)[1]
    return Finding(
        parameter=parameter,
        effect=float(effect.held.mean()),
        stronger=effect.direction[0],
        weaker=effect.direction[1],
        low=low,
        high=high,
        q=q,
        change=(float(effect.absolute.mean()), most),
        verdict=_verdict(q, most),
    )


def _contrast(changes: np.ndarray) -> tuple[int, int]:
    """Of the changes (N, contrasts) the one that stands out most from its own scatter, and its sign.

    The whole range, which comes first, is preferred to half of it.
    """
    means = changes.mean(0)
    errors = changes.std(0, ddof=1) / np.sqrt(len(changes))
    strength = np.abs(means) / np.where(errors > 0, errors, np.inf)
    which = 0 if strength[0] >= PREFERRED * strength.max() else int(strength.argmax())
    return which, 1 if means[which] >= 0 else -1


def _p(values: np.ndarray, random: np.random.Generator, flips: int) -> float:
    """Of the one-sided sign-flip test: the direction was found on other views."""
    if not values.any():
        return 1.0
    return sign_flip(values, random, flips=flips, alternative="greater")


def _interval(values: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    chosen = random.integers(0, len(values), (RESAMPLES, len(values)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values[chosen].mean(1), (tail, 1 - tail))
    return float(low), float(high)


def _verdict(q: float, most: float) -> Verdict:
    if most < MARGIN:
        return "invariant"
    return "selective" if q <= FALSE_DISCOVERIES else "open"
