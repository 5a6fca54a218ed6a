"""Shuffled patches against a slow loop over them."""

import numpy as np
import pytest
import torch

from perturber.effects.patch_shuffle import patch_shuffle


def blocks(picture: np.ndarray, count: int) -> list[bytes]:
    """The patches of a picture whose size the grid divides, sorted."""
    size = picture.shape[1] // count
    return sorted(
        picture[:, i * size : (i + 1) * size, j * size : (j + 1) * size].tobytes()
        for i in range(count)
        for j in range(count)
    )


@pytest.mark.parametrize("count", [2, 4, 7, 8, 14, 16])
def test_the_same_patches_in_another_order(photographs: torch.Tensor, count: int) -> None:
    shuffled = patch_shuffle(photographs, torch.full((2,), float(count)), torch.tensor([3.0, 4.0]))
    for before, after in zip(photographs.numpy(), shuffled.numpy(), strict=True):
        assert blocks(before, count) == blocks(after, count)
        assert not np.array_equal(before, after)


@pytest.mark.parametrize("count", [3, 5, 6, 9, 10, 11, 12, 13, 15])
def test_patches_that_differ_by_a_pixel_stay_whole(count: int) -> None:
    """Each place of the grid shows one patch, and every patch is shown once."""
    edges = [k * 224 // count for k in range(count + 1)]
    row = np.repeat(np.arange(count), np.diff(edges))
    number = torch.tensor(row[:, None] * count + row, dtype=torch.float32).expand(1, 3, 224, 224)
    shuffled = patch_shuffle(number, torch.tensor([float(count)]), torch.tensor([1.0]))[0, 0].numpy()
    seen = []
    for i in range(count):
        for j in range(count):
            patch = shuffled[edges[i] : edges[i + 1], edges[j] : edges[j + 1]]
            assert np.ptp(patch) == 0
            seen.append(int(patch[0, 0]))
    assert sorted(seen) == list(range(count**2))


def test_orders_are_uniform_and_seeded() -> None:
    """Over many seeds each of four patches comes to the first place a quarter of the time."""
    picture = torch.zeros(1, 3, 2, 2)
    picture[0, 0] = torch.tensor([[0.0, 1], [2, 3]])
    seeds = torch.arange(4000.0)
    shuffled = patch_shuffle(picture.expand(4000, -1, -1, -1), torch.full((4000,), 2.0), seeds)
    counts = torch.bincount(shuffled[:, 0, 0, 0].long(), minlength=4)
    assert (counts - 1000).abs().max() < 120
    again = patch_shuffle(picture, torch.tensor([2.0]), seeds[7:8])
    torch.testing.assert_close(again[0], shuffled[7], atol=0, rtol=0)


def test_one_patch_is_the_picture_and_neighbours_do_not_matter(photographs: torch.Tensor) -> None:
    both = patch_shuffle(photographs, torch.tensor([1.0, 6.0]), torch.tensor([9.0, 9.0]))
    torch.testing.assert_close(both[0], photographs[0], atol=0, rtol=0)
    alone = patch_shuffle(photographs[1:], torch.tensor([6.0]), torch.tensor([9.0]))
    torch.testing.assert_close(both[1:], alone, atol=0, rtol=0)
