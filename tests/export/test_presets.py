"""Presets: sizes, what is allowed, and colours."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.colors import hex_to_rgb

from perturber.errors import InvalidInputError
from perturber.export import PRESETS
from perturber.export.colours import DIVERGING_PALETTES, QUALITATIVE_PALETTES, coloured
from perturber.figures import DIVERGING, SLOT_COLOURS, SLOT_TEXT
from perturber.figures.style import base_layout

# Full deuteranopia and protanopia in linear RGB: Machado, Oliveira and Fernandes, 2009, table of severity 1.
SEEN_BY = {
    "everybody": np.eye(3),
    "protanopes": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopes": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of a colour as somebody sees it."""
    linear = seen @ _linear(colour)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = np.clip(to_xyz @ np.clip(linear, 0, 1) / (0.9505, 1, 1.089), 0, None)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _linear(colour: str) -> np.ndarray:
    values = np.array(hex_to_rgb(colour)) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """By WCAG."""
    dark, light = sorted(float(np.dot((0.2126, 0.7152, 0.0722), _linear(colour))) for colour in (a, b))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("seen", SEEN_BY.values(), ids=SEEN_BY)
@pytest.mark.parametrize("name", [name for name, colours in QUALITATIVE_PALETTES.items() if colours])
def test_the_colour_blind_tell_colours_apart(name: str, seen: np.ndarray) -> None:
    colours = [lab(colour, seen) for colour in QUALITATIVE_PALETTES[name]]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(colours, 2)) > 8  # seen at a glance from about 5
    slots = colours[:3]
    assert min(float(np.linalg.norm(a - b)) for a, b in combinations(slots, 2)) > 20


@pytest.mark.parametrize("seen", SEEN_BY.values(), ids=SEEN_BY)
@pytest.mark.parametrize("name", DIVERGING_PALETTES)
def test_signs_are_told_apart_and_grow_darker_from_zero(name: str, seen: np.ndarray) -> None:
    low, less, zero, more, high = (lab(colour, seen) for colour in DIVERGING_PALETTES[name])
    assert np.linalg.norm(low - high) > 40
    assert low[0] < less[0] < zero[0] > more[0] > high[0]


@pytest.mark.parametrize("palette", [colours for colours in QUALITATIVE_PALETTES.values() if colours])
def test_text_on_slots_stays_readable(palette: tuple[str, ...]) -> None:
    for colour, text in zip(palette, SLOT_TEXT, strict=False):
        assert contrast(colour, text) >= 4.5


def test_colours_of_slots_and_signs_are_exchanged_each_for_its_own() -> None:
    figure = go.Figure(
        [
            go.Scatter(y=[1, 2], line_color="#2a8c82"),
            go.Scatter(y=[1, 2], line_color=SLOT_COLOURS[2]),
            go.Bar(y=[1, 2], marker_color=[SLOT_COLOURS[0], "#b2182b"]),
            go.Heatmap(z=[[1]], colorscale=DIVERGING),
        ]
    )
    made = coloured(figure, qualitative="okabe-ito", diverging="orange-purple", dark=False)
    assert made.data[1].line.color == "#e69f00"
    assert list(made.data[2].marker.color) == ["#0072b2", "#b35806"]
    assert [colour for _, colour in made.data[3].colorscale] == list(DIVERGING_PALETTES["orange-purple"])
    assert made.data[0].line.color == "#009e73"
    same = coloured(figure, qualitative="perturber", diverging="red-blue", dark=False)
    assert [t.to_plotly_json() for t in same.data] == [t.to_plotly_json() for t in figure.data]


def test_dark_figures_have_light_text_and_the_same_values() -> None:
    figure = go.Figure(
        [go.Scatter(y=[1, 2], line_color="#212529"), go.Heatmap(z=[[1]], colorscale=DIVERGING)], base_layout()
    )
    figure.update_layout(legend_bgcolor="rgba(255,255,255,0.7)").update_xaxes(gridcolor="#f1f3f5")
    made = coloured(figure, qualitative="perturber", diverging="red-blue", dark=True)

    def level(colour: str) -> float:
        return sum(float(part) for part in colour[5:-1].split(",")[:3]) / 3

    assert level(made.layout.font.color) > 200
    assert level(made.data[0].line.color) > 200
    assert level(made.layout.xaxis.gridcolor) < 60
    assert level(made.layout.legend.bgcolor) < 40
    assert made.layout.legend.bgcolor.endswith("0.7)")
    assert made.data[1].colorscale == figure.data[1].colorscale


def test_proportions_are_the_figures_own_unless_the_preset_says_otherwise() -> None:
    square = go.Figure(layout={"width": 300, "height": 300})
    assert PRESETS["page"].size(square) == pytest.approx((661.417, 661.417), abs=0.001)
    assert PRESETS["slide"].size(square) == pytest.approx((1920, 1080))
    assert replace(PRESETS["column"], points=12).scale(go.Figure(layout={"font": {"size": 8}})) == pytest.approx(2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": 5}, "width of a figure cannot be 5 mm"),
        ({"height": float("nan")}, "height of a figure cannot be nan mm"),
        ({"points": 100}, "font cannot be 100 points"),
        ({"dpi": 9999}, "resolution of a figure cannot be 9999 dpi"),
        ({"font": "sens"}, "Did you mean 'sans'"),
        ({"qualitative": "okabe"}, "Unknown palette"),
        ({"diverging": "jet"}, "Unknown diverging palette"),
    ],
)
def test_what_is_not_allowed_is_said(change: dict, said: str) -> None:
    with pytest.raises(InvalidInputError, match=said):
        replace(PRESETS["column"], **change)
