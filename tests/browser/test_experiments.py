"""The Experiments page in a browser: a small measurement runs to its figure, and its link opens it again."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from gestures import shuts_nobody_out
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LONG = 60_000
"""Milliseconds, on a machine that does other things as well."""


def field(name: str) -> str:
    """Selector of a field of the open card."""
    return f"[id='{json.dumps({'field': name, 'page': 'experiments'}, separators=(',', ':'))}']"


def test_a_measurement_runs_to_its_figure(opened: Callable[..., Any]) -> None:
    page = opened("/experiments?m1=efficientnet_lite0", wait=False, fresh=True).page
    words = page.locator("#experiments-words")
    expect(words).to_contain_text("112 pictures × 1 network: about ", timeout=LONG)
    values = page.locator(field("o-count"))
    values.fill("2")
    values.press("Enter")
    expect(words).to_contain_text("32 pictures × 1 network", timeout=LONG)
    page.wait_for_function("location.search.includes('count=2')")
    page.locator("#experiments-run").click()
    expect(words).to_have_text("Done.", timeout=LONG)
    bars = page.locator("#experiments-graph .bars .point")
    expect(bars).to_have_count(5, timeout=LONG)
    expect(page.locator("#experiments-numbers tbody tr")).to_have_count(5, timeout=LONG)
    page.locator("#experiments-views .dash-dropdown").click()
    page.locator(".dash-dropdown-option", has_text="Class changes").click()
    expect(page.locator("#experiments-graph .ytitle")).to_have_text("Class changes (%)", timeout=LONG)
    page.wait_for_function("location.search.includes('figure=class')")
    shuts_nobody_out(page)
    with page.expect_download() as download:
        page.locator("#experiments-csv").click()
    assert download.value.suggested_filename == "experiments-fluctuation.csv"
    link = page.evaluate("location.pathname + location.search")
    again = opened(link, wait=False, fresh=True).page
    expect(again.locator("#experiments-graph .ytitle")).to_have_text("Class changes (%)", timeout=LONG)


def test_the_list_opens_cards(opened: Callable[..., Any]) -> None:
    page = opened("/experiments", wait=False, fresh=True).page
    page.get_by_role("button", name="Tuning curves").click()
    expect(page.locator(".experiments h1")).to_have_text("Tuning curves", timeout=LONG)
    page.wait_for_function("location.search.includes('experiment=tuning')")
    page.locator(field("o-over")).click()
    page.locator(".dash-dropdown-option", has_text="A scene over two parameters").click()
    expect(page.locator(field("o-first_low"))).to_have_value("-180", timeout=LONG)
    expect(page.locator(".entry[aria-current]")).to_have_text("Tuning curves", timeout=LONG)
    page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate("document.querySelector('header').scrollWidth <= innerWidth")
    assert len({round(box.bounding_box()["y"]) for box in page.locator("header .nav-link").all()}) == 1


def test_run_does_not_wait_for_the_estimate(opened: Callable[..., Any], site: Any) -> None:
    site.engine.delay = 1.0  # how long it takes is found out by looking
    page = opened("/experiments?m1=efficientnet_lite0&count=3", wait=False, fresh=True).page
    page.locator("#experiments-run").click()
    site.engine.delay = 0.0
    expect(page.locator("#experiments-words")).to_have_text("Done.", timeout=LONG)
    expect(page.locator("#experiments-graph .bars .point")).to_have_count(5, timeout=LONG)
