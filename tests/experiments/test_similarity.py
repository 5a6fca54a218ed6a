"""Comparisons of networks against independent NumPy."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1
from torch import Tensor, nn

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments import (
    ChannelCorrelation,
    CkaMatrix,
    SimilarityWork,
    cka,
    compare_predictions,
    divergence,
    jensen_shannon,
    pooled,
)


def numpy_cka(x: np.ndarray, y: np.ndarray) -> float:
    """In features, as the paper writes it; ours is in Gram matrices."""
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def network(module: nn.Module, name: str, size: int = 64) -> zoo.Network:
    entry = zoo.entry("efficientnet_lite0", Settings().models)
    return zoo.Network(replace(entry, name=name, input_size=size, resize=size), module)


@pytest.fixture(scope="module")
def resnet() -> zoo.Network:
    torch.manual_seed(0)
    return network(torchvision.models.resnet18(weights=None), "resnet18")


@pytest.fixture(scope="module")
def pictures() -> Tensor:
    return torch.rand(10, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_cka_has_the_published_value() -> None:
    np.random.seed(1337)
    x = np.random.randn(100, 10)
    y = np.random.randn(100, 10) + x
    assert cka(torch.tensor(x), torch.tensor(y)) == pytest.approx(0.55761, abs=5e-6)
    assert cka(torch.tensor(x), torch.tensor(y)) == pytest.approx(numpy_cka(x, y), rel=1e-12)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(3, 20), st.integers(1, 30), st.integers(1, 30))
def test_cka_equals_numpy_and_knows_no_rotation(seed: int, n: int, p: int, q: int) -> None:
    random = np.random.default_rng(seed)
    x, y = random.normal(3, 1, (n, p)), random.normal(-2, 4, (n, q))
    found = cka(torch.tensor(x), torch.tensor(y))
    assert found == pytest.approx(numpy_cka(x, y), rel=1e-8)
    assert -1e-12 <= found <= 1 + 1e-12
    rotation = np.linalg.qr(random.normal(size=(p, p)))[0]
    turned = torch.tensor(x @ rotation * 0.3 + random.normal(size=p))
    assert cka(turned, torch.tensor(y)) == pytest.approx(found, rel=1e-8)
    assert cka(torch.tensor(x), turned) == pytest.approx(1)
    assert np.isnan(cka(torch.full((n, p), 0.1), torch.tensor(y)))


def test_a_matrix_over_batches_is_that_of_all() -> None:
    random = np.random.default_rng(0)
    rows = {"a": random.normal(50, 1, (11, 7)), "b": random.normal(0, 1, (11, 300))}
    columns = {"c": random.normal(0, 2, (11, 5)), "d": rows["b"] * 2, "e": np.ones((11, 3))}
    matrix = CkaMatrix(list(rows), list(columns), 11)
    for part in (slice(0, 4), slice(4, 5), slice(5, 11)):
        assert np.isnan(matrix.result()).all()
        matrix.add_rows({name: torch.tensor(x[part], dtype=torch.float32) for name, x in rows.items()})
        matrix.add_columns({name: torch.tensor(y[part], dtype=torch.float32) for name, y in columns.items()})
    expected = [[numpy_cka(x, y) for y in list(columns.values())[:2]] for x in rows.values()]
    np.testing.assert_allclose(matrix.result()[:, :2], expected, rtol=1e-5)
    assert np.isnan(matrix.result()[:, 2]).all()
    with pytest.raises(ValueError, match="12 pictures instead of 11"):
        CkaMatrix(["a"], None, 11).add_rows({"a": torch.zeros(12, 2)})


@pytest.mark.parametrize("memory_mib", [256, 0])
def test_all_layers_of_two_networks(resnet: zoo.Network, pictures: Tensor, memory_mib: int) -> None:
    torch.manual_seed(1)
    small = network(
        nn.Sequential(nn.Conv2d(3, 6, 5, stride=4), nn.ReLU(), nn.Conv2d(6, 9, 3), nn.Flatten()), "small", 32
    )
    layers = ("conv1", "layer2.0.conv1", "layer4.0.downsample.0", "layer4.1")
    work = SimilarityWork(resnet, small, pictures, layers_a=layers, batch=4, memory_mib=memory_mib)
    while not work.finished:
        work.step()
    assert work.done == work.total
    assert work.total == 3 * (2 if memory_mib else 4 + 2)  # three batches for each group
    result = work.result()
    assert (result.rows, result.columns, result.count) == (layers, ("0", "2"), 10)
    features = []
    with torch.inference_mode():
        for net, names in ((resnet, layers), (small, ("0", "2"))):
            probe = net.look(net.preprocess(pictures), layers=names)
            features.append([pooled(maps).numpy().astype(np.float64) for maps in probe.activations.values()])
    assert features[0][0].shape == (10, 64 * 7 * 7)  # 32 × 32 maps
    assert features[1][1].shape == (10, 9 * 5 * 5)
    expected = [[numpy_cka(x, y) for y in features[1]] for x in features[0]]
    np.testing.assert_allclose(result.cka, expected, rtol=1e-4)


def test_a_network_with_itself(resnet: zoo.Network, pictures: Tensor) -> None:
    layers = ["conv1", "layer2.0", "layer4.1"]
    work = SimilarityWork(resnet, resnet, pictures, layers_a=layers, layers_b=layers, batch=5)
    assert work.total == 2  # once for both
    while not work.finished:
        assert np.isnan(work.result().cka).all()
        work.step()
    matrix = work.result().cka
    np.testing.assert_allclose(np.diag(matrix), 1, rtol=1e-5)
    np.testing.assert_array_equal(matrix, matrix.T)
    other = network(copy.deepcopy(resnet.module), "copy")
    twice = SimilarityWork(resnet, other, pictures, layers_a=layers, layers_b=layers, batch=5)
    while not twice.finished:
        twice.step()
    np.testing.assert_allclose(twice.result().cka, matrix, rtol=1e-5)


def test_inceptionv1s_joined_layers_can_be_compared(pictures: Tensor) -> None:
    torch.manual_seed(0)
    inception = network(InceptionV1(), "inceptionv1", 224)
    layers = ["conv2d1", "mixed3a", "mixed4c_3x3"]
    work = SimilarityWork(inception, inception, pictures[:3], layers_a=layers, layers_b=layers)
    while not work.finished:
        work.step()
    assert np.isfinite(work.result().cka).all()


def test_what_cannot_be_compared_is_said(resnet: zoo.Network, pictures: Tensor) -> None:
    with pytest.raises(InvalidInputError, match="over 2 pictures"):
        SimilarityWork(resnet, resnet, pictures[:2])
    with pytest.raises(UnknownNameError):
        SimilarityWork(resnet, resnet, pictures, layers_b=["nose"])


def test_divergence_along_the_depth() -> None:
    random = np.random.default_rng(0)
    a = {"one": random.normal(size=(3, 4, 5, 5)), "two": random.normal(size=(3, 2, 2, 2))}
    b = {"one": a["one"] + random.normal(size=(3, 4, 5, 5)), "two": -2 * a["two"]}
    a["one"][1] = b["one"][1] = 0
    a["two"][2] = 0
    found = divergence(*({k: torch.tensor(v) for k, v in x.items()} for x in (a, b)))
    assert found.layers == ("one", "two")
    for number, layer in enumerate(found.layers):
        for picture in range(3):
            x, y = a[layer][picture].ravel(), b[layer][picture].ravel()
            if not x.any():
                expected = (1, np.inf) if y.any() else (0, 0)
            else:
                cosine = 1 - x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
                expected = (cosine, np.linalg.norm(x - y) / np.linalg.norm(x))
            assert found.cosine[number, picture] == pytest.approx(expected[0])
            assert found.relative[number, picture] == pytest.approx(expected[1])
    assert found.relative[1, 0] == pytest.approx(3)
    with pytest.raises(InvalidInputError, match="'two' differs"):
        divergence({"one": torch.zeros(1, 2, 2, 2)}, {"one": torch.zeros(1, 2, 2, 2), "two": torch.zeros(1, 2, 2, 2)})


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_jensen_shannon_is_the_mean_of_two_divergences(seed: int, k: int) -> None:
    random = np.random.default_rng(seed)
    p, q = random.dirichlet(np.full(k, 0.1), 2)
    p[0], q[-1] = 0, 0
    p, q = (d / d.sum() if d.sum() else np.eye(k)[1] for d in (p, q))
    m = (p + q) / 2
    expected = sum(np.sum(d[d > 0] * np.log2(d[d > 0] / m[d > 0])) for d in (p, q)) / 2
    assert float(jensen_shannon(torch.tensor(p), torch.tensor(q))) == pytest.approx(expected, abs=1e-9)
    assert float(jensen_shannon(torch.tensor(p), torch.tensor(p))) == 0


def test_jensen_shannon_of_disjoint_ones_is_one() -> None:
    ends = torch.eye(3)
    np.testing.assert_allclose(jensen_shannon(ends, ends.roll(1, 0)), [1, 1, 1])


def test_predictions() -> None:
    first = torch.tensor([5.0, 4, 3, 2, 1, 0, -1, -2])
    second = torch.tensor([5.0, -9, 3, 2, -9, 4, 6, -2])
    found = compare_predictions(first, second)
    assert (found.same_top1, found.shared_top5) == (False, (0, 2, 3))
    np.testing.assert_array_equal(found.differences, (second - first).numpy())
    p, q = (np.exp(x) / np.exp(x).sum() for x in (first.double().numpy(), second.double().numpy()))
    m = (p + q) / 2
    assert found.jensen_shannon == pytest.approx((np.sum(p * np.log2(p / m)) + np.sum(q * np.log2(q / m))) / 2)
    assert compare_predictions(first, first).same_top1
    with pytest.raises(InvalidInputError, match="of 8 and of 3 classes"):
        compare_predictions(first, torch.zeros(3))


def test_channels_correlate_over_pictures_and_positions() -> None:
    random = np.random.default_rng(0)
    a = random.normal(100, 1, (9, 4, 6, 6)).astype(np.float32)
    b = random.normal(0, 3, (9, 5, 3, 3)).astype(np.float32)
    small = a.reshape(9, 4, 3, 2, 3, 2).mean((3, 5), dtype=np.float64)  # average pooling
    b[:, 0] += 5 * (small[:, 0] - 100)
    b[:, 3] -= 9 * (small[:, 1] - 100)
    b[:, 2] += 9 * (small[:, 2] - 100)
    b[:, 4] = 0.1
    correlation = ChannelCorrelation()
    for part in (slice(0, 2), slice(2, 3), slice(3, 9)):
        correlation.add(torch.tensor(a[part]), torch.tensor(b[part]))
    rows, columns = (np.moveaxis(x, 1, 0).reshape(x.shape[1], -1) for x in (small, b))
    with np.errstate(invalid="ignore"):
        expected = np.corrcoef(rows, columns)[:4, 4:]
    np.testing.assert_allclose(correlation.matrix()[:, :4], expected[:, :4], atol=1e-5)
    assert np.isnan(correlation.matrix()[:, 4]).all()
    same = correlation.same_channels()
    np.testing.assert_array_equal(same.best, expected[:, :4].argmax(1))
    np.testing.assert_allclose(same.diagonal, np.diagonal(expected), atol=1e-5)
    assert same.best[0] == 0
    assert same.best[2] == 2
    assert same.count == sum(int(best == i) for i, best in enumerate(same.best))
    assert same.share == same.count / 4


def test_a_layer_with_itself_has_the_same_channels() -> None:
    maps = torch.randn(3, 6, 4, 4, generator=torch.Generator().manual_seed(0))
    maps[:, 2] = 7.3
    correlation = ChannelCorrelation()
    correlation.add(maps, maps)
    same = correlation.same_channels()
    assert same.best.tolist() == [0, 1, -1, 3, 4, 5]
    assert same.share == pytest.approx(5 / 6)
    assert np.nanmin(same.diagonal) == pytest.approx(1)
