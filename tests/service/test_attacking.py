"""Attacks inside looks: step by step, faded, transferred to other models, and independent of who else asks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from perturber import attack as attacks
from perturber.attack import Attack
from perturber.errors import InvalidInputError
from perturber.scene import Scene
from perturber.service import AttackRequest, InferenceService, Look, LookRequest, SlotRequest
from perturber.service.engine import LocalEngine

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
ATTACK = Attack(model=LITE0, norm="l2", epsilon=1.0, steps=3)


def request(attack: Attack = ATTACK, scene: Scene | None = None, **shown: float) -> LookRequest:
    slots = tuple(SlotRequest(model=model, pinned=(207,)) for model in (LITE0, LITE1))
    asked = AttackRequest(attack=attack, details=True, **shown)
    return LookRequest(scene=scene or Scene(), slots=slots, attack=asked)


@pytest.fixture(scope="module")
def attacked(service: InferenceService) -> Look:
    return service.look_complete(request())


def test_an_attack_equals_its_steps_taken_by_hand(engine: LocalEngine, attacked: Look) -> None:
    with torch.inference_mode(False):
        picture = engine.pictures([LookRequest(scene=Scene())]).clone()
        network = engine.network(LITE0)
        state = attacks.start(network, picture, ATTACK)
        for _ in range(3):
            state = attacks.step(network, state)
        probabilities = network.look(network.preprocess(state.attacked)).logits.softmax(1)[0].detach()
    assert attacked.attack is not None
    assert attacked.attack.progress.done == 3
    expected = state.perturbation[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(attacked.attack.perturbation, expected, atol=1e-5)
    assert attacked.attack.l2 == pytest.approx(float(np.linalg.norm(expected)), rel=1e-4)
    outcome = attacked.attack.outcomes[0]
    assert outcome.now.probability == pytest.approx(float(probabilities[outcome.before.index]), abs=1e-4)
    assert outcome.now.probability < outcome.before.probability / 5


def test_every_slot_sees_the_attacked_picture(service: InferenceService, attacked: Look) -> None:
    plain = service.look(replace(request(), attack=None))
    for now, before, outcome in zip(attacked.slots, plain.slots, attacked.attack.outcomes, strict=True):
        assert outcome.top_before.index == before.top[0].index
        assert outcome.top_before.probability == pytest.approx(before.top[0].probability, abs=1e-4)
        assert outcome.top == now.top[0]
        assert [score.index for score in now.pinned] == [207]
    assert attacked.attack.outcomes[0].before.index == attacked.attack.outcomes[1].before.index


def test_alpha_fades_the_perturbation_and_original_the_picture(service: InferenceService, attacked: Look) -> None:
    plain = service.look(LookRequest(scene=Scene())).image
    gone = service.look_complete(request(alpha=0.0))
    np.testing.assert_array_equal(gone.image, plain)
    assert gone.attack.outcomes[0].now.probability == pytest.approx(
        gone.attack.outcomes[0].before.probability, abs=1e-4
    )
    alone = service.look_complete(request(original=0.0)).image
    expected = (0.5 + attacked.attack.perturbation).clip(0, 1) * 255
    np.testing.assert_allclose(alone, expected, atol=0.6)


def test_a_page_gets_some_steps_at_a_time_and_goes_on(service: InferenceService) -> None:
    page = replace(request(scene=Scene().replace(yaw=40)), client="page")
    done = []
    while not done or done[-1] < 3:
        done.append(service.look(page).attack.progress.done)
    assert done == [2, 3]
    whole = service.look_complete(replace(page, client=None))
    fewer = service.look_complete(replace(page, attack=replace(page.attack, attack=replace(ATTACK, steps=1))))
    assert fewer.attack.progress.done == 1
    assert fewer.attack.l2 < whole.attack.l2


def test_others_in_the_batch_change_nothing(engine: LocalEngine) -> None:
    requests = [request(), replace(request(), attack=None), request(replace(ATTACK, epsilon=0.25))]
    for _ in range(2):
        together = engine.answer(requests)
    singles = []
    for asked in requests:
        for _ in range(2):
            single = engine.answer([asked])[0]
        singles.append(single)
    for one, other in zip(together, singles, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert (one.attack is None) == (other.attack is None)


@pytest.mark.parametrize(
    ("changes", "shown", "sentence"),
    [
        ({"model": "alexnet"}, {}, "Unknown model 'alexnet'"),
        ({"target": 1000}, {}, "no class '1000'"),
        ({}, {"alpha": 1.5}, "Attack Alpha cannot be 1.5"),
        ({}, {"original": -1.0}, "Original Alpha cannot be -1"),
    ],
)
def test_invalid_attacks_are_refused(service: InferenceService, changes: dict, shown: dict, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        service.look(request(replace(ATTACK, **changes), **shown))
