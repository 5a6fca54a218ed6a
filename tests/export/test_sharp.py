"""Heatmaps with repeated cells show the same values in the same places."""

import numpy as np
import plotly.graph_objects as go
import pytest

from perturber.export.sharp import sharpened


def value_at(trace: go.Heatmap, x: float, y: float) -> float:
    """As Plotly reads a heatmap: cells around evenly placed middles, or between edges."""
    z = np.asarray(trace.z)
    places = []
    for along, count, wanted in (("x", z.shape[1], x), ("y", z.shape[0], y)):
        if trace[along] is None:
            places.append(round((wanted - (trace[f"{along}0"] or 0)) / (trace[f"d{along}"] or 1)))
        else:
            edges = np.asarray(trace[along])
            assert len(edges) == count + 1
            places.append(int(np.searchsorted(edges, wanted) - 1))
    return float(z[places[1], places[0]])


@pytest.mark.parametrize(
    ("given", "middles"),
    [
        ({}, (np.arange(3.0), np.arange(2.0))),
        ({"x0": 10, "dx": -2, "y0": 0.5, "dy": 0.25}, (np.array([10, 8, 6]), np.array([0.5, 0.75]))),
        ({"x": [0, 1, 2], "y": [5, 6]}, (np.arange(3), np.array([5, 6]))),
        ({"x": [0, 1, 4, 5], "y": [0, 1, 9]}, (np.array([0.5, 2.5, 4.5]), np.array([0.5, 5]))),
        ({"x": [0, 1, 4], "y": [0, 8]}, (np.arange(3) ** 2 * 1.0, np.array([0, 8]))),
    ],
)
def test_values_stay_where_they_are(given: dict, middles: tuple[np.ndarray, np.ndarray]) -> None:
    z = np.array([[1.0, 2, 3], [4, 5, np.nan]], np.float32)
    trace = sharpened(go.Figure(go.Heatmap(z=z, **given))).data[0]
    assert min(np.shape(trace.z)) >= 300
    xs, ys = middles
    widths, heights = (np.diff(sides).min(initial=1) if len(sides) > 1 else 1 for sides in middles)
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            for dx, dy in ((0, 0), (0.45, -0.45)) if given.keys() <= {"x0", "dx", "y0", "dy"} else ((0, 0),):
                found = value_at(trace, x + dx * widths, y + dy * heights)
                np.testing.assert_equal(found, z[row, column])


def test_names_of_cells_become_labels_of_numbers() -> None:
    figure = go.Figure(go.Heatmap(z=[[1, 2, 3], [4, 5, 6]], x=["a", "b", "c"], y=["r", "s"]))
    figure.update_xaxes(type="category", tickvals=["a", "c"])
    figure.update_yaxes(autorange="reversed").add_annotation(x="c", y="s", text="here")
    sharp = sharpened(figure)
    assert (sharp.layout.xaxis.type, list(sharp.layout.xaxis.tickvals)) == ("linear", [0, 2])
    assert list(sharp.layout.xaxis.ticktext) == ["a", "c"]
    assert list(sharp.layout.yaxis.ticktext) == ["r", "s"]
    assert sharp.layout.yaxis.range == (1.5, -0.5)
    assert (sharp.layout.annotations[0].x, sharp.layout.annotations[0].y) == (2, 1)
    assert value_at(sharp.data[0], 2.4, 0.6) == 6
    assert figure.data[0].x == ("a", "b", "c")  # the figure itself stays


@pytest.mark.parametrize(
    "change", [{"zsmooth": "best"}, {"xgap": 1}, {"texttemplate": "%{z}"}, {"x": ["2026-01-01", "2026-01-02"]}]
)
def test_others_are_left_as_they_are(change: dict) -> None:
    figure = go.Figure(go.Heatmap(z=[[1, 2], [3, 4]], **change))
    figure.update_xaxes(type="date" if "x" in change else None)
    assert sharpened(figure) == figure


def test_a_large_heatmap_does_not_become_larger_than_can_be_drawn() -> None:
    for shape in ((2000, 3000), (2, 5000), (559, 559), (1, 1)):
        z = sharpened(go.Figure(go.Heatmap(z=np.zeros(shape, np.float32)))).data[0].z
        assert np.size(z) <= max(4_000_000, np.prod(shape))
