"""A job: the fewest parameters that make one network wrong, or make one wrong while another stays right."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from perturber.experiments.adversary import check_renders
from perturber.experiments.goals import Goal, reached
from perturber.experiments.smallest import MAX_RENDERS, Smallest, Wording, sentence
from perturber.experiments.space import Space
from perturber.parameters import Value
from perturber.scene import SceneBase
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.seeking import Said, Sight, said
from perturber.service.works.registry import does


@dataclass(frozen=True, kw_only=True)
class DifferenceRequest:
    """A job: look for the fewest parameters that reach a goal; result: a `Difference`.

    Attributes:
        space: the start and the parameters that may change, within ranges or to another scene's values.
        goal: what they are to do.
        wording: how networks and classes are called.
        renders: the most scenes that may be looked at.
        fingerprints: of the goal's networks.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: too many renders, or none.
    """

    space: Space
    goal: Goal
    wording: Wording = field(compare=False, repr=False)
    renders: int = 400
    fingerprints: tuple[str, ...] = ()
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = True

    def __post_init__(self) -> None:
        check_renders(self.renders, MAX_RENDERS)

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Smallest difference for {' and '.join(self.goal.models)}"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What was found.

    Attributes:
        goal: what the parameters were to do.
        scene: the scene that reaches it, looked at once more by itself; None if none does (yet).
        changed: parameter → its value at the start, and there; empty if none does, or the start does.
        before, after: what the networks say of the start, and there.
        sentence: the difference in words, or that there is none.
        renders: pictures made.
    """

    goal: Goal
    scene: SceneBase | None
    changed: dict[str, tuple[Value, Value]]
    before: tuple[Said, ...]
    after: tuple[Said, ...]
    sentence: str
    renders: int


@does(DifferenceRequest)
class DifferenceWork:
    """Looks at the scenes that a search asks for; product: a `Difference`, None before its end."""

    def __init__(self, resources: Resources, request: DifferenceRequest) -> None:
        self.request = request
        self.sight = Sight(resources, request.goal.models, request.plane)
        self.search = Smallest(request.space, renders=request.renders)
        self.result: Difference | None = None
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to one network, or the way back through them."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In scenes, of those that may be looked at."""
        most = self.request.renders
        return Progress(done=min(len(self.search.tried), most) if self.result is None else most + 1, steps=most + 1)

    def product(self) -> Difference | None:
        """See `Difference`."""
        return self.result

    def _go(self) -> Iterator[None]:
        space, goal = self.request.space, self.request.goal
        before = said((yield from self.sight.say(space.start)))
        yield from self.sight.drive(self.search.go(), space, goal)
        point = self.search.found
        scene = None if point is None else space.scene(point)
        if scene is not None:
            logits = yield from self.sight.say(scene)
            if not reached(max(float(goal.gap(model, own.double())[0]) for model, own in logits.items())):
                scene = None  # only beside others in a batch
        after = () if scene is None else said(logits)
        self.result = self._result(scene, before, after)

    def _result(self, scene: SceneBase | None, before: tuple[Said, ...], after: tuple[Said, ...]) -> Difference:
        space, goal, wording = self.request.space, self.request.goal, self.request.wording
        changed: dict[str, tuple[Value, Value]] = {}
        if scene is not None:
            values = {key: (getattr(space.start, key), getattr(scene, key)) for key in space.keys}
            changed = {key: (old, new) for key, (old, new) in values.items() if old != new}
        if scene is None:
            text = (
                f"Nothing was found in {self.sight.renders:,} renders: change more parameters, or let them go farther."
            )
        elif not changed:
            text = "The scene itself does so already; no parameter has to change."
        else:
            first, last = ({one.model: one.top for one in side} for side in (before, after))
            text = sentence(goal, changed, first, last, wording)
        return Difference(
            goal=goal,
            scene=scene,
            changed=changed,
            before=before,
            after=after,
            sentence=text,
            renders=self.sight.renders,
        )
