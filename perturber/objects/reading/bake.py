"""Any number of materials, and colours at vertices → one texture with one layout.

Three ways, from the best to the one that always works:

direct
    One material: its picture is the texture, and coordinates outside [0, 1] repeat it.
tiles
    Several materials, or a picture that goes on otherwise than by repeating: each gets a tile of an atlas, within which
    it goes on as far as it is seen.
cells
    Colours at vertices, or two objects whose layouts differ: each triangle gets a cell of its own. Cells lie in the
    atlas along a Z-curve as their triangles lie in space, so that neighbours stay neighbours when mip levels mix them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from perturber.errors import InvalidInputError
from perturber.objects.reading.paint import LARGE, SMALL, Painter, brightened
from perturber.objects.reading.surface import Material, Surface
from perturber.objects.reading.wrapping import PERIOD, Wrap, nearest, texel_at

MAX_MATERIALS = 1024
"""Materials in use; with more, the atlas' tiles would become too small."""

MAX_PICTURES = 100
"""Of these, with a picture."""

MAX_REPEATS = 64
"""Times that a picture is repeated along one side of its tile; beyond, it is enlarged."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Baked:
    """A texture's layout, and the textures.

    Attributes:
        uv: (F, 3, 2), v upwards.
        textures: (K, T, T, 3) uint8, or (K, T, T, 4) where something is transparent.
        transparent: (F,) bool, triangles through which one may see.
    """

    uv: np.ndarray
    textures: np.ndarray
    transparent: np.ndarray


def bake(surfaces: Sequence[Surface], files: Mapping[str, bytes], notes: list[str]) -> Baked:
    """Bring one object, or two of the same triangles, to one layout.

    Args:
        surfaces: with texture coordinates everywhere.
        files: the upload, to name a picture in errors and notes.
        notes: gets a sentence for each thing that was left out, scaled or guessed in a picture.

    Raises:
        InvalidInputError: pictures that cannot be used, or too many materials.
    """
    surfaces = _in_common([_plain(surface) for surface in surfaces])
    first = surfaces[0]
    pictured = sum(any(m.pictures for m in group) for group in _groups(surfaces))
    if len(first.materials) > MAX_MATERIALS or pictured > MAX_PICTURES:
        raise InvalidInputError(
            f"The object has too many materials; at most {MAX_MATERIALS:,} are allowed, "
            f"{MAX_PICTURES} of them with pictures."
        )
    painter = Painter(files, notes)
    if any(s.colours is not None or np.abs(s.uv - first.uv).max() > 1e-4 for s in surfaces):
        uv, textures = _cells(surfaces, painter)
    elif len(first.materials) == 1 and not _ends(surfaces):
        side = max(painter.side(surface.materials) for surface in surfaces)
        uv, textures = first.uv, np.stack([painter.paint(surface.materials[0], side) for surface in surfaces])
    else:
        uv, textures = _tiles(surfaces, painter)
    if textures[..., 3].min() == 255:
        return Baked(uv=uv, textures=textures[..., :3], transparent=np.zeros(len(uv), bool))
    return Baked(uv=uv, textures=textures, transparent=_transparent(surfaces))


def _plain(surface: Surface) -> Surface:
    """Colours at corners that are all alike become the materials' own."""
    colours = surface.colours
    if colours is None or np.ptp(colours.reshape(-1, 4), axis=0).max() > 1e-3:
        return surface
    tint = colours[0, 0].tolist()
    materials = tuple(
        replace(m, colour=tuple(a * b for a, b in zip(m.colour, tint, strict=True))) for m in surface.materials
    )
    return replace(surface, materials=materials, colours=None)


def _in_common(surfaces: Sequence[Surface]) -> list[Surface]:
    """The same numbers for the materials of all surfaces; only what is in use, each once."""
    code = np.zeros(len(surfaces[0].faces), np.int64)
    for surface in surfaces:
        code = code * len(surface.materials) + surface.material
    _, face, inverse = np.unique(code, return_index=True, return_inverse=True)
    together = [tuple(s.materials[s.material[i]] for s in surfaces) for i in face]
    number = {materials: n for n, materials in enumerate(dict.fromkeys(together))}
    material = np.array([number[materials] for materials in together])[inverse]
    columns = zip(*number, strict=True)
    return [replace(s, material=material, materials=tuple(c)) for s, c in zip(surfaces, columns, strict=True)]


def _ends(surfaces: Sequence[Surface]) -> bool:
    """Whether a picture is seen beyond an edge where it does not just repeat."""
    beyond = np.abs(surfaces[0].uv - 0.5).max((0, 1), initial=0) > 0.5 + 1e-4
    return any(beyond[axis] and m.wrap[axis] != "repeat" for s in surfaces for m in s.materials for axis in (0, 1))


def _transparent(surfaces: Sequence[Surface]) -> np.ndarray:
    found = np.zeros(len(surfaces[0].faces), bool)
    for surface in surfaces:
        opaque = np.array([m.opaque for m in surface.materials])[surface.material]
        may = [m.picture is not None or m.alpha is not None or m.colour[3] < 1 for m in surface.materials]
        found |= np.array(may)[surface.material] & ~opaque
        if surface.colours is not None:
            found |= (surface.colours[..., 3].min(1) < 1) & ~opaque
    return found


def _tiles(surfaces: Sequence[Surface], painter: Painter) -> tuple[np.ndarray, np.ndarray]:
    """The same layout for all surfaces; materials without a picture are swatches in one shared tile."""
    first = surfaces[0]
    pictured = np.array([any(m.pictures for m in group) for group in _groups(surfaces)])
    side = LARGE if pictured.any() else SMALL
    across = int(np.ceil(np.sqrt(pictured.sum() + (not pictured.all()))))
    cell = side // across
    patch = cell // max(int(np.ceil(np.sqrt((~pictured).sum()))), 1)
    uv = np.empty_like(first.uv)
    textures = np.empty((len(surfaces), side, side, 4), np.uint8)
    empty = np.ones((side, side), bool)
    swatches = pictured.sum()
    for place, index in enumerate(np.argsort(~pictured, kind="stable")):
        faces, group = first.material == index, _groups(surfaces)[index]
        start = _cell_of(min(place, swatches), across) * cell
        if pictured[index]:
            local, copies, begin = _local(first.uv[faces], group)
            tiles, border, inner = _tile(group, painter, cell, copies, begin)
            texel = start + border + np.stack((local[..., 0], 1 - local[..., 1]), -1) * inner
        else:
            start = start + _cell_of(place - swatches, cell // patch) * patch
            tiles = np.stack([painter.paint(material, 1).repeat(patch, 0).repeat(patch, 1) for material in group])
            texel = np.broadcast_to(start + patch / 2, first.uv[faces].shape)
        rows, columns = (slice(begin, begin + tiles.shape[1]) for begin in start[::-1])
        textures[:, rows, columns] = tiles
        empty[rows, columns] = False
        uv[faces] = np.stack((texel[..., 0], side - texel[..., 1]), -1) / side
    for texture in textures:
        texture[empty] = np.round(texture[~empty].mean(0))  # so that the coarsest mip levels are the mean
    return uv, textures


def _groups(surfaces: Sequence[Surface]) -> list[tuple[Material, ...]]:
    """The materials that belong together, one of each surface."""
    return list(zip(*(surface.materials for surface in surfaces), strict=True))


def _cell_of(number: int, across: int) -> np.ndarray:
    return np.array([number % across, number // across])


def _tile(
    group: Sequence[Material], painter: Painter, cell: int, copies: int, begin: np.ndarray
) -> tuple[np.ndarray, int, int]:
    """Tiles (K, cell, cell, 4) that show each picture from `begin` on for `copies` of its sides; frame, inner side."""
    border = max(cell // 32, 1)
    copy = max((cell - 2 * border) // copies, 1)
    along = np.arange(cell) - border
    columns, rows = along + begin[0] * copy, along + (1 - begin[1] - copies) * copy
    tiles = []
    for material in group:
        u, v = (texel_at(wrap, place, copy) for wrap, place in zip(material.wrap, (columns, rows), strict=True))
        tiles.append(painter.paint(material, copy)[v[:, None], u])
    return np.stack(tiles), border, copy * copies


def _local(uv: np.ndarray, group: Sequence[Material]) -> tuple[np.ndarray, int, np.ndarray]:
    """Coordinates within the square of a picture's sides that is seen; how many they are, and where it begins.

    Where the pictures begin again, each triangle starts in their first.
    """
    periods = [{PERIOD[m.wrap[axis]] for m in group} for axis in (0, 1)]
    period = np.array([0 if 0 in found else max(found) for found in periods])
    low = uv.min(1, keepdims=True) + 1e-6
    uv = uv - np.where(period > 0, np.floor(low / np.maximum(period, 1)) * period, 0)
    begin = np.where(period > 0, 0, np.clip(np.floor(low.min((0, 1), initial=0)), -MAX_REPEATS // 2, 0)).astype(int)
    uv = np.where(period > 0, uv, np.clip(uv, begin, begin + MAX_REPEATS)) - begin
    sides = np.maximum(np.ceil(uv.max((0, 1), initial=0.0) - 1e-4), 1)
    copies = int(min(sides.max(), MAX_REPEATS))
    return np.clip(uv / np.maximum(sides / MAX_REPEATS, 1) / copies, 0, 1), copies, begin


def _cells(surfaces: Sequence[Surface], painter: Painter) -> tuple[np.ndarray, np.ndarray]:
    """A cell for each triangle: its corners are the centres of three of the cell's texels."""
    first = surfaces[0]
    count = len(first.faces)
    levels = int(np.ceil(np.log2(count) / 2))
    finest = max(painter.side(surface.materials) for surface in surfaces)
    side = LARGE if 2**levels > SMALL // 8 else finest
    cell = max(side >> levels, 1)
    side = cell << levels
    # Every cell of the atlas shows some triangle, so that the coarsest mip levels are the object's mean.
    cells = 4**levels
    place = _z_curve(np.arange(cells)) * cell
    order = _along_z_curve(first)
    owner = order[np.arange(cells) * count // cells]
    corner = np.empty((count, 2), np.int64)
    corner[order] = place[-(-np.arange(count) * cells // count)]
    rows, columns = np.mgrid[:cell, :cell].reshape(2, -1)
    x, y = columns / max(cell - 1, 1), rows / max(cell - 1, 1)
    weights = np.stack((1 - x - y, x, y), -1) if cell > 1 else np.full((1, 3), 1 / 3)  # (cell², 3)
    textures = np.empty((len(surfaces), side, side, 4), np.uint8)
    for texture, surface in zip(textures, surfaces, strict=True):
        for index, material in enumerate(surface.materials):
            side_of_it = SMALL if material.pictures else 1
            pictures = painter.colour(material, side_of_it), painter.light(material, side_of_it)
            mine = np.flatnonzero(surface.material[owner] == index)
            for part in np.array_split(mine, len(mine) * cell**2 // 2**18 + 1):
                where = place[part, None]
                texture[where[..., 1] + rows, where[..., 0] + columns] = _cell(
                    pictures, surface, owner[part], weights, material.wrap
                )
    texel = corner[:, None] + np.array([[0, 0], [1, 0], [0, 1]]) * (cell - 1) + 0.5
    return np.stack((texel[..., 0], side - texel[..., 1]), -1) / side, _enlarged(textures)


def _cell(
    pictures: tuple[np.ndarray, np.ndarray | None],
    surface: Surface,
    faces: np.ndarray,
    weights: np.ndarray,
    wrap: tuple[Wrap, Wrap],
) -> np.ndarray:
    """What triangles show of colour and light at points within them: (N, points, 4) uint8."""
    (picture, light), uv = pictures, weights @ surface.uv[faces]
    texels = _sampled(picture, uv, wrap)
    if surface.colours is not None:
        tint = np.clip(weights @ surface.colours[faces], 0, 1)
        tint[np.array([m.opaque for m in surface.materials])[surface.material[faces]], :, 3] = 1
        texels = texels * tint
    if light is not None:
        texels = brightened(texels, _sampled(light, uv, wrap))
    return np.round(texels).astype(np.uint8)


def _enlarged(textures: np.ndarray) -> np.ndarray:
    factor = max(SMALL // textures.shape[1], 1)
    return textures.repeat(factor, 1).repeat(factor, 2) if factor > 1 else textures


def _along_z_curve(surface: Surface) -> np.ndarray:
    """Triangles in the order in which a Z-curve through space meets them."""
    centre = surface.positions[surface.faces].mean(1)
    low, extent = centre.min(0), max(float(np.ptp(centre, axis=0).max()), 1e-30)
    steps = np.clip((centre - low) / extent * 1023, 0, 1023).astype(np.int64)
    code = np.zeros(len(steps), np.int64)
    for bit in range(10):
        for axis in range(3):
            code |= ((steps[:, axis] >> bit) & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")


def _z_curve(number: np.ndarray) -> np.ndarray:
    """Places (N, 2) along a Z-curve in the plane."""
    place = np.zeros((len(number), 2), np.int64)
    for bit in range(20):
        for axis in range(2):
            place[:, axis] |= ((number >> (2 * bit + axis)) & 1) << bit
    return place


def _sampled(picture: np.ndarray, uv: np.ndarray, wrap: tuple[Wrap, Wrap]) -> np.ndarray:
    """Bilinear lookup in a picture (S, S, C): (..., C) float32 of 0…255."""
    side, channels = len(picture), picture.shape[2]
    if side == 1:
        return np.broadcast_to(picture[0, 0].astype(np.float32), (*uv.shape[:-1], channels))
    x = (nearest(wrap[0], uv[..., 0]) * side - 0.5).astype(np.float32)
    y = (nearest(wrap[1], 1 - uv[..., 1]) * side - 0.5).astype(np.float32)
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    x, y = (x - left)[..., None], (y - top)[..., None]
    table = picture.reshape(-1, channels)
    rows = [texel_at(wrap[1], row, side) * side for row in (top, top + 1)]
    columns = [texel_at(wrap[0], column, side) for column in (left, left + 1)]
    upper, lower = (table[row + columns[0]] * (1 - x) + table[row + columns[1]] * x for row in rows)
    return upper * (1 - y) + lower * y
