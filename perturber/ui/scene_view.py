"""The interactive view of the scene: dash-vtk draws the object, CSS the background beneath it.

The view is a quick sketch of the scene that follows the pointer in the browser; ``assets/scene_view.js`` moves it.
What the networks see is drawn by the service. Both use the camera of `perturber.render.camera`.
"""

import base64
from typing import Any

import dash_vtk
import numpy as np
from dash import html

from perturber import objects
from perturber.objects import MorphPair
from perturber.parameters import PARAMETERS, Choice, Number
from perturber.render.camera import FIELD_OF_VIEW, NEAR
from perturber.render.shading import AMBIENT, LAMPS
from perturber.scene import SceneBase
from perturber.ui.attributes import attributes


def scene_view(page: str) -> html.Div:
    """The view; its mesh is fetched from ``/scene/object/<name>`` when it is shown."""
    triangle = [0.0, 0, 0, 0, 0, 0, 0, 0, 0]
    mesh = dash_vtk.PolyData(
        points=triangle,
        polys=[3, 0, 1, 2],
        children=dash_vtk.PointData(
            [
                dash_vtk.DataArray(
                    registration="setScalars", type="Uint8Array", name="colour", numberOfComponents=3, values=[255] * 9
                ),
                dash_vtk.DataArray(
                    registration="setNormals", type="Float32Array", name="normal", numberOfComponents=3, values=triangle
                ),
            ]
        ),
    )
    view = dash_vtk.View(
        dash_vtk.GeometryRepresentation(
            mesh,
            mapper={"scalarVisibility": True, "colorMode": 0, "scalarMode": 1},
            property={"backfaceCulling": True},
        ),
        id=f"{page}-vtk",
        background=[0, 0, 0, 0],
        interactorSettings=[],
    )
    return html.Div(
        [
            html.Div(id=f"{page}-backdrop", className="backdrop"),
            html.Div(view, className="canvas"),
            html.Div(
                id=f"{page}-pointer",
                className="pointer",
                tabIndex=0,
                role="application",
                title="Drag: turn · wheel: distance · Shift-drag or middle button: move · double-click: reset",
                **attributes(
                    aria_label="Scene. Drag or use the arrow keys to turn the object, plus and minus for distance."
                ),
            ),
        ],
        id=f"{page}-stage",
        className="stage",
    )


def scene_facts(scene: SceneBase) -> dict[str, Any]:
    """What the script of a page with a scene needs to know (``assets/scene_control.js``)."""
    return {
        "scene": scene.as_dict(),
        "defaults": {key: parameter.default for key, parameter in PARAMETERS.items()},
        "limits": {
            key: {
                "min": parameter.minimum,
                "max": parameter.maximum,
                "step": parameter.step,
                "whole": parameter.whole,
            }
            for key, parameter in PARAMETERS.items()
            if isinstance(parameter, Number)
        },
        "labels": {key: parameter.label for key, parameter in PARAMETERS.items()},
        "choices": [key for key, parameter in PARAMETERS.items() if isinstance(parameter, Choice)],
        "groups": {key: parameter.group for key, parameter in PARAMETERS.items()},
        "morphs": morph_titles(),
        "camera": camera_facts(),
    }


def camera_facts() -> dict[str, Any]:
    """What the browser needs to know of the server's camera and lamps."""
    return {
        "fieldOfView": FIELD_OF_VIEW,
        "near": NEAR,
        "ambient": AMBIENT,
        "lamps": [{"direction": lamp.direction, "strength": lamp.strength} for lamp in LAMPS],
    }


def morph_titles() -> dict[str, str]:
    """Object → heading of its morph parameters: how much it is its pair's second object ("Catness")."""
    ends = {name: label.split(" ↔ ") for name, label in objects.names("object").items()}
    return {
        name: f"{pair[1]}{'-' * (' ' in pair[1])}ness" if len(pair) == 2 else "Morph" for name, pair in ends.items()
    }


def object_payload(name: str) -> dict[str, Any]:
    """The object with this name for the browser; see `payload`."""
    return payload(objects.pair(name))


def payload(pair: MorphPair) -> dict[str, Any]:
    """A morph pair for the browser: arrays as base64, colours sampled from the textures at each vertex."""
    triangles = np.concatenate((np.full((len(pair.faces), 1), 3), pair.faces), 1)
    return {
        "polys": _encode(triangles.astype(np.uint32)),
        "points": [_encode(points.astype(np.float32)) for points in pair.positions],
        "normals": [_encode(normals.astype(np.float32)) for normals in pair.normals],
        "colours": [_encode(_sample(texture, pair.uv)) for texture in pair.textures],
    }


def _sample(texture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Mean colour around each vertex: (V, 3) uint8."""
    size = texture.shape[0]
    step = max(1, min(8, size // 128))
    coarse = texture[..., :3].reshape(size // step, step, size // step, step, 3).mean((1, 3))
    column = (uv[:, 0] * len(coarse)).astype(int) % len(coarse)
    row = ((1 - uv[:, 1]) * len(coarse)).astype(int) % len(coarse)
    return coarse[row, column].round().astype(np.uint8)


def _encode(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
