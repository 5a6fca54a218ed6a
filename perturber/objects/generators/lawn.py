"""A lawn in front of bushes and trees, as a lens with a wide aperture would show it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from perturber.objects.generators.noise import Noise, mix, smoothstep

Array = np.ndarray

HORIZON = 0.42
"""From the top, in picture heights."""

BLADES = 90_000


def paint_lawn(size: int) -> Array:
    """(size, size, 3) in [0, 1]."""
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    picture = _sky(u, v)
    rng = np.random.default_rng(5)
    edge = 0.355 + 0.03 * (Noise(4, 2).fractal(np.stack((u * 9, 0 * u), -1)) - 0.5)
    picture = mix(picture, np.array([0.20, 0.31, 0.15]), smoothstep(edge - 0.02, edge + 0.02, v))
    for row in TREE_ROWS:
        picture = _foliage(picture, rng, row)
    ground = _ground(u, v)
    picture = mix(picture, ground, smoothstep(HORIZON - 0.004, HORIZON + 0.012, v))
    picture = _blades(picture, rng, size)
    blur = 5.0 * smoothstep(0.66, 0.43, v) + 2.2 * smoothstep(0.92, 1.05, v)
    picture = blur_by(picture, blur * size / 1024)
    grain = np.random.default_rng(6).normal(0, 0.006, (size, size, 1))
    vignette = 1 - 0.16 * (np.hypot(u - 0.5, v - 0.5) / 0.7) ** 3
    return picture * vignette[..., None] + grain


def _sky(u: Array, v: Array) -> Array:
    noise = Noise(1, 2)
    colour = mix(np.array([0.45, 0.64, 0.88]), np.array([0.86, 0.92, 0.97]), smoothstep(0.0, HORIZON, v))
    cloud = noise.fractal(np.stack((u * 3, v * 7), -1), 1.0, 5)
    return mix(colour, np.array([0.98, 0.98, 0.97]), 0.8 * smoothstep(0.48, 0.68, cloud))


@dataclass(frozen=True)
class TreeRow:
    """Trees or bushes side by side; lengths in picture heights, `soft` in pixels at 1024."""

    base: float
    height: float
    crowns: int
    colour: tuple[float, float, float]
    leaf: float
    soft: float


TREE_ROWS = (
    TreeRow(0.405, 0.24, 16, (0.26, 0.37, 0.22), 0.010, 7.0),
    TreeRow(0.425, 0.15, 22, (0.17, 0.31, 0.11), 0.009, 5.0),
    TreeRow(0.435, 0.075, 60, (0.23, 0.39, 0.12), 0.007, 4.0),
)


def _foliage(picture: Array, rng: np.random.Generator, row: TreeRow) -> Array:
    """A row of round crowns, each a cloud of leaves that are lighter towards the upper left."""
    size = picture.shape[0]
    layer = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for x in np.sort(rng.uniform(-0.05, 1.05, row.crowns)):
        tall = row.height * rng.uniform(0.45, 1.0)
        wide = tall * rng.uniform(0.45, 0.75)
        tint = np.array(row.colour) * rng.uniform(0.8, 1.25) * rng.normal(1, 0.06, 3)
        n = int(260 + 2600 * tall / 0.24)
        angle, reach = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.uniform(0, 1, n))
        a, b = np.cos(angle) * reach, np.sin(angle) * reach
        for i in np.argsort(reach * rng.uniform(0.6, 1.4, n))[::-1]:
            light = np.clip(0.75 + 0.45 * (-0.6 * a[i] - 0.8 * b[i]) + rng.normal(0, 0.22), 0.25, 1.8)
            cx, cy = x + wide * a[i], row.base - tall * 0.5 + tall * 0.55 * b[i]
            r = row.leaf * rng.uniform(0.4, 1.1)
            shade = np.clip(tint * light + 0.05 * max(light - 1, 0), 0, 1) * 255
            box = [(cx - r) * size, (cy - r * 0.7) * size, (cx + r) * size, (cy + r * 0.7) * size]
            draw.ellipse(box, fill=(*np.round(shade).astype(int).tolist(), 255))
    rgba = np.asarray(layer, float) / 255
    sigma = row.soft * size / 1024
    alpha = ndimage.gaussian_filter(rgba[..., 3], sigma)
    rgb = np.stack([ndimage.gaussian_filter(rgba[..., k] * rgba[..., 3], sigma) for k in range(3)], -1)
    return picture * (1 - alpha[..., None]) + rgb


def _ground(u: Array, v: Array) -> Array:
    depth = 0.35 / np.maximum(v - HORIZON, 1e-3)
    place = np.stack(((u - 0.5) * depth, depth), -1)
    noise = Noise(2, 2)
    patches = noise.fractal(place, 1.3, 4)
    fine = noise.fractal(place + 40, 16.0, 3)
    colour = mix(np.array([0.20, 0.33, 0.09]), np.array([0.44, 0.54, 0.18]), smoothstep(0.30, 0.72, patches))
    colour = colour * (0.70 + 0.6 * fine)[..., None]
    haze = smoothstep(HORIZON + 0.10, HORIZON, v)
    return mix(colour, np.array([0.50, 0.58, 0.30]), 0.55 * haze)


def _blades(picture: Array, rng: np.random.Generator, size: int) -> Array:
    """Blades of grass, far ones first; their length follows the perspective."""
    noise = Noise(3, 2)
    scale = 2  # drawn at twice the size against jagged edges
    canvas = Image.fromarray(np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)).resize(
        (size * scale, size * scale), Image.Resampling.BICUBIC
    )
    draw = ImageDraw.Draw(canvas)
    v = HORIZON + 0.012 + (1.06 - HORIZON) * np.sort(rng.uniform(0, 1, BLADES)) ** 1.1
    u = rng.uniform(-0.02, 1.02, BLADES)
    near = (v - HORIZON) / (1 - HORIZON)
    depth = 0.35 / (v - HORIZON)
    patch = noise.fractal(np.stack(((u - 0.5) * depth, depth), -1) + 7, 1.3, 4)
    length = near * 0.052 * rng.uniform(0.4, 1.2, BLADES)
    lean = rng.normal(0.0, 0.35, BLADES)
    light = np.clip(rng.normal(1.0, 0.28, BLADES), 0.4, 1.75)
    yellow = np.clip(smoothstep(0.3, 0.75, patch) * 0.6 + rng.normal(0, 0.2, BLADES), 0, 1)
    shades = mix(np.array([0.21, 0.37, 0.09]), np.array([0.55, 0.63, 0.24]), yellow) * light[:, None]
    dry = rng.uniform(0, 1, BLADES) < 0.025
    shades[dry] = np.array([0.66, 0.60, 0.36])
    shades = np.round(np.clip(shades, 0, 1) * 255).astype(int)
    for i in range(BLADES):
        x, y, h = u[i] * size * scale, v[i] * size * scale, length[i] * size * scale
        points = [(x + lean[i] * h * t * t, y - h * t) for t in (0.0, 0.35, 0.7, 1.0)]
        draw.line(points, fill=tuple(shades[i]), width=max(1, round(near[i] * 3.4 * size / 1024)), joint="curve")
    small = canvas.resize((size, size), Image.Resampling.LANCZOS)
    return np.asarray(small, float) / 255


def blur_by(picture: Array, sigma: Array) -> Array:
    """Gaussian blur whose width differs from pixel to pixel."""
    widths = [0.0, 0.8, 1.6, 3.0, 5.5, 9.0]
    stack = [
        picture if w == 0 else np.stack([ndimage.gaussian_filter(picture[..., k], w) for k in range(3)], -1)
        for w in widths
    ]
    index = np.interp(sigma, widths, np.arange(len(widths)))
    low = np.clip(np.floor(index).astype(int), 0, len(widths) - 2)
    result = np.zeros_like(picture)
    for k in range(len(widths) - 1):
        blend = mix(stack[k], stack[k + 1], np.clip(index - k, 0, 1))
        result[low == k] = blend[low == k]
    return result
