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
    every = sweep_figure(found, 0, LABELS).data
    lines, scattered = [one for one in every if one.mode == "lines"], [one for one in every if one.mode == "markers"]
    points = np.array(found.design.points())
    expected = np.stack([points[:, 0], points[:, 1], found.values[:, 0], found.values[:, 1]], 1)
    drawn = np.concatenate([np.reshape(one.y, (-1, 5))[:, :4] for one in lines])
    shares = (expected - expected.min(0)) / np.ptp(expected, 0)
    np.testing.assert_allclose(drawn[np.argsort(drawn[:, 0])], shares[np.argsort(shares[:, 0])], atol=1e-6)
    assert len(scattered) == 4
    for n, one in enumerate(scattered):  # each parameter against each network
        np.testing.assert_allclose(one.x, points[:, n // 2])
        np.testing.assert_array_equal(one.y, found.values[:, n % 2])


def test_what_is_not_known_yet_is_left_out() -> None:
    found = sweep(LatinHypercube((Range("yaw", -60, 60), Range("distance", 3, 6)), 7, seed=1))
    found.done[2:] = False
    found.values[2:] = np.nan
    lines = [one for one in sweep_figure(found, 0, LABELS).data if one.mode == "lines"]
    assert sum(len(one.y) for one in lines) == 2 * 5
    found.values[:] = np.nan
    assert sweep_figure(found, 0, LABELS).layout.annotations == ()
    grid = sweep(Grid((Axis.even("yaw", -60, 60, 2), Axis("plane", (False, True)))))
    grid.values[:] = np.nan
    assert sweep_figure(grid, 0, LABELS).layout.coloraxis.cmax == 1


def test_measures_of_one_kind_are_told_apart() -> None:
    grid, measures = Grid((Axis("yaw", (5, 3, 4)),)), tuple(Measure(kind="logit", class_index=n) for n in (1, 2))
    made = columns(measures, MODELS)
    values = RANDOM.normal(size=(3, 4)).astype(np.float32)
    found = Sweep(start=Scene(), design=grid, models=MODELS, columns=made, values=values, tops=np.zeros((3, 2), int),
                  done=np.ones(3, bool))  # fmt: skip
    figure = sweep_figure(found, 1, LABELS, said="Logit of <b>")
    np.testing.assert_array_equal([line.y for line in figure.data], values[:, 2:].T)
    assert figure.layout.xaxis.type == "category"  # they do not rise
    assert figure.layout.yaxis.title.text == "Logit of &#60;b&#62;"


@pytest.mark.parametrize("listed", [(-60, 0, 60), (-60, 50, 60)])
def test_thumbnails_stand_at_their_values(listed: tuple[float, ...]) -> None:
    for axes in ((Axis("yaw", listed),), (Axis("object", ("dog_cat", "firetruck_racecar")), Axis("yaw", listed))):
        figure = sweep_figure(sweep(Grid(axes)), 0, LABELS, thumbnails={"yaw": [(50 if 50 in listed else 0, "data:,")]})
        for one in figure.layout.images:
            low, high = figure.layout.xaxis.range
            assert low + one.x * (high - low) == pytest.approx(50 if 50 in listed else 0)
        assert len(figure.layout.images) == len(axes)  # below each heatmap
