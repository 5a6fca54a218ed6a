"""The scan against a plain loop over copies."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import Attack, margins
from perturber.attack import run as attacked
from perturber.editing import Scan, ScanResult, units
from perturber.errors import InvalidInputError


def run(scan: Scan) -> ScanResult:
    steps = 0
    while not scan.finished:
        scan.step()
        steps += 1
    assert steps == scan.total
    return scan.result()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("labelled", [False, True])
def test_every_cut(smalls: tuple[zoo.Network, ...], images: Tensor, reverse: bool, labelled: bool) -> None:
    first, second = smalls
    inputs = first.preprocess(images)
    predicted = first.look(inputs).logits.argmax(1)
    labels = torch.where(torch.arange(10) % 2 == 0, predicted, torch.arange(10) * 90) if labelled else None
    result = run(Scan(first, second, images, labels, reverse=reverse, batch=4))
    assert result.units == ("0", "3", "6", "10")
    assert (result.top1 is None) == (not labelled)
    front, back = (first, second) if reverse else (second, first)
    for cut in range(5):
        module = copy.deepcopy(back.module)
        state = module.state_dict()
        for unit in result.units[:cut]:
            state |= {name: front.module.state_dict()[name] for name in units(module)[unit]}
        module.load_state_dict(state)
        with torch.inference_mode():
            logits = module(inputs).numpy().astype(np.float64)
        classes = (labels if labelled else predicted).numpy()
        order = np.argsort(-logits, axis=1)
        if labelled:
            assert result.top1[cut] == pytest.approx(np.mean(order[:, 0] == classes))
            assert result.top5[cut] == pytest.approx(np.mean((order[:, :5] == classes[:, None]).any(1)))
        assert result.agreement[cut] == pytest.approx(np.mean(order[:, 0] == predicted.numpy()))
        others = [max(v for c, v in enumerate(row) if c != label) for row, label in zip(logits, classes, strict=True)]
        assert result.margin[cut] == pytest.approx(np.mean(logits[range(10), classes] - others), abs=1e-5)
    assert result.agreement[4 if reverse else 0] == 1


@pytest.mark.parametrize("labelled", [False, True])
def test_every_cut_under_attack(smalls: tuple[zoo.Network, ...], images: Tensor, labelled: bool) -> None:
    first, second = smalls
    labels = first.logits(images).argmax(1)
    labels = labels.roll(1) if labelled else labels
    attack = Attack(model="any", epsilon=0.5, steps=3)
    scan = Scan(first, second, images, labels if labelled else None, batch=4, attack=attack)
    result, plain = run(scan), run(Scan(first, second, images, labels if labelled else None, batch=4))
    np.testing.assert_array_equal(result.margin, plain.margin)
    assert (plain.robust, plain.robust_margin) == (None, None)
    for cut in range(5):
        network = scan.editor.network(scan.edit(cut))
        state = attacked(network, images, attack, labels=labels)
        found = margins(network.logits(state.attacked), labels).detach()
        assert result.robust[cut] == pytest.approx(float((found > 0).float().mean()))
        assert result.robust_margin[cut] == pytest.approx(float(found.mean()), abs=1e-4)


def test_cuts_that_are_not_done_are_no_numbers(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    scan = Scan(*smalls, images, batch=5)
    assert scan.total == 6 * 2
    for _ in range(2 + 2 + 1):
        scan.step()
    assert np.isfinite(scan.result().agreement).tolist() == [True, False, False, False, False]


def test_lite0_scanned_over_one_picture(lite0: zoo.Network, noisy: zoo.Network) -> None:
    result = run(Scan(lite0, noisy, torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))))
    assert len(result.margin) == 11
    assert np.isfinite(result.margin).all()
    assert result.agreement[0] == 1


def test_what_cannot_be_scanned_is_said(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    with pytest.raises(InvalidInputError, match="no pictures"):
        Scan(*smalls, images[:0])
    with pytest.raises(InvalidInputError, match="10 pictures have 9 labels"):
        Scan(*smalls, images, torch.zeros(9))
    with pytest.raises(InvalidInputError, match="needs an attack without a target"):
        Scan(*smalls, images, attack=Attack(model="any", target=3, steps=1))
