"""AutoAttack on tiny networks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.attack import AutoAttackCurve, autoattack, check_autoattack
from perturber.errors import InvalidInputError, UnknownNameError


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
    classifier = autoattack._Classifier(linear)
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


@pytest.mark.parametrize("norm", ["l2", "linf"])
def test_a_step_takes_half_a_pass_and_changes_nothing(
    norm: str, linear: zoo.Network, pictures: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torchattacks")
    monkeypatch.setattr("perturber.paced.TURN", 0)  # every pause counts, as where passes take long
    monkeypatch.setattr(autoattack, "ITERATIONS", 3)
    labels = linear.logits(pictures).argmax(1)
    ball: dict[str, Any] = {"norm": norm, "epsilon": 0.05 if norm == "l2" else 0.001, "queries": 10}
    at_once = autoattack._Classifier(linear)
    expected = autoattack._attacked(at_once, pictures, labels, **ball)

    happened: list[str] = []
    backward = Tensor.backward
    monkeypatch.setattr(Tensor, "backward", lambda *args, **how: happened.append("backward") or backward(*args, **how))
    hook = linear.module.register_forward_hook(lambda *_: happened.append("forward"))
    curve = AutoAttackCurve(linear, pictures, labels, norm=norm, epsilons=[ball["epsilon"]], queries=10)
    running = curve._attack(pictures, labels, ball["epsilon"])
    steps = 0
    while not running.finished:
        happened.clear()
        running.step()
        assert happened in ([], ["forward"], ["backward"])
        assert curve.done <= at_once.passes
        steps += 1
    hook.remove()
    assert curve.done == at_once.passes
    assert steps > 2 * at_once.passes
    assert torch.equal(running.result(), expected)
