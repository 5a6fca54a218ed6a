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
    kind = METHODS[method]
    norm = draw(st.sampled_from(list(kind.norms)))
    largest = NORMS[norm].maximum
    return Attack(
        model=draw(NAMES),
        method=method,
        norm=norm,
        epsilon=draw(st.integers(0, int(largest)) if NORMS[norm].whole else st.floats(0, largest)),
        step_size=draw(st.none() | st.floats(0, 1000)) if kind.has_step_size else None,
        steps=draw(st.integers(0, kind.max_steps)),
        target=draw(st.none() | st.integers(0, 2**31 - 1)),
        random_start=draw(st.booleans()) if kind.has_random_start else False,
        momentum=draw(st.none() | st.floats(0, 1)) if kind.has_momentum else None,
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
def test_unsupported_norm_of_a_method_is_refused(method: Any, norm: Any) -> None:
    if norm in METHODS[method].norms:
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
        ({"method": "fgsm", "norm": "linf", "step_size": 0.1}, "fgsm has no step size. Leave it out, or choose pgd"),
        ({"method": "fgsm", "norm": "linf", "random_start": True}, "fgsm has no random start. Leave it out, or choose"),
        ({"target": -1}, "target of pgd in l2 cannot be '-1'"),
        ({"target": True}, "target of pgd in l2 cannot be 'True'"),
        ({"random_start": 1}, "random_start cannot be '1'"),
        ({"momentum": 0.5}, "pgd has no momentum. Leave it out, or choose mifgsm."),
        ({"method": "sparse", "norm": "l0", "momentum": 0.5}, "sparse has no momentum. Leave it out."),
        ({"method": "mifgsm", "norm": "linf", "momentum": 1.5}, "momentum of mifgsm in linf cannot be '1.5'"),
        ({"seed": 2**31}, "seed of pgd in l2 cannot be '2147483648'"),
    ],
)
def test_invalid_values_are_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        replace(Attack(model="m"), **({"epsilon": 1} | changes))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Not an attack: ''"),
        ("pgd(l2=1)", "Not an attack: 'pgd(l2=1)'. Write method(norm=ε,option=value;model)"),
        ("pdg(l2=1;m)", "Unknown attack 'pdg'. Did you mean 'pgd'?"),
        ("pgd(;m)", "Not an option with a value: ''"),
        ("pgd(l2;m)", "Not an option with a value: 'l2'"),
        ("pgd(l2=1,l2=2;m)", "'l2' is given twice"),
        ("pgd(l2=1,linf=1;m)", "An attack takes one norm, not 2"),
        ("pgd(steps=1;m)", "An attack takes one norm, not 0"),
        ("pgd(l2=1,stepps=1;m)", "Unknown option of an attack 'stepps'. Did you mean 'steps'?"),
        ("pgd(l2=nan;m)", "l2 cannot be 'nan'. Write a number, for example l2=1."),
        ("pgd(l2=1e999;m)", "epsilon of pgd in l2 cannot be 'inf'"),
        ("pgd(l2=1_0;m)", "l2 cannot be '1_0'"),
        ("pgd(l2=1,steps=1.5;m)", "steps of pgd in l2 cannot be '1.5'"),
        ("pgd(l2=1,start=here;m)", "The start cannot be 'here'"),
        ("pgd(l2=1;)", "Not the name of a model: ''"),
        ("pgd(l2=1;" + "m" * 20_000 + ")", "Allowed: 1 to 16000 characters"),
    ],
)
def test_invalid_texts_are_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Attack.parse(text)
    assert sentence in str(caught.value)


@given(st.text(max_size=60) | st.text("pgdfsmlin02=,;()e.random steps", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(InvalidInputError):
        assert Attack.parse(str(Attack.parse(text))) == Attack.parse(text)
