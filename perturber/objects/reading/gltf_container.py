"""The outside of glTF documents: chunks, version and what they require."""

import json
import struct
from collections.abc import Iterator
from typing import Any

from perturber.errors import InvalidInputError
from perturber.objects.reading.accessors import BrokenError

SUPPORTED = {
    "EXT_texture_webp", "KHR_lights_punctual", "KHR_mesh_quantization", "KHR_texture_transform",
    "KHR_materials_anisotropy", "KHR_materials_clearcoat", "KHR_materials_dispersion",
    "KHR_materials_emissive_strength", "KHR_materials_ior", "KHR_materials_iridescence",
    "KHR_materials_pbrSpecularGlossiness", "KHR_materials_sheen", "KHR_materials_specular",
    "KHR_materials_transmission", "KHR_materials_unlit", "KHR_materials_variants", "KHR_materials_volume",
}  # fmt: skip
"""Extensions without which nothing is lost but effects of light."""


def container(content: bytes) -> tuple[dict[str, Any], bytes | None]:
    """The document, and the binary chunk of a GLB."""
    binary = None
    if content[:4] == b"glTF":
        chunks = dict(reversed(list(_chunks(content))))  # of each kind the first
        content, binary = chunks.get(b"JSON", b""), chunks.get(b"BIN\0")
    try:
        tree = json.loads(content.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        raise BrokenError("its JSON cannot be read") from None
    if not isinstance(tree, dict):
        raise BrokenError("its JSON is not an object")
    for key in ("accessors", "buffers", "bufferViews", "images", "materials", "meshes", "nodes", "scenes", "skins"):
        if not isinstance(tree.get(key, []), list):
            raise BrokenError(f"{key} is not a list")
    return tree, binary


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(content) < 12 or struct.unpack_from("<I", content, 4)[0] != 2:
        raise BrokenError("only version 2 can be read")
    place = 12
    while place + 8 <= len(content):
        length, kind = struct.unpack_from("<I4s", content, place)
        if place + 8 + length > len(content):
            raise BrokenError("it ends before it should")
        yield kind, content[place + 8 : place + 8 + length]
        place += 8 + length


def check(tree: dict[str, Any], name: str) -> None:
    """Refuse what is of another version, or needs an extension that changes geometry."""
    asset = tree.get("asset")
    version = str(asset.get("version", "")) if isinstance(asset, dict) else ""
    if not version.startswith("2."):
        raise BrokenError(f"its version is {version[:10]!r}")
    required = tree.get("extensionsRequired", [])
    unknown = [e for e in required if e not in SUPPORTED] if isinstance(required, list) else []
    if unknown:
        raise InvalidInputError(
            f"{name!r} needs the glTF extension {str(unknown[0])[:60]}, which is not supported; "
            "export it without compression."
        )
