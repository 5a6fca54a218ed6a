"""Splits pictures into a low and a high band of spatial frequencies, which are changed apart and added again."""

from functools import lru_cache

import torch
from torch import Tensor

from perturber.effects.colour import hue
from perturber.effects.registry import effect

GREY = 0.5
"""What stands in the place of a low band that is faded out."""

REACH = 4.0
"""Standard deviations at which the Gaussian ends, as in scipy.ndimage."""


def gaussian_blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Blur by a Gaussian, cut off at four standard deviations; the picture goes on as its mirror image.

    Lines are multiplied by a matrix that holds kernel and mirroring: one pass for any sigmas, and differentiable in
    them.

    Args:
        images: (B, C, H, W), of any range.
        sigma: (B,) standard deviation in pixels; 0 leaves a picture as it is.
    """
    height, width = images.shape[2:]
    kernel = _kernel(sigma)
    across = _matrix(width, kernel)
    down = across if height == width else _matrix(height, kernel)
    return _along_lines(_along_lines(images, across).transpose(2, 3), down).transpose(2, 3).contiguous()


def _along_lines(images: Tensor, matrix: Tensor) -> Tensor:
    """Multiply every line; all lines of an item in one product."""
    batch, channels, lines, length = images.shape
    return (images.reshape(batch, channels * lines, length) @ matrix).view(batch, channels, lines, length)


@effect(
    "cutoff", "low_alpha", "low_sigma", "low_hue", "high_alpha", "high_sigma", "high_hue", idle=("cutoff",)
)  # fmt: skip
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


def _kernel(sigma: Tensor) -> Tensor:
    """Weights at the distances 0, 1, … of a Gaussian that sums to 1; the last one is 0: (B, L)."""
    reach = int(REACH * float(sigma.detach().max()) + 0.5)
    distance = torch.arange(reach + 2, device=sigma.device, dtype=sigma.dtype)
    narrow = sigma[:, None].clamp_min(1e-3)  # of which nothing reaches a neighbour
    inside = distance <= (REACH * narrow + 0.5).detach().floor()
    weights = torch.where(inside, torch.exp(-0.5 * (distance / narrow) ** 2), 0)
    return weights / (2 * weights.sum(1, keepdim=True) - weights[:, :1])


def _matrix(size: int, kernel: Tensor) -> Tensor:
    """Blurring a line of `size` pixels as a symmetric matrix: (B, size, size)."""
    last = kernel.shape[1] - 1
    images = _distances(size, -(-last // size), kernel.device)
    return sum(
        (kernel.index_select(1, distance.clamp(max=last).flatten()) for distance in images),
        start=kernel.new_zeros(()),
    ).view(-1, size, size)


@lru_cache(maxsize=32)
def _distances(size: int, mirrors: int, device: torch.device) -> list[Tensor]:
    """From each pixel to each pixel, seen directly and in so many mirrors at both ends: (size, size) each."""
    with torch.inference_mode(False):
        place = torch.arange(size, device=device)
        turns = range(-((mirrors + 1) // 2), (mirrors + 1) // 2 + 1)
        images = [place + 2 * size * turn for turn in turns] + [2 * size * turn - 1 - place for turn in turns]
        distances = [(image - place[:, None]).abs() for image in images]
        reached = [distance for distance in distances if int(distance.min()) <= mirrors * size]
        return reached
