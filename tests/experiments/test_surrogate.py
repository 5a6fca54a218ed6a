"""A guess between points against the textbook's formulas, and its slopes against differences of the kernel."""

import numpy as np

from perturber.experiments.surrogate import GRAIN, Surrogate


def kernel(one: np.ndarray, other: np.ndarray, length: float) -> float:
    return float(np.exp(-((one - other) ** 2).sum() / (2 * length**2)))


def test_without_slopes_it_is_the_textbooks() -> None:
    random = np.random.default_rng(0)
    points, scores = random.uniform(-0.4, 0.4, (7, 3)), random.standard_normal(7)
    guess = Surrogate(points, scores, np.full((7, 3), np.nan))
    places = random.uniform(-0.4, 0.4, (5, 3))
    own = np.array([[kernel(a, b, guess.length) for b in points] for a in points]) + GRAIN**2 * np.eye(7)
    across = np.array([[kernel(a, b, guess.length) for b in points] for a in places])
    height = (scores - scores.mean()) @ np.linalg.solve(own, scores - scores.mean()) / 7
    mean, deviation = guess(places)
    np.testing.assert_allclose(mean, scores.mean() + across @ np.linalg.solve(own, scores - scores.mean()), rtol=1e-6)
    variance = height * (1 - np.einsum("ij,ji->i", across, np.linalg.solve(own, across.T)))
    np.testing.assert_allclose(deviation, np.sqrt(variance), rtol=1e-5)


def test_covariances_of_slopes_are_differences_of_the_kernel() -> None:
    random = np.random.default_rng(1)
    points, slopes = random.uniform(-0.4, 0.4, (3, 2)), random.standard_normal((3, 2))
    slopes[1, 0] = np.nan
    guess = Surrogate(points, random.standard_normal(3), slopes)
    step, length = 1e-4, 0.4
    seen = [(point, None) for point in points] + [
        (points[row], place) for row, place in zip(*np.nonzero(np.isfinite(slopes)), strict=True)
    ]

    def shifted(one: tuple, sign: int) -> np.ndarray:
        return one[0] + sign * step * np.eye(2)[one[1]]

    def covariance(one: tuple, other: tuple) -> float:
        if one[1] is not None:
            up, down = (covariance((shifted(one, sign), None), other) for sign in (1, -1))
            return (up - down) / (2 * step)
        if other[1] is not None:
            up, down = (covariance(one, (shifted(other, sign), None)) for sign in (1, -1))
            return (up - down) / (2 * step)
        return kernel(one[0], other[0], length)

    expected = [[covariance(one, other) for other in seen] for one in seen]
    np.testing.assert_allclose(guess._own(length).numpy(), expected, atol=1e-5)


def test_slopes_make_it_know_more() -> None:
    random = np.random.default_rng(2)
    way = random.standard_normal(8)
    points = random.uniform(-0.3, 0.3, (4, 8))
    scores = np.sin(points @ way)
    slopes = np.cos(points @ way)[:, None] * way
    places = random.uniform(-0.3, 0.3, (50, 8))
    errors = [
        np.abs(Surrogate(points, scores, told)(places)[0] - np.sin(places @ way)).mean()
        for told in (slopes, np.full_like(slopes, np.nan))
    ]
    assert errors[0] < errors[1] / 3
