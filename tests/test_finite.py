"""What is left out of statistics, what is counted, and what is said; NumPy's nan-functions are the reference."""

import numpy as np
import pytest
import torch

from perturber.finite import Gap, deviation, gaps, means, sentence, written


@pytest.fixture
def maps() -> torch.Tensor:
    found = torch.randn(4, 5, 6, generator=torch.Generator().manual_seed(0))
    found[0, 0, 0], found[0, 1, 1], found[1, 2, 3] = torch.nan, torch.inf, -torch.inf
    found[2] = torch.nan
    return found


def test_statistics_leave_out_what_is_not_finite(maps: torch.Tensor) -> None:
    known = np.where(np.isfinite(maps.numpy()), maps.numpy(), np.nan)
    expected = [np.nanmean(known[n]) if n != 2 else np.nan for n in range(4)]
    np.testing.assert_allclose(means(maps), expected, rtol=1e-6)
    assert deviation(maps) == pytest.approx(np.nanstd(known), rel=1e-6)
    assert deviation(maps[2]) == 0


def test_large_numbers_are_finite() -> None:
    large = torch.tensor([[[-3e38, 3e38, 3e38, 3e38]]])
    assert means(large)[0] == pytest.approx(1.5e38)
    assert deviation(large) == pytest.approx(np.std([-3e38, 3e38, 3e38, 3e38]))
    assert gaps({"numbers": large}) == ()


def test_gaps_are_counted_and_said(maps: torch.Tensor) -> None:
    found = gaps({"maps": maps, "zeros": torch.zeros(3), "logits": torch.tensor([torch.inf])})
    assert found == (Gap("maps", 33, 120), Gap("logits", 1, 1))
    assert sentence("It", found) == "It gives NaN or ∞ in 33 of 120 maps and 1 of 1 logits, which are left blank."
    many = [Gap(f"activations of {n}", 1234, 5678) for n in range(5)]
    assert sentence("It", many).endswith("1,234 of 5,678 activations of 2 and 2 more kinds, which are left blank.")
    assert sentence("It", ()) == ""
    assert [written(value, ".1%") for value in (0.5, torch.nan, torch.inf, -torch.inf)] == ["50.0%", "–", "∞", "−∞"]
