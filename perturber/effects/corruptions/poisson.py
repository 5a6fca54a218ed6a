"""Poisson numbers from uniform ones, for a tensor of means at once."""

import torch
from torch import Tensor

EXACT_BELOW = 10.0
"""Means up to here are drawn by summing probabilities; larger ones by Giles' expansion."""
_TERMS = 36
"""P(count > 36) is below 1e-10 at a mean of 10."""


@torch.no_grad()
def quantile(mean: Tensor, uniform: Tensor) -> Tensor:
    """The number of events at which a Poisson distribution's cumulative probability reaches `uniform`.

    Below a mean of `EXACT_BELOW` by summing probabilities. Above by the expansion of Giles (2016, "Algorithm 955:
    approximation of the inverse Poisson cumulative distribution function", eq. Q̃_N3), off by one event for fewer than
    one number in a thousand.

    Args:
        mean: of any shape, at least 0.
        uniform: of the same shape, in (0, 1).

    Returns:
        Whole numbers of the same shape and floating type.
    """
    small = mean.clamp(max=EXACT_BELOW)
    probability = torch.exp(-small)
    cumulative = probability.clone()
    count = (uniform > cumulative).to(mean.dtype)
    for k in range(1, _TERMS + 1):
        cumulative.add_(probability.mul_(small).div_(k))
        count.add_(uniform > cumulative)
    return torch.where(mean < EXACT_BELOW, count, _expansion(mean.clamp(min=EXACT_BELOW), uniform))


def _expansion(mean: Tensor, uniform: Tensor) -> Tensor:
    w = torch.special.ndtri(uniform)
    square = w * w
    root = mean.sqrt()
    value = mean + root * w + (2 + square) / 6
    value += w * (-2 - square) / (72 * root)
    value += (-8 / 405 + square * (7 / 810) + square * square / 270) / mean
    return value.floor().clamp_(min=0)
