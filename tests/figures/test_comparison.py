"""Figures that set networks side by side: every value at its place."""

import numpy as np
import pytest

from perturber.experiments import Divergence, Similarity
from perturber.figures.comparison import (
    COLUMN_COLOURS,
    EDIT_COLOURS,
    begins,
    cka_heatmap,
    column_colours,
    correlation_heatmap,
    difference_mosaic,
    divergence_lines,
    matched_order,
)

RANDOM = np.random.default_rng(5)


def divergence(*cosine: float) -> Divergence:
    values = np.array(cosine, float)[:, None]
    return Divergence(tuple(f"layer{n}" for n in range(len(cosine))), values, 2 * values)


@pytest.mark.parametrize(("count", "side"), [(1, 7), (4, 14), (8, 3)])
def test_the_mosaic_holds_a_b_and_their_difference(count: int, side: int) -> None:
    a, b = RANDOM.normal(size=(2, count, side, side)).astype(np.float32)
    channels = [3 * n + 1 for n in range(count)]
    figure = difference_mosaic(a, b, channels, scale=2.0, names=("One", "Two"), layer="conv")
    trace = figure.data[0]
    z, places = np.array(trace.z), np.array(trace.customdata)
    assert np.isfinite(z).sum() == 3 * a.size
    for n, channel in enumerate(channels):
        cells = np.isfinite(z) & (places[..., 0] == channel)
        top, left = np.argwhere(cells).min(0)
        pitch = np.argwhere(cells)[:, 0].max() - top + 1  # three maps and two gaps
        starts = [top, top + (pitch - side) // 2, top + pitch - side]
        for start, expected in zip(starts, (a[n], b[n], a[n] - b[n]), strict=True):
            block = slice(start, start + side), slice(left, left + side)
            np.testing.assert_array_equal(z[block], expected)
            np.testing.assert_array_equal(places[block][..., 1:], np.stack(np.mgrid[:side, :side], -1))
    assert (trace.zmin, trace.zmax, trace.zmid) == (-2, 2, 0)
    low, high = figure.layout.yaxis.range
    assert low > high  # row 0 at the top
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts[:count] == [str(channel) for channel in channels]
    assert texts[-1] == "A: One · B: Two · conv"
    assert len(figure.layout.shapes) == 3 * count


def test_a_scale_of_nothing_is_still_a_scale() -> None:
    maps = np.zeros((1, 2, 2), np.float32)
    assert difference_mosaic(maps, maps, [0], scale=0.0, names=("", ""), layer="").data[0].zmax == 1


def test_divergence_lines() -> None:
    depth = {1: divergence(0, 0.25, 0.5), 3: divergence(0, 0, 2)}
    depth[3].relative[2] = np.inf
    names, colours = ["a", "b", "c", "d"], column_colours([False, True, False, False])
    figure = divergence_lines(depth, names, colours)
    cosine_b, relative_b, cosine_d, relative_d = figure.data
    assert list(cosine_b.x) == ["layer0", "layer1", "layer2"]
    np.testing.assert_array_equal(cosine_b.y, [0, 0.25, 0.5])
    np.testing.assert_array_equal(relative_b.y, [0, 0.5, 1])
    np.testing.assert_array_equal(cosine_d.y, [0, 0, 2])
    np.testing.assert_array_equal(relative_d.y, [0, 0, np.nan])  # what is infinite has no place
    assert [trace.name for trace in figure.data] == ["b", "b", "d", "d"]
    assert (cosine_b.line.color, cosine_d.line.color) == (EDIT_COLOURS[0][0], COLUMN_COLOURS[3][0])
    assert cosine_b.line.dash != cosine_d.line.dash


def test_where_they_begin_to_differ() -> None:
    assert begins(divergence(0, 1e-9, 0.1, 0)) == "layer2"
    assert begins(divergence(0, 0)) is None


def test_yellow_belongs_to_edits() -> None:
    assert column_colours([False, True, False, True]) == [
        COLUMN_COLOURS[0],
        EDIT_COLOURS[0],
        COLUMN_COLOURS[2],
        EDIT_COLOURS[1],
    ]
    assert [colour for colour, _ in COLUMN_COLOURS[:2]] == ["#1f4e8c", "#6baed6"]
    assert len({colour for colour, _ in (*COLUMN_COLOURS, *EDIT_COLOURS)}) == 8


def test_cka_rows_are_a_and_columns_b() -> None:
    values = RANDOM.uniform(size=(60, 50))
    found = Similarity(
        rows=tuple(f"a{n}" for n in range(60)), columns=tuple(f"b{n}" for n in range(50)), cka=values, count=9
    )
    figure = cka_heatmap(found, ("One", "Two"))
    trace = figure.data[0]
    np.testing.assert_allclose(trace.z, values, rtol=1e-6)
    assert (tuple(trace.y), tuple(trace.x)) == (found.rows, found.columns)
    assert (trace.zmin, trace.zmax) == (0, 1)
    assert set(figure.layout.yaxis.tickvals) <= set(found.rows)
    assert len(figure.layout.yaxis.tickvals) <= 44
    assert "One" in figure.layout.yaxis.title.text
    assert "Two" in figure.layout.xaxis.title.text


def test_correlations_by_number_and_by_partner() -> None:
    order = RANDOM.permutation(12)
    matrix = RANDOM.uniform(-0.2, 0.2, size=(12, 12))
    matrix[np.arange(12), order] = 0.9  # channel n of A is channel order[n] of B
    plain = correlation_heatmap(matrix, ("One", "Two"), ("x", "y")).data[0]
    np.testing.assert_allclose(plain.z, matrix, rtol=1e-6)
    np.testing.assert_array_equal(matched_order(matrix), order)
    matched = correlation_heatmap(matrix, ("One", "Two"), ("x", "y"), matched=True).data[0]
    np.testing.assert_allclose(np.diagonal(matched.z), 0.9, rtol=1e-6)
    np.testing.assert_array_equal(np.array(matched.customdata)[3], order)
    assert (plain.zmin, plain.zmax) == (-1, 1)


def test_channels_that_never_change_come_last() -> None:
    matrix = np.array([[np.nan, 0.1, 0.9], [np.nan, 0.8, 0.2]])
    np.testing.assert_array_equal(matched_order(matrix), [2, 1, 0])


def test_labels_are_text_not_markup() -> None:
    names = ("<b>One</b>", "Two & <a href='x'>")
    figures = [
        difference_mosaic(
            RANDOM.normal(size=(1, 2, 2)), RANDOM.normal(size=(1, 2, 2)), [0], scale=1, names=names, layer=""
        ),
        divergence_lines({1: divergence(0, 0.5)}, names, COLUMN_COLOURS[:2]),
        cka_heatmap(Similarity(rows=("a",), columns=("b",), cka=np.zeros((1, 1)), count=3), names),
        correlation_heatmap(np.zeros((2, 2)), names, ("a", "b")),
    ]
    for figure in figures:
        text = figure.to_json()
        assert "&#60;" in text
        assert not any(markup in text for markup in ("<a", "\\u003ca", "<b>One", "\\u003cb\\u003eOne"))
