"""The page of sessions: lists of any length cost the same, and what is done in them is done in the store."""

import base64
import io
import json
import zipfile
from typing import Any

import dash
import pytest
from callback_requests import props_of, text_of, value
from flask import Flask
from flask.testing import FlaskClient
from limits import RateLimitItemPerMinute
from plotly.utils import PlotlyJSONEncoder
from session_values import new
from session_visits import Strip, parts, pattern, send, spec_with, words
from sqlalchemy import Engine, event

from perturber.sessions import Sessions
from perturber.ui.components.sessions import A_PAGE, FIRST, defused
from perturber.ui.limits import KEY, new_limits
from perturber.users import Role, User, acting

VERA = User("vera", Role.VIEWER)
SAID = text_of({"page": "sessions-list", "session": "said"})


def layout(app: dash.Dash, **query: str) -> Any:
    (page,) = (page for page in dash.page_registry.values() if page["path"] == "/sessions")
    with app.server.test_request_context("/sessions"):
        return json.loads(json.dumps(page["layout"](**query), cls=PlotlyJSONEncoder))


def rows(shown: Any) -> list[str]:
    """The names in a list, from the top."""
    heads = [one for one in parts(shown) if one["type"] == "Th" and one["props"].get("scope") == "row"]
    return [words(one) for one in heads]


class Shelf:
    """The list as its visitor has it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.listed: dict[str, Any] = {**FIRST}
        self.shown: Any = None
        self.props: dict[str, Any] = {}

    def press(self, act: str, *picked: str, find: str | None = None, **fields: str) -> None:
        """Press a button, or look for a text."""
        button, field = {"page": "sessions", "list": act}, {"page": "sessions-list", "session": "find"}
        ids = [{"page": "sessions-list", "session": name} for name in fields]
        boxes = [{"page": "sessions-list", "pick": one} for one in picked]
        memory = {"page": "sessions-list", "strip-state": "list"}
        values = {
            f"{pattern('sessions', 'list')}.n_clicks": [value(button, "n_clicks", 1)] if find is None else [],
            f"{text_of(field)}.value": self.listed["find"] if find is None else find,
            f"{pattern('sessions-list', 'session')}.value": [value(i, "value", fields[i["session"]]) for i in ids],
            f"{pattern('sessions-list', 'session')}.id": [value(i, "id", i) for i in ids],
            f"{pattern('sessions-list', 'pick')}.value": [value(i, "value", True) for i in boxes],
            f"{pattern('sessions-list', 'pick')}.id": [value(i, "id", i) for i in boxes],
            f"{pattern('sessions-list', 'strip-state')}.data": [value(memory, "data", self.listed)],
        }
        triggered = f"{text_of(button)}.n_clicks" if find is None else f"{text_of(field)}.value"
        spec = spec_with(self.client, {"page": "sessions", "list": ["ALL"]})
        self.take(props_of(send(self.client, spec, values, triggered)))

    def bring(self, content: bytes, name: str = "x.zip") -> None:
        """Import a file."""
        sent = f"data:application/zip;base64,{base64.b64encode(content).decode()}"
        memory = {"page": "sessions-list", "strip-state": "list"}
        values = {
            "sessions-import.contents": sent,
            "sessions-import.filename": name,
            f"{pattern('sessions-list', 'strip-state')}.data": [value(memory, "data", self.listed)],
        }
        spec = spec_with(self.client, "sessions-import", "contents")
        self.take(props_of(send(self.client, spec, values, "sessions-import.contents")))

    def take(self, props: dict[str, Any]) -> None:
        self.props = props
        for id_, found in props.items():
            if id_ == "sessions-list":
                (self.shown,) = found.values()
                stores = [one["props"] for one in parts(self.shown) if one["type"] == "Store"]
                self.listed = stores[0]["data"]

    @property
    def said(self) -> str:
        """The sentence above the list."""
        if SAID in self.props:
            return self.props[SAID]["children"]
        (found,) = (one for one in parts(self.shown) if one["props"].get("id") == json.loads(SAID))
        return found["props"]["children"]


@pytest.fixture
def shelf(client: FlaskClient) -> Shelf:
    return Shelf(client)


def test_the_list_finds_sorts_and_turns_pages(sessions: Sessions, shelf: Shelf) -> None:
    for n in range(A_PAGE + 3):
        with acting(User("ed" if n % 2 else "Eve", Role.EDITOR)):
            sessions.create(f"session {n:02}", snapshots=[new(k) for k in range(3 if n == 7 else 0)])
    shelf.press("by name")
    assert rows(shelf.shown) == [f"session {n:02}" for n in range(A_PAGE)]
    shelf.press("after")
    assert rows(shelf.shown) == [f"session {n}" for n in range(A_PAGE, A_PAGE + 3)]
    last = [one.id for one in sessions.all(order="name", offset=A_PAGE).sessions]
    shelf.press("delete", *last)  # and with them the page that is shown
    assert rows(shelf.shown) == [f"session {n:02}" for n in range(A_PAGE)]
    shelf.press("undo")
    shelf.press("by snapshots")
    assert rows(shelf.shown)[0] == "session 07"
    shelf.press("", find="SESSION 1")
    assert set(rows(shelf.shown)) == {f"session {n}" for n in range(10, 20)}
    shelf.press("", find="eve")
    assert set(rows(shelf.shown)) == {f"session {n:02}" for n in range(0, A_PAGE + 3, 2)}
    for nothing in ("%", "_", "zzz"):
        shelf.press("", find=nothing)
        assert "No session has these letters" in words(shelf.shown)
    shelf.press("", find="\ud800")  # which nobody can have typed
    assert shelf.listed["find"] == ""
    shelf.press("by nothing at all")
    assert shelf.listed["order"] == "changed"


def test_a_long_list_takes_no_more_statements_than_a_short_one(app: dash.Dash, sessions: Sessions) -> None:
    """And few bytes: thumbnails, but no pictures."""
    statements: list[str] = []

    def count(*given: Any) -> None:
        statements.append(given[2])

    event.listen(Engine, "before_cursor_execute", count)
    try:
        sessions.create("one", snapshots=[new(0)])
        statements.clear()
        layout(app)
        short = len(statements)
        for n in range(49):
            sessions.create(f"{n}", snapshots=[new(k) for k in range(4)])
        statements.clear()
        shown = layout(app)
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    assert len(statements) == short
    assert len(rows(shown)) == 50
    assert not any("content" in one for one in statements)
    assert len(json.dumps(shown)) < 400_000
    assert len(parts(shown)) < 650


def test_sessions_are_made_renamed_copied_deleted_and_brought_back(sessions: Sessions, shelf: Shelf) -> None:
    shelf.press("create", name="first")
    (one,) = (listed.id for listed in sessions.all().sessions)
    shelf.press("rename", one)
    assert shelf.listed["renamed"] == one
    shelf.press("named", one, renamed="better")
    assert rows(shelf.shown) == ["better"]
    shelf.press("duplicate", one)
    assert set(rows(shelf.shown)) == {"better", "better (copy)"}
    shelf.press("delete", *(listed.id for listed in sessions.all().sessions))
    assert rows(shelf.shown) == []
    shelf.press("undo")
    assert set(rows(shelf.shown)) == {"better", "better (copy)"}
    for act in ("rename", "duplicate", "delete", "export"):
        shelf.press(act)
        assert shelf.said.startswith("Pick ")
    shelf.press("create", name=" ")
    assert "cannot be called" in shelf.said


def test_a_session_goes_out_and_comes_in(sessions: Sessions, shelf: Shelf) -> None:
    id_ = sessions.create("Fur & shape", notes="n", snapshots=[new(1), new(2, query="background=own-" + "0" * 20)])
    shelf.press("export", id_)
    (download,) = shelf.props["sessions-download"].values()
    assert download["filename"] == "fur-shape.zip"
    assert "is not here any more, and not in the file" in words(shelf.shown)
    content = base64.b64decode(download["content"])
    shelf.bring(content)
    assert shelf.said == "“Fur & shape” is here."
    assert "shows its default" in words(shelf.shown)
    assert [one.snapshots for one in sessions.all().sessions] == [2, 2]
    (emptied,) = (found for key, found in shelf.props.items() if key == "sessions-import")
    assert emptied == {"contents": None}


def test_a_file_that_is_no_session_is_refused(sessions: Sessions, shelf: Shelf) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../etc/passwd", "x")
    for content, sentence in ((b"no zip", "broken"), (file.getvalue(), "which no session does")):
        shelf.bring(content)
        assert sentence in shelf.said
    assert sessions.all().total == 0


# ---- a session that is open ---------------------------------------------------------------------------------------


def press_open(client: FlaskClient, act: str, session: str, notes: str = "") -> dict[str, Any]:
    button, field = {"page": "sessions", "open": act}, {"page": "sessions", "session": "notes"}
    values = {
        f"{pattern('sessions', 'open')}.n_clicks": [value(button, "n_clicks", 1)],
        "sessions-opened.data": {"id": session, "name": "x"},
        f"{pattern('sessions', 'session')}.value": [value(field, "value", notes)],
        f"{pattern('sessions', 'session')}.id": [value(field, "id", field)],
    }
    spec = spec_with(client, {"page": "sessions", "open": ["ALL"]})
    return props_of(send(client, spec, values, f"{text_of(button)}.n_clicks"))


def test_an_open_session_is_changed_in_its_place(app: dash.Dash, client: FlaskClient, sessions: Sessions) -> None:
    id_ = sessions.create("Fur", notes="# Old", snapshots=[new(n, page="/") for n in range(3)])
    shown = layout(app, id=id_)
    assert [one["props"]["href"] for one in parts(shown) if "snapshot=" in str(one["props"].get("href"))] == [
        f"/?snapshot={one.id}" for one in sessions.open(id_).strip
    ]
    press_open(client, "preview", id_, "# New")
    assert sessions.open(id_).notes == "# Old"
    kept = press_open(client, "keep", id_, "# New ![x](http://e.x/y.png)")
    assert sessions.open(id_).notes == "# New ![x](http://e.x/y.png)"
    assert kept["sessions-preview"]["children"] == defused("# New ![x](http://e.x/y.png)")
    field = {"page": "sessions", "session": "title"}
    spec = spec_with(client, field, "value")
    values = {f"{text_of(field)}.value": "Fur and shape", "sessions-opened.data": {"id": id_, "name": "Fur"}}
    renamed = props_of(send(client, spec, values, f"{text_of(field)}.value"))
    assert renamed["sessions-opened"]["data"] == {"id": id_, "name": "Fur and shape"}
    strip = Strip(client, "sessions")
    strip.shown = {"sessions-strip": {"children": shown}}
    first, *_ = sessions.open(id_).strip
    strip.press("later", picked=[first.id])
    assert [one.id for one in sessions.open(id_).strip][1] == first.id


def test_an_open_session_is_copied_exported_deleted_and_brought_back(client: FlaskClient, sessions: Sessions) -> None:
    id_ = sessions.create("Fur", snapshots=[new(0)])
    went = press_open(client, "duplicate", id_)["_pages_location"]["href"]
    copy = went.removeprefix("/sessions?id=")
    assert sessions.open(copy).name == "Fur (copy)"
    (download,) = press_open(client, "export", id_)["sessions-download"].values()
    assert download["filename"] == "fur.zip"
    gone = press_open(client, "delete", id_)
    assert "brought back" in words(gone["sessions-open"]["children"])
    assert sessions.all().total == 1
    press_open(client, "undo", id_)
    assert sessions.open(id_).snapshots == 1


def test_a_session_that_is_not_there_is_said(app: dash.Dash, sessions: Sessions) -> None:
    for query in ({"id": "0" * 16}, {"id": "\ud800"}, {"a": "1", "b": "2"}, {"a": "x", "b": ""}):
        assert "There is no s" in words(layout(app, **query))


def test_notes_are_text_links_and_no_pictures() -> None:
    assert defused("a ![b](c) ![d][e] [f](g) \\![h](i)").count("![") == 0
    assert defused("[f](g) ! [h](i)") == "[f](g) ! [h](i)"


# ---- who may ------------------------------------------------------------------------------------------------------


def test_who_only_looks_changes_nothing(
    app: dash.Dash, client: FlaskClient, sessions: Sessions, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    id_ = sessions.create("Fur", snapshots=[new(0)])
    shelf.press("export", id_)
    (download,) = shelf.props["sessions-download"].values()
    monkeypatch.setattr("perturber.ui.accounts._who", lambda: VERA)
    for act in ("create", "named", "duplicate", "delete"):
        shelf.listed = {**FIRST, "renamed": id_}
        shelf.press(act, id_, name="y", renamed="z")
        assert "that takes an editor" in shelf.said, act
    shelf.bring(base64.b64decode(download["content"]))
    assert "that takes an editor" in shelf.said
    for act in ("keep", "delete", "duplicate"):
        assert "that takes an editor" in json.dumps(press_open(client, act, id_, "n")), act
    assert (sessions.all().total, sessions.open(id_).name, sessions.open(id_).notes) == (1, "Fur", "")
    assert rows(layout(app)) == ["Fur"]


def test_too_much_in_a_minute_is_refused(
    app: dash.Dash, sessions: Sessions, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Flask = app.server
    monkeypatch.setitem(server.config, KEY, new_limits())
    monkeypatch.setattr("perturber.ui.callbacks.sessions.SAVES", RateLimitItemPerMinute(3))
    for n in range(4):
        shelf.press("create", name=f"{n}")
    assert "too many changes of sessions" in shelf.said
    assert sessions.all().total == 3
