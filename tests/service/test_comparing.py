"""Networks side by side, against plain hooks on their modules and NumPy."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from perturber.attack import Attack
from perturber.config import Settings
from perturber.editing import independent
from perturber.errors import InvalidInputError
from perturber.parameters import PARAMETERS, Number
from perturber.scene import Scene
from perturber.service import (
    AttackRequest,
    Batch,
    CompareRequest,
    Comparison,
    CorrelationRequest,
    InferenceService,
    Look,
    LookRequest,
    SimilarityRequest,
    SlotRequest,
    job_id,
    same_layers,
    variations,
)
from perturber.service.engine import LocalEngine
from perturber.service.works.similarity import CorrelationWork, SimilarityWork

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
PRUNED = "prune(efficientnet_lite0;blocks.3=0.1-1)"
HARDER = "prune(efficientnet_lite0;blocks.1=0.3-1)"
LAYER = "blocks.5.1"
"""What its module gives out is what the layer shows."""

REQUEST = CompareRequest(scene=Scene().replace(yaw=20), models=(LITE0, PRUNED, LITE1, HARDER), pinned=(207, 3))

Plain = Callable[..., tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def plain(engine: LocalEngine) -> Plain:
    """What a module gives out (B, C, h, w), and the logits (B, 1000), for scenes; by hooks on a copy of the network."""

    def run(model: str, module: str, scenes: list) -> tuple[np.ndarray, np.ndarray]:
        size = engine.network(model).entry.input_size
        pixels = engine.pictures([LookRequest(scene=scene) for scene in scenes]).clone()
        if size != 224:
            pixels = torch.nn.functional.interpolate(pixels, (size, size), mode="bilinear", antialias=True)
        network = independent(engine.network(model)).module
        kept: list[Tensor] = []
        network.get_submodule(module).register_forward_hook(lambda _, __, output: kept.append(output))
        with torch.no_grad():
            logits = network((pixels * 255 - 127) / 128)
        return kept[0].double().numpy(), logits.double().numpy()

    return run


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def entropy(p: np.ndarray) -> float:
    return float(-(p * np.log2(p)).sum())


def test_predictions_and_agreement(service: InferenceService, plain: Plain) -> None:
    answer = service.compare(REQUEST)
    logits = [plain(model, LAYER if model != LITE1 else "conv_stem", [REQUEST.scene])[1][0] for model in REQUEST.models]
    top = [np.argsort(-values)[:5] for values in logits]
    for column, values, best in zip(answer.columns, logits, top, strict=True):
        assert [score.index for score in column.top] == best.tolist()
        np.testing.assert_allclose([score.logit for score in column.top], values[best], atol=2e-3)
        np.testing.assert_allclose([score.probability for score in column.top], softmax(values)[best], atol=1e-3)
        np.testing.assert_allclose([score.logit for score in column.pinned], values[[207, 3]], atol=2e-3)
    assert answer.columns[0].agreement is None
    for column, values, best in zip(answer.columns[1:], logits[1:], top[1:], strict=True):
        found = column.agreement
        assert found is not None
        assert found.same_top1 == (best[0] == top[0][0])
        assert found.shared_top5 == len(set(best) & set(top[0]))
        p, q = softmax(logits[0]), softmax(values)
        expected = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
        assert found.jensen_shannon == pytest.approx(expected, abs=1e-3)
        np.testing.assert_allclose(found.differences, (values - logits[0])[[207, 3]], atol=3e-3)
    assert (answer.maps, answer.depth) == (None, {})  # nobody asked
    np.testing.assert_array_equal(answer.image, service.look(LookRequest(scene=REQUEST.scene)).image)


def test_channels_of_one_architecture(service: InferenceService, plain: Plain) -> None:
    answer = service.compare(replace(REQUEST, layer=LAYER, channels=(5, 0, 191), pair=(0, 3)))
    maps = answer.maps
    assert maps is not None
    a, b = (plain(model, LAYER, [REQUEST.scene])[0][0] for model in (LITE0, HARDER))
    np.testing.assert_allclose(maps.a, a[[5, 0, 191]], atol=1e-3)
    np.testing.assert_allclose(maps.b, b[[5, 0, 191]], atol=1e-3)
    assert maps.deviation == pytest.approx(max(a.std(), b.std()), rel=1e-4)
    sizes = np.abs(a - b).mean((1, 2))
    assert len(maps.most) == 24
    np.testing.assert_allclose([size for _, size in maps.most], np.sort(sizes)[::-1][:24], atol=1e-3)
    np.testing.assert_allclose([sizes[channel] for channel, _ in maps.most], np.sort(sizes)[::-1][:24], atol=1e-3)


def test_depth_of_those_with_the_same_architecture(service: InferenceService, plain: Plain) -> None:
    answer = service.compare(replace(REQUEST, depth=True, pair=(1, 0)))
    assert list(answer.depth) == [0, 3]  # all that have the layers of A, which is the second column
    for number, found in answer.depth.items():
        a, b = (plain(model, LAYER, [REQUEST.scene])[0].ravel() for model in (PRUNED, REQUEST.models[number]))
        place = found.layers.index(LAYER)
        assert found.layers == tuple(service.model(LITE0).layers)
        cosine = 1 - a @ b / np.linalg.norm(a) / np.linalg.norm(b)
        assert found.cosine[place, 0] == pytest.approx(cosine, abs=1e-4)
        assert found.relative[place, 0] == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(a), abs=1e-4)
    untouched = [layer for layer in answer.depth[0].layers if layer.startswith("blocks.2")]
    assert [answer.depth[0].cosine[answer.depth[0].layers.index(layer), 0] for layer in untouched] == [0] * len(
        untouched
    )


def test_a_batch_of_looks_and_comparisons_answers_like_each_alone(engine: LocalEngine) -> None:
    slot = SlotRequest(model=LITE0, layer=LAYER, channels=(3, 1))
    attack = AttackRequest(attack=Attack(model=LITE0, norm="l2", epsilon=1.0, steps=1))
    picture = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    questions = [
        LookRequest(scene=Scene().replace(yaw=-30), slots=(slot,)),
        replace(REQUEST, layer=LAYER, channels=(5, 0), pair=(0, 3), depth=True),
        LookRequest(scene=REQUEST.scene, slots=(slot,), attack=attack),
        replace(REQUEST, scene=Scene().replace(yaw=90), models=(LITE1, LITE0)),
        replace(REQUEST, image=picture, models=(LITE0, HARDER)),
    ]
    for together, question in zip(engine.answer(questions), questions, strict=True):
        (alone,) = engine.answer([question])
        assert type(together) is type(alone) is (Look if isinstance(question, LookRequest) else Comparison)
        np.testing.assert_array_equal(together.image, alone.image)
        if isinstance(together, Look):
            np.testing.assert_allclose(together.slots[0].activations, alone.slots[0].activations, atol=2e-4)
            assert [s.index for s in together.slots[0].top] == [s.index for s in alone.slots[0].top]
            continue
        for a, b in zip(together.columns, alone.columns, strict=True):
            assert (a.model, [s.index for s in a.top]) == (b.model, [s.index for s in b.top])
            for x, y in zip((*a.top, *a.pinned), (*b.top, *b.pinned), strict=True):
                assert x.logit == pytest.approx(y.logit, abs=1e-3)
            assert (a.agreement is None) == (b.agreement is None)
        assert (together.maps is None) == (question.layer is None)
        if together.maps is not None:
            np.testing.assert_allclose(together.maps.a, alone.maps.a, atol=1e-3)
            np.testing.assert_allclose(together.maps.b, alone.maps.b, atol=1e-3)
            assert [channel for channel, _ in together.maps.most] == [channel for channel, _ in alone.maps.most]
        assert list(together.depth) == list(alone.depth)
        for number, found in together.depth.items():
            np.testing.assert_allclose(found.cosine, alone.depth[number].cosine, atol=1e-4)


def test_a_picture_of_ones_own_is_compared(service: InferenceService) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    asked = replace(REQUEST, image=picture, models=(LITE0, LITE1))
    answer = service.compare(asked)
    np.testing.assert_array_equal(answer.image, picture)
    look = service.look(LookRequest(scene=REQUEST.scene, image=picture, slots=(SlotRequest(model=LITE0),)))
    assert [score.index for score in answer.columns[0].top] == [score.index for score in look.slots[0].top]
    with pytest.raises(InvalidInputError, match="224 × 224"):
        service.compare(replace(asked, image=picture[:9]))


def test_other_architectures_have_neither(service: InferenceService) -> None:
    assert not same_layers(service.model(LITE0), service.model(LITE1))
    assert same_layers(service.model(LITE0), service.model(PRUNED))
    two = replace(REQUEST, models=(LITE0, LITE1), pinned=())
    assert service.compare(replace(two, layer=LAYER, channels=(0,))).maps is None
    assert service.compare(replace(two, depth=True)).depth == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": (LITE0, "nobody")}, "Unknown model"),
        ({"pinned": (1000,)}, "0 to 999"),
        ({"layer": "nowhere"}, "Unknown layer"),
        ({"layer": LAYER, "channels": (192,)}, "0 to 191"),
    ],
)
def test_unknown_models_layers_channels_and_classes_are_refused(
    service: InferenceService, changes: dict, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        service.compare(replace(REQUEST, **changes))


def test_variations_are_the_same_each_time_and_allowed() -> None:
    for scene in (Scene(), Scene().replace(yaw=179, pitch=-90, distance=20, background_blur=8, light_elevation=90)):
        made = variations(scene, 12, seed=3)
        assert made == variations(scene, 20, seed=3)[:12] != variations(scene, 12, seed=4)
        assert made[0] == scene
        assert len({one.yaw for one in made}) == 12
        for one in made:
            assert {key for key, value in one.as_dict().items() if value != getattr(scene, key)} <= {
                *("yaw", "pitch", "distance", "light_azimuth", "light_elevation", "background_blur")
            }
            for key, parameter in PARAMETERS.items():
                if isinstance(parameter, Number):
                    assert parameter.minimum <= getattr(one, key) <= parameter.maximum
            assert abs((one.yaw - scene.yaw + 180) % 360 - 180) <= 60


def test_cka_against_numpy(service: InferenceService, plain: Plain) -> None:
    batch = Batch(scene=Scene(), count=5)
    job = service.jobs.submit(SimilarityRequest(a=LITE0, b=HARDER, batch=batch))
    found = service.wait(job.id)
    assert found.count == 5
    assert found.cka.shape == (len(found.rows), len(found.columns)) == (len(service.model(LITE0).layers),) * 2
    features = []
    for model in (LITE0, HARDER):
        maps = plain(model, LAYER, variations(Scene(), 5))[0]  # 7 × 7: nothing is pooled
        x = maps.reshape(5, -1) - maps.reshape(5, -1).mean(0)
        features.append(x @ x.T)
    x, y = features
    expected = (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y)
    assert found.cka[found.rows.index(LAYER), found.columns.index(LAYER)] == pytest.approx(expected, abs=1e-4)


def test_correlation_against_numpy(service: InferenceService, plain: Plain) -> None:
    request = CorrelationRequest(a=LITE0, b=HARDER, layer_a=LAYER, layer_b=LAYER, batch=Batch(scene=Scene(), count=5))
    found = service.wait(service.jobs.submit(request).id)
    a, b = (
        plain(model, LAYER, variations(Scene(), 5))[0].transpose(1, 0, 2, 3).reshape(192, -1)
        for model in (LITE0, HARDER)
    )
    expected = np.corrcoef(a, b)[:192, 192:]
    np.testing.assert_allclose(found.matrix, expected, atol=1e-3)
    assert found.same.count == (expected.argmax(1) == np.arange(192)).sum()
    assert found.count == 5


def test_two_edits_keep_their_weights_while_others_are_shown(engine: LocalEngine) -> None:
    """A job's steps lie between looks that write other edits into the same resident copy."""
    batch = Batch(scene=Scene(), count=6)
    layers = {"layer_a": "blocks.3.0", "layer_b": "blocks.3.0"}
    request = CorrelationRequest(a=PRUNED, b=HARDER, batch=batch, **layers)
    results = []
    for disturbed in (False, True):
        work = CorrelationWork(engine.resources, request)
        while not work.progress().finished:
            if disturbed:
                engine.network(HARDER if work.done % 2 else "prune(efficientnet_lite0;blocks.2=0.5-1)")
            work.step()
        product = work.product()
        assert product is not None
        results.append(product.matrix)
    np.testing.assert_array_equal(*results)
    assert np.nanmin(results[0].diagonal()) < 0.99  # two edits, not one


def test_jobs_are_told_apart_by_what_they_compute() -> None:
    request = SimilarityRequest(a=LITE0, b=LITE1, batch=Batch(scene=Scene()))
    same = SimilarityRequest(a=LITE0, b=LITE1, batch=Batch(scene=Scene(), plane=np.zeros((2, 2, 3), np.uint8)))
    assert job_id(request) == job_id(same)
    others = [
        replace(request, b=LITE0),
        replace(request, fingerprints=("x", "y")),
        *(replace(request, batch=batch) for batch in (Batch(scene=Scene(), count=31), Batch(scene=None))),
        CorrelationRequest(a=LITE0, b=LITE1, batch=Batch(scene=Scene()), layer_a="x", layer_b="x"),
    ]
    assert len({job_id(one) for one in [request, *others]}) == 6
    for count in (2, 129):
        with pytest.raises(InvalidInputError, match="3 to 128"):
            Batch(scene=None, count=count)


def test_example_pictures(engine: LocalEngine, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for n in range(4):
        Image.fromarray(random.integers(0, 255, (256, 256, 3), np.uint8)).save(tmp_path / f"{n}.png")
    (tmp_path / "1.png").write_bytes(b"no picture")

    def work(count: int, folder: Path | None) -> SimilarityWork:
        resources = replace(engine.resources, settings=Settings(device="cpu", examples=folder))
        made = SimilarityWork(resources, SimilarityRequest(a=LITE0, b=LITE0, batch=Batch(scene=None, count=count)))
        while not made.pictures.finished:
            made.step()
        return made

    images = work(3, tmp_path).pictures.images
    for image, name in zip(images, (0, 2, 3), strict=True):  # the broken one is left out
        with Image.open(tmp_path / f"{name}.png") as picture:
            expected = np.asarray(picture.crop((16, 16, 240, 240))) / 255
        np.testing.assert_allclose(image.permute(1, 2, 0).numpy(), expected, atol=1e-6)
    with pytest.raises(InvalidInputError, match="fewer than 4"):
        work(4, tmp_path)
    with pytest.raises(InvalidInputError, match="PERTURBER_EXAMPLES"):
        work(3, None)
