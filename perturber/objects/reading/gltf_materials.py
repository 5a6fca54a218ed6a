"""Materials of glTF documents: what of them is colour, transparency and emission."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perturber.errors import InvalidInputError
from perturber.objects.reading.accessors import BrokenError, Buffers, entry, numbers
from perturber.objects.reading.accessors import table as subtable
from perturber.objects.reading.files import listed
from perturber.objects.reading.paint import to_srgb
from perturber.objects.reading.surface import Material
from perturber.objects.reading.wrapping import Wrap
from perturber.pictures import size_of

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


def material(tree: dict[str, Any], index: int | None, buffers: Buffers, notes: list[str]) -> tuple[Material, Uv]:
    """One material of a document, or the default one, which is opaque.

    Args:
        tree: the document.
        index: of the material; None means the default one.
        buffers: of the document.
        notes: gets a sentence for each thing that is left out.

    Raises:
        InvalidInputError: a picture that was not given, or of a required format that cannot be read.
    """
    if index is None:
        return Material(opaque=True), Uv()
    table = entry(tree, "materials", index)
    pbr, extensions = subtable(table, "pbrMetallicRoughness"), subtable(table, "extensions")
    factor, texture = pbr.get("baseColorFactor"), pbr.get("baseColorTexture")
    older = subtable(extensions, "KHR_materials_pbrSpecularGlossiness")
    if older:
        factor, texture = older.get("diffuseFactor"), older.get("diffuseTexture")
    mode = table.get("alphaMode", "OPAQUE")
    red, green, blue, alpha = _factor(factor)
    picture = _picture(tree, texture, buffers, notes)
    made = Material(
        colour=(red, green, blue, alpha if mode in ("MASK", "BLEND") else 1.0),
        picture=picture,
        opaque=mode not in ("MASK", "BLEND"),
        cutoff=_number(table.get("alphaCutoff", 0.5)) if mode == "MASK" else None,
        both_sides=table.get("doubleSided") is True,
        wrap=_wrap(tree, texture),
        name=str(table.get("name", index))[:60],
    )
    if "KHR_materials_unlit" in extensions:  # shows its colour and nothing else
        return made, _uv(texture)
    return _with_emission(made, texture, table, tree, buffers, notes)


def _with_emission(
    made: Material, texture: Any, table: dict[str, Any], tree: dict[str, Any], buffers: Buffers, notes: list[str]
) -> tuple[Material, Uv]:
    """The material with what it emits, and the texture coordinates of its pictures."""
    strength = subtable(subtable(table, "extensions"), "KHR_materials_emissive_strength").get("emissiveStrength", 1.0)
    light = np.clip(numbers(table, "emissiveFactor", 3, (0, 0, 0)), 0, 1) * max(_number(strength), 0.0)
    if not light.any():
        return made, _uv(texture)
    shining = table.get("emissiveTexture")
    glow = _picture(tree, shining, buffers, notes)
    if shining is not None and glow is None:
        return made, _uv(texture)
    notes.append("What a material emits is shown as colour, which shadows darken.")
    red, green, blue = light.tolist()
    made = replace(made, glow=(red, green, blue), glow_picture=glow)
    if made.picture is None and glow is not None:
        return replace(made, wrap=_wrap(tree, shining)), _uv(shining)
    if glow is not None and (_uv(shining), _wrap(tree, shining)) != (_uv(texture), made.wrap):
        notes[-1] = f"The emission of the material {made.name!r} lies otherwise than its colour, and is left out."
        return replace(made, glow=(0.0, 0.0, 0.0), glow_picture=None), _uv(texture)
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


def _picture(tree: dict[str, Any], texture: Any, buffers: Buffers, notes: list[str]) -> bytes | None:
    """The content of the picture that a texture shows; None without a texture, and where it has to be left out.

    Extensions give it in other formats; where none of those can be read, the plain one is what they fall back on.
    """
    if texture is None:
        return None
    if not isinstance(texture, dict):
        raise BrokenError("a texture is not an object")
    source = entry(tree, "textures", texture.get("index"))
    others = {
        name: extension["source"]
        for name, extension in subtable(source, "extensions").items()
        if isinstance(extension, dict) and "source" in extension
    }
    for index in others.values():
        content = buffers.picture(index) if buffers.may_be_read(index) else b""
        if size_of(content) is not None:
            return content
    if "source" in source:
        return buffers.picture(source["source"])
    named = listed(name[:60] for name in others)
    if any(name in tree.get("extensionsRequired", []) for name in others):
        raise InvalidInputError(
            f"The object needs textures that cannot be read ({named}); export it with PNG or JPEG textures."
        )
    notes.append(
        f"A texture that cannot be read ({named}) is left out; export it as PNG or JPEG."
        if others
        else "A texture has no picture and is left out."
    )
    return None


def _wrap(tree: dict[str, Any], texture: Any) -> tuple[Wrap, Wrap]:
    """How the picture of a texture goes on beyond its edges."""
    if texture is None:
        return "repeat", "repeat"
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
