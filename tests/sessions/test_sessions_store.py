"""Named sessions and their snapshots: kept, found again, changed by whoever may."""

import math
import sqlite3
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from session_values import comments, new, noise

from perturber.config import Settings
from perturber.errors import InvalidInputError, NotAllowedError
from perturber.quotas import kept_bytes
from perturber.sessions import FILE, Sessions, differences, kept_by_owner
from perturber.sessions import database as databases
from perturber.sessions import store as stores
from perturber.users import Role, User, acting

ED, EVE, ADA = User("ed", Role.EDITOR), User("eve", Role.EDITOR), User("ada", Role.ADMIN)
VIEWER = User("vi", Role.VIEWER)


def test_looking_makes_nothing(bare: Sessions) -> None:
    assert bare.all() == stores.Listing((), 0)
    with pytest.raises(InvalidInputError, match=r"There is no session 'x'\."):
        bare.open("x")
    assert not bare.data.exists()


def test_all_of_a_snapshot_comes_back(sessions: Sessions) -> None:
    """By another connection, as after a restart; the picture is equal to the bit."""
    memory = {"history": True, "groups": [[1, 2], []], "text": "ä “x”"}
    predictions = [{"class": "dog", "probability": 0.25, "logit": None}]
    id = sessions.create(" Fur  and shape ", notes="# Notes\r\n<script>alert(1)</script>\n")
    made = sessions.add(id, new(3, memory=memory, predictions=predictions, comment="one\ntwo"))
    again = Sessions(sessions.data)
    session = again.open(id)
    assert (session.name, session.owner, session.snapshots) == ("Fur and shape", "", 1)
    assert session.notes == "# Notes\n<script>alert(1)</script>\n"  # text; whoever renders it defuses it
    snapshot = again.snapshot(made)
    assert (snapshot.page, snapshot.query) == ("/explore", "yaw=3&m1=efficientnet_lite0")
    assert (snapshot.memory, snapshot.predictions, snapshot.comment) == (memory, predictions, "one\ntwo")
    assert (snapshot.width, snapshot.height) == (32, 24)
    np.testing.assert_array_equal(snapshot.pixels(), noise(3))
    with Image.open(BytesIO(snapshot.thumbnail)) as picture:
        assert (picture.format, max(picture.size) <= 128) == ("WEBP", True)
    assert session.strip[0].thumbnail == snapshot.thumbnail == session.thumbnail
    assert (sessions.data / FILE).stat().st_mode & 0o077 == 0


def test_pictures_may_be_files(sessions: Sessions) -> None:
    file = BytesIO()
    Image.fromarray(noise(1)).save(file, format="PNG")
    id = sessions.create("x", snapshots=[new(picture=file.getvalue())])
    np.testing.assert_array_equal(sessions.snapshot(sessions.open(id).strip[0].id).pixels(), noise(1))


def test_the_list_has_what_was_changed_last_first(sessions: Sessions) -> None:
    first, second, third = (sessions.create(name) for name in ("first", "second", "third"))
    sessions.add(first, new())
    sessions.set_thumbnail(second, noise(5, 300, 400))
    listed = sessions.all()
    assert [one.id for one in listed.sessions] == [second, first, third]
    assert [one.snapshots for one in listed.sessions] == [0, 1, 0]
    assert [one.thumbnail is None for one in listed.sessions] == [False, False, True]
    assert len(listed.sessions[0].thumbnail or b"") < 20_000
    assert [one.id for one in sessions.all(offset=1, limit=1).sessions] == [first]
    assert (sessions.all(offset=1, limit=1).total, sessions.all(offset=9).sessions) == (3, ())
    with acting(ED):
        mine = sessions.create("mine")
    assert [one.id for one in sessions.all(owner="ed").sessions] == [mine]


def test_sessions_are_found_and_sorted(sessions: Sessions) -> None:
    for user, name, count in ((ED, "beta 100%", 2), (EVE, "Alpha", 0), (ADA, "gamma_ED", 3)):
        with acting(user):
            sessions.create(name, snapshots=[new(n) for n in range(count)])

    def names(**options: Any) -> list[str]:
        return [one.name for one in sessions.all(**options).sessions]

    assert names(order="name") == ["Alpha", "beta 100%", "gamma_ED"]
    assert names(order="owner") == ["gamma_ED", "beta 100%", "Alpha"]
    assert names(order="snapshots") == names(order="size") == ["gamma_ED", "beta 100%", "Alpha"]
    assert names(order="created") == names() == ["gamma_ED", "Alpha", "beta 100%"]
    assert names(find=" ed ", order="name") == ["beta 100%", "gamma_ED"]  # of the owner or the name
    assert (names(find="100%"), names(find="_"), names(find="x")) == (["beta 100%"], ["gamma_ED"], [])
    assert sessions.all(find="ed", limit=1).total == 2
    with pytest.raises(InvalidInputError, match="Unknown order of sessions"):
        sessions.all(order="name; DROP TABLE sessions")


def test_states_of_all_snapshots(sessions: Sessions) -> None:
    first = sessions.create("b", snapshots=[new(1, memory={"x": 1}), new(2)])
    gone = sessions.create("a", snapshots=[new(3)])
    sessions.delete(gone)
    sessions.delete_snapshot(sessions.open(first).strip[1].id)
    (state,) = sessions.states()
    assert (state.session, state.name, state.page, state.query) == (
        first,
        "b",
        "/explore",
        "yaw=1&m1=efficientnet_lite0",
    )
    assert state.memory == '{"x":1}'


@pytest.mark.parametrize("id", ["", "x", "\ud800", "\x00", None, 3, ["x"]])
def test_what_no_session_is_called(sessions: Sessions, id: Any) -> None:
    for attempt in (sessions.open, sessions.delete, sessions.restore):
        with pytest.raises(InvalidInputError, match="There is no session"):
            attempt(id)


def test_rename_notes_and_duplicate(sessions: Sessions) -> None:
    with acting(ED):
        id = sessions.create("old", notes="n", snapshots=[new(1), new(2)])
        sessions.rename(id, "new name")
        sessions.write_notes(id, "other")
        sessions.delete_snapshot(sessions.open(id).strip[0].id)
    with acting(EVE):
        copy = sessions.duplicate(id)
    session = sessions.open(copy)
    assert (session.name, session.owner, session.notes) == ("new name (copy)", "eve", "other")
    assert [one.comment for one in session.strip] == ["2"]
    np.testing.assert_array_equal(sessions.snapshot(session.strip[0].id).pixels(), noise(2))
    with acting(EVE):
        sessions.comment(session.strip[0].id, "changed")
    assert (comments(sessions, copy), comments(sessions, id)) == (["changed"], ["2"])


def test_order_and_what_was_deleted_by_mistake(sessions: Sessions) -> None:
    id = sessions.create("x", snapshots=[new(n) for n in range(4)])
    ids = [one.id for one in sessions.open(id).strip]
    sessions.reorder(id, [ids[3], ids[1]])
    assert comments(sessions, id) == ["3", "1", "0", "2"]
    sessions.delete_snapshot(ids[1])
    assert comments(sessions, id) == ["3", "0", "2"]
    with pytest.raises(InvalidInputError, match="There is no snapshot"):
        sessions.snapshot(ids[1])
    with pytest.raises(InvalidInputError, match="There is no snapshot"):
        sessions.comment(ids[1], "x")
    with pytest.raises(InvalidInputError, match="There is no snapshot"):
        sessions.reorder(id, [ids[1]])
    sessions.restore_snapshot(ids[1])
    assert comments(sessions, id) == ["3", "1", "0", "2"]
    sessions.delete(id)
    assert sessions.all().total == 0
    for attempt in (sessions.open, sessions.delete, sessions.duplicate):
        with pytest.raises(InvalidInputError, match="There is no session"):
            attempt(id)
    with pytest.raises(InvalidInputError, match="There is no snapshot"):
        sessions.snapshot(ids[0])
    sessions.restore(id)
    sessions.restore(id)
    assert comments(sessions, id) == ["3", "1", "0", "2"]


def test_what_was_deleted_goes_after_a_week(bare: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    gone, stays = (bare.create(name, snapshots=[new(n, picture=noise(n, 500, 500)) for n in range(3)]) for name in "ab")
    bare.delete(gone)
    snapshot = bare.open(stays).strip[0].id
    bare.delete_snapshot(snapshot)
    size = (bare.data / FILE).stat().st_size
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + stores.UNDO_SECONDS + 1)
    bare.create("later")
    with pytest.raises(InvalidInputError):
        bare.restore(gone)
    with pytest.raises(InvalidInputError):
        bare.restore_snapshot(snapshot)
    with bare.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM pictures").scalar_one() == 2
    assert (bare.data / FILE).stat().st_size < 0.5 * size
    bare.delete(stays)
    bare.delete(stays, for_good=True)
    with pytest.raises(InvalidInputError):
        bare.restore(stays)


def test_who_may_change_a_session(sessions: Sessions) -> None:
    with acting(ED):
        id = sessions.create("Ed’s", snapshots=[new(1), new(2)])
    snapshot = sessions.open(id).strip[0].id
    changes: list[Callable[[], object]] = [
        lambda: sessions.rename(id, "x"),
        lambda: sessions.write_notes(id, "x"),
        lambda: sessions.set_thumbnail(id, None),
        lambda: sessions.add(id, new()),
        lambda: sessions.comment(snapshot, "x"),
        lambda: sessions.reorder(id, [snapshot]),
        lambda: sessions.delete_snapshot(snapshot),
        lambda: sessions.restore_snapshot(snapshot),
        lambda: sessions.delete(id),
        lambda: sessions.restore(id),
        lambda: sessions.delete(id, for_good=True),
    ]
    before = sessions.open(id)
    for change in changes:
        with acting(EVE), pytest.raises(NotAllowedError, match=r"“Ed’s” belongs to ed; only they"):
            change()
        with acting(VIEWER), pytest.raises(NotAllowedError, match=r"A viewer cannot .* that takes an editor"):
            change()
    for make in (lambda: sessions.create("x"), lambda: sessions.duplicate(id)):
        with acting(VIEWER), pytest.raises(NotAllowedError, match="A viewer cannot keep sessions"):
            make()
    assert sessions.open(id) == before
    with acting(ADA):
        for change in changes:
            change()
    assert sessions.all().total == 0


def test_quotas_count_sessions(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    with acting(ED):
        id = sessions.create("x", notes="1234", snapshots=[new(1)])
    expected = new(1).size + 4 * 4
    assert kept_by_owner(sessions.data) == {"ed": expected}
    assert kept_bytes(sessions.data, Settings(data=sessions.data))["ed"] == expected == sessions.open(id).size
    monkeypatch.setenv("PERTURBER_USER_MIB", "1")
    large = new(2, picture=noise(2, 600, 600))
    assert large.size > 2**20
    for attempt in (lambda: sessions.add(id, large), lambda: sessions.create("y", snapshots=[large])):
        with acting(ED), pytest.raises(NotAllowedError, match=r"^You may keep 1 MiB of uploads, models and sessions"):
            attempt()
        with acting(ADA), pytest.raises(NotAllowedError):  # it would be Ed's, or hers
            attempt()
    assert comments(sessions, id) == ["1"]


def deep(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"page": "//evil.example"}, r"is no page"),
        ({"page": "/explore?x=1"}, r"is no page"),
        ({"query": "x" * 100_001}, r"100,001 characters is too long"),
        ({"query": "a=b\nc"}, r"is no state"),
        ({"query": "a=\ud800"}, r"is no state"),
        ({"query": None}, r"is no state"),
        ({"memory": [1]}, r"must be an object"),
        ({"memory": {"a": math.nan}}, r"cannot be kept as JSON"),
        ({"memory": {"a": {1, 2}}}, r"cannot be kept as JSON"),
        ({"memory": {"a": "\ud800"}}, r"cannot be kept as JSON"),
        ({"memory": deep(30)}, r"deeper than 20 levels"),
        ({"memory": deep(5000)}, r"deeper than 20 levels"),
        ({"predictions": "x" * 200_001}, r"cannot take 200,003 characters"),
        ({"comment": "x" * 2_001}, r"A comment cannot be 2,001 characters"),
        ({"picture": noise(0).astype(np.float32)}, r"three channels of 8 bits"),
        ({"picture": noise(0)[..., 0]}, r"three channels of 8 bits"),
        ({"picture": noise(0, 1, 1025)}, r"cannot have 1025 × 1 pixels"),
        ({"picture": b"GIF89a"}, r"must be a PNG or WebP"),
        ({"picture": b"\x89PNG\r\n\x1a\n"}, r"cannot be read as a picture|cut off"),
    ],
)
def test_what_cannot_be_kept(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        new(**changes)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", None, "\u202eabc"])
def test_what_a_session_cannot_be_called(sessions: Sessions, name: Any) -> None:
    with pytest.raises(InvalidInputError, match="A session cannot be called"):
        sessions.create(name)
    with pytest.raises(InvalidInputError, match="Notes cannot be"):
        sessions.create("x", notes="x" * 20_001)
    assert sessions.all().total == 0


@pytest.mark.parametrize("id", ["", "' OR 1=1 --", "x" * 10**5, None, -1, 2**70, "1"])
def test_ids_that_nothing_has(sessions: Sessions, id: Any) -> None:
    sessions.create("x", snapshots=[new()])
    for attempt in (sessions.snapshot, sessions.delete_snapshot, sessions.restore_snapshot):
        with pytest.raises(InvalidInputError, match=r"There is no snapshot"):
            attempt(id)
    if isinstance(id, str):
        with pytest.raises(InvalidInputError, match=r"There is no session"):
            sessions.open(id)


def test_there_are_limits(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "MAX_SNAPSHOTS", 2)
    monkeypatch.setattr(stores, "MAX_SESSIONS", 2)
    id = sessions.create("x", snapshots=[new(1), new(2)])
    with pytest.raises(InvalidInputError, match="more than 2 snapshots"):
        sessions.add(id, new(3))
    first = sessions.open(id).strip[0].id
    sessions.delete_snapshot(first)
    sessions.add(id, new(3))
    with pytest.raises(InvalidInputError, match="more than 2 snapshots"):
        sessions.restore_snapshot(first)
    assert comments(sessions, id) == ["2", "3"]
    sessions.duplicate(id)
    for attempt in (lambda: sessions.create("y"), lambda: sessions.duplicate(id)):
        with pytest.raises(InvalidInputError, match="2 sessions of this owner"):
            attempt()


def test_a_large_store_is_small_and_listed_without_its_pictures(bare: Sessions, sessions: Sessions) -> None:
    """50 sessions with 200 inputs of the real size; the list looks up what it needs, and passes no table to its end."""
    picture = np.asarray(Image.fromarray(noise(0, 28, 28)).resize((224, 224), Image.Resampling.BICUBIC))
    rich = new(picture=picture, predictions=[{"class": "x" * 30, "probability": 0.1}] * 15)
    for number in range(50):
        sessions.create(f"session {number}", notes="notes " * 200, snapshots=[rich] * 4)
    listed = sessions.all()
    assert (listed.total, sum(one.snapshots for one in listed.sessions)) == (50, 200)
    assert sum(len(one.thumbnail or b"") for one in listed.sessions) < 2**20
    assert 200 * len(rich.picture.content) > 4 * 2**20
    assert sessions.database.copy(bare.data / "copy.db")
    assert (bare.data / "copy.db").stat().st_size < 50 * 2**20
    rows = str(stores._summaries().compile(compile_kwargs={"literal_binds": True}))
    with sessions.database.reading() as connection:
        plan = [str(row) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {rows}")]
    assert not any("SCAN snapshots" in row or "SCAN pictures" in row for row in plan), plan


def test_a_newer_file_is_refused(bare: Sessions) -> None:
    bare.create("x")
    with sqlite3.connect(bare.data / FILE) as raw:
        raw.execute("PRAGMA user_version = 99")
    for attempt in (bare.all, lambda: bare.create("y")):
        with pytest.raises(InvalidInputError, match=r"by a newer version of Perturber \(schema 99, known here: \d+\)"):
            attempt()


def test_an_older_file_is_brought_up_to_date(bare: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whoever opens it first, in order and once; where a step fails, the file stays what it was."""
    id = bare.create("x")
    steps = (
        *databases.MIGRATIONS,
        ("ALTER TABLE sessions ADD COLUMN colour TEXT",),
        ("CREATE TABLE more (id INTEGER)",),
    )
    monkeypatch.setattr(databases, "MIGRATIONS", (*steps, ("CREATE TABLE half (id INTEGER)", "no statement")))
    with pytest.raises(sqlite3.OperationalError):
        bare.database.copy(bare.data / "copy.db")
    with sqlite3.connect(bare.data / FILE) as raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert not raw.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall()
    monkeypatch.setattr(databases, "MIGRATIONS", steps)
    assert bare.open(id).name == "x"
    bare.create("y")


def test_tables_are_what_the_migrations_make(bare: Sessions) -> None:
    bare.create("x")
    with sqlite3.connect(bare.data / FILE) as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        for table in databases._schema.tables.values():
            made = [row[1] for row in raw.execute(f"PRAGMA table_info({table.name})")]
            assert made == [column.name for column in table.columns]


def test_differences_of_two_states() -> None:
    first = "yaw=3&object=dog_cat&m1=efficientnet_lite0&c1=1,2&contrast=abc"
    second = "yaw=3.0&pitch=5&m1=lite0_adversarial&c1=1,2&plane=true&object=own-00000000000000000000"
    found = differences(first, second)
    assert {one.key: (one.first, one.second) for one in found.parameters} == {
        "object": ("dog_cat", "own-00000000000000000000"),
        "pitch": (-12.0, 5.0),
        "plane": (False, True),
        "contrast": ("abc", 1.0),
    }
    assert [one.key for one in found.parameters][:2] == ["object", "pitch"]
    assert (found.parameters[1].label, found.parameters[1].unit) == ("Pitch", "°")
    assert [(one.key, one.first, one.second) for one in found.others] == [
        ("m1", "efficientnet_lite0", "lite0_adversarial")
    ]
    assert differences(first, first) == differences("", "")
