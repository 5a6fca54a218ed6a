"""What makes a computation give way."""

import gc
import threading
import time

import pytest
import torch

from perturber import paced as module
from perturber.paced import Paced, Pause

CPU = torch.device("cpu")


def test_a_computation_goes_on_only_while_it_is_waited_for() -> None:
    seen: list[int] = []

    def count(pause: Pause) -> str:
        for number in range(3):
            seen.append(number)
            pause()
        return "done"

    paced = Paced(count, CPU, seconds=0)
    assert seen == []
    for number in range(3):
        paced.step()
        time.sleep(0.01)
        assert seen == list(range(number + 1))
        assert not paced.finished
    paced.step()
    assert paced.finished
    assert paced.result() == "done"


def test_it_draws_the_same_numbers_whoever_else_draws_between() -> None:
    def draw(pause: Pause) -> list[float]:
        torch.manual_seed(5)
        numbers = []
        for _ in range(3):
            numbers.append(float(torch.rand(())))
            pause()
        return numbers

    torch.manual_seed(5)
    expected = [float(torch.rand(())) for _ in range(3)]
    torch.manual_seed(9)
    others = [float(torch.rand(())) for _ in range(4)]
    torch.manual_seed(9)
    paced = Paced(draw, CPU, seconds=0)
    drawn = []
    while not paced.finished:
        paced.step()
        drawn.append(float(torch.rand(())))
    assert paced.result() == expected
    assert drawn == others


def test_what_goes_wrong_is_raised_to_whoever_waits() -> None:
    def fail(pause: Pause) -> None:
        pause()
        raise RuntimeError("out of luck")

    paced = Paced(fail, CPU, seconds=0)
    paced.step()
    with pytest.raises(RuntimeError, match="out of luck"):
        paced.step()


def test_it_ends_with_whoever_waited_for_it() -> None:
    before = set(threading.enumerate())

    def forever(pause: Pause) -> None:
        while True:
            pause()

    paced = Paced(forever, CPU, seconds=0)
    paced.step()
    (thread,) = set(threading.enumerate()) - before
    del paced
    gc.collect()
    thread.join(30)
    assert not thread.is_alive()


def test_a_pause_that_comes_early_or_from_another_thread_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(module, "perf_counter", lambda: clock[0])
    seen: list[int] = []

    def count(pause: Pause) -> None:
        for number in range(1, 10):
            clock[0] += 1
            helper = threading.Thread(target=pause)
            helper.start()
            helper.join()
            seen.append(number)
            pause()

    paced = Paced(count, CPU, seconds=4)
    for expected in (4, 8, 9):
        paced.step()
        assert len(seen) == expected
    assert paced.finished
