"""Figures over a training, beside what is computed by hand."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from perturber.figures.training import (
    LARGER,
    activation_multiples,
    correlations,
    errors,
    kernel_sheet,
    picture_multiples,
    places,
    probabilities,
)

STEPS = (0, 10, 50, 200)
LINES = [
    {"step": 10, "loss": 2.0, "training_error": 0.9},
    {"step": 10, "validation_error": 0.8, "robust_error": 1.0},
    {"step": 20, "loss": 1.5, "training_error": None},
    {"step": 125, "loss": 1.0, "training_error": 0.4},
    {"step": 200, "validation_error": 0.3, "robust_error": 0.6},
    {"step": 400, "validation_error": 0.1},
]


def test_checkpoints_lie_evenly_and_what_was_logged_between_them() -> None:
    np.testing.assert_allclose(places([0, 5, 10, 30, 50, 125, 200], STEPS), [0, 0.5, 1, 1.5, 2, 2.5, 3])


def test_errors_stand_where_they_were_measured() -> None:
    figure = errors(LINES, STEPS)
    assert figure is not None
    found = {trace.name: (list(trace.x), list(trace.y), list(trace.customdata)) for trace in figure.data}
    assert found == {
        "training": ([1, 2.5], [0.9, 0.4], [10, 125]),
        "validation": ([1, 3], [0.8, 0.3], [10, 200]),  # what lies after the last checkpoint is no moment of these
        "attacked": ([1, 3], [1.0, 0.6], [10, 200]),
    }
    assert list(figure.layout.xaxis.ticktext) == ["0", "10", "50", "200"]


@pytest.mark.parametrize("lines", [[], [{"step": 10, "loss": 1.0}], [{"step": 900, "robust_error": 1.0}]])
def test_a_log_without_errors_gives_no_figure(lines: list[dict[str, float]]) -> None:
    assert errors(lines, STEPS) is None


def test_probabilities_are_one_line_a_class() -> None:
    values = np.random.default_rng(0).random((4, 3))
    figure = probabilities(STEPS, ["dog", "cat", "lawn"], values)
    assert [trace.name for trace in figure.data] == ["dog", "cat", "lawn"]
    np.testing.assert_array_equal([trace.y for trace in figure.data], values.T)
    assert len({trace.line.color for trace in figure.data}) == 3


def test_correlations_show_the_chosen_layer_and_fill_the_axis() -> None:
    values = {
        "early": np.array([1, 0.99, 0.98, 0.97]),
        "late": np.array([1, 0.9, 0.8, np.nan]),
        "never": np.full(4, np.nan),
    }
    figure = correlations(STEPS, values, "late")
    lines = {trace.name: trace for trace in figure.data if trace.name}
    assert list(lines) == ["early", "late", "never"]
    assert [trace.line.width for trace in lines.values()] == [1, 3, 1]
    assert lines["late"].line.color == "#b2182b"
    least, most = figure.layout.yaxis.range
    assert 0.78 < least < 0.8
    assert 1 < most < 1.02
    nothing = correlations(STEPS, {"never": values["never"]}).layout.yaxis.range
    assert nothing[0] < 0 < 1 < nothing[1]


def test_a_rows_colours_end_at_its_largest_value() -> None:
    maps = np.random.default_rng(1).normal(size=(4, 2, 7, 5))
    maps[2, 1, 3, 3] = -30
    figure = activation_multiples(maps, [4, 9], STEPS)
    assert [(trace.zmin, trace.zmax) for trace in figure.data] == [
        (-s, s) for s in np.abs(maps).max((0, 2, 3))
    ]  # fmt: skip
    words = [note.text for note in figure.layout.annotations]
    assert words == ["<b>4</b><br>± " + f"{np.abs(maps[:, 0]).max():.3g}", "<b>9</b><br>± 30"] + [
        f"step {s}" for s in STEPS
    ]
    first = np.asarray(figure.data[1].z, float)
    columns = ~np.isnan(first).all(0)
    np.testing.assert_allclose(first[:, columns], np.concatenate(list(maps[:, 1]), 1), rtol=1e-6)


def test_pictures_stand_in_rows_and_columns() -> None:
    random = np.random.default_rng(2)
    pictures = [[random.integers(0, 256, (6, 8, 3), np.uint8) for _ in STEPS] for _ in range(3)]
    gap: list[list[np.ndarray | None]] = [list(row) for row in pictures]
    gap[1][2] = None
    figure = picture_multiples(gap, ["a", "b", "c"], STEPS)
    images = figure.layout.images
    assert len(images) == 11
    assert len({image.x for image in images}) == 4
    assert len({image.y for image in images}) == 3
    assert [image.y for image in images] == sorted(image.y for image in images)
    shown = Image.open(io.BytesIO(base64.b64decode(images[0].source.split(",", 1)[1])))
    np.testing.assert_array_equal(np.asarray(shown.convert("RGB")), pictures[0][0])
    assert [note.text for note in figure.layout.annotations] == ["a", "b", "c"] + [f"step {step}" for step in STEPS]
    assert not picture_multiples([[None] * 4], ["a"], STEPS).layout.images


def test_kernels_are_drawn_as_a_loop_would() -> None:
    kernels = np.random.default_rng(3).normal(size=(6, 3, 3, 2)).astype(np.float32)
    sheet = kernel_sheet(kernels, 2.0)
    pitch = LARGER // 2
    assert sheet.shape == (2 * 3 * LARGER + pitch, 4 * 2 * LARGER + 3 * pitch, 3)
    for n, kernel in enumerate(kernels):
        top, left = n // 4 * (3 * LARGER + pitch), n % 4 * (2 * LARGER + pitch)
        for i in range(3):
            for j in range(2):
                grey = [round(127.5 + 127.5 * min(1, max(-1, float(kernel[c, i, j]) / 2))) for c in range(3)]
                block = sheet[top + i * LARGER : top + (i + 1) * LARGER, left + j * LARGER : left + (j + 1) * LARGER]
                assert np.abs(block.astype(int) - grey).max() <= 1
    np.testing.assert_array_equal(kernel_sheet(np.zeros((1, 3, 1, 1)), 0.0)[0, 0], 128)
