"""What all fifteen corruptions have in common: identity, continuity, independence of the batch, derivatives."""

from itertools import pairwise

import pytest
import torch

from perturber.effects.corruptions import FAMILIES
from perturber.parameters import PARAMETERS

KEYS = list(FAMILIES)
PUBLISHED_ORDER = ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur"]
PUBLISHED_ORDER += ["zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform", "pixelate"]
PUBLISHED_ORDER += ["jpeg_compression"]
WITHOUT_CHANCE = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}
NO_DERIVATIVE = {"shot_noise", "impulse_noise", "jpeg_compression"}
SIZES = [(64, 64), (37, 50), (3, 2), (1, 1)]
# Published constants bring a picture nearer to the original here (severity from, severity to).
NOT_MONOTONE = {
    "glass_blur": {(1, 2), (3, 4)},
    "snow": {(2, 3)},
    "frost": {(3, 4), (4, 5)},
    "elastic_transform": {(1, 2), (2, 3), (3, 4), (4, 5)},
}


def smooth(batch: int, height: int, width: int, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> torch.Tensor:
    """Pictures of some large shapes and some noise, away from black and white."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 3, 5, 5, generator=generator, dtype=torch.float64)
    large = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=True)
    fine = torch.rand(batch, 3, height, width, generator=generator, dtype=torch.float64)
    return (0.1 + 0.6 * large + 0.2 * fine).to(dtype)


def corrupt(key: str, images: torch.Tensor, severity: float, seed: int = 5) -> torch.Tensor:
    batch = len(images)
    return FAMILIES[key](images, torch.full((batch,), severity), torch.arange(seed, seed + batch))


def test_families_are_the_papers() -> None:
    assert KEYS == PUBLISHED_ORDER
    for key, function in FAMILIES.items():
        row = PARAMETERS[f"corruption_{key}"]
        assert function.__name__ == key
        assert row.label.lower().replace(" ", "_") == key
        assert row.help.endswith(".")
        assert row.help.count(".") == 1


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_severity_0_is_the_picture_and_5_a_picture(key: str, height: int, width: int, dtype: torch.dtype) -> None:
    images = smooth(2, height, width, dtype=dtype)
    images[0, :, :1] = torch.tensor([0.0, 1.0, 0.0]).to(dtype).view(3, 1, 1)
    torch.testing.assert_close(corrupt(key, images, 0.0), images, atol=1e-6, rtol=0)
    for severity in (0.4, 3.0, 5.0):
        result = corrupt(key, images, severity)
        assert result.shape == images.shape
        assert result.dtype == dtype
        assert 0 <= result.min() <= result.max() <= 1  # false for NaN


@pytest.mark.parametrize("key", KEYS)
def test_an_item_is_the_same_in_any_batch(key: str) -> None:
    images = smooth(7, 48, 56)
    severity = torch.tensor([0.0, 0.3, 1.0, 2.5, 3.2, 4.0, 5.0])
    seeds = torch.tensor([3, 1, 4, 1, 5, 9, 2**31 - 1])
    together = FAMILIES[key](images, severity, seeds)
    for size in (1, 3):
        split = zip(images.split(size), severity.split(size), seeds.split(size), strict=True)
        parts = [FAMILIES[key](*part) for part in split]
        torch.testing.assert_close(torch.cat(parts), together, atol=0, rtol=0)


@pytest.mark.parametrize("key", KEYS)
def test_only_random_families_heed_the_seed(key: str) -> None:
    images = smooth(1, 48, 48)
    same = torch.equal(corrupt(key, images, 3.0, seed=1), corrupt(key, images, 3.0, seed=2))
    assert same == (key in WITHOUT_CHANCE)
    assert torch.equal(corrupt(key, images, 3.0, seed=1), corrupt(key, images, 3.0, seed=1))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("severity", [0, 1, 2, 3, 4, 5])
def test_continuous_at_whole_severities(key: str, severity: int) -> None:
    images = smooth(1, 64, 64)
    here = corrupt(key, images, float(severity))
    step = 1e-4
    for near in {max(severity - step, 0), min(severity + step, 5)}:
        # Counts and quantised waves jump one by one; noise begins with the root of the severity.
        bound = 2.5e-3 if key in NO_DERIVATIVE else 1e-3
        assert (corrupt(key, images, near) - here).abs().mean() < bound


@pytest.mark.parametrize("key", [key for key in KEYS if key not in NO_DERIVATIVE])
@pytest.mark.parametrize("severity", [0.73, 2.61, 4.37])
def test_differentiable(key: str, severity: float) -> None:
    images = smooth(2, 6, 7, dtype=torch.float64).requires_grad_()
    severities = torch.tensor([severity, severity / 2 + 0.1], dtype=torch.float64, requires_grad=True)
    seeds = torch.tensor([1, 2])
    assert torch.autograd.gradcheck(lambda x, s: FAMILIES[key](x, s, seeds), (images, severities), fast_mode=True)


@pytest.mark.parametrize("key", KEYS)
def test_derivatives_are_finite_everywhere(key: str) -> None:
    images = smooth(3, 32, 32).requires_grad_()
    severity = torch.tensor([0.0, 2.0, 5.0], requires_grad=True)
    FAMILIES[key](images, severity, torch.arange(3)).square().sum().backward()
    assert images.grad is not None
    assert severity.grad is not None
    assert torch.isfinite(images.grad).all()
    assert images.grad.abs().sum() > 0
    assert torch.isfinite(severity.grad).all()


def test_no_derivative_means_straight_through() -> None:
    """Where counting and rounding have none, the gradient is that of the step left out."""
    images = smooth(1, 32, 32).requires_grad_()
    weights = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    for key in ("shot_noise", "jpeg_compression"):
        (gradient,) = torch.autograd.grad((corrupt(key, images, 1.0) * weights).sum(), images)
        inside = ((result := corrupt(key, images, 1.0)) > 0) & (result < 1)
        if key == "shot_noise":
            torch.testing.assert_close(gradient[inside], weights[inside])
        else:  # brightness goes through as it is, colours at half their size
            torch.testing.assert_close(gradient.sum(), (weights * inside).sum(), rtol=0.02, atol=0)


@pytest.mark.parametrize("key", KEYS)
def test_photographs_move_away_from_themselves(key: str, photographs: torch.Tensor) -> None:
    distances = [
        (corrupt(key, photographs, s) - photographs).square().mean().sqrt().item() for s in (0, 0.5, 1, 2, 3, 4, 5)
    ]
    assert distances[0] < 1e-6
    assert 0 < distances[1] < distances[2]
    for severity, (before, after) in enumerate(pairwise(distances[2:]), start=1):
        if (severity, severity + 1) not in NOT_MONOTONE.get(key, ()):
            assert after > before, f"from severity {severity} to {severity + 1}"
