"""Ready pictures that come with the project: one archive for each network, read before anything is made.

An archive is a zip file of lossy WebP pictures, named by their keys (see `perturber.featurevis.key`), which follow from
the network's weights and the recipe: pictures of other weights are never found. ``contents.json`` says what they are.
"""

import io
import json
import logging
import threading
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from perturber.disk import write_whole
from perturber.errors import InvalidInputError
from perturber.featurevis.store import KEY, decode, encode
from perturber.featurevis.targets import VERSION, Recipe, Target, key

log = logging.getLogger(__name__)

QUALITY = 75
"""Of WebP, 0–100: 1 to 7 KiB a picture of 128 × 128."""

CONTENTS = "contents.json"


class Bundle:
    """The pictures of all archives in a folder; thread-safe. What cannot be read is passed over, and logged.

    Args:
        folder: need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = threading.Lock()  # an open archive has one place at which it is read
        self._archives: dict[str, zipfile.ZipFile] = {}  # key → where it is
        for path in sorted(folder.glob("*.zip")):
            try:
                archive = zipfile.ZipFile(path)
            except (OSError, zipfile.BadZipFile) as error:
                log.warning("The ready pictures in %s cannot be read: %s.", path, error)
                continue
            names = (name.removesuffix(".webp") for name in archive.namelist() if name.endswith(".webp"))
            self._archives.update((name, archive) for name in names if KEY.fullmatch(name))

    def __contains__(self, key: str) -> bool:
        return key in self._archives

    def __len__(self) -> int:
        return len(self._archives)

    def read(self, key: str) -> bytes | None:
        """The WebP file of a key, or None."""
        archive = self._archives.get(key)
        if archive is None:
            return None
        try:
            with self._lock:
                return archive.read(f"{key}.webp")
        except (OSError, zipfile.BadZipFile, zlib.error) as error:
            log.warning("The ready picture %s in %s cannot be read: %s.", key, archive.filename, error)
            return None

    def get(self, key: str) -> np.ndarray | None:
        """The pictures (variants, S, S, 3) uint8 of a key, or None."""
        data = self.read(key)
        try:
            return None if data is None else decode(data, "WEBP")
        except Exception as error:  # Pillow raises nearly anything at a damaged file
            log.warning("The ready picture %s is damaged: %s.", key, error)
            return None


def bundle_file(models: Path, model: str) -> Path:
    """Where a model's ready pictures are, in the folder of models."""
    return bundle_folder(models) / f"{model}.zip"


def bundle_folder(models: Path) -> Path:
    """Where all of them are."""
    return models / "pictures"


def read_contents(path: Path) -> list[tuple[Target, Recipe]]:
    """What an archive's pictures show and how they were made; nothing where there is no archive.

    Raises:
        InvalidInputError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = json.loads(archive.read(CONTENTS))["pictures"]
        return [_said(entry) for entry in entries]
    except FileNotFoundError:
        return []
    except (OSError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, TypeError) as error:
        raise InvalidInputError(f"The ready pictures in {str(path)!r} cannot be read.") from error


def compress(pictures: np.ndarray) -> bytes:
    """Pictures (variants, S, S, 3) uint8 as an archive keeps them."""
    return encode(pictures, "WEBP", quality=QUALITY, method=6)


def save_bundle(path: Path, model: str, fingerprint: str, pictures: Sequence[tuple[Target, Recipe, bytes]]) -> None:
    """Write a network's archive anew.

    Args:
        path: of the archive; its folder is made.
        model, fingerprint: of the network.
        pictures: what each shows, how it was made, and what `compress` makes of it.

    Raises:
        OSError: the disk is full, or the place cannot be written.
    """
    named = [(key(fingerprint, target, recipe), target, recipe, data) for target, recipe, data in pictures]
    contents = {
        "model": model,
        "fingerprint": fingerprint,
        "version": VERSION,
        "quality": QUALITY,
        "command": f"perturber models pictures {model} --out models",
        "pictures": [{"key": name, **asdict(target), **asdict(recipe)} for name, target, recipe, _ in named],
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, _, _, data in named:
            archive.writestr(_member(f"{name}.webp"), data)
        archive.writestr(_member(CONTENTS), json.dumps(contents), zipfile.ZIP_DEFLATED)
    write_whole(path, buffer.getvalue())


def _said(entry: dict[str, Any]) -> tuple[Target, Recipe]:
    """What an entry of the contents shows, and how it was made; JSON has lists for tuples."""
    target = {field.name: entry[field.name] for field in fields(Target)}
    target["direction"] = tuple(map(tuple, target["direction"]))
    return Target(**target), Recipe(**{field.name: entry[field.name] for field in fields(Recipe)})


def _member(name: str) -> zipfile.ZipInfo:
    """An entry without the time of its making: the same pictures give the same archive."""
    return zipfile.ZipInfo(name)
