"""Snowfall before the scene."""

import torch
from torch import Tensor

from perturber.effects import random
from perturber.effects.colour import luma
from perturber.effects.corruptions import filters
from perturber.effects.corruptions.sampling import bilinear
from perturber.effects.corruptions.severity import Stream, constants, per_picture

_SOFTNESS = 0.05
"""Width of the threshold above which noise is a flake; a step as published, a ramp here, so that flakes can grow."""


def snow(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Whiten the picture and let flakes fall in two directions.

    The picture is mixed with its whitened self, ``max(image, 1.5 · grey + 0.5)``. Flakes are normal noise, magnified,
    cut off below a threshold, and blurred along the fall (`filters.streak`), whose angle is −135…−45°; the layer is
    added as it is and turned by 180°. Below severity 1 flakes and whitening fade in. Differentiable. Not
    quite monotone: as published, severity 3 has fewer and larger flakes than 2.
    """
    severity = severity.to(images)
    mean, spread, scale, threshold, radius, sigma, kept = constants(
        severity,
        (0.1, 0.1, 0.2, 0.55, 0.55, 0.55),
        (0.3, 0.3, 0.3, 0.3, 0.3, 0.3),
        (3, 3, 2, 4, 4.5, 2.5),
        (0.5, 0.5, 0.5, 0.9, 0.85, 0.85),
        (10, 10, 12, 12, 12, 12),
        (4, 4, 4, 8, 8, 12),
        (1, 0.8, 0.7, 0.7, 0.65, 0.55),
    )
    noise = random.normal(seeds, 1, *images.shape[2:], stream=Stream.SNOW_FLAKES, dtype=images.dtype)
    noise = _magnified(per_picture(mean) + per_picture(spread) * noise, scale)
    flakes = noise.clamp(0, 1) * ((noise - per_picture(threshold)) / _SOFTNESS + 0.5).clamp(0, 1)
    angle = 90 * random.uniform(seeds, 1, stream=Stream.SNOW_ANGLE)[:, 0] - 135
    layer = filters.streak(flakes, radius, sigma, angle) * per_picture(severity.clamp(max=1))
    whitened = torch.maximum(images, 1.5 * luma(images) + 0.5)
    return (torch.lerp(whitened, images, per_picture(kept)) + layer + layer.flip(2, 3)).clamp(0, 1)


def _magnified(noise: Tensor, scale: Tensor) -> Tensor:
    """The middle of noise (B, 1, H, W), stretched from its first to its last value as published (see `zoom.magnify`).

    Were it stretched about its middle instead, the values would lie at the same places between pixels everywhere, and
    interpolation would take away too much of their variance.
    """
    rows, columns = (
        (size - size / scale[:, None]) / 2
        + torch.arange(size, device=noise.device) * (size / scale[:, None] - 1) / max(size - 1, 1)
        for size in noise.shape[2:]
    )
    return bilinear(noise, rows[:, :, None], columns[:, None, :])
