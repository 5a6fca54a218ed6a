"""Statistics of batch normalisations, taken anew.

Mixed weights give activations whose means and variances are those of neither model, nor a mixture of both: the
variance of interpolated features collapses (Jordan et al. 2023, "REPAIR"). Measuring them over some pictures mends
most of it.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from perturber import zoo
from perturber.editing.apply import independent
from perturber.errors import InvalidInputError
from perturber.paced import Paced, Pause
from perturber.zoo.modules import BATCH_NORMS


class Recalibration:
    """Measures a network's normalisation statistics over batches of pictures, for a little while a step.

    Each batch counts the same (PyTorch's ``momentum=None``): the result is the mean of the batches' means and unbiased
    variances. The same batches give the same statistics. Nothing else changes, and the result is in evaluation mode
    between steps, too. A variance needs the whole batch: a long pass is interrupted between two normalisations.

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
        self._running: Paced[None] | None = None

    @property
    def finished(self) -> bool:
        """Whether every batch was taken."""
        return self.done == self.total

    def step(self) -> None:
        """Go on with a batch; to be called until finished."""
        if self._running is None:
            self._running = self._take(next(self._batches), first=not self.done)
        self._running.step()
        if self._running.finished:
            self._running = None
            self.done += 1
        vars(self.network).pop("fingerprint", None)  # it was taken of other statistics

    def _take(self, images: Tensor, *, first: bool) -> Paced[None]:
        network, norms = self.network, self._norms

        def run(pause: Pause) -> None:  # holds nothing of this object, which goes when nobody waits for it
            _measure(network, norms, images.to(network.device), pause, first=first)

        return Paced(run, network.device)


@torch.inference_mode()
def _measure(network: zoo.Network, norms: Sequence[_BatchNorm], images: Tensor, pause: Pause, *, first: bool) -> None:
    """Show a batch to a network whose normalisations measure it while it passes them, and only then."""
    momenta = {norm: norm.momentum for norm in norms}

    def begin(norm: _BatchNorm, *_: object) -> None:
        norm.train()
        norm.momentum = None  # cumulative

    def end(norm: _BatchNorm, *_: object) -> None:
        norm.eval()
        norm.momentum = momenta[norm]
        pause()

    with ExitStack() as hooks:
        for norm in norms:
            if first:
                norm.reset_running_stats()
            hooks.callback(norm.register_forward_pre_hook(begin).remove)
            hooks.callback(norm.register_forward_hook(end, always_call=True).remove)
        network.look(network.preprocess(images))
