"""Fog: a cloud before the scene, in which light is lost."""

import torch
from torch import Tensor

from perturber.effects import random
from perturber.effects.corruptions.severity import Stream, constants, per_picture


def fog(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Add a cloud and keep the picture's maximum m: ``clip((image + d · cloud) · m / (m + d))``.

    Density d = 1.5, 2, 2.5, 2.5, 3; the cloud's roughness falls by 2, 2, 1.7, 1.5, 1.4 an octave (`cloud`).
    Differentiable.
    """
    density, decay = constants(severity.to(images), (0, 1.5, 2, 2.5, 2.5, 3), (2, 2, 2, 1.7, 1.5, 1.4))
    height, width = images.shape[2:]
    layer = per_picture(density) * cloud(seeds, decay, max(height, width))[:, None, :height, :width]
    brightest = images.amax((1, 2, 3), keepdim=True)
    # Black pictures stay black, as published.
    return ((images + layer) * (brightest / (brightest + per_picture(density)).clamp(min=1e-12))).clamp(0, 1)


def cloud(seeds: Tensor, decay: Tensor, size: int) -> Tensor:
    """Plasma fractals by the diamond–square algorithm (Fournier, Fussell & Carpenter 1982) on a torus.

    Args:
        seeds: (B,) int64.
        decay: (B,) factor by which the displacement's root falls with each halving of the step.
        size: at least so many pixels; the map has the next power of two, at least 256, so that what it shows does not
            depend on small changes of a picture's size.

    Returns:
        (B, n, n) in [0, 1], both reached.
    """
    n = max(256, 1 << (size - 1).bit_length())
    corners = decay.new_zeros(len(seeds), 1, 1)
    displacement = torch.ones_like(decay)[:, None, None]
    for level in range(n.bit_length() - 1):
        m = corners.shape[1]
        drawn = random.uniform(seeds, 3, m, m, stream=Stream.FOG_LEVEL + level, dtype=decay.dtype)
        middle, above, beside = ((2 * drawn - 1) * displacement[:, None]).unbind(1)
        pairs = corners + corners.roll(-1, 1)
        middle = (pairs + pairs.roll(-1, 2)) / 4 + middle
        above = (middle + middle.roll(1, 1) + corners + corners.roll(-1, 2)) / 4 + above
        beside = (middle + middle.roll(1, 2) + corners + corners.roll(-1, 1)) / 4 + beside
        even, odd = torch.stack((corners, above), 3).flatten(2), torch.stack((beside, middle), 3).flatten(2)
        corners = torch.stack((even, odd), 2).flatten(1, 2)
        displacement = displacement / decay[:, None, None] ** 2
    corners = corners - corners.amin((1, 2), keepdim=True)
    return corners / corners.amax((1, 2), keepdim=True)
