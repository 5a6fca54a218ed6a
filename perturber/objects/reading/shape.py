"""Triangles as a file has them → triangles as the renderer needs them.

The renderer drops what faces away from the camera and lights by normals alone. So closed parts are turned to face
outwards, and everything else (sheets, open shells, parts wound both ways, what can be looked through) is shown from
both sides by a reversed copy with reversed normals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from trimesh import triangles as trimesh_triangles

CREASE = 60.0
"""Degrees between two faces from which on their edge stays sharp where normals are made."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shape:
    """Vertices and triangles in the layout of `perturber.objects.MorphPair`."""

    faces: np.ndarray
    uv: np.ndarray
    positions: np.ndarray
    normals: np.ndarray


def finish(
    positions: Sequence[np.ndarray],
    faces: np.ndarray,
    uv: np.ndarray,
    normals: Sequence[np.ndarray],
    both_sides: np.ndarray,
) -> Shape:
    """Orient triangles, make normals, split vertices and show both sides where that is needed.

    Args:
        positions: (V, 3) of each pose.
        faces: (F, 3), none of which has two corners in one place (see `proper`).
        uv: (F, 3, 2) of the corners.
        normals: (F, 3, 3) of each pose; those that are missing (NaN) or have no length are made.
        both_sides: (F,) bool, triangles that are to be seen from both sides in any case.
    """
    points = welded(positions)[faces]
    part, closed, consistent = _parts(points)
    faces, uv, normals = faces.copy(), uv.copy(), [n.copy() for n in normals]
    inward = (closed & consistent)[part] & (_volumes(positions[0], faces, part) < 0)[part]
    for array in (faces, points, uv, *normals):
        array[inward] = array[inward][:, ::-1]
    normals = [
        _complete(pose, faces, points, given, part, consistent) for pose, given in zip(positions, normals, strict=True)
    ]
    corner = np.stack([p[faces].reshape(-1, 3) for p in positions], 1).reshape(faces.size, -1)
    parts = (corner, uv.reshape(-1, 2), *(n.reshape(-1, 3) for n in normals))
    _, first, index = np.unique(
        _hashes(np.concatenate(parts, 1).astype(np.float32)), return_index=True, return_inverse=True
    )
    index = index.reshape(-1, 3)
    twice = both_sides | ~(closed & consistent)[part]
    back, copied = np.unique(index[twice], return_inverse=True)
    at = np.concatenate((first, first[back]))
    sign = np.concatenate((np.ones(len(first)), -np.ones(len(back))))[:, None]
    return Shape(
        faces=np.concatenate((index, copied.reshape(-1, 3)[:, ::-1] + len(first))).astype(np.int32),
        uv=uv.reshape(-1, 2)[at].astype(np.float32),
        positions=np.stack([p[faces.reshape(-1)[at]] for p in positions]).astype(np.float32),
        normals=np.stack([n.reshape(-1, 3)[at] * sign for n in normals]).astype(np.float32),
    )


def proper(positions: Sequence[np.ndarray], faces: np.ndarray) -> np.ndarray:
    """The triangles whose three corners are in three different places: mask (F,)."""
    a, b, c = welded(positions)[faces].T
    return (a != b) & (b != c) & (c != a)


def welded(positions: Sequence[np.ndarray]) -> np.ndarray:
    """A number for each place: (V,), the same for vertices that are in the same place in every pose."""
    return np.unique(_hashes(np.concatenate(positions, 1)), return_inverse=True)[1]


def _hashes(rows: np.ndarray) -> np.ndarray:
    """64 bits for each row of floats (N, C): equal rows have equal ones, others almost surely not (SplitMix64)."""
    words = np.ascontiguousarray(rows + 0.0)  # no negative zero
    words = words.view(np.uint32 if words.dtype == np.float32 else np.uint64).astype(np.uint64)
    state = np.zeros(len(words), np.uint64)
    for column in words.T:
        state = (state ^ column) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return state


def _edges(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The undirected edge, numbered, of each side of each triangle (3F,), and in which direction it runs there (±1)."""
    start, end = points.reshape(-1), np.roll(points, -1, axis=1).reshape(-1)
    low, high = np.minimum(start, end), np.maximum(start, end)
    _, edge = np.unique(low * (points.max() + 1) + high, return_inverse=True)
    return edge, np.where(start < end, 1, -1)


def _parts(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Part of each triangle (F,); whether each part is closed, and whether its triangles are wound alike (P,)."""
    edge, direction = _edges(points)
    face = np.repeat(np.arange(len(points)), 3)
    edges, faces = int(edge.max()) + 1, len(points)
    graph = coo_matrix((np.ones(len(edge), np.int8), (face, edge + faces)), shape=(faces + edges,) * 2)
    count, label = connected_components(graph, directed=False)
    users, balance = np.bincount(edge, minlength=edges), np.bincount(edge, direction, minlength=edges)
    closed, consistent = np.ones(count, bool), np.ones(count, bool)
    closed[label[faces:][users % 2 == 1]] = False
    consistent[label[faces:][(np.abs(balance) > 1) | ((users % 2 == 0) & (balance != 0))]] = False
    return label[:faces], closed, consistent


def _volumes(positions: np.ndarray, faces: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Signed volume of each part, positive where its triangles face outwards."""
    a, b, c = np.moveaxis(positions[faces] - positions[faces].mean((0, 1)), 1, 0)
    return np.bincount(part, (a * np.cross(b, c)).sum(1) / 6)


def _complete(
    positions: np.ndarray,
    faces: np.ndarray,
    points: np.ndarray,
    given: np.ndarray,
    part: np.ndarray,
    consistent: np.ndarray,
) -> np.ndarray:
    """Unit normals (F, 3, 3) on the side that each triangle faces."""
    corners = positions[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(given, axis=2, keepdims=True)
    missing = ~(length > 1e-6)
    normals = given / np.where(missing, 1, length)
    agreement = np.where(missing, 0, normals * across[:, None]).sum((1, 2))
    # A file may turn all normals of a part inwards; within a part that is wound both ways some always are.
    turned = np.where(consistent[part], np.bincount(part, agreement)[part], agreement) < 0
    normals[turned] *= -1
    if missing.any():
        normals = np.where(missing, smooth(corners, points), normals)
    return normals


def smooth(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Normals of corners: the mean of the faces around, by their angles, but not across sharp edges.

    Source of the weights: Thürmer and Wüthrich 1998, Computing vertex normals from polygonal facets.

    Args:
        corners: (F, 3, 3) positions.
        points: (F, 3) numbers of the places; corners of one number meet.

    Returns:
        (F, 3, 3) unit vectors.
    """
    unit = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-300)
    groups = _groups(points, unit)
    weight = (trimesh_triangles.angles(corners)[..., None] * unit[:, None]).reshape(-1, 3)
    total = np.stack([np.bincount(groups, column) for column in weight.T], 1)[groups].reshape(-1, 3, 3)
    length = np.linalg.norm(total, axis=2, keepdims=True)
    flat = np.where(np.linalg.norm(unit, axis=1, keepdims=True) > 0.5, unit, [0.0, 0.0, 1.0])
    return np.where(length > 1e-9, total / np.maximum(length, 1e-9), flat[:, None])


def _groups(points: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Corners (3F,) that share a normal: those connected around a place through edges that are not sharp."""
    edge, direction = _edges(points)
    order = np.argsort(edge, kind="stable")
    here, there = order[:-1], order[1:]
    flat = (
        (edge[here] == edge[there])
        & (direction[here] != direction[there])
        & ((unit[here // 3] * unit[there // 3]).sum(1) > np.cos(np.radians(CREASE)))
    )
    here, there = here[flat], there[flat]
    # Side i of a triangle runs from its corner i to the next; neighbours run along it the other way.
    after = [side // 3 * 3 + (side % 3 + 1) % 3 for side in (here, there)]
    links = np.concatenate((here, after[0])), np.concatenate((after[1], there))
    graph = coo_matrix((np.ones(len(links[0]), np.int8), links), shape=(points.size,) * 2)
    return connected_components(graph, directed=False)[1]
