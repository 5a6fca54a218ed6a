"""Which neurons stand for an object, and the file that says so."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.bench.groups import measure
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.groups import Finding, find, relevance, save
from perturber.groups.subjects import SUBJECTS, random_views

COLOURS = {"Dog": (1.0, 0, 0), "Cat": (0, 1.0, 0), "Fire Truck": (0, 0, 1.0), "Race Car": (0, 1.0, 1.0)}


def head(weights: dict[str, list[float]], channels: int) -> nn.Linear:
    """Logits of an object's classes, as weights of the channels."""
    linear = nn.Linear(channels, 1000, bias=False)
    linear.weight.data.zero_()
    for name, row in weights.items():
        for index in SUBJECTS[name].right:
            linear.weight.data[index] = torch.tensor(row)
    return linear


@pytest.fixture(scope="module")
def by_hand(network: Callable[[nn.Module, int], zoo.Network]) -> zoo.Network:
    """Red speaks for dogs and green for cats; a second red neuron says nothing, the fourth speaks by being silent."""
    convolution = nn.Conv2d(3, 4, 1, bias=False)
    convolution.weight.data = torch.eye(3)[[0, 1, 0, 2]][:, :, None, None]
    linear = head({"Dog": [1, 0, 0, 0], "Cat": [0, 1, 0, 0], "Fire Truck": [0, -1, 0, 0]}, 4)
    return network(nn.Sequential(convolution, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear), 16)


@pytest.fixture(scope="module")
def shown() -> dict[str, Tensor]:
    """Each object as its colour, more or less bright."""
    light = 0.5 + 0.5 * torch.rand(6, 1, 1, 1, generator=torch.Generator().manual_seed(0))
    grey = torch.full((6, 3, 16, 16), 0.5)
    return {n: grey + (torch.tensor(c)[:, None, None] - 0.5) * 0.8 * light for n, c in COLOURS.items()}


def test_who_speaks_for_an_object_is_found(by_hand: zoo.Network, shown: dict[str, Tensor]) -> None:
    found = relevance.groups(relevance.observe(by_hand, ["0"], shown), "0")
    assert {name: list(scores) for name, scores in found.items()} == {
        "Dog": [0], "Cat": [1], "Fire Truck": [], "Race Car": [],
    }  # fmt: skip
    assert found["Dog"][0] > relevance.CLEAR


def test_only_what_is_passed_on_is_activity(network: Callable[[nn.Module, int], zoo.Network]) -> None:
    image = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    tail = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 1000))
    first, second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
    assert relevance.rectified(network(nn.Sequential(first, nn.ReLU(), second, *tail), 16), ["0", "2"], image) == {"0"}
    maps = torch.tensor([[[[-2.0, 1.0]]]])
    assert float(relevance.activity(maps, True)) == 0.5
    assert float(relevance.activity(maps, False)) == 1.5


def test_the_bench_counts_what_falls(by_hand: zoo.Network, shown: dict[str, Tensor]) -> None:
    morph = torch.linspace(0, 1, 5).view(5, 1, 1, 1, 1)
    pictures = {"dog_cat": (1 - morph) * shown["Dog"] + morph * shown["Cat"]}
    groups = {"0": (zoo.Group("Dog", (0, 1)), zoo.Group("Cat", (1,)), zoo.Group("Edges 0°", (2,)))}
    falls = measure(by_hand, groups, pictures)
    assert {key: (fall.group, fall.count) for key, fall in falls.items()} == {
        ("0", "Dog"): (0.5, 2), ("0", "Cat"): (1.0, 1),
    }  # fmt: skip


def test_separation_is_by_hand() -> None:
    one, other = torch.tensor([[1.0, 1], [3, 1]]), torch.tensor([[0.0, 1], [0, 1]])
    assert relevance.separation(one, other).tolist() == pytest.approx([2 / 2**0.5, 0])


def test_views_for_checking_are_others_than_those_for_choosing() -> None:
    assert random_views(3, (0, 0)) == random_views(3, (0, 0))
    yaws = [{view["yaw"] for view in random_views(20, seed)} for seed in ((0, 0), (0, 1), (1, 0), (1, 1))]
    assert len(set.union(*yaws)) == 80


def test_a_file_is_read_as_it_was_written(tmp_path: Path, settings: Settings) -> None:
    entry = zoo.entry("efficientnet_lite0", settings.models)
    finding = Finding({"blocks.3.2": {"Dog": {5: 1.23456, 2: 0.5}}}, {"seed": 7})
    path = tmp_path / "groups" / "mine.json"
    save(finding, path, entry, settings)
    assert zoo.group_file(tmp_path, "mine").title == "Measured"
    assert zoo.neuron_groups(tmp_path, "mine") == {"blocks.3.2": (zoo.Group("Dog", (5, 2), (1.235, 0.5)),)}
    assert dict(zoo.read_groups(path).recipe) == {"seed": 7, "weights": entry.weights.sha256}
    assert '"Dog": [5, 2]' in path.read_text(encoding="utf-8")

    with pytest.raises(InvalidInputError, match=r"Cannot write '/dev/null/x\.json'"):
        save(finding, Path("/dev/null/x.json"), entry, settings)

    table = json.loads(path.read_text(encoding="utf-8"))
    table["numbers"]["blocks.3.2"]["Dog"] = [1.0]
    path.write_text(json.dumps(table))
    with pytest.raises(InvalidInputError, match="'Dog' has 2 channels, but 1 numbers"):
        zoo.read_groups(path)


def test_a_network_without_these_classes(by_hand: zoo.Network, network: Callable[..., zoo.Network]) -> None:
    made = network(nn.Sequential(nn.Conv2d(3, 4, 16, 16), nn.ReLU(), nn.Flatten(), nn.Linear(16, 10)), 32)
    made.entry = replace(made.entry, classes="digits", class_names=tuple("0123456789"))
    with pytest.raises(InvalidInputError, match="None of the classes of by hand is a Dog or a Cat or a Fire Truck"):
        find(made, views=2, seed=0)
