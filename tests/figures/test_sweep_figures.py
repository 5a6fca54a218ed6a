"""Figures of sweeps hold the sweep's numbers, whatever its design."""

import numpy as np
import pytest

from perturber.experiments.measures import Measure, columns
from perturber.experiments.sweep import Axis, Grid, LatinHypercube, Range, Sweep
from perturber.figures.sweeps import sweep_figure
from perturber.scene import Scene

MODELS, LABELS = ("a", "b"), ("Network A", "Network B")
RANDOM = np.random.default_rng(0)


def sweep(design: Grid | LatinHypercube) -> Sweep:
    made = columns((Measure(kind="margin", class_index=3), Measure(kind="divergence")), MODELS)
    values = RANDOM.normal(size=(len(design), len(made))).astype(np.float32)
    tops, done = np.zeros((len(design), 2), np.int32), np.ones(len(design), bool)
    return Sweep(start=Scene(), design=design, models=MODELS, columns=made, values=values, tops=tops, done=done)


def test_lines() -> None:
    found = sweep(Grid((Axis.even("yaw", -60, 60, 5),)))
    figure = sweep_figure(found, 0, LABELS)
    assert [line.name for line in figure.data] == list(LABELS)
    for n, line in enumerate(figure.data):
        np.testing.assert_array_equal(line.x, [-60, -30, 0, 30, 60])
        np.testing.assert_array_equal(line.y, found.values[:, n])
    assert figure.layout.xaxis.title.text == "Yaw (°)"
    (line,) = sweep_figure(found, 1, LABELS).data
    assert line.name == "Network A and Network B"


def test_heatmaps_of_signed_measures_are_even_about_zero() -> None:
    found = sweep(Grid((Axis.even("pitch", -30, 30, 3), Axis("object", ("dog_cat", "firetruck_racecar")))))
    figure = sweep_figure(found, 0, LABELS)
    for n, heatmap in enumerate(figure.data):
        np.testing.assert_array_equal(heatmap.z, found.values[:, n].reshape(3, 2))
        assert list(heatmap.x) == ["dog_cat", "firetruck_racecar"]
        assert list(heatmap.y) == [-30, 0, 30]
    colours = figure.layout.coloraxis
    assert colours.cmax == -colours.cmin == pytest.approx(np.abs(found.values[:, :2]).max())
    assert figure.layout.xaxis.type == "category"


def test_parallel_coordinates() -> None:
    found = sweep(LatinHypercube((Range("yaw", -60, 60), Range("distance", 3, 6)), 7, seed=1))
    (lines,) = sweep_figure(found, 0, LABELS).data
    points = np.array(found.design.points())
    expected = [points[:, 0], points[:, 1], found.values[:, 0], found.values[:, 1]]
    for dimension, values in zip(lines.dimensions, expected, strict=True):
        np.testing.assert_allclose(dimension.values, values, rtol=1e-6)
