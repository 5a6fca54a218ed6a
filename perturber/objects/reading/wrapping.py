"""How a picture goes on beyond its edges, along one axis."""

from typing import Literal

import numpy as np

Wrap = Literal["repeat", "mirror", "clamp"]

PERIOD: dict[Wrap, int] = {"repeat": 1, "mirror": 2, "clamp": 0}
"""Sides of the picture after which it begins again; 0 never."""


def texel_at(wrap: Wrap, place: np.ndarray, size: int) -> np.ndarray:
    """Which of a picture's `size` texels shows at each of the whole places along its side, and beyond."""
    if wrap == "clamp":
        return np.clip(place, 0, size - 1)
    if wrap == "mirror":
        place = place % (2 * size)
        return np.minimum(place, 2 * size - 1 - place)
    return place % size


def nearest(wrap: Wrap, place: np.ndarray) -> np.ndarray:
    """Places in sides of the picture → places not far from it, within [0, 2), that show the same."""
    period = PERIOD[wrap]
    return place % period if period else np.clip(place, 0, 1)


def settled(uv: np.ndarray, clamped: np.ndarray, *, far: float) -> np.ndarray:
    """Triangles (F, 3, 2) brought near the picture where that shows the same.

    Args:
        uv: of their corners.
        clamped: (F, 2) bool, axes along which the picture's edge goes on; those wholly beyond it come to the edge.
        far: along other axes, only what lies beyond this is moved.
    """
    beyond = clamped & ((uv.max(1) <= 0) | (uv.min(1) >= 1))
    uv = np.where(beyond[:, None], np.clip(uv, 0, 1), uv)
    away = (np.abs(uv).max((1, 2)) > far)[:, None] & ~clamped
    return np.where(away[:, None], uv - 2 * np.floor(uv.min(1, keepdims=True) / 2), uv)
