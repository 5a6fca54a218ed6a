"""Neurons that respond by rule: what is said to matter to them does, and what matters is mostly said to."""

import numpy as np
import pytest

from perturber.errors import InvalidInputError
from perturber.experiments.hypothesis import MARGIN, hypotheses, hypothesis, sentence

VIEWS, PLANTED, IDLE = 60, 4, 8
KEYS = tuple(f"p{n}" for n in range(PLANTED + IDLE))


def neuron(random: np.random.Generator, *, noise: float = 0.6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Responses that the first parameters change, some up and down and some to one side only, the others not at all.

    The noise is of each picture: views that differ in nothing that matters get other responses, too.
    """
    start = random.standard_normal(VIEWS)
    up, down = np.zeros(len(KEYS)), np.zeros(len(KEYS))
    up[:PLANTED], down[:PLANTED] = (0.5, -0.5, 0.5, -0.5), (-0.4, 0.4, 0.0, -0.5)
    own = [noise * random.standard_normal((VIEWS, len(KEYS))) for _ in range(2)]
    return start[:, None] + down + own[0], start[:, None] + up + own[1], start + noise * random.standard_normal(VIEWS)


def test_few_discoveries_are_false_and_most_effects_are_found() -> None:
    random = np.random.default_rng(1)
    false, found, told = [], [], 0
    for number in range(40):
        verdicts = [row.verdict for row in hypothesis(KEYS, *neuron(random), seed=number)]
        selective = np.array(verdicts) == "selective"
        told += selective.sum()
        false.append(selective[PLANTED:].sum() / max(selective.sum(), 1))
        found.append(selective[:PLANTED].mean())
    assert np.mean(false) <= 0.05
    assert np.mean(found) >= 0.8
    assert told


def test_where_nothing_matters_little_is_discovered() -> None:
    random = np.random.default_rng(2)
    wrong = 0
    for number in range(40):
        low, high, start = (random.standard_normal(shape) for shape in [(VIEWS, 12), (VIEWS, 12), (VIEWS,)])
        wrong += any(row.verdict == "selective" for row in hypothesis(KEYS, low, high, start, seed=number))
    assert wrong <= 5  # 2 are to be expected


def test_invariance_is_said_only_where_the_response_hardly_changes() -> None:
    low, high, start = neuron(np.random.default_rng(3), noise=0.02)
    rows = hypothesis(KEYS, low, high, start)
    assert [row.verdict for row in rows] == ["selective"] * PLANTED + ["invariant"] * IDLE
    for row in rows[PLANTED:]:
        assert row.change[0] <= row.change[1] < MARGIN
    for row in rows[:PLANTED]:
        assert 0 < row.low <= row.effect <= row.high
    assert hypothesis(KEYS, low, high, start) == rows


def test_several_neurons_are_tested_together() -> None:
    """More tests make it harder to be told; one that responds to nothing has no part in that."""
    random = np.random.default_rng(5)
    ones = [neuron(random) for _ in range(6)]
    low, high, start = (np.stack([one[n] for one in ones] + [np.ones_like(ones[0][n])], -1) for n in range(3))
    found = hypotheses(KEYS, low, high, start)
    assert found[-1] == ()
    told = [[row.verdict == "selective" for row in rows] for rows in found[:-1]]
    assert np.mean([row[:PLANTED] for row in told]) >= 0.8
    wrong = sum(sum(row[PLANTED:]) for row in told)
    assert wrong <= 0.05 * sum(map(sum, told)) + 1
    (alone,) = hypotheses(KEYS, low[..., :1], high[..., :1], start[:, :1])
    assert [row.effect for row in alone] == pytest.approx([row.effect for row in found[0]])
    assert sentence("x:0", (), {}) == "x:0 responds to all views alike."


def test_the_direction_is_the_planted_one() -> None:
    rows = hypothesis(KEYS, *neuron(np.random.default_rng(6), noise=0.1))
    assert [(row.stronger, row.weaker) for row in rows[:2]] == [("high", "low"), ("low", "high")]
    assert {row.stronger for row in rows[2:3]} == {"high"}  # down, it is as it was
    assert rows[3].stronger == "start"  # either way it is weaker


@pytest.mark.parametrize(
    ("low", "high", "start", "words"),
    [
        (np.ones((5, 1)), np.ones((5, 1)), np.ones(5), "too few"),
        (np.ones((20, 1)), np.ones((20, 1)), np.ones(20), "all views alike"),
        (np.ones((20, 2)), np.ones((20, 1)), np.ones(20), "both ends"),
        (np.full((20, 1), np.nan), np.ones((20, 1)), np.ones(20), "not known"),
    ],
)
def test_responses_that_cannot_be_tested(low: np.ndarray, high: np.ndarray, start: np.ndarray, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        hypothesis(("yaw",), low, high, start)
