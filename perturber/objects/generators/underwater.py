"""A sandy clearing in a coral reef: light from the surface in shafts and caustics, everything fading into blue."""

import numpy as np

from perturber.objects.generators.fish import fish
from perturber.objects.generators.lawn import blur_by
from perturber.objects.generators.march import Solid, camera, cast, draw, occlusion, shadow
from perturber.objects.generators.noise import Noise, mix, smoothstep
from perturber.objects.generators.reef import reef

Array = np.ndarray

HORIZON, FOCAL = 0.43, 1.05
EYE = np.array([0.0, 0.55, 0.0])

SUN = np.array([-0.42, 0.86, -0.10]) / np.linalg.norm([-0.42, 0.86, -0.10])
FRONT = np.array([-0.30, 0.25, -0.92]) / np.linalg.norm([-0.30, 0.25, -0.92])
"""Towards the diver's lamp beside the camera, which gives the reef its colours back."""

GLARE = (0.34, -0.30)
"""Where the sun stands over the picture, in picture widths: the shafts come from there."""

FADE = np.array([0.215, 0.125, 0.105])
"""How much of red, green and blue a metre of water takes away."""

FAR = 16.0
"""Metres beyond which nothing but water is seen."""


def paint_underwater(size: int) -> Array:
    """(size, size, 3) in [0, 1]."""
    solids = reef() + fish()
    picture, depth = draw(size, lambda rows, side: _strip(rows, side, solids))
    picture = blur_by(picture, (2.2 * smoothstep(2.2, 5.0, depth) + 0.8 * smoothstep(0.9, 0.6, depth)) * size / 1024)
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    picture = _shafts(picture, depth, u, v)
    picture = _motes(picture)
    grain = np.random.default_rng(141).normal(0, 0.005, (size, size, 1))
    return picture * (1 - 0.20 * (np.hypot(u - 0.5, v - 0.5) / 0.7) ** 3)[..., None] + grain


def _strip(rows: Array, size: int, solids: list[Solid]) -> tuple[Array, Array]:
    u, v, rays = camera(size, rows, horizon=HORIZON, focal=FOCAL)
    with np.errstate(divide="ignore"):
        sand = np.where(rays[:, 1] < 0, -EYE[1] / rays[:, 1], np.inf)
    depth, which = cast(solids, EYE, rays, np.minimum(sand, FAR))
    p = EYE + depth[:, None] * rays
    colour = np.zeros_like(p)
    for k, solid in enumerate(solids):
        at = np.flatnonzero(which == k)
        if len(at):
            normal = solid.normals(p[at])
            colour[at] = solid.paint(p[at], normal) * _light(p[at], normal, solids)
    at = np.flatnonzero((which < 0) & (sand < FAR))
    normal = _ripples(p[at])
    colour[at] = _sand(p[at]) * _light(p[at], normal, solids)
    distance = depth * np.linalg.norm(rays, axis=1)
    clear = np.exp(-FADE * np.maximum(distance - 1.1, 0)[:, None])
    clear *= smoothstep(FAR, 0.55 * FAR, depth)[:, None]
    colour = colour * clear + water(u.ravel(), v.ravel()) * (1 - clear)
    return colour.reshape(*u.shape, 3), depth.reshape(u.shape)


def water(u: Array, v: Array) -> Array:
    """Colour (..., 3) of open water at places of the picture: bright towards the sun, deep blue below."""
    colour = mix(np.array([0.30, 0.72, 0.84]), np.array([0.06, 0.40, 0.58]), smoothstep(-0.15, 0.30, v))
    colour = mix(colour, np.array([0.035, 0.27, 0.42]), smoothstep(0.22, 0.50, v))
    near = np.hypot((u - GLARE[0]) * 0.8, v - GLARE[1])
    return mix(colour, np.array([0.86, 0.97, 0.95]), 0.75 * np.exp(-((near / 0.36) ** 2)) + 0.16 * np.exp(-near / 0.35))


def _light(p: Array, normal: Array, solids: list[Solid]) -> Array:
    """Colour of the light on places (N, 3): the sun through the waves, and blue from all sides."""
    above = p + 6e-3 * normal
    open_ = occlusion(solids, above, normal, reaches=(0.05, 0.15, 0.40), strength=0.85)
    facing = np.clip(normal @ SUN, 0, 1)
    at = np.flatnonzero(facing > 0)
    facing[at] *= shadow(solids, above[at], SUN, reach=1.8, soft=0.10)
    over = p[:, [0, 2]] - (p[:, 1] / SUN[1])[:, None] * SUN[[0, 2]]
    bright = 0.58 + 0.98 * caustics(over)
    sky = 0.5 + 0.5 * normal[:, 1]
    front = np.clip(normal @ FRONT, 0, 1) ** 1.2
    return (
        (facing * bright)[:, None] * [0.92, 0.96, 0.90]
        + (open_ * (0.22 + 0.32 * sky))[:, None] * [0.66, 0.90, 1.00]
        + (open_ * front)[:, None] * [0.66, 0.60, 0.54]
    )


def caustics(place: Array) -> Array:
    """The net of light that waves cast on the ground: (N,) in [0, 1], bright where cells of a grid meet.

    Cellular noise (Worley 1996): distance to the second nearest of scattered points minus that to the nearest.
    """
    bend = Noise(151, 2)
    q = place * 2.6
    q = q + 0.55 * np.stack([bend.fractal(q + shift, 1.1, 2) - 0.5 for shift in (0.0, 31.0)], -1)
    net = np.zeros(len(q))
    for scale, seed, weight in ((1.0, 152, 0.75), (1.9, 153, 0.45)):
        gap = _cells(q * scale, seed)
        net += weight * np.exp(-((gap / 0.16) ** 1.2))
    return np.clip(net, 0, 1.2)


def _cells(q: Array, seed: int) -> Array:
    points = np.random.default_rng(seed).random((64, 64, 2))
    cell = np.floor(q).astype(int)
    first, second = np.full(len(q), 9.0), np.full(len(q), 9.0)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            i, j = cell[:, 0] + dx, cell[:, 1] + dy
            site = points[i % 64, j % 64] + np.stack((i, j), -1)
            d = np.hypot(*(site - q).T)
            second = np.minimum(second, np.maximum(first, d))
            first = np.minimum(first, d)
    return second - first


def _height(place: Array) -> Array:
    """Height of the sand, in metres: ripples that a current left, over low dunes."""
    noise = Noise(154, 2)
    bend = noise.fractal(place, 0.9, 3)
    phase = (place[:, 1] * 1.0 + 0.25 * place[:, 0]) * 46 + 16 * bend
    fade = 0.35 + 0.65 * smoothstep(0.35, 0.6, noise.fractal(place + 9, 0.7, 2))
    return 0.0065 * fade * (np.sin(phase) + 0.25 * np.sin(2 * phase + 0.6)) + 0.05 * noise.fractal(place + 4, 1.3, 2)


def _ripples(p: Array) -> Array:
    place, step = p[:, [0, 2]], 2e-3
    across, along = (
        (_height(place + d) - _height(place - d)) / (2 * step) for d in (np.array([step, 0]), np.array([0, step]))
    )
    # Ripples narrower than a pixel would shimmer: they flatten with the distance.
    flat = 1 / (1 + (np.maximum(p[:, 2], 0.1) / 4.5) ** 3)
    normal = np.stack((-across * flat, np.ones(len(p)), -along * flat), 1)
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _sand(p: Array) -> Array:
    place = p[:, [0, 2]]
    noise = Noise(155, 2)
    tone = noise.fractal(place, 1.7, 3)
    colour = mix(np.array([0.62, 0.56, 0.47]), np.array([0.78, 0.73, 0.64]), tone)
    near = smoothstep(3.5, 1.0, p[:, 2])
    grains = noise.fractal(place, 210.0, 2) - 0.5
    return colour * (1 + 0.45 * near * grains)[:, None]


def _shafts(picture: Array, depth: Array, u: Array, v: Array) -> Array:
    """Sunbeams between the waves' shadows; the more water lies behind them, the better they show."""
    angle = np.arctan2(u - GLARE[0], v - GLARE[1])
    reach = np.hypot(u - GLARE[0], v - GLARE[1])
    noise = Noise(156, 2)
    ray = np.stack((angle, 0.10 * reach), -1)
    beams = smoothstep(0.42, 0.78, 0.62 * noise.fractal(ray, 7.0, 2) + 0.38 * noise.fractal(ray + 5, 24.0, 2))
    body = 1 - np.exp(-0.30 * np.minimum(depth, FAR))
    strength = 0.42 * beams * body * smoothstep(1.25, 0.30, reach)
    light = np.array([0.72, 0.95, 0.96]) * strength[..., None]
    return 1 - (1 - np.clip(picture, 0, 1)) * (1 - light)


def _motes(picture: Array) -> Array:
    """What floats in the water, and a string of bubbles."""
    size = picture.shape[0]
    rng = np.random.default_rng(157)
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    for x, y, r, tone in zip(
        *rng.uniform(0, 1, (2, 90)), rng.uniform(0.0006, 0.0022, 90), rng.uniform(0.1, 0.4, 90), strict=True
    ):
        picture = _dab(picture, u, v, x, 0.8 * y, r, tone * smoothstep(0.75, 0.4, y), rim=False)
    for k in range(13):
        y = 0.60 - 0.052 * k
        x = 0.872 + 0.012 * np.sin(1.7 * k) + rng.normal(0, 0.005)
        picture = _dab(picture, u, v, x, y, 0.0035 + 0.00045 * k + rng.uniform(0, 0.003), 0.75, rim=True)
    return picture


def _dab(picture: Array, u: Array, v: Array, x: float, y: float, r: float, strength: float, *, rim: bool) -> Array:
    size = picture.shape[0]
    low = [max(int((c - 2 * r) * size) - 1, 0) for c in (y, x)]
    part = np.s_[low[0] : int((y + 2 * r) * size) + 2, low[1] : int((x + 2 * r) * size) + 2]
    du, dv = u[part] - x, v[part] - y
    away = np.hypot(du, dv) / r
    cover = smoothstep(1.1, 0.9, away) if rim else np.exp(-(away**2))
    if rim:
        gleam = np.exp(-((np.hypot(du / r + 0.35, dv / r + 0.40) / 0.28) ** 2))
        cover = cover * (0.18 + 0.55 * away**4) + gleam
    picture[part] = mix(picture[part], np.array([0.88, 0.98, 1.0]), np.clip(strength * cover, 0, 1))
    return picture
