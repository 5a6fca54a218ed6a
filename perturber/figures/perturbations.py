"""A perturbation as pictures."""

import numpy as np


def amplified(perturbation: np.ndarray) -> np.ndarray:
    """A perturbation (H, W, 3) about grey, so strong that its largest value is black or white: (H, W, 3) uint8."""
    largest = float(np.abs(perturbation).max()) or 1.0
    return (127.5 + 127.5 * perturbation / largest).round().astype(np.uint8)


def signs(perturbation: np.ndarray) -> np.ndarray:
    """The sign of each colour of each pixel: 0 where it falls, grey where it stays, 255 where it rises."""
    return (127.5 + 127.5 * np.sign(perturbation)).round().astype(np.uint8)
