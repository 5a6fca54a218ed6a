"""Visiting pages again and again leaves nothing behind, and two tabs keep out of each other's way."""

from collections.abc import Callable
from statistics import median
from typing import Any

import pytest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

ROUNDS = 20

# A query of each page that its looks bring back unchanged.
PAGES = {"Explore": "/?yaw=10", "Compare": "/compare?yaw=20", "Mixing": "/mixing?yaw=30", "Checkpoints": "/checkpoints"}

ALIVE = """() => {
    const canvas = document.querySelector(".canvas canvas");
    const context = canvas.getContext("webgl2") || canvas.getContext("webgl");
    return !context.isContextLost();
}"""


def go(watched: Any, name: str) -> None:
    watched.page.locator("header").get_by_role("link", name=name).click()


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_many_visits_to_a_page(opened: Open, name: str) -> None:
    watched = opened(PAGES[name], fresh=True)
    page = watched.page
    first = watched.shown()
    devtools = page.context.new_cdp_session(page)
    nodes, heap = [], []
    for _ in range(ROUNDS):
        go(watched, "Help")
        page.locator("table").last.wait_for()
        for _ in range(2):  # what the page that was left has under way may hold it a moment longer
            page.wait_for_timeout(200)
            devtools.send("HeapProfiler.collectGarbage")
        counted = devtools.send("Memory.getDOMCounters")
        nodes.append((counted["nodes"], counted["jsEventListeners"]))
        heap.append(devtools.send("Runtime.getHeapUsage")["usedSize"] / 2**20)
        go(watched, name)
        watched.settle()
        assert page.evaluate(ALIVE)
    assert watched.shown() == first  # the way back leads to the state that was left
    assert watched.errors == []
    early, late = slice(4, 9), slice(-5, None)
    assert median(heap[late]) < median(heap[early]) + 4, f"heap in MiB: {heap}"
    for kind in (0, 1):  # of one page that was left the browser may still know: of more it may not
        counts = [pair[kind] for pair in nodes]
        assert median(counts[late]) < median(counts[early]) * 1.2 + 100, f"nodes and listeners: {nodes}"


@pytest.mark.slow
def test_from_page_to_page(opened: Open) -> None:
    watched = opened("/?yaw=10", fresh=True)
    for _ in range(2):
        for name in ("Compare", "Mixing", "Checkpoints", "Explore"):
            go(watched, name)
            watched.page.locator(f"#{name.lower()} .pointer").wait_for()
            watched.settle()
            assert watched.page.evaluate(ALIVE)
    assert watched.shown()["yaw"].startswith("10")
    assert watched.errors == []


@pytest.mark.slow
def test_pages_in_two_tabs_lose_no_change(opened: Open) -> None:
    tabs = [opened("/?yaw=0&distance=4", fresh=True), opened("/mixing?yaw=0&distance=4", fresh=True)]
    for _ in range(5):
        for watched in tabs:
            watched.page.locator(".pointer").press("ArrowRight")
    for watched in tabs:
        watched.wait_for("Number(shown.yaw) === 25")
        assert watched.errors == []


@pytest.mark.slow
def test_a_page_that_is_left_at_once_does_no_harm(opened: Open) -> None:
    watched = opened("/help", wait=False, fresh=True)
    for _ in range(3):
        for name in ("Explore", "Compare", "Mixing", "Checkpoints", "Help"):
            go(watched, name)
    watched.page.locator("table").last.wait_for()
    go(watched, "Explore")
    watched.page.locator("#explore .pointer").wait_for()
    watched.settle()
    watched.page.locator(".pointer").press("ArrowRight")
    watched.wait_for("Number(shown.yaw) === -30")


def test_an_unknown_address(opened: Open) -> None:
    watched = opened("/nowhere", wait=False)
    watched.page.get_by_role("heading", name="There is no page at this address").wait_for()
    watched.page.get_by_role("link", name="help", exact=True).click()
    watched.page.locator("table").last.wait_for()
