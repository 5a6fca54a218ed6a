"""One slot's heatmaps, painted while things move, with a picture of each neuron below its map."""

import base64
from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import numpy as np
import plotly.graph_objects as go

from perturber.figures.style import as_json, diverging_colours, gapped
from perturber.ui.components.base import Component

COLOURS = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in diverging_colours(257).round().astype(int)]
"""An odd number: zero has a colour of its own."""


class Picture(TypedDict):
    """A picture, or what stands in for it.

    Attributes:
        src: address of the picture, or None.
        title: what it shows: its tooltip, and the line below it when it is enlarged.
        note: a word or two where there is no picture, or where it cannot be loaded.
        progress: how much of it is made, 0 to 1, or None for a bar of no kind.
    """

    src: str | None
    title: str
    note: str
    progress: float | None


class Pictures(TypedDict):
    """Both sides of a neuron's card; a button on the card turns it over.

    Attributes:
        front: what is shown at first.
        back: what is shown after that.
    """

    front: Picture
    back: Picture


class Clicked(TypedDict):
    """A cell of a map that was clicked.

    Attributes:
        channel: of the layer.
        row: of the map, from the top.
        column: of the map.
        count: of the clicks so far, this one included.
    """

    channel: int
    row: int
    column: int
    count: int


class MapsProperties(TypedDict, total=False):
    """What goes into the browser, and what comes back.

    Attributes:
        className: further class names.
        figure: Plotly figure without values (see `figure_without_values`): of other channels, another layer or model.
        values: of the maps, float32 in base64 (see `map_values`): new with every answer.
        scale: value at which the colours end.
        ends: labels of the colour scale's ends (see `scale_ends`).
        colours: of the colour scale, ``#rrggbb`` at equal distances.
        channels: the neurons.
        aspect: rows and columns of a map; maps are drawn square all the same.
        pictures: of each neuron, or None for maps alone.
        empty: sentence that is shown instead of everything, or "".
        clicked: the cell that was clicked last; written by the browser.
    """

    className: str
    figure: dict[str, Any] | None
    values: str | None
    scale: float
    ends: tuple[str, str]
    colours: Sequence[str]
    channels: Sequence[int]
    aspect: tuple[int, int]
    pictures: Sequence[Pictures] | None
    empty: str
    clicked: Clicked | None


class Maps(Component):
    """Heatmaps, each in the card of its neuron, in as many rows as makes them largest (``assets/maps.js``).

    While answers come, their values are painted on canvases; the Plotly figure below them follows when they pause.
    """

    properties = tuple(name for name in MapsProperties.__annotations__ if name != "className")

    def __init__(self, id: Any = None, **properties: Unpack[MapsProperties]) -> None:
        """See `MapsProperties`; without properties it is empty, and the first answer fills it."""
        nothing: MapsProperties = {
            "scale": 1.0,
            "ends": scale_ends(1.0),
            "colours": COLOURS,
            "channels": (),
            "aspect": (1, 1),
        }
        super().__init__(id=id, **{**nothing, **properties})


def figure_without_values(figure: go.Figure) -> dict[str, Any]:
    """A mosaic's figure as JSON, to which the browser adds the values and their places."""
    plain = as_json(figure)
    for name in ("z", "customdata"):
        del plain["data"][0][name]
    return plain


def map_values(activations: np.ndarray) -> str:
    """The maps (n, h, w), row 0 at the top, as the component takes them: blank where they are not finite."""
    return base64.b64encode(gapped(activations).astype("<f4").tobytes()).decode()


def scale_ends(scale: float) -> tuple[str, str]:
    """Labels of a colour scale from −scale to +scale, three digits each."""
    number = f"{scale:#.3g}".rstrip(".")
    return f"−{number}", f"+{number}"
