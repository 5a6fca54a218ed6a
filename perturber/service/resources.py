"""What everything that runs on the device is given to work with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from perturber.config import Settings
from perturber.render import Renderer
from perturber.render.renderer import Values
from perturber.service.networks import Networks
from perturber.service.requests import PictureRequest


class Pictures(Protocol):
    """Makes pictures of requests."""

    def __call__(self, requests: Sequence[PictureRequest], values: Values | None = None, /) -> Tensor:
        """(B, 3, 224, 224); `values` as in `Renderer.render`."""


@dataclass(frozen=True)
class Resources:
    """An engine's means.

    Attributes:
        settings: how the service runs.
        device: that all tensors lie on.
        networks: by name, within the memory budget.
        pictures: makes what the networks are shown: one picture (3, 224, 224) in [0, 1] of each request, as a batch
            (see `LocalEngine.pictures`).
        renderer: that draws them; for objects without their backgrounds, and the other way round.
    """

    settings: Settings
    device: torch.device
    networks: Networks
    pictures: Pictures
    renderer: Renderer
