"""Training a network on, one update a step."""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.editing import units
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.training.batches import Batch, Batches
from perturber.training.loss import Goal, adversarial, distillation_weights
from perturber.training.norms import dissolve, insert
from perturber.training.recipe import Recipe
from perturber.zoo.modules import BATCH_NORMS

MOMENTUM = 0.9
"""Of stochastic gradient descent."""


@dataclass(frozen=True)
class Step:
    """What happened in one step.

    Attributes:
        loss: mean over the batch, of what the network was shown, before the update.
        wrong: of the pictures with a label, how many it took for something else.
        labelled: how many have one.
        lr: learning rate of the update.
        epsilon: of the attack; 0 where there is none.
    """

    loss: float
    wrong: int
    labelled: int
    lr: float
    epsilon: float


class Trainer:
    """Trains a copy of a network; every step is a function of the recipe, the pictures and the state before it.

    The network computes as it does later, without dropout, and with the statistics of its normalisations where they
    are frozen; where they are trained, those of stages that are not frozen are taken of each batch.

    Args:
        base: where it starts; stays as it is.
        recipe: how.
        batches: of what.

    Attributes:
        module: the network in training.
        optimiser: as the recipe says.
        done: steps taken so far.
        total: steps.

    Raises:
        UnknownNameError: a stage to freeze that there is not.
        InvalidInputError: everything is frozen, or the network cannot take pictures of this size.
    """

    def __init__(self, base: zoo.Network, recipe: Recipe, batches: Batches) -> None:
        self.base, self.recipe, self.batches = base, recipe, batches
        self.done, self.total = 0, recipe.steps
        with torch.inference_mode(False):
            self.module: nn.Module = copy.deepcopy(base.module)
        fixed = _entries_of(self.module, recipe.freeze)
        if recipe.batch_norm == "remove":
            fixed |= dissolve(self.module)
        for path, parameter in self.module.named_parameters():
            parameter.requires_grad_(path not in fixed)
        self._check_size()
        if recipe.batch_norm == "add":
            first = base.normalise(batches.batch(0).pictures.to(base.device))
            insert(self.module, lambda: self.module(first))
        self.parameters = {path: p for path, p in self.module.named_parameters() if p.requires_grad}
        if not self.parameters:
            raise InvalidInputError("All stages are frozen, so nothing is left to train.")
        self._norms = [
            part
            for path, part in self.module.named_modules()
            if isinstance(part, BATCH_NORMS) and recipe.statistics == "trained" and f"{path}.running_mean" not in fixed
        ]
        self.optimiser = self._optimiser()
        self._forward = torch.compile(self.module) if recipe.compile else self.module

    @property
    def finished(self) -> bool:
        """Whether all steps are taken."""
        return self.done == self.total

    def step(self) -> Step:
        """One update; to be called until finished."""
        recipe, step = self.recipe, self.done
        batch, pictures, goal = self._next()
        epsilon = 0.0
        if recipe.kind == "adversarial":
            strength = recipe.strength(step)
            epsilon = recipe.attack.epsilon * strength
            seeds = (torch.arange(recipe.batch) + (recipe.seed * 1_000_003 + step) * recipe.batch) % 2**31
            pictures = adversarial(self._logits, pictures, goal, recipe.attack, strength, seeds.to(self.base.device))
        lr = recipe.learning_rate(step)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self._collect(True)
        logits = self._logits(pictures)
        self._collect(False)
        loss = goal.losses(logits).mean()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.done += 1
        known = batch.labels >= 0
        wrong = (logits.argmax(1).cpu() != batch.labels) & known
        return Step(float(loss.detach()), int(wrong.sum()), int(known.sum()), lr, epsilon)

    def _optimiser(self) -> torch.optim.Optimizer:
        groups: list[dict[str, Any]] = [
            {
                "params": [p for p in self.parameters.values() if (p.ndim > 1) is decays],
                "weight_decay": self.recipe.weight_decay if decays else 0.0,
            }
            for decays in (True, False)
        ]
        if self.recipe.optimiser == "sgd":
            return torch.optim.SGD(groups, lr=self.recipe.lr, momentum=MOMENTUM)
        return torch.optim.AdamW(groups, lr=self.recipe.lr)

    def _next(self) -> tuple[Batch, Tensor, Goal]:
        """The batch, its pictures on the device, and what should be predicted for them."""
        batch, device = self.batches.batch(self.done), self.base.device
        weights = distillation_weights(batch.labels, batch.has_plain, self.recipe.distil)
        target = None
        if bool(weights.any()):
            with torch.inference_mode(), self._precision():
                target = self.base.module(self.base.normalise(batch.plain.to(device))).float().log_softmax(1)
            target = target.clone()  # what was made in inference mode may not take part in a graph
        goal = Goal(batch.labels.to(device), target, weights.to(device))
        return batch, batch.pictures.to(device).contiguous(memory_format=torch.channels_last), goal

    def _logits(self, pictures: Tensor) -> Tensor:
        with self._precision():
            return self._forward(self.base.normalise(pictures))

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.base.device.type, torch.bfloat16, enabled=self.recipe.mixed_precision)

    def _collect(self, on: bool) -> None:
        """Whether normalisations take the batch's statistics, and remember them."""
        for norm in self._norms:
            norm.train(on)

    def _check_size(self) -> None:
        size = self.recipe.size
        try:
            with torch.inference_mode():
                self.base.module(self.base.normalise(torch.zeros(1, 3, size, size, device=self.base.device)))
        except (RuntimeError, AssertionError, ValueError) as error:
            name, own = self.base.entry.name, self.base.entry.input_size
            raise InvalidInputError(
                f"{name} cannot take pictures of {size} pixels. Choose another size, for example its own, {own}."
            ) from error


def _entries_of(module: nn.Module, stages: tuple[str, ...]) -> set[str]:
    """State-dict entries of stages."""
    known = units(module, "stage")
    for stage in stages:
        if stage not in known:
            raise UnknownNameError("stage to freeze", stage, known)
    return {entry for stage in stages for entry in known[stage]}
