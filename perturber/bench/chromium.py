"""A headless Chromium that draws WebGL in software: for the benchmark, the screenshot and the browser tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from perturber.chromium import NAMES, find
from perturber.errors import InvalidInputError
from perturber.ui.components.tour import OVER, TOUR

if TYPE_CHECKING:
    from playwright.sync_api import Browser, StorageState

ARGUMENTS = (
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--no-sandbox",  # Chromium refuses to start as root with it, and it only ever opens our own pages
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--js-flags=--expose-gc",
    "--enable-precise-memory-info",
)


@contextmanager
def launch() -> Iterator["Browser"]:
    """A running browser, driven by Playwright.

    Raises:
        InvalidInputError: there is no Chromium, or Playwright is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise InvalidInputError("Playwright is not installed; install the extra: pip install -e '.[bench]'.") from error
    path = find()
    if path is None:
        raise InvalidInputError(f"No browser found. Install one of: {', '.join(NAMES)}.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def been_here(url: str) -> "StorageState":
    """What a browser remembers of a visitor who has seen the tour, as the ``storage_state`` of a context.

    Args:
        url: of the server, without a path.
    """
    return {"cookies": [], "origins": [{"origin": url, "localStorage": [{"name": TOUR, "value": f"{OVER}"}]}]}
