"""The queue of jobs with a stepper that only counts."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from perturber.errors import InvalidInputError, NotAllowedError, StorageError
from perturber.service import JobState, Progress, aside, jobs
from perturber.service.jobs import AT_ONCE, MAX_FINISHED, MAX_OF_A_USER, MAX_WAITING, JobQueue
from perturber.users import Role, User, acting


@dataclass(frozen=True)
class Counting:
    """Counts to `steps`; `trouble` is raised after the first step."""

    steps: int = 3
    label: str = ""
    urgent: bool = False
    trouble: BaseException | None = None

    @property
    def title(self) -> str:
        return f"Counting {self.label}"


class Counter:
    """Takes the steps, and records them."""

    def __init__(self) -> None:
        self.requests: dict[str, Counting] = {}
        self.done: dict[str, int] = {}
        self.taken: list[str] = []
        self.starts: list[str] = []
        self.stopped: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.loading: Callable[[], None] = lambda: None

    def start(self, job: str, request: Counting) -> Progress:
        assert job not in self.requests
        self.requests[job], self.done[job] = request, 0
        self.starts.append(request.label)
        self.loading()
        return Progress(done=0, steps=request.steps)

    def advance(self, job: str) -> Progress:
        request = self.requests[job]
        if request.trouble and self.done[job]:
            raise request.trouble
        self.done[job] += 1
        self.taken.append(request.label)
        self.meanwhile()
        return Progress(done=self.done[job], steps=request.steps)

    def product(self, job: str) -> int:
        return self.done[job]

    def stop(self, job: str) -> None:
        self.stopped.append(job)
        self.requests.pop(job, None)


class Now:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        self.seconds += 1e-6
        return self.seconds


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept within half a minute is kept in the same step, however busy the machine is."""
    monkeypatch.setattr(aside, "MOMENT", 30.0)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    clock = Now()
    monkeypatch.setattr(jobs, "monotonic", clock)
    return clock


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def queue(now: Now) -> JobQueue:
    return JobQueue(wake=lambda: None, finished=lambda _, result: result)


def run(queue: JobQueue, counter: Counter, most: int = 10**4) -> None:
    while most and queue.step(counter):
        most -= 1


def test_a_job_goes_from_waiting_to_done(queue: JobQueue, counter: Counter, now: Now) -> None:
    job = queue.submit(Counting(steps=3, label="sheep"))
    assert (job.title, job.state, job.progress) == ("Counting sheep", JobState.WAITING, Progress(done=0, steps=1))
    assert queue.product(job.id) is None
    seen = []
    while queue.step(counter):
        now.seconds += jobs.PREVIEW_SECONDS + 0.1
        status = queue.status(job.id)
        seen.append((status.state, status.progress.done, queue.product(job.id)))
    running = [(JobState.RUNNING, done, done) for done in range(3)]
    assert seen == [*running, (JobState.DONE, 3, 3)]
    assert counter.requests == {}
    assert queue.step(counter) is False


def test_previews_are_not_made_at_every_step(queue: JobQueue, counter: Counter, now: Now) -> None:
    job = queue.submit(Counting(steps=10))
    previews = []
    for _ in range(10):
        queue.step(counter)
        now.seconds += jobs.PREVIEW_SECONDS * 0.3
        previews.append(queue.product(job.id))
    assert previews == [0, 0, 0, 0, 4, 4, 4, 4, 8, 8]


def test_whoever_orders_is_told_that_there_is_work_and_what_came_of_it(counter: Counter) -> None:
    woken, results = [], []

    def finished(request: Counting, result: int) -> str:
        results.append((request, result))
        return "remembered"

    queue = JobQueue(wake=lambda: woken.append(True), finished=finished)
    job = queue.submit(Counting(steps=2))
    assert woken == [True]
    run(queue, counter)
    assert results == [(Counting(steps=2), 2)]
    assert queue.product(job.id) == "remembered"


def test_the_same_request_is_the_same_job(queue: JobQueue, counter: Counter) -> None:
    first, other = queue.submit(Counting(label="a")), queue.submit(Counting(label="b"))
    assert queue.submit(Counting(label="a")).id == first.id != other.id
    assert [status.id for status in queue.all()] == [first.id, other.id]
    run(queue, counter)
    assert queue.submit(Counting(label="a")).state is JobState.DONE
    assert queue.step(counter) is False
    assert queue.submit(Counting(label="a"), again=True).state is JobState.WAITING
    assert queue.product(first.id) is None
    run(queue, counter)
    assert counter.starts == ["a", "b", "a"]


def test_a_job_that_waits_is_cancelled_before_it_begins(queue: JobQueue, counter: Counter) -> None:
    job = queue.submit(Counting())
    assert queue.cancel(job.id).state is JobState.CANCELLED
    assert queue.step(counter) is False
    assert (counter.starts, counter.stopped) == ([], [job.id])
    assert queue.status(job.id).state is JobState.CANCELLED


def test_a_job_that_runs_is_cancelled_and_begins_anew(queue: JobQueue, counter: Counter) -> None:
    job = queue.submit(Counting(steps=5))
    run(queue, counter, most=3)
    queue.cancel(job.id)
    assert queue.product(job.id) is None
    assert queue.step(counter) is False
    assert counter.requests == {}
    assert queue.submit(Counting(steps=5)).state is JobState.WAITING
    run(queue, counter)
    assert len(counter.taken) == 2 + 5
    assert (queue.status(job.id).state, queue.product(job.id)) == (JobState.DONE, 5)
    assert queue.cancel(job.id).state is JobState.DONE


@pytest.mark.parametrize("steps", [1, 2])
def test_cancelled_stays_cancelled_when_the_step_ends_afterwards(steps: int, counter: Counter) -> None:
    results: list[Any] = []
    queue = JobQueue(wake=lambda: None, finished=lambda *result: results.append(result))
    job = queue.submit(Counting(steps=steps))
    counter.meanwhile = lambda: queue.cancel(job.id)  # somebody cancels during the step
    run(queue, counter, most=2)
    status = queue.status(job.id)
    assert (status.state, status.progress.done, queue.product(job.id), results) == (JobState.CANCELLED, 0, None, [])
    assert queue.step(counter) is False
    assert counter.stopped == [job.id]


def test_a_job_is_cancelled_while_it_loads(queue: JobQueue, counter: Counter) -> None:
    job = queue.submit(Counting(steps=5))
    counter.loading = lambda: queue.cancel(job.id)  # type: ignore[assignment]
    run(queue, counter)
    assert queue.status(job.id).state is JobState.CANCELLED
    assert (counter.taken, counter.requests, counter.stopped) == ([], {}, [job.id])


def test_a_job_ordered_again_while_its_cancelled_step_ends(queue: JobQueue, counter: Counter) -> None:
    job = queue.submit(Counting(steps=2))

    def change_ones_mind() -> None:
        counter.meanwhile = lambda: None
        queue.cancel(job.id)
        queue.submit(Counting(steps=2))

    counter.meanwhile = change_ones_mind
    run(queue, counter)
    assert (queue.status(job.id).state, queue.product(job.id)) == (JobState.DONE, 2)
    assert counter.starts == ["", ""]
    assert len(counter.taken) == 1 + 2


@pytest.mark.parametrize(
    ("trouble", "sentence", "logged"),
    [
        (InvalidInputError("The folder is empty."), "The folder is empty.", False),
        (ZeroDivisionError("secret"), "The job failed. The server's log says why.", True),
        (torch.OutOfMemoryError("secret"), "The job failed. The server's log says why.", True),
        (SystemExit("secret"), "The job failed. The server's log says why.", True),
    ],
)
def test_a_job_that_fails(
    queue: JobQueue,
    counter: Counter,
    caplog: pytest.LogCaptureFixture,
    trouble: BaseException,
    sentence: str,
    logged: bool,
) -> None:
    job = queue.submit(Counting(label="stars", trouble=trouble))
    with caplog.at_level(logging.ERROR):
        run(queue, counter)
    status = queue.status(job.id)
    assert (status.state, status.error, queue.product(job.id)) == (JobState.FAILED, sentence, None)
    assert counter.requests == {}
    assert ("Counting stars" in caplog.text and "secret" in caplog.text) == logged
    assert queue.submit(Counting(label="stars", trouble=trouble)).state is JobState.WAITING


def test_a_job_whose_result_cannot_be_kept_has_failed(counter: Counter) -> None:
    def finished(*_: object) -> None:
        raise StorageError("The disk is full.")

    queue = JobQueue(wake=lambda: None, finished=finished)
    job = queue.submit(Counting())
    run(queue, counter)
    assert (queue.status(job.id).state, queue.status(job.id).error) == (JobState.FAILED, "The disk is full.")
    assert counter.requests == {}


def test_keeping_a_result_holds_up_nobody(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOMENT", 0.0)
    kept, threads = threading.Event(), []

    def finished(request: Counting, result: int) -> int:
        if request.label == "slow":
            threads.append(threading.current_thread())
            assert kept.wait(30)
        return result

    queue = JobQueue(wake=lambda: None, finished=finished)
    slow, cancelled = queue.submit(Counting(label="slow")), queue.submit(Counting(label="slow", steps=2))
    other = queue.submit(Counting(label="other", steps=9))
    while queue.status(other.id).state is not JobState.DONE:
        assert queue.step(counter)
    assert counter.taken.count("slow") == 3 + 2  # no step is taken of what is only being kept
    assert queue.left
    for job, steps in ((slow, 3), (cancelled, 2)):
        status = queue.status(job.id)
        assert (status.state, status.progress.done, queue.product(job.id)) == (JobState.RUNNING, steps, steps)
    assert queue.cancel(cancelled.id).state is JobState.CANCELLED
    kept.set()
    for thread in threads:
        thread.join(30)
    run(queue, counter)
    assert (queue.status(slow.id).state, queue.product(slow.id)) == (JobState.DONE, 3)
    assert queue.status(cancelled.id).state is JobState.CANCELLED
    assert threading.current_thread() not in threads
    assert counter.requests == {}


def test_a_queue_that_ends_waits_until_a_result_is_kept(counter: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "MOMENT", 0.0)
    ending, kept = threading.Event(), []

    def finished(_: Counting, result: int) -> None:
        ending.wait(30)
        kept.append(result)

    queue = JobQueue(wake=lambda: None, finished=finished)
    job = queue.submit(Counting())
    run(queue, counter, most=4)
    assert queue.status(job.id).state is JobState.RUNNING
    threading.Timer(0.05, ending.set).start()
    queue.end("Nobody is left.")
    assert kept == [3]


def test_jobs_of_a_queue_that_has_ended_fail_with_its_sentence(queue: JobQueue, counter: Counter) -> None:
    done = queue.submit(Counting(label="done"))
    run(queue, counter)
    begun, waiting = queue.submit(Counting(label="begun", urgent=True)), queue.submit(Counting(label="waiting"))
    run(queue, counter, most=2)
    assert queue.left
    queue.end("Nobody is left.")
    assert not queue.left
    for job in (begun, waiting):
        assert (queue.status(job.id).state, queue.status(job.id).error) == (JobState.FAILED, "Nobody is left.")
        assert queue.product(job.id) is None
    assert (queue.status(done.id).state, queue.product(done.id)) == (JobState.DONE, 3)
    with pytest.raises(InvalidInputError, match="Nobody is left"):
        queue.submit(Counting(label="another"))


def test_urgent_ones_go_first_then_those_that_are_looked_at_and_equals_take_turns(
    queue: JobQueue, counter: Counter, now: Now
) -> None:
    looked_at = queue.submit(Counting(label="looked at"))
    queue.submit(Counting(label="later"))
    for label in ("urgent", "as urgent"):
        queue.submit(Counting(label=label, urgent=True))
    now.seconds += jobs.LOOKED_AT_SECONDS + 1
    queue.status(looked_at.id)
    run(queue, counter)
    assert counter.taken == ["urgent", "as urgent"] * 3 + ["looked at"] * 3 + ["later"] * 3


def ordered(queue: JobQueue, user: str, label: str, urgent: bool = False) -> str:
    with acting(User(user, Role.EDITOR)):
        return queue.submit(Counting(label=label, urgent=urgent)).id


def test_users_take_turns_however_many_jobs_one_has_ordered(queue: JobQueue, counter: Counter) -> None:
    for number in range(4):
        ordered(queue, "ann", f"a{number}", urgent=True)
    run(queue, counter, most=6)
    ordered(queue, "bob", "b")
    ordered(queue, "cyd", "c")
    counter.taken.clear()
    run(queue, counter, most=15)
    assert sorted(label[0] for label in counter.taken[:9]) == ["a"] * 3 + ["b"] * 3 + ["c"] * 3


def test_few_jobs_of_a_user_have_begun_at_the_same_time(queue: JobQueue, counter: Counter) -> None:
    for number in range(AT_ONCE + 3):
        ordered(queue, "ann", f"a{number}")
        ordered(queue, "bob", f"b{number}")
        ordered(queue, "bob", f"u{number}", urgent=True)
    most: dict[str, int] = {}
    while queue.step(counter):
        for kind in "abu":
            held = sum(request.label.startswith(kind) for request in counter.requests.values())
            most[kind] = max(most.get(kind, 0), held)
    assert most == dict.fromkeys("abu", AT_ONCE)
    assert len(counter.taken) == 9 * (AT_ONCE + 3)


def test_jobs_of_a_user_are_bounded_and_all_together(queue: JobQueue, counter: Counter) -> None:
    for user in range(MAX_WAITING // MAX_OF_A_USER):
        for number in range(MAX_OF_A_USER):
            first = ordered(queue, f"user {user}", f"{user} {number}")
        assert ordered(queue, f"user {user}", f"{user} {number}") == first  # is there already
        if user == 0:
            with pytest.raises(InvalidInputError, match=f"^{MAX_OF_A_USER} jobs of yours are already queued"):
                ordered(queue, "user 0", "one more")
    with pytest.raises(InvalidInputError, match=f"^{MAX_WAITING} jobs are already queued"):
        ordered(queue, "another", "one more")
    queue.cancel(first)
    assert ordered(queue, "another", "one more")


def test_a_job_is_cancelled_by_who_ordered_it_or_an_administrator(queue: JobQueue, counter: Counter) -> None:
    job = ordered(queue, "ann", "sheep")
    with acting(User("bob", Role.EDITOR)), pytest.raises(NotAllowedError, match="sheep can be cancelled only by"):
        queue.cancel(job)
    assert ordered(queue, "bob", "sheep") == job
    with acting(User("ann", Role.EDITOR)), pytest.raises(InvalidInputError, match="goes on: somebody else"):
        queue.cancel(job)
    assert queue.status(job).state is JobState.WAITING
    with acting(User("ann", Role.EDITOR)), pytest.raises(NotAllowedError):
        queue.cancel(job)  # it is hers no longer
    with acting(User("bob", Role.EDITOR)):
        assert queue.cancel(job).state is JobState.CANCELLED
    job = ordered(queue, "ann", "goats")
    with acting(User("root", Role.ADMIN)):
        assert queue.cancel(job).state is JobState.CANCELLED


def test_the_oldest_finished_ones_are_forgotten(queue: JobQueue, counter: Counter) -> None:
    first = queue.submit(Counting(label="first"))
    run(queue, counter)
    for number in range(MAX_FINISHED):
        assert queue.status(first.id).state is JobState.DONE
        last = queue.submit(Counting(label=str(number)))
        run(queue, counter)
    queue.submit(Counting(label="another"))
    assert len(queue.all()) == MAX_FINISHED + 1
    assert queue.product(last.id) == 3
    for ask in (queue.status, queue.product, queue.cancel):
        with pytest.raises(InvalidInputError, match=rf"^The job '{first.id}' does not exist, or no longer does\."):
            ask(first.id)


def test_several_threads_submit_and_cancel(counter: Counter) -> None:
    """What each was told last holds, and no job is lost or left with the stepper."""
    queue = JobQueue(wake=lambda: None, finished=lambda _, result: result)
    threads_over = threading.Event()
    failures: list[BaseException] = []

    def order(thread: int) -> None:
        try:
            for turn in range(60):
                own = queue.submit(Counting(label=f"{thread} {turn % 7}", steps=2, urgent=bool(turn % 2)))
                shared = queue.submit(Counting(label=f"shared {turn % 5}", steps=2))
                queue.status(own.id)
                if turn % 3 == 0:
                    assert queue.cancel(own.id).state.over
                if turn % 4 == 0:
                    queue.cancel(shared.id)
        except BaseException as error:
            failures.append(error)

    def work() -> None:
        while queue.step(counter) or not threads_over.is_set():
            pass

    worker = threading.Thread(target=work)
    threads = [threading.Thread(target=order, args=(number,)) for number in range(4)]
    for thread in (worker, *threads):
        thread.start()
    for thread in threads:
        thread.join(30)
    threads_over.set()
    worker.join(30)
    assert not worker.is_alive()
    assert failures == []
    assert {status.state for status in queue.all()} <= {JobState.DONE, JobState.CANCELLED}
    assert all(queue.product(status.id) == 2 for status in queue.all() if status.state is JobState.DONE)
    assert counter.requests == {}
