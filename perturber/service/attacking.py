"""Attacks on the pictures of requests, some steps at a time: each goes on where its last request has left it."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import State, radial_spectrum, relative_change, share_below, start, step
from perturber.order import largest
from perturber.service.answers import scores
from perturber.service.requests import (
    LOW_FREQUENCY,
    AttackLook,
    AttackOutcome,
    LayerChanges,
    LookRequest,
    Progress,
    SlotLook,
)

STEPS_AT_ONCE = {"cpu": 2, "cuda": 16}
"""Of one answer: whoever else asks does not wait for a long attack."""

KEPT = 32
"""Attacks that are remembered before the least recently used one begins anew."""


@dataclass
class _Running:
    """An attack as far as it has come.

    Attributes:
        clean: what the networks had made of the picture before: model → logits (K,).
        activations: of the attacked network's layers before: layer → (1, C, h, w); None where nobody has asked.
        changes: how far they have moved, (L,) after each step from 0 on as far as somebody has asked.
    """

    state: State
    clean: dict[str, Tensor] = field(default_factory=dict)
    activations: dict[str, Tensor] | None = None
    changes: list[Tensor] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """That were taken."""
        return int(self.state.steps[0])


@dataclass(frozen=True)
class Attacked:
    """One picture under attack.

    Attributes:
        request: who asked for it, its slots extended by the class that is followed.
        shown: (3, H, W) in [0, 1], what the networks see.
        state: of one item.
        clean: model → logits (K,) of the picture before.
        label: class that the attacked model had predicted.
        layers: how far its layers have moved, if that was asked for.
    """

    request: LookRequest
    shown: Tensor
    state: State
    clean: dict[str, Tensor]
    label: int
    layers: LayerChanges | None

    def look(
        self, slots: Sequence[SlotLook], classes: Callable[[str], Sequence[str]]
    ) -> tuple[AttackLook, list[SlotLook]]:
        """What came of it, and the slots without the class that only this was to follow."""
        asked = self.request.attack
        assert asked is not None
        outcomes, plain = [], []
        for slot in slots:
            if slot.top is None:
                plain.append(slot)
                continue
            logits = self.clean[slot.model]
            before, top_before = scores(logits, (self.label, _best(logits)), classes(slot.model))
            now, top = slot.pinned[-1], slot.top[0] if slot.top else top_before
            outcomes.append(AttackOutcome(model=slot.model, before=before, now=now, top_before=top_before, top=top))
            plain.append(replace(slot, pinned=slot.pinned[:-1]))
        perturbation = self.state.perturbation[0]
        return (
            AttackLook(
                progress=Progress(done=int(self.state.steps[0]), steps=asked.attack.steps),
                l2=float(perturbation.norm()),
                linf=float(perturbation.abs().max()),
                outcomes=tuple(outcomes),
                perturbation=perturbation.permute(1, 2, 0).cpu().numpy() if asked.details else None,
                spectrum=radial_spectrum(self.state.perturbation)[1][0].cpu().numpy() if asked.details else None,
                low_share=float(share_below(self.state.perturbation, LOW_FREQUENCY)[0]),
                layers=self.layers,
                unknown=int(self.state.unknown[0]),
            ),
            plain,
        )


class Attacks:
    """The attacks of an engine.

    Args:
        network: name → network on the device.
    """

    def __init__(self, network: Callable[[str], zoo.Network]) -> None:
        self._network = network
        self._running: OrderedDict[tuple, _Running] = OrderedDict()

    def take(self, request: LookRequest, image: Tensor) -> Attacked:
        """Take some steps towards what a request asks for.

        Args:
            image: (3, H, W), its picture.
        """
        asked = request.attack
        assert asked is not None
        network = self._network(asked.attack.model)
        with torch.inference_mode(False):
            picture = image.clone()[None]
            running = self._find(request, network, picture)
            if asked.layers:
                self._follow(running, network)
            most = STEPS_AT_ONCE.get(picture.device.type, 2)
            for _ in range(min(most, asked.attack.steps - running.steps)):
                running.state = step(network, running.state)
                if asked.layers:
                    self._follow(running, network)
            for model in {asked.attack.model, *(slot.model for slot in request.slots if slot.predictions)}:
                if model not in running.clean:
                    with torch.no_grad():
                        running.clean[model] = self._network(model).logits(picture)[0].float()
        label = _best(running.clean[asked.attack.model])
        grey = 0.5 * (1 - asked.original)
        shown = asked.original * picture[0] + grey + asked.alpha * running.state.perturbation[0]
        slots = tuple(replace(s, pinned=(*s.pinned, label)) if s.predictions else s for s in request.slots)
        return Attacked(
            request=replace(request, slots=slots),
            shown=shown.clamp(0, 1),
            state=running.state,
            clean=running.clean,
            label=label,
            layers=_layer_changes(network, running) if asked.layers else None,
        )

    def _find(self, request: LookRequest, network: zoo.Network, picture: Tensor) -> _Running:
        """The attack that this request goes on with, or one before its first step."""
        asked = request.attack
        assert asked is not None
        own = None if request.image is None else hashlib.sha256(request.image.tobytes()).digest()
        key = request.scene, own, replace(asked.attack, steps=0), network.fingerprint
        running = self._running.get(key)
        unknown = asked.layers and running is not None and len(running.changes) < running.steps
        if running is None or unknown or running.steps > asked.attack.steps:
            running = self._running[key] = _Running(start(network, picture, asked.attack))
        self._running.move_to_end(key)
        while len(self._running) > KEPT:
            self._running.popitem(last=False)
        return running

    def _follow(self, running: _Running, network: zoo.Network) -> None:
        """Note how far the layers are from where they were, unless this step has been noted."""
        if len(running.changes) > running.steps:
            return
        if running.activations is None:
            for other in self._running.values():
                other.activations = None  # they are large: one attack at a time keeps them
            running.activations = _activations(network, running.state.images)
        moved = _activations(network, running.state.attacked)
        running.changes.append(torch.cat(list(relative_change(running.activations, moved).values())))


def _best(logits: Tensor) -> int:
    """The most probable class."""
    return int(largest(logits, 1).indices)


@torch.no_grad()
def _activations(network: zoo.Network, picture: Tensor) -> dict[str, Tensor]:
    return network.look(network.preprocess(picture), layers=tuple(network.layers), logits=False).activations


def _layer_changes(network: zoo.Network, running: _Running) -> LayerChanges:
    change = torch.stack(running.changes).float().cpu().numpy()
    return LayerChanges(layers=tuple(network.layers), change=change)
