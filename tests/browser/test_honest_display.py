"""What is shown together belongs together, and the newest state always arrives: with a service that takes its time."""

import base64
import hashlib
import io
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Request

from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

DRAG_SECONDS = 3.0
DELAY = 0.25

# Notes after each change of the page what is on it: the state that it claims, picture, heatmaps and bars.
RECORDER = """() => {
    window.records = [];
    const digest = (plot) => Array.from(plot.data[0].z, (row) => Array.from(row)).flat()
        .reduce((sum, v, i) => (Number.isNaN(v) || v === null ? sum : sum + v * ((i % 97) + 1)), 0);
    const note = () => {
        const { page } = window.perturber;
        window.records.push({
            sequence: page.displayed.sequence,
            scene: page.displayed.state.scene,
            input: document.getElementById('explore-input').src,
            maps: Array.from(document.querySelectorAll('.slot:not(.vacant) .js-plotly-plot'), digest),
            logits: Array.from(document.querySelectorAll('.bars .length'), (bar) => bar.textContent),
        });
        requestAnimationFrame(note);
    };
    requestAnimationFrame(note);
}"""


def drag_for(watched: Any, seconds: float) -> None:
    box = watched.page.locator("#explore-pointer").bounding_box()
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
        if request.url.endswith("/explore/look"):
            waiting.add(request)
            most = max(most, len(waiting))

    watched.page.on("request", sent)
    watched.page.on("requestfinished", lambda request: waiting.discard(request))
    watched.page.on("requestfailed", lambda request: waiting.discard(request))
    watched.page.evaluate(RECORDER)
    drag_for(watched, DRAG_SECONDS)
    wanted = watched.page.evaluate("({...window.perturber.page.scene})")
    watched.settle()
    watched.page.wait_for_timeout(100)
    records = watched.page.evaluate("window.records")

    assert most == 1, "more than one request was in flight"
    distinct = list({record["sequence"]: record for record in records}.values())
    assert 2 <= len(distinct) <= 2 + DRAG_SECONDS / DELAY  # not one for each of the pointer's moves
    sequences = [record["sequence"] for record in records]
    assert sequences == sorted(sequences), "answers were shown out of order"
    last = distinct[-1]["scene"]
    assert last == {k: v for k, v in wanted.items() if v != getattr(Scene(), k)}, "the last state is not what is shown"

    # In every frame picture, heatmaps and bars are those of one state.
    of_sequence: dict[int, set[str]] = {}
    for record in records:
        shown = json.dumps([record["input"], record["maps"], record["logits"]])
        of_sequence.setdefault(record["sequence"], set()).add(hashlib.sha256(shown.encode()).hexdigest())
    assert all(len(kinds) == 1 for kinds in of_sequence.values()), "the display was mixed"
    site.engine.delay = 0.0
    for record in distinct[:: max(1, len(distinct) // 4)]:
        slots = tuple(SlotRequest(model=f"efficientnet_lite{n}") for n in (0, 1))
        answer = site.service.look(LookRequest(scene=Scene.parse(record["scene"]), slots=slots))
        assert record["input"].startswith("data:image/png;base64,")
        assert record["logits"] == [f"{score.logit:.2f}" for slot in answer.slots for score in slot.top or ()]
        assert _pixels(record["input"]) == answer.image.tobytes()


def _pixels(source: str) -> bytes:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1])))).tobytes()


def test_the_view_does_not_wait_for_the_service(opened: Open, site: Any) -> None:
    watched = opened()
    site.engine.delay = 1.5
    before = watched.page.locator(".canvas").screenshot()
    started = watched.page.evaluate("window.perturber.gate.timings.length")
    box = watched.page.locator("#explore-pointer").bounding_box()
    watched.page.mouse.move(box["x"] + 100, box["y"] + 100)
    watched.page.mouse.down()
    watched.page.mouse.move(box["x"] + 200, box["y"] + 120, steps=4)
    watched.page.wait_for_timeout(200)
    assert watched.page.evaluate("window.perturber.gate.timings.length") == started  # no answer yet
    assert watched.page.locator(".canvas").screenshot() != before
    watched.page.mouse.up()
    watched.settle()


def test_an_error_keeps_the_last_good_picture(opened: Open, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = opened(expected_errors=["400 (BAD REQUEST)", "500 (INTERNAL SERVER ERROR)"])
    page = watched.page
    source = page.locator("#explore-input").get_attribute("src")
    page.evaluate("window.perturber.gate.offer({...window.perturber.page.displayed.state, scene: {distance: 99}})")
    page.wait_for_function("() => document.getElementById('notice').textContent.includes('0.5 to 20')")
    assert page.locator("#explore-input").get_attribute("src") == source

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    with monkeypatch.context() as patch:
        patch.setattr(site.engine, "answer", broken)
        page.locator("#explore-hue").fill("0.3")
        page.wait_for_function("() => document.getElementById('notice').textContent.includes('went wrong')")
    assert page.locator("#explore-input").get_attribute("src") == source
    assert "secret" not in page.content()

    page.locator("#explore-hue").fill("0.4")  # and goes on as soon as it can
    watched.wait_for("shown.scene.hue === 0.4")
    assert page.locator("#notice").inner_text() == ""
