"""Measurements: bars and curves with their intervals, matrices of pairs, and maps of the sphere of views."""

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from perturber.errors import InvalidInputError
from perturber.experiments.measurements import Figure, Result
from perturber.figures.comparison import COLUMN_COLOURS, DASHES
from perturber.figures.style import MARKS, base_layout, plain

COLOURS = (*(colour for colour, _ in COLUMN_COLOURS), "#d98e04", "#7a4b2a", "#5f6b76", "#c2477f")
"""Of networks, in their order."""

MAP = "map"
"""View of a measurement whose data are the views around objects."""

LEADS = {"corruptions": "error"}
"""Measurement → the number that says more than the one that comes first."""

DEVIATION = ", ± standard deviation"
"""Ends the name of a view that shows standard deviations in place of intervals."""

ALL = "all"
"""What the group of all pictures is called."""

NUMBERED = re.compile(r"(.*\S)\s+(\d+(?:\.\d+)?(?:e-?\d+)?)")
"""A group that is one of many numbers of a quantity."""

PARTS = ("not recognised", "recognised", "largest region", "its border")
PART_COLOURS = ("#e9ecef", "#9ecae1", "#3a7fc1", "#f2a03d")
"""Of a map of viewpoints."""


def views(result: Result) -> dict[str, str]:
    """What can be drawn of a result: name of the view → what it is called; the first one says most."""
    found = {MAP: "Map of the sphere"} if _is_map(result) else {}
    lead = LEADS.get(result.measurement)
    found |= {figure.name: _titled(figure.name) for figure in result.figures if figure.name == lead}
    for figure in result.figures:
        if isfinite(figure.deviation):
            name = figure.name + DEVIATION
            found[name] = _titled(name)
    return found | {figure.name: _titled(figure.name) for figure in result.figures}


def figures_of(result: Result, view: str) -> list[Figure]:
    """The numbers that a view shows; those of a map are the shares of its largest region."""
    name = "share of the sphere" if view == MAP else view.removesuffix(DEVIATION)
    return [figure for figure in result.figures if figure.name == name]


def measurement_figure(result: Result, view: str, labels: Mapping[str, str]) -> go.Figure:
    """One of the views of a result.

    Args:
        view: one of `views`.
        labels: of the networks, by their names; what else was compared is called as it is.

    Raises:
        InvalidInputError: there is no such view.
    """
    if view == MAP and _is_map(result):
        return viewpoint_map(result, labels)
    shown = figures_of(result, view)
    if not shown:
        raise InvalidInputError(f"There is nothing called {view[:60]!r} in this measurement.")
    named = {figure.models: named_models(figure, labels) for figure in shown}
    observers = _observers(result)
    colours = {models: COLOURS[observers.index(models[0]) % len(COLOURS)] for models in named}
    groups = list(dict.fromkeys(figure.group for figure in shown))
    if is_matrix(shown):
        return _matrix(shown, labels)
    if any(len(models) == 2 for models in named) and not is_difference(
        shown[0]
    ):  # mixed ones have colours of their own
        colours = {models: COLOURS[n % len(COLOURS)] for n, models in enumerate(named)}
    numbered = [NUMBERED.fullmatch(group) for group in groups]
    if len(groups) > 1 and all(numbered) and len({found[1] for found in numbered if found}) == 1:
        return _curves(shown, named, colours)
    return _bars(shown, named, colours, deviation=view.endswith(DEVIATION))


def is_difference(figure: Figure) -> bool:
    """Whether it is the first network minus the second."""
    return len(figure.models) == 2 and figure.name.endswith("difference")


def is_matrix(figures: Sequence[Figure]) -> bool:
    """Whether these are numbers of pairs, which rows and columns hold."""
    return all(len(one.models) == 2 and not one.group and not is_difference(one) for one in figures)


def named_models(figure: Figure, labels: Mapping[str, str]) -> str:
    """The networks that a number is about."""
    return (" − " if is_difference(figure) else " → ").join(labels.get(model, model) for model in figure.models)


def _titled(name: str) -> str:
    return name[:1].upper() + name[1:] if len(name) > 1 else name  # ε stays ε


def _is_map(result: Result) -> bool:
    return result.measurement == "viewpoints"


def _observers(result: Result) -> list[str]:
    """The networks, and what else was compared with them."""
    return list(dict.fromkeys([*result.models, *(model for figure in result.figures for model in figure.models)]))


def _hover(figure: Figure) -> list[Any]:
    """Low, high, standard deviation and count, for the hover text."""
    return [figure.low, figure.high, figure.deviation, figure.count]


def _said(figure: Figure) -> str:
    unit = f" {figure.unit}" if figure.unit else ""
    deviation = "<br>standard deviation %{customdata[2]:.3g}" if isfinite(figure.deviation) else ""
    interval = "<br>95 % interval [%{customdata[0]:.4g}, %{customdata[1]:.4g}]" if isfinite(figure.low) else ""
    return f"<b>%{{y:.4g}}</b>{unit}{interval}{deviation}<br>over %{{customdata[3]}}<extra></extra>"


def _ends(figures: Sequence[Figure], *, deviation: bool) -> dict[str, Any]:
    """Error bars; none where an interval is not known."""
    if deviation:
        upper = lower = [figure.deviation for figure in figures]
    else:
        upper = [figure.high - figure.value for figure in figures]
        lower = [figure.value - figure.low for figure in figures]
    if not any(map(isfinite, upper)):
        return {}
    return {"error_y": {"type": "data", "array": upper, "arrayminus": lower, "thickness": 1.4, "width": 4}}


def _by_models(shown: Sequence[Figure]) -> Iterator[tuple[tuple[str, ...], list[Figure]]]:
    for models in dict.fromkeys(figure.models for figure in shown):
        yield models, [figure for figure in shown if figure.models == models]


def _bars(
    shown: Sequence[Figure],
    named: Mapping[tuple[str, ...], str],
    colours: Mapping[tuple[str, ...], str],
    *,
    deviation: bool,
) -> go.Figure:
    """A bar for each network in each group; a single group has the networks along its axis."""
    figure = _empty(shown)
    groups = dict.fromkeys(one.group for one in shown)
    for models, own in _by_models(shown):
        single = len(groups) == 1
        figure.add_bar(
            x=[plain(named[models]) if single else plain(one.group or ALL) for one in own],
            y=[one.value for one in own],
            name=plain(named[models]),
            marker={"color": colours[models], "line": {"width": 0}},
            customdata=[_hover(one) for one in own],
            hovertemplate=f"{plain(named[models])}<br>%{{x}}: {_said(own[0])}",
            width=0.5 if single else None,
            **_ends(own, deviation=deviation),
        )
        if figure.data[-1].error_y.array is not None:
            figure.data[-1].error_y.color = "#212529"
    figure.update_layout(showlegend=len(groups) > 1, bargap=0.25, bargroupgap=0.08)
    figure.update_xaxes(type="category", automargin=True, showgrid=False)
    bars = len(shown)
    return figure.update_layout(width=max(480, min(1100, 150 + 42 * bars)), height=360)


def _curves(
    shown: Sequence[Figure], named: Mapping[tuple[str, ...], str], colours: Mapping[tuple[str, ...], str]
) -> go.Figure:
    """A line for each network over the numbers that the groups are."""
    figure = _empty(shown)
    quantity = ""
    for n, (models, own) in enumerate(_by_models(shown)):
        matched = [NUMBERED.fullmatch(one.group) for one in own]
        quantity = next(found[1] for found in matched if found)
        figure.add_scatter(
            x=[float(found[2]) for found in matched if found],
            y=[one.value for one in own],
            name=plain(named[models]),
            mode="lines+markers",
            line={"color": colours[models], "width": 2, "dash": DASHES[n % len(DASHES)]},
            marker={"symbol": MARKS[n % len(MARKS)], "size": 7},
            customdata=[_hover(one) for one in own],
            hovertemplate=f"{plain(named[models])}<br>{plain(quantity)} %{{x}}: {_said(own[0])}",
            **_ends(own, deviation=False),
        )
    figure.update_xaxes(
        title={"text": plain(_titled(quantity)), "standoff": 4}, gridcolor="#f1f3f5", zeroline=False, automargin=True
    )
    return figure.update_layout(showlegend=True, width=560, height=360)


def _empty(shown: Sequence[Figure]) -> go.Figure:
    """Axes for numbers of one kind."""
    figure = go.Figure(layout=base_layout(margin={"l": 60, "r": 12, "t": 26, "b": 44}))
    first = shown[0]
    title = _titled(first.name) + (f" ({first.unit})" if first.unit else "")
    figure.update_yaxes(title={"text": plain(title), "standoff": 6}, gridcolor="#e9ecef", zerolinecolor="#adb5bd")
    if all(one.value >= 0 for one in shown if isfinite(one.value)):
        figure.update_yaxes(rangemode="tozero")
    return figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"})


def _matrix(shown: Sequence[Figure], labels: Mapping[str, str]) -> go.Figure:
    """A number for each pair: the first ones in rows, the second ones in columns."""
    rows = list(dict.fromkeys(figure.models[0] for figure in shown))
    columns = list(dict.fromkeys(figure.models[1] for figure in shown))
    values = np.full((len(rows), len(columns)), np.nan)
    custom = np.full((len(rows), len(columns), 2), np.nan)
    for one in shown:
        place = rows.index(one.models[0]), columns.index(one.models[1])
        values[place], custom[place] = one.value, (one.low, one.high)
    names = [[plain(labels.get(model, model)) for model in side] for side in (rows, columns)]
    share = shown[0].unit == "%"
    text = [["" if np.isnan(value) else f"{value:.3g}" for value in row] for row in values]
    heatmap = go.Heatmap(
        z=values,
        x=names[1],
        y=names[0],
        text=text,
        texttemplate="%{text}",
        customdata=custom,
        zmin=0 if share else None,
        zmax=100 if share else None,
        colorscale="Viridis",
        colorbar={"thickness": 10, "outlinewidth": 0, "title": {"text": shown[0].unit, "side": "top"}},
        hoverongaps=False,
        hovertemplate="%{y} → %{x}<br><b>%{z:.3g}</b> [%{customdata[0]:.3g}, %{customdata[1]:.3g}]<extra></extra>",
    )
    figure = go.Figure(heatmap, base_layout(margin={"l": 60, "r": 12, "t": 12, "b": 44}))
    attacked = shown[0].name == "transfer"
    axis = {"type": "category", "automargin": True, "showgrid": False}
    figure.update_xaxes(title={"text": "shown to" if attacked else "", "standoff": 4}, **axis)
    figure.update_yaxes(title={"text": "attacked" if attacked else "", "standoff": 4}, autorange="reversed", **axis)
    return figure.update_layout(width=220 + 110 * len(columns), height=140 + 70 * len(rows))


def viewpoint_map(result: Result, labels: Mapping[str, str]) -> go.Figure:
    """Of each network (rows) and object (columns) which views are recognised, longitude × latitude."""
    objects = list(dict.fromkeys(row[0] for row in result.rows))
    figure = make_subplots(
        rows=len(result.models),
        cols=len(objects),
        column_titles=[plain(name) for name in objects],
        row_titles=[plain(labels.get(model, model)) for model in result.models],
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.02,
        vertical_spacing=0.08 / len(result.models) + 0.02,
    )
    for n, model in enumerate(result.models):
        for m, name in enumerate(objects):
            longitudes, latitudes, parts, shares = sphere(result, model, name)
            figure.add_heatmap(
                row=n + 1,
                col=m + 1,
                x=longitudes,
                y=latitudes,
                z=parts,
                customdata=shares,
                coloraxis="coloraxis",
                hovertemplate="longitude %{x:.0f}°, latitude %{y:.0f}°<br><b>%{customdata:.1f} %</b> right"
                "<extra></extra>",
            )
    steps = [stop for k, colour in enumerate(PART_COLOURS) for stop in ((k / 4, colour), ((k + 1) / 4, colour))]
    bar = {"tickvals": [0, 1, 2, 3], "ticktext": list(PARTS), "thickness": 12, "outlinewidth": 0}
    figure.update_layout(
        base_layout(margin={"l": 52, "r": 20, "t": 24, "b": 44}),
        coloraxis={"colorscale": steps, "cmin": -0.5, "cmax": 3.5, "colorbar": {**bar, "x": 1.05}},
        width=140 + 230 * len(objects),
        height=90 + 140 * len(result.models),
    )
    figure.update_xaxes(tickvals=[-90, 0, 90], range=[-180, 180], showgrid=False, zeroline=False)
    figure.update_yaxes(tickvals=[-90, 0, 90], range=[-90, 90], showgrid=False, zeroline=False)
    figure.update_xaxes(title={"text": "longitude (°)", "standoff": 4}, row=len(result.models))
    figure.update_yaxes(title={"text": "latitude (°)", "standoff": 2}, col=1)
    return figure.update_annotations(font={"size": 11})


def sphere(result: Result, model: str, name: str) -> tuple[list[float], list[float], np.ndarray, np.ndarray]:
    """Of a network and an object: longitudes, latitudes, which of `PARTS` each view is, and the right per cent.

    Returns:
        Both maps are (latitudes, longitudes), from below to above.
    """
    columns = [result.head.index(f"{model}: {what}") for what in ("right", "%", "region", "border")]
    rows = [row for row in result.rows if row[0] == name]
    latitudes, longitudes = (list(dict.fromkeys(row[n] for row in rows)) for n in (1, 2))
    shape = (len(latitudes), len(longitudes))
    right, share, region, border = (np.array([row[n] for row in rows], float).reshape(shape) for n in columns)
    parts = np.where(right > 0, 1.0, 0.0)
    parts[region == 1] = 2
    parts[(region == 1) & (border > 0)] = 3
    return longitudes, latitudes, parts, share
