"""Who gets the device: jobs' share, clients in turn; errors that are nobody's answer, and a thread that dies."""

import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pytest
import torch

from perturber.errors import GivenUpError, InvalidInputError, OvertakenError
from perturber.scene import Scene
from perturber.service import JobState, LookRequest, Progress, dispatcher
from perturber.service.dispatcher import MAX_BATCH, Dispatcher
from perturber.service.jobs import JobQueue


@dataclass(frozen=True)
class Digging:
    """A job without end."""

    title: str = "Digging"
    urgent: bool = False


class SlowEngine:
    """Answers with the request, takes steps, and lets time pass; `trouble` is raised by what it names."""

    def __init__(self) -> None:
        self.look_seconds = self.step_seconds = 0.0
        self.stepped = 0.0  # seconds
        self.batches: list[list[str | None]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.trouble: Callable[[Sequence[LookRequest]], None] = lambda _: None

    def answer(self, requests: Sequence[LookRequest]) -> list[LookRequest]:
        self.busy.set()
        self.gate.wait(10)
        self.batches.append([request.client for request in requests])
        self.trouble(requests)
        time.sleep(self.look_seconds)
        return list(requests)

    def start(self, job: str, request: Digging) -> Progress:
        return Progress(done=0, steps=2)

    def advance(self, job: str) -> Progress:
        since = time.perf_counter()
        time.sleep(self.step_seconds)
        self.stepped += time.perf_counter() - since
        return Progress(done=1, steps=2)

    def product(self, job: str) -> None:
        return None

    def stop(self, job: str) -> None:
        pass


@pytest.fixture
def engine() -> SlowEngine:
    return SlowEngine()


@pytest.fixture
def running(engine: SlowEngine) -> Iterator[Dispatcher]:
    jobs = JobQueue(wake=lambda: running.notice_job(), finished=lambda _, result: result)
    running = Dispatcher(lambda: engine, jobs)  # type: ignore[arg-type, return-value]  # it answers less than a real one
    yield running
    engine.gate.set()
    running.close()


def look(running: Dispatcher, client: str | None, yaw: float = 0) -> Any:
    return running.ask(LookRequest(scene=Scene(yaw=yaw), client=client))


def drag(running: Dispatcher, seconds: float, pause: float) -> list[float]:
    """Latencies of a page's looks."""
    end, found = time.perf_counter() + seconds, []
    while time.perf_counter() < end:
        since = time.perf_counter()
        look(running, "page")
        found.append(time.perf_counter() - since)
        time.sleep(pause)
    return found


@pytest.mark.parametrize(
    ("look_seconds", "step_seconds", "pause"), [(0.02, 0.005, 0.0), (0.02, 0.06, 0.0), (0.04, 0.03, 0.1)]
)
def test_a_job_keeps_its_share_while_somebody_drags_and_the_median_look_hardly_waits(
    engine: SlowEngine, running: Dispatcher, look_seconds: float, step_seconds: float, pause: float
) -> None:
    engine.look_seconds, engine.step_seconds = look_seconds, step_seconds
    alone = drag(running, 1.0, pause)
    running.jobs.submit(Digging())
    since = time.perf_counter()
    together = drag(running, 2.5, pause)
    share = engine.stepped / (time.perf_counter() - since)
    assert 0.13 <= share <= 0.3  # the first step comes a little later
    assert median(together) <= 1.25 * median(alone) + 0.003


def test_a_click_now_and_then_is_followed_by_a_quiet_time(engine: SlowEngine, running: Dispatcher) -> None:
    engine.step_seconds = 0.002
    running.jobs.submit(Digging())
    for _ in range(3):
        time.sleep(0.2)
        look(running, "page")
        before = engine.stepped
        time.sleep(dispatcher.QUIET_SECONDS / 2)
        assert engine.stepped == before


def test_jobs_go_on_under_a_flood_without_a_client(engine: SlowEngine, running: Dispatcher) -> None:
    engine.look_seconds, engine.step_seconds = 0.02, 0.02
    running.jobs.submit(Digging())
    end = time.perf_counter() + 1.5
    with ThreadPoolExecutor(40) as pool:
        for thread in [pool.submit(flood, running, end) for _ in range(40)]:
            thread.result()
    assert 0.1 <= engine.stepped / 1.5 <= 0.3


def flood(running: Dispatcher, end: float) -> None:
    while time.perf_counter() < end:
        look(running, None)


def hold(engine: SlowEngine, running: Dispatcher, pool: ThreadPoolExecutor) -> Future[Any]:
    """Occupy the engine, so that what follows must wait."""
    engine.gate.clear()
    engine.busy.clear()
    first = pool.submit(look, running, "first")
    assert engine.busy.wait(5)
    return first


def queue(running: Dispatcher, pool: ThreadPoolExecutor, clients: Sequence[str | None]) -> list[Future[Any]]:
    """Ask for each client, one after the other."""
    asked = []
    for client in clients:
        before = running.waiting
        asked.append(pool.submit(look, running, client))
        assert until(lambda before=before: running.waiting > before)
    return asked


def until(condition: Callable[[], Any]) -> bool:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.002)
    return bool(condition())


def test_requests_without_a_client_count_as_one_and_fill_up(engine: SlowEngine, running: Dispatcher) -> None:
    clients = [f"client {number}" for number in range(MAX_BATCH + 4)]
    with ThreadPoolExecutor(80) as pool:
        hold(engine, running, pool)
        asked = queue(running, pool, [*[None] * 40, *clients])
        engine.gate.set()
        for one in asked:
            one.result(10)
    first, second, third, *_ = engine.batches[1:]
    assert first == [*clients[: MAX_BATCH - 1], None]
    assert second == [*clients[MAX_BATCH - 1 :], *[None] * (MAX_BATCH - 5)]
    assert third == [None] * MAX_BATCH


def test_who_asks_anew_keeps_the_place_in_the_queue(engine: SlowEngine, running: Dispatcher) -> None:
    with ThreadPoolExecutor(40) as pool:
        hold(engine, running, pool)
        older, *others = queue(running, pool, [f"client {number}" for number in range(MAX_BATCH + 4)])
        newer = pool.submit(look, running, "client 0", 90)
        with pytest.raises(OvertakenError):
            older.result(10)
        engine.gate.set()
        assert newer.result(10).scene.yaw == 90
        for one in others:
            one.result(10)
    assert engine.batches[1][0] == "client 0"


ERRORS = (torch.OutOfMemoryError("no room"), SystemExit(3), RuntimeError("a bug"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("where", ["prefetch", "step"])
def test_an_error_outside_of_an_answer_is_logged_and_counted_and_the_loop_goes_on(
    running: Dispatcher,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
    error: BaseException,
) -> None:
    step, fails = running.jobs.step, [True]

    def fail(*_: object) -> bool:
        if fails:
            fails.clear()
            raise error
        return step(*_)  # type: ignore[arg-type]

    with caplog.at_level(logging.ERROR):
        if where == "prefetch":
            running.prefetch([fail])
        else:
            monkeypatch.setattr(running.jobs, "step", fail)
            running.jobs.submit(Digging())
        assert until(lambda: running.failures == 1)
        assert look(running, "page").client == "page"
    assert (running.alive, running.failures) == (True, 1)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is error
    if where == "step":
        assert until(lambda: running.jobs.all()[0].state is JobState.RUNNING)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_call_or_a_look_that_fails_is_that_of_who_asked(
    engine: SlowEngine, running: Dispatcher, error: BaseException
) -> None:
    def fail(_: object) -> None:
        raise error

    expected = type(error) if isinstance(error, Exception) else RuntimeError
    with pytest.raises(expected):
        running.call(fail)
    engine.trouble = fail
    with pytest.raises(expected):
        look(running, "page")
    engine.trouble = lambda _: None
    assert look(running, "page").client == "page"
    assert (running.alive, running.failures) == (True, 0)


def test_a_batch_without_room_is_answered_one_by_one_with_its_memory_free(
    engine: SlowEngine, running: Dispatcher
) -> None:
    held: list[weakref.ref] = []

    def no_room(requests: Sequence[LookRequest]) -> None:
        large = np.zeros(10)
        if len(requests) > 1:
            held.append(weakref.ref(large))
            raise torch.OutOfMemoryError
        assert all(one() is None for one in held)
        if requests[0].client == "huge":
            raise torch.OutOfMemoryError("huge")

    engine.trouble = no_room
    with ThreadPoolExecutor(8) as pool:
        hold(engine, running, pool)
        *good, huge = queue(running, pool, ["a", "b", "c", "huge"])
        engine.gate.set()
        assert [one.result(10).client for one in good] == ["a", "b", "c"]
        with pytest.raises(torch.OutOfMemoryError, match="huge"):
            huge.result(10)
    assert len(held) == 1


def test_an_engine_that_answers_too_little_leaves_nobody_waiting(engine: SlowEngine, running: Dispatcher) -> None:
    engine.answer = lambda requests: []  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="shorter"):
        look(running, "page")


def test_whoever_waits_for_a_thread_that_dies_is_told_and_whoever_comes_later(
    engine: SlowEngine, running: Dispatcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def die(**_: object) -> None:
        raise MemoryError

    with ThreadPoolExecutor(8) as pool:
        first = hold(engine, running, pool)
        waiting = queue(running, pool, ["a", None])
        waiting.append(pool.submit(running.call, lambda _: None))
        assert until(lambda: running._calls)
        job = running.jobs.submit(Digging()).id
        assert running.alive
        monkeypatch.setattr(running, "_next", die)
        engine.gate.set()
        assert first.result(10).client == "first"
        for one in waiting:
            with pytest.raises(InvalidInputError, match=r"has stopped because of an error.* Restart"):
                one.result(10)
    assert not running.alive
    assert "MemoryError" in caplog.text
    for ask in (lambda: look(running, "page"), lambda: running.call(id), lambda: running.jobs.submit(Digging())):
        with pytest.raises(InvalidInputError, match="has stopped because of an error"):
            ask()
    assert until(lambda: running.jobs.status(job).state is JobState.FAILED)
    assert "has stopped because of an error" in str(running.jobs.status(job).error)


def test_a_look_that_takes_too_long_is_given_up_and_the_next_is_answered(
    engine: SlowEngine, running: Dispatcher
) -> None:
    with ThreadPoolExecutor(8) as pool:
        running.patience = 0.3
        held = hold(engine, running, pool)
        waiting = pool.submit(look, running, "waits behind it")
        for one in (held, waiting):
            with pytest.raises(GivenUpError, match=r"no answer within 0.3 seconds"):
                one.result(10)
        assert running.busy_seconds >= 0.3
        assert running.waiting == 0  # nobody is there any more who would read its answer
        running.patience = 10.0
        engine.gate.set()
        assert look(running, "page").client == "page"
    assert until(lambda: running.busy_seconds == 0)


def test_what_is_done_is_observed(engine: SlowEngine, running: Dispatcher) -> None:
    seen: list[tuple[str, float, float, int]] = []
    running.observe = lambda *one: seen.append(one)
    engine.look_seconds = 0.05
    with ThreadPoolExecutor(8) as pool:
        held = hold(engine, running, pool)
        asked = queue(running, pool, ["a", "b"])
        engine.gate.set()
        for one in (held, *asked):
            one.result(10)
    running.call(id)
    running.jobs.submit(Digging())
    assert until(lambda: any(kind == "step" for kind, *_ in seen))
    answers = [one for one in seen if one[0] == "answer"]
    assert [together for *_, together in answers] == [1, 2, 2]
    assert all(took >= 0.05 for _, _, took, _ in answers)
    assert all(waited >= 0.05 for _, waited, _, _ in answers[1:])
    assert any(kind == "call" for kind, *_ in seen)
