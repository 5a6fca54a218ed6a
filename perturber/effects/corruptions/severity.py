"""The published constants of a family as continuous functions of the severity."""

from collections.abc import Sequence
from enum import IntEnum

import torch
from torch import Tensor

STRONGEST = 5


class Stream(IntEnum):
    """Who draws which random numbers of an item's seed (see `perturber.effects.random`).

    Glass, frost's clouds and crystals, and fog take several, from the given number on.
    """

    GAUSSIAN_NOISE = 100
    SHOT_NOISE = 101
    IMPULSE_PLACE = 102
    IMPULSE_COLOUR = 103
    GLASS_MOMENT = 104
    MOTION_ANGLE = 105
    SNOW_FLAKES = 106
    SNOW_ANGLE = 107
    ELASTIC_CORNERS = 108
    ELASTIC_FIELD = 109
    FROST_LOOK = 110
    FROST_GRAIN = 111
    FROST_WARP = 112
    GLASS_OFFSETS = 120
    FROST_CLOUDS = 126
    FROST_CRYSTALS = 130
    FOG_LEVEL = 140


def position(severity: Tensor) -> tuple[Tensor, Tensor]:
    """Split severities (B,) into the whole severity below, int64 in 0…4, and the way from there to the next, [0, 1]."""
    severity = severity.clamp(0, STRONGEST)
    below = severity.detach().floor().clamp(max=STRONGEST - 1)
    return below.long(), severity - below


def constants(severity: Tensor, *published: Sequence[float]) -> list[Tensor]:
    """Interpolate constants linearly between whole severities.

    Args:
        severity: (B,) in [0, 5].
        published: for each constant its value at the severities 0 (where the picture is untouched), 1, 2, 3, 4, 5.

    Returns:
        For each constant its value, (B,), differentiable with respect to the severity.
    """
    below, way = position(severity)
    return [torch.lerp(table[below], table[below + 1], way) for table in severity.new_tensor(published)]


def per_picture(values: Tensor) -> Tensor:
    """View one value for each picture, (B,), so that it multiplies pictures (B, C, H, W)."""
    return values.view(-1, 1, 1, 1)
