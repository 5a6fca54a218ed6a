"""Jobs take their steps on the thread that answers looks: what a step of each kind does is bounded."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perturber import zoo
from perturber.attack import Attack
from perturber.config import Settings
from perturber.examples import ExampleIndex, index_path
from perturber.experiments.claims import Claim
from perturber.experiments.goals import Goal
from perturber.experiments.measures import Measure
from perturber.experiments.smallest import Wording
from perturber.experiments.space import Space, usual
from perturber.experiments.sweep import Axis, Grid, PictureAxis
from perturber.featurevis import Recipe, Target
from perturber.scene import Scene
from perturber.service import (
    IMAGE_SIZE,
    CorrelationRequest,
    CurveRequest,
    DevelopmentRequest,
    IndexRequest,
    ManyPictures,
    PerturbationsRequest,
    SaveRequest,
    ScanRequest,
    SimilarityRequest,
)
from perturber.service.batches import Batch, Pictures
from perturber.service.engine import LocalEngine
from perturber.service.reading import Reading
from perturber.service.resources import Resources
from perturber.service.works.adversary import AdversaryRequest
from perturber.service.works.claims import ClaimRequest
from perturber.service.works.hypothesis import HypothesisRequest
from perturber.service.works.measuring import MeasurementRequest
from perturber.service.works.registry import WORKS, Work, begin
from perturber.service.works.slopes import FlipsRequest, SlopesRequest
from perturber.service.works.smallest import DifferenceRequest
from perturber.service.works.sweeping import SweepRequest
from perturber.service.works.tuning import FourierRequest, TuningRequest
from perturber.service.works.visualisation import VisualisationRequest
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.evaluate import read_ahead
from perturber.zoo.pictures import Crop, read_picture

LITE0 = "efficientnet_lite0"
EDIT = f"prune({LITE0};blocks.3=0.2-1)"
LAYER = "blocks.3.2"
PICTURES = 5
A_STEP = 4

both: dict[str, Any] = {"models": (LITE0, EDIT), "slots": (0, 1), "scene": Scene()}
pair: dict[str, Any] = {"a": LITE0, "b": EDIT}
weak = Attack(model=LITE0, norm="l2", epsilon=0.5, steps=1)
NAMES = tuple(f"{IMAGENET_1K[number].wnid}_{number}.png" for number in range(PICTURES))


def curve(**changes: Any) -> CurveRequest:
    return CurveRequest(**{**both, "epsilons": (0.5,), "steps": 1, **changes})


def measured(name: str, folder: Path | None = None, **options: Any) -> MeasurementRequest:
    return MeasurementRequest(
        name=name, models=(LITE0, EDIT), fingerprints=("a", "b"), options=tuple(options.items()), folder=folder
    )


REQUESTS: dict[str, Callable[[Path], Any]] = {
    "curve": lambda _: curve(pictures="variations", count=PICTURES),
    "curve of a folder": lambda folder: curve(pictures="folder", count=PICTURES, folder=folder),
    "development": lambda _: DevelopmentRequest(
        name="x", models=(LITE0, EDIT), fingerprints=("a", "b"), batch=ManyPictures(scene=None, count=PICTURES)
    ),
    "index": lambda folder: IndexRequest(model=LITE0, folder=folder),
    "perturbations": lambda _: PerturbationsRequest(**both, attack=weak),
    "save": lambda folder: SaveRequest(edit=EDIT, name="saved", recalibrate=folder),
    "scan": lambda folder: ScanRequest(first=LITE0, second=LITE0, scene=Scene(), folder=folder),
    "similarity": lambda _: SimilarityRequest(**pair, batch=Batch(scene=None, count=PICTURES)),
    "slopes": lambda _: SlopesRequest(scene=Scene(), models=(LITE0, EDIT), classes=(0, 0)),
    "flips": lambda _: FlipsRequest(scene=Scene(), models=(LITE0, EDIT), keys=("alpha",)),
    "adversary": lambda _: AdversaryRequest(
        space=Space.around(Scene(), usual(Scene())), goal=Goal(fooled=LITE0, keeps=EDIT, classes=(249,)), renders=9
    ),
    "difference": lambda _: DifferenceRequest(
        space=Space.around(Scene(), usual(Scene(), ("alpha", "yaw"))),
        goal=Goal(fooled=LITE0, classes=(0,), target=1),
        wording=Wording(labels={}, classes=()),
        renders=12,
    ),
    "hypothesis": lambda _: HypothesisRequest(
        scene=Scene(), model=EDIT, layer=LAYER, channels=(0, 1), spans=usual(Scene(), ("alpha",)), views=20
    ),
    "test": lambda _: ClaimRequest(
        claim=Claim(a=Scene(), b=Scene(alpha=0), views=PICTURES),
        models=(LITE0, EDIT),
        labels=("A", "B"),
        fingerprints=("a", "b"),
        wanted="dog",
    ),
    "sweep": lambda _: SweepRequest(
        start=Scene(),
        design=Grid((Axis.even("alpha", 0, 1, PICTURES),)),
        models=(LITE0, EDIT),
        measures=(Measure(kind="margin"),),
        fingerprints=("a", "b"),
    ),
    "sweep of a folder": lambda folder: SweepRequest(
        start=Scene(),
        design=Grid((PictureAxis("picture", NAMES, folder), Axis("alpha", (0.5, 1)))),
        models=(LITE0, EDIT),
        measures=(Measure(kind="entropy"),),
        fingerprints=("a", "b"),
    ),
    "tuning": lambda _: TuningRequest(
        model=LITE0,
        layer=LAYER,
        scene=Scene(),
        grid=Grid((Axis.even("alpha", 0, 1, 2), Axis.even("morph", 0, 1, PICTURES))),
    ),
    "fourier": lambda _: FourierRequest(models=(LITE0, EDIT), batch=Batch(scene=Scene(), count=PICTURES), most=1),
    "measurement": lambda _: measured("viewpoints", longitudes=4, latitudes=2),
    "measurement of a folder": lambda folder: measured(
        "adversarial", folder=folder, pictures=PICTURES, epsilons="0.5", steps=1
    ),
    "correlation": lambda _: CorrelationRequest(
        **pair, batch=Batch(scene=Scene(), count=PICTURES), layer_a=LAYER, layer_b=LAYER
    ),
    "visualisation": lambda _: VisualisationRequest(
        model=LITE0,
        fingerprint="",
        targets=tuple(Target(layer=LAYER, index=index) for index in range(PICTURES)),
        recipe=Recipe(size=64, steps=2),
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few pictures with labels."""
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for number in range(PICTURES):
        pixels = random.integers(0, 255, (IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        Image.fromarray(pixels).save(folder / NAMES[number])
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> LocalEngine:
    return LocalEngine(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=folder))


@pytest.fixture
def resources(engine: LocalEngine, tmp_path: Path) -> Resources:
    """The engine's, with a data folder of the test's own."""
    return replace(engine.resources, settings=replace(engine.settings, data=tmp_path / "data"))


@dataclass
class Seen:
    """What has happened on this thread: pictures shown to networks, rendered, and files that were decoded."""

    shown: list[int] = field(default_factory=list)
    made: int = 0
    read: int = 0


@pytest.fixture
def seen(engine: LocalEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    seen, here = Seen(), threading.get_ident()
    look, render, crop = zoo.Network.look, engine.renderer.render, Crop.__call__

    def watched_look(network: zoo.Network, inputs: torch.Tensor, **asked: Any) -> Any:
        seen.shown.append(len(inputs))
        return look(network, inputs, **asked)

    def watched_render(scenes: Any, values: Any = None) -> torch.Tensor:
        seen.made += len(scenes)
        return render(scenes, values)

    def watched_crop(self: Crop, picture: Image.Image) -> np.ndarray:
        seen.read += threading.get_ident() == here
        return crop(self, picture)

    monkeypatch.setattr(zoo.Network, "look", watched_look)
    monkeypatch.setattr(engine.renderer, "render", watched_render)
    monkeypatch.setattr(Crop, "__call__", watched_crop)
    return seen


def test_every_kind_is_looked_at() -> None:
    assert {type(make(Path("x"))) for make in REQUESTS.values()} == set(WORKS)


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_step_takes_few_pictures_and_reads_none_itself(
    kind: str, resources: Resources, folder: Path, seen: Seen
) -> None:
    work = begin(resources, REQUESTS[kind](folder))
    most = PICTURES if kind == "save" else A_STEP  # a variance needs all, so the pass itself is interrupted
    steps = 0
    while not work.progress().finished:
        seen.shown.clear()
        seen.made = 0
        work.step()
        steps += 1
        assert max([seen.made, *seen.shown], default=0) <= most
        assert len(seen.shown) <= 2
        assert seen.read == 0
    assert steps > 2
    assert work.product() is not None


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Pictures are decoded only when this is called."""
    gate = threading.Event()
    monkeypatch.setattr("perturber.service.reading.MOMENT", 0.0)
    monkeypatch.setattr("perturber.service.works.indexing.MOMENT", 0.0)
    for module in ("perturber.service.reading", "perturber.examples.indexing"):
        monkeypatch.setattr(f"{module}.read_picture", lambda path: gate.wait(30) and read_picture(path))
    return gate.set


def wait_for(work: Work) -> Any:
    while not work.progress().finished:
        work.step()
    return work.product()


@pytest.mark.parametrize(
    "kind", ["curve of a folder", "development", "index", "measurement of a folder", "save", "scan", "similarity"]
)
def test_a_step_waits_for_no_picture(
    kind: str, resources: Resources, folder: Path, slow: Callable[[], None], seen: Seen
) -> None:
    work = begin(resources, REQUESTS[kind](folder))
    for _ in range(5):
        work.step()
        assert work.progress().done == 0
        assert seen.shown == []
    slow()
    while not work.progress().done:
        work.step()


def test_pictures_are_the_same_however_late_they_come(
    resources: Resources, folder: Path, slow: Callable[[], None]
) -> None:
    names = sorted(folder.iterdir())
    expected = torch.stack([torch.tensor(np.asarray(Image.open(name))).permute(2, 0, 1) / 255 for name in names])
    pictures = Pictures(resources, Batch(scene=None, count=PICTURES))
    pictures.step()
    assert pictures.done == 0
    slow()
    while not pictures.finished:
        pictures.step()
    assert torch.equal(pictures.images, expected)


def test_reading_says_how_far_it_is(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    paths = [*sorted(folder.iterdir())[:2], broken]
    reading = Reading(Crop(size=IMAGE_SIZE), folder, paths, batch=2)
    found = []
    while not reading.finished:
        found += reading.step()
    assert (reading.done, reading.total) == (2, 2)
    assert reading.good == [True, True, False]
    assert found[2] is None
    assert len(reading.pictures()) == 2


def test_who_is_patient_gets_whole_batches(folder: Path) -> None:
    batches = list(read_ahead(Crop(size=IMAGE_SIZE), sorted(folder.iterdir()), 4, read_picture))
    assert [len(batch) for batch in batches] == [4, 1]


def test_an_index_is_written_by_another_thread(
    resources: Resources, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers = []
    save = ExampleIndex.save
    monkeypatch.setattr(
        ExampleIndex, "save", lambda index, path: writers.append(threading.get_ident()) or save(index, path)
    )
    made = wait_for(begin(resources, IndexRequest(model=LITE0, folder=folder)))
    assert len(writers) == 1
    assert threading.get_ident() not in writers
    stored = ExampleIndex.load(index_path(resources.settings.data, made.fingerprint))
    for layer, tops in made.layers.items():
        for ours, theirs in zip(tops, stored.layers[layer], strict=True):
            np.testing.assert_array_equal(ours, theirs)
