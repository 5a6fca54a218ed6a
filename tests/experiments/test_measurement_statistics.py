"""Statistics of measurements against slow and obvious versions, and against published numbers."""

from collections import deque

import numpy as np
import pytest
from scipy import stats

from perturber.experiments.measurements.corruptions import ALEXNET
from perturber.experiments.measurements.statistics import (
    bootstrap,
    borders,
    corruption_errors,
    error_consistency,
    fluctuation,
    means,
    ratios,
    regions,
    relative_corruption_errors,
    sphere_weights,
    summed,
)

RANDOM = np.random.default_rng(0)

RESNET_50 = {
    "shot_noise": (0.5744, 0.4294, 0.2528, 0.0792, 0.029),
    "impulse_noise": (0.4844, 0.358, 0.2546, 0.083, 0.0182),
    "defocus_blur": (0.5956, 0.5152, 0.382, 0.2748, 0.183),
    "contrast": (0.6494, 0.5852, 0.469, 0.2122, 0.0546),
    "brightness": (0.7392, 0.7244, 0.6956, 0.6498, 0.5866),
    "jpeg_compression": (0.6664, 0.6244, 0.5982, 0.4728, 0.3144),
    "pixelate": (0.6402, 0.6426, 0.4598, 0.2898, 0.2068),
    "glass_blur": (0.54, 0.4012, 0.1688, 0.131, 0.1024),
    "motion_blur": (0.6382, 0.537, 0.3758, 0.2154, 0.1482),
    "zoom_blur": (0.529, 0.4324, 0.358, 0.2878, 0.2206),
    "gaussian_noise": (0.5978, 0.4686, 0.2748, 0.1128, 0.0218),
    "fog": (0.6138, 0.5612, 0.4704, 0.4088, 0.241),
    "frost": (0.615, 0.4346, 0.309, 0.2896, 0.2294),
    "snow": (0.5498, 0.3154, 0.3518, 0.2382, 0.1654),
    "elastic_transform": (0.6704, 0.4556, 0.5526, 0.4196, 0.1746),
}
"""Corruption → accuracy of torchvision's ResNet-50 at each severity, over 5,000 pictures, as
RobustBench has published them (the average accuracy of this version is 39.2 %)."""


def test_mce_of_published_cells() -> None:
    """Over all of ImageNet-C its mCE is 76.7, by the list that the authors of ImageNet-C keep."""
    errors = 1 - np.array([RESNET_50[name] for name in ALEXNET])
    baseline = np.array([*ALEXNET.values()])[:, None] / 100
    assert corruption_errors(errors, baseline) == pytest.approx(76.7, abs=0.2)


def test_mce_slowly() -> None:
    errors, baseline = RANDOM.random((3, 5)), RANDOM.random((3, 5))
    slow = [sum(errors[c]) / sum(baseline[c]) for c in range(3)]
    assert corruption_errors(errors, baseline) == pytest.approx(100 * sum(slow) / 3)
    slow = [(sum(errors[c]) - 5 * 0.2) / (sum(baseline[c]) - 5 * 0.4) for c in range(3)]
    found = relative_corruption_errors(errors, np.array(0.2), baseline, np.array(0.4))
    assert found == pytest.approx(100 * sum(slow) / 3)
    none = relative_corruption_errors(errors, np.array(0.2), np.full((3, 5), 0.4), np.array(0.4))
    assert np.isnan(none)  # the corruptions add nothing to the baseline's mistakes
    many = np.stack([errors, baseline])
    assert corruption_errors(many, baseline) == pytest.approx([corruption_errors(errors, baseline), 100])


def test_fluctuation_slowly() -> None:
    probabilities = RANDOM.dirichlet(np.ones(6), (4, 7))
    spreads, averages = fluctuation(probabilities)
    for setting, spread, average in zip(probabilities, spreads, averages, strict=True):
        columns = [[float(one[k]) for one in setting] for k in range(6)]
        best = max(columns, key=sum)
        mean = sum(best) / 7
        assert spread == pytest.approx(100 * (sum((p - mean) ** 2 for p in best) / 7) ** 0.5)
        assert average == pytest.approx(100 * mean)
    assert fluctuation(np.repeat(probabilities[:, :1], 7, 1))[0] == pytest.approx(0, abs=1e-12)


def test_intervals_are_those_of_scipy() -> None:
    values = RANDOM.exponential(size=30)
    (found,) = bootstrap(means(values), 30)
    slow = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((slow.low, slow.high), abs=0.02)
    under = RANDOM.random(30) + 1
    (found,) = bootstrap(ratios(values, under), 30)
    slow = stats.bootstrap(
        (values, under), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, method="percentile", rng=1
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((slow.low, slow.high), abs=0.02)


def test_an_interval_holds_in_19_of_20_cases() -> None:
    hits = 0
    for n in range(60):
        (found,) = bootstrap(means(RANDOM.normal(0.5, 1, size=40)), 40, seed=n)
        hits += found.low <= 0.5 <= found.high
    assert hits >= 51


def test_too_few_units_have_no_interval() -> None:
    (found,) = bootstrap(means(np.arange(4.0)), 4)
    assert found.value == 1.5
    assert np.isnan([found.low, found.high]).all()


def test_what_is_not_defined_is_said_to_be_so() -> None:
    first, second = bootstrap(ratios(np.ones((6, 2)), np.stack([np.zeros(6), np.arange(6)], 1)), 6)
    assert not np.isfinite(first.value)
    assert second.low <= second.value <= second.high


def test_sums_of_units() -> None:
    found = summed(np.arange(10.0).reshape(5, 2), ["b", "a", "b", "c", "a"])
    np.testing.assert_array_equal(found, [[4, 6], [10, 12], [6, 7]])


def test_error_consistency() -> None:
    """By its definition, and Cohen's κ of a table by hand."""
    first, second = RANDOM.random(200) < 0.7, RANDOM.random(200) < 0.4
    both = np.mean([a == b for a, b in zip(first, second, strict=True)])
    chance = first.mean() * second.mean() + (~first).mean() * (~second).mean()
    assert error_consistency(first, second) == pytest.approx((both - chance) / (1 - chance))
    table = np.array([True] * 50 + [False] * 50), np.array([True] * 45 + [False] * 5 + [True] * 25 + [False] * 25)
    assert error_consistency(*table) == pytest.approx((0.7 - 0.5) / 0.5)  # 45 + 25 of 100 agree; 0.5·0.7 + 0.5·0.3
    assert error_consistency(first, first) == 1
    assert error_consistency(np.ones(5, bool), np.ones(5, bool)) == 1


def slow_regions(recognised: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    rows, columns = recognised.shape
    left = {(r, c) for r in range(rows) for c in range(columns) if recognised[r, c]}
    found = set()
    while left:
        region, waiting = set(), deque([left.pop()])
        while waiting:
            r, c = waiting.popleft()
            region.add((r, c))
            for beside in ((r - 1, c), (r + 1, c), (r, (c - 1) % columns), (r, (c + 1) % columns)):
                if beside in left:
                    left.remove(beside)
                    waiting.append(beside)
        found.add(frozenset(region))
    return found


def test_regions_go_around_the_sphere() -> None:
    for share in (0.3, 0.5, 0.6, 0.8):
        recognised = RANDOM.random((6, 9)) < share
        labels = regions(recognised)
        assert ((labels > 0) == recognised).all()
        numbers = set(labels[recognised].tolist())
        fast = {frozenset(zip(*(part.tolist() for part in np.nonzero(labels == n)), strict=True)) for n in numbers}
        assert fast == slow_regions(recognised)


def test_borders() -> None:
    recognised = RANDOM.random((5, 7)) < 0.7
    found = borders(recognised)
    for r in range(5):
        for c in range(7):
            beside = [recognised[r, (c - 1) % 7], recognised[r, (c + 1) % 7]]
            beside += [recognised[other, c] for other in (r - 1, r + 1) if 0 <= other < 5]
            assert found[r, c] == (recognised[r, c] and not all(beside))


def test_weights_are_areas() -> None:
    """Of fine bands, the sums are the areas of the caps: half of the sphere lies within 30° of the equator."""
    latitudes = np.linspace(-90, 90, 1801)[:-1] + 0.05
    weights = sphere_weights(latitudes)
    assert weights[np.abs(latitudes) < 30].sum() / weights.sum() == pytest.approx(0.5, abs=1e-3)
