"""The registry of attack methods: one class is a method everywhere."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import METHODS, NORMS, Attack, AttackMethod, RobustnessCurve, run
from perturber.errors import InvalidInputError, UnknownNameError


@pytest.fixture
def descent() -> Iterator[AttackMethod]:
    """A method of another kind: up to three steps against the gradient."""

    class Descent(AttackMethod):
        key, label, help = "descent2", "Descent", "Goes the other way."
        norms = {"l2": 0.25}  # noqa: RUF012
        max_steps = 3
        has_step_size = has_random_start = False

        def step_size(self, norm: str, epsilon: float) -> float:
            return epsilon / 2

        def direction(self, gradient: Tensor, momentum: Tensor | None, decay: Tensor) -> tuple[Tensor, None]:
            return -gradient, None

    yield METHODS[Descent.key]
    del METHODS[Descent.key]


def test_every_method_describes_itself() -> None:
    assert list(METHODS) == ["pgd", "fgsm", "mifgsm", "sparse"]
    for method in METHODS.values():
        assert method.label
        assert method.help.endswith(").")  # its source
        for norm, epsilon in method.norms.items():
            attack = Attack(model="m", method=method.key, norm=norm, epsilon=epsilon)
            assert attack.epsilon == epsilon, "the text of an attack keeps it as it is"
            assert 0 < epsilon <= NORMS[norm].maximum
            assert attack.step == method.step_size(norm, epsilon) > 0


def test_every_norm_describes_itself() -> None:
    assert [norm.label for norm in NORMS.values()] == ["L2", "L∞", "L0"]
    assert [norm.unit for norm in NORMS.values()] == ["", "", "pixels"]
    assert all(norm.help.startswith("ε is ") for norm in NORMS.values())


def test_one_class_is_parsed_and_run(descent: AttackMethod, network: zoo.Network, images: Tensor) -> None:
    attack = Attack.parse("descent2(l2=0.25,steps=2;small)")
    assert str(attack) == "descent2(l2=0.25,steps=2;small)"
    assert (attack.step, attack.has_momentum) == (0.125, False)
    there = run(network, images, attack)
    opposite = run(network, images, Attack(model="small", norm="l2", epsilon=0.25, step_size=0.125, steps=1))
    first = run(network, images, Attack.parse("descent2(l2=0.25,steps=1;small)"))
    inside = ((images > 0.2) & (images < 0.8)).all(1, keepdim=True).expand_as(images)
    torch.testing.assert_close(first.perturbation[inside], -opposite.perturbation[inside])
    assert (NORMS["l2"].size(there.perturbation) > NORMS["l2"].size(first.perturbation)).all()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("descent2(l2=1,steps=4;m)", "steps of descent2 in l2 cannot be '4.0'. Allowed: whole numbers, 0 to 3."),
        ("descent2(linf=1;m)", "Unknown norm of descent2 'linf'. Allowed: l2."),
        ("descent2(l2=1,step=1;m)", "descent2 has no step size. Leave it out, or choose pgd or mifgsm."),
        ("descent2(l2=1,start=random;m)", "descent2 has no random start. Leave it out, or choose pgd or mifgsm."),
        ("descent2(l2=1,momentum=1;m)", "descent2 has no momentum. Leave it out, or choose mifgsm."),
    ],
)
def test_invalid_options_of_a_method(descent: AttackMethod, text: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Attack.parse(text)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("wrong", [{}, {"key": "pgd"}, {"key": "PGD"}, {"key": "two words"}, {"key": ""}])
def test_invalid_keys_are_refused(wrong: dict[str, str]) -> None:
    before = dict(METHODS)
    with pytest.raises(TypeError, match="needs a key of its own"):
        type("Wrong", (METHODS["pgd"].__class__,), wrong)
    assert before == METHODS


def test_unknown_norm_of_a_curve(network: zoo.Network, images: Tensor) -> None:
    with pytest.raises(UnknownNameError, match="Unknown norm 'l3'"):
        RobustnessCurve(network, images, torch.zeros(6).long(), norm="l3", epsilons=[1])  # type: ignore[arg-type]
