"""Elastic transform: the picture is pulled at three corners and wobbles."""

import math

import torch
from torch import Tensor

from perturber.effects import random
from perturber.effects.corruptions.sampling import bilinear
from perturber.effects.corruptions.severity import Stream, constants

_PIXELS = 224
"""Size for which the constants are published; displacements grow with the picture's shorter side."""


def elastic_transform(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Move three points of the picture at random (an affine map), then every pixel by a smooth random field.

    Points move by up to 24.4, 48.8, 4.9, 4.9, 4.9 pixels in each axis; the field is uniform noise, blurred with
    σ = 170.8, 19.5, 2.44, 2.44, 2.44 pixels, times 488, 488, 12.2, 17.1, 29.3, for pictures of 224 pixels. So the
    published family changes its character between the severities 2 and 3 and is **not monotone**: large slow
    deformations first, then small fast ones.

    Differentiable with the random numbers held fixed. Both maps are applied in one step of interpolation; published
    are two, which blur a little more.
    """
    severity = severity.to(images)
    amount, sigma, reach = constants(
        severity,
        (0, 488, 488, 12.2, 17.08, 29.28),
        (170.8, 170.8, 19.52, 2.44, 2.44, 2.44),
        (0, 24.4, 48.8, 4.88, 4.88, 4.88),
    )
    height, width = images.shape[2:]
    scale = min(height, width) / _PIXELS
    field = smooth_field(seeds, sigma * scale, height, width, smallest=2.44 * scale)
    down, right = (field * (amount * scale**2).view(-1, 1, 1, 1)).unbind(1)
    rows = torch.arange(height, dtype=images.dtype, device=images.device)[:, None] + down
    columns = torch.arange(width, dtype=images.dtype, device=images.device) + right
    moves = 2 * random.uniform(seeds, 3, 2, stream=Stream.ELASTIC_CORNERS, dtype=images.dtype) - 1
    rows, columns = undo_affine(rows, columns, moves * (reach * scale).view(-1, 1, 1), height, width)
    return bilinear(images, rows, columns).clamp(0, 1)


def smooth_field(seeds: Tensor, sigma: Tensor, height: int, width: int, *, smallest: float) -> Tensor:
    """Uniform noise in [−1, 1], blurred with a Gaussian that mirrors the noise at its borders.

    Drawn where a Gaussian blur is a product: the orthonormal cosine transform of such noise is, but for its tails,
    normal with the variance 1/3 in every frequency ω, and the blur multiplies it by exp(−σ²ω²/2).

    Args:
        seeds: (B,) int64.
        sigma: (B,) in pixels, not smaller than `smallest`.
        height: of the field.
        width: of the field.
        smallest: decides which frequencies are left out, those that any sigma damps below 1e-6.

    Returns:
        (B, 2, height, width).
    """
    reach = math.sqrt(-2 * math.log(1e-6)) / (math.pi * smallest)
    bases, damping = [], []
    for size in (height, width):
        count = min(size, math.ceil(size * reach))
        wave = torch.arange(count, dtype=torch.float64)
        basis = torch.cos(math.pi / size * wave * (torch.arange(size)[:, None] + 0.5)) * math.sqrt(2 / size)
        basis[:, 0] = math.sqrt(1 / size)
        bases.append(basis.to(sigma))
        damping.append(torch.exp(-0.5 * (sigma[:, None] * (math.pi / size * wave).to(sigma)) ** 2))
    shape = (2, bases[0].shape[1], bases[1].shape[1])
    drawn = random.normal(seeds, *shape, stream=Stream.ELASTIC_FIELD, dtype=sigma.dtype) * math.sqrt(1 / 3)
    drawn = drawn * damping[0][:, None, :, None] * damping[1][:, None, None, :]
    return bases[0] @ drawn @ bases[1].T


def undo_affine(rows: Tensor, columns: Tensor, moves: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where places come from under the affine map that moves three points near the picture's corners.

    The points lie a third of the shorter side from the middle, at +x +y, +x −y and −x −y.

    Args:
        rows: (B, h, w) places in pixels.
        columns: the same.
        moves: (B, 3, 2): how far each point moves, x before y, in pixels.
        height: of the picture.
        width: of the picture.

    Returns:
        The places' rows and columns before the map, (B, h, w).
    """
    reach = max(min(height, width) // 3, 1)
    corner_x, corner_y = width // 2 - reach, height // 2 - reach
    first, second, third = moves.unbind(1)
    xx, xy = ((second - third) / (2 * reach)).unbind(1)
    yx, yy = ((first - second) / (2 * reach)).unbind(1)
    a, b, c, d = (value.view(-1, 1, 1) for value in (1 + xx, yx, xy, 1 + yy))
    x = columns - corner_x - third[:, 0].view(-1, 1, 1)
    y = rows - corner_y - third[:, 1].view(-1, 1, 1)
    determinant = a * d - b * c
    return (a * y - c * x) / determinant + corner_y, (d * x - b * y) / determinant + corner_x
