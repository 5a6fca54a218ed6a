"""Draws Plotly figures by Kaleido, with one Chromium that is kept alive from one figure to the next."""

import asyncio
import atexit
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import plotly
import plotly.graph_objects as go

from perturber.chromium import NAMES, find
from perturber.errors import DrawingError, NoChromiumError

if TYPE_CHECKING:
    from kaleido import Kaleido

log = logging.getLogger(__name__)

START_SECONDS = 60.0
"""For Chromium to start, which takes a few of them on a busy machine."""

DRAW_SECONDS = 60.0
"""For one figure; most take less than half a second."""

TURN_SECONDS = 60.0
"""For the figures that come first; a Chromium that hangs is found out by then."""

CLOSE_SECONDS = 10.0
"""For Chromium to end by itself before it is killed."""

OFFLINE = ("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking")

POLICY = "default-src 'none'; script-src file:; style-src 'unsafe-inline'; img-src data: blob:"
"""What the page that draws may load: Plotly's script as a file, and pictures that are in the figure itself."""

HEAD = f"""<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>@page {{ margin: 0 }}</style>"""
"""Of that page. Without the margin Kaleido's PDFs have figures that are shrunk into one of 0.1 inch."""

Drawn = Literal["svg", "pdf", "png"]
T = TypeVar("T")


class Plotter:
    """Draws one figure after the other, for any number of threads.

    Kaleido's own functions for threads (``plotly.io.to_image``, ``kaleido.calc_fig_sync``) hand callers each other's
    figures (plotly/Kaleido#444). Here one event loop on a thread of its own talks to Chromium, and each caller waits
    for a task of its own.

    Args:
        seconds: for one figure, once it is its turn.
        patience: seconds to wait for that turn.
    """

    def __init__(self, seconds: float = DRAW_SECONDS, patience: float = TURN_SECONDS) -> None:
        self.seconds, self.patience = seconds, patience
        self._starting = threading.Lock()
        self._turn = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._kaleido: Kaleido | None = None
        self._closed = 0  # how often
        self._registered = False

    def draw(self, figure: go.Figure, format: Drawn, *, width: float, height: float, scale: float = 1.0) -> bytes:
        """A figure as a file.

        Args:
            width, height: in which it is laid out, in CSS pixels of 1/96 inch.
            scale: by which that is enlarged: a PDF's page has `width` × `scale` CSS pixels, a PNG as many pixels.

        Raises:
            NoChromiumError: there is no Chromium on this machine.
            DrawingError: it does not start or was closed, or this figure takes or waits too long or cannot be drawn.
        """
        options = {"format": format, "width": width, "height": height, "scale": scale}
        return self._run(self._draw(figure.to_dict(), options, self._closed)).result()

    def close(self) -> None:
        """End Chromium; whoever waits for a figure gets an error, and the next figure starts it again."""
        if self._loop is not None:
            self._closed += 1
            with suppress(TimeoutError):
                self._run(self._end()).result(2 * CLOSE_SECONDS)

    @property
    def process(self) -> int | None:
        """Number of the process in whose group Chromium runs; None where none runs."""
        process = getattr(self._kaleido, "subprocess", None)
        return process.pid if process is not None and process.poll() is None else None

    def _run(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Have something done on the loop's thread, which lasts as long as this process."""
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="plotter", daemon=True).start()
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    # ---- on the loop's thread -------------------------------------------------------------------------------------

    async def _draw(self, figure: dict[str, Any], options: dict[str, Any], closed: int) -> bytes:
        try:
            async with asyncio.timeout(self.patience):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DrawingError(
                f"Other figures have been drawn for {self.patience:g} seconds, and this one was given up. Try again."
            ) from error
        try:
            for last in (False, True):
                if closed != self._closed:
                    raise DrawingError("Drawing figures was ended before this one was drawn.")
                try:
                    return await self._attempt(figure, options)
                except _ChromiumFailedError as error:
                    await self._end()
                    if last:
                        raise
                    log.warning("Chromium is started again: %s (%r)", error, error.__cause__)
            raise AssertionError("not reached")
        finally:
            self._turn.release()

    async def _attempt(self, figure: dict[str, Any], options: dict[str, Any]) -> bytes:
        kaleido = await self._open()
        drawing = asyncio.create_task(kaleido.calc_fig(figure, options))
        if await self._finished(drawing, self.seconds):
            return drawing.result()
        if not drawing.done():
            await self._end()
            raise DrawingError(f"This figure was not drawn within {self.seconds:g} seconds, and was given up.")
        error = _error(drawing)
        if error is not None and _is_the_figures(error):
            raise DrawingError(f"This figure cannot be drawn: {str(error)[:300]}") from error
        raise _ChromiumFailedError("Chromium ended while it drew this figure.") from error

    async def _open(self) -> "Kaleido":
        """A Chromium that runs."""
        if self._kaleido is not None and self.process is not None:
            return self._kaleido
        await self._end()  # what is left of one that has died
        path = find()
        if path is None:
            raise NoChromiumError(NAMES)
        self._kaleido = kaleido = _kaleido(path)
        opening = asyncio.create_task(kaleido.open())
        if not await self._finished(opening, START_SECONDS):
            raise _ChromiumFailedError(
                f"The Chromium at {path} does not start, so that no figures can be drawn."
            ) from (_error(opening))
        if not self._registered:  # only now: what is registered last comes first, before temporary folders are removed
            self._registered = True
            atexit.register(self.close)
        return kaleido

    async def _end(self) -> None:
        kaleido, self._kaleido = self._kaleido, None
        if kaleido is None:
            return
        closing = asyncio.create_task(kaleido.close())
        if not await self._finished(closing, CLOSE_SECONDS):
            process = getattr(kaleido, "subprocess", None)
            if process is not None and process.poll() is None:
                if hasattr(os, "killpg"):
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                else:  # Windows
                    process.kill()
            await self._finished(closing, CLOSE_SECONDS)

    @staticmethod
    async def _finished(task: asyncio.Task[Any], seconds: float) -> bool:
        """Whether a task ends well in time.

        Of one that does not, nobody waits for the end as `asyncio.wait_for` does: a page that hangs may never end.
        """
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.cancel()
            task.add_done_callback(_error)  # looked at, so that asyncio does not complain
            return False
        return _error(task) is None and not task.cancelled()


class _ChromiumFailedError(DrawingError):
    """It was not the figure's fault."""


def _kaleido(path: str) -> "Kaleido":
    from choreographer.browsers import Chromium
    from kaleido import Kaleido, PageGenerator

    for noisy in ("choreographer", "kaleido", "browser_proc"):  # what matters is raised; the rest is Chromium's chatter
        logging.getLogger(noisy).setLevel(logging.CRITICAL)

    class Offline(Chromium):
        """Whatever a figure names, nothing is fetched."""

        def get_cli(self) -> list[str]:
            return [*super().get_cli(), *OFFLINE]

    class Page(PageGenerator):
        header = PageGenerator.header.replace("<head>", f"<head>{HEAD}")

    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    page = Page(plotly=(script.as_uri(), "utf-8"), mathjax=False)
    return Kaleido(n=1, timeout=None, page_generator=page, path=path, browser_cls=Offline)


def _error(task: "asyncio.Task[Any]") -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None


def _is_the_figures(error: BaseException) -> bool:
    """Whether it was Plotly's script that refused, and not Chromium that failed."""
    from kaleido.errors import JavascriptError, KaleidoError

    return isinstance(error, KaleidoError | JavascriptError)


@cache
def plotter() -> Plotter:
    """The one of this process."""
    return Plotter()
