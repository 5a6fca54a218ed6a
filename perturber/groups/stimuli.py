"""Pictures that ask a neuron one question each: which hue, which orientation, straight or curved, ordered or not.

All have the same energy: at their strongest, the difference to mid-grey is `ENERGY` a pixel. So how strongly a neuron
answers to one kind can be compared with how strongly it answers to another.
"""

import math

import torch
from torch import Tensor

ENERGY = 0.5 * math.sqrt(1.5)
"""Root mean square of a grating from black to white, as a vector of three channels; also the most saturated hue circle
around mid-grey that fits into [0, 1]."""

HUES = {"red": 0, "yellow": 60, "green": 120, "cyan": 180, "blue": 240, "magenta": 300}
"""Name → angle on the hue circle, in degrees."""

STEPS = 12
"""Hues on the circle."""

ORIENTATIONS = tuple(22.5 * i for i in range(8))
"""Of stripes, in degrees counter-clockwise from horizontal."""

PERIODS = (4, 8, 16, 32)
"""Of gratings, in pixels."""

PHASES = (0.0, 0.25, 0.5, 0.75)
"""Of gratings, in periods."""

RADII = (12.0, 24.0)
"""Of curves, in pixels."""

WINDOW = 12.0
"""Standard deviation of the round window that straight stripes and curves are seen through, in pixels."""

GRAINS = (1, 2, 4, 8)
"""Sides of the squares of noise, in pixels."""


def grey(size: int) -> Tensor:
    """What all responses are compared with: (1, 3, size, size) of 0.5."""
    return torch.full((1, 3, size, size), 0.5)


def hues(size: int) -> Tensor:
    """One colour everywhere, around the hue circle, all of mean 0.5: (STEPS, 3, size, size)."""
    angles = torch.arange(STEPS)[:, None] * (2 * math.pi / STEPS) - torch.tensor([0, 2, 4]) * (math.pi / 3)
    colours = 0.5 + ENERGY * math.sqrt(2 / 3) * angles.cos()
    return colours[:, :, None, None].expand(-1, -1, size, size)


def gratings(size: int, period: float) -> Tensor:
    """Black-and-white sine gratings: (orientations · phases, 3, size, size), the phase running fastest."""
    x, y = _plane(size)
    waves = []
    for degrees in ORIENTATIONS:
        angle = math.radians(degrees)
        across = x * math.sin(angle) + y * math.cos(angle)  # y points down, so that stripes turn counter-clockwise
        waves += [torch.sin(2 * math.pi * (across / period + phase)) for phase in PHASES]
    return _grey_picture(0.5 * torch.stack(waves))


def bows(size: int, period: float, radius: float | None) -> Tensor:
    """Gratings through a round window in the middle, straight or bent about a point `radius` pixels away.

    Args:
        radius: None for straight ones.

    Returns:
        (16 · phases, 3, size, size): towards 16 directions all around, the phase running fastest.
    """
    x, y = _plane(size)
    window = torch.exp(-(x**2 + y**2) / (2 * WINDOW**2))
    waves = []
    for i in range(16):
        angle = 2 * math.pi * i / 16
        across = x * math.cos(angle) + y * math.sin(angle)
        if radius is not None:
            across = radius - torch.hypot(x - radius * math.cos(angle), y - radius * math.sin(angle))
        waves += [window * torch.sin(2 * math.pi * (across / period + phase)) for phase in PHASES]
    return _grey_picture(0.5 * torch.stack(waves))


def noise(size: int, grain: int, seed: int, count: int = 8) -> Tensor:
    """Squares that are light or dark by chance: (count, 3, size, size)."""
    side = -(-size // grain)
    signs = torch.randint(2, (count, side, side), generator=torch.Generator().manual_seed(seed)) * 2.0 - 1
    signs = signs.repeat_interleave(grain, 1).repeat_interleave(grain, 2)[:, :size, :size]
    return _grey_picture(signs * math.sqrt(1 / 8))


def _plane(size: int) -> tuple[Tensor, Tensor]:
    """x to the right and y down of each pixel from the middle, each (size, size)."""
    line = torch.arange(size, dtype=torch.float32) - (size - 1) / 2
    y, x = torch.meshgrid(line, line, indexing="ij")
    return x, y


def _grey_picture(waves: Tensor) -> Tensor:
    return (0.5 + waves)[:, None].expand(-1, 3, -1, -1)
