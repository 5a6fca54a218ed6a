"""Figures of measurements hold the measurements' numbers."""

from itertools import product
from math import nan
from typing import Any

import numpy as np
import pytest

from perturber.errors import InvalidInputError
from perturber.experiments.measurements import Figure, Result
from perturber.export.table import rows as table_rows
from perturber.figures import SLOT_COLOURS
from perturber.figures.compose import Panel, compose
from perturber.figures.measurements import PARTS, measurement_figure, sphere, views

MODELS, LABELS = ("a", "b", "c"), {"a": "Network <A>", "b": "Network B", "c": "Network C"}


def result(*figures: Figure, measurement: str = "fluctuation", **more: Any) -> Result:
    return Result(
        measurement=measurement, models=MODELS, options={}, figures=figures, pictures=1,
        **{"head": (), "rows": (), **more},
    )  # fmt: skip


def figures(name: str, groups: tuple[str, ...], unit: str = "%", deviation: float = nan) -> list[Figure]:
    return [
        Figure(
            name=name, models=(model,), group=group, unit=unit, value=10.0 * n + m, low=10.0 * n + m - 1,
            high=10.0 * n + m + 2, deviation=deviation, count=7,
        )
        for (n, model), (m, group) in product(enumerate(MODELS), enumerate(groups))
    ]  # fmt: skip


def test_bars_of_groups_have_intervals_and_the_slots_colours() -> None:
    found = result(*figures("recognised", ("", "Dog", "Cat")))
    drawn = measurement_figure(found, "recognised", LABELS)
    assert [bar.type for bar in drawn.data] == ["bar"] * 3
    assert [bar.marker.color for bar in drawn.data[:2]] == list(SLOT_COLOURS[:2])
    assert len({bar.marker.color for bar in drawn.data}) == 3
    assert drawn.data[0].name == "Network &#60;A&#62;"
    for n, bar in enumerate(drawn.data):
        assert list(bar.x) == ["all", "Dog", "Cat"]
        assert list(bar.y) == [10 * n, 10 * n + 1, 10 * n + 2]
        assert list(bar.error_y.array) == [2] * 3
        assert list(bar.error_y.arrayminus) == [1] * 3
        assert list(bar.customdata[1][:2]) == [10 * n, 10 * n + 3]
    assert drawn.layout.yaxis.title.text == "Recognised (&#37;)"
    columns, lines = table_rows(drawn)
    assert "error_y" in columns
    assert len(lines) == 9


def test_a_single_group_has_the_networks_along_its_axis() -> None:
    drawn = measurement_figure(result(*figures("mCE", ("",))), "mCE", LABELS)
    assert [list(bar.x) for bar in drawn.data] == [["Network &#60;A&#62;"], ["Network B"], ["Network C"]]
    assert not drawn.layout.showlegend


def test_standard_deviations_are_a_view_of_their_own() -> None:
    found = result(*figures("fluctuation", ("", "Dog"), deviation=3.5))
    first, second = views(found)
    assert (first, second) == ("fluctuation, ± standard deviation", "fluctuation")
    assert list(measurement_figure(found, first, LABELS).data[0].error_y.array) == [3.5, 3.5]
    assert list(measurement_figure(found, second, LABELS).data[0].error_y.array) == [2, 2]


def test_what_is_not_known_has_no_interval() -> None:
    unknown = Figure(name="gap", models=("a",), value=nan, count=1)
    (bar,) = measurement_figure(result(unknown), "gap", LABELS).data
    assert bar.error_y.array is None
    assert np.isnan(bar.y[0])


def test_numbers_are_an_axis() -> None:
    drawn = measurement_figure(result(*figures("accuracy", ("ε 0", "ε 0.25", "ε 1"))), "accuracy", LABELS)
    for n, line in enumerate(drawn.data):
        assert list(line.x) == [0, 0.25, 1]
        assert list(line.y) == [10 * n, 10 * n + 1, 10 * n + 2]
        assert list(line.error_y.array) == [2] * 3
    assert len({line.line.dash for line in drawn.data}) == len({line.marker.symbol for line in drawn.data}) == 3
    assert drawn.layout.xaxis.title.text == "ε"


def test_pairs_are_a_matrix_and_differences_are_bars() -> None:
    pairs = [
        Figure(name="transfer", models=pair, unit="%", value=n, low=n - 1, high=n + 1, count=4)
        for n, pair in enumerate(product(MODELS, MODELS))
    ]
    lead = Figure(name="gap difference", models=("b", "a"), unit="points", value=-3, low=-4, high=-2, count=4)
    found = result(*pairs, lead)
    (heatmap,) = measurement_figure(found, "transfer", LABELS).data
    np.testing.assert_array_equal(heatmap.z, np.arange(9).reshape(3, 3))
    assert list(heatmap.y) == list(heatmap.x) == ["Network &#60;A&#62;", "Network B", "Network C"]
    (bar,) = measurement_figure(found, "gap difference", LABELS).data
    assert bar.x[0] == "Network B − Network &#60;A&#62;"
    assert bar.marker.color == SLOT_COLOURS[1]


def test_mixed_networks_stand_beside_those_that_they_are_made_of() -> None:
    told = [(("a",), ""), (("b",), ""), (("a", "b"), "stem"), (("b", "a"), "stem")]
    found = result(*(Figure(name="accuracy", models=who, group=cut, value=5, count=3) for who, cut in told))
    drawn = measurement_figure(found, "accuracy", LABELS)
    assert [bar.name for bar in drawn.data][2:] == [
        "Network &#60;A&#62; → Network B",
        "Network B → Network &#60;A&#62;",
    ]
    assert len({bar.marker.color for bar in drawn.data}) == 4
    assert [list(bar.x) for bar in drawn.data] == [["all"], ["all"], ["stem"], ["stem"]]


def test_what_was_compared_beside_networks_is_shown() -> None:
    people = [Figure(name="accuracy", models=(who,), value=50, count=3) for who in ("a", "subject-1")]
    drawn = measurement_figure(result(*people), "accuracy", LABELS)
    assert [bar.name for bar in drawn.data] == ["Network &#60;A&#62;", "subject-1"]


def spheres() -> Result:
    """Of object X a recognised region of four cells with one inner cell, of Y nothing but a lone cell."""
    head = ["object", "latitude", "longitude", *(f"{m}: {w}" for m in MODELS for w in ("right", "%"))]
    head += [f"{m}: {w}" for m in MODELS for w in ("region", "border")]
    rows = []
    for name, latitude, longitude in product("XY", (-45.0, 45.0), (-90.0, 0.0, 90.0)):
        lone = name == "Y" and (latitude, longitude) == (45, 90)
        right = lone or (name == "X" and longitude >= 0)
        region = 2 if lone else int(right)
        border = lone or (right and longitude == 0)
        told = [part for _ in MODELS for part in (int(right), 40.0)] + [
            part for _ in MODELS for part in (region, int(border))
        ]
        rows.append((name, latitude, longitude, *told))
    share = figures("share of the sphere", ("", "X", "Y"))
    return result(*share, measurement="viewpoints", head=tuple(head), rows=tuple(rows))


def test_the_map_says_what_each_view_is() -> None:
    found = spheres()
    longitudes, latitudes, parts, shares = sphere(found, "b", "X")
    assert (longitudes, latitudes) == ([-90, 0, 90], [-45, 45])
    assert [[PARTS[int(part)] for part in row] for row in parts] == [
        ["not recognised", "its border", "largest region"]
    ] * 2
    assert (shares == 40).all()
    assert [PARTS[int(part)] for part in sphere(found, "a", "Y")[2][1]] == ["not recognised"] * 2 + ["recognised"]
    assert next(iter(views(found))) == "map"
    drawn = measurement_figure(found, "map", LABELS)
    assert len(drawn.data) == 6
    np.testing.assert_array_equal(drawn.data[2].z, parts)
    assert {one.text for one in drawn.layout.annotations} == {"X", "Y", "Network &#60;A&#62;", "Network B", "Network C"}


def test_figures_can_be_panels() -> None:
    panels = [
        measurement_figure(spheres(), "map", LABELS),
        measurement_figure(result(*figures("recognised", ("", "Dog"))), "recognised", LABELS),
        measurement_figure(result(*figures("accuracy", ("ε 0", "ε 1"))), "accuracy", LABELS),
    ]
    composed = compose([Panel(figure=one) for one in panels], rows=2, columns=2, width=700)
    assert len(composed.data) == sum(len(one.data) for one in panels)


def test_other_views_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="nothing called 'map'"):
        measurement_figure(result(*figures("gap", ("",))), "map", LABELS)
