"""Sweeps: a measure over one parameter as lines, over two as a heatmap, over more as parallel coordinates."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from perturber.experiments.measures import Column
from perturber.experiments.sweep import PICTURE, Axis, Grid, Sweep
from perturber.figures.style import DIVERGING, SLOT_COLOURS, SLOT_DASHES, SLOT_MARKS, base_layout, gapped, plain
from perturber.parameters import Number, Value, get

SIGNED = ("logit", "margin", "activation")
"""Measures of either sign, drawn in the diverging colours."""

Thumbnails = Mapping[str, Sequence[tuple[Value, str]]]
"""Parameter → some of its values, and a ``data:`` address of the scene's picture there."""

WIDTH, HEIGHT = 920, 420
"""In pixels."""

THUMBNAIL = 44
"""Side of a thumbnail, in pixels."""

SHADES = 8
"""Colours of the lines of parallel coordinates."""

MAX_LINES = 1000
"""Of parallel coordinates, evenly taken from the scenes where there are more."""

LABELS = 46
"""Pixels that an axis' numbers and its title take."""

GAP = 6


def sweep_figure(
    found: Sweep, number: int, labels: Sequence[str], *, said: str = "", thumbnails: Thumbnails | None = None
) -> go.Figure:
    """One measure of all networks.

    Args:
        number: of the measure, in the order in which they were asked for.
        labels: of the networks.
        said: the measure in words; by default by its numbers.
        thumbnails: along the axes.
    """
    columns = found.of_measures()[number]
    names = [_named(found.columns[n], found.models, labels) for n in columns]
    words = plain(said or str(found.columns[columns[0]].measure))
    pictures = thumbnails or {}
    if not isinstance(found.design, Grid):
        return _coordinates(found, columns, names, words, pictures)
    if len(found.design.axes) == 1:
        return _lines(found, found.design, columns, names, words, pictures)
    return _heatmaps(found, found.design, columns, names, words, pictures)


def _named(column: Column, models: Sequence[str], labels: Sequence[str]) -> str:
    known = dict(zip(models, labels, strict=True))
    return " and ".join(plain(known[model]) for model in column.models)


def _title(key: str) -> str:
    if key == PICTURE:
        return "Pictures, in the order of their names"
    parameter = get(key)
    return f"{parameter.label}{f' ({parameter.unit})' if parameter.unit else ''}"


def _label(key: str) -> str:
    return "Picture" if key == PICTURE else get(key).label


class _Scale:
    """Where the values of a parameter stand along an axis.

    Attributes:
        values: as the axis has them.
        layout: of the axis.
    """

    def __init__(self, axis: Axis, *, cells: bool) -> None:
        """Numbers that rise stand at their places, others side by side.

        Args:
            cells: whether each value has a cell about it, rather than a point.
        """
        self._known = known = list[Any](axis.values)
        if axis.key != PICTURE and isinstance(get(axis.key), Number) and all(a < b for a, b in pairwise(known)):
            self.values: list[Any] = known
            numbers = [float(value) for value in known]
            pad = 0.04 * (numbers[-1] - numbers[0])
            before, after = ((numbers[1] - numbers[0]) / 2, (numbers[-1] - numbers[-2]) / 2) if cells else (pad, pad)
            low, high = numbers[0] - before, numbers[-1] + after
            self._shares = [(value - low) / (high - low) for value in numbers]
            self.layout: dict[str, Any] = {"title_text": _title(axis.key), "type": "linear", "range": [low, high]}
        else:
            words = {False: "off", True: "on"}
            self.values = [words[value] if isinstance(value, bool) else value for value in known]
            self._shares = [(n + 0.5) / len(known) for n in range(len(known))]
            self.layout = {"title_text": _title(axis.key), "type": "category", "range": [-0.5, len(known) - 0.5]}
            if axis.key == PICTURE:  # files have long names, and there are many
                self.layout |= {"showticklabels": False, "ticks": ""}

    def share(self, value: Value) -> float:
        """How far along the axis a value stands, from 0 to 1."""
        return self._shares[self._known.index(value)]


def _picture(source: str, x: float, y: float, size: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A thumbnail.

    Args:
        size: of what x and y are shares of, in pixels.
    """
    return {
        "source": source,
        "x": x,
        "y": y,
        "sizex": THUMBNAIL / size[0],
        "sizey": THUMBNAIL / size[1],
        "xanchor": "center",
        "yanchor": "top",
        **more,
    }


def _lines(
    found: Sweep, grid: Grid, columns: Sequence[int], names: Sequence[str], said: str, thumbnails: Thumbnails
) -> go.Figure:
    (axis,) = grid.axes
    scale = _Scale(axis, cells=False)
    below = LABELS + (THUMBNAIL + GAP if thumbnails else 0)
    figure = go.Figure(layout=base_layout(margin={"l": 64, "r": 12, "t": 32, "b": below}, showlegend=True))
    for n, (column, name) in enumerate(zip(columns, names, strict=True)):
        style = n % len(SLOT_COLOURS)
        figure.add_scatter(
            x=scale.values,
            y=gapped(found.values[:, column]),
            name=name,
            mode="markers" if axis.key == PICTURE else "lines+markers",
            line={"color": SLOT_COLOURS[style], "dash": SLOT_DASHES[style]},
            marker={"symbol": SLOT_MARKS[style], "size": 7},
        )
    size = WIDTH - 76, HEIGHT - 32 - below
    for value, source in thumbnails.get(axis.key, ()):
        place: dict[str, Any] = {"xref": "x domain", "yref": "paper"}
        figure.add_layout_image(_picture(source, scale.share(value), -LABELS / size[1], size, **place))
    figure.update_xaxes(**scale.layout, title_standoff=4, zeroline=False)
    figure.update_yaxes(title=said)
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    figure.update_layout(legend=legend, width=WIDTH, height=HEIGHT)
    return figure


def _heatmaps(
    found: Sweep, grid: Grid, columns: Sequence[int], names: Sequence[str], said: str, thumbnails: Thumbnails
) -> go.Figure:
    down, across = grid.axes
    rows, cells = _Scale(down, cells=True), _Scale(across, cells=True)
    left, below = 64, LABELS
    if rows.layout["type"] == "category" and down.key != PICTURE:  # words, of some 6 pixels a letter
        left = max(left, 36 + 6 * min(40, max(len(str(value)) for value in rows.values)))
    if thumbnails:
        left, below = left + THUMBNAIL + GAP, below + THUMBNAIL + GAP
    margin = {"l": left, "r": 84, "t": 28, "b": below}
    width = WIDTH if len(columns) > 1 else 600
    inner = width - left - 84, HEIGHT - 28 - below
    gap = 0.04 if len(columns) > 1 else 0.0
    one = inner[0] * (1 - gap * (len(columns) - 1)) / len(columns)
    figure = make_subplots(
        rows=1, cols=len(columns), subplot_titles=names, shared_yaxes=True, horizontal_spacing=gap or None
    )
    hover = f"{_label(across.key)} %{{x}}<br>{_label(down.key)} %{{y}}<br><b>%{{z:.4g}}</b><extra></extra>"
    for n, column in enumerate(columns):
        values = gapped(found.values[:, column]).reshape(grid.shape)
        figure.add_heatmap(
            z=values, x=cells.values, y=rows.values, coloraxis="coloraxis", hoverongaps=False, hovertemplate=hover,
            row=1, col=n + 1,
        )  # fmt: skip
        for value, source in thumbnails.get(across.key, ()):
            place: dict[str, Any] = {"xref": f"x{n + 1 if n else ''} domain", "yref": "paper"}
            low = -LABELS / inner[1]
            figure.add_layout_image(_picture(source, cells.share(value), low, (one, inner[1]), **place))
    for value, source in thumbnails.get(down.key, ()):
        aside: dict[str, Any] = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "middle"}
        figure.add_layout_image(_picture(source, -(left - 4) / inner[0], rows.share(value), inner, **aside))
    measure = found.columns[columns[0]].measure
    known = found.values[:, list(columns)]
    bar = {"title": {"text": said, "side": "right"}, "thickness": 12, "outlinewidth": 0}
    colours: dict[str, Any] = {"colorscale": "Viridis", "colorbar": bar}
    if measure.kind in SIGNED:
        largest = float(np.nanmax(np.abs(gapped(known)))) if np.isfinite(known).any() else 1.0
        colours |= {"colorscale": DIVERGING, "cmin": -largest, "cmax": largest}
    figure.update_layout(base_layout(margin=margin), coloraxis=colours, width=width, height=HEIGHT)
    figure.update_annotations(font={"size": 12})
    figure.update_xaxes(**cells.layout, title_standoff=4, showgrid=False, zeroline=False)
    figure.update_yaxes(**{**rows.layout, "title_text": None}, showgrid=False, zeroline=False)
    figure.update_yaxes(title=rows.layout["title_text"], col=1)
    return figure


def _coordinates(
    found: Sweep, columns: Sequence[int], names: Sequence[str], said: str, thumbnails: Thumbnails
) -> go.Figure:
    """All scenes as lines through their parameters and values; below, each parameter against the measure."""
    keys = found.design.keys
    count = max(2, len(keys))
    points = np.array(found.design.points(), np.float64)
    specs: list[list[Any]] = [[{"colspan": count}, *[None] * (count - 1)], [{}] * count]
    figure = make_subplots(
        rows=2, cols=count, specs=specs, vertical_spacing=0.2, horizontal_spacing=0.03, shared_yaxes="rows"
    )
    values = np.concatenate((points, found.values[:, list(columns)].astype(np.float64)), 1)
    _add_parallels(figure, values, [*map(_title, keys), *names], first=len(keys))
    for n, key in enumerate(keys):
        for m, (column, name) in enumerate(zip(columns, names, strict=True)):
            style = m % len(SLOT_COLOURS)
            figure.add_scatter(
                x=points[:, n],
                y=gapped(found.values[:, column]),
                name=name,
                mode="markers",
                marker={"symbol": SLOT_MARKS[style], "size": 5, "color": SLOT_COLOURS[style]},
                showlegend=n == 0,
                legendgroup=name,
                row=2,
                col=n + 1,
            )
        figure.update_xaxes(title=_title(key), title_standoff=4, zeroline=False, row=2, col=n + 1)
    figure.update_yaxes(title=said, row=2, col=1)
    below = LABELS + (THUMBNAIL + GAP if thumbnails else 0)
    inner = WIDTH - 64 - 48, HEIGHT + 100 - 48 - below
    one = inner[0] * (1 - 0.03 * (count - 1)) / count
    for n, key in enumerate(keys):
        for m, (_, source) in enumerate(thumbnails.get(key, ())):
            place: dict[str, Any] = {"xref": f"x{n + 2} domain", "yref": "paper"}
            place["xanchor"] = "right" if m else "left"
            figure.add_layout_image(_picture(source, float(m > 0), -LABELS / inner[1], (one, inner[1]), **place))
    legend = {"orientation": "h", "x": 0, "y": 0.42, "yanchor": "bottom"}
    margin = {"l": 64, "r": 48, "t": 48, "b": below}
    layout = base_layout(margin=margin, showlegend=True, legend=legend, width=WIDTH, height=HEIGHT + 100)
    return figure.update_layout(layout)


def _add_parallels(figure: go.Figure, values: np.ndarray, titles: Sequence[str], *, first: int) -> None:
    """Parallel coordinates, by lines that need no WebGL: `values` (N, D), some of them NaN.

    Args:
        first: which coordinate the lines are coloured by, from its least to its largest value.
    """
    known = values[np.isfinite(values).all(1)]
    some = known[np.linspace(0, len(known) - 1, min(len(known), MAX_LINES)).astype(int)]
    lows, highs = (end(known, 0, initial=start) for end, start in ((np.min, np.inf), (np.max, -np.inf)))
    spans = np.where(highs > lows, highs - lows, 1.0)
    shares = (some - lows) / spans
    places = np.arange(values.shape[1])
    shades = np.minimum((shares[:, first] * SHADES).astype(int), SHADES - 1)
    for n, colour in enumerate(sample_colorscale("Viridis", np.linspace(0, 0.9, SHADES).tolist())):
        own = shares[shades == n]
        gaps = np.full((len(own), 1), np.nan)
        figure.add_scatter(
            x=np.tile(np.append(places, np.nan), len(own)),
            y=np.concatenate((own, gaps), 1).ravel(),
            mode="lines",
            line={"color": colour, "width": 1},
            opacity=0.7,
            hoverinfo="skip",
            showlegend=False,
            row=1,
            col=1,
        )
    for place, title, low, high in zip(places, titles, lows, highs, strict=True):
        figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": "#6c757d", "width": 1})
        words = [(f"{title}<br>{high:.4g}", 1.0, "bottom"), (f"{low:.4g}", 0.0, "top")] if len(known) else []
        for text, height, anchor in words:
            figure.add_annotation(text=text, x=place, y=height, yanchor=anchor, showarrow=False, font={"size": 11})
    figure.update_xaxes(visible=False, range=[-0.15, len(places) - 0.85], row=1, col=1)
    figure.update_yaxes(visible=False, range=[0, 1], row=1, col=1)
