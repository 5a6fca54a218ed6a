"""Materials of glTF documents: what of them is colour and transparency."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from perturber.objects.reading.accessors import BrokenError, Buffers, entry
from perturber.objects.reading.accessors import table as subtable
from perturber.objects.reading.surface import Material
from perturber.objects.reading.wrapping import Wrap

WRAPS: dict[str, Wrap] = {"33071": "clamp", "33648": "mirror"}
"""OpenGL's numbers, as text, for how a picture goes on; anything else repeats."""


@dataclass(frozen=True, kw_only=True)
class Uv:
    """Which texture coordinates a material reads, and how (KHR_texture_transform).

    Attributes:
        set: name of the attribute.
        offset, scale: of u and v, which run downwards here.
        rotation: in radians.
    """

    set: str = "TEXCOORD_0"
    offset: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (1.0, 1.0)
    rotation: float = 0.0

    def upwards(self, uv: np.ndarray) -> np.ndarray:
        """Coordinates (N, 2) as the texture reads them, v upwards."""
        s, c = np.sin(self.rotation), np.cos(self.rotation)
        u, v = (uv * self.scale).T
        return np.stack((c * u + s * v + self.offset[0], 1 - (c * v - s * u + self.offset[1])), 1)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light → sRGB (IEC 61966-2-1), both in [0, 1]."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def material(tree: dict[str, Any], index: int | None, buffers: Buffers) -> tuple[Material, Uv]:
    """One material of a document, or the default one."""
    if index is None:
        return Material(), Uv()
    table = entry(tree, "materials", index)
    pbr = subtable(table, "pbrMetallicRoughness")
    factor, texture = pbr.get("baseColorFactor"), pbr.get("baseColorTexture")
    older = subtable(subtable(table, "extensions"), "KHR_materials_pbrSpecularGlossiness")
    if older:
        factor, texture = older.get("diffuseFactor"), older.get("diffuseTexture")
    mode = table.get("alphaMode", "OPAQUE")
    colour = _factor(factor)
    made = Material(
        colour=colour if mode in ("MASK", "BLEND") else (*colour[:3], 1.0),
        picture=None if texture is None else _picture(tree, texture, buffers),
        opaque=mode not in ("MASK", "BLEND"),
        cutoff=_number(table.get("alphaCutoff", 0.5)) if mode == "MASK" else None,
        both_sides=table.get("doubleSided") is True,
        wrap=("repeat", "repeat") if texture is None else _wrap(tree, texture),
        name=str(table.get("name", index))[:60],
    )
    return made, _uv(texture)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise BrokenError("a material has something that is not a number")
    return float(value)


def _factor(value: Any) -> tuple[float, float, float, float]:
    if value is None:
        return (1.0, 1.0, 1.0, 1.0)
    if not isinstance(value, list) or len(value) != 4:
        raise BrokenError("a material's colour does not have four numbers")
    r, g, b, a = (min(max(_number(v), 0.0), 1.0) for v in value)
    red, green, blue = to_srgb(np.array([r, g, b])).tolist()
    return red, green, blue, a


def _picture(tree: dict[str, Any], texture: Any, buffers: Buffers) -> bytes:
    """The content of the picture that a texture shows."""
    if not isinstance(texture, dict):
        raise BrokenError("a texture is not an object")
    source = entry(tree, "textures", texture.get("index"))
    return buffers.picture(
        subtable(subtable(source, "extensions"), "EXT_texture_webp").get("source", source.get("source"))
    )


def _wrap(tree: dict[str, Any], texture: Any) -> tuple[Wrap, Wrap]:
    """How the picture of a texture goes on beyond its edges."""
    source = entry(tree, "textures", texture.get("index"))
    sampler = entry(tree, "samplers", source["sampler"]) if "sampler" in source else {}
    u, v = (WRAPS.get(str(sampler.get(key)), "repeat") for key in ("wrapS", "wrapT"))
    return u, v


def _uv(texture: Any) -> Uv:
    if not isinstance(texture, dict):
        return Uv()
    transform = subtable(subtable(texture, "extensions"), "KHR_texture_transform")
    number = transform.get("texCoord", texture.get("texCoord", 0))
    pairs = []
    for key, default in (("offset", [0, 0]), ("scale", [1, 1])):
        value = transform.get(key, default)
        if not isinstance(value, list) or len(value) != 2:
            raise BrokenError(f"{key} does not have two numbers")
        pairs.append((_number(value[0]), _number(value[1])))
    rotation = _number(transform.get("rotation", 0.0))
    return Uv(set=f"TEXCOORD_{number}", offset=pairs[0], scale=pairs[1], rotation=rotation)
