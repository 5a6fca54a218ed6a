"""The fewest parameters that make one network wrong, or make one wrong while another stays right."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from perturber.experiments.adversary import Ask, Told, Tried, check_renders
from perturber.experiments.goals import Goal, reached
from perturber.experiments.space import Space
from perturber.parameters import PARAMETERS, Number, Value, get

MOST = 6
"""Parameters that are changed together, before it is said that nothing was found from the start."""

SHARES = (1.0, 0.5)
"""Of the way to an end of a range: where a parameter is tried by itself."""

PROMISING = 10
"""Parameters out of which combinations are made: those that bring a network closest to the goal."""

COMBINATIONS = 12
"""That are tried of each number of parameters."""

STEPS = 2
"""Along the slopes of the best combination's parameters."""

HALVINGS = 5
"""Of the way of all parameters together, and of each by itself, once they are found."""

MAX_RENDERS = 2_000


class Smallest:
    """Looks for the fewest parameters that reach a goal; drive `go`, and read what was tried meanwhile.

    Each parameter by itself first; then combinations of those that help most, as if what they do added up; then what
    was found without each of its parameters, and as near to the start as it goes. From one scene to another that is
    known to reach the goal, parameters are taken back one by one where combinations fail.

    Args:
        space: the parameters and their ranges, around a scene or between two.
        renders: the most that may be rendered.

    Attributes:
        tried: in order; each was rendered once.
        found: the point with the fewest parameters, or None.

    Raises:
        InvalidInputError: too many renders, or none.
    """

    def __init__(self, space: Space, *, renders: int = 400) -> None:
        check_renders(renders, MAX_RENDERS)
        self.space, self.renders = space, renders
        self.tried: list[Tried] = []
        self.found: np.ndarray | None = None

    def go(self) -> Generator[Ask, Told, None]:
        """Asks for scenes until there is nothing left to do; send what was seen of them."""
        try:
            yield from self._go()
        except _EndError:
            return

    def _go(self) -> Generator[Ask, Told, None]:
        (start,) = yield from self._look(np.zeros((1, len(self.space.coordinates))))
        if self.found is not None:
            return
        singles = yield from self._singles()
        if self.found is None:
            yield from self._combine(start, singles)
        if self.found is None:
            yield from self._from_the_end()
        if self.found is not None:
            yield from self._prune()
            yield from self._milder()
            yield from self._round()

    # ---- finding them -------------------------------------------------------------------------------------------

    def _singles(self) -> Generator[Ask, Told, dict[int, list[Tried]]]:
        """Each parameter by itself, those first that the slopes at the start promise most of."""
        ends = {place: self._ends(place) for place in range(len(self.space.coordinates))}
        promised = np.zeros(len(ends))
        if self.space.smooth:
            (_, slopes) = yield from self._slopes(np.zeros(len(ends)))
            promised = np.array([max([-slopes[place] * end for end in ends[place]], default=0.0) for place in ends])
        found: dict[int, list[Tried]] = {}
        for share in SHARES:
            for place in np.argsort(-promised, kind="stable").tolist():
                steps = [end * share for end in ends[place] if share == 1 or self.space.between_values[place]]
                points = [self._alone(place, step) for step in steps]
                found.setdefault(place, []).extend((yield from self._look(np.array(points))) if points else [])
                if self.found is not None:
                    return found
        return found

    def _ends(self, place: int) -> list[float]:
        return [end for end in (self.space.lower[place], self.space.upper[place]) if end]

    def _alone(self, place: int, step: float) -> np.ndarray:
        point = np.zeros(len(self.space.coordinates))
        point[place] = step
        return point

    def _combine(self, start: Tried, singles: Mapping[int, Sequence[Tried]]) -> Generator[Ask, Told, None]:
        """Of more and more parameters those that promise most, by what each gains by itself and with others."""
        best = {place: min(tried, key=lambda one: one.score) for place, tried in singles.items() if tried}
        gain = {place: start.score - one.score for place, one in best.items()}
        helpful = sorted((place for place in gain if gain[place] > 0), key=lambda place: -gain[place])[:PROMISING]
        base: list[tuple[Tried, frozenset[int]]] = [(best[place], frozenset((place,))) for place in helpful]
        for count in range(2, MOST + 1):
            promised: dict[frozenset[int], tuple[float, np.ndarray]] = {}
            for (one, places), place in product(base, helpful):
                together = places | {place}
                if len(together) < count:
                    continue
                score = one.score - gain[place]
                if together not in promised or score < promised[together][0]:
                    promised[together] = (score, one.point + best[place].point)
            order = sorted(promised, key=lambda together: promised[together][0])[:COMBINATIONS]
            base = []
            for together in order:
                (one,) = yield from self._look(promised[together][1][None])
                base.append((one, together))
                if self.found is not None:
                    return
            base.sort(key=lambda pair: pair[0].score)
            for one, together in base[:2]:
                yield from self._descend(one.point, sorted(together))
                if self.found is not None:
                    return
            if not base:
                return

    def _descend(self, point: np.ndarray, places: Sequence[int]) -> Generator[Ask, Told, None]:
        """A few steps along the slopes of these parameters alone."""
        own = np.isin(np.arange(len(point)), places) & np.isin(self.space.keys, self.space.smooth)
        if not own.any():
            return
        for step in range(STEPS):
            (_, slopes) = yield from self._slopes(point)
            if self.found is not None:
                return
            way = np.where(own, slopes, 0.0)
            largest = np.abs(way).max()
            if not largest:
                return
            point = (point - 0.5 ** (step + 1) * way / largest).clip(self.space.lower, self.space.upper)
        yield from self._look(point[None])

    def _from_the_end(self) -> Generator[Ask, Told, None]:
        """All parameters at the other scene's values, and then without those that it does as well without."""
        if (self.space.lower < 0).any():
            return  # there is no other scene
        yield from self._look(self.space.upper[None])

    def _prune(self) -> Generator[Ask, Told, None]:
        """Without one of its parameters after another; of those that it does without, as many at once as it can."""
        while self.found is not None:
            places = np.flatnonzero(self.found)
            if len(places) == 1:
                return
            tried = yield from self._look(np.array([self._without([place]) for place in places.tolist()]), keep=False)
            spared = sorted((n for n in range(len(places)) if reached(tried[n].gap)), key=lambda n: tried[n].gap)
            if not spared:
                return
            count, fewer = min(len(spared), len(places) - 1), tried[spared[0]]
            while count > 1:
                (one,) = yield from self._look(self._without(places[spared[:count]])[None], keep=False)
                if reached(one.gap):
                    fewer = one
                    break
                count //= 2
            self.found = fewer.point

    def _without(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        """What was found, with some parameters as at the start."""
        assert self.found is not None
        point = self.found.copy()
        point[places] = 0.0
        return point

    # ---- making it mild -----------------------------------------------------------------------------------------

    def _milder(self) -> Generator[Ask, Told, None]:
        """As near to the start as it goes: all its parameters together, then each by itself."""
        assert self.found is not None
        between = self.space.between_values
        yield from self._halve(between)
        places = np.flatnonzero(self.found.astype(bool) & between)
        if len(places) > 1:
            for place in places:
                yield from self._halve(np.arange(len(between)) == place)

    def _halve(self, which: np.ndarray) -> Generator[Ask, Told, None]:
        assert self.found is not None
        far, low, high = self.found, 0.0, 1.0
        if not far[which].any():
            return
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            (one,) = yield from self._look(np.where(which, far * middle, far)[None], keep=False)
            if reached(one.gap) and len(np.flatnonzero(one.point)) == len(np.flatnonzero(far)):
                self.found, high = one.point, middle
            else:
                low = middle

    def _round(self) -> Generator[Ask, Told, None]:
        """Numbers as short as they can be: rounded away from the start, coarsely first."""
        assert self.found is not None
        for decimals in range(4):
            point = np.array(
                [
                    c.step(c.value(float(step), decimals, outwards=True)) if step and c.unit is not None else step
                    for c, step in zip(self.space.coordinates, self.found, strict=True)
                ]
            )
            if np.abs(point - self.found).max() > 0.05:
                continue  # so much longer a way is not worth it
            (one,) = yield from self._look(point[None], keep=False)
            if reached(one.gap):
                self.found = one.point
                return

    # ---- asking -------------------------------------------------------------------------------------------------

    def _look(self, points: np.ndarray, *, keep: bool = True) -> Generator[Ask, Told, list[Tried]]:
        """What some points are; the first that reaches the goal is kept, if wanted."""
        told = yield from self._ask(Ask(points))
        tried = self._note(points, told)
        good = [one for one in tried if reached(one.gap)]
        if keep and good:
            self.found = min(good, key=lambda one: (len(np.flatnonzero(one.point)), one.gap)).point
        return tried

    def _slopes(self, point: np.ndarray) -> Generator[Ask, Told, tuple[Tried, np.ndarray]]:
        told = yield from self._ask(Ask(point[None], slopes=True))
        (one,) = self._note(point[None], told)
        assert told.slopes is not None
        if reached(one.gap):
            self.found = one.point
        return one, np.nan_to_num(told.slopes)

    def _ask(self, ask: Ask) -> Generator[Ask, Told, Told]:
        if len(self.tried) + len(ask.points) > self.renders:
            raise _EndError
        points = np.array([self.space.snap(point) for point in ask.points])
        return (yield Ask(points, ask.slopes))

    def _note(self, points: np.ndarray, told: Told) -> list[Tried]:
        new = [
            Tried(snapped, float(gap), float(score), self.space.distance(snapped, "l2"))
            for snapped, gap, score in zip(map(self.space.snap, points), told.gaps, told.scores, strict=True)
        ]
        self.tried += new
        return new


class _EndError(Exception):
    """Enough was rendered."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What a difference is told with.

    Attributes:
        labels: network → as a person calls it.
        classes: names, in the order of the logits.
    """

    labels: Mapping[str, str]
    classes: Sequence[str]

    def name(self, index: int) -> str:
        """Of a class."""
        return self.classes[index] if 0 <= index < len(self.classes) else "nothing"


def sentence(
    goal: Goal,
    changed: Mapping[str, tuple[Value, Value]],
    before: Mapping[str, int],
    after: Mapping[str, int],
    wording: Wording,
) -> str:
    """A difference in words.

    Args:
        changed: parameter → its value at the start, and the one that makes the difference.
        before, after: network → its most probable class.
    """
    fooled = wording.labels[goal.fooled]
    labels = listed([named(key) for key in changed])
    values = listed([f"{named(key)} {written(key, new)}" for key, (_, new) in changed.items()])
    text = f"{fooled} depends on {labels}: with {values} it says {wording.name(after[goal.fooled])}"
    if goal.keeps is None:
        return f"{text}, no longer {wording.name(before[goal.fooled])}."
    other = wording.labels[goal.keeps]
    still = "still says" if after[goal.keeps] == before[goal.keeps] else "says"
    return f"{text}; {other} {still} {wording.name(after[goal.keeps])}."


def named(key: str) -> str:
    """A parameter's label, with its heading where several parameters are called so, or the heading says what it is."""
    parameter = get(key)
    twins = [one for one in PARAMETERS.values() if one.label == parameter.label]
    return f"{parameter.label} ({parameter.group})" if len(twins) > 1 or parameter.group == "Morph" else parameter.label


def listed(words: Sequence[str]) -> str:
    """Words with commas and an “and”."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def written(key: str, value: Value) -> str:
    """A parameter's value with its unit, as a person would write it."""
    parameter = get(key)
    if isinstance(value, bool):
        return "on" if value else "off"
    if not isinstance(parameter, Number):
        return str(getattr(parameter, "options", {}).get(value, value))
    return f"{value:.9g}{parameter.unit if parameter.unit == '°' else parameter.unit and ' ' + parameter.unit}"
