"""Linear filters with a kernel of its own for each picture, summed tap by tap.

A library's convolution or Fourier transform may add in another order when the batch has another size; a sum over taps
gives each picture the same bits in any batch.
"""

import math
from typing import Literal

import torch
from torch import Tensor

from perturber.effects.corruptions.severity import per_picture

Border = Literal["edge", "mirror"]


def pad(images: Tensor, amount: int, *, border: Border, dims: tuple[int, ...] = (2, 3)) -> Tensor:
    """Continue pictures (B, C, H, W) by `amount` pixels on every side, of any size however small.

    Args:
        images: (B, C, H, W).
        amount: pixels to add before and after.
        border: "edge" repeats the last pixel; "mirror" reflects in its centre (it is not repeated).
        dims: axes to pad.
    """
    for dim in dims:
        size = images.shape[dim]
        index = torch.arange(-amount, size + amount, device=images.device)
        if border == "mirror":
            period = max(2 * (size - 1), 1)
            index = index.remainder(period)
            index = torch.minimum(index, period - index)
        images = images.index_select(dim, index.clamp(0, size - 1))
    return images


def extend(images: Tensor, *, bottom: int, right: int) -> Tensor:
    """Repeat the last row and column of pictures (B, C, H, W) so many times."""
    for dim, amount in ((2, bottom), (3, right)):
        if amount:
            images = torch.cat((images, images.narrow(dim, -1, 1).expand(*_stretched(images, dim, amount))), dim)
    return images


def _stretched(images: Tensor, dim: int, size: int) -> list[int]:
    return [size if i == dim else length for i, length in enumerate(images.shape)]


def gaussian(images: Tensor, sigma: Tensor, *, radius: int) -> Tensor:
    """Blur with a Gaussian; outside of the picture the edge continues.

    Args:
        images: (B, C, H, W).
        sigma: (B,) standard deviations in pixels, 0 for none.
        radius: taps on each side; at least 3 to 4 of the largest sigma.
    """
    distances = torch.arange(radius + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-0.5 * (distances / sigma[:, None].clamp(min=1e-3)) ** 2)
    weights = weights / (2 * weights.sum(1, keepdim=True) - 1)
    for dim in (2, 3):
        size = images.shape[dim]
        padded = pad(images, radius, border="edge", dims=(dim,))
        images = per_picture(weights[:, 0]) * images
        for i in range(1, radius + 1):
            pair = padded.narrow(dim, radius - i, size) + padded.narrow(dim, radius + i, size)
            images = torch.addcmul(images, per_picture(weights[:, i]), pair)
    return images


def symmetric(images: Tensor, quadrants: Tensor) -> Tensor:
    """Filter with kernels that are symmetric in both axes; outside of the picture it is mirrored.

    Args:
        images: (B, C, H, W).
        quadrants: (B, R + 1, R + 1), the kernels from their centre downwards and to the right.
    """
    radius = quadrants.shape[1] - 1
    height, width = images.shape[2:]
    padded = pad(images, radius, border="mirror")
    # A weight of 0 may still have a derivative.
    largest = torch.ones_like(quadrants[0]) if quadrants.requires_grad else quadrants.amax(0)
    used = (largest > 0).tolist()
    pairs = [padded.narrow(3, radius, width)]
    pairs += [padded.narrow(3, radius - i, width) + padded.narrow(3, radius + i, width) for i in range(1, radius + 1)]
    result = torch.zeros_like(images)
    for y in range(radius + 1):
        taps = [x for x in range(radius + 1) if used[y][x]]
        if not taps:
            continue
        row = per_picture(quadrants[:, y, taps[0]]) * pairs[taps[0]]
        for x in taps[1:]:
            row = torch.addcmul(row, per_picture(quadrants[:, y, x]), pairs[x])
        for offset in (-y, y) if y else (0,):
            result = result + row.narrow(2, radius + offset, height)
    return result


def fade(place: Tensor, reach: Tensor) -> Tensor:
    """1 up to `reach`, falling to 0 one pixel farther; where it bends it has the derivative for a growing reach."""
    return (1 - (place - reach).relu()).clamp(min=0)


def streak(images: Tensor, radius: Tensor, sigma: Tensor, angle: Tensor) -> Tensor:
    """Blur in one direction, as ImageMagick's motion blur does.

    A pixel is the mean of the pixels at whole offsets ⌈i·cos − ½⌉, ⌈i·sin − ½⌉ for i = 0 … 2·radius, with the weights
    of half a Gaussian. For a radius between whole numbers the last tap fades in. The edge continues outside.

    Args:
        images: (B, C, H, W).
        radius: (B,) in pixels, 0 for none.
        sigma: (B,) standard deviations in pixels, 0 for none.
        angle: (B,) in degrees from the x axis downwards.
    """
    batch, channels, height, width = images.shape
    count = math.ceil(2 * float(radius.detach().max())) + 2 if batch else 0
    steps = torch.arange(count, dtype=images.dtype, device=images.device)
    weights = torch.exp(-0.5 * (steps / sigma[:, None].clamp(min=1e-3)) ** 2) * fade(steps, 2 * radius[:, None])
    turn = torch.deg2rad(angle.to(torch.float64))[:, None]
    down = (steps * turn.sin() - 0.5).ceil().long()
    right = (steps * turn.cos() - 0.5).ceil().long()
    rows, columns = (torch.arange(size, device=images.device) for size in (height, width))
    flat = images.reshape(batch, channels, -1)
    result, total = torch.zeros_like(images), torch.zeros_like(radius)
    for i in range(count):
        total = total + weights[:, i]
        row = (rows + down[:, i, None]).clamp_(0, height - 1) * width
        column = (columns + right[:, i, None]).clamp_(0, width - 1)
        index = (row[:, :, None] + column[:, None, :]).view(batch, 1, -1).expand(-1, channels, -1)
        result = torch.addcmul(result, per_picture(weights[:, i]), flat.gather(2, index).view_as(images))
    return result / per_picture(total)
