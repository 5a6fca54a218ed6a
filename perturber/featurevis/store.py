"""Finished pictures on disk, the least recently used leave first.

An entry is one lossless PNG, its variants side by side, that a person can look at. Files are named by the key alone
(see `perturber.featurevis.key`), written beside their place and renamed when they are whole, so that several
processes may share a folder.
"""

import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perturber.disk import remove_abandoned, write_whole
from perturber.errors import InvalidInputError, StorageError

log = logging.getLogger(__name__)

KEY = re.compile(r"[0-9a-f]{64}")
LOOK_AGAIN = 64
"""Entries written until the folder's size is taken anew, since other processes write, too."""


class Store:
    """A folder of pictures with a limit.

    Args:
        folder: is made when the first entry is put.
        limit_mib: MiB that the entries may take together.
    """

    def __init__(self, folder: Path, limit_mib: int) -> None:
        self.folder = folder
        self.limit = limit_mib * 2**20
        self._bytes = 0  # as far as this process knows
        self._until_looked_again = 0

    def get(self, key: str) -> np.ndarray | None:
        """The pictures (variants, S, S, 3) uint8 of a key, or None; what cannot be read is deleted.

        Raises:
            InvalidInputError: not a key.
        """
        path = self._path(key)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("The picture %s cannot be read: %s.", path, error.strerror or error)
            return None
        try:
            pictures = decode(data)
        except Exception as error:  # Pillow raises nearly anything at a damaged file
            log.warning("The picture %s is damaged and was deleted: %s.", path, error)
            with suppress(OSError):
                path.unlink()
            return None
        with suppress(OSError):
            os.utime(path)
        return pictures

    def put(self, key: str, pictures: np.ndarray) -> None:
        """Keep pictures (variants, S, S, 3) uint8 under a key, and make room.

        Raises:
            InvalidInputError: not a key.
            StorageError: the disk is full, or the folder cannot be written.
        """
        path = self._path(key)
        data = encode(pictures)
        try:
            write_whole(path, data, lasting=False)  # what a power cut leaves of it is damaged, and made anew
        except OSError as error:
            raise StorageError(
                f"Feature visualisations cannot be kept in {str(self.folder)!r}: {error.strerror or error}. "
                "Check the free space and permissions there."
            ) from error
        self._bytes += len(data)
        self._until_looked_again -= 1
        if self._bytes > self.limit or self._until_looked_again < 0:
            self._evict()

    def size(self) -> int:
        """Bytes of all entries."""
        return sum(status.st_size for _, status in self._files())

    def _path(self, key: str) -> Path:
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise InvalidInputError(f"Not a key: {str(key)[:80]!r}. Allowed: 64 characters of 0-9 and a-f.")
        return self.folder / f"{key}.png"

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Entries and what is known of them, without those that vanish meanwhile."""
        for path in self.folder.glob("*.png"):
            if KEY.fullmatch(path.stem):
                with suppress(OSError):
                    yield path, path.stat()

    def _evict(self) -> None:
        """Delete the least recently used until the rest fits, and what crashed processes left behind."""
        files = sorted(self._files(), key=lambda file: file[1].st_mtime_ns)
        total = sum(status.st_size for _, status in files)
        for path, status in files:
            if total <= self.limit:
                break
            with suppress(OSError):  # another process was faster, or it may not be removed
                path.unlink()
            total -= status.st_size
        remove_abandoned(self.folder.glob(".*.part"))
        self._bytes, self._until_looked_again = total, LOOK_AGAIN


def encode(pictures: np.ndarray, kind: str = "PNG", **how: Any) -> bytes:
    """Pictures (variants, S, S, 3) uint8 → a picture file of them side by side.

    Args:
        kind: of the file, as Pillow names it.
        how: it is written, as Pillow's writer of this kind takes it.
    """
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
        raise ValueError(f"pictures are uint8 (variants, S, S, 3), not {pictures.dtype} {pictures.shape}")
    if pictures.shape[1] != pictures.shape[2]:
        raise ValueError(f"pictures are square, not {pictures.shape[1]} × {pictures.shape[2]}")
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(buffer, format=kind, **how)
    return buffer.getvalue()


def decode(data: bytes, kind: str = "PNG") -> np.ndarray:
    """The pictures (variants, S, S, 3) uint8 of such a file."""
    with Image.open(io.BytesIO(data), formats=[kind]) as image:
        strip = np.asarray(image)
    if strip.ndim != 3 or strip.shape[2] != 3 or strip.shape[1] % strip.shape[0]:
        raise ValueError(f"not a strip of square pictures: {strip.shape}")
    return np.stack(np.split(strip, strip.shape[1] // strip.shape[0], axis=1))
