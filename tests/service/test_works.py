"""Works register themselves for their kind of request; the index of example pictures as a job."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.config import Settings
from perturber.examples import ExampleIndex, index_path
from perturber.service import IndexRequest, InferenceService, JobState, Progress
from perturber.service.engine import LocalEngine
from perturber.service.resources import Resources
from perturber.service.works.registry import WORKS, does

LITE0 = "efficientnet_lite0"


@dataclass(frozen=True)
class Counting:
    """A job that counts up to a number."""

    to: int
    title: str = "Counting"
    urgent: bool = False


@pytest.fixture
def counting() -> Iterator[None]:
    @does(Counting)
    class CountingWork:
        def __init__(self, resources: Resources, request: Counting) -> None:
            self.device, self.request, self.done = resources.device, request, 0

        def step(self) -> None:
            self.done += 1

        def progress(self) -> Progress:
            return Progress(done=self.done, steps=self.request.to)

        def product(self) -> str:
            return f"{self.done} on {self.device}"

    yield
    del WORKS[Counting]


@pytest.mark.usefixtures("counting")
def test_a_work_that_registers_itself_is_done_as_a_job(service: InferenceService) -> None:
    assert service.wait(service.jobs.submit(Counting(to=3)).id) == "3 on cpu"


@pytest.mark.usefixtures("counting")
def test_two_works_for_one_kind_of_request_are_refused() -> None:
    with pytest.raises(TypeError, match="work for Counting already"):
        does(Counting)(WORKS[Counting])


def test_a_request_of_an_unknown_kind_is_refused(engine: LocalEngine) -> None:
    with pytest.raises(TypeError, match="No work does a Counting"):
        engine.start("id", Counting(to=1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(random.integers(0, 255, (224, 224, 3), np.uint8)).save(folder / f"{number}.png")
    return folder


def test_an_index_is_stored_by_its_job(engine: LocalEngine, folder: Path, tmp_path: Path) -> None:
    settings = Settings(device="cpu", data=tmp_path / "data")
    with InferenceService(settings) as service:
        made = service.wait(service.jobs.submit(IndexRequest(model=LITE0, folder=folder)).id)
    stored = ExampleIndex.load(index_path(settings.data, engine.network(LITE0).fingerprint))
    assert made.pictures == stored.pictures == tuple(f"{number}.png" for number in range(5))


def test_an_index_that_cannot_be_stored_fails_with_a_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    with InferenceService(Settings(device="cpu", data=tmp_path / "data")) as service:
        job = service.jobs.submit(IndexRequest(model=LITE0, folder=folder))
        while not (status := service.jobs.status(job.id)).state.over:
            pass
    assert status.state is JobState.FAILED
    assert status.error is not None
    assert status.error.startswith("Cannot write")
