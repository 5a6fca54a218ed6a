"""Edits as text and back, and what is refused."""

import pickle
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perturber.editing import MAX_LENGTH, Edit
from perturber.errors import InvalidInputError

names = st.text(st.characters(exclude_characters="(),;=", exclude_categories=["Z", "C"]), min_size=1, max_size=20)
shares = st.floats(0, 1)
ranges = st.tuples(shares, shares).map(lambda pair: tuple(sorted(pair)))
edits = st.one_of(
    st.builds(Edit.mix, names, names, st.dictionaries(names, shares, max_size=8)),
    st.builds(Edit.prune, names, st.dictionaries(names, ranges, max_size=8)),
)


@settings(deadline=None)
@given(edits)
def test_text_and_value_are_each_others_inverse(edit: Edit) -> None:
    text = str(edit)
    assert Edit.is_edit(text)
    again = Edit.parse(text)
    assert (again, str(again), hash(again)) == (edit, text, hash(edit))
    assert pickle.loads(pickle.dumps(edit)) == edit


@settings(deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"(mix|prune)\([a-c,;=.0-9 -]*\)", fullmatch=True))
def test_any_other_text_is_refused_with_a_sentence(text: str) -> None:
    with suppress(InvalidInputError):  # and no other error
        assert Edit.parse(str(Edit.parse(text))) == Edit.parse(text)


def test_what_a_text_means() -> None:
    edit = Edit.parse(" mix(a, b; layer2=.5 ,layer1=1.,layer3=0.123456)")
    assert edit == Edit("a", "b", "mix", (("layer1", 1.0), ("layer2", 0.5), ("layer3", 0.1235)))
    assert str(edit) == "mix(a,b;layer1=1,layer2=0.5,layer3=0.1235)"
    assert edit.values() == {"layer1": (1.0,), "layer2": (0.5,), "layer3": (0.1235,)}
    assert Edit.parse("prune(a;blocks.3=0.1-0.9)") == Edit.prune("a", {"blocks.3": (0.1, 0.9)})
    assert str(Edit.mix("a", "b", {})) == "mix(a,b)"
    assert not Edit.is_edit("efficientnet_lite0")


def test_amounts_that_say_nothing_are_left_out() -> None:
    assert Edit.mix("a", "b", {"x": 0, "y": 0.00001}) == Edit.mix("a", "b", {})
    assert Edit.prune("a", {"x": (0, 1), "y": (0, 0.5)}) == Edit.prune("a", {"y": (0, 0.5)})
    inside = Edit.mix("a", "b", {"blocks.1": 0.5, "blocks.1.0": 0})
    assert str(inside) == "mix(a,b;blocks.1=0.5,blocks.1.0=0)"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Not an edit"),
        ("mix(a,b", "Not an edit"),
        ("mix(a)", "Wrong number of models"),
        ("prune(a,b)", "Wrong number of models"),
        ("mix(a,)", "Not the name of a model"),
        ("mix(a,b;x)", "Not an amount"),
        ("mix(a,b;x=)", "Not an amount"),
        ("mix(a,b;x=nan)", "Not an amount"),
        ("mix(a,b;x=0.1-0.2)", "Not an amount"),
        ("mix(a,b;x=1.5)", "a number from 0 to 1"),
        ("mix(a,b;=0.5)", "Not the name of a unit"),
        ("mix(a,b;x=0.5,x=0.6)", "named twice"),
        ("prune(a;x=0.5)", "Not an amount"),
        ("prune(a;x=0.5-0.4)", "two rising numbers"),
        (f"mix(a,b;{'x' * MAX_LENGTH}=1)", "too long"),
    ],
)
def test_what_is_wrong_is_said(text: str, says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        Edit.parse(text)


@pytest.mark.parametrize(
    "values",
    [
        ("a", None, "mix", ()),
        ("a", "b", "prune", ()),
        ("a", "b", "blend", ()),
        ("a", "b", "mix", (("x", float("nan")),)),
        ("a", "b", "mix", (("x", 0.1, 0.2),)),
        ("a", None, "prune", (("x", -0.1, 0.2),)),
        ("a", "b", "mix", tuple((f"{'unit' * 10}{i}", 0.5) for i in range(1000))),
    ],
)
def test_a_value_is_as_strict(values: tuple) -> None:
    with pytest.raises(InvalidInputError):
        Edit(*values)
