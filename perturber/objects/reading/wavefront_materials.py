"""Which material each polygon of Wavefront OBJs has: as the user says, as their MTL files say, or after names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from perturber.objects.reading import mtl, roles
from perturber.objects.reading.files import Files, base_name, listed, stem
from perturber.objects.reading.mtl import Coat, Statements
from perturber.objects.reading.surface import Material
from perturber.objects.reading.text import loosely, readable, uncommented
from perturber.objects.reading.wavefront import Wavefront

_NEXT = re.compile(r'(?<=\.mtl)"?\s+', re.IGNORECASE)
"""Between two names of MTL files, which may have spaces in them."""

Coated = tuple[np.ndarray, tuple[Coat, ...]]
"""The material of each polygon (P,), as indices of materials."""


def coated(
    files: Files, meshes: Sequence[Wavefront], names: Sequence[str], said: roles.Roles, notes: Sequence[list[str]]
) -> list[Coated]:
    """The materials of one mesh, or of two that morph into each other.

    Args:
        files: the upload.
        meshes: what `names` hold.
        said: what the user says of the other files.
        notes: of each mesh; gets a sentence for each thing that was left out, changed or guessed.

    Raises:
        InvalidInputError: pictures that were not given, or of which it is not known where they belong.
    """
    explicit = [(said.texture, said.alpha), (said.second_texture, said.second_alpha)][: len(meshes)]
    claimed = {name for pair in explicit for name in pair if name is not None}
    unread = set(files.of_kind(".mtl"))
    libraries = [
        {} if texture else _library(files, mesh, name, len(meshes), unread, own)
        for mesh, name, (texture, _), own in zip(meshes, names, explicit, notes, strict=True)
    ]
    if unread and not any(texture for texture, _ in explicit):
        notes[0].append(f"No object names {listed(map(repr, sorted(unread)))}, which is left out.")
    for library in libraries:
        claimed |= mtl.claims(library, files)
    found = [
        _by_name(files, mesh, library, claimed, own)
        for mesh, library, own in zip(meshes, libraries, notes, strict=True)
    ]
    textured = [any(coat.material.picture for coat in coats) for _, coats in found]
    guesses: list[tuple[str | None, str | None]] = [(None, None)] * len(meshes)
    if not all(texture or done for (texture, _), done in zip(explicit, textured, strict=True)):
        guesses = roles.guess(files, names, claimed=claimed)
    for i, (given, guessed, done) in enumerate(zip(explicit, guesses, textured, strict=True)):
        texture, alpha = (one or (None if done else other) for one, other in zip(given, guessed, strict=True))
        material, coats = found[i]
        if texture is not None:
            if libraries[i]:
                notes[i].append(
                    f"No material has a picture, so {texture!r} is laid on all, and their colours left out."
                )
            white = Material(colour=(1.0, 1.0, 1.0, 1.0), picture=files[texture])
            material, coats = np.zeros_like(material), (Coat(material=white),)
        if alpha is not None:
            coats = tuple(replace(coat, material=replace(coat.material, alpha=files[alpha])) for coat in coats)
        found[i] = material, coats
    return found


def _library(
    files: Files, mesh: Wavefront, name: str, objects: int, unread: set[str], notes: list[str]
) -> dict[str, Statements]:
    """The materials of one mesh, from the MTL files that it names, or else the one that goes by its name."""
    given = files.of_kind(".mtl")
    wanted, lacking = dict[str, None](), dict[str, None]()
    for reference in _references(files, mesh.libraries):
        if (found := files.find(reference)) in given:
            wanted[str(found)] = None
        else:
            lacking[repr(base_name(readable(reference.strip('"'))))] = None
    if not wanted:
        same = [other for other in given if stem(other).lower() == stem(name).lower()]
        wanted = dict.fromkeys(same or (given if len(given) == 1 and objects == 1 else []))
        asked = (
            f"The materials in {listed(lacking)} are not among the .mtl files given"
            if lacking
            else "It names no .mtl file"
        )
        if wanted:
            notes.append(f"{asked}, so those in {listed(map(repr, wanted))} are used.")
        elif lacking or len(mesh.names) > 1:
            notes.append(f"{asked}, so the colours and pictures of its materials are missing.")
    elif lacking:
        notes.append(f"The materials in {listed(lacking)} are not among the .mtl files given.")
    unread.difference_update(wanted)
    materials: dict[str, Statements] = {}
    for library in wanted:
        materials = mtl.read(files[library], library) | materials  # the first that has it
    if wanted and not materials:
        notes.append(f"There is no material in {listed(map(repr, wanted))}.")
    return materials


def _references(files: Files, statements: Sequence[str]) -> Iterator[str]:
    """The MTL files that an OBJ names: each statement may name one, or several."""
    for statement in statements:
        if files.find(statement) is not None:
            yield statement
        else:
            yield from (name for name in _NEXT.split(uncommented(statement)) if name)


def _by_name(
    files: Files, mesh: Wavefront, library: Mapping[str, Statements], claimed: set[str], notes: list[str]
) -> Coated:
    """The materials that the polygons name; where there is only one, polygons that name none have it."""
    numbers, material, faces = np.unique(mesh.material, return_inverse=True, return_counts=True)
    if not library:
        return np.zeros_like(material), (Coat(),)
    loose = _loosely(library)
    meant = {
        name: name if name in library else loose.get(loosely(name), loose.get(loosely(uncommented(name))))
        for name in (mesh.names[number] for number in numbers)
    }
    nameless = faces[numbers == 0].sum()
    unknown = [name for name, found in meant.items() if found is None and name]
    renamed = [
        f"{_shown(found)} for {_shown(name)}"
        for name, found in meant.items()
        if found not in (None, name) and readable(found) != readable(name)
    ]
    only = next(iter(library)) if len(library) == 1 else None
    take = "are grey" if only is None else f"take the only one there is, {_shown(only)}"
    if renamed:
        notes.append(f"Materials are found under other names: {listed(renamed)}.")
    if nameless and meant[""] is None:
        why = f", as they could have any of {listed(map(_shown, library))}" if only is None else ""
        notes.append(f"Faces that name no material ({nameless:,}) {take}{why}.")
    if unknown:
        notes.append(f"Faces whose material is not there ({listed(map(_shown, unknown))}) {take}.")
    chosen = {name: only if found is None else found for name, found in meant.items()}
    coats = mtl.coats({name: library[name] for name in chosen.values() if name is not None}, files, claimed, notes)
    return material.reshape(-1), tuple(Coat() if name is None else coats[name] for name in chosen.values())


def _shown(name: str) -> str:
    return repr(readable(name)[:60])


def _loosely(library: Mapping[str, Statements]) -> dict[str, str]:
    """What names of materials have in common with others that mean the same → the name; nothing for the empty one."""
    simple = [(loosely(simplify(name)), name) for simplify in (str, uncommented) for name in library]
    return {key: name for key, name in reversed(simple) if key}
