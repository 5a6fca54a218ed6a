"""What is to be known before a scene is looked for: whether the networks, classes and ranges are there."""

from collections.abc import Sequence

from perturber.errors import InvalidInputError
from perturber.experiments.goals import Goal
from perturber.experiments.smallest import Wording
from perturber.experiments.space import Space
from perturber.scene import SceneBase
from perturber.service.checks import check_classes
from perturber.service.requests import LookRequest, SlotRequest
from perturber.service.service import InferenceService
from perturber.service.works.adversary import AdversaryRequest
from perturber.service.works.smallest import DifferenceRequest


def goal(
    service: InferenceService,
    start: SceneBase,
    fooled: str,
    keeps: str | None = None,
    *,
    classes: Sequence[int] = (),
    target: int | None = None,
) -> Goal:
    """A goal, checked; blocks for a look at the start where no class is named.

    Args:
        fooled, keeps, target: as of a `Goal`.
        classes: those that are right; by default the most probable one at the start, for the network that is to be
            right if there is one.

    Raises:
        InvalidInputError: there is no such network or class, or the two networks tell apart different classes.
    """
    infos = [service.model(model) for model in (fooled, keeps) if model is not None]
    for info in infos:
        if not info.classes:
            raise InvalidInputError(f"{info.name} predicts no classes, so it cannot be right or wrong.")
        check_classes(info, tuple(classes) + (() if target is None else (target,)))
    if infos[0].class_list != infos[-1].class_list:
        raise InvalidInputError(
            f"{infos[0].name} and {infos[-1].name} tell apart different classes, so they cannot be compared."
        )
    if not classes:
        (slot,) = service.look(LookRequest(scene=start, slots=(SlotRequest(model=infos[-1].name),))).slots
        classes = tuple(score.index for score in (slot.top or ())[:1])
    return Goal(fooled=fooled, keeps=keeps, classes=tuple(sorted(set(classes))), target=target)


def adversary_request(service: InferenceService, space: Space, goal: Goal, **options: object) -> AdversaryRequest:
    """An order for the nearest scene.

    Args:
        options: as of an `AdversaryRequest`.

    Raises:
        InvalidInputError: an option is out of range.
    """
    return AdversaryRequest(space=space, goal=goal, **_known(service, space, goal), **options)  # type: ignore[arg-type]


def difference_request(service: InferenceService, space: Space, goal: Goal, **options: object) -> DifferenceRequest:
    """An order for the fewest parameters.

    Args:
        options: as of a `DifferenceRequest`.

    Raises:
        InvalidInputError: an option is out of range.
    """
    infos = {model: service.model(model) for model in goal.models}
    wording = Wording(labels={model: info.label for model, info in infos.items()}, classes=infos[goal.fooled].classes)
    known = _known(service, space, goal)
    return DifferenceRequest(space=space, goal=goal, wording=wording, **known, **options)  # type: ignore[arg-type]


def _known(service: InferenceService, space: Space, goal: Goal) -> dict[str, object]:
    """What the service adds."""
    shown = space.start.plane or "plane" in space.keys
    if shown and "plane_neuron" in space.keys:
        raise InvalidInputError("The two scenes show planes of different neurons. Give two of the same one.")
    return {
        "fingerprints": tuple(service.model(model).fingerprint for model in goal.models),
        "plane": service.plane(space.start.plane_neuron) if shown else None,
    }
