"""``perturber sessions``."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perturber.sessions import NewSnapshot, Sessions
from perturber.users import Role, User, acting

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sessions:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return Sessions(tmp_path / "data")


def test_sessions_are_carried_as_files(perturber: Run, sessions: Sessions, tmp_path: Path) -> None:
    assert perturber("sessions", "list") == (0, "", "")
    picture = np.zeros((8, 8, 3), np.uint8)
    gone = "own-" + "0" * 20
    new = NewSnapshot.of(page="/explore", query=f"object={gone}", picture=picture, comment="one")
    with acting(User("ed", Role.EDITOR)):
        id = sessions.create("Fur", snapshots=[new])
    file = tmp_path / "fur.zip"
    code, printed, notes = perturber("sessions", "export", id, "--out", file)
    assert (code, printed) == (0, f"{file}\n")
    assert notes == f"{file}: {gone!r} is not here any more, and not in the file.\n"
    code, printed, notes = perturber("sessions", "import", file)
    assert (code, gone in notes) == (0, True)
    copy = printed.strip()
    assert [one.comment for one in sessions.open(copy).strip] == ["one"]
    first, second = perturber("sessions", "list")[1].splitlines()
    assert first.split() == [copy, first.split()[1], "1", "0.0", "MiB", "Fur"]
    assert second.split()[-2:] == ["ed", "Fur"]
    (row,) = json.loads(perturber("sessions", "list", "--owner", "ed", "--json")[1])
    assert (row["id"], row["snapshots"], row["name"]) == (id, 1, "Fur")


def test_what_cannot_be_carried(perturber: Run, sessions: Sessions, tmp_path: Path) -> None:
    for command, said in (
        (("export", "nothing"), "There is no session 'nothing'"),
        (("import", tmp_path / "nothing.zip"), "Cannot read"),
        (("import", __file__), "is broken, or no session that was exported"),
    ):
        code, _, error = perturber("sessions", *command)
        assert (code, said in error) == (2, True)
    id = sessions.create("x")
    code, _, error = perturber("sessions", "export", id, "--out", tmp_path)
    assert (code, "cannot be written" in error) == (2, True)
