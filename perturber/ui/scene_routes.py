"""What the browser's view of the scene fetches, and how a user's own objects and backgrounds come in."""

from collections.abc import Iterable

from flask import Blueprint, Flask, Response, jsonify, request, send_file
from flask_caching import Cache
from werkzeug.datastructures import FileStorage

from perturber import objects
from perturber.errors import InvalidInputError
from perturber.parameters import Text, get
from perturber.render.plane import plane_pair
from perturber.scene import Scene
from perturber.service import LookRequest
from perturber.ui.context import service
from perturber.ui.scene_view import morph_titles, object_payload, payload
from perturber.ui.sent import sent_json

OURS = "X-Perturber"
"""Header of uploads: another site's page cannot send it without asking first, and then it is refused."""

KEPT = 16
"""Objects whose payload for the browser is kept."""

PLANE_SIDE = 96
"""Faces along each side of the view's plane, which has one colour a vertex."""

ENVELOPE = 2**20
"""Bytes that a form needs around its files."""


def scene_routes(server: Flask) -> Blueprint:
    """The routes under ``/scene``."""
    routes = Blueprint("scene", __name__, url_prefix="/scene")
    cache = Cache(server, config={"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 0, "CACHE_THRESHOLD": KEPT})

    @routes.get("/object/<name>")
    @cache.cached()
    def scene_object(name: str) -> Response:
        return jsonify(object_payload(name))

    @routes.get("/plane")
    def plane() -> Response:
        picture = service().plane(request.args.get("neuron", ""))
        return jsonify(payload(plane_pair("plane", picture, side=PLANE_SIDE)))

    @routes.post("/text")
    def text() -> Response:
        """Reads what the user has written into a field, so that the page asks for nothing that cannot be shown."""
        data = sent_json()
        if not isinstance(data, dict) or not isinstance(get(str(data.get("key"))), Text):
            raise InvalidInputError("A request must hold the key of a text and its value.")
        scene = Scene.parse({data["key"]: data.get("value")})
        service().check(LookRequest(scene=scene.replace(plane=True)))
        return jsonify(value=getattr(scene, data["key"]))

    @routes.get("/background/<name>")
    def background(name: str) -> Response:
        return send_file(objects.background_file(name).absolute(), mimetype="image/webp", max_age=3600)

    @routes.post("/objects")
    def add_object() -> Response:
        files = _files()
        return _added("object", objects.store().add_object(files, label=request.form.get("label") or None))

    @routes.post("/backgrounds")
    def add_background() -> Response:
        files = _files()
        if len(files) != 1:
            raise InvalidInputError(f"A background is one picture, not {len(files)} files.")
        (content,) = files.values()
        return _added("background", objects.store().add_background(content, label=request.form.get("label") or None))

    return routes


def _files() -> dict[str, bytes]:
    """The files of an upload by their names, which stay mere names."""
    if OURS not in request.headers:
        raise InvalidInputError("An upload must come from a page of this app.")
    request.max_content_length = service().settings.max_upload_mib * 2**20 + ENVELOPE
    files: Iterable[FileStorage] = request.files.getlist("files")
    contents = {file.filename or f"file {n}": file.read() for n, file in enumerate(files, 1)}
    if not contents:
        raise InvalidInputError("The upload holds no file.")
    return contents


def _added(kind: str, name: str) -> Response:
    options = objects.names("object" if kind == "object" else "background")
    choices = [{"value": key, "label": label} for key, label in options.items()]
    return jsonify(name=name, options=choices, morphs=morph_titles())
