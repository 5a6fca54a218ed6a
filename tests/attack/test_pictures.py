"""Attacks on real weights: beside torchattacks, and on photographs."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.attack import Attack, State, run
from perturber.zoo.evaluate import labelled_pictures
from perturber.zoo.pictures import crop, read_picture

SIZE = 64
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


def test_l2_pgd_changes_what_lite0_sees_in_photographs(photographs: Path, lite0: zoo.Network) -> None:
    """The one slow test: nine passes of a hundred pictures, eight of them with gradients."""
    paths = [path for path, _ in labelled_pictures(photographs, lite0.entry.class_list, 100)]
    attack = Attack(model=lite0.entry.name, norm="l2", epsilon=1, steps=8)
    changed = []
    for first in range(0, len(paths), 10):
        arrays = np.stack([crop(read_picture(path), 224) for path in paths[first : first + 10]])
        state: State = run(lite0, torch.tensor(arrays).permute(0, 3, 1, 2) / 255, attack)
        assert (state.norm.size(state.perturbation) <= 1 + 1e-5).all()
        with torch.inference_mode():
            logits = lite0.look(lite0.preprocess(state.attacked)).logits
        assert logits is not None
        changed += (logits.argmax(1) != state.labels).tolist()
    assert np.mean(changed) >= 0.9
