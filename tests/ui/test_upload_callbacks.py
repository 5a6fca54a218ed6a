"""Users' own objects and backgrounds, as Dash's own script sends them, and as nobody should."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from callback_requests import ask, body, props_of, spec_of
from flask.testing import FlaskClient
from user_files import CUBE, picture

from app import create_app
from perturber import objects
from perturber.scene import Scene
from perturber.service import InferenceService
from perturber.ui.callbacks.uploads import AT_ONCE, WAITING, upload_callbacks
from perturber.ui.states.page import NOT_OURS

PAGE = "anywhere"
FILES = f"{PAGE}-upload-files.contents"
DROP = f"{PAGE}-drop.contents"


@pytest.fixture(scope="module")
def service() -> Iterator[InferenceService]:
    with InferenceService() as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    upload_callbacks(PAGE)  # the next app takes them over
    return create_app(service=service).server.test_client()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def sent(content: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def choose(client: FlaskClient, kind: str, files: dict[str, bytes], label: str | None = None) -> dict[str, Any]:
    """What the page shows after files were chosen in the dialog."""
    state = [list(files), label, {"kind": kind, "name": None}]
    return props_of(ask(client, spec_of(client, FILES), [[sent(content) for content in files.values()]], state))


def drop(client: FlaskClient, contents: Any, names: Any) -> dict[str, Any]:
    """What the page shows after files were dropped on the scene."""
    return props_of(ask(client, spec_of(client, DROP), [contents], [names]))


def leave(client: FlaskClient, how: int, added: dict[str, Any], label: str | None, scene: Any) -> dict[str, Any]:
    """What the page shows after ``Use it`` (0) or ``Close`` (1)."""
    spec = spec_of(client, f"{PAGE}-upload-use.n_clicks", f"{PAGE}-upload-close.n_clicks")
    return props_of(ask(client, spec, [int(how == 0), int(how == 1)], [added, label, scene], triggered=how))


def texts(layout: Any) -> list[str]:
    """Every text of a layout, in order."""
    if isinstance(layout, str):
        return [layout]
    if isinstance(layout, list):
        return [text for one in layout for text in texts(one)]
    return texts(layout["props"].get("children")) if isinstance(layout, dict) else []


@pytest.mark.parametrize(("kind", "title"), [("object", "Add an object"), ("background", "Add a background")])
def test_the_panels_wish_opens_the_dialog(client: FlaskClient, kind: str, title: str) -> None:
    props = props_of(ask(client, spec_of(client, f"{PAGE}-panel.add"), [{"kind": kind, "count": 1}]))
    (dialog,) = props.values()
    assert dialog["is_open"] is True
    assert texts(dialog["children"])[0] == title


def test_an_object_is_added_shown_named_and_used(client: FlaskClient) -> None:
    props = choose(client, "object", {"cube.obj": CUBE.encode()}, "My <b>own</b>")
    added = props[f"{PAGE}-upload-added"]["data"]
    assert props[f"{PAGE}-upload-use"]["disabled"] is False
    assert props[f"{PAGE}-upload-files"]["contents"] is None
    message, preview = props[f"{PAGE}-upload-outcome"]["children"]
    assert "Added" in message["props"]["children"]
    assert preview["props"]["src"].startswith("data:image/png;base64,")
    assert {"value": added["name"], "label": "My <b>own</b>"} in props[f"{PAGE}-panel"]["options"]["object"]
    assert added["name"] in props[f"{PAGE}-panel"]["headings"]["Morph"]["titles"]
    used = leave(client, 0, added, "Dice", {**Scene().as_dict(), "yaw": 5.0})
    assert used[f"{PAGE}-dialog"]["is_open"] is False
    assert used[f"{PAGE}-panel"]["value"] == {**Scene().as_dict(), "yaw": 5.0, "object": added["name"]}
    assert {"value": added["name"], "label": "Dice"} in used[f"{PAGE}-panel"]["options"]["object"]


def test_the_preview_says_what_was_done_to_the_files(client: FlaskClient) -> None:
    props = choose(client, "background", {"wall.png": picture((0, 200, 0, 100))})
    message, notes, preview = props[f"{PAGE}-upload-outcome"]["children"]
    assert "wrong" not in message["props"]["className"]
    assert texts(notes) == ["Its transparency is left out."]
    assert preview["type"] == "Img"


def test_the_dialog_can_be_closed_without_using_anything(client: FlaskClient) -> None:
    added = choose(client, "background", {"wall.png": picture((0, 200, 0))})[f"{PAGE}-upload-added"]["data"]
    closed = leave(client, 1, added, None, Scene().as_dict())
    assert closed[f"{PAGE}-dialog"]["is_open"] is False
    assert "value" not in closed.get(f"{PAGE}-panel", {})
    assert added["name"] in objects.names("background")
    assert leave(client, 1, {"kind": "object", "name": None}, "x", None) == {f"{PAGE}-dialog": {"is_open": False}}


def test_one_dropped_picture_is_a_background_and_anything_else_an_object(client: FlaskClient) -> None:
    wall = sent(picture((0, 200, 0)), "image/png")
    cube = sent(CUBE.encode())
    for contents, names, title in (
        ([wall], ["wall.png"], "Add a background"),
        ([cube], ["cube.obj"], "Add an object"),
        ([cube, wall], ["cube.obj", "wall.png"], "Add an object"),
        ([wall, wall], ["a.png", "b.png"], "Add an object"),
    ):
        dialog = next(props for id_, props in drop(client, contents, names).items() if id_.startswith(f"{PAGE}-dialog"))
        assert texts(dialog["children"])[0] == title
        assert dialog["is_open"] is True


@pytest.mark.parametrize(
    ("kind", "files", "sentence"),
    [
        ("background", {"a.png": b"a", "b.png": b"b"}, "A background is one picture, not 2 files."),
        ("background", {"wall.png": b"not a picture"}, "picture"),
        ("object", {"../../evil.obj": b"MZ"}, "'evil.obj'"),
        ("object", {"cube.exe": b"MZ"}, "'cube.exe'"),
        ("object", {"cube.obj": b"v 0 0 nan\nf 1 1 1\n"}, "cube.obj"),
        ("object", {"empty.obj": b""}, "empty.obj"),
    ],
)
def test_unusable_files_get_a_sentence_and_leave_nothing(
    client: FlaskClient, data: Path, kind: str, files: dict[str, bytes], sentence: str
) -> None:
    props = choose(client, kind, files)
    (message,) = props[f"{PAGE}-upload-outcome"]["children"]
    assert sentence in message["props"]["children"]
    assert "wrong" in message["props"]["className"]
    assert props[f"{PAGE}-upload-use"]["disabled"] is True
    assert f"{PAGE}-panel" not in props
    assert files_in(data) == []


@pytest.mark.parametrize(
    ("contents", "names"),
    [
        ("x", "x"),
        ([5], ["x"]),
        ([sent(b"x")], []),
        ([sent(b"x")], [None]),
        (["data:;base64,%%%"], ["cube.obj"]),
        ({"a": 1}, ["x"]),
    ],
)
def test_invalid_uploads_get_a_sentence(client: FlaskClient, data: Path, contents: Any, names: Any) -> None:
    props = drop(client, contents, names)
    assert NOT_OURS in str(props)
    assert files_in(data) == []


def test_two_files_of_one_name(client: FlaskClient, data: Path) -> None:
    props = drop(client, [sent(b"a"), sent(b"b")], ["dog.obj", "dog.obj"])
    assert "Two files are called 'dog.obj'" in str(props)
    assert files_in(data) == []


def test_files_above_the_limit_are_refused_before_they_are_read(
    client: FlaskClient, service: InferenceService, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "settings", replace(service.settings, max_upload_mib=1))
    monkeypatch.setattr(objects, "store", lambda: pytest.fail("the files were read"))
    (message,) = choose(client, "object", {"a.obj": bytes(2**19), "b.obj": bytes(2**19 + 1)})[f"{PAGE}-upload-outcome"][
        "children"
    ]
    assert message["props"]["children"] == "The files are larger than 1 MiB together."
    assert files_in(data) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "application/x-www-form-urlencoded", "text/plain", ""])
def test_a_form_of_another_site_is_refused(client: FlaskClient, data: Path, kind: str) -> None:
    """A page elsewhere can send a form without asking first, but no JSON, and this server allows it none."""
    text = json.dumps(body(spec_of(client, DROP), [[sent(CUBE.encode())]], [["cube.obj"]]))
    response = client.post("/_dash-update-component", data=text, content_type=kind)
    assert response.status_code in (400, 415)
    assert files_in(data) == []
    sound = client.post("/_dash-update-component", data=text, content_type="application/json")
    assert "Added" in str(props_of(sound))
    asked = client.options(
        "/_dash-update-component",
        headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"},
    )
    assert not any(name.startswith("Access-Control") for name, _ in asked.headers)


def test_a_full_disk_is_one_sentence(client: FlaskClient, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        for kind, files in (("object", {"cube.obj": CUBE.encode()}), ("background", {"wall.png": picture((0, 99, 0))})):
            (message,) = choose(client, kind, files)[f"{PAGE}-upload-outcome"]["children"]
            assert "cannot be written to (No space left on device)" in message["props"]["children"]
    assert files_in(data) == []
    assert "Added" in str(choose(client, "object", {"cube.obj": CUBE.encode()}))


def test_a_bounded_number_is_read_and_waits(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes then is told so at once, and the server's threads stay free for others."""
    go, places = threading.Event(), threading.Semaphore(0)
    at_once, most, lock = 0, 0, threading.Lock()
    add = objects.Store.add_background

    def slow(store: objects.Store, content: bytes, **options: Any) -> str:
        nonlocal at_once, most
        with lock:
            at_once, most = at_once + 1, max(most, at_once + 1)
        places.release()
        assert go.wait(60)
        with lock:
            at_once -= 1
        return add(store, content, **options)

    monkeypatch.setattr(objects.Store, "add_background", slow)
    answers: list[str] = []

    def upload(shade: int) -> None:
        own = client.application.test_client()
        answers.append(str(choose(own, "background", {"wall.png": picture((0, shade, 0))})))

    clients = [threading.Thread(target=upload, args=(shade,)) for shade in range(AT_ONCE + WAITING + 3)]
    for one in clients:
        one.start()
    for _ in range(AT_ONCE):
        assert places.acquire(timeout=60)
    while len(answers) < 3:  # those beyond the line have their answer while the others are still read
        clients[0].join(0.05)
    assert all("Several uploads are being read; try again in a moment." in answer for answer in answers)
    go.set()
    for one in clients:
        one.join(60)
    assert most == AT_ONCE
    assert sum("Added" in answer for answer in answers) == AT_ONCE + WAITING
