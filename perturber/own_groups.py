"""Groups of neurons that users have named: one JSON file for the whole team."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from perturber.disk import write_whole
from perturber.errors import InvalidInputError, StorageError

MAX_NAME = 60
MAX_GROUPS = 500
"""Of one layer."""

MAX_CHANNELS = 512

_lock = threading.Lock()


class OwnGroups:
    """Model → layer → name → channels, in ``groups.json`` of the data folder."""

    def __init__(self, data: Path) -> None:
        self.path = data / "groups.json"

    def of(self, model: str, layer: str) -> dict[str, list[int]]:
        """The groups of one layer."""
        return self._read().get(model, {}).get(layer, {})

    def keep(self, model: str, layer: str, name: object, channels: Sequence[int]) -> None:
        """Keep channels under a name; an older group of this name is replaced.

        Raises:
            InvalidInputError: no good name, no channels, or too many.
            StorageError: the file cannot be written.
        """
        title = " ".join(str(name).split()) if isinstance(name, str) else ""
        if not 1 <= len(title) <= MAX_NAME or not title.isprintable():
            raise InvalidInputError(
                f"A group cannot be called {str(name)[:80]!r}. Allowed: 1 to {MAX_NAME} characters."
            )
        if not 1 <= len(channels) <= MAX_CHANNELS:
            raise InvalidInputError(f"A group cannot hold {len(channels)} channels. Allowed: 1 to {MAX_CHANNELS}.")
        with _lock:
            everything = self._read()
            groups = everything.setdefault(model, {}).setdefault(layer, {})
            if title not in groups and len(groups) >= MAX_GROUPS:
                raise InvalidInputError(f"{layer} of {model} has {MAX_GROUPS} groups already. Remove one first.")
            groups[title] = list(dict.fromkeys(channels))
            self._write(everything)

    def remove(self, model: str, layer: str, name: str) -> None:
        """Remove a group; nothing happens if there is none of this name.

        Raises:
            StorageError: the file cannot be written.
        """
        with _lock:
            everything = self._read()
            if everything.get(model, {}).get(layer, {}).pop(name, None) is not None:
                self._write(everything)

    def _read(self) -> dict[str, dict[str, dict[str, list[int]]]]:
        try:
            return _checked(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidInputError(
                f"The groups in {str(self.path)!r} cannot be read: {error}. Repair the file or remove it."
            ) from error

    def _write(self, everything: dict) -> None:
        try:
            write_whole(self.path, json.dumps(everything, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise StorageError(
                f"The group cannot be kept in {str(self.path)!r}: {error.strerror or error}. Make room and try again."
            ) from error


def _checked(everything: object) -> dict[str, dict[str, dict[str, list[int]]]]:
    """What a file holds, if it is what `OwnGroups` writes: people edit it, too."""

    def inside(value: object) -> list:
        if not isinstance(value, dict):
            raise ValueError("it must hold groups by model, layer and name")
        return list(value.values())

    for layers in inside(everything):
        for groups in inside(layers):
            for channels in inside(groups):
                if not isinstance(channels, list) or not all(type(c) is int and c >= 0 for c in channels):
                    raise ValueError("a group must hold a list of channels")
    return everything  # type: ignore[return-value]  # has just been checked
