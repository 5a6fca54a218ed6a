"""What neurons depend on: the effect of each parameter with its interval, marked by what is known of it."""

from collections.abc import Mapping, Sequence
from math import ceil

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from perturber.experiments.hypothesis import Finding, Verdict, direction
from perturber.experiments.smallest import named
from perturber.experiments.space import Span
from perturber.figures.style import base_layout, empty_figure, plain

LOOKS: dict[Verdict, tuple[str, str]] = {
    "selective": ("#1f4e8c", "circle"),
    "open": ("#6c757d", "diamond-open"),
    "invariant": ("#c2571a", "square"),
}
"""Colour and mark of what is known, in the order in which one reads it."""

ROW = 19
"""Pixels of a parameter."""

ONE, WIDE = 500, 1100
"""Of a figure of one neuron, and of several ones at most."""

LEAST, MOST = 84, 220
"""Of a neuron beside others."""

MARGIN = {"l": 150, "r": 12, "t": 50, "b": 44}
GAPS = 14, 40
"""Between neurons, beside one another and below one another."""

EFFECT = "Effect (standard deviations)"
SILENT = "The same response to all views"


def strongest_first(findings: Sequence[Finding]) -> list[Finding]:
    """Those that the response depends on, then what is open, then those that it does not depend on."""
    order = list(LOOKS)
    return sorted(findings, key=lambda one: (order.index(one.verdict), -one.effect))


def neuron_effects(
    neurons: Mapping[str, Sequence[Finding]], spans: Mapping[str, Span], *, wide: float | None = None
) -> go.Figure:
    """Of each neuron the effect of each parameter, with its 95 % interval.

    Args:
        neurons: name → a finding for each parameter; none where it responds to all views alike. The parameters of a
            single one stand in the order of `strongest_first`.
        spans: parameter → the range whose ends it was moved to.
        wide: of the whole figure, in pixels of the page, at most; by default as wide as it wants.
    """
    single = len(neurons) == 1
    if not any(neurons.values()):
        return empty_figure(SILENT).update_layout(width=min(wide or ONE, ONE), height=120)
    if single:
        neurons = {name: strongest_first(findings) for name, findings in neurons.items()}
    keys = [one.parameter for one in next(findings for findings in neurons.values() if findings)]
    room = min(wide or WIDE, ONE if single else WIDE) - MARGIN["l"] - MARGIN["r"]
    across = max(1, min(len(neurons), int((room + GAPS[0]) // (LEAST + GAPS[0]))))
    down = ceil(len(neurons) / across)
    each = max(LEAST, (room + GAPS[0]) / across - GAPS[0])
    each, high = each if single else min(each, MOST), ROW * max(2, len(keys))
    inner = across * (each + GAPS[0]) - GAPS[0], down * (high + GAPS[1]) - GAPS[1]
    figure = make_subplots(
        rows=down,
        cols=across,
        shared_xaxes="all",
        shared_yaxes="all",
        subplot_titles=[plain(name) for name in neurons] if not single else None,
        horizontal_spacing=GAPS[0] / inner[0],
        vertical_spacing=GAPS[1] / inner[1] if down > 1 else 0,
    )
    told: set[str] = set()
    for place, findings in enumerate(neurons.values()):
        row, column = (n + 1 for n in divmod(place, across))
        for verdict in LOOKS:
            own = [one for one in findings if one.verdict == verdict]
            if own:
                figure.add_trace(_marks(own, spans, first=verdict not in told), row=row, col=column)
                told.add(verdict)
        if not findings:
            figure.add_scatter(x=[0], y=[_label(keys[0])], mode="none", hoverinfo="skip", row=row, col=column)
            words = {"text": "alike to all", "font": {"size": 10, "color": "#6c757d"}, "showarrow": False}
            figure.add_annotation(x=0, y=len(keys) / 2 - 0.5, **words, row=row, col=column)
        figure.update_xaxes(showticklabels=place + across >= len(neurons), row=row, col=column)
    figure.update_layout(
        base_layout(margin=MARGIN, showlegend=True),
        legend={"orientation": "h", "x": 0, "y": 1 + (6 if single else 20) / inner[1], "yanchor": "bottom"},
        width=round(inner[0] + MARGIN["l"] + MARGIN["r"]),
        height=round(inner[1] + MARGIN["t"] + MARGIN["b"]),
    )
    figure.update_annotations(selector={"yanchor": "bottom"}, font={"size": 11})
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=[_label(key) for key in keys],
        range=[len(keys) - 0.5, -0.5],
        tickvals=list(range(len(keys))),
        ticktext=[_label(key) for key in keys],
        gridcolor="#f1f3f5",
        zeroline=False,
    )
    figure.update_xaxes(gridcolor="#e9ecef", zeroline=True, zerolinecolor="#adb5bd", nticks=max(3, int(each // 40)))
    figure.add_annotation(
        text=EFFECT, x=0.5, y=0, xref="paper", yref="paper", yshift=-36, yanchor="bottom", showarrow=False
    )
    return figure


def _marks(findings: Sequence[Finding], spans: Mapping[str, Span], *, first: bool) -> go.Scatter:
    verdict = findings[0].verdict
    colour, mark = LOOKS[verdict]
    return go.Scatter(
        x=[one.effect for one in findings],
        y=[_label(one.parameter) for one in findings],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.effect for one in findings],
            "arrayminus": [one.effect - one.low for one in findings],
            "thickness": 1.6,
            "width": 3,
            "color": colour,
        },
        mode="markers",
        name=verdict,
        legendgroup=verdict,
        showlegend=first,
        marker={"color": colour, "symbol": mark, "size": 8},
        text=[plain(direction(one, spans[one.parameter])) for one in findings],
        customdata=[[one.low, one.high, one.q, *one.change] for one in findings],
        hovertemplate=(
            f"%{{y}}: <b>{verdict}</b><br>effect <b>%{{x:.2f}}</b>, 95 % interval [%{{customdata[0]:.2f}}, "
            "%{customdata[1]:.2f}]<br>%{text}<br>q %{customdata[2]:.3f}<br>change %{customdata[3]:.2f}, at most "
            "%{customdata[4]:.2f}<extra></extra>"
        ),
    )


def _label(key: str) -> str:
    return plain(named(key))
