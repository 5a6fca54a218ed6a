"""The page of all that is the users' own: it finds, sorts, and deletes what has been confirmed."""

import json
from collections.abc import Iterator
from typing import Any

import dash
import pytest
from callback_requests import props_of, text_of, value
from flask.testing import FlaskClient
from plotly.utils import PlotlyJSONEncoder
from session_values import new
from session_visits import parts, pattern, send, spec_with, words
from user_files import CUBE, picture

from app import create_app
from perturber.config import Settings
from perturber.errors import StorageError
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.service import InferenceService
from perturber.sessions import Sessions
from perturber.ui.components.library import FIRST
from perturber.users import Role, User, acting

ED, EVE = User("ed", Role.EDITOR), User("eve", Role.EDITOR)


@pytest.fixture
def service(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[InferenceService]:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)
    monkeypatch.setenv("PERTURBER_DATA", str(settings.data))
    with InferenceService(settings) as running:
        yield running


@pytest.fixture
def app(service: InferenceService) -> dash.Dash:
    data = service.settings.data
    with acting(ED):
        Store(data).add_object({"cube.obj": CUBE.encode()}, label="Cube <b>")
        wall = Store(data).add_background(picture((0, 200, 0)), label="Wall")
        OwnGroups(data).keep("efficientnet_lite0", "blocks.3.0", "Fur", [1])
    with acting(EVE):
        Sessions(data).create("Fur and shape", snapshots=[new(query=f"background={wall}")])
    return create_app(service=service)


def layout(app: dash.Dash) -> Any:
    (page,) = (page for page in dash.page_registry.values() if page["path"] == "/library")
    with app.server.test_request_context("/library"):
        return json.loads(json.dumps(page["layout"](), cls=PlotlyJSONEncoder))


def rows(shown: Any) -> dict[str, str]:
    """Key → words of each row."""
    found = {}
    for row in (one for one in parts(shown) if one["type"] == "Tr"):
        boxes = [one["props"]["id"]["pick"] for one in parts(row) if one["type"] == "Checkbox"]
        found.update({box: words(row["props"]["children"]) for box in boxes})
    return found


class Library:
    """The page as its visitor has it."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.listed: dict[str, Any] = {**FIRST}
        self.shown: Any = None
        self.props: dict[str, Any] = {}

    def press(self, act: str | None, *picked: str, find: str = "", kind: str = "") -> None:
        button, sought = {"page": "library", "list": act}, {"page": "library", "session": "find"}
        boxes = [{"page": "library", "pick": one} for one in picked]
        memory = {"page": "library", "strip-state": "list"}
        values = {
            f"{pattern('library', 'list')}.n_clicks": [] if act is None else [value(button, "n_clicks", 1)],
            f"{text_of(sought)}.value": find,
            f"{text_of({'page': 'library', 'session': 'kind'})}.value": kind,
            f"{pattern('library', 'pick')}.value": [value(one, "value", True) for one in boxes],
            f"{pattern('library', 'pick')}.id": [value(one, "id", one) for one in boxes],
            f"{pattern('library', 'strip-state')}.data": [value(memory, "data", self.listed)],
        }
        triggered = f"{text_of(sought)}.value" if act is None else f"{text_of(button)}.n_clicks"
        spec = spec_with(self.client, {"page": "library", "list": ["ALL"]})
        self.props = props_of(send(self.client, spec, values, triggered))
        if "library-list" in self.props:
            self.shown = self.props["library-list"]["children"]
            self.listed = next(one["props"]["data"] for one in parts(self.shown) if one["type"] == "Store")

    @property
    def said(self) -> str:
        place = {"page": "library", "session": "said"}
        if text_of(place) in self.props:
            return self.props[text_of(place)]["children"]
        return next(one["props"]["children"] for one in parts(self.shown) if one["props"].get("id") == place)


def test_everything_is_shown_found_and_sorted(app: dash.Dash) -> None:
    shown = layout(app)
    assert [key.split()[0] for key in rows(shown)] == ["object", "background", "group", "session"]
    (wall,) = (text for key, text in rows(shown).items() if key.startswith("background"))
    assert wall.strip().startswith("Background Wall ed ")
    assert wall.endswith("Fur and shape (1)")
    assert "Short links: 0" in words(shown)
    assert "You keep" in words(shown)
    library = Library(app.server.test_client())
    library.press(None, find="FUR")
    assert [key.split()[0] for key in rows(library.shown)] == ["group", "session"]
    library.press(None, kind="object")
    assert [key.split()[0] for key in rows(library.shown)] == ["object"]
    library.press(None, find="nothing so called")
    assert "There is nothing" in words(library.shown)
    library.press(None)
    library.press("by label")
    assert [key.split()[0] for key in rows(library.shown)] == ["object", "session", "group", "background"]


def test_what_is_deleted_is_confirmed_before(app: dash.Dash, service: InferenceService) -> None:
    library = Library(app.server.test_client())
    every = list(rows(layout(app)))
    library.press("delete")
    assert library.said.startswith("Pick ")
    library.press("delete", every[1], every[3])
    question = words(library.shown)
    for sentence in ("Delete “Wall”, “Fur and shape”?", "In use: “Wall”.", "cannot be brought back", "for seven days"):
        assert sentence in question
    assert list(rows(library.shown)) == every
    library.press("cancel")
    assert library.listed["deleting"] == []
    library.press("confirm")  # of nothing
    assert list(rows(library.shown)) == every
    library.press("delete", every[1], every[3])
    library.press("confirm")
    assert list(rows(library.shown)) == [every[0], every[2]]
    assert library.said == "2 things are deleted."
    assert Store(service.settings.data).names("background") == {}
    library.press("undo")
    assert list(rows(library.shown)) == [every[0], every[2], every[3]]


def test_others_and_viewers_delete_nothing(app: dash.Dash, monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(app.server.test_client())
    every = list(rows(layout(app)))
    for user, sentence in ((EVE, "may change it"), (User("ed", Role.VIEWER), "that takes an editor")):
        monkeypatch.setattr("perturber.ui.accounts._who", lambda user=user: user)
        library.press("delete", *every[:3])
        library.press("confirm")
        assert sentence in library.said
        assert list(rows(library.shown)) == every


def test_a_full_disk_is_said(app: dash.Dash, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StorageError("The disk is full. Make room and try again.")

    monkeypatch.setattr(Store, "remove", full)
    library = Library(app.server.test_client())
    every = list(rows(layout(app)))
    library.press("delete", every[0])
    library.press("confirm")
    assert library.said == "The disk is full. Make room and try again."
    assert list(rows(library.shown)) == every


def test_broken_files_leave_a_sentence(app: dash.Dash, service: InferenceService) -> None:
    (service.settings.data / "groups.json").write_text("{")
    assert "cannot be read" in words(layout(app))
