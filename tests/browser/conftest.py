"""A real Chromium before a real server, whose service can be made slow."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import waitress
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request
from waitress import wasyncore

from app import create_app
from perturber.bench import chromium
from perturber.chromium import find
from perturber.config import Settings
from perturber.service import InferenceService, Look, LookRequest
from perturber.service.engine import LocalEngine

VIEWPORT = {"width": 1440, "height": 900}


SHOWN = """(() => {
    const root = document.querySelector("[data-sequence]");
    return root && Object.fromEntries(new URLSearchParams(root.dataset.state));
})()"""
"""What is drawn, by the keys of its link: the public contract of a page's root."""


class SlowEngine(LocalEngine):
    """Does the real work, and keeps everybody waiting on demand."""

    delay = 0.0

    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        answers = super().answer(requests)
        time.sleep(self.delay)
        return answers


class Site:
    """The running dashboard."""

    def __init__(self, settings: Settings | None = None) -> None:
        engines: list[SlowEngine] = []

        def engine(settings: Settings) -> SlowEngine:
            engines.append(SlowEngine(settings))
            return engines[0]

        self.service = InferenceService(settings or Settings(), engine)
        self.engine = engines[0]
        self.app = create_app(service=self.service)
        self.port = 0
        self.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.server = waitress.create_server(self.app.server, host="127.0.0.1", port=self.port, threads=8)
        self.port = self.server.effective_port
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """As if the machine were gone, also for those that are connected."""
        self.server.close()
        wasyncore.close_all(self.server._map)

    def close(self) -> None:
        self.stop()
        self.service.close()


class Watched:
    """What a page has said and asked for since it was opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        page.on("request", self._request)

    def detach(self) -> None:
        """Listen no longer."""
        self.page.remove_listener("console", self._console)
        self.page.remove_listener("pageerror", self._page_error)
        self.page.remove_listener("request", self._request)

    def settle(self) -> None:
        """Wait until the newest state is shown, and the view of the scene is drawn."""
        self.page.wait_for_function(
            """() => {
                const root = document.querySelector("[data-sequence]");
                const stage = root && root.querySelector(".stage");
                return stage && stage.dataset.drawn && root.dataset.busy === "false";
            }"""
        )

    def shown(self) -> dict[str, str]:
        """The query of the state that belongs to what is drawn now."""
        return self.page.evaluate(f"() => {SHOWN}")

    def sequence(self) -> int:
        """The number of the look that is drawn now."""
        return int(self.page.locator("[data-sequence]").get_attribute("data-sequence") or 0)

    def wait_for(self, condition: str, argument: Any = None) -> None:
        """Wait until a JavaScript expression of ``shown`` (the query that is drawn) and ``given`` is true."""
        self.page.wait_for_function(
            f"""(given) => {{
                const shown = {SHOWN};
                const root = document.querySelector("[data-sequence]");
                return shown && root.dataset.busy === "false" && ({condition});
            }}""",
            arg=argument,
        )

    def query(self) -> dict[str, str]:
        """The URL's query once it has been written."""
        self.page.wait_for_function(
            """() => {
                const root = document.querySelector("[data-sequence]");
                const plain = (query) => new URLSearchParams(query).toString();
                return root && plain(location.search) === plain(root.dataset.state);
            }"""
        )
        return {
            key: values[-1] for key, values in parse_qs(urlsplit(self.page.url).query, keep_blank_values=True).items()
        }

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def _page_error(self, error: Error) -> None:
        self.errors.append(error.stack or str(error))

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if find() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium on this machine")
        pytest.skip("no Chromium on this machine")
    with chromium.launch() as running:
        yield running


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


GO = """(path) => {
    history.pushState({}, "", path);
    dispatchEvent(new PopStateEvent("popstate"));
}"""


class Visitor:
    """Goes from page to page in one tab, as users do: loading every script anew takes longer than most tests."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser, self._url = browser, url
        self._tab: Page | None = None  # where it waits between tests

    def visit(self, path: str, *, fresh: bool) -> Watched:
        """The dashboard at this path: in the tab, or in a fresh one, also where a test has the tab already."""
        tab, self._tab = (self._tab, None) if not fresh else (None, self._tab)
        if tab is None:
            tab = self._browser.new_page(viewport=VIEWPORT, storage_state=chromium.been_here(self._url))  # type: ignore[arg-type]
            tab.set_default_timeout(60_000)
            watched = Watched(tab)
            tab.goto(self._url + path)
        else:
            watched = Watched(tab)
            tab.evaluate(GO, path)
        return watched

    def leave(self, watched: Watched) -> None:
        """Wait in this tab, on a page where nothing goes on, if there is no other and all went well in it."""
        watched.detach()
        if self._tab is not None or watched.errors:
            watched.page.context.close()
            return
        self._tab = watched.page
        self._tab.set_viewport_size(VIEWPORT)  # type: ignore[arg-type]
        self._tab.evaluate(GO, "/help")
        self._tab.wait_for_function("""() => document.querySelector("table") && !document.querySelector(".stage")""")


@pytest.fixture(scope="session")
def visitor(browser: Browser, site: Site) -> Visitor:
    return Visitor(browser, site.url)


@pytest.fixture
def opened(visitor: Visitor, site: Site) -> Iterator[Callable[..., Watched]]:
    """Opens the dashboard at a path, `fresh` as on a first visit; at the end nothing may have gone wrong."""
    watched: list[Watched] = []
    allowed: list[str] = []

    def open_at(
        path: str = "/", *, expected_errors: Sequence[str] = (), wait: bool = True, fresh: bool = False
    ) -> Watched:
        allowed.extend(expected_errors)
        watched.append(visitor.visit(path, fresh=fresh))
        if wait:
            watched[-1].settle()
        return watched[-1]

    site.engine.delay = 0.0
    yield open_at
    site.engine.delay = 0.0
    for one in watched:
        visitor.leave(one)
    for job in site.service.jobs.all():  # what a test has ordered does not keep the next one waiting
        site.service.jobs.cancel(job.id)
    for one in watched:
        assert [e for e in one.errors if not any(a in e for a in allowed)] == []
