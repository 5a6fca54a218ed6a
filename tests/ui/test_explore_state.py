"""Explore's state: a link there and back, what each control changes, and a sentence for what is wrong."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perturber.attack import METHODS, NORMS, Attack
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.parameters import PARAMETERS, Choice, Code, Neuron, Number, Switch
from perturber.scene import Scene
from perturber.service import ModelInfo
from perturber.ui.showing.groups import group_options
from perturber.ui.states.attack import AttackForm, AttackState
from perturber.ui.states.channels import MAX_NEURONS, parse_channels, resized, turned, written
from perturber.ui.states.display import READERS, View
from perturber.ui.states.explore import ExploreState, Mark, SlotState
from perturber.ui.states.explore_changes import STEPS, added, changed
from perturber.ui.states.page import Change, parse_query
from perturber.ui.states.physical import MOVES, PhysicalAttack, groups
from perturber.zoo import Group, Layer

LITE0, ROBUST = "efficientnet_lite0", "lite0_adversarial"
MODELS = {
    name: ModelInfo(
        name=name,
        label=name.title(),
        fingerprint=name,
        classes=tuple(f"class {n}" for n in range(1000)),
        class_list="thousand",
        groups={},
        input_size=224,
        layers={"stem": Layer("stem", 4, 56, 56), "blocks.1": Layer("blocks.1", 24, 28, 28)},
        default_layer="blocks.1",
    )
    for name in (LITE0, ROBUST, "other")
}
MODELS["small"] = ModelInfo(
    name="small",
    label="Small",
    fingerprint="small",
    classes=("cat", "dog"),
    class_list="pets",
    groups={},
    input_size=64,
    layers={"only": Layer("only", 3, 8, 8)},
    default_layer="only",
)


def models(name: str) -> ModelInfo:
    """As the service's."""
    if name not in MODELS:
        raise UnknownNameError("model", name, MODELS)
    return MODELS[name]


def state(**query: str) -> ExploreState:
    found, problems = ExploreState.from_query(query, models)
    assert problems == []
    return found


def after(before: ExploreState, control: str, value: Any = None, slot: int | str | None = None) -> ExploreState:
    return changed(before, Change(control, slot, value), models)


# ---- links --------------------------------------------------------------------------------------------------------


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


def digits(most: float) -> st.SearchStrategy[float]:
    """Numbers from 0 to most with the six digits that an attack keeps."""
    return st.floats(0, most).map(lambda v: float(f"{v:.6g}"))


shares = st.floats(0, 1).map(lambda v: round(v, 2))
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
    st.sampled_from([LITE0, ROBUST, "other"]),
    st.sampled_from(["stem", "blocks.1"]),
    st.lists(st.integers(0, 999), min_size=1, max_size=MAX_NEURONS),
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
figures = st.none() | st.from_regex(r"\A(layers|models|curve)(-[0-9a-f]{24})?\Z")


@st.composite
def attacks(draw: st.DrawFn, model: str | None = None) -> Attack:
    method = draw(st.sampled_from(sorted(METHODS)))
    kind = METHODS[method]
    norm = draw(st.sampled_from(sorted(kind.norms)))
    most = NORMS[norm].maximum
    return Attack(
        model=model or draw(st.sampled_from([LITE0, ROBUST, "other"])),
        method=method,
        norm=norm,
        epsilon=draw(st.integers(0, int(most)) if NORMS[norm].whole else digits(most)),
        step_size=draw(st.none() | digits(9)) if kind.has_step_size else None,
        steps=draw(st.integers(0, min(kind.max_steps, 99))),
        target=draw(st.none() | st.integers(0, 999)),
        random_start=draw(st.booleans()) and kind.has_random_start,
        momentum=draw(st.none() | digits(1)) if kind.has_momentum else None,
        seed=draw(st.integers(0, 2**31 - 1)),
    )


starts = st.fixed_dictionaries(
    {}, optional={key: values_of(PARAMETERS[key]) for keys in MOVES.values() for key in keys}
).map(lambda values: tuple((key, float(value)) for key, value in values.items()))
physicals = st.builds(
    PhysicalAttack,
    keeps=st.none() | st.integers(0, 2),
    moves=st.lists(st.sampled_from(list(MOVES))).map(groups),
    renders=st.integers(1, 5000),
    start=starts,
)


@st.composite
def states(draw: st.DrawFn) -> ExploreState:
    """What a link can hold; the controls of an attack say what it is."""
    found = (draw(slots), draw(slots), draw(st.none() | slots))
    attack = draw(st.none() | attacks())
    form = AttackForm()
    if attack is not None:
        there = [n for n, slot in enumerate(found) if slot is not None and slot.model == attack.model]
        form = AttackForm.of(attack, there[0] if there else 0)
    physical = None if attack is not None else draw(st.none() | physicals)
    if physical is not None:
        form = AttackForm(slot=draw(st.integers(0, 2)), target=draw(st.none() | st.integers(0, 999)))
    looks = {"attack_alpha": draw(shares), "original_alpha": draw(shares), "figure": draw(figures)}
    under_attack = AttackState(attack=attack, physical=physical, form=form, **looks)
    return ExploreState(scene=draw(scenes), slots=found, view=draw(views), attack=under_attack)


@st.composite
def visited(draw: st.DrawFn) -> ExploreState:
    """With what no link holds, too."""
    start = draw(states())
    channels = st.lists(st.integers(0, 23), max_size=20).map(tuple)
    found = tuple(slot and slot.model_copy(update={"group": draw(channels)}) for slot in start.slots)
    form = AttackForm.of(draw(attacks(model="other")), draw(st.integers(0, 1)), draw(st.integers(1, 200)))
    physical = start.attack.physical
    if physical is not None:
        job, said = draw(st.none() | st.just("a" * 24)), draw(st.text(max_size=20))
        physical = replace(physical, job=job, said=said)
    places = st.integers(0, 200)
    marks = st.builds(
        Mark, slot=st.integers(0, 2), model=st.just(LITE0), layer=st.just("stem"),
        channel=places, row=places, column=places,
    )  # fmt: skip
    return start.model_copy(
        update={
            "slots": found,
            "reference": draw(st.none() | scenes),
            "mark": draw(st.none() | marks),
            "history": draw(st.booleans()),
            "since": draw(st.integers(0, 999)),
            "measure": draw(st.sampled_from(["probability", "logit"])),
            "attack": replace(start.attack, form=form, done=draw(st.integers(0, 99)), physical=physical),
        }
    )


slow = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@given(states())
@slow
def test_a_link_holds_the_whole_state(wanted: ExploreState) -> None:
    found, problems = ExploreState.from_query(parse_query(wanted.query()), models)
    assert (found, problems) == (wanted, [])


@given(visited())
@slow
def test_a_link_and_a_memory_hold_what_a_browser_shows(wanted: ExploreState) -> None:
    memory = json.loads(json.dumps(wanted.memory()))
    found = ExploreState.from_query(parse_query(wanted.query()), models)[0].recalling(memory)
    assert found == wanted
    assert found.memory() == wanted.memory()


def test_the_plain_address_is_the_default() -> None:
    found = state()
    assert found == ExploreState.default(models)
    assert found.slots[0] == SlotState(model=LITE0, layer="blocks.1", channels=tuple(range(8)))
    assert found.slots[2] is None


def test_an_old_link_means_what_it_meant() -> None:
    found = state(
        yaw="30", m1=ROBUST, l1="stem", c1="3,1", a1="0", p2="0", h2="1", m3="other", divisor="-0.5", cards="none",
        pinned="207,1", explain="top", summary="true", attack_alpha="0.5",
        attack=f"mifgsm(linf=0.03,steps=4,target=7,momentum=0.9,seed=5;{ROBUST})", attack_figure="layers",
    )  # fmt: skip
    first, second, third = found.slots
    assert first == SlotState(model=ROBUST, layer="stem", channels=(3, 1), activations=False)
    assert second is not None
    assert third is not None
    assert (second.predictions, second.hidden, third.model) == (False, True, "other")
    assert found.view == View(divisor=-0.5, cards="none", pinned=(207, 1), explain="top", summary=True)
    assert found.attack.attack == Attack(
        model=ROBUST, method="mifgsm", norm="linf", epsilon=0.03, steps=4, target=7, momentum=0.9, seed=5
    )
    assert (found.attack.attack_alpha, found.attack.original_alpha, found.attack.open) == (0.5, 1, "layers")
    assert (found.attack.form.slot, found.attack.form.momentum, found.attack.form.target) == (0, 0.9, 7)
    assert found.scene == Scene().replace(yaw=30)


def test_what_is_wrong_in_a_link_is_named_and_the_rest_is_kept() -> None:
    query = {"yaw": "12", "pitch": "steep", "m1": "nobody", "l2": "stem", "c2": "1,2", "c1": "77", "what": "1"}
    found, problems = ExploreState.from_query(query, models)
    assert found.scene == Scene().replace(yaw=12)
    assert found.slots[0] == SlotState.default(MODELS[LITE0])
    assert found.slots[1] is not None
    assert (found.slots[1].layer, found.slots[1].channels) == ("stem", (1, 2))
    assert len(problems) == 4
    assert sum("'what'" in problem for problem in problems) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"attack": "pgd(l2=1"}, "Not an attack"),
        ({"attack": f"pgd(l2=1,momentum=0.5;{LITE0})"}, "has no momentum"),
        ({"attack_alpha": "2"}, "0 to 1"),
        ({"attack_figure": "all"}, "layers, models, curve"),
        ({"physical": "0"}, "the number of the model to fool"),
        ({"physical": "1-2-3"}, "the number of the model to fool"),
        ({"physical_target": "cat"}, "target"),
        ({"physical_moves": "camera,moon"}, "camera, morph, surface"),
        ({"physical_renders": "0"}, "1 to 5000"),
        ({"physical_from": "glsl:0"}, "parameter to move"),
        ({"physical_from": "pitch:600"}, "Pitch"),
        ({"pinned": "3,1000"}, "1000"),
        ({"explain": "5000"}, "5000"),
        ({"m1": "small", "pinned": "2"}, "'2'"),
        ({"m3": "nobody"}, "nobody"),
        ({"l1": "only"}, "stem, blocks.1"),
        ({"c1": "0-8"}, "too many channels"),
    ],
)
def test_what_is_wrong_in_a_link_has_one_sentence(query: dict[str, str], words: str) -> None:
    found, (problem,) = ExploreState.from_query({**query, "hue": "0.2"}, models)
    assert words in problem
    assert found.scene.hue == 0.2
    assert found.attack == AttackState()
    assert found.view == View()


def test_a_new_layer_begins_with_its_first_channels() -> None:
    first = state(l1="stem").slots[0]
    assert first is not None
    assert first.channels == (0, 1, 2, 3)


@pytest.mark.parametrize(
    "memory",
    [{"what": 1}, {"reference": 5}, {"groups": "abc"}, {"mark": {"slot": 0}}, {"form": {"method": 3}}, {"done": "x"}],
)
def test_a_memory_that_no_page_sends_is_refused(memory: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        state().recalling(memory)


def test_a_slot_that_shows_nothing_asks_for_nothing() -> None:
    slot = SlotState(model="other", layer="stem", channels=(1,), activations=False)
    asked = slot.request(View(pinned=(1,), summary=True))
    assert (asked.layer, asked.channels, asked.summary, asked.pinned) == (None, (), False, (1,))


def test_hidden_and_empty_slots_ask_for_nothing() -> None:
    found = state(h1="1")
    assert list(found.shown) == [1]
    assert [slot.model for slot in found.request(None).slots] == [ROBUST]


# ---- controls -----------------------------------------------------------------------------------------------------


def first_slot(found: ExploreState) -> SlotState:
    assert found.slots[0] is not None
    return found.slots[0]


def test_a_model_keeps_layer_and_channels_where_it_has_them() -> None:
    start = state(l1="stem", c1="3,1")
    assert first_slot(after(start, "model", "other", 0)) == SlotState(model="other", layer="stem", channels=(3, 1))
    small = first_slot(after(start, "model", "small", 0))
    assert (small.layer, small.channels) == ("only", (0, 1))


def test_a_layer_keeps_the_number_of_channels() -> None:
    start = state(c1="1,20,3")
    assert first_slot(after(start, "layer", "stem", 0)).channels == (0, 1, 2)
    assert first_slot(after(state(c1="1,3"), "layer", "stem", 0)).channels == (1, 3)


def test_channels_are_written_counted_and_paged() -> None:
    found = after(state(), "channels", "2, 9-11", 0)
    assert first_slot(found).channels == (2, 9, 10, 11)
    found = after(found, "count", 6, 0)
    assert first_slot(found).channels == (2, 9, 10, 11, 12, 13)
    assert first_slot(after(found, "on", 1, 0)).channels == (8, 15, 16, 17, 18, 19)
    assert first_slot(after(found, "back", 1, 0)).channels == (20, 3, 4, 5, 6, 7)
    assert first_slot(after(state(l1="stem"), "count", 8, 0)).channels == (0, 1, 2, 3)


def test_a_group_is_paged_until_channels_are_written() -> None:
    group = (5, 1, 7, 2)
    start = state(c1="5,1")
    slot = first_slot(start).model_copy(update={"group": group})
    found = after(start.with_slot(0, slot), "on", 1, 0)
    assert (first_slot(found).channels, first_slot(found).group) == ((7, 2), group)
    assert first_slot(after(found, "count", 3, 0)).channels == (7, 2, 5)
    assert first_slot(after(found, "channels", "7,2", 0)).group == ()
    assert first_slot(after(found, "layer", "stem", 0)).group == ()


def test_a_channel_is_added_in_place_of_the_last() -> None:
    start = state(c1="0-7", c2="1")
    assert first_slot(added(start, 0, 12, models)).channels == (0, 1, 2, 3, 4, 5, 6, 12)
    assert added(start, 1, 12, models).slot(1).channels == (1, 12)
    assert added(start, 0, 3, models) == start
    assert added(start, 0, 24, models) == start


def test_a_channel_is_added_by_a_click_in_the_figure_of_all() -> None:
    assert first_slot(after(state(c1="3"), "add", {"slot": 0, "channel": 12})).channels == (3, 12)
    for value in (None, {}, {"slot": 0}, {"slot": "0", "channel": 1}, {"slot": 0, "channel": -1}):
        with pytest.raises(InvalidInputError, match="slot and channel"):
            after(state(), "add", value)


def test_what_a_slot_shows() -> None:
    found = after(state(), "shows", ["predictions"], 0)
    assert (first_slot(found).activations, first_slot(found).predictions) == (False, True)
    assert first_slot(after(found, "hide", 1, 0)).hidden
    assert not first_slot(after(after(found, "hide", 1, 0), "hide", 2, 0)).hidden


def test_a_second_click_takes_the_mark_away() -> None:
    cell = {"channel": 3, "row": 1, "column": 2, "count": 1}
    found = after(state(), "maps", cell, 1)
    assert found.mark == Mark(slot=1, model=ROBUST, layer="blocks.1", channel=3, row=1, column=2)
    assert after(found, "maps", {**cell, "count": 2}, 1).mark is None
    assert after(found, "maps", {**cell, "row": 5}, 1).mark == found.mark.model_copy(update={"row": 5})


@pytest.mark.parametrize(
    ("control", "value", "view"),
    [
        ("divisor", 0.5, View(divisor=0.5)),
        ("boxes", ["shared", "overlay"], View(shared=True, overlay=True)),
        ("boxes", [], View()),
        ("cards", "none", View(cards="none")),
        ("objective", "channel", View(objective="channel")),
        ("variants", 3, View(variants=3)),
        ("naive", "naive", View(naive=True)),
        ("explain", "top", View(explain="top")),
        ("explain", 7, View(explain=7)),
        ("explain", "none", View()),
        ("pin", 281, View(pinned=(281,))),
        ("bars", {"index": 281, "count": 1}, View(pinned=(281,))),
        ("pin", None, View()),
    ],
)
def test_display_options(control: str, value: Any, view: View) -> None:
    assert after(state(), control, value, 0 if control == "bars" else None).view == view


def test_a_fixed_divisor_is_let_go() -> None:
    assert after(state(divisor="0.5"), "four-sigma", 1).view == View()


def test_classes_are_pinned_and_let_go() -> None:
    start = state(pinned="1,2,3", explain="2")
    assert after(start, "bars", {"index": 2, "count": 1}, 0).view == View(pinned=(1, 3), explain="top")
    assert after(start, "pin", 2).view == start.view  # the menu only pins
    with pytest.raises(InvalidInputError, match="Up to 6"):
        after(state(pinned="1,2,3,4,5,6"), "pin", 7)


JOB = "curve-" + "a" * 24


def test_one_figure_is_open_at_a_time() -> None:
    found = after(state(), "drawer", "history")
    assert (found.history, found.view.summary, found.attack.open) == (True, False, None)
    found = after(found, "drawer", "summary")
    assert (found.history, found.view.summary, found.attack.open) == (False, True, None)
    found = after(after(found, "drawer", "curve"), "job", JOB)
    assert (found.view.summary, found.attack.open, found.attack.job) == (False, "curve", "a" * 24)
    assert after(found, "drawer", "curve").attack.job == "a" * 24
    found = after(found, "drawer", "")
    assert (found.history, found.view.summary, found.attack.open) == (False, False, None)
    assert after(found, "job", JOB) == found  # it belongs to no figure any more
    assert after(state(), "measure", "logit").measure == "logit"
    assert after(state(), "since", "12").since == 12


def test_the_reference_is_the_present_scene() -> None:
    found = after(state(yaw="20"), "reference", 1)
    assert found.reference == Scene().replace(yaw=20)
    assert found.with_scene(Scene()).reference == found.reference


def test_an_attack_from_its_controls_to_its_end() -> None:
    found = after(state(), "attack-method", "mifgsm linf")
    found = after(after(found, "attack-epsilon", 0.02), "attack-step-size", 0.005)
    found = after(after(found, "attack-target", 281), "attack-count", 5)
    found = after(found, "attack-slot", 1)
    running = after(found, "attack-run", 1)
    wanted = Attack(model=ROBUST, method="mifgsm", norm="linf", epsilon=0.02, step_size=0.005, target=281, steps=5)
    assert running.attack.attack == wanted
    assert after(running, "attack-run", 2) == running  # it is on its way
    halted = after(running, "attack-stop", 1)
    assert halted.attack.attack is not None
    assert halted.attack.attack.steps == 0
    assert after(halted, "attack-step", 1).attack.attack == Attack(**{**vars(wanted), "steps": 1})
    assert after(running, "attack-alpha", 0.3).attack.attack_alpha == 0.3
    assert after(running, "original-alpha", 0).attack.original_alpha == 0
    for ended in (
        after(running, "attack-end", 1),
        after(running, "grab", 1),
        after(running, "attack-start", ["random"]),
        after(running, "model", "other", 1),
        running.with_scene(Scene().replace(yaw=1)),
    ):
        assert ended.attack.attack is None
        assert ended.attack.form.epsilon == 0.02
    assert after(running, "model", "other", 0).attack.attack == wanted


def under_way() -> ExploreState:
    """A physical attack that has moved the yaw."""
    found = after(after(state(yaw="10"), "attack-method", "physical"), "attack-keeps", 1)
    attack = found.attack.with_physical(job="a" * 24, start=(("yaw", 3.5),))
    return found.model_copy(update={"attack": attack})


def test_a_physical_attack_from_its_controls_to_its_link() -> None:
    found = after(state(), "attack-method", "physical")
    assert parse_query(found.query())["physical"] == "1"
    found = after(after(found, "attack-slot", 1), "attack-keeps", 0)
    found = after(after(found, "attack-moves", ["light", "camera"]), "attack-count", 500)
    link = parse_query(after(found, "attack-target", 281).query())
    assert {key: value for key, value in link.items() if key.startswith("physical")} == {
        "physical": "2-1", "physical_target": "281", "physical_moves": "camera,light", "physical_renders": "500",
    }  # fmt: skip
    assert found.attack.physical is not None
    assert set(found.attack.physical.keys) == {
        "yaw", "pitch", "roll", "distance", "pan_x", "pan_y", "lighting_influence", "light_azimuth", "light_elevation",
    }  # fmt: skip
    assert found.attack.request() is None
    other = after(found, "attack-method", "fgsm linf")
    assert other.attack.physical is None
    assert other.attack.form.method == "fgsm"
    with pytest.raises(InvalidInputError, match="no steps on the picture"):
        after(found, "attack-step", 1)


def test_a_link_holds_where_a_physical_attack_began_and_not_its_job() -> None:
    link = parse_query(under_way().query())
    assert (link["yaw"], link["physical_from"]) == ("10", "yaw:3.5")
    found = state(**link).attack.physical
    assert found is not None
    assert (found.job, found.start, found.keeps) == (None, (("yaw", 3.5),), 1)


def test_undo_brings_the_sliders_back_and_keeps_what_else_was_changed() -> None:
    moved = under_way().with_scene(Scene().replace(yaw=12, hue=0.1))
    undone = after(moved, "attack-end", 1)
    assert undone.scene == Scene().replace(yaw=3.5, hue=0.1)
    assert undone.attack.physical == PhysicalAttack(keeps=1)
    assert after(under_way(), "attack-end", 1).scene == Scene().replace(yaw=3.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.with_scene(Scene().replace(yaw=11)),
        lambda found: after(found, "grab", 1),
        lambda found: after(found, "attack-stop", 1),
        lambda found: after(found, "attack-count", 9),
        lambda found: after(found, "attack-moves", []),
        lambda found: after(found, "attack-target", 7),
        lambda found: after(found, "model", "other", 0),
        lambda found: after(found, "model", "other", 1),
    ],
)
def test_a_physical_attack_is_stopped_by_whoever_changes_what_it_is_about(
    change: Callable[[ExploreState], ExploreState],
) -> None:
    found = change(under_way()).attack.physical
    assert found is not None
    assert (found.job, found.start) == (None, (("yaw", 3.5),))
    assert "Undo brings them back" in found.said


def test_what_it_is_not_about_lets_a_physical_attack_go_on() -> None:
    found = after(under_way(), "hide", 1, 0)
    assert after(after(found, "cards", "none"), "reference", 1).attack == under_way().attack


@pytest.mark.parametrize(
    ("control", "value", "slot", "words"),
    [
        ("attack-keeps", 2, None, "no model"),
        ("attack-keeps", "x", None, "whole numbers"),
        ("attack-moves", ["moon"], None, "camera, morph"),
        ("model", "nobody", 0, "'nobody'"),
        ("layer", "only", 0, "stem, blocks.1"),
        ("channels", "fur", 0, "not a list of channels"),
        ("channels", "24", 0, "0 to 23"),
        ("channels", "0-8", 0, "up to 8"),
        ("channels", "", 0, "not a list of channels"),
        ("count", 9, 0, "1 to 8"),
        ("count", None, 0, "1 to 8"),
        ("count", 2.5, 0, "1 to 8"),
        ("on", 1, 2, "no model"),
        ("hide", 1, 9, "no model"),
        ("hide", 1, None, "no slot"),
        ("hide", 1, "x", "no slot"),
        ("maps", {"channel": "3", "row": 0, "column": 0}, 0, "channel, row and column"),
        ("maps", 7, 0, "channel, row and column"),
        ("bars", {"index": "cat"}, 0, "whole numbers"),
        ("pin", -1, None, "whole numbers"),
        ("divisor", 9, None, "-3 to 3"),
        ("cards", "all", None, "visualisation, examples, none"),
        ("objective", "class", None, "neuron, channel"),
        ("variants", 7, None, "1 to 6"),
        ("explain", "best", None, "whole numbers"),
        ("measure", "size", None, "probability, logit"),
        ("attack-method", "pgd l0", None, "l2, linf"),
        ("attack-method", "love", None, "pgd"),
        ("attack-epsilon", None, None, "ε"),
        ("attack-epsilon", 10_000, None, "0 to 388"),
        ("attack-step-size", "wide", None, "step size"),
        ("attack-target", "cat", None, "target"),
        ("attack-count", 0, None, "1 to 200"),
        ("attack-slot", 2, None, "no model"),
        ("attack-alpha", 2, None, "0 to 1"),
        ("original-alpha", "x", None, "0 to 1"),
        ("nothing", 1, None, "Unknown control"),
    ],
)
def test_invalid_values_have_a_sentence(control: str, value: Any, slot: Any, words: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\.$") as told:
        after(state(), control, value, slot)
    assert words in str(told.value)


def test_an_invalid_job_has_a_sentence() -> None:
    with pytest.raises(InvalidInputError, match="layers, models, curve"):
        after(state(attack_figure="curve"), "job", "curve-../x")


ODD: list[Any] = [
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**400, "", "0", "../x", "\ud800", "\x00", "x" * 5000, [],
    [[]], {}, {"index": {}}, {"channel": 0, "row": 10**400, "column": 0}, "stem", LITE0, "pgd", "pgd l2", [None],
]  # fmt: skip


@pytest.mark.parametrize("control", STEPS)
def test_whatever_is_sent_gets_a_state_or_a_sentence(control: str) -> None:
    attacked = state(attack=f"pgd(l2=1,steps=3;{LITE0})", attack_figure="models", m3="other")
    for start in (state(), attacked, under_way()):
        for value in ODD:
            for slot in (None, 0, 2, 7, -1, "x"):
                try:
                    found = after(start, control, value, slot)
                except InvalidInputError:
                    continue
                found.recalling(found.memory())
                found.query()
                found.request("me")


# ---- display options and channels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("divisor", "9", "-3 to 3"),
        ("divisor", True, "-3 to 3"),
        ("divisor", 10**400, "-3 to 3"),
        ("divisor", float("nan"), "-3 to 3"),
        ("shared", 1, "true, false"),
        ("naive", 1, "true, false"),
        ("cards", "all", "visualisation, examples, none"),
        ("objective", ["neuron"], "neuron, channel"),
        ("variants", 7, "1 to 6"),
        ("variants", float("nan"), "whole numbers"),
        ("pinned", [1] * 7, "up to 6"),
        ("pinned", "cat", "whole numbers"),
        ("explain", -1, "whole numbers"),
        ("size", 3, "Allowed: divisor"),
    ],
)
def test_invalid_display_options(option: str, value: object, allowed: str) -> None:
    with pytest.raises(InvalidInputError, match=allowed):
        View.parse({option: value})


def test_every_display_option_has_a_reader() -> None:
    assert READERS.keys() == View().as_dict().keys()


@pytest.mark.parametrize(
    ("text", "channels"),
    [("3", (3,)), ("0, 5, 12-15", (0, 5, 12, 13, 14, 15)), (" 7 8\t9 ", (7, 8, 9)), ("4–6", (4, 5, 6))],
)
def test_channels_as_people_write_them(text: str, channels: tuple[int, ...]) -> None:
    assert parse_channels(text) == channels
    assert parse_channels(written(channels)) == channels


@pytest.mark.parametrize("text", ["", "a", "1;2", "-1", "1-99999999", "0-8", "1.5", "1,,2x", "9" * 400, None, "4-2x"])
def test_invalid_lists_of_channels(text: str | None) -> None:
    with pytest.raises(InvalidInputError):
        parse_channels(text)


@given(st.lists(st.integers(0, 23), min_size=1, max_size=8), st.integers(1, 8))
def test_other_numbers_of_channels_begin_with_the_same(channels: list[int], count: int) -> None:
    found = resized(channels, count, 24)
    assert len(found) == count
    assert found[: len(channels)] == tuple(channels[:count])
    new = found[len(channels) :]
    assert len(set(new)) == len(new)
    assert not set(new) & set(channels)


@pytest.mark.parametrize(
    ("channels", "count", "total", "group", "expected"),
    [
        ((3,), 3, 24, (), (3, 4, 5)),
        ((22,), 3, 24, (), (22, 23, 0)),
        ((1,), 8, 3, (), (1, 2, 0)),
        ((7, 2), 3, 24, (5, 1, 7, 2), (7, 2, 5)),
        ((7, 2), 5, 24, (5, 1, 7, 2), (7, 2, 3, 4, 5)),  # more than the group has
        ((9,), 2, 24, (5, 1, 7), (5, 1)),  # not of the group
    ],
)
def test_resized(channels: Any, count: int, total: int, group: Any, expected: Any) -> None:
    assert resized(channels, count, total, group) == expected


@pytest.mark.parametrize(
    ("channels", "pages", "group", "expected"),
    [
        ((0, 1), 1, (), (2, 3)),
        ((0, 1), -1, (), (22, 23)),
        ((23, 5), 1, (), (1, 7)),
        ((5, 1), 1, (5, 1, 7, 2), (7, 2)),
        ((7, 2), 1, (5, 1, 7, 2), (5, 1)),
        ((5, 1), -1, (5, 1, 7, 2, 8), (2, 8)),
        ((5, 1), 1, (5, 1), (7, 3)),  # the whole group is shown already
    ],
)
def test_turned(channels: Any, pages: int, group: Any, expected: Any) -> None:
    assert turned(channels, pages, 24, group) == expected


@given(st.lists(st.integers(0, 23), min_size=1, max_size=8), st.integers(-5, 5))
def test_a_page_on_and_back_is_the_same(channels: list[int], pages: int) -> None:
    assert turned(turned(channels, pages, 24), -pages, 24) == tuple(channels)


@pytest.mark.parametrize("title", ["Circuits project", "Measured"])
def test_the_menu_of_groups_says_where_they_are_from(title: str) -> None:
    slot = SlotState(model="small", layer="only", channels=(0,))
    info = replace(MODELS["small"], groups={"only": (Group("Dog", (2, 0)),)}, groups_title=title)
    labels = [option["label"] for option in group_options(state(), 0, slot, info, {})]
    assert labels[labels.index(title) + 1] == "Dog (2)"
    labels = [option["label"] for option in group_options(state(), 0, slot, MODELS["small"], {})]
    assert not {title, ""} & set(labels)
