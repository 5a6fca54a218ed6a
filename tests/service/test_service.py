"""Queueing, batching, overtaking and failing, with an engine that only records what it is asked."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from perturber.config import Settings
from perturber.errors import InvalidInputError, OvertakenError
from perturber.scene import Scene
from perturber.service import (
    CompareRequest,
    Comparison,
    InferenceService,
    JobState,
    Look,
    LookRequest,
    ModelInfo,
    Progress,
)
from perturber.service.dispatcher import MAX_BATCH, QUIET_SECONDS

MODELS = ("a", "b")


@dataclass(frozen=True)
class Digging:
    """A job of many steps."""

    steps: int = 10**6
    title: str = "Digging"
    urgent: bool = False


class RecordingEngine:
    """Answers with a picture of the scene's yaw; works only while `gate` is open, steps only while `stepping` is."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.threads: set[int] = set()
        self.models: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.steps_left: dict[str, int] = {}
        self.steps = 0
        self.steps_at_answer: list[int] = []
        self.times: list[tuple[str | None, float]] = []  # "step", or the client that was answered
        self.in_step = False
        self.stepping = threading.Event()
        self.stepping.set()

    def start(self, job: str, request: Digging) -> Progress:
        self.steps_left[job] = request.steps
        return Progress(done=0, steps=request.steps)

    def advance(self, job: str) -> Progress:
        self.threads.add(threading.get_ident())
        self.times.append(("step", time.perf_counter()))
        self.steps += 1
        self.in_step = not self.stepping.is_set()
        self.stepping.wait(10)
        self.in_step = False
        self.steps_left[job] -= 1
        return Progress(done=self.steps, steps=self.steps + self.steps_left[job])

    def product(self, job: str) -> str:
        return f"{self.steps} deep"

    def stop(self, job: str) -> None:
        self.steps_left.pop(job, None)

    def model(self, name: str) -> ModelInfo:
        self.models.append(name)
        return ModelInfo(
            name=name,
            label=name,
            fingerprint=name,
            layers={},
            default_layer="",
            classes=(),
            class_list="",
            groups={},
            input_size=224,
        )

    def answer(self, requests: Sequence[LookRequest | CompareRequest]) -> list[Look | Comparison]:
        self.threads.add(threading.get_ident())
        self.steps_at_answer.append(self.steps)
        self.busy.set()
        self.gate.wait(10)
        yaws = [request.scene.yaw for request in requests]
        self.batches.append(yaws)
        self.times += [(request.client, time.perf_counter()) for request in requests]
        if 13.0 in yaws:
            raise RuntimeError("thirteen")
        return [self.answer_to(request, len(requests)) for request in requests]

    @staticmethod
    def answer_to(request: LookRequest | CompareRequest, batch: int) -> Look | Comparison:
        image = np.full((224, 224, 3), int(request.scene.yaw), np.uint8)
        if isinstance(request, CompareRequest):
            return Comparison(image=image, columns=(), render_ms=0.0, total_ms=0.0)
        return Look(image=image, slots=(), render_ms=0.0, total_ms=0.0, device="test", batch=batch)


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@pytest.fixture
def service(engine: RecordingEngine, tmp_path: Path) -> Iterator[InferenceService]:
    with InferenceService(Settings(data=tmp_path), lambda _: engine) as service:
        yield service
        engine.gate.set()
        engine.stepping.set()


def ask(service: InferenceService, yaw: float, client: str | None = None) -> int:
    return int(service.look(LookRequest(scene=Scene(yaw=yaw), client=client)).image[0, 0, 0])


def compare(service: InferenceService, yaw: float, client: str | None = None) -> int:
    answer = service.compare(CompareRequest(scene=Scene(yaw=yaw), models=MODELS, client=client))
    return int(answer.image[0, 0, 0])


def hold(engine: RecordingEngine, service: InferenceService, pool: ThreadPoolExecutor):
    """Occupy the engine, so that what follows must wait."""
    for model in MODELS:
        service.model(model)  # or the check of a comparison would wait, too
    engine.gate.clear()
    engine.busy.clear()
    first = pool.submit(ask, service, 1)
    assert engine.busy.wait(5)
    return first


def wait_for(service: InferenceService, count: int) -> None:
    deadline = time.monotonic() + 5
    while service.dispatcher.waiting < count and time.monotonic() < deadline:
        time.sleep(0.005)


def test_waiting_requests_are_answered_together_each_with_its_own(engine, service) -> None:
    with ThreadPoolExecutor(8) as pool:
        first = hold(engine, service, pool)
        others = [pool.submit(ask, service, yaw) for yaw in (2, 3, 4, 5)]
        wait_for(service, 4)
        engine.gate.set()
        assert first.result() == 1
        assert [other.result() for other in others] == [2, 3, 4, 5]
    assert [len(batch) for batch in engine.batches] == [1, 4]
    assert len(engine.threads) == 1


def test_a_newer_request_of_the_same_client_replaces_the_one_that_waits(engine, service) -> None:
    with ThreadPoolExecutor(8) as pool:
        hold(engine, service, pool)
        old = pool.submit(ask, service, 2, "page")
        wait_for(service, 1)
        other = pool.submit(ask, service, 3, "another page")
        wait_for(service, 2)
        new = pool.submit(ask, service, 4, "page")
        with pytest.raises(OvertakenError):
            old.result(5)
        engine.gate.set()
        assert (new.result(), other.result()) == (4, 3)
    assert 2.0 not in engine.batches[1]


@pytest.mark.parametrize(("older", "newer"), [(ask, compare), (compare, ask), (compare, compare)])
def test_a_newer_request_replaces_the_one_that_waits_whichever_kind_they_are(
    engine: RecordingEngine, service: InferenceService, older: Callable[..., int], newer: Callable[..., int]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        hold(engine, service, pool)
        old = pool.submit(older, service, 2, "page")
        wait_for(service, 1)
        others = [pool.submit(compare, service, 3, client) for client in (None, "another page")]
        wait_for(service, 3)
        new = pool.submit(newer, service, 4, "page")
        with pytest.raises(OvertakenError):
            old.result(5)
        engine.gate.set()
        assert new.result(5) == 4
        assert [other.result(5) for other in others] == [3, 3]
    assert sorted(engine.batches[1]) == [3, 3, 4]


def test_looks_and_comparisons_are_answered_first_come_first_served_in_full_batches(
    engine: RecordingEngine, service: InferenceService
) -> None:
    with ThreadPoolExecutor(MAX_BATCH + 8) as pool:
        hold(engine, service, pool)
        waiting = []
        for number in range(MAX_BATCH + 4):
            question = compare if number % 3 == 1 else ask
            waiting.append(pool.submit(question, service, 20 + number, f"client {number}"))
            wait_for(service, number + 1)
        engine.gate.set()
        assert [one.result(5) for one in waiting] == [20 + number for number in range(MAX_BATCH + 4)]
    expected = [20.0 + number for number in range(MAX_BATCH + 4)]
    assert engine.batches[1:] == [expected[:MAX_BATCH], expected[MAX_BATCH:]]


def test_a_comparison_that_fails_does_not_take_its_neighbours_along(
    engine: RecordingEngine, service: InferenceService
) -> None:
    with ThreadPoolExecutor(8) as pool:
        hold(engine, service, pool)
        good = pool.submit(ask, service, 2)
        bad, other = (pool.submit(compare, service, yaw) for yaw in (13, 5))
        wait_for(service, 3)
        engine.gate.set()
        assert (good.result(5), other.result(5)) == (2, 5)
        with pytest.raises(RuntimeError, match="thirteen"):
            bad.result(5)


def test_no_step_is_taken_shortly_after_a_pages_comparison(engine: RecordingEngine, service: InferenceService) -> None:
    service.jobs.submit(Digging())
    assert wait_until(lambda: engine.steps > 3)
    compare(service, 1, "page")
    assert wait_until(lambda: engine.times[-1][0] == "step")
    (answered,) = [now for who, now in engine.times if who == "page"]
    assert min(now for who, now in engine.times if who == "step" and now > answered) - answered >= QUIET_SECONDS


def test_models_and_edits_that_are_known_need_not_wait_for_the_engine(
    engine: RecordingEngine, service: InferenceService
) -> None:
    names = ["a", "prune(a;x=0.5-1)"]
    for name in [*names, *names]:
        assert service.model(name).name == name
    assert engine.models == names


def test_a_failing_request_does_not_take_its_neighbours_along(engine, service) -> None:
    with ThreadPoolExecutor(8) as pool:
        hold(engine, service, pool)
        good, bad = pool.submit(ask, service, 2), pool.submit(ask, service, 13)
        wait_for(service, 2)
        engine.gate.set()
        assert good.result() == 2
        with pytest.raises(RuntimeError, match="thirteen"):
            bad.result()
    assert ask(service, 7) == 7


def test_a_picture_of_the_wrong_shape_is_refused(service) -> None:
    with pytest.raises(InvalidInputError, match="224 × 224"):
        service.look(LookRequest(scene=Scene(), image=np.zeros((10, 12, 3), np.uint8)))
    with pytest.raises(InvalidInputError, match="Post-processing is made for pictures of 224 × 224 pixels, not of 10"):
        service.look(LookRequest(scene=Scene().replace(contrast=2), image=np.zeros((10, 10, 3), np.uint8)))


def test_a_closed_service_refuses(engine, tmp_path: Path) -> None:
    service = InferenceService(Settings(data=tmp_path), lambda _: engine)
    service.close()
    with pytest.raises(InvalidInputError, match="shutting down"):
        ask(service, 1)


def test_an_engine_that_cannot_start_says_why() -> None:
    with pytest.raises(InvalidInputError, match=r"Unknown device 'abacus'. Allowed: auto, cpu"):
        InferenceService(Settings(device="abacus"))


def test_a_job_goes_on_while_nobody_asks(engine: RecordingEngine, service: InferenceService) -> None:
    """…and a request waits for the step that is being taken, and for no other."""
    service.jobs.submit(Digging())
    assert wait_until(lambda: engine.steps > 3)
    engine.stepping.clear()  # the next step lasts until it is told to end
    assert wait_until(lambda: engine.in_step)
    with ThreadPoolExecutor(1) as asking:
        answer = asking.submit(ask, service, 2)
        assert wait_until(lambda: service.dispatcher.waiting > 0)
        before = engine.steps
        engine.stepping.set()
        answer.result(10)
        assert engine.steps_at_answer[-1] == before
    assert wait_until(lambda: engine.steps > before + 3)
    assert len(engine.threads) == 1


def test_no_step_is_taken_shortly_after_a_pages_request(engine: RecordingEngine, service: InferenceService) -> None:
    service.jobs.submit(Digging())
    assert wait_until(lambda: engine.steps > 3)
    for yaw, client in ((1, "page"), (2, "page"), (3, None)):
        ask(service, yaw, client)
    assert wait_until(lambda: engine.times[-1][0] == "step")
    last_page = None
    for who, now in engine.times:
        assert who != "step" or last_page is None or now - last_page >= QUIET_SECONDS
        last_page = now if who == "page" else last_page
    assert [who for who, _ in engine.times if who != "step"] == ["page", "page", None]


def test_who_waits_for_a_job_follows_it_and_gets_its_result(engine, service) -> None:
    seen: list[tuple[int, int]] = []
    job = service.jobs.submit(Digging(steps=5))
    assert service.wait(job.id, lambda done, steps: seen.append((done, steps))) == "5 deep"
    assert seen[-1] == (5, 5)
    assert engine.steps_left == {}
    job = service.jobs.submit(Digging())
    service.jobs.cancel(job.id)
    with pytest.raises(InvalidInputError, match="Digging was cancelled"):
        service.wait(job.id)
    assert service.jobs.status(job.id).state is JobState.CANCELLED
    assert wait_until(lambda: engine.steps_left == {})


def test_who_waits_for_a_job_of_a_service_that_closes_is_told(engine: RecordingEngine, tmp_path: Path) -> None:
    service = InferenceService(Settings(data=tmp_path), lambda _: engine)
    job = service.jobs.submit(Digging())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.wait, job.id)
        service.close()
        with pytest.raises(InvalidInputError, match="shutting down"):
            waiting.result(10)


def wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()
