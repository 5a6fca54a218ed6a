"""Units of many architectures: each entry in exactly one, nested, and named as a person would name them."""

from itertools import pairwise

import pytest
import timm
import torch
import torchvision
from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1
from torch import nn

from perturber.editing import LEVELS, units


def build(name: str) -> nn.Module:
    with torch.device("meta"):
        if name == "inceptionv1":
            return InceptionV1()
        if name.startswith("timm:"):
            return timm.create_model(name.removeprefix("timm:"))
        extra = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        return torchvision.models.get_model(name, weights=None, **extra)


INCEPTIONS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")

STAGES = {
    "timm:tf_efficientnet_lite0": ["conv_stem", *(f"blocks.{i}" for i in range(7)), "conv_head", "classifier"],
    "resnet50": ["conv1", "layer1", "layer2", "layer3", "layer4", "fc"],
    "googlenet": ["conv1", "conv2", "conv3", *(f"inception{i}" for i in INCEPTIONS), "fc"],
    "inceptionv1": [
        "conv2d0", "conv2d1", "conv2d2", *(f"mixed{i}" for i in INCEPTIONS), "softmax2",
    ],
    "vgg11_bn": [*(f"features.{i}" for i in (0, 4, 8, 11, 15, 18, 22, 25)), *(f"classifier.{i}" for i in (0, 3, 6))],
    "vgg11": [*(f"features.{i}" for i in (0, 3, 6, 8, 11, 13, 16, 18)), *(f"classifier.{i}" for i in (0, 3, 6))],
    "mobilenet_v2": [*(f"features.{i}" for i in range(19)), "classifier.1"],
    "efficientnet_b0": [*(f"features.{i}" for i in range(9)), "classifier.1"],
    "timm:vit_tiny_patch16_224": [
        "cls_token", "pos_embed", "patch_embed", *(f"blocks.{i}" for i in range(12)), "norm", "head",
    ],
    "timm:convnext_tiny": ["stem.0", *(f"stages.{i}" for i in range(4)), "head"],
}  # fmt: skip


@pytest.mark.parametrize("name", STAGES)
def test_stages(name: str) -> None:
    assert list(units(build(name))) == STAGES[name]


@pytest.mark.parametrize("name", [*STAGES, "densenet121", "timm:resnetv2_50", "convnext_tiny", "squeezenet1_1"])
def test_units_divide_a_network_and_nest(name: str) -> None:
    module = build(name)
    of_entry = []
    for level in LEVELS:
        found = units(module, level)
        entries = [entry for names in found.values() for entry in names]
        assert len(entries) == len(set(entries))
        assert set(entries) == set(module.state_dict())
        of_entry.append({entry: unit for unit, names in found.items() for entry in names})
    for coarse, fine in pairwise(of_entry):
        inside = {(fine[entry], coarse[entry]) for entry in fine}
        assert len({unit for unit, _ in inside}) == len(inside)
        assert all(inner.startswith(outer) for inner, outer in inside)
        for unit in set(fine.values()) & set(coarse.values()):  # one name, one meaning
            assert [e for e in fine if fine[e] == unit] == [e for e in coarse if coarse[e] == unit]


def test_a_convolution_goes_with_its_normalisation() -> None:
    layers = units(build("timm:tf_efficientnet_lite0"), "layer")
    parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    assert layers["conv_stem"] == ("conv_stem.weight", *(f"bn1.{part}" for part in parts))
    assert layers["blocks.0.0.conv_pw"][1] == "blocks.0.0.bn2.weight"
    assert units(build("timm:tf_efficientnet_lite0"))["conv_head"][1] == "bn2.weight"
    resnet = units(build("resnet50"), "layer")
    assert resnet["layer1.0.downsample.0"][1] == "layer1.0.downsample.1.weight"
    assert "layer3.5.conv3" in resnet
    assert list(units(build("resnet50"), "block"))[:3] == ["conv1", "layer1.0", "layer1.1"]
    before = units(build("timm:resnetv2_50"), "layer")  # what normalises a sum of branches goes with no convolution
    assert before["stages.0.blocks.1.norm1"] == tuple(f"stages.0.blocks.1.norm1.{part}" for part in parts)


def test_lucids_convolutions_are_named_by_what_they_give() -> None:
    module = build("inceptionv1")
    assert units(module)["mixed3a"][:2] == ("mixed3a_1x1_pre_relu_conv.weight", "mixed3a_1x1_pre_relu_conv.bias")
    assert len(units(module)["mixed3a"]) == 12
    assert list(units(module, "layer"))[3:5] == ["mixed3a_1x1", "mixed3a_3x3_bottleneck"]


def test_two_layers_stay_two_where_one_neighbour_would_name_both() -> None:
    module = nn.ModuleDict({"act": nn.ReLU(), "act_a": nn.Conv2d(3, 4, 1), "act_b": nn.Conv2d(4, 5, 1)})
    assert list(units(module)) == ["act"]
    assert list(units(module, "layer")) == ["act_a", "act_b"]
