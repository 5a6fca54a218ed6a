"""Colour effects on pictures (B, 3, H, W) in [0, 1]; each takes one value per picture, (B,)."""

import torch
from torch import Tensor

from perturber.effects.registry import effect

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G, B in a grey value (ITU-R BT.601), as in torchvision and Pillow."""


def luma(images: Tensor) -> Tensor:
    """Grey values (B, 1, H, W) of pictures (B, 3, H, W), each the same in whatever batch, which a product is not."""
    return (images * images.new_tensor(LUMA)[:, None, None]).sum(1, keepdim=True)


@effect("alpha")
def alpha(images: Tensor, amount: Tensor) -> Tensor:
    """Fade towards black: ``amount · image``."""
    return images * amount.view(-1, 1, 1, 1)


@effect("saturation")
def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance from grey: ``grey + factor · (image − grey)``, limited to [0, 1]; grey is BT.601 luma."""
    return torch.lerp(luma(images), images, factor.view(-1, 1, 1, 1)).clamp(0, 1)


@effect("contrast")
def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance from mid-grey: ``0.5 + factor · (image − 0.5)``, limited to [0, 1]."""
    return (0.5 + factor.view(-1, 1, 1, 1) * (images - 0.5)).clamp(0, 1)


@effect("brightness")
def brightness(images: Tensor, amount: Tensor) -> Tensor:
    """Add to every value: ``image + amount``, limited to [0, 1]."""
    return (images + amount.view(-1, 1, 1, 1)).clamp(0, 1)


@effect("hue")
def hue(images: Tensor, turns: Tensor) -> Tensor:
    """Rotate the hue in HSV space by `turns` of the colour circle; value and saturation stay (Smith 1978).

    Periodic in `turns` with period 1, and therefore not monotone. What is added to all three channels passes
    through unchanged, so that bands with negative values have hues as well.
    """
    red, green, blue = images.unbind(1)
    value = torch.maximum(torch.maximum(red, green), blue)
    chroma = value - torch.minimum(torch.minimum(red, green), blue)
    distance, dominant = green - blue, torch.zeros_like(value)
    for second, (first, last) in ((2, (blue, red)), (4, (red, green))):
        other = torch.maximum(red, green) < blue if second == 4 else green > red
        distance, dominant = torch.where(other, first - last, distance), dominant.masked_fill(other, second)
    sixths = distance / torch.where(chroma > 0, chroma, 1) + dominant + 6 * turns.view(-1, 1, 1)
    # Each channel follows the same trapezoid of hue, shifted by a third of a turn; its plateau has a width of 2.
    channels = []
    for shift in (5, 3, 1):
        place = sixths + shift
        place = place - 6 * (place / 6).detach().floor()
        channels.append(value - chroma * (2 - (place - 2).abs()).clamp(0, 1))
    return torch.stack(channels, 1)
