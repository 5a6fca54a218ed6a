"""AutoAttack: curves whose numbers can be set beside published ones. Needs the package torchattacks."""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.attack.curves import CurveResult, check_pictures
from perturber.attack.norms import NormName
from perturber.attack.steps import margins
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.paced import Paced, Pause

NORMS: dict[str, str] = {"l2": "L2", "linf": "Linf"}
"""Our names of the norms that AutoAttack knows → torchattacks'."""

ITERATIONS = 100
TARGETS = 9
QUERIES = 5000
"""As Croce & Hein 2020 have them; torchattacks' own AutoAttack takes a tenth of the iterations, and every class."""

PASSES = 8000
"""Through the network, that a batch which stands needs, about: 1000 of both APGD, 2000 of FAB, `QUERIES`."""


def check_autoattack(norm: str) -> None:
    """Refuse what AutoAttack cannot do here.

    Raises:
        UnknownNameError: a norm that it does not know.
        InvalidInputError: the package is missing.
    """
    if norm not in NORMS:
        raise UnknownNameError("norm of AutoAttack", norm, NORMS)
    if find_spec("torchattacks") is None:
        raise InvalidInputError(
            "AutoAttack needs the package torchattacks. Install it with pip install -e '.[autoattack]', or choose PGD."
        )


class AutoAttackCurve:
    """Attacks pictures with the standard AutoAttack at each ε, for a little while a step: no more than half a pass
    where passes take long (see `perturber.paced`).

    That is APGD on the cross-entropy, targeted APGD, targeted FAB and Square one after the other, each on the pictures
    that the ones before have left standing (Croce & Hein 2020). Goes on as `RobustnessCurve` does.

    Args:
        network: whose curve.
        images: (N, 3, H, W) in [0, 1].
        labels: (N,) class of each picture, which the attack makes it leave.
        norm: ``l2`` or ``linf``.
        epsilons: radii; at 0 the pictures are only looked at.
        batch: pictures that are attacked together.
        queries: of Square.

    Attributes:
        total: forward passes in all, estimated; a batch that is fooled early skips some.
        done: forward passes so far.

    Raises:
        InvalidInputError: no pictures, not a label for each, no ε, another norm, or the package is missing.
    """

    def __init__(
        self,
        network: zoo.Network,
        images: Tensor,
        labels: Tensor,
        *,
        norm: NormName,
        epsilons: Sequence[float],
        batch: int = 8,
        queries: int = QUERIES,
    ) -> None:
        check_autoattack(norm)
        check_pictures(images, labels, epsilons)
        self._network, self._norm, self._queries = network, norm, queries
        self._images, self._labels = images.to(network.device), labels.to(network.device)
        self._epsilons = tuple(epsilons)
        batches = [slice(first, first + batch) for first in range(0, len(images), batch)]
        self._waiting = [(k, part) for k in range(len(epsilons)) for part in batches][::-1]
        self._running: Paced[Tensor] | None = None
        self._classifier: _Classifier | None = None  # of the present batch
        self._before = 0
        self._hits, self._seen = np.zeros(len(epsilons)), np.zeros(len(epsilons), int)
        self.total = len(batches) * sum(self._length(epsilon) for epsilon in epsilons)

    @property
    def done(self) -> int:
        """Forward passes so far, of `total`."""
        return self._before + (min(self._classifier.passes, PASSES - 1) if self._classifier else 0)

    @property
    def finished(self) -> bool:
        """Whether every picture has been attacked at every ε."""
        return not self._waiting

    def step(self) -> None:
        """Go on with an attack for a while, or look where it has led; to be called until finished."""
        k, part = self._waiting[-1]
        images, labels = self._images[part], self._labels[part]
        if not self._epsilons[k]:
            return self._note(images)
        if self._running is None:
            self._running = self._attack(images, labels, self._epsilons[k])
        self._running.step()
        if self._running.finished:
            attacked, self._running = self._running.result(), None
            self._note(attacked)

    def result(self) -> CurveResult:
        """What is known so far; AutoAttack looks for any wrong class, and so says nothing of margins."""
        count = len(self._images)
        accuracy = np.where(self._seen == count, self._hits / count, np.nan)
        return CurveResult(
            norm=self._norm,
            epsilons=self._epsilons,
            count=count,
            accuracy=accuracy,
            margin=np.full(len(accuracy), np.nan),
            attack=f"AutoAttack (standard, torchattacks {version('torchattacks')})",
        )

    def _attack(self, images: Tensor, labels: Tensor, epsilon: float) -> Paced[Tensor]:
        self._classifier = classifier = _Classifier(self._network)
        ball: dict[str, Any] = {"norm": self._norm, "epsilon": epsilon, "queries": self._queries}

        def run(pause: Pause) -> Tensor:  # holds nothing of this object, which goes when nobody waits for it
            classifier.pause = pause
            return _attacked(classifier, images, labels, **ball)

        return Paced(run, self._network.device)

    def _length(self, epsilon: float) -> int:
        return PASSES if epsilon else 1

    @torch.inference_mode()
    def _note(self, attacked: Tensor) -> None:
        """Count the pictures of the present batch that have kept their class."""
        k, part = self._waiting.pop()
        self._hits[k] += float((margins(self._network.logits(attacked).double(), self._labels[part]) > 0).sum())
        self._seen[k] += len(attacked)
        self._before += self._length(self._epsilons[k])
        self._classifier = None


class _Classifier(nn.Module):
    """A network as torchattacks takes it: of pictures in [0, 1], with a pause before and behind each pass either way.

    Attributes:
        passes: forward passes so far.
        pause: called between them.
    """

    def __init__(self, network: zoo.Network) -> None:
        super().__init__()
        self.module, self._logits = network.module, network.logits
        self.outputs = network.outputs or 2
        self.passes = 0
        self.pause: Pause = lambda: None
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        self.pause()
        self.passes += 1
        rows = images.flatten().view_as(images)  # gradients in rows again, of which torchattacks takes views
        if rows.requires_grad:
            rows.register_hook(lambda _: self.pause())
        logits = self._logits(rows)
        self.pause()
        return logits


def _attacked(
    classifier: _Classifier, images: Tensor, labels: Tensor, *, norm: str, epsilon: float, queries: int
) -> Tensor:
    """Pictures (B, 3, H, W) in the ball; those that could not be attacked are as they were."""
    import torchattacks

    ball: dict[str, Any] = {"norm": NORMS[norm], "eps": epsilon, "seed": 0}
    classes = min(TARGETS + 1, classifier.outputs)  # as many of the most probable ones are aimed at, less the label
    attack = torchattacks.MultiAttack(
        [
            torchattacks.APGD(classifier, steps=ITERATIONS, loss="ce", **ball),
            torchattacks.APGDT(classifier, steps=ITERATIONS, n_classes=classes, **ball),
            torchattacks.FAB(classifier, steps=ITERATIONS, multi_targeted=True, n_classes=classes, **ball),
            torchattacks.Square(classifier, n_queries=queries, **ball),
        ]
    )
    return attack(images.contiguous(), labels).detach()
