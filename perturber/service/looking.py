"""What networks make of pictures, as the slots of looks ask: as few forward passes of each network as possible."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from perturber import finite, zoo
from perturber.service.answers import scores, top_scores
from perturber.service.explaining import Explained, explain
from perturber.service.networks import Networks
from perturber.service.requests import Explanation, LookRequest, SlotLook, SlotRequest

Place = tuple[int, int]
"""Number of a request, and of a slot in it."""

ON_CPU = 4
"""Pictures of one pass at most on a CPU: more are no faster there, and their maps need hundreds of MiB for a moment."""


class Clock:
    """Wall time in milliseconds; waits for the device, so that work is charged to who ordered it."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start = self.last = time.perf_counter()

    def lap(self) -> float:
        """Since the last lap."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        now = time.perf_counter()
        elapsed, self.last = (now - self.last) * 1e3, now
        return elapsed

    def total(self) -> float:
        """Since the start."""
        return (time.perf_counter() - self.start) * 1e3


def look(
    networks: Networks, requests: Sequence[LookRequest], images: Tensor, clock: Clock
) -> list[tuple[SlotLook, ...]]:
    """What each slot of each request asked for.

    Args:
        images: (B, 3, 224, 224) in [0, 1], one for each request.
    """
    slots: dict[Place, SlotLook] = {}
    for name, asked in _by_model(requests).items():
        with networks.watched(name):
            slots |= _run(networks.get(name), name, asked, requests, images, clock)
    return [tuple(slots[i, j] for j in range(len(request.slots))) for i, request in enumerate(requests)]


def _by_model(requests: Sequence[LookRequest]) -> dict[str, list[Place]]:
    """Model → everyone that asks it for something."""
    asked: defaultdict[str, list[Place]] = defaultdict(list)
    for i, request in enumerate(requests):
        for j, slot in enumerate(request.slots):
            asked[slot.model].append((i, j))
    return dict(asked)


def _run(
    network: zoo.Network,
    name: str,
    asked: list[Place],
    requests: Sequence[LookRequest],
    images: Tensor,
    clock: Clock,
) -> dict[Place, SlotLook]:
    """Run one network over every picture that a slot asks it about."""
    clock.lap()  # loading is not the forward pass
    pictures = sorted({i for i, _ in asked})
    together = ON_CPU if network.device.type == "cpu" else len(pictures)
    looks: dict[Place, SlotLook] = {}
    for start in range(0, len(pictures), together):
        some = pictures[start : start + together]
        slots = {(i, j): requests[i].slots[j] for i, j in asked if i in some}
        looks |= _pass(network, name, slots, some, images if len(some) == len(images) else images[some])
    milliseconds = clock.lap()
    return {place: replace(found, milliseconds=milliseconds) for place, found in looks.items()}


def _pass(
    network: zoo.Network, name: str, asked: dict[Place, SlotRequest], pictures: list[int], images: Tensor
) -> dict[Place, SlotLook]:
    """One forward pass: over the pictures of the requests with these numbers."""
    slots = list(asked.values())
    items = [pictures.index(i) for i, _ in asked]
    layers = tuple(dict.fromkeys(slot.layer for slot in slots if slot.layer is not None))
    wanted = any(slot.explain is not None for slot in slots)
    with torch.inference_mode(not wanted), torch.set_grad_enabled(wanted):
        images = images.clone().requires_grad_() if wanted else images
        logits = wanted or any(slot.predictions or slot.pinned for slot in slots)
        probe = network.look(network.preprocess(images), layers=layers, logits=logits, features=wanted)
        explanations = explain(probe, images, slots, items) if wanted else {}
    return {
        place: _slot_look(name, network, slot, probe, item, explanations.get(k))
        for k, ((place, slot), item) in enumerate(zip(asked.items(), items, strict=True))
    }


def _slot_look(
    name: str, network: zoo.Network, slot: SlotRequest, probe: zoo.Probe, item: int, explained: Explained | None
) -> SlotLook:
    """What one slot asked for, on the host; its time is not known yet."""
    layer = None if slot.layer is None else probe.activations[slot.layer][item].detach()
    logits = None if probe.logits is None else probe.logits[item].detach().float()
    kinds = {f"activations of {slot.layer}": layer, "logits": logits if slot.predictions or slot.pinned else None}
    if explained is not None:
        kinds |= {"values of the Grad-CAM": explained.cam, "values of the input’s gradient": explained.gradient}
    return SlotLook(
        model=name,
        layer=slot.layer,
        channels=slot.channels,
        activations=None if layer is None else layer[list(slot.channels)].float().cpu().numpy(),
        deviation=0.0 if layer is None else finite.deviation(layer),
        means=finite.means(layer).float().cpu().numpy() if layer is not None and slot.summary else None,
        top=top_scores(logits, network.classes) if logits is not None and slot.predictions else None,
        pinned=scores(logits, slot.pinned, network.classes) if logits is not None else (),
        explanation=_explanation(explained, logits, network) if explained is not None and logits is not None else None,
        milliseconds=0.0,
        gaps=finite.gaps({what: values for what, values in kinds.items() if values is not None}),
    )


def _explanation(explained: Explained, logits: Tensor, network: zoo.Network) -> Explanation:
    (score,) = scores(logits, [explained.index], network.classes)
    gradient = explained.gradient.permute(1, 2, 0).float().cpu().numpy()
    return Explanation(score=score, cam=explained.cam.float().cpu().numpy(), gradient=gradient)
