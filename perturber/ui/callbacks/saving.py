"""Files that a page saves without being asked how: its model input, and figures that the browser draws."""

import base64
import io
from typing import Any, TypedDict

from dash import Input, Output, State, callback, dcc, no_update
from PIL import Image
from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError
from perturber.figures import as_json
from perturber.service import IMAGE_SIZE

MAX_PICTURE_BYTES = 2**20


class SavedOptions(TypedDict):
    """Options of ``Plotly.downloadImage``."""

    format: str
    filename: str
    width: float
    height: float
    scale: float


class Saved(TypedDict):
    """A figure that the browser is to save (``assets/page.js``)."""

    figure: Any
    options: SavedOptions


def saved_figure(figure: Figure, format: str, name: str, width: float, height: float, scale: float) -> Saved:
    """A figure for the store ``<page>-saved``.

    Args:
        format: ``svg`` or ``png``.
        width, height: in which it is laid out, in pixels.
        scale: by which that is enlarged.
    """
    options = SavedOptions(format=format, filename=name, width=width, height=height, scale=scale)
    return Saved(figure=as_json(figure), options=options)


def saving_callbacks(name: str) -> None:
    """The callback by which a page saves its model input."""

    @callback(
        Output(f"{name}-download", "data"),
        Input(f"{name}-save-input", "n_clicks"),
        State(f"{name}-input", "src"),
        prevent_initial_call=True,
    )
    def save_input(_: object, source: object) -> Any:
        if not isinstance(source, str) or "," not in source:
            return no_update
        return dcc.send_bytes(_as_png(source.partition(",")[2]), "model-input.png")


def _as_png(text: str) -> bytes:
    """A picture in base64 as a PNG file.

    Raises:
        InvalidInputError: it is none.
    """
    try:
        content = base64.b64decode(text, validate=True)
        if len(content) > MAX_PICTURE_BYTES:
            raise ValueError("too large")
        with Image.open(io.BytesIO(content), formats=("WEBP", "PNG")) as picture:
            if picture.size != (IMAGE_SIZE, IMAGE_SIZE):
                raise ValueError("not the model input")
            file = io.BytesIO()
            picture.save(file, format="PNG")
    except (ValueError, OSError) as error:
        raise InvalidInputError("This is not a picture that the page has drawn. Load the page again.") from error
    return file.getvalue()
