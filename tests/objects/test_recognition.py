"""Real networks see in the library's objects what they are meant to be."""

import pytest
import torch

from perturber import zoo
from perturber.config import Settings
from perturber.render import Renderer
from perturber.scene import Scene

DOGS, CATS, FIRE_ENGINE, RACERS = set(range(151, 269)), set(range(281, 286)), {555}, {751, 817}

OBJECTS = {
    "dog": ("dog_cat", 0, "lawn", DOGS),
    "cat": ("dog_cat", 1, "lawn", CATS),
    "fire truck": ("firetruck_racecar", 0, "street", FIRE_ENGINE),
    "race car": ("firetruck_racecar", 1, "street", RACERS),
}

VIEWS = [{"yaw": yaw, "pitch": pitch} for yaw in (-70, -46.7, -23.3, 0, 23.3, 46.7, 70) for pitch in (0, -16.7)]


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture(scope="module")
def network() -> zoo.Network:
    return zoo.load("efficientnet_lite0", device="cpu", settings=Settings())


def best(network: zoo.Network, pictures: torch.Tensor, count: int) -> list[list[int]]:
    logits = network.look(network.preprocess(pictures)).logits
    assert logits is not None
    return logits.topk(count).indices.tolist()


@pytest.mark.parametrize("name", OBJECTS)
def test_default_view_is_recognised(name: str, renderer: Renderer, network: zoo.Network) -> None:
    pair, morph, background, right = OBJECTS[name]
    with torch.inference_mode():
        picture = renderer.render([Scene.parse({"object": pair, "morph": morph, "background": background})])
        (first,) = best(network, picture, 1)
    assert first[0] in right, network.classes[first[0]]


@pytest.mark.parametrize("name", OBJECTS)
def test_most_views_are_recognised(name: str, renderer: Renderer, network: zoo.Network) -> None:
    pair, morph, background, right = OBJECTS[name]
    base = {"object": pair, "morph": morph, "background": background}
    with torch.inference_mode():
        pictures = renderer.render([Scene.parse({**base, **view}) for view in VIEWS])
        hits = [bool(right & set(five)) for five in best(network, pictures, 5)]
    assert sum(hits) >= 0.85 * len(VIEWS)
