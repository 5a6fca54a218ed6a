"""Draco's meshes in glTF documents (KHR_draco_mesh_compression), where the extra ``draco`` is installed.

Written against the extension's text and Draco's bitstream specification 2.2 (google.github.io/draco/spec).
"""

from importlib.util import find_spec
from typing import Any

from perturber.errors import InvalidInputError
from perturber.objects.reading.accessors import BrokenError, Buffers, entry, number, table

EXTENSION = "KHR_draco_mesh_compression"

MESH, EDGEBREAKER, METADATA = 1, 1, 0x8000


def decode(primitive: dict[str, Any], name: str, buffers: Buffers) -> None:
    """Hand a primitive's decoded attributes and triangles to `buffers`; nothing where it is not compressed.

    Args:
        primitive: of a document, whose accessors say what comes out.
        name: of the document's file.
        buffers: of the document.

    Raises:
        InvalidInputError: it is compressed, and cannot be decoded here.
        BrokenError: the data are not what the accessors say.
    """
    extension = table(primitive, "extensions").get(EXTENSION)
    if extension is None:
        return
    attributes, packed = table(primitive, "attributes"), table({EXTENSION: extension}, EXTENSION)
    accessor = entry(buffers.tree, "accessors", attributes.get("POSITION"))
    if find_spec("DracoPy") is None:
        if "bufferView" in accessor:  # not required: a plain copy stands beside
            return
        raise InvalidInputError(
            f"{name!r} is compressed with Draco ({EXTENSION}), which needs an extra: pip install 'perturber[draco]'. "
            "Or export it without compression."
        )
    import DracoPy

    content = bytes(buffers.view(packed.get("bufferView")))
    faces, points = _counts(content)
    corners = number(entry(buffers.tree, "accessors", primitive.get("indices")), "count")
    if 3 * faces != corners or points > 3 * faces:
        raise BrokenError("its Draco data hold another mesh than it says")
    try:
        mesh = DracoPy.decode(content)
        buffers.decoded[primitive["indices"]] = mesh.faces
        for key, which in table(packed, "attributes").items():
            if key in attributes:
                buffers.decoded[attributes[key]] = mesh.get_attribute_by_unique_id(which)["data"]
    except Exception as error:  # what the decoder raises on broken data is not documented
        raise BrokenError("its Draco data cannot be decoded") from error


def _counts(content: bytes) -> tuple[int, int]:
    """Triangles, and the most vertices that come of them, by the head of the data; before anything is decoded."""
    if content[:7] != b"DRACO\2\2" or len(content) < 32 or content[7] != MESH:
        raise BrokenError("its Draco data are not a mesh of bitstream 2.2")
    if int.from_bytes(content[9:11], "little") & METADATA:
        raise BrokenError("its Draco data begin with metadata, which cannot be read")
    if content[8] == EDGEBREAKER:
        points, place = _varint(content, 12)
        return _varint(content, place)[0], points
    faces, place = _varint(content, 11)
    return faces, _varint(content, place)[0]


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and where it ends."""
    value = 0
    for shift in range(0, 35, 7):
        value |= (content[place] & 127) << shift
        place += 1
        if content[place - 1] < 128:
            break
    return value, place
