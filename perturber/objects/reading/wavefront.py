"""Wavefront OBJ: text → polygons, in the order of the file.

trimesh has a reader too. It takes relative indices from the end of the file instead of from the line that holds
them, regroups faces by material (a morph pair needs the file's order), fans concave polygons, and builds everything
before anyone can ask how much it is. So this format is read here; the tests compare it with trimesh where both agree.
"""

import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perturber.config import Settings
from perturber.errors import InvalidInputError

MAX_CORNERS = 1000
"""Corners of one polygon."""

_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*", re.MULTILINE)
_DIGITS = bytes(range(0x30, 0x3A)) + b"-+"


@dataclass(frozen=True, kw_only=True, eq=False)
class Wavefront:
    """Polygons of an OBJ file.

    Attributes:
        positions: (V, 3) float64.
        colours: (V, 3) float64 in [0, 1], or None.
        uv: (N, 2) float64, v upwards.
        normals: (M, 3) float64.
        counts: (P,) int64, corners of each polygon, at least 3.
        corners: (C, 3) int64, for each corner the indices of position, uv and normal; −1 where there is none.
        material: (P,) int64, indices of `names`.
        names: of materials; the first, empty, is of faces before any is named.
        libraries: names of MTL files.
    """

    positions: np.ndarray
    colours: np.ndarray | None
    uv: np.ndarray
    normals: np.ndarray
    counts: np.ndarray
    corners: np.ndarray
    material: np.ndarray
    names: tuple[str, ...]
    libraries: tuple[str, ...]


def read(content: bytes, name: str) -> Wavefront:
    """Read an OBJ file; what is not geometry or material in it is left out.

    Raises:
        InvalidInputError: no faces, too many, or something that cannot be understood.
    """
    limit = Settings().max_triangles
    if content.count(b"\n") + content.count(b"\r") > 11 * limit:
        raise InvalidInputError(f"{name!r} has too many lines for an object of at most {limit:,} triangles.")
    lines = _Lines(content)
    if len(lines.faces) > limit:
        raise InvalidInputError(f"{name!r} has {len(lines.faces):,} faces; at most {limit:,} triangles are allowed.")
    if not lines.faces:
        raise InvalidInputError(f"{name!r} has no faces.")
    for kind in (lines.positions, lines.uv, lines.normals):
        if len(kind) > 3 * limit:
            raise InvalidInputError(f"{name!r} has more vertices than {limit:,} triangles can use.")
    table = _numbers(lines.positions, name, "vertex", least=3)
    counts = np.fromiter((line.count(" ") + 1 for line in lines.faces), np.int64, len(lines.faces))
    _check_counts(counts, name)
    uv = _numbers(lines.uv, name, "texture coordinate", least=1)
    normals = _numbers(lines.normals, name, "normal", least=3)
    corners = _references(lines, counts, name)
    sizes = len(table), len(uv), len(normals)
    for column, (size, what) in enumerate(zip(sizes, ("vertex", "texture coordinate", "normal"), strict=True)):
        if corners[:, column].max() >= size:
            raise InvalidInputError(
                f"A face of {name!r} asks for {what} {corners[:, column].max() + 1:,}, but there are only {size:,}."
            )
    return Wavefront(
        positions=table[:, :3],
        colours=_colours(table),
        uv=np.pad(uv, ((0, 0), (0, 1)))[:, :2] if uv.shape[1] < 2 else uv[:, :2],
        normals=normals[:, :3],
        counts=counts,
        corners=corners,
        material=np.array(lines.material, np.int64),
        names=tuple(lines.names),
        libraries=tuple(lines.libraries),
    )


class _Lines:
    """The lines of a file by what they say, without their keyword, single spaces between words."""

    def __init__(self, content: bytes) -> None:
        self.positions: list[str] = []
        self.uv: list[str] = []
        self.normals: list[str] = []
        self.faces: list[str] = []
        self.before = array("q")  # lines of each of the three kinds before each face
        self.material: list[int] = []
        self.names: dict[str, int] = {"": 0}
        self.libraries: list[str] = []
        current = 0
        tables = {"v": self.positions, "vt": self.uv, "vn": self.normals}
        for line in self._split(content):
            keyword, _, rest = line.partition(" ")
            if keyword == "f":
                self.faces.append(rest)
                self.before.extend((len(self.positions), len(self.uv), len(self.normals)))
                self.material.append(current)
            elif keyword in tables:
                tables[keyword].append(rest)
            elif keyword == "usemtl":
                current = self.names.setdefault(rest, len(self.names))
            elif keyword == "mtllib":
                self.libraries.append(rest)

    @staticmethod
    def _split(content: bytes) -> Sequence[str]:
        text = content.decode("utf-8-sig", errors="replace")
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ")
        if "#" in text:
            text = _COMMENT.sub("", text)
        return [" ".join(line.split()) for line in text.split("\n")]


def _check_counts(counts: np.ndarray, name: str) -> None:
    limit = Settings().max_triangles
    if counts.min() < 3:
        raise InvalidInputError(f"{name!r} has a face of fewer than three corners.")
    if counts.max() > MAX_CORNERS:
        raise InvalidInputError(
            f"{name!r} has a face of {counts.max():,} corners; at most {MAX_CORNERS:,} are allowed."
        )
    if (triangles := int((counts - 2).sum())) > limit:
        raise InvalidInputError(f"{name!r} has {triangles:,} triangles; at most {limit:,} are allowed.")


def _numbers(lines: list[str], name: str, what: str, *, least: int) -> np.ndarray:
    """Rows of numbers: (N, columns), as many columns as every row has."""
    if not lines:
        return np.zeros((0, least))
    widths = np.fromiter((line.count(" ") + 1 if line else 0 for line in lines), np.int64, len(lines))
    columns = int(widths.min())
    if columns < least:
        short = lines[int(widths.argmin())]
        raise InvalidInputError(f"A {what} of {name!r} has too few numbers: {short[:40]!r}.")
    if widths.max() > columns:
        lines = [" ".join(line.split(" ", columns)[:columns]) for line in lines]
    try:
        flat = np.fromiter(map(float, " ".join(lines).split(" ")), np.float64, len(lines) * columns)
    except ValueError as error:
        raise InvalidInputError(f"A {what} of {name!r} is not a number ({str(error)[-60:]}).") from None
    table = flat.reshape(-1, columns)
    if not (finite := np.isfinite(table).all(1)).all():
        raise InvalidInputError(f"A {what} of {name!r} is not a finite number: {lines[int(finite.argmin())][:60]!r}.")
    return table


def _colours(table: np.ndarray) -> np.ndarray | None:
    """Colours that follow the coordinates, as several programs write them, in 0…1 or 0…255."""
    if table.shape[1] < 6:
        return None
    colours = table[:, 3:6]
    if colours.min() < 0:
        return None
    return np.clip(colours / 255 if colours.max() > 1.5 else colours, 0, 1)


def _references(lines: _Lines, counts: np.ndarray, name: str) -> np.ndarray:
    """Indices (C, 3) from 0 of every corner's position, uv and normal; −1 where there is none."""
    text = " ".join(lines.faces)
    try:
        indices = _uniform(text.encode("ascii"), int(counts.sum()))
        if indices is None:
            indices = np.array([_corner(word) for word in text.split(" ")], np.int64)
    except (ValueError, OverflowError):
        raise InvalidInputError(
            f"A face of {name!r} cannot be read; its corners must be like 1, 1/2, 1//3 or 1/2/3."
        ) from None
    relative = indices < 0
    if relative.any():
        before = np.repeat(np.array(lines.before, np.int64).reshape(-1, 3), counts, axis=0)
        indices = np.where(relative, before + indices, indices - 1)
        if (relative & (indices < 0)).any():
            raise InvalidInputError(f"A face of {name!r} refers to something before the start of the file.")
    else:
        indices -= 1
    if (indices[:, 0] < 0).any():
        raise InvalidInputError(f"A face of {name!r} has a corner without a vertex; the first one has the number 1.")
    return indices


def _uniform(text: bytes, corners: int) -> np.ndarray | None:
    """The quick way (C, 3) for files that write every corner alike; None where they do not."""
    skeleton = text.translate(None, _DIGITS)
    columns: tuple[int, ...]
    if skeleton == b" " * (corners - 1):
        columns = (0,)
    elif skeleton == b" ".join([b"/"] * corners):
        columns = (0, 1)
    elif skeleton == b" ".join([b"//"] * corners):
        columns = (0, 1, 2)
        if text.count(b"//") == corners:
            text, columns = text.replace(b"//", b"/"), (0, 2)
    else:
        return None
    words = text.replace(b"/", b" ").split(b" ")
    if len(words) != corners * len(columns):
        return None
    indices = np.zeros((corners, 3), np.int64)
    indices[:, columns] = np.fromiter(map(int, words), np.int64, len(words)).reshape(corners, -1)
    return indices


def _corner(word: str) -> tuple[int, int, int]:
    first, *others = word.split("/")
    if len(others) > 2:
        raise ValueError(word)
    numbers = [int(first), *(int(other) if other else 0 for other in others)]
    return tuple(numbers + [0] * (3 - len(numbers)))  # type: ignore[return-value]
