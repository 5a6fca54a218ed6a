"""The outside of glTF documents: chunks, version and what they require."""

import json
import struct
from collections.abc import Iterator
from typing import Any

from perturber.errors import InvalidInputError
from perturber.objects.reading.accessors import BrokenError
from perturber.objects.reading.files import listed

SUPPORTED = {
    "CESIUM_RTC", "EXT_instance_features", "EXT_lights_ies", "EXT_lights_image_based", "EXT_mesh_features",
    "EXT_mesh_gpu_instancing", "EXT_mesh_manifold", "EXT_structural_metadata", "KHR_animation_pointer",
    "KHR_lights_punctual", "KHR_mesh_quantization", "KHR_node_hoverability", "KHR_node_selectability",
    "KHR_node_visibility", "KHR_texture_transform", "KHR_xmp_json_ld",
    "EXT_meshopt_compression", "KHR_draco_mesh_compression", "KHR_meshopt_compression",
}  # fmt: skip
"""Extensions that are understood, or that change nothing of a shape at rest; it shows where they are used whether what
is compressed can be decoded."""

LOOKS = ("KHR_materials_", "KHR_technique")
"""Begin the names of extensions of materials, without which nothing is lost but how light plays on them."""

SHOWN = {"KHR_materials_" + name for name in ("emissive_strength", "pbrSpecularGlossiness", "unlit", "variants")}
"""Of these, those whose colour is taken."""

LISTS = (
    "accessors", "buffers", "bufferViews", "extensionsRequired", "extensionsUsed", "images", "materials", "meshes",
    "nodes", "samplers", "scenes", "skins", "textures",
)  # fmt: skip


def container(content: bytes, name: str) -> tuple[dict[str, Any], bytes | None]:
    """The document, and the binary chunk of a GLB; `name` is what to call it in errors."""
    binary = None
    if content[:4] == b"glTF":
        chunks = dict(reversed(list(_chunks(content, name))))  # of each kind the first
        content, binary = chunks.get(b"JSON", b""), chunks.get(b"BIN\0")
    try:
        tree = json.loads(content.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        raise BrokenError("its JSON cannot be read") from None
    if not isinstance(tree, dict):
        raise BrokenError("its JSON is not an object")
    asset = tree.get("asset")
    version = str(asset.get("version", "")) if isinstance(asset, dict) else ""
    if version.startswith(("0.", "1")) or (not version and isinstance(tree.get("meshes"), dict)):
        raise _older(name, version or "1.0")
    if not version.startswith("2."):
        raise BrokenError(f"its version is {version[:10]!r}")
    for key in LISTS:
        if not isinstance(tree.get(key, []), list):
            raise BrokenError(f"{key} is not a list")
    return tree, binary


def _older(name: str, version: str) -> InvalidInputError:
    return InvalidInputError(f"{name!r} is glTF {version[:10]}, of which only 2.0 can be read; export it as glTF 2.0.")


def _chunks(content: bytes, name: str) -> Iterator[tuple[bytes, bytes]]:
    version = struct.unpack_from("<I", content, 4)[0] if len(content) >= 12 else 0
    if version == 1:
        raise _older(name, "1.0")
    if version != 2:
        raise BrokenError("its container is not of version 2")
    place = 12
    while place + 8 <= len(content):
        length, kind = struct.unpack_from("<I4s", content, place)
        if place + 8 + length > len(content):
            raise BrokenError("it ends before it should")
        yield kind, content[place + 8 : place + 8 + length]
        place += 8 + length


def check(tree: dict[str, Any], name: str) -> None:
    """Refuse what needs an extension that changes geometry; of textures it shows where they are used."""
    known = SUPPORTED | _extensions(tree, "textures") | _extensions(tree, "materials")
    for extension in map(str, tree.get("extensionsRequired", [])):
        if extension not in known and not extension.startswith((*LOOKS, "EXT_texture_")):
            raise InvalidInputError(
                f"{name!r} needs the glTF extension {extension[:60]}, which is not supported; export it without."
            )


def left_out(tree: dict[str, Any]) -> list[str]:
    """A sentence for each kind of thing that a document has, and that is not shown."""
    notes = []
    said = {*map(str, tree.get("extensionsUsed", [])), *map(str, tree.get("extensionsRequired", []))}
    looks = {extension for extension in said if extension.startswith(LOOKS)} | _extensions(tree, "materials")
    if effects := sorted(looks - SHOWN):
        named = listed(effect[:60] for effect in effects)
        notes.append(f"Of its materials, only colour, transparency and emission are shown, not {named}.")
    if tree.get("animations"):
        notes.append("Its animations are not played; it is shown at rest.")
    return notes


def _extensions(tree: dict[str, Any], key: str) -> set[str]:
    """The names of the extensions that the objects of one of the document's lists have."""
    tables = [table.get("extensions") for table in tree.get(key, []) if isinstance(table, dict)]
    return {name for table in tables if isinstance(table, dict) for name in table}
