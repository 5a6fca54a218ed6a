"""What answers requests: the seam behind which the work could move to other machines.

`LocalEngine` does it in this process on one device. Requests and answers are picklable values, so another engine
needs no change to anything in front of it.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from perturber import effects, zoo
from perturber.config import Settings
from perturber.featurevis import STEPS, Neuron, Visualisation
from perturber.render import Renderer
from perturber.service.device import choose_device, describe
from perturber.service.requests import (
    IMAGE_SIZE,
    TOP,
    ClassScore,
    Look,
    LookRequest,
    ModelInfo,
    Progress,
    SlotLook,
    SlotRequest,
)

PLANES = 32
"""Feature visualisations that are kept before the least recently used one is forgotten."""


class Engine(Protocol):
    """Answers requests in batches; called by one thread only."""

    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        """One answer for each request, in order."""

    def model(self, name: str) -> ModelInfo:
        """What is known of a model of the catalogue."""

    def evaluate(
        self, name: str, folder: Path, *, limit: int | None, progress: Callable[[int, int], None]
    ) -> zoo.Evaluation:
        """Accuracy of a model over a folder of labelled pictures."""

    def plane(self, neuron: Neuron) -> np.ndarray:
        """A neuron's feature visualisation as far as it has come: (T, T, 3) uint8."""

    def work(self) -> bool:
        """Take one step of what goes on in the background while nobody waits; whether more is left."""


class LocalEngine:
    """Renders, applies effects and runs the networks on one device of this machine."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.device = choose_device(settings.device)
        self.device_name = describe(self.device)
        self.renderer = Renderer(self.device, size=IMAGE_SIZE)
        self._networks: OrderedDict[str, zoo.Network] = OrderedDict()
        self._planes: OrderedDict[Neuron, Visualisation] = OrderedDict()

    def model(self, name: str) -> ModelInfo:
        """What is known of a model of the catalogue.

        Raises:
            UnknownNameError: naming the catalogue's models.
        """
        network = self.network(name)
        return ModelInfo(
            name=name,
            label=network.entry.label,
            layers=dict(network.layers),
            default_layer=network.default_layer,
        )

    def evaluate(
        self, name: str, folder: Path, *, limit: int | None, progress: Callable[[int, int], None]
    ) -> zoo.Evaluation:
        """Accuracy of a model over a folder of labelled pictures (see `zoo.evaluate`)."""
        return zoo.evaluate(self.network(name), folder, limit=limit, progress=progress)

    def network(self, name: str) -> zoo.Network:
        """The network with this name, loaded where it is not resident; the least recently used ones make room."""
        if name not in self._networks:
            self._networks[name] = zoo.load(name, self.device, self.settings)
        self._networks.move_to_end(name)
        budget = self.settings.model_memory_mib * 2**20
        while len(self._networks) > 1 and sum(n.memory for n in self._networks.values()) > budget:
            self._networks.popitem(last=False)
        return self._networks[name]

    def plane(self, neuron: Neuron) -> np.ndarray:
        """A neuron's feature visualisation as far as it has come: (T, T, 3) uint8."""
        return self._plane(neuron).picture()

    def work(self) -> bool:
        """Take one step of the newest feature visualisation that is not finished; whether more is left."""
        unfinished = [visualisation for visualisation in self._planes.values() if not visualisation.finished]
        if unfinished:
            unfinished[-1].step()
        return bool(unfinished)

    def _plane(self, neuron: Neuron) -> Visualisation:
        if neuron not in self._planes:
            with torch.inference_mode(False):
                self._planes[neuron] = Visualisation(self.network(neuron.model), neuron)
        self._planes.move_to_end(neuron)
        while len(self._planes) > PLANES:
            self._planes.popitem(last=False)
        return self._planes[neuron]

    @torch.inference_mode()
    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        """Answer requests together: one rendering pass, then one forward pass for each network that is asked."""
        clock = _Clock(self.device)
        progress = self._show_planes(requests)
        images = self._pictures(requests)
        render_ms = clock.lap()
        slots: dict[tuple[int, int], SlotLook] = {}
        for name, asked in _by_model(requests).items():
            slots |= self._run(name, asked, requests, images, clock)
        pictures = images.mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
        return [
            Look(
                image=pictures[i],
                slots=tuple(slots[i, j] for j in range(len(request.slots))),
                render_ms=render_ms,
                total_ms=clock.total(),
                device=self.device_name,
                batch=len(requests),
                plane=progress.get(request.scene.plane_neuron) if request.scene.plane else None,
            )
            for i, request in enumerate(requests)
        ]

    def _show_planes(self, requests: Sequence[LookRequest]) -> dict[str, Progress]:
        """Bring the planes of the scenes up to date; text of each neuron → how far its picture has come."""
        progress = {}
        for text in {r.scene.plane_neuron for r in requests if r.scene.plane and r.image is None}:
            visualisation = self._plane(Neuron.parse(text, next(iter(zoo.catalog(self.settings.models)))))
            self.renderer.add_plane(text, visualisation.picture())
            progress[text] = Progress(done=visualisation.done, steps=STEPS)
        return progress

    def _pictures(self, requests: Sequence[LookRequest]) -> Tensor:
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
        probe = network.look(
            network.preprocess(images if len(pictures) == len(images) else images[pictures]),
            layers=tuple(dict.fromkeys(slot.layer for slot in slots if slot.layer is not None)),
            logits=any(slot.predictions for slot in slots),
        )
        parts = [self._part(network, slot, probe, pictures.index(i)) for (i, _), slot in zip(asked, slots, strict=True)]
        milliseconds = clock.lap()
        return {
            key: SlotLook(model=name, layer=slot.layer, channels=slot.channels, milliseconds=milliseconds, **vars(part))
            for key, slot, part in zip(asked, slots, parts, strict=True)
        }

    @staticmethod
    def _part(network: zoo.Network, slot: SlotRequest, probe: zoo.Probe, item: int) -> "_Part":
        activations, deviation, top = None, 0.0, None
        if slot.layer is not None:
            layer = probe.activations[slot.layer][item]
            activations = layer[list(slot.channels)].float().cpu().numpy()
            deviation = float(layer.std(correction=0))
        if slot.predictions and probe.logits is not None:
            logits = probe.logits[item].float()
            best = logits.topk(TOP)
            shares = logits.softmax(0)[best.indices].tolist()
            top = tuple(
                ClassScore(index=index, name=network.classes[index], logit=logit, probability=share)
                for index, logit, share in zip(best.indices.tolist(), best.values.tolist(), shares, strict=True)
            )
        return _Part(activations=activations, deviation=deviation, top=top)


@dataclass(frozen=True)
class _Part:
    activations: np.ndarray | None
    deviation: float
    top: tuple[ClassScore, ...] | None


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
