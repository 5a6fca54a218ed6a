"""Frosted windows, drawn by rule: feathers of ice on a clouded pane."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from perturber.effects import random
from perturber.effects.corruptions.sampling import bilinear
from perturber.effects.corruptions.severity import Stream

_LAYERS = ((96, 1.0), (72, 0.9), (72, 0.75), (44, 0.85), (44, 0.65), (24, 0.6))
"""Longest crystals of each layer in pixels, and their brightness."""
_DARK = ((0.16, 0.21, 0.28), (0.66, 0.69, 0.74))
_TINT = (0.28, -0.02, -0.06)
_LIGHT = (0.93, 0.96, 1.0)


_KEPT_BATCH = 4
"""Windows of so small batches are kept: someone moves a slider, and only the severity changes."""


def window(seeds: Tensor, height: int, width: int) -> Tensor:
    """Draw frosted windows.

    Crystals grow at random places, each a spine with barbs at an angle. Layers of several sizes lie above each other on
    a pane that is clouded unevenly, and all is bent a little. Each window has its own tint, thickness of ice, spacing
    of the barbs and preferred direction of growth.

    Args:
        seeds: (B,) int64.
        height: in pixels.
        width: in pixels.

    Returns:
        (B, 3, height, width) float32 in [0, 1], not to be changed in place.
    """
    if len(seeds) <= _KEPT_BATCH:
        return _kept_window(tuple(seeds.tolist()), height, width, seeds.device)
    return _draw(seeds, height, width)


@lru_cache(maxsize=16)
def _kept_window(seeds: tuple[int, ...], height: int, width: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return _draw(torch.tensor(seeds, device=device), height, width)


@torch.no_grad()
def _draw(seeds: Tensor, height: int, width: int) -> Tensor:
    thickness, tint, *growth = random.uniform(seeds, 5, stream=Stream.FROST_LOOK).unbind(1)
    cover = 0.4 + 0.6 * (clouds := _clouds(seeds, height, width))
    crystals = torch.zeros_like(clouds)
    for number, (cell, light) in enumerate(_LAYERS):
        layer = _crystals(seeds, height, width, cell, growth, Stream.FROST_CRYSTALS + number)
        crystals = torch.maximum(crystals, layer.mul_(light))
    grain = random.uniform(seeds, height, width, stream=Stream.FROST_GRAIN).sub_(0.5)
    ice = ((_bent(crystals, seeds) + 0.22 * grain) * cover + 0.45 * clouds).clamp(0, 1)[:, None]
    thin, thick, bright, tinted = (seeds.new_tensor(c, dtype=ice.dtype) for c in (*_DARK, _LIGHT, _TINT))
    dark = torch.lerp(thin, thick, thickness[:, None]) - tinted * tint[:, None] ** 3
    return torch.lerp(dark[:, :, None, None], bright.view(1, 3, 1, 1), ice).clamp(0, 1)


def _clouds(seeds: Tensor, height: int, width: int) -> Tensor:
    """Three octaves of smooth noise, (B, H, W) in [0, 1]."""
    octaves = [
        _smooth_noise(seeds, 1, height, width, cell, Stream.FROST_CLOUDS + octave) * 0.5**octave
        for octave, cell in enumerate((96, 48, 16))
    ]
    return (torch.stack(octaves).sum(0)[:, 0] / 1.75 * 2 - 0.5).clamp(0, 1)


def _smooth_noise(seeds: Tensor, channels: int, height: int, width: int, cell: int, stream: int) -> Tensor:
    noise = random.uniform(seeds, channels, height // cell + 3, width // cell + 3, stream=stream)
    noise = functional.interpolate(noise, scale_factor=cell, mode="bicubic", align_corners=False)
    return noise[..., cell : cell + height, cell : cell + width]


def _bent(plane: Tensor, seeds: Tensor) -> Tensor:
    height, width = plane.shape[1:]
    down, right = (6 * _smooth_noise(seeds, 2, height, width, 14, Stream.FROST_WARP) - 3).unbind(1)
    rows, columns = (torch.arange(size, device=plane.device) for size in (height, width))
    return bilinear(plane[:, None], rows[:, None] + down, columns + right)[:, 0]


def _crystals(seeds: Tensor, height: int, width: int, cell: int, growth: list[Tensor], stream: int) -> Tensor:
    """One layer, (B, height, width) in [0, 1], with one crystal in each square of `cell` pixels.

    No crystal reaches farther than half a cell from its middle, so half a cell of pixels sees the crystals of four
    cells at the most. All of them are drawn together, as (B, 2, 2, rows, half, columns, half).
    """
    half = cell // 2
    rows, columns = -(-height // half), -(-width // half)
    drawn = random.uniform(seeds, 6, rows // 2 + 2, columns // 2 + 2, stream=stream)
    row, y = _cells_and_pixels(rows, half, seeds.device)
    column, x = _cells_and_pixels(columns, half, seeds.device)
    near = drawn[:, :, row][..., column].transpose(3, 4)
    top, left, *shape = near[:, :, :, :, :, None, :, None].unbind(1)
    feathers = _feather(x[:, None, None] - cell * left, y[:, None, :, :, None, None] - cell * top, shape, growth, cell)
    return feathers.amax((1, 2)).view(len(seeds), rows * half, columns * half)[:, :height, :width]


def _cells_and_pixels(blocks: int, half: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each half cell both cells that reach it, (2, blocks), and its pixels' places from their start on."""
    block = torch.arange(blocks, device=device)
    cell = torch.stack(((block + 1) // 2, (block + 1) // 2 + 1))
    pixels = torch.arange(half, device=device) + 0.5
    return cell, (block * half - (cell - 1) * 2 * half)[..., None] + pixels


def _feather(x: Tensor, y: Tensor, shape: list[Tensor], growth: list[Tensor], cell: int) -> Tensor:
    """A spine that tapers, with barbs; x and y from its middle in pixels."""
    direction, spread, closeness = (value.view(-1, 1, 1, 1, 1, 1, 1) for value in growth)
    turn, length, breadth, light = shape
    angle = 2 * math.pi * (direction + (turn - 0.5) * (0.4 + 0.6 * spread))
    cosine, sine = angle.cos(), angle.sin()
    length = cell * (0.5 + 0.5 * length)
    along = (x * (cosine / length) + 0.5) + y * (sine / length)
    across = (y * cosine).sub(x * sine).abs_()
    taper = torch.minimum(8 * along, 1 - along).mul_(cell * (0.1 + 0.25 * breadth))
    rim = taper.sub_(across)
    spine = (1.1 - 0.5 * across).clamp_(0, 0.9)
    wave = 2 * math.pi / (3.5 + 4 * closeness)
    barbs = along.mul_(length * wave).sub_(across.mul_(0.8 * wave)).cos_()
    blade = barbs.mul_(0.3).add_(0.45).mul_((rim * 0.25).clamp_(0.3, 1))
    return torch.maximum(blade, spine, out=blade).mul_(rim.clamp_(0, 1)).mul_(0.55 + 0.45 * light)
