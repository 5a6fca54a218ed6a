"""What everything that runs on the device is given to work with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from perturber.config import Settings
from perturber.service.networks import Networks
from perturber.service.requests import PictureRequest


@dataclass(frozen=True)
class Resources:
    """An engine's means.

    Attributes:
        settings: how the service runs.
        device: that all tensors lie on.
        networks: by name, within the memory budget.
        pictures: makes what the networks are shown: one picture (3, 224, 224) in [0, 1] of each request, as a batch.
    """

    settings: Settings
    device: torch.device
    networks: Networks
    pictures: Callable[[Sequence[PictureRequest]], Tensor]
