"""Networks made by hand, whose neurons are known."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from torch import nn

from perturber import zoo
from perturber.config import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(device="cpu")


@pytest.fixture(scope="session")
def network() -> Callable[[nn.Module, int], zoo.Network]:
    """A module as a network of ImageNet's classes, for pictures of a size."""
    entry = zoo.entry("efficientnet_lite0", Settings().models)

    def made(module: nn.Module, size: int) -> zoo.Network:
        return zoo.Network(replace(entry, name="by hand", input_size=size), module)

    return made
