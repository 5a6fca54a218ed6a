"""The one thread that touches the device, and what waits for it: questions, calls, jobs."""

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, TypeVar, overload

from perturber.errors import InvalidInputError, OvertakenError
from perturber.service.comparing import CompareRequest, Comparison
from perturber.service.engine import Answer, Engine, Question
from perturber.service.jobs import JobQueue
from perturber.service.requests import Look, LookRequest

log = logging.getLogger(__name__)

T = TypeVar("T")

QUIET_SECONDS = 0.15
"""After a page's request no job takes a step for so long: whoever drags a slider is not made to wait for one."""

MAX_BATCH = 16
"""Requests that are answered together at most; bounds the memory of one pass."""


class Dispatcher:
    """Gives an engine what there is to do; thread-safe.

    Looks and comparisons wait in one queue, first come, first served, and those that wait at the same moment are
    answered together. One that waits is dropped when its own client asks for anything newer. A step of a job is
    taken while nobody waits.

    Args:
        engine: makes what does the work; called on the dispatcher's own thread.
        jobs: whose steps are taken.

    Attributes:
        failures: number of errors that were nobody's answer.
    """

    def __init__(self, engine: Callable[[], Engine], jobs: JobQueue) -> None:
        self.jobs = jobs
        self.failures = 0
        self._wake = threading.Condition()
        self._questions: list[_Waiting] = []
        self._calls: list[_Call] = []
        self._ahead: list[Callable[[Engine], None]] = []
        self._ordered = False  # something that can wait for a pause: a job, or what is to be prefetched
        self._quiet_until = 0.0
        self._closed = False
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(engine, started), name="service", daemon=True)
        self._thread.start()
        started.result()

    @property
    def alive(self) -> bool:
        """Whether anything is answered at all."""
        return self._thread.is_alive()

    @property
    def waiting(self) -> int:
        """Number of looks and comparisons that wait."""
        return len(self._questions)

    @overload
    def ask(self, request: LookRequest) -> Look: ...

    @overload
    def ask(self, request: CompareRequest) -> Comparison: ...

    def ask(self, request: Question) -> Answer:
        """Wait for the answer to a request.

        Raises:
            OvertakenError: the same client sent a newer request while this one waited.
            InvalidInputError: it cannot be answered, or the service is shutting down.
        """
        waiting = _Waiting(request)
        with self._wake:
            self.refuse_if_closed()
            for other in [o for o in self._questions if request.client and o.request.client == request.client]:
                self._questions.remove(other)
                other.future.set_exception(OvertakenError("A newer request from the same page has replaced this one."))
            self._questions.append(waiting)
            self._wake.notify()
        return waiting.future.result()

    def call(self, function: Callable[[Engine], T]) -> T:
        """Do something with the engine, before the requests that wait.

        Raises:
            InvalidInputError: the service is shutting down.
        """
        call = _Call(function)
        with self._wake:
            self.refuse_if_closed()
            self._calls.append(call)
            self._wake.notify()
        return call.future.result()

    def prefetch(self, functions: Sequence[Callable[[Engine], None]]) -> None:
        """Make things ready when nothing else is to be done, one after the other; the newest call counts."""
        with self._wake:
            self._ahead = list(functions)
            self._ordered = True
            self._wake.notify()

    def notice_job(self) -> None:
        """There is a job to go on with."""
        with self._wake:
            self._ordered = True
            self._wake.notify()

    def close(self) -> None:
        """Stop; what still waits is refused."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def refuse_if_closed(self) -> None:
        """Refuse whatever is asked of a service that is shutting down.

        Raises:
            InvalidInputError: it is.
        """
        if self._closed:
            raise _closing()

    def _run(self, make: Callable[[], Engine], started: Future[None]) -> None:
        try:
            engine = make()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        busy = False  # whether there are jobs to go on with
        while True:
            with self._wake:
                pause = max(0.0, self._quiet_until - perf_counter()) if busy else None
                self._wake.wait_for(lambda: self._closed or self._calls or self._questions or self._ordered, pause)
                if self._closed:
                    for future in [*(c.future for c in self._calls), *(w.future for w in self._questions)]:
                        future.set_exception(_closing())
                    return
                calls, self._calls = self._calls, []
                batch, self._questions = self._questions[:MAX_BATCH], self._questions[MAX_BATCH:]
                ordered, self._ordered = self._ordered, False
            for call in calls:
                _settle(call.future, partial(call.function, engine))
            if batch:
                _answer(engine, batch)
                if any(waiting.request.client for waiting in batch):
                    self._quiet_until = perf_counter() + QUIET_SECONDS
            busy = busy or ordered
            if not (calls or batch) and perf_counter() >= self._quiet_until:
                try:
                    busy = self._use_pause(engine, busy)
                except BaseException:  # nobody's answer, and no reason to leave everybody without one
                    self.failures += 1
                    log.exception("an error outside of an answer; the service goes on")

    def _use_pause(self, engine: Engine, busy: bool) -> bool:
        """Prefetch one thing, else take a step of a job; whether there may be more to do."""
        with self._wake:
            prefetch = self._ahead.pop(0) if self._ahead else None
        if prefetch is None:
            return busy and self.jobs.step(engine)
        _settle(Future(), partial(prefetch, engine))  # whatever is wrong is said when somebody asks
        return busy


@dataclass
class _Waiting:
    request: Question
    future: Future[Any] = field(default_factory=Future)


@dataclass
class _Call:
    function: Callable[[Engine], Any]
    future: Future[Any] = field(default_factory=Future)


def _answer(engine: Engine, batch: list[_Waiting]) -> None:
    answers: Future[list[Answer]] = Future()
    if _settle(answers, lambda: engine.answer([waiting.request for waiting in batch])):
        for waiting, answer in zip(batch, answers.result(), strict=True):
            waiting.future.set_result(answer)
    elif len(batch) == 1:
        batch[0].future.set_exception(answers.exception())
    else:  # one request's failure is not its neighbours'
        for waiting in batch:
            _answer(engine, [waiting])


def _settle(future: Future, function: Callable[[], Any]) -> bool:
    """Put the function's result or exception into the future; whether it was a result."""
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
        return False
    future.set_result(result)
    return True


def _closing() -> InvalidInputError:
    return InvalidInputError("The service is shutting down. Start it again.")
