"""Files as users bring them, made on the spot."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from perturber.objects import MorphPair
from perturber.objects.reading import Roles, Upload, read_object

CUBE = """\
v -1 -1 -1
v 1 -1 -1
v 1 1 -1
v -1 1 -1
v -1 -1 1
v 1 -1 1
v 1 1 1
v -1 1 1
f 4 3 2 1
f 5 6 7 8
f 1 2 6 5
f 3 4 8 7
f 1 5 8 4
f 2 3 7 6
"""

QUAD = """\
v -1 -1 0
v 1 -1 0
v 1 1 0
v -1 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
f 1/1 2/2 3/3 4/4
"""

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)


def read(files: Mapping[str, bytes | str], **roles: str) -> MorphPair:
    """Read files as an object, without a store."""
    contents = {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}
    return read_object(Upload.of(contents, Roles(**roles)), name="own-test", label="Test")


def picture(pixels: Any, *, format: str = "PNG") -> bytes:
    """A picture file of an array, or of one colour."""
    array = np.asarray(pixels, np.uint8)
    if array.ndim == 1:
        array = np.broadcast_to(array, (16, 16, len(array)))
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(file, format=format)
    return file.getvalue()


def corners(size: int = 64) -> bytes:
    """Red, green (top), blue, yellow (bottom) quarters."""
    quarters = np.array([[RED, GREEN], [BLUE, YELLOW]], np.uint8)
    return picture(quarters.repeat(size // 2, 0).repeat(size // 2, 1))


def zipped(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def texel(pair: MorphPair, uv: np.ndarray, which: int = 0) -> np.ndarray:
    """Nearest texel of the texture at places (..., 2), v upwards, repeating."""
    texture = pair.textures[which]
    side = len(texture)
    column = np.floor(uv[..., 0] * side).astype(int) % side
    row = np.floor((1 - uv[..., 1]) * side).astype(int) % side
    return texture[row, column]


def triangles(pair: MorphPair, which: int = 0) -> np.ndarray:
    """(F, 3, 3)"""
    return pair.positions[which][pair.faces].astype(float)


class Gltf:
    """Builds a glTF document piece by piece."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {
            "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
            "meshes": [{"primitives": [{"attributes": {}}]}], "accessors": [], "bufferViews": [], "buffers": [],
        }  # fmt: skip
        self.binary = b""

    @property
    def primitive(self) -> dict[str, Any]:
        return self.tree["meshes"][0]["primitives"][0]

    def view(self, content: bytes) -> int:
        self.tree["bufferViews"].append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(content)})
        self.binary += content + bytes(-len(content) % 4)
        return len(self.tree["bufferViews"]) - 1

    def accessor(self, values: Any, dtype: str = "<f4", **more: Any) -> int:
        array = np.asarray(values, dtype)
        kind = {"<i1": 5120, "<u1": 5121, "<i2": 5122, "<u2": 5123, "<u4": 5125, "<f4": 5126}[dtype]
        shape = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}[array.reshape(len(array), -1).shape[1]]
        entry = {"bufferView": self.view(array.tobytes()), "componentType": kind, "count": len(array), "type": shape}
        self.tree["accessors"].append({**entry, **more})
        return len(self.tree["accessors"]) - 1

    def image(self, content: bytes) -> int:
        self.tree.setdefault("images", []).append({"bufferView": self.view(content), "mimeType": "image/png"})
        self.tree.setdefault("textures", []).append({"source": len(self.tree["images"]) - 1})
        return len(self.tree["textures"]) - 1

    def quad(self) -> "Gltf":
        """A square that faces +z with texture coordinates, v downwards as in glTF."""
        self.primitive["attributes"] = {
            "POSITION": self.accessor([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]),
            "TEXCOORD_0": self.accessor([[0, 1], [1, 1], [1, 0], [0, 0]]),
        }
        self.primitive["indices"] = self.accessor([0, 1, 2, 0, 2, 3], "<u2")
        return self

    def material(self, **table: Any) -> "Gltf":
        """Gives the primitive a material of its own."""
        self.tree.setdefault("materials", []).append(table)
        self.primitive["material"] = len(self.tree["materials"]) - 1
        return self

    def glb(self) -> bytes:
        self.tree["buffers"] = [{"byteLength": len(self.binary)}]
        text = json.dumps(self.tree).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        chunks += struct.pack("<I4s", len(self.binary), b"BIN\0") + self.binary
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def gltf(self, uri: str) -> bytes:
        self.tree["buffers"] = [{"byteLength": len(self.binary), "uri": uri}]
        return json.dumps(self.tree).encode()
