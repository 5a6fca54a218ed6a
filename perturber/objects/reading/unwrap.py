"""Texture coordinates for what has none: the picture is laid around the object like a map around a globe."""

import numpy as np


def spherical(directions: np.ndarray) -> np.ndarray:
    """Longitude and latitude of corners, seen from the object's centre.

    The picture's middle comes to the front (+z), its sides meet at the back. Triangles that cross that line read on
    beyond u = 1, where the texture repeats; corners at the poles take the longitude of the rest of their triangle.

    Args:
        directions: (F, 3, 3) corners of triangles relative to the centre, of any length.

    Returns:
        (F, 3, 2) uv, v upwards.
    """
    x, y, z = np.moveaxis(directions, -1, 0)
    around = np.hypot(x, z)
    u = np.arctan2(x, z) / (2 * np.pi) + 0.5
    v = np.arctan2(y, around) / np.pi + 0.5
    pole = around <= 1e-6 * np.abs(directions).max()
    u = np.where(pole, np.nan, u)
    reference = np.where(np.isnan(u), -np.inf, u).max(1, keepdims=True)
    u = np.where(reference - u > 0.5, u + 1, u)
    rest = (~pole).sum(1, keepdims=True)
    mean = np.where(rest > 0, np.nansum(u, 1, keepdims=True) / np.maximum(rest, 1), 0.5)
    return np.stack((np.where(pole, mean, u), v), -1)
