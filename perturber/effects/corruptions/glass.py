"""Frosted glass: pixels take their neighbours' colours, sweep after sweep."""

import torch
from torch import Tensor

from perturber.effects import random
from perturber.effects.corruptions import filters
from perturber.effects.corruptions.severity import STRONGEST, Stream, constants, position

SWEEPS = ((0, 0), (1, 2), (2, 1), (2, 3), (3, 2), (4, 2))
"""For each severity the reach of a step in pixels and the number of sweeps over the picture."""
_FADE = 0.25
"""Share of the way between two severities in which one pixel changes from one severity's source to the next one's."""


def glass_blur(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Blur, let pixels take their neighbours' colours, and blur again; σ = 0.7, 0.9, 1, 1.1, 1.5 pixels.

    Reach and number of sweeps are whole (`SWEEPS`): between two severities each pixel changes at a moment of its own
    from the source that it has at the lower to that at the higher severity. Differentiable, sources held fixed. Not
    quite monotone: severity 4 as published sweeps less often than 3 and may lie nearer to the picture. The published
    code rounds down to 8 bits between the steps, which this does not.
    """
    severity = severity.to(images)
    (sigma,) = constants(severity, (0, 0.7, 0.9, 1, 1.1, 1.5))
    below, way = position(severity)
    batch, channels, height, width = images.shape
    lower, upper = _sources_between(seeds, below, height, width)
    moment = random.uniform(seeds, 1, height * width, stream=Stream.GLASS_MOMENT, dtype=images.dtype)
    share = ((way[:, None, None] * (1 + _FADE) - moment) / _FADE).clamp(0, 1)
    flat = filters.gaussian(images, sigma, radius=6).reshape(batch, channels, -1)
    start, end = (flat.gather(2, index[:, None].expand(-1, channels, -1)) for index in (lower, upper))
    return filters.gaussian(torch.lerp(start, end, share).view_as(images), sigma, radius=6).clamp(0, 1)


def _sources_between(seeds: Tensor, below: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    lower = torch.arange(height * width, device=seeds.device).repeat(len(seeds), 1)
    upper = lower.clone()
    for level in range(1, STRONGEST + 1):
        items = ((below == level) | (below + 1 == level)).nonzero()[:, 0]
        if not len(items):
            continue
        found = sources(seeds[items], level, height, width)
        here = (below[items] == level)[:, None]
        lower[items] = torch.where(here, found, lower[items])
        upper[items] = torch.where(here, upper[items], found)
    return lower, upper


def sources(seeds: Tensor, level: int, height: int, width: int) -> Tensor:
    """Where each pixel's colour comes from at a whole severity.

    The published loop runs from the last pixel to the first and means to swap each with a random neighbour, but its
    two assignments see the same memory, so that a pixel takes its neighbour's colour and the neighbour keeps it. A
    neighbour that comes later in the picture has had its turn and hands on what it took. Such chains are followed here
    for all pixels at once, by doubling the steps: the same result as the loop's, given the same offsets.

    Args:
        seeds: (B,) int64.
        level: severity, 1 … 5.
        height: of the picture in pixels.
        width: of the picture in pixels.

    Returns:
        (B, height · width) int64, indices into the flattened picture.
    """
    reach, _ = SWEEPS[level]
    here = torch.arange(height * width, device=seeds.device)
    row, column = here // width, here % width
    moves = (row > reach) & (row <= height - reach) & (column > reach) & (column <= width - reach)
    total = here.repeat(len(seeds), 1)
    for down, right in (sweep.unbind(1) for sweep in offsets(seeds, level, height, width).unbind(1)):
        target = torch.where(moves, here + down.long() * width + right, here)
        hands_on = moves & (target > here) & moves[target]
        last = torch.where(hands_on, target, here)
        for _ in range(6):  # doubled six times: 64 steps; a chain goes on with a probability of 0.42 at the most
            last = last.gather(1, last)
        total = total.gather(1, target.gather(1, last))
    return total


def offsets(seeds: Tensor, level: int, height: int, width: int) -> Tensor:
    """Random steps downwards and to the right, in −reach … reach − 1: (B, sweeps, 2, height · width)."""
    reach, sweeps = SWEEPS[level]
    drawn = random.bits(seeds, sweeps, 2, height * width, stream=Stream.GLASS_OFFSETS + level)
    return (drawn & 0x7FFFFFFF) % (2 * reach) - reach
