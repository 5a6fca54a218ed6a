"""``perturber groups`` as a user meets it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from perturber import zoo
from perturber.config import Settings
from perturber.zoo.classes import IMAGENET_1K


@pytest.fixture
def groups(
    perturber: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """The command, with a small network beside the catalogue's: one layer that is fine, and one that is coarse."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 40, 16, stride=16), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(40, 1000),
    )  # fmt: skip
    entry = replace(zoo.entry("efficientnet_lite0", Settings().models), name="small", input_size=32, resize=36)
    network, load = zoo.Network(entry, module), zoo.load
    monkeypatch.setattr(zoo, "load", lambda name, *more: network if name == "small" else load(name, *more))
    return lambda *arguments: perturber("groups", *arguments)


def test_lists_what_the_file_says(groups) -> None:
    code, out, _ = groups("list", "inceptionv1")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 113
    assert lines[2].split() == ["conv2d0", "Other", "Units", "9", "19,26,31,35,40,42,44,52,56"]

    code, out, _ = groups("list", "lite0_adversarial", "--json")
    rows = json.loads(out)
    said = json.loads((Settings().models / "groups" / "efficientnet_lite0.json").read_text(encoding="utf-8"))
    assert {row["layer"] for row in rows} == set(said["layers"])
    for row in rows:
        assert row["channels"] == said["layers"][row["layer"]][row["group"]]
        assert row["numbers"] == said["numbers"][row["layer"]][row["group"]]
        assert row["count"] == len(row["channels"]) == len(row["numbers"])


def test_a_network_without_groups_has_none(groups) -> None:
    assert groups("list", "resnet18") == (0, "", "")
    assert groups("list", "resnet18", "--json") == (0, "[]\n", "")


def test_found_groups_can_be_read(groups, tmp_path: Path) -> None:
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    for index in (207, 208, 281, 555):  # two dogs, a cat, and a fire engine without a race car
        pixels = np.random.default_rng(index).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(photographs / f"{IMAGENET_1K[index].wnid}_{index}.png")
    out = tmp_path / "groups.json"
    arguments = ("--out", out, "--views", 2, "--images", photographs, "--seed", 5, "--device", "cpu")
    code, printed, err = groups("find", "small", *arguments)
    assert code == 0
    assert "10/10" in err
    found = zoo.read_groups(out)
    assert found.title == "Measured"
    assert found.recipe["photographs"] == {"Dog": 1, "Cat": 1}
    assert (found.recipe["seed"], found.recipe["views"], found.recipe["model"]) == (5, 2, "small")
    assert {"2"} <= set(found.layers) <= {"0", "2"}
    for layer, channels in (("0", 6), ("2", 40)):
        for group in found.layers.get(layer, ()):
            assert f"{group.name} ({len(group.channels)})" in printed
            assert all(0 <= c < channels for c in group.channels)
            assert list(group.numbers) == sorted(group.numbers, reverse=True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("list", "alexnet"), "Unknown model 'alexnet'"),
        (("find", "alexnet", "--out", "x.json"), "Unknown model 'alexnet'"),
        (("find", "small", "--out", "x.json", "--views", 2, "--images", "no/such"), "no/such"),
    ],
)
def test_invalid_input_is_one_sentence_and_exit_code_2(groups, arguments: tuple[object, ...], sentence: str) -> None:
    code, out, err = groups(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
