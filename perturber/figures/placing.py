"""Puts a figure into a rectangle of a larger one: its axes, bars, legends, pictures and words keep their meaning."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from html import unescape
from itertools import count, pairwise
from math import ceil, cos, radians, sin
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import qualitative

from perturber.errors import InvalidInputError

AXIS = re.compile(r"([xy])axis(\d*)")
AXIS_NAME = re.compile(r"[xy]\d*")
REFERENCE = re.compile(r"([xy])(\d*)( domain)?")
MARKUP = re.compile(r"<[^>]*>")
BREAKS = re.compile(r"(?:&#?\w+;|[^-.,;+=_/(])*[-.,;+=_/(]?(?<=.)")
"""Parts of a long word, after whose last sign a line may end; a reference stays whole."""

FONT_SIZE = 11
"""Pixels, where a figure says nothing (see `perturber.figures.style.base_layout`)."""

LEGEND_SIZE, LEGEND_LINE, LEGEND_GAP = 10, 17.0, 8.0
"""Pixels of a legend's font, of its lines, and between it and the plot."""

CHARACTER, LINE = 0.54, 1.25
"""Width of a letter on average, and distance of lines, as shares of a font's size."""

ENTRY = 46
"""Pixels of an entry of a legend beside its text."""

BAR_GAP = 8
"""Pixels between a plot and its colour bar."""

DEFAULT_MARGIN = {"l": 80, "r": 80, "t": 100, "b": 80}
"""Plotly's own."""

ASPECT = 0.62
"""Height by width of a plot that says nothing of its own."""

TALLEST = 1.6
"""Height by width of a plot, at most."""

NARROWEST = 0.3
"""Width of a plot as a share of its cell's, at least: in narrow cells labels have less room than they need."""

MOST_GAP = 0.5
"""Of a plot, that gaps between its subplots take at most."""

APART = 3.0
"""Pixels between words in a row."""

SMALLEST = 7.5
"""Pixels of a font that is made smaller."""

BAR_PITCH = 26.0
"""Pixels from bar to bar, at least, where something is written in them."""

SHORTEST = 64.0
"""Pixels of the height of a plot, at least, for each of those that stand one above the other in it."""

SHARED_BY_ALL = ("barmode", "barnorm", "bargap", "bargroupgap", "boxmode", "violinmode", "scattermode")
"""Parts of a layout that one figure can have only once."""


@dataclass(frozen=True)
class Box:
    """A rectangle in a figure, in pixels from its upper left corner."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The place of its right side."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The place of its lower side."""
        return self.top + self.height


def text_width(text: str, size: float) -> float:
    """About how many pixels a line of text takes, without its markup; of several lines, the longest."""
    lines = re.split(r"<br\s*/?>", text)
    return max(len(unescape(MARKUP.sub("", line))) for line in lines) * size * CHARACTER


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Text as lines that are no wider than so many pixels, unless a part of a word is.

    Args:
        text: with references, but without markup.
    """
    lines: list[str] = []
    for word in text.split():
        parts = [word] if text_width(word, size) <= width else BREAKS.findall(word)
        for n, part in enumerate(parts):
            longer = lines[-1] + (" " if n == 0 else "") + part if lines else part
            if lines and text_width(longer, size) <= width:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines


# ---- one figure, to be placed -------------------------------------------------------------------------------------


@dataclass
class Placed:
    """A copy of a figure, fitted to a width.

    Attributes:
        margin: pixels around its plot: ``l``, ``r``, ``t``, ``b``.
        plot_height: pixels that its plot should have.
        locked: height by width that its plot has to keep, or None where that may change.
        natural: pixels along ``x`` and ``y`` that its plot has alone; 0 where that is not known.
        legend: entries in lines above the plot, numbers of traces.
    """

    traces: list[dict[str, Any]]
    layout: dict[str, Any]
    width: float
    margin: dict[str, float] = field(default_factory=dict)
    plot_height: float = 0.0
    locked: float | None = None
    natural: dict[str, float] = field(default_factory=dict)
    legend: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, figure: go.Figure, width: float) -> "Placed":
        """A figure in a cell of so many pixels.

        Raises:
            InvalidInputError: it has other subplots than those with an x and a y.
        """
        traces = deepcopy([trace.to_plotly_json() for trace in figure.data])
        found = cls(traces, deepcopy(figure.layout.to_plotly_json()), width)
        for trace in figure.data:
            if "xaxis" not in trace:
                raise InvalidInputError(f"A figure of the kind {trace.type!r} cannot be a panel of another one.")
        found._complete()
        found._fit()
        return found

    @property
    def height(self) -> float:
        """Pixels that it should have in all."""
        return self.margin["t"] + self.plot_height + self.margin["b"]

    @property
    def axes(self) -> dict[str, dict[str, Any]]:
        """Its axes by their keys in the layout."""
        return {key: value for key, value in self.layout.items() if AXIS.fullmatch(key)}

    def bars(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Each colour bar that it shows, and the trace that it stands beside."""
        of_axes: dict[str, dict[str, Any]] = {}
        for trace in self.traces:
            for part in (trace, trace.get("marker", {})):
                if part.get("coloraxis"):
                    of_axes.setdefault(part["coloraxis"], trace)
                elif part.get("showscale", part is trace and trace["type"] == "heatmap"):
                    yield part.setdefault("colorbar", {}), trace
        for key, trace in of_axes.items():
            axis = self.layout.setdefault(key, {})
            if axis.get("showscale", True):
                yield axis.setdefault("colorbar", {}), trace

    def _complete(self) -> None:
        """Write down what Plotly would take from the figure as a whole."""
        self._pair_axes()
        entries = [t for t in self.traces if t.get("showlegend") is not False and t["type"] not in ("heatmap", "image")]
        listed = self.layout.get("showlegend")
        listed = len(entries) > 1 if listed is None else listed
        colours = self.layout.get("colorway") or qualitative.D3
        for number, trace in enumerate(self.traces):
            trace.pop("uid", None)
            if trace["type"] in ("heatmap", "image"):
                continue
            trace["showlegend"] = bool(listed and trace in entries)
            colour = colours[number % len(colours)]
            marker, line = trace.setdefault("marker", {}), trace.setdefault("line", {})
            if trace["type"] == "scatter":
                given = line.get("color") or (marker.get("color") if isinstance(marker.get("color"), str) else None)
                line.setdefault("color", given or colour)
            else:
                trace.pop("line") if not line else None
            if not marker.get("coloraxis"):
                marker.setdefault("color", line.get("color", colour))

    def _pair_axes(self) -> None:
        """Each axis that is used, and the one that it stands on; others, which Plotly would not draw, are left out."""
        pairs = [(t.get("xaxis") or "x", t.get("yaxis") or "y") for t in self.traces]
        parts = [one for part in ("annotations", "shapes", "images") for one in self.layout.get(part) or ()]
        pairs += [
            (one["xref"], one["yref"])
            for one in parts
            if AXIS_NAME.fullmatch(str(one.get("xref"))) and AXIS_NAME.fullmatch(str(one.get("yref")))
        ]
        for trace, (x, y) in zip(self.traces, pairs, strict=False):
            trace["xaxis"], trace["yaxis"] = x, y
        used = {_key(name) for pair in pairs for name in pair}
        for key in used:
            self.layout.setdefault(key, {})
        for key in self.axes.keys() - used:
            del self.layout[key]
        for key, axis in self.axes.items():
            name = key.replace("axis", "")
            standing = next(b if key[0] == "x" else a for a, b in pairs if name in (a, b))
            if axis.get("overlaying"):
                standing = axis.get("anchor") or standing
            axis.setdefault("anchor", standing)
            for reference in ("anchor", "matches", "scaleanchor", "overlaying"):
                if axis.get(reference) not in (None, False, "free") and _key(axis[reference]) not in used:
                    del axis[reference]

    # ---- its size -------------------------------------------------------------------------------------------------

    def _fit(self) -> None:
        given = {**DEFAULT_MARGIN, **{k: v for k, v in self.layout.get("margin", {}).items() if k in DEFAULT_MARGIN}}
        self.natural = self._natural(given)
        self.locked = self._aspect()
        margin = {side: float(pixels) for side, pixels in given.items()}
        for axis, key, side in self._automatic():
            margin[side] = max(margin[side], self._labels(axis, key, side))
        room = sum(self.bar_width(bar) for bar, _ in self.bars())
        margin["r"] = max(margin["r"], room + 4) if room else margin["r"]
        if self._lies_outside():
            lines = self._flow(self.width - 8)
            margin["t"] = LEGEND_GAP + LEGEND_LINE * len(lines)
            if (self.layout.get("legend") or {}).get("x", 1.02) >= 1:
                margin["r"] = max(min(margin["r"], 14.0), room)
        self.margin = margin
        self.plot_height = self._wanted()
        margin["l"] += self._wrap_titles("y", self.plot_height)
        alone = len({_domain(axis) for key, axis in self.axes.items() if key[0] == "x"}) < 2
        beyond = 1.6 * min(margin["l"], margin["r"]) if alone else 0.0  # a title may be longer than its axis
        margin["b"] += self._wrap_titles("x", self._plot_width + beyond) + self._wrap_words()
        margin["t"] += self._wrap_rows()
        self._fit_bars()
        squeezed = min(1.0, (1 - NARROWEST) * self.width / (margin["l"] + margin["r"] or 1.0))
        margin |= {side: squeezed * margin[side] for side in "lr"}
        self.plot_height = self._wanted()

    @property
    def _plot_width(self) -> float:
        return max(self.width - self.margin["l"] - self.margin["r"], NARROWEST * self.width)

    def _natural(self, margin: Mapping[str, float]) -> dict[str, float]:
        """Width and height of its plot, in pixels, as the figure is laid out alone; 0 where it does not say."""
        width, height = (float(self.layout.get(side) or 0) for side in ("width", "height"))
        return {
            "x": max(width - margin["l"] - margin["r"], 0.0) if width and height else 0.0,
            "y": max(height - margin["t"] - margin["b"], 0.0) if width and height else 0.0,
        }

    def _wanted(self) -> float:
        width = self._plot_width
        if self.locked is not None:
            return width * min(self.locked, TALLEST)
        own = self.natural
        aspect = own["y"] / own["x"] if own["x"] else ASPECT
        stacked = {_domain(axis) for key, axis in self.axes.items() if key[0] == "y"}
        between = (1 - sum(end - start for start, end in stacked)) * own["y"] if len(stacked) > 1 else 0.0
        shortest = max(1, len(stacked)) * SHORTEST + max(between, 0.0)
        shortest = max(shortest, *(BAR_PITCH * len(bars["y"]) for bars in self._written_bars()), 0.0)
        return max(min(max(width * aspect, min(own["y"], 0.75 * width)), TALLEST * width), shortest)

    def _aspect(self) -> float | None:
        """Height by width where the units of both axes are equally long: maps and pictures."""
        for key, axis in self.axes.items():
            other = self.layout.get(_key(axis["scaleanchor"])) if axis.get("scaleanchor") else None
            spans = [_span(one) for one in (axis, other or {})]
            if other is None or None in spans:
                continue
            units = abs(spans[0] / spans[1]) * (axis.get("scaleratio") or 1)  # type: ignore[operator]
            shares = [end - start for start, end in (_domain(axis), _domain(other))]
            units *= shares[1] / shares[0]
            return units if key[0] == "y" else 1 / units
        return None

    def _automatic(self) -> Iterator[tuple[dict[str, Any], str, str]]:
        """Axes whose labels make the margin as large as they need it, and which margin that is."""
        for key, axis in self.axes.items():
            if axis.get("automargin") and axis.get("visible", True):
                beside = axis.get("side") in ("top", "right")
                yield axis, key, {"x": "bt", "y": "lr"}[key[0]][beside]

    def _labels(self, axis: Mapping[str, Any], key: str, side: str) -> float:
        """Pixels that the labels and the title of an axis take beside the plot."""
        size = (axis.get("tickfont") or {}).get("size", FONT_SIZE)
        texts = [] if axis.get("showticklabels") is False else self._tick_texts(axis, key)
        wide, high = max((text_width(text, size) for text in texts), default=0.0), size * LINE if texts else 0.0
        angle = radians(axis.get("tickangle") or 0)
        along = wide * abs(cos(angle)) + high * abs(sin(angle))
        across = wide * abs(sin(angle)) + high * abs(cos(angle))
        title = axis.get("title") or {}
        line = (title.get("font") or {}).get("size", FONT_SIZE) * LINE if title.get("text") else 0.0
        return 6 + (along if side in "lr" else across) + line + (title.get("standoff") or 0)

    def _tick_texts(self, axis: Mapping[str, Any], key: str) -> list[str]:
        given = axis.get("ticktext")
        if given is None:
            given = axis.get("tickvals")
        if given is None:
            along, name = key[0], key.replace("axis", "")
            values = [trace.get(along) for trace in self.traces if trace[f"{along}axis"] == name]
            given = [one for some in values if some is not None for one in some if isinstance(one, str)]
        return [str(one) for one in given] or ["0.000"]

    @staticmethod
    def bar_width(bar: Mapping[str, Any]) -> float:
        """Pixels that a colour bar takes beside its plot."""
        title = bar.get("title") or {}
        texts = [str(text) for text in bar.get("ticktext") or ["−0.00"]]
        words = max(text_width(text, FONT_SIZE) for text in texts)
        heading = text_width(str(title.get("text") or ""), FONT_SIZE)
        thickness = float(bar.get("thickness", 30))
        return BAR_GAP + max(thickness + 4 + words, heading)

    # ---- its words ------------------------------------------------------------------------------------------------

    def _lies_outside(self) -> bool:
        legend = self.layout.get("legend") or {}
        listed = any(trace.get("showlegend") for trace in self.traces)
        return listed and (legend.get("x", 1.02) >= 1 or legend.get("y", 1) >= 1) and legend.get("xanchor") != "right"

    def _flow(self, width: float) -> list[list[int]]:
        """The legend's entries in lines: numbers of traces."""
        legend = self.layout.get("legend") or {}
        size = (legend.get("font") or {}).get("size", LEGEND_SIZE)
        left = width - text_width(str((legend.get("title") or {}).get("text") or ""), size)
        lines: list[list[int]] = [[]]
        for number, trace in enumerate(self.traces):
            if trace.get("showlegend"):
                needed = ENTRY + text_width(str(trace.get("name") or ""), size)
                if lines[-1] and needed > left:
                    lines.append([])
                    left = width
                lines[-1].append(number)
                left -= needed
        self.legend = lines
        return lines

    def _wrap_titles(self, along: str, pixels: float) -> float:
        """Break the titles of axes that are longer than their axes; pixels that the margin needs more."""
        more = 0.0
        for key, axis in self.axes.items():
            title = axis.get("title") or {}
            text = str(title.get("text") or "")
            if key[0] != along or not text or MARKUP.search(text):
                continue
            size = (title.get("font") or {}).get("size", FONT_SIZE)
            start, end = _domain(axis)
            lines = wrapped(text, 1.1 * (end - start) * pixels, size)
            axis["title"] = {**title, "text": "<br>".join(lines)}
            more = max(more, (len(lines) - 1) * size * LINE)
        return more

    def _wrap_words(self) -> float:
        """Break words in the plot that are wider than all of it; pixels that the lower margin needs more."""
        more = 0.0
        for one in self.layout.get("annotations") or ():
            text, size = str(one.get("text") or ""), (one.get("font") or {}).get("size", FONT_SIZE)
            if MARKUP.search(text) or text_width(text, size) <= self.width - 8:
                continue
            lines = wrapped(text, self.width - 8 if one.get("xanchor") != "left" else self._plot_width, size)
            one["text"] = "<br>".join(lines)
            one.setdefault("align", "left" if one.get("xanchor") == "left" else "center")
            if one.get("yanchor") == "top":
                more = max(more, (len(lines) - 1) * size * LINE)
        return more

    def _wrap_rows(self) -> float:
        """Break words that stand in a row above the plot and would touch; pixels that the upper margin needs more."""
        rows: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for one in self.layout.get("annotations") or ():
            x, y, along = one.get("x"), one.get("y"), one.get("xref") or "x"
            if one.get("yanchor") == "bottom" and isinstance(x, int | float) and _key(along) in self.layout:
                rows.setdefault((along, one.get("yref"), y), []).append(one)
        more = 0.0
        for (along, *_), words in rows.items():
            axis = self.layout[_key(along)]
            span, places = _span(axis), sorted(one["x"] for one in words)
            if span is None or len(words) < 2:
                continue
            share = min(b - a for a, b in pairwise(places)) / abs(span)
            room = share * self._plot_width * (_domain(axis)[1] - _domain(axis)[0])
            for one in words:
                text, size = str(one.get("text") or ""), (one.get("font") or {}).get("size", FONT_SIZE)
                if not MARKUP.search(text) and text_width(text, size) > room - APART:
                    lines = wrapped(text, room - APART, size)
                    one["text"] = "<br>".join(lines)
                    more = max(more, (len(lines) - 1) * size * LINE)
            sizes = [(one.get("font") or {}).get("size", FONT_SIZE) for one in words]
            longest = max(text_width(one["text"], size) for one, size in zip(words, sizes, strict=True))
            factor = max(min(1.0, (room - APART) / (longest or 1.0)), SMALLEST / min(sizes))
            step = max(1, ceil((factor * longest + APART) / room - 0.01))
            for n, (one, size) in enumerate(sorted(zip(words, sizes, strict=True), key=lambda pair: pair[0]["x"])):
                one["font"] = {**(one.get("font") or {}), "size": min(size, size * factor)}
                one["visible"] = n % step == 0
        return more

    def _fit_bars(self) -> None:
        """Make the words above bars smaller where two of them would touch."""
        texts = [trace for trace in self.traces if trace["type"] == "scatter" and trace.get("mode") == "text"]
        sizes = [(trace.get("textfont") or {}).get("size", FONT_SIZE) for trace in texts]
        needed = 0.0
        for trace, size in zip(texts, sizes, strict=True):
            words = trace.get("text")
            words = [words] if isinstance(words, str) else list(words if words is not None else ())
            needed += max((text_width(str(word), size) for word in words), default=0.0)
        factor = min(1.0, self._plot_width / (needed or 1.0))
        for trace, size in zip(texts, sizes, strict=True):
            trace["textfont"] = {**(trace.get("textfont") or {}), "size": max(size * factor, SMALLEST)}

    def knots(self, along: str, plot: Box) -> tuple[np.ndarray, np.ndarray]:
        """Where subplots begin and end as shares of the plot, and where they are to: gaps keep their pixels.

        Labels of axes stand in the gaps, whose font does not shrink with the plot.
        """
        ends = sorted({_domain(axis) for key, axis in self.axes.items() if key[0] == along})
        parted = all(before[1] <= after[0] for before, after in pairwise(ends))
        own, room = self.natural[along], plot.width if along == "x" else plot.height
        if len(ends) < 2 or not parted or not own:
            return np.array([0.0, 1.0]), np.array([0.0, 1.0])
        before = np.array([0.0, *(edge for part in ends for edge in part), 1.0])
        lengths = np.diff(before)
        gaps = lengths[::2].copy()
        gaps *= min(own / room, MOST_GAP / (gaps.sum() or 1.0)) if own > room else 1.0
        lengths[1::2] *= (1 - gaps.sum()) / (lengths[1::2].sum() or 1.0)
        lengths[::2] = gaps
        return before, np.array([0.0, *np.cumsum(lengths)])

    def _written_bars(self) -> list[dict[str, Any]]:
        """Bars that lie, and in which something is written."""
        bars = (trace for trace in self.traces if trace["type"] == "bar" and trace.get("orientation") == "h")
        return [
            one for one in bars if one.get("text") is not None and isinstance(one.get("y"), list | tuple | np.ndarray)
        ]

    def write_in_bars(self, plot: Box) -> None:
        """Make what is written in bars as large as they are thick; Plotly would make it smaller by far."""
        for bars in self._written_bars():
            axis = self.layout[_key(bars["yaxis"])]
            span, wide = _span(axis), bars.get("width")
            if span is None or not isinstance(wide, int | float):
                continue
            start, end = _domain(axis)
            thick = wide * (end - start) * plot.height / abs(span)
            font = bars.get("textfont") or {}
            bars["textfont"] = {**font, "size": min(font.get("size", FONT_SIZE), max(thick - 2, 4.0))}
            bars["constraintext"] = "none"

    def thin_labels(self, plot: Box) -> None:
        """Leave out so many of the labels that were chosen for an axis that the others do not touch."""
        for key, axis in self.axes.items():
            values = axis.get("tickvals")
            if values is None or len(values) < 2 or axis.get("tickmode") == "auto":
                continue
            size = (axis.get("tickfont") or {}).get("size", FONT_SIZE)
            start, end = _domain(axis)
            lies = key[0] == "x" and abs(axis.get("tickangle") or 0) < 30
            needed = max(text_width(text, size) for text in self._tick_texts(axis, key)) + 6 if lies else size * LINE
            room = (end - start) * (plot.width if key[0] == "x" else plot.height)
            step = ceil(len(values) / max(1, int(room / needed)))
            if step > 1:
                axis["tickvals"] = list(values)[::step]
                if axis.get("ticktext") is not None:
                    axis["ticktext"] = list(axis["ticktext"])[::step]


def _key(name: str) -> str:
    """Name of an axis, such as ``x2`` → its key in a layout."""
    return f"{name[0]}axis{name[1:]}"


def _domain(axis: Mapping[str, Any]) -> tuple[float, float]:
    start, end = axis.get("domain") or (0.0, 1.0)
    return float(start), float(end)


def _span(axis: Mapping[str, Any]) -> float | None:
    """How far an axis reaches, where it says so in numbers."""
    ends = axis.get("range")
    if ends is None or len(ends) != 2 or not all(isinstance(end, int | float) for end in ends):
        return None
    return float(ends[1] - ends[0]) or None


# ---- the larger figure --------------------------------------------------------------------------------------------


class Canvas:
    """A figure into which others are put.

    Args:
        width, height: in pixels.
    """

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self.traces: list[dict[str, Any]] = []
        self.parts: dict[str, Any] = {"annotations": [], "shapes": [], "images": []}
        self._number = {name: count(1) for name in ("x", "y", "legend", "coloraxis")}
        self._panels = 0

    def x(self, pixels: float) -> float:
        """Pixels from the left → share of the figure's width."""
        return pixels / self.width

    def y(self, pixels: float) -> float:
        """Pixels from the top → share of the figure's height, from below."""
        return 1 - pixels / self.height

    def write(self, text: str, left: float, top: float, **options: Any) -> None:
        """Put words at a place, which is their upper left corner unless the options say otherwise."""
        anchors = {"xanchor": "left", "yanchor": "top", "align": "left", "showarrow": False}
        place = {"x": self.x(left), "y": self.y(top), "xref": "paper", "yref": "paper"}
        self.parts["annotations"].append({**anchors, **place, **options, "text": text})

    def place(self, panel: Placed, box: Box) -> None:
        """Put a figure into a rectangle.

        Raises:
            InvalidInputError: it cannot stand beside one that is there already.
        """
        self._panels += 1
        margin = panel.margin
        plot = Box(
            box.left + margin["l"],
            box.top + margin["t"],
            max(box.width - margin["l"] - margin["r"], 1.0),
            max(box.height - margin["t"] - margin["b"], 1.0),
        )
        if panel.locked is not None:
            plot = _locked(plot, panel.locked)
        panel.thin_labels(plot)
        panel.write_in_bars(plot)
        knots = {along: panel.knots(along, plot) for along in "xy"}
        move = _Move(self, plot, {key: self._name(key[0]) for key in panel.axes}, knots)
        self._place_bars(panel, move)
        for key, axis in panel.axes.items():
            self.parts[_key(move.names[key])] = move.axis(axis, key)
        colours = {key: self._name("coloraxis") for key in panel.layout if key.startswith("coloraxis")}
        for key, name in colours.items():
            self.parts[name] = panel.layout[key]
        for part, function in (("annotations", move.words), ("shapes", move.shape), ("images", move.picture)):
            self.parts[part] += [function(one) for one in panel.layout.get(part) or ()]
        self._place_legend(panel, move, box)
        self._keep_common(panel.layout)
        for trace in panel.traces:
            self.traces.append(self._moved(trace, move, colours))

    def figure(self, **layout: Any) -> go.Figure:
        """All of it; `layout` is that of the whole."""
        return go.Figure({"data": self.traces, "layout": {**layout, **self.parts}})

    def _name(self, kind: str) -> str:
        number = next(self._number[kind])
        return kind if number == 1 else f"{kind}{number}"

    def _moved(self, trace: dict[str, Any], move: "_Move", colours: Mapping[str, str]) -> dict[str, Any]:
        for along in "xy":
            trace[f"{along}axis"] = move.names[_key(trace[f"{along}axis"])]
        for part in (trace, trace.get("marker", {})):
            if part.get("coloraxis"):
                part["coloraxis"] = colours[part["coloraxis"]]
        for group in ("legendgroup", "offsetgroup", "alignmentgroup", "stackgroup"):
            if trace.get(group):
                trace[group] = f"{self._panels} {trace[group]}"
        return trace

    def _place_bars(self, panel: Placed, move: "_Move") -> None:
        """Each colour bar at the right of all plots, or where the figure has put it, as high as its own plot."""
        beside = move.x(1) * self.width + BAR_GAP
        for bar, trace in panel.bars():
            bottom, top = (move.y(share) for share in _domain(panel.layout[_key(trace["yaxis"])]))
            length = (top - bottom) * self.height * float(bar.get("len", 1))
            within = bar.get("x") is not None and bar["x"] < 1
            bar |= {"x": move.x(bar["x"]) if within else self.x(beside), "xpad": 0, "xref": "paper", "yref": "paper"}
            bar |= {"y": (bottom + top) / 2, "yanchor": "middle", "ypad": 0, "lenmode": "pixels", "len": length}
            if not within:
                bar["xanchor"] = "left"
                beside += panel.bar_width(bar)

    def _place_legend(self, panel: Placed, move: "_Move", box: Box) -> None:
        """Above the plot in lines that fit into the cell, or where it lies within the plot."""
        given = panel.layout.get("legend") or {}
        listed = [number for number, trace in enumerate(panel.traces) if trace.get("showlegend")]
        if not listed:
            return
        look = {key: given[key] for key in ("font", "traceorder", "bgcolor", "itemsizing") if key in given}
        look.setdefault("bgcolor", "rgba(0,0,0,0)")
        look["font"] = {"size": LEGEND_SIZE, **look.get("font", {})}
        if not panel.legend:
            name = self._name("legend")
            place = {"x": move.x(given.get("x", 1.02)), "y": move.y(given.get("y", 1))}
            anchors = {key: given[key] for key in ("xanchor", "yanchor", "orientation", "title") if key in given}
            self.parts[name] = {**look, **anchors, **place}
            for number in listed:
                panel.traces[number]["legend"] = name
            return
        for number, line in enumerate(panel.legend):
            name = self._name("legend")
            above = move.plot.top - LEGEND_LINE * (len(panel.legend) - number) - LEGEND_GAP
            place = {"x": self.x(box.left), "y": self.y(above)}
            self.parts[name] = {**look, **place, "xanchor": "left", "yanchor": "top", "orientation": "h"}
            if number == 0 and given.get("title"):
                self.parts[name]["title"] = {"font": look["font"], **given["title"]}
            for entry in line:
                panel.traces[entry]["legend"] = name

    def _keep_common(self, layout: Mapping[str, Any]) -> None:
        for key in SHARED_BY_ALL:
            if layout.get(key) is not None and self.parts.setdefault(key, layout[key]) != layout[key]:
                raise InvalidInputError(f"These figures differ in their {key}, and cannot be panels of one figure.")


def _locked(plot: Box, aspect: float) -> Box:
    """The largest box of this height by width within another, at its top and in its middle."""
    width = min(plot.width, plot.height / aspect)
    return Box(plot.left + (plot.width - width) / 2, plot.top, width, width * aspect)


@dataclass(frozen=True)
class _Move:
    """From a figure alone into its place on a canvas.

    Attributes:
        plot: where its plot goes.
        names: key of each of its axes → the name that it has there.
        knots: how shares of the plot move within it, along x and y (see `Placed.knots`).
    """

    canvas: Canvas
    plot: Box
    names: Mapping[str, str]
    knots: Mapping[str, tuple[np.ndarray, np.ndarray]]

    def x(self, share: float) -> float:
        """Share of the plot's width → share of the canvas."""
        return self.canvas.x(self.plot.left + self._moved("x", share) * self.plot.width)

    def y(self, share: float) -> float:
        """Share of the plot's height, from below → share of the canvas."""
        return self.canvas.y(self.plot.top + (1 - self._moved("y", share)) * self.plot.height)

    def _moved(self, along: str, share: float) -> float:
        return float(np.interp(share, *self.knots[along])) if 0 <= share <= 1 else share

    def along(self, along: str, share: float) -> float:
        """As `x` or `y`."""
        return self.x(share) if along == "x" else self.y(share)

    def axis(self, axis: dict[str, Any], key: str) -> dict[str, Any]:
        """An axis in its place."""
        for reference in ("anchor", "overlaying", "matches", "scaleanchor"):
            if axis.get(reference) not in (None, "free", False):
                axis[reference] = self.names[_key(axis[reference])]
        axis["domain"] = [self.along(key[0], share) for share in _domain(axis)]
        if axis.get("position") is not None:
            axis["position"] = self.along("y" if key[0] == "x" else "x", axis["position"])
        axis["automargin"] = False
        if axis.get("title"):  # Plotly's are a fifth larger than all else
            axis["title"] = {**axis["title"], "font": {"size": FONT_SIZE, **axis["title"].get("font", {})}}
        return axis

    def words(self, one: dict[str, Any]) -> dict[str, Any]:
        """Words in their place."""
        for along in "xy":
            self._refer(one, along, (along,))
            arrow = one.get(f"a{along}ref")
            if arrow not in (None, "pixel"):
                one[f"a{along}ref"] = self._reference(arrow)
        return one

    def shape(self, one: dict[str, Any]) -> dict[str, Any]:
        """A shape in its place."""
        for along in "xy":
            pixels = one.get(f"{along}sizemode") == "pixel"
            self._refer(one, along, (f"{along}anchor",) if pixels else (f"{along}0", f"{along}1"))
        return one

    def picture(self, one: dict[str, Any]) -> dict[str, Any]:
        """A picture in its place."""
        for along, whole in (("x", self.canvas.width), ("y", self.canvas.height)):
            one.setdefault(f"{along}ref", "paper")
            if one[f"{along}ref"] == "paper":
                one.setdefault(along, 0)
                side = self.plot.width if along == "x" else self.plot.height
                one[f"size{along}"] = one.get(f"size{along}", 0) * side / whole
            self._refer(one, along, (along,))
        return one

    def _refer(self, one: dict[str, Any], along: str, values: Iterable[str]) -> None:
        """What a thing refers to along an axis, in the canvas' names; without a word that is its first axis."""
        first = along if f"{along}axis" in self.names else "paper"
        given = one.get(f"{along}ref") or first
        if given.endswith(" domain") and _key(given.removesuffix(" domain")) not in self.names:
            given = "paper"
        if given == "paper":
            one[f"{along}ref"] = "paper"
            for value in values:
                one[value] = self.along(along, 0.5 if one.get(value) is None else one[value])
            return
        reference = self._reference(given)
        if any(one.get(value) is None for value in values):  # Plotly's middle of the axis
            reference = f"{reference.removesuffix(' domain')} domain"
            one |= dict.fromkeys(values, 0.5)
        one[f"{along}ref"] = reference

    def _reference(self, given: str) -> str:
        found = REFERENCE.fullmatch(given)
        if found is None:
            raise InvalidInputError(f"A figure cannot refer to {given[:40]!r}.")
        return self.names[f"{found[1]}axis{found[2]}"] + (found[3] or "")


def is_diverging(trace: Mapping[str, Any], colours: Sequence[tuple[float, str]]) -> bool:
    """Whether a trace is a heatmap in these colours about 0 that shows its scale."""
    if trace["type"] != "heatmap" or trace.get("showscale") is False or trace.get("coloraxis"):
        return False
    scale = trace.get("colorscale")
    if not isinstance(scale, list | tuple) or len(scale) != len(colours):
        return False
    low, high = trace.get("zmin"), trace.get("zmax")
    about_zero = low is not None and high is not None and bool(np.isclose(low, -high))
    return about_zero and [tuple(stop) for stop in scale] == list(colours)
