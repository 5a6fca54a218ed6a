"""Where two models fit together: the result of a compatibility scan."""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

import numpy as np
import plotly.graph_objects as go

from perturber.attack import METHODS, NORMS, Attack
from perturber.editing.scan import ScanResult
from perturber.figures.style import SLOT_COLOURS, base_layout, gapped, plain

COMMON = {"mode": "lines+markers"}

SHARE_LINES = (("#212529", "solid"), ("#6c757d", "dash"), (SLOT_COLOURS[0], "dot"))
"""Colour and dash of the lines that are shares, in order."""

MAX_LABELS = 24

MARGIN_AXIS = {
    "overlaying": "y",
    "side": "right",
    "title": "margin in logits",
    "showgrid": False,
    "zeroline": False,
    "tickmode": "auto",
    "nticks": 6,
}


def compatibility(result: ScanResult) -> go.Figure:
    """Accuracy (or agreement with Model 1) and margin for each cut, under an attack too where there was one.

    What is not done yet is left out.

    Cut k: the first k units are Model 2's, the rest Model 1's (`result.reverse`: the other way round).
    """
    front, back = ("Model 1", "Model 2") if result.reverse else ("Model 2", "Model 1")
    places = [f"all {back}", *(f"… {plain(unit)}" for unit in result.units[:-1]), f"all {front}"]
    traces = [go.Scatter(x=places, **line) for line in (*_shares(result), *_margins(result))]
    figure = go.Figure(traces, base_layout(margin={"l": 52, "r": 52, "t": 24, "b": 70}, showlegend=True))
    share = "this scene: yes or no" if result.count == 1 else f"share of {result.count} pictures"
    figure.update_layout(
        hovermode="x",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        yaxis2=MARGIN_AXIS,
    )
    figure.update_xaxes(
        title=f"{front} up to …, then {back}",
        tickvals=_labelled(places),
        tickangle=-35,
        automargin=True,
        range=[-0.3, len(places) - 0.7],
    )
    figure.update_yaxes(selector={"overlaying": None}, title=share, tickformat=".0%", range=[-0.04, 1.04])
    return figure


def _labelled(places: Sequence[str]) -> list[str]:
    """Places that have room for a label: all of a few, of many the last one and some before it, evenly spread."""
    return list(places[:: -ceil(len(places) / MAX_LABELS)][::-1])


def _shares(result: ScanResult) -> Iterator[dict[str, Any]]:
    """Lines of shares of the pictures, without their places."""
    shares = {"same class as Model 1": result.agreement}
    if result.top1 is not None and result.top5 is not None:
        shares = {"top-1": result.top1, "top-5": result.top5, **shares}
    for (name, values), (colour, dash) in zip(shares.items(), SHARE_LINES, strict=False):
        line = {"color": colour, "dash": dash, "width": 1.5}
        yield {**COMMON, "y": values, "name": name, "line": line, "marker": {"size": 5}, "hovertemplate": "%{y:.1%}"}
    if result.attack is not None and result.robust is not None:
        kept = "top-1" if result.top1 is not None else "same class"
        yield {
            **COMMON,
            "y": result.robust,
            "name": f"{kept} under {_words(result.attack)}",
            "line": {"color": "#b2182b", "width": 2},
            "marker": {"size": 6, "symbol": "square"},
            "hovertemplate": "%{y:.1%}",
        }


def _margins(result: ScanResult) -> Iterator[dict[str, Any]]:
    """Lines of margins in logits, on an axis of their own, without their places."""
    margins = {"margin": (result.margin, "solid")}
    if result.attack is not None and result.robust_margin is not None:
        margins["margin under attack"] = (result.robust_margin, "dot")
    for name, (values, dash) in margins.items():
        yield {
            **COMMON,
            "y": gapped(values),
            "name": name,
            "yaxis": "y2",
            "line": {"color": "#e08e0b", "dash": dash, "width": 1.5},
            "marker": {"size": 6, "symbol": "diamond"},
            "hovertemplate": "%{y:.2f} logits",
        }


def _words(attack: Attack) -> str:
    """An attack in a legend; the models are what the figure is about."""
    norm = NORMS[attack.norm]
    epsilon = f"{attack.epsilon:g} {norm.unit}".strip()
    return f"{METHODS[attack.method].label}, {norm.label}, ε = {epsilon}, {attack.steps} steps"


def scanned(result: ScanResult) -> bool:
    """Whether there is anything to draw."""
    return bool(np.isfinite(result.agreement).any())
