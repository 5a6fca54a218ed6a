"""Seeded random numbers: right distribution, no memory, no neighbours."""

import torch
from scipy import stats

from perturber.effects import random

SEEDS = torch.arange(8)


def test_uniform_and_normal_follow_their_distributions() -> None:
    numbers = random.uniform(SEEDS, 3, 100, 100)
    assert 0 < numbers.min() < numbers.max() < 1
    assert stats.kstest(numbers.flatten().double().numpy(), "uniform").pvalue > 1e-3
    numbers = random.normal(SEEDS, 3, 101, 101)
    assert stats.kstest(numbers.flatten().double().numpy(), "norm").pvalue > 1e-3


def test_seeds_streams_and_neighbours_are_uncorrelated() -> None:
    rows = torch.cat((random.normal(SEEDS, 20_000), random.normal(SEEDS, 20_000, stream=1)))
    correlation = torch.corrcoef(rows) - torch.eye(len(rows))
    assert correlation.abs().max() < 0.04
    row = random.uniform(torch.tensor([5]), 40_000)[0]
    for lag in (1, 2, 224, 20_000):
        assert torch.corrcoef(torch.stack((row[:-lag], row[lag:])))[0, 1].abs() < 0.03


def test_an_item_is_the_same_in_any_batch() -> None:
    together = random.normal(SEEDS, 3, 17, 5)
    alone = torch.cat([random.normal(seed[None], 3, 17, 5) for seed in SEEDS])
    torch.testing.assert_close(together, alone, atol=0, rtol=0)
    assert len({tuple(row.flatten().tolist()) for row in together}) == len(SEEDS)
