"""Lite0 attacked, beside torchattacks."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.attack import Attack, run

SIZE = 32
torchattacks = pytest.importorskip("torchattacks")

PGD = Attack(model="efficientnet_lite0", norm="linf", epsilon=8 / 255, step_size=2 / 255, steps=3)
CASES: dict[str, tuple[Attack, Callable[..., Any]]] = {
    "PGD": (PGD, lambda net, a: torchattacks.PGD(net, a.epsilon, a.step, a.steps, random_start=False)),
    "PGDL2": (
        replace(PGD, norm="l2", epsilon=1, step_size=0.4),
        lambda net, a: torchattacks.PGDL2(net, a.epsilon, a.step, a.steps, random_start=False),
    ),
    "FGSM": (
        replace(PGD, method="fgsm", step_size=None, steps=1),
        lambda net, a: torchattacks.FGSM(net, a.epsilon),
    ),
    "MIFGSM": (
        replace(PGD, method="mifgsm", momentum=0.9),
        lambda net, a: torchattacks.MIFGSM(net, a.epsilon, a.step, a.steps, decay=a.decay),
    ),
}


class Wrapped(nn.Module):
    """A network that takes pictures in [0, 1]."""

    def __init__(self, network: zoo.Network) -> None:
        super().__init__()
        self.module, self.preprocess = network.module, network.preprocess

    def forward(self, images: Tensor) -> Tensor:
        rows = images.flatten().view_as(images)  # gradients in rows again, as PGDL2 takes a view of them
        return self.module(self.preprocess(rows))


@pytest.fixture(scope="module")
def precise(lite0: zoo.Network) -> zoo.Network:
    """Lite0 in float64: in float32 a sum in another order can turn the sign of a gradient that is nearly zero.

    At a smaller input, as float64 is slow.
    """
    network = zoo.Network(replace(lite0.entry, input_size=SIZE), copy.deepcopy(lite0.module))
    network.module.double()
    return network


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_as_torchattacks(name: str, targeted: bool, precise: zoo.Network) -> None:
    attack, theirs = CASES[name]
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(2, 3, SIZE, SIZE, generator=generator, dtype=torch.float64)
    labels = torch.tensor([207, 555])
    reference = theirs(Wrapped(precise).eval(), attack)
    if targeted:
        reference.set_mode_targeted_by_function(lambda images, labels: labels)
    expected = reference(images, labels)
    attacks = [replace(attack, target=int(label) if targeted else None) for label in labels]
    state = run(precise, images, attacks, labels=labels)
    assert state.norm.size(state.perturbation).amin() > 0.5 * attack.step
    torch.testing.assert_close(state.attacked, expected, atol=1e-5, rtol=0)
