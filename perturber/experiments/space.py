"""The scenes around a scene: some parameters, how far each may go, and how far from the start that is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, floor, isfinite
from typing import Literal, get_args

import numpy as np

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.slopes import OUTLINES
from perturber.parameters import PARAMETERS, Code, Neuron, Number, Value, get
from perturber.scene import SceneBase

Norm = Literal["l2", "linf"]

NORMS: tuple[Norm, ...] = get_args(Norm)

ROUGH = ("background_rotation",)
"""Parameters beside `OUTLINES` whose slopes say little of where a step leads: they shift pixels."""

REACH: dict[str, float] = {
    "yaw": 30, "pitch": 15, "roll": 15, "distance": 1, "pan_x": 0.3, "pan_y": 0.3, "morph": 0.3,
    "texture_influence": 0.6, "texture_blur": 4, "lighting_influence": 0.5, "light_azimuth": 90, "light_elevation": 45,
    "background_blur": 4, "background_saturation": 1, "background_rotation": 45,
    "alpha": 0.4, "hue": 0.15, "saturation": 0.8, "contrast": 0.6, "brightness": 0.25, "noise": 0.1,
}  # fmt: skip
"""Parameter → how far to either side it may go where nobody says otherwise: a person still knows the object."""

CLOSE = 1e-9
"""Steps that are the same but for how computers add."""

MOST_TURNS = 2
"""Of an angle, between 0 and an end of its range."""


@dataclass(frozen=True)
class Span:
    """A parameter and the ends of its range.

    Attributes:
        low, high: an angle's may lie outside of the parameter's own interval: 150 to 210 goes through 180.

    Raises:
        InvalidInputError: there is no such parameter, it has no numbers between others, or not these ends.
    """

    key: str
    low: float
    high: float

    def __post_init__(self) -> None:
        parameter = get(self.key)
        if not isinstance(parameter, Number) or parameter.whole:
            raise InvalidInputError(
                f"{parameter.label} ({self.key}) cannot be moved step by step: it is no number, or a whole one."
            )
        low, high = (_end(parameter, end) for end in (self.low, self.high))
        most = parameter.maximum - parameter.minimum
        if not 0 < high - low <= most:
            raise InvalidInputError(
                f"{parameter.label} ({self.key}) cannot go from {low:g} to {high:g}. The range must rise, by "
                f"{most:g} at most."
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)


def _end(parameter: Number, value: object) -> float:
    if not parameter.periodic:
        return parameter.parse(value)
    parameter.parse(value)  # refuses what is no number
    number = float(value)  # type: ignore[arg-type]
    if abs(number) > MOST_TURNS * (parameter.maximum - parameter.minimum):
        raise InvalidInputError(f"{parameter.label} ({parameter.key}) cannot go as far as {number:g}.")
    return number


def usual(start: SceneBase, keys: Iterable[str] | None = None, reach: Mapping[str, float] = REACH) -> tuple[Span, ...]:
    """Ranges about a scene: the reach to either side within what the parameter allows, its own interval for others.

    Args:
        keys: of parameters; by default those of the reach.
        reach: parameter → how far.

    Raises:
        InvalidInputError: a parameter has no range.
    """
    return tuple(_usual(start, key, reach) for key in (reach if keys is None else keys))


def _usual(start: SceneBase, key: str, reach: Mapping[str, float]) -> Span:
    parameter = get(key)
    if not isinstance(parameter, Number) or parameter.whole:
        return Span(key, 0, 1)  # which says why not
    if key not in reach:
        return Span(key, parameter.minimum, parameter.maximum)
    low, high = getattr(start, key) - reach[key], getattr(start, key) + reach[key]
    return Span(
        key, *((low, high) if parameter.periodic else (max(low, parameter.minimum), min(high, parameter.maximum)))
    )


@dataclass(frozen=True)
class Coordinate:
    """One parameter on its way from the start.

    Attributes:
        start: its value there.
        unit: of the parameter, for a step of 1; negative where steps go down. None for one that has nothing between.
        lower, upper: how far steps may go; 0 is the start.
        other: the value of the scene at the other end, if there is one; where there is nothing between, it stands
            there from a step of ½ on.
    """

    key: str
    start: Value
    unit: float | None
    lower: float
    upper: float
    other: Value | None = None

    def value(self, step: float, decimals: int | None = None, *, outwards: bool = False) -> Value:
        """The parameter's value after a step, rounded towards the start, or away from it within the range.

        Args:
            step: clipped to the range.
            decimals: by default one more than the slider's step has.
        """
        step = min(max(step, self.lower), self.upper)
        if self.other is not None and step >= (0.5 if self.unit is None else self.upper - CLOSE):
            return self.other
        if self.unit is None:
            return self.start
        start, move = float(self.start), step * self.unit
        if not move:
            return self.start
        scale = 10.0 ** (_decimals(self.key) if decimals is None else decimals)
        up = (move > 0) == outwards
        value = (ceil if up else floor)(round((start + move) * scale, 6)) / scale
        ends = sorted((start + self.lower * self.unit, start + self.upper * self.unit))
        if (value - start) * move <= 0:  # the start has more decimals than that
            return self.start
        return _parsed(self.key, min(max(value, ends[0]), ends[1]))

    def step(self, value: Value) -> float:
        """How far a value of the parameter is from the start; of an angle by the way that lies within the range."""
        if self.unit is None:
            return float(value == self.other and value != self.start)
        parameter = get(self.key)
        assert isinstance(parameter, Number)
        moves = [float(value) - float(self.start)]
        if parameter.periodic:
            turn = parameter.maximum - parameter.minimum
            moves += [moves[0] + turn, moves[0] - turn]
        steps = [move / self.unit for move in moves]
        return min(steps, key=lambda one: (max(self.lower - one, one - self.upper, 0.0), abs(one)))


def _parsed(key: str, value: float) -> Value:
    return get(key).parse(float(f"{value:.9g}"))


def _decimals(key: str) -> int:
    """One more than those of the slider's step."""
    parameter = get(key)
    assert isinstance(parameter, Number)
    return len(f"{parameter.step:.9g}".partition(".")[2]) + 1


@dataclass(frozen=True)
class Space:
    """The scenes that some parameters lead to. A point of it has a step for each: 0 is the start.

    Attributes:
        start: the scene, whose other parameters stay.
        coordinates: at least one.
    """

    start: SceneBase
    coordinates: tuple[Coordinate, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        if not self.coordinates:
            raise InvalidInputError("No parameter may change, so there is nothing to look for. Name one.")
        keys = self.keys
        twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
        if twice is not None:
            raise InvalidInputError(f"{get(twice).label} ({twice}) has two ranges. Give one.")

    @classmethod
    def around(cls, start: SceneBase, spans: Sequence[Span]) -> "Space":
        """A step of 1 is a whole range.

        Raises:
            InvalidInputError: no range, two of one parameter, or the start lies outside of one.
        """
        return cls(start, tuple(_coordinate(start, span) for span in spans))

    @classmethod
    def between(cls, start: SceneBase, other: SceneBase) -> "Space":
        """A step of 1 leads from one scene's value to another's; there is nothing beyond.

        Raises:
            InvalidInputError: the scenes are the same.
        """
        differing = [key for key in PARAMETERS if getattr(start, key) != getattr(other, key)]
        if not differing:
            raise InvalidInputError("The two scenes are the same. Give two that differ.")
        return cls(start, tuple(_towards(start, other, key) for key in differing))

    @property
    def keys(self) -> tuple[str, ...]:
        """Of the parameters."""
        return tuple(coordinate.key for coordinate in self.coordinates)

    @property
    def smooth(self) -> tuple[str, ...]:
        """Of the parameters by which pictures are differentiated."""
        return tuple(
            coordinate.key
            for coordinate in self.coordinates
            if coordinate.unit is not None and coordinate.key not in OUTLINES
        )

    @cached_property
    def lower(self) -> np.ndarray:
        """(P,) least steps."""
        return np.array([coordinate.lower for coordinate in self.coordinates])

    @cached_property
    def upper(self) -> np.ndarray:
        """(P,) largest steps."""
        return np.array([coordinate.upper for coordinate in self.coordinates])

    @cached_property
    def between_values(self) -> np.ndarray:
        """(P,) whether there is something between two values of the parameter."""
        return np.array([coordinate.unit is not None for coordinate in self.coordinates])

    @cached_property
    def units(self) -> np.ndarray:
        """(P,) of the parameter, for a step of 1; NaN where there is nothing between."""
        return np.array([np.nan if c.unit is None else c.unit for c in self.coordinates])

    def scene(self, point: np.ndarray) -> SceneBase:
        """The scene at a point, with numbers as `Coordinate.value` rounds them."""
        changes = {c.key: c.value(float(step)) for c, step in zip(self.coordinates, point, strict=True)}
        return self.start.replace(**changes)

    def point(self, scene: SceneBase) -> np.ndarray:
        """Where a scene lies, if the others of its parameters are as at the start."""
        return np.array([coordinate.step(getattr(scene, coordinate.key)) for coordinate in self.coordinates])

    def snap(self, point: np.ndarray) -> np.ndarray:
        """The nearest point that a scene's rounded values stand for; never farther from the start."""
        return self.point(self.scene(point))

    def distance(self, point: np.ndarray, norm: Norm) -> float:
        """From the start: the length of the steps (L2), or the longest of them (L∞)."""
        check_norm(norm)
        return float(np.sqrt((point**2).sum()) if norm == "l2" else np.abs(point).max())


def check_norm(norm: str) -> None:
    """Refuse a norm that nobody knows.

    Raises:
        UnknownNameError: naming those that exist.
    """
    if norm not in NORMS:
        raise UnknownNameError("norm", norm, NORMS)


def check_limit(limit: float) -> None:
    """Refuse a distance that is none.

    Raises:
        InvalidInputError: it is not above 0.
    """
    if not (isfinite(limit) and limit > 0):
        raise InvalidInputError(f"The distance cannot be {limit}. Give a number above 0, in widths of the ranges.")


def _coordinate(start: SceneBase, span: Span) -> Coordinate:
    parameter, value = get(span.key), float(getattr(start, span.key))
    assert isinstance(parameter, Number)
    turn = parameter.maximum - parameter.minimum
    shifts = (0.0, turn, -turn, 2 * turn, -2 * turn) if parameter.periodic else (0.0,)
    inside = [value + shift for shift in shifts if span.low <= value + shift <= span.high]
    if not inside:
        raise InvalidInputError(
            f"{parameter.label} ({span.key}) is {value:g} at the start, outside of its range {span.low:g} to "
            f"{span.high:g}. Give a range that holds it."
        )
    width = span.high - span.low
    return Coordinate(
        span.key, getattr(start, span.key), width, (span.low - inside[0]) / width, (span.high - inside[0]) / width
    )


def _towards(start: SceneBase, other: SceneBase, key: str) -> Coordinate:
    parameter, here, there = get(key), getattr(start, key), getattr(other, key)
    if not isinstance(parameter, Number) or parameter.whole or isinstance(parameter, Code | Neuron):
        return Coordinate(key, here, None, 0.0, 1.0, there)
    way = there - here
    if parameter.periodic:
        turn = parameter.maximum - parameter.minimum
        way = (way + turn / 2) % turn - turn / 2
    return Coordinate(key, here, way, 0.0, 1.0, there)
