"""The stimuli are what they are called, by a Fourier transform, and all of one energy."""

import math

import pytest
import torch

from perturber.groups import stimuli


@pytest.mark.parametrize("period", [4, 8, 16])
def test_stripes_run_as_they_are_called(period: int) -> None:
    pictures = stimuli.gratings(64, period)[:: len(stimuli.PHASES), 0] - 0.5
    assert len(pictures) == len(stimuli.ORIENTATIONS)
    for degrees, picture in zip(stimuli.ORIENTATIONS, pictures, strict=True):
        spectrum = torch.fft.fft2(picture, s=(512, 512)).abs()
        peak = int(spectrum[:256].argmax())
        down, right = peak // 512, (peak % 512 + 256) % 512 - 256
        assert math.hypot(down, right) / 512 == pytest.approx(1 / period, abs=0.006)
        # The wave goes across the stripes; rows count downwards, angles counter-clockwise.
        across = math.degrees(math.atan2(-down, right))
        assert (across - degrees - 90 + 90) % 180 - 90 == pytest.approx(0, abs=3)


def test_all_have_one_energy_about_mid_grey() -> None:
    shown = [stimuli.hues(32), stimuli.gratings(64, 8), stimuli.noise(64, 2, 0)]
    for pictures in shown:
        assert pictures.shape[1] == 3
        assert pictures.min() >= -1e-6
        assert pictures.max() <= 1 + 1e-6
        strongest = (pictures - 0.5).square().sum(1).mean((1, 2)).sqrt().max()
        assert float(strongest) == pytest.approx(stimuli.ENERGY, rel=0.01)


def test_hues_go_around_from_red_over_green_to_blue() -> None:
    hues = stimuli.hues(8)[:, :, 0, 0]
    assert hues.mean(1) == pytest.approx(torch.full((stimuli.STEPS,), 0.5), abs=1e-6)
    for place, primary in ((0, 0), (4, 1), (8, 2)):
        assert int(hues[place].argmax()) == primary
    assert float(hues[2, 0]) == pytest.approx(float(hues[2, 1]))  # yellow


def test_bows_bend_about_their_centre() -> None:
    bent, straight = (stimuli.bows(64, 8, radius)[0, 0] for radius in (12.0, None))
    assert float((straight - straight[31]).abs()[29:35].max()) < 0.05  # vertical stripes, apart from the window
    middle = 31.5
    for degrees in (100, 140, 180, 220, 260):  # along the arc that goes through the middle, seen from its centre
        angle = math.radians(degrees)
        near = [middle + 12 + 12 * math.cos(angle), middle + 12 * math.sin(angle)]
        assert float(bent[round(near[1]), round(near[0])]) == pytest.approx(0.5, abs=0.3)


def test_the_noise_follows_from_its_seed() -> None:
    assert torch.equal(stimuli.noise(32, 4, 1), stimuli.noise(32, 4, 1))
    assert not torch.equal(stimuli.noise(32, 4, 1), stimuli.noise(32, 4, 2))
