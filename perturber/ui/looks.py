"""Looks that are kept: what is settled need not be computed twice."""

import hashlib
from dataclasses import replace

from perturber.editing import Edit
from perturber.service import Look, LookRequest
from perturber.ui.context import cache, service


def looked(request: LookRequest) -> tuple[Look, bool]:
    """The service's answer, and whether it is one that was kept.

    What is settled is kept: no attack or feature visualisation is on its way in it.

    Raises:
        InvalidInputError, OvertakenError: as of `InferenceService.look`.
    """
    key = look_key(request)
    kept = cache.get(key)
    if kept is not None:
        return kept, True
    found = service().look(request)
    growing = [found.plane, None if found.attack is None else found.attack.progress]
    if all(progress is None or progress.finished for progress in growing):
        cache.set(key, found)
    return found, False


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
