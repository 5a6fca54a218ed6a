"""JPEG: what its compression loses."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from perturber.effects.corruptions import filters
from perturber.effects.corruptions.severity import constants, per_picture

QUALITY = (25, 18, 15, 10, 7)
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Table K.1 of ITU-T T.81: quantisation steps of brightness at quality 50."""
CHROMINANCE = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
) + ((99,) * 8,) * 4
"""Table K.2: the same for both colour differences."""

_TO_YCC = ((0.299, 0.587, 0.114), (-0.168735892, -0.331264108, 0.5), (0.5, -0.418687589, -0.081312411))
_COSINES = [[math.cos((2 * n + 1) * k * math.pi / 16) / (2 if k else math.sqrt(8)) for n in range(8)] for k in range(8)]


def jpeg_compression(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Compress and decompress with quality 25, 18, 15, 10, 7 (ITU-T T.81, libjpeg's tables, colours at half size).

    Between the severities the quantisation steps are interpolated; at 0 they are 0, and the loss of the colours' size
    fades in up to severity 1. Nothing else is rounded, while a real codec rounds to 8 bits in between.

    Rounding to a step has a derivative of 0 or none; the gradient passes it straight through, as if it were not there.
    Draws no random numbers.
    """
    severity = severity.to(images)
    steps = torch.stack(constants(severity, *_steps_by_place()), 1).view(-1, 2, 8, 8)
    height, width = images.shape[2:]
    luma, chroma = _luma_and_chroma(_pad_to_blocks(images * 255))
    luma = quantised(luma - 128, steps[:, 0]) + 128
    small = functional.avg_pool2d(_pad_to_blocks(chroma, 16), 2)
    small = quantised(small, steps[:, 1])[..., : (height + 1) // 2, : (width + 1) // 2]
    large = functional.interpolate(small, scale_factor=2, mode="bilinear", align_corners=False)
    chroma = torch.lerp(chroma[..., :height, :width], large[..., :height, :width], per_picture(severity.clamp(max=1)))
    return (_rgb(luma[..., :height, :width], chroma) / 255).clamp(0, 1)


def _steps_by_place() -> list[tuple[float, ...]]:
    """For each of the 2 · 64 places in both tables its step at the severities 0 … 5, by libjpeg's rule of scaling."""
    base = [step for table in (LUMINANCE, CHROMINANCE) for row in table for step in row]
    scales = [5000 // quality for quality in QUALITY]
    return [(0, *(min(max((step * scale + 50) // 100, 1), 255) for scale in scales)) for step in base]


def _pad_to_blocks(images: Tensor, block: int = 16) -> Tensor:
    height, width = images.shape[2:]
    return filters.extend(images, bottom=-height % block, right=-width % block)


def _luma_and_chroma(images: Tensor) -> tuple[Tensor, Tensor]:
    red, green, blue = images.unbind(1)
    luma, *chroma = (r * red + g * green + b * blue for r, g, b in _TO_YCC)
    return luma[:, None], torch.stack(chroma, 1)


def _rgb(luma: Tensor, chroma: Tensor) -> Tensor:
    blueness, redness = chroma.unbind(1)
    shifts = (1.402 * redness, -0.344136286 * blueness - 0.714136286 * redness, 1.772 * blueness)
    return luma + torch.stack(shifts, 1)


def quantised(planes: Tensor, steps: Tensor) -> Tensor:
    """Round the cosine transform of 8 × 8 blocks to multiples of steps.

    Args:
        planes: (B, C, H, W), sides multiples of 8, values centred at 0 in a range of 256.
        steps: (B, 8, 8), at least 0, vertical frequency first.
    """
    batch, channels, height, width = planes.shape
    blocks = planes.view(batch, channels, height // 8, 8, width // 8, 8).permute(3, 5, 0, 1, 2, 4).contiguous()
    waves = _transform(_transform(blocks, inverse=False).transpose(0, 1), inverse=False).transpose(0, 1)
    # Steps of 0 would divide by it; a ten-thousandth of a grey level is as good.
    step = steps.clamp(min=1e-4).permute(1, 2, 0)[..., None, None, None]
    multiples = waves / step
    waves = (multiples + (multiples.round() - multiples).detach()) * step
    blocks = _transform(_transform(waves, inverse=True).transpose(0, 1), inverse=True).transpose(0, 1)
    return blocks.permute(2, 3, 4, 0, 5, 1).reshape(planes.shape)


def _transform(values: Tensor, *, inverse: bool) -> Tensor:
    """The orthonormal cosine transform of eight along the first axis, in a fixed order of additions.

    A matrix product may add in another order in a batch of another size, and rounding would make that visible.
    """
    rows = [[_COSINES[k][n] for k in range(8)] for n in range(8)] if inverse else _COSINES
    results = []
    for row in rows:
        total = values[0] * row[0]
        for i in range(1, 8):
            total = torch.add(total, values[i], alpha=row[i])
        results.append(total)
    return torch.stack(results)
