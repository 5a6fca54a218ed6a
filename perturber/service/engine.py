"""What answers requests: the seam behind which the work could move to other machines.

`LocalEngine` does it in this process on one device. Requests and answers are picklable values, so another engine
needs no change to anything in front of it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from perturber import effects, zoo
from perturber.attack import Attack, run
from perturber.config import Settings
from perturber.editing import Edit, Level, units
from perturber.errors import InvalidInputError
from perturber.render import Renderer
from perturber.render.renderer import Values
from perturber.service.answers import picture_bytes
from perturber.service.attacking import Attacks
from perturber.service.comparing import CompareRequest, Comparison, compare
from perturber.service.device import choose_device, describe
from perturber.service.looking import Clock, look
from perturber.service.networks import Networks
from perturber.service.ranking import rank
from perturber.service.requests import (
    IMAGE_SIZE,
    Look,
    LookRequest,
    ModelInfo,
    PictureRequest,
    Progress,
    Ranking,
    RankRequest,
)
from perturber.service.resources import Resources
from perturber.service.works import Work, begin
from perturber.zoo.pictures import Crop

Question = LookRequest | CompareRequest
Answer = Look | Comparison


class Engine(Protocol):
    """Answers requests in batches; called by one thread only."""

    def answer(self, requests: Sequence[Question]) -> list[Answer]:
        """One answer for each request, in order: a `Look` for a `LookRequest`, else a `Comparison`."""

    def model(self, name: str) -> ModelInfo:
        """What is known of a model of the catalogue."""

    def prefetch(self, name: str) -> ModelInfo | None:
        """Make ready what somebody may soon ask for, where that is cheap; whatever is wrong is said when they do.

        Returns:
            What is known of the model if it is ready now.
        """

    def evaluate(
        self,
        name: str,
        folder: Path,
        *,
        limit: int | None,
        only: Collection[str] | None,
        attack: Attack | None,
        crop: Crop | None,
        progress: Callable[[int, int], None],
    ) -> zoo.Evaluation:
        """Accuracy of a model over labelled pictures."""

    def rank(self, request: RankRequest) -> Ranking:
        """The channels of a layer that stand out."""

    def kernels(self, name: str) -> np.ndarray | None:
        """The filters of a network that look at the picture itself."""

    def units(self, first: str, second: str | None, level: Level) -> tuple[str, ...]:
        """The units whose weights can be edited together (see `perturber.editing.units`)."""

    def start(self, job: str, request: Any) -> Progress:
        """Prepare a job that is done in steps (see `perturber.service.jobs`)."""

    def advance(self, job: str) -> Progress:
        """Take one step of it."""

    def product(self, job: str) -> Any:
        """What it has made so far: a preview, or, when it is finished, the result."""

    def stop(self, job: str) -> None:
        """Forget it; nothing happens if it was never started."""

    def memory(self) -> Mapping[str, int]:
        """Bytes by what they are for; never waits, whichever thread asks."""


class LocalEngine:
    """Renders, applies effects and runs the networks on one device of this machine."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.device = choose_device(settings.device)
        self.device_name = describe(self.device)
        self.renderer = Renderer(self.device, size=IMAGE_SIZE)
        self.networks = Networks(settings, self.device)
        self.attacks = Attacks(self.network)
        self.resources = Resources(settings, self.device, self.networks, self.pictures, self.renderer)
        self._works: dict[str, Work] = {}

    def model(self, name: str) -> ModelInfo:
        """What is known of a model of the catalogue.

        Raises:
            UnknownNameError: naming the catalogue's models.
        """
        return self._info(name, self.network(name))

    def _info(self, name: str, network: zoo.Network) -> ModelInfo:
        entry = network.entry
        groups = zoo.group_file(self.settings.models, entry.groups)
        return ModelInfo(
            name=name,
            label=self._label(name, network),
            fingerprint=network.fingerprint,
            layers=dict(network.layers),
            default_layer=network.default_layer,
            classes=network.classes,
            class_list=entry.classes,
            groups=dict(groups.layers),
            groups_title=groups.title,
            input_size=entry.input_size,
            notes=network.notes if entry.own else (),
        )

    def prefetch(self, name: str) -> ModelInfo | None:
        """Make ready what somebody may soon ask for, where that is cheap; whatever is wrong is said when they do.

        Returns:
            What is known of the model if it is ready now.
        """
        with suppress(InvalidInputError):
            network = self.networks.prefetch(name)
            return None if network is None else self._info(name, network)
        return None

    def _label(self, name: str, network: zoo.Network) -> str:
        """What a person calls the model."""
        if not Edit.is_edit(name):
            return network.entry.label
        edit = Edit.parse(name)
        labels = [self.networks.get(model).entry.label for model in (edit.first, edit.second) if model]
        return f"{labels[0]} pruned" if edit.second is None else " × ".join(labels)

    def evaluate(
        self,
        name: str,
        folder: Path,
        *,
        limit: int | None,
        only: Collection[str] | None,
        attack: Attack | None,
        crop: Crop | None,
        progress: Callable[[int, int], None],
    ) -> zoo.Evaluation:
        """Accuracy of a model over labelled pictures (see `zoo.evaluate`), also under an attack on the model it names.

        Raises:
            InvalidInputError: an unknown model, or nothing that could be used.
        """
        network = self.network(name)
        perturb = None if attack is None else partial(_attacked, self.network(attack.model), attack)
        return zoo.evaluate(network, folder, limit=limit, only=only, perturb=perturb, crop=crop, progress=progress)

    def network(self, name: str) -> zoo.Network:
        """The network with this name, which may be an edit (see `perturber.service.networks`)."""
        return self.networks.get(name)

    def rank(self, request: RankRequest) -> Ranking:
        """The channels of a layer that stand out."""
        return rank(self.resources, request)

    def kernels(self, name: str) -> np.ndarray | None:
        """The filters that look at the picture itself: (O, 3, kh, kw) float32; None where there are none."""
        parts = self.network(name).module.modules()
        first = next((p.weight for p in parts if isinstance(p, nn.Conv2d) and p.weight.shape[1] == 3), None)
        return None if first is None else first.detach().float().cpu().contiguous().numpy()

    def units(self, first: str, second: str | None, level: Level) -> tuple[str, ...]:
        """The units whose weights can be edited together, in forward order.

        Raises:
            InvalidInputError: the models have different architectures.
        """
        self.networks.editor(first, second)  # checks that they fit
        return tuple(units(self.network(first).module, level))

    def start(self, job: str, request: Any) -> Progress:
        """Prepare a job that is done in steps (see `perturber.service.works`)."""
        self._works[job] = work = begin(self.resources, request)
        return work.progress()

    def advance(self, job: str) -> Progress:
        """Take one step of it."""
        self._works[job].step()
        Clock(self.device).lap()  # its time is that of jobs, not of the look that comes next
        return self._works[job].progress()

    def product(self, job: str) -> Any:
        """What it has made so far: a preview, or, when it is finished, the result."""
        return self._works[job].product()

    def stop(self, job: str) -> None:
        """Forget it; nothing happens if it was never started."""
        self._works.pop(job, None)

    def memory(self) -> Mapping[str, int]:
        """Bytes of resident networks' weights, and of all tensors where the device is a GPU."""
        gpu = {"device": torch.cuda.memory_allocated(self.device)} if self.device.type == "cuda" else {}
        return {"models": self.networks.memory, **gpu}

    def answer(self, requests: Sequence[Question]) -> list[Answer]:
        """Answer requests together: one rendering pass, then one forward pass for each network that looks ask.

        Networks that are compared run once for each comparison, and pictures of another side come by themselves.
        """
        sides = [side(request) for request in requests]
        found: dict[int, Answer] = {}
        for one in dict.fromkeys(sides):
            places = [i for i, own in enumerate(sides) if own == one]
            found |= zip(places, self._answer([requests[i] for i in places]), strict=True)
        return [found[i] for i in range(len(requests))]

    @torch.inference_mode()
    def _answer(self, requests: Sequence[Question]) -> list[Answer]:
        """Answers to requests whose pictures are of one side."""
        clock = Clock(self.device)
        images = self.pictures(requests)
        render_ms = clock.lap()
        asked = {i: request for i, request in enumerate(requests) if isinstance(request, LookRequest)}
        own = images if len(asked) == len(requests) else images[list(asked)]
        looks = iter(self._look(list(asked.values()), own, clock))
        return [
            compare(self.networks, request, images[i : i + 1], render_ms=render_ms)
            if isinstance(request, CompareRequest)
            else replace(next(looks), render_ms=render_ms, batch=len(requests))
            for i, request in enumerate(requests)
        ]

    def _look(self, requests: Sequence[LookRequest], images: Tensor, clock: Clock) -> list[Look]:
        """Answers to looks, but for what rendering has taken."""
        attacked = {i: self.attacks.take(r, images[i]) for i, r in enumerate(requests) if r.attack is not None}
        for i, under_attack in attacked.items():
            images[i] = under_attack.shown
        requests = [attacked[i].request if i in attacked else request for i, request in enumerate(requests)]
        slots = look(self.networks, requests, images, clock)
        looks = [
            Look(image=image, slots=found, render_ms=0.0, total_ms=clock.total(), device=self.device_name)
            for image, found in zip(picture_bytes(images), slots, strict=True)
        ]
        for i, under_attack in attacked.items():
            attack, plain = under_attack.look(looks[i].slots, lambda name: self.network(name).classes)
            looks[i] = replace(looks[i], attack=attack, slots=tuple(plain))
        return looks

    def pictures(self, requests: Sequence[PictureRequest], values: Values | None = None) -> Tensor:
        """What the networks are shown: (B, 3, S, S), where all pictures that are given are of side S; else 224.

        Args:
            values: parameter key → (B,), in place of what rendered scenes say: for derivatives.
        """
        for request in requests:
            if request.plane is not None:
                self.renderer.add_plane(request.scene.plane_neuron, request.plane)
        scenes = [request.scene for request in requests]
        rendered = [i for i, request in enumerate(requests) if request.image is None]
        if len(rendered) == len(requests):
            images = self.renderer.render(scenes, values)
        else:
            size = side(next(request for request in requests if request.image is not None))
            images = torch.empty(len(requests), 3, size, size, device=self.device)
            if rendered:
                images[rendered] = self.renderer.render([scenes[i] for i in rendered])
            for i, request in enumerate(requests):
                if request.image is not None:
                    images[i] = torch.tensor(request.image, device=self.device).permute(2, 0, 1) / 255
        return effects.apply(images, scenes, values)


def side(request: PictureRequest) -> int:
    """Of a request's picture, in pixels."""
    return IMAGE_SIZE if request.image is None else len(request.image)


def _attacked(network: zoo.Network, by: Attack, images: Tensor, labels: Tensor) -> Tensor:
    """Pictures under an attack that makes a network leave their classes."""
    return run(network, images, by, labels=labels).attacked
