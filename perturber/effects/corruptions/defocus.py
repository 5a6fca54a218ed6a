"""Defocus: a lens spreads each point over a disc."""

import torch
from torch import Tensor

from perturber.effects.corruptions import filters
from perturber.effects.corruptions.severity import constants

_REACH = 12
"""The largest disc's radius and two pixels for its soft rim."""


def defocus_blur(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Blur with a disc of radius 3, 4, 6, 8, 10 pixels, whose rim a Gaussian with σ = 0.1, then 0.5 softens.

    Outside of the picture it is mirrored. Differentiable. Draws no random numbers. The published kernels of severity 4
    and 5 sum up to 1.01, since their soft rim is mirrored at the kernel's border; here all sum up to 1.
    """
    radius, rim = constants(severity.to(images), (0, 3, 4, 6, 8, 10), (0, 0.1, 0.5, 0.5, 0.5, 0.5))
    return filters.symmetric(images, disc(radius, rim)).clamp(0, 1)


def disc(radius: Tensor, rim: Tensor) -> Tensor:
    """Kernels of discs: every pixel not farther away than the radius, all alike, then softened.

    For a radius between whole numbers the next ring of pixels fades in.

    Args:
        radius: (B,) pixels, at most 10.
        rim: (B,) standard deviations of the Gaussian that softens the rim, in pixels. As published it has three taps
            in each axis up to a radius of 8 and five at 10; the outer two fade in between.

    Returns:
        (B, 13, 13): the kernels from their centre downwards and to the right, for `filters.symmetric`.
    """
    places = torch.arange(-_REACH - 2, _REACH + 3, dtype=radius.dtype, device=radius.device)
    ring = torch.hypot(places[:, None], places).ceil()
    kernel = filters.fade(ring, radius[:, None, None])
    near = torch.exp(-0.5 / rim.clamp(min=1e-2) ** 2)
    far = near**4 * ((radius - 8) / 2).clamp(0, 1)
    weights = torch.stack((far, near, torch.ones_like(near), near, far), 1)
    for dim in (1, 2):
        size = kernel.shape[dim] - 4
        taps = [weights[:, i, None, None] * kernel.narrow(dim, i, size) for i in range(5)]
        kernel = torch.stack(taps).sum(0)
    kernel = kernel / kernel.sum((1, 2), keepdim=True)
    return kernel[:, _REACH:, _REACH:]
