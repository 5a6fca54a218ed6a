"""One loop for projected gradient descent and its relatives: a state, and a step from it to the next.

A norm supplies random start, normalisation and projection (`perturber.attack.norms`), a method what it makes of a
gradient (`perturber.attack.methods`); sizes and numbers of steps are an `Attack`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from perturber import zoo
from perturber.attack.attack import Attack
from perturber.attack.methods import METHODS, AttackMethod
from perturber.attack.norms import NORMS, Norm
from perturber.errors import InvalidInputError
from perturber.order import largest


@dataclass(frozen=True, eq=False, kw_only=True)
class State:
    """A batch of pictures under attack: every item has its own numbers and knows nothing of the others.

    Random starts are drawn from seeds by position, so there is no generator to keep. To change ε or the pictures on the
    way, `dataclasses.replace` them: the next step projects.

    Attributes:
        method, norm: of all items.
        images: (B, 3, H, W) in [0, 1], untouched.
        perturbation: (B, 3, H, W), inside the ball, and `attacked` inside [0, 1].
        labels: (B,) int64, the class to leave, or to reach where `targeted`.
        targeted: (B,) bool.
        epsilon, step_size: (B,), as in an `Attack`.
        decay: (B,), of the momentum.
        momentum: (B, 3, H, W), what the method returned beside its last direction; None for methods without.
        steps: (B,) int64, taken so far.
        unknown: (B,) int64, those of them whose gradient was not finite somewhere.
    """

    method: AttackMethod
    norm: Norm
    images: Tensor
    perturbation: Tensor
    labels: Tensor
    targeted: Tensor
    epsilon: Tensor
    step_size: Tensor
    decay: Tensor
    momentum: Tensor | None
    steps: Tensor
    unknown: Tensor

    @property
    def attacked(self) -> Tensor:
        """(B, 3, H, W) in [0, 1], what the network is to see."""
        return self.images + self.perturbation

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, items: slice) -> "State":
        """Some of the items."""
        return replace(self, **{name: value[items] for name, value in self._tensors().items()})

    @staticmethod
    def cat(states: "Sequence[State]") -> "State":
        """Several states side by side, of one method and norm."""
        if len({(state.method, state.norm) for state in states}) != 1:
            raise ValueError("States of different norms or methods cannot take a step together.")
        parts = [state._tensors() for state in states]
        merged: dict[str, Any] = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
        return replace(states[0], **merged)

    def _tensors(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


@torch.no_grad()
def start(
    network: zoo.Network, images: Tensor, attacks: Attack | Sequence[Attack], *, labels: Tensor | None = None
) -> State:
    """Before the first step: no perturbation, or a random one.

    Args:
        network: the attacked one; whether it is the one that an attack names is the caller's to know.
        images: (B, 3, H, W) in [0, 1]; the network resizes them to its own input.
        attacks: one for each picture, of one method and norm; or one for all.
        labels: (B,) classes to leave; by default what the network predicts. Targets go before.

    Raises:
        InvalidInputError: a target that the network does not have.
        ValueError: not one attack for each picture, or of different methods or norms.
    """
    every = [attacks] * len(images) if isinstance(attacks, Attack) else list(attacks)
    if len(every) != len(images) or len({(attack.method, attack.norm) for attack in every}) != 1:
        raise ValueError(f"{len(images)} pictures need as many attacks, of one method and norm.")
    method, norm = METHODS[every[0].method], NORMS[every[0].norm]
    # Laid out as gradients will be, so that no step works across two layouts.
    images = images.to(network.device).contiguous(memory_format=torch.channels_last)
    wanted = _targets(network, every)
    targeted = wanted >= 0
    if labels is None:
        labels = wanted if bool(targeted.all()) else largest(network.logits(images), 1).indices[:, 0]
    numbers = partial(torch.tensor, dtype=images.dtype, device=images.device)
    epsilon = numbers([attack.epsilon for attack in every])
    return State(
        method=method,
        norm=norm,
        images=images,
        perturbation=_first_perturbation(norm, images, epsilon, every),
        labels=torch.where(targeted, wanted, labels.to(images.device)),
        targeted=targeted,
        epsilon=epsilon,
        step_size=numbers([attack.step for attack in every]),
        decay=numbers([attack.decay for attack in every]),
        momentum=torch.zeros_like(images) if method.has_momentum else None,
        steps=torch.zeros_like(wanted),
        unknown=torch.zeros_like(wanted),
    )


def step(network: zoo.Network, state: State) -> State:
    """One step of every item: a forward pass and a backward pass to the pictures.

    Where the gradient is zero or not finite, nothing moves.
    """
    gradient = _gradient(network, state)
    unknown = state.unknown + ~gradient.isfinite().flatten(1).all(1)
    gradient.nan_to_num_(0, 0, 0)
    with torch.no_grad():
        direction, momentum = state.method.direction(gradient, state.momentum, state.decay.view(-1, 1, 1, 1))
        moved = state.norm.normalise(direction).mul_(state.step_size.view(-1, 1, 1, 1)).add_(state.perturbation)
        perturbation = state.norm.project(moved, state.images, state.epsilon)
    return replace(state, perturbation=perturbation, momentum=momentum, steps=state.steps + 1, unknown=unknown)


def run(
    network: zoo.Network, images: Tensor, attacks: Attack | Sequence[Attack], *, labels: Tensor | None = None
) -> State:
    """All steps that the attacks name, which must be equally many; see `start`."""
    counts = {attack.steps for attack in ([attacks] if isinstance(attacks, Attack) else attacks)}
    if len(counts) != 1:
        raise ValueError("Attacks of different numbers of steps cannot run together.")
    state = start(network, images, attacks, labels=labels)
    for _ in range(counts.pop()):
        state = step(network, state)
    return state


def margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Logit of the label less that of the best other class: (B,), negative where another class wins.

    Args:
        logits: (B, classes).
        labels: (B,) int64.
    """
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return logits.gather(1, labels[:, None])[:, 0] - others


def _targets(network: zoo.Network, attacks: Sequence[Attack]) -> Tensor:
    """Class that each attack is to reach: (B,) int64, −1 where there is none."""
    targets = [-1 if attack.target is None else attack.target for attack in attacks]
    for target in targets:
        if network.outputs is not None and target >= network.outputs:
            raise InvalidInputError(
                f"{network.entry.name} has no class {target} to reach. Allowed: 0 to {network.outputs - 1}."
            )
    return torch.tensor(targets, device=network.device)


def _first_perturbation(norm: Norm, images: Tensor, epsilon: Tensor, attacks: Sequence[Attack]) -> Tensor:
    """Random where an attack starts at random, zero elsewhere."""
    if not any(attack.random_start for attack in attacks):
        return torch.zeros_like(images)
    seeds = torch.tensor([attack.seed for attack in attacks], device=images.device)
    drawn = torch.tensor([attack.random_start for attack in attacks], device=images.device)
    return norm.start(images, epsilon, seeds) * drawn.view(-1, 1, 1, 1)


def _gradient(network: zoo.Network, state: State) -> Tensor:
    """Direction in which pictures get worse for the network: (B, 3, H, W).

    Of the cross-entropy; once it is exactly zero in float32, because the label's probability has reached 1, it says
    nothing any more, and the margin takes its place.
    """
    # Neither a caller's inference mode nor what was made in one may take part in a graph.
    with torch.inference_mode(False), torch.enable_grad():
        pictures, labels, targeted = state.attacked.requires_grad_(), state.labels.clone(), state.targeted.clone()
        logits = network.logits(pictures)
        entropy = F.cross_entropy(logits, labels, reduction="none")
        loss = torch.where(entropy > 0, entropy, -margins(logits, labels))
        (gradient,) = torch.autograd.grad(torch.where(targeted, -loss, loss).sum(), pictures)
    return gradient
