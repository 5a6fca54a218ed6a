"""The Mixing page's state from its links and requests: what is right is kept, what is wrong gets a sentence."""

from typing import Any

import pytest

from perturber.editing import Edit
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.ui.mixing_state import MixingState, edit_facts, read_level

KINDS = {"a": "timm:x", "c": "timm:y", "b": "timm:x"}
JOB = "0123456789abcdef01234567"


def models(name: str) -> Any:
    """As the service's: knows the models and what can be made of them."""
    if not Edit.is_edit(name):
        if name not in KINDS:
            raise UnknownNameError("model", name, KINDS)
        return None
    edit = Edit.parse(name)
    for model in filter(None, (edit.first, edit.second)):
        models(model)
    if edit.second and KINDS[edit.first] != KINDS[edit.second]:
        raise InvalidInputError(f"{edit.first} and {edit.second} cannot be mixed: they differ.")
    for unit in edit.values():
        if not unit.startswith("blocks."):
            raise UnknownNameError("unit", unit, ["blocks.0"])
    return None


def read(**query: str) -> tuple[MixingState, list[str]]:
    return MixingState.from_query(query, KINDS, models)


def test_at_first_model_2_is_of_model_1s_architecture() -> None:
    state, problems = read()
    assert (str(state.edit), state.second, state.level, state.scan) == ("mix(a,b)", "b", "stage", None)
    assert problems == []
    alone = MixingState.default({"c": "timm:y", "a": "timm:x"})
    assert (str(alone.edit), alone.second) == ("mix(c,c)", "c")


@pytest.mark.parametrize(
    "query",
    [
        {"edit": "mix(a,b;blocks.0=0.5)"},
        {"edit": "mix(b,a;blocks.0=0.5)", "level": "layer", "yaw": "20"},
        {"edit": "prune(a;blocks.1=0.25-1)", "second": "c", "scan": JOB},
        {"edit": "prune(c)", "second": "b", "object": "firetruck_racecar"},
    ],
)
def test_a_link_restores_the_state(query: dict[str, str]) -> None:
    state, problems = read(**query)
    assert problems == []
    facts = state.facts()
    assert str(state.edit) == query["edit"]
    assert facts["second"] == query.get("second", state.edit.second)
    assert facts["level"] == query.get("level", "stage")
    assert facts["scan"] == query.get("scan")
    if "yaw" in query:
        assert state.scene.yaw == 20
    if "object" in query:
        assert state.scene.object == query["object"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"edit": "mix(a,c)"}, "cannot be mixed"),
        ({"edit": "mix(a,nobody)"}, "nobody"),
        ({"edit": "prune(a;nose=0-0.5)"}, "nose"),
        ({"edit": "mix(a,b;blocks.0=2)"}, "from 0 to 1"),
        ({"edit": "a"}, "Not an edit"),
        ({"edit": ""}, "model"),
        ({"level": "atom"}, "stage, block, layer"),
        ({"second": "nobody"}, "nobody"),
        ({"second": "c"}, "cannot be mixed"),
        ({"second": "mix(a,b)"}, "mix(a,b)"),
        ({"scan": "../x"}, "job"),
        ({"yaw": "north"}, "north"),
        ({"nose": "long"}, "nose"),
    ],
)
def test_what_is_wrong_gets_a_sentence_and_the_rest_is_kept(query: dict[str, str], words: str) -> None:
    state, problems = read(**query, pitch="33", texture_blur="2")
    (problem,) = problems
    assert words in problem
    assert problem.endswith(".")
    assert (state.scene.pitch, state.scene.texture_blur) == (33, 2)
    assert (str(state.edit), state.second, state.level, state.scan) == ("mix(a,b)", "b", "stage", None)


def test_a_wrong_second_does_not_harm_the_edit() -> None:
    for second in ("nobody", "c"):
        state, problems = read(second=second, edit="mix(a,b;blocks.0=1)")
        assert (str(state.edit), state.second, len(problems)) == ("mix(a,b;blocks.0=1)", "b", 1)
    state, problems = read(edit="prune(c)", second="nobody")
    assert (str(state.edit), state.second, len(problems)) == ("prune(c)", "c", 1)


def test_every_wrong_part_has_its_own_sentence() -> None:
    state, problems = read(edit="mix(a,c)", level="atom", yaw="x", pitch="5")
    assert len(problems) == 3
    assert state.scene.pitch == 5


def test_model_2_alone_is_mixed_with_model_1() -> None:
    state, problems = read(second="a")
    assert (str(state.edit), state.second, problems) == ("mix(a,a)", "a", [])


def test_a_request() -> None:
    state = MixingState.from_json(
        {"scene": {"yaw": 3}, "edit": "mix(a,b;blocks.0=.5)", "second": "c", "level": "block"}
    )
    assert (str(state.edit), state.second, state.level, state.scene.yaw) == ("mix(a,b;blocks.0=0.5)", "b", "block", 3)
    pruned = {"scene": {}, "edit": "prune(a)"}
    assert MixingState.from_json(pruned).second == "a"
    assert MixingState.from_json({**pruned, "second": "c"}).second == "c"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "mix(a,b)",
        {},
        {"scene": []},
        {"scene": {}},
        {"scene": {}, "edit": None},
        {"scene": {}, "edit": {}},
        {"scene": {}, "edit": "mix(a,b)", "level": ["stage"]},
        {"scene": {}, "edit": "mix(a,b)", "level": None},
        {"scene": {"yaw": []}, "edit": "mix(a,b)"},
        {"scene": {"nose": 1}, "edit": "mix(a,b)"},
        {"scene": {}, "edit": f"mix(a,b;{'x' * 20_000}=1)"},
    ],
)
def test_a_wrong_request_gets_a_sentence(data: object) -> None:
    with pytest.raises(InvalidInputError, match=r"\.$") as refused:
        MixingState.from_json(data)
    assert len(str(refused.value)) < 2000


def test_parts_of_an_edit() -> None:
    assert edit_facts(Edit.parse("prune(a;blocks.0=0.1-0.9)")) == {
        "first": "a",
        "second": None,
        "mode": "prune",
        "amounts": {"blocks.0": (0.1, 0.9)},
    }
    assert [read_level(level) for level in ("stage", "block", "layer")] == ["stage", "block", "layer"]
