"""Any place and size → centred, in a bounding sphere of radius 1."""

import numpy as np

ROUNDS = 100
TOLERANCE = 1e-6


def to_unit_sphere(points: np.ndarray) -> np.ndarray:
    """Move and scale points so that the smallest sphere around them becomes the unit sphere.

    The sphere is found for a few outermost points; as long as some point lies outside, it joins the few.

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
    """Of the smallest sphere around a few points (Welzl 1991)."""
    centre, radius = points[0], 0.0
    for i in range(1, len(points)):
        if _outside(points[i], centre, radius):
            centre, radius = _touching(points[:i], points[[i]])
    return centre


def _touching(points: np.ndarray, boundary: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and radius of the smallest sphere around the points that has `boundary` (1 to 4 points) on it."""
    centre, radius = _through(boundary)
    if len(boundary) == 4:
        return centre, radius
    for i in range(len(points)):
        if _outside(points[i], centre, radius):
            centre, radius = _touching(points[:i], np.concatenate((boundary, points[[i]])))
    return centre, radius


def _through(boundary: np.ndarray) -> tuple[np.ndarray, float]:
    """The smallest sphere with these points on it: its centre lies in their plane, on their line, or is the point."""
    edges = boundary[1:] - boundary[0]
    offset = np.linalg.lstsq(2 * edges, (edges**2).sum(1), rcond=1e-9)[0] if len(edges) else np.zeros(3)
    return boundary[0] + offset, float(np.linalg.norm(offset))


def _outside(point: np.ndarray, centre: np.ndarray, radius: float) -> bool:
    return float(np.linalg.norm(point - centre)) > radius * (1 + 1e-9) + 1e-12
