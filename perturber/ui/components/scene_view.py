"""The interactive view of the scene: dash-vtk draws the object, CSS the background beneath it.

The view is a quick sketch of the scene that follows the pointer in the browser; ``assets/scene_view.js`` moves it.
What the networks see is drawn by the service. Both use the camera of `perturber.render.camera`.
"""

from typing import TypedDict

import dash_vtk
from dash import html

from perturber.parameters import PARAMETERS, Number
from perturber.render.camera import FIELD_OF_VIEW, NEAR
from perturber.render.shading import AMBIENT, LAMPS
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import control_id
from perturber.ui.components.upload import drop_target

KEYS = "Scene. Arrow keys turn the object, with Shift they move it; plus and minus change the distance, 0 resets it."
"""What those hear who cannot see the view."""

CAMERA = ("yaw", "pitch", "roll", "distance", "pan_x", "pan_y")
"""Parameters that gestures change, or bring back."""


class LampFacts(TypedDict):
    """A lamp: where its light comes from, and how strong it is."""

    direction: tuple[float, float, float]
    strength: float


class CameraFacts(TypedDict):
    """What ``assets/scene_view.js`` and ``assets/pointer.js`` need to know.

    Attributes:
        fieldOfView: in degrees.
        near: distance of the near plane.
        ambient: light from everywhere.
        limits: parameter of the camera → smallest and largest value.
        start: parameter of the camera → value to which a double-click brings it back.
    """

    fieldOfView: float
    near: float
    ambient: float
    lamps: list[LampFacts]
    limits: dict[str, tuple[float, float]]
    start: dict[str, float]


def scene_view(page: str) -> html.Div:
    """The view, which takes files too; its mesh is fetched from ``/scene/object/<name>`` when it is shown."""
    triangle = [0.0, 0, 0, 0, 0, 0, 0, 0, 0]
    mesh = dash_vtk.PolyData(
        points=triangle,
        polys=[3, 0, 1, 2],
        children=dash_vtk.PointData(
            [
                dash_vtk.DataArray(
                    registration="setTCoords", type="Float32Array", name="place", numberOfComponents=2, values=[0.0] * 6
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
            mapper={"scalarVisibility": False},
            property={"backfaceCulling": True},
        ),
        id=f"{page}-vtk",
        background=[0, 0, 0, 0],
        interactorSettings=[],
    )
    pointer = html.Div(
        id=control_id(page, "grab"),
        className="pointer",
        tabIndex=0,
        role="application",
        title="Drag: turn · wheel: distance · Shift-drag or middle button: move · double-click: reset",
        **attributes(aria_label=KEYS),
    )
    return html.Div(
        [
            html.Div(id=f"{page}-backdrop", className="backdrop"),
            html.Div(view, className="canvas"),
            drop_target(page, pointer),
        ],
        id=f"{page}-stage",
        className="stage",
    )


def camera_facts() -> CameraFacts:
    """What the browser needs to know of the service's camera and lamps, and of the gestures' parameters."""
    rows = {key: number for key in CAMERA if isinstance(number := PARAMETERS[key], Number)}
    return CameraFacts(
        fieldOfView=FIELD_OF_VIEW,
        near=NEAR,
        ambient=AMBIENT,
        lamps=[LampFacts(direction=lamp.direction, strength=lamp.strength) for lamp in LAMPS],
        limits={key: (row.minimum, row.maximum) for key, row in rows.items()},
        start={key: row.default for key, row in rows.items()},
    )
