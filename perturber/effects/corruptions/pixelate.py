"""Pixelate: the picture is made small and large again."""

import torch
from torch import Tensor

from perturber.effects.corruptions.severity import constants, position

FACTORS = (1, 0.6, 0.5, 0.4, 0.3, 0.25)


def pixelate(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Replace pixels by the mean of the cell that their centre lies in; cells divide each axis evenly.

    An axis of n pixels has ⌊0.6 n⌋, ⌊0.5 n⌋, ⌊0.4 n⌋, ⌊0.3 n⌋, ⌊0.25 n⌋ cells, which is Pillow's BOX resampling down
    and up again; between the severities this number is interpolated and the last cell is narrower. There a pixel near
    the border of two cells belongs to both in parts, so that the result is continuous and differentiable. Away from
    the cells' borders the derivative towards the severity is 0. Monotone from one whole severity to the next, not in
    every small step: where the cells' borders fall matters as well. Draws no random numbers.
    """
    severity = severity.to(images)
    rows, columns = (_means(severity, size) for size in images.shape[2:])
    return (rows[:, None] @ images @ columns[:, None].mT).clamp(0, 1)


def _means(severity: Tensor, size: int) -> Tensor:
    (cells,) = constants(severity, [max(int(size * factor + 1e-9), 1) for factor in FACTORS])
    _, way = position(severity)
    softness = (2 * way * (1 - way)).clamp(min=1e-2)[:, None]
    density = (cells / size)[:, None]
    place = (torch.arange(size, dtype=severity.dtype, device=severity.device) + 0.5) * density
    cell = place.detach().floor()
    above = (0.5 - (place - cell) / density / softness).clamp(min=0)
    below = (0.5 - (cell + 1 - place) / density / softness).clamp(min=0)
    index = torch.arange(size, device=severity.device) - cell.long()[..., None]
    parts = (above, 1 - above - below, below)
    member = torch.stack([part[..., None] * (index == i) for i, part in zip((-1, 0, 1), parts, strict=True)]).sum(0)
    return member / member.sum(1, keepdim=True).clamp(min=1e-12) @ member.mT
