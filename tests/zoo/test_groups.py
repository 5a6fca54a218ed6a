"""Published neuron groups: as their source has them, and channels of the network that they were found in."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError

SOURCE = Path(__file__).resolve().parents[3] / "shared" / "data" / "circuits_neuron_groups.json"
"""The published tables, where this machine has them; not part of the project."""

TRAINED = ("lite0_adversarial", "lite0_stylised")


def test_every_unit_is_a_channel_of_its_layer(settings: Settings) -> None:
    groups = zoo.neuron_groups(settings.models, "inceptionv1")
    entry = zoo.entry("efficientnet_lite0", settings.models)
    network = zoo.Network(replace(entry, name="inceptionv1"), InceptionV1())
    assert sum(len(of_layer) for of_layer in groups.values()) == 113
    for layer, of_layer in groups.items():
        assert len({group.name for group in of_layer}) == len(of_layer)
        for group in of_layer:
            assert group.channels
            zoo.check_layer("inceptionv1", network.layers, layer, group.channels)
            assert len(set(group.channels)) == len(group.channels)


def test_measured_groups_are_channels_of_their_layers(settings: Settings, lite0: zoo.Network) -> None:
    """Of the base and of what was trained from it, whose channels are the same."""
    files = {name: zoo.entry(name, settings.models).groups for name in ("efficientnet_lite0", *TRAINED)}
    assert set(files.values()) == {"efficientnet_lite0"}
    found = zoo.group_file(settings.models, "efficientnet_lite0")
    assert found.recipe["weights"] == lite0.entry.weights.sha256
    assert {"conv_stem", "blocks.3.2", "blocks.6.0", "conv_head"} <= set(found.layers)
    for layer, of_layer in found.layers.items():
        for group in of_layer:
            assert group.channels
            zoo.check_layer("efficientnet_lite0", lite0.layers, layer, group.channels)
            assert len(group.numbers) == len(group.channels)


def test_groups_are_those_of_the_source(settings: Settings) -> None:
    if not SOURCE.is_file():
        pytest.skip("the published groups are not on this machine")
    published = json.loads(SOURCE.read_text(encoding="utf-8"))["layers"]
    groups = zoo.neuron_groups(settings.models, "inceptionv1")
    assert {
        layer: [(group.name, list(group.channels)) for group in of_layer] for layer, of_layer in groups.items()
    } == {
        layer: [(group["name"], list(dict.fromkeys(group["units"]))) for group in of_layer]
        for layer, of_layer in published.items()
    }


def test_a_network_without_groups(settings: Settings) -> None:
    assert zoo.neuron_groups(settings.models, None) == {}


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"layers": []}', '{"layers": {"a": []}}', '{"layers": {"a": {"b": ["x"]}}}']
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "groups").mkdir()
    (tmp_path / "groups" / "broken.json").write_text(text)
    with pytest.raises(InvalidInputError, match=r"The neuron groups '.*broken\.json' cannot be read: "):
        zoo.neuron_groups(tmp_path, "broken")
    with pytest.raises(InvalidInputError, match=r"missing\.json' cannot be read: .*No such file"):
        zoo.neuron_groups(tmp_path, "missing")
