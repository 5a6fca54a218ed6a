"""One loop for projected gradient descent and its relatives: a state, and a step from it to the next.

A norm supplies random start, direction and projection (`perturber.attack.norms`). What a method does beyond that is in
the state's numbers: FGSM (Goodfellow et al. 2015) is a step of length ε, PGD (Madry et al. 2018) several shorter ones,
sparse PGD (Croce & Hein 2019) several in the L0 ball; MI-FGSM (Dong et al. 2018) follows a running sum of gradients.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from perturber import zoo
from perturber.attack.attack import Attack
from perturber.attack.norms import NORMS, Norm
from perturber.errors import InvalidInputError


@dataclass(frozen=True, eq=False, kw_only=True)
class State:
    """A batch of pictures under attack: every item has its own numbers and knows nothing of the others.

    Random starts are drawn from seeds by position, so there is no generator to keep. To change ε or the pictures on the
    way, `dataclasses.replace` them: the next step projects.

    Attributes:
        norm: of all items.
        images: (B, 3, H, W) in [0, 1], untouched.
        perturbation: (B, 3, H, W), inside the ball, and `attacked` inside [0, 1].
        labels: (B,) int64, the class to leave, or to reach where `targeted`.
        targeted: (B,) bool.
        epsilon, step_size: (B,), as in an `Attack`.
        decay: (B,), of the momentum.
        momentum: (B, 3, H, W), running sum of gradients; None for methods without.
        steps: (B,) int64, taken so far.
    """

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
        """Several states side by side; of one norm, and all with momentum or all without."""
        if len({(state.norm, state.momentum is None) for state in states}) != 1:
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
    norm = NORMS[every[0].norm]
    # Laid out as gradients will be, so that no step works across two layouts.
    images = images.to(network.device).contiguous(memory_format=torch.channels_last)
    targets = [-1 if attack.target is None else attack.target for attack in every]
    for target in targets:
        if network.outputs is not None and target >= network.outputs:
            raise InvalidInputError(
                f"{network.entry.name} has no class {target} to reach. Allowed: 0 to {network.outputs - 1}."
            )
    wanted = torch.tensor(targets, device=images.device)
    targeted = wanted >= 0
    if labels is None:
        labels = wanted if -1 not in targets else network.logits(images).argmax(1)

    def numbers(values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=images.dtype, device=images.device)

    epsilon = numbers([attack.epsilon for attack in every])
    perturbation = torch.zeros_like(images)
    if any(attack.random_start for attack in every):
        seeds = torch.tensor([attack.seed for attack in every], device=images.device)
        drawn = torch.tensor([attack.random_start for attack in every], device=images.device)
        perturbation = norm.start(images, epsilon, seeds) * drawn.view(-1, 1, 1, 1)
    return State(
        norm=norm,
        images=images,
        perturbation=perturbation,
        labels=torch.where(targeted, wanted, labels.to(images.device)),
        targeted=targeted,
        epsilon=epsilon,
        step_size=numbers([attack.step for attack in every]),
        decay=numbers([attack.decay for attack in every]),
        momentum=torch.zeros_like(images) if every[0].has_momentum else None,
        steps=torch.zeros_like(wanted),
    )


def step(network: zoo.Network, state: State) -> State:
    """One step of every item: a forward pass and a backward pass to the pictures.

    Where the gradient is zero or not a number, nothing moves.
    """
    gradient = _gradient(network, state)
    with torch.no_grad():
        momentum = state.momentum
        if momentum is not None:
            # Dong et al. 2018, equation 6; the mean rather than the sum only scales what has no scale.
            size = gradient.abs().mean((1, 2, 3), keepdim=True)
            gradient /= torch.where(size > 0, size, 1)
            momentum = gradient = gradient.addcmul_(momentum, state.decay.view(-1, 1, 1, 1))
        moved = state.norm.normalise(gradient).mul_(state.step_size.view(-1, 1, 1, 1)).add_(state.perturbation)
        perturbation = state.norm.project(moved, state.images, state.epsilon)
    return replace(state, perturbation=perturbation, momentum=momentum, steps=state.steps + 1)


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


def _gradient(network: zoo.Network, state: State) -> Tensor:
    """Direction in which pictures get worse for the network: (B, 3, H, W), finite.

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
    return gradient.nan_to_num_(0, 0, 0)
