"""A user's own objects and backgrounds come in through the page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gestures import model_input
from user_files import CUBE, picture

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return tmp_path


def give(watched: Any, kind: str, *files: tuple[str, bytes]) -> str:
    """Choose files in the dialog; returns what it says."""
    page = watched.page
    page.locator(f"[data-add={kind}]").click()
    page.get_by_label("Name", exact=True).fill("My <b>own</b>")
    page.locator(f"#upload-{kind}").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files]
    )
    message = page.locator("dialog .message")
    page.wait_for_function("(e) => e.textContent && e.textContent !== 'Reading …'", arg=message.element_handle())
    return message.inner_text()


def test_an_object_is_added_previewed_and_used(opened: Open) -> None:
    watched = opened()
    before = model_input(watched)
    assert "Added" in give(watched, "object", ("cube.obj", CUBE.encode()), ("cube.png", picture((250, 0, 0))))
    page = watched.page
    assert page.locator("dialog img").is_visible()
    page.locator("dialog .use").click()
    watched.wait_for("shown.scene.object && shown.scene.object.startsWith('own-')")
    assert page.locator("dialog").count() == 0
    changed = model_input(watched)
    assert np.abs(changed.astype(int) - before).mean() > 3
    assert "My <b>own</b>" in page.locator(".groups").inner_text()  # as text
    watched.query()  # once the address is written
    again = opened(page.url[page.url.index("/?") :])
    np.testing.assert_array_equal(model_input(again), changed)


def test_a_background_is_added_and_used(opened: Open) -> None:
    watched = opened()
    assert "Added" in give(watched, "background", ("wall.png", picture((0, 200, 0))))
    watched.page.locator("dialog .use").click()
    watched.wait_for("shown.scene.background && shown.scene.background.startsWith('own-')")
    np.testing.assert_allclose(model_input(watched)[2, 2], [0, 200, 0], atol=2)


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("object", "cube.obj", b"v 0 0 nan\nf 1 1 1\n"),
        ("object", "cube.exe", b"MZ"),
        ("background", "wall.png", b"not a picture"),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(opened: Open, folder: Path, kind: str, name: str, content: bytes) -> None:
    watched = opened(expected_errors=["400"])
    before = model_input(watched)
    said = give(watched, kind, (name, content))
    assert said.endswith(".")
    assert watched.page.locator("dialog .message.wrong").count() == 1
    assert watched.page.locator("dialog .use").is_disabled()
    assert [file for file in folder.rglob("*") if file.is_file()] == []
    np.testing.assert_array_equal(model_input(watched), before)


def test_files_can_be_dropped_on_the_scene(opened: Open) -> None:
    watched = opened()
    watched.page.evaluate(
        """(obj) => {
            const data = new DataTransfer();
            data.items.add(new File([obj], "cube.obj"));
            const options = { dataTransfer: data, bubbles: true, cancelable: true };
            document.getElementById("explore-pointer").dispatchEvent(new DragEvent("drop", options));
        }""",
        CUBE,
    )
    watched.page.wait_for_function("() => document.querySelector('dialog .use:not(:disabled)')")
