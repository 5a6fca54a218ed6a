"""A guess of a score between the points at which it was looked at: a Gaussian process that knows slopes, too.

Rasmussen & Williams (2006), chapters 2 and 9.4: squared-exponential kernel, constant mean. Its length, and how far
slopes are to be trusted, are those of a small grid under which what was seen is most likely; its height follows.
"""

from itertools import product

import numpy as np
import torch
from torch import Tensor

from perturber.threads import one_thread

LENGTHS = (0.15, 0.4, 1.0)
"""Over which the score may change, in widths of ranges."""

TRUSTS = (0.3, 1.5)
"""Deviation of a slope from that of the smooth guess, as a share of the slopes that the guess expects."""

GRAIN = 1e-2
"""Deviation of a score from the smooth guess, as a share of its height."""


class Surrogate:
    """What is to be expected of a score, and how far it may be off.

    Args:
        points: (N, P).
        scores: (N,), finite.
        slopes: (N, P), NaN where they are not known.
    """

    def __init__(self, points: np.ndarray, scores: np.ndarray, slopes: np.ndarray) -> None:
        self.points = torch.tensor(points, dtype=torch.float64)
        known = torch.tensor(slopes, dtype=torch.float64)
        self.rows, self.places = known.isfinite().nonzero(as_tuple=True)
        of_points = torch.tensor(scores, dtype=torch.float64)
        self.mean = float(of_points.mean())
        with one_thread():
            seen = torch.cat((of_points - self.mean, known[self.rows, self.places]))
            self.length, self.factor, self.weights, self.height = self._likeliest(seen)

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected score (M,) at each of some points (M, P), and its standard deviation (M,)."""
        with one_thread():
            across = self._to_scores(torch.tensor(points, dtype=torch.float64), self.length)
            mean = self.mean + across @ self.weights
            told = torch.linalg.solve_triangular(self.factor, across.T, upper=False)
            left = 1.0 - (told**2).sum(0)
        return mean.numpy(), self.height * left.clamp(min=0.0).sqrt().numpy()

    def _likeliest(self, seen: Tensor) -> tuple[float, Tensor, Tensor, float]:
        best: tuple[float, float, Tensor, Tensor, float] | None = None
        for length, trust in product(LENGTHS, TRUSTS):
            noise = torch.full_like(seen, GRAIN**2)
            noise[len(self.points) :] = (trust / length) ** 2
            factor = torch.linalg.cholesky(self._own(length) + noise.diag())
            weights = torch.cholesky_solve(seen[:, None], factor)[:, 0]
            height = max(float(seen @ weights) / len(seen), 1e-12) ** 0.5
            likelihood = -float(factor.diag().log().sum()) - len(seen) * float(np.log(height))
            if best is None or likelihood > best[0]:
                best = (likelihood, length, factor, weights, height)
        assert best is not None
        return best[1:]

    def _to_scores(self, points: Tensor, length: float) -> Tensor:
        """Covariances of scores at points (M, P) with all that was seen: (M, N + slopes), for a height of 1."""
        ways = points[:, None] - self.points[None]
        near = torch.exp(-(ways**2).sum(2) / (2 * length**2))
        return torch.cat((near, near[:, self.rows] * ways[:, self.rows, self.places] / length**2), 1)

    def _own(self, length: float) -> Tensor:
        """Covariances of all that was seen with one another."""
        count, rows, places = len(self.points), self.rows, self.places
        of_scores = self._to_scores(self.points, length)
        own = self.points[rows]
        # Row i, column j: how far the points are apart along the i-th slope's parameter, and along the j-th's.
        first = own.gather(1, places[:, None]) - own[:, places].T
        second = own[:, places] - own.gather(1, places[:, None]).T
        same = (places[:, None] == places[None]) / length**2
        of_slopes = of_scores[:, :count][rows][:, rows] * (same - first * second / length**4)
        return torch.cat((of_scores, torch.cat((of_scores[:, count:].T, of_slopes), 1)), 0)
