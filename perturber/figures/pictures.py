"""Pictures side by side as one figure."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from perturber.figures.activations import data_uri
from perturber.figures.style import base_layout, plain

SIDE = 224
"""Pixels of a picture's longer side in the figure as it is laid out, where nobody says another."""

ROOM, HEAD = 0.08, 0.12
"""Between two pictures, and above each for its name, as shares of a picture's width."""

LONGEST = 30
"""Letters of a name above a picture."""

EDGE = 4
"""Pixels around them all."""

LETTER = 6.2
"""Pixels of a letter of a row's name."""


def picture_grid(
    pictures: Sequence[np.ndarray | None],
    names: Sequence[str],
    *,
    columns: int = 4,
    rows: Sequence[str] = (),
    side: float = SIDE,
) -> go.Figure:
    """Pictures in rows, each below its name, of one width.

    Args:
        pictures: (H, W, 3) uint8 each; None leaves a place empty.
        names: of the pictures; "" for none.
        columns: pictures in a row, at most.
        rows: names of the rows, at their left.
        side: of a picture's longer side, in pixels, as the figure is laid out.
    """
    columns = max(1, min(columns, len(pictures)))
    tall = max((len(one) / one.shape[1] for one in pictures if one is not None), default=1.0)
    head = HEAD if any(names) else 0.0
    figure = go.Figure(layout=base_layout(margin=dict.fromkeys("lrtb", EDGE)))
    for n, (picture, name) in enumerate(zip(pictures, names, strict=True)):
        left, top = n % columns * (1 + ROOM), n // columns * (tall + head + ROOM) + head
        if picture is not None:
            step = 1 / picture.shape[1]
            figure.add_trace(
                go.Image(
                    source=data_uri(picture),
                    name=plain(name),
                    x0=left + step / 2,
                    dx=step,
                    y0=top + step / 2,
                    dy=step,
                    hoverinfo="skip",
                )
            )
        if name:
            name = name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"
            place = {"x": left, "y": top, "xanchor": "left", "yanchor": "bottom"}
            figure.add_annotation(text=plain(name), showarrow=False, font={"size": 10}, **place)
    count = -(-len(pictures) // columns)
    width, height = columns * (1 + ROOM) - ROOM, count * (tall + head + ROOM) - ROOM
    for n, name in enumerate(rows):
        place = {"x": 0, "y": n * (tall + head + ROOM) + head + tall / 2, "xanchor": "right", "xshift": -6}
        figure.add_annotation(text=plain(name), showarrow=False, **place)
    left = EDGE + (6 + LETTER * max(map(len, rows)) if rows else 0)
    figure.update_xaxes(visible=False, range=[0, width], fixedrange=True, constrain="domain")
    figure.update_yaxes(visible=False, range=[height, 0], fixedrange=True, constrain="domain", scaleanchor="x")
    figure.update_layout(margin={"l": left})
    return figure.update_layout(width=side * width + left + EDGE, height=side * height + 2 * EDGE)
