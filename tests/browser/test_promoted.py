"""The Test page in a browser: from Explore to a result, a report, and a test that a session keeps."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Site
from gestures import shuts_nobody_out
from playwright.sync_api import Page, expect

from perturber.sessions import FILE, Sessions

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LONG = 60_000
"""Milliseconds, on a machine that does other things as well."""

SMALL = "/test?b=texture_influence%3D0&views=6&models=efficientnet_lite0"


@pytest.fixture
def session(site: Site) -> Iterator[tuple[Sessions, str]]:
    """One of the site, which is gone afterwards."""
    sessions = Sessions(site.service.settings.data)
    yield sessions, sessions.create("Fur")
    for file in site.service.settings.data.glob(f"{FILE}*"):
        file.unlink()


def ran(page: Page) -> str:
    """The sentence of the test that the page shows, once it is done."""
    expect(page.locator("#test-estimate")).to_contain_text("6 pairs, 12 pictures × 1 networks: about", timeout=LONG)
    page.locator("#test-run").click()
    sentence = page.locator("#test-result .sentence")
    expect(sentence).to_contain_text("when Texture Influence goes from 1 to 0.", timeout=LONG)
    return sentence.inner_text()


def test_from_explore_to_two_scenes(opened: Open) -> None:
    page = opened("/?cards=none&a1=0&h2=1&texture_influence=0").page
    page.get_by_role("button", name="Test this").click()
    expect(page.locator("#test-scenes img")).to_have_count(2, timeout=LONG)
    row = page.locator("#test-scenes tbody tr")
    expect(row).to_have_text(["Texture Influence10"])
    expect(page.locator("#test-estimate")).to_contain_text("80 pairs, 160 pictures × 2 networks", timeout=LONG)
    views = page.locator("#test-views")
    views.fill("1")
    views.press("Enter")
    expect(page.locator("#test-estimate")).to_contain_text("16 pairs, 32 pictures × 2 networks", timeout=LONG)
    page.wait_for_function("location.search.includes('views=1')")
    page.get_by_role("button", name="Swap").click()
    expect(row).to_have_text(["Texture Influence01"], timeout=LONG)


def test_a_result_is_shown_saved_and_kept(opened: Open, session: tuple[Sessions, str]) -> None:
    sessions, id_ = session
    page = opened(SMALL, wait=False, fresh=True).page
    page.evaluate("(open) => sessionStorage.setItem('session', JSON.stringify(open))", {"id": id_, "name": "Fur"})
    page.reload()
    sentence = ran(page)
    expect(page.locator("#test-result .errorbars path").first).to_be_visible()
    expect(page.locator("#test-result tbody tr")).to_have_count(1)
    shuts_nobody_out(page)

    with page.expect_download(timeout=LONG) as download:
        page.locator("#test-html").click()
    assert download.value.suggested_filename == "test-texture-influence.html"
    assert sentence in Path(download.value.path()).read_text(encoding="utf-8")

    page.locator("#test-name").fill("Texture")
    page.get_by_role("button", name="Keep in session").click()
    expect(page.locator("#test-done")).to_have_text("Kept as “Texture” in Fur.", timeout=LONG)
    _of_the_session(page, sessions, id_, sentence)


def _of_the_session(page: Page, sessions: Sessions, id_: str, sentence: str) -> None:
    """Its page lists the test; there it is renamed, deleted and brought back."""
    page.locator("#link-sessions").click()
    page.get_by_role("link", name="Fur").click()
    rows = page.locator("#sessions-tests tbody tr")
    (p,) = [row["p"] for row in sessions.tests(id_)[0].value["rows"]]
    expect(rows).to_have_count(1, timeout=LONG)
    assert rows.locator("td").all_inner_texts()[1:] == [sentence, "EfficientNet-Lite0", f"{p:.4f}", f"{p:.4f}"]
    shuts_nobody_out(page)

    def choose(name: str) -> None:
        page.locator("#sessions-tests .dash-dropdown").click()
        page.locator(".dash-dropdown-option", has_text=name).click()

    choose("Texture")
    page.get_by_label("New name of the test").fill("Fur or shape")
    page.get_by_role("button", name="Rename").click()
    expect(rows.first).to_contain_text("Fur or shape", timeout=LONG)
    choose("Fur or shape")
    page.locator("#sessions-tests").get_by_role("button", name="Delete").click()
    expect(rows).to_have_count(0, timeout=LONG)
    assert not sessions.tests(id_)
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(1, timeout=LONG)
    page.get_by_role("link", name="Fur or shape").click()
    expect(page.locator("#test-result .sentence")).to_have_text(sentence, timeout=LONG)


def test_what_is_left_out_is_said(opened: Open) -> None:
    attack = "attack%3Dpgd(l2%3D1%2Csteps%3D2%3Befficientnet_lite0)"
    page = opened(f"/test?b=texture_influence%3D0%26{attack}", wait=False).page
    expect(page.locator("#test-scenes .left")).to_have_text(
        "The attack on B is left out: a test is of scenes only.", timeout=LONG
    )
