"""One Chromium draws for many threads, comes back when it dies, and is gone when it is not needed."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import plotly.graph_objects as go
import pytest

from perturber.errors import DrawingError, NoChromiumError
from perturber.export import Plotter


def line(number: int) -> go.Figure:
    """A figure that is told from others by its title."""
    return go.Figure(go.Scatter(x=[0, 1], y=[0, number]), go.Layout(template="none", title=f"figure {number}."))


def drawn(plotter: Plotter, number: int) -> str:
    return plotter.draw(line(number), "svg", width=300, height=200).decode()


def ends(process: int) -> bool:
    """Whether no process of this group runs soon."""
    for _ in range(200):
        states = [_state(folder) for folder in Path("/proc").glob("[0-9]*") if _group(folder) == process]
        if all(state in "ZX" for state in states):
            return True
        time.sleep(0.1)
    return False


def _group(process: Path) -> int:
    return int(_fields(process)[2] or 0)


def _state(process: Path) -> str:
    return _fields(process)[0]


def _fields(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ["X", "0", "0"]


@pytest.mark.browser
def test_threads_get_their_own_figures(plotter: Plotter) -> None:
    with ThreadPoolExecutor(8) as threads:
        files = list(threads.map(lambda number: drawn(plotter, number), range(24)))
    assert [re.findall(r"figure (\d+)\.", file) for file in files] == [[str(number)] for number in range(24)]


@pytest.mark.browser
def test_chromium_is_kept_and_started_again_when_it_has_died(plotter: Plotter) -> None:
    drawn(plotter, 1)
    first = plotter.process
    drawn(plotter, 2)
    assert plotter.process == first
    os.killpg(first, signal.SIGKILL)
    assert "figure 3." in drawn(plotter, 3)
    assert plotter.process not in (first, None)


@pytest.mark.browser
def test_nothing_is_fetched(plotter: Plotter, tmp_path: Path) -> None:
    """Neither from a server nor from the disk; what is in the figure itself is drawn."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "red.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'><rect fill='red'/></svg>")
    place = {"x": 0, "y": 1, "sizex": 1, "sizey": 1}
    address = f"http://127.0.0.1:{server.server_port}/a.png"
    figure = line(4)
    for source in (address, address.replace("127.0.0.1", "localhost"), (tmp_path / "red.svg").as_uri()):
        figure.add_layout_image(source=source, **place)
    assert b"figure 4." in plotter.draw(figure, "svg", width=300, height=200)
    server.shutdown()
    server.server_close()
    assert asked == []


@pytest.mark.browser
def test_a_figure_may_not_take_for_ever_nor_be_drawn_after_the_end(plotter: Plotter) -> None:
    hasty = Plotter(seconds=0.001)
    with pytest.raises(DrawingError, match=r"not drawn within 0\.001 seconds"):
        drawn(hasty, 1)
    assert hasty.process is None
    hasty.seconds = 60.0
    assert "figure 2." in drawn(hasty, 2)
    process = hasty.process
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(drawn, hasty, number) for number in range(4)]
        hasty.close()
        for one in waiting:
            error = one.exception()
            assert error is None or isinstance(error, DrawingError)
    hasty.close()
    assert process is not None
    assert ends(process)


@pytest.mark.browser
@pytest.mark.skipif(sys.platform == "win32", reason="it has no signals")
@pytest.mark.parametrize("how", [None, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_chromium_ends_with_its_process(plotter: Plotter, how: signal.Signals | None) -> None:
    code = (
        "import time\nimport plotly.graph_objects as go\nfrom perturber.export import plotter\n"
        "plotter().draw(go.Figure(), 'svg', width=300, height=200)\nprint(plotter().process, flush=True)\n"
        + ("" if how is None else "time.sleep(60)")
    )
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert started.stdout is not None
    process = int(started.stdout.readline())
    if how is not None:
        started.send_signal(how)
    assert ends(process)
    _, complaints = started.communicate()
    assert complaints == ""


@pytest.mark.browser
def test_a_figure_that_plotly_refuses_is_an_error_of_its_own(plotter: Plotter) -> None:
    drawn(plotter, 1)
    process = plotter.process
    with pytest.raises(DrawingError, match="cannot be drawn"):  # outlines of countries would have to be fetched
        plotter.draw(go.Figure(go.Scattergeo(lon=[0], lat=[0])), "svg", width=300, height=200)
    assert "figure 2." in drawn(plotter, 2)
    assert plotter.process == process


def test_without_chromium_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.export.drawing.find", lambda: None)
    with pytest.raises(NoChromiumError, match=r"no Chromium.*Install one of: chromium"):
        drawn(Plotter(), 1)


@pytest.mark.browser
def test_what_is_no_browser_is_an_error(plotter: Plotter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.export.drawing.find", lambda: "/bin/false")
    with pytest.raises(DrawingError, match="does not start"):
        drawn(Plotter(), 1)


def test_who_waits_too_long_for_a_turn_is_told_and_the_next_one_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    hung = asyncio.Event()

    async def draw(plotter: Plotter, *_: object) -> bytes:
        await hung.wait()
        return b"drawn"

    async def release() -> None:
        hung.set()

    monkeypatch.setattr(Plotter, "_attempt", draw)
    plotter = Plotter(patience=0.05)
    with ThreadPoolExecutor(1) as other:
        first = other.submit(drawn, plotter, 1)
        while not plotter._turn.locked():
            time.sleep(0.001)
        with pytest.raises(DrawingError, match=r"Other figures have been drawn for 0\.05 seconds"):
            drawn(plotter, 2)
        plotter._run(release()).result()
        assert first.result() == "drawn"
    assert drawn(plotter, 3) == "drawn"
