"""Loss, inner maximisation, inserted normalisations, and steps."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from training_files import same

from perturber import zoo
from perturber.attack import NORMS
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.training import Trainer, parse_attack
from perturber.training.loss import Goal, adversarial, distillation_weights
from perturber.training.norms import Normalised, dissolve, folded, insert


def test_weights_of_labels_and_base() -> None:
    labels, has_plain = torch.tensor([3, -1, 2]), torch.tensor([True, True, False])
    assert distillation_weights(labels, has_plain, 0.25).tolist() == [0.25, 1, 0]


def test_the_loss_is_cross_entropy_and_divergence() -> None:
    torch.manual_seed(0)
    logits, base, labels = torch.randn(3, 5), torch.randn(3, 5), torch.tensor([1, -1, 4])
    goal = Goal(labels, base.log_softmax(1), torch.tensor([0.3, 1.0, 0.0]))
    p, log_q = base.softmax(1), logits.log_softmax(1)
    divergence = (p * (p.log() - log_q)).sum(1)
    expected = [0.7 * -log_q[0, 1] + 0.3 * divergence[0], divergence[1], -log_q[2, 4]]
    torch.testing.assert_close(goal.losses(logits), torch.stack(expected))
    plain = Goal(labels[:1], None, torch.zeros(1))
    torch.testing.assert_close(plain.losses(logits[:1]), F.cross_entropy(logits[:1], labels[:1], reduction="none"))


@pytest.mark.parametrize("text", ["pgd(l2=0.5,steps=3,step=0.3,start=random)", "pgd(linf=0.03,steps=3)"])
def test_adversarial_pictures_are_near_and_worse(tiny: zoo.Network, text: str) -> None:
    images = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(0))

    def logits(x: torch.Tensor) -> torch.Tensor:
        return tiny.module(tiny.normalise(x))

    goal = Goal(torch.full((4,), -1), logits(images).detach().log_softmax(1), torch.ones(4))
    attack, seeds = parse_attack(text), torch.arange(4)
    found = adversarial(logits, images, goal, attack, 0.5, seeds)
    assert torch.equal(found, adversarial(logits, images, goal, attack, 0.5, seeds))
    assert (NORMS[attack.norm].size(found - images) <= attack.epsilon / 2 + 1e-5).all()
    assert found.min() >= 0
    assert found.max() <= 1
    noise = NORMS[attack.norm].start(images, torch.full((4,), attack.epsilon / 2), seeds)
    assert (goal.losses(logits(found)) > goal.losses(logits(images + noise))).all()


def test_inserted_normalisations_change_nothing_and_fold_away(tiny: zoo.Network) -> None:
    images = tiny.normalise(torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    before, module = tiny.module(images), tiny.module
    keys = list(module.state_dict())
    module.requires_grad_(True)
    assert insert(module, lambda: module(images)) == 1  # the other one has a normalisation
    assert isinstance(module[3], Normalised)
    torch.testing.assert_close(module(images), before, atol=1e-5, rtol=1e-4)
    module.train()
    torch.testing.assert_close(
        module[3](torch.relu(module[1].eval()(module[0](images)))).mean((0, 2, 3)), module[3].norm.bias
    )
    module.eval()
    with torch.no_grad():
        module[3].norm.weight.mul_(1.5)
        module[3].norm.bias.sub_(0.1)
    state = folded(module)
    assert set(state) == set(keys)
    after = module(images)
    module[3] = module[3].convolution
    module.load_state_dict(state)
    torch.testing.assert_close(module(images), after, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(after, before)


def test_dissolved_normalisations_are_nothing_but_biases(tiny: zoo.Network) -> None:
    images = tiny.normalise(torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    convolution, norm = tiny.module[0], tiny.module[1]
    with torch.no_grad():
        norm.running_mean.add_(0.3)
        norm.running_var.mul_(4)
        norm.weight[0] = -2.0
        norm.bias[1] = 0.7
    before, weight = tiny.module(images), convolution.weight.clone()
    assert dissolve(tiny.module) == {"1.weight"}
    torch.testing.assert_close(tiny.module(images), before, atol=1e-5, rtol=1e-4)
    maps = convolution(images)
    signs = torch.where(norm.weight < 0, -1.0, 1.0).view(-1, 1, 1)
    torch.testing.assert_close(norm(maps), maps * signs + norm.bias.view(-1, 1, 1), atol=1e-5, rtol=1e-4)
    ratio = convolution.weight / weight
    assert (ratio > 0).all()  # correlations of weights stay what they were
    torch.testing.assert_close(ratio, ratio.mean((1, 2, 3), keepdim=True).expand_as(ratio), atol=1e-4, rtol=1e-4)


def test_without_normalisations_their_weights_stay(trainer: Callable[..., Trainer]) -> None:
    taught = trainer(batch_norm="remove", optimiser="sgd", lr=0.05, steps=3)
    before = {name: tensor.clone() for name, tensor in taught.module.state_dict().items()}
    assert "1.weight" not in taught.parameters
    while not taught.finished:
        taught.step()
    changed = {name for name, tensor in taught.module.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == set(taught.parameters)


@pytest.mark.parametrize("kind", ["standard", "adversarial"])
def test_a_few_steps_teach_the_colours(trainer: Callable[..., Trainer], kind: str) -> None:
    taught = trainer(kind=kind, steps=60, lr=0.03, distil=0.0, attack="pgd(l2=0.1,steps=1)")
    before = {name: value.clone() for name, value in taught.base.module.state_dict().items()}
    steps = []
    while not taught.finished:
        steps.append(taught.step())
    assert sum(s.loss for s in steps[-10:]) < 0.6 * sum(s.loss for s in steps[:10])
    assert sum(s.wrong for s in steps[-10:]) < sum(s.wrong for s in steps[:10])
    assert steps[-1].labelled == 6
    assert steps[-1].epsilon == (0.1 if kind == "adversarial" else 0)
    assert same(before, taught.base.module.state_dict())
    assert torch.equal(taught.module[1].running_mean, before["1.running_mean"])  # frozen


def test_distilled_alone_it_stays_with_the_base(trainer: Callable[..., Trainer]) -> None:
    taught = trainer(kind="standard", distil=1.0)
    assert taught.step().loss == pytest.approx(0, abs=1e-6)


def test_frozen_stages_and_trained_statistics(trainer: Callable[..., Trainer]) -> None:
    taught = trainer(statistics="trained", freeze=("3",), steps=2)
    before = {name: value.clone() for name, value in taught.module.state_dict().items()}
    taught.step()
    changed = {name for name, value in taught.module.state_dict().items() if not torch.equal(value, before[name])}
    assert {"0.weight", "1.running_mean", "1.weight", "7.weight"} <= changed
    assert not {name for name in changed if name.startswith("3.")}
    still = trainer(statistics="trained", freeze=("0",), steps=2)
    still.step()
    assert torch.equal(still.module[1].running_mean, before["1.running_mean"])
    assert torch.equal(still.module[0].weight, before["0.weight"])


def test_unknown_or_no_stages_are_one_sentence(trainer: Callable[..., Trainer]) -> None:
    with pytest.raises(UnknownNameError, match="Unknown stage to freeze 'stem'"):
        trainer(freeze=("stem",))
    with pytest.raises(InvalidInputError, match="nothing is left to train"):
        trainer(freeze=("0", "3", "7"))


def test_mixed_precision(trainer: Callable[..., Trainer]) -> None:
    step = trainer(mixed_precision=True).step()
    assert step.loss == pytest.approx(trainer().step().loss, rel=0.1)
