"""Users' own objects and backgrounds come in through the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gestures import model_input
from user_files import CUBE, picture

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

DROP = """([name, content]) => {
    const data = new DataTransfer();
    data.items.add(new File([content], name));
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    document.querySelector(".pointer").dispatchEvent(new DragEvent("drop", options));
}"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return tmp_path


def give(watched: Any, kind: str, *files: tuple[str, bytes]) -> str:
    """Choose files in the dialog; returns what it says."""
    page = watched.page
    page.locator(f"[data-key={kind}] button", has_text="Add …").click()
    page.get_by_label("Name", exact=True).fill("My <b>own</b>")
    page.locator(".modal input[type=file]").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )
    return said(watched)


def said(watched: Any) -> str:
    """What the dialog says once the files are read."""
    message = watched.page.locator(".modal .message", has_not_text="Reading")
    message.wait_for()
    return message.inner_text()


def use(watched: Any) -> None:
    watched.page.get_by_role("button", name="Use it").click()
    watched.page.locator(".modal").wait_for(state="detached")


def test_an_object_is_added_previewed_and_used(opened: Open) -> None:
    watched = opened()
    before = model_input(watched)
    assert "Added" in give(watched, "object", ("cube.obj", CUBE.encode()), ("cube.png", picture((250, 0, 0))))
    page = watched.page
    assert page.get_by_alt_text("Preview").evaluate("image => image.naturalWidth") == 224
    assert "object" not in watched.shown()  # nothing is used yet
    use(watched)
    watched.wait_for("(shown.object || '').startsWith('own-')")
    changed = model_input(watched)
    assert np.abs(changed.astype(int) - before).mean() > 3
    assert "My <b>own</b>" in page.locator("[data-key=object]").inner_text()  # as text
    watched.query()  # once the address is written
    again = opened(page.url[page.url.index("/?") :])
    np.testing.assert_array_equal(model_input(again), changed)


def test_a_background_is_added_and_used(opened: Open) -> None:
    watched = opened()
    assert "Added" in give(watched, "background", ("wall.png", picture((0, 200, 0))))
    use(watched)
    watched.wait_for("(shown.background || '').startsWith('own-')")
    np.testing.assert_allclose(model_input(watched)[2, 2], [0, 200, 0], atol=2)


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("object", "cube.obj", b"v 0 0 nan\nf 1 1 1\n"),
        ("object", "cube.exe", b"MZ"),
        ("background", "wall.png", b"not a picture"),
    ],
)
def test_unusable_files_get_a_sentence(opened: Open, folder: Path, kind: str, name: str, content: bytes) -> None:
    watched = opened()
    before = model_input(watched)
    assert give(watched, kind, (name, content)).endswith(".")
    assert watched.page.locator(".modal .message.wrong").count() == 1
    assert watched.page.get_by_role("button", name="Use it").is_disabled()
    assert [file for file in folder.rglob("*") if file.is_file()] == []
    np.testing.assert_array_equal(model_input(watched), before)


def test_a_mended_file_can_be_chosen_again(opened: Open) -> None:
    watched = opened()
    assert "cube.obj" in give(watched, "object", ("cube.obj", b"v 0 0 nan\nf 1 1 1\n"))
    watched.page.locator(".modal input[type=file]").set_input_files(
        [{"name": "cube.obj", "mimeType": "", "buffer": CUBE.encode()}]
    )
    watched.page.locator(".modal .message", has_text="Added").wait_for()


def test_files_that_the_server_does_not_take_get_a_sentence(
    opened: Open, site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = opened(expected_errors=["413", "capacity limit"])
    monkeypatch.setitem(site.app.server.config, "MAX_CONTENT_LENGTH", 50_000)
    assert "too large" in give(watched, "background", ("wall.png", bytes(60_000)))
    watched.page.get_by_role("button", name="Close", exact=True).last.click()
    watched.page.locator(".modal").wait_for(state="detached")
    watched.page.evaluate(DROP, ["cube.obj", CUBE * 500])
    assert "too large" in said(watched)
    watched.page.keyboard.press("Escape")
    watched.page.locator(".modal").wait_for(state="detached")


def test_files_can_be_dropped_on_the_scene_and_named(opened: Open) -> None:
    watched = opened()
    watched.page.evaluate(DROP, ["cube.obj", CUBE])
    assert "Added" in said(watched)
    assert watched.page.locator(".modal-title").inner_text() == "Add an object"
    watched.page.get_by_label("Name", exact=True).fill("Dice")
    use(watched)
    watched.wait_for("(shown.object || '').startsWith('own-')")
    watched.page.locator("[data-key=object]", has_text="Dice").wait_for()


def test_gestures_reach_the_scene_through_what_takes_files(opened: Open) -> None:
    watched = opened("/?yaw=10&pitch=0&distance=4")
    page = watched.page
    box = page.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.wheel(0, 100)
    watched.wait_for("Number(shown.distance) > 4.2")
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=2)
    page.mouse.up()
    watched.wait_for("Number(shown.yaw) === 30")
    page.keyboard.press("ArrowRight")
    watched.wait_for("Number(shown.yaw) === 35")
    page.keyboard.press("Enter")
    page.mouse.dblclick(x, y)
    watched.wait_for("!shown.yaw && !shown.distance")
    assert page.locator(".modal").count() == 0
