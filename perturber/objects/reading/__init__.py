"""Files from users → morph pairs and backgrounds.

Everything that such a file can do wrong ends in one `InvalidInputError` with a sentence; nothing is read but the
given bytes, and what would cost much is counted before it is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.objects.mesh import MorphPair
from perturber.objects.reading import gltf, roles, wavefront_surface
from perturber.objects.reading.bake import bake
from perturber.objects.reading.files import PICTURES, Files, extension, listed, stem
from perturber.objects.reading.roles import Roles
from perturber.objects.reading.scale import to_unit_sphere
from perturber.objects.reading.shape import finish, proper
from perturber.objects.reading.surface import Surface
from perturber.objects.reading.unwrap import box
from perturber.objects.reading.wrapping import settled
from perturber.pictures import decode

__all__ = ["BACKGROUND_SIDE", "Files", "Roles", "Upload", "read_background", "read_object"]

BACKGROUND_SIDE = 1024
"""Side of the backgrounds that are kept."""

SPECULAR, SHININESS = 0.1, 20.0
"""Gloss of what comes from outside: little, as files say too differently what they mean."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """The files of one object, and which is what.

    Attributes:
        files: usable files by base name.
        roles: what the user says of them, in names of `files`.
        models: the one or two files with geometry.
    """

    files: Files
    roles: Roles
    models: tuple[str, ...]

    @classmethod
    def of(cls, given: Mapping[str, bytes], said: Roles) -> "Upload":
        """Look through what a user sends.

        Raises:
            InvalidInputError: too large, or no object in it.
        """
        files = Files(given)
        said = said.resolved(files)
        return cls(files=files, roles=said, models=tuple(roles.models(files, said)))

    @property
    def names(self) -> tuple[str, ...]:
        """What the objects are called, after their files."""
        return tuple(stem(model).replace("_", " ").strip() or "Object" for model in self.models)


def read_object(upload: Upload, *, name: str, label: str) -> MorphPair:
    """Read an object, or two that morph into each other.

    Args:
        upload: its files.
        name: of the pair.
        label: of the pair.

    Raises:
        InvalidInputError: anything that cannot be used.
    """
    notes: list[str] = []
    surfaces = _surfaces(upload, notes)
    notes += _unused(upload, surfaces)
    limit = Settings().max_triangles
    if len(surfaces[0].faces) > limit:
        raise InvalidInputError(f"{upload.models[0]!r} has more than {limit:,} triangles.")
    surfaces = _placed(surfaces, upload.models)
    surfaces = _unwrapped(surfaces)
    baked = bake(surfaces, upload.files, notes)
    both = baked.transparent.copy()
    for surface in surfaces:
        both |= np.array([material.both_sides for material in surface.materials])[surface.material]
    shape = finish([s.positions for s in surfaces], surfaces[0].faces, baked.uv, [s.normals for s in surfaces], both)
    first, *second = upload.names
    return MorphPair(
        name=name,
        label=label,
        names=(first, second[0] if second else first),
        faces=shape.faces,
        uv=shape.uv,
        positions=_twice(shape.positions),
        normals=_twice(shape.normals),
        textures=_twice(baked.textures),
        specular=(SPECULAR, SPECULAR),
        shininess=(SHININESS, SHININESS),
        notes=tuple(dict.fromkeys(notes)),
    )


def read_background(content: bytes, *, notes: list[str] | None = None) -> np.ndarray:
    """The middle of a picture as a background: (S, S, 3) uint8; `notes` as for `perturber.pictures.decode`.

    Raises:
        InvalidInputError: not a picture, broken or too large.
    """
    limit = Settings().max_upload_mib
    if len(content) > limit * 2**20:
        raise InvalidInputError(f"The picture is larger than {limit} MiB.")
    picture = decode(content, side=BACKGROUND_SIDE, notes=notes)
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = picture.resize(
        (BACKGROUND_SIDE, BACKGROUND_SIDE), Image.Resampling.BICUBIC, (left, top, left + side, top + side)
    )
    return np.asarray(square)


def _surfaces(upload: Upload, notes: list[str]) -> list[Surface]:
    main = upload.models[0]
    if extension(main) == ".obj":
        return wavefront_surface.read(upload.files, upload.models, upload.roles, notes)
    surface = gltf.read(upload.files[main], main, upload.files, notes)
    texture, alpha = upload.roles.texture, upload.roles.alpha
    materials = surface.materials
    if texture is not None:
        materials = tuple(
            replace(m, picture=upload.files[texture], colour=(1.0,) * 4, glow=(0.0,) * 3, glow_picture=None)
            for m in materials
        )
    if alpha is not None:
        materials = tuple(replace(m, alpha=upload.files[alpha], opaque=False) for m in materials)
    return [replace(surface, materials=materials)]


def _unused(upload: Upload, surfaces: Sequence[Surface]) -> list[str]:
    """What of the files is not to be seen: pictures of something else than colour and opacity, and other files."""
    shown = {id(content) for surface in surfaces for m in surface.materials for content in m.pictures}
    pictures = (name for name in upload.files.of_kind(*PICTURES) if id(upload.files[name]) not in shown)
    found = {"Not used": list(pictures), "Left out, in formats that are not read": upload.files.unread}
    return [f"{what}: {listed(map(repr, names))}." for what, names in found.items() if names]


def _placed(surfaces: Sequence[Surface], names: Sequence[str]) -> list[Surface]:
    """Without what has no area and what no triangle uses; each centred in the unit sphere."""
    faces = surfaces[0].faces
    keep = proper([s.positions for s in surfaces], faces)
    used, index = np.unique(faces[keep], return_inverse=True)
    index = index.reshape(-1, 3)
    placed = []
    for surface, name in zip(surfaces, names, strict=False):
        points = surface.positions[used]
        if not len(points) or not np.ptp(points, axis=0).max() > 1e-9 * np.abs(points).max():
            raise InvalidInputError(f"{name!r} has no face with an area.")
        if not np.isfinite(points).all() or np.abs(points).max() > 1e100:
            raise InvalidInputError(f"{name!r} has coordinates that are not finite numbers of a sensible size.")
        points = to_unit_sphere(points)
        a, b, c = np.moveaxis(points[index], 1, 0)
        if not np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() > 1e-9:
            raise InvalidInputError(f"{name!r} has no face with an area.")
        placed.append(replace(surface.only(keep), positions=points, faces=index))
    return placed


def _unwrapped(surfaces: Sequence[Surface]) -> list[Surface]:
    """With texture coordinates everywhere: a triangle that lacks them takes the other object's, or made ones."""
    first = surfaces[0]
    made: np.ndarray | None = None
    results = []
    for surface in surfaces:
        uv = surface.uv
        for other in surfaces:
            uv = np.where(np.isnan(uv).any((1, 2))[:, None, None], other.uv, uv)
        missing = np.isnan(uv).any((1, 2))
        if missing.any():
            made = box(first.positions[first.faces]) if made is None else made
            uv = np.where(missing[:, None, None], made, uv)
        clamped = np.array([[wrap == "clamp" for wrap in m.wrap] for m in surface.materials])[surface.material]
        uv = settled(uv, clamped, far=1000)  # where 32 bits no longer tell one texel from the next
        results.append(replace(surface, uv=np.clip(uv, -1e4, 1e4)))
    return results


def _twice(array: np.ndarray) -> np.ndarray:
    return np.broadcast_to(array, (2, *array.shape[1:]))
