"""Scores of scenes that are known as formulas, and what stands in for a renderer and networks."""

from collections.abc import Callable, Generator

import numpy as np

from perturber.experiments.adversary import Ask, Told

Score = Callable[[np.ndarray], float]


def drive(asking: Generator[Ask, Told, None], score: Score, smooth: np.ndarray) -> int:
    """Answer a search by a formula; how many scenes it asked for.

    Args:
        smooth: (P,) whether a parameter's slope is told.
    """
    looked = 0
    try:
        ask = next(asking)
        while True:
            looked += len(ask.points)
            gaps = np.array([score(point) for point in ask.points])
            slopes = np.where(smooth, _slopes(score, ask.points[0]), np.nan) if ask.slopes else None
            ask = asking.send(Told(gaps, gaps, slopes))
    except StopIteration:
        return looked


def _slopes(score: Score, point: np.ndarray) -> np.ndarray:
    steps = 1e-5 * np.eye(len(point))
    return np.array([(score(point + step) - score(point - step)) / 2e-5 for step in steps])
