"""The measures of the race car, a closed GT car.

Metres; x to the driver's left, y up from the road, z forward. `SCALE` brings it to the truck's length, so that
both get the same share of the texture.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

from perturber.objects.generators.shapes import Block, Shell, Turned, hidden

Array = np.ndarray

SCALE = 1.6
FRONT, REAR = 2.32, -2.32
AXLE, WHEEL = 1.38, 0.345
FRONT_TRACK, REAR_TRACK = 0.965, 0.995

BELT, ROOF_EDGE, ROOF = 14, 18, 22
"""Columns of the half outline: foot of the side windows, their top, middle of the roof."""


def _curve(*points: tuple[float, float]) -> PchipInterpolator:
    z, value = np.array(sorted(points)).T
    return PchipInterpolator(z, value, extrapolate=True)


WIDTH = _curve(
    (2.32, 0.66), (2.22, 0.80), (2.0, 0.89), (1.72, 0.945), (1.38, 0.965), (1.0, 0.935), (0.6, 0.905), (0.0, 0.90),
    (-0.6, 0.925), (-1.0, 0.975), (-1.38, 0.995), (-1.8, 0.985), (-2.2, 0.94), (-2.32, 0.90),
)  # fmt: skip
SHOULDER = _curve(
    (2.32, 0.46), (2.22, 0.53), (2.0, 0.61), (1.7, 0.70), (1.38, 0.735), (0.9, 0.715), (0.4, 0.735), (-0.4, 0.77),
    (-1.0, 0.83), (-1.38, 0.86), (-1.9, 0.87), (-2.25, 0.85), (-2.32, 0.80),
)  # fmt: skip
DECK = _curve(
    (2.32, 0.48), (2.22, 0.55), (2.0, 0.61), (1.6, 0.67), (1.1, 0.745), (0.9, 0.785), (0.4, 0.80), (-0.4, 0.835),
    (-1.0, 0.89), (-1.6, 0.93), (-2.2, 0.93), (-2.32, 0.86),
)  # fmt: skip
TOP = _curve(
    (2.32, 0.49), (2.22, 0.57), (2.0, 0.64), (1.6, 0.71), (1.1, 0.795), (0.98, 0.82), (0.80, 0.92), (0.5, 1.075),
    (0.22, 1.17), (-0.1, 1.205), (-0.5, 1.195), (-0.9, 1.14), (-1.3, 1.055), (-1.7, 0.975),
    (-2.2, 0.945), (-2.32, 0.87),
)  # fmt: skip
BELT_WIDTH = _curve(
    (2.32, 0.40), (1.6, 0.62), (0.95, 0.76), (0.5, 0.80), (-0.4, 0.79), (-1.0, 0.72), (-1.6, 0.66), (-2.32, 0.62)
)
ROOF_WIDTH = _curve(
    (2.32, 0.26),
    (1.6, 0.48),
    (0.98, 0.66),
    (0.5, 0.63),
    (0.2, 0.595),
    (-0.5, 0.575),
    (-1.0, 0.54),
    (-1.6, 0.52),
    (-2.32, 0.50),
)
FLOOR = _curve((2.32, 0.14), (2.0, 0.10), (-1.6, 0.11), (-2.32, 0.26))


def shell(stations: int) -> Shell:
    """The body with its greenhouse."""
    t = np.linspace(0, 1, stations)
    t = t + 0.06 * np.sin(2 * np.pi * t) * -1  # closer at the ends
    return Shell(np.stack([_outline(z) for z in REAR + (FRONT - REAR) * t]) * SCALE)


def _outline(z: float) -> Array:
    w, ys, yf = WIDTH(z), SHOULDER(z), FLOOR(z)
    yd, yt, wb, wr = DECK(z), TOP(z), BELT_WIDTH(z), ROOF_WIDTH(z)
    rise = yt - yd
    controls = {
        0: (0, yf), 2: (0.84 * w, yf), 3: (0.94 * w, yf + 0.03), 6: (w, yf + 0.42 * (ys - yf)),
        9: (0.985 * w, yf + 0.82 * (ys - yf)), 11: (0.925 * w, ys), BELT: (wb, yd + 0.10 * rise),
        16: ((wb + wr) / 2 + 0.012, yd + 0.5 * rise), ROOF_EDGE: (wr, yd + 0.86 * rise), ROOF: (0, yt),
        20: (wr * 0.55, yd + 0.97 * rise),
    }  # fmt: skip
    index = sorted(controls)
    xy = PchipInterpolator(index, np.array([controls[k] for k in index], float))(np.arange(ROOF + 1))
    bow = 0.10 * (xy[:, 0] / w) ** 2 * np.clip((abs(z) - 1.9) / 0.42, 0, 1) * np.sign(z)  # corners swept back
    return np.concatenate((xy, (z - bow)[:, None]), 1)


def blocks() -> dict[str, Array]:
    """Corners of the boxes by name; what only the truck has waits in the cabin or the boot."""
    shapes = {
        "bumper": Block((0, 0.105, 2.16), (1.72, 0.030, 0.40), taper=(0.98, 0.98)),
        "light_bar": Block((0, 1.205, -0.12), (0.20, 0.05, 0.40), taper=(0.8, 0.6), pitch=-2),
        "rail_left": Block((0.935, 1.275, -2.09), (0.025, 0.34, 0.54)),
        "rail_right": Block((-0.935, 1.275, -2.09), (0.025, 0.34, 0.54)),
        "pylon_left": Block((0.40, 1.11, -2.07), (0.030, 0.42, 0.16), pitch=-12),
        "pylon_right": Block((-0.40, 1.11, -2.07), (0.030, 0.42, 0.16), pitch=-12),
        "step": Block((0, 0.20, -2.26), (1.56, 0.10, 0.26)),
        "mirror_left": Block((0.985, 0.90, 0.62), (0.20, 0.115, 0.10), taper=(0.9, 0.8)),
        "mirror_right": Block((-0.985, 0.90, 0.62), (0.20, 0.115, 0.10), taper=(0.9, 0.8)),
        "arm_left": Block((0.87, 0.865, 0.64), (0.14, 0.025, 0.05), roll=12),
        "arm_right": Block((-0.87, 0.865, 0.64), (0.14, 0.025, 0.05), roll=-12),
        "skirt_left": Block((0.90, 0.125, 0.0), (0.14, 0.05, 1.95)),
        "skirt_right": Block((-0.90, 0.125, 0.0), (0.14, 0.05, 1.95)),
    }
    result = {name: block.as_corners() * SCALE for name, block in shapes.items()}
    result |= {f"rung_{k:02d}": corners * SCALE for k, corners in enumerate(_wing(12))}
    for name, x, z in (("fly", 0.3, -1.3), ("box", 0.5, -0.6), ("beacon", 0.4, -1.5)):
        for side, sign in (("left", 1), ("right", -1)):
            result[f"{name}_{side}"] = hidden(sign * x * SCALE, 0.55 * SCALE, z * SCALE)
    return result


def _wing(slices: int) -> list[Array]:
    """The rear wing in slices from the trailing to the leading edge; each grows out of a rung of the ladder."""
    t = np.linspace(0, 1, slices + 1)
    z = -2.31 + 0.44 * t
    middle = 1.285 + 0.125 * (1 - t) ** 1.6 + 0.02 * t**3
    half = 0.022 * np.sqrt(np.clip(1.02 - t**6, 0, 1)) * (0.25 + 0.75 * np.minimum(1, 1.6 * t))
    result = []
    for k in range(slices):
        corners = [
            (0.925 * (1 if bit & 1 else -1), middle[j] + half[j] * (1 if bit & 2 else -1), z[j])
            for bit in range(8)
            for j in [k + (bit >> 2)]
        ]
        result.append(np.array(corners))
    return result


def _wheel(z: float, track: float, width: float) -> Turned:
    r, h = WHEEL * SCALE, width / 2 * SCALE
    profile = (
        (-h, 0.60 * r), (-h, 0.90 * r), (-0.85 * h, 0.98 * r), (-0.4 * h, r), (0.4 * h, r), (0.85 * h, 0.985 * r),
        (h, 0.92 * r), (h * 1.03, 0.76 * r), (h * 0.98, 0.73 * r), (h * 0.86, 0.66 * r), (h * 0.88, 0.30 * r),
        (h * 0.97, 0.16 * r), (h * 1.0, 0.07 * r),
    )  # fmt: skip
    return Turned(((track + 0.038) * SCALE - h, r, z * SCALE), profile)


def turned() -> dict[str, Turned]:
    """Bodies of revolution of the left side, by name."""

    def scaled(centre: tuple[float, float, float], profile: tuple, axis: tuple[float, float, float]) -> Turned:
        x, y, z = (v * SCALE for v in centre)
        return Turned((x, y, z), tuple((a * SCALE, r * SCALE) for a, r in profile), axis)

    return {
        "front_wheel": _wheel(AXLE, FRONT_TRACK, 0.29),
        "rear_wheel": _wheel(-AXLE, REAR_TRACK, 0.33),
        "pipe": scaled(
            (0.45, 0.36, -2.22), ((0, 0.045), (-0.10, 0.050), (-0.16, 0.055), (-0.17, 0.050), (-0.12, 0.02))[::-1],
            (0, 0, 1),
        ),
        "suction": scaled((0.45, 0.55, -1.4), tuple((0.02 * k, 0.02) for k in range(7)), (0, 0, 1)),
        "siren": scaled((0.30, 0.40, 1.5), tuple((0.02 * k, 0.02) for k in range(5)), (0, 0, 1)),
        "cap": scaled((0.40, 0.55, -0.9), tuple((0.01 * k, 0.02 - 0.002 * k) for k in range(5)), (1, 0, 0)),
        "turntable": scaled((0, 0.5, -1.2), ((0, 0.05), (0.02, 0.05), (0.04, 0.04), (0.05, 0.02)), (0, 1, 0)),
    }  # fmt: skip
