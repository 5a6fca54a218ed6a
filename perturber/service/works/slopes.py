"""Jobs: slopes of a scene's parameters, and where the most probable class changes."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np
import torch
from torch import Tensor

from perturber.effects import EFFECTS
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.flips import Ask, Bracket, Lead, Told, places, search
from perturber.experiments.measures import Column, Kind, Measure, Seen, value
from perturber.experiments.slopes import OUTLINES, Flip, Slope, Slopes, ends, sliding
from perturber.order import largest
from perturber.parameters import Number, get
from perturber.scene import SceneBase
from perturber.service.batches import pictures_a_step
from perturber.service.requests import PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does

TOGETHER = 3
"""Effects through which one step differentiates: each takes some 20 ms."""

SCORES = ("logit", "probability", "margin")


@dataclass(frozen=True, kw_only=True)
class SlopesRequest:
    """A job: how a score of each network changes with parameters of a scene; result: `Slopes`.

    Attributes:
        scene: where.
        models: at least one.
        classes: of each network, whose score it is.
        score: one of `SCORES`.
        keys: parameters, of those that are `sliding`.
        fingerprints: of the networks.
        plane: as in a `PictureRequest`, for a scene with a plane.
        visit: to the page that waits for it, which may end it without ending another's; empty elsewhere.

    Raises:
        InvalidInputError: no network, or a score or parameter that has no slope.
    """

    scene: SceneBase
    models: tuple[str, ...]
    classes: tuple[int, ...]
    score: Kind = "logit"
    keys: tuple[str, ...] = field(default_factory=sliding)
    fingerprints: tuple[str, ...] = ()
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    visit: str = ""
    urgent: bool = True

    def __post_init__(self) -> None:
        _check(self.models, self.keys)
        if self.score not in SCORES:
            raise UnknownNameError("score with slopes", self.score, SCORES)

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Slopes of {' and '.join(self.models)}"


@dataclass(frozen=True, kw_only=True)
class FlipsRequest:
    """A job: where along each parameter the most probable class changes; result: parameter → of each network, two
    `Flip`s or None: below and above the present value.

    Attributes:
        scene, models, keys, fingerprints, plane, visit: as in a `SlopesRequest`.

    Raises:
        InvalidInputError: no network, or a parameter that does not slide.
    """

    scene: SceneBase
    models: tuple[str, ...]
    keys: tuple[str, ...]
    fingerprints: tuple[str, ...] = ()
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    visit: str = ""
    urgent: bool = True

    def __post_init__(self) -> None:
        _check(self.models, self.keys)

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Where the class changes for {' and '.join(self.models)}"


def _check(models: Sequence[str], keys: Sequence[str]) -> None:
    if not models:
        raise InvalidInputError("No model is shown, so nothing has a slope. Show one and try again.")
    for key in keys:
        if key not in sliding():
            raise InvalidInputError(f"{get(key).label} ({key}) has no slope: it is no number, or a whole one.")


@does(SlopesRequest)
class SlopesWork:
    """Goes back through each network once, then through a few effects a step; product: `Slopes` as far as they are."""

    def __init__(self, resources: Resources, request: SlopesRequest) -> None:
        self.resources, self.request = resources, request
        self.networks = dict(zip(request.models, resources.networks.steady(request.models), strict=True))
        self.columns = [
            Column(Measure(kind=request.score, class_index=index), (model,))
            for model, index in zip(request.models, request.classes, strict=True)
        ]
        self.moving = [key for key in request.keys if key in OUTLINES]
        self.groups = _groups([key for key in request.keys if key not in OUTLINES])
        self.a_step = max(1, pictures_a_step(resources.device) // 2)
        self.scores: list[float] = []
        self.slopes: dict[str, Slope] = {}
        self.done = 0
        self.total = 1 + (1 + len(self.groups)) * len(self.networks) + self._batches * (1 + len(self.networks))
        self._steps = self._go()

    def step(self) -> None:
        """One pass of one network, or some pictures, or the way back through some effects."""
        next(self._steps)
        self.done += 1

    def progress(self) -> Progress:
        """In steps."""
        return Progress(done=self.done, steps=self.total)

    def product(self) -> Slopes | None:
        """What is known so far; None while nothing is."""
        if not self.slopes:
            return None
        return Slopes(
            scores=tuple(self.scores),
            slopes={key: self.slopes[key] for key in self.request.keys if key in self.slopes},
        )

    @property
    def _batches(self) -> int:
        return -(-len(self.moving) // self.a_step)

    def _go(self) -> Iterator[None]:
        with torch.inference_mode():
            images = self._pictures([self.request.scene])
        yield
        gradients = []
        for column in self.columns:
            gradients.append(self._gradient(column, images.clone()))
            yield
        for group in self.groups:
            yield from self._back(group, gradients)
        for first in range(0, len(self.moving), self.a_step):
            yield from self._differences(self.moving[first : first + self.a_step])

    def _gradient(self, column: Column, images: Tensor) -> Tensor:
        """Of a network's score with respect to the picture: (1, 3, H, W)."""
        images.requires_grad_()
        with torch.enable_grad():
            score = self._scores(column, images)
            (gradient,) = torch.autograd.grad(score.sum(), images)
        self.scores.append(float(score.detach()[0]))
        return gradient

    def _back(self, keys: Sequence[str], gradients: Sequence[Tensor]) -> Iterator[None]:
        """The gradients, carried back to some parameters."""
        scene = self.request.scene
        with torch.inference_mode(False), torch.enable_grad():
            values = {key: gradients[0].new_tensor([getattr(scene, key)]).requires_grad_() for key in keys}
            images = self._pictures([scene], values)
        found = []
        for n, gradient in enumerate(gradients):
            own = torch.autograd.grad(
                images, list(values.values()), gradient, retain_graph=n + 1 < len(gradients), allow_unused=True
            )
            found.append([0.0 if one is None else float(one[0]) for one in own])
            if n + 1 < len(gradients):
                yield
        for key, *slopes in zip(keys, *found, strict=True):
            present = float(getattr(scene, key))
            self.slopes[key] = Slope(values=tuple(slopes), how="gradient", low=present, high=present)
        yield

    @torch.inference_mode()
    def _differences(self, keys: Sequence[str]) -> Iterator[None]:
        scene = self.request.scene
        places = {key: ends(key, getattr(scene, key)) for key in keys}
        images = self._pictures([scene.replace(**{key: end}) for key in keys for end in places[key]])
        yield
        found = []
        for column in self.columns:
            with torch.inference_mode():
                scores = self._scores(column, images).view(-1, 2).cpu()
            found.append(
                [
                    float(high - low) / (places[key][1] - places[key][0])
                    for key, (low, high) in zip(keys, scores, strict=True)
                ]
            )
            if len(found) < len(self.columns):
                yield
        for key, *slopes in zip(keys, *found, strict=True):
            low, high = places[key]
            self.slopes[key] = Slope(values=tuple(slopes), how="difference", low=low, high=high)
        yield

    def _scores(self, column: Column, images: Tensor) -> Tensor:
        """(B,) float64."""
        (model,) = column.models
        return value(column, {model: Seen(self.networks[model].logits(images), {})}, {})

    def _pictures(self, scenes: Sequence[SceneBase], values: dict[str, Tensor] | None = None) -> Tensor:
        return _pictures(self.resources, self.request, scenes, values)


def _pictures(
    resources: Resources,
    request: "SlopesRequest | FlipsRequest",
    scenes: Sequence[SceneBase],
    values: dict[str, Tensor] | None = None,
) -> Tensor:
    return resources.pictures([PictureRequest(scene=scene, plane=request.plane) for scene in scenes], values)


def _groups(keys: Sequence[str]) -> list[list[str]]:
    """Parameters through which one goes back together: those of the renderer, then some effects at a time."""
    of_effects = [[key for key in effect.keys if key in keys] for effect in EFFECTS]
    of_effects = [own for own in of_effects if own]
    known = {key for own in of_effects for key in own}
    groups = [[key for key in keys if key not in known]]
    groups += [list(chain.from_iterable(of_effects[n : n + TOGETHER])) for n in range(0, len(of_effects), TOGETHER)]
    return [group for group in groups if group]


# ---- where the class changes --------------------------------------------------------------------------------------


@dataclass
class _Side:
    """One side of a parameter: what its search waits for.

    Attributes:
        key: the parameter.
        values: at its places.
        asking: the search.
        ask: what it wants to see.
        told: what it is to be told, as far as that is known.
        found: at its end, of each network.
    """

    key: str
    values: tuple[float, ...]
    asking: Generator[Ask, Told, list[Bracket | None]]
    ask: Ask = field(default_factory=dict)
    told: dict[int, Mapping[int, Lead]] = field(default_factory=dict)
    found: list[Bracket | None] | None = None

    @property
    def missing(self) -> list[int]:
        """Places that are still to be seen before it goes on."""
        return [place for place in self.ask if place not in self.told]

    def go(self) -> None:
        """Begin it, or tell it what it wanted to know, if that is complete."""
        if self.found is not None or self.missing:
            return
        try:
            self.ask, self.told = self.asking.send(self.told) if self.ask else next(self.asking), {}
        except StopIteration as end:
            self.found = end.value

    def flips(self) -> list[Flip | None]:
        """Of each network."""
        parameter = get(self.key)
        assert isinstance(parameter, Number)
        flips: list[Flip | None] = []
        for one in self.found or ():
            if one is None:
                flips.append(None)
                continue
            value, before = (parameter.parse(self.values[place]) for place in (one.high, one.low))
            flips.append(Flip(value=value, before=before, to_class=one.to_class))
        return flips


@does(FlipsRequest)
class FlipsWork:
    """Looks along all parameters at the same time, those in front first; product: what is known so far."""

    def __init__(self, resources: Resources, request: FlipsRequest) -> None:
        self.resources, self.request = resources, request
        self.networks = list(resources.networks.steady(request.models))
        self.a_step = pictures_a_step(resources.device)
        self.sides: dict[str, list[_Side]] = {}
        self.start: list[Lead] = []
        self.picture: Tensor | None = None
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to one network."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In parameters."""
        return Progress(done=len(self._known), steps=len(self.request.keys))

    def product(self) -> dict[str, tuple[tuple[Flip | None, Flip | None], ...]] | None:
        """See `FlipsRequest`; None while nothing is known."""
        return {
            key: tuple(zip(*(side.flips() for side in self.sides[key]), strict=True)) for key in self._known
        } or None

    @property
    def _known(self) -> list[str]:
        return [key for key, sides in self.sides.items() if all(side.found is not None for side in sides)]

    def _go(self) -> Iterator[None]:
        scene, everyone = self.request.scene, tuple(range(len(self.networks)))
        (present,) = yield from self._see([(scene, everyone)])
        self.start = [present[n] for n in everyone]
        for key in self.request.keys:
            values = [places(key, float(getattr(scene, key)), side) for side in (0, 1)]
            self.sides[key] = [_Side(key, own, search(len(own) - 1, self.start)) for own in values]
        waiting = list(chain.from_iterable(self.sides.values()))
        while True:
            for side in waiting:
                side.go()
            waiting = [side for side in waiting if side.found is None]
            if not waiting:
                return
            missing = ((side, place) for side in waiting for place in side.missing)
            chosen = list(islice(missing, self.a_step))
            scenes = [(scene.replace(**{side.key: side.values[place]}), side.ask[place]) for side, place in chosen]
            for (side, place), told in zip(chosen, (yield from self._see(scenes)), strict=True):
                side.told[place] = told

    def _see(self, scenes: Sequence[tuple[SceneBase, Sequence[int]]]) -> Generator[None, None, list[dict[int, Lead]]]:
        """What networks, by number, make of a few scenes; of a picture that is the present one, the same as of that."""
        with torch.inference_mode():
            images = _pictures(self.resources, self.request, [scene for scene, _ in scenes])
            if self.picture is None:
                self.picture = images[0]
                same = [False]
            else:
                same = [torch.equal(image, self.picture) for image in images]
        yield
        found: list[dict[int, Lead]] = [dict(enumerate(self.start)) if known else {} for known in same]
        for n, network in enumerate(self.networks):
            shown = [i for i, (_, networks) in enumerate(scenes) if n in networks and not same[i]]
            if not shown:
                continue
            with torch.inference_mode():
                logits = network.logits(images[shown]).double()
                tops = largest(logits, 1).indices[:, 0]
                own = self.start[n].top if self.start else int(tops[0])
                others = torch.cat((logits[:, :own], logits[:, own + 1 :]), 1)
                leads = logits[:, own] - others.amax(1)
            for i, top, lead in zip(shown, tops.tolist(), leads.tolist(), strict=True):
                found[i][n] = Lead(top, lead)
            yield
        return found
