"""The one thread that touches the device, and what waits for it: questions, calls, jobs."""

import logging
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any, TypeVar, overload

from perturber.errors import GivenUpError, InvalidInputError, OvertakenError
from perturber.service.comparing import CompareRequest, Comparison
from perturber.service.engine import Answer, Engine, Question
from perturber.service.jobs import JobQueue
from perturber.service.requests import Look, LookRequest

log = logging.getLogger(__name__)

T = TypeVar("T")

Task = Callable[[Engine], object]

QUIET_SECONDS = 0.15
"""After a page's request no job takes a step for so long, unless one is late: dragging rarely waits for one."""

JOBS_SHARE = 0.17
"""Of the time, which jobs get however many ask: the next step is due s / share after one of s seconds began."""

LATE_SECONDS = 0.3
"""Jobs that are so late go on at once behind an answer, before whoever waits, until they are late no more.

Some short steps together delay few looks, and whoever drags has hardly looked at the answer yet."""

LONGEST_REST = 10.0
"""Seconds after which the next step is due at most, so that one which loads a network does not cost a job minutes."""

MAX_BATCH = 16
"""Requests that are answered together at most; bounds the memory of one pass."""

CLOSING = "The service is shutting down. Start it again."
DIED = "The service has stopped because of an error, which the server's log names. Restart Perturber."

Observer = Callable[[str, float, float, int], None]
"""Told of each answer, call and step of a job: its kind, the seconds it waited and took, and how many were together."""


class Dispatcher:
    """Gives an engine what there is to do; thread-safe.

    Looks and comparisons that wait at the same moment are answered together, those of all clients in turn. One that
    waits gives its place to anything newer that its own client asks for. A step of a job is taken while nobody waits,
    and behind an answer where jobs have had less than their share. What fails outside of an answer is logged and
    counted.

    Args:
        engine: makes what does the work; called on the dispatcher's own thread.
        jobs: whose steps are taken.
        patience: seconds after which a question that has no answer is given up.

    Attributes:
        engine: that does the work, on the dispatcher's own thread alone.
        failures: number of errors that were nobody's answer.
        observe: an `Observer`, called on the dispatcher's own thread.
    """

    def __init__(self, engine: Callable[[], Engine], jobs: JobQueue, patience: float = 120.0) -> None:
        self.jobs = jobs
        self.patience = patience
        self.failures = 0
        self.observe: Observer = lambda kind, waited, took, together: None
        self._since: float | None = None  # when what is being done was begun
        self.engine: Engine
        self._wake = threading.Condition()
        self._questions: dict[Hashable, _Waiting] = {}  # by client, or by itself where there is none
        self._calls: list[_Call] = []
        self._taken: list[Future[Any]] = []  # of what is being done
        self._ahead: list[Task] = []
        self._quiet_until = 0.0
        self._due = 0.0  # when jobs have had less than their share
        self._jobs_left = False
        self._refusal: str | None = None
        started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(engine, started), name="service", daemon=True)
        self._thread.start()
        started.result()

    @property
    def waiting(self) -> int:
        """Number of looks and comparisons that wait."""
        return len(self._questions)

    @property
    def alive(self) -> bool:
        """Whether it answers."""
        return self._refusal is None and self._thread.is_alive()

    @property
    def busy_seconds(self) -> float:
        """For which one thing has been done; long ones mean that something hangs."""
        since = self._since
        return 0.0 if since is None else perf_counter() - since

    @overload
    def ask(self, request: LookRequest) -> Look: ...

    @overload
    def ask(self, request: CompareRequest) -> Comparison: ...

    def ask(self, request: Question) -> Answer:
        """Wait for the answer to a request.

        Raises:
            OvertakenError: the same client sent a newer request while this one waited.
            InvalidInputError: it cannot be answered, or the service has ended.
            GivenUpError: there is no answer yet, and there was time enough.
        """
        waiting = _Waiting(request)
        with self._wake:
            self.refuse_if_closed()
            client = request.client or object()
            older = self._questions.get(client)
            self._questions[client] = waiting  # in the older one's place
            self._wake.notify()
        if older is not None:
            older.future.set_exception(OvertakenError("A newer request from the same page has replaced this one."))
        try:
            return waiting.future.result(self.patience)
        except TimeoutError:
            if waiting.future.done():  # at the last moment
                return waiting.future.result()
        with self._wake:
            if self._questions.get(client) is waiting:
                del self._questions[client]
        raise GivenUpError(self.patience)

    def call(self, function: Callable[[Engine], T]) -> T:
        """Do something with the engine, before the requests that wait.

        Raises:
            InvalidInputError: the service has ended.
        """
        call = _Call(function)
        with self._wake:
            self.refuse_if_closed()
            self._calls.append(call)
            self._wake.notify()
        return call.future.result()

    def prefetch(self, functions: Sequence[Task]) -> None:
        """Make things ready when nothing else is to be done, one after the other; the newest call counts."""
        with self._wake:
            self._ahead = list(functions)
            self._wake.notify()

    def notice_job(self) -> None:
        """There is a job to go on with."""
        with self._wake:
            self._wake.notify()

    def close(self) -> None:
        """Stop; what still waits is refused."""
        with self._wake:
            self._refusal = self._refusal or CLOSING
            self._wake.notify()
        self._thread.join()

    def refuse_if_closed(self) -> None:
        """Refuse whatever is asked of a service that is shutting down, or whose thread has died.

        Raises:
            InvalidInputError: it is.
        """
        if not self.alive:
            raise InvalidInputError(self._refusal or DIED)

    def _run(self, make: Callable[[], Engine], started: Future[None]) -> None:
        try:
            self.engine = engine = make()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        try:
            self._serve(engine)
        except BaseException:
            log.critical("the thread of the service has died", exc_info=True)
        finally:
            self._end()

    def _serve(self, engine: Engine) -> None:
        tasks: list[Task] = []
        while True:
            with self._wake:
                if self._refusal:
                    return
                tasks = self._next(worked=bool(tasks))
                if not tasks:
                    self._wake.wait(self._pause())
            for task in tasks:
                self._since = perf_counter()
                try:
                    task(engine)
                except BaseException:
                    self.failures += 1
                    log.exception("an error outside of an answer; the service goes on")
                self._since = None

    def _end(self) -> None:
        """Leave nobody waiting, whatever has ended the thread."""
        with self._wake:
            self._refusal = self._refusal or DIED
            waiting = [*self._taken, *(c.future for c in self._calls), *(w.future for w in self._questions.values())]
            self._calls, self._questions = [], {}
        for future in waiting:
            if not future.done():
                future.set_exception(InvalidInputError(self._refusal))
        self.jobs.end(self._refusal)

    def _next(self, *, worked: bool) -> list[Task]:
        """What is to be done now, in order; nothing where there is reason to wait.

        Args:
            worked: whether something has just been done.
        """
        now = perf_counter()
        jobs_left, before = self.jobs.left, self._jobs_left
        self._jobs_left = jobs_left
        if not before:
            self._due = max(self._due, now)  # nothing is owed for the time without jobs
        calls, self._calls = self._calls, []
        self._taken = [call.future for call in calls]
        tasks: list[Task] = [partial(self._call, call) for call in calls]
        if jobs_left and worked and now >= self._due + LATE_SECONDS:
            tasks.append(self._catch_up)
        elif self._questions:
            batch = self._batch()
            self._taken += [waiting.future for waiting in batch]
            tasks.append(partial(self._answer, batch))
        elif not tasks and now >= self._quiet_until:
            if self._ahead:
                tasks.append(self._ahead.pop(0))
            elif jobs_left:
                tasks.append(self._step)
        return tasks

    def _pause(self) -> float | None:
        """Seconds until there will be something to do, if nobody asks; None for never."""
        return max(0.0, self._quiet_until - perf_counter()) if self._jobs_left or self._ahead else None

    def _batch(self) -> list["_Waiting"]:
        """Take those that are answered next: of each client one, in turn; all without a client count as one.

        They fill the places that are left.
        """
        clients = [client for client, waiting in self._questions.items() if waiting.request.client]
        others = [key for key, waiting in self._questions.items() if not waiting.request.client]
        turn = [*clients[: MAX_BATCH - bool(others)], *others][:MAX_BATCH]
        return [self._questions.pop(key) for key in turn]

    def _answer(self, batch: Sequence["_Waiting"], engine: Engine) -> None:
        since = perf_counter()
        _answer(engine, batch)
        for waiting in batch:
            self.observe("answer", since - waiting.since, perf_counter() - since, len(batch))
        if any(waiting.request.client for waiting in batch):
            self._quiet_until = perf_counter() + QUIET_SECONDS

    def _call(self, call: "_Call", engine: Engine) -> None:
        since = perf_counter()
        _call(call, engine)
        self.observe("call", since - call.since, perf_counter() - since, 1)

    def _step(self, engine: Engine) -> None:
        """Take a step of a job, whose time jobs have had."""
        since = perf_counter()
        try:
            self.jobs.step(engine)
        finally:
            took = perf_counter() - since
            self.observe("step", 0.0, took, 1)
            self._due = min(self._due, since) + min(took / JOBS_SHARE, LONGEST_REST)

    def _catch_up(self, engine: Engine) -> None:
        while self.jobs.left and perf_counter() >= self._due and not self._refusal:
            self._step(engine)


@dataclass
class _Waiting:
    request: Question
    future: Future[Any] = field(default_factory=Future)
    since: float = field(default_factory=perf_counter)


@dataclass
class _Call:
    function: Callable[[Engine], Any]
    future: Future[Any] = field(default_factory=Future)
    since: float = field(default_factory=perf_counter)


def _call(call: _Call, engine: Engine) -> None:
    try:
        call.future.set_result(call.function(engine))
    except BaseException as error:
        call.future.set_exception(_raised(error))


def _answer(engine: Engine, batch: Sequence[_Waiting]) -> None:
    try:
        answers = list(zip(batch, engine.answer([waiting.request for waiting in batch]), strict=True))
    except BaseException as error:
        if len(batch) == 1:
            batch[0].future.set_exception(_raised(error))
            return
    else:
        for waiting, answer in answers:
            waiting.future.set_result(answer)
        return
    # One request's failure is not its neighbours'. Only now, as an error holds the memory of the pass that failed.
    for waiting in batch:
        _answer(engine, [waiting])


def _raised(error: BaseException) -> Exception:
    """What whoever asked gets; what ends a thread or the process is not to end theirs."""
    return error if isinstance(error, Exception) else RuntimeError(f"The answer was ended by {error!r}.")
