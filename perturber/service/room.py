"""Room for those who wait: a server whose threads all waited for the service could answer nobody."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from perturber.errors import BusyError


class Room:
    """Lets so many wait at the same moment; thread-safe.

    Args:
        seats: how many; by default as many as come.
    """

    def __init__(self, seats: int = sys.maxsize) -> None:
        self._free = threading.Semaphore(seats)

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A place to wait in.

        Raises:
            BusyError: all are taken.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError
        try:
            yield
        finally:
            self._free.release()
