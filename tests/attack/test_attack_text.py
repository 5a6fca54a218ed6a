"""Attacks as values and texts."""

from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perturber.attack import METHODS, NORMS, Attack
from perturber.errors import InvalidInputError

NAMES = st.sampled_from(["efficientnet_lite0", "mix(one,other;blocks.0=0.5,conv_stem=1)", "prune(a;b=0-0.5)"])


@st.composite
def attacks(draw: st.DrawFn) -> Attack:
    method = draw(st.sampled_from(list(METHODS)))
    norm = draw(st.sampled_from(METHODS[method]))
    fgsm, largest = method == "fgsm", NORMS[norm].maximum
    return Attack(
        model=draw(NAMES),
        method=method,
        norm=norm,
        epsilon=draw(st.integers(0, int(largest)) if NORMS[norm].whole else st.floats(0, largest)),
        step_size=None if fgsm else draw(st.none() | st.floats(0, 1000)),
        steps=draw(st.integers(0, 1 if fgsm else 10_000)),
        target=draw(st.none() | st.integers(0, 2**31 - 1)),
        random_start=False if fgsm else draw(st.booleans()),
        momentum=draw(st.none() | st.floats(0, 1)) if method == "mifgsm" else None,
        seed=draw(st.integers(0, 2**31 - 1)),
    )


@given(attacks())
def test_text_and_value_are_each_other_s_inverse(attack: Attack) -> None:
    text = str(attack)
    assert Attack.parse(text) == attack
    assert hash(Attack.parse(text)) == hash(attack)
    assert str(Attack.parse(text)) == text
    assert Attack.parse(parse_qs(urlencode({"attack": text}))["attack"][0]) == attack


def test_texts_are_short() -> None:
    assert str(Attack(model="efficientnet_lite0")) == "pgd(l2=1;efficientnet_lite0)"
    attack = Attack.parse(" pgd( linf=0.03, steps=8, step=.01, target=281, start=random, seed=7; resnet50 ) ")
    assert str(attack) == "pgd(linf=0.03,steps=8,step=0.01,target=281,start=random,seed=7;resnet50)"
    assert Attack(model="m", method="fgsm", norm="linf", epsilon=8 / 255).step == 0.0313725


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("norm", NORMS)
def test_only_norms_that_a_method_is_made_for(method: Any, norm: Any) -> None:
    if norm in METHODS[method]:
        assert Attack(model="m", method=method, norm=norm).step > 0
    else:
        with pytest.raises(InvalidInputError, match=f"norm of {method} '{norm}'"):
            Attack(model="m", method=method, norm=norm)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": ""}, "Not the name of a model: ''"),
        ({"model": "two words"}, "Not the name of a model: 'two words'"),
        ({"model": None}, "Not the name of a model"),
        ({"method": "fgms"}, "Did you mean 'fgsm'"),
        ({"norm": "l3"}, "Unknown norm of pgd 'l3'"),
        ({"epsilon": -1}, "epsilon of pgd in l2 cannot be '-1'. Allowed: numbers, 0 to 388."),
        ({"epsilon": float("nan")}, "epsilon of pgd in l2 cannot be 'nan'"),
        ({"epsilon": None}, "epsilon of pgd in l2 cannot be 'None'"),
        ({"norm": "linf", "epsilon": 2}, "epsilon of pgd in linf cannot be '2'. Allowed: numbers, 0 to 1."),
        ({"method": "sparse", "norm": "l0", "epsilon": 1.5}, "cannot be '1.5'. Allowed: whole numbers, 0 to 50176."),
        ({"step_size": float("inf")}, "step_size of pgd in l2 cannot be 'inf'"),
        ({"step_size": "1"}, "step_size of pgd in l2 cannot be '1'"),
        ({"steps": 10_001}, "steps of pgd in l2 cannot be '10001'. Allowed: whole numbers, 0 to 10000."),
        ({"method": "fgsm", "norm": "linf", "steps": 2}, "steps of fgsm in linf cannot be '2'"),
        ({"method": "fgsm", "norm": "linf", "step_size": 0.1}, "fgsm is one step"),
        ({"method": "fgsm", "norm": "linf", "random_start": True}, "fgsm is one step"),
        ({"target": -1}, "target of pgd in l2 cannot be '-1'"),
        ({"target": True}, "target of pgd in l2 cannot be 'True'"),
        ({"random_start": 1}, "random_start cannot be '1'"),
        ({"momentum": 0.5}, "pgd has no momentum"),
        ({"method": "mifgsm", "norm": "linf", "momentum": 1.5}, "momentum of mifgsm in linf cannot be '1.5'"),
        ({"seed": 2**31}, "seed of pgd in l2 cannot be '2147483648'"),
    ],
)
def test_wrong_values_are_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        replace(Attack(model="m"), **({"epsilon": 1} | changes))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Not an attack: ''"),
        ("pgd(l2=1)", "Not an attack: 'pgd(l2=1)'. Write method(norm=ε,option=value;model)"),
        ("pdg(l2=1;m)", "Unknown attack 'pdg'. Did you mean 'pgd'?"),
        ("pgd(;m)", "Not a value of an attack: ''"),
        ("pgd(l2;m)", "Not a value of an attack: 'l2'"),
        ("pgd(l2=1,l2=2;m)", "'l2' is given twice"),
        ("pgd(l2=1,linf=1;m)", "An attack takes one norm, not 2"),
        ("pgd(steps=1;m)", "An attack takes one norm, not 0"),
        ("pgd(l2=1,stepps=1;m)", "Unknown value of an attack 'stepps'. Did you mean 'steps'?"),
        ("pgd(l2=nan;m)", "l2 cannot be 'nan'. Write a number, for example l2=1."),
        ("pgd(l2=1e999;m)", "epsilon of pgd in l2 cannot be 'inf'"),
        ("pgd(l2=1_0;m)", "l2 cannot be '1_0'"),
        ("pgd(l2=1,steps=1.5;m)", "steps of pgd in l2 cannot be '1.5'"),
        ("pgd(l2=1,start=here;m)", "The start cannot be 'here'"),
        ("pgd(l2=1;)", "Not the name of a model: ''"),
        ("pgd(l2=1;" + "m" * 20_000 + ")", "Allowed: 1 to 16000 characters"),
    ],
)
def test_wrong_texts_are_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Attack.parse(text)
    assert sentence in str(caught.value)


@given(st.text(max_size=60) | st.text("pgdfsmlin02=,;()e.random steps", max_size=60))
def test_no_text_is_a_bug(text: str) -> None:
    with suppress(InvalidInputError):
        assert Attack.parse(str(Attack.parse(text))) == Attack.parse(text)
