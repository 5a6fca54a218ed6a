"""Series of checkpoints as the catalogue and the log know them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.training import Files, Run, Trainer, all_series


@pytest.fixture
def trained(trainer: Callable[..., Trainer], tmp_path: Path, settings: Settings) -> Files:
    """A finished training of ``tiny`` with checkpoints 1, 3 and 6, in the user's catalogue."""
    files = Files(folder=tmp_path / "runs", name="robust")
    files.folder.mkdir()
    run = Run(trainer(steps=6, checkpoints=(1, 3)), files)
    while not run.finished:
        run.step()
    run.add_to_catalogue(settings)
    return files


def test_a_series_begins_with_the_base(trained: Files, settings: Settings) -> None:
    series = all_series(settings)["robust"]
    assert (series.steps, series.models) == ((0, 1, 3, 6), ("tiny", "robust@1", "robust@3", "robust@6"))
    assert (series.training, series.log) == ("adversarial", trained.metrics)
    assert series.at(3).model == "robust@3"
    assert series.moments[0].epoch == 0
    lines = series.metrics()
    assert {line["step"] for line in lines} <= {1, 3, 6}
    for moment in series.moments[1:]:
        assert moment.epoch == next((line["epoch"] for line in lines if line["step"] == moment.step), None)
    for model in series.models:
        zoo.load(model, "cpu", settings)


def test_bundled_families_come_first(trained: Files, settings: Settings) -> None:
    assert list(all_series(settings)) == ["lite0_adversarial", "lite0_stylised", "lite0_adversarial_nobn", "robust"]


def test_without_its_log_a_series_is_there(trained: Files, settings: Settings) -> None:
    trained.metrics.unlink()
    series = all_series(settings)["robust"]
    assert [moment.epoch for moment in series.moments] == [0, None, None, None]
    with pytest.raises(InvalidInputError, match=r"robust\.metrics\.jsonl"):
        series.metrics()


@pytest.mark.parametrize("text", ["{", "[1]\n", "null\n", '{"epoch": 1}\n', "\xff\n", '{"step": "x", "epoch": []}\n'])
def test_a_corrupt_log_loses_no_series(trained: Files, settings: Settings, text: str) -> None:
    trained.metrics.write_bytes(text.encode("latin-1"))
    assert all_series(settings)["robust"].steps == (0, 1, 3, 6)


def test_a_base_of_other_weights_classes_is_no_moment(trained: Files, settings: Settings) -> None:
    base = settings.data / "tiny.safetensors"
    base.unlink()
    assert all_series(settings)["robust"].steps == (1, 3, 6)


def test_no_checkpoints_no_series(tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    (models / "catalog.toml").write_text("")
    assert all_series(Settings(device="cpu", data=tmp_path / "data", models=models)) == {}


def test_the_log_is_json(trained: Files) -> None:
    assert all(isinstance(json.loads(line), dict) for line in trained.metrics.read_text().splitlines())
