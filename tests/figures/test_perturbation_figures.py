"""Figures of attacks: layers along the steps, spectra, robustness curves and their values."""

import csv
import io

import numpy as np
import pytest

from perturber.attack import CurveResult
from perturber.figures import (
    SLOT_COLOURS,
    falls,
    layer_changes,
    layer_jumps,
    robustness,
    robustness_csv,
    spectra,
)

LAYERS = ("stem", "early", "late", "head")
CHANGE = np.array([[0, 0, 0, 0], [0.01, 0.02, 0.2, 0.25], [0.02, 0.5, 0.6, 0.7]], np.float32)


def test_a_line_for_each_step() -> None:
    figure = layer_changes(LAYERS, CHANGE)
    assert [line.name for line in figure.data] == ["1", "2"]  # before the first step nothing has moved
    for line, row in zip(figure.data, CHANGE[1:], strict=True):
        assert tuple(line.x) == LAYERS
        np.testing.assert_array_equal(line.y, row)
    assert len({line.line.color for line in figure.data}) == 2


def test_many_steps_are_thinned_out_and_a_random_start_is_drawn() -> None:
    change = np.arange(1, 102)[:, None] * np.ones((1, 4))
    names = [line.name for line in layer_changes(LAYERS, change).data]
    assert len(names) == 9
    assert (names[0], names[-1]) == ("start", "100")


def test_infinite_changes_break_the_line() -> None:
    change = CHANGE.copy()
    change[2, 1] = np.inf
    assert np.isnan(layer_changes(LAYERS, change).data[1].y).tolist() == [False, True, False, False]


def test_the_layer_that_jumps_is_named() -> None:
    said = layer_jumps(LAYERS, CHANGE)
    assert (
        said == "After step 1 the change jumps most at late, from 0.02 to 0.2; after step 2 at early, from 0.02 to 0.5."
    )
    assert layer_jumps(LAYERS, CHANGE[:2]) == "After step 1 the change jumps most at late, from 0.02 to 0.2."
    assert layer_jumps(LAYERS, CHANGE[:1]) == "Before the first step nothing has moved; take one."
    assert layer_jumps(LAYERS, 0 * CHANGE) == "No layer has moved."


def test_spectra_are_shares_in_the_slots_colours() -> None:
    energies = [np.array([1.0, 3.0, 0.0]), np.array([10.0, 10.0, 20.0])]
    figure = spectra((0, 2), energies, (0.25, 0.9), 0.1)
    assert [line.name for line in figure.data] == ["Model 1: 25% below 0.1", "Edited: 90% below 0.1"]
    assert [line.line.color for line in figure.data] == [SLOT_COLOURS[0], SLOT_COLOURS[2]]
    np.testing.assert_allclose(figure.data[0].y, [0.25, 0.75, np.nan])
    np.testing.assert_allclose(figure.data[1].x, [0, 0.25, 0.5])
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (0, 0.1)


def result(*accuracy: float, norm: str = "l2", count: int = 8, margin: bool = True) -> CurveResult:
    values = np.array(accuracy)
    return CurveResult(
        norm=norm,  # type: ignore[arg-type]
        epsilons=tuple(k * (10.0 if norm == "l0" else 0.5) for k in range(len(accuracy))),
        count=count,
        accuracy=values,
        margin=values * 4 - 1 if margin else np.full(len(values), np.nan),
        attack="PGD, 8 steps",
    )


def test_curves_show_accuracy_beside_margin() -> None:
    results = [result(1, 0.75, 0.25), result(1, 1, np.nan)]
    figure = robustness((0, 1), results)
    assert [(line.name, line.line.color, line.xaxis) for line in figure.data] == [
        ("Model 1", SLOT_COLOURS[0], "x"),
        ("Model 1", SLOT_COLOURS[0], "x2"),
        ("Model 2", SLOT_COLOURS[1], "x"),
        ("Model 2", SLOT_COLOURS[1], "x2"),
    ]
    np.testing.assert_array_equal(figure.data[0].y, results[0].accuracy)
    np.testing.assert_array_equal(figure.data[3].y, results[1].margin)
    assert list(figure.layout.xaxis.ticktext) == ["0<br>0", "0.5<br>128", "1<br>255"]
    assert "× 255" in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text == "share of 8 that keep it"


def test_autoattack_has_no_margin_and_pixels_no_255() -> None:
    assert [line.xaxis for line in robustness((0,), [result(1, 0, margin=False)]).data] == ["x"]
    axis = robustness((0,), [result(1, 0, norm="l0")]).layout.xaxis
    assert list(axis.ticktext) == ["0", "10"]
    assert "255" not in axis.title.text


@pytest.mark.parametrize(
    ("curve", "sentence"),
    [
        (result(1, 0.75, 0.25), "Model 1 loses half of the classes at ε = 1 (255/255), still there at 0.5."),
        (result(1, 0.75, np.nan), "Model 1 keeps half of the classes up to ε = 0.5 (128/255)."),
        (result(1, 0, count=1), "Model 1 loses the class at ε = 0.5 (128/255), still there at 0."),
        (result(0.25, 0), "Model 1 loses half of the classes at ε = 0 (0/255)."),
        (result(1, 0, norm="l0", count=1), "Model 1 loses the class at ε = 10 pixels, still there at 0."),
    ],
)
def test_where_a_model_falls_is_said(curve: CurveResult, sentence: str) -> None:
    assert falls((0,), [curve]) == [sentence]
    assert falls((0,), [result(np.nan, np.nan)]) == []


def test_values_as_a_table() -> None:
    text = robustness_csv(["one", "mix(a,b;x=0.5)"], [result(1, np.nan), result(1, 0.5, norm="l0")])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["model"] for row in rows] == ["one", "one", "mix(a,b;x=0.5)", "mix(a,b;x=0.5)"]
    assert rows[1] == {
        "model": "one",
        "attack": "PGD, 8 steps",
        "norm": "l2",
        "epsilon": "0.5",
        "epsilon_255": "127.5",
        "pictures": "8",
        "accuracy": "",
        "margin": "",
    }
    assert (rows[3]["epsilon"], rows[3]["epsilon_255"], rows[3]["accuracy"]) == ("10", "", "0.5")
