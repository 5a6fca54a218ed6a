"""A server that is stopped: real processes, and requests that are being answered meanwhile."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from perturber.bench.server import free_port

SLOW = """
import sys, time
from flask import Flask, request
from perturber.config import Settings
from perturber.ui.serving import Serving
app = Flask("slow")

@app.get("/<float:seconds>")
def slow(seconds):
    time.sleep(seconds)
    return "x" * 10**6

@app.get("/who")
def who():
    return f"{request.remote_addr} by {request.scheme}"

Serving(app, Settings(host=sys.argv[1], port=int(sys.argv[2])), threads=4).run()
"""


@contextmanager
def process(port: int, *command: object, **settings: str) -> Iterator[subprocess.Popen]:
    """A process that serves; it is gone in the end."""
    environment = os.environ | {"PERTURBER_DEVICE": "cpu"} | settings
    served = subprocess.Popen([sys.executable, *map(str, command)], env=environment, stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 120
        while served.poll() is None and time.monotonic() < end:
            try:
                requests.get(f"http://127.0.0.1:{port}/0.0", timeout=120)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield served
    finally:
        served.kill()
        served.communicate()


def at_once(*tasks: Callable[[], object]) -> list[object]:
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [one.result() for one in [pool.submit(task) for task in tasks]]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_is_being_answered_is_answered(sent: signal.Signals, host: str) -> None:
    port = free_port()
    with process(port, "-c", SLOW, host, port) as served:

        def stop() -> None:
            time.sleep(0.3)
            served.send_signal(sent)
            time.sleep(0.3)
            with pytest.raises(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}/0.0", timeout=5)

        def ask() -> tuple[int, int]:
            found = requests.get(f"http://127.0.0.1:{port}/1.5", timeout=20)
            return found.status_code, len(found.text)

        assert at_once(ask, ask, stop)[:2] == [(200, 10**6)] * 2
        assert served.wait(10) == 0


def test_nobody_is_waited_for_for_ever() -> None:
    """A second signal ends the process at once."""
    port = free_port()
    with process(port, "-c", SLOW, "127.0.0.1", port) as served:

        def stop() -> int:
            for _ in range(2):
                time.sleep(0.5)
                served.terminate()
            return served.wait(5)

        def ask() -> None:
            with pytest.raises(requests.ConnectionError):
                requests.get(f"http://127.0.0.1:{port}/60.0", timeout=20)

        assert at_once(stop, ask)[0] == -signal.SIGTERM


@pytest.mark.parametrize("command", [("-m", "perturber.cli", "serve"), ("app.py",)])
def test_the_dashboard_stops_in_peace(command: tuple[str, ...]) -> None:
    port = free_port()
    with process(port, *command, "--port", port, "--device", "cpu") as served:
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60).json()["ready"]
        served.terminate()
        _, said = served.communicate(timeout=20)
        assert served.returncode == 0
        assert said.splitlines()[-1] == f"Perturber on http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("proxy", "who"),
    [("", "127.0.0.1 by http"), ("10.1.2.3", "127.0.0.1 by http"), ("127.0.0.1", "10.0.0.7 by https")],
)
def test_only_the_proxy_is_believed(proxy: str, who: str) -> None:
    port = free_port()
    with process(port, "-c", SLOW, "127.0.0.1", port, PERTURBER_PROXY=proxy):
        said = {"X-Forwarded-For": "10.0.0.7", "X-Forwarded-Proto": "https"}
        assert requests.get(f"http://127.0.0.1:{port}/who", headers=said, timeout=5).text == who
