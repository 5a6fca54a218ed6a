"""Reading a folder's pictures, some a step."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.service.aside import MOMENT
from perturber.zoo.evaluate import read_ahead
from perturber.zoo.pictures import Crop, read_picture

READING_BATCH = 16
"""Pictures that are read in a step."""


class Reading:
    """Reads pictures, some a step, decoded ahead in threads of its own; a step waits for them but a moment.

    Args:
        crop: how they become a network's pictures.
        folder: that they lie in, for messages.
        paths: of all.
        batch: pictures a step.

    Attributes:
        total: batches.
        done: batches that were read so far; a step may find that the next one is not there yet.
    """

    def __init__(self, crop: Crop, folder: Path, paths: Sequence[Path], batch: int = READING_BATCH) -> None:
        self.folder, self.paths = folder, paths
        self.total = ceil(len(paths) / batch)
        self.done = 0
        self._batches = read_ahead(crop, paths, batch, read_picture, patience=MOMENT)
        self._found: list[np.ndarray | None] = []

    @property
    def finished(self) -> bool:
        """Whether every picture was read."""
        return self.done == self.total

    @property
    def good(self) -> list[bool]:
        """Of each path, whether there was a picture."""
        return [picture is not None for picture in self._found]

    def step(self) -> list[np.ndarray | None]:
        """The next few, (S, S, 3) uint8, None where there is no picture; none at all where they are not there yet."""
        batch = next(self._batches)
        self._found += batch
        self.done += bool(batch)
        return batch

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
