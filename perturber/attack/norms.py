"""Balls around a picture: what each norm says of size, random start, direction and projection.

Everything here takes a batch with one ε for each item, and keeps perturbed pictures inside [0, 1]. Perturbations,
pictures and gradients are (B, 3, H, W); sizes, ε and seeds are (B,).
"""

import math
from typing import Literal, Protocol

import torch
from torch import Tensor

from perturber.effects import random

NormName = Literal["l2", "linf", "l0"]

SIDE = 224
"""Side of the picture that attacks are described for, in pixels; it bounds ε."""


class Norm(Protocol):
    """What an attack needs to know of a norm.

    Attributes:
        label: name in the interface.
        help: what ε measures, in one sentence.
        unit: of ε; empty for the [0, 1] pixel scale.
        maximum: largest ε that means anything: the whole of [0, 1] in a picture of 224 × 224 pixels.
        whole: whether ε is a whole number.
    """

    label: str
    help: str
    unit: str
    maximum: float
    whole: bool

    def default_step(self, epsilon: float) -> float:
        """Step size where none is given."""
        ...

    def size(self, perturbation: Tensor) -> Tensor:
        """How large perturbations are: (B,), to be compared with ε."""
        ...

    def start(self, images: Tensor, epsilon: Tensor, seeds: Tensor) -> Tensor:
        """Random perturbations in the ball, each from nothing but its own seed (int64, in [0, 2³¹))."""
        ...

    def normalise(self, gradient: Tensor) -> Tensor:
        """The direction of steepest ascent, of length 1; zero where the gradient is zero."""
        ...

    def project(self, perturbation: Tensor, images: Tensor, epsilon: Tensor) -> Tensor:
        """Perturbations inside the ball whose pictures are inside [0, 1], near the given ones."""
        ...


class L2:
    """Euclidean length over all pixels and channels."""

    label = "L2"
    help = "ε is the Euclidean length of the perturbation over all pixels and channels, in the [0, 1] pixel scale."
    unit = ""
    maximum: float = math.ceil(math.sqrt(3) * SIDE)
    whole = False

    def default_step(self, epsilon: float) -> float:
        """An eighth of the radius."""
        return epsilon / 8

    def size(self, perturbation: Tensor) -> Tensor:
        """Square root of the sum of squares."""
        return torch.linalg.vector_norm(perturbation, dim=(1, 2, 3))

    def start(self, images: Tensor, epsilon: Tensor, seeds: Tensor) -> Tensor:
        """Uniform in the ball, then clipped."""
        direction = self.normalise(random.normal(seeds, *images.shape[1:], dtype=images.dtype))
        radius = random.uniform(seeds, 1, stream=1, dtype=images.dtype)[:, 0] ** (1 / images[0].numel())
        return _into_box(direction * _per_item(radius * epsilon), images)

    def normalise(self, gradient: Tensor) -> Tensor:
        """Divided by its length."""
        return gradient * _per_item(_inverse(self.size(gradient)))

    def project(self, perturbation: Tensor, images: Tensor, epsilon: Tensor) -> Tensor:
        """Shortened to ε, then clipped: clipping moves towards the picture, so it stays in the ball."""
        scale = (epsilon * _inverse(self.size(perturbation))).clamp(max=1)
        return _into_box(perturbation * _per_item(scale), images)


class Linf:
    """Largest change of any channel of any pixel."""

    label = "L∞"
    help = "ε is the largest change of any channel of any pixel, in the [0, 1] pixel scale."
    unit = ""
    maximum: float = 1.0
    whole = False

    def default_step(self, epsilon: float) -> float:
        """An eighth of the radius."""
        return epsilon / 8

    def size(self, perturbation: Tensor) -> Tensor:
        """Largest absolute value."""
        return perturbation.abs().amax((1, 2, 3))

    def start(self, images: Tensor, epsilon: Tensor, seeds: Tensor) -> Tensor:
        """Uniform in the cube, then clipped."""
        noise = random.uniform(seeds, *images.shape[1:], dtype=images.dtype).mul_(2).sub_(1)
        return _into_box(noise.mul_(_per_item(epsilon)), images)

    def normalise(self, gradient: Tensor) -> Tensor:
        """Its signs."""
        return gradient.sign()

    def project(self, perturbation: Tensor, images: Tensor, epsilon: Tensor) -> Tensor:
        """Clipped to both; both hold zero, so the one does not undo the other."""
        bound = _per_item(epsilon)
        return _into_box(torch.clamp(perturbation, -bound, bound), images)


class L0:
    """Number of pixels that change at all; how much they change is bounded by [0, 1] alone."""

    label = "L0"
    help = "ε is the number of pixels that change; each of them may take any colour."
    unit = "pixels"
    maximum: float = SIDE**2
    whole = True

    def default_step(self, epsilon: float) -> float:
        """The strongest pixel crosses half of [0, 1], whatever their number: the best of 1/8 to 32 on Lite0."""
        return 0.5

    def size(self, perturbation: Tensor) -> Tensor:
        """Pixels with a channel that is not zero."""
        return (perturbation != 0).any(1).sum((1, 2)).to(perturbation.dtype)

    def start(self, images: Tensor, epsilon: Tensor, seeds: Tensor) -> Tensor:
        """As many pixels as allowed, drawn without replacement, of random colours."""
        chosen = _largest(random.uniform(seeds, *images.shape[2:], stream=1, dtype=images.dtype), epsilon)
        return (random.uniform(seeds, *images.shape[1:], dtype=images.dtype) - images) * chosen

    def normalise(self, gradient: Tensor) -> Tensor:
        """Divided by the largest absolute value: the strongest pixel changes by the step size."""
        return gradient * _per_item(_inverse(gradient.abs().amax((1, 2, 3))))

    def project(self, perturbation: Tensor, images: Tensor, epsilon: Tensor) -> Tensor:
        """The nearest one that changes ε pixels: those stay, clipped, that would be missed most.

        A pixel p that stays costs ‖p − clip(p)‖², one that goes ‖p‖² (Croce & Hein 2019).
        """
        clipped = _into_box(perturbation, images)
        missed = perturbation.square().sum(1) - (perturbation - clipped).square().sum(1)
        return clipped * _largest(missed, epsilon)


NORMS: dict[str, Norm] = {"l2": L2(), "linf": Linf(), "l0": L0()}
"""Name in texts and links → norm."""


def _per_item(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def _inverse(values: Tensor) -> Tensor:
    """1 / values, and 0 where there is nothing to divide by."""
    return torch.where(values > 0, values, torch.inf).reciprocal()


def _into_box(perturbation: Tensor, images: Tensor) -> Tensor:
    return torch.clamp(perturbation, -images, 1 - images)


def _largest(scores: Tensor, counts: Tensor) -> Tensor:
    """Where the largest scores (B, H, W) of each item are, as many as it counts: (B, 1, H, W) of 0 and 1."""
    flat = scores.flatten(1)
    most = min(int(counts.max()), flat.shape[1])
    # Stable: among equals the first, whatever else is in the batch; topk promises nothing of equals.
    places = flat.sort(descending=True, stable=True).indices[:, :most]
    wanted = torch.arange(most, device=scores.device) < counts[:, None]
    return torch.zeros_like(flat).scatter_(1, places, wanted.to(flat.dtype)).view_as(scores)[:, None]
