"""Bars on logits relative to the largest, the value inside, the probability beside them."""

import pytest

from perturber.figures import prediction_bars
from perturber.service import ClassScore

TOP = [
    ClassScore(index=n, name=name, logit=logit, probability=share)
    for n, (name, logit, share) in enumerate([("tabby", 8.0, 0.7), ("tiger cat", 6.0, 0.2), ("a" * 50, -1.0, 0.1)])
]


def test_lengths_values_and_probabilities() -> None:
    figure = prediction_bars(TOP, slot=0)
    bars, names, shares = figure.data
    assert list(bars.x) == pytest.approx([1.0, 0.75, 0.0])
    assert list(bars.text) == ["8.00", "6.00", "-1.00"]
    assert list(shares.text) == ["70.0%", "20.0%", "10.0%"]
    assert "tabby" in names.text[0]
    assert len(names.text[2]) < 40
    assert bars.marker.color == "#1f4e8c"
    low, high = figure.layout.yaxis.range
    assert low > high  # the best class is drawn at the top


def test_nothing_positive() -> None:
    figure = prediction_bars([ClassScore(index=0, name="x", logit=-2.0, probability=1.0)], slot=1)
    assert list(figure.data[0].x) == [0.0]


def test_no_prediction() -> None:
    assert len(prediction_bars([], slot=1).data[0].x) == 0
