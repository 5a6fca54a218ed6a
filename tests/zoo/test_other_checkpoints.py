"""Other people's checkpoints as they really come: what can be opened safely opens, and what was done is said."""

import argparse
import collections
import datetime
import gzip
import pathlib
import pickle
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.zoo import load
from perturber.zoo.architectures import build
from perturber.zoo.fitting import fit
from perturber.zoo.inspection import inspect
from perturber.zoo.reading import ALLOWED, read_parts
from perturber.zoo.signatures import architectures
from perturber.zoo.weights import fill

State = dict[str, Tensor]

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "torchvision:mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(weights=None, num_classes=10),
    "timm:resnet10t": lambda: timm.create_model("resnet10t", num_classes=10),
    "timm:vit_tiny_patch16_224": lambda: timm.create_model("vit_tiny_patch16_224", num_classes=10),
}


@pytest.fixture(scope="module", params=NETWORKS)
def pair(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    """A network whose weights are saved, and another one that they are to fill."""
    torch.manual_seed(0)
    plain, blank = (NETWORKS[request.param]().eval() for _ in range(2))
    for name, buffer in plain.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.uniform_(0.5, 1.5)
    return plain, blank


def named(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": tensor for key, tensor in state.items()}


def other(state: State) -> State:
    """Weights that must not be taken."""
    return {key: tensor + 1 if tensor.is_floating_point() else tensor for key, tensor in state.items()}


def inside(state: State) -> State:
    """Names as a DataParallel or a compiled part inside of the network makes them."""
    return {key.replace(".", ".module.", 1) if key.count(".") > 1 else key: tensor for key, tensor in state.items()}


MANNERS: dict[str, tuple[Callable[[State], Any], str]] = {
    "bare": (lambda s: s, ""),
    "ordered": (lambda s: collections.OrderedDict(s), ""),
    "data parallel": (lambda s: {"state_dict": named("module.", s), "epoch": 3}, "'module.'"),
    "compiled": (lambda s: named("_orig_mod.", s), "'_orig_mod.'"),
    "compiled in parallel": (lambda s: {"model": named("module._orig_mod.", s)}, "'_orig_mod.' and 'module.'"),
    "parallel twice": (lambda s: {"net": named("module._orig_mod.module.", s)}, "stripped"),
    "parallel inside": (inside, "'module.'"),
    "lightning": (
        lambda s: {
            "state_dict": {
                **named("model.", s),
                "criterion.weight": torch.ones(10),
                "train_acc.tp": torch.zeros(10),
                "loss_fn.pos_weight": torch.ones(1),
            },
            "hyper_parameters": {"args": argparse.Namespace(lr=0.1)},
            "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 0.1}]}],
            "callbacks": {"best": np.float64(0.3)},
        },
        r"state_dict.criterion, state_dict.train_acc, state_dict.loss_fn, optimizer_states",
    ),
    "criterion inside": (lambda s: {**s, "criterion.weight": torch.ones(10)}, "criterion"),
    "profiled": (
        lambda s: {**s, "total_ops": torch.zeros(1), "total_params": torch.zeros(1)},
        "total_ops, total_params",
    ),
    "counters": (lambda s: {**s, "epoch": torch.tensor(3), "best": torch.tensor([0.5])}, "epoch, best"),
    "averaged": (lambda s: {"n_averaged": torch.tensor(3), **named("module.", s)}, "n_averaged"),
    "network": (lambda s: {"network": s, "seed": 1}, ""),
    "weights": (lambda s: {"weights": s}, ""),
    "params": (lambda s: {"params": {"net": s}}, ""),
    "deep": (lambda s: {"checkpoint": {"model_state": named("backbone.encoder.", s)}}, "'backbone.encoder.'"),
    "ema": (lambda s: {"state_dict": other(s), "state_dict_ema": s}, "averaged (EMA) ones in 'state_dict_ema'"),
    "model_ema": (lambda s: {"model": other(s), "model_ema": {"module": s}, "epoch": 2}, "--no-ema takes the plain"),
    "teacher": (lambda s: {"student": named("module.", other(s)), "teacher": s}, "averaged (EMA) ones in 'teacher'"),
    "equal twice": (lambda s: {"best": s, "last": dict(s)}, "left out: last"),
    "companions": (
        lambda s: {
            "model": s,
            "args": argparse.Namespace(out=pathlib.Path("/x"), device=torch.device("cpu"), dtype=torch.float32),
            "best": np.float32(0.5),
            "kind": np.dtype("f4"),
            "history": collections.defaultdict(list, loss=[0.1]),
            "when": datetime.datetime(2020, 1, 1),
            "config": types.SimpleNamespace(lr=1),
            "rng": np.random.RandomState(0).get_state(),
        },
        "left out: rng",
    ),
    "arrays": (lambda s: {key: tensor.numpy() for key, tensor in s.items()}, ""),
    "double": (
        lambda s: {key: tensor.double() if tensor.is_floating_point() else tensor for key, tensor in s.items()},
        "",
    ),
}
"""How a checkpoint is written, and what is said of it."""


@pytest.mark.parametrize("manner", MANNERS)
def test_logits_are_those_of_the_plain_network(manner: str, pair: tuple[nn.Module, nn.Module], tmp_path: Path) -> None:
    """66 checkpoints, in both of PyTorch's formats; none tells by its name what it is."""
    (plain, blank), (write, said) = pair, MANNERS[manner]
    path = tmp_path / ("w.bin", "w.best", "w")[len(manner) % 3]
    torch.save(write(plain.state_dict()), path, _use_new_zipfile_serialization=len(manner) % 2 == 0)
    notes = fill_from(path, blank)
    assert_same(blank, plain)
    assert said in notes
    assert bool(said) == bool(notes)


def fill_from(path: Path, module: nn.Module, **options: Any) -> str:
    """Fill a network, whose values are made unlike any first, and return what is said of it."""
    for tensor in module.state_dict().values():
        tensor.fill_(3)
    found = fit(read_parts(path), module, path.name, **options)
    fill(module, found.state)
    return " ".join(found.notes)


def assert_same(one: nn.Module, two: nn.Module) -> None:
    with torch.inference_mode():
        pictures = torch.rand(1, 3, 224, 224)
        torch.testing.assert_close(one(pictures), two(pictures), atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return torchvision.models.resnet18(weights=None, num_classes=10).eval()


@pytest.mark.parametrize("ema", [True, False])
def test_averaged_or_plain_weights_can_be_chosen(ema: bool, resnet: nn.Module, tmp_path: Path) -> None:
    state = resnet.state_dict()
    torch.save({"model": other(state), "model_ema": state}, tmp_path / "w.pth")
    blank = torchvision.models.resnet18(num_classes=10).eval()
    notes = fill_from(tmp_path / "w.pth", blank, ema=ema)
    assert torch.equal(blank.conv1.weight, resnet.conv1.weight) == ema
    assert ("the plain ones in 'model'" in notes) != ema


def test_which_of_two_is_a_question(resnet: nn.Module, tmp_path: Path) -> None:
    torch.save({"first": resnet.state_dict(), "second": other(resnet.state_dict())}, tmp_path / "w.pth")
    with pytest.raises(InvalidInputError, match="more than once: 'first', 'second'"):
        fit(read_parts(tmp_path / "w.pth"), resnet, "w.pth")


def test_the_old_names_of_densenet() -> None:
    """torchvision's published weights, which it renames with an expression of its own (models/densenet.py)."""
    torch.manual_seed(0)
    plain, blank = (torchvision.models.densenet121(weights=None, num_classes=10).eval() for _ in range(2))
    old = {}
    for key, tensor in plain.state_dict().items():
        head, sign, tail = key.partition("denselayer")
        old[head + sign + tail.replace("norm", "norm.").replace("conv", "conv.")] = tensor
    found = fit({"": old}, blank, "w.pth")
    fill(blank, found.state)
    assert_same(blank, plain)
    assert "before 0.3" in found.notes[0]


def test_the_names_of_an_architectures_authors() -> None:
    """ConvNeXt as its authors publish it (facebookresearch/ConvNeXt), for timm's."""
    torch.manual_seed(0)
    plain, blank = (timm.create_model("convnext_atto", num_classes=10).eval() for _ in range(2))
    renamed = {
        "stem.": "downsample_layers.0.",
        ".blocks.": ".",
        "conv_dw": "dwconv",
        "mlp.fc1": "pwconv1",
        "mlp.fc2": "pwconv2",
        "head.fc": "head",
        "head.norm": "norm",
    }
    theirs = {}
    for key, tensor in plain.state_dict().items():
        if ".downsample." in key:
            key = key.replace("stages.", "downsample_layers.").replace(".downsample", "")
        for ours, name in renamed.items():
            key = key.replace(ours, name)
        theirs[key] = tensor
    found = fit({"model": theirs}, blank, "w.pth")
    fill(blank, found.state)
    assert_same(blank, plain)
    assert "of its authors" in found.notes[0]


ALLOWED_NAMES = [one[1] if isinstance(one, tuple) else f"{one.__module__}.{one.__qualname__}" for one in ALLOWED]


def archive(path: Path, pickled: bytes) -> Path:
    """A file as torch.save makes it, around these opcodes."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("w/data.pkl", pickled)
        file.writestr("w/version", "3")
    return path


def made(name: str) -> bytes:
    module, _, member = name.rpartition(".")
    return f"c{module}\n{member}\n".encode()


class Touch:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return (Path.touch, (self.target,))


@pytest.mark.parametrize("name", ALLOWED_NAMES)
def test_a_hostile_pickle_for_each_allowed_type_runs_nothing(name: str, tmp_path: Path) -> None:
    """As an argument, as the state of what is made, and as what a type is called with by itself."""
    target = tmp_path / "touched"
    call = pickle.dumps(Touch(target), protocol=2)[2:-1]
    text = pickle.dumps(str(target), protocol=2)[2:-1]
    state = pickle.dumps({"__class__": str(target), "__reduce__": 1}, protocol=2)[2:-1]
    with pytest.raises(InvalidInputError, match="was refused: it contains more than tensors"):
        read_parts(archive(tmp_path / "w.bin", b"\x80\x02" + made(name) + b"(" + call + b"tR."))
    for opcodes in (
        b"\x80\x02" + made(name) + b")\x81" + call + b"b.",
        b"\x80\x02" + made(name) + b"(" + text + b"tR.",
        b"\x80\x02" + made(name) + b")\x81" + state + b"b.",
    ):
        with pytest.raises(InvalidInputError):
            read_parts(archive(tmp_path / "w.bin", opcodes))
    assert not target.exists()


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "builtins.getattr", "torch.load", "numpy.load"])
def test_other_functions_are_named_and_not_called(name: str, tmp_path: Path) -> None:
    opcodes = b"\x80\x02" + made(name) + b"(" + pickle.dumps("echo", protocol=2)[2:-1] + b"tR."
    with pytest.raises(InvalidInputError, match=f"was refused: .*{name.removeprefix('builtins.')}"):
        read_parts(archive(tmp_path / "w.bin", opcodes))


def test_a_whole_pickled_network_is_refused(resnet: nn.Module, tmp_path: Path) -> None:
    torch.save(resnet, tmp_path / "w.pth")
    with pytest.raises(InvalidInputError, match=r"\(torchvision.models.resnet.ResNet\) and could run code"):
        read_parts(tmp_path / "w.pth")


def test_what_refers_to_itself_ends(tmp_path: Path) -> None:
    loop: dict[str, Any] = {"weight": torch.zeros(1)}
    loop["again"] = loop
    wide: list[Any] = [loop]
    for _ in range(60):
        wide = [wide, wide]
    torch.save({"loop": loop, "wide": wide}, tmp_path / "w.pth")
    assert list(read_parts(tmp_path / "w.pth")) == ["loop"]


def torchscript(path: Path) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path)


def cut(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def wrapped(path: Path) -> None:
        write(path)
        path.write_bytes(path.read_bytes()[:-200])

    return wrapped


def keras(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["a"]
        file.create_dataset("a/kernel:0", data=np.zeros((64, 64)))


OTHERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "page": (lambda p: p.write_text("\n<!DOCTYPE html><html><title>Quota exceeded</title>"), "is a web page"),
    "error": (lambda p: p.write_text("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"), "is a web page"),
    "pointer": (
        lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"),
        "is a Git LFS pointer",
    ),
    "script": (torchscript, "is a TorchScript archive"),
    "gzip": (lambda p: p.write_bytes(gzip.compress(b"weights")), "is a packed archive"),
    "pickle": (lambda p: p.write_bytes(pickle.dumps({"w": [0.0] * 99}, protocol=4)), "is a plain pickle"),
    "protocol": (lambda p: torch.save({"w": torch.zeros(1)}, p, pickle_protocol=4), "pickle protocol"),
    "index": (lambda p: p.write_text('{"weight_map": {"w": "model-00001.safetensors"}}'), "only the index"),
    "empty": (lambda p: p.touch(), "is empty"),
    "text": (lambda p: p.write_text("Not Found"), "cannot be read as weights: by its content"),
    "zip": (lambda p: archive_of(p, "readme.txt"), "torch.save has not made"),
    "cut": (cut(lambda p: torch.save({"w": torch.zeros(1000)}, p)), "is cut off"),
    "cut old": (
        cut(lambda p: torch.save({"w": torch.zeros(1000)}, p, _use_new_zipfile_serialization=False)),
        "is cut off",
    ),
    "cut safetensors": (cut(lambda p: save_file({"w": torch.zeros(1000)}, p)), "is cut off"),
    "cut keras": (cut(keras), "is cut off"),
    "no tensors": (lambda p: torch.save({"epoch": 3, "args": {"lr": 1}}, p), "does not hold .* but 'epoch', 'args'"),
    "sparse": (lambda p: torch.save({"w": torch.eye(3).to_sparse()}, p), "tensor 'w' .* is sparse"),
    "meta": (lambda p: torch.save({"w": torch.zeros(3, device="meta")}, p), "tensor 'w' .* without values"),
}
"""What is no file of weights, or none that can be used → what it is called."""


def archive_of(path: Path, name: str) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(name, "")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ""])
@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_file_of_weights_is_called_what_it_is(what: str, suffix: str, tmp_path: Path) -> None:
    write, sentence = OTHERS[what]
    write(tmp_path / f"w{suffix}")
    with pytest.raises(InvalidInputError, match=sentence):
        read_parts(tmp_path / f"w{suffix}")


def test_arrays_of_numpy(resnet: nn.Module, tmp_path: Path) -> None:
    with (tmp_path / "w.weights").open("wb") as file:
        np.savez(file, **{key: tensor.numpy() for key, tensor in resnet.state_dict().items()})
    blank = torchvision.models.resnet18(num_classes=10).eval()
    fill_from(tmp_path / "w.weights", blank)
    assert_same(blank, resnet)


NORMALISATIONS: dict[str, Callable[[State], Any]] = {
    "normalize": lambda s: {**named("model.", s), "normalize.mean": MEAN.view(1, 3, 1, 1), "normalize.std": STD},
    "beside": lambda s: {**s, "normalize.mean": MEAN, "normalize.std": STD},
    "robustbench": lambda s: {**s, "mu": MEAN.view(3, 1, 1), "sigma": STD.view(3, 1, 1)},
    "in parallel": lambda s: named("module.", {**named("model.", s), "mu": MEAN * 255, "sigma": STD * 255}),
    "sequential": lambda s: {"state_dict": {"0.mean": MEAN, "0.std": STD, **named("1.", s)}},
    "robustness": lambda s: {
        "model": {
            **named("module.normalizer.new_", {"mean": MEAN, "std": STD}),
            **named("module.model.", s),
            **named("module.attacker.normalize.new_", {"mean": MEAN, "std": STD}),
            **named("module.attacker.model.", s),
        }
    },
}
MEAN, STD = torch.tensor([0.4914, 0.4822, 0.4465]), torch.tensor([0.247, 0.2435, 0.2616])


@pytest.mark.parametrize("manner", NORMALISATIONS)
def test_a_normalisation_in_the_file_is_taken_over(manner: str, resnet: nn.Module, tmp_path: Path) -> None:
    torch.save(NORMALISATIONS[manner](resnet.state_dict()), tmp_path / "w.pt")
    found = fit(read_parts(tmp_path / "w.pt"), resnet, "w.pt")
    assert found.normalisation is not None
    assert found.normalisation.mean == pytest.approx(MEAN.tolist(), abs=1e-6)
    assert found.normalisation.std == pytest.approx(STD.tolist(), abs=1e-6)
    assert "mean 0.4914, 0.4822, 0.4465 and std 0.247, 0.2435, 0.2616" in found.notes[-1]


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (
            {"a.mean": MEAN, "a.std": STD, "b.mean": MEAN + 0.1, "b.std": STD},
            "more than one normalisation: .*'a.mean'.*'b.mean'",
        ),
        ({"mu": MEAN, "sigma": STD * 0}, "cannot be one"),
        ({"mu": MEAN * torch.nan, "sigma": STD}, "cannot be one"),
    ],
)
def test_which_normalisation_counts_is_a_question(state: State, sentence: str, resnet: nn.Module) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        fit({"": {**resnet.state_dict(), **state}}, resnet, "w.pt")


def test_a_transformer_for_pictures_of_another_size_is_said_to_be_resized() -> None:
    """By timm, whose result is compared with what it makes by itself."""
    torch.manual_seed(0)
    large = timm.create_model("vit_tiny_patch16_224", img_size=96, num_classes=10)
    small = timm.create_model("vit_tiny_patch16_224", img_size=64, num_classes=10)
    found = fit({"": large.state_dict()}, small, "w.pth")
    assert found.notes == ("Tensors of another size were brought to the network's: pos_embed.",)
    theirs = timm.models.vision_transformer.checkpoint_filter_fn(dict(large.state_dict()), small)["pos_embed"]
    assert torch.equal(found.state["pos_embed"], theirs)


def test_a_network_of_grey_pictures() -> None:
    torch.manual_seed(0)
    grey = timm.create_model("resnet10t", in_chans=1, num_classes=10).eval()
    blank = timm.create_model("resnet10t", num_classes=10).eval()
    notes = fill(blank, fit({"": grey.state_dict()}, blank, "w.pth").state)
    picture = torch.rand(2, 1, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(blank(picture.expand(2, 3, 96, 96)), grey(picture), atol=1e-5, rtol=1e-5)
    assert "takes one channel" in notes[0]


@pytest.mark.parametrize(
    ("architecture", "usual", "options", "classes", "size"),
    [
        ("torchvision:resnet18", 224, {"num_classes": 7}, 7, None),
        ("timm:vit_tiny_patch16_224", 224, {"img_size": 96}, 1000, 96),
        ("timm:deit_tiny_distilled_patch16_224", 224, {"num_classes": 5, "img_size": 384}, 5, 384),
        ("torchvision:vit_b_32", 224, {"num_classes": 3, "image_size": 64}, 3, 64),
        ("torchvision:vit_b_32", 96, {"num_classes": 3, "image_size": 64}, 3, 64),
        ("torchvision:vit_b_32", 64, {"num_classes": 3, "image_size": 64}, 3, None),
    ],
)
def test_classes_and_size_follow_the_weights(
    architecture: str, usual: int, options: dict[str, int], classes: int, size: int | None, tmp_path: Path
) -> None:
    library, _, name = architecture.partition(":")
    module = timm.create_model(name, **options) if library == "timm" else torchvision.models.get_model(name, **options)
    torch.save({"state_dict": module.state_dict()}, tmp_path / "w.best")
    found = inspect(tmp_path / "w.best", architecture, usual)
    assert (found.classes, found.input_size) == (classes, size)


@pytest.mark.parametrize(
    ("given", "file", "sentence"),
    [
        ("timm:resnet18", "resnet34", "surplus layer1.2.conv1.weight, surplus layer2.2.*resnet34 or timm:resnet34"),
        ("timm:resnet34", "resnet18", "missing layer1.2.conv1.weight, missing layer2.2.*torchvision:resnet18"),
        (
            "timm:resnet18",
            "vit_tiny_patch16_224",
            "hold state_dict.cls_token, .*; it wants conv1.weight.* timm:vit_tiny_patch16_224",
        ),
        ("timm:regnetx_002", "regnety_002", "surplus .*se.fc1.* They would fit --architecture timm:regnety_002"),
    ],
)
def test_what_would_fit_is_named(given: str, file: str, sentence: str) -> None:
    state = named("module.", timm.create_model(file, num_classes=10).state_dict())
    module = timm.create_model(given.removeprefix("timm:"), num_classes=10)
    with pytest.raises(InvalidInputError, match=sentence):
        fit({"state_dict": state}, module, "w.pth")


@pytest.mark.parametrize("name", ["torchvision:resnet18", "timm:vit_tiny_patch16_224", "timm:mobilenetv3_small_050"])
def test_the_signatures_are_those_of_the_installed_libraries(name: str) -> None:
    state = build(name, 17).state_dict()
    assert name in architectures({key: tensor.shape for key, tensor in state.items()})


def add(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "perturber.cli", "models", "add", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_models_add_says_all_of_it_and_the_logits_are_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Lightning-like file with its own normalisation, ten classes, averaged weights: against the network itself."""
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    torch.manual_seed(0)
    plain = timm.create_model("resnet10t", num_classes=10).eval()
    state = {**named("net.", plain.state_dict()), "mu": MEAN, "sigma": STD}
    torch.save({"ema": {"state_dict": state}, "state_dict": other(state), "args": argparse.Namespace()}, tmp_path / "w")
    done = add("mine", tmp_path / "w", "--architecture", "timm:resnet10t")
    assert done.returncode == 0, done.stderr
    for said in (
        "the averaged (EMA) ones in 'ema.state_dict.net'",
        "in 'ema.state_dict.mu'",
        "called class 0 to class 9",
    ):
        assert said in done.stderr
    network = load("mine", "cpu", Settings(data=tmp_path / "data"))
    pictures = torch.rand(2, 3, 176, 176)
    with torch.inference_mode():
        expected = plain((pictures - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1))
        torch.testing.assert_close(network.logits(pictures), expected, atol=1e-5, rtol=1e-5)
    assert network.classes[9] == "class 9"

    question = add("again", tmp_path / "w", "--architecture", "timm:resnet10t", "--mean", "0.5", "--std", "0.5")
    assert question.returncode == 2
    assert "Say which counts with --normalisation file or --normalisation given" in question.stderr
    answered = add(
        *("again", tmp_path / "w", "--architecture", "timm:resnet10t"),
        *("--mean", "0.5", "--std", "0.5", "--normalisation", "given"),
    )
    assert "differ from those that the file carries" in answered.stderr
    torch.save(torchvision.models.vit_b_32(num_classes=3).state_dict(), tmp_path / "vit")
    odd = add("odd", tmp_path / "vit", "--architecture", "torchvision:vit_b_32", "--input-size", "100")
    assert odd.returncode == 2
    assert "odd cannot take a picture of 100 × 100 pixels" in odd.stderr
    wrong = add("again", tmp_path / "w", "--architecture", "timm:resnet10t", "--classes", "imagenet1k")
    assert "have 10 classes, but --classes imagenet1k names 1000" in wrong.stderr
