"""The rasteriser against a slow and obvious one."""

import numpy as np
import pytest
import torch

from perturber.render.rasterizer import rasterize

SIZE = 24


def planes(x: np.ndarray, y: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    matrix = np.stack((x, y, np.ones_like(x)), -1)
    return np.linalg.solve(matrix, inverse[..., None])[..., 0]


def draw(x: np.ndarray, y: np.ndarray, inverse: np.ndarray, *, pictures: int = 1, offset: np.ndarray | None = None):
    arguments = (torch.tensor(a, dtype=torch.float32) for a in (x.T, y.T, planes(x, y, inverse).T))
    offset = np.zeros(len(x), np.int64) if offset is None else offset
    address, triangle, _ = rasterize(*arguments, torch.tensor(offset), samples=pictures * SIZE**2, size=SIZE)
    picture = np.full(pictures * SIZE**2, -1)
    picture[address] = triangle
    return picture.reshape(pictures, SIZE, SIZE).squeeze()


def slow(x: np.ndarray, y: np.ndarray, inverse: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each triangle, each sample; also tells which samples lie so near to an edge that rounding decides."""
    nearest, owner = np.zeros((SIZE, SIZE)), np.full((SIZE, SIZE), -1)
    unsure = np.zeros((SIZE, SIZE), bool)
    for t in range(len(x)):
        area = (x[t, 1] - x[t, 0]) * (y[t, 2] - y[t, 0]) - (x[t, 2] - x[t, 0]) * (y[t, 1] - y[t, 0])
        for row in range(SIZE):
            for column in range(SIZE):
                weights = []
                for i, j in ((1, 2), (2, 0), (0, 1)):
                    cross = (x[t, j] - x[t, i]) * (row - y[t, i]) - (column - x[t, i]) * (y[t, j] - y[t, i])
                    weights.append(cross / area)
                if min(weights) > -1e-3 and min(weights) < 1e-3:
                    unsure[row, column] = True
                if min(weights) >= 0 and np.dot(weights, inverse[t]) > nearest[row, column]:
                    nearest[row, column], owner[row, column] = np.dot(weights, inverse[t]), t
    return owner, unsure


def test_equals_a_slow_depth_buffer() -> None:
    generator = np.random.default_rng(3)
    x, y = generator.uniform(-6, SIZE + 6, (2, 40, 3))
    inverse = generator.uniform(0.1, 2, (40, 3))
    expected, unsure = slow(x, y, inverse)
    assert unsure.mean() < 0.1
    np.testing.assert_array_equal(draw(x, y, inverse)[~unsure], expected[~unsure])


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_share_their_edge_without_gap_or_overlap(seed: int) -> None:
    """A fan around any point covers every sample of a square once: the counts of single triangles add up."""
    generator = np.random.default_rng(seed)
    centre = generator.uniform(2, SIZE - 3, 2) if seed else np.array([8.0, 8.0])  # on a sample
    ring = np.array([[-0.5, -0.5], [11.0, -0.5], [SIZE - 0.5, -0.5], [SIZE - 0.5, SIZE - 0.5], [-0.5, SIZE - 0.5]])
    corners = np.stack([np.stack((centre, ring[i], ring[(i + 1) % 5])) for i in range(5)])
    x, y = corners[..., 0], corners[..., 1]
    one = np.ones((5, 3))
    assert (draw(x, y, one) >= 0).all()
    counts = sum((draw(x[[t]], y[[t]], one[[t]]) >= 0).astype(int) for t in range(5))
    np.testing.assert_array_equal(counts, 1)


def test_pictures_of_a_batch_do_not_mix() -> None:
    generator = np.random.default_rng(5)
    x, y = generator.uniform(0, SIZE, (2, 6, 3))
    inverse = generator.uniform(0.1, 2, (6, 3))
    which = np.array([0, 1, 2, 0, 1, 2])
    together = draw(x, y, inverse, pictures=3, offset=which * SIZE**2)
    for picture in range(3):
        mine = which == picture
        alone = draw(x[mine], y[mine], inverse[mine])
        np.testing.assert_array_equal(together[picture], np.where(alone < 0, -1, np.flatnonzero(mine)[alone]))


def test_nothing_to_draw() -> None:
    empty = np.zeros((0, 3))
    assert (draw(empty, empty, empty) == -1).all()
    far = np.full((1, 3), 100.0) + np.array([[0, 5, 0]])
    assert (draw(far, far + np.array([[0, 0, 7]]), np.ones((1, 3))) == -1).all()
