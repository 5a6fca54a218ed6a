"""Pages for everybody: nothing that axe-core calls serious or critical, by day and by night, and all of it by keys."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

LITE0 = "efficientnet_lite0"
ATTACK = f"attack=pgd(l2=1,steps=2;{LITE0})"
OPTIONS = {"resultTypes": ["violations"]}

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
    ("/", asks(".picture img:not([hidden])")),
    ("/", clicks("#explore-slot-0 .dash-dropdown", ".dash-dropdown-content")),
    ("/", clicks(".recipe summary", ".recipe .menu")),
    *((f"/?{ATTACK}&attack_figure={figure}", None) for figure in ("layers", "models", "curve")),
    ("/", clicks("#explore-drawer label:nth-child(2)", "#explore-drawer.open")),
    ("/", clicks("#explore-drawer label:nth-child(3)", "#explore-drawer.open")),
    *((f"/compare?tab={tab}", None) for tab in ("channels", "depth", "cka", "same")),
    ("/compare", asked_for_a_model),
    ("/mixing", None),
    ("/mixing", asks("#mixing-save")),
    (f"/mixing?edit=prune({LITE0};blocks.3=0-0.5)", None),
    *((f"/checkpoints?tab={tab}", None) for tab in ("curves", "pictures", "maps", "kernels")),
    ("/help", None),
    ("/nowhere", None),
]


@pytest.mark.parametrize(("path", "do"), CASES, ids=lambda part: getattr(part, "__name__", None))
def test_nothing_shuts_anybody_out(opened: Callable[..., Any], path: str, do: Do | None) -> None:
    plain = path in ("/help", "/nowhere")
    watched = opened(path, wait=not plain, fresh=path == "/nowhere", expected_errors=["404"])
    page = watched.page
    page.locator(".help" if plain else ".stage").wait_for()
    if do is not None:
        do(page)
    page.wait_for_timeout(400)  # until what comes late has its name, and what fades in is there
    try:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(300)  # until it is drawn so
            assert serious(page) == [], scheme
    finally:
        page.emulate_media(color_scheme="light")
        page.keyboard.press("Escape")


def serious(page: Page) -> list[tuple[str, str]]:
    """Rule and element of what axe-core finds grave."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], node["html"][:200]) for one in grave for node in one["nodes"]]
