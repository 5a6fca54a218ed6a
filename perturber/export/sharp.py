"""Heatmaps whose cells keep sharp edges in files.

Plotly draws a heatmap as a picture with one pixel a cell, which viewers of PDF and SVG smooth as they enlarge it: a
cell runs into the next over its whole width. With each cell repeated, only over the width of a pixel of that picture.
"""

from math import ceil
from typing import Any

import numpy as np
import plotly.graph_objects as go

SIDE = 560
"""Pixels along the longer side of a heatmap, at least."""

PIXELS = 4_000_000
"""Of all of a heatmap, at most."""


def sharpened(figure: go.Figure) -> go.Figure:
    """A copy of a figure whose heatmaps are drawn with repeated cells.

    Left as they are: smoothed heatmaps, those with gaps or text in their cells, and those over dates or logarithmic
    axes. What only hovering shows is left out.
    """
    copy = go.Figure(figure)
    for trace in copy.data:
        if trace.type == "heatmap" and trace.z is not None:
            _number_categories(copy, trace)
    for trace in copy.data:
        if trace.type == "heatmap" and trace.z is not None:
            _repeat(copy, trace)
    return copy


def _repeat(figure: go.Figure, trace: go.Heatmap) -> None:
    z = np.asarray(trace.z, np.float32)
    if z.ndim != 2 or not z.size or trace.zsmooth or trace.xgap or trace.ygap or trace.texttemplate or trace.transpose:
        return
    across, down = _edges(figure, trace, "x", z.shape[1]), _edges(figure, trace, "y", z.shape[0])
    factor = min(ceil(SIDE / max(z.shape)), int((PIXELS / z.size) ** 0.5))
    if across is None or down is None or factor < 2:
        return
    trace.update(
        z=z.repeat(factor, 0).repeat(factor, 1),
        **_places("x", across, factor),
        **_places("y", down, factor),
        customdata=None,
        text=None,
        hovertext=None,
        hoverinfo="skip",
        hovertemplate=None,
    )


def _edges(figure: go.Figure, trace: go.Heatmap, along: str, count: int) -> np.ndarray | None:
    """Where the cells begin and end (count + 1,), as Plotly places them; None where that is another kind of axis."""
    axis = figure.layout[_axis_name(trace, along)]
    if axis.type not in (None, "-", "linear") or trace[f"{along}type"] == "scaled":
        return None
    given = trace[along]
    if given is None:
        first = 0.0 if trace[f"{along}0"] is None else trace[f"{along}0"]
        step = 1.0 if trace[f"d{along}"] is None else trace[f"d{along}"]
        return first + step * (np.arange(count + 1) - 0.5) if isinstance(first, int | float) else None
    values = np.asarray(given)
    if values.dtype.kind not in "iuf":
        return None
    values = values.astype(np.float64)
    if len(values) == count + 1:
        return values
    if len(values) != count:
        return None
    if count == 1:
        return np.array([values[0] - 0.5, values[0] + 0.5])
    middles = (values[1:] + values[:-1]) / 2
    return np.array([2 * values[0] - middles[0], *middles, 2 * values[-1] - middles[-1]])


def _places(along: str, edges: np.ndarray, factor: int) -> dict[str, Any]:
    """How a trace says where its repeated cells are: evenly by the first and a step, else by all edges."""
    steps = np.diff(edges)
    if np.allclose(steps, steps[0], rtol=1e-6, atol=0):
        step = (edges[-1] - edges[0]) / (len(steps) * factor)
        return {along: None, f"{along}0": edges[0] + step / 2, f"d{along}": step, f"{along}type": None}
    within = np.arange(factor) / factor
    return {along: np.append((edges[:-1, None] + steps[:, None] * within).ravel(), edges[-1])}


def _axis_name(trace: Any, along: str) -> str:
    return f"{along}axis{(trace[f'{along}axis'] or along)[1:]}"


# ---- categories ---------------------------------------------------------------------------------------------------


def _number_categories(figure: go.Figure, heatmap: go.Heatmap) -> None:
    """Give the axes of a heatmap that have names for places numbers, between which cells can lie; labels stay."""
    for along in "xy":
        name = _axis_name(heatmap, along)
        axis = figure.layout[name]
        values = heatmap[along]
        named = values is not None and len(values) > 0 and np.asarray(values).dtype.kind in "UOS"
        others = [t for t in figure.data if along in t and _axis_name(t, along) == name and t[along] is not None]
        if not named or axis.type not in (None, "-", "category") or axis.categoryorder not in (None, "trace"):
            continue
        number: dict[str, int] = {}
        for trace in others:
            for value in trace[along]:
                number.setdefault(str(value), len(number))
        for trace in others:
            trace[along] = [number[str(value)] for value in trace[along]]
        shown = list(number) if axis.tickvals is None else [str(v) for v in axis.tickvals if str(v) in number]
        labels = shown if axis.ticktext is None else list(axis.ticktext)
        ends = (-0.5, len(number) - 0.5)
        axis.update(
            type="linear",
            tickmode="array",
            tickvals=[number[value] for value in shown],
            ticktext=labels,
            range=axis.range or (ends[::-1] if axis.autorange == "reversed" else ends),
            autorange=None,
        )
        for shape in (*figure.layout.shapes, *figure.layout.annotations):
            if shape[f"{along}ref"] in (None, name.replace("axis", "")):
                for part in (along, f"{along}0", f"{along}1"):
                    if part in shape and str(shape[part]) in number:
                        shape[part] = number[str(shape[part])]
