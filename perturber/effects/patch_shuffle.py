"""Cuts pictures into patches and lays them in another order: what is left is texture without global shape."""

import torch
from torch import Tensor

from perturber.effects import random
from perturber.effects.registry import effect

MOST = 16
"""Patches along a side, at most."""


@effect("patch_shuffle", "patch_seed", idle=("patch_seed",))
def patch_shuffle(images: Tensor, count: Tensor, seeds: Tensor) -> Tensor:
    """Shuffle the patches of a grid; a permutation that is drawn uniformly from all of them.

    Where the grid does not divide the picture, patches differ by one pixel; their pixels are then the nearest ones.
    Not differentiable in `count` or `seeds`.

    Args:
        images: (B, 3, H, W).
        count: (B,) whole number of patches along each side, 1 to 16; 1 leaves a picture as it is.
        seeds: (B,) whole numbers.
    """
    height, width = images.shape[2:]
    count = count.long()
    order = _orders(count, seeds)
    row, inside_row = _places(height, count)
    column, inside_column = _places(width, count)
    source = order.gather(1, (row[:, :, None] * count[:, None, None] + column[:, None, :]).flatten(1))
    y = _pixel(torch.div(source, count[:, None], rounding_mode="floor"), inside_row[:, :, None], height, width, count)
    x = _pixel(source % count[:, None], inside_column[:, None, :], width, height, count, transposed=True)
    index = (y * width + x)[:, None].expand(-1, images.shape[1], -1)
    return images.flatten(2).gather(2, index).view(images.shape)


def _orders(count: Tensor, seeds: Tensor) -> Tensor:
    """Which patch comes to each place: (B, MOST²); only the first count² entries of a row are used."""
    draw = random.bits(seeds, MOST**2).long()
    beyond = torch.arange(MOST**2, device=seeds.device) >= (count**2)[:, None]
    return draw.masked_fill(beyond, 2**40).argsort(dim=1, stable=True)


def _places(size: int, count: Tensor) -> tuple[Tensor, Tensor]:
    """For each pixel of a line its patch, and how far into the patch it lies (0 to 1): (B, size) each."""
    pixel = torch.arange(size, device=count.device)
    count = count[:, None]
    patch = torch.div(pixel * count + count - 1, size, rounding_mode="floor").minimum(count - 1)
    patch = torch.where(_edge(patch, size, count) > pixel, patch - 1, patch)
    start, end = _edge(patch, size, count), _edge(patch + 1, size, count)
    return patch, (pixel - start + 0.5) / (end - start)


def _edge(patch: Tensor, size: int, count: Tensor) -> Tensor:
    """First pixel of a patch."""
    return torch.div(patch * size, count, rounding_mode="floor")


def _pixel(patch: Tensor, inside: Tensor, size: int, other: int, count: Tensor, *, transposed: bool = False) -> Tensor:
    """The pixel of a line that lies as far inside this patch: (B, H·W)."""
    share = inside.expand(-1, other, size) if transposed else inside.expand(-1, size, other)
    start, end = _edge(patch, size, count[:, None]), _edge(patch + 1, size, count[:, None])
    return start + (share.flatten(1) * (end - start)).floor().long()
