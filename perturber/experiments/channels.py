"""Which channel of one layer answers like which of another."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class SameChannels:
    """Whether channels of one index answer alike in both layers.

    Attributes:
        best: (Ca,) int64, for each channel of layer A the channel of layer B that correlates most with it; −1 where
            it never changes.
        diagonal: (min(Ca, Cb),) float64, correlation of the channels of the same index.
        count: channels whose best partner is the one of the same index.
        share: `count` of min(Ca, Cb), from 0 to 1.
    """

    best: np.ndarray
    diagonal: np.ndarray
    count: int
    share: float


class ChannelCorrelation:
    """Pearson correlation of each channel of a layer A with each of a layer B, over pictures and positions.

    The larger maps are brought to the size of the smaller ones by average pooling.
    """

    def __init__(self) -> None:
        self._count = 0
        self._means: list[Tensor] = []
        self._squares: list[Tensor] = []
        self._products = torch.zeros(())

    def add(self, a: Tensor, b: Tensor) -> None:
        """Take the next pictures.

        Args:
            a: activations (n, Ca, h, w).
            b: (n, Cb, h', w') of the same pictures.
        """
        size = (min(a.shape[2], b.shape[2]), min(a.shape[3], b.shape[3]))
        rows = [F.adaptive_avg_pool2d(maps, size).double().movedim(1, 0).flatten(1) for maps in (a, b)]
        count = rows[0].shape[1]
        means = [values.mean(1) for values in rows]
        rows = [values - mean[:, None] for values, mean in zip(rows, means, strict=True)]
        squares = [values.square().sum(1) for values in rows]
        products = rows[0] @ rows[1].T
        if self._count:  # sums about the batch's own means → about the means of all (Chan et al. 1983)
            weight = self._count * count / (self._count + count)
            shifts = [mean - old for mean, old in zip(means, self._means, strict=True)]
            products += self._products + weight * shifts[0][:, None] * shifts[1]
            squares = [s + o + weight * d**2 for s, o, d in zip(squares, self._squares, shifts, strict=True)]
            means = [o + d * count / (self._count + count) for o, d in zip(self._means, shifts, strict=True)]
        self._count += count
        self._means, self._squares, self._products = means, squares, products

    def matrix(self) -> np.ndarray:
        """(Ca, Cb) float64 from −1 to 1; NaN for channels that never change."""
        a, b = (squares.sqrt() for squares in self._squares)
        matrix = self._products / (a[:, None] * b)
        unchanging = [root <= 1e-9 * mean.abs() for root, mean in zip((a, b), self._means, strict=True)]
        matrix[unchanging[0]] = torch.nan
        matrix[:, unchanging[1]] = torch.nan
        return matrix.clamp(-1, 1).cpu().numpy()

    def same_channels(self) -> SameChannels:
        """Whether channels of one index are each other's partners."""
        matrix = self.matrix()
        known = np.where(np.isnan(matrix), -np.inf, matrix)
        best = np.where(np.isinf(known).all(1), -1, known.argmax(1))
        diagonal = np.diagonal(matrix).copy()
        count = int((best[: len(diagonal)] == np.arange(len(diagonal))).sum())
        return SameChannels(best=best, diagonal=diagonal, count=count, share=count / len(diagonal))
