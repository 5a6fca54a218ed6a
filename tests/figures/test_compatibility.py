"""The figure of a compatibility scan: each cut in its place, what is not known left out."""

from dataclasses import replace
from html import unescape

import numpy as np

from perturber.attack import Attack
from perturber.editing import ScanResult
from perturber.figures import compatibility, scanned

UNITS = ("stem", "blocks.0", "head")
RESULT = ScanResult(
    units=UNITS,
    reverse=False,
    count=20,
    top1=np.array([0.8, 0.5, 0.1, 0.7]),
    top5=np.array([0.9, 0.6, 0.3, 0.9]),
    agreement=np.array([1.0, 0.6, 0.1, 0.8]),
    margin=np.array([3.0, 1.0, -2.0, 2.5]),
)


def test_every_cut_has_its_place() -> None:
    figure = compatibility(RESULT)
    lines = {line.name: line for line in figure.data}
    assert list(lines) == ["top-1", "top-5", "same class as Model 1", "margin"]
    for line in lines.values():
        assert list(line.x) == ["all Model 1", "… stem", "… blocks.0", "all Model 2"]
    for name, values in [("top-1", RESULT.top1), ("top-5", RESULT.top5), ("same class as Model 1", RESULT.agreement)]:
        np.testing.assert_array_equal(lines[name].y, values)
        assert lines[name].yaxis is None
    np.testing.assert_array_equal(lines["margin"].y, RESULT.margin)
    assert lines["margin"].yaxis == "y2"


def test_axes_say_what_they_show() -> None:
    layout = compatibility(RESULT).layout
    assert layout.xaxis.title.text == "Model 2 up to …, then Model 1"
    assert (layout.yaxis.title.text, layout.yaxis.tickformat) == ("share of 20 pictures", ".0%")
    assert (layout.yaxis2.title.text, layout.yaxis2.tickformat) == ("margin in logits", None)
    assert layout.yaxis2.range is None
    assert compatibility(replace(RESULT, count=1)).layout.yaxis.title.text == "this scene: yes or no"


def test_the_other_way_round() -> None:
    figure = compatibility(replace(RESULT, reverse=True))
    assert list(figure.data[0].x) == ["all Model 2", "… stem", "… blocks.0", "all Model 1"]
    assert figure.layout.xaxis.title.text == "Model 1 up to …, then Model 2"


def test_without_labels_there_is_no_accuracy() -> None:
    figure = compatibility(replace(RESULT, top1=None, top5=None))
    assert [line.name for line in figure.data] == ["same class as Model 1", "margin"]


ATTACKED = replace(
    RESULT,
    attack=Attack(model="any", epsilon=0.5, steps=8),
    robust=np.array([0.1, 0.2, 0.0, 0.1]),
    robust_margin=np.array([-1.0, -2.0, -3.0, -1.5]),
)


def test_under_an_attack_there_are_two_more_lines() -> None:
    lines = {line.name: line for line in compatibility(ATTACKED).data}
    np.testing.assert_array_equal(lines["top-1 under PGD, L2, ε = 0.5, 8 steps"].y, ATTACKED.robust)
    np.testing.assert_array_equal(lines["margin under attack"].y, ATTACKED.robust_margin)
    assert lines["margin under attack"].yaxis == "y2"


def test_two_lines_never_look_alike() -> None:
    for result in (RESULT, replace(RESULT, top1=None, top5=None), ATTACKED):
        looks = [(line.line.color, line.line.dash) for line in compatibility(result).data]
        assert len(set(looks)) == len(looks)


def test_what_is_not_done_is_left_out() -> None:
    margin = np.array([3.0, np.nan, np.nan, np.nan])
    figure = compatibility(replace(RESULT, margin=margin))
    assert len(figure.data[0].x) == 4  # the axis is as wide from the start
    assert '"margin"' in figure.to_json()
    assert "NaN" not in figure.to_json()
    assert scanned(replace(RESULT, margin=margin))
    assert not scanned(replace(RESULT, agreement=np.full(4, np.nan)))


def test_one_unit_has_two_ends() -> None:
    one = ScanResult(
        units=("all",), reverse=False, count=1, top1=None, top5=None, agreement=np.ones(2), margin=np.ones(2)
    )
    assert list(compatibility(one).data[0].x) == ["all Model 1", "all Model 2"]


def test_many_cuts_have_room_for_some_labels() -> None:
    few = compatibility(RESULT).layout.xaxis.tickvals
    assert list(few) == ["all Model 1", "… stem", "… blocks.0", "all Model 2"]
    units = tuple(f"layer.{n}" for n in range(99))
    many = replace(RESULT, units=units, top1=None, top5=None, agreement=np.ones(100), margin=np.ones(100))
    figure = compatibility(many)
    assert list(figure.layout.xaxis.tickvals) == list(figure.data[0].x[4::5])
    assert figure.layout.xaxis.tickvals[-1] == "all Model 2"


def test_markup_in_a_name_is_none() -> None:
    places = compatibility(replace(RESULT, units=("<b>stem</b>", *UNITS[1:]))).data[0].x
    assert "<" not in places[1]
    assert unescape(places[1]) == "… <b>stem</b>"
