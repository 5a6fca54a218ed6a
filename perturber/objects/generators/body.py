"""Meshes of the animals: the body by marching cubes and settling, ears and eyes as patches."""

import numpy as np
from scipy import sparse
from skimage import measure

from perturber.objects.generators.animals import Animal, Ear, figure
from perturber.objects.generators.atlas import flat_charts
from perturber.objects.generators.fields import Figure
from perturber.objects.generators.parts import Part, tube

Array = np.ndarray

COARSE, FINE = 0.036, 0.0182
"""Grid steps of trunk and head."""

MORPH_STEPS = 14
"""Small steps by which the body's vertices walk from the blend to each animal."""

HEAD_MAGNIFICATION = 1.7
"""Texels per length on the head, relative to the trunk."""


def body(first: Animal, second: Animal) -> Part:
    """The body of both animals on one mesh, made halfway between them."""
    one, two = figure(first), figure(second)
    middle = one.blend(two, 0.5)
    vertices, faces = _march(middle)
    smoother = _smoother(faces, len(vertices))
    vertices = _relax(middle, vertices, smoother, 6)
    positions = [_walk(vertices, smoother, middle, end) for end in (one, two)]
    normals = np.stack([f.normals(p)[faces] for f, p in zip((one, two), positions, strict=True)])
    groups = _groups(middle, vertices[faces].mean(1))

    def scale(centres: Array) -> Array:
        head = np.isin(middle.limb(centres), ("head", "muzzle", "jaw", "nose"))
        return np.where(head, HEAD_MAGNIFICATION, 1.0)

    charts = flat_charts(vertices, faces, groups, scale)
    return Part("body", np.stack(positions), faces, charts, normals=normals)


def _groups(middle: Figure, centres: Array) -> Array:
    limb = middle.limb(centres)
    limb = np.where(np.isin(limb, ("muzzle", "jaw", "nose")), "head", limb)
    return np.unique(np.where(limb == "neck", "torso", limb), return_inverse=True)[1]


def _march(middle: Figure) -> tuple[Array, Array]:
    x = np.arange(-0.36, 0.361, 0.0225)
    y = np.concatenate((np.arange(-0.05, 0.10, FINE), np.arange(0.10, 0.94, COARSE), np.arange(0.94, 1.5, FINE * 1.1)))
    z = np.concatenate((np.arange(-1.0, 0.46, COARSE), np.arange(0.46, 1.1, FINE)))
    grid = np.stack(np.meshgrid(x, y, z, indexing="ij"), -1)
    values = middle.field(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    vertices, faces, *_ = measure.marching_cubes(values, 0.0)
    vertices = np.stack([np.interp(v, np.arange(len(a)), a) for v, a in zip(vertices.T, (x, y, z), strict=True)], 1)
    corners = vertices[faces]
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if (outward * middle.gradient(corners.mean(1))).sum() < 0:
        faces = faces[:, ::-1]
    return vertices.astype(float), faces.astype(int)


def _smoother(faces: Array, n: int) -> sparse.csr_matrix:
    """Matrix that replaces each vertex by the mean of its neighbours."""
    i = np.concatenate([faces[:, k] for k in (0, 1, 2)])
    j = np.concatenate([faces[:, k] for k in (1, 2, 0)])
    links = sparse.coo_matrix((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
    links.data[:] = 1
    return sparse.diags(1 / np.asarray(links.sum(1)).ravel()) @ links


def _relax(shape: Figure, p: Array, smoother: sparse.csr_matrix, rounds: int, strength: float = 0.5) -> Array:
    """Even out the triangles along the surface."""
    for _ in range(rounds):
        normal = shape.normals(p)
        pull = smoother @ p - p
        pull -= (pull * normal).sum(1, keepdims=True) * normal
        p = shape.settle(p + strength * pull, 1)
    return shape.settle(p)


def _walk(p: Array, smoother: sparse.csr_matrix, start: Figure, end: Figure) -> Array:
    here = start
    for k in range(1, MORPH_STEPS + 1):
        there = start.blend(end, k / MORPH_STEPS)
        p = _relax(there, there.settle(here.carry(p, there)), smoother, 1, 0.3)
        here = there
    return _relax(end, p, smoother, 3, 0.3)


def ears(first: Animal, second: Animal) -> list[Part]:
    """Left and right ear."""
    rings = np.stack([_ear_rings(a.ear) for a in (first, second)])
    half = rings.shape[2] // 2
    left = tube("ear", rings, cuts=(0, half), scale=1.4, crease=80)
    return [left, left.mirrored()]


def _ear_rings(ear: Ear, rows: int = 15, columns: int = 20) -> Array:
    s = np.linspace(0, 1, rows)
    s = 1 - (1 - s) ** 1.25
    p = np.array(ear.spine)
    bernstein = np.stack(((1 - s) ** 3, 3 * s * (1 - s) ** 2, 3 * s**2 * (1 - s), s**3), 1)
    spine = bernstein @ p
    tangent = np.gradient(spine, s, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    front = np.array(ear.front) - tangent * (tangent @ np.array(ear.front))[:, None]
    front /= np.linalg.norm(front, axis=1, keepdims=True)
    outer = np.cross(front, tangent)
    width = np.interp(s, [0, 1 / 3, 2 / 3, 1], ear.widths)
    width = np.maximum(width * np.sqrt(np.clip(1.02 - s**6, 0.0, 1)), 0.01)
    angle = -2 * np.pi * (np.arange(columns) / columns)
    across, through = np.cos(angle), np.sin(angle)
    thickness = ear.thickness * np.sqrt(np.clip(1.03 - s**4, 0, 1))
    depth = through * thickness[:, None] / 2 - ear.cup * width[:, None] * (across**2 - 0.5)
    return (
        spine[:, None] + front[:, None] * (across * width[:, None] / 2)[..., None] + outer[:, None] * depth[..., None]
    )


def eyes(first: Animal, second: Animal) -> list[Part]:
    """Left and right eyeball; row 0 is hidden in the head, the last row surrounds the pupil."""
    rings = np.stack([_eye_rings(a) for a in (first, second)])
    left = tube("eye", rings, scale=2.5, crease=180)
    return [left, left.mirrored()]


def _eye_rings(animal: Animal, rows: int = 9, columns: int = 18) -> Array:
    x, y, z, radius = animal.eye
    gaze = np.array(animal.gaze) / np.linalg.norm(animal.gaze)
    right = np.cross((0, 1, 0), gaze)
    right /= np.linalg.norm(right)
    up = np.cross(gaze, right)
    polar = np.pi * (1 - (np.arange(rows) + 0.5) / rows)[:, None]
    angle = 2 * np.pi * np.arange(columns) / columns
    ring = right * np.cos(angle)[:, None] + up * np.sin(angle)[:, None]
    return np.array([x, y, z]) + radius * (np.sin(polar)[..., None] * ring + np.cos(polar)[..., None] * gaze)
