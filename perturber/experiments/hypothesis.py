"""A neuron as a hypothesis: which parameters of scenes its response depends on, and which it does not.

Views are random. From each, every parameter is moved twice within its range, and the neuron's response is compared. On
one half of the views it is found out which effect a parameter may have; the other half, held out, tests it. Whether a
parameter changes the response is tested by flipping signs, for all parameters and neurons together with
false discoveries kept low (Benjamini & Hochberg 1995); whether it does not by an interval that lies within a margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from perturber.errors import InvalidInputError
from perturber.experiments.paired import sign_flip

Verdict = Literal["selective", "invariant", "open"]

FALSE_DISCOVERIES = 0.05
"""Expected share, among those said to be selective, of parameters that the response does not depend on."""

CONFIDENCE = 0.95
RESAMPLES = 2_000

MARGIN = 0.25
"""Mean change, in standard deviations of the response over views, below which it counts as invariant."""

FEWEST = 10
"""Views, below which a half of them says nothing."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is known of a neuron and a parameter.

    Attributes:
        parameter: its key.
        effect: mean change of the response over held-out views when the parameter moves, along the direction found on
            the others; in standard deviations of the response over views.
        low, high: ends of its bootstrap interval, at `CONFIDENCE`.
        q: p-value of there being no effect, adjusted for all parameters together.
        change: mean absolute change, in the same unit, with the high end of its interval.
        verdict: ``selective`` where there is an effect, ``invariant`` where the response certainly changes by less than
            `MARGIN` on average, else ``open``.
    """

    parameter: str
    effect: float
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
        InvalidInputError: too few views, or responses that are not known or all the same.
    """
    low, high, start = (np.asarray(values, np.float64) for values in (low, high, start))
    views = len(start)
    if views < 2 * FEWEST:
        raise InvalidInputError(f"{views} views are too few to test a neuron on. At least {2 * FEWEST} are needed.")
    if low.shape != (views, len(parameters)) or high.shape != low.shape:
        raise InvalidInputError("Each view needs a response to both ends of each parameter.")
    if not all(np.isfinite(values).all() for values in (low, high, start)):
        raise InvalidInputError("Some responses are not known (NaN or ∞), so nothing can be tested.")
    unit = float(np.concatenate((low.ravel(), high.ravel(), start)).std())
    if not unit:
        raise InvalidInputError("The neuron responds to all views alike, so there is nothing to be tested.")
    random = np.random.default_rng(seed)
    order = random.permutation(views)
    finding, testing = order[: views // 2], order[views // 2 :]
    changes = np.stack((high - low, low - start[:, None], high - start[:, None]), 2) / unit  # (N, P, contrasts)
    found = [_contrast(changes[finding, n]) for n in range(len(parameters))]
    held = np.stack([sign * changes[testing, n, which] for n, (which, sign) in enumerate(found)], 1)
    adjusted = stats.false_discovery_control([_p(held[:, n], random) for n in range(held.shape[1])], method="bh")
    absolute = np.abs(changes[testing][:, :, 1:]).max(2)
    rows = []
    for n, parameter in enumerate(parameters):
        ends = _interval(held[:, n], random)
        most = _interval(absolute[:, n], random)[1]
        rows.append(
            Finding(
                parameter=parameter,
                effect=float(held[:, n].mean()),
                low=ends[0],
                high=ends[1],
                q=float(adjusted[n]),
                change=(float(absolute[:, n].mean()), most),
                verdict=_verdict(float(adjusted[n]), most),
            )
        )
    return tuple(rows)


def _contrast(changes: np.ndarray) -> tuple[int, int]:
    """Of the changes (N, contrasts) the one that stands out most from its own scatter, and its sign."""
    means = changes.mean(0)
    errors = changes.std(0, ddof=1) / np.sqrt(len(changes))
    strength = np.abs(means) / np.where(errors > 0, errors, np.inf)
    which = int(strength.argmax())
    return which, 1 if means[which] >= 0 else -1


def _p(values: np.ndarray, random: np.random.Generator) -> float:
    """Of the one-sided sign-flip test: the direction was found on other views."""
    if not values.any():
        return 1.0
    return sign_flip(values, random, flips=RESAMPLES, alternative="greater")


def _interval(values: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    chosen = random.integers(0, len(values), (RESAMPLES, len(values)))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values[chosen].mean(1), (tail, 1 - tail))
    return float(low), float(high)


def _verdict(q: float, most: float) -> Verdict:
    if most < MARGIN:
        return "invariant"
    return "selective" if q <= FALSE_DISCOVERIES else "open"
