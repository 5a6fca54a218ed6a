"""The Mixing page's state: a link there and back, what each control changes, and a sentence for what is wrong."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturber.editing import LEVELS, Edit, Level
from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.scene import Scene
from perturber.ui.states.mixing import MAX_UNDO, MAX_UNDO_LENGTH, MixingState, ScanForm, Version, read_level
from perturber.ui.states.mixing_changes import STEPS, all_amounts, changed
from perturber.ui.states.mixing_edits import Known
from perturber.ui.states.mixing_presets import preset_amounts, presets
from perturber.ui.states.page import Change, parse_query

KINDS = {"a": "timm:x", "c": "timm:y", "b": "timm:x"}
JOB = "0123456789abcdef01234567"
UNITS: dict[Level, tuple[str, ...]] = {
    "stage": ("stem", "blocks.0", "blocks.1", "blocks.10"),
    "block": ("stem", "blocks.0.0", "blocks.0.1", "blocks.1.0", "blocks.10.0"),
    "layer": ("stem", "blocks.0.0.conv", "blocks.0.1.conv", "blocks.1.0.conv", "blocks.1.0.proj", "blocks.10.0.conv"),
}
KEPT = {"mine": "mix(b,a;blocks.0=0.5)", "thin": "prune(c;stem=0-0.5)", "fine": "mix(a,b;blocks.0.1.conv=1)"}


def models(name: str) -> Any:
    """As the service's: knows the models and what can be made of them."""
    if not Edit.is_edit(name):
        if name not in KINDS:
            raise UnknownNameError("model", name, KINDS)
        return None
    edit = Edit.parse(name)
    units(edit.first, edit.second, "stage")
    for unit in edit.values():
        if not any(unit in UNITS[level] for level in LEVELS):
            raise UnknownNameError("unit", unit, UNITS["stage"])
    return None


def units(first: str, second: str | None, level: Level) -> tuple[str, ...]:
    for model in filter(None, (first, second)):
        models(model)
    if second and KINDS[first] != KINDS[second]:
        raise InvalidInputError(f"{first} and {second} cannot be mixed: they differ.")
    return UNITS[level]


def kept(name: str) -> Edit:
    if name not in KEPT:
        raise UnknownNameError("edit", name, KEPT)
    return Edit.parse(KEPT[name])


KNOWN = Known(architectures=KINDS, models=models, units=units, kept=kept)


def read(**query: str) -> tuple[MixingState, list[str]]:
    return MixingState.from_query(query, KNOWN)


def state(edit: str = "mix(a,b)", **more: str) -> MixingState:
    found, problems = read(edit=edit, **more)
    assert problems == []
    return found


def after(start: MixingState, *changes: tuple[str, Any]) -> MixingState:
    for control, value in changes:
        start = changed(start, Change(control, None, value), KNOWN)
    return start


def at(**amounts: float | list[float]) -> dict[str, list[float]]:
    """Where all sliders of stages stand; ``blocks_0`` for ``blocks.0``."""
    moved = {name.replace("_", "."): v if isinstance(v, list) else [v] for name, v in amounts.items()}
    return {unit: moved.get(unit, [0]) for unit in UNITS["stage"]}


# ---- links ---------------------------------------------------------------------------------------------------------


def test_at_first_model_2_is_of_model_1s_architecture() -> None:
    found, problems = read()
    assert (str(found.edit), found.second, found.level, found.scan) == ("mix(a,b)", "b", "stage", None)
    assert problems == []
    alone = MixingState.default(replace(KNOWN, architectures={"c": "timm:y", "a": "timm:x"}))
    assert (str(alone.edit), alone.second) == ("mix(c,c)", "c")


@pytest.mark.parametrize(
    "query",
    [
        {"edit": "mix(a,b;blocks.0=0.5)"},
        {"edit": "mix(b,a;blocks.0.0.conv=0.5)", "level": "layer", "yaw": "20"},
        {"edit": "prune(a;blocks.1=0.25-1)", "second": "c", "scan": JOB},
        {"edit": "prune(c)", "second": "b", "object": "firetruck_racecar"},
        {"edit": "mix(a,c)", "level": "block"},  # the page says why they cannot be mixed
    ],
)
def test_link_page_link_is_the_identity(query: dict[str, str]) -> None:
    found, problems = read(**query)
    assert problems == []
    assert parse_query(found.query()) == query


edits = st.one_of(
    st.tuples(st.sampled_from("ab"), st.sampled_from("abc"), st.just("mix")),
    st.tuples(st.sampled_from("abc"), st.none(), st.just("prune")),
)
shares = st.floats(0, 1).map(lambda value: round(value, 4))


@st.composite
def states(draw: Any) -> MixingState:
    first, second, mode = draw(edits)
    level: Level = draw(st.sampled_from(LEVELS))
    numbers = shares.map(lambda v: (v,)) if mode == "mix" else st.tuples(shares, shares).map(sorted).map(tuple)
    amounts = draw(st.dictionaries(st.sampled_from(UNITS[level]), numbers))
    edit = Edit(first, second, mode, tuple((unit, *values) for unit, values in amounts.items()))
    version = st.builds(Version, edit=st.just(str(edit)), second=st.sampled_from("abc"), level=st.sampled_from(LEVELS))
    return MixingState(
        scene=Scene().replace(yaw=draw(st.integers(-180, 180)), texture_blur=draw(st.integers(0, 3))),
        edit=edit,
        second=second or draw(st.sampled_from("abc")),
        level=level,
        scan=draw(st.none() | st.just(JOB)),
        past=tuple(draw(st.lists(version, max_size=3))),
        future=tuple(draw(st.lists(version, max_size=3))),
        sliding=draw(st.booleans()),
        clicks=draw(st.dictionaries(st.sampled_from(["back", "forth"]), st.integers(0, 99))),
        form=draw(
            st.builds(
                ScanForm, reverse=st.booleans(), norm=st.sampled_from([None, "l2", "linf"]), epsilon=st.floats(0, 9)
            )
        ),
    )


@given(states())
def test_query_and_memory_hold_the_whole_state(given_state: MixingState) -> None:
    found, problems = MixingState.from_query(parse_query(given_state.query()), KNOWN)
    assert problems == []
    assert found.recalling(given_state.memory()) == given_state


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"edit": "mix(a,nobody)"}, "nobody"),
        ({"edit": "prune(a;nose=0-0.5)"}, "nose"),
        ({"edit": "mix(a,b;blocks.0=2)"}, "from 0 to 1"),
        ({"edit": "a"}, "Not an edit"),
        ({"edit": ""}, "edit"),
        ({"level": "atom"}, "stage, block, layer"),
        ({"second": "nobody"}, "nobody"),
        ({"second": "mix(a,b)"}, "mix(a,b)"),
        ({"scan": "../x"}, "job"),
        ({"yaw": "north"}, "north"),
        ({"nose": "long"}, "nose"),
    ],
)
def test_invalid_value_gets_a_sentence_and_the_rest_is_kept(query: dict[str, str], words: str) -> None:
    found, problems = read(**query, pitch="33", texture_blur="2")
    (problem,) = problems
    assert words in problem
    assert problem.endswith(".")
    assert (found.scene.pitch, found.scene.texture_blur) == (33, 2)
    assert (str(found.edit), found.second, found.level, found.scan) == ("mix(a,b)", "b", "stage", None)


def test_invalid_second_does_not_harm_the_edit() -> None:
    for second in ("nobody", "c"):
        found, problems = read(second=second, edit="mix(a,b;blocks.0=1)")
        assert (str(found.edit), found.second, len(problems)) == ("mix(a,b;blocks.0=1)", "b", 1)
    found, problems = read(edit="prune(c)", second="nobody")
    assert (str(found.edit), found.second, len(problems)) == ("prune(c)", "c", 1)


def test_every_invalid_part_has_its_own_sentence() -> None:
    found, problems = read(edit="mix(a,nobody)", level="atom", yaw="x", pitch="5")
    assert len(problems) == 3
    assert found.scene.pitch == 5


def test_model_2_alone_is_mixed_with_model_1() -> None:
    found, problems = read(second="a")
    assert (str(found.edit), found.second, problems) == ("mix(a,a)", "a", [])


def test_sliders_are_as_fine_as_the_edit_of_a_link() -> None:
    assert str(state("mix(a,b;blocks.0=0.5)", level="block").edit) == "mix(a,b;blocks.0.0=0.5,blocks.0.1=0.5)"
    found = state("mix(a,b;blocks.0=0.5,blocks.0.1=1,blocks.1=0.25)")
    assert (found.level, found.edit.values()) == (
        "block",
        {"blocks.0.0": (0.5,), "blocks.0.1": (1,), "blocks.1.0": (0.25,)},  # not blocks.10
    )
    undone = state("mix(a,b;blocks.1=0.5,blocks.1.0.proj=0)")  # a part of it is Model 1's
    assert (undone.level, undone.edit.values()) == ("layer", {"blocks.1.0.conv": (0.5,)})


@pytest.mark.parametrize(
    "memory",
    [
        {"past": "x"},
        {"past": [{"edit": 1, "second": "b", "level": "stage"}]},
        {"past": [{"edit": "mix(a,b)", "second": "b", "level": "atom"}]},
        {"future": [{"edit": "x" * 20_000, "second": "b", "level": "stage"}]},
        {"past": [{"edit": "mix(a,b)", "second": "b", "level": "stage"}] * (MAX_UNDO + 1)},
        {"form": {"norm": "l7"}},
        {"nose": 1},
    ],
)
def test_invalid_memory_is_refused(memory: Mapping[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="would send"):
        state().recalling(memory)


def test_explore_shows_the_edited_model_in_its_third_slot() -> None:
    found = state("mix(a,b;blocks.0=0.5)", yaw="12")
    assert parse_query(found.explore_query()) == {"yaw": "12", "m1": "a", "m2": "b", "m3": "mix(a,b;blocks.0=0.5)"}


# ---- requests ------------------------------------------------------------------------------------------------------


def test_each_model_is_asked_about_where_it_can_be() -> None:
    def asked(found: MixingState, fits: bool) -> list[str]:
        return [slot.model for slot in found.request("me", fits).slots]

    assert asked(state("mix(a,b;blocks.0=1)"), True) == ["a", "b", "mix(a,b;blocks.0=1)"]
    assert asked(state("prune(a;blocks.0=0-0.5)", second="c"), True) == ["a", "prune(a;blocks.0=0-0.5)"]
    assert asked(state("mix(a,c)"), False) == ["a", "c"]
    assert state("prune(a)").models(True) == ("a", None, "prune(a)")


# ---- controls ------------------------------------------------------------------------------------------------------


def test_model_1_begins_anew_and_model_2_keeps_what_is_set() -> None:
    start = state("mix(a,b;blocks.0=0.5)")
    assert str(after(start, ("second", "a")).edit) == "mix(a,a;blocks.0=0.5)"
    assert str(after(start, ("first", "b")).edit) == "mix(b,b)"
    assert after(start, ("first", "a")) == start
    apart = after(start, ("second", "c"))
    assert not KNOWN.fits(apart.edit)
    assert str(after(apart, ("second", "b")).edit) == "mix(a,b;blocks.0=0.5)"


def test_pruning_leaves_model_2_in_its_menu() -> None:
    pruned = after(state("mix(a,b;blocks.0=0.5)"), ("mode", "prune"))
    assert (str(pruned.edit), pruned.second) == ("prune(a)", "b")
    other = after(pruned, ("second", "c"), ("mode", "mix"))
    assert (str(other.edit), other.second) == ("mix(a,c)", "c")


def test_finer_sliders_keep_what_is_set_and_coarser_ones_cannot() -> None:
    start = state("mix(a,b;blocks.0=0.5)")
    finer = after(start, ("level", "block"))
    assert (finer.level, finer.edit.values()) == ("block", {"blocks.0.0": (0.5,), "blocks.0.1": (0.5,)})
    coarser = after(finer, ("level", "stage"))
    assert (coarser.level, coarser.edit.values()) == ("stage", {})


def test_sliders_are_the_edit() -> None:
    found = after(state(), ("units", at(blocks_0=0.25, stem=1)))
    assert str(found.edit) == "mix(a,b;blocks.0=0.25,stem=1)"
    pruned = state("prune(a)")
    ranges = {unit: [0, 1] for unit in UNITS["stage"]}
    assert str(after(pruned, ("units", {**ranges, "stem": [0.2, 0.4]})).edit) == "prune(a;stem=0.2-0.4)"
    assert all_amounts(found, UNITS["stage"])["blocks.1"] == (0,)


def done(over: bool) -> tuple[str, Any]:
    return "units", {"unit": "blocks.0", "done": over, "count": 1}


def test_a_drag_is_one_step() -> None:
    start = state("mix(a,b;stem=1)")
    first = after(start, *((("units", at(blocks_0=v)), done(False))[n] for v in (0.1, 0.2, 0.3) for n in (0, 1)))
    assert len(first.past) == 1
    second = after(first, done(True), ("units", at(blocks_0=0.6)), done(True), done(True))
    assert [version.edit for version in second.past] == ["mix(a,b;stem=1)", "mix(a,b;blocks.0=0.3)"]
    back = after(second, ("back", 1))
    assert str(back.edit) == "mix(a,b;blocks.0=0.3)"
    assert str(after(back, ("back", 2)).edit) == "mix(a,b;stem=1)"
    assert after(back, ("forth", 1)).edit == second.edit
    assert after(back, ("units", at(stem=0.5))).future == ()


def test_a_slider_that_was_only_touched_is_no_step() -> None:
    start = state("mix(a,b;stem=1)")
    assert after(start, ("units", at(stem=1)), done(True)) == start
    moved = after(start, ("units", at(stem=1)), ("units", at(stem=0.5)), done(True))
    assert [version.edit for version in moved.past] == ["mix(a,b;stem=1)"]


def test_undo_counts_the_clicks_that_came_while_an_answer_was_on_its_way() -> None:
    start = state()
    for share in (0.1, 0.2, 0.3, 0.4):
        start = after(start, ("units", at(stem=share)), done(True))
    assert str(after(start, ("back", 3)).edit) == "mix(a,b;stem=0.1)"
    back = after(start, ("back", 3), ("forth", 2))
    assert str(back.edit) == "mix(a,b;stem=0.3)"
    all_the_way = after(back, ("back", 50), ("forth", 52))
    assert (str(all_the_way.edit), all_the_way.future) == ("mix(a,b;stem=0.4)", ())


def test_undo_restores_models_and_level() -> None:
    start = state("mix(a,b;blocks.0=0.5)")
    far = after(start, ("second", "c"), ("first", "c"), ("mode", "prune"), ("second", "b"))
    back = after(far, ("back", 10))
    assert (str(back.edit), back.second, back.level) == (str(start.edit), "b", "stage")
    fine = after(start, ("level", "layer"), ("back", 1))
    assert (fine.edit, fine.level) == (start.edit, "stage")


def test_undo_is_bounded() -> None:
    start = state()
    for n in range(2 * MAX_UNDO):
        start = after(start, ("units", at(stem=n / 1000 + 0.001)), done(True))
    assert len(start.past) == MAX_UNDO
    long = tuple(Version(edit="x" * 15_000, second="b", level="stage") for _ in range(9))
    found = after(replace(start, past=long), ("units", at(stem=1)))
    assert sum(len(version.edit) for version in found.past) <= MAX_UNDO_LENGTH
    assert found.past[-1] == start.version()


def test_presets_of_a_mixture() -> None:
    start = state("mix(a,b;stem=0.25)")
    expected = {
        "none": (0, 0, 0, 0),
        "all": (1, 1, 1, 1),
        "swap": (0.75, 1, 1, 1),
        "alternate": (0, 1, 0, 1),
        "early:blocks.0": (1, 1, 0, 0),
        "late:blocks.1": (0, 0, 1, 1),
    }
    for name, amounts in expected.items():
        found = all_amounts(after(start, ("preset", name)), UNITS["stage"])
        assert [values for (values,) in found.values()] == list(amounts), name
    names = [name for name, _ in presets("mix", UNITS["stage"])]
    assert set(expected) < set(names)
    assert "early:blocks.10" not in names  # that is all of it
    assert "late:stem" not in names
    assert after(start, ("preset", "all")).past == (start.version(),)


def test_presets_of_pruning() -> None:
    amounts = dict.fromkeys(UNITS["stage"], (0.0, 1.0))
    found = {name: set(preset_amounts(name, amounts).values()) for name, _ in presets("prune", UNITS["stage"])}
    assert found == {"whole": {(0, 1)}, "strong": {(0.5, 1)}, "weak": {(0, 0.5)}, "middle": {(0.1, 0.9)}}
    assert str(after(state("prune(a;stem=0-0.5)"), ("preset", "whole")).edit) == "prune(a)"
    assert presets("mix", ()) == []


def test_a_kept_edit_comes_with_its_models_and_as_fine_as_it_needs() -> None:
    start = state("mix(a,b;stem=1)", level="layer")
    mine = after(start, ("kept", "mine"))
    assert (str(mine.edit), mine.second, mine.level) == (KEPT["mine"], "a", "stage")
    thin = after(start, ("kept", "thin"))
    assert (str(thin.edit), thin.second) == (KEPT["thin"], "b")
    assert after(start, ("kept", "fine")).level == "layer"
    assert str(after(mine, ("back", 1)).edit) == str(start.edit)


def test_how_a_scan_is_to_be_made() -> None:
    start = state()
    assert start.form.attack("a") is None
    attacked = after(start, ("attack", "linf"))
    assert str(attacked.form.attack("a")) == "pgd(linf=0.0157,steps=8;a)"
    assert str(after(attacked, ("epsilon", 0.5)).form.attack("a")) == "pgd(linf=0.5,steps=8;a)"
    assert after(attacked, ("attack", "l2")).form.epsilon == 1
    assert after(attacked, ("attack", "none")).form.norm is None
    assert after(start, ("reverse", ["reverse"])).form.reverse
    assert not after(start, ("reverse", ["reverse"]), ("reverse", [])).form.reverse
    assert after(start, ("reverse", ["reverse"])).past == ()


def test_a_click_on_a_class_changes_nothing() -> None:
    assert after(state(), ("bars", {"index": 7, "count": 1})) == state()


@pytest.mark.parametrize(
    ("control", "value", "words"),
    [
        ("first", "nobody", "nobody"),
        ("second", "mix(a,b)", "mix"),
        ("mode", "melt", "mix, prune"),
        ("level", "atom", "stage, block, layer"),
        ("level", None, "stage, block, layer"),
        ("units", None, "list of numbers"),
        ("units", {"stem": 0.5}, "list of numbers"),
        ("units", {"stem": ["x"]}, "list of numbers"),
        ("units", {"stem": [10**400]}, "list of numbers"),
        ("units", {"stem": [float("nan")]}, "list of numbers"),
        ("units", {"stem": [0.1, 0.2]}, "Not an amount"),
        ("units", {"nose": [0.5]}, "meanwhile"),
        ("preset", "early:nose", "preset"),
        ("preset", None, "preset"),
        ("kept", "nothing", "nothing"),
        ("back", "x", "clicks"),
        ("attack", "l7", "l2, linf"),
        ("epsilon", -1, "0 to"),
        ("nose", 1, "control"),
    ],
)
def test_invalid_change_gets_a_sentence(control: str, value: Any, words: str) -> None:
    with pytest.raises(PerturberError, match=r"\.$") as refused:
        after(state(), (control, value))
    assert words in str(refused.value)
    assert len(str(refused.value)) < 2000


odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.sampled_from(sorted(STEPS)), odd)
def test_nothing_that_is_sent_is_a_bug(control: str, value: Any) -> None:
    start = state("mix(a,b;stem=0.5)")
    with suppress(PerturberError):
        found = after(start, (control, value))
        assert MixingState.from_query(parse_query(found.query()), KNOWN)[0].recalling(found.memory()) == found


def test_levels() -> None:
    assert [read_level(level) for level in LEVELS] == list(LEVELS)
