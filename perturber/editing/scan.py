"""Where two models fit together: one is cut behind each unit, and the other goes on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import Attack, State, margins, start
from perturber.attack import step as attack_step
from perturber.editing.apply import Editor
from perturber.editing.edit import Edit
from perturber.editing.units import Level, units
from perturber.errors import InvalidInputError
from perturber.order import largest

TOP = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class ScanResult:
    """What networks are worth that are Model 2 up to a unit and Model 1 behind it (`reverse`: the other way round).

    Attributes:
        units: (K) names in forward order.
        reverse: whether Model 1 comes first.
        count: pictures.
        top1, top5: (K + 1) float64, share of pictures whose label is the first or among the first five; None without
            labels. Entry k: the first k units are the one model's, the rest the other's. NaN for cuts not yet done.
        agreement: (K + 1) float64, share of pictures with Model 1's prediction.
        margin: (K + 1) float64, mean distance in logits between the label (without labels: Model 1's class) and the
            best other class; negative where the other wins.
        attack: that each cut was under as well, or None.
        robust: (K + 1) float64, share of pictures whose label (without labels: Model 1's class) is still the first
            when the cut itself is attacked; None without an attack.
        robust_margin: (K + 1) float64, as `margin`, under the attack; None without one.
    """

    units: tuple[str, ...]
    reverse: bool
    count: int
    top1: np.ndarray | None
    top5: np.ndarray | None
    agreement: np.ndarray
    margin: np.ndarray
    attack: Attack | None = None
    robust: np.ndarray | None = None
    robust_margin: np.ndarray | None = None


def passes(units: int, attack: Attack | None) -> int:
    """How often a scan sees each batch: with Model 1, then with every cut, and under attack in each of its steps."""
    return 1 + (units + 1) * (1 if attack is None else attack.steps + 2)


class Scan:
    """Runs every cut of two networks over some pictures, one batch a step.

    Args:
        first, second: of the same architecture.
        pictures: (N, 3, H, W) in [0, 1].
        labels: (N,) class of each picture, or None.
        reverse: whether the first units are Model 1's, rather than Model 2's.
        level: which units.
        batch: pictures a step.
        attack: untargeted, taken on every cut, whose gradients it follows; what model it names does not matter.

    Attributes:
        total: steps; one pass of Model 1, then one for each cut, and under an attack one more for each of its steps
            and for a look at where it has led.
        done: steps taken so far.

    Raises:
        InvalidInputError: the networks have different architectures, there are no pictures, or the attack has a target.
    """

    def __init__(
        self,
        first: zoo.Network,
        second: zoo.Network,
        pictures: Tensor,
        labels: Tensor | None = None,
        *,
        reverse: bool = False,
        level: Level = "stage",
        batch: int = 8,
        attack: Attack | None = None,
    ) -> None:
        if attack is not None and attack.target is not None:
            raise InvalidInputError("A scan needs an attack without a target class. Remove the target.")
        if not len(pictures):
            raise InvalidInputError("There are no pictures to scan with.")
        if labels is not None and len(labels) != len(pictures):
            raise InvalidInputError(f"{len(pictures)} pictures have {len(labels)} labels.")
        self.editor = Editor(first, second)
        self.units = tuple(units(first.module, level))
        self.reverse = reverse
        self._networks = first, second
        self._pictures = pictures
        self._labels = None if labels is None else labels.to(first.device)
        self._predicted = torch.empty(len(pictures), dtype=torch.long, device=first.device)
        self._batches = [slice(start, start + batch) for start in range(0, len(pictures), batch)]
        self._sums = np.zeros((6, len(self.units) + 1))  # top-1, top-5, agreement, margin; robust, robust margin
        self._attack = attack
        self._cut, self._number = -1, 0  # what comes next; cut -1: Model 1 alone
        self._state: State | None = None  # of the attack on the present batch
        self.total = passes(len(self.units), attack) * len(self._batches)
        self.done = 0

    @property
    def finished(self) -> bool:
        """Whether every cut has seen every picture."""
        return self.done == self.total

    def edit(self, cut: int) -> Edit:
        """The edit whose first `cut` units are the one model's."""
        of_second = self.units[cut:] if self.reverse else self.units[:cut]
        first, second = (network.entry.name for network in self._networks)
        return Edit.mix(first, second, dict.fromkeys(of_second, 1.0))

    def step(self) -> None:
        """Take the next pass of the next batch; to be called until finished."""
        network = self._networks[0] if self._cut < 0 else self.editor.network(self.edit(self._cut))
        part = self._batches[self._number]
        if self._state is None:
            over = self._look(network, part)
        elif int(self._state.steps[0]) < self._attack_steps:
            self._state, over = attack_step(network, self._state), False
        else:
            self._sums[4:, self._cut] += self._robust_scores(network, self._state)
            self._state, over = None, True
        self.done += 1
        if over:
            self._number += 1
            if self._number == len(self._batches):
                self._cut, self._number = self._cut + 1, 0

    def result(self) -> ScanResult:
        """What is known so far."""
        count = len(self._pictures)
        means = self._sums / count
        means[:, max(0, self._cut) :] = np.nan  # cuts that have not seen every picture
        labelled, attacked = self._labels is not None, self._attack is not None
        return ScanResult(
            units=self.units,
            reverse=self.reverse,
            count=count,
            top1=means[0] if labelled else None,
            top5=means[1] if labelled else None,
            agreement=means[2],
            margin=means[3],
            attack=self._attack,
            robust=means[4] if attacked else None,
            robust_margin=means[5] if attacked else None,
        )

    @property
    def _attack_steps(self) -> int:
        return 0 if self._attack is None else self._attack.steps

    def _look(self, network: zoo.Network, part: slice) -> bool:
        """One batch as it is; whether nothing more is to be done with it."""
        pictures = self._pictures[part].to(network.device)
        with torch.inference_mode():
            logits = network.logits(pictures)
            if self._cut < 0:
                self._predicted[part] = logits.argmax(1)
                return True
            self._sums[:4, self._cut] += self._scores(logits.double(), part)
        if self._attack is not None:
            self._state = start(network, pictures, self._attack, labels=self._classes(part))
        return self._attack is None

    def _classes(self, part: slice) -> Tensor:
        """What the pictures of a batch should be taken for."""
        return self._predicted[part] if self._labels is None else self._labels[part]

    def _scores(self, logits: Tensor, part: slice) -> list[float]:
        """Sums over a batch of what `_sums` holds of it."""
        classes = self._classes(part)
        right = largest(logits, TOP).indices == classes[:, None]
        agreement = logits.argmax(1) == self._predicted[part]
        return [float(values.sum()) for values in (right[:, 0], right, agreement, margins(logits, classes))]

    @torch.inference_mode()
    def _robust_scores(self, network: zoo.Network, state: State) -> list[float]:
        """The same under an attack."""
        found = margins(network.logits(state.attacked).double(), state.labels)
        return [float((found > 0).sum()), float(found.sum())]
