"""What measurements are made of: plain functions on arrays, and bootstrap intervals of whatever they give."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np

from perturber.experiments.paired import CONFIDENCE, FEWEST, RESAMPLES

AT_ONCE = 2**22
"""Numbers of resamples that are held at the same moment."""

ROUNDING = 1e-9
"""Differences of shares below which there is none."""

Statistic = Callable[[np.ndarray], np.ndarray]
"""Of how often each of N units is drawn, (R, N) float64 → (R, F) values."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number and how certain it is.

    Attributes:
        low, high: ends of the percentile bootstrap interval (Efron 1979) at `CONFIDENCE`; NaN where too few units
            were there.
        count: units that were drawn from.
    """

    value: float
    low: float = nan
    high: float = nan
    count: int


def bootstrap(statistic: Statistic, count: int, *, seed: int = 0) -> list[Estimate]:
    """Values of a statistic over N units, with intervals from drawing the units anew.

    Args:
        statistic: gives F values for each row of weights; NaN where it has none, which is left out of the interval if
            it is rare.
        count: N, at least one; without an interval below `FEWEST`.

    Returns:
        One of each value.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        (values,) = statistic(np.ones((1, count)))
        if count < FEWEST:
            return [Estimate(value=float(value), count=count) for value in values]
        random, size = np.random.default_rng(seed), max(1, AT_ONCE // count)
        drawn = [statistic(_draws(random, min(size, RESAMPLES - first), count)) for first in range(0, RESAMPLES, size)]
        lows, highs = _ends(np.concatenate(drawn))
    return [
        Estimate(value=float(value), low=float(low), high=float(high), count=count)
        for value, low, high in zip(values, lows, highs, strict=True)
    ]


def _draws(random: np.random.Generator, resamples: int, count: int) -> np.ndarray:
    """How often each unit is drawn in each resample of as many units: (resamples, count)."""
    chosen = random.integers(0, count, (resamples, count)) + count * np.arange(resamples)[:, None]
    return np.bincount(chosen.ravel(), minlength=resamples * count).reshape(resamples, count).astype(float)


def _ends(samples: np.ndarray) -> np.ndarray:
    """Both ends of the interval, (2, F), of samples (R, F); NaN where more of them are unknown than lie outside."""
    tail, ends = (1 - CONFIDENCE) / 2, np.full((2, samples.shape[1]), nan)
    samples = np.where(np.isfinite(samples), samples, nan)
    known = np.isnan(samples).mean(0) <= 1 - CONFIDENCE
    ends[:, known] = np.nanquantile(samples[:, known], (tail, 1 - tail), axis=0)
    return ends


def ratios(over: np.ndarray, under: np.ndarray) -> Statistic:
    """The statistic Σ over / Σ under, of what each unit adds to both: (N, F) or (N,) each."""
    over, under = (np.asarray(part, np.float64).reshape(len(part), -1) for part in (over, under))
    return lambda weights: (weights @ over) / (weights @ under)


def means(values: np.ndarray) -> Statistic:
    """The statistic of means over the units, of values (N, F) or (N,)."""
    return ratios(values, np.ones(len(values)))


def difference(first: Statistic, second: Statistic) -> Statistic:
    """One statistic less another one of the same units."""
    return lambda weights: first(weights) - second(weights)


def summed(values: np.ndarray, units: Sequence[object]) -> np.ndarray:
    """Sums (U, F) of values (N, F) or (N,) within each unit, units in the order in which they first come."""
    numbers = {unit: n for n, unit in enumerate(dict.fromkeys(units))}
    found = np.zeros((len(numbers), *np.shape(values)[1:]))
    np.add.at(found, [numbers[unit] for unit in units], values)
    return found


def fluctuation(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much a prediction wavers while one parameter moves, in percentage points.

    Args:
        probabilities: (U, V, K) in [0, 1], of K classes, in U settings with V values of the parameter each.

    Returns:
        (U,) the standard deviation (of all V, not of a sample) of the class that is most probable on average, and (U,)
        its mean probability, both in percentage points.
    """
    best = probabilities.mean(1).argmax(1)
    of_best = 100 * np.take_along_axis(probabilities, best[:, None, None], 2)[..., 0]
    return of_best.std(1), of_best.mean(1)


def changes(classes: np.ndarray) -> np.ndarray:
    """Share of neighbouring values between which the class changes, in per cent: (U,), of classes (U, V)."""
    return 100 * (classes[:, 1:] != classes[:, :-1]).mean(1)


def corruption_errors(errors: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """The mean corruption error mCE (Hendrycks & Dietterich 2019, section 4.1), in per cent.

    Args:
        errors: (…, C, S) top-1 errors in [0, 1] of C corruptions at S severities.
        baseline: (…, C, S) those of the network that counts as 100 %, or (…, C, 1) its means over the severities.

    Returns:
        (…) the mean over corruptions of Σ errors / Σ errors of the baseline.
    """
    return 100 * (errors.mean(-1) / baseline.mean(-1)).mean(-1)


def relative_corruption_errors(
    errors: np.ndarray, clean: np.ndarray, baseline: np.ndarray, baseline_clean: np.ndarray
) -> np.ndarray:
    """The relative mCE (the same section): how much corruptions add to the clean error, in per cent of the baseline.

    Args:
        errors, baseline: as of `corruption_errors`.
        clean, baseline_clean: (…) errors in [0, 1] on the same pictures uncorrupted.

    Returns:
        (…) NaN where a corruption adds nothing to the baseline's.
    """
    added, base = (
        of.mean(-1) - np.asarray(without)[..., None] for of, without in ((errors, clean), (baseline, baseline_clean))
    )
    return 100 * (added / np.where(np.abs(base) < ROUNDING, np.nan, base)).mean(-1)


def error_consistency(right: np.ndarray, other: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Cohen's κ of where two observers are right (Geirhos, Meding & Wichmann 2020, equations 1 to 3).

    Args:
        right, other: (N,) bool, over the same pictures.
        weights: (R, N) how often each picture counts; by default once.

    Returns:
        (R,) 1 where they always err together, 0 where they do as often as their accuracies make it likely.
    """
    weights = np.ones((1, len(right))) if weights is None else weights
    count = weights.sum(1)
    first, second, observed = (weights @ part.astype(float) / count for part in (right, other, right == other))
    expected = first * second + (1 - first) * (1 - second)
    with np.errstate(invalid="ignore"):
        return np.where(observed == 1, 1.0, (observed - expected) / (1 - expected))


def cues_in_conflict(first: np.ndarray, second: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By which of two cues a network tells a first object from a second one.

    Args:
        first, second: (V, S, S) what it gives each object, in V views; the shape goes along the second dimension, the
            texture along the last, from the first object to the second.

    Returns:
        Name → (V,) and (V,), the ratio of whose sums it is; see the definition of
        `perturber.experiments.measurements.shape`.
    """
    tiny = np.finfo(np.float32).tiny
    odds = np.log(np.maximum(second, tiny)) - np.log(np.maximum(first, tiny))
    chosen = second / (first + second)
    criterion = (odds[:, 0, 0] + odds[:, -1, -1]) / 2
    every = np.ones(len(odds))

    def bias(border: np.ndarray | float) -> np.ndarray:
        return (odds[:, -1, 0] > border).astype(float) + (odds[:, 0, -1] <= border)

    def slopes(of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (of[:, -1] - of[:, 0]).mean(1), (of[:, :, -1] - of[:, :, 0]).mean(1)

    (by_shape, by_texture), (shape, texture) = slopes(chosen), slopes(odds)
    right = (odds[:, 0, 0] <= 0).astype(float) + (odds[:, -1, -1] > 0)
    return {
        "shape bias": (bias(0.0), 2 * every),
        "shape bias by its own criterion": (bias(criterion), 2 * every),
        "shape weight": (shape, shape + texture),
        "accuracy": (right, 2 * every),
        "shape effect": (by_shape, every),
        "texture effect": (by_texture, every),
    }


def sphere_weights(latitudes: np.ndarray) -> np.ndarray:
    """Share of the sphere that a cell of each row of a grid takes up, but for a factor: cos latitude, from degrees."""
    return np.cos(np.radians(latitudes))


def regions(recognised: np.ndarray) -> np.ndarray:
    """Number each connected region of a map around the sphere, which closes from its last column to its first.

    Args:
        recognised: (latitudes, longitudes) bool; cells touch by their sides.

    Returns:
        The same shape, 0 where not recognised, else the region's number from 1.
    """
    from scipy import ndimage  # a second that no start should wait for
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    labels, count = ndimage.label(recognised)
    ends = labels[:, [0, -1]]
    left, right = ends[(ends > 0).all(1)].T
    touching = coo_array((np.ones(len(left)), (left, right)), shape=(count + 1, count + 1))
    return connected_components(touching, directed=False)[1][labels]  # 0 touches nothing, and comes first


def borders(recognised: np.ndarray) -> np.ndarray:
    """Which recognised cells of such a map lie beside one that is not."""
    known = np.pad(recognised, ((0, 0), (1, 1)), mode="wrap")
    known = np.pad(known, ((1, 1), (0, 0)), mode="edge")
    inside = known[:-2, 1:-1] & known[2:, 1:-1] & known[1:-1, :-2] & known[1:-1, 2:]
    return recognised & ~inside
