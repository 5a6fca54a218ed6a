"""Two networks of one architecture: real weights, and the same with noise."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from perturber import zoo
from perturber.config import Settings


@pytest.fixture(scope="session")
def lite0() -> zoo.Network:
    return zoo.load("efficientnet_lite0", "cpu", Settings(device="cpu"))


@pytest.fixture(scope="session")
def noisy(lite0: zoo.Network) -> zoo.Network:
    module = copy.deepcopy(lite0.module)
    generator = torch.Generator().manual_seed(0)
    for name, tensor in module.state_dict().items():
        if tensor.is_floating_point():
            noise = 1 + 0.05 * torch.randn(tensor.shape, generator=generator)
            tensor.mul_(noise.abs() if name.endswith("running_var") else noise)
        else:
            tensor.add_(1)
    return zoo.Network(replace(lite0.entry, name="noisy"), module)


def small(seed: int, name: str) -> zoo.Network:
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, stride=2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 12, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 1000),
    )  # fmt: skip
    for part in module:
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(0.5, 2)
            part.bias.data.normal_()
    entry = zoo.entry("efficientnet_lite0", Settings().models)
    return zoo.Network(replace(entry, name=name, input_size=16, resize=18), module)


@pytest.fixture
def smalls() -> tuple[zoo.Network, zoo.Network]:
    return small(0, "one"), small(1, "other")


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(10, 3, 16, 16, generator=torch.Generator().manual_seed(0))
