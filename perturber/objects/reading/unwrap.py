"""Texture coordinates for what has none: the picture is laid on from six sides, as on the sides of a box."""

import numpy as np

# For the side to which a triangle faces most, +x −x +y −y +z −z: which axes run to the right and up in the picture.
_RIGHT = np.array([[0, 0, -1], [0, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0], [-1, 0, 0]], np.float64)
_UP = np.array([[0, 1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1], [0, 1, 0], [0, 1, 0]], np.float64)

INSIDE = 1 - 1 / 1024
"""Share of the picture that is used: beyond its last half texel the repeated texture begins."""


def box(corners: np.ndarray) -> np.ndarray:
    """Lay a picture on an object from front, back, left, right, above and below.

    Seen from each of these sides it is upright and not mirrored, and it spans the longest side of the bounding box.
    Each triangle shows the side to which it faces; where neighbours differ there is a seam, and nothing is pinched
    as a map is at its poles.

    Args:
        corners: (F, 3, 3) triangles, y up, front +z.

    Returns:
        (F, 3, 2) uv in [0, 1], v upwards.
    """
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    axis = np.abs(normal).argmax(1)
    side = 2 * axis + (np.take_along_axis(normal, axis[:, None], 1)[:, 0] < 0)
    low, high = corners.min((0, 1)), corners.max((0, 1))
    placed = (corners - (low + high) / 2) / (high - low).max() * INSIDE
    u, v = ((placed * table[side][:, None]).sum(2) + 0.5 for table in (_RIGHT, _UP))
    return np.stack((u, v), -1)
