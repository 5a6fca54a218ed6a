"""The catalogue, a user's own models beside it, and one sentence for everything that can be wrong with one."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from perturber import cli, zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.service import InferenceService
from perturber.training.run import read_metrics
from perturber.zoo import own
from perturber.zoo.catalogue import NAME, find, read
from perturber.zoo.classes import IMAGENET_1K, INCEPTION_5H
from perturber.zoo.sources import weights_file
from perturber.zoo.weights import digest, hash_file

Add = Callable[..., zoo.ModelEntry]
Table = Callable[..., dict]


def test_every_network_of_the_project_says_what_it_is(settings: Settings) -> None:
    entries = zoo.catalog(settings.models)
    assert {"inceptionv1", "googlenet", "resnet50_l2_eps3", "resnet50_sin"} <= set(entries)
    for entry in entries.values():
        assert entry.licence
        assert NAME.fullmatch(entry.name)
        place = entry.weights.place
        bundled = entry.weights.source == "file" and Path(place["path"]).is_relative_to(settings.models.resolve())
        assert bundled or entry.weights.source == "package" or place["url"].startswith("https://")
        assert entry.base is None or entry.base in entries
    assert len({entry.label for entry in entries.values()}) == len(entries)


def test_bundled_checkpoints_are_what_the_log_says(settings: Settings) -> None:
    """Each step that is kept loads, and has its hash and its line in the log beside it."""
    bundled = [entry for entry in zoo.catalog(settings.models).values() if entry.checkpoints]
    assert bundled
    for entry in bundled:
        folder = entry.checkpoints[-1].parent
        logged = {line["step"] for line in read_metrics(folder / f"{entry.name}.metrics.jsonl")}
        assert set(entry.steps) <= logged
        assert entry.weights.sha256 == digest(entry.checkpoints[-1])
        for step, path in entry.steps.items():
            assert hash_file(path).read_text().strip() == digest(path)
            assert zoo.load(f"{entry.name}@{step}", "cpu", settings).entry.base == entry.base


def test_lucids_outputs_are_imagenets_classes_in_another_order() -> None:
    """Names at both ends and between as Google's label file of inception5h has them."""
    names = {c.index: c.name for c in INCEPTION_5H}
    assert list(names) == list(range(1008))
    assert {c.wnid for c in INCEPTION_5H if c.wnid} == {c.wnid for c in IMAGENET_1K}
    known = {1: "kit fox", 2: "English setter", 3: "Siberian husky", 8: "Egyptian cat", 65: "hartebeest"}
    assert {index: names[index] for index in known} == known
    assert [names[index] for index in (999, 1000)] == ["carbonara", "dumbbell"]
    assert [i for i, name in names.items() if name == f"unused output {i}"] == [0, *range(1001, 1008)]


@pytest.mark.parametrize("name", ["resnet18", "inceptionv1", "resnet50_l2_eps3"])
def test_what_is_not_pulled_is_not_ready_and_says_so(name: str, own_settings: Settings) -> None:
    assert name in zoo.entries(own_settings)
    assert name not in zoo.ready(own_settings)
    assert list(zoo.ready(own_settings))[:3] == ["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
    with pytest.raises(InvalidInputError, match=f"run: perturber models pull {name}"):
        zoo.load(name, "cpu", own_settings)


def test_a_network_of_ones_own_is_loaded_and_gives_its_modules_logits(
    add: Add, factories: object, own_settings: Settings
) -> None:
    entry = add()
    assert list(zoo.ready(own_settings))[-1] == "tiny"
    network = zoo.load("tiny", "cpu", own_settings)
    assert network.classes == tuple(f"digit {i}" for i in range(10))
    images = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        found = network.look(network.preprocess(images), layers=("0",))
        expected = factories.network().eval()(images * 2 - 1)  # type: ignore[attr-defined]
    torch.testing.assert_close(found.logits, expected, atol=1e-5, rtol=1e-4)
    assert find("tiny", own_settings) == entry
    own.remove("tiny", own_settings)
    with pytest.raises(UnknownNameError, match="Unknown model 'tiny'"):
        zoo.load("tiny", "cpu", own_settings)
    with pytest.raises(UnknownNameError, match="Unknown model of your own"):
        own.remove("tiny", own_settings)


def test_what_is_written_is_what_is_read(table: Table, own_settings: Settings) -> None:
    """Names, quotes and signs that TOML must escape."""
    odd = ['a "quoted" one', "back\\slash", "tab\tand\x7fdelete", "Ähre 🌾", "[table]"]
    weights = {"source": "file", "path": "w.pth", "layout": "keras", "layers": {"conv 1.a": "0", "ü": "2"}}
    changes = {"class_names": odd, "label": odd[0], "weights": weights, "checkpoints": ["a.safetensors"]}
    for name in ("first", "second.v2"):
        made = own.add(name, table(**changes), own_settings)
        assert made.class_names == tuple(odd)
        assert made.label == odd[0]
        assert made.weights.layers == weights["layers"]
        assert made.checkpoints == (own_settings.data / "a.safetensors",)
        assert read(own_settings.data / "catalog.toml", own=True)[name] == made
        assert zoo.entries(own_settings)[name] == made
    assert own.add("first", table(label="New"), own_settings).label == "New"
    assert set(own.tables(own_settings)) == {"first", "second.v2"}


def test_two_changes_within_one_tick_of_the_clock(table: Table, own_settings: Settings) -> None:
    path = own_settings.data / "catalog.toml"
    for name in ("aaa", "bbb"):
        path.unlink(missing_ok=True)
        own.add(name, table(), own_settings)
        os.utime(path, ns=(10**18, 10**18))
        assert name in zoo.entries(own_settings)


def test_the_projects_networks_cannot_be_shadowed(table: Table, own_settings: Settings) -> None:
    with pytest.raises(InvalidInputError, match="'resnet18' belongs to the project"):
        own.add("resnet18", table(), own_settings)
    own.add("mine", table(), own_settings)
    path = own_settings.data / "catalog.toml"
    path.write_text(path.read_text().replace("mine", "resnet18"))
    assert not zoo.entries(own_settings)["resnet18"].own


@pytest.mark.parametrize("name", ["", "A", "a b", "a/b", "a:b", "../a", "a" * 65, ".a", "ä"])
def test_odd_names_are_refused(table: Table, name: str, own_settings: Settings) -> None:
    with pytest.raises(InvalidInputError, match=r"is not allowed. Allowed: up to 64 of"):
        own.add(name, table(), own_settings)
    assert not (own_settings.data / "catalog.toml").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "keras:vgg"}, r"architecture cannot be 'keras:vgg'. Allowed: timm:…, torchvision:…"),
        ({"architecture": "timm:"}, r"architecture cannot be 'timm:'"),
        ({"training": "hard"}, "training cannot be 'hard'. Allowed: standard, adversarial"),
        ({"classes": "imagenet21k", "class_names": None}, "no class list 'imagenet21k'. Allowed: imagenet1k"),
        ({"classes": "imagenet1k"}, "need a name of their own"),
        ({"std": [1, 1, 0]}, "std above 0"),
        ({"mean": [1, 1]}, "three numbers each"),
        ({"mean": ["a", 1, 1]}, "three numbers each"),
        ({"input_size": 8}, "16 to 2048"),
        ({"resize": 2.5}, "16 to 2048"),
        ({"weights": {"source": "file", "path": "x", "layout": "same", "sha256": "xyz"}}, "sha256 'xyz' is not one"),
    ],
)
def test_what_is_not_allowed_in_a_table(table: Table, changes: dict, sentence: str, own_settings: Settings) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        own.add("tiny", {k: v for k, v in table(**changes).items() if v is not None}, own_settings)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[a", "cannot be read"),
        ("a = 3", "The model 'a' in .* cannot be used"),
        ("[a]\nlabel = 'x'", "'weights' is missing"),
        ("[a.weights]\nsource = 'file'", "'layout' is missing"),
        ("[a]\ncolour = 1\n[a.weights]\nsource = 'file'\nlayout = 'same'", "colour"),
    ],
)
def test_a_broken_catalogue_is_refused(text: str, sentence: str, own_settings: Settings) -> None:
    own_settings.data.mkdir()
    (own_settings.data / "catalog.toml").write_text(text)
    with pytest.raises(InvalidInputError, match=sentence):
        zoo.entries(own_settings)


@pytest.mark.parametrize(
    ("architecture", "sentence"),
    [
        ("timm:resnet_18", "Unknown architecture of timm 'resnet_18'. Did you mean"),
        ("torchvision:fasterrcnn_resnet50_fpn", "Unknown architecture of torchvision"),
        ("lucent:inceptionv2", "Allowed: inceptionv1"),
        ("factory:tiny_networks", "cannot be imported"),
        ("factory:no_such_package:make", "cannot be imported .*no_such_package"),
        ("factory:tiny_networks:absent", "cannot be imported .*absent"),
        ("factory:tiny_networks:broken", "failed: ValueError: no luck"),
        ("factory:tiny_networks:number", "failed: TypeError"),
        ("factory:tiny_networks:nothing", "returned a NoneType, not a torch.nn.Module"),
        ("factory:tiny_networks:maps", r"gives no logits \(B, classes\), but its class list has 10 classes"),
    ],
)
def test_architectures_that_cannot_be_built(architecture: str, sentence: str, add: Add, own_settings: Settings) -> None:
    factory = architecture.rpartition(":")[2]
    add(factory="maps" if factory == "maps" else "network", architecture=architecture)
    with pytest.raises(InvalidInputError, match=sentence):
        zoo.load("tiny", "cpu", own_settings)


def test_classes_that_do_not_fit(add: Add, own_settings: Settings) -> None:
    add(class_names=["cat", "dog"])
    with pytest.raises(InvalidInputError, match="gives 10 logits, but its class list has 2 classes"):
        zoo.load("tiny", "cpu", own_settings)


def test_a_picture_of_the_wrong_size(add: Add, own_settings: Settings) -> None:
    add(factory="perceptron", input_size=64)
    with pytest.raises(InvalidInputError, match="cannot take a picture of 64 × 64 pixels"):
        zoo.load("tiny", "cpu", own_settings)


def test_weights_that_are_missing_changed_or_of_another_network(table: Table, add: Add, own_settings: Settings) -> None:
    entry = add()
    path = weights_file(entry, own_settings)
    pinned = {"source": "file", "path": path.name, "layout": "same", "sha256": "0" * 64}
    own.add("tiny", table(weights=pinned), own_settings)
    with pytest.raises(InvalidInputError, match="not the expected file"):
        zoo.load("tiny", "cpu", own_settings)
    save_file({"0.weight": torch.zeros(4, 3, 1, 1)}, path)
    own.add("tiny", table(), own_settings)
    with pytest.raises(
        InvalidInputError, match=r"missing 0.bias, missing 2.weight, 7 more; 0.weight is \(4, 3, 1, 1\) inst"
    ):
        zoo.load("tiny", "cpu", own_settings)
    path.unlink()
    with pytest.raises(InvalidInputError, match=r"there is no file '.*tiny.safetensors'"):
        zoo.load("tiny", "cpu", own_settings)
    for changed, sentence in (
        ({"layout": "odd"}, "Unknown layout of weights 'odd'"),
        ({"source": "odd"}, "Unknown source of weights 'odd'"),
        ({"source": "url"}, "come from a url, but 'url' is missing|come from a url: 'url' is missing"),
    ):
        own.add(
            "tiny", table(weights={**entry.weights.place, "source": "file", "layout": "same", **changed}), own_settings
        )
        with pytest.raises(InvalidInputError, match=sentence):
            zoo.load("tiny", "cpu", own_settings)


def test_layers_can_be_renamed(table: Table, add: Add, factories: object, own_settings: Settings) -> None:
    state = factories.network().state_dict()  # type: ignore[attr-defined]
    renamed = {key.replace("0.", "first.", 1) if key.startswith("0.") else key: value for key, value in state.items()}
    entry = add()
    save_file(renamed, weights_file(entry, own_settings))
    weights = {"source": "file", "path": "tiny.safetensors", "layout": "same", "layers": {"first": "0"}}
    own.add("tiny", table(weights=weights), own_settings)
    network = zoo.load("tiny", "cpu", own_settings)
    assert torch.equal(network.module.state_dict()["0.weight"], state["0.weight"])


def test_a_page_offers_what_works_and_leaves_out_the_rest(
    add: Add, own_settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    add("good")
    add("wrong", class_names=["one"])
    with InferenceService(own_settings) as service:
        models = service.models()
        assert "good" in models
        assert "wrong" not in models
        assert "resnet18" not in models
        assert models["good"].classes[3] == "digit 3"
        assert "wrong is left out: wrong gives 10 logits" in caplog.text
        with pytest.raises(InvalidInputError, match="gives 10 logits"):
            service.model("wrong")


@pytest.fixture
def perturber(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], own_settings: Settings):
    monkeypatch.setenv("PERTURBER_DATA", str(own_settings.data))

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["perturber", "models", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        output = capsys.readouterr()
        return int(exit_.value.code or 0), output.out, output.err

    return run


def test_the_command_line_adds_lists_verifies_and_removes(
    perturber, factories: object, tmp_path: Path, own_settings: Settings
) -> None:
    file, classes = tmp_path / "w.ckpt", tmp_path / "classes.txt"
    torch.save({"state_dict": {f"module.{k}": v for k, v in factories.network().state_dict().items()}}, file)  # type: ignore[attr-defined]
    classes.write_text("\n".join(f"digit {i}" for i in range(10)))
    options = ("--architecture", "factory:tiny_networks:network", "--input-size", 32, "--mean", "0,0,0")
    code, printed, said = perturber("add", "mine", file, *options, "--classes", classes)
    assert (code, printed) == (0, "mine\n")
    assert "mine: assumed, but as given: mean, input_size, resize: mean 0, 0, 0; std 0.229, 0.224, 0.225" in said
    assert "Nobody says how this network's pictures are preprocessed" in said
    entry = find("mine", own_settings)
    assert (entry.resize, entry.interpolation) == (37, "bilinear")
    assert (entry.mean, entry.classes, entry.class_list[9].name) == ((0, 0, 0), "mine", "digit 9")
    code, printed, _ = perturber("list")
    rows = [line.split() for line in printed.splitlines()]
    assert code == 0
    assert rows[-1][:2] == ["mine", "ready"]
    assert ["resnet18", "to", "be", "pulled"] in [row[:4] for row in rows]
    assert perturber("verify", "mine") == (0, f"{'mine':22} as expected\n", "")
    file.write_bytes(b"changed")
    code, _, err = perturber("verify", "mine", "efficientnet_lite0")
    assert code == 2
    assert "not the expected file" in err
    assert perturber("remove", "mine") == (0, "", "")
    assert file.exists()
    assert "mine" not in zoo.entries(own_settings)


def test_what_does_not_fit_is_not_added(perturber, factories: object, tmp_path: Path, own_settings: Settings) -> None:
    save_file(factories.network().state_dict(), tmp_path / "w.safetensors")  # type: ignore[attr-defined]
    options = ("--architecture", "factory:tiny_networks:network", "--input-size", 32)
    code, _, err = perturber("add", "mine", tmp_path / "w.safetensors", *options, "--classes", "imagenet1k")
    assert (code, err.count("\n")) == (2, 1)
    assert "have 10 classes, but --classes imagenet1k names 1000" in err
    assert "mine" not in zoo.entries(own_settings)
    for arguments, sentence in (
        (("mine", tmp_path / "absent.pth", *options), "There is no file"),
        (("mine", tmp_path / "w.safetensors", *options, "--base", "resnet"), "Unknown model 'resnet'"),
        (("resnet18", tmp_path / "w.safetensors", *options), "belongs to the project"),
        (("mine", tmp_path / "w.safetensors", *options, "--mean", "a,b"), "--mean cannot be 'a,b'"),
        (("mine", tmp_path / "w.safetensors", *options, "--classes", "nobody.txt"), "classes cannot be 'nobody.txt'"),
    ):
        code, _, err = perturber("add", *arguments)
        assert code == 2
        assert sentence in err
    assert perturber("pull", "nothing")[0] == 2
    assert "were not pulled" in perturber("remove", "efficientnet_lite0")[2]


def test_layers_are_listed(perturber, own_settings: Settings) -> None:
    code, out, _ = perturber("layers", "efficientnet_lite0", "--json")
    rows = json.loads(out)
    assert code == 0
    stem = {"name": "conv_stem", "channels": 32, "height": 112, "width": 112}
    assert rows[0] == {**stem, "receptive_field": {"height": 3, "width": 3, "stride": 2}}
    assert [row["channels"] for row in rows if row["name"] == "conv_head"] == [1280]
    code, out, _ = perturber("layers", "efficientnet_lite0")
    assert out.splitlines()[0].split() == ["conv_stem", "32", "channels", "112", "×", "112", "sees", "3", "×", "3"]
    assert perturber("layers", "nobody")[0] == 2


def test_the_list_names_base_and_checkpoints(perturber, own_settings: Settings) -> None:
    rows = {row["name"]: row for row in json.loads(perturber("list", "--json")[1])}
    robust = rows["lite0_adversarial"]
    assert robust["base"] == "efficientnet_lite0"
    assert robust["checkpoints"][0] == "lite0_adversarial@10"
    assert rows["efficientnet_lite0"]["checkpoints"] == []
