"""Rows of a long measurement."""

from pathlib import Path

import pytest

from perturber.bench.kept import Kept
from perturber.errors import InvalidInputError


def test_it_goes_on_after_the_last_whole_row(tmp_path: Path) -> None:
    path, what = tmp_path / "rows.jsonl", {"seed": 0}
    first = Kept(path, what)
    first.add({"seconds": 0.1})
    first.add({"seconds": 1 / 3})
    with path.open("a") as file:
        file.write('{"seconds": 2')  # the end of the process
    again = Kept(path, what)
    assert again.rows == [{"seconds": 0.1}, {"seconds": 1 / 3}]
    again.add({"seconds": 3})
    assert Kept(path, what).rows == again.rows


def test_another_measurement_is_refused(tmp_path: Path) -> None:
    Kept(tmp_path / "rows.jsonl", {"seed": 0})
    with pytest.raises(InvalidInputError, match="another measurement"):
        Kept(tmp_path / "rows.jsonl", {"seed": 1})


def test_without_a_file_rows_are_there(tmp_path: Path) -> None:
    kept = Kept(None, {})
    kept.add({"seconds": 1})
    assert kept.rows == [{"seconds": 1}]
