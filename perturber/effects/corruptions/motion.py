"""Motion blur: the camera moves while the shutter is open."""

from torch import Tensor

from perturber.effects import random
from perturber.effects.corruptions import filters
from perturber.effects.corruptions.severity import Stream, constants


def motion_blur(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Blur along a line at a random angle of −45…45° (see `filters.streak`).

    Radius 10, 15, 15, 15, 20 and σ = 3, 5, 8, 12, 15 pixels. Differentiable, the angle held fixed.
    """
    radius, sigma = constants(severity.to(images), (0, 10, 15, 15, 15, 20), (0, 3, 5, 8, 12, 15))
    angle = 90 * random.uniform(seeds, 1, stream=Stream.MOTION_ANGLE)[:, 0] - 45
    return filters.streak(images, radius, sigma, angle).clamp(0, 1)
