"""Visibility: which triangle covers each sample of a batch of pictures.

A scanline rasteriser in plain torch operations. Triangles become rows, rows become runs of samples, and one
scatter keeps the nearest triangle of each sample. Only covered samples are ever enumerated, and an edge that
two triangles share is computed the same way for both, so that a closed surface has neither cracks nor samples
that are drawn twice.
"""

import torch
from torch import Tensor


@torch.no_grad()
def rasterize(
    x: Tensor,
    y: Tensor,
    depth: Tensor,
    offset: Tensor,
    *,
    samples: int,
    size: int,
    behind: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Find the nearest triangle of each covered sample, or the nearest one behind what was found before.

    Which triangle is seen where does not change by degrees: no gradient passes.

    Args:
        x, y: (3, T) corners of each triangle, in samples: sample centres lie at whole numbers, x to the right, y
            downwards. Both orientations are drawn; what lies outside the picture is cut off.
        depth: (3, T) coefficients of each triangle's inverse distance ``a·x + b·y + c``, positive where it is seen.
        offset: (T,) int64, address of the first sample of each triangle's picture.
        samples: number of samples in all pictures together.
        size: side of a picture, in samples.
        behind: (samples,) int64, the keys of an earlier call: only what lies behind them is seen (depth peeling,
            Everitt 2001). −1 hides everything.

    Returns:
        Addresses of the covered samples in rising order, (N,) int64, the triangle that is seen there, (N,) int64,
        and the key of each sample, (samples,) int64.
    """
    first = y.amin(0).ceil_().clamp_(0, size)
    rows = (y.amax(0).ceil_().clamp_(0, size) - first).long()
    triangle = torch.repeat_interleave(rows)
    row = _count_up(rows, triangle).to(x.dtype) + first.index_select(0, triangle)

    left, right = _row_bounds(x, y, triangle, row)
    start = left.ceil_().clamp_(0, size)
    length = (right.ceil_().clamp_(0, size) - start).clamp_min_(0).long()

    a, b, c = depth.index_select(1, triangle)
    at_start = torch.addcmul(torch.addcmul(c, b, row), a, start)
    address = offset.index_select(0, triangle) + torch.add(start, row, alpha=size).long()

    run = torch.repeat_interleave(length)
    step = _count_up(length, run)
    nearness = torch.addcmul(at_start.index_select(0, run), a.index_select(0, run), step.to(x.dtype)).clamp_min_(0)
    # The bits of a float that is not negative sort like the float: one maximum finds the depth and who has it.
    key = nearness.float().view(torch.int32).long().bitwise_left_shift_(32) + triangle.index_select(0, run)
    place = address.index_select(0, run) + step
    if behind is not None:
        key.masked_fill_(key >= behind.index_select(0, place), -1)
    best = torch.full((samples,), -1, dtype=torch.int64, device=x.device)
    best.scatter_reduce_(0, place, key, "amax")
    covered = (best >= 0).nonzero().squeeze(1)
    return covered, best.index_select(0, covered) & 0xFFFFFFFF, best


def _count_up(counts: Tensor, owner: Tensor) -> Tensor:
    """0, 1, …, n−1 for each n in `counts`, one after the other; `owner` is ``repeat_interleave(counts)``."""
    begin = counts.cumsum(0) - counts
    return torch.arange(len(owner), device=counts.device) - begin.index_select(0, owner)


def _row_bounds(x: Tensor, y: Tensor, triangle: Tensor, row: Tensor) -> tuple[Tensor, Tensor]:
    """Where each row enters and leaves its triangle: the half-open interval [left, right) of x.

    An edge is always walked from its upper end, whichever triangle asks, so that neighbours agree to the last bit.
    """
    (y0, y1, y2), order = y.sort(0)
    x0, x1, x2 = x.gather(0, order)
    slopes = (x2 - x0) / (y2 - y0), (x1 - x0) / (y1 - y0), (x2 - x1) / (y2 - y1)
    edges = torch.stack((x0, y0, x1, y1, *slopes))
    x0, y0, x1, y1, long, upper, lower = edges.index_select(1, triangle)
    from_top, from_middle = row - y0, row - y1
    along_long = torch.addcmul(x0, long, from_top)
    along_short = torch.where(
        from_middle < 0, torch.addcmul(x0, upper, from_top), torch.addcmul(x1, lower, from_middle)
    )
    return torch.minimum(along_long, along_short), torch.maximum(along_long, along_short)
