"""Networks that several tests share."""

import pytest
import torch

from perturber import zoo
from perturber.config import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(device="cpu")


@pytest.fixture(scope="session")
def lite0(settings: Settings) -> zoo.Network:
    return zoo.load("efficientnet_lite0", "cpu", settings)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
