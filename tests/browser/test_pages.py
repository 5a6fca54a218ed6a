"""Visiting pages again and again leaves nothing behind."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.browser

ROUNDS = 30

ALIVE = """() => {
    const canvas = document.querySelector('.canvas canvas');
    const context = canvas.getContext('webgl2') || canvas.getContext('webgl');
    return !context.isContextLost();
}"""


def test_thirty_visits(opened: Callable[..., Any]) -> None:
    watched = opened("/?yaw=10", fresh=True)
    page = watched.page
    devtools = page.context.new_cdp_session(page)
    nodes, heap = [], []
    for _ in range(ROUNDS):
        page.get_by_role("link", name="Help").click()
        page.locator("table").wait_for()
        devtools.send("HeapProfiler.collectGarbage")
        counted = devtools.send("Memory.getDOMCounters")
        nodes.append((counted["nodes"], counted["jsEventListeners"]))
        heap.append(devtools.send("Runtime.getHeapUsage")["usedSize"] / 2**20)
        page.get_by_role("link", name="Explore").click()
        watched.settle()
        assert page.evaluate(ALIVE)
    assert watched.shown()["scene"] == {"yaw": 10}  # the way back leads to the state that was left
    assert watched.errors == []
    early, late = slice(4, 9), slice(-5, None)
    assert min(heap[late]) < min(heap[early]) + 4, f"heap in MiB: {heap}"
    for kind in (0, 1):
        counts = [pair[kind] for pair in nodes]
        assert min(counts[late]) < min(counts[early]) * 1.2 + 100, f"nodes and listeners: {nodes}"
