"""What all tests share."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import perturber  # noqa: F401  # before torch: it says how torch's threads wait for each other

# isort: split
import torch

if TYPE_CHECKING:
    from perturber.service import InferenceService

# Several test processes and a browser share the machine with torch.
torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))

# What is kept for users belongs to no test.
os.environ["PERTURBER_DATA"] = tempfile.mkdtemp(prefix="perturber-tests-")
atexit.register(shutil.rmtree, os.environ["PERTURBER_DATA"], ignore_errors=True)

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--write-golden", action="store_true", help="write the renderer's golden picture anew")


@pytest.fixture(scope="session", autouse=True)
def nothing_ready() -> Iterator[pytest.MonkeyPatch]:
    """No pictures come along: tests see how they are made. `ready_pictures` brings them back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perturber.service.service.bundle_folder", lambda models: models / "nothing ready")
        yield patch


@pytest.fixture
def ready_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pictures that come with the project are there in services that start from now on."""
    from perturber.featurevis import bundle_folder

    monkeypatch.setattr("perturber.service.service.bundle_folder", bundle_folder)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator["InferenceService"]:
    """A service with a data folder of its own, and no example pictures."""
    from perturber.config import Settings
    from perturber.service import InferenceService

    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)) as running:
        yield running


@pytest.fixture(scope="session")
def photographs() -> Path:
    """One labelled photograph for each ImageNet class; not part of the project."""
    folder = SHARED / "data" / "imagenet-samples"
    if not folder.is_dir():
        pytest.skip("the test photographs are not on this machine")
    return folder
