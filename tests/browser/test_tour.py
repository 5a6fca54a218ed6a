"""The tour of Explore: on the first visit, never again once it is over, and again from Help."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from conftest import Site, Watched
from playwright.sync_api import Browser, FloatRect, Locator, Page, expect

pytestmark = pytest.mark.browser

FirstVisit = Callable[..., Watched]

OUTLINED = (
    "#explore .pictures",
    "#explore .slot:not(.vacant) > .figure",
    "#explore .slot:not(.vacant) > .predictions",
    "#explore-attack",
    "#link-explore",
)
"""What each step is about."""

SIZES = ((1280, 720), (1440, 900), (1920, 1080), (3840, 2160))

QUIET = "cards=none&c1=1&c2=1"
"""Few neurons and no feature visualisations, which would keep the machine busy."""

PATIENCE_MS = 60_000

# Notes whether there has been a card at any moment since.
RECORDER = """() => {
    const note = () => {
        window.seen ||= Boolean(document.getElementById("tour-card")?.childElementCount);
        requestAnimationFrame(note);
    };
    note();
}"""


@pytest.fixture
def first_visit(browser: Browser, site: Site) -> Iterator[FirstVisit]:
    """Opens the dashboard in a browser that does not know it."""
    opened: list[Watched] = []

    def visit(path: str = f"/?{QUIET}") -> Watched:
        opened.append(Watched(browser.new_page(viewport={"width": 1440, "height": 900})))
        opened[-1].page.set_default_timeout(PATIENCE_MS)
        opened[-1].page.goto(site.url + path)
        return opened[-1]

    yield visit
    for one in opened:
        one.page.context.close()
        assert one.errors == []


def card(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Tour of Explore")


def expect_step(page: Page, number: int) -> None:
    expect(card(page).get_by_text(f"{number} of 5")).to_be_visible(timeout=PATIENCE_MS)


def press(page: Page, name: str) -> None:
    card(page).get_by_role("button", name=name, exact=True).click()


def overlap(one: FloatRect, other: FloatRect) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]  # type: ignore[literal-required]
        for at, size in (("x", "width"), ("y", "height"))
    )


def boxes(found: Locator) -> list[FloatRect]:
    return [box for one in found.all() if (box := one.bounding_box()) is not None]


@pytest.mark.slow
def test_five_steps_beside_what_they_are_about(first_visit: FirstVisit) -> None:
    watched = first_visit()
    page = watched.page
    watched.settle()
    for number, selector in enumerate(OUTLINED, 1):
        expect_step(page, number)
        assert card(page).get_by_role("button").all_inner_texts() == [
            *(["Skip"] if number < 5 else []), *(["Back"] if number > 1 else []), "Next" if number < 5 else "Done"
        ]  # fmt: skip
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            (shown,) = boxes(card(page))
            assert min(shown["x"], shown["y"]) >= 0
            assert shown["x"] + shown["width"] <= width
            assert shown["y"] + shown["height"] <= height
            things = boxes(page.locator(selector))
            assert len(things) == page.locator(selector).count() > 0
            if number == 4:  # its text sends the visitor there, too
                things += boxes(page.locator(f"{OUTLINED[2]}, #explore-input"))
            assert not any(overlap(shown, thing) for thing in things), (number, width)
        for other in OUTLINED:
            for thing in page.locator(other).all():
                style = thing.evaluate("(element) => getComputedStyle(element).outlineStyle")
                assert style == ("solid" if other == selector else "none")
        press(page, "Next" if number < 5 else "Done")
    expect(card(page)).to_have_count(0, timeout=PATIENCE_MS)
    page.reload()
    page.evaluate(RECORDER)
    watched.settle()
    page.wait_for_timeout(500)
    assert not page.evaluate("window.seen")


def test_the_page_can_be_used_meanwhile(first_visit: FirstVisit) -> None:
    watched = first_visit(f"/?{QUIET}&yaw=0")
    page = watched.page
    watched.settle()
    press(page, "Next")
    page.locator(".pointer").press("ArrowRight")
    watched.wait_for("Number(shown.yaw) === 5")
    expect_step(page, 2)
    page.locator("header").get_by_role("link", name="Help").click()
    page.locator("table").last.wait_for()
    expect(card(page)).to_have_count(0, timeout=PATIENCE_MS)  # it belongs to Explore alone
    page.locator("header").get_by_role("link", name="Explore").click()
    expect_step(page, 2)


def test_by_keyboard(first_visit: FirstVisit) -> None:
    watched = first_visit()
    page = watched.page
    watched.settle()
    card(page).get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    expect_step(page, 2)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(card(page).get_by_role("button", name="Skip")).to_be_focused()
    page.keyboard.press("Space")
    expect(card(page)).to_have_count(0, timeout=PATIENCE_MS)


@pytest.mark.slow
def test_help_starts_it_again(first_visit: FirstVisit) -> None:
    watched = first_visit()
    page = watched.page
    watched.settle()
    press(page, "Skip")
    expect(card(page)).to_have_count(0, timeout=PATIENCE_MS)
    page.locator("header").get_by_role("link", name="Help").click()
    page.get_by_role("link", name="Take the tour of Explore").click()
    watched.settle()
    expect_step(page, 1)
    assert page.locator("#explore-problems p").all_inner_texts() == []
    watched.query()  # the page has written its own address
    assert "tour" not in page.url
    assert urlsplit(page.url).fragment == ""
    press(page, "Skip")
    expect(card(page)).to_have_count(0, timeout=PATIENCE_MS)
    page.reload()
    watched.settle()
    expect(card(page)).to_have_count(0, timeout=PATIENCE_MS)
