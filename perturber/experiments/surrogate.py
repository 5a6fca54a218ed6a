"""A guess of a score between the points at which it was looked at: a Gaussian process that knows slopes, too.

Rasmussen & Williams (2006), chapters 2 and 9.4: squared-exponential kernel, constant mean. Its length, and how far
slopes are to be trusted, are those of a small grid under which what was seen is most likely; its height follows.
"""

from itertools import product

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

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
        self.points = np.asarray(points, np.float64)
        self.rows, self.places = np.nonzero(np.isfinite(slopes))
        self.mean = float(np.mean(scores))
        seen = np.concatenate((np.asarray(scores, np.float64) - self.mean, slopes[self.rows, self.places]))
        self.length, self.factor, self.weights, self.height = self._likeliest(seen)

    def __call__(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected score (M,) at each of some points (M, P), and its standard deviation (M,)."""
        across = self._to_scores(np.asarray(points, np.float64), self.length)
        mean = self.mean + across @ self.weights
        left = 1.0 - (solve_triangular(self.factor, across.T, lower=True) ** 2).sum(0)
        return mean, self.height * np.sqrt(left.clip(0.0))

    def _likeliest(self, seen: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
        best = None
        for length, trust in product(LENGTHS, TRUSTS):
            noise = np.concatenate(
                (np.full(len(self.points), GRAIN**2), np.full(len(self.rows), (trust / length) ** 2))
            )
            factor = cholesky(self._own(length) + np.diag(noise), lower=True)
            weights = cho_solve((factor, True), seen)
            height = float(np.sqrt(max(seen @ weights / len(seen), 1e-12)))
            likelihood = -np.log(np.diag(factor)).sum() - len(seen) * np.log(height)
            if best is None or likelihood > best[0]:
                best = (likelihood, length, factor, weights, height)
        assert best is not None
        return best[1:]

    def _to_scores(self, points: np.ndarray, length: float) -> np.ndarray:
        """Covariances of scores at points (M, P) with all that was seen: (M, N + slopes), for a height of 1."""
        ways = points[:, None] - self.points[None]
        near = np.exp(-(ways**2).sum(2) / (2 * length**2))
        return np.concatenate((near, near[:, self.rows] * ways[:, self.rows, self.places] / length**2), 1)

    def _own(self, length: float) -> np.ndarray:
        """Covariances of all that was seen with one another."""
        count, rows, places = len(self.points), self.rows, self.places
        of_scores = self._to_scores(self.points, length)
        ways = self.points[rows][:, None] - self.points[rows][None]
        near = of_scores[:, :count][np.ix_(rows, rows)]
        index = np.arange(len(rows))
        first = ways[index[:, None], index[None], places[:, None]]
        second = ways[index[:, None], index[None], places[None]]
        same = (places[:, None] == places[None]) / length**2
        of_slopes = near * (same - first * second / length**4)
        return np.block([[of_scores[:, :count], of_scores[:, count:]], [of_scores[:, count:].T, of_slopes]])
