"""Statistics of batch normalisations, taken anew.

Mixed weights give activations whose means and variances are those of neither model, nor a mixture of both: the
variance of interpolated features collapses (Jordan et al. 2023, "REPAIR"). Measuring them over some pictures mends
most of it.
"""

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from perturber import zoo
from perturber.editing.apply import independent
from perturber.errors import InvalidInputError
from perturber.zoo.modules import BATCH_NORMS


class Recalibration:
    """Measures a network's normalisation statistics over batches of pictures.

    Each batch counts the same (PyTorch's ``momentum=None``): the result is the mean of the batches' means and unbiased
    variances. The same batches give the same statistics. Nothing else changes, and the result is in evaluation mode
    between steps, too.

    Args:
        network: is copied, and stays as it is.
        batches: pictures (B, 3, H, W) in [0, 1]; two or more in each, so that there is a variance.

    Attributes:
        network: the copy, whose statistics are taken.
        total: batches.
        done: batches taken so far.

    Raises:
        InvalidInputError: there is no normalisation with statistics, or no batch.
    """

    def __init__(self, network: zoo.Network, batches: Collection[Tensor]) -> None:
        self.network = independent(network)
        parts = (part for part in self.network.module.modules() if isinstance(part, BATCH_NORMS))
        self._norms = [part for part in parts if part.running_mean is not None]
        if not self._norms:
            raise InvalidInputError(f"{network.entry.name} has no batch normalisation that could be recalibrated.")
        if not len(batches):
            raise InvalidInputError("There are no pictures to recalibrate with.")
        self.total = len(batches)
        self.done = 0
        self._batches: Iterator[Tensor] = iter(batches)

    @property
    def finished(self) -> bool:
        """Whether every batch was taken."""
        return self.done == self.total

    def step(self) -> None:
        """Take the next batch; to be called until finished."""
        images = next(self._batches).to(self.network.device)
        momenta = [norm.momentum for norm in self._norms]
        try:
            for norm in self._norms:
                if not self.done:
                    norm.reset_running_stats()
                norm.train()
                norm.momentum = None  # cumulative
            with torch.inference_mode():
                self.network.look(self.network.preprocess(images))
        finally:
            for norm, momentum in zip(self._norms, momenta, strict=True):
                norm.eval()
                norm.momentum = momentum
        self.done += 1
        vars(self.network).pop("fingerprint", None)  # it was taken of other statistics
