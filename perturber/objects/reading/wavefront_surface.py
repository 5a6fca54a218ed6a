"""One Wavefront OBJ, or two of one topology, with their materials → surfaces of the same triangles."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perturber.errors import InvalidInputError
from perturber.objects.reading import roles, wavefront
from perturber.objects.reading.files import Files
from perturber.objects.reading.mtl import Coat
from perturber.objects.reading.polygons import triangulate
from perturber.objects.reading.surface import Surface
from perturber.objects.reading.wavefront import Wavefront
from perturber.objects.reading.wavefront_materials import coated


def read(files: Files, names: Sequence[str], said: roles.Roles, notes: list[str]) -> list[Surface]:
    """Read OBJ files with their materials and pictures.

    Args:
        files: the upload.
        names: one OBJ, or two that morph into each other.
        said: what the user says of the other files.
        notes: gets a sentence for each thing that was left out, changed or guessed.

    Raises:
        InvalidInputError: anything that cannot be used, or two files of different topology.
    """
    own: list[list[str]] = [[] for _ in names]
    meshes = [wavefront.read(files[name], name, its) for name, its in zip(names, own, strict=True)]
    if len(meshes) == 2:
        _compare(meshes, names)
    first = meshes[0]
    corners = triangulate(first.positions[first.corners[:, 0]], first.counts)
    if not len(corners):
        raise InvalidInputError(f"{names[0]!r} has no face with an area.")
    polygon = np.repeat(np.arange(len(first.counts)), first.counts)[corners[:, 0]]
    materials = coated(files, meshes, names, said, own)
    notes += (f"{name}: {sentence}" for name, sentences in zip(names, own, strict=True) for sentence in sentences)
    return [_surface(mesh, corners, polygon, *m) for mesh, m in zip(meshes, materials, strict=True)]


def _compare(meshes: Sequence[Wavefront], names: Sequence[str]) -> None:
    """Refuse two meshes that differ in more than where their vertices are."""
    one, other = meshes
    for what, a, b in (
        ("vertices", len(one.positions), len(other.positions)),
        ("faces", len(one.counts), len(other.counts)),
        ("face corners", len(one.corners), len(other.corners)),
    ):
        if a != b:
            raise InvalidInputError(
                f"The two objects must have the same topology to morph, but {names[0]!r} has {a:,} {what}, "
                f"{names[1]!r} has {b:,}."
            )
    if not np.array_equal(one.counts, other.counts):
        face = int(np.flatnonzero(one.counts != other.counts)[0])
        differ = (
            f"face {face + 1:,} has {one.counts[face]} corners in {names[0]!r}, {other.counts[face]} in {names[1]!r}"
        )
    elif not np.array_equal(one.corners[:, 0], other.corners[:, 0]):
        corner = int(np.flatnonzero(one.corners[:, 0] != other.corners[:, 0])[0])
        face = int(np.searchsorted(np.cumsum(one.counts), corner, side="right"))
        differ = f"face {face + 1:,} joins other vertices in {names[0]!r} than in {names[1]!r}"
    else:
        return
    raise InvalidInputError(f"The two objects must have the same topology to morph, but {differ}.")


def _surface(
    mesh: Wavefront, corners: np.ndarray, polygon: np.ndarray, material: np.ndarray, coats: tuple[Coat, ...]
) -> Surface:
    position, uv, normal = (mesh.corners[corners, column] for column in range(3))
    material, materials, colours = material[polygon], tuple(coat.material for coat in coats), None
    if mesh.colours is not None:
        # Colours of vertices say it all; the grey of what has no material must not darken them.
        plain = np.array([(1.0, 1.0, 1.0) if m.picture else m.colour[:3] for m in materials])[material][:, None]
        own = mesh.colours[position]
        colours = np.concatenate((np.where(np.isnan(own), plain, own), np.ones((*position.shape, 1))), 2)
        materials = tuple(m if m.picture else replace(m, colour=(1.0, 1.0, 1.0, m.colour[3])) for m in materials)
    scale, offset = (np.array([getattr(coat, key) for coat in coats])[material] for key in ("scale", "offset"))
    return Surface(
        positions=mesh.positions,
        faces=position,
        uv=np.clip(_at(mesh.uv, uv), -1e100, 1e100) * scale[:, None] + offset[:, None],
        normals=_at(mesh.normals, normal),
        colours=colours,
        material=material,
        materials=materials,
    )


def _at(table: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Rows of a table, NaN where the index is −1."""
    rows = np.concatenate((table, np.full((1, table.shape[1]), np.nan)))
    return rows[index]
