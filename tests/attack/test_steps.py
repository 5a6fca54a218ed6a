"""Steps of all attacks from one table of cases: what holds after each, in batches as alone, and never a NaN."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from perturber import zoo
from perturber.attack import METHODS, NORMS, Attack, State, margins, run, start, step
from perturber.config import Settings
from perturber.errors import InvalidInputError

CASES = {
    "pgd-l2": Attack(model="small", norm="l2", epsilon=0.5),
    "pgd-linf": Attack(model="small", norm="linf", epsilon=0.03),
    "fgsm": Attack(model="small", method="fgsm", norm="linf", epsilon=0.03),
    "mifgsm": Attack(model="small", method="mifgsm", norm="linf", epsilon=0.03),
    "mifgsm-l2": Attack(model="small", method="mifgsm", norm="l2", epsilon=0.5, momentum=0.9),
    "sparse": Attack(model="small", method="sparse", norm="l0", epsilon=10),
}


def logits(network: zoo.Network, images: Tensor) -> Tensor:
    found = network.look(network.preprocess(images)).logits
    assert found is not None
    return found


def steps_of(attack: Attack) -> int:
    return min(4, METHODS[attack.method].max_steps)


def assert_inside(state: State) -> None:
    sizes = state.norm.size(state.perturbation.double())
    assert (sizes <= state.epsilon.double() * (1 + 1e-6)).all(), (sizes, state.epsilon)
    assert state.perturbation.isfinite().all()
    assert state.attacked.amin() >= 0
    assert state.attacked.amax() <= 1


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_every_step_stays_inside(name: str, network: zoo.Network, images: Tensor, data: st.DataObject) -> None:
    case = CASES[name]
    norm = NORMS[case.norm]
    epsilons = st.integers(0, 300) if norm.whole else st.floats(0, min(norm.maximum, 4))
    count = data.draw(st.integers(1, 4))
    free = METHODS[case.method].has_step_size
    attacks = [
        replace(
            case,
            epsilon=data.draw(epsilons),
            step_size=data.draw(st.none() | st.floats(0, 10)) if free else None,
            target=data.draw(st.none() | st.integers(0, 9)),
            random_start=data.draw(st.booleans()) if free else False,
            seed=data.draw(st.integers(0, 9)),
        )
        for _ in range(count)
    ]
    state = start(network, images[:count], attacks)
    assert_inside(state)
    for number in range(2):
        state = step(network, state)
        assert_inside(state)
        assert state.steps.tolist() == [number + 1] * count


@pytest.mark.parametrize("name", CASES)
def test_a_batch_is_its_items(name: str, network: zoo.Network, images: Tensor) -> None:
    case = CASES[name]
    free = METHODS[case.method].has_step_size
    attacks = [
        replace(
            case,
            epsilon=case.epsilon * factor,
            step_size=case.epsilon / (3 + factor) if free and case.norm != "l0" else None,
            target=target,
            random_start=free and factor > 1,
            momentum=0.25 * factor if case.has_momentum else None,
            steps=steps_of(case),
            seed=seed,
        )
        for factor, target, seed in ((1, None, 0), (2, 3, 5), (3, None, 5), (0, 7, 1))
    ]
    together = run(network, images[:4], attacks)
    for k, attack in enumerate(attacks):
        alone = run(network, images[k : k + 1], attack)
        torch.testing.assert_close(together.perturbation[k], alone.perturbation[0], atol=1e-9, rtol=0)
        assert together.labels[k] == alone.labels[0]
    parts = State.cat([start(network, images[k : k + 1], attack) for k, attack in enumerate(attacks)])
    for _ in range(steps_of(case)):
        parts = State.cat([step(network, parts[:1]), step(network, parts[1:])])
    torch.testing.assert_close(parts.perturbation, together.perturbation, atol=1e-9, rtol=0)
    assert len(parts) == 4


@pytest.mark.parametrize("name", CASES)
def test_attacks_do_what_they_are_for(name: str, network: zoo.Network, images: Tensor) -> None:
    """Away from the label, or to the target; and the further, the larger ε."""
    case = replace(CASES[name], steps=steps_of(CASES[name]))
    clean = logits(network, images)
    label, target = clean.argmax(1), clean.argmin(1)
    away = run(network, images, case)
    assert torch.equal(away.labels, label)
    assert (margins(logits(network, away.attacked), label) < margins(clean, label)).all()
    towards = run(network, images, [replace(case, target=int(t)) for t in target])
    assert (margins(logits(network, towards.attacked), target) > margins(clean, target)).all()
    further = run(network, images, replace(case, epsilon=2 * case.epsilon))
    assert (margins(logits(network, further.attacked), label) < margins(logits(network, away.attacked), label)).all()


@pytest.mark.parametrize("name", CASES)
def test_the_first_step_is_the_gradient_s(name: str, network: zoo.Network, images: Tensor) -> None:
    """Against finite differences of the cross-entropy, for a given label."""
    case, labels = CASES[name], torch.tensor([1])
    picture = images[:1] * 0.8 + 0.1
    state = step(network, start(network, picture, case, labels=labels))

    def loss(change: Tensor) -> float:
        return float(nn.functional.cross_entropy(logits(network, picture + change), labels))

    moved, small_step = state.perturbation, 1e-4
    generator = torch.Generator().manual_seed(0)
    slope = (loss(small_step * moved) - loss(-small_step * moved)) / (2 * small_step)
    for _ in range(5):  # no direction of the same size rises more
        other = torch.randn(moved.shape, generator=generator, dtype=moved.dtype)
        if case.norm == "linf":
            other = other.sign() * moved.abs()
        elif case.norm == "l2":
            other *= moved.norm() / other.norm()
        else:
            other = other.sign() * moved.abs().flatten()[torch.randperm(moved.numel())].view_as(moved)
        assert slope > (loss(small_step * other) - loss(-small_step * other)) / (2 * small_step)


@pytest.mark.parametrize("name", [name for name in CASES if name != "fgsm"])
def test_seeds(name: str, network: zoo.Network, images: Tensor) -> None:
    case = replace(CASES[name], random_start=True, steps=2)
    assert torch.equal(run(network, images, case).perturbation, run(network, images, case).perturbation)
    other = run(network, images, replace(case, seed=1)).perturbation
    assert not torch.equal(other, run(network, images, case).perturbation)
    plain = replace(case, random_start=False)
    assert torch.equal(
        run(network, images, replace(plain, seed=1)).perturbation, run(network, images, plain).perturbation
    )
    assert not start(network, images, plain).perturbation.any()


@pytest.mark.parametrize("name", CASES)
def test_no_room_no_change(name: str, network: zoo.Network, images: Tensor) -> None:
    state = run(network, images, replace(CASES[name], epsilon=0, steps=steps_of(CASES[name])))
    assert not state.perturbation.any()


class Scaled(nn.Module):
    """Logits so far apart that every probability is 0 or 1 in float32."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 10))
        self.factor = factor

    def forward(self, images: Tensor) -> Tensor:
        return self.inner(images) * self.factor


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("factor", [0.0, 1e6, float("nan")])
def test_never_a_nan(name: str, factor: float, small: Callable[[nn.Module], zoo.Network], images: Tensor) -> None:
    torch.manual_seed(0)
    network = small(Scaled(factor))
    for picture in (images.float(), torch.zeros(2, 3, 16, 16), torch.ones(2, 3, 16, 16)):
        case = replace(CASES[name], steps=steps_of(CASES[name]))
        clean = logits(network, picture)
        state = run(network, picture, case)
        assert_inside(state)
        if factor == 1e6:  # where the cross-entropy has no gradient, the margin has
            assert not nn.functional.cross_entropy(clean, state.labels)
            assert (margins(logits(network, state.attacked), state.labels) < margins(clean, state.labels)).all()
        else:
            assert not state.perturbation.any()


@pytest.mark.parametrize("name", CASES)
def test_a_caller_s_inference_mode_changes_nothing(name: str, network: zoo.Network, images: Tensor) -> None:
    case = replace(CASES[name], steps=steps_of(CASES[name]))
    expected = run(network, images, case).perturbation
    with torch.inference_mode():
        assert torch.equal(run(network, images.clone(), case).perturbation, expected)


def test_pictures_of_another_size_are_attacked_at_their_own(network: zoo.Network) -> None:
    picture = torch.rand(1, 3, 24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    state = run(network, picture, replace(CASES["pgd-l2"], steps=3))
    assert state.perturbation.shape == picture.shape
    assert margins(logits(network, state.attacked), state.labels) < margins(logits(network, picture), state.labels)


def test_a_smaller_ball_on_the_way(network: zoo.Network, images: Tensor) -> None:
    state = run(network, images, replace(CASES["pgd-l2"], steps=4))
    state = step(network, replace(state, epsilon=state.epsilon / 4))
    assert_inside(state)


def test_invalid_targets_batches_and_merges(network: zoo.Network, images: Tensor) -> None:
    with pytest.raises(InvalidInputError, match=r"small has no class 10 to reach\. Allowed: 0 to 9\."):
        start(network, images, replace(CASES["fgsm"], target=10))
    wrong: list[Any] = [[CASES["fgsm"]], [CASES["fgsm"]] * 5 + [CASES["pgd-linf"]]]
    for attacks in wrong:
        with pytest.raises(ValueError, match="6 pictures need as many attacks"):
            start(network, images, attacks)
    with pytest.raises(ValueError, match="numbers of steps"):
        run(network, images, [replace(CASES["pgd-l2"], steps=k) for k in range(6)])
    with pytest.raises(ValueError, match="different norms"):
        State.cat([start(network, images, CASES["pgd-l2"]), start(network, images, CASES["pgd-linf"])])


def test_a_gradient_that_is_not_finite_leaves_the_picture_whole() -> None:
    """Where it is not, nothing moves; elsewhere, and in the other pictures of the batch, all goes on."""
    torch.manual_seed(0)
    images = torch.rand(2, 3, 8, 8) * 0.5 + 0.25

    class Steep(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack((x.sum((1, 2, 3)), (x - images[0, 0, 0, 0]).abs().sqrt().sum((1, 2, 3))), 1)

    entry = replace(zoo.entry("efficientnet_lite0", Settings().models), mean=(0, 0, 0), std=(1, 1, 1), input_size=8)
    network = zoo.Network(entry, Steep())
    state = step(network, start(network, images, Attack(model="any", norm="linf", epsilon=0.1)))
    assert state.unknown.tolist() == [1, 0]
    still = state.perturbation == 0
    assert still[0, 0, 0, 0]
    assert still.sum() == 1
