"""What answers requests: the seam behind which the work could move to other machines.

`LocalEngine` does it in this process on one device. Requests and answers are picklable values, so another engine
needs no change to anything in front of it.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
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
from perturber.service.attacking import Attacks
from perturber.service.comparing import CompareRequest, Comparison, compare
from perturber.service.device import choose_device, describe
from perturber.service.explaining import Explained, explain
from perturber.service.networks import Networks
from perturber.service.ranking import rank
from perturber.service.requests import (
    IMAGE_SIZE,
    TOP,
    ClassScore,
    Explanation,
    Look,
    LookRequest,
    ModelInfo,
    Progress,
    Ranking,
    RankRequest,
    SlotLook,
    SlotRequest,
)
from perturber.service.works import WORKS, Work


class Engine(Protocol):
    """Answers requests in batches; called by one thread only."""

    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        """One answer for each request, in order."""

    def model(self, name: str) -> ModelInfo:
        """What is known of a model of the catalogue."""

    def prefetch(self, name: str) -> None:
        """Make ready what somebody may soon ask for, where that is cheap; whatever is wrong is said when they do."""

    def evaluate(
        self,
        name: str,
        folder: Path,
        *,
        limit: int | None,
        only: Collection[str] | None,
        attack: Attack | None,
        progress: Callable[[int, int], None],
    ) -> zoo.Evaluation:
        """Accuracy of a model over labelled pictures."""

    def rank(self, request: RankRequest) -> Ranking:
        """The channels of a layer that stand out."""

    def compare(self, request: CompareRequest) -> Comparison:
        """What several networks make of one picture."""

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
        self._works: dict[str, Work] = {}

    def model(self, name: str) -> ModelInfo:
        """What is known of a model of the catalogue.

        Raises:
            UnknownNameError: naming the catalogue's models.
        """
        network = self.network(name)
        entry = network.entry
        return ModelInfo(
            name=name,
            label=self._label(name),
            fingerprint=network.fingerprint,
            layers=dict(network.layers),
            default_layer=network.default_layer,
            classes=network.classes,
            class_list=entry.classes,
            groups=zoo.neuron_groups(self.settings.models, entry.groups),
            input_size=entry.input_size,
        )

    def prefetch(self, name: str) -> None:
        """Make ready what somebody may soon ask for, where that is cheap; whatever is wrong is said when they do."""
        with suppress(InvalidInputError):
            self.networks.prefetch(name)

    def _label(self, name: str) -> str:
        """What a person calls the model."""
        if not Edit.is_edit(name):
            return self.network(name).entry.label
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
        progress: Callable[[int, int], None],
    ) -> zoo.Evaluation:
        """Accuracy of a model over labelled pictures (see `zoo.evaluate`), also under an attack on the model it names.

        Raises:
            InvalidInputError: an unknown model, or nothing that could be used.
        """
        network = self.network(name)
        perturb = None if attack is None else partial(_attacked, self.network(attack.model), attack)
        return zoo.evaluate(network, folder, limit=limit, only=only, perturb=perturb, progress=progress)

    def network(self, name: str) -> zoo.Network:
        """The network with this name, which may be an edit (see `perturber.service.networks`)."""
        return self.networks.get(name)

    def rank(self, request: RankRequest) -> Ranking:
        """The channels of a layer that stand out."""
        return rank(self, request)

    def compare(self, request: CompareRequest) -> Comparison:
        """What several networks make of one picture, and where they part."""
        return compare(self, request)

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
        self._works[job] = work = WORKS[type(request)](self, request)
        return work.progress()

    def advance(self, job: str) -> Progress:
        """Take one step of it."""
        self._works[job].step()
        return self._works[job].progress()

    def product(self, job: str) -> Any:
        """What it has made so far: a preview, or, when it is finished, the result."""
        return self._works[job].product()

    def stop(self, job: str) -> None:
        """Forget it; nothing happens if it was never started."""
        self._works.pop(job, None)

    @torch.inference_mode()
    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        """Answer requests together: one rendering pass, then one forward pass for each network that is asked."""
        clock = _Clock(self.device)
        images = self.pictures(requests)
        render_ms = clock.lap()
        attacked = {i: self.attacks.take(r, images[i]) for i, r in enumerate(requests) if r.attack is not None}
        for i, under_attack in attacked.items():
            images[i] = under_attack.shown
        requests = [attacked[i].request if i in attacked else request for i, request in enumerate(requests)]
        slots: dict[tuple[int, int], SlotLook] = {}
        for name, asked in _by_model(requests).items():
            slots |= self._run(name, asked, requests, images, clock)
        pictures = images.mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        looks = [
            Look(
                image=pictures[i],
                slots=tuple(slots[i, j] for j in range(len(request.slots))),
                render_ms=render_ms,
                total_ms=clock.total(),
                device=self.device_name,
                batch=len(requests),
            )
            for i, request in enumerate(requests)
        ]
        for i, under_attack in attacked.items():
            attack, plain = under_attack.look(looks[i].slots, lambda name: self.network(name).classes)
            looks[i] = replace(looks[i], attack=attack, slots=tuple(plain))
        return looks

    def pictures(self, requests: Sequence[LookRequest]) -> Tensor:
        """What the networks are shown: (B, 3, 224, 224)."""
        for request in requests:
            if request.plane is not None:
                self.renderer.add_plane(request.scene.plane_neuron, request.plane)
        scenes = [request.scene for request in requests]
        rendered = [i for i, request in enumerate(requests) if request.image is None]
        if len(rendered) == len(requests):
            images = self.renderer.render(scenes)
        else:
            images = torch.empty(len(requests), 3, IMAGE_SIZE, IMAGE_SIZE, device=self.device)
            if rendered:
                images[rendered] = self.renderer.render([scenes[i] for i in rendered])
            for i, request in enumerate(requests):
                if request.image is not None:
                    images[i] = torch.tensor(request.image, device=self.device).permute(2, 0, 1) / 255
        return effects.apply(images, scenes)

    def _run(
        self,
        name: str,
        asked: list[tuple[int, int]],
        requests: Sequence[LookRequest],
        images: Tensor,
        clock: "_Clock",
    ) -> dict[tuple[int, int], SlotLook]:
        """Run one network over every picture that a slot asks it about."""
        network = self.network(name)
        clock.lap()  # loading is not the forward pass
        pictures = sorted({i for i, _ in asked})
        slots = [requests[i].slots[j] for i, j in asked]
        own = images if len(pictures) == len(images) else images[pictures]
        layers = tuple(dict.fromkeys(slot.layer for slot in slots if slot.layer is not None))
        wanted = any(slot.explain is not None for slot in slots)
        with torch.inference_mode(not wanted), torch.set_grad_enabled(wanted):
            own = own.clone().requires_grad_() if wanted else own
            logits = wanted or any(slot.predictions or slot.pinned for slot in slots)
            probe = network.look(network.preprocess(own), layers=layers, logits=logits, features=wanted)
            items = [pictures.index(i) for i, _ in asked]
            explanations = explain(probe, own, slots, items) if wanted else {}
        parts = [
            _part(network, slot, probe, item, explanations.get(k))
            for k, (slot, item) in enumerate(zip(slots, items, strict=True))
        ]
        milliseconds = clock.lap()
        return {
            key: SlotLook(model=name, layer=slot.layer, channels=slot.channels, milliseconds=milliseconds, **part)
            for key, slot, part in zip(asked, slots, parts, strict=True)
        }


def _part(
    network: zoo.Network, slot: SlotRequest, probe: zoo.Probe, item: int, explained: Explained | None
) -> dict[str, Any]:
    """What one slot asked for, on the host."""
    part: dict[str, Any] = {"activations": None, "deviation": 0.0, "top": None}
    if slot.layer is not None:
        layer = probe.activations[slot.layer][item].detach()
        part["activations"] = layer[list(slot.channels)].float().cpu().numpy()
        part["deviation"] = float(layer.std(correction=0))
        if slot.summary:
            part["means"] = layer.mean((1, 2)).float().cpu().numpy()
    if probe.logits is None:
        return part
    logits = probe.logits[item].detach().float()
    probabilities = logits.softmax(0)

    def scores(indices: Tensor) -> tuple[ClassScore, ...]:
        values = zip(indices.tolist(), logits[indices].tolist(), probabilities[indices].tolist(), strict=True)
        return tuple(
            ClassScore(index=index, name=network.classes[index], logit=logit, probability=share)
            for index, logit, share in values
        )

    if slot.predictions:
        part["top"] = scores(logits.topk(min(TOP, len(logits))).indices)
    if slot.pinned:
        part["pinned"] = scores(torch.tensor(slot.pinned, device=logits.device))
    if explained is not None:
        (score,) = scores(torch.tensor([explained.index], device=logits.device))
        gradient = explained.gradient.permute(1, 2, 0).float().cpu().numpy()
        part["explanation"] = Explanation(score=score, cam=explained.cam.float().cpu().numpy(), gradient=gradient)
    return part


def _attacked(network: zoo.Network, by: Attack, images: Tensor, labels: Tensor) -> Tensor:
    """Pictures under an attack that makes a network leave their classes."""
    return run(network, images, by, labels=labels).attacked


def _by_model(requests: Sequence[LookRequest]) -> dict[str, list[tuple[int, int]]]:
    """Model → (request, slot) of everyone that asks it for something."""
    asked: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for i, request in enumerate(requests):
        for j, slot in enumerate(request.slots):
            asked[slot.model].append((i, j))
    return dict(asked)


class _Clock:
    """Wall time in milliseconds; waits for the device, so that work is charged to who ordered it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start = self.last = time.perf_counter()

    def lap(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        elapsed, self.last = (now - self.last) * 1e3, now
        return elapsed

    def total(self) -> float:
        return (time.perf_counter() - self.start) * 1e3
