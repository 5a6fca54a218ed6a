"""Queueing, batching, overtaking and failing, with an engine that only records what it is asked."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from perturber.config import Settings
from perturber.errors import InvalidInputError, OvertakenError
from perturber.scene import Scene
from perturber.service import InferenceService, Look, LookRequest, ModelInfo


class RecordingEngine:
    """Answers with a picture of the scene's yaw; works only while `gate` is open."""

    def __init__(self) -> None:
        self.batches: list[list[float]] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.busy = threading.Event()
        self.steps_left = 0
        self.steps = 0
        self.steps_at_answer: list[int] = []
        self.in_step = False
        self.stepping = threading.Event()
        self.stepping.set()

    def work(self) -> bool:
        if self.steps < self.steps_left:
            self.steps += 1
            self.in_step = not self.stepping.is_set()
            self.stepping.wait(10)
            self.in_step = False
        return self.steps < self.steps_left

    def model(self, name: str) -> ModelInfo:
        raise NotImplementedError

    def answer(self, requests: Sequence[LookRequest]) -> list[Look]:
        self.threads.add(threading.get_ident())
        self.steps_at_answer.append(self.steps)
        self.busy.set()
        self.gate.wait(10)
        yaws = [request.scene.yaw for request in requests]
        self.batches.append(yaws)
        if 13.0 in yaws:
            raise RuntimeError("thirteen")
        return [
            Look(
                image=np.full((224, 224, 3), int(yaw), np.uint8),
                slots=(),
                render_ms=0.0,
                total_ms=0.0,
                device="test",
                batch=len(yaws),
            )
            for yaw in yaws
        ]


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@pytest.fixture
def service(engine: RecordingEngine):
    with InferenceService(Settings(), lambda _: engine) as service:
        yield service
        engine.gate.set()


def ask(service: InferenceService, yaw: float, client: str | None = None) -> int:
    return int(service.look(LookRequest(scene=Scene(yaw=yaw), client=client)).image[0, 0, 0])


def hold(engine: RecordingEngine, service: InferenceService, pool: ThreadPoolExecutor):
    """Occupy the engine, so that what follows must wait."""
    engine.gate.clear()
    engine.busy.clear()
    first = pool.submit(ask, service, 1)
    assert engine.busy.wait(5)
    return first


def wait_for(service: InferenceService, count: int) -> None:
    deadline = time.monotonic() + 5
    while len(service._looks) < count and time.monotonic() < deadline:
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
        service.look(LookRequest(scene=Scene(), image=np.zeros((10, 10, 3), np.uint8)))


def test_a_closed_service_refuses(engine) -> None:
    service = InferenceService(Settings(), lambda _: engine)
    service.close()
    with pytest.raises(InvalidInputError, match="shutting down"):
        ask(service, 1)


def test_an_engine_that_cannot_start_says_why() -> None:
    with pytest.raises(InvalidInputError, match=r"Unknown device 'abacus'. Allowed: auto, cpu"):
        InferenceService(Settings(device="abacus"))


def test_work_in_the_background_goes_on_while_nobody_asks(engine: RecordingEngine, service: InferenceService) -> None:
    """…and a request waits for the step that is being taken, and for no other."""
    engine.steps_left = 10**6
    service.look(LookRequest(scene=Scene().replace(yaw=1)))
    assert wait_until(lambda: engine.steps > 3)
    engine.stepping.clear()  # the next step lasts until it is told to end
    assert wait_until(lambda: engine.in_step)
    with ThreadPoolExecutor(1) as asking:
        answer = asking.submit(service.look, LookRequest(scene=Scene().replace(yaw=2)))
        assert wait_until(lambda: bool(service._looks))
        before = engine.steps
        engine.stepping.set()
        answer.result(10)
        assert engine.steps_at_answer[-1] == before
    assert wait_until(lambda: engine.steps > before + 3)
    engine.steps_left = 0


def wait_until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()
