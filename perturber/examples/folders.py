"""The files of a user's folder, and nothing outside of it."""

import os
import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo.collections import check_folder, is_picture


def real_file(folder: Path, path: Path) -> Path | None:
    """The file behind a path, or None where there is none or a link leads out of the folder.

    Args:
        folder: resolved.
    """
    try:
        real = path.resolve(strict=True)
        return real if real.is_relative_to(folder) and real.is_file() else None
    except (OSError, RuntimeError, ValueError):  # not allowed, links in a circle, no name that a file could have
        return None


def collections(folder: Path | None) -> dict[str, Path]:
    """Name → each subfolder of the folder of collections, sorted; none where there is no such folder.

    Hidden ones and links are left out.
    """
    try:
        found = [] if folder is None else sorted(folder.iterdir())
    except OSError:
        return {}
    return {one.name: one for one in found if one.is_dir() and not one.is_symlink() and not one.name.startswith(".")}


def collection(folders: Mapping[str, Path], name: object) -> Path:
    """The one of this name.

    Args:
        folders: as of `collections`.

    Raises:
        UnknownNameError: naming those that there are.
    """
    if not isinstance(name, str) or name not in folders:
        known = folders or ["none, PERTURBER_COLLECTIONS names no folder"]
        raise UnknownNameError("collection of pictures", str(name)[:80], known)
    return folders[name]


LISTED_S = 30
"""How long a listing of a folder is used again, at most."""


def listed_names(folder: Path) -> tuple[str, ...]:
    """As `picture_names`, at most `LISTED_S` seconds ago, for those who ask again and again.

    Raises:
        InvalidInputError: as of `picture_names`.
    """
    return _listed(folder, int(time.monotonic() / LISTED_S))


@lru_cache(maxsize=8)
def _listed(folder: Path, when: int) -> tuple[str, ...]:
    return tuple(picture_names(folder))


def picture_names(folder: Path) -> list[str]:
    """Every picture in a folder and its sub-folders, relative to it, sorted; hidden ones are left out.

    Links to folders are not followed, links to files where they stay inside.

    Raises:
        InvalidInputError: no such folder, or no picture in it.
    """
    check_folder(folder)
    folder = folder.resolve()
    names: list[str] = []
    for parent, below, files in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        paths = (Path(parent, name) for name in files if is_picture(name))
        names += [path.relative_to(folder).as_posix() for path in paths if real_file(folder, path)]
    if not names:
        raise InvalidInputError(
            f"The folder {str(folder)!r} holds no pictures. Allowed: JPEG, PNG and similar formats."
        )
    return sorted(names)
