"""The local engine with real networks: what it answers is what its parts say, whatever shares the batch."""

import numpy as np
import pytest
import torch

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.service.engine import LocalEngine

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"


@pytest.fixture(scope="module")
def engine() -> LocalEngine:
    return LocalEngine(Settings(device="cpu"))


@pytest.fixture(scope="module")
def service():
    with InferenceService(Settings(device="cpu")) as service:
        yield service


def request(yaw: float = 0, **changes: object) -> LookRequest:
    slots = (
        SlotRequest(model=LITE0, layer="blocks.3.0", channels=(5, 0, 79)),
        SlotRequest(model=LITE1, layer="conv_stem", channels=(1,), predictions=False),
    )
    return LookRequest(**{"scene": Scene(yaw=yaw), "slots": slots, **changes})


def test_an_answer_is_what_renderer_and_network_say(engine: LocalEngine) -> None:
    scene = Scene(yaw=40, hue=0.2, alpha=0.7)
    (look,) = engine.answer([LookRequest(scene=scene, slots=request().slots)])
    with torch.inference_mode():
        from perturber import effects

        images = effects.apply(engine.renderer.render([scene]), [scene])
        network = engine.network(LITE0)
        probe = network.look(network.preprocess(images), layers=("blocks.3.0",))
    np.testing.assert_array_equal(look.image, images[0].mul(255).round().permute(1, 2, 0).numpy().astype(np.uint8))
    layer = probe.activations["blocks.3.0"][0].numpy()
    np.testing.assert_allclose(look.slots[0].activations, layer[[5, 0, 79]], atol=1e-5)
    assert look.slots[0].deviation == pytest.approx(layer.std(), rel=1e-4)
    probabilities = probe.logits[0].softmax(0).numpy()
    order = np.argsort(-probabilities)[:5]
    assert [score.index for score in look.slots[0].top] == order.tolist()
    np.testing.assert_allclose([s.probability for s in look.slots[0].top], probabilities[order], rtol=1e-4)
    assert [score.name for score in look.slots[0].top] == [network.classes[i] for i in order]


def test_a_slot_without_predictions_has_none(engine: LocalEngine) -> None:
    (look,) = engine.answer([request()])
    assert look.slots[1].top is None
    assert look.slots[1].activations.shape == (1, 120, 120)
    (nothing,) = engine.answer([LookRequest(scene=Scene(), slots=(SlotRequest(model=LITE0, predictions=False),))])
    assert nothing.slots[0].activations is None
    assert nothing.slots[0].top is None


def test_a_batch_answers_like_single_requests(engine: LocalEngine) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    requests = [
        request(10),
        request(80, image=picture),
        request(-100, slots=()),
        request(10, slots=request().slots[:1]),
    ]
    for together, one in zip(engine.answer(requests), requests, strict=True):
        (alone,) = engine.answer([one])
        np.testing.assert_array_equal(together.image, alone.image)
        assert len(together.slots) == len(alone.slots)
        for a, b in zip(together.slots, alone.slots, strict=True):
            np.testing.assert_allclose(a.activations, b.activations, atol=2e-4)
            assert a.deviation == pytest.approx(b.deviation, rel=1e-4)


def test_a_picture_is_shown_as_it_is(engine: LocalEngine) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    (look,) = engine.answer([request(image=picture)])
    np.testing.assert_array_equal(look.image, picture)
    (faded,) = engine.answer([LookRequest(scene=Scene(alpha=0.5), image=picture)])
    np.testing.assert_allclose(faded.image, picture / 2, atol=0.51)


def test_models_leave_when_memory_is_short() -> None:
    engine = LocalEngine(Settings(device="cpu", model_memory_mib=1))
    engine.network(LITE0)
    engine.network(LITE1)
    assert list(engine._networks) == [LITE1]
    assert engine.answer([request()])[0].slots[0].model == LITE0


@pytest.mark.parametrize(
    ("slot", "error", "sentence"),
    [
        (SlotRequest(model="alexnet"), UnknownNameError, "Unknown model 'alexnet'"),
        (SlotRequest(model=LITE0, layer="mixed4d"), UnknownNameError, "Unknown layer of efficientnet_lite0 'mixed4d'"),
        (SlotRequest(model=LITE0, layer="blocks.3.0", channels=(80,)), InvalidInputError, "0 to 79"),
        (SlotRequest(model=LITE0, layer="conv_stem", channels=(0,) * 65), InvalidInputError, "too many"),
    ],
)
def test_what_cannot_be_answered_is_refused(service, slot: SlotRequest, error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        service.look(LookRequest(scene=Scene(), slots=(slot,)))


def test_the_service_knows_its_models(service) -> None:
    models = service.models()
    assert list(models)[:2] == [LITE0, LITE1]
    assert models[LITE0].label == "EfficientNet-Lite0"
    assert models[LITE0].default_layer in models[LITE0].layers


def test_a_plane_grows_for_who_follows_and_is_finished_for_anybody_else(service: InferenceService) -> None:
    scene = Scene().replace(plane=True, plane_neuron=f"{LITE0}/blocks.0.0:3")
    first = service.look(LookRequest(scene=scene, client="page"))
    assert first.plane is not None
    assert not first.plane.finished
    whole = service.look(LookRequest(scene=scene))
    assert whole.plane is not None
    assert whole.plane.finished
    assert np.abs(whole.image.astype(int) - first.image).mean() > 1
    again = service.look(LookRequest(scene=scene, client="page"))
    np.testing.assert_array_equal(again.image, whole.image)
    assert service.look(LookRequest(scene=Scene())).plane is None


@pytest.mark.parametrize("neuron", ["nothing:0", "blocks.3.0:80", "nobody/blocks.3.0:0"])
def test_a_plane_of_a_neuron_that_does_not_exist(service: InferenceService, neuron: str) -> None:
    with pytest.raises(InvalidInputError, match="Allowed"):
        service.look(LookRequest(scene=Scene().replace(plane=True, plane_neuron=neuron)))


def test_effects_work_on_any_picture(service: InferenceService) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    look = service.look(LookRequest(scene=Scene(brightness=-1.0), image=picture))
    assert look.image.max() == 0
    look = service.look(LookRequest(scene=Scene(plane=True), image=picture))
    np.testing.assert_array_equal(look.image, picture)
