"""Robustness curves: how accuracy and margin fall with ε."""

import csv
import io
from collections.abc import Sequence
from math import ceil

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from perturber.attack import NORMS, CurveResult
from perturber.figures.style import SLOT_COLOURS, SLOT_DASHES, SLOT_MARKS, SLOT_NAMES, base_layout, gapped

TICKS = 9
"""Values of ε that are written along an axis, at most."""


def robustness(slots: Sequence[int], results: Sequence[CurveResult]) -> go.Figure:
    """Accuracy and, where it is known, margin of several models over ε, in their slots' colours.

    Args:
        slots: of each model the number of the slot that shows it.
        results: of each, over the same ε; what is not done yet is left out.
    """
    first = results[0]
    margin = not all(np.isnan(result.margin).all() for result in results)
    figure = make_subplots(cols=1 + margin, horizontal_spacing=0.09)
    figure.update_layout(template="none").update_layout(
        base_layout(margin={"l": 52, "r": 12, "t": 22, "b": 48}, showlegend=True)
    )
    for slot, result in zip(slots, results, strict=True):
        hover = [_both(epsilon, result.norm) for epsilon in result.epsilons]
        for column, values, form in ((1, result.accuracy, ".1%"), (2, result.margin, ".3f"))[: 1 + margin]:
            figure.add_scatter(
                row=1,
                col=column,
                x=list(result.epsilons),
                y=gapped(values),
                customdata=hover,
                name=SLOT_NAMES[slot],
                legendgroup=str(slot),
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": SLOT_COLOURS[slot], "width": 2, "dash": SLOT_DASHES[slot]},
                marker={"size": 5, "symbol": SLOT_MARKS[slot]},
                hovertemplate=f"{SLOT_NAMES[slot]}, ε = %{{customdata}}: <b>%{{y:{form}}}</b><extra></extra>",
            )
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"})
    shown = first.epsilons[:: ceil(len(first.epsilons) / TICKS)]
    norm = NORMS[first.norm]
    unit = "ε in pixels" if norm.whole else "ε in the [0, 1] scale, × 255 below it"
    figure.update_xaxes(
        title={"text": f"{norm.label} {unit}", "standoff": 4},
        tickvals=shown,
        ticktext=[f"{e:g}" if norm.whole else f"{e:.3g}<br>{e * 255:.3g}" for e in shown],
        tickangle=0,
        zeroline=False,
        gridcolor="#f1f3f5",
    )
    share = "class kept: yes or no" if first.count == 1 else f"share of {first.count} that keep it"
    figure.update_yaxes(col=1, title=share, tickformat=".0%", range=[-0.04, 1.04], gridcolor="#e9ecef", zeroline=False)
    if margin:
        figure.update_yaxes(col=2, title="margin in logits", nticks=6, gridcolor="#e9ecef", zerolinecolor="#adb5bd")
    return figure


def falls(slots: Sequence[int], results: Sequence[CurveResult]) -> list[str]:
    """For each model in words, at which ε less than half of the pictures keep their class."""
    sentences = []
    for slot, result in zip(slots, results, strict=True):
        whose = "the class" if result.count == 1 else "half of the classes"
        known = np.isfinite(result.accuracy)
        lost = next((k for k in np.flatnonzero(known) if result.accuracy[k] < 0.5), None)
        if lost is not None:
            after = f", still there at {result.epsilons[lost - 1]:.3g}" if lost else ""
            sentences.append(
                f"{SLOT_NAMES[slot]} loses {whose} at ε = {_both(result.epsilons[lost], result.norm)}{after}."
            )
        elif known.any():
            most = result.epsilons[np.flatnonzero(known)[-1]]
            sentences.append(f"{SLOT_NAMES[slot]} keeps {whose} up to ε = {_both(most, result.norm)}.")
    return sentences


def robustness_csv(models: Sequence[str], results: Sequence[CurveResult]) -> str:
    """The values as a table: a line for each model and ε; empty where they are not known."""
    file = io.StringIO()
    lines = csv.writer(file)
    lines.writerow(["model", "attack", "norm", "epsilon", "epsilon_255", "pictures", "accuracy", "margin"])
    for model, result in zip(models, results, strict=True):
        for epsilon, accuracy, margin in zip(result.epsilons, result.accuracy, result.margin, strict=True):
            scaled = "" if result.norm == "l0" else f"{epsilon * 255:.6g}"
            values = ["" if not np.isfinite(value) else f"{value:.6g}" for value in (accuracy, margin)]
            lines.writerow([model, result.attack, result.norm, f"{epsilon:g}", scaled, result.count, *values])
    return file.getvalue()


def _both(epsilon: float, norm: str) -> str:
    """An ε as a person reads it."""
    return f"{epsilon:g} pixels" if norm == "l0" else f"{epsilon:.3g} ({epsilon * 255:.3g}/255)"
