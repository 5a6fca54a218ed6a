"""Brightness and contrast, as a camera's settings change them."""

import torch
from torch import Tensor

from perturber.effects.corruptions.severity import constants, per_picture


def brightness(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Raise the value of HSV, limited to 1, by 0.1, 0.2, 0.3, 0.4, 0.5; hue and saturation stay.

    Differentiable except where a pixel is black, which becomes grey. Draws no random numbers.
    """
    (rise,) = constants(severity.to(images), (0, 0.1, 0.2, 0.3, 0.4, 0.5))
    value = images.amax(1, keepdim=True)
    raised = (value + per_picture(rise)).clamp(max=1)
    black = value <= 0
    return torch.where(black, raised, images * (raised / torch.where(black, 1, value))).clamp(0, 1)


def contrast(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Scale each colour's distance from its mean over the picture by 0.4, 0.3, 0.2, 0.1, 0.05.

    Differentiable. Draws no random numbers.
    """
    (factor,) = constants(severity.to(images), (1, 0.4, 0.3, 0.2, 0.1, 0.05))
    return torch.lerp(images.mean((2, 3), keepdim=True), images, per_picture(factor)).clamp(0, 1)
