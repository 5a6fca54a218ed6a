"""Scenes of sweeps that were looked at before, on the disk: a sweep that is extended looks at the others only."""

import hashlib
import io
import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perturber import __version__
from perturber.disk import changing, write_whole
from perturber.errors import StorageError
from perturber.experiments.measures import Column
from perturber.experiments.sweep import Design, pictures_of
from perturber.parameters import Value
from perturber.scene import SceneBase

log = logging.getLogger(__name__)

FOLDER = "sweeps"
LIMIT_MIB = 256
"""For all files together; the least recently used leave first."""


def family(
    start: SceneBase, design: Design, columns: Sequence[Column], fingerprints: Sequence[str], plane: np.ndarray | None
) -> str:
    """Name of all that can be told of scenes that differ in the same parameters alone: 64 hexadecimal digits.

    Args:
        columns: with the classes that they are about.
        fingerprints: of the networks.
    """
    scene = start.as_dict()
    if not any(column.measure.needs_start for column in columns):
        scene = {key: value for key, value in scene.items() if key not in design.keys}
    picture = "" if plane is None else hashlib.sha256(np.ascontiguousarray(plane).tobytes()).hexdigest()
    told = [__version__, scene, design.keys, [repr(column) for column in columns], list(fingerprints), picture]
    if (pictures := pictures_of(design)) is not None:
        told.append(str(pictures.folder))
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Cell:
    """What was found of one scene.

    Attributes:
        values: (M,) float32, of each column.
        tops: (number of models,) int32.
    """

    values: np.ndarray
    tops: np.ndarray


class Cells:
    """What is known of a family of scenes; any number of processes may use its file.

    Args:
        data: the data folder.
        name: of the `family`.
        folder: of the kind of work that they are of.
        what: that is called, as a person would say it.
    """

    def __init__(self, data: Path, name: str, *, folder: str = FOLDER, what: str = "sweep") -> None:
        self.path, self.what = data / folder / f"{name}.npz", what

    def load(self) -> dict[str, Cell]:
        """Point (see `text`) → what was found there; a file that cannot be read is none, and is deleted."""
        try:
            with np.load(io.BytesIO(self.path.read_bytes()), allow_pickle=False) as file:
                points, values, tops = file["points"], file["values"], file["tops"]
            if not len(points) == len(values) == len(tops):
                raise ValueError("parts of different lengths")
            found = {str(point): Cell(*row) for point, *row in zip(points, values, tops, strict=True)}
        except FileNotFoundError:
            return {}
        except Exception as error:  # NumPy and zipfile raise nearly anything at a damaged file
            log.warning("The %s in %s cannot be used and will be computed again: %s.", self.what, self.path, error)
            with suppress(OSError):
                self.path.unlink()
            return {}
        with suppress(OSError):
            os.utime(self.path)
        return found

    def add(self, cells: Mapping[str, Cell]) -> None:
        """Keep these, too.

        Raises:
            StorageError: the disk is full, or the folder cannot be written.
        """
        if not cells:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with changing(self.path):
                known = {**self.load(), **cells}
                file = io.BytesIO()
                np.savez_compressed(
                    file,
                    points=np.array(list(known)),
                    values=np.stack([cell.values for cell in known.values()]),
                    tops=np.stack([cell.tops for cell in known.values()]),
                )
                write_whole(self.path, file.getvalue())
        except OSError as error:
            raise StorageError(
                f"The {self.what} cannot be kept in {str(self.path.parent)!r}: {error.strerror or error}. "
                "Check the free space and permissions there."
            ) from error
        make_room(self.path, LIMIT_MIB)


def make_room(newest: Path, limit_mib: int) -> None:
    """Delete the least recently used files of a file's kind beside it until all are within a limit; it stays."""
    files = []
    for path in newest.parent.glob(f"*{newest.suffix}"):
        with suppress(OSError):
            files.append((path.stat(), path))
    total = sum(status.st_size for status, _ in files)
    for status, path in sorted(files, key=lambda file: file[0].st_mtime_ns):
        if total <= limit_mib * 2**20 or path == newest:
            break
        with suppress(OSError):
            path.unlink()
        total -= status.st_size


def text(point: Iterable[Value], picture: Path | None = None) -> str:
    """A point as the file names it, with its picture's size and time: another one where that has changed.

    Args:
        picture: of the point, if it has one; nothing is said of one that is not there.
    """
    stamp: list[int] = []
    if picture is not None:
        with suppress(OSError):
            stamp = [picture.stat().st_size, picture.stat().st_mtime_ns]
    return json.dumps([*point, *stamp])
