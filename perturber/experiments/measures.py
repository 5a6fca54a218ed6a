"""Scalars that say what a network makes of a picture, or how far two networks are from one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Literal, get_args

import torch
from torch import Tensor

from perturber import finite
from perturber.attack import relative_change
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.divergence import jensen_shannon
from perturber.order import largest

Kind = Literal["logit", "probability", "margin", "rank", "entropy", "activation", "change", "agreement", "divergence"]
Pooling = Literal["mean", "max", "place"]

OF_A_CLASS = ("logit", "probability", "margin", "rank")
OF_A_LAYER = ("activation", "change")
OF_TWO = ("agreement", "divergence")

ABOUT: dict[str, str] = {
    "logit": "Logit of the class",
    "probability": "Probability of the class",
    "margin": "Logit of the class, less the largest of the others",
    "rank": "Place of the class among all, 1 for the most probable",
    "entropy": "Entropy of the probabilities, in bits",
    "activation": "Activation of the neuron",
    "change": "How far the layer has moved from the start, ‖a − a₀‖ / ‖a₀‖",
    "agreement": "Whether two networks have the same most probable class: 1 or 0",
    "divergence": "Jensen–Shannon divergence of two networks’ probabilities, in bits",
}
"""Kind → what it is, as a person would say it."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A scalar of one network, or of two.

    Attributes:
        kind: see `ABOUT`.
        class_index: of the class, for those of a class; None for the one that each network finds most probable at the
            start.
        layer: for those of a layer.
        channel: of an activation.
        pooling: of an activation over its map; ``place`` takes the one at `place`.
        place: row and column of the map.

    Raises:
        InvalidInputError: something is missing, or cannot be so.
    """

    kind: Kind
    class_index: int | None = None
    layer: str | None = None
    channel: int | None = None
    pooling: Pooling = "mean"
    place: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UnknownNameError("measure", self.kind, get_args(Kind))
        if self.pooling not in get_args(Pooling):
            raise UnknownNameError("pooling", self.pooling, get_args(Pooling))
        if self.kind in OF_A_LAYER and not self.layer:
            raise InvalidInputError(f"Name the layer whose {self.kind} is to be measured.")
        if self.kind == "activation" and self.channel is None:
            raise InvalidInputError(f"Name the channel of {self.layer} whose activation is to be measured.")
        if self.kind == "activation" and (self.pooling == "place") != (self.place is not None):
            raise InvalidInputError("An activation at a place needs its row and column, and no other does.")

    @property
    def needs_logits(self) -> bool:
        """Whether it is made of logits."""
        return self.kind not in OF_A_LAYER

    @property
    def needs_start(self) -> bool:
        """Whether it refers to what a network makes of the start."""
        return self.kind == "change" or (self.kind in OF_A_CLASS and self.class_index is None)

    def __str__(self) -> str:
        if self.kind in OF_A_CLASS:
            return f"{self.kind} of {'the first class' if self.class_index is None else f'class {self.class_index}'}"
        if self.kind == "activation":
            where = f"at row {self.place[0]}, column {self.place[1]}" if self.place else self.pooling
            return f"{self.layer}:{self.channel} ({where})"
        return f"{self.kind} of {self.layer}" if self.kind == "change" else self.kind


@dataclass(frozen=True)
class Column:
    """A measure of certain networks: what a table of values has a column for.

    Attributes:
        models: one, or two for a measure of two.
    """

    measure: Measure
    models: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.measure}: {' and '.join(self.models)}"


def columns(measures: Sequence[Measure], models: Sequence[str]) -> tuple[Column, ...]:
    """Every measure of each network, or of the first one and each other.

    Raises:
        InvalidInputError: a measure of two networks, and only one is there.
    """
    found: list[Column] = []
    for measure in measures:
        if measure.kind not in OF_TWO:
            found += [Column(measure, (model,)) for model in models]
        elif len(models) < 2:
            raise InvalidInputError(f"The {measure.kind} needs two networks. Choose another one, too.")
        else:
            found += [Column(measure, (models[0], other)) for other in models[1:]]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Seen:
    """What one network makes of a batch of pictures.

    Attributes:
        logits: (B, K), or None.
        activations: layer → (B, C, h, w).
    """

    logits: Tensor | None
    activations: Mapping[str, Tensor]


def value(column: Column, seen: Mapping[str, Seen], start: Mapping[str, Seen]) -> Tensor:
    """A column's values.

    Args:
        seen: model → what it makes of the pictures.
        start: model → what it makes of the start, a batch of one, where the measure needs it.

    Returns:
        (B,) float64; NaN where what it is made of is not known.
    """
    measure, models = column.measure, column.models
    first = seen[models[0]]
    if measure.kind == "activation":
        return _activation(measure, first.activations[str(measure.layer)])
    if measure.kind == "change":
        layer = str(measure.layer)
        maps = first.activations[layer]
        origin = start[models[0]].activations[layer].expand(len(maps), -1, -1, -1)
        return relative_change({layer: origin}, {layer: maps})[layer]
    assert first.logits is not None
    logits = first.logits.double()
    if measure.kind == "entropy":
        return torch.special.entr(logits.softmax(1)).sum(1) / log(2)
    if measure.kind in OF_TWO:
        second = seen[models[1]].logits
        assert second is not None
        return _of_two(measure.kind, logits, second.double())
    index = measure.class_index
    if index is None:
        index = int(largest(_logits(start[models[0]]), 1).indices[0, 0])
    return _of_class(measure.kind, logits, index)


def _logits(seen: Seen) -> Tensor:
    assert seen.logits is not None
    return seen.logits


def _activation(measure: Measure, maps: Tensor) -> Tensor:
    own = maps[:, measure.channel]
    if measure.place is not None:
        return own[:, measure.place[0], measure.place[1]].double()
    if measure.pooling == "mean":
        return finite.means(own).double()
    return own.double().nan_to_num(-torch.inf, torch.inf, -torch.inf).amax((-2, -1))


def _of_two(kind: str, first: Tensor, second: Tensor) -> Tensor:
    if kind == "divergence":
        return jensen_shannon(first.softmax(1), second.softmax(1))
    one, other = (largest(logits, 1).indices[:, 0] for logits in (first, second))
    return (one == other).double()


def _of_class(kind: str, logits: Tensor, index: int) -> Tensor:
    own = logits[:, index]
    if kind == "logit":
        return own
    if kind == "probability":
        return logits.softmax(1)[:, index]
    others = torch.cat((logits[:, :index], logits[:, index + 1 :]), 1)
    if kind == "margin":
        return own - others.amax(1)
    above = (others > own[:, None]).sum(1) + (logits[:, :index] == own[:, None]).sum(1)  # as `perturber.order` has it
    return torch.where(own.isnan(), torch.nan, 1.0 + above)
