"""The Sweep page in a browser: a sweep of two parameters and two networks, looked into, opened and brushed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from gestures import eventually, pixels_of
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LINK = "/sweep?axis1=pitch:-40:40:5&axis2=yaw:-60:60:5&measures=margin:250"
CELLS = 5


@pytest.fixture
def swept(opened: Callable[..., Any]) -> Page:
    page = opened(LINK, wait=False, fresh=True).page
    expect(page.locator("#sweep-about")).to_contain_text("25 scenes × 2 networks: some", timeout=60_000)
    page.locator("#sweep-run").click()
    expect(page.locator("#sweep-progress")).to_contain_text("25 of 25 scenes.", timeout=120_000)
    expect(page.locator("#sweep-graph .heatmaplayer image")).to_have_count(2)
    page.wait_for_timeout(500)
    return page


def place(page: Page, row: int, column: int, network: int = 0) -> tuple[float, float]:
    """Where a cell is, from the lower left."""
    box = page.locator("#sweep-graph .nsewdrag").nth(network).bounding_box()
    assert box is not None
    return (
        box["x"] + box["width"] * (column + 0.5) / CELLS,
        box["y"] + box["height"] * (CELLS - row - 0.5) / CELLS,
    )


def test_a_scene_is_seen_where_it_is_pointed_at_and_opened_by_a_click(swept: Page) -> None:
    page = swept
    x, y = place(page, 1, 3, network=1)
    page.mouse.move(x - 10, y)
    page.mouse.move(x, y, steps=3)
    tip = page.locator(".sweep-tip")
    expect(tip).to_contain_text("Pitch -20°, Yaw 30°")
    expect(tip).to_contain_text("Lite0 adversarial sees ")
    assert pixels_of(str(tip.locator("img").get_attribute("src"))).shape == (112, 112, 3)
    page.mouse.click(x, y)
    expect(page).to_have_url(re.compile(r"/\?.*yaw=30"))
    page.locator("#explore").wait_for()
    shown = """() => document.querySelector("[data-sequence]")?.dataset.state ?? ''"""
    eventually(lambda: {"yaw=30", "pitch=-20", "pinned=250"} <= set(page.evaluate(shown).split("&")))
    page.locator("#explore-sweep").click()
    expect(page.locator("#sweep-changes")).to_have_text("Yaw 30°, Pitch -20°.")


def test_scenes_in_a_box_are_listed(swept: Page) -> None:
    page = swept
    page.mouse.move(*(one - 5 for one in place(page, 3, 0)))
    page.mouse.down()
    page.mouse.move(*(one + 5 for one in place(page, 2, 1)), steps=8)
    page.mouse.up()
    rows = page.locator("#sweep-list tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("11: Pitch 0°, Yaw -60°")
    assert pixels_of(str(rows.first.locator("img").get_attribute("src"))).shape == (112, 112, 3)
    page.locator("#sweep-number").fill("13")
    page.keyboard.press("Tab")
    expect(page.locator("#sweep-scene")).to_contain_text("Pitch 0°, Yaw 0°")
    page.locator("#sweep-scene a").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/\?.*yaw=0"))
