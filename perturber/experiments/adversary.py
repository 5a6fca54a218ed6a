"""The nearest scene that fools a network, or parts two: a gradient attack on a scene's parameters.

Where pictures cannot be differentiated (what moves outlines), differences of a few scenes stand in for the gradient.
Nothing here renders: a search asks for scenes to be looked at, and is told how far each is from the goal.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.goals import reached
from perturber.experiments.space import Norm, Space, check_limit, check_norm

Method = Literal["gradient", "random"]

METHODS: tuple[Method, ...] = get_args(Method)

MAX_RENDERS = 5_000
MAX_STARTS = 50

STEPS = 5
"""Scenes of a gradient attack from one point."""

DECAY = 0.75
"""Of the steps' momentum (Dong et al. 2018) from one to the next."""

ALONE = 5
"""Of these, scenes before differences are taken, too."""

WIDE = 0.1
"""Step of a difference, in ranges: wide enough to see beyond the noise of outlines."""

AWAY = (0.3, 0.8)
"""How far from the start, in the distance allowed, later starts lie."""

HALVINGS = 4
"""Of the way between the start and a scene that was found."""

NEARER = 0.97
"""Of the distance that was reached: the next scene must be as near as that at least to be worth its renders."""


@dataclass(frozen=True, eq=False)
class Ask:
    """Scenes to be looked at.

    Attributes:
        points: (N, P) of a `Space`.
        slopes: whether the gap's slopes at the one point are wanted, too.
    """

    points: np.ndarray
    slopes: bool = False


@dataclass(frozen=True, eq=False)
class Told:
    """What was seen.

    Attributes:
        gaps: (N,) logits from the goal.
        scores: (N,) as smooth log-odds (see `goals.Goal`).
        slopes: (P,) of the score for one step; NaN where it cannot be differentiated. None if not asked for.
    """

    gaps: np.ndarray
    scores: np.ndarray
    slopes: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Tried:
    """A scene that was looked at.

    Attributes:
        point: (P,) of the `Space`.
        gap: logits from the goal.
        score: log-odds of what is not the goal.
        distance: from the start, in the norm of the search.
    """

    point: np.ndarray
    gap: float
    score: float
    distance: float


class Search:
    """Looks for the nearest scene that reaches a goal; drive `go`, and read what was tried meanwhile.

    Args:
        space: the parameters and their ranges.
        norm: of distances.
        limit: the largest distance from the start, in ranges.
        renders: the most that may be rendered.
        starts: of the gradient attack: the scene itself, then random points.
        method: ``random`` draws scenes at the largest distance instead, where most is to be expected of them.
        first: whether the first scene that reaches the goal is enough.
        seed: of whatever is random.

    Attributes:
        tried: in order; each was rendered once.
        best: the nearest of them that reaches the goal, or None.

    Raises:
        InvalidInputError: an argument is out of range.
    """

    def __init__(
        self,
        space: Space,
        *,
        norm: Norm = "l2",
        limit: float = 1.0,
        renders: int = 200,
        starts: int = 3,
        method: Method = "gradient",
        first: bool = False,
        seed: int = 0,
    ) -> None:
        check(norm=norm, limit=limit, renders=renders, starts=starts, method=method)
        self.space, self.norm, self.limit, self.renders = space, norm, limit, renders
        self.starts, self.method, self.first = starts, method, first
        self.random = np.random.default_rng(seed)
        self.tried: list[Tried] = []
        self.best: Tried | None = None

    def go(self) -> Generator[Ask, Told, None]:
        """Asks for scenes until there is nothing left to do; send what was seen of them."""
        own = self._by_gradient() if self.method == "gradient" else self._at_random()
        try:
            yield from own
        except _EndError:
            return

    # ---- asking -------------------------------------------------------------------------------------------------

    def _look(self, points: np.ndarray, *, slopes: bool = False) -> Generator[Ask, Told, Told]:
        """What some points are; ends everything where enough was rendered or found."""
        wanted, left = len(points), self.renders - len(self.tried)
        if left <= 0:
            raise _EndError
        points = np.array([self.space.snap(point) for point in points[:left]])
        told = yield Ask(points, slopes)
        for point, gap, score in zip(points, told.gaps, told.scores, strict=True):
            self._note(Tried(point, float(gap), float(score), self.space.distance(point, self.norm)))
        if self.best is not None and (self.first or self.best.distance == 0):
            raise _EndError
        if len(points) < wanted:
            raise _EndError
        return told

    def _note(self, one: Tried) -> None:
        self.tried.append(one)
        if self._news(one, self.limit) and (self.best is None or one.distance < self.best.distance):
            self.best = one

    # ---- by gradient --------------------------------------------------------------------------------------------

    def _by_gradient(self) -> Generator[Ask, Told, None]:
        point = np.zeros(len(self.space.coordinates))
        for start in range(self.starts):
            radius = self._radius
            if start:
                point = self._within(self._drawn(radius * self.random.uniform(*AWAY)), radius)
            before = self.best
            yield from self._attack(point, radius, STEPS if start else ALONE)
            if not start and self.best is before:
                yield from self._attack(self._promising().point, radius, STEPS, rough=True)
            if self.best is not before:
                yield from self._nearer()

    def _promising(self) -> Tried:
        """Of what was tried, the closest to the goal."""
        return min(self.tried, key=lambda one: one.score)

    @property
    def _radius(self) -> float:
        """Within which a scene would be news."""
        return self.limit if self.best is None else min(self.limit, self.best.distance * NEARER)

    def _attack(
        self, point: np.ndarray, radius: float, steps: int, *, rough: bool = False
    ) -> Generator[Ask, Told, None]:
        """Steps against the slopes within a distance until the goal is reached; from the best point on, if one fails.

        Args:
            rough: whether slopes that need differences are taken, too, at the first point.
        """
        size, moving, known = radius, np.zeros(len(point)), np.zeros(len(point))
        here: tuple[Tried, np.ndarray] | None = None
        for _ in range(steps):
            told = yield from self._look(point[None], slopes=True)
            now = self.tried[-1]
            if self._news(now, radius):
                return
            assert told.slopes is not None
            if here is None and (rough or not self.space.smooth):
                known = yield from self._differences(now, np.nan_to_num(told.slopes), radius)
                if self.best is not None and self.best.distance <= radius:
                    return
            slopes = np.where(np.isnan(told.slopes), known, told.slopes)
            if here is None or now.score < here[0].score:
                here = now, slopes
                moving = DECAY * moving + slopes / (np.abs(slopes).sum() or 1.0)
            else:
                moving, size = here[1], size / 2
            way = self._direction(moving, here[0].point)
            if not way.any():
                return
            point = self._within(here[0].point - size * way, radius)

    @staticmethod
    def _news(one: Tried, radius: float) -> bool:
        return reached(one.gap) and one.distance <= radius

    @property
    def _rough(self) -> np.ndarray:
        """(P,) whether a parameter's slopes come from differences."""
        return self.space.between_values & ~np.isin(self.space.keys, self.space.smooth)

    def _differences(self, here: Tried, slopes: np.ndarray, radius: float) -> Generator[Ask, Told, np.ndarray]:
        """Slopes (P,) of the parameters that pictures cannot be differentiated by; 0 for the others.

        One scene for each, to a random side within distance and range: any of them may reach the goal itself.

        Args:
            slopes: (P,) of the others: what has to give way for the distance is taken off.
        """
        places, probes = np.flatnonzero(self._rough), []
        for place in places:
            step = WIDE * self.random.choice((-1, 1))
            if not self.space.lower[place] <= here.point[place] + step <= self.space.upper[place]:
                step = -step
            probe = here.point.copy()
            probe[place] += step
            probes.append(self._within(probe, max(radius, here.distance)))
        found = np.zeros(len(here.point))
        if not probes:
            return found
        yield from self._look(np.array(probes))
        for place, one in zip(places, self.tried[-len(places) :], strict=True):
            moved = one.point - here.point
            rise = one.score - here.score - slopes @ moved
            found[place] = rise / moved[place] if moved[place] and np.isfinite(rise) else 0.0
        return found

    def _direction(self, slopes: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Of steepest rise, of length 1 in the norm; nothing of it leads out of the range."""
        stuck = np.where(slopes > 0, point <= self.space.lower, point >= self.space.upper)
        free = np.where(stuck, 0.0, np.nan_to_num(slopes))
        if self.norm == "linf":
            return np.sign(free)
        length = np.sqrt((free**2).sum())
        return free / length if length else free

    def _within(self, point: np.ndarray, radius: float) -> np.ndarray:
        """The point, brought into the ranges and to the distance."""
        point = point.clip(self.space.lower, self.space.upper)
        if self.norm == "linf":
            return point.clip(-radius, radius)
        length = np.sqrt((point**2).sum())
        return point * min(1.0, radius / length) if length else point

    def _nearer(self) -> Generator[Ask, Told, None]:
        """From the scene that was found towards the start: along the way between, then along the goal's border."""
        while True:
            assert self.best is not None
            yield from self._halve(np.zeros(len(self.best.point)))
            distance = self.best.distance
            told = yield from self._look(self.best.point[None], slopes=True)
            here = self.tried[-1]
            assert told.slopes is not None
            slopes = np.nan_to_num(told.slopes)
            rough = yield from self._differences(here, slopes, distance)
            slopes = np.where(np.isnan(told.slopes), rough, told.slopes)
            target = self._onto_border(here.point, here.gap, slopes)
            for share in (1.0, 0.5, 0.25):
                point = self._within(here.point + share * (target - here.point), self._radius)
                yield from self._look(point[None])
                if reached(self.tried[-1].gap):
                    break
            if self.best.distance > NEARER * distance:
                return

    def _halve(self, start: np.ndarray) -> Generator[Ask, Told, None]:
        """The way from a point that does not reach the goal to the best one, narrowed down."""
        assert self.best is not None
        far = self.best.point
        for _ in range(HALVINGS):
            middle = (start + far) / 2
            yield from self._look(middle[None])
            start, far = (start, middle) if reached(self.tried[-1].gap) else (middle, far)

    def _onto_border(self, point: np.ndarray, gap: float, slopes: np.ndarray) -> np.ndarray:
        """The point nearest to the start at which the gap is as at `point`, if its slopes were the same everywhere.

        Croce & Hein (2020) project so; how far to go is found by halving.
        """
        wanted = float(slopes @ point) + min(0.0, gap) * 0.1
        low, high = 0.0, 1.0
        # Of all points with a certain linear score the nearest ones lie on this line, bent by the ranges.
        for _ in range(60):
            if slopes @ self._along(slopes, high) <= wanted or high > 1e6:
                break
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (low, middle) if slopes @ self._along(slopes, middle) <= wanted else (middle, high)
        return self._along(slopes, high)

    def _along(self, slopes: np.ndarray, far: float) -> np.ndarray:
        way = np.sign(slopes) if self.norm == "linf" else slopes / (np.sqrt((slopes**2).sum()) or 1.0)
        return (-far * way).clip(self.space.lower, self.space.upper)

    # ---- at random ----------------------------------------------------------------------------------------------

    def _at_random(self) -> Generator[Ask, Told, None]:
        yield from self._look(np.zeros((1, len(self.space.coordinates))))
        while True:
            yield from self._look(self._within(self._drawn(self._radius), self._radius)[None])

    def _drawn(self, radius: float) -> np.ndarray:
        """A random point at a distance; where the range has one side only, on that side."""
        lower, upper = self.space.lower, self.space.upper
        way = self.random.standard_normal(len(lower)) if self.norm == "l2" else self.random.uniform(-1, 1, len(lower))
        way = np.where((lower == 0) | (upper == 0), np.abs(way) * np.where(upper == 0, -1.0, 1.0), way)
        if self.norm == "linf":
            return radius * way
        for _ in range(8):  # what the ranges cut off goes to the other parameters
            point = (radius * way / np.sqrt((way**2).sum())).clip(lower, upper)
            length = np.sqrt((point**2).sum())
            if length > 0.999 * radius:
                break
            way = np.where((point == lower) | (point == upper), way, way * radius / length)
        return point


class _EndError(Exception):
    """Enough was rendered, or found."""


def check(*, norm: str, limit: float, renders: int, starts: int, method: str) -> None:
    """Refuse what no search can be.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    check_norm(norm)
    check_limit(limit)
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    for what, number, most in (("renders", renders, MAX_RENDERS), ("starts", starts, MAX_STARTS)):
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise InvalidInputError(f"The number of {what} cannot be {str(number)[:40]}. Allowed: 1 to {most:,}.")


def path(tried: list[Tried]) -> Iterator[Tried]:
    """What was tried, as far as each is better than all before: nearer to the goal, then nearer to the start."""
    best: Tried | None = None
    for one in tried:
        if best is None or _rank(one) < _rank(best):
            best = one
            yield one


def _rank(one: Tried) -> tuple[bool, float]:
    return (False, one.distance) if reached(one.gap) else (True, one.gap)
