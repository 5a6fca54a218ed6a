"""A computation that knows no pauses, made to give way: a thread of its own, which runs only while it is waited for."""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter
from typing import Generic, TypeVar

import torch

T = TypeVar("T")

Pause = Callable[[], None]
"""To be called wherever the computation may be interrupted."""

TURN = 0.05
"""Seconds after which a step ends with the next pause: less than a look takes, and far more than giving way costs."""


class Paced(Generic[T]):
    """Runs a function for a while, until its next pause; between two steps nothing of it happens.

    Where it draws numbers from torch's global generators, it has a state of them to itself: neither it nor what happens
    between its steps notices the other. It ends when this object goes.

    Args:
        function: called with the pause that it is to call. On other threads, as that on which a GPU's gradients are
            computed, pauses are passed over.
        device: on which it works.
        seconds: pauses that come earlier after a step's beginning are passed over.
    """

    def __init__(self, function: Callable[[Pause], T], device: torch.device, seconds: float | None = None) -> None:
        self._turn, self._future = _Turn(TURN if seconds is None else seconds), Future[T]()
        self._devices = [device] if device.type == "cuda" else []
        self._random: list[torch.Tensor] | None = None
        # Nothing that the thread holds may hold this object, or it would never go.
        threading.Thread(target=_run, args=(self._turn, function, self._future), daemon=True).start()
        weakref.finalize(self, self._turn.end)

    @property
    def finished(self) -> bool:
        """Whether it has come to its end."""
        return self._future.done()

    def step(self) -> None:
        """Go on until a pause or the end; what it raises is raised here."""
        with torch.random.fork_rng(self._devices):
            if self._random is not None:
                torch.set_rng_state(self._random[0])
                for device, state in zip(self._devices, self._random[1:], strict=True):
                    torch.cuda.set_rng_state(state, device)
            self._turn.give()
            self._random = [torch.get_rng_state(), *(torch.cuda.get_rng_state(d) for d in self._devices)]
        if self.finished:
            self._future.result()

    def result(self) -> T:
        """What has come of it, once it is finished."""
        return self._future.result(timeout=0)


class _Ended(BaseException):
    """Nobody waits for it any more."""


class _Turn:
    """Whose turn it is: that of who waits, or the computation's."""

    def __init__(self, seconds: float) -> None:
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self._seconds, self._until = seconds, 0.0
        self._own = 0  # the computation's thread
        self._ended = False

    def give(self) -> None:
        self._until = perf_counter() + self._seconds
        self._go.release()
        self._back.acquire()

    def wait(self) -> None:
        self._own = threading.get_ident()
        self._go.acquire()
        if self._ended:
            raise _Ended

    def pause(self) -> None:
        if perf_counter() >= self._until and threading.get_ident() == self._own:
            self.back()
            self.wait()

    def back(self) -> None:
        self._back.release()

    def end(self) -> None:
        self._ended = True
        self._go.release()


def _run(turn: _Turn, function: Callable[[Pause], T], future: "Future[T]") -> None:
    try:
        turn.wait()
        future.set_result(function(turn.pause))
    except _Ended:
        return
    except BaseException as error:
        future.set_exception(error)
    finally:
        turn.back()
