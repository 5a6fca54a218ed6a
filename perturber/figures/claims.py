"""Effects of a claim that was tested: a mark with its interval for each network, over all pairs and for each object."""

import plotly.graph_objects as go

from perturber.experiments.tested import Outcome
from perturber.figures.style import MARKS, SLOT_COLOURS, base_layout, plain

COLOURS = (*SLOT_COLOURS, "#9a4fb5", "#1d8f4e", "#c2571a", "#7a7a7a", "#c2467a")
"""Of up to eight networks; the first three are the slots', the others have a contrast above 3 by day and by night."""

SPREAD = 0.5
"""Of the room of a row, that its networks' marks take together."""

ROW, MARGINS = 44, 96
"""Pixels of a row, and of what stands around all."""


def effects_figure(found: Outcome) -> go.Figure:
    """Means of B − A with their 95 % intervals; a mark without one is of too few pairs."""
    groups = list(dict.fromkeys(row.group for row in found.rows))
    figure = go.Figure(layout=base_layout(margin={"l": 8, "r": 12, "t": 34, "b": 44}, showlegend=True))
    for n, model in enumerate(found.models):
        rows = [row for row in found.rows if row.models == (model,)]
        shift = (n - (len(found.models) - 1) / 2) * SPREAD / max(1, len(found.models) - 1)
        known = [(row.mean, row.low, row.high) if row.low == row.low else (row.mean,) * 3 for row in rows]
        figure.add_scatter(
            x=[row.mean for row in rows],
            y=[groups.index(row.group) + shift for row in rows],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [high - mean for mean, _, high in known],
                "arrayminus": [mean - low for mean, low, _ in known],
                "thickness": 1.6,
                "width": 4,
            },
            mode="markers",
            name=plain(found.labels[model]),
            marker={"color": COLOURS[n % len(COLOURS)], "symbol": MARKS[n % len(MARKS)], "size": 8},
            hovertemplate="%{x:.3g}<extra>%{fullData.name}</extra>",
        )
    names = [plain(group) if group else "<b>All</b>" for group in groups]
    figure.add_vline(x=0, line={"color": "#868e96", "width": 1})
    figure.update_yaxes(
        tickvals=list(range(len(groups))),
        ticktext=names,
        range=[len(groups) - 0.5, -0.5],
        automargin=True,
        zeroline=False,
    )
    title = {"text": f"B − A ({found.unit})", "standoff": 8}
    figure.update_xaxes(title=title, gridcolor="rgba(134, 142, 150, 0.3)", zeroline=False)
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        width=640,
        height=MARGINS + ROW * max(2, len(groups)),
    )
    return figure
