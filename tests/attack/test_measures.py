"""Robustness curves, spectra and changes along the depth."""

import numpy as np
import pytest
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import Attack, RobustnessCurve, radial_spectrum, relative_change, run, share_below
from perturber.errors import InvalidInputError


@pytest.mark.parametrize("norm", ["l2", "linf", "l0"])
def test_a_curve_is_a_loop_of_attacks(norm: str, network: zoo.Network, images: Tensor) -> None:
    labels = torch.tensor([0, 1, 2, 3, 4, 5])
    epsilons = (0, 3, 30) if norm == "l0" else (0.0, 0.05, 0.5)
    curve = RobustnessCurve(
        network, images, labels, norm=norm, epsilons=epsilons, steps=3, batch=4, random_start=True, seed=2
    )  # type: ignore[arg-type]
    assert curve.total == 2 * (1 + 4 + 4)
    taken = 0
    while not curve.finished:
        assert np.isnan(curve.result().accuracy).sum() == 3 - (taken >= 2) - (taken >= 10)
        curve.step()
        taken += 1
        assert curve.done == taken
    assert taken == curve.total
    result = curve.result()
    assert (result.norm, result.epsilons, result.count) == (norm, epsilons, 6)
    for k, epsilon in enumerate(epsilons):
        hits, distances = [], []
        for number, label in enumerate(labels):
            attack = Attack(
                model="small",
                method="sparse" if norm == "l0" else "pgd",
                norm=norm,  # type: ignore[arg-type]
                epsilon=epsilon,
                steps=3,
                random_start=True,
                seed=2 + number,
            )
            attacked = run(network, images[number : number + 1], attack, labels=label[None]).attacked
            logits = network.module(network.preprocess(attacked))[0].numpy()
            hits.append(logits.argmax() == int(label))
            distances.append(logits[label] - np.delete(logits, label).max())
        assert result.accuracy[k] == pytest.approx(np.mean(hits))
        assert result.margin[k] == pytest.approx(np.mean(distances), abs=1e-8)
    assert (np.diff(result.margin) < 0).all()


def test_curves_that_cannot_be(network: zoo.Network, images: Tensor) -> None:
    with pytest.raises(InvalidInputError, match="6 pictures but 2 labels"):
        RobustnessCurve(network, images, torch.zeros(2, dtype=torch.long), norm="l2", epsilons=[1])
    with pytest.raises(InvalidInputError, match="needs at least one picture"):
        RobustnessCurve(network, images, torch.zeros(6, dtype=torch.long), norm="l2", epsilons=[])
    with pytest.raises(InvalidInputError, match="epsilon of pgd in linf"):
        RobustnessCurve(network, images, torch.zeros(6, dtype=torch.long), norm="linf", epsilons=[0.1, 2])


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 37)])
def test_spectrum_against_loops(height: int, width: int) -> None:
    perturbation = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    frequencies, energies = radial_spectrum(perturbation)
    side = min(height, width)
    np.testing.assert_allclose(frequencies, np.arange(side // 2 + 1) / side, rtol=1e-6)
    for item in range(2):
        power = (np.abs(np.fft.fft2(perturbation[item].numpy())) ** 2).sum(0) / (height * width)
        expected, below = np.zeros(side // 2 + 1), 0.0
        for v in range(height):
            for u in range(width):
                f = np.hypot(min(v, height - v) / height, min(u, width - u) / width)
                if round(f * side) <= side // 2:
                    expected[round(f * side)] += power[v, u]
                below += power[v, u] * (f < 0.25)
        np.testing.assert_allclose(energies[item], expected, rtol=1e-4, atol=1e-4)
        assert float(share_below(perturbation, 0.25)[item]) == pytest.approx(below / power.sum(), rel=1e-4)
    whole = perturbation.square().sum((1, 2, 3))
    torch.testing.assert_close(share_below(perturbation, 1), torch.ones(2))
    assert (energies.sum(1) < whole).all()


def test_a_wave_lies_at_its_frequency() -> None:
    x = torch.arange(64) / 64
    wave = torch.cos(2 * torch.pi * 8 * x).expand(1, 3, 64, 64)
    frequencies, energies = radial_spectrum(wave)
    assert frequencies[energies[0].argmax()] == 8 / 64
    torch.testing.assert_close(energies[0, 8], wave.square().sum())
    assert share_below(wave, 0.12) < 1e-6 < 1 - 1e-6 < share_below(wave, 0.13)


def test_nothing_has_no_spectrum() -> None:
    assert not radial_spectrum(torch.zeros(1, 3, 8, 8))[1].any()
    assert share_below(torch.zeros(1, 3, 8, 8), 0.5) == 0


def test_change_along_the_depth(network: zoo.Network, images: Tensor) -> None:
    attacked = run(network, images, Attack(model="small", epsilon=0.5, steps=2)).attacked
    clean, moved = (network.look(network.preprocess(x), layers=tuple(network.layers)) for x in (images, attacked))
    changes = relative_change(clean.activations, moved.activations)
    assert list(changes) == list(network.layers)
    for layer, change in changes.items():
        for k in range(len(images)):
            a, b = (x.activations[layer][k].numpy() for x in (clean, moved))
            assert float(change[k]) == pytest.approx(np.linalg.norm(b - a) / np.linalg.norm(a))
    assert not any(change.any() for change in relative_change(clean.activations, clean.activations).values())
    nothing, something = {"one": torch.zeros(1, 2, 3, 3)}, {"one": torch.ones(1, 2, 3, 3)}
    assert relative_change(nothing, nothing)["one"] == 0
    assert relative_change(nothing, something)["one"] == torch.inf
