"""The living room's wall, window and floor: colour by place."""

import numpy as np

from perturber.objects.generators.noise import Noise, mix, smoothstep

Array = np.ndarray

WALL = 3.6
"""Where the back wall stands, in metres from the camera."""

WINDOW = (-1.40, -0.42, 0.78, 2.40)
"""Left, right, sill and head of the window, in metres."""

PICTURES = ((0.62, 1.42, 0.40, 0.52), (1.16, 1.46, 0.46, 0.44))
"""Middle x, y, width and height of the pictures over the sofa."""

LAMP = np.array([-0.10, 1.50, 3.22])
"""Where the floor lamp's light comes from."""

PLASTER = np.array([0.70, 0.72, 0.66])
TRIM = np.array([0.90, 0.89, 0.86])


def back_wall(p: Array) -> tuple[Array, Array]:
    """Colours (N, 3) of the wall and what hangs on it, and whether they shine (the view from the window) (N,)."""
    x, y = p[:, 0], p[:, 1]
    noise = Noise(121, 2)
    place = p[:, :2]
    colour = PLASTER * (0.97 + 0.06 * noise.fractal(place, 3.0, 3))[:, None]
    colour = mix(colour, TRIM, smoothstep(0.125, 0.118, y))
    colour = colour * (1 - 0.35 * smoothstep(0.012, 0.004, np.abs(y - 0.128)))[:, None]
    for k, picture in enumerate(PICTURES):
        colour = _framed(colour, x, y, picture, k)
    left, right, sill, head = WINDOW
    frame = (x > left - 0.07) & (x < right + 0.07) & (y > sill - 0.05) & (y < head + 0.07)
    colour = np.where(frame[:, None], TRIM, colour)
    ledge = (x > left - 0.11) & (x < right + 0.11) & (np.abs(y - sill + 0.03) < 0.025)
    colour = np.where(ledge[:, None], TRIM * 1.05, colour)
    colour = (
        colour
        * (
            1
            - 0.4
            * smoothstep(0.05, 0.0, sill - 0.055 - y)
            * (sill - 0.055 > y)
            * (np.abs(x - (left + right) / 2) < 0.6)
        )[:, None]
    )
    glass = _panes(x, y)
    colour = np.where(glass[:, None], _garden(x, y), colour)
    return _curtains(colour, glass, x, y)


def _panes(x: Array, y: Array) -> Array:
    left, right, sill, head = WINDOW
    inside = (x > left) & (x < right) & (y > sill) & (y < head)
    bars = (np.abs(x - (left + right) / 2) < 0.022) | (np.abs(y - 1.62) < 0.016)
    return inside & ~bars


def _garden(x: Array, y: Array) -> Array:
    """Sky over a hedge and trees, out of focus and bright."""
    noise = Noise(122, 2)
    place = np.stack((x, y), -1)
    sky = mix(np.array([0.93, 0.96, 0.99]), np.array([0.74, 0.87, 0.99]), smoothstep(1.2, 2.2, y))
    crown = 1.28 + 0.30 * (noise.fractal(np.stack((x * 2.2, 0 * x), -1), 1.0, 3) - 0.5)
    leaves = noise.fractal(place, 11.0, 3)
    green = mix(np.array([0.36, 0.52, 0.26]), np.array([0.74, 0.84, 0.50]), smoothstep(0.3, 0.7, leaves))
    colour = mix(sky, green, smoothstep(0.06, -0.06, y - crown + 0.25 * (leaves - 0.5)))
    return mix(colour, np.array([0.60, 0.74, 0.38]), smoothstep(0.98, 0.90, y))


def _curtains(colour: Array, glass: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """Linen on both sides of the window, in folds; daylight comes through where it hangs before glass."""
    left, right, *_ = WINDOW
    hem = (y > 0.60) & (y < 2.6)
    shining = glass.copy()
    for edge, width, sign in ((left - 0.16, 0.40, 1), (right + 0.16, 0.40, -1)):
        across = sign * (x - edge) / width
        wave = 0.5 + 0.5 * np.sin(across * 30 + 1.5 * np.sin(across * 9 + 2 * sign))
        on = hem & (across > 0.02 * np.sin(y * 7)) & (across < 1.0 - 0.05 * wave)
        cloth = np.array([0.93, 0.89, 0.80]) * (0.62 + 0.42 * wave)[:, None]
        lit = on & (across * width > 0.16)
        colour = np.where(on[:, None], np.where(lit[:, None], cloth * [1.02, 1.0, 0.96], cloth), colour)
        shining = np.where(on, lit, shining)
    return colour, shining


def _framed(colour: Array, x: Array, y: Array, picture: tuple[float, float, float, float], k: int) -> Array:
    """A picture under glass: hills in the evening, or leaves."""
    cx, cy, w, h = picture
    a, b = (x - cx) / w, (y - cy) / h
    far = np.maximum(np.abs(a), np.abs(b))
    drop = np.maximum(np.abs((x - cx - 0.02) / w), np.abs((y - cy + 0.03) / h))
    colour = colour * (1 - 0.30 * smoothstep(0.56, 0.48, drop))[:, None]
    colour = np.where((far < 0.5)[:, None], np.array([0.20, 0.14, 0.09]), colour)
    colour = np.where(
        (np.maximum(np.abs(x - cx) - w / 2, np.abs(y - cy) - h / 2) < -0.022)[:, None], [0.94, 0.93, 0.90], colour
    )
    inner = np.maximum(np.abs(x - cx) - w / 2, np.abs(y - cy) - h / 2) < -0.075
    noise = Noise(125 + k, 2)
    if k == 0:
        art = mix(np.array([0.96, 0.78, 0.52]), np.array([0.52, 0.66, 0.78]), smoothstep(-0.1, 0.4, b))
        for level, tone in ((0.08, (0.48, 0.50, 0.60)), (-0.06, (0.36, 0.38, 0.44)), (-0.2, (0.22, 0.26, 0.28))):
            ridge = level + 0.30 * (noise.fractal(np.stack((a * 3 + level * 40, 0 * a), -1), 1.0, 4) - 0.5)
            art = mix(art, np.array(tone), smoothstep(0.01, -0.01, b - ridge))
        sun = smoothstep(0.075, 0.065, np.hypot((a - 0.12) * w, (b - 0.16) * h) / 0.5)
        art = np.where(((b > 0.08) & (sun > 0.5))[:, None], [0.99, 0.92, 0.70], art)
    else:
        art = np.tile([0.90, 0.88, 0.80], (len(x), 1))
        for cx_, cy_, r, tone in (
            (-0.12, 0.02, 0.20, (0.80, 0.42, 0.26)),
            (0.10, -0.08, 0.16, (0.24, 0.40, 0.42)),
            (0.06, 0.16, 0.09, (0.88, 0.68, 0.30)),
        ):
            art = mix(art, np.array(tone), smoothstep(r, r - 0.015, np.hypot(a - cx_, (b - cy_) * h / w)))
    return np.where(inner[:, None], art, colour)


def sunlit(p: Array, sun: Array) -> Array:
    """Where the sun falls in through the panes: (N,), softer the further from the window."""
    t = (WALL - p[:, 2]) / sun[2]
    x, y = p[:, 0] + t * sun[0], p[:, 1] + t * sun[1]
    left, right, sill, head = WINDOW
    soft = 0.010 + 0.012 * t
    middle = (left + right) / 2
    along = smoothstep(left + 0.24 - soft, left + 0.24 + soft, x) * smoothstep(
        right - 0.24 + soft, right - 0.24 - soft, x
    )
    up = smoothstep(sill - soft, sill + soft, y) * smoothstep(head + soft, head - soft, y)
    bars = smoothstep(0.022 - soft, 0.022 + soft, np.abs(x - middle)) * smoothstep(
        0.016 - soft, 0.016 + soft, np.abs(y - 1.62)
    )
    return np.where(p[:, 2] < WALL - 0.02, along * up * bars, 0.0)


RUG = (0.02, 1.92, 1.42, 1.10)
"""Middle x and z, width and depth."""


def floor(p: Array) -> tuple[Array, Array]:
    """Colours (N, 3) of boards and rug, and how much they mirror (N,)."""
    wood = _boards(p[:, 0], p[:, 2])
    cx, cz, w, d = RUG
    a, b = np.abs(p[:, 0] - cx) - w / 2, np.abs(p[:, 2] - cz) - d / 2
    inset = np.maximum(a, b)
    on = smoothstep(0.004, -0.004, inset)
    fringe = (np.abs(p[:, 0] - cx) < w / 2 + 0.05) & (a > 0) & (b < 0) & (np.sin(p[:, 2] * 260) > -0.1)
    shade = 1 - 0.5 * smoothstep(0.05, 0.0, inset) * (1 - on)
    wood = wood * shade[:, None]
    wood = np.where(fringe[:, None], np.array([0.86, 0.80, 0.68]), wood)
    colour = mix(wood, _rug(p[:, 0] - cx, p[:, 2] - cz, inset), on)
    return colour, (1 - on) * (1 - fringe)


def _boards(x: Array, z: Array) -> Array:
    """Oak boards that run away from the camera, their ends staggered."""
    wide, long = 0.125, 1.1
    row = np.floor(x / wide)
    noise = Noise(131, 2)
    shift = noise(np.stack((row * 7.3, 0 * row), -1)) * 5.0
    piece = np.floor(z / long + shift)
    tone = noise(np.stack((row * 3.7, piece * 5.9), -1))
    place = np.stack((x + 3.1 * piece, z * 0.16 + row * 1.7), -1)
    fibre = noise.fractal(place, 55.0, 4)
    rings = np.abs(noise.fractal(place, 9.0, 3) * 9 % 1 - 0.5) * 2
    colour = mix(np.array([0.55, 0.38, 0.23]), np.array([0.76, 0.57, 0.37]), 0.25 + 0.55 * tone)
    colour = colour * (0.80 + 0.28 * fibre + 0.10 * rings)[:, None]
    gap = np.minimum((x / wide % 1) * wide, (1 - x / wide % 1) * wide)
    end = (z / long + shift) % 1 * long
    joint = np.maximum(smoothstep(0.0035, 0.001, gap), smoothstep(0.005, 0.001, end))
    return colour * (1 - 0.55 * joint)[:, None]


def _rug(x: Array, z: Array, inset: Array) -> Array:
    """Wool with borders and a field of small diamonds."""
    noise = Noise(132, 2)
    place = np.stack((x, z), -1)
    cream, rose, navy, gold = (
        np.array(c) for c in ((0.85, 0.80, 0.70), (0.66, 0.36, 0.29), (0.24, 0.29, 0.38), (0.78, 0.63, 0.40))
    )
    side = 0.163
    cell = np.abs(x / side % 1 - 0.5) + np.abs(z / side % 1 - 0.5)
    other = np.abs((x / side + 0.5) % 1 - 0.5) + np.abs((z / side + 0.5) % 1 - 0.5)
    field = np.tile(cream, (len(x), 1))
    field = np.where((np.abs(cell - 0.5) < 0.07)[:, None], rose, field)
    field = np.where((cell < 0.20)[:, None], navy, field)
    field = np.where((other < 0.16)[:, None], gold, field)
    edge = -inset
    teeth = np.abs((x + z) / 0.05 % 1 - 0.5) + np.abs((x - z) / 0.05 % 1 - 0.5) < 0.45
    colour = np.where((edge < 0.150)[:, None], rose, field)
    colour = np.where((edge < 0.135)[:, None], navy, colour)
    colour = np.where(((edge < 0.12) & (edge > 0.055) & teeth)[:, None], gold, colour)
    colour = np.where((edge < 0.045)[:, None], rose, colour)
    wool = noise.fractal(place, 90.0, 2) + 0.5 * noise.fractal(place, 6.0, 3)
    threads = 0.5 + 0.5 * np.sin(z * 520)
    return colour * (0.72 + 0.30 * wool + 0.05 * threads)[:, None]


def waviness(p: Array) -> Array:
    """How boards tilt a little against each other: (N,) in [-1, 1]."""
    row = np.floor(p[:, 0] / 0.125)
    return 2 * Noise(133, 2)(np.stack((row * 3.1, p[:, 2] * 0.8), -1)) - 1
