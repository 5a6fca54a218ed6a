"""Pictures side by side: each below its name, in its own pixels, and all of them in the figure's table."""

import numpy as np

from perturber.export.arrays import unpacked
from perturber.export.table import MOST_PIXELS, rows
from perturber.figures.pictures import picture_grid


def pictures(count: int, side: int) -> list[np.ndarray]:
    return list(np.random.default_rng(3).integers(0, 256, (count, side, side, 3), dtype=np.uint8))


def test_pictures_stand_in_rows_below_their_names() -> None:
    made = pictures(3, 20)
    figure = picture_grid([made[0], None, made[1], made[2]], ["3", "<b>7", "9", "11"], columns=3)
    assert [image.name for image in figure.data] == ["3", "9", "11"]
    assert [note.text for note in figure.layout.annotations] == ["3", "&#60;b&#62;7", "9", "11"]
    first, third, fourth = figure.data
    assert np.isclose(first.dx * 20, 1)
    assert first.y0 == third.y0 < fourth.y0
    assert first.x0 == fourth.x0 < third.x0
    assert figure.layout.width > figure.layout.height > 0
    low, high = figure.layout.xaxis.range
    assert all(low <= image.x0 <= high - 1 + image.dx for image in figure.data)


def test_every_pixel_is_in_the_table() -> None:
    made = pictures(2, 12)
    columns, lines = rows(unpacked(picture_grid(made, ["a", "b"])))
    at = [columns.index(name) for name in ("red", "green", "blue")]
    found = np.array([[line[n] for n in at] for line in lines], int).reshape(2, 12, 12, 3)
    np.testing.assert_array_equal(found, made)


def test_of_many_pixels_there_are_mean_colours() -> None:
    made = pictures(3, 250)
    columns, lines = rows(unpacked(picture_grid(made, ["a", "b", "c"])))
    assert MOST_PIXELS / 2 < len(lines) <= MOST_PIXELS
    x, y, red = (columns.index(name) for name in ("x", "y", "red"))
    assert lines[0][red] == made[0][:2, :2, 0].mean()
    step = 1 / 250
    assert np.isclose(lines[0][x], step)  # the middle of two pixels
    assert np.isclose(lines[1][x] - lines[0][x], 2 * step)
    assert np.isclose(lines[125][y] - lines[0][y], 2 * step)
    assert np.isclose(np.mean([line[red] for line in lines]), np.mean([one[..., 0] for one in made]), rtol=1e-6)


def test_one_changed_pixel_changes_the_table() -> None:
    made = pictures(1, 300)
    before = rows(unpacked(picture_grid(made, [""])))
    made[0][299, 299, 1] ^= 1
    assert rows(unpacked(picture_grid(made, [""]))) != before
