"""A real engine, and a service with a data folder of its own."""

from collections.abc import Iterator

import numpy as np
import pytest

from perturber.config import Settings
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest
from perturber.service.engine import LocalEngine


@pytest.fixture(scope="session")
def engine() -> LocalEngine:
    return LocalEngine(Settings(device="cpu"))


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"))) as service:
        yield service


@pytest.fixture(scope="session")
def picture(engine: LocalEngine) -> np.ndarray:
    """A (224, 224, 3) uint8 picture of a dog."""
    return engine.answer([LookRequest(scene=Scene())])[0].image
