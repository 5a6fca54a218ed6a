"""Whether what was seen once holds in general: paired differences, with intervals and p-values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from perturber.errors import InvalidInputError

RESAMPLES = 10_000
FLIPS = 10_000
"""Of signs, at random; of up to 13 pairs all combinations are taken."""

CONFIDENCE = 0.95
FEWEST = 5
"""Pairs, below which an interval says nothing."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A mean difference.

    Attributes:
        mean: of b − a.
        low, high: ends of the bootstrap interval of the mean, at `CONFIDENCE`.
        p: of the two-sided sign-flip test of the differences being symmetric about 0; with the least that so many flips
            can tell.
        count: pairs.
    """

    mean: float
    low: float
    high: float
    p: float
    count: int


@dataclass(frozen=True, kw_only=True)
class Effects:
    """A mean difference over everything, and within each group.

    Attributes:
        groups: name → effect; those of too few pairs are left out.
    """

    all: Effect
    groups: Mapping[str, Effect] = field(default_factory=dict)


def effect(a: np.ndarray, b: np.ndarray, *, seed: int = 0, clusters: Sequence[object] | None = None) -> Effect:
    """The mean of b − a, as percentile bootstrap (Efron 1979) and sign-flip test (Fisher 1935) have it.

    Args:
        a, b: (N,) values of the same things before and after, N from `FEWEST`.
        seed: of resamples and flips.
        clusters: (N,) of what each pair is one of several, as of an object: clusters are resampled and flipped as a
            whole. None where pairs are independent.

    Raises:
        InvalidInputError: too few pairs or clusters, or values that are not finite.
    """
    differences = np.asarray(b, np.float64) - np.asarray(a, np.float64)
    if not np.isfinite(differences).all():
        raise InvalidInputError("Some values are not known (NaN or ∞), so nothing can be tested.")
    sums, sizes = _clustered(differences, clusters)
    if len(sums) < FEWEST:
        raise InvalidInputError(
            f"{len(sums)} independent pairs are too few to be tested. At least {FEWEST} are needed."
        )
    random = np.random.default_rng(seed)
    chosen = random.integers(0, len(sums), (RESAMPLES, len(sums)))
    means = sums[chosen].sum(1) / sizes[chosen].sum(1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return Effect(
        mean=float(differences.mean()),
        low=float(low),
        high=float(high),
        p=sign_flip(sums, random),
        count=len(differences),
    )


def effects(
    a: np.ndarray, b: np.ndarray, groups: Sequence[str], *, seed: int = 0, clusters: Sequence[object] | None = None
) -> Effects:
    """As `effect`, and for each group of pairs by itself.

    Args:
        groups: (N,) what each pair belongs to.
    """
    found = {}
    names = np.asarray(groups)
    for name in dict.fromkeys(groups):
        own = names == name
        inside = None if clusters is None else [one for one, mine in zip(clusters, own, strict=True) if mine]
        if len(set(range(int(own.sum())) if inside is None else inside)) >= FEWEST:
            found[name] = effect(np.asarray(a)[own], np.asarray(b)[own], seed=seed, clusters=inside)
    return Effects(all=effect(a, b, seed=seed, clusters=clusters), groups=found)


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """p-values of several tests, corrected for their number (Holm 1979), in the order given."""
    order = np.argsort(p, kind="stable")
    factors = len(p) - np.arange(len(p))
    corrected = np.maximum.accumulate(np.asarray(p, np.float64)[order] * factors).clip(max=1.0)
    found = np.empty(len(p))
    found[order] = corrected
    return tuple(found.tolist())


def _clustered(differences: np.ndarray, clusters: Sequence[object] | None) -> tuple[np.ndarray, np.ndarray]:
    """Sum and number of the differences in each cluster."""
    if clusters is None:
        return differences, np.ones(len(differences))
    numbers = {name: n for n, name in enumerate(dict.fromkeys(clusters))}
    index = np.array([numbers[name] for name in clusters])
    return np.bincount(index, differences), np.bincount(index).astype(float)


def sign_flip(
    values: np.ndarray, random: np.random.Generator, *, flips: int = FLIPS, alternative: str = "two-sided"
) -> float:
    """p-value of the test (Fisher 1935) of values (N,) being symmetric about 0, by their mean.

    Args:
        flips: of all signs, at random; where there are fewer combinations, all are taken.
        alternative: ``two-sided``, ``greater`` or ``less``.
    """
    from scipy import stats  # a second that no start should wait for

    test = stats.permutation_test(
        (values,),
        lambda x, axis: x.mean(axis),
        permutation_type="samples",
        n_resamples=flips,
        vectorized=True,
        alternative=alternative,
        rng=random,
    )
    return float(test.pvalue)
