"""Pictures at places between their pixels."""

import torch
from torch import Tensor


def bilinear(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Sample with bilinear interpolation; outside of the picture it is mirrored in its outer pixels' centres.

    At whole places a pixel is returned bit for bit.

    Args:
        images: (B, C, H, W).
        rows: (B, h, w) or broadcastable to it, in pixels; 0 is the first row's centre.
        columns: the same for the columns.

    Returns:
        (B, C, h, w), differentiable with respect to pictures and places.
    """
    batch, channels, height, width = images.shape
    top, down = _fold(rows, height)
    left, right = _fold(columns, width)
    flat = images.reshape(batch, channels, -1)

    def at(row: Tensor, column: Tensor) -> Tensor:
        index = (row * width + column)[:, None]
        return flat.gather(2, index.flatten(2).expand(-1, channels, -1)).view(batch, channels, *index.shape[2:])

    below, beside = (top + 1).clamp(max=height - 1), (left + 1).clamp(max=width - 1)
    first = torch.lerp(at(top, left), at(top, beside), right[:, None])
    second = torch.lerp(at(below, left), at(below, beside), right[:, None])
    return torch.lerp(first, second, down[:, None])


def _fold(places: Tensor, size: int) -> tuple[Tensor, Tensor]:
    period = max(2 * (size - 1), 1)
    places = places.remainder(period)
    places = torch.where(places > size - 1, period - places, places)
    whole = places.detach().floor().clamp(0, size - 1)
    return whole.long(), places - whole
