"""The parts of a network, each with a slider for its share or two for the ends of a range."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Unpack

from perturber.ui.components.base import Component


class Moved(TypedDict):
    """A step of a drag.

    Attributes:
        unit: whose slider it is, or None for the one of all.
        done: whether the drag is over.
        count: of the steps so far, this one included.
    """

    unit: str | None
    done: bool
    count: int


class UnitSlidersProperties(TypedDict, total=False):
    """What goes into the browser, and what comes back.

    Attributes:
        className: further class names.
        units: the parts, in order.
        value: part → its numbers from 0 to 1, one for a share and two for a range (from, to); of every part. Written
            by the browser at each step of a drag, rounded to four decimals.
        default: the numbers of a part that nobody has changed; as many as each part has.
        explained: sentence above the sliders.
        empty: sentence that is shown instead of them, or "".
        disabled: whether they cannot be moved now.
        moved: the last step of a drag; written by the browser together with `value`, and once more at the end of the
            drag, so that the steps of one drag can be undone together.
    """

    className: str
    units: Sequence[str]
    value: Mapping[str, Sequence[float]]
    default: Sequence[float]
    explained: str
    empty: str
    disabled: bool
    moved: Moved | None


class UnitSliders(Component):
    """Sliders of many parts, and above them one that moves all and shows their mean (``assets/unit_sliders.js``)."""

    properties = tuple(name for name in UnitSlidersProperties.__annotations__ if name != "className")

    def __init__(self, id: Any = None, **properties: Unpack[UnitSlidersProperties]) -> None:
        """See `UnitSlidersProperties`; without properties it is empty."""
        nothing: UnitSlidersProperties = {"units": (), "value": {}, "default": (0.0,), "explained": "", "empty": ""}
        super().__init__(id=id, **{**nothing, **properties})
