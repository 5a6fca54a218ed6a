"""glTF's accessors: typed arrays within buffers, read with every bound checked first."""

import base64
import binascii
from typing import Any

import numpy as np

from perturber.errors import InvalidInputError
from perturber.objects.reading.files import PICTURES, Files, extension, names_in

COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
SHAPES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}

MESHOPT = frozenset(("EXT_meshopt_compression", "KHR_meshopt_compression"))
"""Names of the compression of bufferViews; where a document does not require it, a plain copy stands beside."""


class BrokenError(Exception):
    """The document contradicts itself; the message says where."""


def entry(tree: Any, key: str, index: Any) -> dict[str, Any]:
    """One object of a list of the document."""
    items = tree.get(key) if isinstance(tree, dict) else None
    if not isinstance(items, list) or not _whole(index) or index >= len(items) or not isinstance(items[index], dict):
        raise BrokenError(f"there is no {key}[{str(index)[:20]}]")
    return items[index]


def table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    """An object within an object; empty where it is missing."""
    value = parent.get(key, {})
    if not isinstance(value, dict):
        raise BrokenError(f"{key} is not an object")
    return value


def number(parent: dict[str, Any], key: str, default: int | None = None) -> int:
    """A whole number from 0."""
    value = parent.get(key, default)
    if not isinstance(value, int) or not _whole(value):
        raise BrokenError(f"{key} is not a whole number")
    return value


def numbers(parent: dict[str, Any], key: str, count: int, default: tuple[float, ...] = ()) -> np.ndarray:
    """A list of finite numbers."""
    value = parent.get(key, default)
    if not isinstance(value, list | tuple) or len(value) != count:
        raise BrokenError(f"{key} does not have {count} numbers")
    if not all(isinstance(v, int | float) and abs(v) < 1e30 for v in value):
        raise BrokenError(f"{key} does not have {count} finite numbers")
    return np.array(value, np.float64)


def indices(parent: dict[str, Any], key: str) -> list[Any]:
    """A list of whole numbers; empty where it is missing."""
    value = parent.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
        raise BrokenError(f"{key} is not a list of numbers")
    return value


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**40


class Buffers:
    """The document's binary data.

    Args:
        tree: the document.
        files: where buffers and pictures that are files of their own are looked up; nothing else is read.
        binary: the binary chunk of a GLB file.

    Attributes:
        decoded: values of accessors whose data are compressed, once somebody has decoded them.

    Raises:
        InvalidInputError: a file that the document asks for was not given.
    """

    def __init__(self, tree: dict[str, Any], files: Files, binary: bytes | None) -> None:
        self.tree = tree
        self.files = files
        self.contents: list[memoryview] = []
        self.decoded: dict[int, np.ndarray] = {}
        self._pictures: dict[int, bytes] = {}
        for i, buffer in enumerate(tree.get("buffers", [])):
            if not isinstance(buffer, dict):
                raise BrokenError("a buffer is not an object")
            if "uri" in buffer:
                self.contents.append(memoryview(self.uri(buffer["uri"])))
            elif i == 0 and binary is not None:
                self.contents.append(memoryview(binary))
            else:
                self.contents.append(memoryview(b""))

    def uri(self, uri: object) -> bytes:
        """What a URI stands for: data within it, or one of the given files."""
        if not isinstance(uri, str):
            raise BrokenError("a URI is not text")
        if uri.startswith("data:"):
            head, _, data = uri.partition(",")
            if not head.endswith(";base64"):
                raise BrokenError("a data URI is not base64")
            try:
                return base64.b64decode(data)
            except (binascii.Error, ValueError):
                raise BrokenError("a data URI is broken") from None
        found = None if "://" in uri else self.files.find(uri)
        if found is None:
            unread = set(names_in(uri)).intersection(self.files.unread)
            why = "of a kind that cannot be read" if unread else "not among the files given"
            raise InvalidInputError(f"The object refers to {uri[:80]!r}, which is {why}.")
        return self.files[found]

    def may_be_read(self, index: Any) -> bool:
        """Whether an image lies in the document, or in a file of a kind that is taken."""
        uri = entry(self.tree, "images", index).get("uri")
        return not isinstance(uri, str) or uri.startswith("data:") or extension(uri) in PICTURES

    def picture(self, index: Any) -> bytes:
        """The content of an image; one object however often it is asked for."""
        image = entry(self.tree, "images", index)
        if index not in self._pictures:
            uri = image.get("uri")
            self._pictures[index] = bytes(self.view(image.get("bufferView"))) if uri is None else self.uri(uri)
        return self._pictures[index]

    def view(self, index: Any) -> memoryview:
        """The bytes of a bufferView."""
        view = entry(self.tree, "bufferViews", index)
        buffer = number(view, "buffer")
        content = self.contents[buffer] if buffer < len(self.contents) else memoryview(b"")
        start, length = number(view, "byteOffset", 0), number(view, "byteLength")
        packed = MESHOPT.intersection(table(view, "extensions"))
        if packed and (start + length > len(content) or packed.intersection(self.tree.get("extensionsRequired", []))):
            raise InvalidInputError(
                f"The object is compressed with meshopt ({min(packed)}), which is not supported; "
                "export it without compression."
            )
        if start + length > len(content):
            raise BrokenError(f"bufferViews[{index}] ends beyond its buffer")
        return content[start : start + length]

    def array(self, index: Any, *, columns: int, count: int | None = None, most: int) -> np.ndarray:
        """An accessor's values (count, columns): float64 where normalised or float, else int64.

        Args:
            index: of the accessor.
            columns: components that an item has.
            count: items that there are; None leaves it to the accessor.
            most: items that are allowed.
        """
        accessor = entry(self.tree, "accessors", index)
        dtype, components = _type(accessor)
        items = number(accessor, "count")
        if components != columns or (count is not None and items != count):
            raise BrokenError(f"accessors[{index}] does not fit its use")
        if items > most:
            raise BrokenError(f"accessors[{index}] has more items than are allowed")
        if index in self.decoded:
            if self.decoded[index].size != items * columns:
                raise BrokenError(f"accessors[{index}] does not fit its compressed data")
            values = self.decoded[index].astype(dtype).reshape(items, columns)
        elif "bufferView" in accessor:
            values = self._items(accessor, items, dtype, columns)
        else:
            values = np.zeros((items, columns), dtype)
        if "sparse" in accessor:
            values = self._sparse(accessor["sparse"], values)
        if dtype.kind == "f":
            return values.astype(np.float64)
        if accessor.get("normalized") is True:
            return np.maximum(values / np.iinfo(dtype).max, -1.0)
        return values.astype(np.int64)

    def _items(self, source: dict[str, Any], count: int, dtype: np.dtype, columns: int) -> np.ndarray:
        content = self.view(source.get("bufferView"))
        view = entry(self.tree, "bufferViews", source.get("bufferView"))
        row = dtype.itemsize * columns
        start, stride = number(source, "byteOffset", 0), number(view, "byteStride", row) or row
        if count == 0:
            return np.zeros((0, columns), dtype)
        if stride < row or start + (count - 1) * stride + row > len(content):
            raise BrokenError("an accessor ends beyond its bufferView")
        raw = np.frombuffer(content, np.uint8)[start:]
        rows = np.lib.stride_tricks.as_strided(raw, (count, row), (stride, 1), writeable=False)
        return np.ascontiguousarray(rows).view(dtype).reshape(count, columns)

    def _sparse(self, sparse: Any, values: np.ndarray) -> np.ndarray:
        if not isinstance(sparse, dict) or not all(isinstance(sparse.get(k), dict) for k in ("indices", "values")):
            raise BrokenError("a sparse accessor is incomplete")
        count = number(sparse, "count")
        if count > len(values):
            raise BrokenError("a sparse accessor replaces more than there is")
        kind, _ = _type({**sparse["indices"], "type": "SCALAR"})
        where = self._items(sparse["indices"], count, kind, 1)[:, 0].astype(np.int64)
        if count and (where.min() < 0 or where.max() >= len(values)):
            raise BrokenError("a sparse accessor replaces what is not there")
        values = values.copy()
        values[where] = self._items(sparse["values"], count, values.dtype, values.shape[1])
        return values


def _type(accessor: dict[str, Any]) -> tuple[np.dtype, int]:
    component, shape = accessor.get("componentType"), accessor.get("type")
    if (
        not isinstance(component, int)
        or component not in COMPONENTS
        or not isinstance(shape, str)
        or shape not in SHAPES
    ):
        raise BrokenError("an accessor has no known type")
    return np.dtype(COMPONENTS[component]), SHAPES[shape]
