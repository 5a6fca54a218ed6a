"""How a network in training does on pictures that it has not seen."""

import copy
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from perturber import attack, zoo


@dataclass(frozen=True)
class Validation:
    """What is measured at checkpoints.

    Attributes:
        path: labelled pictures: a folder, or a tar, tar.gz or zip file.
        limit: use this many, evenly spread.
        attack: that is to be withstood, of pictures as large as the network's input; None for none.
    """

    path: Path
    limit: int
    attack: attack.Attack | None

    def errors(self, base: zoo.Network, module: nn.Module) -> dict[str, float]:
        """Share of pictures, from 0 to 1, whose class is not the first: ``validation_error``, ``robust_error``.

        Args:
            base: says how pictures are prepared.
            module: the network; is used as it is.

        Raises:
            InvalidInputError: there is nothing of this path, or no labelled picture in it.
        """
        network = copy.copy(base)
        network.module = module
        perturb = None if self.attack is None else partial(attacked, network, self.attack)
        found = zoo.evaluate(network, self.path, limit=self.limit, perturb=perturb)
        robust = {} if found.robust_top1 is None else {"robust_error": 1 - found.robust_top1}
        return {"validation_error": 1 - found.top1, **robust}


def attacked(network: zoo.Network, by: attack.Attack, images: Tensor, labels: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) under an attack that makes a network leave their classes (B,)."""
    return attack.run(network, images, by, labels=labels).attacked
