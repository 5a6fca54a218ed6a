"""Where two models fit together: one is cut behind each unit, and the other goes on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.editing.apply import Editor
from perturber.editing.edit import Edit
from perturber.editing.units import Level, units
from perturber.errors import InvalidInputError

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
    """

    units: tuple[str, ...]
    reverse: bool
    count: int
    top1: np.ndarray | None
    top5: np.ndarray | None
    agreement: np.ndarray
    margin: np.ndarray


class Scan:
    """Runs every cut of two networks over some pictures, one batch a step.

    Args:
        first, second: of the same architecture.
        pictures: (N, 3, H, W) in [0, 1].
        labels: (N,) class of each picture, or None.
        reverse: whether the first units are Model 1's, rather than Model 2's.
        level: which units.
        batch: pictures a step.

    Attributes:
        total: steps; one pass of Model 1, then one for each cut.
        done: steps taken so far.

    Raises:
        InvalidInputError: the networks have different architectures, or there are no pictures.
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
    ) -> None:
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
        self._sums = np.zeros((4, len(self.units) + 1))  # top-1, top-5, agreement, margin
        self.total = (len(self.units) + 2) * len(self._batches)
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

    @torch.inference_mode()
    def step(self) -> None:
        """Take the next batch; to be called until finished."""
        passes, number = divmod(self.done, len(self._batches))
        part = self._batches[number]
        network = self._networks[0] if passes == 0 else self.editor.network(self.edit(passes - 1))
        logits = network.logits(self._pictures[part].to(network.device))
        if passes == 0:
            self._predicted[part] = logits.argmax(1)
        else:
            self._sums[:, passes - 1] += self._scores(logits.double(), part)
        self.done += 1

    def result(self) -> ScanResult:
        """What is known so far."""
        count = len(self._pictures)
        means = self._sums / count
        means[:, max(0, self.done // len(self._batches) - 1) :] = np.nan  # cuts that have not seen every picture
        labelled = self._labels is not None
        return ScanResult(
            units=self.units,
            reverse=self.reverse,
            count=count,
            top1=means[0] if labelled else None,
            top5=means[1] if labelled else None,
            agreement=means[2],
            margin=means[3],
        )

    def _scores(self, logits: Tensor, part: slice) -> list[float]:
        """Sums over a batch of what `_sums` holds."""
        predicted = self._predicted[part]
        classes = (predicted if self._labels is None else self._labels[part])[:, None]
        right = logits.topk(min(TOP, logits.shape[1])).indices == classes
        others = logits.scatter(1, classes, -torch.inf).amax(1)
        margin = logits.gather(1, classes)[:, 0] - others
        agreement = logits.argmax(1) == predicted
        return [float(values.sum()) for values in (right[:, 0], right, agreement, margin)]
