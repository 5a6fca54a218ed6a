"""Colour effects against colorsys and torchvision."""

import colorsys

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from perturber import effects
from perturber.effects import colour
from perturber.scene import Scene


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


def test_alpha_equals_brightness(images: torch.Tensor) -> None:
    expected = reference.adjust_brightness(images, 0.3)
    torch.testing.assert_close(colour.alpha(images, torch.full((4,), 0.3)), expected)


def test_defaults_change_no_bit(images: torch.Tensor) -> None:
    assert effects.apply(images, [Scene()] * 4) is images


def test_each_item_has_its_own_values(images: torch.Tensor) -> None:
    scenes = [Scene(), Scene(hue=0.3), Scene(alpha=0.5, saturation=0.0), Scene(hue=-0.1, alpha=0.9)]
    together = effects.apply(images, scenes)
    for i, scene in enumerate(scenes):
        torch.testing.assert_close(together[i : i + 1], effects.apply(images[i : i + 1], [scene]), atol=0, rtol=0)


@pytest.mark.parametrize("key", list(effects.EFFECTS))
def test_differentiable(key: str) -> None:
    images = torch.rand(2, 3, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 0.5 + 0.2
    amounts = torch.tensor([0.31, 0.72], dtype=torch.float64)
    assert torch.autograd.gradcheck(effects.EFFECTS[key], (images.requires_grad_(), amounts.requires_grad_()))
