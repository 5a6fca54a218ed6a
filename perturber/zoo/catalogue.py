"""The catalogue: which networks there are, where their weights come from, what their input must look like."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perturber.errors import InvalidInputError, UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Where a network's weights come from.

    Attributes:
        source: kind of place, a key of `perturber.zoo.weights.SOURCES`.
        layout: naming of the keys, a key of `perturber.zoo.weights.LAYOUTS`.
        sha256: of the file, in hexadecimal.
        place: what the source needs to find the file.
    """

    source: str
    layout: str
    sha256: str
    place: MappingProxyType[str, str]


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One network of the catalogue.

    Attributes:
        name: key in URLs and on the command line.
        label: name in the interface.
        architecture: ``"timm:<name>"``.
        weights: where its weights come from.
        licence: of the weights, as an SPDX identifier.
        training: standard, adversarial, stylised or other.
        classes: name of its class list.
        mean, std: of the input per channel, in the [0, 1] pixel scale.
        input_size: side of the picture that it was made for, in pixels.
        resize: shorter side of a photograph before the centre crop, in pixels.
        groups: name of its published neuron groups (``groups/<name>.json`` beside the catalogue), if there are any.
    """

    name: str
    label: str
    architecture: str
    weights: Weights
    licence: str
    training: str
    classes: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    input_size: int
    resize: int
    groups: str | None = None


@cache
def catalog(folder: Path) -> dict[str, ModelEntry]:
    """Every network of ``catalog.toml`` in this folder, in its order.

    Raises:
        InvalidInputError: the catalogue is missing or broken.
    """
    path = folder / "catalog.toml"
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: _entry(name, table) for name, table in tables.items()}
    except OSError as error:
        raise InvalidInputError(f"There is no catalogue at {str(path)!r}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInputError(f"The catalogue {str(path)!r} cannot be read: {error}.") from error


def entry(name: str, folder: Path) -> ModelEntry:
    """The network with this name.

    Raises:
        UnknownNameError: naming the networks that exist.
    """
    entries = catalog(folder)
    if name not in entries:
        raise UnknownNameError("model", name, entries)
    return entries[name]


def _entry(name: str, table: dict[str, Any]) -> ModelEntry:
    weights = dict(table["weights"])
    known = {key: weights.pop(key) for key in ("source", "layout", "sha256")}
    rest: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    rest["weights"] = Weights(**known, place=MappingProxyType(weights))
    return ModelEntry(name=name, **rest)
