"""The search for flips, on leads that are known everywhere."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from perturber.experiments.flips import GRID, Bracket, Lead, places, search
from perturber.experiments.slopes import sliding
from perturber.parameters import Number, get

Leads = Callable[[int], float]


def found(
    count: int, leads: Sequence[Leads], told_as: float | None = None
) -> tuple[list[Bracket | None], list[tuple[int, int]]]:
    """What a search comes to, and every place and network that it asked for; class 1 leads where class 0 does not."""

    def at(place: int, n: int) -> Lead:
        by = leads[n](place)
        return Lead(top=int(by < 0), by=by if told_as is None else told_as)

    asking, asked = search(count, [at(0, n) for n in range(len(leads))]), []
    told = None
    while True:
        try:
            ask = asking.send(told)  # type: ignore[arg-type]
        except StopIteration as end:
            return end.value, asked
        asked += [(place, n) for place, networks in ask.items() for n in networks]
        told = {place: {n: at(place, n) for n in networks} for place, networks in ask.items()}


@pytest.mark.parametrize("seed", range(40))
def test_of_leads_that_fall_once_the_step_is_found(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 2000))
    flips = random.integers(1, count + 1, 2)
    bent = random.uniform(0.3, 3, 2)
    leads = [
        lambda place, flip=flip, bend=bend: 5 * (1 - (max(place, 0) / (flip - 0.5)) ** bend)
        for flip, bend in zip(flips, bent, strict=True)
    ]
    brackets, asked = found(count, leads)
    for n, flip in enumerate(flips.tolist()):
        bracket = brackets[n]
        assert bracket is not None
        assert (bracket.low, bracket.high, bracket.to_class) == (flip - 1, flip, 1)
    assert len(set(asked)) == len(asked)
    assert all(1 <= place <= count for place, _ in asked)


@pytest.mark.parametrize("jump", [1, 2, 77, 199, 200])
def test_leads_that_jump_take_hardly_longer_than_halving(jump: int) -> None:
    (bracket,), asked = found(200, [lambda place: -1e6 if place >= jump else 0.01])
    assert bracket is not None
    assert bracket.high == jump
    assert len(asked) <= GRID + 30


def test_behind_a_flip_and_without_one_nothing_more_is_asked() -> None:
    brackets, asked = found(1000, [lambda place: 1.0, lambda place: -1.0 if place else 1.0])
    assert brackets[0] is None
    assert brackets[1] is not None
    assert (brackets[1].low, brackets[1].high) == (0, 1)
    assert len([place for place, n in asked if n == 0]) == GRID
    assert max(place for place, n in asked if n == 1) == min(place for place, n in asked if n == 0)


def test_leads_that_are_no_numbers_are_halved() -> None:
    (bracket,), _ = found(64, [lambda place: 30 - 0.5 - place], told_as=np.nan)
    assert bracket is not None
    assert bracket.high == 30


def test_nothing_lies_beyond_an_end() -> None:
    assert found(0, [lambda place: 1.0]) == ([None], [])


@pytest.mark.parametrize("key", sliding())
@pytest.mark.parametrize("side", [0, 1])
def test_places_are_those_that_the_slider_shows(key: str, side: int) -> None:
    parameter = get(key)
    assert isinstance(parameter, Number)
    present = parameter.minimum + 0.3137 * (parameter.maximum - parameter.minimum)
    values = places(key, present, side)
    assert values[0] == present
    steps = np.diff(values) * (1, -1)[side == 0]
    assert (steps > 0).all()
    assert (steps <= parameter.step * (1 + 1e-6)).all()
    end = present + (steps.sum()) * (1, -1)[side == 0]
    half = (parameter.maximum - parameter.minimum) / 2
    expected = (
        present + (half, -half)[side == 0] if parameter.periodic else (parameter.minimum, parameter.maximum)[side]
    )
    assert end == pytest.approx(expected)
    on_steps = (np.array(values[1:-1]) - parameter.minimum) / parameter.step
    assert on_steps == pytest.approx(on_steps.round(), abs=1e-6)
    assert places(key, parameter.maximum, 1) == (parameter.maximum,) or parameter.periodic
