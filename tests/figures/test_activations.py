"""The mosaic of activation maps: values, place and colours."""

import numpy as np
import pytest

from perturber.figures import activation_mosaic, empty_figure, mosaic


def maps(count: int, side: int = 14) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(count, side, side)).astype(np.float32)


@pytest.mark.parametrize("count", range(1, 9))
def test_every_map_is_there_once_and_whole(count: int) -> None:
    activations = maps(count)
    figure = activation_mosaic(activations, range(10, 10 + count), scale=2.5, paper=True)
    z, places = np.array(figure.data[0].z), np.array(figure.data[0].customdata)
    for number, values in enumerate(activations):
        cells = np.isfinite(z) & (places[..., 0] == 10 + number)
        assert cells.sum() == values.size
        rows, columns = places[cells][:, 1], places[cells][:, 2]
        np.testing.assert_array_equal(z[cells], values[rows, columns])
        # As one block, row 0 at the top.
        top, left = np.argwhere(cells).min(0)
        np.testing.assert_array_equal(z[top : top + 14, left : left + 14], values)
    assert np.isfinite(z).sum() == activations.size
    assert [a.text for a in figure.layout.annotations] == [str(10 + n) for n in range(count)]
    assert len(figure.layout.shapes) == count


def test_row_0_is_drawn_at_the_top() -> None:
    figure = activation_mosaic(maps(1), [0], scale=1)
    low, high = figure.layout.yaxis.range
    assert low > high


def test_red_is_positive_blue_negative_white_zero() -> None:
    figure = activation_mosaic(maps(2), [0, 1], scale=3.0)
    trace = figure.data[0]
    assert (trace.zmin, trace.zmax, trace.zmid) == (-3.0, 3.0, 0)
    colours = dict(trace.colorscale)
    assert colours[0.5] == "#ffffff"
    blue, red = colours[0.0], colours[1.0]
    assert int(blue[5:7], 16) > int(blue[1:3], 16)
    assert int(red[1:3], 16) > int(red[5:7], 16)


def test_a_dead_layer_has_a_scale_too() -> None:
    figure = activation_mosaic(np.zeros((1, 7, 7), np.float32), [0], scale=0.0)
    assert figure.data[0].zmax > 0


def test_mosaic_alone_equals_the_figures_values() -> None:
    activations = maps(5, 28)
    np.testing.assert_array_equal(mosaic(activations), activation_mosaic(activations, range(5), scale=1).data[0].z)


def test_pictures_lie_under_their_maps() -> None:
    pictures = [np.full((8, 8, 3), n, np.uint8) for n in range(3)]
    figure = activation_mosaic(maps(3), range(3), scale=1, pictures=pictures, paper=True)
    frames, images = figure.layout.shapes, figure.layout.images
    assert len(images) == 3
    for frame, image in zip(frames, images, strict=True):
        assert image.x == frame.x0
        assert image.y > frame.y1
        assert image.y + image.sizey <= figure.layout.yaxis.range[0]
    assert len(activation_mosaic(maps(3), range(3), scale=1, pictures=[None] * 3, paper=True).layout.images) == 0


def test_empty_figure_says_why() -> None:
    assert empty_figure("Waiting").layout.annotations[0].text == "Waiting"
