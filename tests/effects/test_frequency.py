"""Bands of frequencies against scipy's Gaussian and colorsys' hues."""

import colorsys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from perturber.effects.frequency import decompose, gaussian_blur


def blurred(pictures: torch.Tensor, sigma: float) -> np.ndarray:
    return gaussian_filter(pictures.double().numpy(), (0, 0, sigma, sigma), mode="reflect", truncate=4.0)


def bands(pictures: torch.Tensor, **values: float) -> torch.Tensor:
    neutral = {"cutoff": 4.0, "low_alpha": 1.0, "low_sigma": 0.0, "low_hue": 0.0}
    neutral |= {"high_alpha": 1.0, "high_sigma": 0.0, "high_hue": 0.0}
    chosen = (neutral | values).values()
    return decompose(pictures, *(torch.full((len(pictures),), v, dtype=pictures.dtype) for v in chosen))


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 4.0, 17.3, 80.0])
def test_blur_equals_scipy(photographs: torch.Tensor, sigma: float) -> None:
    result = gaussian_blur(photographs, torch.full((2,), sigma))
    np.testing.assert_allclose(result, blurred(photographs, sigma), atol=3e-6)


@pytest.mark.parametrize("cutoff", [0.25, 2.0, 8.0, 32.0])
def test_untouched_bands_are_the_picture(photographs: torch.Tensor, cutoff: float) -> None:
    torch.testing.assert_close(bands(photographs, cutoff=cutoff), photographs, atol=1e-6, rtol=0)


def test_each_band_alone(photographs: torch.Tensor) -> None:
    low = blurred(photographs, 4)
    high = photographs.numpy() - low
    np.testing.assert_allclose(bands(photographs, high_alpha=0), low, atol=3e-6)
    np.testing.assert_allclose(bands(photographs, low_alpha=0), (0.5 + high).clip(0, 1), atol=3e-6)
    np.testing.assert_allclose(bands(photographs, low_alpha=0, high_alpha=0), 0.5, atol=1e-7)
    np.testing.assert_allclose(bands(photographs, high_alpha=2), (low + 2 * high).clip(0, 1), atol=5e-6)


def test_sigmas_blur_their_band(photographs: torch.Tensor) -> None:
    low = torch.tensor(blurred(photographs, 4))
    high = photographs - low
    expected = blurred(low, 3) + high.numpy()
    np.testing.assert_allclose(bands(photographs, low_sigma=3), expected.clip(0, 1), atol=5e-6)
    expected = low.numpy() + blurred(high, 1.5)
    np.testing.assert_allclose(bands(photographs, high_sigma=1.5), expected.clip(0, 1), atol=5e-6)


@pytest.mark.parametrize("turns", [-0.4, 0.25])
def test_hue_of_the_low_band_equals_colorsys(photographs: torch.Tensor, turns: float) -> None:
    def rotate(rgb: np.ndarray) -> tuple[float, float, float]:
        h, s, v = colorsys.rgb_to_hsv(*rgb)
        return colorsys.hsv_to_rgb((h + turns) % 1.0, s, v)

    pictures = photographs[:, :, ::4, ::4]
    expected = np.apply_along_axis(rotate, 1, blurred(pictures, 4))
    np.testing.assert_allclose(bands(pictures, low_hue=turns, high_alpha=0), expected, atol=1e-5)


def test_a_grey_pictures_high_band_has_no_hue(photographs: torch.Tensor) -> None:
    grey = photographs.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    torch.testing.assert_close(bands(grey, high_hue=0.3), grey, atol=2e-6, rtol=0)


def test_each_item_has_its_own_sigma(photographs: torch.Tensor) -> None:
    sigmas = torch.tensor([2.0, 30.0])
    together = gaussian_blur(photographs, sigmas)
    for i in (0, 1):
        alone = gaussian_blur(photographs[i : i + 1], sigmas[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-6, rtol=0)


def test_differentiable_in_every_value(photographs: torch.Tensor) -> None:
    images = (photographs[:, :, 60:66, 60:65].double() * 0.4 + 0.3).requires_grad_()
    values = [
        torch.tensor(pair, dtype=torch.float64, requires_grad=True)
        for pair in ((1.1, 0.83), (0.9, 1.1), (0.6, 0.72), (0.1, 0.05), (1.1, 0.9), (0.4, 0.63), (0.02, 0.01))
    ]
    assert torch.autograd.gradcheck(decompose, (images, *values))
