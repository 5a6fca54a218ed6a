"""Corruptions without chance, at whole severities, beside scipy, scikit-image, Pillow and slow loops."""

import io
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage
from skimage import color
from skimage import filters as skimage_filters

from perturber.effects.corruptions import FAMILIES, filters, glass
from perturber.effects.corruptions.elastic import undo_affine
from perturber.effects.corruptions.sampling import bilinear

SIZES = [(224, 224), (64, 96)]


def picture(height: int, width: int) -> np.ndarray:
    """Shapes, gradients and noise, (H, W, 3) uint8."""
    generator = np.random.default_rng(4)
    y, x = np.mgrid[:height, :width]
    planes = [120 + 100 * np.sin(x / (5 + 9 * c) + y / (17 - 4 * c)) + 40 * (y > height // 3) for c in range(3)]
    image = np.stack(planes, -1) + generator.normal(0, 12, (height, width, 3))
    image[height // 2 :, : width // 3] = (200, 30, 60)
    return image.clip(0, 255).astype(np.uint8)


def corrupted(key: str, image: np.ndarray, severity: int) -> np.ndarray:
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    result = FAMILIES[key](tensor, torch.tensor([float(severity)]), torch.tensor([3]))
    return result[0].permute(1, 2, 0).numpy()


def slow_defocus(image: np.ndarray, severity: int) -> np.ndarray:
    radius, sigma = [(3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)][severity - 1]
    kernel = np.zeros((31, 31))
    for y in range(-15, 16):
        for x in range(-15, 16):
            kernel[y + 15, x + 15] = x * x + y * y <= radius * radius
    taps = np.exp(-((np.arange(-1, 2) if radius <= 8 else np.arange(-2, 3)).astype(float) ** 2) / (2 * sigma**2))
    for axis in (0, 1):
        kernel = ndimage.convolve1d(kernel, taps, axis=axis, mode="constant")
    kernel /= kernel.sum()
    return np.stack([ndimage.convolve(image[..., c] / 255, kernel, mode="mirror") for c in range(3)], -1)


def slow_zoom(image: np.ndarray, severity: int) -> np.ndarray:
    steps = [(1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03)][severity - 1]
    image = image / 255
    factors = np.arange(1, *steps)
    total = image.copy()
    for factor in factors:
        crop = image
        for axis in (0, 1):
            size = image.shape[axis]
            kept = int(np.ceil(size / factor))
            crop = np.take(crop, np.arange(kept) + (size - kept) // 2, axis)
        large = ndimage.zoom(crop, (factor, factor, 1), order=1)
        top, left = ((large.shape[axis] - image.shape[axis]) // 2 for axis in (0, 1))
        total += large[top : top + image.shape[0], left : left + image.shape[1]]
    return total / (len(factors) + 1)


def slow_brightness(image: np.ndarray, severity: int) -> np.ndarray:
    hsv = color.rgb2hsv(image)
    hsv[..., 2] = np.minimum(hsv[..., 2] + 0.1 * severity, 1)
    return color.hsv2rgb(hsv)


def slow_contrast(image: np.ndarray, severity: int) -> np.ndarray:
    mean = (image / 255).mean((0, 1))
    return np.clip(mean + [0.4, 0.3, 0.2, 0.1, 0.05][severity - 1] * (image / 255 - mean), 0, 1)


def slow_pixelate(image: np.ndarray, severity: int) -> np.ndarray:
    height, width = image.shape[:2]
    factor = [0.6, 0.5, 0.4, 0.3, 0.25][severity - 1]
    small = Image.fromarray(image).resize((int(width * factor), int(height * factor)), Image.Resampling.BOX)
    return np.asarray(small.resize((width, height), Image.Resampling.BOX)) / 255


def codec(image: np.ndarray, severity: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=[25, 18, 15, 10, 7][severity - 1])
    return np.asarray(Image.open(file)) / 255


REFERENCES: dict[str, tuple[Callable[[np.ndarray, int], np.ndarray], float]] = {
    "defocus_blur": (slow_defocus, 1e-5),
    "zoom_blur": (slow_zoom, 1e-5),
    "brightness": (slow_brightness, 1e-5),
    "contrast": (slow_contrast, 1e-5),
    "pixelate": (slow_pixelate, 1.01 / 255),  # Pillow rounds to 8 bits twice
}


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("key", list(REFERENCES))
def test_equals_reference(key: str, height: int, width: int, severity: int) -> None:
    reference, tolerance = REFERENCES[key]
    image = picture(height, width)
    result = corrupted(key, image, severity)
    np.testing.assert_allclose(result, reference(image, severity), atol=tolerance, rtol=0)
    assert np.abs(result - image / 255).mean() > 3 * tolerance


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_jpeg_is_near_pillows(height: int, width: int, severity: int) -> None:
    """A codec rounds to 8 bits before and after, which now and then moves a wave to its next step."""
    image = picture(height, width)
    result, expected = corrupted("jpeg_compression", image, severity), codec(image, severity)
    loss = np.abs(expected - image / 255).mean()
    assert np.abs(result - expected).mean() < 0.15 * loss
    assert np.abs(result - image / 255).mean() == pytest.approx(loss, rel=0.02)


def test_jpeg_of_photographs_is_near_pillows(photographs: torch.Tensor) -> None:
    for photograph in photographs:
        image = (photograph * 255).round().byte().permute(1, 2, 0).numpy()
        for severity in (1, 3, 5):
            result, expected = corrupted("jpeg_compression", image, severity), codec(image, severity)
            loss = np.abs(expected - image / 255).mean()
            assert np.abs(result - expected).mean() < min(0.25 * loss, 1.5 / 255)


@pytest.mark.parametrize("angle", [-45.0, -20.3, 0.0, 12.8, 45.0, -90.0, -135.0])
@pytest.mark.parametrize(("radius", "sigma"), [(10, 3), (15, 12), (20, 15)])
def test_streak_equals_a_slow_loop(radius: int, sigma: int, angle: float) -> None:
    image = picture(40, 33)[..., 0] / 255
    weights = np.exp(-(np.arange(2 * radius + 1) ** 2) / (2 * sigma**2))
    weights /= weights.sum()
    expected = np.zeros_like(image)
    for i, weight in enumerate(weights):
        down, right = (int(np.ceil(i * f(np.deg2rad(angle)) - 0.5)) for f in (np.sin, np.cos))
        for y in range(40):
            for x in range(33):
                expected[y, x] += weight * image[np.clip(y + down, 0, 39), np.clip(x + right, 0, 32)]
    arguments = (torch.tensor([float(value)]) for value in (radius, sigma, angle))
    result = filters.streak(torch.from_numpy(image).float()[None, None], *arguments)
    np.testing.assert_allclose(result[0, 0], expected, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5])
def test_gaussian_equals_scikit_image(sigma: float) -> None:
    image = picture(30, 41) / 255
    expected = skimage_filters.gaussian(image, sigma, mode="nearest", truncate=4, channel_axis=2)
    result = filters.gaussian(torch.from_numpy(image).permute(2, 0, 1)[None], torch.tensor([sigma]).double(), radius=6)
    np.testing.assert_allclose(result[0].permute(1, 2, 0), expected, atol=3e-4)  # it cuts off at 4 σ, rounded


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_glass_moves_pixels_as_the_published_loop(level: int) -> None:
    height, width = 22, 27
    seeds = torch.tensor([3, 11])
    result = glass.sources(seeds, level, height, width)
    reach, sweeps = [(1, 2), (2, 1), (2, 3), (3, 2), (4, 2)][level - 1]
    assert glass.SWEEPS[level] == (reach, sweeps)
    steps = glass.offsets(seeds, level, height, width)
    assert set(steps.unique().tolist()) == set(range(-reach, reach))
    for item in range(2):
        image = np.arange(height * width).reshape(height, width)
        for sweep in range(sweeps):
            down, right = steps[item, sweep].view(2, height, width).numpy()
            for y in range(height - reach, reach, -1):
                for x in range(width - reach, reach, -1):
                    image[y, x] = image[y + down[y, x], x + right[y, x]]
        np.testing.assert_array_equal(result[item].view(height, width), image)


@pytest.mark.parametrize("severity", [1, 3, 5])
def test_glass_blurs_before_and_after(severity: int) -> None:
    image = picture(40, 50) / 255
    sigma = [0.7, 0.9, 1, 1.1, 1.5][severity - 1]

    def blur(image: np.ndarray) -> np.ndarray:
        return skimage_filters.gaussian(image, sigma, mode="nearest", truncate=4, channel_axis=2)

    source = glass.sources(torch.tensor([3]), severity, 40, 50)[0].numpy()
    expected = blur(blur(image).reshape(-1, 3)[source].reshape(image.shape))
    np.testing.assert_allclose(corrupted("glass_blur", picture(40, 50), severity), expected, atol=1e-3)


def test_bilinear_equals_scipy() -> None:
    image = picture(23, 31)[..., 1] / 255
    places = np.random.default_rng(0).uniform(-30, 60, (2, 40, 40))
    expected = ndimage.map_coordinates(image, places, order=1, mode="mirror")
    result = bilinear(torch.from_numpy(image)[None, None], *torch.from_numpy(places)[:, None])
    np.testing.assert_allclose(result[0, 0], expected, atol=1e-12)


def test_affine_map_moves_the_three_points() -> None:
    height, width = 90, 120
    middle, reach = np.array([width // 2, height // 2]), height // 3
    points = middle + reach * np.array([[1, 1], [1, -1], [-1, -1]])
    moves = np.random.default_rng(1).uniform(-9, 9, (3, 2))
    arrived = torch.from_numpy(points + moves)
    rows, columns = undo_affine(
        arrived[None, None, :, 1], arrived[None, None, :, 0], torch.from_numpy(moves)[None], height, width
    )
    np.testing.assert_allclose(torch.stack((columns, rows), -1)[0, 0], points, atol=1e-9)
