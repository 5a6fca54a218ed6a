"""Charts of a surface packed into one square texture, and painting by place on the surface."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, sparse
from scipy.sparse import csgraph

Array = np.ndarray

GUTTER = 5
"""Texels between charts, so that mip levels do not mix neighbours."""


@dataclass(frozen=True)
class Chart:
    """A piece of surface laid flat.

    Attributes:
        faces: (F,) indices into the mesh's faces.
        corners: (F, 3, 2) flat coordinates, in units of length, of each face's corners.
    """

    faces: Array
    corners: Array


def flat_charts(vertices: Array, faces: Array, groups: Array, scale: Callable[[Array], Array]) -> list[Chart]:
    """Cut a closed mesh into pieces that face one of the six axis directions, and project each along its axis.

    Args:
        vertices: (V, 3).
        faces: (F, 3).
        groups: (F,) integers; no chart crosses from one group to another.
        scale: magnification of the chart for face centres (N, 3); the median over the chart counts.
    """
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-20
    facing = np.concatenate((normals, -normals), 1)
    near = face_neighbours(faces)
    votes = facing.copy()
    for _ in range(12):
        choice = np.eye(6)[votes.argmax(1)]
        votes = facing + 0.3 * (near @ choice)
        votes[facing < 0.25] = -9
    label = votes.argmax(1) + 6 * groups
    piece = _absorb_small(near, _components(near, label), facing, label)
    charts = []
    for k in range(piece.max() + 1):
        members = np.flatnonzero(piece == k)
        if len(members) == 0:
            continue
        axis = int(facing[members].sum(0).argmax())
        right, up = _plane(axis)
        flat = np.stack((corners[members] @ right, corners[members] @ up), -1)
        charts.append(Chart(members, flat * np.median(scale(corners[members].mean(1)))))
    return charts


def _plane(axis: int) -> tuple[Array, Array]:
    sign = 1.0 if axis < 3 else -1.0
    basis = np.eye(3)
    return {
        0: (-sign * basis[2], basis[1]),
        1: (basis[0], -sign * basis[2]),
        2: (sign * basis[0], basis[1]),
    }[axis % 3]


def face_neighbours(faces: Array) -> sparse.csr_matrix:
    """(F, F) matrix of ones where two faces share an edge."""
    edges = np.sort(np.concatenate([faces[:, [i, (i + 1) % 3]] for i in range(3)]), 1)
    owner = np.tile(np.arange(len(faces)), 3)
    order = np.lexsort(edges.T)
    edges, owner = edges[order], owner[order]
    same = np.flatnonzero((edges[1:] == edges[:-1]).all(1))
    i, j = owner[same], owner[same + 1]
    ones = np.ones(len(i))
    matrix = sparse.coo_matrix((ones, (i, j)), shape=(len(faces),) * 2)
    return (matrix + matrix.T).tocsr()


def _components(near: sparse.csr_matrix, label: Array) -> Array:
    links = near.tocoo()
    keep = label[links.row] == label[links.col]
    same = sparse.coo_matrix((links.data[keep], (links.row[keep], links.col[keep])), shape=near.shape)
    return csgraph.connected_components(same, directed=False)[1]


def _absorb_small(near: sparse.csr_matrix, piece: Array, facing: Array, label: Array, least: int = 24) -> Array:
    """Give faces of tiny pieces to a neighbouring piece that they face well enough."""
    label = label.copy()
    for _ in range(20):
        sizes = np.bincount(piece)
        small = np.flatnonzero(sizes[piece] < least)
        changed = False
        for face in small:
            others = near.indices[near.indptr[face] : near.indptr[face + 1]]
            others = others[(sizes[piece[others]] >= least) & (facing[face, label[others] % 6] > 0.1)]
            if len(others):
                best = others[facing[face, label[others] % 6].argmax()]
                label[face], changed = label[best], True
        piece = _components(near, label)
        if not changed:
            break
    return piece


def pack(charts: list[Chart], n_faces: int, size: int) -> tuple[Array, float]:
    """Place charts on shelves of a square texture of `size` texels.

    Returns:
        (F, 3, 2) texture coordinates of the faces' corners, v upwards; texels per unit of length.
    """
    boxes = []
    for chart in charts:
        low, high = chart.corners.min((0, 1)), chart.corners.max((0, 1))
        turned = (high - low)[1] > (high - low)[0]
        flat = chart.corners - low
        if turned:
            flat = np.stack((flat[..., 1], (high - low)[0] - flat[..., 0]), -1)
        boxes.append((flat, flat.max((0, 1))))
    order = sorted(range(len(boxes)), key=lambda k: -boxes[k][1][1])
    density = np.sqrt(size**2 / sum(box[1].prod() for box in boxes))
    while (places := _shelves([boxes[k][1] * density for k in order], size)) is None:
        density *= 0.985
    uv = np.zeros((n_faces, 3, 2))
    for k, place in zip(order, places, strict=True):
        uv[charts[k].faces] = (boxes[k][0] * density + place) / size
    return uv, float(density)


def _shelves(extents: list[Array], size: int) -> list[Array] | None:
    places, x, y, height = [], 0.0, 0.0, 0.0
    for width, tall in extents:
        if x + width + 2 * GUTTER > size:
            x, y, height = 0.0, y + height, 0.0
        if width + 2 * GUTTER > size or y + tall + 2 * GUTTER > size:
            return None
        places.append(np.array([x + GUTTER, y + GUTTER]))
        x += width + 2 * GUTTER
        height = max(height, tall + 2 * GUTTER)
    return places


@dataclass(frozen=True)
class Texels:
    """The texels that show surface.

    Attributes:
        size: side of the texture.
        row, column: (N,) places in the texture.
        face: (N,) the face that each shows.
        weights: (N, 3) barycentric coordinates in that face.
    """

    size: int
    row: Array
    column: Array
    face: Array
    weights: Array

    def spread(self, corner_values: Array) -> Array:
        """Interpolate values (F, 3, C) of faces' corners to the texels: (N, C)."""
        return (corner_values[self.face] * self.weights[..., None]).sum(1)

    def picture(self, colours: Array) -> Array:
        """Colours (N, 3) in [0, 1] as a uint8 texture whose gaps take the nearest colour."""
        canvas = np.zeros((self.size, self.size, 3))
        covered = np.zeros((self.size, self.size), bool)
        canvas[self.row, self.column] = np.clip(colours, 0, 1)
        covered[self.row, self.column] = True
        nearest = ndimage.distance_transform_edt(~covered, return_distances=False, return_indices=True)
        return np.round(canvas[tuple(nearest)] * 255).astype(np.uint8)


def texels(uv: Array, size: int, margin: float = 1.0) -> Texels:
    """Which face each texel of a texture shows; texels up to `margin` outside a face belong to it too.

    Args:
        uv: (F, 3, 2) texture coordinates of the faces' corners.
    """
    flat = np.stack((uv[..., 0] * size - 0.5, (1 - uv[..., 1]) * size - 0.5), -1)
    low = np.clip(np.floor(flat.min(1) - margin).astype(int), 0, size - 1)
    high = np.clip(np.ceil(flat.max(1) + margin).astype(int), 0, size - 1)
    span = high - low + 1
    counts = span.prod(1)
    found = []
    order = np.arange(len(uv))
    for part in np.array_split(order, max(1, int(counts.sum() // 3_000_000) + 1)):
        face = np.repeat(part, counts[part])
        start = np.repeat(np.cumsum(counts[part]) - counts[part], counts[part])
        local = np.arange(len(face)) - start
        column = low[face, 0] + local % span[face, 0]
        row = low[face, 1] + local // span[face, 0]
        a, b, c = flat[face, 0], flat[face, 1], flat[face, 2]
        p = np.stack((column, row), 1)
        area = _cross(b - a, c - a)
        area = np.where(np.abs(area) < 1e-12, 1e-12, area)
        weights = np.stack((_cross(b - p, c - p), _cross(c - p, a - p), _cross(a - p, b - p)), 1) / area[:, None]
        longest = np.maximum.reduce([np.linalg.norm(v, axis=1) for v in (b - a, c - b, a - c)])
        slack = margin * longest / np.abs(area)
        keep = (weights >= -slack[:, None]).all(1)
        found.append((row[keep], column[keep], face[keep], weights[keep]))
    row, column, face, weights = (np.concatenate(columns) for columns in zip(*found, strict=True))
    # Of several faces that claim a texel, the one that holds it most safely gets it.
    order = np.lexsort((-weights.min(1), row * size + column))
    key = (row * size + column)[order]
    first = order[np.concatenate(([True], key[1:] != key[:-1]))]
    weights = np.clip(weights[first], 0, 1)
    return Texels(size, row[first], column[first], face[first], weights / weights.sum(1, keepdims=True))


def _cross(u: Array, v: Array) -> Array:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
