"""Corruptions by chance: their statistics beside NumPy's, scipy's and the published algorithms'."""

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from perturber.effects import random
from perturber.effects.corruptions import FAMILIES, ice, poisson
from perturber.effects.corruptions.elastic import smooth_field
from perturber.effects.corruptions.fog import cloud

SEEDS = torch.arange(6)
SEVERITIES = [1, 2, 3, 4, 5]


def corrupted_plane(key: str, value: float, severity: int, size: int = 128) -> torch.Tensor:
    images = torch.full((len(SEEDS), 3, size, size), value)
    return FAMILIES[key](images, torch.full((len(SEEDS),), float(severity)), SEEDS)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("value", [0.1, 0.5, 0.9])
def test_gaussian_noise(value: float, severity: int) -> None:
    sigma = [0.08, 0.12, 0.18, 0.26, 0.38][severity - 1]
    result = corrupted_plane("gaussian_noise", value, severity).double()
    expected = np.clip(np.random.default_rng(severity).normal(value, sigma, 10**6), 0, 1)
    assert result.mean().item() == pytest.approx(expected.mean(), abs=2e-3)
    assert result.std().item() == pytest.approx(expected.std(), rel=0.01)
    assert (result == 0).double().mean().item() == pytest.approx((expected == 0).mean(), abs=2e-3)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("value", [0.02, 0.3, 0.8])
def test_shot_noise(value: float, severity: int) -> None:
    rate = [60, 25, 12, 5, 3][severity - 1]
    result = corrupted_plane("shot_noise", value, severity).double()
    drawn = np.random.default_rng(severity).poisson(value * rate, 10**6) / rate
    assert result.mean().item() == pytest.approx(np.clip(drawn, 0, 1).mean(), rel=0.02)
    assert result.var().item() == pytest.approx(np.clip(drawn, 0, 1).var(), rel=0.03)
    # Whole numbers of photons only.
    assert (result * rate - (result * rate).round()).abs().max() < 1e-4


@pytest.mark.parametrize("mean", [0.0, 0.3, 2.0, 9.9, 10.0, 13.0, 25.0, 60.0, 1e3])
def test_poisson_quantile_equals_scipy(mean: float) -> None:
    uniform = random.uniform(torch.tensor([8]), 200_000, dtype=torch.float64)[0]
    counts = poisson.quantile(torch.full_like(uniform, mean), uniform)
    expected = stats.poisson.ppf(uniform.numpy(), mean)
    different = counts.numpy() != expected
    assert different.mean() <= (0 if mean < poisson.EXACT_BELOW else 1e-3)
    assert np.abs(counts.numpy() - expected).max() <= 1


@pytest.mark.parametrize("severity", SEVERITIES)
def test_impulse_noise(severity: int) -> None:
    share = [0.03, 0.06, 0.09, 0.17, 0.27][severity - 1]
    result = corrupted_plane("impulse_noise", 0.4, severity)
    count = result.numel()
    for value in (0.0, 1.0):
        deviation = (result == value).sum().item() - count * share / 2
        assert abs(deviation) < 4 * np.sqrt(count * share / 2)
    assert ((result == 0) | (result == 1) | (result == 0.4)).all()
    # Colours are hit one by one, and no impulse goes away.
    hit = result != 0.4
    assert (hit.any(1) & ~hit.all(1)).any()
    assert (hit <= (corrupted_plane("impulse_noise", 0.4, min(severity + 1, 5)) != 0.4)).all()


def test_motion_angles_fill_their_range() -> None:
    """A bright point becomes a line towards one side, at −45 … 45 degrees to the x axis."""
    seeds = torch.arange(200)
    images = torch.zeros(200, 1, 65, 65).expand(-1, 3, -1, -1).clone()
    images[:, :, 32, 32] = 1
    result = FAMILIES["motion_blur"](images, torch.full((200,), 5.0), seeds)[:, 0]
    place = torch.arange(65.0) - 32
    total = result.sum((1, 2))
    x, y = (result.sum(1) * place).sum(1) / total, (result.sum(2) * place).sum(1) / total
    angles = torch.rad2deg(torch.atan2(-y, -x))
    assert stats.kstest(angles.numpy(), "uniform", (-45, 90)).pvalue > 1e-3


def slow_snow(value: float, severity: int, generator: np.random.Generator, size: int) -> np.ndarray:
    mean, spread, scale, threshold, radius, sigma, kept = [
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ][severity - 1]
    crop = int(np.ceil(size / scale))
    layer = ndimage.zoom(generator.normal(mean, spread, (crop, crop)), scale, order=1)[:size, :size]
    layer = np.clip(np.where(layer < threshold, 0, layer), 0, 1)
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    angle = np.deg2rad(generator.uniform(-135, -45))
    padded = np.pad(layer, 2 * radius + 1, mode="edge")
    blurred = np.zeros_like(layer)
    for i, weight in enumerate(weights):
        top, left = (2 * radius + 1 + int(np.ceil(i * f(angle) - 0.5)) for f in (np.sin, np.cos))
        blurred += weight * padded[top : top + size, left : left + size]
    white = kept * value + (1 - kept) * max(value, 1.5 * value + 0.5)
    return np.clip(white + blurred + np.rot90(blurred, 2), 0, 1)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_snow_falls_as_published(severity: int) -> None:
    generator = np.random.default_rng(severity)
    expected = np.stack([slow_snow(0.2, severity, generator, 128) for _ in range(12)])
    images = torch.full((12, 3, 128, 128), 0.2)
    result = FAMILIES["snow"](images, torch.full((12,), float(severity)), torch.arange(12))
    assert result.mean().item() == pytest.approx(expected.mean(), abs=0.025)
    assert result.std().item() == pytest.approx(expected.std(), rel=0.12)
    assert result.min().item() == pytest.approx(expected.min(), abs=0.01)


def test_frost_mixes_picture_and_window() -> None:
    window = ice.window(SEEDS, 60, 70)
    image = 0.1 * torch.rand(6, 3, 60, 70, generator=torch.Generator().manual_seed(0))
    mixture = [(1, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75)]
    for severity, (kept, added) in enumerate(mixture, start=1):
        result = FAMILIES["frost"](image, torch.full((6,), float(severity)), SEEDS)
        torch.testing.assert_close(result, (kept * image + added * window).clamp(0, 1))


def test_windows_look_like_frost() -> None:
    """Bluish and grey-white with contrast, each another, about as light as the photographs that were published."""
    windows = ice.window(torch.arange(24), 224, 224)
    mean = windows.mean((0, 2, 3))
    torch.testing.assert_close(mean, torch.tensor([0.573, 0.655, 0.702]), atol=0.06, rtol=0)
    assert (windows.mean((2, 3)).diff(dim=1) > 0).all()  # red < green < blue
    contrast = windows.mean(1).flatten(1).std(1)
    assert 0.05 < contrast.min() < contrast.max() < 0.25
    correlation = torch.corrcoef(windows.mean(1).flatten(1)) - torch.eye(24)
    assert correlation.abs().max() < 0.5
    torch.testing.assert_close(ice.window(torch.tensor([7]), 224, 224)[0], windows[7], atol=0, rtol=0)  # the kept one


def slow_plasma(decay: float, generator: np.random.Generator, size: int = 256) -> np.ndarray:
    """Diamonds and squares, point by point over the torus."""
    height = np.zeros((size, size))
    step, amount = size, 1.0
    while step >= 2:
        half = step // 2
        for y in range(0, size, step):
            for x in range(0, size, step):
                corners = [height[(y + a) % size, (x + b) % size] for a in (0, step) for b in (0, step)]
                height[y + half, x + half] = np.mean(corners) + generator.uniform(-amount, amount)
        for y in range(0, size, half):
            for x in range(half if y % step == 0 else 0, size, step):
                around = [
                    height[(y + a) % size, (x + b) % size] for a, b in ((-half, 0), (half, 0), (0, -half), (0, half))
                ]
                height[y, x] = np.mean(around) + generator.uniform(-amount, amount)
        step, amount = half, amount / decay**2
    height -= height.min()
    return height / height.max()


@pytest.mark.parametrize("decay", [2.0, 1.5])
def test_clouds_are_plasma_fractals(decay: float) -> None:
    """Roughness at every scale as in the slow version: the mean step between neighbours 2ⁿ pixels apart."""
    generator = np.random.default_rng(2)
    slow = np.stack([slow_plasma(decay, generator) for _ in range(5)])
    fast = cloud(torch.arange(100), torch.full((100,), decay), 224).numpy()
    assert fast.shape == (100, 256, 256)
    assert fast.min((1, 2)).max() == 0
    assert fast.max((1, 2)).min() == 1
    for lag in (1, 2, 4, 8, 16, 32):
        steps = [np.abs(maps[:, lag:] - maps[:, :-lag]).mean() for maps in (slow, fast)]
        assert steps[1] == pytest.approx(steps[0], rel=0.2)
    assert fast.mean() == pytest.approx(slow.mean(), abs=0.08)
    assert fast.std() == pytest.approx(slow.std(), rel=0.15)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_fog_adds_a_cloud_and_keeps_the_maximum(severity: int) -> None:
    density, decay = [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)][severity - 1]
    images = 0.8 * torch.rand(6, 3, 70, 90, generator=torch.Generator().manual_seed(1))
    layer = cloud(SEEDS, torch.full((6,), float(decay)), 90)[:, None, :70, :90].numpy()
    brightest = images.numpy().max((1, 2, 3), keepdims=True)
    expected = np.clip((images.numpy() + density * layer) * brightest / (brightest + density), 0, 1)
    result = FAMILIES["fog"](images, torch.full((6,), float(severity)), SEEDS)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    assert result.max() <= images.max() + 1e-6


@pytest.mark.parametrize(("sigma", "tolerance"), [(170.8, 0.2), (19.52, 0.1), (2.44, 0.03)])
def test_elastic_field_is_blurred_uniform_noise(sigma: float, tolerance: float) -> None:
    generator = np.random.default_rng(5)
    noise = generator.uniform(-1, 1, (24, 224, 224))
    slow = np.stack([ndimage.gaussian_filter(plane, sigma, mode="reflect", truncate=3) for plane in noise])
    fast = smooth_field(torch.arange(100), torch.full((100,), sigma), 224, 224, smallest=2.44).numpy()
    assert np.sqrt((fast**2).mean()) == pytest.approx(np.sqrt((slow**2).mean()), rel=tolerance)
    for lag in (1, 4, 16) if sigma < 100 else ():  # a wider one is all but the same for all pixels
        steps = [np.sqrt(((maps[..., lag:] - maps[..., :-lag]) ** 2).mean()) for maps in (slow, fast)]
        assert steps[1] == pytest.approx(steps[0], rel=tolerance + 0.05)
