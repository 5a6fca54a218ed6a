"""A job: the nearest scene that fools a network, or parts two."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from perturber.experiments.adversary import Method, Search, Tried, check
from perturber.experiments.goals import Goal, reached
from perturber.experiments.space import Norm, Space
from perturber.scene import SceneBase
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.seeking import Said, Sight, said
from perturber.service.works.registry import does


@dataclass(frozen=True, kw_only=True)
class AdversaryRequest:
    """A job: look for the nearest scene that reaches a goal; result: an `Adversary`.

    Attributes:
        space: the start, the parameters that may change, and their ranges.
        goal: what the scene is to do.
        norm, limit, renders, method, first, seed: as of a `Search`.
        fingerprints: of the goal's networks.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: a value is out of range.
    """

    space: Space
    goal: Goal
    norm: Norm = "l2"
    limit: float = 1.0
    renders: int = 200
    method: Method = "gradient"
    first: bool = False
    seed: int = 0
    fingerprints: tuple[str, ...] = ()
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = True

    def __post_init__(self) -> None:
        check(norm=self.norm, limit=self.limit, renders=self.renders, method=self.method)

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        if self.goal.keeps is None:
            return f"Nearest scene that fools {self.goal.fooled}"
        return f"Nearest scene that parts {self.goal.keeps} and {self.goal.fooled}"


@dataclass(frozen=True, kw_only=True)
class Visited:
    """A scene that was looked at.

    Attributes:
        gap: logits from the goal: below 0 where it is reached.
        distance: from the start.
        counts: whether it reaches the goal within the largest distance.
    """

    scene: SceneBase
    gap: float
    distance: float
    counts: bool


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """What was found.

    Attributes:
        goal: what the scene was to do.
        norm: of distances, in widths of the ranges.
        path: the scenes in the order in which they were looked at.
        renders: pictures made for that, and for what is said before and after.
        before: what the networks say of the start.
        found: the nearest scene that reaches the goal; looked at once more by itself. None if there is none (yet).
        after: what they say of that; empty where there is none, or where it was not looked at again yet.
        slopes: times that slopes were taken by going back through the networks.
    """

    goal: Goal
    norm: Norm
    path: tuple[Visited, ...]
    renders: int
    before: tuple[Said, ...]
    found: Visited | None
    after: tuple[Said, ...] = ()
    slopes: int = 0

    @property
    def until_found(self) -> int | None:
        """Scenes that were looked at up to the first that counts; None if there is none."""
        return next((n for n, one in enumerate(self.path, 1) if one.counts), None)


@does(AdversaryRequest)
class AdversaryWork:
    """Looks at the scenes that a search asks for; product: an `Adversary` as far as it has come."""

    def __init__(self, resources: Resources, request: AdversaryRequest) -> None:
        self.request = request
        self.sight = Sight(resources, request.goal.models, request.plane)
        self.search = Search(
            request.space,
            norm=request.norm,
            limit=request.limit,
            renders=request.renders,
            method=request.method,
            first=request.first,
            seed=request.seed,
        )
        self.before: tuple[Said, ...] = ()
        self.after: tuple[Said, ...] = ()
        self.checked: Tried | None = None
        self.slopes = 0
        self.finished = False
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to one network, or the way back through them."""
        if next(self._steps, self) is self:
            self.finished = True

    def progress(self) -> Progress:
        """In scenes, of those that may be looked at."""
        most = self.request.renders
        return Progress(done=most + 1 if self.finished else min(len(self.search.tried), most), steps=most + 1)

    def product(self) -> Adversary | None:
        """What is known so far; None while nothing is."""
        if not self.search.tried or not self.before:
            return None
        found = self.checked if self.finished else self.search.best
        return Adversary(
            goal=self.request.goal,
            norm=self.request.norm,
            path=tuple(self._visited(one) for one in self.search.tried),
            renders=self.sight.renders,
            before=self.before,
            found=None if found is None else self._visited(found),
            after=self.after,
            slopes=self.slopes,
        )

    def _visited(self, one: Tried) -> Visited:
        scene = self.request.space.scene(one.point)
        return Visited(scene=scene, gap=one.gap, distance=one.distance, counts=self._counts(one))

    def _counts(self, one: Tried) -> bool:
        return reached(one.gap) and one.distance <= self.request.limit

    def _go(self) -> Iterator[None]:
        space, goal = self.request.space, self.request.goal
        self.before = said((yield from self.sight.say(space.start)))
        self.slopes = yield from self.sight.drive(self.search.go(), space, goal)
        yield from self._check()

    def _check(self) -> Iterator[None]:
        """Looks at what was found once more by itself, from the nearest on: others of a batch might matter."""
        near = [one for one in self.search.tried if self._counts(one)]
        for one in sorted(near, key=lambda one: one.distance):
            logits = yield from self.sight.say(self.request.space.scene(one.point))
            gap = max(float(self.request.goal.gap(model, own.double())[0]) for model, own in logits.items())
            if reached(gap):
                self.checked, self.after = replace(one, gap=gap), said(logits)
                return
