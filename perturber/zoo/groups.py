"""Neuron groups: channels of a layer that a study has named together, or that a measurement has found."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perturber.errors import InvalidInputError


@dataclass(frozen=True)
class Group:
    """Channels of one layer under one name, in the order of the source, each once.

    Attributes:
        numbers: what was measured for each channel; empty where the source gives no numbers.
    """

    name: str
    channels: tuple[int, ...]
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True)
class GroupFile:
    """A network's groups.

    Attributes:
        title: where they are from, in a word or two: the heading in menus.
        layers: layer → its groups.
        recipe: how they were measured; empty where they were not.
    """

    title: str
    layers: Mapping[str, tuple[Group, ...]]
    recipe: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


NOTHING = GroupFile("", MappingProxyType({}))


@cache
def group_file(folder: Path, name: str | None) -> GroupFile:
    """The groups in ``groups/<name>.json`` beside the catalogue; none where a network has no such file.

    Raises:
        InvalidInputError: the file is missing or broken.
    """
    return NOTHING if name is None else read_groups(folder / "groups" / f"{name}.json")


def neuron_groups(folder: Path, name: str | None) -> dict[str, tuple[Group, ...]]:
    """Layer → its groups (see `group_file`).

    Raises:
        InvalidInputError: the file is missing or broken.
    """
    return dict(group_file(folder, name).layers)


def read_groups(path: Path) -> GroupFile:
    """A file of groups.

    Raises:
        InvalidInputError: it is missing or broken.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        numbers = said.get("numbers", {})
        layers = {
            layer: tuple(_group(name, units, numbers.get(layer, {}).get(name, ())) for name, units in groups.items())
            for layer, groups in said["layers"].items()
        }
        recipe = MappingProxyType(dict(said.get("recipe", {})))
        return GroupFile(str(said.get("title", "Published")), MappingProxyType(layers), recipe)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"The neuron groups {str(path)!r} cannot be read: {error}.") from error


def _group(name: str, units: list[Any], numbers: list[Any]) -> Group:
    channels = tuple(dict.fromkeys(int(unit) for unit in units))
    if numbers and len(numbers) != len(channels):
        raise ValueError(f"{name!r} has {len(channels)} channels, but {len(numbers)} numbers")
    return Group(name, channels, tuple(float(number) for number in numbers))
