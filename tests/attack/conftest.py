"""A small network in double precision, where sums in another order change no sign, and Lite0."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn

from perturber import zoo
from perturber.config import Settings

SIZE = 16


@pytest.fixture(scope="session")
def lite0() -> zoo.Network:
    return zoo.load("efficientnet_lite0", "cpu", Settings(device="cpu"))


@pytest.fixture(scope="session")
def small() -> Callable[[nn.Module], zoo.Network]:
    """Makes a module a network of pictures 16 × 16."""
    entry = zoo.entry("efficientnet_lite0", Settings().models)
    return lambda module: zoo.Network(replace(entry, name="small", input_size=SIZE, resize=SIZE), module)


@pytest.fixture(scope="session")
def network(small: Callable[[nn.Module], zoo.Network]) -> zoo.Network:
    torch.manual_seed(0)
    network = small(
        nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.Softplus(),
            nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10),
        )
    )  # fmt: skip
    network.module.double()
    return network


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """Random pixels, with some at the very ends of [0, 1]."""
    noise = torch.rand(6, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (noise * 1.4 - 0.2).clamp(0, 1)
