"""AutoAttack on tiny networks, and what makes it give way."""

import gc
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.attack import AutoAttackCurve, autoattack, check_autoattack
from perturber.attack.paced import Paced, Pause
from perturber.errors import InvalidInputError, UnknownNameError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def linear(small: Callable[[nn.Module], zoo.Network]) -> zoo.Network:
    """A linear network, whose distance to the next class is known in closed form."""
    torch.manual_seed(3)
    return small(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 12)))


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.25


def distances(network: zoo.Network, pictures: Tensor, labels: Tensor) -> np.ndarray:
    """How far it is to another class: the distance to the nearest of the planes between the label and a class."""
    inputs = pictures.clone().requires_grad_()
    logits = network.logits(inputs)
    found = []
    for k, label in enumerate(labels.tolist()):
        each = []
        for other in range(logits.shape[1]):
            if other != label:
                gap = logits[k, label] - logits[k, other]
                (slope,) = torch.autograd.grad(gap, inputs, retain_graph=True)
                each.append(float(gap.detach()) / float(slope[k].norm()))
        found.append(min(each))
    return np.array(found)


def test_autoattack_reaches_exactly_as_far_as_it_is_to_another_class(linear: zoo.Network, pictures: Tensor) -> None:
    pytest.importorskip("torchattacks")
    labels = linear.logits(pictures).argmax(1)
    distance = distances(linear, pictures, labels)
    least, most = np.sort(distance)[[0, -1]]
    epsilons = (0.0, 0.9 * least, 1.1 * most)
    assert most < 0.25  # far from the ends of [0, 1]
    curve = AutoAttackCurve(linear, pictures, labels, norm="l2", epsilons=epsilons, batch=4, queries=50)
    shares = []
    while not curve.finished:
        assert curve.done < curve.total
        curve.step()
        shares.append(curve.result().accuracy)
    assert curve.done == curve.total
    assert np.isnan(shares[0]).tolist() == [False, True, True]
    result = curve.result()
    assert result.accuracy.tolist() == [1, 1, 0]
    assert result.attack.startswith("AutoAttack (standard, torchattacks 3.")
    assert np.isnan(result.margin).all()


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_what_autoattack_finds_lies_in_the_ball(norm: str, linear: zoo.Network, pictures: Tensor) -> None:
    pytest.importorskip("torchattacks")
    labels = linear.logits(pictures).argmax(1)
    epsilon = 0.5 if norm == "l2" else 0.05
    classifier = autoattack._Classifier(linear, 2, lambda: None)
    attacked = autoattack._attacked(classifier, pictures, labels, norm=norm, epsilon=epsilon, queries=10)
    moved = (attacked - pictures).flatten(1)
    size = moved.norm(dim=1) if norm == "l2" else moved.abs().amax(1)
    assert (size <= epsilon * 1.0001).all()
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    assert (linear.logits(attacked).argmax(1) != labels).all()


def test_unknown_norm_and_missing_package(
    linear: zoo.Network, pictures: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError, match="norm of AutoAttack 'l0'"):
        check_autoattack("l0")
    with pytest.raises(InvalidInputError, match="4 pictures but 2 labels"):
        AutoAttackCurve(linear, pictures, torch.zeros(2, dtype=torch.long), norm="l2", epsilons=[1])
    monkeypatch.setattr(autoattack, "find_spec", lambda name: None)
    with pytest.raises(InvalidInputError, match=r"needs the package torchattacks. Install it with pip install"):
        AutoAttackCurve(linear, pictures, torch.zeros(4, dtype=torch.long), norm="l2", epsilons=[1])


def test_a_computation_goes_on_only_while_it_is_waited_for() -> None:
    seen: list[int] = []

    def count(pause: Pause) -> str:
        for number in range(3):
            seen.append(number)
            pause()
        return "done"

    paced = Paced(count, CPU)
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
    paced = Paced(draw, CPU)
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

    paced = Paced(fail, CPU)
    paced.step()
    with pytest.raises(RuntimeError, match="out of luck"):
        paced.step()


def test_it_ends_with_whoever_waited_for_it() -> None:
    before = threading.active_count()

    def forever(pause: Pause) -> None:
        while True:
            pause()

    paced = Paced(forever, CPU)
    paced.step()
    assert threading.active_count() == before + 1
    del paced
    gc.collect()
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() == before
