"""What is done to the weights of one or two models, as a value and as a text that stands for a model's name."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from perturber.errors import InvalidInputError

Mode = Literal["mix", "prune"]
Amount = tuple[str, float] | tuple[str, float, float]

DEFAULTS: dict[str, tuple[float, ...]] = {"mix": (0.0,), "prune": (0.0, 1.0)}
"""Amount of a unit that is not listed: all of Model 1, every filter."""

DECIMALS = 4
"""Amounts are multiples of 0.0001: more is never seen, and texts stay short."""

MAX_LENGTH = 16_000
"""Characters of an edit's text: enough for each layer of a DenseNet-201, and short enough for an address."""

TEXT = re.compile(r"(mix|prune)\((.*)\)", re.DOTALL)
NAME = re.compile(r"[^\s(),;=]{1,100}")
NUMBER = r"\s*((?:[0-9]+\.?|[0-9]*\.[0-9]+)[0-9]*)\s*"
VALUES = {"mix": re.compile(NUMBER), "prune": re.compile(f"{NUMBER}-{NUMBER}")}
HOW = {
    "mix": "mix(model,model;unit=amount), the amount from 0 to 1",
    "prune": "prune(model;unit=low-high), both from 0 to 1",
}


@dataclass(frozen=True)
class Edit:
    """Weights made from those of one or two models: a mixture of two, or one with filters switched off.

    As text: ``mix(one,other;blocks.0=0.5,conv_stem=1)`` or ``prune(one;blocks.3=0.1-0.9)``; `parse` and `str` are each
    other's inverse. Equal edits are equal values: amounts are sorted by unit, rounded to
    0.0001, and left out where they say nothing.

    Attributes:
        first: name of Model 1 in the catalogue.
        second: of Model 2; None for ``prune``.
        mode: ``mix``: W = W₁ (1 − α) + W₂ α; ``prune``: filters outside a range of ranks are switched off.
        amounts: for ``mix`` (unit, α) with α in [0, 1], 0 for units that are not listed; for ``prune``
            (unit, low, high) with 0 ≤ low ≤ high ≤ 1, the share of filters that stay, ranked by their mean absolute
            weight, 0 to 1 for units that are not listed. A unit may lie inside another: the finer one counts.

    Raises:
        InvalidInputError: anything of this does not hold, or the text is longer than `MAX_LENGTH`.
    """

    first: str
    second: str | None = None
    mode: Mode = "mix"
    amounts: tuple[Amount, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise InvalidInputError(f"Unknown kind of edit {str(self.mode)[:80]!r}. Allowed: mix, prune.")
        if (self.second is None) != (self.mode == "prune"):
            raise InvalidInputError(f"A {self.mode} takes {'two models' if self.mode == 'mix' else 'one model'}.")
        for model in (self.first, self.second):
            if model is not None:
                _check_name("model", model)
        object.__setattr__(self, "amounts", self._canonical())
        if len(str(self)) > MAX_LENGTH:
            raise InvalidInputError(f"The edit is too long: {len(str(self))} characters. Allowed: {MAX_LENGTH}.")

    @classmethod
    def mix(cls, first: str, second: str, amounts: Mapping[str, float]) -> "Edit":
        """A mixture of two models, from unit → α."""
        return cls(first, second, "mix", tuple((unit, amount) for unit, amount in amounts.items()))

    @classmethod
    def prune(cls, first: str, ranges: Mapping[str, tuple[float, float]]) -> "Edit":
        """One model with filters switched off, from unit → (low, high)."""
        return cls(first, None, "prune", tuple((unit, low, high) for unit, (low, high) in ranges.items()))

    @staticmethod
    def is_edit(text: str) -> bool:
        """Whether a model's name is meant as an edit; it may still be one that `parse` refuses."""
        return text.lstrip().startswith(("mix(", "prune("))

    @classmethod
    def parse(cls, text: str) -> "Edit":
        """Read an edit's text.

        Raises:
            InvalidInputError: it is none, or its values are not allowed.
        """
        if len(text) > MAX_LENGTH:
            raise InvalidInputError(f"The edit is too long: {len(text)} characters. Allowed: {MAX_LENGTH}.")
        found = TEXT.fullmatch(text.strip())
        if not found:
            raise InvalidInputError(f"Not an edit: {text[:80]!r}. Write {HOW['mix']}, or {HOW['prune']}.")
        mode, body = found.groups()
        head, _, tail = body.partition(";")
        models = [model.strip() for model in head.split(",")]
        if len(models) != (2 if mode == "mix" else 1):
            raise InvalidInputError(f"Wrong number of models in {text[:80]!r}. Write {HOW[mode]}.")
        parts = tail.split(",") if tail.strip() else []
        return cls(models[0], (*models, None)[1], mode, tuple(_parse_amount(mode, part) for part in parts))  # type: ignore[arg-type]

    def __str__(self) -> str:
        models = ",".join(model for model in (self.first, self.second) if model is not None)
        amounts = ",".join(f"{unit}={'-'.join(f'{v:g}' for v in values)}" for unit, *values in self.amounts)
        return f"{self.mode}({models}{';' if amounts else ''}{amounts})"

    def values(self) -> dict[str, tuple[float, ...]]:
        """Unit → (α,) or (low, high), of the units that are listed."""
        return {unit: tuple(values) for unit, *values in self.amounts}

    def _canonical(self) -> tuple[Amount, ...]:
        listed: dict[str, tuple[float, ...]] = {}
        for unit, *values in self.amounts:
            _check_name("unit", unit)
            if unit in listed:
                raise InvalidInputError(f"The unit {unit!r} is named twice.")
            listed[unit] = _check_values(self.mode, unit, values)
        default = DEFAULTS[self.mode]
        changed = [unit for unit, values in listed.items() if values != default]
        # The default says something inside a coarser unit, whose name a finer one's begins with (see `units`).
        kept = [unit for unit in listed if any(unit.startswith(other) for other in changed)]
        return tuple((unit, *listed[unit]) for unit in sorted(kept))  # type: ignore[misc]


def _parse_amount(mode: str, part: str) -> tuple:
    unit, _, value = part.partition("=")
    found = VALUES[mode].fullmatch(value)
    if not found:
        raise InvalidInputError(f"Not an amount: {part.strip()[:80]!r}. Write {HOW[mode]}.")
    return (unit.strip(), *map(float, found.groups()))


def _check_name(kind: str, name: object) -> None:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInputError(
            f"Not the name of a {kind}: {str(name)[:80]!r}. Allowed: 1 to 100 characters, no spaces, none of ( ) , ; =."
        )


def _check_values(mode: str, unit: str, values: list) -> tuple[float, ...]:
    numbers = all(isinstance(v, int | float) and math.isfinite(v) for v in values)
    ordered = numbers and [0, *values, 1] == sorted([0, *values, 1])
    if len(values) != len(DEFAULTS[mode]) or not ordered:
        shown = "-".join(str(v)[:20] for v in values)
        allowed = "a number from 0 to 1" if mode == "mix" else "two rising numbers from 0 to 1"
        raise InvalidInputError(f"Not an amount for unit {unit!r}: {shown!r}. Allowed: {allowed}.")
    return tuple(round(float(v), DECIMALS) + 0.0 for v in values)  # + 0.0: no negative zero
