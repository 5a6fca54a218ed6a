"""Texture lookups against NumPy."""

import numpy as np
import pytest
import torch

from perturber.render.texture import MipTexture

TEXELS = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(0))


def slow(u: float, v: float, level: float) -> np.ndarray:
    """Trilinear, repeating lookup, one place at a time."""

    def bilinear(number: int) -> np.ndarray:
        size = 16 >> number
        mip = TEXELS.double().numpy().reshape(3, size, 16 // size, size, 16 // size).mean((2, 4))
        x, y = u * size - 0.5, (1 - v) * size - 0.5
        total = np.zeros(3)
        for row in (int(np.floor(y)), int(np.floor(y)) + 1):
            for column in (int(np.floor(x)), int(np.floor(x)) + 1):
                total += (1 - abs(x - column)) * (1 - abs(y - row)) * mip[:, row % size, column % size]
        return total

    level = min(max(level, 0), 4)
    fine = min(int(level), 3)
    return bilinear(fine) * (1 - (level - fine)) + bilinear(fine + 1) * (level - fine)


def test_equals_slow_trilinear_lookup() -> None:
    generator = np.random.default_rng(1)
    places = [*generator.uniform((-1, -1, -1), (2, 2, 5), (60, 3)), (0, 0, 0), (1, 1, 4), (0.5, 0.5, 3.5)]
    texture = MipTexture(TEXELS)
    u, v, level = torch.tensor(np.array(places), dtype=torch.float32).unbind(1)
    result = texture.fetch(texture.locate(torch.stack((u, v)), level))
    np.testing.assert_allclose(result.T, [slow(*place) for place in places], atol=5e-6)


def test_last_level_is_the_mean_colour() -> None:
    texture = MipTexture(TEXELS)
    result = texture.fetch(texture.locate(torch.rand(2, 5), torch.full((5,), 9.0)))
    torch.testing.assert_close(result.T, TEXELS.mean((1, 2)).expand(5, 3))


def test_size_must_be_a_power_of_two() -> None:
    with pytest.raises(ValueError, match="power of two"):
        MipTexture(torch.zeros(3, 12, 12))
