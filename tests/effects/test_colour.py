"""Colour effects against colorsys and torchvision."""

import colorsys
from collections.abc import Callable

import numpy as np
import pytest
import torch
from skimage.exposure import rescale_intensity
from torchvision.transforms.v2 import functional as reference

from perturber.effects import colour


@pytest.fixture
def images() -> torch.Tensor:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    images[0, :, :4] = 0.5  # greys and pure colours are the special cases of HSV
    images[1, :2, :4] = 0.0
    images[2, :, 0] = torch.tensor([1.0, 1.0, 0.0])[:, None]
    return images


@pytest.mark.parametrize("turns", [-0.5, -0.2, 0.0, 0.1, 1 / 3, 0.5])
def test_hue_equals_colorsys(images: torch.Tensor, turns: float) -> None:
    def rotate(rgb: np.ndarray) -> tuple[float, float, float]:
        h, s, v = colorsys.rgb_to_hsv(*rgb)
        return colorsys.hsv_to_rgb((h + turns) % 1.0, s, v)

    expected = np.apply_along_axis(rotate, 1, images.double().numpy())
    result = colour.hue(images, torch.full((4,), turns))
    np.testing.assert_allclose(result, expected, atol=2e-6)


@pytest.mark.parametrize("factor", [0.0, 0.4, 1.0, 2.0])
def test_saturation_equals_torchvision(images: torch.Tensor, factor: float) -> None:
    expected = reference.adjust_saturation(images, factor)
    result = colour.saturation(images, torch.full((4,), factor))
    torch.testing.assert_close(result, expected, atol=5e-4, rtol=0)  # its luma weights sum to 0.9999


def test_saturation_of_a_picture_is_the_same_in_any_batch(images: torch.Tensor) -> None:
    together = colour.saturation(images, torch.full((4,), 0.3))
    for n in range(4):
        assert torch.equal(colour.saturation(images[n : n + 1], torch.full((1,), 0.3)), together[n : n + 1])


def test_alpha_equals_brightness(images: torch.Tensor) -> None:
    expected = reference.adjust_brightness(images, 0.3)
    torch.testing.assert_close(colour.alpha(images, torch.full((4,), 0.3)), expected)


@pytest.mark.parametrize("factor", [0.01, 0.5, 1.0, 2.5])
def test_contrast_equals_scikit_image(photographs: torch.Tensor, factor: float) -> None:
    ends = (0.5 - 0.5 / factor, 0.5 + 0.5 / factor)
    expected = rescale_intensity(photographs.numpy(), in_range=ends, out_range=(0, 1))
    np.testing.assert_allclose(colour.contrast(photographs, torch.full((2,), factor)), expected, atol=2e-6)


@pytest.mark.parametrize("amount", [-0.4, 0.0, 0.3, 1.0])
def test_brightness_equals_scikit_image(photographs: torch.Tensor, amount: float) -> None:
    expected = rescale_intensity(photographs.numpy(), in_range=(-amount, 1 - amount), out_range=(0, 1))
    np.testing.assert_allclose(colour.brightness(photographs, torch.full((2,), amount)), expected, atol=2e-6)


@pytest.mark.parametrize("effect", [colour.alpha, colour.hue, colour.saturation, colour.contrast, colour.brightness])
def test_differentiable(effect: Callable[..., torch.Tensor]) -> None:
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.2
    amounts = torch.tensor([0.11, 0.07], dtype=torch.float64)
    assert torch.autograd.gradcheck(effect, (images.requires_grad_(), amounts.requires_grad_()))
