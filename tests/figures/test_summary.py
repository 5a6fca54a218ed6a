"""All channels in one figure: order, values, and which line is whose."""

import numpy as np

from perturber.figures import SLOT_COLOURS, ChannelMeans, channel_summary

MEANS = np.array([0.5, -2.0, 3.0, 0.5], np.float32)


def test_channels_stand_by_falling_mean() -> None:
    (line,) = channel_summary([ChannelMeans(0, "conv_stem", MEANS)]).data
    assert list(line.customdata) == [2, 0, 3, 1]  # equals keep their order
    assert list(line.y) == [3.0, 0.5, 0.5, -2.0]
    np.testing.assert_allclose(line.x, [0, 1 / 3, 2 / 3, 1])


def test_each_slot_has_its_line_in_its_colour() -> None:
    slots = [ChannelMeans(0, "conv_stem", MEANS), ChannelMeans(2, "conv_head", np.arange(100, dtype=np.float32))]
    first, second = channel_summary(slots).data
    assert (first.line.color, second.line.color) == (SLOT_COLOURS[0], SLOT_COLOURS[2])
    assert (SLOT_COLOURS[0], SLOT_COLOURS[2]) == ("#1f4e8c", "#f2c037")  # dark blue, yellow
    assert [line.name for line in (first, second)] == ["Model 1 · conv_stem", "Edited · conv_head"]
    assert (second.x[0], second.x[-1]) == (0, 1)  # layers of any width span the figure
    assert (second.customdata[0], second.y[0]) == (99, 99.0)


def test_a_layer_of_one_channel() -> None:
    (line,) = channel_summary([ChannelMeans(1, "x", np.array([7.0], np.float32))]).data
    assert (list(line.customdata), list(line.y)) == ([0], [7.0])


def test_no_slot_no_line() -> None:
    assert len(channel_summary([]).data) == 0
