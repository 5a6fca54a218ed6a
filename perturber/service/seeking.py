"""Looking at the scenes that a search asks for, a few a step."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.experiments.adversary import Ask, Told
from perturber.experiments.goals import Goal, worst
from perturber.experiments.space import Space
from perturber.order import largest
from perturber.scene import SceneBase
from perturber.service.batches import pictures_a_step
from perturber.service.requests import PictureRequest
from perturber.service.resources import Resources


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a network says of a scene.

    Attributes:
        model: the network.
        top: its most probable class; −1 where there is none.
        probability: of that class.
    """

    model: str
    top: int
    probability: float


class Sight:
    """Renders scenes and shows them to networks; between two `yield`s there is a step's worth of work.

    Attributes:
        renders: pictures made so far.
    """

    def __init__(self, resources: Resources, models: Sequence[str], plane: np.ndarray | None) -> None:
        self.resources, self.plane = resources, plane
        self.networks: dict[str, zoo.Network] = dict(zip(models, resources.networks.steady(models), strict=True))
        self.a_step = pictures_a_step(resources.device)
        self.renders = 0

    def say(self, scene: SceneBase) -> Generator[None, None, dict[str, Tensor]]:
        """Logits (1, K) of each network for one scene by itself, as a look would have them."""
        return (yield from self._logits([scene]))

    def drive(self, asking: Generator[Ask, Told, None], space: Space, goal: Goal) -> Generator[None, None, int]:
        """Look at what a search asks for until it asks no more; how often slopes were among that."""
        slopes = 0
        with suppress(StopIteration):
            ask = next(asking)
            while True:
                slopes += ask.slopes
                told = yield from self.answer(ask, space, goal)
                ask = asking.send(told)  # which may take as long as a picture
                yield
        return slopes

    def answer(self, ask: Ask, space: Space, goal: Goal) -> Generator[None, None, Told]:
        """What a search wants to know."""
        scenes = [space.scene(point) for point in ask.points]
        if ask.slopes:
            return (yield from self._slopes(scenes[0], space, goal))
        found: list[Told] = []
        for first in range(0, len(scenes), self.a_step):
            logits = yield from self._logits(scenes[first : first + self.a_step])
            found.append(_told(goal, logits))
        return Told(*(np.concatenate(kind) for kind in zip(*((one.gaps, one.scores) for one in found), strict=True)))

    def _logits(self, scenes: Sequence[SceneBase]) -> Generator[None, None, dict[str, Tensor]]:
        with torch.inference_mode():
            images = self._pictures(scenes)
        yield
        found = {}
        for model, network in self.networks.items():
            with torch.inference_mode():
                found[model] = network.logits(images)
            yield
        return found

    def _slopes(self, scene: SceneBase, space: Space, goal: Goal) -> Generator[None, None, Told]:
        """Of the network that is farthest from what it is to do."""
        device = self.resources.device
        with torch.inference_mode(False), torch.enable_grad():
            values = {
                key: torch.tensor([float(getattr(scene, key))], device=device, requires_grad=True)
                for key in space.smooth
            }
            images = self._pictures([scene], values)
        yield
        logits: dict[str, Tensor] = {}
        odds: dict[str, float] = {}
        gradients: dict[str, Tensor] = {}
        for model in goal.models:
            with torch.inference_mode(False), torch.enable_grad():
                shown = images.detach().requires_grad_()
                logits[model] = self.networks[model].logits(shown)
                own = goal.odds(model, logits[model].double())
                (gradients[model],) = torch.autograd.grad(own.sum(), shown)
            odds[model] = float(own.detach()[0])
            yield
        told = _told(goal, logits)
        slopes = np.full(len(space.coordinates), np.nan)
        if values and np.isfinite(told.scores[0]):
            farthest = max(odds, key=lambda model: odds[model])
            found = torch.autograd.grad(images, list(values.values()), gradients[farthest], allow_unused=True)
            rise = {key: 0.0 if one is None else float(one[0]) for key, one in zip(values, found, strict=True)}
            slopes = np.array([rise.get(key, np.nan) for key in space.keys]) * space.units
            yield
        return replace(told, slopes=slopes)

    def _pictures(self, scenes: Sequence[SceneBase], values: dict[str, Tensor] | None = None) -> Tensor:
        self.renders += len(scenes)
        return self.resources.pictures([PictureRequest(scene=scene, plane=self.plane) for scene in scenes], values)


@torch.inference_mode()
def _told(goal: Goal, logits: dict[str, Tensor]) -> Told:
    kinds = [
        worst({model: kind(model, own.double()).cpu().numpy() for model, own in logits.items()})
        for kind in (goal.gap, goal.odds)
    ]
    return Told(*kinds)


def said(logits: dict[str, Tensor]) -> tuple[Said, ...]:
    """What each network says of the one scene that these are of."""
    found = []
    for model, own in logits.items():
        best = largest(own.double(), 1)
        probability = float(own.double().softmax(1)[0, best.indices[0, 0]])
        top = -1 if bool(best.values.isnan()) else int(best.indices[0, 0])
        found.append(Said(model=model, top=top, probability=probability))
    return tuple(found)
