"""The job that correlates every moment of a training with the first: its numbers, and how they are kept."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.scene import Scene
from perturber.service import DevelopmentRequest, ManyPictures, kept
from perturber.service.engine import LocalEngine
from perturber.service.works.development import DevelopmentWork
from perturber.training import Files, Run, Trainer, all_series
from perturber.training.correlations import chosen
from perturber.training.development import development_file, load_development

COUNT = 5


@pytest.fixture
def series_settings(trainer: Callable[..., Trainer], tmp_path: Path, settings: Settings, folder: Path) -> Settings:
    """With a family of ``tiny``, trained for six steps."""
    run = Run(trainer(steps=6, checkpoints=(1, 3)), Files(folder=tmp_path, name="robust"))
    while not run.finished:
        run.step()
    run.add_to_catalogue(settings)
    return settings


@pytest.fixture
def engine(series_settings: Settings) -> LocalEngine:
    return LocalEngine(series_settings)


@pytest.fixture
def request_(engine: LocalEngine) -> DevelopmentRequest:
    models = all_series(engine.settings)["robust"].models
    return DevelopmentRequest(
        name="robust",
        models=models,
        fingerprints=tuple(engine.network(name).fingerprint for name in models),
        batch=ManyPictures(scene=Scene(), count=COUNT),
    )


def finish(work: DevelopmentWork) -> None:
    """Take all steps, whose number it knew."""
    steps = [work.progress()]
    while steps[-1].done < steps[-1].steps:
        work.step()
        steps.append(work.progress())
    shares = [progress.done / progress.steps for progress in steps]
    assert shares == sorted(shares)


def test_correlations_are_numpys(engine: LocalEngine, request_: DevelopmentRequest) -> None:
    work = DevelopmentWork(engine.resources, request_)
    assert work.product() is None
    finish(work)
    found = work.product()
    assert found is not None
    networks = [engine.network(name) for name in request_.models]
    images = work.pictures.images
    assert (found.pictures, len(images)) == (COUNT, COUNT)
    assert list(found.layers) == list(networks[0].layers)
    for layer, values in found.layers.items():
        maps = []
        for network in networks:
            with torch.inference_mode():
                seen = network.look(network.preprocess(images), layers=[layer]).activations[layer]
            maps.append(seen.movedim(1, 0).flatten(1).double().numpy())
        places = chosen(maps[0].shape[1], 20_000, 0)
        assert found.samples[layer] == len(places)
        for moment, value in enumerate(values):
            pairs = zip(maps[0][:, places], maps[moment][:, places], strict=True)
            with np.errstate(invalid="ignore"):
                expected = [np.corrcoef(a, b)[0, 1] for a, b in pairs]
            assert value == pytest.approx(np.nanmean(expected), abs=1e-6)
    for layer, values in found.weights.items():
        ours = [n.module.get_submodule(layer).weight.detach().flatten().numpy() for n in networks]
        np.testing.assert_allclose(values, [np.corrcoef(ours[0], one)[0, 1] for one in ours], atol=1e-6)


def test_a_step_loads_one_state_or_shows_a_batch_to_one(
    engine: LocalEngine, request_: DevelopmentRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    look, load = zoo.Network.look, zoo.load

    def seen(network: zoo.Network, inputs: torch.Tensor, **asked: Any) -> Any:
        happened.append(f"look {len(inputs)}")
        return look(network, inputs, **asked)

    monkeypatch.setattr(zoo.Network, "look", seen)
    monkeypatch.setattr(zoo, "load", lambda *args, **how: happened.append("load") or load(*args, **how))
    for name in request_.models:
        engine.networks.forget(name)
    work = DevelopmentWork(engine.resources, request_)
    steps = []
    while not work.progress().finished:
        happened.clear()
        work.step()
        assert len(happened) <= 1
        steps += happened
    others = len(request_.models) - 1
    assert steps.count("load") == 1 + others
    assert steps.count("look 4") == steps.count("look 1") == 2 * others


def test_what_is_known_is_shown_and_the_rest_is_not_made_up(engine: LocalEngine, request_: DevelopmentRequest) -> None:
    work = DevelopmentWork(engine.resources, request_)
    while work.product() is None:
        work.step()
    known = work.product()
    assert known is not None
    for values in known.layers.values():
        assert np.isfinite(values[:2]).all()
        assert np.isnan(values[2:]).all()
    assert kept(request_, engine.settings) is None


def test_it_is_computed_once(engine: LocalEngine, request_: DevelopmentRequest) -> None:
    finish(DevelopmentWork(engine.resources, request_))
    again = DevelopmentWork(engine.resources, request_)
    assert again.progress().done == again.progress().steps
    stored = kept(request_, engine.settings)
    assert stored is not None
    for layer, values in stored.layers.items():
        np.testing.assert_array_equal(values, again.product().layers[layer])  # type: ignore[union-attr]


@pytest.mark.parametrize("damage", [lambda d: d[:-40], lambda d: d.replace(b"0.9", b"0.8", 1), lambda _: b"[]"])
def test_what_was_kept_and_damaged_is_computed_anew(
    engine: LocalEngine, request_: DevelopmentRequest, damage: Callable[[bytes], bytes]
) -> None:
    finish(DevelopmentWork(engine.resources, request_))
    path = development_file(engine.settings.data, request_.key(engine.settings))
    before = path.read_bytes()
    path.write_bytes(damage(before))
    assert load_development(path) is None
    assert not path.exists()
    finish(DevelopmentWork(engine.resources, request_))
    assert path.read_bytes() == before


def test_what_comes_with_the_project_is_found_first_and_never_deleted(
    engine: LocalEngine, request_: DevelopmentRequest, tmp_path: Path
) -> None:
    finish(DevelopmentWork(engine.resources, request_))
    settings = replace(engine.settings, models=tmp_path)
    key = request_.key(settings)
    own, project = development_file(settings.data, key), development_file(tmp_path, key)
    project.parent.mkdir()
    own.rename(project)
    assert kept(request_, settings) is not None
    project.write_bytes(b"[]")
    assert kept(request_, settings) is None
    assert project.exists()


def test_the_key_knows_weights_and_pictures(engine: LocalEngine, request_: DevelopmentRequest) -> None:
    settings = engine.settings

    def key(**changes: object) -> str:
        return DevelopmentRequest(**{**vars(request_), **changes}).key(settings)

    others = [
        {"fingerprints": request_.fingerprints[::-1]},
        {"batch": ManyPictures(scene=Scene().replace(yaw=3), count=COUNT)},
        {"batch": ManyPictures(scene=Scene(), count=COUNT + 1)},
        {"batch": ManyPictures(scene=None, count=COUNT)},
    ]
    assert len({key(), *(key(**other) for other in others)}) == 5
    assert key(name="another") == key()


@pytest.mark.parametrize("count", [2, 513])
def test_too_few_or_too_many_pictures_are_refused(count: int) -> None:
    with pytest.raises(InvalidInputError):
        ManyPictures(scene=Scene(), count=count)


def test_a_layer_that_never_changes_is_not_known(engine: LocalEngine, request_: DevelopmentRequest) -> None:
    network = engine.network("robust@6")
    assert isinstance(network, zoo.Network)
    with torch.no_grad():
        network.module[3].weight.zero_()
    work = DevelopmentWork(engine.resources, request_)
    finish(work)
    found = work.product()
    assert found is not None
    assert np.isnan(found.layers["3"][-1])
    assert np.isnan(found.weights["3"][-1])
