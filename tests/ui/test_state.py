"""The page's state as a value: URL and JSON, there and back."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perturber.attack import Attack
from perturber.errors import InvalidInputError
from perturber.parameters import PARAMETERS, Choice, Code, Neuron, Number, Switch
from perturber.scene import Scene
from perturber.service import ModelInfo
from perturber.ui.attack_state import AttackState
from perturber.ui.state import ExploreState, SlotState, parse_channels
from perturber.ui.view import View
from perturber.zoo import Layer

MODELS = {
    name: ModelInfo(
        name=name,
        label=name.title(),
        fingerprint=name,
        classes=("cat", "dog"),
        class_list="pets",
        groups={},
        input_size=224,
        layers={"stem": Layer("stem", 4, 56, 56), "blocks.1": Layer("blocks.1", 24, 28, 28)},
        default_layer="blocks.1",
    )
    for name in ("efficientnet_lite0", "efficientnet_lite1", "other")
}


def model(name: str) -> ModelInfo:
    if name not in MODELS:
        raise InvalidInputError(f"no {name}")
    return MODELS[name]


def values_of(parameter: object) -> st.SearchStrategy:
    if isinstance(parameter, Number) and parameter.whole:
        return st.integers(int(parameter.minimum), int(parameter.maximum))
    if isinstance(parameter, Switch):
        return st.booleans()
    if isinstance(parameter, Code):
        return st.sampled_from(
            [parameter.default, "color.r = 1.0 - value; // & = % +", "if (value > 0.5) {\n color.rgb = color.bgr;\n}"]
        )
    if isinstance(parameter, Neuron):
        return st.from_regex(r"\A([a-z_0-9]{1,9}/)?[a-z.0-9]{1,9}:[0-9]{1,3}\Z")
    if isinstance(parameter, Number):
        return st.floats(parameter.minimum, parameter.maximum, allow_nan=False).map(lambda v: round(v, 4))
    assert isinstance(parameter, Choice)
    return st.sampled_from(list(parameter.options))


scenes = st.fixed_dictionaries({}, optional={k: values_of(p) for k, p in PARAMETERS.items()}).map(Scene.parse)
slots = st.builds(
    lambda name, layer, channels, a, p, h: SlotState(
        model=name,
        layer=layer,
        channels=tuple(c % MODELS[name].layers[layer].channels for c in channels),
        activations=a,
        predictions=p,
        hidden=h,
    ),
    st.sampled_from(list(MODELS)),
    st.sampled_from(["stem", "blocks.1"]),
    st.lists(st.integers(0, 999), min_size=1, max_size=8),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
views = st.builds(
    View,
    divisor=st.none() | st.floats(-3, 3).map(lambda v: round(v, 3)),
    shared=st.booleans(),
    overlay=st.booleans(),
    cards=st.sampled_from(["visualisation", "examples", "none"]),
    naive=st.booleans(),
    objective=st.sampled_from(["neuron", "channel"]),
    variants=st.integers(1, 6),
    pinned=st.lists(st.integers(0, 999), max_size=6, unique=True).map(tuple),
    explain=st.none() | st.just("top") | st.integers(0, 999),
    summary=st.booleans(),
)
attacks = st.builds(
    AttackState,
    attack=st.builds(
        Attack,
        model=st.sampled_from(list(MODELS)),
        epsilon=st.floats(0, 10).map(lambda v: float(f"{v:.6g}")),
        steps=st.integers(0, 99),
        target=st.none() | st.integers(0, 999),
    ),
    attack_alpha=st.floats(0, 1).map(lambda v: round(v, 2)),
    original_alpha=st.floats(0, 1).map(lambda v: round(v, 2)),
)
states = st.builds(
    lambda scene, a, b, edited, view, attack: ExploreState(scene=scene, slots=(a, b, edited), view=view, attack=attack),
    scenes,
    slots,
    slots,
    st.none() | slots,
    views,
    st.just(AttackState()) | attacks,
)


@given(states)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_link_keeps_the_whole_state(state: ExploreState) -> None:
    assert ExploreState.from_query(dict(parse_qsl(state.query())), model) == (state, [])


@given(states)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_json_keeps_the_whole_state(state: ExploreState) -> None:
    data = {
        "scene": state.scene.changes(),
        "slots": [slot and {**slot.model_dump(), "channels": list(slot.channels)} for slot in state.slots],
        "view": state.view.as_dict(),
        **state.attack.query(),
    }
    assert ExploreState.from_json(data, model) == state


def test_the_plain_address_is_the_default() -> None:
    state, problems = ExploreState.from_query({}, model)
    assert problems == []
    assert state == ExploreState.default(model)
    assert state.slots[0] == SlotState(model="efficientnet_lite0", layer="blocks.1", channels=tuple(range(8)))


def test_what_is_wrong_in_a_link_is_named_and_the_rest_is_kept() -> None:
    query = {"yaw": "12", "pitch": "steep", "m1": "nobody", "l2": "stem", "c2": "1,2", "c1": "77", "what": "1"}
    state, problems = ExploreState.from_query(query, model)
    assert state.scene == Scene().replace(yaw=12)
    assert state.slots[0] == SlotState.default(MODELS["efficientnet_lite0"])
    assert (state.slots[1].layer, state.slots[1].channels) == ("stem", (1, 2))
    assert len(problems) == 4


def test_a_new_layer_begins_with_its_first_channels() -> None:
    state, _ = ExploreState.from_query({"l1": "stem"}, model)
    assert state.slots[0].channels == (0, 1, 2, 3)


def test_a_slot_that_shows_nothing_asks_for_nothing() -> None:
    slot = SlotState(model="other", layer="stem", channels=(1,), activations=False)
    asked = slot.request(View(pinned=(1,), summary=True))
    assert (asked.layer, asked.channels, asked.summary, asked.pinned) == (None, (), False, (1,))


def test_hidden_and_empty_slots_ask_for_nothing() -> None:
    state, _ = ExploreState.from_query({"h1": "1"}, model)
    assert list(state.shown) == [1]
    assert [slot.model for slot in state.request(None).slots] == ["efficientnet_lite1"]


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("divisor", "9", "-3 to 3"),
        ("divisor", True, "-3 to 3"),
        ("shared", 1, "true, false"),
        ("cards", "all", "visualisation, examples, none"),
        ("variants", 7, "1 to 6"),
        ("pinned", [1] * 7, "up to 6"),
        ("pinned", "cat", "whole numbers"),
        ("explain", -1, "whole numbers"),
        ("size", 3, "Allowed: divisor"),
    ],
)
def test_display_options_that_are_none(option: str, value: object, allowed: str) -> None:
    with pytest.raises(InvalidInputError, match=allowed):
        View.parse({option: value})


@pytest.mark.parametrize(
    ("text", "channels"),
    [("3", (3,)), ("0, 5, 12-15", (0, 5, 12, 13, 14, 15)), (" 7 8\t9 ", (7, 8, 9)), ("4–6", (4, 5, 6))],
)
def test_channels_as_people_write_them(text: str, channels: tuple[int, ...]) -> None:
    assert parse_channels(text) == channels


@pytest.mark.parametrize("text", ["", "a", "1;2", "-1", "1-99999999", "0-8", "1.5", "1,,2x", "9" * 400])
def test_channels_that_are_none(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_channels(text)
