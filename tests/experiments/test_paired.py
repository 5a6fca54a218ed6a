"""Intervals that hold as often as they say, p-values that are uniform where there is nothing, and corrections."""

import numpy as np
import pytest
from scipy import stats

from perturber.errors import InvalidInputError
from perturber.experiments.paired import effect, effects, holm

RANDOM = np.random.default_rng(0)


def test_against_scipy() -> None:
    a, b = RANDOM.normal(size=40), RANDOM.normal(0.4, 1, size=40)
    found = effect(a, b)
    assert found.mean == pytest.approx((b - a).mean())
    slow = stats.bootstrap((b - a,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    assert (found.low, found.high) == pytest.approx((slow.low, slow.high), abs=0.02)
    assert found.p == pytest.approx(stats.ttest_rel(a, b).pvalue, abs=0.02)  # symmetric, so both tests agree


def test_all_flips_of_a_few_pairs() -> None:
    """All of one sign: only the data and its mirror are as extreme, 2 of 2⁶."""
    assert effect(np.zeros(6), np.arange(1.0, 7)).p == pytest.approx(2 / 64)


def test_an_interval_holds_in_19_of_20_cases() -> None:
    hits = 0
    for _ in range(200):
        a = RANDOM.normal(size=30)
        found = effect(a, a + RANDOM.normal(0.5, 1, size=30), seed=int(RANDOM.integers(1000)))
        hits += found.low <= 0.5 <= found.high
    assert 0.89 <= hits / 200 <= 0.985


def test_where_there_is_nothing_p_is_uniform() -> None:
    p = [effect(np.zeros(20), RANDOM.normal(size=20), seed=n).p for n in range(200)]
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_pairs_of_one_cluster_count_as_one() -> None:
    """Ten copies of everything tell no more than one."""
    differences = RANDOM.normal(0.3, 1, size=12)
    once = effect(np.zeros(12), differences)
    copied = effect(np.zeros(120), np.repeat(differences, 10), clusters=np.repeat(np.arange(12), 10).tolist())
    assert (copied.mean, copied.low, copied.high, copied.p) == pytest.approx((once.mean, once.low, once.high, once.p))
    assert copied.count == 120
    alone = effect(np.zeros(120), np.repeat(differences, 10))
    assert alone.high - alone.low < 0.5 * (once.high - once.low)


def test_groups() -> None:
    found = effects(np.zeros(13), np.arange(13.0), ["dog"] * 6 + ["cat"] * 5 + ["truck"] * 2)
    assert found.groups.keys() == {"dog", "cat"}
    assert found.groups["dog"].mean == pytest.approx(2.5)
    assert found.all.count == 13


def test_the_same_seed_gives_the_same_numbers() -> None:
    a, b = np.zeros(30), RANDOM.normal(size=30)
    assert effect(a, b, seed=4) == effect(a, b, seed=4)


def test_holm() -> None:
    """By its definition: the least p times 4, the next times 3, and so on, and never less than the one before."""
    p = (0.01, 0.04, 0.03, 0.005)
    assert holm(p) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm(()) == ()


def test_too_little_is_not_tested() -> None:
    for a, b, words in (
        (np.zeros(4), np.ones(4), "too few"),
        (np.zeros(9), np.full(9, np.nan), "not known"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            effect(a, b)
