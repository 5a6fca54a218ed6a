"""Jobs: slopes of a scene's parameters, and where the most probable class changes."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from perturber.effects import EFFECTS
from perturber.errors import InvalidInputError, UnknownNameError
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

GRID = 8
"""Values between the present one and an end of the range, among which the first with another class is looked for."""

HALVINGS = 8
"""By which its place is narrowed down then."""

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


@does(FlipsRequest)
class FlipsWork:
    """Looks along each parameter, then narrows each change down; product: what is known so far."""

    def __init__(self, resources: Resources, request: FlipsRequest) -> None:
        self.resources, self.request = resources, request
        self.networks = dict(zip(request.models, resources.networks.steady(request.models), strict=True))
        self.a_step = pictures_a_step(resources.device)
        self.found: dict[str, dict[str, list[Flip | None]]] = {}
        self.done = 0
        self.finished = False
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to one network."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In parameters."""
        return Progress(done=self.done, steps=len(self.request.keys))

    def product(self) -> dict[str, tuple[tuple[Flip | None, Flip | None], ...]] | None:
        """See `FlipsRequest`; None while nothing is known."""
        found = {
            key: tuple((sides[model][0], sides[model][1]) for model in self.request.models)
            for key, sides in self.found.items()
        }
        return found or None

    def _go(self) -> Iterator[None]:
        start: dict[str, int] = {}
        seen = yield from self._tops([self.request.scene])
        for model, tops in seen.items():
            start[model] = int(tops[0])
        for key in self.request.keys:
            found: dict[str, list[Flip | None]] = {model: [None, None] for model in self.networks}
            for side in (0, 1):
                yield from self._side(key, side, start, found)
            self.found[key] = found
            self.done += 1

    def _side(self, key: str, side: int, start: dict[str, int], found: dict[str, list[Flip | None]]) -> Iterator[None]:
        values = _along(key, float(getattr(self.request.scene, key)), side)
        if len(values) < 2:
            return
        seen = yield from self._tops([self._at(key, value) for value in values[1:]])
        for model, tops in seen.items():
            other = np.flatnonzero(tops != start[model])
            if not len(other):
                continue
            n = int(other[0])
            low, high, new = values[n], values[n + 1], int(tops[n])
            for _ in range(HALVINGS):
                middle = (low + high) / 2
                (top,) = (yield from self._tops([self._at(key, middle)], (model,)))[model]
                low, high, new = (low, middle, int(top)) if top != start[model] else (middle, high, new)
            parameter = get(key)
            value, before = (float(parameter.parse(end)) for end in (high, low))
            found[model][side] = Flip(value=value, before=before, to_class=new)

    def _at(self, key: str, value: float) -> SceneBase:
        return self.request.scene.replace(**{key: value})

    def _tops(
        self, scenes: Sequence[SceneBase], models: Sequence[str] | None = None
    ) -> Generator[None, None, dict[str, np.ndarray]]:
        """The most probable class of each scene, by model; some pictures a step."""
        found: dict[str, list[Tensor]] = {model: [] for model in models or self.networks}
        for first in range(0, len(scenes), self.a_step):
            with torch.inference_mode():
                images = _pictures(self.resources, self.request, scenes[first : first + self.a_step])
            yield
            for model, tops in found.items():
                with torch.inference_mode():
                    tops.append(largest(self.networks[model].logits(images), 1).indices[:, 0].cpu())
                yield
        return {model: torch.cat(tops).numpy() for model, tops in found.items()}


def _along(key: str, present: float, side: int) -> list[float]:
    """The present value, and `GRID` more up to the end of the range, closer to each other near it."""
    parameter = get(key)
    assert isinstance(parameter, Number)
    if parameter.periodic:
        end = present + (1, -1)[side == 0] * (parameter.maximum - parameter.minimum) / 2
    else:
        end = (parameter.minimum, parameter.maximum)[side]
    if end == present:
        return [present]
    return [present + (end - present) * (n / GRID) ** 2 for n in range(GRID + 1)]
