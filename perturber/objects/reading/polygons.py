"""Polygons → triangles."""

import mapbox_earcut
import numpy as np


def triangulate(points: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Cut polygons into triangles that do not leave them, also where they are concave.

    Args:
        points: (C, 3) corners of all polygons, one polygon after the other.
        counts: (P,) corners of each, at least 3.

    Returns:
        (F, 3) int64 indices of `points`, polygon after polygon, with the polygons' sense of rotation.
    """
    starts = np.cumsum(counts) - counts
    parts, owners = [], []
    for size in np.unique(counts):
        which = np.flatnonzero(counts == size)
        corners = starts[which, None] + np.arange(size)
        if size == 3:
            triangles, owner = corners, which
        elif size == 4:
            triangles, owner = _quads(points, corners).reshape(-1, 3), np.repeat(which, 2)
        else:
            triangles, owner = _larger(points, corners, which)
        parts.append(triangles)
        owners.append(owner)
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(parts)[order]


def _cross(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[..., i]] for i in range(3))
    return np.cross(b - a, c - a)


def _quads(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(Q, 2, 3): along the first diagonal, or the second where the first lies outside."""
    first, second = corners[:, [[0, 1, 2], [0, 2, 3]]], corners[:, [[0, 1, 3], [1, 2, 3]]]
    halves = _cross(points, first)
    turned = (halves[:, 0] * halves[:, 1]).sum(1) < 0
    return np.where(turned[:, None, None], second, first)


def _larger(points: np.ndarray, corners: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (F, 3) of polygons (N, size), and whose each is (F,)."""
    size = corners.shape[1]
    fan = np.stack(
        (np.broadcast_to(corners[:, :1], (len(corners), size - 2)), corners[:, 1:-1], corners[:, 2:]), axis=2
    )
    cross = _cross(points, fan)
    normal = cross.sum(1)
    concave = ((cross * normal[:, None]).sum(2) < 0).any(1)
    parts, owners = [fan[~concave].reshape(-1, 3)], [np.repeat(which[~concave], size - 2)]
    for polygon, owner, axis in zip(corners[concave], which[concave], normal[concave], strict=True):
        ears = _ears(points[polygon], axis)
        parts.append(polygon[ears])
        owners.append(np.full(len(ears), owner))
    return np.concatenate(parts), np.concatenate(owners)


def _ears(polygon: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Ear clipping (F, 3) in the plane that the polygon faces most."""
    away = int(np.abs(normal).argmax())
    flat = np.ascontiguousarray(np.delete(polygon, away, axis=1))
    triangles = (
        mapbox_earcut.triangulate_float64(flat, np.array([len(flat)], np.uint32)).reshape(-1, 3).astype(np.int64)
    )
    turned = (_cross(polygon, triangles) @ normal) < 0
    triangles[turned] = triangles[turned][:, ::-1]
    return triangles
