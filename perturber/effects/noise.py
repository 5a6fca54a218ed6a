"""Seeded Gaussian noise."""

from torch import Tensor

from perturber.effects import random
from perturber.effects.registry import effect


@effect("noise", "noise_seed", idle=("noise_seed",))
def gaussian_noise(images: Tensor, deviation: Tensor, seeds: Tensor) -> Tensor:
    """Add normal noise, ``image + deviation · n`` with n ~ N(0, 1), limited to [0, 1].

    Args:
        images: (B, 3, H, W) in [0, 1].
        deviation: (B,) standard deviation in the [0, 1] pixel scale.
        seeds: (B,) whole numbers; the same seed adds the same pattern at every deviation.
    """
    pattern = random.normal(seeds, *images.shape[1:], dtype=images.dtype)
    return (images + deviation.view(-1, 1, 1, 1) * pattern).clamp(0, 1)
