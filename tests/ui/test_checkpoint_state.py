"""The Checkpoints page's state: a link there and back, what each control changes, and a sentence for what is wrong."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturber.config import Settings
from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.scene import Scene
from perturber.training import Moment, Series
from perturber.ui.states.checkpoint_changes import STEPS, Known, changed
from perturber.ui.states.checkpoints import PLAY_SECONDS, CheckpointState, Source, Tab
from perturber.ui.states.page import Change, parse_query


def series(name: str, *steps: int) -> Series:
    moments = tuple(Moment(step, f"{name}@{step}" if step else "base", None) for step in steps)
    return Series(name, name.title(), "other", moments, Path("none"))


ALL = {"a": series("a", 0, 10, 50, 200), "b": series("b", 5, 7), "c": series("c", 3)}
LAYERS = {"a": {"stem": 3, "top": 40}, "b": {"stem": 3, "top": 40}, "c": {"stem": 2}}
SETTINGS = Settings(device="cpu", examples=None)
NOW = 1000.0


def models(name: str) -> Any:
    layers = {layer: SimpleNamespace(name=layer, channels=n) for layer, n in LAYERS.get(name, LAYERS["a"]).items()}
    last = list(layers)[-1]
    return SimpleNamespace(name=name, default_layer=last, layers=layers, fingerprint=f"of {name}", groups={})


KNOWN = Known(ALL, models, NOW)


def read(**query: str) -> tuple[CheckpointState, list[str]]:
    return CheckpointState.from_query(query, ALL, models, SETTINGS)


def state(**query: str) -> CheckpointState:
    found, problems = read(**query)
    assert problems == []
    return found


def after(before: CheckpointState, control: str, value: Any, slot: int | str | None = None) -> CheckpointState:
    return changed(before, Change(control, slot, value), KNOWN)


# ---- links ---------------------------------------------------------------------------------------------------------


def test_at_first_both_trainings_end() -> None:
    found = state()
    assert [moment.model for moment in found.moments] == ["a@200", "b@7"]
    assert (found.of, found.tab, found.layer, found.channels) == (1, "curves", "top", (0, 1, 2, 3))
    assert (found.pictures, found.count, found.naive, found.objective) == ("scene", 412, False, "neuron")


def test_one_training_is_compared_with_its_base() -> None:
    found, _ = CheckpointState.from_query({}, {"a": ALL["a"]}, models, SETTINGS)
    assert [moment.model for moment in found.moments] == ["a@200", "base"]


def test_without_trainings_there_is_no_state() -> None:
    with pytest.raises(InvalidInputError, match="perturber train"):
        CheckpointState.from_query({}, {}, models, SETTINGS)


def test_a_link_of_before_still_opens() -> None:
    """As the page wrote it before its state was one value."""
    text = (
        "yaw=12&m1=a@10&m2=a@0&of=2&tab=maps&layer=stem&naive=true&objective=channel&pictures=examples&count=20"
        "&channels=2,0"
    )
    found = state(**parse_query(text))
    assert [moment.model for moment in found.moments] == ["a@10", "base"]
    assert (found.of, found.tab, found.layer, found.channels) == (2, "maps", "stem", (2, 0))
    assert (found.pictures, found.count, found.naive, found.objective) == ("examples", 20, True, "channel")
    assert found.scene == Scene(yaw=12)
    assert found.query() == text


@st.composite
def states(draw: st.DrawFn) -> CheckpointState:
    moments = [(one, step) for one in ALL.values() for step in one.steps]
    slots = draw(st.tuples(st.sampled_from(moments), st.sampled_from(moments)))
    of = draw(st.sampled_from((1, 2)))
    layer, total = draw(st.sampled_from(sorted(LAYERS[slots[of - 1][0].name].items())))
    channels = draw(st.lists(st.integers(0, total - 1), min_size=1, max_size=8, unique=True))
    due = st.none() | st.floats(0, 2e9)
    return CheckpointState(
        scene=draw(st.builds(Scene, yaw=st.integers(-180, 180), background=st.sampled_from(["lawn", "street"]))),
        slots=slots,
        of=of,
        tab=draw(st.sampled_from(get_args(Tab))),
        layer=layer,
        channels=tuple(channels),
        naive=draw(st.booleans()),
        objective=draw(st.sampled_from(["neuron", "channel"])),
        pictures=draw(st.sampled_from(get_args(Source))),
        count=draw(st.integers(3, 512)),
        playing=draw(st.tuples(due, due)),
        opened=draw(st.integers(0, 9)),
    )


@settings(deadline=None)  # other tests may share the machine
@given(states())
def test_link_and_memory_are_the_state(found: CheckpointState) -> None:
    again, problems = read(**parse_query(found.query()))
    assert problems == []
    memory = json.loads(json.dumps(found.memory()))
    assert again.recalling({**memory, "problems": True}) == found
    assert again.query() == found.query()


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("m1", "nobody", "'nobody'"),
        ("m1", "a@11", "0, 10, 50"),
        ("m2", "b@5@7", "checkpoint of b"),
        ("m2", "a@٣", "checkpoint of a"),
        ("of", "3", "1 to 2"),
        ("tab", "nose", "curves"),
        ("layer", "nose", "nose"),
        ("channels", "40", "'40'"),
        ("channels", "0,1,2,3,4,5,6,7,8", "up to 8"),
        ("channels", "x", "not a list of channels"),
        ("naive", "perhaps", "true, false"),
        ("objective", "logit", "neuron"),
        ("pictures", "all", "scene, examples"),
        ("count", "2", "3 to 512"),
        ("count", "9" * 30, "3 to 512"),
        ("yaw", "much", "yaw"),
        ("colour", "red", "colour"),
    ],
)
def test_what_is_wrong_in_a_link_keeps_its_default(key: str, value: str, words: str) -> None:
    found, problems = read(**{key: value})
    (problem,) = problems
    assert words in problem
    assert problem.endswith((".", "?"))
    assert found == state()


@pytest.mark.parametrize("memory", [{"playing": 3}, {"opened": "often"}, {"opened": -1}, {"unknown": 1}])
def test_an_odd_memory_is_refused(memory: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="page of this app"):
        state().recalling(memory)


# ---- controls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "value", "slot", "changes"),
    [
        ("series", "b", 0, {"m1": "b@7"}),
        ("series", "a", 1, {"m2": "a@200"}),
        ("place", 1, 0, {"m1": "a@10"}),
        ("place", 0, 1, {"m2": "b@5"}),
        ("of", 2, None, {"of": "2"}),
        ("tab", "kernels", None, {"tab": "kernels"}),
        ("layer", "stem", None, {"layer": "stem", "channels": "0,1,2,3"}),
        ("channels", " 7, 2-4 ", None, {"channels": "7,2,3,4"}),
        ("naive", "naive", None, {"naive": "true"}),
        ("objective", "channel", None, {"objective": "channel"}),
        ("pictures", "examples", None, {"pictures": "examples"}),
        ("count", " 20 ", None, {"count": "20"}),
        ("bars", {"index": 3, "count": 1}, 0, {}),
    ],
)
def test_a_control_changes_what_its_link_says(control: str, value: Any, slot: Any, changes: dict[str, str]) -> None:
    before = state()
    if control == "layer":  # it has three channels only
        changes = {"layer": "stem", "channels": "0,1,2"}
    found = parse_query(after(before, control, value, slot).query())
    assert found == {**parse_query(before.query()), **changes}


def test_every_control_is_tried() -> None:
    marks = test_a_control_changes_what_its_link_says.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {case[0] for case in marks} | {"play"} == set(STEPS)


@pytest.mark.parametrize(
    ("control", "value", "slot", "words"),
    [
        ("series", "nobody", 0, "'nobody'"),
        ("series", "a", 2, "no slot 2"),
        ("place", 4, 0, "0 to 3"),
        ("place", None, 0, "0 to 3"),
        ("place", 0, None, "no slot"),
        ("play", 1, 7, "no slot 7"),
        ("of", 0, None, "1 to 2"),
        ("tab", "nose", None, "curves"),
        ("layer", "nose", None, "nose"),
        ("channels", "", None, "0, 5, 12-15"),
        ("channels", "3, 40", None, "40"),
        ("channels", "1-20", None, "up to 8"),
        ("naive", "true", None, "fourier, naive"),
        ("objective", "logit", None, "neuron"),
        ("pictures", "all", None, "scene, examples"),
        ("count", "many", None, "3 to 512"),
        ("nose", 1, None, "nose"),
    ],
)
def test_what_a_control_cannot_be_gets_a_sentence(control: str, value: Any, slot: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=r".+[.?]$") as error:
        after(state(), control, value, slot)
    assert words in str(error.value)


@settings(deadline=None)  # other tests may share the machine
@given(
    st.sampled_from([*STEPS, "nose"]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()) | st.just({"a": 1}),
    st.none() | st.integers() | st.text(max_size=3),
)
def test_whatever_a_control_says_is_answered(control: str, value: Any, slot: Any) -> None:
    found, sentence = state(), "."
    try:
        found = after(found, control, value, slot)
    except PerturberError as error:
        sentence = str(error)
    assert sentence.endswith((".", "?"))
    assert read(**parse_query(found.query()))[1] == []


def test_layer_and_channels_follow_the_shown_model() -> None:
    found = after(state(m2="c@3", channels="30,31,2"), "of", 2)
    assert (found.layer, found.channels) == ("stem", (0, 1))
    assert after(found, "of", 1).layer == "stem"  # the other one has it, too
    assert after(state(of="2", m2="b@7", layer="top"), "series", "c", 1).layer == "stem"


def test_another_tab_forgets_figures_and_the_same_one_does_not() -> None:
    found = after(state(), "tab", "maps")
    assert found.opened == 1
    assert after(found, "tab", "maps") == found


# ---- playing -------------------------------------------------------------------------------------------------------


def test_playing_goes_on_to_the_last_checkpoint() -> None:
    found, steps = after(state(m1="a@10"), "play", 1, 0), []
    assert found.playing == (NOW + PLAY_SECONDS, None)
    assert found.played(NOW + 0.9 * PLAY_SECONDS) == found  # not due
    for beat in range(1, 9):
        found = found.played(NOW + 1.01 * beat * PLAY_SECONDS)
        steps.append(found.moments[0].step)
    assert steps[:2] == [50, 200]
    assert set(steps[2:]) == {200}
    assert found.playing == (None, None)
    assert found.moments[1].step == 7


def test_playing_begins_anew_from_the_end_and_stops_on_demand() -> None:
    found = after(state(), "play", 1, 0)
    assert found.moments[0].step == 0
    assert after(found, "play", 2, 0).playing == (None, None)
    assert after(found, "place", 2, 0).playing == (None, None)
    assert after(found, "series", "b", 0).playing == (None, None)
    assert after(found, "place", 0, 1).playing == found.playing
    assert after(state(m1="c@3"), "play", 1, 0).playing == (None, None)  # there is nothing to go through


def test_both_slots_are_played_on_their_own() -> None:
    found = replace(state(m1="a@0", m2="a@0"), playing=(NOW, NOW + 5))
    assert [moment.step for moment in found.played(NOW).moments] == [10, 0]
    assert [moment.step for moment in found.played(NOW + 5).moments] == [10, 10]


# ---- what is asked of the service ----------------------------------------------------------------------------------


def test_the_nearest_checkpoints_come_first() -> None:
    assert state(m1="a@10", m2="b@7").nearest == ["a@10", "b@7", "a@50", "base", "b@5", "a@200"]
    assert state(m1="a@0", m2="a@50").nearest == ["a@50", "base", "a@200", "a@10"]


def test_links_to_other_pages_name_both_checkpoints() -> None:
    assert state(m1="a@10", m2="a@0", yaw="4").pair == "yaw=4&m1=a@10&m2=base"


def test_curves_name_every_state_and_its_weights() -> None:
    request = state(m2="b@5", of="2", count="9", yaw="4").development(models, SETTINGS)
    assert (request.name, request.models, request.fingerprints) == ("b", ("b@5", "b@7"), ("of b@5", "of b@7"))
    assert request.batch.scene is not None
    assert (request.batch.count, request.batch.scene.yaw) == (9, 4)
    with pytest.raises(InvalidInputError, match="PERTURBER_EXAMPLES"):
        state(pictures="examples").development(models, SETTINGS)


def test_an_unknown_control_is_named() -> None:
    with pytest.raises(UnknownNameError, match="'nose'"):
        after(state(), "nose", 1)
