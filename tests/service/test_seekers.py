"""Scenes that were found, looked at by the service; and what cannot be looked for."""

import pytest

from perturber.errors import InvalidInputError
from perturber.experiments.space import Space, Span, usual
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.service.seekers import adversary_request, difference_request, goal
from perturber.service.works.adversary import Adversary
from perturber.service.works.smallest import Difference

LITE0, ADVERSARIAL = "efficientnet_lite0", "lite0_adversarial"
START = Scene()
DOGS = tuple(range(151, 269))
KEYS = ("yaw", "texture_influence", "hue", "contrast", "noise", "brightness", "saturation")
SPACE = Space.around(START, usual(START, KEYS))


def tops(service: InferenceService, scene: Scene, models: tuple[str, ...]) -> list[int]:
    slots = tuple(SlotRequest(model=model) for model in models)
    return [slot.top[0].index for slot in service.look(LookRequest(scene=scene, slots=slots)).slots]


def found(service: InferenceService, request: object, *, again: bool = False) -> Adversary | Difference:
    return service.wait(service.jobs.submit(request, again=again).id)


def test_the_scene_that_was_found_fools_the_network(service: InferenceService) -> None:
    request = adversary_request(service, SPACE, goal(service, START, LITE0), limit=0.8, renders=24)
    one = found(service, request)
    assert one.found is not None
    before, after = (tops(service, scene, (LITE0,))[0] for scene in (START, one.found.scene))
    assert before == one.before[0].top
    assert after == one.after[0].top != before
    assert one.found.distance <= 0.8
    assert one.until_found is not None
    assert len(one.path) <= 24
    for visited in one.path:
        point = SPACE.point(visited.scene)
        assert (point >= SPACE.lower - 1e-9).all()
        assert (point <= SPACE.upper + 1e-9).all()
    other = found(service, request, again=True)
    assert other.path == one.path


def test_two_networks_are_parted_by_few_parameters(service: InferenceService) -> None:
    start = START.replace(yaw=-20)
    space = Space.around(start, usual(start, KEYS))
    wanted = goal(service, start, LITE0, ADVERSARIAL, classes=DOGS)
    one = found(service, difference_request(service, space, wanted, renders=120))
    assert one.scene is not None
    lite0, adversarial = tops(service, one.scene, (LITE0, ADVERSARIAL))
    assert lite0 not in DOGS
    assert adversarial in DOGS
    assert [said.top for said in one.after] == [lite0, adversarial]
    assert set(one.changed) == {key for key in KEYS if getattr(one.scene, key) != getattr(start, key)}
    assert service.model(LITE0).classes[lite0] in one.sentence


def test_nothing_found_is_said(service: InferenceService) -> None:
    space = Space.around(START, [Span("hue", -0.001, 0.001)])
    wanted = goal(service, START, LITE0, target=0)
    assert found(service, adversary_request(service, space, wanted, renders=5)).found is None
    none = found(service, difference_request(service, space, wanted, renders=5))
    assert none.scene is None
    assert "Nothing was found" in none.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"fooled": "no_such"}, "Unknown model"),
        ({"fooled": LITE0, "keeps": LITE0}, "right and wrong"),
        ({"fooled": LITE0, "classes": (1000,)}, "no class"),
        ({"fooled": LITE0, "classes": (3,), "target": 3}, "is one of those"),
    ],
)
def test_goals_that_cannot_be(arguments: dict, words: str, service: InferenceService) -> None:
    with pytest.raises(InvalidInputError, match=words):
        goal(service, START, **arguments)
