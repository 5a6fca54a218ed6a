"""Mip-mapped textures: colours at any place and any level of detail, between the levels too."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


class MipTexture:
    """A square texture whose side is a power of two, with all its mip levels; it repeats outside [0, 1].

    Args:
        texels: (C, T, T) float32, first row at the top (v = 1).

    Attributes:
        size: T.
        levels: number of the last level, whose one texel is the texture's mean colour.
        table: (texels of all levels, C), finest level first.
    """

    def __init__(self, texels: Tensor) -> None:
        self.size = texels.shape[-1]
        if self.size & (self.size - 1) or texels.shape[-2] != self.size:
            raise ValueError(f"a texture's sides must be one power of two, not {tuple(texels.shape[-2:])}")
        self.levels = self.size.bit_length() - 1
        chain = [texels]
        for _ in range(self.levels):
            chain.append(F.avg_pool2d(chain[-1][None], 2)[0])
        self.table = torch.cat([level.flatten(1).T for level in chain]).contiguous()
        sizes = [self.size >> level for level in range(self.levels + 1)]
        starts = [sum(s * s for s in sizes[:level]) for level in range(self.levels + 1)]
        self._sizes = torch.tensor(sizes, dtype=torch.int32, device=texels.device)
        self._starts = torch.tensor(starts, dtype=torch.int32, device=texels.device)

    def locate(self, u: Tensor, v: Tensor, level: Tensor) -> "Places":
        """The texels of a trilinear lookup; they serve every texture of the same size.

        Args:
            u, v: (N,) texture coordinates, v upwards.
            level: (N,) mip level, limited to 0…`levels`.
        """
        level = level.clamp(0, self.levels)
        fine = level.detach().floor()
        blend = level - fine
        lower = fine.to(torch.int32)
        index = torch.empty(len(u), 8, dtype=torch.int32, device=u.device)
        weight = torch.empty(len(u), 8, dtype=u.dtype, device=u.device)
        self._corners(u, v, lower, 1 - blend, index[:, :4], weight[:, :4])
        self._corners(u, v, (lower + 1).clamp_max_(self.levels), blend, index[:, 4:], weight[:, 4:])
        return Places(index, weight)

    def fetch(self, places: "Places") -> Tensor:
        """Colours (N, C); differentiable in the coordinates and the level that the places were made from."""
        return F.embedding_bag(places.index, self.table, mode="sum", per_sample_weights=places.weight)

    def _corners(self, u: Tensor, v: Tensor, level: Tensor, share: Tensor, index: Tensor, weight: Tensor) -> None:
        """Fill in the table rows of the four texels around each place on one level, and their weights times `share`."""
        size, start = self._sizes.index_select(0, level), self._starts.index_select(0, level)
        mask, scale = size - 1, size.to(u.dtype)
        x, y = u * scale - 0.5, (1 - v) * scale - 0.5
        left, top = x.detach().floor(), y.detach().floor()
        fx, fy = x - left, y - top
        column, row = left.to(torch.int32), top.to(torch.int32)
        x0, x1 = column & mask, (column + 1) & mask
        y0, y1 = start + (row & mask) * size, start + ((row + 1) & mask) * size
        lower = fy * share
        upper = share - lower
        lower_right, upper_right = lower * fx, upper * fx
        # Column by column: much faster on a CPU than stacking (N,) tensors along their last axis.
        for k, (place, part) in enumerate(
            (
                (y0 + x0, upper - upper_right),
                (y0 + x1, upper_right),
                (y1 + x0, lower - lower_right),
                (y1 + x1, lower_right),
            )
        ):
            index[:, k] = place
            weight[:, k] = part


@dataclass(frozen=True)
class Places:
    """Where a trilinear lookup reads: (N, 8) int32 rows of the table and the weight of each."""

    index: Tensor
    weight: Tensor
