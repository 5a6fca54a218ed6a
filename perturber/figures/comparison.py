"""Two or more networks side by side: difference maps, divergence along the depth, similarity of layers and channels."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from perturber.experiments import Divergence, Similarity
from perturber.figures.activations import gap, mosaic
from perturber.figures.style import DIVERGING, SIGNED, SLOT_COLOURS, SLOT_TEXT, base_layout, gapped, plain

COLUMN_COLOURS = (
    (SLOT_COLOURS[0], SLOT_TEXT[0]),
    (SLOT_COLOURS[1], SLOT_TEXT[1]),
    ("#2a8c82", "#ffffff"),
    ("#8a5aa5", "#ffffff"),
)
"""Colour and colour of text of each column."""

EDIT_COLOURS = ((SLOT_COLOURS[2], SLOT_TEXT[2]), ("#d98e04", "#14233a"), ("#a86b00", "#ffffff"), ("#f7dd8f", "#14233a"))
"""Of columns that show an edit: one after the other."""

DASHES = ("solid", "dash", "dot", "dashdot")
TICKS = 44
"""Layers that are named along an axis, at most."""

BEGINS = 1e-4
"""1 − cosine from which two layers count as different: rounding alone stays below it."""


def column_colours(edited: Sequence[bool]) -> list[tuple[str, str]]:
    """Colour and colour of text of each column; yellows belong to edits."""
    edits = iter(EDIT_COLOURS)
    return [next(edits) if edit else COLUMN_COLOURS[n] for n, edit in enumerate(edited)]


def difference_mosaic(
    a: np.ndarray, b: np.ndarray, channels: Sequence[int], *, scale: float, names: tuple[str, str], layer: str
) -> go.Figure:
    """Maps of A, maps of B below them, and A − B, in one heatmap with one colour scale.

    Args:
        a, b: (n, h, w), row 0 at the top.
        channels: the n channels' numbers.
        scale: value at which the colours end: red at +scale, white at 0, blue at −scale.
        names: of A and of B.
        layer: whose channels they are.
    """
    count, height, width = a.shape
    scale = scale if scale > 0 else 1.0
    heatmap = go.Heatmap(
        z=difference_values(a, b),
        customdata=_places(count, height, width, tuple(channels)),
        zmin=-scale,
        zmax=scale,
        zmid=0,
        colorscale=DIVERGING,
        colorbar=_bar("act.", signed=True),
        hoverongaps=False,
        hovertemplate="channel %{customdata[0]} · row %{customdata[1]}, column %{customdata[2]}"
        "<br><b>%{z:+.3f}</b><extra></extra>",
    )
    figure = go.Figure(heatmap, base_layout(margin={"l": 44, "r": 4, "t": 18, "b": 22}))
    columns, rows = count * (width + gap(width)) - gap(width), 3 * (height + gap(height)) - gap(height)
    _label_differences(figure, channels, height, width)
    figure.add_annotation(
        x=-0.5,
        y=rows - 0.5,
        text=plain(f"A: {names[0]} · B: {names[1]} · {layer}"),
        showarrow=False,
        xanchor="left",
        yanchor="top",
        font={"size": 10, "color": "#6c757d"},
    )
    figure.update_xaxes(visible=False, range=[-0.5, columns - 0.5], fixedrange=True, constrain="domain")
    figure.update_yaxes(visible=False, range=[rows - 0.5, -0.5], fixedrange=True, constrain="domain", scaleanchor="x")
    return figure


def _label_differences(figure: go.Figure, channels: Sequence[int], height: int, width: int) -> None:
    """A frame around each map, the channels' numbers above them, and what each row is."""
    pitch, down = width + gap(width), height + gap(height)
    for n, channel in enumerate(channels):
        left = n * pitch - 0.5
        place = {"x": left, "y": -0.5, "xanchor": "left", "yanchor": "bottom"}
        figure.add_annotation(text=str(channel), showarrow=False, font={"size": 10}, **place)
        for row in range(3):
            box = {"x0": left, "x1": left + width, "y0": row * down - 0.5, "y1": row * down - 0.5 + height}
            figure.add_shape(type="rect", line={"color": "#ced4da", "width": 1}, **box)
    for row, text in enumerate(("<b>A</b>", "<b>B</b>", "<b>A − B</b>")):
        place = {"x": -0.5, "y": row * down + (height - 1) / 2, "xanchor": "right"}
        figure.add_annotation(text=text, showarrow=False, xshift=-4, **place)


def difference_values(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Maps (n, h, w) of A, of B, and A − B below one another, NaN between them."""
    rows = [mosaic(maps) for maps in (a, b, a - b)]
    between = np.full((gap(a.shape[1]), rows[0].shape[1]), np.nan, np.float32)
    return np.concatenate([rows[0], between, rows[1], between, rows[2]])


def divergence_lines(
    depth: Mapping[int, Divergence], names: Sequence[str], colours: Sequence[tuple[str, str]]
) -> go.Figure:
    """Both measures of the divergence from one network, layer by layer, one line a network.

    Args:
        depth: column → its divergence from the reference for one picture, all with the same layers.
        names, colours: of all columns.
    """
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    figure.update_layout(template="none").update_layout(base_layout(margin={"l": 58, "r": 10, "t": 22, "b": 10}))
    layers: tuple[str, ...] = ()
    for dash, (number, found) in zip(DASHES, depth.items(), strict=False):
        layers = found.layers
        for row, values in enumerate((found.cosine[:, 0], found.relative[:, 0]), 1):
            figure.add_scatter(
                row=row,
                col=1,
                x=list(map(plain, layers)),
                y=gapped(values),
                mode="lines+markers",
                line={"color": colours[number][0], "width": 1.8, "dash": dash},
                marker={"size": 4},
                name=plain(names[number]),
                legendgroup=str(number),
                showlegend=row == 1,
                hovertemplate=f"%{{x}}<br>{plain(names[number])}: <b>%{{y:.4g}}</b><extra></extra>",
            )
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "xanchor": "left"}
    )
    figure.update_xaxes(**_layer_ticks(layers), tickangle=-90, gridcolor="#f1f3f5", zeroline=False)
    figure.update_xaxes(row=1, showticklabels=False)
    figure.update_yaxes(rangemode="tozero", gridcolor="#e9ecef", zerolinecolor="#adb5bd", nticks=6)
    figure.update_yaxes(row=1, title=_title("1 − cosine"))
    figure.update_yaxes(row=2, title=_title("relative L2 distance"))
    return figure


def begins(found: Divergence) -> str | None:
    """The first layer where two networks differ by more than rounding, or None."""
    return next((layer for layer, size in zip(found.layers, found.cosine[:, 0], strict=True) if size > BEGINS), None)


def cka_heatmap(found: Similarity, names: tuple[str, str]) -> go.Figure:
    """Linear CKA of each layer of A (rows, from the bottom) with each of B (columns); empty where it is not known."""
    heatmap = go.Heatmap(
        z=found.cka.astype(np.float32),
        x=list(map(plain, found.columns)),
        y=list(map(plain, found.rows)),
        zmin=0,
        zmax=1,
        colorscale="Viridis",
        colorbar=_bar("CKA"),
        hoverongaps=False,
        hovertemplate="A: %{y}<br>B: %{x}<br>CKA <b>%{z:.3f}</b><extra></extra>",
    )
    figure = go.Figure(heatmap, base_layout(margin={"l": 10, "r": 4, "t": 6, "b": 10}, plot_bgcolor="#eef0f2"))
    figure.update_xaxes(
        **_layer_ticks(found.columns), tickangle=-90, title=_title(plain(f"B · {names[1]}")), showgrid=False
    )
    figure.update_yaxes(**_layer_ticks(found.rows), title=_title(plain(f"A · {names[0]}")), showgrid=False)
    return figure


def correlation_heatmap(
    matrix: np.ndarray, names: tuple[str, str], layers: tuple[str, str], *, matched: bool = False
) -> go.Figure:
    """Correlation of each channel of A (rows, from the top) with each of B (columns).

    Args:
        matrix: (Ca, Cb) from −1 to 1, NaN where a channel never changes.
        matched: whether B's channels are ordered by the channel of A that each correlates with most: layers that
            differ in the order of their channels alone then show a diagonal.
    """
    order = matched_order(matrix) if matched else np.arange(matrix.shape[1])
    rows, columns = matrix.shape
    heatmap = go.Heatmap(
        z=matrix[:, order].astype(np.float32),
        customdata=np.broadcast_to(order.astype(np.int16), matrix.shape),
        zmin=-1,
        zmax=1,
        zmid=0,
        colorscale=DIVERGING,
        colorbar=_bar("r", signed=True),
        hoverongaps=False,
        hovertemplate="channel %{y} of A<br>channel %{customdata} of B<br><b>%{z:+.3f}</b><extra></extra>",
    )
    figure = go.Figure(heatmap, base_layout(margin={"l": 52, "r": 4, "t": 6, "b": 42}, plot_bgcolor="#dfe2e6"))
    how = ", by best partner" if matched else ""
    text = [
        plain(f"channel of {side} · {name}, {layer}") for side, name, layer in zip("AB", names, layers, strict=True)
    ]
    figure.update_xaxes(
        title=_title(text[1] + how),
        showgrid=False,
        zeroline=False,
        showticklabels=not matched,
        range=[-0.5, columns - 0.5],
        constrain="domain",
    )
    figure.update_yaxes(
        title=_title(text[0]),
        showgrid=False,
        zeroline=False,
        range=[rows - 0.5, -0.5],
        constrain="domain",
        scaleanchor="x" if rows == columns else None,
    )
    return figure


def matched_order(matrix: np.ndarray) -> np.ndarray:
    """B's channels by the channel of A that each correlates with most; those that never change come last."""
    known = np.where(np.isnan(matrix), -np.inf, matrix)
    best = np.where(np.isinf(known).all(0), len(matrix), known.argmax(0))
    return np.argsort(best, kind="stable")


def _layer_ticks(layers: Sequence[str]) -> dict:
    """Names of layers along a category axis: as many as can be read."""
    shown = list(map(plain, layers))[:: max(1, ceil(len(layers) / TICKS))]
    return {"type": "category", "tickvals": shown, "tickfont": {"size": 9}, "automargin": True}


def _title(text: str) -> dict:
    return {"text": text, "standoff": 6, "font": {"size": 11}}


def _bar(text: str, *, signed: bool = False) -> dict:
    """A thin colour bar with its quantity above it."""
    title = {"text": text, "side": "top", "font": {"size": 11}}
    ticks = {"tickformat": SIGNED} if signed else {}
    return {"thickness": 10, "outlinewidth": 0, "len": 1, "title": title, **ticks}


@lru_cache(maxsize=64)
def _places(count: int, height: int, width: int, channels: tuple[int, ...]) -> np.ndarray:
    """Channel, row and column of each cell, for the hover text."""
    pitch, down = width + gap(width), height + gap(height)
    rows, columns = 3 * down - gap(height), count * pitch - gap(width)
    row, column = np.mgrid[:rows, :columns]
    numbers = np.asarray(channels)[column // pitch]
    return np.stack((numbers, row % down, column % pitch), -1).astype(np.int16)
