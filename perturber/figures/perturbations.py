"""Perturbations as pictures, at which frequencies they lie, and how far they move each layer."""

from collections.abc import Sequence
from itertools import cycle
from math import ceil

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from perturber.figures.style import MARKS, SLOT_COLOURS, SLOT_DASHES, SLOT_NAMES, base_layout, gapped, plain

LINES = 9
"""Steps of an attack that are drawn at most."""

NAMED = 6
"""Layers that are named along an axis, at most: their names lie side by side."""


def amplified(perturbation: np.ndarray) -> np.ndarray:
    """A perturbation (H, W, 3) about grey, so strong that its largest value is black or white: (H, W, 3) uint8."""
    largest = float(np.abs(perturbation).max()) or 1.0
    return (127.5 + 127.5 * perturbation / largest).round().astype(np.uint8)


def signs(perturbation: np.ndarray) -> np.ndarray:
    """The sign of each colour of each pixel: 0 where it falls, grey where it stays, 255 where it rises."""
    return (127.5 + 127.5 * np.sign(perturbation)).round().astype(np.uint8)


def layer_changes(layers: Sequence[str], change: np.ndarray) -> go.Figure:
    """How far each layer has moved after each step: lines over the depth, dark for early steps.

    Args:
        layers: (L) names in forward order.
        change: (steps + 1, L) ‖a′ − a‖ / ‖a‖ after each step from 0 on; where it is not finite, the line breaks.
    """
    names = list(map(plain, layers))
    steps = [step for step in range(len(change)) if step or change[0].any() or len(change) == 1]
    if len(steps) > LINES:
        steps = [steps[round(i * (len(steps) - 1) / (LINES - 1))] for i in range(LINES)]
    colours = sample_colorscale("Plasma", [0.15 + 0.7 * i / max(1, len(steps) - 1) for i in range(len(steps))])
    figure = go.Figure(layout=base_layout(margin={"l": 52, "r": 14, "t": 22, "b": 34}, showlegend=True))
    for step, colour, mark in zip(steps, colours, cycle(MARKS), strict=False):
        name = str(step) if step else "start"
        figure.add_scatter(
            x=names,
            y=gapped(change[step]).astype(np.float32),
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 1.5},
            marker={"size": 4, "symbol": mark},
            hovertemplate=f"%{{x}}<br>step {step}: <b>%{{y:.3g}}</b><extra></extra>",
        )
    figure.update_layout(
        legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom", "title": {"text": "after step "}}
    )
    named = names[:: ceil(len(layers) / NAMED)]
    figure.update_xaxes(
        type="category",
        tickvals=named,
        tickangle=0,
        tickfont={"size": 10},
        gridcolor="#f1f3f5",
        zeroline=False,
        title={"text": "layers in forward order", "standoff": 4},
    )
    figure.update_yaxes(
        title="‖a′ − a‖ / ‖a‖", rangemode="tozero", gridcolor="#e9ecef", zerolinecolor="#adb5bd", nticks=6
    )
    return figure


def layer_jumps(layers: Sequence[str], change: np.ndarray) -> str:
    """Where the change rises most from one layer to the next, after the first step and after the last one, in words."""
    if len(change) < 2 or len(layers) < 2:
        return "Before the first step nothing has moved; take one."
    finite = np.where(np.isfinite(change), change, 0)

    def jump(step: int) -> str:
        row = finite[step]
        layer = 1 + int(np.diff(row).argmax())
        return f"at {layers[layer]}, from {row[layer - 1]:.2g} to {row[layer]:.2g}"

    if not finite[1:].any():
        return "No layer has moved."
    first = f"After step 1 the change jumps most {jump(1)}"
    last = len(change) - 1
    return f"{first}." if last == 1 else f"{first}; after step {last} {jump(last)}."


def spectra(slots: Sequence[int], energies: Sequence[np.ndarray], shares: Sequence[float], low: float) -> go.Figure:
    """Radial spectra of the perturbations of one attack on several models, each as shares of its own energy.

    Args:
        slots: of each model the number of the slot that shows it.
        energies: (R,) of each, at frequencies from 0 to 0.5 cycles a pixel, evenly spaced.
        shares: of each, the share of its energy below the frequency `low`.
        low: cycles a pixel; what lies below it is shaded.
    """
    figure = go.Figure(layout=base_layout(margin={"l": 58, "r": 14, "t": 22, "b": 36}, showlegend=True))
    figure.add_vrect(0, low, fillcolor="#e3eaf3", line_width=0, layer="below")
    for slot, energy, share in zip(slots, energies, shares, strict=True):
        whole = float(energy.sum()) or 1.0
        figure.add_scatter(
            x=np.linspace(0, 0.5, len(energy)),
            y=np.where(energy > 0, energy / whole, np.nan),
            name=f"{SLOT_NAMES[slot]}: {share:.0%} below {low:g}",
            mode="lines",
            line={"color": SLOT_COLOURS[slot], "width": 2, "dash": SLOT_DASHES[slot]},
            hovertemplate=f"{SLOT_NAMES[slot]}, %{{x:.3f}} cycles a pixel: <b>%{{y:.2%}}</b><extra></extra>",
        )
    figure.update_layout(legend={"orientation": "h", "x": 0, "y": 1.01, "yanchor": "bottom"})
    figure.update_xaxes(
        title={"text": "cycles a pixel, all orientations", "standoff": 4},
        range=[0, 0.5],
        zeroline=False,
        gridcolor="#f1f3f5",
    )
    figure.update_yaxes(title="share of energy", type="log", tickformat=".0e", gridcolor="#e9ecef", dtick=1)
    return figure
