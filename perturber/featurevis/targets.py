"""What a feature visualisation is made for and how: values that validate themselves, and the key of their result."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from perturber.errors import InvalidInputError

Kind = Literal["neuron", "channel", "direction", "class"]

VERSION = 1
"""Part of every key: to be raised when the optimiser makes other pictures of the same target and recipe."""

SIZES = (32, 512)
STEPS = (1, 2048)
VARIANTS = (1, 6)
SEEDS = (0, 2**32 - 1)
"""Smallest and largest allowed value of each field of a `Recipe`."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a picture is optimised for. Values at layers are those before the non-linearity.

    Attributes:
        kind: ``neuron`` is the unit in the middle of a channel's map, ``channel`` the mean of the map; ``direction``
            the cosine similarity of the middle unit's channels with a direction, in [-1, 1]; ``class`` a logit.
        layer: name of the layer; None for ``class`` and for it alone.
        index: the channel or, for ``class``, the class; 0 for ``direction``.
        direction: (channel, weight) pairs for ``direction``, other channels weigh nothing; empty for the other kinds.

    Raises:
        InvalidInputError: a field that does not fit. Whether the network has such a layer and channel is checked
            where the network is known, by `perturber.featurevis.Optimisation`.
    """

    kind: Kind = "neuron"
    layer: str | None = None
    index: int = 0
    direction: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            _refuse("kind", self.kind, ", ".join(get_args(Kind)))
        if self.kind == "class" and self.layer is not None:
            _refuse("layer", self.layer, "none for a class")
        if self.kind != "class" and not (isinstance(self.layer, str) and self.layer):
            _refuse("layer", self.layer, f"the name of a layer for kind {self.kind!r}")
        if self.kind == "direction" and self.index != 0:
            _refuse("index", self.index, "0 for a direction, whose channels stand in its pairs")
        _check_whole("index", self.index, 0, None)
        if self.kind == "direction":
            _check_direction(self.direction)
        elif self.direction:
            _refuse("direction", self.direction, f"none for kind {self.kind!r}")

    @property
    def weights(self) -> dict[int, float]:
        """Channel (or class) → its weight in what the picture is optimised for."""
        return dict(self.direction) if self.kind == "direction" else {self.index: 1.0}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a picture is made.

    Attributes:
        naive: optimise pixels as they are; otherwise Fourier coefficients of decorrelated colours.
        size: side of the picture in pixels, 32–512.
        steps: steps of Adam, 1–2048.
        variants: pictures of one target, 1–6; several are pushed apart by Lucent's diversity objective.
        seed: of the first picture and of the random views, 0–2³²-1.

    Raises:
        InvalidInputError: a field outside its range.
    """

    naive: bool = False
    size: int = 128
    steps: int = 128
    variants: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.naive, bool):
            _refuse("naive", self.naive, "true or false")
        _check_whole("size", self.size, *SIZES)
        _check_whole("steps", self.steps, *STEPS)
        _check_whole("variants", self.variants, *VARIANTS)
        _check_whole("seed", self.seed, *SEEDS)


def key(fingerprint: str, target: Target, recipe: Recipe) -> str:
    """Name of a result: SHA-256, 64 hex characters, over everything that it depends on but the device.

    Args:
        fingerprint: of the network (`perturber.zoo.Network.fingerprint`).
    """
    direction = sorted([channel, float(weight)] for channel, weight in target.direction)
    parts = [VERSION, fingerprint, {**asdict(target), "direction": direction}, asdict(recipe)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _check_direction(direction: Sequence[Sequence[object]]) -> None:
    allowed = "pairs of a channel and a finite weight, each channel once, not all weights 0"
    try:
        pairs = [(channel, float(weight)) for channel, weight in direction]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        _refuse("direction", direction, allowed)
    for channel, weight in pairs:
        _check_whole("channel of the direction", channel, 0, None)
        if not math.isfinite(weight):
            _refuse("direction", direction, allowed)
    if len({channel for channel, _ in pairs}) < len(pairs) or not any(weight for _, weight in pairs):
        _refuse("direction", direction, allowed)


def _check_whole(name: str, value: object, least: int, most: int | None) -> None:
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= (most or value)
    if not fits:
        _refuse(name, value, f"whole numbers from {least}" + (f" to {most}" if most else ""))


def _refuse(name: str, value: object, allowed: str) -> None:
    raise InvalidInputError(f"A feature visualisation's {name} cannot be {str(value)[:80]!r}. Allowed: {allowed}.")
