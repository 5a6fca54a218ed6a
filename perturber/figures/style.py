"""What all figures have in common."""

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale, unlabel_rgb

SLOT_NAMES = ("Model 1", "Model 2", "Edited")

SLOT_COLOURS = ("#1f4e8c", "#6baed6", "#f2c037")
"""Model 1 dark blue, Model 2 light blue, Edited yellow."""

SLOT_TEXT = ("#ffffff", "#14233a", "#14233a")
"""Colours of text on the slots' colours."""

MARKS = ("circle", "square", "diamond", "triangle-up", "x", "star")
"""Of lines that are told apart by more than their colour."""

SLOT_MARKS = MARKS[:3]
SLOT_DASHES = ("solid", "dash", "dot")
"""Marks and dashes of the slots’ lines, which say the same as their colours."""

DIVERGING = ((0.0, "#2166ac"), (0.25, "#92c5de"), (0.5, "#ffffff"), (0.75, "#f4a582"), (1.0, "#b2182b"))
"""Inhibition blue, zero white, excitation red."""


SIGNED = "+~g"
"""How a colour bar of them writes numbers: the sign says what the colour says."""


def diverging_colours(count: int) -> np.ndarray:
    """So many colours of `DIVERGING` at equal distances: (count, 3) float from 0 to 255."""
    sampled = sample_colorscale([list(stop) for stop in DIVERGING], np.linspace(0, 1, count).tolist())
    return np.array([unlabel_rgb(colour) for colour in sampled])


FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"


def empty_figure(message: str = "") -> go.Figure:
    """A blank figure that says why there is nothing to see."""
    figure = go.Figure(layout=base_layout())
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    if message:
        figure.add_annotation(text=message, showarrow=False, font={"color": "#6c757d", "size": 12})
    return figure


def base_layout(**changes: object) -> go.Layout:
    """The layout that every figure starts from: white, tight, without Plotly's template."""
    layout = go.Layout(
        template="none",
        font={"family": FONT, "size": 11, "color": "#212529"},
        margin={"l": 4, "r": 4, "t": 4, "b": 4},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        hoverlabel={"font": {"family": FONT, "size": 12}, "namelength": -1},  # a cut might go through a reference
    )
    return layout.update(changes)


def gapped(values: np.ndarray) -> np.ndarray:
    """NaN, which figures leave blank, wherever a number is not finite."""
    return np.where(np.isfinite(values), values, np.float32(np.nan))


def finite_size(values: np.ndarray) -> float:
    """The largest finite absolute value, 0 where there is none."""
    return float(np.abs(values[np.isfinite(values)]).max(initial=0))


MEANT = str.maketrans({sign: f"&#{ord(sign)};" for sign in "&<>%$"})
"""Signs of markup, of templates and of formulae → the references that Plotly writes them by."""


def plain(text: str) -> str:
    """Text that Plotly draws as it stands, also in a template: what looks like markup is none."""
    return text.translate(MEANT)


def as_json(figure: go.Figure) -> dict[str, Any]:
    """A figure as Plotly's script takes it, arrays as base64."""
    return json.loads(figure.to_json())
