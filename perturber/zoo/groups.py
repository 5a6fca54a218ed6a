"""Published neuron groups: channels of a layer that a study has named together."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perturber.errors import InvalidInputError


@dataclass(frozen=True)
class Group:
    """Channels of one layer under one name, in the order of the source, each once."""

    name: str
    channels: tuple[int, ...]


@cache
def neuron_groups(folder: Path, name: str | None) -> dict[str, tuple[Group, ...]]:
    """Layer → its groups, from ``groups/<name>.json`` beside the catalogue; empty where a network has none.

    Raises:
        InvalidInputError: the file is missing or broken.
    """
    if name is None:
        return {}
    path = folder / "groups" / f"{name}.json"
    try:
        layers = json.loads(path.read_text(encoding="utf-8"))["layers"]
        return {
            layer: tuple(
                Group(group, tuple(dict.fromkeys(int(unit) for unit in units))) for group, units in groups.items()
            )
            for layer, groups in layers.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"The neuron groups {str(path)!r} cannot be read: {error}.") from error
