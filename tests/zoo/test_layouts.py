"""Every layout and format of weights: a file as its authors write it gives the network its tensors again."""

import json
from collections import OrderedDict
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.zoo import entry, tfjs
from perturber.zoo.architectures import build
from perturber.zoo.fitting import fit
from perturber.zoo.reading import read_parts
from perturber.zoo.weights import digest, fill

State = dict[str, Tensor]


def fill_from(path: Path, module: nn.Module, layout: str) -> None:
    fill(module, fit(read_parts(path), module, path.name, layout=layout).state)


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None)


def robustness(state: State) -> dict:
    """As MadryLab's robustness saves an AttackerModel inside DataParallel (robustness/train.py, attacker.py)."""
    normaliser = {"new_mean": torch.zeros(3, 1, 1), "new_std": torch.ones(3, 1, 1)}
    keys = OrderedDict((f"module.normalizer.{k}", v) for k, v in normaliser.items())
    keys |= {f"module.model.{k}": v for k, v in state.items()}
    keys |= {f"module.attacker.normalize.{k}": v for k, v in normaliser.items()}
    keys |= {f"module.attacker.model.{k}": v for k, v in state.items()}
    return {"model": keys, "epoch": 90, "schedule": None, "optimizer": {"state": {}, "param_groups": []}}


WRITERS = {
    "same": lambda state: state,
    "robustness": robustness,
    "robustness_bare": lambda state: {"state_dict": {f"model.{k}": v for k, v in state.items()}, "lr": 0.1},
    "data_parallel": lambda state: {
        "epoch": 60,
        "arch": "resnet50",
        "state_dict": OrderedDict((f"module.{k}", v) for k, v in state.items() if not k.endswith("_tracked")),
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    },
    "torchvision": lambda state: {**state, "aux1.conv.weight": torch.zeros(1)},
}
"""Layout → what its authors put into a file."""


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".pth.tar"])
@pytest.mark.parametrize("layout", WRITERS)
def test_a_wrapped_checkpoint_fills_the_network(
    layout: str, suffix: str, named: bool, resnet: nn.Module, tmp_path: Path
) -> None:
    path = tmp_path / f"w{suffix}"
    torch.save(WRITERS[layout](resnet.state_dict()), path)
    torch.manual_seed(1)
    other = torchvision.models.resnet18(weights=None)
    fill_from(path, other, layout if named else "auto")
    for name, tensor in resnet.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


def test_what_fits_no_layout_is_named(resnet: nn.Module) -> None:
    with pytest.raises(InvalidInputError, match=r"none of their names .* hold strange.weight; it wants conv1.weight, "):
        fit({"": {"strange.weight": torch.zeros(1)}}, resnet, "w.pth")


def test_googlenet_as_torchvision_publishes_it() -> None:
    """With its auxiliary classifiers, and for pictures that torchvision itself brings into another scale."""
    torch.manual_seed(0)
    theirs = torchvision.models.googlenet(weights=None, aux_logits=True, transform_input=True, init_weights=False)
    theirs.eval()
    row = entry("googlenet", Settings().models)
    ours = build(row.architecture, 1000).eval()
    fill(ours, fit({"": theirs.state_dict()}, ours, "googlenet", layout=row.weights.layout).state)
    images = torch.rand(2, 3, 64, 64)
    imagenet_mean, imagenet_std = (
        torch.tensor(v).view(3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    )
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (row.mean, row.std))
    with torch.inference_mode():
        expected = theirs((images - imagenet_mean) / imagenet_std)
        torch.testing.assert_close(ours((images - mean) / std), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "resnet50", "vgg16"])
def test_torchvisions_urls_and_preprocessing_are_its_own(name: str) -> None:
    row = entry(name, Settings().models)
    weights = torchvision.models.get_model_weights(name).IMAGENET1K_V1
    assert row.weights.place["url"] == weights.url
    assert weights.url.endswith(f"-{row.weights.sha256}.pth")
    preset = weights.transforms()
    assert [row.input_size] == preset.crop_size
    assert [row.resize] == preset.resize_size
    if name != "googlenet":
        assert list(row.mean) == preset.mean
        assert list(row.std) == preset.std


def test_a_keras_file_computes_the_same(tmp_path: Path) -> None:
    """A convolution in Keras' layout, written out, against the network that the file fills."""
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 3, 2, 4)).astype("f"), rng.normal(size=4).astype("f")
    depthwise, matrix = rng.normal(size=(3, 3, 4, 2)).astype("f"), rng.normal(size=(8, 5)).astype("f")
    norm = {k: rng.uniform(0.5, 2, 4).astype("f") for k in ("gamma", "beta", "moving_mean", "moving_variance")}
    layers = {
        "first": {"kernel:0": kernel, "bias:0": bias},
        "norm": {f"{k}:0": v for k, v in norm.items()},
        "depth": {"depthwise_kernel:0": depthwise},
        "dense": {"kernel:0": matrix},
    }
    with h5py.File(tmp_path / "m.h5", "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = list(layers)
        for name, weights in layers.items():
            for kind, value in weights.items():
                root.create_dataset(f"{name}/{name}/{kind}", data=value)
    module = nn.Sequential()
    module.add_module("first", nn.Conv2d(2, 4, 3))
    module.add_module("norm", nn.BatchNorm2d(4, eps=1e-3))
    module.add_module("depth", nn.Conv2d(4, 8, 3, groups=4, bias=False))
    module.add_module("pool", nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    module.add_module("dense", nn.Linear(8, 5, bias=False))
    fill_from(tmp_path / "m.h5", module.eval(), "keras")

    picture = rng.normal(size=(6, 6, 2))
    maps = np.array(
        [[np.einsum("abi,abio->o", picture[y : y + 3, x : x + 3], kernel) + bias for x in range(4)] for y in range(4)]
    )
    maps = (maps - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3) * norm["gamma"] + norm["beta"]
    deep = np.array(
        [[np.einsum("abi,abim->im", maps[y : y + 3, x : x + 3], depthwise).ravel() for x in range(2)] for y in range(2)]
    )
    expected = deep.mean((0, 1)) @ matrix
    with torch.inference_mode():
        found = module(torch.tensor(picture).permute(2, 0, 1)[None].float())[0]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-4)


def test_a_keras_file_without_layer_names_is_refused(tmp_path: Path) -> None:
    h5py.File(tmp_path / "m.h5", "w").close()
    with pytest.raises(InvalidInputError, match=r"model.save\('model.h5'\)"):
        read_parts(tmp_path / "m.h5")


def tensorflow_names(key: str, style: str) -> str:
    layer, kind = key.removesuffix("_conv.weight").removesuffix("_conv.bias"), key.rpartition(".")[2]
    layer = layer.removesuffix("_pre_relu").partition("_pre_activation")[0]
    long, short = {"weight": ("kernel", "w"), "bias": ("bias", "b")}[kind]
    return {
        "lucid": f"{layer}_{short}",
        "keras": f"{layer}/{long}",
        "nested": f"{layer}_pre_relu/conv/{long}:0",
        "repeated": f"{layer}_conv/{layer}_conv/{long}:0",
    }[style]


def write_tfjs(folder: Path, weights: dict[str, np.ndarray], *, quantised: str | None = None, shards: int = 3) -> Path:
    """A TensorFlow.js layers model, as tensorflowjs_converter writes it (write_weights.py)."""
    rows, data = [], b""
    for name, value in weights.items():
        row = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        if quantised and name.startswith("mixed"):
            low, high = float(value.min()), float(value.max())
            scale = (high - low) / np.iinfo(quantised).max
            row["quantization"] = {"dtype": quantised, "scale": scale, "min": low, "original_dtype": "float32"}
            value = np.round((value - low) / scale).astype(quantised)
        rows.append(row)
        data += value.tobytes()
    cuts = [len(data) * i // shards for i in range(shards + 1)]
    names = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    for name, start, end in zip(names, cuts, cuts[1:], strict=False):
        (folder / name).write_bytes(data[start:end])
    model = {"format": "layers-model", "modelTopology": {}, "weightsManifest": [{"paths": names, "weights": rows}]}
    (folder / "model.json").write_text(json.dumps(model))
    return folder / "model.json"


@pytest.fixture(scope="module")
def inception() -> nn.Module:
    torch.manual_seed(0)
    return build("lucent:inceptionv1", 1008).eval()


def as_tensorflow(module: nn.Module, style: str) -> dict[str, np.ndarray]:
    state = {k: v.numpy() for k, v in module.state_dict().items()}
    swapped = {k: v.transpose(2, 3, 1, 0) if v.ndim == 4 else v.T for k, v in state.items()}
    return {tensorflow_names(k, style): np.ascontiguousarray(v) for k, v in swapped.items()}


@pytest.mark.parametrize("style", ["lucid", "keras", "nested", "repeated"])
def test_the_thesis_release_fills_inceptionv1(style: str, inception: nn.Module, tmp_path: Path) -> None:
    weights = as_tensorflow(inception, style) | {
        "softmax0_w": np.zeros((2, 2), "f"),
        "head0_bottleneck_b": np.zeros(3, "f"),
    }
    path = write_tfjs(tmp_path, weights)
    other = build("lucent:inceptionv1", 1008)
    layout = "auto" if style == "keras" else "inceptionv1_tensorflow"
    fill_from(path, other, layout)
    for name, tensor in inception.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


@pytest.mark.parametrize(("quantised", "steps"), [("uint8", 255), ("uint16", 65535)])
def test_quantised_weights_are_off_by_half_a_step(
    quantised: str, steps: int, inception: nn.Module, tmp_path: Path
) -> None:
    weights = as_tensorflow(inception, "lucid")
    read = tfjs.read(write_tfjs(tmp_path, weights, quantised=quantised))
    for name, value in weights.items():
        allowed = (value.max() - value.min()) / steps * 0.51 + 1e-6 if name.startswith("mixed") else 0
        assert np.abs(read[name].numpy() - value).max() <= allowed, name


def test_broken_tfjs_models_are_refused(tmp_path: Path) -> None:
    path = write_tfjs(tmp_path, {"a": np.ones((2, 3), "f")})
    before = digest(path)
    shard = tmp_path / "group1-shard2of3.bin"
    content = shard.read_bytes()
    for changed, sentence in ((content + b"123", "3 bytes longer"), (content[:-1], "end inside the weight 'a'")):
        shard.write_bytes(changed)
        assert digest(path) != before
        with pytest.raises(InvalidInputError, match=sentence):
            read_parts(path)
    shard.unlink()
    with pytest.raises(InvalidInputError, match=r"shard2of3.bin' of .* is missing"):
        read_parts(path)
    for said, sentence in (
        ({"weightsManifest": [{"paths": ["../secret"], "weights": []}]}, "must lie beside it"),
        ({"weightsManifest": [{"paths": [], "weights": [{"name": "s", "shape": [1], "dtype": "string"}]}]}, "'string'"),
        ({"weightsManifest": 3}, "not the model.json"),
        ([], "none of safetensors"),
    ):
        path.write_text(json.dumps(said))
        with pytest.raises(InvalidInputError, match=sentence):
            read_parts(path)


def test_inceptionv1_gives_logits(inception: nn.Module) -> None:
    """Behind a softmax they would be what Lucent's own module gives."""
    from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1

    theirs = InceptionV1().eval()
    theirs.load_state_dict(inception.state_dict())
    images = torch.rand(2, 3, 224, 224) * 255 - 117
    row = entry("inceptionv1", Settings().models)
    with torch.inference_mode():
        logits = inception(images)
        torch.testing.assert_close(logits.softmax(1), theirs(images))
    assert not torch.allclose(logits.sum(1), torch.ones(2))
    shown = (torch.tensor([0.0, 1.0]) - row.mean[0]) / row.std[0]
    torch.testing.assert_close(shown, torch.tensor([-117.0, 138.0]), atol=1e-3, rtol=0)
