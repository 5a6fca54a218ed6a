"""What a network's input must look like, as the library that its architecture comes from says it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import timm
import torchvision
from timm.data import resolve_data_config

from perturber.errors import InvalidInputError
from perturber.zoo.catalogue import ModelEntry
from perturber.zoo.inspection import Inspection
from perturber.zoo.pictures import INTERPOLATIONS

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Per channel, in the [0, 1] pixel scale."""

TRANSFORM_INPUT = ("googlenet", "inception_v3")
"""torchvision's networks that bring ImageNet's normalisation to x · 2 − 1 inside (``transform_input``); ours leave this
to the preprocessing."""


FIELDS = ("mean", "std", "input_size", "resize", "interpolation")
"""Of a model's entry."""


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How pictures become a network's input.

    Attributes:
        mean, std: per channel, in the [0, 1] pixel scale.
        input_size: side of the input, in pixels.
        resize: shorter side of a photograph before the centre crop, in pixels.
        interpolation: one of `perturber.zoo.pictures.INTERPOLATIONS`.
        source: where this is from, as a person would say it.
        warnings: what of it could not be taken over, a sentence each.
    """

    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    input_size: int = 224
    resize: int = 256
    interpolation: str = "bilinear"
    source: str
    warnings: tuple[str, ...] = ()

    @property
    def table(self) -> dict[str, Any]:
        """As a catalogue has it."""
        values = {field: getattr(self, field) for field in FIELDS}
        return {field: list(value) if isinstance(value, tuple) else value for field, value in values.items()}

    def with_given(self, given: Mapping[str, Any]) -> "Preprocessing":
        """With fields that a user gave."""
        if not given:
            return self
        whole = given.keys() >= {"mean", "std", "input_size"}
        source = "as given" if whole else f"{self.source}, but as given: {', '.join(given)}"
        return replace(self, **given, source=source, warnings=() if whole else self.warnings)

    def with_weights(self, found: Inspection, given: Mapping[str, Any], counts: str | None) -> "Preprocessing":
        """With what the file of weights says, and with fields that a user gave.

        Args:
            counts: "file" or "given" where both say mean and std; None where nobody has said which.

        Raises:
            InvalidInputError: the file carries another mean and std than those given, and nobody has said which count.
        """
        if counts not in (None, "file", "given"):
            raise InvalidInputError(f"--normalisation cannot be {counts[:80]!r}. Allowed: file, given.")
        said = {}
        if found.input_size is not None and "input_size" not in given:
            resize = given.get("resize", round(self.resize * found.input_size / self.input_size))
            said = {"input_size": found.input_size, "resize": resize}
        carried = found.normalisation
        if carried is not None:
            values = {"mean": carried.mean, "std": carried.std}
            meant = {**values, **given}
            if carried.agrees(meant["mean"], meant["std"]) or counts == "file":
                given = {key: value for key, value in given.items() if key not in values}
                said |= values
            elif counts is None:
                raise InvalidInputError(
                    f"The file carries its normalisation, {carried}, but others were given. Say which counts with "
                    "--normalisation file or --normalisation given."
                )
            else:
                said |= {key: value for key, value in values.items() if key not in given}
        source = f"{self.source}, but by the weights: {', '.join(said)}" if said else self.source
        warnings = () if said.keys() >= {"mean", "std", "input_size"} else self.warnings
        return replace(self, **said, source=source, warnings=warnings).with_given(given)

    def __str__(self) -> str:
        mean, std = (", ".join(f"{value:g}" for value in values) for values in (self.mean, self.std))
        return (
            f"{self.source}: mean {mean}; std {std}; input {self.input_size} × {self.input_size}, "
            f"shorter side brought to {self.resize} ({self.interpolation})"
        )


def preprocessing(architecture: str, weights: str = "", base: ModelEntry | None = None) -> Preprocessing:
    """The preprocessing of an architecture; ImageNet's usual one, with a warning, where nobody says.

    Args:
        architecture: ``"<kind>:<name>"``.
        weights: name of the file or URL of the weights: torchvision preprocesses differently for different ones.
        base: what the training started from; its preprocessing goes on where the architecture is the same.
    """
    if base is not None and base.architecture == architecture:
        known = {field: getattr(base, field) for field in FIELDS}
        return Preprocessing(**known, source=f"{base.name}'s")
    kind, _, name = architecture.partition(":")
    if kind == "timm" and timm.is_model(name):
        return _timm(name)
    if kind == "torchvision" and name in torchvision.models.list_models(module=torchvision.models):
        return _torchvision(name, weights)
    if kind == "lucent":
        return Preprocessing(
            mean=(117 / 255,) * 3, std=(1 / 255,) * 3, interpolation="bicubic", source="Lucent's InceptionV1"
        )
    return Preprocessing(
        source="assumed",
        warnings=(
            "Nobody says how this network's pictures are preprocessed; ImageNet's usual mean, deviation and crop are "
            "assumed. Give --mean, --std, --input-size and --resize where it was trained with others.",
        ),
    )


def _timm(name: str) -> Preprocessing:
    config = timm.models.get_pretrained_cfg(name, allow_unregistered=True)
    found = resolve_data_config(pretrained_cfg=config.to_dict() if config else {})
    size, warnings = found["input_size"][1], []
    if found["crop_mode"] != "center":
        warnings.append(f"timm evaluates it with crop mode {found['crop_mode']!r}; here the middle is cut out.")
    interpolation = found["interpolation"]
    if interpolation not in INTERPOLATIONS:
        warnings.append(f"timm resizes with {interpolation!r}; here bicubic is used.")
        interpolation = "bicubic"
    return Preprocessing(
        mean=tuple(found["mean"]),
        std=tuple(found["std"]),
        input_size=size,
        resize=math.floor(size / found["crop_pct"]),
        interpolation=interpolation,
        source=f"timm's {name}",
        warnings=tuple(warnings),
    )


def _torchvision(name: str, weights: str) -> Preprocessing:
    known = torchvision.models.get_model_weights(name)
    file = Path(weights).name
    chosen = next((one for one in known if file and file == Path(one.url).name), known.DEFAULT)
    found = chosen.transforms()
    others = {one.name for one in known if one.transforms().resize_size != found.resize_size}
    warnings = []
    if others and file != Path(chosen.url).name:
        warnings.append(
            f"torchvision resizes differently for {', '.join(sorted(others))}; the values are those of {chosen.name}. "
            "Give --resize where it was trained with another."
        )
    mean, std = tuple(found.mean), tuple(found.std)
    if name in TRANSFORM_INPUT:
        mean, std = (0.5,) * 3, (0.5,) * 3
    return Preprocessing(
        mean=mean,
        std=std,
        input_size=found.crop_size[0],
        resize=found.resize_size[0],
        interpolation=found.interpolation.value,
        source=f"torchvision's {name} ({chosen.name})",
        warnings=tuple(warnings),
    )
