"""Slopes and flips beside the sliders."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

Open = Callable[..., Any]

pytestmark = pytest.mark.browser


def test_bars_and_marks_and_a_mark_that_is_true(opened: Open) -> None:
    watched = opened("/?cards=none&a1=0&h2=1&distance=4.5")
    page = watched.page
    page.get_by_label(re.compile("^Slopes")).check()
    bar = page.locator("[data-key=yaw] .slope")
    expect(bar).to_have_attribute("title", re.compile(r"^Model 1 .*per °, by central differences"), timeout=60_000)
    expect(bar).to_be_visible()
    mark = page.locator("[data-key=yaw] .flip").last
    expect(mark).to_have_attribute("aria-label", re.compile(" → .* at "), timeout=60_000)
    found = re.fullmatch(r"Model 1 \(.*\): (.*) → (.*) at (.*)°", mark.get_attribute("aria-label") or "")
    assert found
    names = page.locator("[aria-label='Model 1'] .bars .name")
    expect(names.first).to_have_text(found[1])
    slider = page.locator("#explore-yaw").bounding_box()
    at = mark.bounding_box()
    assert slider
    assert at
    share = (float(found[3]) + 180) / 360
    middle = slider["x"] + 8 + share * (slider["width"] - 16)
    assert at["x"] + at["width"] / 2 == pytest.approx(middle, abs=2)
    field = page.locator("[data-key=yaw]").get_by_label("Yaw, value", exact=True)
    field.fill(found[3])
    field.press("Enter")
    expect(names.first).to_have_text(found[2])
    assert "slopes" in watched.query()
    page.get_by_label(re.compile("^Slopes")).uncheck()
    expect(page.locator(".slope")).to_have_count(0)
    assert watched.errors == []
