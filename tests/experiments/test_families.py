"""Synthetic pictures are what they say, by their gradients and spectra; tuning and frequencies are drawn as defined."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from perturber.errors import UnknownNameError
from perturber.experiments.families import FAMILIES, family
from perturber.experiments.fourier import basis, frequencies, perturbed
from perturber.experiments.tuning import alike, weighted

SIDE = 64


def draw(name: str, column: float, row: float) -> np.ndarray:
    (picture,) = FAMILIES[name].draw(SIDE, torch.tensor([row]), torch.tensor([column]))
    return picture.double().numpy()


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family(name: str) -> None:
    found = family(name)
    rows, columns = found.shape
    whole = found.pictures(SIDE, 0, rows * columns)
    assert whole.shape == (rows * columns, 3, SIDE, SIDE)
    assert 0 <= whole.min() <= whole.max() <= 1
    torch.testing.assert_close(found.pictures(SIDE, 5, 4), whole[5:9])
    assert len(whole.flatten(1).unique(dim=0)) > 0.8 * len(whole) - columns  # grey is of no hue


def test_an_unknown_family() -> None:
    with pytest.raises(UnknownNameError, match="curves"):
        family("dogs")


@pytest.mark.parametrize(("degrees", "period"), [(0.0, 8.0), (90.0, 16.0), (45.0, 8.0)])
def test_a_grating_has_one_frequency(degrees: float, period: float) -> None:
    spectrum = np.abs(np.fft.fft2(draw("gratings", degrees, period)[0] - 0.5))
    down, across = np.unravel_index(spectrum.argmax(), spectrum.shape)
    f = np.array([np.fft.fftfreq(SIDE)[across], -np.fft.fftfreq(SIDE)[down]])  # y points up
    assert np.hypot(*f) == pytest.approx(1 / period, abs=0.01)
    turned = np.degrees(np.arctan2(f[1], f[0])) % 180
    assert min(turned - degrees, 180 - turned + degrees, key=abs) == pytest.approx(0, abs=5)


@pytest.mark.parametrize(("degrees", "towards"), [(0.0, (1, 0)), (90.0, (0, 1)), (180.0, (-1, 0))])
def test_a_gradient_rises_in_its_direction(degrees: float, towards: tuple[int, int]) -> None:
    down, across = np.gradient(draw("gradients", degrees, 0.8)[0])
    rise = np.array([across.mean(), -down.mean()])
    np.testing.assert_allclose(rise / np.linalg.norm(rise), towards, atol=1e-6)


def test_a_curve_is_bent_towards_its_direction() -> None:
    """Dark pixels far from the middle lie on the side that the arc's centre is on."""
    picture = draw("curves", 90.0, 0.1)[0]
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    dark = (0.5 - picture) * (np.abs(x) > 4)
    assert (dark * -y).sum() > 0
    straight = draw("curves", 90.0, 0.6)[0]
    assert (dark * -y).sum() / dark.sum() > 2 * ((0.5 - straight) * (np.abs(x) > 4) * -y).sum() / dark.sum()


@pytest.mark.parametrize(("hue", "colour"), [(0, (1, 0, 0)), (120, (0, 1, 0)), (240, (0, 0, 1)), (60, (1, 1, 0))])
def test_colours(hue: float, colour: tuple[int, int, int]) -> None:
    np.testing.assert_allclose(draw("colours", hue, 1.0)[:, 0, 0], colour, atol=1e-6)
    np.testing.assert_allclose(draw("colours", hue, 0.0), 0.5, atol=1e-6)


def test_the_fine_side_of_a_boundary_lies_in_its_direction() -> None:
    picture = draw("boundaries", 0.0, 4.0)[0]
    left, right = (np.abs(np.diff(half, axis=1)).mean() for half in (picture[:, : SIDE // 2], picture[:, SIDE // 2 :]))
    assert right > 2 * left


def test_tuning_is_the_pictures_weighted() -> None:
    random = np.random.default_rng(0)
    thumbnails = random.integers(0, 256, (2, 3, 4, 4, 3), np.uint8)
    responses = np.array([[1.0, -2.0, 0.0], [np.nan, 0.5, 2.0]])
    found = weighted(responses, thumbnails)
    assert found.shape == (8, 12, 3)
    for r in range(2):
        for c in range(3):
            weight = np.nan_to_num(responses[r, c]) / 2
            slow = 255 * (0.5 + weight * (thumbnails[r, c] / 255 - 0.5))
            np.testing.assert_allclose(found[4 * r : 4 * r + 4, 4 * c : 4 * c + 4], slow, atol=0.51)
    np.testing.assert_allclose(found[:4, 4:8], 255 - thumbnails[0, 1], atol=0.51)  # the strongest, inverted


def test_neurons_alike_stand_together() -> None:
    random = np.random.default_rng(1)
    kinds = random.normal(size=(3, 5, 6))
    numbers = [0, 1, 2, 0, 1, 2, 0, 1, 2]
    responses = np.stack([kinds[k] * random.uniform(1, 3) + random.normal(0, 0.1, (5, 6)) for k in numbers], -1)
    responses = np.concatenate((responses, np.ones((5, 6, 1))), -1)
    order = alike(responses)
    assert sorted(order) == list(range(10))
    assert order[-1] == 9
    kinds_in_order = [numbers[n] for n in order[:-1]]
    assert sum(a != b for a, b in pairwise(kinds_in_order)) == 2


@pytest.mark.parametrize("frequency", [(0, 0), (0, 3), (2, -5), (7, 0)])
def test_a_basis_picture_has_one_frequency(frequency: tuple[int, int]) -> None:
    wave = basis(SIDE, *frequency)
    assert wave.norm() == pytest.approx(1, abs=1e-6)
    energy = np.abs(np.fft.fft2(wave.double().numpy(), norm="ortho")) ** 2
    places = {frequency, (-frequency[0], -frequency[1])}
    assert sum(energy[v, h] for v, h in places) == pytest.approx(1, abs=1e-5)


def test_frequencies_are_one_of_each_pair() -> None:
    found = frequencies(3)
    assert len(found) == (7 * 7 + 1) // 2
    assert not {(-v, -h) for v, h in found if (v, h) != (0, 0)} & set(found)


def test_what_is_added_has_the_norm_that_was_asked_for() -> None:
    images = torch.full((2, 3, SIDE, SIDE), 0.5)
    added = perturbed(images, (1, 2), 3.0, seed=0) - images
    np.testing.assert_allclose(added.flatten(2).norm(dim=2), 3.0, rtol=1e-4)
    assert torch.equal(perturbed(images, (1, 2), 3.0, seed=0) - images, added)
    signs = {tuple((perturbed(images, (1, 2), 3.0, seed=n) - images)[0, :, 0, 1].sign().tolist()) for n in range(9)}
    assert len(signs) > 2
