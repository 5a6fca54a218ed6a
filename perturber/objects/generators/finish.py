"""Last steps of every generator: normals, vertices split where they must be, and the unit bounding sphere."""

import numpy as np

Array = np.ndarray


def corner_normals(vertices: Array, faces: Array, crease: float) -> Array:
    """Normals of the faces' corners: smooth, except across edges sharper than `crease` degrees.

    Returns:
        (F, 3, 3) unit vectors.
    """
    corners = vertices[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    unit = area / (np.linalg.norm(area, axis=1, keepdims=True) + 1e-20)
    at = faces.ravel()
    face = np.repeat(np.arange(len(faces)), 3)
    order = np.argsort(at, kind="stable")
    starts = np.searchsorted(at[order], np.arange(len(vertices) + 1))
    counts = np.diff(starts)[at]
    mine = np.repeat(np.arange(len(at)), counts)
    offset = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts)
    theirs = face[order[starts[at[mine]] + offset]]
    agree = (unit[face[mine]] * unit[theirs]).sum(1) > np.cos(np.radians(crease))
    total = np.zeros((len(at), 3))
    np.add.at(total, mine[agree], area[theirs[agree]])
    total /= np.linalg.norm(total, axis=1, keepdims=True) + 1e-20
    return total.reshape(-1, 3, 3)


def split(*corner_arrays: Array, decimals: int = 5) -> tuple[Array, Array]:
    """Number distinct corners.

    Args:
        corner_arrays: (F, 3, ...) values; corners that agree in all of them become one vertex.

    Returns:
        faces (F, 3) and, for each vertex, the index of one flattened corner that holds its values.
    """
    n = corner_arrays[0].shape[0] * 3
    table = np.concatenate([np.round(a.reshape(n, -1), decimals) for a in corner_arrays], 1) + 0.0
    _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
    return inverse.reshape(-1, 3).astype(np.int32), first


def to_unit_sphere(vertices: Array) -> tuple[Array, float]:
    """Centre (3,) and radius of a small bounding sphere (Bădoiu and Clarkson 2003)."""
    centre = (vertices.max(0) + vertices.min(0)) / 2
    for i in range(1, 4000):
        away = np.linalg.norm(vertices - centre, axis=1)
        centre = centre + (vertices[away.argmax()] - centre) / (i + 1)
    return centre, float(np.linalg.norm(vertices - centre, axis=1).max())
