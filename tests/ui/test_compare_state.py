"""The Compare page's state: a link there and back, what each control changes, and a sentence for what is wrong."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturber.editing import Edit
from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.scene import Scene
from perturber.service import CorrelationRequest, ModelInfo, SimilarityRequest
from perturber.ui.states.compare import DEFAULT_MODELS, OWN, CompareState
from perturber.ui.states.compare_changes import OTHER, STEPS, Known, changed
from perturber.ui.states.page import Change, parse_query
from perturber.zoo import Layer

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
PRUNED = "prune(efficientnet_lite0;blocks.3=0.1-1)"
NAMES = (LITE0, LITE1, "small")
LAYERS = {
    LITE0: {"stem": 32, "middle": 80, "head": 6},
    LITE1: {"stem": 32, "middle": 40, "last": 16},
    "small": {"stem": 3},
}
CLASSES = {LITE0: 1000, LITE1: 1000, "small": 10}


def models(name: str) -> ModelInfo:
    """As the service's: knows the catalogue and its edits."""
    base = Edit.parse(name).first if Edit.is_edit(name) else name
    if base not in LAYERS:
        raise UnknownNameError("model", name, NAMES)
    layers = {layer: Layer(layer, channels, 7, 7) for layer, channels in LAYERS[base].items()}
    return ModelInfo(
        name=str(Edit.parse(name)) if Edit.is_edit(name) else name,
        label=base,
        fingerprint=f"mark of {name}",
        layers=layers,
        default_layer="middle" if "middle" in layers else "stem",
        classes=tuple(f"class {n}" for n in range(CLASSES[base])),
        class_list=str(CLASSES[base]),
        groups={},
        input_size=224,
    )


KNOWN = Known(NAMES, models)


def state(**query: str) -> CompareState:
    found, problems = CompareState.from_query(query, models)
    assert problems == []
    return found


def after(before: CompareState, control: str, value: Any, slot: int | str | None = None) -> CompareState:
    return changed(before, Change(control, slot, value), KNOWN)


# ---- links --------------------------------------------------------------------------------------------------------


@st.composite
def states(draw: st.DrawFn) -> CompareState:
    names = draw(st.lists(st.sampled_from([*NAMES, PRUNED]), min_size=2, max_size=4))
    a, b = draw(st.permutations(range(1, len(names) + 1)))[:2]
    first, second = models(names[a - 1]), models(names[b - 1])
    layer = draw(st.sampled_from(list(first.layers)))
    total = first.layers[layer].channels
    return CompareState(
        scene=Scene().replace(yaw=draw(st.integers(-180, 180)), hue=draw(st.sampled_from([0, 0.25]))),
        models=tuple(names),
        a=a,
        b=b,
        tab=draw(st.sampled_from(["channels", "depth", "cka", "same"])),
        layer=layer,
        other=draw(st.sampled_from(list(second.layers))),
        channels=tuple(draw(st.lists(st.integers(0, total - 1), min_size=1, max_size=8, unique=True))),
        pinned=tuple(draw(st.lists(st.integers(0, 9), max_size=6, unique=True))),
        count=draw(st.integers(3, 128)),
        pictures=draw(st.sampled_from(["scene", "examples"])),
        matched=draw(st.booleans()),
        most=tuple(draw(st.lists(st.integers(0, total - 1), max_size=24, unique=True))),
    )


@settings(deadline=None)
@given(states())
def test_a_link_and_a_memory_hold_the_whole_state(wanted: CompareState) -> None:
    found, problems = CompareState.from_query(parse_query(wanted.query()), models)
    assert problems == []
    assert found.recalling(wanted.memory()) == wanted


@settings(deadline=None)
@given(states())
def test_a_state_of_any_models_fits_to_them(wanted: CompareState) -> None:
    assert wanted.fitted(models) == wanted


def test_an_old_link_means_what_it_meant() -> None:
    found = state(
        yaw="30", m1=LITE0, m2=PRUNED, m4=LITE1, a="2", b="1", tab="same", layer="head", other="stem",
        channels="3,1", pinned="207,1", count="12", matched="true",
    )  # fmt: skip
    assert found.models == (LITE0, PRUNED, LITE1)
    assert (found.a, found.b, found.tab, found.layer, found.other) == (2, 1, "same", "head", "stem")
    assert (found.channels, found.pinned, found.count, found.matched) == ((3, 1), (207, 1), 12, True)
    assert found.scene.yaw == 30


def test_an_edit_is_kept_in_its_canonical_form() -> None:
    assert state(m2=" prune( efficientnet_lite0 ; blocks.3 = 0.10-1.0) ").models[1] == PRUNED


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"m2": "nobody"}, "Unknown model"),
        ({"m3": "prune("}, "edit"),
        ({"a": "9"}, "1 to 2"),
        ({"a": "1", "b": "1"}, "another column"),
        ({"tab": "x"}, "channels, depth, cka, same"),
        ({"layer": "nowhere"}, "Unknown layer"),
        ({"other": "nowhere"}, "Unknown layer"),
        ({"channels": "x"}, "is not a list of channels"),
        ({"channels": "99"}, "no channel"),
        ({"channels": "0-12"}, "too many channels"),
        ({"pinned": "5000"}, "0 to 999"),
        ({"pinned": "1,x"}, "whole numbers"),
        ({"count": "2"}, "3 to 128"),
        ({"pictures": "/etc"}, "scene, examples"),
        ({"matched": "7"}, "true, false"),
        ({"hue": "7"}, "-0.5 to 0.5"),
        ({"hello": "1"}, "hello"),
    ],
)
def test_what_is_wrong_in_a_link_gets_one_sentence_and_keeps_its_default(query: dict[str, str], words: str) -> None:
    found, problems = CompareState.from_query({"pitch": "5", **query}, models)
    (problem,) = problems
    assert words in problem
    assert problem.endswith((".", "?"))
    assert found == state(pitch="5")
    assert found.models == DEFAULT_MODELS


def test_what_a_memory_never_held_is_refused() -> None:
    for memory in ({"most": "x"}, {"most": [None]}, {"else": 1}, {"most": [1] * 101}):
        with pytest.raises(InvalidInputError, match="would send"):
            state().recalling(memory)


# ---- controls -----------------------------------------------------------------------------------------------------


def test_models_come_and_go() -> None:
    three = after(state(), "add", 1)
    assert three.models == (*DEFAULT_MODELS, LITE1)  # the first of the catalogue that is not there
    four = after(three, "add", 2)
    with pytest.raises(InvalidInputError, match="Up to 4"):
        after(four, "add", 3)
    assert after(four, "remove", 1, 1).models == (LITE0, LITE1, "small")
    with pytest.raises(InvalidInputError, match="at least 2"):
        after(state(), "remove", 1, 1)
    assert after(state(), "model", LITE1, 1).models == (LITE0, LITE1)
    assert after(state(), "model", OTHER, 1) == state()  # the dialog asks which
    assert after(state(), "named", f"0 {PRUNED}").models == (PRUNED, PRUNED)
    assert after(state(), "named", "") == state()


def test_what_a_model_does_not_have_is_brought_back() -> None:
    before = state(m1=LITE0, m2=PRUNED, layer="head", other="head", channels="5,1", pinned="207,1")
    found = after(before, "model", LITE1, 0)
    assert (found.layer, found.other, found.channels) == ("middle", "head", (5, 1))
    found = after(before, "model", "small", 0)
    assert (found.layer, found.channels, found.pinned) == ("stem", (0, 1), (1,))
    last = state(m1=LITE0, m2=LITE1, m3=PRUNED, a="3", b="1")
    assert (after(last, "remove", 1, 2).a, after(last, "remove", 1, 2).b) == (1, 2)


def test_the_pair_changes_places() -> None:
    three = state(m1=LITE0, m2=LITE1, m3=PRUNED)
    assert (after(three, "a", 2).a, after(three, "a", 2).b) == (2, 1)
    assert (after(three, "b", 3).a, after(three, "b", 3).b) == (1, 3)
    with pytest.raises(InvalidInputError, match="1 to 3"):
        after(three, "b", 4)


def test_classes_are_pinned_and_let_go() -> None:
    one = after(state(), "pin", 207)
    assert one.pinned == (207,)
    assert after(one, "pin", 207) == one
    assert after(one, "pin", None) == one
    assert after(one, "bars", {"index": 3, "count": 1}, 0).pinned == (207, 3)
    assert after(one, "bars", {"index": 207, "count": 1}, 1).pinned == ()
    with pytest.raises(InvalidInputError, match="Up to 6"):
        after(state(pinned="0,1,2,3,4,5"), "pin", 6)
    with pytest.raises(InvalidInputError, match="0 to 9"):
        after(state(m1="small", m2=LITE0), "pin", 10)  # a class that only one of the models has


def test_channels() -> None:
    start = state(layer="stem", channels="1,2")
    assert after(start, "channels", "1, 4-6").channels == (1, 4, 5, 6)
    assert after(start, "number", 4).channels == (1, 2, 3, 4)
    assert after(start, "bars", {"index": 9, "count": 1}, "most").channels == (1, 2, 9)
    assert after(start, "bars", {"index": 2, "count": 1}, "most").channels == (1,)
    last = after(start, "number", 1)
    assert after(last, "bars", {"index": 1, "count": 1}, "most") == last  # one is always shown
    full = after(start, "channels", "0-7")
    assert after(full, "bars", {"index": 9, "count": 1}, "most").channels == (*range(7), 9)
    assert after(start.recalling({"most": [7, 5, 3]}), "most", 1).channels == (7, 5)
    assert after(start, "most", 1) == start
    assert after(start, "layer", "head").channels == (1, 2)
    assert after(after(start, "channels", "30"), "layer", "head").channels == (0,)


def test_a_click_into_a_figure_leads_on() -> None:
    found = after(state(tab="depth"), "graph", {"points": [{"x": "stem", "y": 0.5}]}, "depth")
    assert (found.tab, found.layer) == ("channels", "stem")
    found = after(state(tab="cka", m2=LITE1), "graph", {"points": [{"x": "last", "y": "head", "z": 1}]}, "job")
    assert (found.tab, found.layer, found.other) == ("same", "head", "last")
    assert after(state(tab="same"), "graph", {"points": [{"x": 3, "y": 2}]}, "job") == state(tab="same")
    assert after(state(), "graph", None, "depth") == state()
    assert after(state(), "to-cka", 1).tab == "cka"


def test_jobs() -> None:
    assert state().job(models) is None
    assert type(state(tab="cka", count="5").job(models)) is SimilarityRequest
    plane = np.zeros((4, 4, 3), np.uint8)
    found = state(tab="same", layer="stem", other="head", pictures="examples").job(models, plane)
    assert isinstance(found, CorrelationRequest)
    assert (found.layer_a, found.layer_b, found.batch.scene, found.batch.plane is plane) == ("stem", "head", None, True)
    assert found.fingerprints == (f"mark of {LITE0}", f"mark of {PRUNED}")
    assert after(state(), "count", "12").count == 12
    assert after(state(), "pictures", "examples").pictures == "examples"
    assert after(state(), "matched", "partner").matched
    assert not after(state(matched="true"), "matched", "number").matched


@pytest.mark.parametrize(
    ("control", "value", "slot", "words"),
    [
        ("model", "nobody", 1, "Unknown model"),
        ("model", LITE1, 3, "There is no model 4"),
        ("model", LITE1, None, "belongs to no slot"),
        ("named", "0 mix(x", None, "edit"),
        ("tab", "else", None, "channels, depth, cka, same"),
        ("layer", "nowhere", None, "Unknown layer"),
        ("other", None, None, "Unknown layer"),
        ("channels", "9999", None, "no channel"),
        ("channels", "", None, "is not a list of channels"),
        ("number", 9, None, "1 to 8"),
        ("number", None, None, "1 to 8"),
        ("count", 129, None, "3 to 128"),
        ("pictures", "x", None, "scene, examples"),
        ("matched", "x", None, "number, partner"),
        ("bars", {"index": 1000}, 0, "0 to 999"),
        ("bars", {"index": 80}, "most", "0 to 79"),
        ("unknown", 1, None, "control"),
    ],
)
def test_a_wrong_value_gets_a_sentence(control: str, value: Any, slot: Any, words: str) -> None:
    with pytest.raises(PerturberError) as raised:
        after(state(), control, value, slot)
    assert words in str(raised.value)
    assert str(raised.value).endswith((".", "?"))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["index", "points", "x"]), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(states(), st.sampled_from(list(STEPS)), ANYTHING, st.none() | st.integers(-2, 5) | st.text(max_size=4))
def test_nonsense_is_refused_or_gives_a_state(before: CompareState, control: str, value: Any, slot: Any) -> None:
    try:
        found = after(before, control, value, slot)
    except PerturberError:
        return
    again, problems = CompareState.from_query(parse_query(found.query()), models)
    assert problems == []
    assert again.recalling(found.memory()) == found


def test_own_keys_are_no_parameters_of_the_scene() -> None:
    assert not set(OWN) & set(Scene().model_dump())
