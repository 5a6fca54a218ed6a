"""How long work will take, by what one look takes."""

from collections.abc import Sequence

from perturber.scene import SceneBase
from perturber.service.requests import LookRequest, SlotRequest
from perturber.service.service import InferenceService


def seconds_a_picture(service: InferenceService, scene: SceneBase, models: Sequence[str]) -> float:
    """To make a scene's picture and to show it to some networks, if nothing else is to be done; blocks for two looks.

    Raises:
        InvalidInputError: the scene cannot be looked at.
    """
    asked = LookRequest(scene=scene, slots=tuple(SlotRequest(model=model) for model in models))
    looks = [service.look(asked) for _ in range(2)]  # the first one may load a network
    return min(look.render_ms + sum(slot.milliseconds for slot in look.slots) for look in looks) / 1000
