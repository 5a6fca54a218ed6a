"""Mip-mapped textures: colours at any place and any level of detail, between the levels too."""

import torch
import torch.nn.functional as F
from torch import Tensor


class MipTexture:
    """A square texture whose side is a power of two, with all its mip levels; it repeats outside [0, 1].

    All levels lie in one picture, each framed by the texels that follow when it repeats, so that one call of
    torch's bilinear sampler reads any place on any level.

    Args:
        texels: (C, T, T) float32, first row at the top (v = 1).

    Attributes:
        size: T.
        levels: number of the last level, whose one texel is the texture's mean colour.
    """

    def __init__(self, texels: Tensor) -> None:
        self.size = texels.shape[-1]
        if self.size & (self.size - 1) or texels.shape[-2] != self.size:
            raise ValueError(f"a texture's sides must be one power of two, not {tuple(texels.shape[-2:])}")
        self.levels = self.size.bit_length() - 1
        chain = [texels]
        for _ in range(self.levels):
            chain.append(F.avg_pool2d(chain[-1][None], 2)[0])
        framed = [F.pad(level[None], (1, 1, 1, 1), mode="circular")[0] for level in chain]
        # The finest level at the left, the others below each other at its right.
        height = max(framed[0].shape[1], sum(level.shape[1] for level in framed[1:]))
        width = framed[0].shape[2] + (framed[1].shape[2] if self.levels else 0)
        self._atlas = texels.new_zeros(1, len(texels), height, width)
        transforms, left, top = [], 0, 0
        for level in framed:
            side = level.shape[1]
            self._atlas[0, :, top : top + side, left : left + side] = level
            # Sampler coordinates run from −1 to 1 over the atlas: scale · (u, v) + start.
            inner = side - 2
            scale = (2 * inner / width, -2 * inner / height)
            start = (2 * (left + 1) / width - 1, 2 * (top + 1 + inner) / height - 1)
            transforms.append((scale, start))
            left, top = framed[0].shape[2], top + side if left else 0
        self._transforms = torch.tensor(transforms, device=texels.device).view(-1, 4).T.contiguous()

    def locate(self, uv: Tensor, level: Tensor) -> tuple[Tensor, Tensor]:
        """The places of a trilinear lookup; they serve every texture of the same size.

        Args:
            uv: (2, N) texture coordinates, v upwards.
            level: (N,) mip level, limited to 0…`levels`.

        Returns:
            Sampler coordinates on the finer and the coarser level (2, 1, N, 2), and the coarser one's share (N,).
        """
        level = level.clamp(0, self.levels)
        fine = level.detach().floor()
        uv = uv - uv.detach().floor()
        number = fine.to(torch.int32)
        places = []
        for each in (number, (number + 1).clamp_max_(self.levels)):
            scale, start = self._transforms.index_select(1, each).split(2)
            places.append(torch.addcmul(start, scale, uv))
        # A view: the sampler reads a grid whose places lie one after the other as fast as one of pairs.
        return torch.stack(places).transpose(1, 2)[:, None], level - fine

    def fetch(self, places: tuple[Tensor, Tensor]) -> Tensor:
        """Colours (C, N); differentiable in the coordinates and the level that the places were made from."""
        grid, share = places
        atlas = self._atlas.expand(2, -1, -1, -1)
        fine, coarse = F.grid_sample(atlas, grid, align_corners=False)[:, :, 0]
        return torch.lerp(fine, coarse, share)
