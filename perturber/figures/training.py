"""A network in the course of its training: curves over its checkpoints, and small multiples.

Checkpoints lie evenly along every axis, as on the page's slider; what was logged between two of them lies between
them in proportion to its step.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from perturber.figures.activations import data_uri, gap, mosaic
from perturber.figures.style import DIVERGING, MARKS, SLOT_COLOURS, base_layout, finite_size, plain

ERRORS = {
    "training_error": ("training", "#adb5bd", "circle"),
    "validation_error": ("validation", SLOT_COLOURS[0], "circle"),
    "robust_error": ("attacked", "#b2182b", "square"),
}
"""Key of the log → what it is called, its colour, and its mark."""

COLOURS = ("#1f4e8c", "#b2182b", "#2a8c82", "#8a5aa5", "#d98e04")
"""Of the classes whose probability is followed."""

LARGER = 8
"""Pixels a side of a kernel's weight."""

SHEET = 4
"""Kernels side by side on a sheet."""

ROOM = 0.1
"""Between two pictures, as a share of a picture's width."""

MARK = 0.02
"""By which the mark of a column is larger than its pictures, as a share of a picture's width."""


def places(steps: Sequence[float], checkpoints: Sequence[int]) -> np.ndarray:
    """Where steps lie along the axis: checkpoint n at n, others in proportion between their neighbours."""
    return np.interp(np.asarray(steps, float), checkpoints, np.arange(len(checkpoints)))


def errors(lines: Sequence[Mapping[str, Any]], checkpoints: Sequence[int]) -> go.Figure | None:
    """Training, validation and robust error; None where the log knows none of them.

    Args:
        lines: of a log (see `perturber.training.Run`).
        checkpoints: steps, rising.
    """
    figure = _figure(checkpoints, y="error")
    for key, (name, colour, mark) in ERRORS.items():
        known = [(line["step"], line[key]) for line in lines if isinstance(line.get(key), int | float)]
        known = [point for point in known if checkpoints[0] <= point[0] <= checkpoints[-1]]
        if known:
            steps, values = zip(*known, strict=True)
            figure.add_scatter(
                x=places(steps, checkpoints),
                y=list(values),
                customdata=list(steps),
                name=name,
                mode="lines" if key == "training_error" else "lines+markers",
                line={"color": colour, "width": 1 if key == "training_error" else 2},
                marker={"size": 6, "symbol": mark},
                hovertemplate=f"{name}<br>step %{{customdata}}: <b>%{{y:.1%}}</b><extra></extra>",
            )
    if not figure.data:
        return None
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%").update_layout(showlegend=True)


def probabilities(checkpoints: Sequence[int], names: Sequence[str], values: np.ndarray) -> go.Figure:
    """Probability of some classes for one picture at each checkpoint.

    Args:
        names: of the K classes.
        values: (checkpoints, K) from 0 to 1.
    """
    figure = _figure(checkpoints, y="probability")
    for name, line, colour, mark in zip(map(plain, names), values.T, COLOURS, MARKS, strict=False):
        figure.add_scatter(
            x=np.arange(len(checkpoints)),
            y=line,
            customdata=list(checkpoints),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2},
            marker={"size": 7, "symbol": mark},
            hovertemplate=f"{name}<br>step %{{customdata}}: <b>%{{y:.1%}}</b><extra></extra>",
        )
    return figure.update_yaxes(range=[0, 1.02], tickformat=".0%").update_layout(showlegend=True)


def correlations(checkpoints: Sequence[int], values: Mapping[str, np.ndarray], layer: str | None = None) -> go.Figure:
    """Correlation of each layer with the first checkpoint: one line a layer, from dark (early) to light (late).

    Args:
        values: layer in forward order → (checkpoints,) from −1 to 1, NaN where it is not known.
        layer: is drawn in red, if it is there.
    """
    figure = _figure(checkpoints, y="correlation")
    depths = np.linspace(0, 1, max(2, len(values)))
    colours = sample_colorscale("Viridis", [0.92 * depth for depth in depths])
    for key, colour in zip(values, colours, strict=False):
        name, chosen = plain(key), key == layer
        figure.add_scatter(
            x=np.arange(len(checkpoints)),
            y=values[key],
            customdata=list(checkpoints),
            name=name,
            mode="lines",
            line={"color": "#b2182b" if chosen else colour, "width": 3 if chosen else 1},
            zorder=int(chosen),
            hovertemplate=f"{name}<br>step %{{customdata}}: <b>%{{y:.3f}}</b><extra></extra>",
        )
    known = np.concatenate([v[np.isfinite(v)] for v in values.values()])
    least = float(known.min()) if known.size else 0.0
    figure.add_scatter(  # nothing but its colour bar
        x=[None],
        y=[None],
        marker={
            "color": [0],
            "colorscale": "Viridis",
            "cmin": 0,
            "cmax": 1 / 0.92,
            "showscale": True,
            "colorbar": {"thickness": 8, "outlinewidth": 0, "tickvals": [0, 1], "ticktext": ["first", "last layer"]},
        },
        hoverinfo="skip",
    )
    room = 0.05 * (1 - least) or 0.01  # weights move by thousandths: the axis begins where the curves end
    return figure.update_yaxes(range=[least - room, 1 + room])


def activation_multiples(maps: np.ndarray, channels: Sequence[int], checkpoints: Sequence[int]) -> go.Figure:
    """Maps of some channels (rows) at each checkpoint (columns); the colours of a row end at its largest value.

    Args:
        maps: (checkpoints, n, h, w), row 0 at the top.
        channels: the n channels' numbers.
    """
    count, rows, height, width = maps.shape
    pitch, down = width + gap(width), height + gap(height)
    figure = go.Figure(layout=base_layout(margin={"l": 74, "r": 8, "t": 24, "b": 8}))
    for row, channel in enumerate(channels):
        values = mosaic(maps[:, row])
        scale = finite_size(maps[:, row]) or 1.0
        figure.add_heatmap(
            z=values.astype(np.float32),
            y0=row * down,
            dy=1,
            zmin=-scale,
            zmax=scale,
            zmid=0,
            colorscale=DIVERGING,
            showscale=False,
            hoverongaps=False,
            hovertemplate=f"channel {channel}<br><b>%{{z:+.3f}}</b><extra></extra>",
        )
        figure.add_annotation(
            x=-0.5,
            y=row * down + (height - 1) / 2,
            text=f"<b>{channel}</b><br>± {scale:.3g}",
            showarrow=False,
            xanchor="right",
            xshift=-6,
            align="right",
        )
        for n in range(count):
            left, top = n * pitch - 0.5, row * down - 0.5
            edge = {"color": "#ced4da", "width": 1}
            figure.add_shape(type="rect", x0=left, x1=left + width, y0=top, y1=top + height, line=edge)
    _name_columns(figure, checkpoints, [n * pitch + (width - 1) / 2 for n in range(count)])
    return _fit(figure, count * pitch - gap(width), rows * down - gap(height))


def picture_multiples(
    pictures: Sequence[Sequence[np.ndarray | None]],
    names: Sequence[str],
    checkpoints: Sequence[int],
    *,
    notes: Sequence[Sequence[str]] = (),
    titles: Sequence[Sequence[str]] = (),
    source: Callable[[np.ndarray], str] = data_uri,
) -> go.Figure:
    """Pictures in rows, one column a checkpoint.

    Args:
        pictures: of each row, of each checkpoint, (H, W, 3) uint8 of one size, or None for an empty place.
        names: of the rows.
        notes: words in each place where there is no picture.
        titles: what is said of each place that is pointed at.
        source: picture → its address.
    """
    height, width = next((p.shape[:2] for row in pictures for p in row if p is not None), (1, 1))
    tall = height / width
    left = 20 + 7 * max((len(line) for name in names for line in name.split("<br>")), default=0)
    figure = go.Figure(layout=base_layout(margin={"l": left, "r": 8, "t": 24, "b": 8}))
    figure.add_trace(_cells(len(pictures), len(checkpoints), tall, titles))
    for n, row in enumerate(pictures):
        top = n * (tall + ROOM) - 0.5
        for m, picture in enumerate(row):
            if picture is not None:
                figure.add_layout_image(
                    source=source(picture),
                    xref="x",
                    yref="y",
                    x=m * (1 + ROOM) - 0.5,
                    y=top,
                    sizex=1,
                    sizey=tall,
                    xanchor="left",
                    yanchor="top",
                    sizing="stretch",
                )
        figure.add_annotation(
            x=-0.5, y=top + tall / 2, text=names[n], showarrow=False, xanchor="right", xshift=-6, align="right"
        )
    count = len(checkpoints)
    _name_columns(figure, checkpoints, [m * (1 + ROOM) for m in range(count)])
    for n, words in enumerate(notes):
        for m, text in enumerate(words):
            if text:
                place = {"x": m * (1 + ROOM), "y": n * (tall + ROOM) + tall / 2 - 0.5}
                figure.add_annotation(text=text, showarrow=False, font={"size": 10, "color": "#495057"}, **place)
    return _fit(figure, count * (1 + ROOM) - ROOM, len(pictures) * (tall + ROOM) - ROOM, 2 * MARK)


def column_mark(column: int, rows: int, colour: str) -> dict[str, Any]:
    """A frame around a checkpoint's square pictures, for the ``shapes`` of `picture_multiples`."""
    left, bottom = column * (1 + ROOM) - 0.5, rows * (1 + ROOM) - ROOM - 0.5
    ends = {"x0": left - MARK, "x1": left + 1 + MARK, "y0": -0.5 - MARK, "y1": bottom + MARK}
    return {"type": "rect", **ends, "line": {"color": colour, "width": 3}}


def place_line(place: int, colour: str, label: str) -> dict[str, Any]:
    """A line through a checkpoint, for the ``shapes`` of a curve, with a word at its end."""
    line = {"color": colour, "width": 2, "dash": "dot"}
    place_of_name = {"textposition": "end", "textangle": 0, "xanchor": "right", "yanchor": "top"}
    name = {"text": label, "font": {"size": 10}, **place_of_name}
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "yref": "paper", "line": line, "label": name}


def kernel_sheet(kernels: np.ndarray, scale: float) -> np.ndarray:
    """Filters of the first layer as colours, four side by side: grey is 0, black −scale, white +scale.

    Args:
        kernels: (O, 3, kh, kw).
        scale: of all sheets that are to be compared.

    Returns:
        (H, W, 3) uint8, each weight `LARGER` pixels a side, white between the filters.
    """
    count, _, height, width = kernels.shape
    values = (127.5 + 127.5 * np.clip(kernels / (scale or 1.0), -1, 1)).round().astype(np.uint8)
    large = values.transpose(0, 2, 3, 1).repeat(LARGER, 1).repeat(LARGER, 2)
    down, pitch = height * LARGER + LARGER // 2, width * LARGER + LARGER // 2
    sheet = np.full((-(-count // SHEET) * down, SHEET * pitch, 3), 255, np.uint8)
    for n, kernel in enumerate(large):
        top, left = n // SHEET * down, n % SHEET * pitch
        sheet[top : top + height * LARGER, left : left + width * LARGER] = kernel
    return sheet[: -LARGER // 2, : -LARGER // 2]


def _cells(rows: int, columns: int, tall: float, titles: Sequence[Sequence[str]]) -> go.Heatmap:
    """The places of pictures in grey, each of which says what it is."""
    values = np.full((2 * rows - 1, 2 * columns - 1), np.nan)
    values[::2, ::2] = 0
    text = np.full(values.shape, "", object)
    if titles:
        text[::2, ::2] = np.array([list(map(plain, row)) for row in titles], object)
    return go.Heatmap(
        z=values,
        text=text,
        x=[m * (1 + ROOM) + edge for m in range(columns) for edge in (-0.5, 0.5)],
        y=[n * (tall + ROOM) - 0.5 + edge for n in range(rows) for edge in (0, tall)],
        colorscale=[[0, "#eef0f2"], [1, "#eef0f2"]],
        showscale=False,
        hoverongaps=False,
        hoverinfo="text" if titles else "skip",
    )


def _figure(checkpoints: Sequence[int], *, y: str) -> go.Figure:
    """An empty figure over the checkpoints."""
    figure = go.Figure(layout=base_layout(margin={"l": 48, "r": 10, "t": 8, "b": 34}))
    figure.update_layout(legend={"x": 1.01, "y": 1, "font": {"size": 10}})
    figure.update_xaxes(
        title={"text": "step", "standoff": 4},
        tickvals=list(range(len(checkpoints))),
        ticktext=[str(step) for step in checkpoints],
        range=[-0.15, len(checkpoints) - 0.85],
        gridcolor="#f1f3f5",
        zeroline=False,
    )
    return figure.update_yaxes(title=y, gridcolor="#e9ecef", zerolinecolor="#adb5bd", nticks=6)


def _name_columns(figure: go.Figure, checkpoints: Sequence[int], middles: Sequence[float]) -> None:
    for step, middle in zip(checkpoints, middles, strict=True):
        figure.add_annotation(
            x=middle, y=-0.5, text=f"step {step}", showarrow=False, yanchor="bottom", yshift=3, font={"size": 10}
        )


def _fit(figure: go.Figure, columns: float, rows: float, border: float = 0) -> go.Figure:
    """Axes without marks, over so many square cells and a border around them, rows from the top."""
    first, plain_axis = -0.5 - border, {"visible": False, "fixedrange": True, "constrain": "domain"}
    figure.update_xaxes(range=[first, columns - 0.5 + border], **plain_axis)
    return figure.update_yaxes(range=[rows - 0.5 + border, first], constraintoward="top", scaleanchor="x", **plain_axis)
