"""Feature visualisations: they excite their neuron, and are the same each time."""

import numpy as np
import pytest
import torch

from perturber import zoo
from perturber.config import Settings
from perturber.featurevis import Neuron, Visualisation

NEURON = Neuron("efficientnet_lite0", "blocks.1.0", 5)


@pytest.fixture(scope="module")
def network() -> zoo.Network:
    return zoo.load("efficientnet_lite0", device="cpu", settings=Settings())


def response(network: zoo.Network, picture: np.ndarray) -> float:
    images = torch.tensor(picture).permute(2, 0, 1)[None] / 255
    layer = network.look(network.preprocess(images), layers=(NEURON.layer,), logits=False).activations[NEURON.layer]
    return float(layer[0, NEURON.channel, layer.shape[2] // 2, layer.shape[3] // 2])


def test_the_neuron_responds_more_and_more(network: zoo.Network) -> None:
    visualisation = Visualisation(network, NEURON)
    start = response(network, visualisation.picture())
    for _ in range(30):
        visualisation.step()
    assert response(network, visualisation.picture()) > start + 1
    assert not visualisation.finished


def test_a_picture_does_not_depend_on_what_happens_between_its_steps(network: zoo.Network) -> None:
    alone, disturbed, other = (Visualisation(network, NEURON, seed=s) for s in (0, 0, 1))
    before = torch.get_rng_state()
    for _ in range(4):
        alone.step()
    assert torch.equal(torch.get_rng_state(), before)
    for _ in range(4):
        disturbed.step()
        torch.randn(7)
        np.random.rand(3)
        with torch.inference_mode():
            other.step()
    np.testing.assert_array_equal(alone.picture(), disturbed.picture())
    assert not np.array_equal(alone.picture(), other.picture())


@pytest.mark.parametrize(
    ("text", "neuron"),
    [
        ("blocks.3.0:17", Neuron("first", "blocks.3.0", 17)),
        ("efficientnet_lite1/conv_stem:0", Neuron("efficientnet_lite1", "conv_stem", 0)),
    ],
)
def test_names_of_neurons(text: str, neuron: Neuron) -> None:
    assert Neuron.parse(text, "first") == neuron
