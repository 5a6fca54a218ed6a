"""One browser presents and others follow: they show the same, break away, come back, and take over."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import VIEWPORT, Site, Watched
from gestures import choose, control, model_input, painted, pixels_of, shuts_nobody_out
from playwright.sync_api import Browser
from test_honest_display import GONE
from test_restart import serving

from perturber.bench.chromium import been_here
from perturber.bench.server import free_port
from perturber.sessions import Sessions

pytestmark = pytest.mark.browser

Opened = Callable[..., Watched]

QUERY = "m1=efficientnet_lite0&l1=blocks.3.0&c1=1,2&m2=efficientnet_lite0&l2=blocks.2.0&c2=4&cards=none"

CONTROLS = """() => Object.fromEntries([...document.querySelectorAll("input, .dash-dropdown, textarea")]
    .filter((one) => one.closest("#page") && (one.id || one.closest("[id]")))
    .map((one, n) => [`${n} ${one.id || one.closest("[id]").id}`,
        one.matches(".dash-dropdown") ? one.innerText : `${one.value} ${one.checked}`]))"""
"""What every control of a page shows."""


@pytest.fixture
def session(site: Site) -> str:
    return Sessions(site.service.settings.data).create("Dogs at night")


@pytest.fixture
def opened_apart(browser: Browser, site: Site) -> Iterator[Opened]:
    """Opens the dashboard in a browser of its own, with a session open in it or none."""
    all_: list[Watched] = []

    def open_apart(path: str, session: str = "", url: str = site.url) -> Watched:
        page = browser.new_context(viewport=VIEWPORT, storage_state=been_here(url)).new_page()  # type: ignore[arg-type]
        page.set_default_timeout(120_000)
        all_.append(Watched(page))
        if session:
            opened = json.dumps(json.dumps({"id": session, "name": "Dogs at night"}))
            page.add_init_script(f"sessionStorage.setItem('session', {opened})")
        page.goto(url + path)
        return all_[-1]

    yield open_apart
    for one in all_:
        one.page.context.close()
    allowed = (*GONE, "Failed to fetch", "willReadFrequently")  # a server that is gone, and what reads the heatmaps
    assert [error for one in all_ for error in one.errors if not any(words in error for words in allowed)] == []


def words(watched: Watched, text: str) -> None:
    """Wait until the bar says this."""
    watched.page.locator("#live-words", has_text=text).wait_for()


def present(opened_apart: Opened, path: str, session: str, **options: Any) -> Watched:
    presenter = opened_apart(path, session, **options)
    presenter.settle()
    presenter.page.click("#live-present")
    words(presenter, "Presenting; nobody follows yet")
    return presenter


def same_state(presenter: Watched, follower: Watched, condition: str) -> None:
    """Wait until the presenter shows something, and the follower the same."""
    presenter.wait_for(condition)
    state = presenter.page.locator("[data-sequence]").get_attribute("data-state")
    follower.page.wait_for_function(
        "(state) => document.querySelector('[data-sequence]')?.dataset.state === state", arg=state
    )


def equal(presenter: Watched, follower: Watched) -> None:
    """Both show the same picture, heatmaps and controls."""
    assert np.array_equal(model_input(presenter), model_input(follower))
    for slot in (0, 1):
        assert np.array_equal(painted(presenter, slot), painted(follower, slot))
    follower.page.wait_for_timeout(500)  # until Dash has told all controls
    assert presenter.page.evaluate(CONTROLS) == follower.page.evaluate(CONTROLS)


def test_who_follows_sees_the_same(opened_apart: Opened, session: str, site: Site) -> None:
    presenter = present(opened_apart, f"/?{QUERY}&yaw=20", session)
    follower = opened_apart(f"/live/{session}")
    words(follower, "Following Visitor 1")
    words(presenter, "Presenting to Visitor 2")
    same_state(presenter, follower, "shown.yaw === '20'")
    equal(presenter, follower)

    looks: list[Any] = []
    answer = site.engine.answer
    site.engine.answer = lambda requests: looks.extend(requests) or answer(requests)  # type: ignore[method-assign,func-returns-value]
    presenter.page.locator("#explore-hue").fill("0.3")
    same_state(presenter, follower, "shown.hue === '0.3'")
    presenter.page.locator(control("on", 0)).click()
    same_state(presenter, follower, "shown.c1 === '3,4'")
    choose(presenter, control("layer", 0), re.compile(r"^blocks\.4\.1\s"))
    same_state(presenter, follower, "shown.l1 === 'blocks.4.1'")
    equal(presenter, follower)
    site.engine.__dict__.pop("answer")
    assert len(looks) == 3

    presenter.page.click("#link-compare")
    follower.page.wait_for_url("**/compare?**")
    same_state(presenter, follower, "shown.tab === 'channels'")
    assert np.array_equal(*(pixels(one, "compare") for one in (presenter, follower)))
    shuts_nobody_out(presenter.page)


def pixels(watched: Watched, page: str) -> np.ndarray:
    return pixels_of(watched.page.locator(f"#{page}-input").get_attribute("src"))


def test_breaking_away_and_coming_back_and_handing_over(opened_apart: Opened, session: str) -> None:
    presenter = present(opened_apart, f"/?{QUERY}", session)
    follower = opened_apart(f"/live/{session}")
    words(follower, "Following Visitor 1")
    same_state(presenter, follower, "shown.c1 === '1,2'")
    follower.page.locator("#explore-hue").fill("0.2")  # whoever does something goes their own way
    words(follower, "Visitor 1 presents")
    words(presenter, "Visitor 2 (away)")
    follower.wait_for("shown.hue === '0.2'")
    presenter.page.locator("#explore-hue").fill("0.4")
    presenter.wait_for("shown.hue === '0.4'")
    follower.page.locator("#explore-yaw").fill("50")
    follower.wait_for("shown.hue === '0.2' && shown.yaw === '50'")
    assert "yaw" not in presenter.shown()
    follower.page.click("#live-follow")
    words(follower, "Following Visitor 1")
    same_state(presenter, follower, "shown.hue === '0.4' && !('yaw' in shown)")
    equal(presenter, follower)

    presenter.page.click("#live-to")
    presenter.page.locator(".dash-dropdown-content .dash-dropdown-option", has_text="Visitor 2").click()
    words(follower, "Presenting to Visitor 1")
    words(presenter, "Following Visitor 2")
    follower.page.locator("#explore-yaw").fill("-60")
    same_state(follower, presenter, "shown.yaw === '-60' && shown.hue === '0.4'")
    equal(follower, presenter)
    follower.page.click("#live-stop")
    words(presenter, "Nobody presents this session now")


@pytest.mark.slow
def test_after_a_restart_they_go_on(opened_apart: Opened, tmp_path: Path) -> None:
    session = Sessions(tmp_path).create("Dogs at night")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with serving(port, tmp_path) as server:
        presenter = present(opened_apart, f"/?{QUERY}", session, url=url)
        follower = opened_apart(f"/live/{session}", url=url)
        words(follower, "Following Visitor 1")
        same_state(presenter, follower, "shown.c1 === '1,2'")
        server.send_signal(signal.SIGKILL)
        server.wait()
    follower.page.locator("#notice", has_text="The server does not answer; trying again").wait_for()
    with serving(port, tmp_path):
        words(presenter, "Presenting to")
        words(follower, "Following")
        presenter.page.locator("#explore-hue").fill("0.3")
        same_state(presenter, follower, "shown.hue === '0.3'")
        equal(presenter, follower)
        assert follower.page.locator("#notice").inner_text() == ""
