"""Random crops, flips and colours that depend on nothing but the generator that is handed in.

torchvision's own classes draw from torch's one generator, which threads would take turns at; here its functions do the
work and the numbers are drawn beforehand.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode, functional

from perturber.zoo.pictures import Crop

SMALLEST = 0.35
"""Of a crop, as a share of the picture's area."""

ASPECT = math.log(4 / 3)
"""Largest logarithm of a crop's width over height."""

COLOUR = 0.2
"""Largest relative change of brightness, contrast and saturation."""

Augmentation = Callable[[Image.Image], Tensor]


def augmentation(random: np.random.Generator, size: int, strength: float) -> Augmentation:
    """A function that does the same to every version of one picture.

    Args:
        random: where its numbers are drawn from, now.
        size: side of the result, in pixels.
        strength: 0 leaves the centre, 1 is as strong as this gets.

    Returns:
        From a picture of any size to (3, size, size) float32 in [0, 1].
    """
    area, aspect, left, top, flip = random.random(5)
    factors = 1 + strength * COLOUR * (2 * random.random(3) - 1)
    if strength == 0:
        return lambda picture: _tensor(Crop(size=size)(picture))

    def apply(picture: Image.Image) -> Tensor:
        # As in Szegedy et al. 2015, for the share that this picture has room for.
        share = 1 - strength * (1 - SMALLEST) * area
        ratio = math.exp(strength * ASPECT * (2 * aspect - 1))
        surface = share * picture.width * picture.height
        width = min(picture.width, max(1, round(math.sqrt(surface * ratio))))
        height = min(picture.height, max(1, round(math.sqrt(surface / ratio))))
        x, y = int(left * (picture.width - width + 1)), int(top * (picture.height - height + 1))
        box = functional.resized_crop(picture, y, x, height, width, [size, size], InterpolationMode.BILINEAR)
        if flip < strength / 2:
            box = functional.horizontal_flip(box)
        result = _tensor(np.asarray(box))
        for change, factor in zip(CHANGES, factors, strict=True):
            result = change(result, float(factor))
        return result

    return apply


CHANGES = (functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation)


def _tensor(picture: np.ndarray) -> Tensor:
    return torch.tensor(picture).permute(2, 0, 1).float().div_(255)
