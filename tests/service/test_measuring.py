"""What a measurement's pictures are, and that nothing is measured twice."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perturber import zoo
from perturber.attack import Attack, run, share_below
from perturber.config import Settings
from perturber.editing import Edit, Editor, units
from perturber.experiments.measurements import Result, find, kept
from perturber.experiments.measurements.kept import FOLDER
from perturber.groups.subjects import SUBJECTS, VIEWS
from perturber.render import Renderer
from perturber.service import InferenceService, keeping
from perturber.service.engine import LocalEngine
from perturber.service.measurements import count, measurement_request, seconds
from perturber.service.works import measuring
from perturber.service.works.measuring import MeasurementRequest, order, trials
from perturber.service.works.registry import begin
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.evaluate import spread

LITE0 = "efficientnet_lite0"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> LocalEngine:
    return LocalEngine(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (224, 224, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    return folder


def measure(engine: LocalEngine, data: Path, name: str, folder: Path | None = None, **options: Any) -> Result:
    resources = replace(engine.resources, settings=replace(engine.settings, data=data))
    request = MeasurementRequest(
        name=name, models=(LITE0,), fingerprints=("x",), options=tuple(options.items()), folder=folder
    )
    work = begin(resources, request)
    while not work.progress().finished:
        work.step()
    return work.product()


def probability(network: zoo.Network, picture: torch.Tensor, name: str) -> float:
    with torch.inference_mode():
        return 100 * float(network.logits(picture).double().softmax(1)[0, sorted(SUBJECTS[name].right)].sum())


def test_objects_and_backgrounds_are_put_together(engine: LocalEngine, folder: Path, tmp_path: Path) -> None:
    result = measure(engine, tmp_path, "backgrounds", folder, backgrounds=5, views=1)
    rows = {(row[0], row[1], row[3]): row[-1] for row in result.rows}
    network, renderer = engine.network(LITE0), Renderer()
    own = torch.tensor(np.asarray(Image.open(folder / "a.png"))).permute(2, 0, 1)[None] / 255
    for name, subject in SUBJECTS.items():
        scene = subject.scene(yaw=0.0)
        layers = renderer.foreground([scene])
        home = subject.background
        expected = {
            ("own background", name, home): renderer.render([scene]),
            ("other background", name, "a.png"): own * (1 - layers[:, 3:]) + layers[:, :3],
            ("no background", name, ""): 0.5 * (1 - layers[:, 3:]) + layers[:, :3],
            ("background only", name, home): renderer.background([scene]),
        }
        for key, picture in expected.items():
            assert rows[key] == pytest.approx(probability(network, picture, name), abs=0.02)


def test_attacks_are_those_of_the_attack_package(engine: LocalEngine, tmp_path: Path) -> None:
    result = measure(engine, tmp_path, "adversarial", pictures=4, epsilons="0.5", steps=2)
    network = engine.network(LITE0)
    attacked = [row for row in result.rows if row[1] == LITE0]
    assert len(attacked) == 4
    request = MeasurementRequest(
        name="adversarial", models=(LITE0,), fingerprints=("x",), options=(("epsilons", "0.5"), ("pictures", 4))
    )
    plain = [
        trial
        for trial in trials(find("adversarial"), order(request, {LITE0: network.entry.class_list}))
        if trial.attack is None
    ]
    images = Renderer().render([trial.scene for trial in plain])
    state = run(network, images, Attack(model=LITE0, norm="l2", epsilon=0.5, steps=2))
    for n, (row, name) in enumerate(zip(attacked, SUBJECTS, strict=True)):
        assert row[-2] == pytest.approx(probability(network, state.attacked[n : n + 1], name), abs=0.1)
        assert row[-1] == pytest.approx(100 * float(share_below(state.perturbation, 0.1)[n]), abs=0.1)


def test_mixed_networks_are_those_of_the_editor(service: InferenceService) -> None:
    """In one job they take turns with one copy of weights, and each is attacked on its own."""
    given = {"pictures": "4", "epsilons": "1", "steps": "1", "cuts": "blocks.4"}
    request = measurement_request(service, "mixed", ["lite0_adversarial", LITE0], given)
    assert len(request.models) == 4
    assert request.title.startswith("Robustness of mixed networks of lite0_adversarial and efficientnet_lite0 and")
    result = service.wait(service.jobs.submit(request).id)
    settings = Settings(device="cpu")
    networks = [zoo.load(name, "cpu", settings) for name in (LITE0, "lite0_adversarial")]
    names = list(units(networks[0].module))
    early = names[: names.index("blocks.4") + 1]
    scenes = [SUBJECTS[name].scene(**view) for name, view in spread([(s, v) for s in SUBJECTS for v in VIEWS], 4)]
    images = Renderer().render(scenes)
    for first, robust in ((LITE0, names[len(early) :]), ("lite0_adversarial", early)):
        edit = Edit.mix(LITE0, "lite0_adversarial", dict.fromkeys(robust, 1.0))
        network = Editor(*networks).network(edit)
        rows = [row for row in result.rows if row[:3] == (first, *{LITE0, "lite0_adversarial"} - {first}, "blocks.4")]
        state = run(network, images, Attack(model=LITE0, norm="l2", epsilon=1.0, steps=1))
        for n, name in enumerate(SUBJECTS):
            assert rows[2 * n][-1] == pytest.approx(probability(network, images[n : n + 1], name), abs=0.1)
            assert rows[2 * n + 1][-1] == pytest.approx(probability(network, state.attacked[n : n + 1], name), abs=0.3)


def test_nothing_is_measured_twice(
    engine: LocalEngine, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.png").rename(folder / "cat1-dog2.png")
    first = measure(engine, tmp_path, "shape", folder)
    shown: list[int] = []
    look = zoo.Network.look

    def watched(network: zoo.Network, inputs: torch.Tensor, **asked: Any) -> Any:
        shown.append(len(inputs))
        return look(network, inputs, **asked)

    monkeypatch.setattr(zoo.Network, "look", watched)
    again = measure(engine, tmp_path, "shape", folder)
    assert not shown
    assert repr(again.figures) == repr(first.figures)  # NaN is never equal to itself
    assert again.rows == first.rows
    os.utime(folder / "cat1-dog2.png", (1, 1))
    measure(engine, tmp_path, "shape", folder)
    assert sum(shown) == first.pictures
    for path in (tmp_path / FOLDER).iterdir():
        path.write_text("{}")
    shown.clear()
    measure(engine, tmp_path, "shape", folder)
    assert sum(shown) == first.pictures


@pytest.mark.parametrize("of_files", [False, True])
def test_what_was_interrupted_goes_on_where_it_was(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, of_files: bool
) -> None:
    folder = tmp_path / "pictures" if of_files else None
    if folder is not None:
        folder.mkdir()
        for n in range(6):
            pixels = np.random.default_rng(n).integers(0, 255, (224, 224, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{IMAGENET_1K[n].wnid}_{n}.png")
        (folder / f"{IMAGENET_1K[9].wnid}_9.png").write_bytes(b"no picture")
    options = {"pictures": 7, "epsilons": "0.5", "steps": 1}
    whole = measure(engine, tmp_path / "whole", "adversarial", folder, **options)
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.0)
    resources = replace(engine.resources, settings=replace(engine.settings, data=tmp_path / "data"))
    request = MeasurementRequest(
        name="adversarial", models=(LITE0,), fingerprints=("x",), options=tuple(options.items()), folder=folder
    )
    work = begin(resources, request)
    while work.progress().done < 8:
        work.step()
    work._keeping._writing.join()  # whatever comes later is lost
    (kept_file,) = (tmp_path / "data" / FOLDER).glob("*.npz")
    known = int(np.load(kept_file)["good"].sum())
    assert 0 < known < whole.pictures
    shown: list[Any] = []
    note = measuring.MeasurementWork._note
    monkeypatch.setattr(
        measuring.MeasurementWork, "_note", lambda self, *told: (shown.extend(told[1]), note(self, *told))
    )
    after = measure(engine, tmp_path / "data", "adversarial", folder, **options)
    assert len(shown) == len(set(shown)) == whole.pictures - known
    assert after.pictures == whole.pictures == (12 if of_files else 14)
    for row, same in zip(after.rows, whole.rows, strict=True):
        assert row[:4] == same[:4]
        np.testing.assert_allclose(np.array(row[3:], float), np.array(same[3:], float), rtol=1e-3, atol=1e-2)
    assert [figure.name for figure in after.figures] == [figure.name for figure in whole.figures]
    assert not list((tmp_path / "data" / FOLDER).glob("*.npz"))


def test_a_damaged_file_of_what_was_kept_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    readings = kept.Readings(good=np.array([True, False]), low=np.full(2, np.nan), models={0: np.ones((2, 3))})
    kept.save_readings(path, readings)
    found = kept.load_readings(path, 2)
    assert found is not None
    np.testing.assert_array_equal(found.models[0], [[1, 1, 1], [np.nan] * 3])
    assert kept.load_readings(path, 3) is None
    kept.save_readings(path, readings)
    (tmp_path / "x.npz").write_bytes(b"PK damaged")
    assert kept.load_readings(path, 2) is None
    assert not (tmp_path / "x.npz").exists()


def test_where_nothing_can_be_kept_the_result_is_there(engine: LocalEngine, tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    result = measure(engine, tmp_path, "viewpoints", longitudes=4, latitudes=2)
    assert "cannot be kept" in result.notes[-1]
    assert result.pictures == 32


def test_it_is_a_job_of_the_service(service: InferenceService) -> None:
    request = measurement_request(service, "viewpoints", [LITE0], {"longitudes": "4", "latitudes": "2"})
    assert count(service, request) == 32
    assert seconds(service, request, 32) > 0
    result = service.wait(service.jobs.submit(request).id)
    assert result.figure("share of the sphere", LITE0).count == 32
