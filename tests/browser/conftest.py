"""A real Chromium before a real server, whose service can be made slow."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import waitress
from playwright.sync_api import Browser, ConsoleMessage, Page, Request

from app import create_app
from perturber.bench import chromium
from perturber.config import Settings
from perturber.service import InferenceService, Look, LookRequest
from perturber.service.engine import LocalEngine

VIEWPORT = {"width": 1440, "height": 900}


class SlowEngine(LocalEngine):
    """Does the real work, and keeps everybody waiting on demand."""

    delay = 0.0

    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        answers = super().answer(requests)
        time.sleep(self.delay)
        return answers


class Site:
    """The running dashboard."""

    def __init__(self) -> None:
        engines: list[SlowEngine] = []

        def engine(settings: Settings) -> SlowEngine:
            engines.append(SlowEngine(settings))
            return engines[0]

        self.service = InferenceService(Settings(), engine)
        self.engine = engines[0]
        self.app = create_app(service=self.service)
        self.server = waitress.create_server(self.app.server, host="127.0.0.1", port=0, threads=8)
        self.url = f"http://127.0.0.1:{self.server.effective_port}"
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.close()
        self.service.close()


class Watched:
    """What a page has said and asked for since it was opened."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)

    def settle(self) -> None:
        """Wait until the newest state is shown."""
        self.page.wait_for_function(
            """() => {
                const { page, gate } = window.perturber || {};
                return page && page.stage.isConnected && page.stage.dataset.drawn
                    && page.displayed && !gate.inFlight && !gate.wanted;
            }"""
        )

    def shown(self) -> dict[str, Any]:
        """The state that belongs to what is drawn now."""
        return self.page.evaluate("window.perturber.page.displayed.state")

    def wait_for(self, condition: str, argument: Any = None) -> None:
        """Wait until a JavaScript expression of ``shown`` (the state that is drawn) and ``given`` is true."""
        self.page.wait_for_function(
            f"""(given) => {{
                const {{ page, gate }} = window.perturber || {{}};
                const shown = page && page.displayed && page.displayed.state;
                return shown && !gate.inFlight && !gate.wanted && ({condition});
            }}""",
            arg=argument,
        )

    def query(self) -> dict[str, str]:
        """The URL's query once it has been written."""
        self.page.wait_for_timeout(400)
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.page.url).query).items()}

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text}")

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium.find() is None:
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


@pytest.fixture
def opened(browser: Browser, site: Site) -> Iterator[Callable[..., Watched]]:
    """Opens the dashboard at a path; at the end nothing may have gone wrong in the browser."""
    watched: list[Watched] = []
    allowed: list[str] = []

    def open_at(path: str = "/", *, expected_errors: Sequence[str] = (), wait: bool = True) -> Watched:
        context = browser.new_context(viewport=VIEWPORT)  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(60_000)
        watched.append(Watched(page))
        allowed.extend(expected_errors)
        page.goto(site.url + path)
        if wait:
            watched[-1].settle()
        return watched[-1]

    site.engine.delay = 0.0
    yield open_at
    site.engine.delay = 0.0
    for job in site.service.jobs.all():  # what a test has ordered does not keep the next one waiting
        site.service.jobs.cancel(job.id)
    for one in watched:
        one.page.context.close()
        assert [e for e in one.errors if not any(a in e for a in allowed)] == []
