"""Any place and size → centred, in a bounding sphere of radius 1."""

from collections.abc import Iterator

import numpy as np

DIRECTIONS = 1024
STEPS = 4000


def to_unit_sphere(points: np.ndarray) -> np.ndarray:
    """Move and scale points so that the smallest sphere around them becomes the unit sphere.

    The centre comes by Bădoiu and Clarkson's iteration (2003) over the points that lie outermost in many directions;
    the radius is the largest distance of all.

    Args:
        points: (V, 3) float64, finite, not all in one place.
    """
    low, high = points.min(0), points.max(0)
    points = (points - (low / 2 + high / 2)) / (high / 2 - low / 2).max()  # first, so that no square overflows
    outer = points[np.unique([column.argmax() for column in _along_directions(points)])]
    centre = np.zeros(3)
    for i in range(1, STEPS):
        away = ((outer - centre) ** 2).sum(1)
        centre = centre + (outer[away.argmax()] - centre) / (i + 1)
    points = points - centre
    return points / np.linalg.norm(points, axis=1).max()


def _along_directions(points: np.ndarray) -> Iterator[np.ndarray]:
    """The points' places along directions that are spread evenly over the sphere (a Fibonacci lattice)."""
    i = np.arange(DIRECTIONS) + 0.5
    polar, around = np.arccos(1 - 2 * i / DIRECTIONS), np.pi * (1 + 5**0.5) * i
    directions = np.stack((np.cos(around) * np.sin(polar), np.sin(around) * np.sin(polar), np.cos(polar)))
    for part in np.array_split(directions, DIRECTIONS // 16, axis=1):
        yield from (points @ part).T
