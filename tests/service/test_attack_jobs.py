"""Layers along an attack, the same attack on several networks, and robustness curves as jobs."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perturber import attack as attacks
from perturber.attack import Attack
from perturber.errors import InvalidInputError
from perturber.scene import Scene
from perturber.service import (
    IMAGE_SIZE,
    AttackRequest,
    CurveRequest,
    Curves,
    InferenceService,
    LookRequest,
    PerturbationsRequest,
    SlotRequest,
)
from perturber.service.batches import variations
from perturber.service.engine import LocalEngine
from perturber.service.works.curves import CurveWork
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.pictures import Crop

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
EDIT = f"prune({LITE0};blocks.3=0.2-1)"
ATTACK = Attack(model=LITE0, norm="l2", epsilon=1.0, steps=3)


def followed(steps: int = 3, *, layers: bool = True, alpha: float = 1.0, scene: Scene | None = None) -> LookRequest:
    asked = AttackRequest(attack=replace(ATTACK, steps=steps), layers=layers, alpha=alpha)
    return LookRequest(scene=scene or Scene(), slots=(SlotRequest(model=LITE0),), attack=asked)


@pytest.fixture(scope="module")
def picture(engine: LocalEngine) -> torch.Tensor:
    return engine.pictures([LookRequest(scene=Scene())]).clone()


def by_hand(engine: LocalEngine, picture: torch.Tensor, layer: str, steps: int) -> float:
    """How far a layer has moved after some steps, from two looks of their own."""
    network = engine.network(LITE0)
    moved = attacks.run(network, picture, replace(ATTACK, steps=steps)).attacked
    a, b = (
        network.look(network.preprocess(x), layers=(layer,)).activations[layer].double().numpy()
        for x in (picture, moved)
    )
    return float(np.linalg.norm(b - a) / np.linalg.norm(a))


def test_layers_are_followed_step_by_step(service: InferenceService, engine: LocalEngine, picture: Any) -> None:
    found = service.look_complete(followed()).attack.layers
    names = list(engine.network(LITE0).layers)
    assert list(found.layers) == names
    assert found.change.shape == (4, len(names))
    assert not found.change[0].any()
    for layer in (names[0], "blocks.3.0", names[-1]):
        for steps in (1, 3):
            expected = by_hand(engine, picture, layer, steps)
            assert found.change[steps, names.index(layer)] == pytest.approx(expected, rel=1e-3)


def test_nobody_pays_for_layers_that_are_not_shown_and_fading_costs_nothing(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = engine.network(LITE0)
    passes = []
    look = network.look
    monkeypatch.setattr(
        network, "look", lambda x, **asked: passes.append(len(asked.get("layers", ()))) or look(x, **asked)
    )
    scene = Scene().replace(yaw=77)

    def all_layers(request: LookRequest) -> int:
        passes.clear()
        (answer,) = engine.answer([request])
        assert (answer.attack.layers is None) == (not request.attack.layers)
        return sum(count == len(network.layers) for count in passes)

    assert all_layers(followed(1, layers=False, scene=scene)) == 0
    assert all_layers(followed(1, scene=scene)) == 3  # from the start: the picture, before the first step, after it
    assert all_layers(followed(2, scene=scene)) == 1
    assert all_layers(followed(2, scene=scene, alpha=0.5)) == 0


def test_steps_that_nobody_followed_are_taken_once_more(service: InferenceService) -> None:
    scene = Scene().replace(yaw=50)
    plain = service.look_complete(followed(layers=False, scene=scene))
    again = service.look_complete(followed(scene=scene))
    assert plain.attack.layers is None
    assert again.attack.layers.change.shape[0] == 4
    assert again.attack.l2 == pytest.approx(plain.attack.l2)


def test_the_same_attack_on_several_models(service: InferenceService, engine: LocalEngine, picture: Any) -> None:
    models = (LITE0, EDIT)
    request = PerturbationsRequest(scene=Scene(), attack=replace(ATTACK, model="each"), models=models, slots=(0, 2))
    found = service.wait(service.jobs.submit(request).id).found
    assert [(p.model, p.slot) for p in found] == [(LITE0, 0), (EDIT, 2)]
    for one in found:
        network = engine.network(one.model)
        state = attacks.run(network, picture, ATTACK)
        expected = state.perturbation[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(one.perturbation, expected, atol=1e-5)
        assert one.l2 == pytest.approx(float(np.linalg.norm(expected)), rel=1e-4)
        power = (np.abs(np.fft.fft2(expected.transpose(2, 0, 1))) ** 2).sum(0)
        frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(224)] * 2))
        assert one.low_share == pytest.approx(power[frequency < 0.1].sum() / power.sum(), rel=1e-3)
        assert one.before.index == int(network.logits(picture).argmax())
        assert one.now.index == int(network.logits(state.attacked).argmax())
    assert not np.allclose(found[0].perturbation, found[1].perturbation)


def curve(**changes: Any) -> CurveRequest:
    values = {"models": (LITE0, LITE1), "slots": (0, 1), "scene": Scene(), "epsilons": (0.0, 0.5), "steps": 2}
    return CurveRequest(**{**values, **changes})


def test_a_curve_over_variations_of_the_scene(service: InferenceService, engine: LocalEngine) -> None:
    request = curve(pictures="variations", count=5)
    job = service.jobs.submit(request)
    found = service.wait(job.id)
    assert isinstance(found, Curves)
    assert service.jobs.status(job.id).progress.finished
    images = engine.pictures([LookRequest(scene=scene) for scene in variations(Scene(), 5)]).clone()
    for model, result in zip(request.models, found.results, strict=True):
        network = engine.network(model)
        labels = network.logits(images).argmax(1)
        attack = Attack(model=model, norm="l2", epsilon=0.5, steps=2)
        after = network.logits(attacks.run(network, images, attack, labels=labels).attacked)
        assert result.accuracy[0] == 1
        assert result.accuracy[1] == pytest.approx(float((after.argmax(1) == labels).float().mean()))
        rows = after.detach().double().numpy()
        margins = [row[k] - np.delete(row, k).max() for row, k in zip(rows, labels.tolist(), strict=True)]
        assert result.margin[1] == pytest.approx(np.mean(margins), abs=1e-3)
        assert result.attack == "PGD, 2 steps"


@pytest.fixture
def folder(tmp_path: Path, engine: LocalEngine) -> Path:
    """Two pictures of a dog, one of which says that it is a tench, and one that is no picture."""
    pictures = [look.image for look in engine.answer([LookRequest(scene=s) for s in variations(Scene(), 2)])]
    shown = torch.tensor(Crop(size=IMAGE_SIZE)(Image.fromarray(pictures[0]))).permute(2, 0, 1)[None] / 255
    best = int(engine.network(LITE0).logits(shown).argmax())
    for number, (picture, index) in enumerate(zip(pictures, (best, 0), strict=True)):
        Image.fromarray(picture).save(tmp_path / f"{IMAGENET_1K[index].wnid}_{number}.png")
    (tmp_path / f"{IMAGENET_1K[1].wnid}_9.png").write_bytes(b"no picture")
    return tmp_path


def test_a_curve_over_labelled_pictures(engine: LocalEngine, folder: Path) -> None:
    work = CurveWork(engine.resources, curve(models=(LITE0,), slots=(0,), pictures="folder", count=9, folder=folder))
    assert work.product() is None
    seen = 0
    while not (progress := work.progress()).finished:
        assert progress.done <= progress.steps
        seen += work.product() is not None
        work.step()
    (result,) = work.product().results
    assert result.count == 2
    assert result.accuracy[0] == 0.5  # the tench is none
    assert seen  # it grows


@pytest.mark.slow
def test_autoattack_gives_way_and_is_named(engine: LocalEngine) -> None:
    pytest.importorskip("torchattacks")
    work = CurveWork(engine.resources, curve(models=(LITE0,), slots=(0,), method="autoattack", epsilons=(0.0, 3.0)))
    steps = 0
    while not work.progress().finished:
        work.step()
        steps += 1
    assert steps > 5  # it was interrupted on its way
    (result,) = work.product().results
    assert result.accuracy.tolist() == [1, 0]
    assert result.attack.startswith("AutoAttack (standard")
    assert np.isnan(result.margin).all()


def test_a_curve_can_be_cancelled(service: InferenceService) -> None:
    job = service.jobs.submit(curve(pictures="variations", count=200, steps=50))
    service.jobs.cancel(job.id)
    with pytest.raises(InvalidInputError, match="was cancelled"):
        service.wait(job.id)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"models": (), "slots": ()}, "No model is shown"),
        ({"epsilons": (0.5, 0.5)}, "values of ε in rising order"),
        ({"epsilons": ()}, "values of ε in rising order"),
        ({"epsilons": (0.0, 1e6)}, "epsilon of pgd in l2 cannot be '1000000.0'"),
        ({"norm": "l7"}, "Unknown norm of pgd 'l7'"),
        ({"pictures": "variations", "count": 0}, "cannot have 0 pictures"),
        ({"steps": 1000}, "cannot have 1000 steps"),
        ({"pictures": "folder"}, "PERTURBER_EXAMPLES"),
        ({"method": "autoattack", "norm": "l0", "epsilons": (0.0, 9.0)}, "Unknown norm of AutoAttack 'l0'"),
        ({"method": "hope"}, "Unknown attack for a curve 'hope'"),
    ],
)
def test_invalid_curves_are_refused(changes: dict, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        curve(**changes)


def test_a_folder_without_labels_is_refused(service: InferenceService, tmp_path: Path) -> None:
    job = service.jobs.submit(curve(pictures="folder", folder=tmp_path))
    with pytest.raises(InvalidInputError, match="holds no labelled pictures"):
        service.wait(job.id)
