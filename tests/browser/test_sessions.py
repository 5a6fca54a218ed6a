"""Sessions in a browser: what was kept comes back the same after a restart, and two moments are set side by side."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Site, Watched
from gestures import control, eventually, model_input, shuts_nobody_out, wait_for_scene
from playwright.sync_api import Browser, Page, expect
from test_restart import serving

from perturber.bench.chromium import been_here
from perturber.bench.server import free_port
from perturber.sessions import FILE, NewSnapshot, Sessions, ShortLinks

pytestmark = pytest.mark.browser

Open = Callable[..., Watched]

HOSTILE = """# Notes & <b>more</b>

**bold** <script>window.hurt = 1</script> <img src=x onerror="window.hurt = 1"> [link](javascript:window.hurt=1)
[data](data:text/html,<script>window.hurt=1</script>) ![picture](http://127.0.0.1:9/picture.png) ![other][there]
[fine](https://example.org/paper)
<iframe src="http://127.0.0.1:9/"></iframe>

[there]: http://127.0.0.1:9/other.png
"""


@pytest.fixture
def sessions(site: Site) -> Iterator[Sessions]:
    """Those of the site, which are gone afterwards."""
    yield Sessions(site.service.settings.data)
    for file in site.service.settings.data.glob(f"{FILE}*"):
        file.unlink()


def field(page: Page, name: str) -> Any:
    return page.locator(f"""[id*='"session":"{name}"']""")


def take(page: Page, comment: str, count: int) -> None:
    """Take a snapshot, which is then the last one of so many."""
    field(page, "comment").fill(comment)
    page.get_by_role("button", name="Take a snapshot").click()
    expect(page.locator(".snapshot")).to_have_count(count)


@pytest.mark.slow
def test_a_snapshot_comes_back_after_a_restart(browser: Browser, tmp_path: Path) -> None:
    """Equal state, equal picture, and what no address holds: the reference, from which neurons change."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    page = browser.new_page(storage_state=been_here(url))
    page.set_default_timeout(120_000)
    watched = Watched(page)
    try:
        with serving(port, tmp_path) as server:
            page.goto(f"{url}/?c1=1&c2=1&yaw=20&cards=none")
            watched.settle()
            page.locator(control("reference")).click()
            expect(page.locator(control("reference"))).to_have_text("Reference ✓")
            page.locator("#explore-hue").fill("0.2")
            wait_for_scene(watched, yaw=20, hue=0.2)
            page.wait_for_timeout(1000)  # it has come to rest
            page.get_by_role("button", name="Session", exact=True).click()
            field(page, "name").fill("Fur")
            page.keyboard.press("Enter")
            take(page, "hue", 1)
            state, picture = page.locator("#explore").get_attribute("data-state"), model_input(watched)
            server.send_signal(signal.SIGKILL)
            server.wait()
        page.close()
        page = browser.new_page(storage_state=been_here(url))
        page.set_default_timeout(120_000)
        watched = Watched(page)
        with serving(port, tmp_path):
            page.goto(f"{url}/sessions")
            page.get_by_role("link", name="Fur").click()
            page.get_by_role("link", name="Open snapshot 1: hue").click()
            watched.settle()
            assert page.locator("#explore").get_attribute("data-state") == state
            np.testing.assert_array_equal(model_input(watched), picture)
            expect(page.locator(control("reference"))).to_have_text("Reference ✓")
            assert page.locator("#explore-problems").inner_text() == ""
        assert [error for error in watched.errors if "ERR_" not in error] == []
    finally:
        page.context.close()


@pytest.mark.slow
def test_two_snapshots_side_by_side(opened: Open, sessions: Sessions) -> None:
    watched = opened("/?c1=1,2&h2=1&cards=none&yaw=20", fresh=True)
    page = watched.page
    before = watched.sequence()
    page.get_by_role("button", name="Session", exact=True).click()
    field(page, "name").fill("Fur")
    page.get_by_role("button", name="Create").click()
    take(page, "from the right", 1)
    page.locator("#explore-yaw").fill("-60")
    wait_for_scene(watched, yaw=-60)
    page.wait_for_timeout(1000)
    take(page, "from the left", 2)
    assert watched.sequence() > before
    assert page.evaluate("JSON.parse(sessionStorage.session).name") == "Fur"
    for box in page.locator(".snapshot input").all():
        box.check()
    page.get_by_role("button", name="Side by side").click()
    page.locator("#pair-slots section .js-plotly-plot").wait_for()
    assert page.url.endswith("/sessions?a=1&b=2")
    assert page.locator(".of-states tbody tr").all_inner_texts() == ["Yaw\t20 °\t−60 °"]
    drawn = page.locator("#pair-slots .js-plotly-plot").evaluate("(plot) => [plot.data[0].zmin, plot.data[0].zmax]")
    assert drawn[0] == -drawn[1] < 0
    shuts_nobody_out(page)


def test_the_button_takes_no_room_and_asks_nothing(opened: Open, sessions: Sessions) -> None:
    picture = np.zeros((224, 224, 3), np.uint8)
    kept = [NewSnapshot.of(page="/", query=f"yaw={n}", picture=picture, comment=str(n)) for n in range(20)]
    id_ = sessions.create("Fur", snapshots=kept)
    watched = opened("/?c1=1&h2=1&cards=none", fresh=True)
    page = watched.page
    place = page.locator("#explore .columns").bounding_box()
    page.get_by_role("button", name="Session", exact=True).click()
    page.get_by_text("Choose a session, or create one").wait_for()
    assert page.locator("#explore .columns").bounding_box() == place
    page.get_by_role("button", name="Session Choose a session").click()
    page.locator(".dash-dropdown-option", has_text="Fur").click()
    expect(page.locator(".snapshot")).to_have_count(12)
    page.get_by_label("20. 19").check()
    page.get_by_role("button", name="Comment …").click()
    page.get_by_label("Comment on snapshot 20").fill("the last one")
    shuts_nobody_out(page)
    page.get_by_role("button", name="Keep the comment").click()
    page.get_by_label("20. the last one").wait_for()
    assert sessions.open(id_).strip[-1].comment == "the last one"
    page.get_by_role("button", name="Session", exact=True).click()
    expect(page.locator("#explore-session-panel")).to_be_hidden()
    page.wait_for_timeout(1000)  # folding itself asks once
    bodies: list[str] = []
    page.on("request", lambda request: bodies.append(request.post_data or ""))
    page.locator("#explore-yaw").fill("50")
    wait_for_scene(watched, yaw=50)
    page.wait_for_timeout(1000)
    assert bodies
    assert not [body for body in bodies if '"output":"' in body and "session" in body.partition('"inputs"')[0]]


def test_hostile_notes_do_no_harm(opened: Open, sessions: Sessions) -> None:
    id_ = sessions.create("<b>Fur</b>", notes=HOSTILE)
    blocked = ["Running the JavaScript URL violates"]  # the address that stands instead of the link’s
    watched = opened(f"/sessions?id={id_}", wait=False, fresh=True, expected_errors=blocked)
    page = watched.page
    page.locator(".preview h1").wait_for()
    page.wait_for_timeout(500)
    assert page.evaluate("window.hurt") is None
    assert page.locator(".preview :is(img, script, iframe, b)").count() == 0
    links = page.locator(".preview a").evaluate_all("(links) => links.map(({ href }) => href)")
    assert {link.partition(":")[0] for link in links if not link.startswith("javascript:void")} == {"http", "https"}
    page.locator(".preview a", has_text="link").first.click()
    assert page.evaluate("window.hurt") is None
    assert not [request for request in watched.requests if ":9/" in request]
    page.get_by_label("Notes in Markdown").fill("*mild* <b>x</b> ![y](http://127.0.0.1:9/z.png)")
    page.get_by_role("button", name="Keep the notes").click()
    expect(page.locator(".preview em")).to_have_text("mild")
    eventually(lambda: sessions.open(id_).notes.startswith("*mild*"))
    shuts_nobody_out(page)


def test_a_state_of_any_length_is_opened_by_its_short_link(opened: Open, sessions: Sessions) -> None:
    query = "c1=1&h2=1&cards=none&custom_code=color.r%20%3D%200.5%3B%20%2F%2F" + "%C3%A9" * 5_000
    short = ShortLinks(sessions.data).short_link(query, "/")
    watched = opened(f"/s/{short}", fresh=True)
    assert watched.shown()["custom_code"] == "color.r = 0.5; //" + "é" * 5_000
    assert watched.page.locator("#explore-problems").inner_text() == ""
    watched.page.get_by_role("button", name="Link", exact=True).click()
    watched.page.get_by_text("too many for an address").wait_for()


def test_a_list_of_fifty_sessions_opens(opened: Open, sessions: Sessions) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    snapshots = [NewSnapshot.of(page="/", query=f"yaw={n}", picture=picture) for n in range(4)]
    for n in range(50):
        sessions.create(f"Session {n}", snapshots=snapshots)
    page = opened("/help", wait=False).page
    page.locator("#link-sessions").click()
    expect(page.locator("tbody tr")).to_have_count(50)
    shuts_nobody_out(page)
    page.get_by_placeholder("Find a name or an owner").fill("session 17")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Pick Session 17").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_label("Pick Session 17").check()
        page.get_by_role("button", name="Export").click()
    file = download.value.path()
    os.rename(file, file.with_suffix(".zip"))
    page.locator("#sessions-import input").set_input_files(file.with_suffix(".zip"))
    page.get_by_text("“Session 17” is here.").wait_for()
    assert sessions.all().total == 51
