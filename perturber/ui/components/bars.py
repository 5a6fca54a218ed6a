"""Scores as bars, with pictures that say what a class looks like and what speaks for it."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any, Literal, TypedDict, Unpack

from perturber.finite import written
from perturber.service import ClassScore
from perturber.ui.components.base import Component
from perturber.ui.components.maps import Picture

NO_LOGITS = "No logit is a number"
"""What stands instead of the bars of a network whose logits are all NaN."""


class BarRow(TypedDict):
    """One class.

    Attributes:
        index: of the class.
        name: of the class.
        share: its probability, as text.
        number: its logit, as text.
        length: its logit as a share of the largest, 0 to 1.
        title: tooltip.
    """

    index: int
    name: str
    share: str
    number: str
    length: float
    title: str


class Evidence(Picture):
    """A picture beside the scores.

    Attributes:
        kind: an example of a class, Grad-CAM, or the gradient of a class's logit.
        caption: the line beside the picture.
    """

    kind: Literal["example", "cam", "gradient"]
    caption: str


class Chosen(TypedDict):
    """A class that was clicked.

    Attributes:
        index: of the class.
        count: of the clicks so far, this one included.
    """

    index: int
    count: int


class BarsProperties(TypedDict, total=False):
    """What goes into the browser, and what comes back.

    Attributes:
        className: further class names.
        rows: the most probable classes (see `bar_rows`).
        pinned: classes that are always shown, without a bar.
        empty: sentence that is shown instead of the rows, or "".
        evidence: pictures below the scores.
        examples: class → the picture that takes the place of the example while the class is pointed at.
        compact: whether each row is a single line, its logit behind the name.
        clicked: the class that was clicked last; written by the browser.
        hovered: the class that is pointed at, or None; written by the browser.
    """

    className: str
    rows: Sequence[BarRow]
    pinned: Sequence[BarRow]
    empty: str
    evidence: Sequence[Evidence]
    examples: Mapping[int, Evidence]
    compact: bool
    clicked: Chosen | None
    hovered: int | None


class Bars(Component):
    """Scores as bars of the slot's colour: the style variables ``--slot`` and ``--slot-text`` (``assets/bars.js``)."""

    properties = tuple(name for name in BarsProperties.__annotations__ if name != "className")

    def __init__(self, id: Any = None, **properties: Unpack[BarsProperties]) -> None:
        """See `BarsProperties`."""
        super().__init__(id=id, **properties)


def bar_rows(scores: Sequence[ClassScore], *, largest: float | None = None, action: str = "") -> list[BarRow]:
    """Scores as rows, the lengths of their bars relative to a logit.

    Args:
        scores: one line each.
        largest: logit of the longest bar; by default the largest of these.
        action: what a click does, for the tooltip.
    """
    longest = longest_logit(scores) if largest is None else largest
    return [
        BarRow(
            index=score.index,
            name=score.name,
            share=written(score.probability * 100, ".1f") + " %",
            number=written(score.logit, ".2f"),
            length=min(max(0.0, score.logit) / longest, 1.0) if longest > 0 else 0.0,
            title=f"{score.name} (class {score.index}), logit {written(score.logit, '.2f')}. {action}".rstrip(),
        )
        for score in scores
    ]


def longest_logit(scores: Iterable[ClassScore]) -> float:
    """The largest finite logit, 0 where there is none."""
    return max((score.logit for score in scores if isfinite(score.logit)), default=0.0)
