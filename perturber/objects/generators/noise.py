"""Seeded noise in two and three dimensions."""

import numpy as np
from scipy import ndimage

Array = np.ndarray

_SIDE = 64


class Noise:
    """Smooth random numbers in [0, 1] that depend on the place alone.

    Args:
        seed: the same seed gives the same noise.
        dimensions: 2 or 3.
    """

    def __init__(self, seed: int, dimensions: int = 3) -> None:
        self._lattice = np.random.default_rng(seed).random((_SIDE,) * dimensions).astype(np.float32)

    def __call__(self, p: Array, frequency: float | Array = 1.0) -> Array:
        """Noise at the points p (..., dimensions), one lattice cell for each 1/frequency of length."""
        q = np.moveaxis(np.asarray(p, np.float32) * frequency, -1, 0)
        whole = np.floor(q)
        part = q - whole
        smooth = part * part * (3 - 2 * part)
        return ndimage.map_coordinates(self._lattice, whole + smooth, order=1, mode="grid-wrap")

    def fractal(self, p: Array, frequency: float | Array = 1.0, octaves: int = 4, gain: float = 0.5) -> Array:
        """Sum of octaves, still in [0, 1]."""
        total = np.zeros(np.shape(p)[:-1])
        weight, norm = 1.0, 0.0
        for octave in range(octaves):
            total = total + weight * self(np.asarray(p) + 17.3 * octave, np.asarray(frequency) * 2.0**octave)
            norm += weight
            weight *= gain
        return total / norm


def smoothstep(low: float | Array, high: float | Array, x: Array) -> Array:
    """0 below low, 1 above high (or the reverse where low > high), smooth between."""
    t = np.clip((np.asarray(x) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a: Array, b: Array, t: Array) -> Array:
    """Colours (..., 3) blended by t (...)."""
    return a + (np.asarray(b, float) - a) * np.asarray(t)[..., None]
