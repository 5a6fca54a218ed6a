"""The local engine with real networks: what it answers is what its parts say, whatever shares the batch."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotLook, SlotRequest
from perturber.service.engine import LocalEngine

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"


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
    assert list(engine.networks.resident) == [LITE1]
    assert engine.answer([request()])[0].slots[0].model == LITE0


@pytest.mark.parametrize(
    ("slot", "error", "sentence"),
    [
        (SlotRequest(model="alexnet"), UnknownNameError, "Unknown model 'alexnet'"),
        (SlotRequest(model=LITE0, layer="mixed4d"), UnknownNameError, "Unknown layer of efficientnet_lite0 'mixed4d'"),
        (SlotRequest(model=LITE0, layer="blocks.3.0", channels=(80,)), InvalidInputError, "0 to 79"),
        (SlotRequest(model=LITE0, layer="conv_stem", channels=(0,) * 65), InvalidInputError, "too many"),
        (
            SlotRequest(model=LITE0, pinned=(0, 1000)),
            InvalidInputError,
            "no class '1000'. Allowed: whole numbers, 0 to",
        ),
        (SlotRequest(model=LITE0, explain=-1), InvalidInputError, "no class '-1'"),
        (SlotRequest(model=LITE0, explain="best"), InvalidInputError, "no class 'best'"),
        (SlotRequest(model=LITE0, explain=True), InvalidInputError, "no class 'True'"),
    ],
)
def test_invalid_slots_are_refused(service, slot: SlotRequest, error: type, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        service.look(LookRequest(scene=Scene(), slots=(slot,)))


def test_the_service_knows_its_models(service) -> None:
    models = service.models()
    assert list(models)[:2] == [LITE0, LITE1]
    assert models[LITE0].label == "EfficientNet-Lite0"
    assert models[LITE0].default_layer in models[LITE0].layers


def test_a_plane_is_shown_as_far_as_it_has_come_unless_a_complete_look_is_wanted(service: InferenceService) -> None:
    scene = Scene().replace(plane=True, plane_neuron=f"{LITE0}/blocks.0.0:3")
    first = service.look(LookRequest(scene=scene, client="page"))
    assert first.plane is not None
    assert not first.plane.finished
    assert not service.look(LookRequest(scene=scene)).plane.finished
    whole = service.look_complete(LookRequest(scene=scene))
    assert whole.plane is not None
    assert whole.plane.finished
    assert np.abs(whole.image.astype(int) - first.image).mean() > 1
    again = service.look(LookRequest(scene=scene, client="page"))
    np.testing.assert_array_equal(again.image, whole.image)
    assert service.look(LookRequest(scene=Scene())).plane is None


def test_a_complete_look_says_that_the_feature_visualisation_was_cancelled(service: InferenceService) -> None:
    request = LookRequest(scene=Scene().replace(plane=True, plane_neuron=f"{LITE0}/blocks.0.0:4"))
    assert service.look(request).plane is not None
    service.jobs.cancel(service.plane_status(request).job)
    with pytest.raises(InvalidInputError, match="was cancelled"):
        service.look_complete(request)


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


def plain_explanation(engine: LocalEngine, picture: np.ndarray, chosen: int) -> tuple[np.ndarray, np.ndarray]:
    """Grad-CAM over what is pooled for the classifier, and the gradient with respect to the picture in [0, 1]."""
    module = engine.network(LITE0).module
    pixels = (torch.tensor(picture).permute(2, 0, 1)[None] / 255).requires_grad_()
    kept: list[torch.Tensor] = []
    handle = module.bn2.register_forward_hook(lambda _, __, output: kept.append(output))
    logit = module((pixels * 255 - 127) / 128)[0, chosen]
    handle.remove()
    by_maps, by_pixels = torch.autograd.grad(logit, (kept[0], pixels))
    weights = by_maps[0].numpy().mean((1, 2))
    cam = np.maximum((weights[:, None, None] * kept[0][0].detach().numpy()).sum(0), 0)
    return cam, by_pixels[0].permute(1, 2, 0).numpy()


def check_explanation(engine: LocalEngine, picture: np.ndarray, chosen: int, slot: SlotLook) -> None:
    cam, gradient = plain_explanation(engine, picture, chosen)
    found = slot.explanation
    assert found is not None
    assert found.score.index == chosen
    assert found.cam.shape == (7, 7)
    assert found.gradient.shape == (224, 224, 3)
    assert cam.max() > 0
    np.testing.assert_allclose(found.cam, cam, atol=1e-3 * cam.max())
    # Rounding may turn a unit that stands at the kink of its non-linearity, which moves a few pixels' gradients.
    assert np.linalg.norm(found.gradient - gradient) < 0.02 * np.linalg.norm(gradient)


@pytest.mark.parametrize("chosen", ["top", 207])
def test_an_explanation_is_grad_cam_and_the_pictures_gradient(
    engine: LocalEngine, picture: np.ndarray, chosen: int | str
) -> None:
    slot = SlotRequest(model=LITE0, explain=chosen)
    (look,) = engine.answer([LookRequest(scene=Scene(), image=picture, slots=(slot,))])
    top = look.slots[0].top[0]
    check_explanation(engine, picture, top.index if chosen == "top" else chosen, look.slots[0])
    if chosen == "top":
        assert look.slots[0].explanation.score == top


def test_the_gradient_says_how_the_logit_changes(engine: LocalEngine, picture: np.ndarray) -> None:
    """A step along the gradient's signs raises the logit by as much as finite differences say."""
    slot = SlotRequest(model=LITE0, explain=207, predictions=False)
    (look,) = engine.answer([LookRequest(scene=Scene(), image=picture, slots=(slot,))])
    assert look.slots[0].top is None
    gradient = torch.tensor(look.slots[0].explanation.gradient).permute(2, 0, 1).double()
    module = deepcopy(engine.network(LITE0).module).double()
    pixels = torch.tensor(picture).permute(2, 0, 1).double() / 255
    direction = gradient.sign()
    with torch.inference_mode():
        below, above = (module(((pixels + s * direction) * 255 - 127)[None] / 128)[0, 207] for s in (-1e-6, 1e-6))
    assert float(above - below) / 2e-6 == pytest.approx(float((gradient * direction).sum()), rel=1e-2)


def test_one_batch_explains_to_each_slot_its_class_of_its_picture(engine: LocalEngine, picture: np.ndarray) -> None:
    other = picture[::-1].copy()
    two = (SlotRequest(model=LITE0, explain=207), SlotRequest(model=LITE0, explain=555), SlotRequest(model=LITE0))
    requests = [
        LookRequest(scene=Scene(), image=picture, slots=two),
        LookRequest(scene=Scene(), image=other, slots=(SlotRequest(model=LITE1), replace(two[0], explain=281), two[2])),
        LookRequest(scene=Scene(), image=other, slots=()),
    ]
    first, second, _ = engine.answer(requests)
    check_explanation(engine, picture, 207, first.slots[0])
    check_explanation(engine, picture, 555, first.slots[1])
    check_explanation(engine, other, 281, second.slots[1])
    assert [first.slots[2].explanation, second.slots[0].explanation, second.slots[2].explanation] == [None] * 3


def test_explaining_changes_nothing_else(engine: LocalEngine, picture: np.ndarray) -> None:
    slot = SlotRequest(model=LITE0, layer="blocks.3.0.conv_pw", channels=(4, 2), summary=True, pinned=(3,))
    plain, explained = (
        engine.answer([LookRequest(scene=Scene(), image=picture, slots=(asked,))])[0].slots[0]
        for asked in (slot, replace(slot, explain="top"))
    )
    np.testing.assert_array_equal(explained.activations, plain.activations)
    np.testing.assert_array_equal(explained.means, plain.means)
    assert (explained.top, explained.pinned, explained.deviation) == (plain.top, plain.pinned, plain.deviation)


def test_a_network_that_is_loaded_for_an_answer_explains_too(picture: np.ndarray) -> None:
    """It may have left to make room, after it was checked whether it has such a class."""
    slot = SlotRequest(model=LITE0, explain="top")
    (look,) = LocalEngine(Settings(device="cpu")).answer([LookRequest(scene=Scene(), image=picture, slots=(slot,))])
    assert look.slots[0].explanation is not None


def test_means_are_those_of_each_channels_activations(engine: LocalEngine, picture: np.ndarray) -> None:
    everything = SlotRequest(model=LITE0, layer="blocks.3.0", channels=tuple(range(80)), summary=True)
    means_alone = replace(everything, channels=(), predictions=False)
    (look,) = engine.answer([LookRequest(scene=Scene(), image=picture, slots=(everything, means_alone))])
    means = look.slots[0].activations.mean((1, 2))
    np.testing.assert_allclose(look.slots[0].means, means, atol=1e-4)
    np.testing.assert_array_equal(look.slots[1].means, look.slots[0].means)
    assert look.slots[1].activations.shape == (0, 14, 14)


def test_pinned_scores_are_those_of_a_plain_pass(engine: LocalEngine, picture: np.ndarray) -> None:
    pinned = (999, 0, 207)
    slots = (SlotRequest(model=LITE0, pinned=pinned), SlotRequest(model=LITE0, pinned=pinned, predictions=False))
    (look,) = engine.answer([LookRequest(scene=Scene(), image=picture, slots=slots)])
    with torch.inference_mode():
        logits = engine.network(LITE0).module((torch.tensor(picture).permute(2, 0, 1)[None].float() - 127) / 128)[0]
    for slot in look.slots:
        assert [score.index for score in slot.pinned] == list(pinned)
        np.testing.assert_allclose([s.logit for s in slot.pinned], logits[list(pinned)], atol=1e-3)
        np.testing.assert_allclose([s.probability for s in slot.pinned], logits.softmax(0)[list(pinned)], rtol=1e-3)
        assert slot.pinned[2].name == "golden retriever"
    assert look.slots[0].top is not None
    assert look.slots[1].top is None


def test_pictures_of_another_side_are_answered_by_themselves(engine: LocalEngine, picture: np.ndarray) -> None:
    large = np.random.default_rng(0).integers(0, 255, (240, 240, 3), dtype=np.uint8)
    slots = (SlotRequest(model="efficientnet_lite1"),)
    requests = [LookRequest(scene=Scene(), image=image, slots=slots) for image in (picture, large, None)]
    together = engine.answer(requests)
    assert [answer.image.shape[0] for answer in together] == [224, 240, 224]
    assert (together[1].image == large).all()
    for request, answer in zip(requests, together, strict=True):
        (alone,) = engine.answer([request])
        assert [one.index for one in alone.slots[0].top] == [one.index for one in answer.slots[0].top]
