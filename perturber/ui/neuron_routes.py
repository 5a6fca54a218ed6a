"""What the neurons' cards and the prediction views fetch: visualisations, example pictures, groups, jobs."""

import io
from collections.abc import Mapping
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, send_file
from PIL import Image
from werkzeug.exceptions import NotFound

from perturber.errors import InvalidInputError
from perturber.examples import ClassExamples, ExampleIndex, index_path
from perturber.featurevis import Target
from perturber.service import JobStatus, ModelInfo, RankRequest, Visualised
from perturber.service.checks import check_classes
from perturber.ui.context import service
from perturber.ui.own_groups import OwnGroups
from perturber.ui.sent import sent_object
from perturber.ui.state import MAX_NEURONS, ExploreState
from perturber.ui.view import View
from perturber.zoo import check_layer

routes = Blueprint("neurons", __name__)

MAX_ITEMS = 16
"""Sets of neurons or classes that one request may ask for."""

SPACE = 4
"""Pixels of white between the pictures of a sheet."""

RANKINGS = ("active", "changed", "relevant", "differ")


@routes.post("/neurons/visualisations")
def visualisations() -> Response:
    """Where the feature visualisations of some neurons or classes stand; orders what is missing."""
    data = sent_object()
    items = data.get("items")
    if not isinstance(items, list) or len(items) > MAX_ITEMS or not all(isinstance(i, Mapping) for i in items):
        raise InvalidInputError(f"A request must hold a list of up to {MAX_ITEMS} items.")
    view = View.parse(_mapping(data, "view"))
    again = data.get("again") is True
    return jsonify([[_visualised(v) for v in _ask(item, view, again=again)] for item in items])


@routes.get("/neurons/visualisation/<key>.png")
def visualisation(key: str) -> Response:
    """A visualisation as far as it has come; several variants on one sheet."""
    pictures = service().visualisations.pictures(key)
    if pictures is None:
        raise NotFound("There is no such feature visualisation yet.")
    return _png(sheet(list(pictures), columns=2 if len(pictures) > 1 else 1), seconds=0)


@routes.get("/neurons/examples/<model>/<layer>/<int:channel>.png")
def dataset_examples(model: str, layer: str, channel: int) -> Response:
    """The nine patches of the indexed folder to which a channel answers most."""
    info = service().model(model)
    check_layer(model, info.layers, layer, (channel,))
    patches = _index(info).patches(info.layers[layer], channel)
    blank = np.full((96, 96, 3), 233, np.uint8)
    return _png(sheet([blank if p is None else p for p in [*patches, *[None] * 9][:9]], columns=3), seconds=3600)


@routes.get("/classes/<model>/<int:index>.jpg")
def class_example(model: str, index: int) -> Response:
    """A class's example picture from the configured folder."""
    info = service().model(model)
    check_classes(info, (index,))
    examples = class_examples(info.class_list)
    picture = None if examples is None else examples.picture(index)
    if picture is None:
        raise NotFound(f"There is no example picture of {info.classes[index]!r}.")
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=90)
    file.seek(0)
    return send_file(file, mimetype="image/jpeg", max_age=3600)


@routes.post("/neurons/rank")
def rank() -> Response:
    """The channels of a slot's layer that stand out."""
    data = sent_object()
    state = ExploreState.from_json(data, service().model)
    number, by = data.get("slot"), data.get("by")
    slot = state.shown.get(number) if type(number) is int else None
    if slot is None:
        raise InvalidInputError("This slot shows no model. Choose one that does.")
    if by not in RANKINGS:
        raise InvalidInputError(f"Neurons cannot be ranked by {str(by)[:40]!r}. Allowed: {', '.join(RANKINGS)}.")
    reference = data.get("reference")
    others = [s for n, s in state.shown.items() if n != number]
    found = service().rank(
        RankRequest(
            by=by,
            scene=state.scene,
            model=slot.model,
            layer=slot.layer,
            reference=None if reference is None else type(state.scene).parse(_mapping(data, "reference")),
            class_index=data.get("class"),
            other=(others[0].model, others[0].layer) if others else None,
            count=MAX_NEURONS,
        )
    )
    return jsonify(channels=found.channels, scores=found.scores)


@routes.get("/neurons/groups/<model>/<layer>")
def groups(model: str, layer: str) -> Response:
    """The groups of a layer that users have named."""
    check_layer(model, service().model(model).layers, layer)
    return jsonify(_own_groups().of(model, layer))


@routes.post("/neurons/groups/<model>/<layer>")
def keep_group(model: str, layer: str) -> Response:
    """Keep channels under a name; without channels the group is removed."""
    data = sent_object()
    channels = data.get("channels")
    if not isinstance(channels, list):
        raise InvalidInputError("A group must hold a list of channels.")
    check_layer(model, service().model(model).layers, layer, channels)
    if channels:
        _own_groups().keep(model, layer, data.get("name"), channels)
    else:
        _own_groups().remove(model, layer, str(data.get("name")))
    return jsonify(_own_groups().of(model, layer))


@routes.get("/jobs")
def jobs() -> Response:
    """Every job that is remembered."""
    return jsonify([_status(status) for status in service().jobs.all()])


@routes.post("/jobs/<name>/cancel")
def cancel(name: str) -> Response:
    """End a job."""
    sent_object()  # another site's form cannot send it
    return jsonify(_status(service().jobs.cancel(name)))


def class_examples(class_list: str) -> ClassExamples | None:
    """The configured folder's example pictures, or None where none is configured.

    Raises:
        InvalidInputError: the folder cannot be used.
    """
    folder = service().settings.examples
    return None if folder is None else _class_examples(folder, class_list)


def sheet(pictures: list[np.ndarray], *, columns: int) -> np.ndarray:
    """Pictures (S, S, 3) side by side, row by row, with white between them."""
    if len(pictures) == 1:
        return pictures[0]
    side = pictures[0].shape[0] + SPACE
    rows = ceil(len(pictures) / columns)
    result = np.full((rows * side - SPACE, columns * side - SPACE, 3), 255, np.uint8)
    for n, picture in enumerate(pictures):
        top, left = n // columns * side, n % columns * side
        result[top : top + side - SPACE, left : left + side - SPACE] = picture
    return result


def _ask(item: Mapping[str, Any], view: View, *, again: bool) -> list[Visualised]:
    model, layer, numbers = item.get("model"), item.get("layer"), item.get("numbers")
    if not isinstance(numbers, list) or len(numbers) > MAX_NEURONS:
        raise InvalidInputError(f"An item must hold a list of up to {MAX_NEURONS} numbers.")
    info = service().model(str(model))
    if layer is None:
        check_classes(info, numbers)
        targets = [Target(kind="class", index=number) for number in numbers]
    else:
        check_layer(info.name, info.layers, str(layer), numbers)
        targets = view.targets(str(layer), tuple(numbers))
    return service().visualise(info.name, targets, view.recipe, again=again)


def _visualised(found: Visualised) -> dict[str, Any]:
    return {
        "key": found.key,
        "state": found.state,
        "done": found.progress.done,
        "steps": found.progress.steps,
        "job": found.job,
        "error": found.error,
    }


def _status(status: JobStatus) -> dict[str, Any]:
    progress = {"done": status.progress.done, "steps": status.progress.steps}
    return {"id": status.id, "title": status.title, "state": status.state, "error": status.error, **progress}


def _own_groups() -> OwnGroups:
    return OwnGroups(service().settings.data)


def _index(info: ModelInfo) -> ExampleIndex:
    path = index_path(service().settings.data, info.fingerprint)
    try:
        version = path.stat().st_mtime_ns
    except OSError:
        raise NotFound(
            f"There are no dataset examples of {info.label} yet: perturber examples index FOLDER --model {info.name}"
        ) from None
    return _load_index(path, version)


@lru_cache(maxsize=8)
def _load_index(path: Path, _: int) -> ExampleIndex:
    return ExampleIndex.load(path)


@lru_cache(maxsize=4)
def _class_examples(folder: Path, class_list: str) -> ClassExamples:
    return ClassExamples(folder, class_list)


def _png(picture: np.ndarray, *, seconds: int) -> Response:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG", compress_level=1)
    file.seek(0)
    return send_file(file, mimetype="image/png", max_age=seconds)


def _mapping(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name, {})
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"The {name} of a request must hold values by name.")
    return {str(key): item for key, item in value.items()}
