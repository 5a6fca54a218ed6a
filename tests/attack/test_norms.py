"""Each norm against slow NumPy, and what must hold of all of them."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from perturber.attack import NORMS, Norm

SHAPE = (3, 5, 7)


def random_batch(seed: int, scale: float) -> tuple[Tensor, Tensor]:
    """Pictures in [0, 1], some pixels at its ends, and changes of them."""
    generator = torch.Generator().manual_seed(seed)
    images = (torch.rand(4, *SHAPE, generator=generator) * 1.6 - 0.3).clamp(0, 1)
    return images, torch.randn(4, *SHAPE, generator=generator) * scale


def radii(norm: Norm) -> st.SearchStrategy[Any]:
    one = st.integers(0, 40) if norm.whole else st.floats(0, norm.maximum, width=32) | st.floats(0, 0.125, width=32)
    return st.lists(one, min_size=4, max_size=4).map(lambda values: torch.tensor(values, dtype=torch.float32))


def assert_inside(norm: Norm, perturbation: Tensor, images: Tensor, epsilon: Tensor) -> None:
    sizes = norm.size(perturbation.double())
    assert (sizes <= epsilon.double() * (1 + 1e-6)).all(), (sizes, epsilon)
    attacked = images + perturbation
    assert attacked.isfinite().all()
    assert attacked.amin() >= 0
    assert attacked.amax() <= 1


@pytest.mark.parametrize("name", NORMS)
@settings(deadline=None, max_examples=60)
@given(data=st.data(), seed=st.integers(0, 2**31 - 1), scale=st.sampled_from([0.0, 1e-30, 1e-3, 1.0, 1e3]))
def test_projections_and_starts_lie_inside(name: str, data: st.DataObject, seed: int, scale: float) -> None:
    norm = NORMS[name]
    images, changes = random_batch(seed % 1000, scale)
    epsilon = data.draw(radii(norm))
    projected = norm.project(changes, images, epsilon)
    assert_inside(norm, projected, images, epsilon)
    torch.testing.assert_close(norm.project(projected, images, epsilon), projected, atol=1e-6, rtol=1e-5)
    seeds = torch.tensor([seed, 0, 1, seed])
    drawn = norm.start(images, epsilon, seeds)
    assert_inside(norm, drawn, images, epsilon)
    for k in range(4):
        alone = slice(k, k + 1)
        assert torch.equal(norm.start(images[alone], epsilon[alone], seeds[alone]), drawn[alone])
        assert torch.equal(norm.project(changes[alone], images[alone], epsilon[alone]), projected[alone])


@pytest.mark.parametrize("name", NORMS)
def test_what_is_inside_stays_as_it_is(name: str) -> None:
    images, _ = random_batch(1, 1)
    changes = torch.zeros_like(images)
    changes[:, :, 2, 2] = (0.5 - images[:, :, 2, 2]) * 0.1
    torch.testing.assert_close(NORMS[name].project(changes, images, torch.ones(4)), changes)


@pytest.mark.parametrize("name", NORMS)
def test_a_start_fills_the_ball(name: str) -> None:
    """Around a grey picture, where nothing is clipped."""
    images, epsilon = torch.full((4, 3, 20, 20), 0.5), torch.full((4,), 9 if name == "l0" else 0.25)
    norm = NORMS[name]
    drawn = norm.start(images, epsilon, torch.arange(4))
    assert (norm.size(drawn) > 0.97 * epsilon).all()
    assert len({tuple(item.flatten().tolist()) for item in drawn}) == 4
    assert abs(float(drawn.sum())) < 4 * float(drawn.square().sum().sqrt())


def test_l2_against_numpy() -> None:
    images, changes = random_batch(2, 1)
    epsilon = torch.tensor([0.0, 0.5, 3.0, 100.0])
    for k, (x, d) in enumerate(zip(images.double().numpy(), changes.double().numpy(), strict=True)):
        length = np.sqrt((d**2).sum())
        expected = np.clip(x + d * min(1, float(epsilon[k]) / length), 0, 1) - x
        np.testing.assert_allclose(NORMS["l2"].project(changes, images, epsilon)[k], expected, atol=1e-6)
        np.testing.assert_allclose(NORMS["l2"].normalise(changes)[k], d / length, atol=1e-6)


def test_linf_against_numpy() -> None:
    images, changes = random_batch(3, 1)
    epsilon = torch.tensor([0.0, 0.1, 0.5, 1.0])
    for k, (x, d) in enumerate(zip(images.numpy(), changes.numpy(), strict=True)):
        expected = np.clip(x + np.clip(d, -epsilon[k].item(), epsilon[k].item()), 0, 1) - x
        np.testing.assert_allclose(NORMS["linf"].project(changes, images, epsilon)[k], expected, atol=1e-6)
        np.testing.assert_array_equal(NORMS["linf"].normalise(changes)[k], np.sign(d))


def test_l0_is_the_nearest_of_all() -> None:
    """Every choice of two pixels of six, tried."""
    generator = torch.Generator().manual_seed(4)
    images = torch.rand(20, 3, 2, 3, generator=generator)
    changes = torch.randn(20, 3, 2, 3, generator=generator)
    projected = NORMS["l0"].project(changes, images, torch.full((20,), 2.0))
    clipped = (images + changes).clamp(0, 1) - images
    for x, d in enumerate(changes):
        distances = []
        for i in range(6):
            for j in range(i):
                choice = torch.zeros(6)
                choice[[i, j]] = 1
                distances.append(float((d - clipped[x] * choice.view(1, 2, 3)).square().sum()))
        assert float((d - projected[x]).square().sum()) == pytest.approx(min(distances), rel=1e-5)


def test_l0_s_strongest_pixel_moves_by_one() -> None:
    _, changes = random_batch(5, 1)
    scaled = NORMS["l0"].normalise(changes)
    torch.testing.assert_close(scaled.abs().amax((1, 2, 3)), torch.ones(4))
    torch.testing.assert_close(scaled / changes, (scaled / changes).amax((1, 2, 3), keepdim=True).expand_as(changes))


@pytest.mark.parametrize("name", NORMS)
def test_a_zero_gradient_has_no_direction(name: str) -> None:
    assert not NORMS[name].normalise(torch.zeros(2, *SHAPE)).any()
