"""Long work in small steps: submit, progress, cancel, result. Whoever explores goes first while jobs have their share.

A job's id follows from its request, so that a page that was loaded again (or a colleague's) finds the same job; it
belongs to all who have ordered it (see `perturber.users`).
"""

import hashlib
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from time import monotonic
from typing import Any, Protocol

from perturber.errors import InvalidInputError, NotAllowedError, PerturberError
from perturber.service.aside import Aside
from perturber.service.requests import Progress
from perturber.users import Role, current, need

log = logging.getLogger(__name__)

MAX_WAITING = 512
"""Jobs that may be unfinished at the same time."""

MAX_OF_A_USER = 128
"""Of these, jobs that one user may have ordered."""

AT_ONCE = 8
"""Jobs of one user that take turns: each that has begun holds memory. Urgent ones count by themselves."""

MAX_FINISHED = 64
"""Finished jobs that are remembered, with their results."""

LOOKED_AT_SECONDS = 3.0
"""A job that was asked about this recently goes before those that nobody looks at."""

PREVIEW_SECONDS = 0.4
"""Between two previews of a job."""


class JobState(StrEnum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """What can be said of a job at one moment.

    Attributes:
        id: follows from the request.
        title: what it does, as a person would say it.
        progress: steps done and in all; 0 of 1 before it has begun.
        error: why it failed, as a sentence.
    """

    id: str
    title: str
    state: JobState = JobState.WAITING
    progress: Progress = field(default_factory=lambda: Progress(done=0, steps=1))
    error: str | None = None


class JobRequest(Protocol):
    """A frozen, picklable value that says what is to be done; an engine knows how (see `Engine.start`)."""

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""

    @property
    def urgent(self) -> bool:
        """Whether somebody looks at a page and waits for it, rather than having ordered it for later."""


class Stepper(Protocol):
    """What the queue asks of an engine."""

    def start(self, job: str, request: Any) -> Progress:
        """Prepare a job."""

    def advance(self, job: str) -> Progress:
        """Take one step of it."""

    def product(self, job: str) -> Any:
        """What it has made so far: a preview, or, when it is finished, the result."""

    def stop(self, job: str) -> None:
        """Forget it; nothing happens if it was never started."""


@dataclass
class _Job:
    request: Any
    status: JobStatus
    owners: set[str]
    begun: bool = False
    keeping: Aside[Any] | None = None
    product: Any = None
    asked: float = 0.0
    stepped: float = 0.0
    previewed: float = 0.0


class JobQueue:
    """The jobs of one service; thread-safe. Only `step` touches the engine, on the service's own thread.

    Args:
        wake: called when there is something new to do.
        finished: called with request and result of each job that has come to its end, on a thread of its own, as it
            may write files; returns what is to be remembered as the result. A `PerturberError` that it raises is the
            job's.
        over: called with the name of each job that is done, has failed or was cancelled, and of none that ends with the
            service.
    """

    def __init__(
        self,
        *,
        wake: Callable[[], None],
        finished: Callable[[Any, Any], Any],
        over: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._wake = wake
        self._finished = finished
        self._over = over
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._served: dict[str, float] = {}  # when each user's last step was taken
        self._to_stop: list[str] = []
        self._ended: str | None = None

    @property
    def left(self) -> bool:
        """Whether a step has something to do."""
        with self._lock:
            return bool(self._to_stop) or any(not job.status.state.over for job in self._jobs.values())

    def submit(self, request: JobRequest, *, again: bool = False) -> JobStatus:
        """Order a job for the user who asks.

        One that is under way or done already is the same job, one that ended otherwise begins anew.

        Args:
            again: whether to begin anew what is done, too.

        Raises:
            NotAllowedError: the user only looks.
            InvalidInputError: too many jobs wait, or nobody takes their steps any more.
        """
        need(Role.EDITOR, "start jobs")
        name, user = job_id(request), current().name
        with self._lock:
            if self._ended:
                raise InvalidInputError(self._ended)
            job = self._jobs.get(name)
            anew = (JobState.FAILED, JobState.CANCELLED, *([JobState.DONE] if again else []))
            if job is None or job.status.state in anew:
                self._refuse_too_many(user)
                self._jobs.pop(name, None)
                job = self._jobs[name] = _Job(request, JobStatus(id=name, title=request.title), {user})
                self._forget_old_ones()
            elif not job.status.state.over:
                job.owners.add(user)
            job.asked = monotonic()
            status = job.status
        self._wake()
        return status

    def status(self, name: str) -> JobStatus:
        """Where a job stands; who asks is taken to be looking at it.

        Raises:
            InvalidInputError: there is no such job (any more).
        """
        with self._lock:
            job = self._get(name)
            job.asked = monotonic()
            return job.status

    def all(self) -> list[JobStatus]:
        """Every job that is remembered, oldest first."""
        with self._lock:
            return [job.status for job in self._jobs.values()]

    def product(self, name: str) -> Any:
        """What a job has made so far: None, a preview, or its result.

        Raises:
            InvalidInputError: there is no such job (any more).
        """
        with self._lock:
            return self._get(name).product

    def request(self, name: str) -> JobRequest:
        """What a job was asked.

        Raises:
            InvalidInputError: there is no such job (any more).
        """
        with self._lock:
            return self._get(name).request

    def cancel(self, name: str) -> JobStatus:
        """End a job, for everybody who looks at it; one that is over stays as it is.

        It goes on for others who have ordered it, too, unless an administrator ends it.

        Raises:
            InvalidInputError: there is no such job (any more), or others have ordered it, too.
            NotAllowedError: only others have.
        """
        user = current()
        with self._lock:
            job = self._get(name)
            if job.status.state.over:
                return job.status
            if not any(user.may_change(owner) for owner in job.owners):
                raise NotAllowedError(f"{job.status.title} can be cancelled only by whoever has ordered it.")
            others = job.owners - {user.name}
            if others and user.role is not Role.ADMIN:
                job.owners = others
                raise InvalidInputError(f"{job.status.title} goes on: somebody else has ordered it, too.")
            job.status = replace(job.status, state=JobState.CANCELLED)
            job.product = None
            self._to_stop.append(name)
        self._over(name)
        self._wake()  # what it holds is let go of now, not at somebody's next step
        return job.status

    def end(self, sentence: str) -> None:
        """Fail what is not over, and refuse what is ordered from now on, for a reason."""
        with self._lock:
            self._ended = sentence
            for job in self._jobs.values():
                if not job.status.state.over:
                    job.status, job.product = replace(job.status, state=JobState.FAILED, error=sentence), None
            keeping = [job.keeping for job in self._jobs.values() if job.keeping is not None]
        for one in keeping:
            one.join()  # nothing is left half kept

    def step(self, engine: Stepper) -> bool:
        """Take one step of the job whose turn it is; whether there was one."""
        with self._lock:
            to_stop, self._to_stop = self._to_stop, []
            name, job = self._next()
        for other in to_stop:
            engine.stop(other)
        if job is None:
            return False
        try:
            self._advance(engine, name, job)
        except BaseException as error:  # an exit, too, is that of this job alone
            if not isinstance(error, PerturberError):
                log.exception("the job %r failed", job.status.title)
            sentence = str(error) if isinstance(error, PerturberError) else "The job failed. The server's log says why."
            self._change(job, None, state=JobState.FAILED, error=sentence)
            engine.stop(name)
        return True

    def _advance(self, engine: Stepper, name: str, job: _Job) -> None:
        progress = job.status.progress
        if job.keeping is None:
            progress = engine.advance(name) if job.begun else engine.start(name, job.request)
            job.begun = True
        now = job.stepped = monotonic()
        with self._lock:
            self._served |= dict.fromkeys(job.owners, now)
        if job.status.state is JobState.CANCELLED:  # during this step; the next one stops it
            return
        if progress.finished and job.keeping is None:
            product = engine.product(name)
            job.keeping = Aside(partial(self._finished, job.request, product))
            engine.stop(name)
            self._change(job, product, state=JobState.RUNNING, progress=progress)
        if job.keeping is not None:
            if job.keeping.ready():
                self._change(job, job.keeping.result(), state=JobState.DONE)
            return
        product = job.product
        if now - job.previewed > PREVIEW_SECONDS:
            product, job.previewed = engine.product(name), now
        self._change(job, product, state=JobState.RUNNING, progress=progress)

    def _change(self, job: _Job, product: Any, **changes: Any) -> None:
        with self._lock:
            if job.status.state is not JobState.CANCELLED:
                job.product = product
                job.status = replace(job.status, **changes)
                over = job.status.state.over and not self._ended
            else:
                over = False
        if over:
            self._over(job.status.id)

    def _next(self) -> tuple[str, _Job | None]:
        """Users take turns; of one's jobs urgent ones go first, then those somebody looks at, and equals take turns.

        A job that has not begun waits while `AT_ONCE` others have.
        """
        now = monotonic()
        unfinished = [item for item in self._jobs.items() if not item[1].status.state.over]
        begun = Counter((o, job.request.urgent) for _, job in unfinished if job.begun for o in job.owners)

        def may_go(job: _Job) -> bool:
            return job.begun or any(begun[owner, job.request.urgent] < AT_ONCE for owner in job.owners)

        def rank(item: tuple[str, _Job]) -> tuple:
            job = item[1]
            turn = min(self._served.get(owner, 0.0) for owner in job.owners)
            return turn, not job.request.urgent, now - job.asked > LOOKED_AT_SECONDS, job.stepped

        waiting = [item for item in unfinished if may_go(item[1])]
        return min(waiting, key=rank, default=("", None))

    def _refuse_too_many(self, user: str) -> None:
        waiting = [job for job in self._jobs.values() if not job.status.state.over]
        if len(waiting) >= MAX_WAITING:
            raise InvalidInputError(f"{MAX_WAITING} jobs are already queued. Try again later.")
        if sum(user in job.owners for job in waiting) >= MAX_OF_A_USER:
            raise InvalidInputError(
                f"{MAX_OF_A_USER} jobs of yours are already queued. Cancel some, or try again when they are done."
            )

    def _get(self, name: str) -> _Job:
        if name not in self._jobs:
            raise InvalidInputError(f"The job {str(name)[:80]!r} does not exist, or no longer does. Start it again.")
        return self._jobs[name]

    def _forget_old_ones(self) -> None:
        over = [name for name, job in self._jobs.items() if job.status.state.over]
        for name in over[:-MAX_FINISHED]:
            del self._jobs[name]
        known = {owner for job in self._jobs.values() for owner in job.owners}
        self._served = {owner: when for owner, when in self._served.items() if owner in known}


def job_id(request: JobRequest) -> str:
    """The id that follows from a request."""
    return hashlib.sha256(f"{type(request).__name__} {request!r}".encode()).hexdigest()[:24]
