"""What pages fetch as files: meshes and backdrops of the view, feature visualisations, example pictures.

Everything that a page asks the service is a callback; these routes only hand out what is there, under addresses that
pictures and downloads can have.
"""

import io
import re
from functools import lru_cache
from math import ceil
from pathlib import Path

import numpy as np
from flask import Blueprint, Response, jsonify, request
from PIL import Image, ImageOps
from werkzeug.exceptions import NotFound

from perturber import objects
from perturber.errors import InvalidInputError
from perturber.examples import ClassExamples, ExampleIndex, index_path
from perturber.featurevis import Window, cut
from perturber.render.plane import plane_pair
from perturber.service import ModelInfo, check_classes
from perturber.ui.components.scene_page import ALIVE
from perturber.ui.context import cache, service
from perturber.ui.meshes import mesh_payload
from perturber.zoo import check_layer

SPACE = 4
"""Pixels of white between the pictures of a sheet."""

HOUR = 3600

routes = Blueprint("files", __name__)


def is_there(response: Response) -> bool:
    """Whether there was something to hand out: that something is missing is not kept."""
    return response.status_code == 200


@routes.get(ALIVE)
def alive() -> Response:
    """Nothing; a page asks for it to see whether the server is there."""
    return Response(status=204)


@routes.get("/scene/object/<name>")
@cache.cached(timeout=HOUR, response_filter=is_there)
def scene_object(name: str) -> Response:
    """The mesh of an object for the view."""
    return jsonify(mesh_payload(objects.pair(name)))


@routes.get("/scene/plane")
def plane() -> Response:
    """The mesh of the plane, with a neuron's feature visualisation as far as it has come."""
    picture = service().plane(request.args.get("neuron", ""))
    return jsonify(mesh_payload(plane_pair("plane", picture)))


@routes.get("/scene/backdrop/<name>")
@cache.cached(timeout=HOUR, response_filter=is_there)
def backdrop(name: str) -> Response:
    """A background among its mirror images, so that no corner is empty when it is turned."""
    with Image.open(objects.background_file(name)) as file:
        picture = file.convert("RGB")
    width, height = picture.size
    tile = Image.new("RGB", (2 * width, 2 * height))
    for x, row in ((0, picture), (width, ImageOps.mirror(picture))):
        tile.paste(row, (x, 0))
        tile.paste(ImageOps.flip(row), (x, height))
    # Before the first page of all is complete, this is made: JPEG takes 13 ms, WebP 400.
    return _file(tile, "JPEG", seconds=HOUR, quality=90)


@routes.get("/neurons/visualisation/<key>.png")
def visualisation(key: str) -> Response:
    """A feature visualisation as far as it has come, or a part of it; several variants on one sheet."""
    pictures = service().visualisations.pictures(key)
    if pictures is None:
        raise NotFound("There is no such feature visualisation yet.")
    part = request.args.get("part")
    pictures = cut(pictures, None if part is None else _window(part, pictures.shape[1]))
    picture = sheet(list(pictures), columns=2 if len(pictures) > 1 else 1)
    return _file(Image.fromarray(picture), "PNG", seconds=0, compress_level=1)


def _window(text: str, size: int) -> Window:
    """A part of pictures of this size as an address holds it."""
    numbers = [int(number) for number in text.split(",")] if re.fullmatch(r"\d{1,4}(,\d{1,4}){3}", text) else []
    if len(numbers) != 4 or not (0 <= numbers[0] < numbers[2] <= size and 0 <= numbers[1] < numbers[3] <= size):
        raise InvalidInputError(
            f"A picture of {size} × {size} pixels has no part {text[:40]!r}. Allowed: top,left,bottom,right in pixels."
        )
    return numbers[0], numbers[1], numbers[2], numbers[3]


@routes.get("/neurons/examples/<model>/<layer>/<int:channel>.png")
@cache.cached(timeout=HOUR, query_string=True, response_filter=is_there)
def dataset_examples(model: str, layer: str, channel: int) -> Response:
    """The nine patches of the indexed folder to which a channel answers most."""
    info = service().model(model)
    check_layer(model, info.layers, layer, (channel,))
    patches = _index(info).patches(info.layers[layer], channel)
    blank = np.full((96, 96, 3), 233, np.uint8)
    picture = sheet([blank if p is None else p for p in [*patches, *[None] * 9][:9]], columns=3)
    return _file(Image.fromarray(picture), "PNG", seconds=HOUR, compress_level=1)


@routes.get("/classes/<model>/<int:index>.jpg")
def class_example(model: str, index: int) -> Response:
    """A class's example picture from the configured folder."""
    info = service().model(model)
    check_classes(info, (index,))
    examples = class_examples(info.class_list)
    picture = None if examples is None else examples.picture(index)
    if picture is None:
        raise NotFound(f"There is no example picture of {info.classes[index]!r}.")
    return _file(Image.fromarray(picture), "JPEG", seconds=HOUR, quality=90)


def class_examples(class_list: str) -> ClassExamples | None:
    """The configured folder's example pictures, or None where none is configured.

    Raises:
        InvalidInputError: the folder cannot be used.
    """
    folder = service().settings.examples
    return None if folder is None else _class_examples(folder, class_list)


def index_version(info: ModelInfo) -> int | None:
    """Tells apart the indices that a model's dataset examples have had; None where there is none."""
    try:
        return index_path(service().settings.data, info.fingerprint).stat().st_mtime_ns
    except OSError:
        return None


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


def _index(info: ModelInfo) -> ExampleIndex:
    version = index_version(info)
    if version is None:
        raise NotFound(
            f"There are no dataset examples of {info.label} yet: perturber examples index FOLDER --model {info.name}"
        )
    return _load_index(index_path(service().settings.data, info.fingerprint), version)


@lru_cache(maxsize=8)
def _load_index(path: Path, _: int) -> ExampleIndex:
    return ExampleIndex.load(path)


@lru_cache(maxsize=4)
def _class_examples(folder: Path, class_list: str) -> ClassExamples:
    return ClassExamples(folder, class_list)


def _file(picture: Image.Image, kind: str, *, seconds: int, **options: int) -> Response:
    file = io.BytesIO()
    picture.save(file, format=kind, **options)
    response = Response(file.getvalue(), mimetype=f"image/{kind.lower()}")
    response.cache_control.max_age = seconds
    return response
