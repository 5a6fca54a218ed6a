"""Pages for everybody: nothing that axe-core calls serious or critical, by day and by night, and all of it by keys."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from gestures import drawn_scene, eventually, shuts_nobody_out, wait_for_scene
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LITE0 = "efficientnet_lite0"
ATTACK = f"attack=pgd(l2=1,steps=2;{LITE0})"

Do = Callable[[Page], Any]


def asked_for_a_model(page: Page) -> None:
    page.locator(".model .dash-dropdown").first.click()
    page.locator(".dash-dropdown-option", has_text="Another model").click()
    page.locator(".modal-title").wait_for()


def asks(selector: str) -> Do:
    """Clicks what opens the dialog."""

    def click(page: Page) -> None:
        page.locator(selector).first.click()
        page.locator(".modal.show .modal-title").wait_for()

    return click


def exports(page: Page) -> None:
    page.locator(".export:not(.in-depth, .in-cka, .in-same)").first.click(force=True)
    page.locator(".modal.show .modal-title").wait_for()


def unfolded(page: Page) -> None:
    page.locator(".groups details").evaluate_all("(groups) => groups.forEach((group) => (group.open = true))")


def toured(page: Page) -> None:
    page.evaluate("location.hash = '#tour'")
    page.locator(".tour button").first.wait_for()


def clicks(selector: str, shown: str) -> Do:
    """Clicks what shows something."""

    def click(page: Page) -> None:
        page.locator(selector).first.click()
        page.locator(shown).first.wait_for()

    return click


CASES: list[tuple[str, Do | None]] = [
    ("/", None),
    ("/", unfolded),
    ("/", toured),
    ("/", asks(".choice .quiet")),
    ("/?l1=conv_stem&c1=31&h2=1", asks(".picture img:not([hidden])")),  # what no other test orders, and takes back
    ("/", clicks("#explore-slot-0 .dash-dropdown", ".dash-dropdown-content")),
    ("/", clicks(".recipe summary", ".recipe .menu")),
    *((f"/?{ATTACK}&attack_figure={figure}", None) for figure in ("layers", "models", "curve")),
    ("/", clicks("#explore-drawer label:nth-child(2)", "#explore-drawer.open")),
    ("/", clicks("#explore-drawer label:nth-child(3)", "#explore-drawer.open")),
    *((f"/compare?tab={tab}", None) for tab in ("channels", "depth", "cka", "same")),
    ("/compare", asked_for_a_model),
    ("/mixing", None),
    ("/mixing", asks("#mixing-save")),
    *((path, exports) for path in ("/?cards=none", "/compare", "/checkpoints?tab=curves")),
    (f"/mixing?edit=prune({LITE0};blocks.3=0-0.5)", None),
    *((f"/checkpoints?tab={tab}", None) for tab in ("curves", "pictures", "maps", "kernels")),
    ("/", clicks("#explore-session-toggle", "#explore-session-panel p")),
    ("/", clicks("#explore-link-toggle", "#explore-session-panel .address")),
    ("/sweep", None),
    ("/sweep?axis1=pitch:0:20:2&axis2=yaw:0:20:2", clicks("#sweep-run", "#sweep-graph .heatmaplayer image")),
    *((f"/experiments?experiment={name}", None) for name in ("fluctuation", "labelled-attacks", "tuning")),
    ("/test?b=texture_influence%3D0&views=6", clicks("#test-run", "#test-result .sentence")),
    ("/test?b=attack%3Dx", None),
    ("/sessions", None),
    ("/library", None),
    ("/help", None),
    ("/nowhere", None),
]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "do"), CASES, ids=lambda part: getattr(part, "__name__", None))
def test_nothing_shuts_anybody_out(opened: Callable[..., Any], path: str, do: Do | None) -> None:
    without_scene = ("/help", "/nowhere", "/sessions", "/library", "/sweep", "/experiments", "/test")
    plain = path.partition("?")[0] in without_scene
    watched = opened(path, wait=not plain, fresh=path == "/nowhere", expected_errors=["404"])
    page = watched.page
    page.locator(".help, .shelf, .sweep, .experiments .card, .claim" if plain else ".stage").wait_for()
    if do is not None:
        do(page)
    page.wait_for_timeout(400)  # until what comes late has its name, and what fades in is there
    try:
        shuts_nobody_out(page)
    finally:
        page.keyboard.press("Escape")


# ---- by the keyboard ----------------------------------------------------------------------------------------------

SEEN = """() => {
    const at = document.activeElement;
    const places = [at, at.closest(".dash-input-container"), at.closest("label"), at.closest(".drop")];
    const outlined = (place) => place && getComputedStyle(place).outlineStyle === "solid";
    return at.matches(".place") || places.some(outlined) || at.outerHTML.slice(0, 200);
}"""
"""Whether it is seen where the keyboard is; the heatmaps show a unit."""


def tab_to(page: Page, selector: str, most: int = 150) -> None:
    """Go on by the Tab key; every place on the way is seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN) is True
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the Tab key does not lead to {selector}")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.slow
def test_explore_is_used_by_the_keyboard_alone(opened: Callable[..., Any]) -> None:
    watched = opened("/?cards=none", fresh=True)
    page = watched.page
    tab_to(page, ".skip-link")
    press(page, "Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"

    tab_to(page, ".pointer")
    press(page, "ArrowRight", "Shift+ArrowUp", "-")
    watched.wait_for("shown.yaw === '-30' && Number(shown.pan_y) > 0 && Number(shown.distance) > 4")
    press(page, "Home")
    wait_for_scene(watched)
    press(page, "ArrowLeft", "0")
    wait_for_scene(watched)

    tab_to(page, "#explore-attack-title")
    press(page, "Enter")
    page.get_by_role("button", name="Run", exact=True).wait_for()
    tab_to(page, ".dash-dropdown")
    press(page, "Enter")
    page.locator(".dash-dropdown-content :focus").wait_for()
    press(page, "ArrowDown", "Escape")
    expect(page.locator(".dash-dropdown-content")).to_have_count(0)
    expect(page.locator("#explore-attack .dash-dropdown").first).to_be_focused()
    page.wait_for_timeout(500)  # Dash has heard of the controls that have come to be
    tab_to(page, "[title='Take one step']")
    press(page, "Enter")
    watched.wait_for("shown.attack")
    tab_to(page, "[title^='Back to the picture']")
    press(page, "Enter")
    watched.wait_for("!shown.attack")

    tab_to(page, ".choice .quiet")
    press(page, "Enter")
    page.locator(".modal.show .modal-title").wait_for()
    press(page, "Escape")
    expect(page.locator(".modal")).to_have_count(0)
    assert page.evaluate("document.activeElement.matches('.choice .quiet')")

    tab_to(page, "#explore-yaw")
    press(page, "ArrowRight")
    wait_for_scene(watched, yaw=-34.9)
    tab_to(page, ".place")
    press(page, "ArrowDown", "ArrowDown", "ArrowRight")
    expect(page.locator(":focus .unit-of-keys")).to_contain_text("row 2, column 1")
    press(page, "Enter")
    expect(page.locator("#explore-about-input")).to_contain_text("row 2, column 1")
    tab_to(page, ".bars .row")
    press(page, "Enter")
    watched.wait_for("shown.pinned")
    tab_to(page, "#explore-drawer input")
    press(page, "ArrowRight")
    expect(page.locator("#explore-drawer")).to_have_class("drawer open")
    assert drawn_scene(watched) == {"yaw": "-34.9"}


def test_the_tour_and_what_is_unfolded_close_by_escape(opened: Callable[..., Any]) -> None:
    page = opened("/?cards=none").page
    page.locator(".recipe summary").focus()
    press(page, "Enter", "Tab", "Escape")
    assert page.locator(".recipe[open]").count() == 0
    assert page.evaluate("document.activeElement.matches('.recipe summary')")
    toured(page)
    page.locator(".tour .next").focus()
    press(page, "Escape")
    expect(page.locator(".tour button")).to_have_count(0)


# ---- by ear, without colours, without motion ----------------------------------------------------------------------


def test_controls_say_what_they_are(opened: Callable[..., Any]) -> None:
    page = opened("/?cards=none").page
    page.get_by_role("button", name="Object Dog ↔ Cat").wait_for()
    page.get_by_role("button", name="Model 2: network Lite0 adversarial").wait_for()
    page.get_by_role("slider", name="Activation normalisation").wait_for()
    page.get_by_role("textbox", name="Model 1: channels").wait_for()
    page.get_by_role("radiogroup", name="Figure").wait_for()
    page.get_by_role("region", name="Model 1").get_by_role("application").wait_for()


@pytest.mark.slow
def test_news_is_said_once_nothing_moves(opened: Callable[..., Any]) -> None:
    watched = opened("/?cards=none")
    page, before = watched.page, watched.sequence()
    eventually(lambda: page.locator("#said").inner_text().startswith("Model 1: "))
    page.wait_for_timeout(4500)  # what was said is heard
    page.evaluate(
        """() => {
            window.said = [];
            const noted = () => window.said.push(performance.now());
            new MutationObserver(noted).observe(document.getElementById("said"), { childList: true });
        }"""
    )
    page.locator(".pointer").focus()
    for _ in range(12):
        press(page, "ArrowRight")
        page.wait_for_timeout(100)
        assert page.locator("#explore").evaluate("(root) => root.dataset.busy === root.ariaBusy")
    watched.settle()
    assert watched.sequence() > before
    top = page.locator("#explore-slot-1 .bars .name").first.inner_text()
    eventually(lambda: f"Model 2: {top}" in page.locator("#said").inner_text())
    times = page.evaluate("window.said")
    assert all(later - earlier > 3500 for earlier, later in pairwise(times))


def test_saved_figures_are_those_of_the_day(opened: Callable[..., Any]) -> None:
    page = opened("/?cards=none&summary=true").page
    figure = page.locator("#explore-figure .js-plotly-plot")
    line = figure.locator(".js-line").first
    line.wait_for()
    day = line.evaluate("(line) => getComputedStyle(line).stroke")
    try:
        page.emulate_media(color_scheme="dark")
        eventually(lambda: line.evaluate("(line) => getComputedStyle(line).stroke") != day)
        drawn = figure.evaluate("(plot) => Plotly.toImage(plot, { format: 'svg' }).then(decodeURIComponent)")
    finally:
        page.emulate_media(color_scheme="light")
    assert day == "rgb(31, 78, 140)"
    assert f"stroke: {day}" in drawn
    assert "fill: rgb(33, 37, 41)" in drawn


def test_nothing_moves_by_itself_for_who_asks_for_that(opened: Callable[..., Any]) -> None:
    page = opened("/?cards=none").page
    button = page.locator("#explore-slot-0 .export").first
    page.emulate_media(reduced_motion="reduce")
    assert button.evaluate("(button) => getComputedStyle(button).transitionProperty") == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert button.evaluate("(button) => getComputedStyle(button).transitionProperty") == "opacity"
