"""Results of measurements on the disk, under the hash of what was ordered: nothing is measured twice.

While one is under way what networks have answered so far lies there, so that it goes on where it was interrupted.
"""

import hashlib
import io
import json
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from perturber import __version__
from perturber.disk import write_whole
from perturber.errors import StorageError
from perturber.experiments.cells import make_room
from perturber.experiments.measurements.measurement import Figure, Order, Result, Trial

log = logging.getLogger(__name__)

FOLDER = "measurements"
LIMIT_MIB = 128
"""For all results together, and for all that is under way; the least recently used leave first."""


def key(name: str, order: Order, fingerprints: Sequence[str], trials: Sequence[Trial]) -> str:
    """Name of a result: 64 hexadecimal digits; another one where a network, an option or a file has changed.

    Args:
        name: of the measurement.
        fingerprints: of the networks.
    """
    files = sorted({trial.file for trial in trials if trial.file is not None} | set(order.decisions))
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()]
    right = sorted(sorted(one) for one in {trial.right for trial in trials if trial.file is not None})  # a file may say
    told = [__version__, name, order.models, list(fingerprints), dict(order.options), stamps, right]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def file(data: Path, name: str) -> Path:
    """Where a result of this key lies in the data folder."""
    return data / FOLDER / f"{name}.json"


def load(path: Path) -> Result | None:
    """The result in a file; None where there is none; one that cannot be read is deleted."""
    try:
        told = json.loads(path.read_text("utf-8"))
        result = _result(told)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        log.warning("The measurement in %s cannot be used and will be made again: %s.", path, error)
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)
    return result


def save(path: Path, result: Result) -> None:
    """Keep a result.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    _write(path, json.dumps(asdict(result)).encode())
    with suppress(OSError):
        _readings_file(path).unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class Readings:
    """What networks have answered so far.

    Attributes:
        good: (N,) bool, the trials that were shown to all who are to see them.
        low: (N,) as of `Seen`.
        models: place of a network among those that are measured → (N, R) what was read off its logits.
    """

    good: np.ndarray
    low: np.ndarray
    models: Mapping[int, np.ndarray]


def load_readings(path: Path, count: int) -> Readings | None:
    """What was kept of a measurement of so many trials whose result will lie there; None where there is nothing."""
    file = _readings_file(path)
    try:
        with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as told:
            good = told["good"]
            if good.shape != (count,):
                raise ValueError("of other trials")
            whole = {name: _spread(told[name], good) for name in told.files if name != "good"}
            models = {int(name): rows for name, rows in whole.items() if name != "low"}
            return Readings(good=good, low=whole["low"], models=models)
    except FileNotFoundError:
        return None
    except Exception as error:  # NumPy and zipfile raise nearly anything at a damaged file
        log.warning("What was kept in %s cannot be used and will be measured again: %s.", file, error)
        with suppress(OSError):
            file.unlink()
        return None


def save_readings(path: Path, readings: Readings) -> None:
    """Keep what is known so far of a measurement whose result will lie there.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    good, file = readings.good, io.BytesIO()
    models = {str(place): rows[good] for place, rows in readings.models.items()}
    np.savez(file, good=good, low=readings.low[good], **models)
    _write(_readings_file(path), file.getvalue())


def _readings_file(path: Path) -> Path:
    return path.with_suffix(".npz")


def _spread(rows: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Rows of the good trials at their places among all, NaN elsewhere."""
    whole = np.full((len(good), *rows.shape[1:]), np.nan, rows.dtype)
    whole[good] = rows
    return whole


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise StorageError(
            f"The measurement cannot be kept in {str(path.parent)!r}: {error.strerror or error}. "
            "Check the free space and permissions there."
        ) from error
    make_room(path, LIMIT_MIB)


def _result(told: dict[str, Any]) -> Result:
    figures = tuple(Figure(**{**figure, "models": tuple(figure["models"])}) for figure in told["figures"])
    parts = {name: tuple(told[name]) for name in ("models", "head", "notes")}
    return Result(**{**told, **parts, "figures": figures, "rows": tuple(map(tuple, told["rows"]))})
