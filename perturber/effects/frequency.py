"""Splits pictures into a low and a high band of spatial frequencies, which are changed apart and added again."""

import torch
from torch import Tensor

from perturber.effects.colour import hue

GREY = 0.5
"""What stands in the place of a low band that is faded out."""

REACH = 4.0
"""Standard deviations at which the Gaussian ends, as in scipy.ndimage."""


def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur by a Gaussian, cut off at four standard deviations; the picture goes on as its mirror image.

    The picture is multiplied by one matrix a side, which holds kernel and mirroring: one pass for any sigmas, and
    differentiable in them.

    Args:
        images: (B, C, H, W), of any range.
        sigma: (B,) standard deviation in pixels; 0 leaves a picture as it is.
    """
    columns = _matrix(images.shape[3], sigma).transpose(1, 2)[:, None]
    rows = columns.transpose(2, 3) if images.shape[2] == images.shape[3] else _matrix(images.shape[2], sigma)[:, None]
    return rows @ (images @ columns)


def decompose(
    images: Tensor,
    cutoff: Tensor,
    low_alpha: Tensor,
    low_sigma: Tensor,
    low_hue: Tensor,
    high_alpha: Tensor,
    high_sigma: Tensor,
    high_hue: Tensor,
) -> Tensor:
    """Change the bands apart: ``grey + low_alpha · (low' − grey) + high_alpha · high'``, limited to [0, 1].

    The low band is the picture blurred by `cutoff`, the high band what is left. A band with a prime is blurred by its
    sigma and its hues are rotated.

    Args:
        images: (B, 3, H, W) in [0, 1].
        cutoff, low_sigma, high_sigma: (B,) standard deviations in pixels.
        low_alpha, high_alpha: (B,) factors; 0 leaves grey (0.5) or nothing in a band's place.
        low_hue, high_hue: (B,) turns of the colour circle.
    """
    low = gaussian_blur(images, cutoff)
    high = images - low
    low = _changed(low, low_sigma, low_hue)
    high = _changed(high, high_sigma, high_hue)
    low = GREY + low_alpha.view(-1, 1, 1, 1) * (low - GREY)
    return (low + high_alpha.view(-1, 1, 1, 1) * high).clamp(0, 1)


def _changed(band: Tensor, sigma: Tensor, turns: Tensor) -> Tensor:
    """Blurred and rotated; what no item asks for is left out, unless a gradient asks how it would change."""
    if sigma.requires_grad or bool((sigma != 0).any()):
        band = gaussian_blur(band, sigma)
    if turns.requires_grad or bool((turns != 0).any()):
        band = torch.where((turns == 0).view(-1, 1, 1, 1) & ~_tracked(turns), band, hue(band, turns))
    return band


def _tracked(values: Tensor) -> Tensor:
    return torch.tensor(values.requires_grad, device=values.device)


def _matrix(size: int, sigma: Tensor) -> Tensor:
    """Blurring a line of `size` pixels as a matrix: (B, size, size), each row sums to 1."""
    place = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    narrow = sigma.view(-1, 1, 1).clamp_min(1e-3)  # of which nothing reaches a neighbour
    total = torch.zeros(len(sigma), size, size, device=sigma.device, dtype=sigma.dtype)
    # Each pixel is seen directly and in the mirrors at both ends, as often as the widest kernel reaches.
    reach = int(REACH * float(sigma.detach().max())) + 1
    for turn in range(-(reach // (2 * size)) - 1, reach // (2 * size) + 2):
        for image in (place + 2 * size * turn, 2 * size * turn - 1 - place):
            distance = image - place[:, None]
            weight = torch.exp(-0.5 * (distance / narrow) ** 2)
            total = total + torch.where(distance.abs() <= _radius(narrow), weight, 0)
    return total / total.sum(2, keepdim=True)


def _radius(sigma: Tensor) -> Tensor:
    return (REACH * sigma + 0.5).detach().floor()
