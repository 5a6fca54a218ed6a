"""One Wavefront OBJ, or two of one topology, with their materials → surfaces of the same triangles."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from perturber.errors import InvalidInputError
from perturber.objects.reading import mtl, roles, wavefront
from perturber.objects.reading.files import Files, stem
from perturber.objects.reading.polygons import triangulate
from perturber.objects.reading.surface import Material, Surface
from perturber.objects.reading.wavefront import Wavefront


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
    meshes = [wavefront.read(files[name], name) for name in names]
    if len(meshes) == 2:
        _compare(meshes, names)
    first = meshes[0]
    corners = triangulate(first.positions[first.corners[:, 0]], first.counts)
    if not len(corners):
        raise InvalidInputError(f"{names[0]!r} has no face with an area.")
    polygon = np.repeat(np.arange(len(first.counts)), first.counts)[corners[:, 0]]
    materials = _materials(files, meshes, names, said)
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


def _materials(
    files: Files, meshes: Sequence[Wavefront], names: Sequence[str], said: roles.Roles
) -> list[tuple[np.ndarray, tuple[Material, ...]]]:
    """Material of each polygon, and the materials, of each mesh."""
    explicit = [(said.texture, said.alpha), (said.second_texture, said.second_alpha)][: len(meshes)]
    claimed = {name for pair in explicit for name in pair if name is not None}
    libraries = [
        {} if texture else _library(files, mesh, name, len(meshes), claimed)
        for mesh, name, (texture, _) in zip(meshes, names, explicit, strict=True)
    ]
    textured = [any(material.picture for material in library.values()) for library in libraries]
    guesses: list[tuple[str | None, str | None]] = [(None, None)] * len(meshes)
    if not all(texture or done for (texture, _), done in zip(explicit, textured, strict=True)):
        guesses = roles.guess(files, names, claimed=claimed)
    found = []
    for mesh, library, given, guessed, done in zip(meshes, libraries, explicit, guesses, textured, strict=True):
        texture = given[0] or (None if done else guessed[0])
        alpha = given[1] or (None if done else guessed[1])
        one = mtl.GREY if texture is None else replace(mtl.GREY, colour=(1.0, 1.0, 1.0, 1.0), picture=files[texture])
        materials: tuple[Material, ...]
        if texture is not None or not library:
            material, materials = np.zeros_like(mesh.material), (one,)
        else:
            material, materials = mesh.material, tuple(library.get(name, mtl.GREY) for name in mesh.names)
        if alpha is not None:
            materials = tuple(replace(m, alpha=files[alpha]) for m in materials)
        found.append((material, materials))
    return found


def _library(files: Files, mesh: Wavefront, name: str, objects: int, claimed: set[str]) -> dict[str, Material]:
    """The materials of one mesh, from the MTL files that it names, or else the one that goes by its name."""
    given = files.of_kind(".mtl")
    wanted = [found for library in mesh.libraries if (found := files.find(library)) in given]
    if not wanted:
        same = [other for other in given if stem(other).lower() == stem(name).lower()]
        wanted = same or (given if len(given) == 1 and objects == 1 else [])
    materials: dict[str, Material] = {}
    for library in dict.fromkeys(wanted):
        if library is not None:
            materials |= mtl.read(files[library], files, claimed=claimed)
    return materials


def _surface(
    mesh: Wavefront, corners: np.ndarray, polygon: np.ndarray, material: np.ndarray, materials: tuple[Material, ...]
) -> Surface:
    position, uv, normal = (mesh.corners[corners, column] for column in range(3))
    colours = None
    if mesh.colours is not None:
        colours = np.concatenate((mesh.colours[position], np.ones((*position.shape, 1))), 2)
        # Colours of vertices say it all; the grey of what has no material must not darken them.
        materials = tuple(m if m.picture else replace(m, colour=(1.0, 1.0, 1.0, m.colour[3])) for m in materials)
    return Surface(
        positions=mesh.positions,
        faces=position,
        uv=_at(mesh.uv, uv),
        normals=_at(mesh.normals, normal),
        colours=colours,
        material=material[polygon],
        materials=materials,
    )


def _at(table: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Rows of a table, NaN where the index is −1."""
    rows = np.concatenate((table, np.full((1, table.shape[1]), np.nan)))
    return rows[index]
