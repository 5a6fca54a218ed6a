"""The dashboard in a process of its own, as a user runs it."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from perturber.config import Settings
from perturber.errors import InvalidInputError

APP = Path(__file__).parents[2] / "app.py"
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Server:
    """A running dashboard."""

    url: str
    process: int

    def resident_mib(self) -> float:
        """Resident memory of the server's process, in MiB."""
        import psutil

        return psutil.Process(self.process).memory_info().rss / 2**20


def free_port() -> int:
    """A port of this machine on which nobody serves at this moment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """Start the dashboard on a free port, and stop it at the end; it has only just said that it is ready.

    Raises:
        InvalidInputError: it did not start.
    """
    port = free_port()
    chosen = {
        "HOST": "127.0.0.1",
        "PORT": port,
        "DEVICE": settings.device,
        "THREADS": settings.threads,
        "DATA": settings.data,
    }
    environment = os.environ | {f"PERTURBER_{name}": str(value) for name, value in chosen.items()}
    process = subprocess.Popen([sys.executable, str(APP)], env=environment, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process)
        yield Server(url, process.pid)
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/bootstrap.css", timeout=PATIENCE_SECONDS).close()
            return
        except OSError:
            time.sleep(0.2)
    raise InvalidInputError("The dashboard did not start; run `python app.py` to see why.")
