"""Logging in before a real Chromium, and a page whose session ends while it is open."""

import re
from pathlib import Path

import pytest
from conftest import VIEWPORT, Site, Watched
from gestures import shuts_nobody_out
from playwright.sync_api import Browser, Page, expect

from perturber.accounts import Accounts
from perturber.bench.chromium import been_here
from perturber.config import Settings
from perturber.ui.components.scene_page import ENDED
from perturber.users import Role

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "correct horse battery"


def log_in(page: Page, password: str) -> None:
    page.get_by_label("Name").fill("ed")
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")


def test_a_page_whose_session_ends_goes_on_after_the_next_login(browser: Browser, tmp_path: Path) -> None:
    accounts = Accounts(tmp_path)
    accounts.add("ed", Role.EDITOR, PASSWORD)
    site = Site(Settings(host="0.0.0.0", data=tmp_path))
    context = browser.new_context(viewport=VIEWPORT, storage_state=been_here(site.url))  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    watched = Watched(context.new_page())
    page = watched.page
    try:
        page.goto(f"{site.url}/?yaw=30")
        log_in(page, "wrong")
        expect(page.get_by_role("alert")).to_contain_text("not the password")
        shuts_nobody_out(page)
        log_in(page, PASSWORD)
        watched.settle()
        assert watched.shown()["yaw"] == "30"
        page.get_by_role("link", name="ed · editor").click()
        page.get_by_role("button", name="Make a link").click()
        shuts_nobody_out(page)
        link = page.get_by_label("Link").input_value()
        page.get_by_role("link", name="Back").click()
        watched.settle()

        accounts.change("ed", password=PASSWORD + "!")
        page.locator("#explore-hue").fill("0.2")
        expect(page.locator("#notice")).to_have_text(ENDED)
        other = context.new_page()
        other.goto(f"{site.url}/login")
        log_in(other, PASSWORD + "!")
        other.wait_for_url(f"{site.url}/**")
        watched.wait_for("shown.hue === '0.2'")
        expect(page.locator("#notice")).to_have_text("")
        refused = re.compile(r"status of 401|body stream already read|/login")  # Dash's script reads a refusal twice
        assert [error for error in watched.errors if not refused.search(error)] == []

        guest = Watched(browser.new_page(viewport=VIEWPORT, storage_state=been_here(site.url)))  # type: ignore[arg-type]
        guest.page.goto(link)
        guest.settle()
        assert guest.shown()["yaw"] == "30"
        expect(guest.page.get_by_role("link", name="View only")).to_be_visible()
        guest.page.context.close()
    finally:
        context.close()
        site.close()
