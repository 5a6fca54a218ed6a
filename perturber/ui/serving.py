"""Serving until somebody interrupts: whoever is being answered then is answered first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.wasyncore import close_all, loop

from perturber.config import Settings
from perturber.errors import InvalidInputError

PATIENCE_SECONDS = 10.0
"""For what is being answered as the server is stopped."""

BEAT_SECONDS = 0.1

FORWARDED = "x-forwarded-for x-forwarded-proto"
"""What is believed of a proxy, and of nobody else."""


class Serving:
    """A server that listens already.

    Args:
        app: what answers.
        threads: that answer.

    Raises:
        InvalidInputError: this address cannot be served on.
    """

    def __init__(self, app: Flask, settings: Settings, *, threads: int) -> None:
        self._sockets: dict[int, Any] = {}  # a listener for each address of the host, and their connections
        host, port = settings.host, settings.port
        proxy = {"trusted_proxy": settings.proxy, "trusted_proxy_headers": FORWARDED} if settings.proxy else {}
        try:
            self.server = waitress.create_server(app, self._sockets, host=host, port=port, threads=threads, **proxy)
        except (OSError, ValueError) as error:
            reason = str(getattr(error, "strerror", None) or error).rstrip(".")
            raise InvalidInputError(f"Cannot serve on {host}:{port}: {reason}.") from error

    def run(self) -> None:
        """Serve until SIGINT or SIGTERM; a second one ends the process as it usually does."""
        with self._signals() as stopped:
            while not stopped:
                loop(1.0, map=self._sockets, count=1)
        for listener in self._of(BaseWSGIServer):
            listener.del_channel()
            listener.socket.close()
        end = monotonic() + PATIENCE_SECONDS
        while monotonic() < end and any(c.request or c.requests or c.total_outbufs_len for c in self._of(HTTPChannel)):
            loop(BEAT_SECONDS, map=self._sockets, count=1)
        self.server.task_dispatcher.shutdown(timeout=1)
        close_all(self._sockets)

    @contextmanager
    def _signals(self) -> Iterator[list[int]]:
        """Those that came."""
        came: list[int] = []
        listener = self._of(BaseWSGIServer)[0]

        def stop(number: int, _: object) -> None:
            came.append(number)
            listener.pull_trigger()  # wakes the loop

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield came
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _of(self, kind: type) -> list[Any]:
        return [one for one in list(self._sockets.values()) if isinstance(one, kind)]
