"""What needs no device is done beside the service's thread, which waits for it but a moment at a time."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

T = TypeVar("T")

MOMENT = 0.05
"""Seconds for which a step of a job waits at most: less than a look takes."""


class Aside(Generic[T]):
    """Calls a function on a thread of its own: for files and packages, never for what a device or a network does."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._future = Future[T]()
        self._thread = threading.Thread(target=_call, args=(function, self._future), daemon=True)
        self._thread.start()

    def ready(self) -> bool:
        """Whether it has come to its end, perhaps in this moment."""
        wait([self._future], MOMENT)
        return self._future.done()

    def waited(self) -> Generator[None, None, T]:
        """Wait for its end, a moment a step of a job; returns what has come of it."""
        while not self.ready():
            yield
        return self.result()

    def join(self) -> None:
        """Wait for its end for as long as it takes."""
        self._thread.join()

    def result(self) -> T:
        """What has come of it, once it is `ready`; what it has raised is raised here."""
        return self._future.result(timeout=0)


def _call(function: Callable[[], T], future: "Future[T]") -> None:
    try:
        future.set_result(function())
    except BaseException as error:
        future.set_exception(error)
