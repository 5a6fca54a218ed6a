"""Tuning curves over two quantities, and Fourier sensitivity."""

from math import ceil

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from perturber.experiments.families import Quantity
from perturber.experiments.fourier import FourierSensitivity
from perturber.experiments.tuning import TuningCurves, alike, weighted
from perturber.figures.activations import data_uri
from perturber.figures.style import base_layout

WIDE = 1000
"""Of the whole figure, in pixels of the page, at most."""

EACH = 14
"""Of a picture in it, at least; a neuron has `LEAST` at least."""

LEAST = 200
MARGIN = {"l": 64, "r": 8, "t": 28, "b": 48}
GAPS = 24, 30
"""Between neurons, beside one another and below one another."""


def tuning_curves(curves: TuningCurves, *, ordered: bool = True, wide: float = WIDE) -> go.Figure:
    """Of each neuron the pictures, weighted by its response; negative responses are inverted in colour.

    Args:
        ordered: whether neurons of similar tuning stand together, rather than in the order of their channels.
        wide: of the whole figure, in pixels of the page, at most.
    """
    count = len(curves.channels)
    order = alike(np.nan_to_num(curves.responses)) if ordered else range(count)
    rows, columns = len(curves.rows.values), len(curves.columns.values)
    room = wide - MARGIN["l"] - MARGIN["r"]
    each = min(max(EACH, LEAST / columns), room / columns)
    width, height = each * columns, each * rows
    across = max(1, min(count, int((room + GAPS[0]) // (width + GAPS[0]))))
    down = ceil(count / across)
    inner = across * (width + GAPS[0]) - GAPS[0], down * (height + GAPS[1]) - GAPS[1]
    figure = make_subplots(
        rows=down,
        cols=across,
        subplot_titles=[_title(curves, n) for n in order],
        horizontal_spacing=GAPS[0] / inner[0],
        vertical_spacing=GAPS[1] / inner[1],
    )
    for place, n in enumerate(order):
        row, column = divmod(place, across)
        picture = data_uri(weighted(curves.responses[:, :, n], curves.thumbnails))  # a tenth of its numbers
        figure.add_trace(go.Image(source=picture, zsmooth="fast", hoverinfo="skip"), row=row + 1, col=column + 1)
        last = place + across >= count
        side = curves.thumbnails.shape[2]
        figure.update_xaxes(**_ticks(curves.columns, side, last), row=row + 1, col=column + 1)
        figure.update_yaxes(**_ticks(curves.rows, side, column == 0), row=row + 1, col=column + 1)
        if row != (down - 1) // 2:  # one title for all of them
            figure.update_yaxes(title=None, row=row + 1, col=column + 1)
    size = {"width": inner[0] + MARGIN["l"] + MARGIN["r"], "height": inner[1] + MARGIN["t"] + MARGIN["b"]}
    figure.update_layout(base_layout(margin=MARGIN), **{name: round(value) for name, value in size.items()})
    figure.update_annotations(font={"size": 11})
    return figure


def _title(curves: TuningCurves, n: int) -> str:
    strongest = curves.responses[:, :, n].ravel()
    known = strongest[np.isfinite(strongest)]
    largest = known[np.abs(known).argmax()] if len(known) else np.nan
    return f"{curves.layer}:{curves.channels[n]} (±{abs(largest):.3g})"


def _ticks(quantity: Quantity, side: int, labelled: bool) -> dict[str, object]:
    """Some of the values, in the middles of their thumbnails."""
    if not labelled:
        return {"showticklabels": False, "ticks": "", "showgrid": False}
    count = len(quantity.values)
    chosen = range(0, count, ceil(count / 4))
    unit = f" ({quantity.unit})" if quantity.unit else ""
    return {
        "title": f"{quantity.label}{unit}",
        "title_standoff": 4,
        "tickvals": [(n + 0.5) * side - 0.5 for n in chosen],
        "ticktext": [_written(quantity.values[n]) for n in chosen],
        "showgrid": False,
    }


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def fourier_sensitivity(found: FourierSensitivity, labels: tuple[str, ...]) -> go.Figure:
    """Of each network its error over vertical and horizontal frequency, frequency 0 in the middle.

    Args:
        labels: of the networks.
    """
    count = len(found.models)
    figure = make_subplots(rows=1, cols=count, subplot_titles=labels, shared_yaxes=True, horizontal_spacing=0.04)
    line = np.arange(-found.most, found.most + 1)
    for n, errors in enumerate(found.errors):
        trace = go.Heatmap(
            z=errors,
            x=line,
            y=line,
            coloraxis="coloraxis",
            hovertemplate="%{x} across, %{y} down<br>error <b>%{z:.0%}</b><extra></extra>",
            hoverongaps=False,
        )
        figure.add_trace(trace, row=1, col=n + 1)
    figure.update_layout(
        base_layout(margin={"l": 56, "r": 8, "t": 28, "b": 44}),
        coloraxis={
            "colorscale": "Viridis",
            "cmin": 0,
            "cmax": 1,
            "colorbar": {"title": "error", "tickformat": ".0%", "thickness": 12, "outlinewidth": 0},
        },
        width=120 + 300 * count,
        height=360,
    )
    figure.update_xaxes(title="cycles across", title_standoff=4, constrain="domain", showgrid=False)
    figure.update_yaxes(autorange="reversed", scaleanchor="x", constrain="domain", showgrid=False)
    figure.update_yaxes(title="cycles down", title_standoff=4, col=1)
    return figure
