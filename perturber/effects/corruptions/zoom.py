"""Zoom blur: the camera moves towards the scene while the shutter is open."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from perturber.effects.corruptions.severity import constants, per_picture

FACTORS = (
    (1.0,),
    tuple(np.arange(1, 1.11, 0.01).round(2).tolist()),
    tuple(np.arange(1, 1.16, 0.01).round(2).tolist()),
    tuple(np.arange(1, 1.21, 0.02).round(2).tolist()),
    tuple(np.arange(1, 1.26, 0.02).round(2).tolist()),
    tuple(np.arange(1, 1.31, 0.03).round(2).tolist()),
)
"""For each severity the magnifications whose mean is taken, with the published steps."""


def zoom_blur(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """The mean of the picture and of its magnifications by up to 1.11, 1.15, 1.20, 1.25 and 1.30 (`FACTORS`).

    Between two severities the weights of the magnifications are interpolated. Differentiable. Draws no random numbers.
    """
    factors = sorted(set().union(*FACTORS))
    table = [[(level.count(f) + (f == 1)) / (len(level) + 1) for level in FACTORS] for f in factors]
    weights = torch.stack(constants(severity.to(images), *table), 1)
    # A weight of 0 may still have a derivative.
    used = [True] * len(factors) if weights.requires_grad else (weights > 0).any(0).tolist()
    result = per_picture(weights[:, 0]) * images
    for i in range(1, len(factors)):
        if used[i]:
            result = torch.addcmul(result, per_picture(weights[:, i]), magnify(images, factors[i]))
    return result.clamp(0, 1)


def magnify(images: Tensor, factor: float) -> Tensor:
    """Magnify the middle of pictures (B, C, H, W), with linear interpolation, keeping their size.

    As published: the smallest crop of whole pixels is stretched from its first to its last pixel's centre, and the
    middle of the result is kept.
    """
    for dim in (2, 3):
        first, second, share = (part.to(images.device) for part in _places(images.shape[dim], factor))
        share = share.to(images.dtype).view((-1, 1) if dim == 2 else (-1,))
        images = torch.lerp(images.index_select(dim, first), images.index_select(dim, second), share)
    return images


@lru_cache(maxsize=256)
def _places(size: int, factor: float) -> tuple[Tensor, Tensor, Tensor]:
    crop = int(np.ceil(size / factor))
    stretched = round(crop * factor)
    place = np.arange(size) + (stretched - size) // 2
    place = np.clip(place * (crop - 1) / max(stretched - 1, 1), 0, crop - 1)
    first = np.floor(place).astype(np.int64)
    second = np.minimum(first + 1, crop - 1)
    start = (size - crop) // 2
    with torch.inference_mode(False):
        return torch.from_numpy(first + start), torch.from_numpy(second + start), torch.from_numpy(place - first)
