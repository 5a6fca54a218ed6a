"""The catalogue: which networks there are, where their weights come from, what their input must look like.

The project's is ``models/catalog.toml``; a user's own is ``catalog.toml`` in the data folder, read beside it (see
`perturber.zoo.own`). Both have the same form.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo.classes import CLASS_LISTS, ClassName
from perturber.zoo.pictures import INTERPOLATIONS, Crop

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
"""What a model may be called: it stands in URLs and before the slash of ``model/layer:neuron``."""

TRAININGS = ("standard", "adversarial", "stylised", "other")
"""Kinds of training."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Where a network's weights come from.

    Attributes:
        source: kind of place, a key of `perturber.zoo.sources.SOURCES`.
        layout: naming of the keys, see `perturber.zoo.layouts`.
        sha256: of the file, in hexadecimal: all 64 digits, or the first ones where no more was published; empty
            where nothing was, then what is pulled first is what is expected from then on.
        place: what the source needs to find the file; a ``path`` is absolute.
        layers: name of a layer in the file → module of the architecture, where they differ beyond the layout.
        ema: whether averaged weights are meant where a file holds both; None for the averaged ones.
    """

    source: str
    layout: str
    sha256: str
    place: Mapping[str, str]
    layers: Mapping[str, str] = field(default_factory=dict)
    ema: bool | None = None


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """One network of the catalogue.

    Attributes:
        name: key in URLs and on the command line.
        label: name in the interface.
        architecture: ``"<kind>:<name>"``, see `perturber.zoo.architectures.ARCHITECTURES`.
        weights: where its weights come from.
        licence: of the weights, as an SPDX identifier, or "unknown".
        training: standard, adversarial, stylised or other.
        classes: name of its class list.
        mean, std: of the input per channel, in the [0, 1] pixel scale.
        input_size: side of the picture that it was made for, in pixels.
        resize: shorter side of a photograph before the centre crop, in pixels.
        interpolation: with which it is brought there, one of `perturber.zoo.pictures.INTERPOLATIONS`.
        groups: name of its neuron groups (``groups/<name>.json`` beside the catalogue), if there are any.
        base: name of the model that its training started from, if there is one.
        checkpoints: its states during training in order, as ``.safetensors`` files, absolute.
        class_names: its own classes in the order of the logits; None where `classes` is a list of the project.
        owner: of one of the users' own; empty where it was added by a command.
        own: whether it stands in the user's catalogue.
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
    interpolation: str = "bicubic"
    groups: str | None = None
    base: str | None = None
    checkpoints: tuple[Path, ...] = ()
    class_names: tuple[str, ...] | None = None
    owner: str = ""
    own: bool = False

    @property
    def class_list(self) -> tuple[ClassName, ...]:
        """Its classes in the order of the logits."""
        if self.class_names is None:
            return CLASS_LISTS[self.classes]
        return tuple(ClassName(index, "", name) for index, name in enumerate(self.class_names))

    @property
    def crop(self) -> Crop:
        """How a photograph becomes its input."""
        return Crop(size=self.input_size, resize=max(self.resize, self.input_size), interpolation=self.interpolation)

    @property
    def steps(self) -> dict[int, Path]:
        """Step → file of its checkpoints, in order: the number at the end of a file's name, else its place."""
        numbers = [re.search(r"(\d+)$", path.stem) for path in self.checkpoints]
        return {
            int(number[1]) if number else place: path
            for place, (number, path) in enumerate(zip(numbers, self.checkpoints, strict=True))
        }

    def at(self, step: str) -> "ModelEntry":
        """The network as it was after this step of its training, under the name ``name@step``.

        Raises:
            UnknownNameError: naming the steps that there are.
        """
        known = {str(number): path for number, path in self.steps.items()}
        if step not in known:
            raise UnknownNameError(f"checkpoint of {self.name}", step, known or ["none, it has no checkpoints"])
        weights = Weights(source="file", layout="same", sha256="", place=MappingProxyType({"path": str(known[step])}))
        name, label = f"{self.name}@{step}", f"{self.label}, step {step}"
        return replace(self, name=name, label=label, weights=weights, checkpoints=())


@cache
def catalog(folder: Path) -> dict[str, ModelEntry]:
    """Every network of the project's catalogue, ``catalog.toml`` in this folder, in its order.

    Raises:
        InvalidInputError: the catalogue is missing or broken.
    """
    return read(folder / "catalog.toml", own=False)


def entries(settings: Settings) -> dict[str, ModelEntry]:
    """Every network, the project's first, whether its weights are at hand or not; the user's cannot shadow one.

    Raises:
        InvalidInputError: a catalogue is broken, or the project's is missing.
    """
    project, path = catalog(settings.models), settings.data / "catalog.toml"
    own = _own(path, _bytes(path)) if path.is_file() else {}
    return {**project, **{name: entry for name, entry in own.items() if name not in project}}


@lru_cache(maxsize=8)
def _own(path: Path, text: bytes) -> dict[str, ModelEntry]:
    """By what the file holds: two changes may come within one tick of its time of change."""
    return _read(path, text, own=True)


def entry(name: str, folder: Path) -> ModelEntry:
    """The network with this name in the project's catalogue.

    Raises:
        UnknownNameError: naming the networks that exist.
    """
    return _named(name, catalog(folder))


def find(name: str, settings: Settings) -> ModelEntry:
    """The network with this name, the project's or the user's own; ``name@step`` is a checkpoint of it.

    Raises:
        UnknownNameError: naming the networks, or the steps, that exist.
    """
    model, sign, step = name.partition("@")
    found = _named(model, entries(settings))
    return found.at(step) if sign else found


def _named(name: str, known: Mapping[str, ModelEntry]) -> ModelEntry:
    if name not in known:
        raise UnknownNameError("model", name, known)
    return known[name]


def read(path: Path, *, own: bool) -> dict[str, ModelEntry]:
    """A catalogue file.

    Raises:
        InvalidInputError: it is missing or broken; names the model and what is wrong with it.
    """
    return _read(path, _bytes(path), own=own)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"There is no catalogue at {str(path)!r}: {error.strerror}.") from error


def _read(path: Path, text: bytes, *, own: bool) -> dict[str, ModelEntry]:
    try:
        tables = tomllib.loads(text.decode())
    except ValueError as error:
        raise InvalidInputError(f"The catalogue {str(path)!r} cannot be read: {error}.") from error
    result = {}
    for name, table in tables.items():
        try:
            result[name] = make_entry(name, table, path.parent, own=own)
        except (InvalidInputError, KeyError, TypeError, ValueError, AttributeError) as error:
            said = f"{error} is missing." if isinstance(error, KeyError) else f"{str(error).rstrip('.')}."
            raise InvalidInputError(f"The model {name!r} in {str(path)!r} cannot be used: {said}") from error
    return result


def make_entry(name: str, table: Mapping[str, Any], folder: Path, *, own: bool) -> ModelEntry:
    """A model's table as a value; what it says of files is relative to the folder.

    Raises:
        InvalidInputError: a name or value that is not allowed, naming what is.
        KeyError, TypeError: a key is missing, or there is one too many.
    """
    place = dict(table["weights"])
    known = {key: place.pop(key) for key in ("source", "layout")}
    sha256 = str(place.pop("sha256", "") or place.pop("sha256_prefix", ""))
    layers, ema = place.pop("layers", {}), place.pop("ema", None)
    if "path" in place:
        place["path"] = str(folder / Path(place["path"]).expanduser())
    rest: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    rest["checkpoints"] = tuple(folder / text for text in rest.get("checkpoints", ()))
    weights = Weights(**known, sha256=sha256, place=MappingProxyType(place), layers=MappingProxyType(layers), ema=ema)
    rest["weights"] = weights
    made = ModelEntry(name=name, **rest, own=own)
    for wrong, sentence in _rules(made):
        if wrong:
            raise InvalidInputError(sentence)
    return made


def _rules(made: ModelEntry) -> list[tuple[bool, str]]:
    """Whether something is wrong, and what it would be."""
    kinds = ("timm", "torchvision", "lucent", "factory")
    numbers = all(isinstance(v, int | float) for v in (*made.mean, *made.std)) and len(made.mean) == len(made.std) == 3
    return [
        (
            not NAME.fullmatch(made.name),
            f"The name {made.name[:80]!r} is not allowed. Allowed: up to 64 of a-z, 0-9, _, . and -, "
            "the first a letter or digit",
        ),
        (
            made.architecture.partition(":")[0] not in kinds or not made.architecture.partition(":")[2],
            f"The architecture cannot be {made.architecture[:80]!r}. Allowed: {', '.join(f'{k}:…' for k in kinds)}",
        ),
        (made.training not in TRAININGS, f"The training cannot be {made.training!r}. Allowed: {', '.join(TRAININGS)}"),
        (
            made.class_names is None and made.classes not in CLASS_LISTS,
            f"There is no class list {made.classes!r}. Allowed: {', '.join(CLASS_LISTS)}, or class_names with its own",
        ),
        (
            made.class_names is not None and made.classes in CLASS_LISTS,
            f"Own class_names need a name of their own, not {made.classes!r}",
        ),
        (not numbers or min(made.std) <= 0, "mean and std must be three numbers each, std above 0"),
        (
            not all(isinstance(v, int) and 16 <= v <= 2048 for v in (made.input_size, made.resize)),
            "input_size and resize must be whole numbers, 16 to 2048",
        ),
        (
            made.interpolation not in INTERPOLATIONS,
            f"The interpolation cannot be {made.interpolation!r}. Allowed: {', '.join(INTERPOLATIONS)}",
        ),
        (made.weights.ema not in (None, True, False), f"ema cannot be {made.weights.ema!r}. Allowed: true, false"),
        (
            not re.fullmatch(r"[0-9a-f]{8,64}|", made.weights.sha256),
            f"The sha256 {made.weights.sha256[:80]!r} is not one: 64 digits of 0-9 and a-f, or the first 8 or more",
        ),
    ]
