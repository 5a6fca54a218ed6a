"""Results of measurements on the disk, under the hash of what was ordered: nothing is measured twice."""

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perturber import __version__
from perturber.disk import write_whole
from perturber.errors import StorageError
from perturber.experiments.cells import make_room
from perturber.experiments.measurements.measurement import Figure, Order, Result, Trial

log = logging.getLogger(__name__)

FOLDER = "measurements"
LIMIT_MIB = 128
"""For all files together; the least recently used leave first."""


def key(name: str, order: Order, fingerprints: Sequence[str], trials: Iterable[Trial]) -> str:
    """Name of a result: 64 hexadecimal digits; another one where a network, an option or a file has changed.

    Args:
        name: of the measurement.
        fingerprints: of the networks.
    """
    files = sorted({trial.file for trial in trials if trial.file is not None} | set(order.decisions))
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.exists()]
    told = [__version__, name, order.models, list(fingerprints), dict(order.options), stamps]
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
    try:
        write_whole(path, json.dumps(asdict(result)).encode())
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
