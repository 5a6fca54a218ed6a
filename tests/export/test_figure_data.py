"""The numbers of a figure in its file: all of them, to the bit, and what is said of another figure's."""

import hashlib
from collections.abc import Callable
from math import inf, isnan

import numpy as np
import plotly.graph_objects as go
import pytest

from perturber.export import Format, Provenance, compared, export, read_provenance
from perturber.export import data as packing
from perturber.export.table import rows


def read_back(figure: go.Figure, provenance: Provenance) -> Provenance:
    return read_provenance(export(figure, Format.JSON, provenance))


def test_a_figure_equals_itself_to_the_bit(heatmap: go.Figure, provenance: Provenance) -> None:
    kept = read_back(heatmap, provenance)
    assert compared(heatmap, kept.data_sha256, kept.data) == packing.Compared(True, 0.0)


def test_the_numbers_are_those_of_the_traces(cells: np.ndarray, heatmap: go.Figure) -> None:
    heatmap.add_scatter(x=[1, 2], y=[3.5, None], name="a line")
    values = packing.numbers(*rows(heatmap))
    assert values.shape[0] == 14 * 14 + 2
    z = values[: 14 * 14, 5]
    np.testing.assert_array_equal(z.astype(np.float32).reshape(14, 14), cells)
    np.testing.assert_array_equal(values[-2:, 3:5], [[1, 3.5], [2, np.nan]])
    written = f"{values.shape}".encode() + values.tobytes()
    assert packing.digest(values) == hashlib.sha256(written).hexdigest()


@pytest.mark.parametrize("by", [2.0**-20, -0.25])
def test_the_largest_difference_is_told(
    by: float, cells: np.ndarray, heatmap: go.Figure, provenance: Provenance
) -> None:
    kept = read_back(heatmap, provenance)
    changed = cells.astype(float)
    changed[3, 4] += by
    changed[9, 1] += by / 2
    heatmap.data[0].z = changed
    assert compared(heatmap, kept.data_sha256, kept.data) == packing.Compared(False, abs(by))


@pytest.mark.parametrize(
    "change", [lambda z: z[:5], lambda z: np.where(z > 0.5, np.nan, z)], ids=["other cells", "a gap"]
)
def test_other_points_are_not_compared(
    change: Callable[[np.ndarray], np.ndarray], cells: np.ndarray, heatmap: go.Figure, provenance: Provenance
) -> None:
    kept = read_back(heatmap, provenance)
    heatmap.data[0].z = change(cells.astype(float))
    assert compared(heatmap, kept.data_sha256, kept.data) == packing.Compared(False, inf)


def test_of_too_many_numbers_there_is_the_hash(
    heatmap: go.Figure, provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MAX_PACKED", 500)
    kept = read_back(heatmap, provenance)
    assert kept.data == ""
    assert compared(heatmap, kept.data_sha256, kept.data).equal
    heatmap.data[0].z = np.zeros((14, 14))
    found = compared(heatmap, kept.data_sha256, kept.data)
    assert not found.equal
    assert isnan(found.difference)


def test_broken_numbers_and_bombs_are_as_good_as_none(
    heatmap: go.Figure, provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = read_back(heatmap, provenance).data
    for broken in ("", "?", text[:-8], text[4:], "AAAA"):
        assert isnan(compared(heatmap, "0" * 64, broken).difference)
    monkeypatch.setattr(packing, "MAX_BYTES", 64)
    assert isnan(compared(heatmap, "0" * 64, text).difference)
