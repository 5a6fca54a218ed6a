"""Targets and recipes refuse what they do not mean, and a key changes with everything a picture depends on."""

from typing import Any

import pytest

from perturber.errors import InvalidInputError
from perturber.featurevis import Recipe, Target, key

NEURON = Target(layer="blocks.3.0", index=7)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "unit", "layer": "a"}, "kind cannot be 'unit'. Allowed: neuron, channel"),
        ({"layer": None}, "layer cannot be 'None'. Allowed: the name of a layer"),
        ({"kind": "class", "layer": "a"}, "layer cannot be 'a'. Allowed: none for a class"),
        ({"layer": "a", "index": -1}, "index cannot be '-1'. Allowed: whole numbers from 0"),
        ({"layer": "a", "index": True}, "index cannot be 'True'"),
        ({"layer": "a", "direction": ((0, 1.0),)}, "none for kind 'neuron'"),
        ({"kind": "direction", "layer": "a"}, "direction cannot be '\\(\\)'. Allowed: pairs"),
        ({"kind": "direction", "layer": "a", "direction": ((0, 0.0),)}, "not all weights 0"),
        ({"kind": "direction", "layer": "a", "direction": ((0, 1.0), (0, 2.0))}, "each channel once"),
        ({"kind": "direction", "layer": "a", "direction": ((0, float("nan")),)}, "finite"),
        ({"kind": "direction", "layer": "a", "direction": (0, 1)}, "pairs"),
        ({"kind": "direction", "layer": "a", "direction": ((0.5, 1.0),)}, "channel of the direction cannot be '0.5'"),
        ({"kind": "direction", "layer": "a", "index": 3, "direction": ((0, 1.0),)}, "index cannot be '3'"),
    ],
)
def test_what_a_target_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Target(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 31}, "size cannot be '31'. Allowed: whole numbers from 32 to 512."),
        ({"size": 64.0}, "size cannot be '64.0'"),
        ({"steps": 0}, "whole numbers from 1 to 2048"),
        ({"variants": 7}, "whole numbers from 1 to 6"),
        ({"seed": -1}, "seed cannot be '-1'"),
        ({"naive": "yes"}, "naive cannot be 'yes'. Allowed: true or false."),
    ],
)
def test_what_a_recipe_refuses(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        Recipe(**fields)


def test_a_key_names_everything_that_a_picture_depends_on() -> None:
    keys = [key("f", NEURON, Recipe()), key("g", NEURON, Recipe())]
    keys += [key("f", Target(layer="blocks.3.0", index=8), Recipe()), key("f", Target(kind="class", index=7), Recipe())]
    keys += [key("f", Target(kind="channel", layer="blocks.3.0", index=7), Recipe())]
    changes: list[dict[str, Any]] = [{"naive": True}, {"size": 64}, {"steps": 9}, {"variants": 2}, {"seed": 1}]
    keys += [key("f", NEURON, Recipe(**change)) for change in changes]
    assert len(set(keys)) == len(keys)
    assert all(len(k) == 64 and set(k) <= set("0123456789abcdef") for k in keys)


def test_the_order_of_a_direction_does_not_matter() -> None:
    one, other = (
        Target(kind="direction", layer="a", direction=pairs) for pairs in (((1, 0.5), (3, 1)), ((3, 1.0), (1, 0.5)))
    )
    assert key("f", one, Recipe()) == key("f", other, Recipe())
