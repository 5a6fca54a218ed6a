"""By how much a score changes with each parameter of a scene, and where the most probable class does."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from perturber.parameters import PARAMETERS, Number, get

OUTLINES = ("yaw", "pitch", "roll", "distance", "pan_x", "pan_y", "morph", "shape_morph")
"""Parameters that move outlines, which nothing can be differentiated across."""

STEP = 0.002
"""Of a central difference, as a share of the parameter's range."""

How = Literal["gradient", "difference"]


@dataclass(frozen=True, kw_only=True)
class Slope:
    """How a score changes with a parameter.

    Attributes:
        values: of each network: ∂score/∂parameter, in the score's unit for one unit of the parameter; NaN where it is
            not known.
        how: by gradient, or by a central difference (at an end of the range by a one-sided one).
        low, high: the values that the difference is taken between; both the present one for a gradient.
    """

    values: tuple[float, ...]
    how: How
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """What is known of the slopes of a scene.

    Attributes:
        scores: of each network, at the scene itself.
        slopes: parameter → its slopes.
    """

    scores: tuple[float, ...]
    slopes: Mapping[str, Slope]


@dataclass(frozen=True, kw_only=True)
class Flip:
    """The nearest value found, on one side of the present one, at which a network's most probable class is another.

    Attributes:
        value: of the parameter, at which it is another.
        before: a value between the present one and this, at which it is not yet.
        to_class: the other class.
    """

    value: float
    before: float
    to_class: int


def sliding() -> tuple[str, ...]:
    """The parameters that have slopes: those of numbers that need not be whole."""
    return tuple(key for key, one in PARAMETERS.items() if isinstance(one, Number) and not one.whole)


def ends(key: str, value: float) -> tuple[float, float]:
    """Between which values the difference of a parameter is taken; within its range, where an angle goes round."""
    parameter = get(key)
    assert isinstance(parameter, Number)
    step = STEP * (parameter.maximum - parameter.minimum)
    low, high = value - step, value + step
    return (low, high) if parameter.periodic else (max(low, parameter.minimum), min(high, parameter.maximum))
