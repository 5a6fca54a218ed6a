"""Fish of the reef, and a school far off."""

import numpy as np

from perturber.objects.generators.march import Solid, Triple, capsule, ellipsoid, join
from perturber.objects.generators.noise import mix, smoothstep

Array = np.ndarray

FISH: tuple[tuple[Triple, float, float, str], ...] = (  # centre, length, heading (0: to the right), kind
    ((-0.82, 1.06, 2.55), 0.25, 0.25, "tang"), ((-0.62, 1.30, 3.1), 0.23, 0.1, "tang"),
    ((-1.14, 1.36, 3.2), 0.23, 0.3, "tang"), ((0.86, 0.92, 2.35), 0.20, 3.4, "clown"),
    ((0.80, 0.66, 2.60), 0.16, 2.9, "clown"), ((1.02, 1.46, 3.3), 0.34, 2.9, "angel"),
    ((0.1, 1.9, 4.6), 0.30, 0.2, "angel"),
)  # fmt: skip

SCHOOL = 12


def fish() -> list[Solid]:
    """All of them."""
    far = []
    for k in range(SCHOOL):
        across, up = np.sqrt(k) * np.cos(2.4 * k), np.sqrt(k) * np.sin(2.4 * k)
        place = (0.6 + 0.42 * across, 1.75 + 0.14 * up, 6.5 + 0.2 * (k % 3))
        far.append((place, 0.24, 3.2, "silver"))
    return [_fish(np.array(centre), length, heading, kind) for centre, length, heading, kind in (*FISH, *far)]


SHAPES = {"tang": (0.50, 0.13), "clown": (0.42, 0.17), "angel": (0.62, 0.11), "silver": (0.30, 0.14)}
"""Height and thickness of a body, in lengths."""


def _fish(centre: Array, length: float, heading: float, kind: str) -> Solid:
    tall, thick = SHAPES[kind]
    ahead = np.array([np.cos(heading), 0, np.sin(heading)])
    axes = np.stack((ahead, np.array([0.0, 1.0, 0.0]), np.cross(ahead, (0, 1, 0))), 1) / length

    def distance(p: Array) -> Array:
        q = (p - centre) @ axes
        trunk = ellipsoid(q, (0.06, 0, 0), (0.42, tall / 2, thick / 2 + 0.01))
        stalk = capsule(q, np.array([-0.28, 0, 0]), np.array([-0.42, 0, 0]), 0.07, 0.045)
        fork = np.abs(q[:, 1]) - 0.06 - 0.9 * np.clip(-0.40 - q[:, 0], 0, 1)
        notch = np.abs(q[:, 0] + 0.50 + 0.25 * np.abs(q[:, 1])) - 0.09
        tail = np.maximum(np.maximum(fork, notch), np.abs(q[:, 2]) - 0.012)
        fins = [ellipsoid(q, (x, y * tall, 0), (0.20, 0.24 * tall, 0.014)) for x, y in ((-0.04, 0.46), (-0.10, -0.44))]
        wing = ellipsoid(q - np.array([0.06, -0.06, 0]), (0, 0, 0), (0.10, 0.045, 0.55 * thick + 0.03))
        return 0.6 * length * np.minimum.reduce([join([trunk, stalk], 0.03), tail, wing, *fins])

    return Solid(distance, lambda p, n: _scales((p - centre) @ axes, kind), tuple(centre), 0.66 * length)


def _scales(q: Array, kind: str) -> Array:
    """Colours (N, 3) at places of a fish of length 1 whose nose points along +x."""
    x, y = q[:, 0], q[:, 1]
    if kind == "clown":
        colour = np.tile([0.97, 0.45, 0.10], (len(q), 1))
        for at, half in ((0.24, 0.055), (-0.04, 0.060), (-0.34, 0.045)):
            band = np.abs(x - at + 0.15 * y**2)
            colour = np.where((band < half + 0.022)[:, None], [0.06, 0.05, 0.06], colour)
            colour = np.where((band < half)[:, None], [0.97, 0.97, 0.95], colour)
    elif kind == "angel":
        colour = mix(np.array([0.16, 0.34, 0.78]), np.array([0.10, 0.20, 0.52]), smoothstep(0.1, 0.3, np.abs(y)))
        lines = np.abs((y * 9 + 1.5 * x) % 1 - 0.5) < 0.16
        colour = np.where((lines & (x < 0.30))[:, None], [0.98, 0.84, 0.28], colour)
        colour = np.where((x < -0.36)[:, None], [0.98, 0.80, 0.22], colour)
    elif kind == "tang":
        colour = np.tile([0.99, 0.84, 0.14], (len(q), 1)) * (0.9 + 0.2 * smoothstep(-0.2, 0.2, y))[:, None]
    else:
        colour = mix(np.array([0.86, 0.90, 0.92]), np.array([0.36, 0.48, 0.56]), smoothstep(0.0, 0.10, y))
    eye = np.hypot(x - 0.33, y - 0.045)
    colour = np.where((eye < 0.045)[:, None], [0.95, 0.95, 0.92], colour)
    return np.where((eye < 0.030)[:, None], [0.03, 0.03, 0.04], colour)
