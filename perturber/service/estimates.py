"""How long work will take, by what one look takes."""

import time
from collections.abc import Sequence

from perturber.scene import SceneBase
from perturber.service.requests import LookRequest, SlotRequest
from perturber.service.service import InferenceService


def duration(seconds: float) -> str:
    """A time as a person says it, roughly."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def time_left(since: float, first: int, done: int, steps: int) -> str:
    """How long a job that runs will still take, to be put behind where it stands; empty while it cannot be said.

    Args:
        since: seconds since the epoch, when `first` steps were done.
    """
    new, spent = done - first, time.time() - since
    return f", about {duration((steps - done) * spent / new)} left" if new > 0 and spent > 1 else ""


def seconds_a_picture(service: InferenceService, scene: SceneBase, models: Sequence[str]) -> float:
    """To make a scene's picture and to show it to some networks, if nothing else is to be done; blocks for two looks.

    Raises:
        InvalidInputError: the scene cannot be looked at.
    """
    asked = LookRequest(scene=scene, slots=tuple(SlotRequest(model=model) for model in models))
    looks = [service.look(asked) for _ in range(2)]  # the first one may load a network
    return min(look.render_ms + sum(slot.milliseconds for slot in look.slots) for look in looks) / 1000
