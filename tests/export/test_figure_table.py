"""The data of a figure as a table: what is drawn, each value once, equal to the bit."""

import csv
import io

import numpy as np
import plotly.graph_objects as go

from perturber.export.arrays import unpacked
from perturber.export.table import as_csv, rows
from perturber.figures import activation_mosaic


def records(figure: go.Figure) -> list[dict]:
    columns, lines = rows(figure)
    return [{name: value for name, value in zip(columns, line, strict=True) if value is not None} for line in lines]


def test_lines_and_bars_are_a_row_each_point() -> None:
    figure = go.Figure(
        [
            go.Scatter(x=[0.5, 2], y=np.array([0.1, np.nan], np.float32), name="Lite0 &#38; R", customdata=["p", "q"]),
            go.Bar(y=["a", "b"], x=[3, 4], orientation="h", text=["three", "four"], error_x={"array": [0.1, 0.2]}),
            go.Scatter(y=[7, 8], x0=10, dx=5, marker={"size": [1, 2]}),
            go.Scatter(),
        ]
    )
    found = records(figure)
    first = {"trace": 1, "name": "Lite0 & R", "type": "scatter", "x": 0.5, "y": float(np.float32(0.1)), "custom 1": "p"}
    assert found[0] == first
    assert found[1] == {"trace": 1, "name": "Lite0 & R", "type": "scatter", "x": 2, "custom 1": "q"}
    assert found[2] == {"trace": 2, "name": "", "type": "bar", "x": 3, "y": "a", "text": "three", "error_x": 0.1}
    assert found[4] == {"trace": 3, "name": "", "type": "scatter", "x": 10, "y": 7, "size": 1}
    assert len(found) == 6


def test_every_activation_of_a_mosaic_is_there_with_its_channel_row_and_column() -> None:
    maps = np.random.default_rng(1).normal(size=(3, 7, 7)).astype(np.float32)
    figure = activation_mosaic(maps, [5, 9, 200], scale=1.0)
    found = np.full_like(maps, np.nan)
    for row in records(figure):
        if "z" in row:
            channel, y, x = (row[f"custom {n}"] for n in (1, 2, 3))
            found[[5, 9, 200].index(channel), y, x] = row["z"]
    np.testing.assert_array_equal(found, maps)


def test_cells_between_edges_have_middles_and_pictures_have_channels() -> None:
    figure = go.Figure([go.Heatmap(z=[[1, 2]], x=[0, 1, 5], y=["row"]), go.Image(z=[[[1, 2, 3], [4, 5, 6]]])])
    found = records(figure)
    assert [(row["x"], row["y"]) for row in found[:2]] == [(0.5, "row"), (3, "row")]
    assert [row[name] for row in found[2:] for name in ("red", "green", "blue")] == [1, 2, 3, 4, 5, 6]


def test_text_that_a_spreadsheet_would_run_is_text() -> None:
    figure = go.Figure(go.Scatter(x=[-1], y=[2], name="=cmd|' /C calc'!A0", text=['comma, "quotes"\nand a line']))
    (row,) = csv.DictReader(io.StringIO(as_csv(*rows(figure)), newline=""))
    assert row["name"].startswith("'=")
    assert (row["x"], row["text"]) == ("-1", 'comma, "quotes"\nand a line')


def test_packed_arrays_are_unpacked() -> None:
    z = np.random.default_rng(2).normal(size=(2, 3)).astype(np.float32)
    figure = go.Figure([go.Heatmap(z=z), go.Scatter(y=np.arange(3, dtype=np.int16), marker={"color": np.arange(3.0)})])
    packed = go.Figure(figure.to_dict())
    again = unpacked(packed)
    np.testing.assert_array_equal(again.data[0].z, z)
    assert rows(again) == rows(figure)
