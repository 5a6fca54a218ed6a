"""Gaussian noise: of the right strength, and the same for the same seed."""

import torch
from scipy import stats

from perturber.effects.noise import gaussian_noise

GREY = torch.full((3, 3, 224, 224), 0.5)
SEEDS = torch.tensor([0.0, 1, 2])


def test_noise_is_normal_with_this_deviation() -> None:
    added = gaussian_noise(GREY, torch.tensor([0.02, 0.05, 0.08]), SEEDS) - 0.5
    for noise, deviation in zip(added, (0.02, 0.05, 0.08), strict=True):
        assert stats.kstest(noise.flatten().double().numpy() / deviation, "norm").pvalue > 1e-3


def test_the_pattern_belongs_to_the_seed() -> None:
    weak, strong = (gaussian_noise(GREY, torch.full((3,), d), SEEDS) - 0.5 for d in (0.01, 0.05))
    torch.testing.assert_close(strong, 5 * weak, atol=1e-5, rtol=0)
    patterns = weak.flatten(1)
    assert (torch.corrcoef(patterns) - torch.eye(3)).abs().max() < 0.02


def test_limits_and_gradient(photographs: torch.Tensor) -> None:
    noisy = gaussian_noise(photographs, torch.full((2,), 0.5), SEEDS[:2])
    assert 0 <= noisy.min() <= noisy.max() <= 1
    images = (photographs[:, :, 50:54, 50:54].double() * 0.5 + 0.2).requires_grad_()
    deviation = torch.tensor([0.01, 0.02], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda i, d: gaussian_noise(i, d, SEEDS[:2]), (images, deviation))
