"""Figures of several panels that are kept in a session."""

import io
import json
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pytest
from session_values import new
from user_files import CUBE, zipped

from perturber.config import Settings
from perturber.errors import InvalidInputError, NotAllowedError
from perturber.objects import Store
from perturber.sessions import FILE, Database, NewFigure, Sessions, kept_by_owner
from perturber.sessions import database as databases
from perturber.sessions.archive import export_session, import_session
from perturber.users import Role, User, acting

VALUE = {"panels": [{"link": "/?yaw=12", "kind": "activations-model-1", "caption": "“ε”"}], "rows": 1, "columns": 2}


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def names(sessions: Sessions, session: str) -> list[str]:
    return [one.name for one in sessions.figures(session)]


def test_a_figure_is_kept_replaced_renamed_and_deleted(sessions: Sessions) -> None:
    session = sessions.create("s")
    first = sessions.save_figure(session, NewFigure.of(" The  first ", VALUE))
    found = sessions.figure(first)
    assert (found.name, found.value, found.session) == ("The first", VALUE, session)
    assert sessions.save_figure(session, NewFigure.of("The first", {"rows": 2})) == first
    assert sessions.figure(first).value == {"rows": 2}
    other = sessions.save_figure(session, NewFigure.of("Another", VALUE))
    assert names(sessions, session) == ["Another", "The first"]
    with pytest.raises(InvalidInputError, match="another figure “Another”"):
        sessions.rename_figure(first, "Another")
    sessions.rename_figure(first, "Zebra")
    sessions.delete_figure(other)
    assert names(sessions, session) == ["Zebra"]
    with pytest.raises(InvalidInputError, match="There is no figure"):
        sessions.figure(other)
    sessions.restore_figure(other)
    assert names(sessions, session) == ["Another", "Zebra"]
    sessions.delete_figure(other)
    sessions.rename_figure(first, "Another")
    with pytest.raises(InvalidInputError, match="another figure “Another”"):
        sessions.restore_figure(other)


def test_figures_go_with_their_session(sessions: Sessions) -> None:
    session = sessions.create("s", figures=[NewFigure.of("a", VALUE)])
    kept = sessions.open(session).size
    copy = sessions.duplicate(session)
    assert names(sessions, copy) == ["a"]
    assert sessions.figure(sessions.figures(copy)[0].id).value == VALUE
    assert sessions.open(copy).size == kept == kept_by_owner(sessions.data)[""] / 2 > len(json.dumps(VALUE)) / 2
    id = sessions.figures(session)[0].id
    sessions.delete(session)
    for look in (lambda: sessions.figures(session), lambda: sessions.figure(id)):
        with pytest.raises(InvalidInputError, match="may have been deleted"):
            look()
    sessions.delete(session, for_good=True)
    with sqlite3.connect(sessions.data / FILE) as raw:
        assert raw.execute("SELECT session FROM figures").fetchall() == [(copy,)]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("", VALUE, "A figure cannot be called ''"),
        ("x" * 101, VALUE, "A figure cannot be called"),
        (None, VALUE, "A figure cannot be called"),
        ("a", [], "must be an object of JSON"),
        ("a", None, "must be an object of JSON"),
        ("a", {"x": float("nan")}, "cannot be kept as JSON"),
        ("a", {"x": "y" * 200_001}, "Allowed: up to 200,000"),
        ("a", {"x": object()}, "cannot be kept as JSON"),
    ],
)
def test_what_cannot_be_kept_as_a_figure(name: Any, value: Any, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        NewFigure.of(name, value)


@pytest.mark.parametrize("id", ["1", None, -1, True, 2**70, 10**6])
def test_ids_that_no_figure_has(sessions: Sessions, id: Any) -> None:
    sessions.create("s", figures=[NewFigure.of("a", VALUE)])
    for act in (sessions.figure, sessions.delete_figure, lambda one: sessions.rename_figure(one, "b")):
        with pytest.raises(InvalidInputError, match="There is no figure"):
            act(id)


def test_who_may_change_figures(sessions: Sessions) -> None:
    with acting(User("ann", Role.EDITOR)):
        session = sessions.create("s")
        id = sessions.save_figure(session, NewFigure.of("a", VALUE))
    for user in (User("bob", Role.EDITOR), User("eve", Role.VIEWER)):
        with acting(user):
            assert sessions.figure(id).value == VALUE
            for act in (
                lambda: sessions.save_figure(session, NewFigure.of("b", VALUE)),
                lambda: sessions.rename_figure(id, "b"),
                lambda: sessions.delete_figure(id),
            ):
                with pytest.raises(NotAllowedError):
                    act()
    assert kept_by_owner(sessions.data)["ann"] > 0


def test_there_is_a_limit(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.sessions.store.MAX_FIGURES", 1)
    session = sessions.create("s", figures=[NewFigure.of("a", VALUE)])
    with pytest.raises(InvalidInputError, match="more than 1 figures"):
        sessions.save_figure(session, NewFigure.of("b", VALUE))
    sessions.save_figure(session, NewFigure.of("a", {}))
    assert names(sessions, session) == ["a"]


def test_a_file_of_version_1_keeps_what_it_has(bare: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    bare.data.mkdir()
    with sqlite3.connect(bare.data / FILE) as raw:
        for statement in databases.MIGRATIONS[0]:
            raw.execute(statement)
        raw.execute("INSERT INTO sessions VALUES ('0123456789abcdef', '', 'Old', 'notes', NULL, 1, 2, NULL)")
        picture = new(3).picture
        raw.execute(
            "INSERT INTO snapshots VALUES "
            "(7, '0123456789abcdef', 0, '/', 'yaw=3', '{}', 'null', 'here', 32, 24, 9, 1, NULL)"
        )
        raw.execute("INSERT INTO pictures VALUES (7, ?, ?)", (picture.thumbnail, picture.content))
        raw.execute("INSERT INTO links VALUES ('abcdefghij', '', '/', 'yaw=4', 1)")
        raw.execute("PRAGMA user_version = 1")
    opened = bare.open("0123456789abcdef")
    assert (opened.name, opened.notes, [one.comment for one in opened.strip]) == ("Old", "notes", ["here"])
    assert bare.snapshot(7).picture == picture.content
    assert bare.figures(opened.id) == ()
    assert bare.figure(bare.save_figure(opened.id, NewFigure.of("a", VALUE))).value == VALUE
    assert not Database(bare.data).faults()
    monkeypatch.setattr(databases, "MIGRATIONS", databases.MIGRATIONS[:1])  # an older program
    with pytest.raises(InvalidInputError, match=r"newer version of Perturber \(schema \d+, known here: 1\)"):
        bare.open(opened.id)


def test_figures_travel_in_files_and_name_what_came_along(tmp_path: Path) -> None:
    here, there = (Settings(device="cpu", data=tmp_path / name, weights=None) for name in ("here", "there"))
    thing = Store(here.data).add_object({"cube.obj": CUBE.encode()}, label="Cube")
    value = {"panels": [{"link": f"/?object={thing}&yaw=3", "kind": "input"}]}
    session = Sessions(here.data).create("s", figures=[NewFigure.of("a", value)])
    content = export_session(here, session).content
    brought = Sessions(there.data)
    imported = import_session(there, content)
    figure = brought.figure(brought.figures(imported.id)[0].id)
    (name,) = [name for name in Store(there.data).names("object") if name.startswith("own-")]
    assert figure.value["panels"][0]["link"] == f"/?object={name}&yaw=3"

    older = unpacked(content)
    said = json.loads(older["session.json"])
    del said["figures"]
    older["session.json"] = json.dumps({**said, "format": "perturber-session-1"}).encode()
    assert brought.figures(import_session(there, zipped(older)).id) == ()


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ([{"name": "a", "value": []}], "cannot be read: figures.0.value"),
        ([{"name": "a"}], "cannot be read: figures.0.value"),
        ([{"name": "a", "value": {}, "more": 1}], "cannot be read: figures.0.more"),
        ([{"name": "\u202e", "value": {}}], "Figure 1 in the file cannot be kept. A figure cannot be called"),
        ([{"name": "a", "value": {}}] * 2, "two figures of the name 'a'"),
        ([{"name": "a", "value": {"x": "y" * 200_001}}], "Allowed: up to 200,000"),
        ([{"name": str(n), "value": {}} for n in range(201)], "cannot be read: figures"),
        ("none", "cannot be read: figures"),
    ],
)
def test_figures_of_strangers_are_a_sentence(figures: Any, sentence: str, tmp_path: Path) -> None:
    settings = Settings(device="cpu", data=tmp_path, weights=None)
    files = unpacked(export_session(settings, Sessions(tmp_path).create("s")).content)
    files["session.json"] = json.dumps({**json.loads(files["session.json"]), "figures": figures}).encode()
    with pytest.raises(InvalidInputError, match=sentence):
        import_session(settings, zipped(files))
    assert Sessions(tmp_path).all().total == 1
