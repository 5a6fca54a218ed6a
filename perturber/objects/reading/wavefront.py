"""Wavefront OBJ: text → polygons, in the order of the file.

trimesh has a reader too. It takes relative indices from the end of the file instead of from the line that holds
them, regroups faces by material (a morph pair needs the file's order), fans concave polygons, and builds everything
before anyone can ask how much it is. So this format is read here; the tests compare it with trimesh where both agree.
"""

from array import array
from collections import Counter
from dataclasses import dataclass

import numpy as np

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.objects.reading.text import lines as lines_of
from perturber.objects.reading.text import within_limit

MAX_CORNERS = 1000
"""Corners of one polygon."""

MAX_LIBRARIES = 100
"""Statements of MTL files that differ."""

DATA = ("v", "vt", "vn", "f", "fo")
"""What is followed by numbers, up to a comment; elsewhere a ``#`` may belong to a name."""

NOT_FACES = {"p": "points", "l": "lines", "curv": "curves", "curv2": "curves", "surf": "curved surfaces"}
"""What else may be in such a file."""

NOWHERE = np.iinfo(np.int64).max
"""Index of what a face counts back to before the start of the file."""

_DIGITS = bytes(range(0x30, 0x3A)) + b"-+"


@dataclass(frozen=True, kw_only=True, eq=False)
class Wavefront:
    """Polygons of an OBJ file.

    Attributes:
        positions: (V, 3) float64; finite where a polygon uses them.
        colours: (V, 3) float64 in [0, 1], NaN where a vertex has none; or None.
        uv: (N, 2) float64, v upwards; NaN where the file has something else than numbers.
        normals: (M, 3) float64; NaN likewise.
        counts: (P,) int64, corners of each polygon, at least 3.
        corners: (C, 3) int64, for each corner the indices of position, uv and normal; −1 where there is none.
        material: (P,) int64, indices of `names`.
        names: of materials; the first, empty, is of faces before any is named.
        libraries: what the file says of its MTL files, a statement each.
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


def read(content: bytes, name: str, notes: list[str]) -> Wavefront:
    """Read an OBJ file.

    Args:
        content: the file.
        name: what to call it in errors.
        notes: gets a sentence for each thing that was left out, changed or guessed.

    Raises:
        InvalidInputError: no faces, too many, or something that cannot be understood.
    """
    limit = Settings().max_triangles
    if content.count(b"\n") + content.count(b"\r") > 11 * limit:
        raise InvalidInputError(f"{name!r} has too many lines for an object of at most {limit:,} triangles.")
    lines = _Lines(content, name)
    if len(lines.faces) > limit:
        raise InvalidInputError(f"{name!r} has {len(lines.faces):,} faces; at most {limit:,} triangles are allowed.")
    if len(lines.libraries) > MAX_LIBRARIES:
        raise InvalidInputError(f"{name!r} names more than {MAX_LIBRARIES} .mtl files.")
    if not lines.faces:
        others = " and ".join(sorted(lines.others)) or "faces of fewer than three corners" * bool(lines.short)
        only = f", only {others}" if others else ""
        raise InvalidInputError(f"{name!r} has no faces{only}; export its surface as polygons.")
    for kind in (lines.positions, lines.uv, lines.normals):
        if len(kind) > 3 * limit:
            raise InvalidInputError(f"{name!r} has more vertices than {limit:,} triangles can use.")
    notes += (f"Its {what} ({count:,}) are left out; only faces can be shown." for what, count in lines.others.items())
    table = _numbers(lines.positions, 6)
    uv = _numbers(lines.uv, 2, missing=0.0)
    normals = _numbers(lines.normals, 3)
    counts = np.fromiter((line.count(" ") + 1 for line in lines.faces), np.int64, len(lines.faces))
    _check_counts(counts, name)
    corners = _references(lines, counts, name)
    if corners[:, 0].max() >= len(table):
        raise InvalidInputError(
            f"A face of {name!r} asks for vertex {corners[:, 0].max() + 1:,}, but there are only {len(table):,}."
        )
    _drop_broken(corners, 1, uv, "texture coordinates", notes)
    _drop_broken(corners, 2, normals, "normals", notes)
    kept, counts, corners = _proper(counts, corners, lines.short, notes)
    if not len(counts):
        raise InvalidInputError(f"{name!r} has no face of three different corners.")
    used = np.unique(corners[:, 0])
    _check_vertices(table[:, :3], used, lines.positions, name, notes)
    return Wavefront(
        positions=table[:, :3],
        colours=_colours(table[:, 3:], used, notes),
        uv=uv,
        normals=normals,
        counts=counts,
        corners=corners,
        material=np.array(lines.material, np.int64)[kept],
        names=tuple(lines.names),
        libraries=tuple(lines.libraries),
    )


class _Lines:
    """The lines of a file by what they say, without their keyword; numbers with single spaces between them."""

    def __init__(self, content: bytes, name: str) -> None:
        self.positions: list[str] = []
        self.uv: list[str] = []
        self.normals: list[str] = []
        self.faces: list[str] = []
        self.before = array("q")  # lines of each of the three kinds before each face
        self.material: list[int] = []
        self.names: dict[str, int] = {"": 0}
        self.libraries: dict[str, None] = {}
        self.short = 0  # faces of fewer than three corners
        self.others: Counter[str] = Counter()
        current = 0
        tables = {"v": self.positions, "vt": self.uv, "vn": self.normals}
        for line in lines_of(content):
            keyword, *words = line.split() or [""]
            keyword = keyword.lower()
            if keyword in DATA:
                if "#" in line:
                    words = line.partition("#")[0].split()[1:]
                if keyword in tables:
                    tables[keyword].append(" ".join(words))
                elif len(words) < 3:
                    self.short += 1
                else:
                    self.faces.append(" ".join(words))
                    self.before.extend((len(self.positions), len(self.uv), len(self.normals)))
                    self.material.append(current)
            elif keyword in ("usemtl", "mtllib"):
                rest = within_limit(line, name).strip()[len(keyword) :].lstrip()
                if keyword == "mtllib":
                    self.libraries[rest] = None
                else:
                    current = self.names.setdefault(rest, len(self.names))
            elif keyword in NOT_FACES:
                self.others[NOT_FACES[keyword]] += 1


def _proper(
    counts: np.ndarray, corners: np.ndarray, short: int, notes: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Polygons without corners that the next one repeats: those that are left (P,) bool, their counts, and corners."""
    owner = np.repeat(np.arange(len(counts)), counts)
    following = np.arange(len(corners)) + 1
    following[np.cumsum(counts) - 1] = np.cumsum(counts) - counts
    differs = corners[:, 0] != corners[following, 0]
    left = np.bincount(owner[differs], minlength=len(counts))
    kept = left >= 3
    if dropped := short + int((~kept).sum()):
        notes.append(f"Faces of fewer than three different corners ({dropped:,}) are left out.")
    if repeating := int((kept & (left < counts)).sum()):
        notes.append(f"Faces that name a corner twice in a row ({repeating:,}) have it once.")
    return kept, left[kept], corners[differs & kept[owner]]


def _check_counts(counts: np.ndarray, name: str) -> None:
    limit = Settings().max_triangles
    if counts.max() > MAX_CORNERS:
        raise InvalidInputError(
            f"{name!r} has a face of {counts.max():,} corners; at most {MAX_CORNERS:,} are allowed."
        )
    if (triangles := int((counts - 2).sum())) > limit:
        raise InvalidInputError(f"{name!r} has {triangles:,} triangles; at most {limit:,} are allowed.")


def _check_vertices(positions: np.ndarray, used: np.ndarray, lines: list[str], name: str, notes: list[str]) -> None:
    broken = np.isnan(positions).any(1)
    if len(wrong := used[broken[used]]):
        words = lines[int(wrong[0])].split(" ")[:3]
        if len(words) < 3:
            what = "has too few numbers"
        else:
            what = "is not a number" if any(_number(word) is None for word in words) else "is not a finite number"
        raise InvalidInputError(f"A vertex of {name!r} {what}: {' '.join(words)[:60]!r}.")
    if broken.any():
        notes.append(f"Vertices that are not three numbers ({broken.sum():,}) are left out; no face uses them.")


def _drop_broken(corners: np.ndarray, column: int, table: np.ndarray, what: str, notes: list[str]) -> None:
    """References to what is not there, or is no numbers, become −1: there is none."""
    broken = np.isnan(table).any(1)
    if broken.any():
        notes.append(f"{what.capitalize()} that are not numbers ({broken.sum():,}) are left out, and made up instead.")
    beyond = corners[:, column] >= len(table)
    if beyond.any():
        notes.append(f"Faces ask for {what} that are not there ({beyond.sum():,} corners); they are made up instead.")
    missing = np.append(broken, True)[np.minimum(corners[:, column], len(table))]
    corners[missing, column] = -1


def _numbers(lines: list[str], columns: int, *, missing: float = np.nan) -> np.ndarray:
    """Rows of numbers: (N, columns); `missing` where a row is shorter, NaN where it has something else, or nothing."""
    widths = np.fromiter((min(line.count(" ") + 1, columns) if line else 0 for line in lines), np.int64, len(lines))
    table = np.full((len(lines), columns), missing)
    for width in np.unique(widths).tolist():
        rows = np.flatnonzero(widths == width)
        table[rows, : max(width, 1)] = _rows([lines[row] for row in rows], width) if width else np.nan
    table[np.isinf(table)] = np.nan
    return table


def _rows(lines: list[str], width: int) -> np.ndarray:
    """(N, width) of lines that have at least as many words; NaN for a word that is no number."""
    words = " ".join(lines).split(" ")
    if len(words) > width * len(lines):
        words = [word for line in lines for word in line.split(" ", width)[:width]]
    try:
        flat = np.fromiter(map(float, words), np.float64, len(words))
    except ValueError:
        numbers = map(_number, words)
        flat = np.fromiter((np.nan if number is None else number for number in numbers), np.float64, len(words))
    return flat.reshape(-1, width)


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _colours(colours: np.ndarray, used: np.ndarray, notes: list[str]) -> np.ndarray | None:
    """Colours (V, 3) that follow the coordinates, as several programs write them, in 0…1 or 0…255."""
    given = ~np.isnan(colours).any(1)
    if not given[used].any():
        return None
    if colours[given].min() < 0:
        notes.append("What follows the coordinates of vertices is below 0, so it is no colour, and left out.")
        return None
    if lacking := int((~given[used]).sum()):
        notes.append(
            f"Vertices without a colour of their own ({lacking:,} of {len(used):,}) take that of their material."
        )
    scale = 255 if colours[given].max() > 1.5 else 1
    return np.where(given[:, None], np.clip(colours / scale, 0, 1), np.nan)


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
        outside = relative & (indices < 0)
        indices[outside] = NOWHERE
        if outside[:, 0].any():
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
