"""How far each layer has moved at each moment of a training: a value that is computed once and kept on the disk."""

import hashlib
import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from perturber.disk import write_whole
from perturber.errors import StorageError
from perturber.training.correlations import SAMPLES

log = logging.getLogger(__name__)

VERSION = 1
"""Part of every key: to be raised when the same pictures and weights give other numbers."""


@dataclass(frozen=True, eq=False)
class Development:
    """Correlations of a network at some moments with the first of them.

    Attributes:
        layers: layer → (moments,) mean over its channels of the correlation of their activations, −1 to 1; NaN where
            it is not known yet, or where nothing ever changes.
        weights: layer → (moments,) correlation of its weights, −1 to 1.
        samples: layer → values of each channel that were compared.
        pictures: over which that was.
    """

    layers: Mapping[str, np.ndarray]
    weights: Mapping[str, np.ndarray]
    samples: Mapping[str, int]
    pictures: int


def development_key(fingerprints: tuple[str, ...], pictures: str) -> str:
    """Name of a result: SHA-256 over everything that it depends on but the device.

    Args:
        fingerprints: of the networks, in order.
        pictures: what they were, as text.
    """
    return hashlib.sha256(json.dumps([VERSION, SAMPLES, fingerprints, pictures]).encode()).hexdigest()


def development_file(data: Path, key: str) -> Path:
    """Where a result is kept, in the folder of the data or of the project's models."""
    return data / "training" / f"{key}.json"


def save_development(path: Path, found: Development) -> None:
    """Keep a result.

    Raises:
        StorageError: the disk is full, or the folder cannot be written.
    """
    values = {**asdict(found), "layers": _lists(found.layers), "weights": _lists(found.weights)}
    text = json.dumps(values)
    try:
        write_whole(path, json.dumps({"sha256": _hash(text), "values": values}).encode())
    except OSError as error:
        raise StorageError(
            f"{str(path)!r} cannot be written: {error.strerror}. Check the free space and permissions there."
        ) from error


def load_development(path: Path, *, delete: bool = True) -> Development | None:
    """What was kept, or None.

    Args:
        delete: a file that is corrupt, so that it is computed anew.
    """
    try:
        told = json.loads(path.read_bytes())
        values = told["values"]
        if told["sha256"] != _hash(json.dumps(values)):
            raise ValueError("the file has changed since it was written")
        arrays = {name: {k: np.array(v, np.float64) for k, v in values[name].items()} for name in ("layers", "weights")}
        return Development(**{**values, **arrays})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("The correlations in %s cannot be used and will be computed again: %s.", path, error)
        if delete:
            with suppress(OSError):
                path.unlink()
        return None


def _lists(arrays: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    return {name: array.tolist() for name, array in arrays.items()}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
