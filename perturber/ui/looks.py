"""Looks that are kept: what is settled need not be computed twice."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from flask import g

from perturber.editing import Edit
from perturber.scene import SceneBase
from perturber.service import JobState, Look, LookRequest, PictureRequest
from perturber.service.estimates import seconds_a_picture
from perturber.ui.context import cache, service


def looked(request: LookRequest) -> tuple[Look, bool]:
    """The service's answer, and whether it is one that was kept.

    What is settled is kept: no attack is on its way in it, and no feature visualisation that may yet be made.

    Raises:
        InvalidInputError, OvertakenError: as of `InferenceService.look`.
    """
    key = look_key(request)
    kept = cache.get(key)
    g.kept = kept is not None
    if kept is not None:
        return kept, True
    found = service().look(request)
    growing = [found.plane, None if found.attack is None else found.attack.progress]
    if all(progress is None or progress.finished for progress in growing) and unfinished_plane(request) is None:
        cache.set(key, found)
    return found, False


def look_to_save(request: LookRequest) -> tuple[Look, str | None]:
    """The service's answer, and why it is not to be saved, if so: a file would not say that it is unfinished.

    Raises:
        InvalidInputError, OvertakenError: as of `InferenceService.look`.
    """
    why = unfinished_plane(request)
    found, _ = looked(request)
    if why is None and found.attack is not None and not found.attack.progress.finished:
        progress = found.attack.progress
        why = (
            f"The attack is at step {progress.done} of {progress.steps}. Save it when it has taken them all; "
            "load the page again if it does not go on."
        )
    return found, why


def unfinished_plane(request: PictureRequest) -> str | None:
    """Why no figure of this picture is to be saved, if the feature visualisation on its plane is not finished.

    To be asked before the look that is drawn: afterwards it may be finished.
    """
    plane = service().plane_status(request)
    if plane is None or plane.state is JobState.DONE:
        return None
    if plane.state.over:
        return f"The feature visualisation on the plane was not made. {plane.error or 'It was cancelled.'}"
    progress = plane.progress
    return (
        f"The feature visualisation on the plane is at step {progress.done} of {progress.steps}. "
        "Save it when it is finished."
    )


def look_key(request: LookRequest) -> str:
    """Names a request's answer: what is asked, of networks as they are now; who asks does not matter."""
    asked = [slot.model for slot in request.slots]
    asked += [request.attack.attack.model] if request.attack else []
    asked += [request.scene.plane_neuron.rpartition("/")[0]] if request.scene.plane else []
    names = {name for text in filter(None, asked) for name in _models_of(text)}
    marks = [service().model(name).fingerprint for name in sorted(names)]
    text = f"{replace(request, client=None)!r} {marks}"
    return f"look {hashlib.sha256(text.encode()).hexdigest()}"


def _models_of(name: str) -> list[str]:
    """The models of the catalogue that a model's name stands for: several for an edit."""
    if not Edit.is_edit(name):
        return [name]
    edit = Edit.parse(name)
    return [model for model in (edit.first, edit.second) if model is not None]


def seconds_a_look(scene: SceneBase, models: Sequence[str]) -> float:
    """As `seconds_a_picture`, which looks: found out once for all.

    Raises:
        InvalidInputError: the scene cannot be looked at.
    """
    names = " ".join(models)
    key = f"pace {hashlib.sha256(f'{scene!r} {names}'.encode()).hexdigest()}"
    pace = cache.get(key)
    if pace is None:
        pace = seconds_a_picture(service(), scene, models)
        cache.set(key, pace)
    return pace
