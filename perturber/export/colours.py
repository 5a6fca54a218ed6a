"""Colours of figures in files: palettes that the colour-blind can read, and dark ground.

Slots keep their order and about their lightness in every palette (dark, light, yellow), so that text on them stays
readable. What is red or blue for its sign, as activations are, belongs to the diverging palette.
"""

from collections.abc import Callable, Iterator
from typing import Any

import plotly.graph_objects as go
from plotly.colors import hex_to_rgb

from perturber.figures.style import DIVERGING, SLOT_COLOURS

QUALITATIVE_PALETTES: dict[str, tuple[str, ...]] = {
    "perturber": (),
    "okabe-ito": ("#0072b2", "#56b4e9", "#e69f00", "#009e73", "#d55e00", "#cc79a7"),
    "tol-bright": ("#4477aa", "#66ccee", "#ccbb44", "#228833", "#ee6677", "#aa3377"),
}
"""Name → colours; none leave those of the figure.

Okabe and Ito, "Color Universal Design" (2008); the scheme "bright" of Paul Tol, "Colour Schemes" (2021).
"""

DIVERGING_PALETTES: dict[str, tuple[str, ...]] = {
    "red-blue": tuple(colour for _, colour in DIVERGING),
    "orange-purple": ("#542788", "#b2abd2", "#ffffff", "#fdb863", "#b35806"),
}
"""Name → colours from the least value to the largest; the second is ColorBrewer's PuOr (Harrower and Brewer, 2003)."""

LIGHT, DARK = "#ffffff", "#16191d"
"""Grounds."""

GREY = 24
"""A colour whose channels (of 255) differ by no more is a grey: text, lines and ground, which dark figures reverse."""

Change = Callable[[str], str]


def coloured(figure: go.Figure, *, qualitative: str, diverging: str, dark: bool) -> go.Figure:
    """A copy of a figure on its ground and in the colours of palettes.

    Args:
        qualitative, diverging: names of palettes.
        dark: whether its ground is dark; pictures and colours of values stay.
    """
    described = {"data": [t.to_plotly_json() for t in figure.data], "layout": figure.layout.to_plotly_json()}
    chosen = _chosen(described["data"], QUALITATIVE_PALETTES[qualitative])
    chosen |= zip((colour for _, colour in DIVERGING), DIVERGING_PALETTES[diverging], strict=True)
    described = _changed(described, lambda colour: chosen.get(colour.lower(), colour))
    if dark:
        described["layout"] = _changed(described["layout"], _reversed)
        described["data"] = [
            {key: value if key in OF_VALUES else _changed(value, _reversed, key) for key, value in trace.items()}
            for trace in described["data"]
        ]
    copy = go.Figure(described)
    copy.update_layout(paper_bgcolor=DARK if dark else LIGHT)
    if dark:
        lines = {f"{part}color": _reversed(DEFAULT_LINES) for part in ("zeroline", "line", "tick")}
        lines["gridcolor"] = _reversed(DEFAULT_GRID)
        copy.layout.template = {"layout": {"font": {"color": _reversed(DEFAULT_LINES)}, "xaxis": lines, "yaxis": lines}}
    return copy


OF_VALUES = ("colorscale", "textfont", "insidetextfont")
"""Parts of a trace whose greys mean a value, or lie on a colour that stays."""

DEFAULT_LINES, DEFAULT_GRID = "#444444", "#eeeeee"
"""Plotly's own."""


def _chosen(traces: Any, palette: tuple[str, ...]) -> dict[str, str]:
    """Colour → colour of the palette: those of the slots first, then others of lines and bars as they come."""
    if not palette:
        return {}
    known = {*SLOT_COLOURS, *(colour for _, colour in DIVERGING)}
    seen: dict[str, None] = {}
    for trace in traces:
        for part in ("line", "marker"):
            seen |= dict.fromkeys(colour.lower() for colour in _colours(trace.get(part, {}).get("color")))
    others = [colour for colour in seen if colour not in known and (rgb := _rgb(colour)) and not _is_grey(rgb)]
    rest = palette[len(SLOT_COLOURS) :]
    return {
        **dict(zip(SLOT_COLOURS, palette, strict=False)),
        **{colour: rest[n % len(rest)] for n, colour in enumerate(others)},
    }


def _colours(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        yield from (one for one in value if isinstance(one, str))


def _changed(value: Any, change: Change, key: str = "") -> Any:
    """A part of a figure with its colours changed; long lists of data are not looked through."""
    if isinstance(value, dict):
        return {name: _changed(part, change, name) for name, part in value.items()}
    is_colour = key.endswith("color") or key == "colorscale"
    if isinstance(value, list | tuple) and len(value) and (is_colour or isinstance(value[0], dict)):
        return [_changed(part, change, key) for part in value]
    return change(value) if is_colour and isinstance(value, str) else value


def _reversed(colour: str) -> str:
    """A grey as it is on dark ground: white is the ground, black white; other colours stay."""
    rgb = _rgb(colour)
    if rgb is None or not _is_grey(rgb):
        return colour
    mirrored = [low + (255 - low) * (255 - value) / 255 for low, value in zip(hex_to_rgb(DARK), rgb, strict=False)]
    return f"rgba({', '.join(f'{value:.0f}' for value in mirrored)}, {rgb[3]:g})"


def _is_grey(rgb: tuple[float, ...]) -> bool:
    return max(rgb[:3]) - min(rgb[:3]) <= GREY


def _rgb(colour: str) -> tuple[float, ...] | None:
    """Red, green and blue from 0 to 255, and opacity; None for colours that are written otherwise."""
    try:
        if colour.startswith("#") and len(colour) == 7:
            return (*hex_to_rgb(colour), 1.0)
        if colour.startswith("rgb") and colour.endswith(")"):
            values = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")]
            return (*values[:3], values[3] if len(values) > 3 else 1.0) if len(values) >= 3 else None
    except ValueError:
        pass
    return None
