"""What a training makes small, and the perturbation that makes it large."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from perturber.attack import NORMS, Attack


@dataclass(frozen=True, eq=False)
class Goal:
    """What the predictions for a batch should be.

    Attributes:
        labels: (B,) int64, −1 where the class is not known.
        target: (B, classes) logarithms of the base's probabilities; None where nothing is distilled.
        weight: (B,) of the divergence from `target`; the labels' cross-entropy weighs the rest.
    """

    labels: Tensor
    target: Tensor | None
    weight: Tensor

    def losses(self, logits: Tensor) -> Tensor:
        """(B,) from the logits (B, classes): (1 − w) · cross-entropy + w · KL(base ‖ network), in nats."""
        logits = logits.float()
        loss = (1 - self.weight) * F.cross_entropy(logits, self.labels.clamp(min=0), reduction="none")
        if self.target is not None:
            divergence = F.kl_div(logits.log_softmax(1), self.target, reduction="none", log_target=True).sum(1)
            loss = loss + self.weight * divergence
        return loss


def distillation_weights(labels: Tensor, has_plain: Tensor, distil: float) -> Tensor:
    """Weight of the divergence for each picture: (B,) in [0, 1].

    Args:
        labels: (B,), −1 where the class is not known: then there is nothing but the divergence.
        has_plain: (B,) bool; where it is false there is nothing but the label.
        distil: the weight where there are both.
    """
    weights = torch.where(labels >= 0, distil, 1.0)
    return torch.where(has_plain, weights, 0.0)


def adversarial(
    logits: Callable[[Tensor], Tensor], pictures: Tensor, goal: Goal, attack: Attack, strength: float, seeds: Tensor
) -> Tensor:
    """Pictures near the given ones for which the loss is large: projected gradient ascent (Madry et al. 2018).

    The attack of `perturber.attack` leaves a label; this one also leaves what the base predicts.

    Args:
        logits: the network.
        pictures: (B, 3, S, S) in [0, 1].
        strength: share of the attack's ε and step size, from 0 to 1.
        seeds: (B,) int64 in [0, 2³¹) of the random starts.

    Returns:
        (B, 3, S, S) in [0, 1].
    """
    norm = NORMS[attack.norm]
    epsilon = torch.full((len(pictures),), attack.epsilon * strength, device=pictures.device)
    perturbation = norm.start(pictures, epsilon, seeds) if attack.random_start else torch.zeros_like(pictures)
    for _ in range(attack.steps):
        shown = (pictures + perturbation).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(goal.losses(logits(shown)).sum(), shown)
        direction = norm.normalise(gradient.nan_to_num(0, 0, 0))
        perturbation = norm.project(perturbation + attack.step * strength * direction, pictures, epsilon)
    return (pictures + perturbation).detach()
