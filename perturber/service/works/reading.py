"""Reading a folder's pictures, some a step."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.zoo.evaluate import read_ahead
from perturber.zoo.pictures import read_picture

READING_BATCH = 16
"""Pictures that are read in a step."""


class Reading:
    """Reads pictures as a network takes them, some a step, decoded ahead in threads of its own."""

    def __init__(self, network: zoo.Network, folder: Path, paths: Sequence[Path]) -> None:
        self.folder, self.paths = folder, paths
        self.total = ceil(len(paths) / READING_BATCH)
        self.done = 0
        self._batches = read_ahead(network.entry.crop, paths, READING_BATCH, read_picture)
        self._found: list[np.ndarray | None] = []

    @property
    def finished(self) -> bool:
        """Whether every picture was read."""
        return self.done == self.total

    @property
    def good(self) -> list[bool]:
        """Of each path, whether there was a picture."""
        return [picture is not None for picture in self._found]

    def step(self) -> None:
        """The next few."""
        self._found += next(self._batches)
        self.done += 1

    def pictures(self) -> list[np.ndarray]:
        """(S, S, 3) uint8 each.

        Raises:
            InvalidInputError: there is none.
        """
        found = [picture for picture in self._found if picture is not None]
        if not found:
            raise InvalidInputError(f"None of the pictures in {str(self.folder)!r} can be read.")
        return found


def as_tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    """Pictures (S, S, 3) uint8 as one batch (N, 3, S, S) in [0, 1]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
