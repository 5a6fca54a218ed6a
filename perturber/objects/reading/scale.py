"""Any place and size → centred, in a bounding sphere of radius 1."""

import numpy as np

STEPS = 2000
ROUNDS = 100
TOLERANCE = 1e-4


def to_unit_sphere(points: np.ndarray) -> np.ndarray:
    """Move and scale points so that the smallest sphere around them becomes the unit sphere.

    The sphere is found for a few outermost points by Bădoiu and Clarkson's iteration (2003); as long as some point
    lies outside, it joins the few.

    Args:
        points: (V, 3) float64, finite, not all in one place.
    """
    low, high = points.min(0), points.max(0)
    points = (points - (low / 2 + high / 2)) / (high / 2 - low / 2).max()  # first, so that no square overflows
    few = points[np.concatenate((points.argmin(0), points.argmax(0)))]
    for _ in range(ROUNDS):
        centre = _centre(few)
        away = ((points - centre) ** 2).sum(1)
        if away.max() <= ((few - centre) ** 2).sum(1).max() * (1 + TOLERANCE):
            break
        few = np.concatenate((few, points[[away.argmax()]]))
    return (points - centre) / np.sqrt(away.max())


def _centre(points: np.ndarray) -> np.ndarray:
    centre = points.mean(0)
    for i in range(1, STEPS):
        away = ((points - centre) ** 2).sum(1)
        centre = centre + (points[away.argmax()] - centre) / (i + 1)
    return centre
