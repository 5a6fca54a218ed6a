"""What is shown together belongs together, and the newest state always arrives: with a service that takes its time."""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from conftest import Site, Watched
from gestures import box, control, drag, notice, pixels_of, wait_for_scene
from playwright.sync_api import Browser, Request

from perturber.bench.chromium import been_here
from perturber.parameters import PARAMETERS
from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest
from perturber.ui.states.explore import DEFAULT_MODELS

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

DRAG_SECONDS = 3.0
DELAY = 0.25

GONE = ("ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_CONTENT_LENGTH", "the server did not respond")
"""What a browser and Dash say in the console of a server that is gone."""

# Notes in each frame what is on the page: the state that it claims, picture, heatmaps and bars.
RECORDER = """() => {
    window.records = [];
    const note = () => {
        const { state, sequence } = document.getElementById("explore").dataset;
        window.records.push({
            state,
            sequence: Number(sequence),
            input: document.getElementById("explore-input").src,
            maps: Array.from(document.querySelectorAll(".slot .map canvas"), (canvas) => canvas.toDataURL()),
            logits: Array.from(document.querySelectorAll(".bars .length"), (bar) => bar.textContent),
        });
        requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
}"""


def drag_for(watched: Any, seconds: float) -> None:
    box = watched.page.locator(".pointer").bounding_box()
    x, y = box["x"] + 20, box["y"] + box["height"] / 2
    watched.page.mouse.move(x, y)
    watched.page.mouse.down()
    start = time.monotonic()
    while (share := (time.monotonic() - start) / seconds) < 1:
        watched.page.mouse.move(x + share * (box["width"] - 40), y + 30 * share)
        time.sleep(0.01)
    watched.page.mouse.up()


def test_a_drag_before_a_slow_service(opened: Open, site: Any) -> None:
    watched = opened()
    site.engine.delay = DELAY
    waiting: set[Request] = set()
    most = 0

    def sent(request: Request) -> None:
        nonlocal most
        if "explore-panel.request" in (request.post_data or ""):
            waiting.add(request)
            most = max(most, len(waiting))

    watched.page.on("request", sent)
    watched.page.on("requestfinished", lambda request: waiting.discard(request))
    watched.page.on("requestfailed", lambda request: waiting.discard(request))
    watched.page.evaluate(RECORDER)
    drag_for(watched, DRAG_SECONDS)
    wanted = {key: watched.page.get_by_label(f"{key.title()}, value").input_value() for key in ("yaw", "pitch")}
    watched.settle()
    watched.page.wait_for_timeout(100)
    records = watched.page.evaluate("window.records")

    assert most == 1, "more than one request was in flight"
    distinct = list({record["sequence"]: record for record in records}.values())
    assert 2 <= len(distinct) <= 2 + DRAG_SECONDS / DELAY  # not one for each of the pointer's moves
    sequences = [record["sequence"] for record in records]
    assert sequences == sorted(sequences), "answers were shown out of order"
    assert set(wanted.items()) <= _scene(distinct[-1]).items(), "the last state is not what is shown"

    # In every frame picture, heatmaps and bars are those of one state.
    assert all(len(record["maps"]) == 16 and len(record["logits"]) == 10 for record in records)
    of_sequence: dict[int, set[str]] = {}
    for record in records:
        shown = json.dumps([record["input"], record["maps"], record["logits"]])
        of_sequence.setdefault(record["sequence"], set()).add(hashlib.sha256(shown.encode()).hexdigest())
    assert all(len(kinds) == 1 for kinds in of_sequence.values()), "the display was mixed"
    site.engine.delay = 0.0
    for record in distinct[:: max(1, len(distinct) // 4)]:
        slots = tuple(SlotRequest(model=name) for name in DEFAULT_MODELS)
        answer = site.service.look(LookRequest(scene=Scene.parse(_scene(record)), slots=slots))
        assert record["logits"] == [f"{score.logit:.2f}" for slot in answer.slots for score in slot.top or ()]
        np.testing.assert_array_equal(pixels_of(record["input"]), answer.image)


def _scene(record: dict[str, Any]) -> dict[str, str]:
    return {key: value for key, value in parse_qsl(record["state"]) if key in PARAMETERS}


def test_the_view_does_not_wait_for_the_service(opened: Open, site: Any) -> None:
    watched = opened()
    site.engine.delay = 1.5
    before = watched.page.locator(".canvas").screenshot()
    sequence = watched.sequence()
    box = watched.page.locator(".pointer").bounding_box()
    watched.page.mouse.move(box["x"] + 100, box["y"] + 100)
    watched.page.mouse.down()
    watched.page.mouse.move(box["x"] + 200, box["y"] + 120, steps=4)
    watched.page.wait_for_timeout(200)
    assert watched.sequence() == sequence  # no answer yet
    assert watched.page.locator(".canvas").screenshot() != before
    watched.page.mouse.up()
    watched.settle()


def test_an_error_keeps_the_last_good_picture(opened: Open, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = opened()
    page = watched.page
    source = page.locator("#explore-input").get_attribute("src")

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(site.engine, "answer", broken)
        page.locator("#explore-hue").fill("0.3")
        notice(watched, "went wrong")
        watched.settle()
    assert page.locator("#explore-input").get_attribute("src") == source
    assert watched.shown().keys().isdisjoint(PARAMETERS)
    assert "secret" not in page.content()

    page.locator("#explore-hue").fill("0.4")  # and goes on as soon as it can
    wait_for_scene(watched, hue=0.4)
    assert page.locator("#notice").inner_text() == ""


def test_what_is_changed_meanwhile_is_not_lost(opened: Open, site: Any) -> None:
    """An answer on its way does not take back what was chosen, typed or moved since it was asked for."""
    watched = opened("/?c1=1&c2=1")
    page = watched.page
    site.engine.delay = 1.0
    page.locator("#explore-hue").fill("0.1")
    field = page.locator(control("channels", 0))
    field.fill("5, 6")
    field.press("Enter")
    page.locator("#explore-hue").fill("0.2")
    box(watched, "shows", "Predictions", 1).uncheck()
    page.locator(control("on", 1)).click()
    page.locator(control("on", 1)).click()
    drag(watched, 25, 0)
    watched.settle()
    wait_for_scene(watched, hue=0.2, yaw=-25)
    shown = watched.shown()
    assert (shown["c1"], shown["c2"], shown["p2"]) == ("5,6", "3", "0")
    assert field.input_value() == "5, 6"
    assert page.locator("#explore-hue").input_value() == "0.2"
    assert not box(watched, "shows", "Predictions", 1).is_checked()


def test_a_server_that_was_gone_is_asked_again(browser: Browser) -> None:
    """What was on its way is not lost, and the page says meanwhile why nothing moves."""
    site = Site()
    watched = Watched(browser.new_page(storage_state=been_here(site.url)))
    page = watched.page
    try:
        page.goto(f"{site.url}/?c1=1&c2=1")
        watched.settle()
        site.stop()
        page.locator("#explore-hue").fill("0.2")
        page.locator(control("on", 0)).click()
        notice(watched, "The server does not answer; trying again")
        assert watched.shown().keys().isdisjoint(PARAMETERS)
        page.locator(control("on", 1)).click()
        site.start()
        watched.wait_for("shown.c1 === '2' && shown.c2 === '2'")
        wait_for_scene(watched, hue=0.2)
        assert page.locator("#notice").inner_text() == ""
        page.locator(control("on", 1)).click()
        watched.wait_for("shown.c2 === '3'")
        assert [error for error in watched.errors if not any(words in error for words in GONE)] == []
    finally:
        page.context.close()
        site.close()
