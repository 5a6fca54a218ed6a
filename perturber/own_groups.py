"""Groups of neurons that users have named: one JSON file for the whole team."""

import json
from collections.abc import ItemsView, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypedDict

from perturber.disk import changing, write_whole
from perturber.errors import InvalidInputError, StorageError
from perturber.users import Role, current, need, need_owner

MAX_NAME = 60
MAX_GROUPS = 500
"""Of one layer."""

MAX_CHANNELS = 512


class Group(TypedDict):
    """Channels that belong together, and the name of the user who has kept them."""

    channels: list[int]
    owner: str


Groups = dict[str, dict[str, dict[str, Group]]]
"""Model → layer → name → group."""


class OwnGroups:
    """Model → layer → name → channels and owner, in ``groups.json`` of the data folder.

    A group that has no owner may be a plain list of channels there: people write such files, too.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "groups.json"

    def all(self) -> Groups:
        """All groups, with their owners.

        Raises:
            InvalidInputError: the file cannot be read.
        """
        return self._read()

    def of(self, model: str, layer: str) -> dict[str, list[int]]:
        """The groups of one layer."""
        return self.by_layer(model).get(layer, {})

    def by_layer(self, model: str) -> dict[str, dict[str, list[int]]]:
        """Layer → name → channels of a model's groups."""
        layers = self._read().get(model, {})
        return {layer: {name: one["channels"] for name, one in groups.items()} for layer, groups in layers.items()}

    def keep(self, model: str, layer: str, name: object, channels: Sequence[int]) -> None:
        """Keep channels under a name; an older group of this name is replaced.

        Raises:
            NotAllowedError: the user only looks, or the group of this name is somebody else's.
            InvalidInputError: no good name, no channels, or too many.
            StorageError: the file cannot be written.
        """
        need(Role.EDITOR, "keep groups")
        title = " ".join(str(name).split()) if isinstance(name, str) else ""
        if not 1 <= len(title) <= MAX_NAME or not title.isprintable():
            raise InvalidInputError(
                f"A group cannot be called {str(name)[:80]!r}. Allowed: 1 to {MAX_NAME} characters."
            )
        if not 1 <= len(channels) <= MAX_CHANNELS:
            raise InvalidInputError(f"A group cannot hold {len(channels)} channels. Allowed: 1 to {MAX_CHANNELS}.")
        with self._changing() as everything:
            groups = everything.setdefault(model, {}).setdefault(layer, {})
            if title not in groups and len(groups) >= MAX_GROUPS:
                raise InvalidInputError(f"{layer} of {model} has {MAX_GROUPS} groups already. Remove one first.")
            if title in groups:
                need_owner(groups[title]["owner"], f"The group “{title}”")
            groups[title] = Group(channels=list(dict.fromkeys(channels)), owner=current().name)

    def remove(self, model: str, layer: str, name: str) -> None:
        """Remove a group; nothing happens if there is none of this name.

        Raises:
            NotAllowedError: the user only looks, or the group of this name is somebody else's.
            StorageError: the file cannot be written.
        """
        need(Role.EDITOR, "remove groups")
        if name in self.of(model, layer):
            with self._changing() as everything:
                groups = everything.get(model, {}).get(layer, {})
                if name in groups:
                    need_owner(groups[name]["owner"], f"The group “{name}”")
                    del groups[name]

    def _read(self) -> Groups:
        try:
            return _checked(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidInputError(
                f"The groups in {str(self.path)!r} cannot be read: {error}. Repair the file or remove it."
            ) from error

    @contextmanager
    def _changing(self) -> Iterator[Groups]:
        """What there is, to be changed and then written, while nobody else does so."""
        try:
            with changing(self.path):
                yield (everything := self._read())
                write_whole(self.path, json.dumps(everything, ensure_ascii=False, indent=1).encode())
        except OSError as error:
            raise StorageError(
                f"The group cannot be kept in {str(self.path)!r}: {error.strerror or error}. Make room and try again."
            ) from error


def _checked(everything: object) -> Groups:
    """What a file holds, if it is what `OwnGroups` writes: people edit it, too."""

    def inside(value: object) -> ItemsView[str, Any]:
        if not isinstance(value, dict):
            raise ValueError("it must hold groups by model, layer and name")
        return value.items()

    def group(value: object) -> Group:
        channels, owner = (value.get("channels"), value.get("owner")) if isinstance(value, dict) else (value, "")
        if not isinstance(channels, list) or not all(type(c) is int and c >= 0 for c in channels):
            raise ValueError("a group must hold a list of channels")
        if not isinstance(owner, str):
            raise ValueError("a group's owner must be a name")
        return Group(channels=channels, owner=owner)

    return {
        model: {layer: {name: group(one) for name, one in inside(groups)} for layer, groups in inside(layers)}
        for model, layers in inside(everything)
    }
