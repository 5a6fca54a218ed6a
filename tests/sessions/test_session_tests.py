"""Tests of claims that are kept in a session."""

import io
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.sessions import FILE, Database, NewFigure, NewTest, Sessions, kept_by_owner
from perturber.sessions import database as databases
from perturber.sessions.archive import export_session, import_session
from perturber.ui.components.sessions import parts_of_tests, table_of_tests


def value(p: float, label: str = "Lite0") -> dict[str, object]:
    """As `Outcome.summary` has it, as far as it is shown."""
    row = {"models": ["lite0"], "group": "", "p": p}
    return {
        "query": "b=yaw%3D3",
        "sentence": "It *loses* [all].",
        "networks": [{"name": "lite0", "label": label}],
        "rows": [row],
    }


def names(sessions: Sessions, session: str) -> list[str]:
    return [one.name for one in sessions.tests(session)]


def test_a_test_is_kept_replaced_renamed_deleted_and_brought_back(sessions: Sessions) -> None:
    session = sessions.create("s")
    before = sessions.open(session).size
    first = sessions.save_test(session, NewTest.of("first", value(0.01)))
    other = sessions.save_test(session, NewTest.of("other", value(0.02)))
    assert sessions.open(session).size > before
    assert kept_by_owner(sessions.data)[""] == sessions.open(session).size
    assert sessions.save_test(session, NewTest.of("first", value(0.03))) == first
    assert sessions.tests(session)[0].value == value(0.03)
    sessions.save_figure(session, NewFigure.of("first", {}))  # names of figures are others
    with pytest.raises(InvalidInputError, match="another test “other”"):
        sessions.rename_test(first, "other")
    sessions.rename_test(first, "a")
    sessions.delete_test(other)
    assert names(sessions, session) == ["a"]
    sessions.restore_test(other)
    assert names(sessions, session) == ["a", "other"]
    with pytest.raises(InvalidInputError, match="There is no test"):
        sessions.delete_test(99)
    assert names(sessions, sessions.duplicate(session)) == ["a", "other"]


def test_a_file_of_version_2_is_brought_up_to_date(bare: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = databases.MIGRATIONS
    monkeypatch.setattr(databases, "MIGRATIONS", steps[:2])
    bare.data.mkdir()
    with sqlite3.connect(bare.data / FILE) as raw:
        for statement in (one for step in steps[:2] for one in step):
            raw.execute(statement)
        raw.execute("INSERT INTO sessions VALUES ('0123456789abcdef', '', 'Old', 'notes', NULL, 1, 2, NULL)")
        raw.execute("INSERT INTO figures VALUES (3, '0123456789abcdef', 'f', '{}', 2, 1, 1, NULL)")
        raw.execute("PRAGMA user_version = 2")
    monkeypatch.setattr(databases, "MIGRATIONS", steps)
    assert names(bare, "0123456789abcdef") == []
    assert [one.name for one in bare.figures("0123456789abcdef")] == ["f"]
    bare.save_test("0123456789abcdef", NewTest.of("t", value(0.5)))
    assert names(bare, "0123456789abcdef") == ["t"]
    assert not Database(bare.data).faults()


def test_tests_travel_in_files_and_older_files_are_read(tmp_path: Path) -> None:
    here, there = (Settings(device="cpu", data=tmp_path / name, weights=None) for name in ("here", "there"))
    session = Sessions(here.data).create("s", tests=[NewTest.of("a", value(0.01)), NewTest.of("b", value(0.02))])
    content = export_session(here, session).content
    imported = import_session(there, content)
    assert [one.value for one in Sessions(there.data).tests(imported.id)] == [value(0.01), value(0.02)]
    for old in (1, 2):
        file = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(file, "w") as written:
            told = json.loads(archive.read("session.json"))
            del told["tests"]
            written.writestr("session.json", json.dumps({**told, "format": f"perturber-session-{old}"}))
        assert Sessions(there.data).tests(import_session(there, file.getvalue()).id) == ()


def test_p_values_are_corrected_over_all_tests_of_the_session(sessions: Sessions) -> None:
    made = [NewTest.of(f"t{n}", value(p)) for n, p in enumerate((0.01, 0.04, 0.03))]
    tests = sessions.tests(sessions.create("s", tests=made))
    lines = table_of_tests(tests).splitlines()[2:]
    assert [line.split(" | ")[3:] for line in lines] == [
        ["0.0100", "0.0300 |"],
        ["0.0400", "0.0600 |"],
        ["0.0300", "0.0600 |"],
    ]
    assert "*" not in lines[0]
    assert parts_of_tests(()) == []


@pytest.mark.parametrize(
    "odd",
    [{}, {"rows": 3}, {"networks": [1]},
     {"rows": [3, {"group": "", "models": 3}, {"group": "", "models": ["x"], "p": "0"}]},
     {"query": 3, "sentence": ["<b>"], "networks": [{}], "rows": [{"group": "", "models": ["|]("], "p": 0.1}]}],
)  # fmt: skip
def test_what_a_stranger_has_written_is_shown_as_far_as_it_goes(sessions: Sessions, odd: dict[str, object]) -> None:
    assert parts_of_tests(sessions.tests(sessions.create("s", tests=[NewTest.of("](x)|", odd)])))
