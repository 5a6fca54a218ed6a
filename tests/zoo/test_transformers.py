"""Token maps of vision transformers, against plain hooks and plain reshaping."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.featurevis import Optimisation, Recipe, Target
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, RankRequest, SlotRequest

CASES: dict[str, tuple[Callable[[], nn.Module], str, int, int, int]] = {
    "timm": (lambda: timm.create_model("vit_tiny_patch16_224"), "blocks.{}", 12, 14, 192),
    "torchvision": (
        lambda: torchvision.models.vit_b_16(weights=None),
        "encoder.layers.encoder_layer_{}",
        12,
        14,
        768,
    ),
    "registers": (
        lambda: timm.create_model("vit_tiny_patch16_224", reg_tokens=4, depth=3, patch_size=32),
        "blocks.{}",
        3,
        7,
        192,
    ),
    "no class token": (
        lambda: timm.create_model("vit_tiny_patch16_224", class_token=False, global_pool="avg", depth=2),
        "blocks.{}",
        2,
        14,
        192,
    ),
}
"""What it is → how it is made, its blocks' names, how many, patches along a side, channels."""


@pytest.mark.parametrize("case", CASES)
def test_blocks_show_their_patches_as_maps(case: str) -> None:
    make, pattern, count, side, channels = CASES[case]
    torch.manual_seed(0)
    network = zoo.Network(zoo.entry("efficientnet_lite0", Settings().models), make())
    blocks = [pattern.format(i) for i in range(count)]
    assert [name for name in network.layers if name in blocks] == blocks
    seen: dict[str, Tensor] = {}
    for name in blocks:
        part = network.module.get_submodule(name)
        part.register_forward_hook(lambda _, __, output, name=name: seen.setdefault(name, output))
    inputs = network.preprocess(torch.rand(2, 3, 224, 224))
    with torch.inference_mode():
        plain = network.module(inputs)
        probe = network.look(inputs, layers=blocks, features=True)
    torch.testing.assert_close(probe.logits, plain, atol=1e-5, rtol=1e-4)
    for name in blocks:
        layer = network.layers[name]
        assert (layer.channels, layer.height, layer.width, layer.field) == (channels, side, side, None)
        maps = probe.activations[name].numpy()
        for row, column in ((0, 0), (1, 3), (side - 1, side - 1)):
            token = seen[name][:, row * side + column - side * side].numpy()
            np.testing.assert_allclose(maps[:, :, row, column], token, atol=1e-5)
    # Behind the last block a class token alone counts: Grad-CAM stands on what goes into it.
    last = blocks[-1 if case == "no class token" else -2]
    torch.testing.assert_close(probe.features, probe.activations[last])
    assert network.default_layer in blocks


def test_a_small_transformer_is_explained_ranked_and_visualised(
    add: Callable[..., zoo.ModelEntry], own_settings: Settings
) -> None:
    add("vit", "transformer")
    add("flat", "perceptron")
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    with InferenceService(own_settings) as service:
        slot = SlotRequest(model="vit", layer="blocks.1", channels=(0, 23), explain=3)
        look = service.look(LookRequest(scene=Scene(), image=picture, slots=(slot,)))
        answer = look.slots[0]
        assert answer.activations is not None
        assert answer.activations.shape == (2, 4, 4)
        assert answer.explanation is not None
        assert answer.explanation.cam.shape == (4, 4)
        assert answer.explanation.cam.max() > 0
        assert np.abs(answer.explanation.gradient).max() > 0
        for by in ("active", "relevant"):
            ranking = service.rank(RankRequest(by=by, scene=Scene(), image=picture, model="vit", layer="blocks.1"))
            assert len(set(ranking.scores)) > 1
        assert service.model("flat").layers == {}
        blank = service.look(LookRequest(scene=Scene(), image=picture, slots=(SlotRequest(model="flat"),)))
        assert len(blank.slots[0].top or ()) == 5
        with pytest.raises(InvalidInputError, match="flat has no feature maps"):
            service.look(LookRequest(scene=Scene(), image=picture, slots=(replace(slot, model="flat", layer=None),)))
    network = zoo.load("vit", "cpu", own_settings)
    assert network.maps
    assert not zoo.load("flat", "cpu", own_settings).maps
    for target in (Target(layer="blocks.1", index=5), Target(kind="class", index=3)):
        optimisation = Optimisation(network, [target], Recipe(size=32, steps=3))
        for _ in range(3):
            optimisation.step()
        assert optimisation.pictures().shape == (1, 1, 32, 32, 3)
