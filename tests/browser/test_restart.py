"""Servers that are killed, laptops that sleep, tabs that are closed: open pages go on by themselves."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Site, Watched
from gestures import control, notice, wait_for_scene
from playwright.sync_api import Browser, Route
from test_honest_display import GONE

from perturber.bench.chromium import been_here
from perturber.bench.server import APP, _wait, free_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Open = Callable[..., Watched]


def start(port: int, data: Path) -> subprocess.Popen:
    environment = os.environ | {"PERTURBER_PORT": str(port), "PERTURBER_DATA": str(data), "PERTURBER_DEVICE": "cpu"}
    return subprocess.Popen([sys.executable, str(APP)], env=environment, stderr=subprocess.PIPE, text=True)


@contextmanager
def serving(port: int, data: Path) -> Iterator[subprocess.Popen]:
    """A server of its own process, which is killed in the end if it still runs."""
    process = start(port, data)
    try:
        _wait(f"http://127.0.0.1:{port}", process)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_server_that_is_killed_and_started_again_is_found(browser: Browser, tmp_path: Path) -> None:
    """The page says so meanwhile, and goes on with its state and what was chosen since; a second server is refused."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    page = browser.new_page(storage_state=been_here(url))
    page.set_default_timeout(120_000)
    watched = Watched(page)
    try:
        with serving(port, tmp_path) as server:
            second = start(0, tmp_path)
            page.goto(f"{url}/?c1=1&c2=1&yaw=20")
            watched.settle()
            page.locator(control("on", 1)).click()
            watched.wait_for("shown.c2 === '2'")
            _, said = second.communicate(timeout=120)
            assert second.returncode == 2
            assert said.startswith("perturber: Another server runs on the data folder")
            assert len(said.splitlines()) == 1
            server.send_signal(signal.SIGKILL)
            server.wait()
        page.locator("#explore-hue").fill("0.2")
        page.locator(control("on", 0)).click()
        notice(watched, "The server does not answer; trying again")
        with serving(port, tmp_path):
            watched.wait_for("shown.c1 === '2' && shown.c2 === '2' && shown.yaw === '20'")
            wait_for_scene(watched, hue=0.2, yaw=20)
            assert page.locator("#notice").inner_text() == ""
            page.locator(control("on", 1)).click()
            watched.wait_for("shown.c2 === '3'")
        assert [error for error in watched.errors if not any(words in error for words in GONE)] == []
    finally:
        page.context.close()


def test_a_laptop_that_sleeps_and_wakes_goes_on(opened: Open) -> None:
    """Its network is gone for a while, with an answer on its way."""
    watched = opened("/?c1=1&c2=1", fresh=True, expected_errors=("ERR_INTERNET_DISCONNECTED", *GONE))
    page = watched.page
    page.context.set_offline(True)
    page.locator("#explore-hue").fill("0.2")
    page.locator(control("on", 0)).click()
    notice(watched, "The server does not answer; trying again")
    page.context.set_offline(False)
    watched.wait_for("shown.c1 === '2' && shown.hue === '0.2'")
    assert page.locator("#notice").inner_text() == ""


def test_an_answer_that_was_lost_while_a_laptop_slept_is_asked_for_again(opened: Open) -> None:
    """The server is there whenever the page asks, but that one answer never comes."""
    watched = opened("/?c1=1&c2=1", fresh=True, expected_errors=("ERR_FAILED", *GONE))
    page = watched.page
    lost: list[str] = []

    def lose(route: Route) -> None:
        if not lost and "explore-panel.answer" in (route.request.post_data or ""):
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route(re.compile("_dash-update-component"), lose)
    page.locator("#explore-hue").fill("0.3")
    for _ in range(300):
        page.wait_for_timeout(200)
        if lost:
            break
    page.wait_for_timeout(5000)
    assert len(lost) == 1
    assert "hue" not in watched.shown()
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 120_000; }")
    watched.wait_for("shown.hue === '0.3'")
    page.locator(control("on", 0)).click()
    watched.wait_for("shown.c1 === '2' && shown.hue === '0.3'")


def test_a_browser_that_disappears_frees_its_work(browser: Browser, site: Site) -> None:
    """In the midst of an attack, with looks on their way: soon nobody asks for anything."""
    page = browser.new_page(storage_state=been_here(site.url))
    watched = Watched(page)
    page.goto(f"{site.url}/?c1=1&c2=1")
    watched.settle()
    site.engine.delay = 0.5
    try:
        page.locator("#explore-hue").fill("0.4")
        page.wait_for_timeout(100)
        page.locator("#explore-hue").fill("0.5")
        page.context.close()

        def idle() -> bool:
            return site.service.health().waiting == 0

        end = time.monotonic() + 20
        while not idle() and time.monotonic() < end:
            time.sleep(0.1)
        time.sleep(1.5)
        answer, asked = site.engine.answer, []
        site.engine.answer = lambda requests: asked.append(requests) or answer(requests)  # type: ignore[method-assign,func-returns-value]
        time.sleep(2)
        assert idle()
        assert asked == []
    finally:
        site.engine.__dict__.pop("answer", None)
        site.engine.delay = 0.0
