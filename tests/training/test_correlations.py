import numpy as np
import pytest
import torch

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.training.correlations import ActivationCorrelationWork, chosen, weight_correlation


@pytest.fixture
def moved(settings: Settings) -> zoo.Network:
    """The tiny network with other weights, and a channel that never changes."""
    network = zoo.load("tiny", "cpu", settings)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        network.module[3].weight[2] = 0
    return network


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(7, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("samples", [500, 10**6])
def test_activations_correlate_as_numpy_says(
    tiny: zoo.Network, moved: zoo.Network, images: torch.Tensor, samples: int
) -> None:
    work = ActivationCorrelationWork(tiny, moved, images, samples=samples, seed=3, batch=2)
    assert work.total == 2 * 4
    while not work.finished:
        work.step()
    found = work.result()
    assert list(found.layers) == list(tiny.layers)
    for layer in tiny.layers:
        with torch.inference_mode():
            a, b = (
                network.look(network.preprocess(images), layers=[layer]).activations[layer].movedim(1, 0).flatten(1)
                for network in (tiny, moved)
            )
        places = chosen(a.shape[1], samples, 3)
        assert found.samples[layer] == len(places) == min(samples, a.shape[1])
        with np.errstate(invalid="ignore"):
            expected = [
                np.corrcoef(x, y)[0, 1] for x, y in zip(a.double()[:, places], b.double()[:, places], strict=True)
            ]
        np.testing.assert_allclose(found.channels[layer], expected, atol=1e-6)
        assert found.layers[layer] == pytest.approx(np.nanmean(expected), abs=1e-6)
    assert any(np.isnan(values).sum() == 1 for values in found.channels.values())


def test_a_network_is_like_itself(tiny: zoo.Network, images: torch.Tensor) -> None:
    work = ActivationCorrelationWork(tiny, tiny, images)
    while not work.finished:
        work.step()
    assert list(work.result().layers.values()) == pytest.approx([1] * len(tiny.layers))
    assert list(weight_correlation(tiny, tiny).values()) == pytest.approx([1, 1, 1])


def test_weights_correlate_as_numpy_says(tiny: zoo.Network, moved: zoo.Network) -> None:
    found = weight_correlation(tiny, moved)
    assert list(found) == ["0", "3", "7"]
    for name, value in found.items():
        a, b = (network.module.get_submodule(name).weight.detach().double().flatten() for network in (tiny, moved))
        assert value == pytest.approx(np.corrcoef(a, b)[0, 1], abs=1e-9)


def test_other_architectures_and_no_pictures_are_refused(tiny: zoo.Network, images: torch.Tensor) -> None:
    lite0 = zoo.load("efficientnet_lite0", "cpu", Settings(device="cpu"))
    with pytest.raises(InvalidInputError, match="only tiny has"):
        ActivationCorrelationWork(tiny, lite0, images)
    with pytest.raises(InvalidInputError, match="no pictures"):
        ActivationCorrelationWork(tiny, tiny, images[:0])
