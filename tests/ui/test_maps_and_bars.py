"""What Python prepares for the maps and the bars."""

import base64

import numpy as np
import pytest

from perturber.figures.activations import activation_mosaic
from perturber.service import ClassScore
from perturber.ui.components.bars import Bars, bar_rows
from perturber.ui.components.maps import Maps, figure_without_values, map_values, scale_ends

SCORES = [
    ClassScore(index=7, name="cock", logit=8.0, probability=0.7),
    ClassScore(index=8, name="hen", logit=2.0, probability=0.2996),
    ClassScore(index=9, name="ostrich", logit=-4.0, probability=0.0004),
]


def test_rows_of_bars() -> None:
    first, second, third = bar_rows(SCORES, action="Pin it: click")
    assert first == {
        "index": 7,
        "name": "cock",
        "share": "70.0 %",
        "number": "8.00",
        "length": 1.0,
        "title": "cock (class 7), logit 8.00. Pin it: click",
    }
    assert (second["length"], second["share"]) == (0.25, "30.0 %")
    assert (third["length"], third["number"], third["share"]) == (0.0, "-4.00", "0.0 %")


def test_bars_relative_to_a_logit_of_another_column() -> None:
    assert [row["length"] for row in bar_rows(SCORES, largest=16.0)] == [0.5, 0.125, 0.0]


@pytest.mark.parametrize("largest", [None, 0.0, -1.0])
def test_no_bar_where_no_logit_is_positive(largest: float | None) -> None:
    assert [row["length"] for row in bar_rows(SCORES[2:], largest=largest)] == [0.0]
    assert bar_rows([], largest=largest) == []


@pytest.mark.parametrize(
    ("scale", "end"), [(1.0, "1.00"), (12.345, "12.3"), (123.4, "123"), (0.00123456, "0.00123"), (0.0, "0.00")]
)
def test_labels_of_the_scale_have_three_digits(scale: float, end: str) -> None:
    assert scale_ends(scale) == (f"−{end}", f"+{end}")


def test_values_are_the_maps_row_by_row() -> None:
    maps = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)
    read = np.frombuffer(base64.b64decode(map_values(maps)), "<f4")
    np.testing.assert_array_equal(read.reshape(maps.shape), maps)


def test_the_figure_travels_without_its_values() -> None:
    figure = figure_without_values(activation_mosaic(np.zeros((2, 3, 3), np.float32), [4, 5], scale=1))
    assert not {"z", "customdata"} & set(figure["data"][0])
    assert figure["data"][0]["type"] == "heatmap"


@pytest.mark.parametrize("component", [Maps, Bars])
def test_unknown_property(component: type[Maps | Bars]) -> None:
    with pytest.raises(TypeError, match="colour"):
        component(id="x", colour="red")  # type: ignore[call-arg, misc]
