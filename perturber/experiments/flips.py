"""Where along a parameter the most probable class changes first, found with few pictures.

Places are steps of the parameter's slider, counted from the present value outwards: what the slider cannot show is not
looked for. A search asks for places to be looked at, and is told what each network makes of them; nothing here renders.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from perturber.parameters import Number, get

GRID = 5
"""Places up to the end of the range, closer to each other near the present value, among which the first with another
class is looked for."""

POINTS = 4
"""Leads that a guess is made of: a polynomial goes through them."""

PATIENCE = 5
"""Guesses after which the middle is taken for once, lest it takes long where leads jump."""


@dataclass(frozen=True)
class Lead:
    """What a network makes of a scene.

    Attributes:
        top: its most probable class.
        by: logits by which a class leads all others: below 0 where another one does.
    """

    top: int
    by: float


Ask = Mapping[int, tuple[int, ...]]
"""Place → the networks, by number, to be shown the scene there."""

Told = Mapping[int, Mapping[int, Lead]]
"""Place → network → what it makes of that."""


@dataclass
class Bracket:
    """A place at which the class is still the present one, and a later one at which it is not.

    Attributes:
        low, high: the places.
        to_class: the class at `high`.
        leads: place → by how much the present class leads there, of all places that are known.
        guesses: made so far.
    """

    low: int
    high: int
    to_class: int
    leads: dict[int, float]
    guesses: int = 0

    @property
    def closed(self) -> bool:
        """Whether nothing lies between."""
        return self.high - self.low <= 1

    def guess(self) -> int:
        """The place between the two at which the lead is most likely gone."""
        self.guesses += 1
        middle = (self.low + self.high) // 2
        ends = [self.low, self.high]
        near = sorted(
            self.leads.keys() - ends, key=lambda place: (min(abs(place - self.low), abs(place - self.high)), place)
        )
        known = np.array([*ends, *near[: POINTS - 2]])
        leads = np.array([self.leads[place] for place in known.tolist()])
        if self.guesses % PATIENCE == 0 or not np.isfinite(leads).all():
            return middle
        half = (self.high - self.low) / 2
        curve = np.linalg.solve(np.vander((known - self.low) / half - 1, len(known)), leads)
        between = np.arange(self.low, self.high + 1)
        expected = np.polyval(curve, (between - self.low) / half - 1)
        expected[0], expected[-1] = max(leads[0], 0.0), min(leads[1], 0.0)
        after = int(np.argmax(expected <= 0)) or 1
        fall = expected[after - 1] - expected[after]
        place = self.low + after - 1 + round(expected[after - 1] / fall if fall else 0.5)
        return min(max(place, self.low + 1), self.high - 1)

    def narrow(self, place: int, seen: Lead, start: int) -> None:
        """Take note of what was seen between."""
        self.leads[place] = seen.by
        if seen.top == start:
            self.low = place
        else:
            self.high, self.to_class = place, seen.top


def places(key: str, present: float, side: int) -> tuple[float, ...]:
    """The present value, and the steps of the slider from there to the end of the range; of an angle half a turn.

    Args:
        side: 0 for those below, 1 for those above; an angle's may lie outside of its interval.
    """
    parameter = get(key)
    assert isinstance(parameter, Number)
    way = (-1, 1)[side]
    if parameter.periodic:
        end = present + way * (parameter.maximum - parameter.minimum) / 2
    else:
        end = (parameter.minimum, parameter.maximum)[side]
    decimals = max(len(f"{number:.9g}".partition(".")[2]) for number in (parameter.step, parameter.minimum))
    first, last = ((value - parameter.minimum) / parameter.step for value in (present, end))
    if side:
        steps = range(floor(first + 1e-6) + 1, floor(last + 1e-6) + 1)
    else:
        steps = range(ceil(first - 1e-6) - 1, ceil(last - 1e-6) - 1, -1)
    values = [present, *(round(parameter.minimum + step * parameter.step, decimals) for step in steps)]
    if abs(values[-1] - end) > 1e-6 * parameter.step:
        values.append(end)
    return tuple(values)


def search(count: int, start: Sequence[Lead]) -> Generator[Ask, Told, list[Bracket | None]]:
    """Ask for places up to `count` until each network's first flip is known as far as it can be.

    Args:
        start: of each network, what it makes of place 0.

    Returns:
        Of each network, a closed bracket, or None where no flip was found.
    """
    found: list[Bracket | None] = [None] * len(start)
    leads = [{0: one.by} for one in start]
    last = 0
    for place in sorted({ceil(count * (n / GRID) ** 2) for n in range(1, GRID + 1)} - {0}):
        looking = tuple(n for n, bracket in enumerate(found) if bracket is None)
        if not looking:
            break
        told = yield {place: looking}
        for n in looking:
            seen = told[place][n]
            leads[n][place] = seen.by
            if seen.top != start[n].top:
                found[n] = Bracket(last, place, seen.top, leads[n])
        last = place
    yield from _narrow([(n, one) for n, one in enumerate(found) if one is not None], start)
    return found


def _narrow(brackets: Sequence[tuple[int, Bracket]], start: Sequence[Lead]) -> Generator[Ask, Told, None]:
    """Until nothing lies within any of them."""
    while wide := [(n, bracket) for n, bracket in brackets if not bracket.closed]:
        guesses = [(n, bracket, bracket.guess()) for n, bracket in wide]
        ask: dict[int, tuple[int, ...]] = {}
        for n, _, place in guesses:
            ask[place] = (*ask.get(place, ()), n)
        told = yield ask
        for n, bracket, place in guesses:
            bracket.narrow(place, told[place][n], start[n].top)
