"""Sweeps: a measure over one parameter as lines, over two as a heatmap, over more as parallel coordinates."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from perturber.experiments.measures import Column
from perturber.experiments.sweep import Grid, Sweep
from perturber.figures.style import DIVERGING, SLOT_COLOURS, SLOT_DASHES, SLOT_MARKS, base_layout
from perturber.parameters import Number, get

SIGNED = ("logit", "margin", "activation")
"""Measures of either sign, drawn in the diverging colours."""


def sweep_figure(found: Sweep, number: int, labels: Sequence[str]) -> go.Figure:
    """One measure of all networks.

    Args:
        number: of the measure, among the different ones in the order of the columns.
        labels: of the networks.
    """
    measures = list(dict.fromkeys(column.measure.kind for column in found.columns))
    kind = measures[number]
    columns = [n for n, column in enumerate(found.columns) if column.measure.kind == kind]
    names = [_named(found.columns[n], found.models, labels) for n in columns]
    if not isinstance(found.design, Grid):
        return _coordinates(found, columns, names)
    if len(found.design.axes) == 1:
        return _lines(found, found.design, columns, names)
    return _heatmaps(found, found.design, columns, names)


def _named(column: Column, models: Sequence[str], labels: Sequence[str]) -> str:
    known = dict(zip(models, labels, strict=True))
    return " and ".join(known[model] for model in column.models)


def _axis(key: str) -> dict[str, Any]:
    parameter = get(key)
    unit = f" ({parameter.unit})" if parameter.unit else ""
    return {"title": f"{parameter.label}{unit}", "type": "linear" if isinstance(parameter, Number) else "category"}


def _lines(found: Sweep, grid: Grid, columns: Sequence[int], names: Sequence[str]) -> go.Figure:
    (axis,) = grid.axes
    figure = go.Figure(layout=base_layout(margin={"l": 56, "r": 8, "t": 28, "b": 44}, showlegend=True))
    for n, (column, name) in enumerate(zip(columns, names, strict=True)):
        style = n % len(SLOT_COLOURS)
        figure.add_scatter(
            x=list(axis.values),
            y=found.values[:, column],
            name=name,
            mode="lines+markers",
            line={"color": SLOT_COLOURS[style], "dash": SLOT_DASHES[style]},
            marker={"symbol": SLOT_MARKS[style], "size": 5},
        )
    figure.update_xaxes(**_axis(axis.key))
    figure.update_yaxes(title=str(found.columns[columns[0]].measure))
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}, width=560, height=340)
    return figure


def _heatmaps(found: Sweep, grid: Grid, columns: Sequence[int], names: Sequence[str]) -> go.Figure:
    down, across = grid.axes
    figure = make_subplots(rows=1, cols=len(columns), subplot_titles=names, shared_yaxes=True, horizontal_spacing=0.04)
    for n, column in enumerate(columns):
        values = found.values[:, column].reshape(grid.shape)
        figure.add_heatmap(
            z=values,
            x=list(across.values),
            y=list(down.values),
            coloraxis="coloraxis",
            hoverongaps=False,
            hovertemplate=f"{get(across.key).label} %{{x}}<br>{get(down.key).label} %{{y}}<br><b>%{{z:.4g}}</b>"
            "<extra></extra>",
            row=1,
            col=n + 1,
        )
    measure = found.columns[columns[0]].measure
    known = found.values[:, list(columns)]
    bar = {"title": {"text": str(measure), "side": "right"}, "thickness": 12, "outlinewidth": 0}
    colours: dict[str, Any] = {"colorscale": "Viridis", "colorbar": bar}
    if measure.kind in SIGNED:
        largest = float(np.nanmax(np.abs(known))) if np.isfinite(known).any() else 1.0
        colours |= {"colorscale": DIVERGING, "cmin": -largest, "cmax": largest}
    figure.update_layout(
        base_layout(margin={"l": 56, "r": 8, "t": 28, "b": 44}),
        coloraxis=colours,
        width=140 + 320 * len(columns),
        height=360,
    )
    figure.update_xaxes(**_axis(across.key), showgrid=False)
    figure.update_yaxes(type=_axis(down.key)["type"], showgrid=False)
    figure.update_yaxes(title=_axis(down.key)["title"], col=1)
    return figure


def _coordinates(found: Sweep, columns: Sequence[int], names: Sequence[str]) -> go.Figure:
    points = np.array(found.design.points(), np.float64)
    dimensions = [{"label": _axis(key)["title"], "values": points[:, n]} for n, key in enumerate(found.design.keys)] + [
        {"label": name, "values": found.values[:, n]} for n, name in zip(columns, names, strict=True)
    ]
    line = {"color": found.values[:, columns[0]], "colorscale": "Viridis"}
    figure = go.Figure(go.Parcoords(dimensions=dimensions, line=line))
    figure.update_layout(base_layout(margin={"l": 56, "r": 40, "t": 48, "b": 24}), width=900, height=420)
    return figure
