"""A figure of several panels, as papers have them: a grid of other figures with letters, captions and one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any

import plotly.graph_objects as go

from perturber.errors import InvalidInputError
from perturber.figures.placing import LINE, Box, Canvas, Placed, is_diverging, wrapped
from perturber.figures.style import DIVERGING, SIGNED, base_layout, plain

BETWEEN = 12.0
"""Pixels between panels."""

LETTER_SIZE, LETTER_ROOM = 13, 19.0
CAPTION_SIZE, TITLE_SIZE = 10, 13
BAR_ROOM, LONGEST_BAR = 54.0, 180.0
"""Of the shared colour bar: pixels at the right, and along it at most."""

ACTIVATIONS = ("", "act.")
"""What the colour bars of activations are called: those that one scale may serve."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One of the figures.

    Attributes:
        figure: in the style of `perturber.figures`; its own width and height say how high it should be.
        caption: plain text below it.
        across: columns that it takes.
    """

    figure: go.Figure
    caption: str = ""
    across: int = 1


def compose(
    panels: Sequence[Panel],
    *,
    rows: int,
    columns: int,
    width: float,
    height: float | None = None,
    letters: bool = True,
    shared: bool = False,
    title: str = "",
) -> go.Figure:
    """One figure of several, row by row from the upper left.

    What the panels show stays as it is, number by number. Maps and pictures stay square; other plots become as high as
    their row. Fonts keep their size, so that labels are left out, and titles and legends broken, where there is no
    room.

    Args:
        width: in pixels of the page, for which everything is laid out.
        height: in pixels; None for as much as it takes.
        letters: whether panels are called a, b, c …
        shared: whether all maps of activations that have a scale get the same one, with one colour bar.

    Raises:
        InvalidInputError: there are none, they do not fit into the grid, or one of them cannot be a panel.
    """
    if not panels:
        raise InvalidInputError("There is no panel yet. Add one first.")
    places = arranged([panel.across for panel in panels], rows, columns)
    names = [letter(n) if letters else "" for n in range(len(panels))]
    bar = _share(panels, names) if shared else None
    inside = width - (BAR_ROOM if bar else 0)
    column = (inside - (columns - 1) * BETWEEN) / columns
    widths = [panel.across * (column + BETWEEN) - BETWEEN for panel in panels]
    figures = bar.figures if bar else [panel.figure for panel in panels]
    placed = [Placed.of(figure, wide) for figure, wide in zip(figures, widths, strict=True)]
    captions = [wrapped(plain(panel.caption), wide, CAPTION_SIZE) for panel, wide in zip(panels, widths, strict=True)]
    grid = _Grid(
        rows=[row for row, _ in places],
        placed=placed,
        captions=captions,
        head=LETTER_ROOM * letters,
        top=2.2 * TITLE_SIZE * bool(title),
    )
    tops, heights, whole = grid.laid_out(height)
    canvas = Canvas(width, whole)
    if title:
        canvas.write(f"<b>{plain(title)}</b>", 0, 0, font={"size": TITLE_SIZE})
    for n, (row, place) in enumerate(places):
        left = place * (column + BETWEEN)
        if names[n]:
            canvas.write(f"<b>{names[n]}</b>", left, tops[row], font={"size": LETTER_SIZE})
        canvas.place(placed[n], Box(left, tops[row] + grid.head, widths[n], heights[row]))
        if captions[n]:
            below = tops[row] + grid.head + heights[row] + 3
            canvas.write("<br>".join(captions[n]), left, below, font={"size": CAPTION_SIZE})
    if bar:
        bar.place(canvas, Box(width - BAR_ROOM, tops[0] + grid.head, BAR_ROOM, whole - tops[0] - grid.head))
    layout = base_layout(margin={"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0, "autoexpand": False}, showlegend=True)
    figure = canvas.figure(**layout.to_plotly_json())
    return figure.update_layout(width=width, height=whole)


def letter(number: int) -> str:
    """What a panel is called: a to z, then aa, ab and so on."""
    before, last = divmod(number, len(ascii_lowercase))
    return (letter(before - 1) if before else "") + ascii_lowercase[last]


def arranged(across: Sequence[int], rows: int, columns: int) -> list[tuple[int, int]]:
    """Row and column of each panel, one after the other; a wide one that a row has no room for begins the next row.

    Args:
        across: columns that each takes.

    Raises:
        InvalidInputError: there are not enough rows, or one is wider than the figure.
    """
    places, row, column = [], 0, 0
    for wide in across:
        if not 1 <= wide <= columns:
            raise InvalidInputError(f"A panel cannot take {wide} columns of a figure that has {columns}.")
        if column + wide > columns:
            row, column = row + 1, 0
        places.append((row, column))
        column += wide
    if row >= rows:
        raise InvalidInputError(
            f"{len(across)} panels do not fit into {rows} × {columns} cells; they take {row + 1} rows. Give the figure "
            "more rows or columns."
        )
    return places


@dataclass(frozen=True, kw_only=True)
class _Grid:
    """Rows of panels.

    Attributes:
        rows: of each panel, from 0.
        head: pixels above each panel for its letter.
        top: pixels above all.
    """

    rows: Sequence[int]
    placed: Sequence[Placed]
    captions: Sequence[Sequence[str]]
    head: float
    top: float

    def laid_out(self, height: float | None) -> tuple[list[float], list[float], float]:
        """Where each row begins, how high its panels are, and the height of all, in pixels.

        Args:
            height: of all; None for as much as the panels want.
        """
        count = self.rows[-1] + 1
        heights = [max(one.height for one in self._of(self.placed, row)) for row in range(count)]
        below = [max(len(lines) for lines in self._of(self.captions, row)) for row in range(count)]
        foot = [3 + LINE * CAPTION_SIZE * lines + 2 if lines else 0.0 for lines in below]
        rest = self.top + count * self.head + sum(foot) + (count - 1) * BETWEEN
        if height is not None:
            factor = max(height - rest, 40.0 * count) / sum(heights)
            heights = [one * factor for one in heights]
        tops = [self.top]
        for row in range(count - 1):
            tops.append(tops[-1] + self.head + heights[row] + foot[row] + BETWEEN)
        return tops, heights, rest + sum(heights)

    def _of(self, values: Sequence[Any], row: int) -> list[Any]:
        return [value for value, where in zip(values, self.rows, strict=True) if where == row]


# ---- one scale ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _SharedBar:
    """One colour bar for several panels.

    Attributes:
        figures: the panels', with the same scale in all its maps.
        names: letters of the panels that it serves.
    """

    figures: list[go.Figure]
    names: tuple[str, ...]

    def place(self, canvas: Canvas, box: Box) -> None:
        """Beside the panels."""
        first = next(trace for trace in canvas.traces if trace.get("meta") == SHARED)
        for trace in canvas.traces:
            if trace.get("meta") == SHARED:
                del trace["meta"]
        lines = wrapped(f"act. in {', '.join(self.names)}" if any(self.names) else "act.", BAR_ROOM - 6, CAPTION_SIZE)
        canvas.write("<br>".join(lines), box.left + 10, box.top, font={"size": CAPTION_SIZE})
        used = LINE * CAPTION_SIZE * len(lines) + 8
        first["showscale"] = True
        first["colorbar"] = {
            "thickness": 10,
            "outlinewidth": 0,
            "tickformat": SIGNED,
            "x": canvas.x(box.left + 10),
            "xanchor": "left",
            "xpad": 0,
            "y": canvas.y(box.top + used),
            "yanchor": "top",
            "ypad": 0,
            "lenmode": "pixels",
            "len": max(min(LONGEST_BAR, box.height - used - 8), 40.0),
        }


SHARED = "shared scale"
"""Marks such maps until their bar is placed."""


def _share(panels: Sequence[Panel], names: Sequence[str]) -> _SharedBar | None:
    """The panels' maps of activations on one scale; None where there are none."""
    figures = [go.Figure(panel.figure) for panel in panels]
    chosen = [
        (n, trace)
        for n, figure in enumerate(figures)
        for trace in figure.data
        if is_diverging(trace.to_plotly_json(), DIVERGING) and (trace.colorbar.title.text or "") in ACTIVATIONS
    ]
    if not chosen:
        return None
    scale = max(trace.zmax for _, trace in chosen)
    for _, trace in chosen:
        trace.update(zmin=-scale, zmax=scale, showscale=False, meta=SHARED)
    served = tuple(dict.fromkeys(names[n] for n, _ in chosen))
    return _SharedBar(figures, served)
