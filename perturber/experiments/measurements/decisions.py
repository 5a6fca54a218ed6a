"""Decisions of people and networks for one of sixteen categories, in the files of Geirhos et al. (2019, 2020).

Pictures are ``<shape>/<shape><n>-<texture><m>.png``; decisions are CSV files with the columns of `COLUMNS`.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from perturber.errors import InvalidInputError
from perturber.zoo.classes import IMAGENET_1K

COLUMNS = ("subj", "session", "trial", "rt", "object_response", "category", "condition", "imagename")
NEEDED = ("subj", "object_response", "imagename")

MOST = 2_000_000
"""Decisions in a file."""

_INDICES = {
    "airplane": "404",
    "bear": "294-297",
    "bicycle": "444 671",
    "bird": "8 10-16 18-20 22-24 80-83 87-96 98-100 127-133 135-145",
    "boat": "472 554 625 814 914",
    "bottle": "440 720 737 898 899 901 907",
    "car": "436 511 817",
    "cat": "281-286",
    "chair": "423 559 765 857",
    "clock": "409 530 892",
    "dog": "152-191 193-203 205-226 228-241 243-250 252-257 259 261-263 265-268",
    "elephant": "385 386",
    "keyboard": "508 878",
    "knife": "499",
    "oven": "766",
    "truck": "555 569 656 675 717 734 864 867",
}


def _wnids(ranges: str) -> frozenset[str]:
    ends = [tuple(map(int, part.split("-"))) for part in ranges.split()]
    return frozenset(
        IMAGENET_1K[index].wnid for first, *last in ends for index in range(first, (last or [first])[0] + 1)
    )


CATEGORIES: dict[str, frozenset[str]] = {name: _wnids(ranges) for name, ranges in _INDICES.items()}
"""Category → WordNet identifiers of its classes of ImageNet-1k, as the authors publish them with their pictures."""

NAME = re.compile(r"([a-z]+)\d+-([a-z]+)\d+")


def cues(name: str) -> tuple[str, str] | None:
    """The shape and the texture that a picture's name tells; None where it is no such name.

    Args:
        name: of a file, perhaps with folders before it, or with the trial's number and more before the last ``_``.
    """
    found = NAME.fullmatch(identity(name))
    if found is None or not {found[1], found[2]} <= CATEGORIES.keys():
        return None
    return found[1], found[2]


def identity(name: str) -> str:
    """What tells one picture from another in names of files and of decisions: its last part, without an ending."""
    return PurePosixPath(name).name.rpartition("_")[2].partition(".")[0]


@dataclass(frozen=True)
class Decision:
    """What an observer has said of a picture.

    Attributes:
        observer: who.
        picture: see `identity`.
        shape, texture: of the picture.
        response: one of the categories, or anything else where there was no answer.
    """

    observer: str
    picture: str
    shape: str
    texture: str
    response: str

    @property
    def conflicting(self) -> bool:
        """Whether shape and texture say different things."""
        return self.shape != self.texture


def load(path: Path) -> list[Decision]:
    """The decisions in a CSV file.

    Raises:
        InvalidInputError: it cannot be read, lacks a column, or a name tells no shape and texture.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
            if missing:
                raise InvalidInputError(
                    f"{str(path)!r} has no column {missing[0]!r}. Needed: {', '.join(NEEDED)}, as in published files."
                )
            return [_decision(path, number, row) for number, row in zip(range(MOST), rows, strict=False)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InvalidInputError(f"Decisions cannot be read from {str(path)!r}: {reason}.") from error


def _decision(path: Path, number: int, row: Mapping[str, str | None]) -> Decision:
    name = row["imagename"] or ""
    found = cues(name)
    if found is None:
        raise InvalidInputError(
            f"Row {number + 1} of {str(path)!r} names the picture {name[:80]!r}, which does not end like "
            "<shape><n>-<texture><m>.png with two of the sixteen categories."
        )
    return Decision(row["subj"] or "", identity(name), *found, row["object_response"] or "")


def by_observer(decisions: Iterable[Decision]) -> dict[str, list[Decision]]:
    """Observer → their decisions, in order."""
    found: dict[str, list[Decision]] = {}
    for decision in decisions:
        found.setdefault(decision.observer, []).append(decision)
    return found


def cue_hits(decisions: Sequence[Decision]) -> np.ndarray:
    """Of each picture whose cues are in conflict, whether the shape and whether the texture was named: (N, 2) float64.

    The shape bias is the first column's sum over the sum of both.
    """
    told = [(one.response == one.shape, one.response == one.texture) for one in decisions if one.conflicting]
    return np.array(told, float).reshape(-1, 2)


def shared(first: Sequence[Decision], second: Sequence[Decision]) -> np.ndarray:
    """Whether each of two observers has named the shape of the pictures that both have seen: (2, N) bool."""
    others = {one.picture: one for one in second}
    pairs = [(one, others[one.picture]) for one in first if one.picture in others]
    told = [(one.response == one.shape, other.response == other.shape) for one, other in pairs]
    return np.array(told, bool).reshape(-1, 2).T
