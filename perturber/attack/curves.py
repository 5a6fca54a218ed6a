"""How accuracy falls as attacks get stronger."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack.attack import Attack
from perturber.attack.methods import plain_method
from perturber.attack.norms import NormName
from perturber.attack.steps import State, margins, start, step
from perturber.errors import InvalidInputError


@dataclass(frozen=True, kw_only=True, eq=False)
class CurveResult:
    """What a network is worth under attack.

    Attributes:
        norm: of the attacks.
        epsilons: (K,) as they were given.
        count: pictures.
        accuracy: (K,) float64, share of pictures whose label is still the most probable class; NaN for those not done.
        margin: (K,) float64, mean distance in logits between the label and the best other class; NaN likewise, and
            for attacks that do not look for the smallest one.
        attack: what it was, as a person would say it.
    """

    norm: NormName
    epsilons: tuple[float, ...]
    count: int
    accuracy: np.ndarray
    margin: np.ndarray
    attack: str


def check_pictures(images: Tensor, labels: Tensor, epsilons: Sequence[float]) -> None:
    """Refuse what no curve can be made of.

    Raises:
        InvalidInputError: no pictures, not a label for each, or no ε.
    """
    if not len(images) or not epsilons:
        raise InvalidInputError("A robustness curve needs at least one picture and one ε.")
    if len(labels) != len(images):
        raise InvalidInputError(f"There are {len(images)} pictures but {len(labels)} labels; each picture needs one.")


class RobustnessCurve:
    """Attacks pictures with the norm's plain method (PGD, or sparse PGD for ``l0``) at each ε, one step at a time.

    Args:
        network: whose curve.
        images: (N, 3, H, W) in [0, 1].
        labels: (N,) class of each picture, which the attack makes it leave.
        norm: of the attacks.
        epsilons: radii; at 0 the pictures are only looked at.
        steps: of each attack.
        batch: pictures a step.
        step_size, random_start, seed: as in an `Attack`; each picture starts from a seed of its own.

    Attributes:
        total: steps in all, the last look at each attacked batch included.
        done: steps taken so far.

    Raises:
        InvalidInputError: no pictures, not a label for each, no ε, or values that an `Attack` refuses.
    """

    def __init__(
        self,
        network: zoo.Network,
        images: Tensor,
        labels: Tensor,
        *,
        norm: NormName,
        epsilons: Sequence[float],
        steps: int = 8,
        batch: int = 8,
        step_size: float | None = None,
        random_start: bool = False,
        seed: int = 0,
    ) -> None:
        check_pictures(images, labels, epsilons)
        method = plain_method(norm)
        first = Attack(
            model=network.entry.name, method=method.key, norm=norm, epsilon=0, step_size=step_size,
            random_start=random_start,
        )  # fmt: skip
        seeds = [(seed + number) % 2**31 for number in range(len(images))]
        self._attacks = [
            [replace(first, epsilon=epsilon, steps=steps if epsilon else 0, seed=own) for own in seeds]
            for epsilon in epsilons
        ]
        self._network, self._images, self._labels = network, images, labels.to(network.device)
        self._norm: NormName = norm
        self._name = f"{method.label}, {steps} step{'s' * (steps != 1)}"
        self._epsilons = tuple(epsilons)
        batches = [slice(first, first + batch) for first in range(0, len(images), batch)]
        self._waiting = [(k, part) for k in range(len(epsilons)) for part in batches][::-1]
        self._state: State | None = None
        self._left = 0  # steps of the present batch
        self._sums = np.zeros((2, len(epsilons)))  # hits, margins
        self._seen = np.zeros(len(epsilons), int)
        self.total = sum(len(batches) * (attacks[0].steps + 1) for attacks in self._attacks)
        self.done = 0

    @property
    def finished(self) -> bool:
        """Whether every picture has been attacked at every ε."""
        return self.done == self.total

    def step(self) -> None:
        """Take the next step of an attack, or look where it has led; to be called until finished."""
        k, part = self._waiting[-1]
        if self._state is None:
            self._state = start(self._network, self._images[part], self._attacks[k][part], labels=self._labels[part])
            self._left = self._attacks[k][0].steps
        if self._left:
            self._state = step(self._network, self._state)
            self._left -= 1
        else:
            found = self._margins(self._state)
            self._sums[:, k] += float((found > 0).sum()), float(found.sum())
            self._seen[k] += len(found)
            self._state = None
            self._waiting.pop()
        self.done += 1

    def result(self) -> CurveResult:
        """What is known so far."""
        count = len(self._images)
        accuracy, margin = np.where(self._seen == count, self._sums / count, np.nan)
        return CurveResult(
            norm=self._norm,
            epsilons=self._epsilons,
            count=count,
            accuracy=accuracy,
            margin=margin,
            attack=self._name,
        )

    @torch.inference_mode()
    def _margins(self, state: State) -> Tensor:
        logits = self._network.logits(state.attacked)
        return margins(logits.double(), state.labels)
