"""Noise that is drawn for each pixel and colour on its own."""

import torch
from torch import Tensor

from perturber.effects import random
from perturber.effects.corruptions import poisson
from perturber.effects.corruptions.severity import Stream, constants, per_picture


def gaussian_noise(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Add normal noise: ``clip(image + σ · n)`` with σ = 0.08, 0.12, 0.18, 0.26, 0.38."""
    (sigma,) = constants(severity.to(images), (0, 0.08, 0.12, 0.18, 0.26, 0.38))
    noise = random.normal(seeds, *images.shape[1:], stream=Stream.GAUSSIAN_NOISE, dtype=images.dtype)
    return torch.addcmul(images, noise, per_picture(sigma)).clamp(0, 1)


def shot_noise(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Count photons: ``clip(Poisson(λ · image) / λ)`` with λ = 60, 25, 12, 5, 3; below severity 1, λ = 60 / severity.

    Each pixel keeps its own uniform number, of which the count is the quantile, so that it changes little with the
    severity. Counts have no derivative: the gradient is that of ``image + noise · √(λ₀ / λ)`` with the drawn noise held
    fixed, which is 1 towards the picture; at severity 0, where the true one is infinite, it is 0 towards the severity.
    """
    severity = severity.to(images)
    (rate,) = constants(severity, (60, 60, 25, 12, 5, 3))
    rate = per_picture(rate / severity.clamp(1e-12, 1))
    uniform = random.uniform(seeds, *images.shape[1:], stream=Stream.SHOT_NOISE, dtype=images.dtype)
    with torch.no_grad():
        noise = poisson.quantile(images * rate, uniform) / rate - images
    return (images + noise * (rate.detach() / rate).sqrt()).clamp(0, 1)


def impulse_noise(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Replace a share of all values by black or white (salt and pepper): 3, 6, 9, 17, 27 % of them.

    What is replaced at one severity stays replaced at every higher one. The share counts values, so it has no
    derivative: the gradient towards the severity is 0, towards the picture 1 where it is left as it is.
    """
    (share,) = constants(severity.to(images), (0, 0.03, 0.06, 0.09, 0.17, 0.27))
    shape = images.shape[1:]
    replaced = random.uniform(seeds, *shape, stream=Stream.IMPULSE_PLACE, dtype=images.dtype) < per_picture(share)
    white = random.bits(seeds, *shape, stream=Stream.IMPULSE_COLOUR) > 0
    # Without the zero autograd would know no derivative towards the severity and fail where one is asked for.
    return torch.where(replaced, white + 0 * per_picture(share), images)
