"""Labels and names that look like markup, as a browser draws them: letter by letter."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from odd_networks import put
from playwright.sync_api import expect

from perturber.zoo import own

pytestmark = pytest.mark.browser

LABEL = "A <b>bold</b> &amp; $y$ %{y}"
CLASSES = [*(f"{n} <i>x</i> & <sub>y</sub> %{{y}}" for n in range(9)), '<a href="https://e.x">link</a>']

Open = Callable[..., Any]


@pytest.fixture
def models(site: Any) -> Iterator[None]:
    settings = site.service.settings
    for name in ("marked_one", "marked_two"):
        put(settings, "marked", name=name, label=LABEL, classes=CLASSES)
    yield
    for name in ("marked_one", "marked_two"):
        own.remove(name, settings)


def drawn(watched: Any, text: str) -> None:
    """Wait until Plotly draws exactly this text somewhere."""
    watched.page.wait_for_function(
        "(text) => [...document.querySelectorAll('.js-plotly-plot text')].some((one) => one.textContent === text)",
        arg=text,
    )


@pytest.mark.usefixtures("models")
def test_compare(opened: Open) -> None:
    watched = opened("/compare?m1=marked_one&m2=marked_two&tab=depth")
    drawn(watched, f"2 · {LABEL}")  # the legend
    drawn(watched, "0<b>bold</b>%{z}")  # an axis
    point = watched.page.locator(".chart.depth .scatterlayer .trace .point").first.bounding_box()
    # Equal networks' points lie on the axis, at the edge of what hears the pointer.
    x, y = point["x"] + point["width"] / 2, point["y"] - 2
    watched.page.mouse.move(x + 2, y)
    watched.page.mouse.move(x, y)
    label = watched.page.locator(".hoverlayer .hovertext").first
    expect(label).to_contain_text(f"2 · {LABEL}: ")
    expect(label).to_contain_text("0<b>bold</b>%{z}")
    expect(watched.page.locator(".models .model").first).to_contain_text(LABEL)


@pytest.mark.usefixtures("models")
def test_explore(opened: Open) -> None:
    watched = opened("/?m1=marked_one&m2=marked_two&cards=none&pinned=0")
    watched.page.locator(".drawer .tabs label", has_text="History of classes").click()
    drawn(watched, f"Model 1: {CLASSES[0]}")
    expect(watched.page.locator("#explore-slot-0 .pins .name")).to_have_text(CLASSES[0])
