"""Tuning and Fourier sensitivity as jobs, against one picture at a time."""

import numpy as np
import pytest
import torch

from perturber.errors import InvalidInputError
from perturber.experiments.families import FAMILIES
from perturber.experiments.fourier import perturbed
from perturber.experiments.sweep import Axis, Grid, scene
from perturber.figures.tuning import fourier_sensitivity, tuning_curves
from perturber.scene import Scene
from perturber.service import InferenceService, PictureRequest
from perturber.service.batches import Batch, variations
from perturber.service.engine import LocalEngine
from perturber.service.works.tuning import FourierRequest, TuningRequest

LITE0, LAYER, CHANNELS = "efficientnet_lite0", "blocks.2.1", (3, 0, 17)


def maps(engine: LocalEngine, picture: torch.Tensor) -> np.ndarray:
    network = engine.network(LITE0)
    with torch.inference_mode():
        return network.look(network.preprocess(picture), layers=(LAYER,)).activations[LAYER][0].double().numpy()


def test_tuning_over_a_family(service: InferenceService, engine: LocalEngine) -> None:
    request = TuningRequest(model=LITE0, layer=LAYER, channels=CHANNELS, family="gradients")
    found = service.wait(service.jobs.submit(request).id)
    rows, columns = FAMILIES["gradients"].shape
    assert found.responses.shape == (rows, columns, 3)
    for r, c in ((0, 0), (3, 5)):
        picture = FAMILIES["gradients"].pictures(224, r * columns + c, 1)
        answer, grey = maps(engine, picture), maps(engine, torch.full_like(picture, 0.5))
        slow = (answer - grey)[list(CHANNELS), 13:15, 13:15].mean((1, 2))
        assert answer.shape[1:] == (28, 28)
        np.testing.assert_allclose(found.responses[r, c], slow, rtol=1e-3, atol=1e-4)
    figure = tuning_curves(found)
    assert len(figure.data) == 3
    assert {a.text.split(" ")[0] for a in figure.layout.annotations} == {f"{LAYER}:{c}" for c in CHANNELS}


def test_tuning_over_scenes(service: InferenceService, engine: LocalEngine) -> None:
    grid = Grid((Axis.even("yaw", -60, 60, 3), Axis.even("morph", 0, 1, 2)))
    request = TuningRequest(model=LITE0, layer=LAYER, channels=CHANNELS, scene=Scene(), grid=grid)
    found = service.wait(service.jobs.submit(request).id)
    at = scene(Scene(), grid, grid.points()[3])
    with torch.inference_mode():
        picture = engine.pictures([PictureRequest(scene=at)])
    np.testing.assert_allclose(
        found.responses[1, 1], maps(engine, picture)[list(CHANNELS)].mean((1, 2)), rtol=1e-3, atol=1e-4
    )
    small = picture[0].reshape(3, 28, 8, 28, 8).mean((2, 4)).permute(1, 2, 0)
    np.testing.assert_allclose(found.thumbnails[1, 1], small * 255, atol=0.51)
    assert found.rows.label == "Yaw"


def test_fourier_sensitivity(service: InferenceService, engine: LocalEngine) -> None:
    request = FourierRequest(models=(LITE0,), batch=Batch(scene=Scene(), count=5), norm=20.0, most=1)
    found = service.wait(service.jobs.submit(request).id)
    network = engine.network(LITE0)
    with torch.inference_mode():
        pictures = torch.cat([engine.pictures([PictureRequest(scene=s)]) for s in variations(Scene(), 5, 0)])
        right = network.logits(pictures).argmax(1)
        parts = [perturbed(pictures[:4], (0, 1), 20.0, 0), perturbed(pictures[4:], (0, 1), 20.0, 1)]
        wrong = (network.logits(torch.cat(parts)).argmax(1) != right).double().mean()
    assert found.errors[0][1, 2] == found.errors[0][1, 0] == pytest.approx(float(wrong))
    assert np.isfinite(found.errors[0]).all()
    figure = fourier_sensitivity(found, ("Lite0",))
    np.testing.assert_array_equal(figure.data[0].z, found.errors[0])


def test_bad_requests() -> None:
    grid = Grid((Axis.even("yaw", -60, 60, 60), Axis.even("pitch", -60, 60, 60)))
    for make, words in (
        (lambda: TuningRequest(model=LITE0, layer=LAYER), "family of pictures"),
        (lambda: TuningRequest(model=LITE0, layer=LAYER, family="dogs"), "Unknown family"),
        (lambda: TuningRequest(model=LITE0, layer=LAYER, scene=Scene(), grid=grid), "3,600"),
        (lambda: FourierRequest(models=(), batch=Batch(scene=Scene())), "network"),
        (lambda: FourierRequest(models=(LITE0,), batch=Batch(scene=Scene()), norm=float("nan")), "norm"),
        (lambda: FourierRequest(models=(LITE0,), batch=Batch(scene=Scene()), most=99), "up to 99"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            make()
