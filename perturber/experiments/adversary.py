"""The nearest scene that fools a network, or parts two: a gradient attack on a scene's parameters.

The first step goes against the slopes, as projected gradient descent does. Networks are far from linear over a part of
a parameter's range, and what moves outlines has no slopes: so each further scene is where a guess made of all scores
and slopes so far (see `Surrogate`) promises most, within the distance allowed.
Nothing here renders: a search asks for scenes to be looked at, and is told how far each is from the goal.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.goals import reached
from perturber.experiments.space import Norm, Space, check_limit, check_norm
from perturber.experiments.surrogate import Surrogate

Method = Literal["gradient", "random"]

METHODS: tuple[Method, ...] = get_args(Method)

MAX_RENDERS = 5_000

REMEMBERED = 24
"""Scenes that the guess of the next one is made of: the better half, and the latest."""

CANDIDATES, ROUNDS = 400, 6
"""Points among which the next one is chosen, and how often closer ones to the best of them are drawn."""

DOUBT = 1.0
"""Deviations by which a point may be better than is to be expected of it."""

PATIENCE = 25
"""Scenes without news after which there is nothing nearer to be found."""

HALVINGS = 4
"""Of the way between the start and a scene that was found."""

TOGETHER = 4
"""Random scenes that are asked for at a time."""

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
        method: Method = "gradient",
        first: bool = False,
        seed: int = 0,
    ) -> None:
        check(norm=norm, limit=limit, renders=renders, method=method)
        self.space, self.norm, self.limit, self.renders = space, norm, limit, renders
        self.method, self.first = method, first
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

    @staticmethod
    def _news(one: Tried, radius: float) -> bool:
        return reached(one.gap) and one.distance <= radius

    def _note(self, one: Tried) -> None:
        self.tried.append(one)
        if self._news(one, self.limit) and (self.best is None or one.distance < self.best.distance):
            self.best = one

    # ---- by gradient --------------------------------------------------------------------------------------------

    def _by_gradient(self) -> Generator[Ask, Told, None]:
        """Against the slopes at first; then to where the least is to be expected of all that was seen."""
        point = np.zeros(len(self.space.coordinates))
        slopes: list[np.ndarray] = []
        since = 0
        while self.best is None or since < PATIENCE:
            before = self.best
            told = yield from self._look(point[None], slopes=True)
            assert told.slopes is not None
            slopes.append(told.slopes)
            since += 1
            if self.best is not before:
                yield from self._halve()
                since = 0
            slopes += [np.full(len(point), np.nan)] * (len(self.tried) - len(slopes))
            step = -self._radius * self._direction(np.nan_to_num(told.slopes), point)
            point = self._within(step, self._radius) if len(self.tried) == 1 and step.any() else self._promising(slopes)

    @property
    def _radius(self) -> float:
        """Within which a scene would be news."""
        return self.limit if self.best is None else min(self.limit, self.best.distance * NEARER)

    def _promising(self, slopes: Sequence[np.ndarray]) -> np.ndarray:
        """A point within the distance of which the least score is to be expected, by the benefit of the doubt."""
        finite = [n for n, one in enumerate(self.tried) if np.isfinite(one.score)]
        if not finite:
            return self._within(self._drawn(self._radius), self._radius)
        half = REMEMBERED // 2
        chosen = sorted({*sorted(finite, key=lambda n: self.tried[n].score)[:half], *finite[-half:]})
        points = np.array([self.tried[n].point for n in chosen])
        guess = Surrogate(
            points, np.array([self.tried[n].score for n in chosen]), np.array([slopes[n] for n in chosen])
        )
        radius, around = self._radius, np.zeros((1, points.shape[1]))
        best, spread = around[0], radius
        for _ in range(ROUNDS):
            steps = self.random.standard_normal((CANDIDATES, points.shape[1]))
            drawn = best + spread * steps / np.sqrt(points.shape[1])
            some = self._within(np.concatenate((around, drawn, self._one_by_one(best, spread))), radius)
            mean, deviation = guess(some)
            best = some[int((mean - DOUBT * deviation).argmin())]
            around, spread = best[None], spread / 2
        return best

    @staticmethod
    def _one_by_one(point: np.ndarray, spread: float) -> np.ndarray:
        """Points that differ from one in a single parameter: (2P, P)."""
        return point + spread * np.concatenate((np.eye(len(point)), -np.eye(len(point))))

    def _direction(self, slopes: np.ndarray, point: np.ndarray) -> np.ndarray:
        """Of steepest rise, of length 1 in the norm; nothing of it leads out of the range."""
        stuck = np.where(slopes > 0, point <= self.space.lower, point >= self.space.upper)
        free = np.where(stuck, 0.0, slopes)
        if self.norm == "linf":
            return np.sign(free)
        length = np.sqrt((free**2).sum())
        return free / length if length else free

    def _halve(self) -> Generator[Ask, Told, None]:
        """The way from the start to the best scene, narrowed down."""
        assert self.best is not None
        near, far = np.zeros(len(self.best.point)), self.best.point
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            yield from self._look(middle[None])
            near, far = (near, middle) if reached(self.tried[-1].gap) else (middle, far)

    def _within(self, points: np.ndarray, radius: float) -> np.ndarray:
        """Points (…, P), brought into the ranges and to the distance."""
        points = points.clip(self.space.lower, self.space.upper)
        if self.norm == "linf":
            return points.clip(-radius, radius)
        lengths = np.sqrt((points**2).sum(-1, keepdims=True))
        return points * np.minimum(1.0, radius / np.maximum(lengths, radius))

    # ---- at random ----------------------------------------------------------------------------------------------

    def _at_random(self) -> Generator[Ask, Told, None]:
        yield from self._look(np.zeros((1, len(self.space.coordinates))))
        while True:
            drawn = [self._within(self._drawn(self._radius), self._radius) for _ in range(TOGETHER)]
            yield from self._look(np.array(drawn))

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


def check(*, norm: str, limit: float, renders: int, method: str) -> None:
    """Refuse what no search can be.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    check_norm(norm)
    check_limit(limit)
    if method not in METHODS:
        raise UnknownNameError("method", method, METHODS)
    check_renders(renders, MAX_RENDERS)


def check_renders(renders: int, most: int) -> None:
    """Refuse too many renders, or none.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    if isinstance(renders, bool) or not isinstance(renders, int) or not 1 <= renders <= most:
        raise InvalidInputError(f"The number of renders cannot be {str(renders)[:40]}. Allowed: 1 to {most:,}.")
