"""Fourier sensitivity: to which single spatial frequencies a network's accuracy is sensitive (Yin et al. 2019)."""

from dataclasses import dataclass, field
from math import pi

import numpy as np
import torch
from torch import Tensor

from perturber.errors import InvalidInputError

MOST = 32
"""Cycles a picture, up to which frequencies can be asked for."""


def frequencies(most: int) -> list[tuple[int, int]]:
    """Frequencies (vertical, horizontal) in cycles a picture, one of each pair ±: those with |f| ≤ `most` on both axes.

    Raises:
        InvalidInputError: none, or too many.
    """
    if isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MOST:
        raise InvalidInputError(f"Frequencies cannot go up to {str(most)[:40]} cycles a picture. Allowed: 1 to {MOST}.")
    line = range(-most, most + 1)
    return [(v, h) for v in line for h in line if (v, h) >= (0, 0)]


def basis(side: int, vertical: int, horizontal: int) -> Tensor:
    """The real Fourier basis picture of a frequency, of norm 1: (side, side); frequency (0, 0) is a constant."""
    line = torch.arange(side, dtype=torch.float64) / side
    phase = 2 * pi * (vertical * line[:, None] + horizontal * line)
    wave = phase.cos() + phase.sin()  # neither of them vanishes at the Nyquist frequency
    return (wave / wave.norm()).float()


def perturbed(images: Tensor, frequency: tuple[int, int], norm: float, seed: int) -> Tensor:
    """Pictures with a basis picture added to each channel, its sign drawn by chance, clipped to [0, 1].

    Args:
        images: (B, 3, S, S) in [0, 1].
        norm: L2 norm of what is added to each channel.
        seed: of the signs, which depend on the frequency, too.
    """
    vertical, horizontal = frequency
    random = np.random.default_rng([seed, vertical + MOST, horizontal + MOST])
    signs = torch.tensor(random.choice([-1.0, 1.0], (len(images), 3)), dtype=images.dtype, device=images.device)
    wave = basis(images.shape[-1], vertical, horizontal).to(images)
    return (images + norm * signs[:, :, None, None] * wave).clamp(0, 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class FourierSensitivity:
    """The error of networks on pictures with one frequency added.

    Attributes:
        norm: L2 norm of what is added to each channel, in the [0, 1] pixel scale.
        most: frequencies go up to so many cycles a picture.
        errors: of each network, (2 most + 1, 2 most + 1) from 0 to 1, vertical frequency rising downwards, frequency 0
            in the middle; NaN where it is not known yet. Right is what the network makes of the picture itself.
        count: pictures.
    """

    models: tuple[str, ...]
    norm: float
    most: int
    errors: tuple[np.ndarray, ...] = field(repr=False)
    count: int
