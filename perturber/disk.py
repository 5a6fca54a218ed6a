"""Files that are whole or not there."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

ABANDONED = 3600.0
"""Seconds after which a temporary file or folder belongs to nobody: writing takes seconds, whoever does it."""

LEFT = (".????????.part", "tmp????????.__wz_cache")
"""How the temporary files of `write_whole` are called, and those of the cache in files."""


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it: who reads at the same moment sees the old one or the new one.

    Folders are made; nothing is left behind where it fails.

    Raises:
        OSError: the disk is full, or the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


def sweep(data: Path) -> None:
    """Remove what was left by processes that were stopped while they wrote below the data folder.

    What half a download has left is kept: the next one goes on from there.
    """
    for pattern in LEFT:
        remove_abandoned(path for folder in ("", "*/") for path in data.glob(folder + pattern))
    remove_abandoned((data / "incoming").glob("*"))


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove those temporary files and folders that nobody can be writing any more."""
    with suppress(OSError):
        for path in paths:
            with suppress(OSError):
                if path.lstat().st_mtime < time.time() - ABANDONED:
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
