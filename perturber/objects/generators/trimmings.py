"""What an animal wears beyond its skin: tufts of fur that break the outline, whiskers, a collar with a tag."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from perturber.objects.generators.animals import Animal, figure
from perturber.objects.generators.atlas import Chart
from perturber.objects.generators.fields import Figure
from perturber.objects.generators.parts import Assembly, Part, tube
from perturber.objects.generators.shapes import Turned, turned

Array = np.ndarray


def add_tufts(assembly: Assembly, animals: tuple[Animal, Animal], *, count: int, seed: int) -> Assembly:
    """Raise a pointed tuft of hair over `count` of the body's faces, along the fur.

    A tuft takes its colour and its light from the face that it grows from, so that it shows only where it
    breaks the outline. The assembly's texels still describe the surface without tufts.
    """
    body = np.flatnonzero(assembly.part_of == 0)
    tips = []
    lengths = []
    for animal, p in zip(animals, assembly.positions, strict=True):
        shape = figure(animal)
        centre = p[assembly.faces[body]].mean(1)
        normal = shape.normals(centre)
        rng = np.random.default_rng(seed)
        length = _hair_length(shape, animal.hair, centre) * rng.uniform(0.7, 1.3, len(body))
        flow = shape.flow(centre, normal) + rng.normal(0, 0.22, centre.shape)
        flow -= 0.25 * np.array([0.0, 1.0, 0.0])
        direction = flow + 0.52 * normal
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        lift = np.maximum((direction * normal).sum(1, keepdims=True), 0.25)
        direction += (lift - (direction * normal).sum(1, keepdims=True)) * normal
        tips.append(centre + direction * length[:, None])
        lengths.append(length)
    corners = assembly.positions[:, assembly.faces[body]]
    area = np.linalg.norm(np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0]), axis=-1)
    share = np.maximum(np.mean(lengths, 0) - 0.010, 0) * area.min(0)
    for animal, p in zip(animals, assembly.positions, strict=True):
        middle, up, *_ = _neck(animal)
        beside = np.abs((p[assembly.faces[body]].mean(1) - middle) @ up)
        centre = p[assembly.faces[body]].mean(1)
        share[(beside < 0.055) & (_share(animal, "neck", centre) > 0.2)] = 0
        eye = np.linalg.norm(np.abs(centre) * [1, 0, 0] + centre * [0, 1, 1] - animal.eye[:3], axis=1)
        share[eye < 2.2 * animal.eye[3]] = 0
    chosen = np.random.default_rng(seed + 1).choice(len(body), count, replace=False, p=share / share.sum())
    face = body[chosen]
    a, b, c = assembly.faces[face].T
    tip = assembly.positions.shape[1] + np.arange(count)
    positions = np.concatenate((assembly.positions, np.stack(tips)[:, chosen]), 1)
    faces, uv, normals = [assembly.faces], [assembly.uv], [assembly.normals]
    middle_uv = assembly.uv[face].mean(1, keepdims=True)
    middle = assembly.normals[:, face].mean(2, keepdims=True)
    middle /= np.linalg.norm(middle, axis=-1, keepdims=True)
    for (i, j), (one, two) in (((0, 1), (a, b)), ((1, 2), (b, c)), ((2, 0), (c, a))):
        faces.append(np.stack((one, two, tip), 1))
        uv.append(np.concatenate((assembly.uv[face][:, [i, j]], middle_uv), 1))
        normals.append(np.concatenate((assembly.normals[:, face][:, :, [i, j]], middle), 2))
    return replace(
        assembly,
        positions=positions,
        faces=np.concatenate(faces),
        uv=np.concatenate(uv),
        normals=np.concatenate(normals, 1),
        part_of=np.concatenate((assembly.part_of, np.zeros(3 * count, int))),
    )


def _share(animal: Animal, limb: str, p: Array) -> Array:
    """Share of a limb in the animal's surface at each point."""
    shape = figure(animal)
    return shape.weights(p)[:, [primitive.limb == limb for primitive in shape.primitives]].sum(1)


def _hair_length(shape: Figure, hair: Mapping[str, float], p: Array) -> Array:
    limbs = [primitive.limb for primitive in shape.primitives]
    return shape.weights(p) @ np.array([hair.get(limb.rstrip("+-1"), 0.0) for limb in limbs])


def whiskers(first: Animal, second: Animal, rows: int = 3, columns: int = 3) -> list[Part]:
    """Thin spikes from the upper lips, outwards, back and a little down; three-sided."""
    parts = []
    for row in range(rows):
        for column in range(columns):
            rings = np.stack(
                [_whisker(a, row / (rows - 1) - 0.5, column / (columns - 1) - 0.5) for a in (first, second)]
            )
            positions = np.concatenate((rings[:, 0], rings[:, 1:, 0]), 1)
            faces = np.array([(0, 1, 3), (1, 2, 3), (2, 0, 3), (0, 2, 1)])
            flat = np.array([[0, 0], [0.02, 0], [0.0, 0.02]])
            left = Part("whisker", positions, faces, [Chart(np.arange(4), np.tile(flat, (4, 1, 1)))], crease=180)
            parts += [left, left.mirrored()]
    return parts


def _whisker(animal: Animal, v: float, u: float) -> Array:
    (x, y, z), (rx, ry, rz), _ = animal.masses["lip"]
    length, thick = animal.whiskers
    root = np.array([x + 0.55 * rx - 0.012 * abs(u), y + 0.1 * ry - 0.9 * ry * v, z + 0.2 * rz + 0.8 * rz * u])
    direction = np.array([1.0, -0.10 - 0.45 * v, -0.10 - 0.35 * v + 0.35 * u])
    direction /= np.linalg.norm(direction)
    side = np.cross(direction, (0, 1, 0))
    side /= np.linalg.norm(side)
    up = np.cross(side, direction)
    angle = 2 * np.pi * np.arange(3) / 3
    ring = root + thick * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * up)
    tip = np.tile(root + length * direction - [0, 0.06 * length, 0], (3, 1))
    # Seen against the direction, the ring must run counter-clockwise.
    return np.stack((ring[::-1], tip))


def collar(first: Animal, second: Animal) -> list[Part]:
    """A band around the neck and the tag that hangs from it."""
    band = tube("collar", np.stack([_band(a) for a in (first, second)]), scale=1.5)
    tag = turned("tag", _tag(first), _tag(second), columns=14, scale=1.5)
    return [band, tag]


def _neck(animal: Animal) -> tuple[Array, Array, Array, Array]:
    """Point on the neck's axis, direction upwards, and two directions across: right seen from the front, forward."""
    low, high = (np.array(animal.joints[j][:3]) for j in ("neck_low", "neck_high"))
    up = (high - low) / np.linalg.norm(high - low)
    forward = np.cross((1.0, 0.0, 0.0), up)
    return low + animal.collar * (high - low), up, np.array([1.0, 0.0, 0.0]), forward


def _band(animal: Animal, columns: int = 28) -> Array:
    centre, up, left, forward = _neck(animal)
    angle = 2 * np.pi * np.arange(columns) / columns
    # Around `up` counter-clockwise: forward, then left.
    outward = np.cos(angle)[:, None] * forward + np.sin(angle)[:, None] * left
    rows = []
    for along, out in ((-1.04, -0.03), (-1.0, 0.010), (0.0, 0.015), (1.0, 0.010), (1.04, -0.03)):
        foot = centre + along * animal.collar_width / 2 * up
        rows.append(foot + outward * (_reach(figure(animal), foot, outward) + out)[:, None])
    return np.stack(rows)


def _reach(shape: Figure, foot: Array, outward: Array) -> Array:
    """Distance from a point inside to the surface along each direction."""
    low, high = np.full(len(outward), 0.02), np.full(len(outward), 0.30)
    for _ in range(18):
        middle = (low + high) / 2
        inside = shape.field(foot + outward * middle[:, None]) < 0
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return low


def _tag(animal: Animal) -> Turned:
    centre, up, _, forward = _neck(animal)
    foot = centre - 0.052 * up
    place = foot + forward * (_reach(figure(animal), foot, forward[None])[0] + 0.006)
    r = 0.7 * animal.collar_width
    profile = ((-0.006, 0.6 * r), (-0.005, r), (0.008, r), (0.012, 0.85 * r), (0.012, 0.2 * r))
    normal = forward + 0.25 * up
    return Turned(tuple(place), profile, tuple(normal))
