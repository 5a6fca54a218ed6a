"""What the unit that was clicked sees of the model input, and its heatmap laid over the input."""

import base64
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from perturber.figures import SLOT_COLOURS, diverging_colours
from perturber.service import IMAGE_SIZE, ModelInfo, SlotLook
from perturber.ui.callbacks.messages import Props
from perturber.ui.states.explore import ExploreState, Mark

CAPTION = "Exactly what the networks see, 224 × 224, drawn by the service."

OPAQUE = 0.85
"""Of the strongest activations in the overlay; weak ones are clear."""

COLOURS = diverging_colours(256)


def overlay_props(
    page: str,
    state: ExploreState,
    looks: Mapping[int, SlotLook],
    ends: Mapping[int, float],
    models: Mapping[str, ModelInfo],
) -> list[Props]:
    """The receptive field of the marked unit, and where it is wanted the heatmap over the input.

    Args:
        looks, ends: slot → its look, and the activation at which its colours end.
        models: name → what is known of it.
    """
    mark = visible_mark(state, looks)
    field: dict[str, Any] = {"hidden": mark is None}
    caption = CAPTION
    if mark is not None:
        style, seen = _field(mark, models[mark.model])
        field["style"] = style
        caption = f"{mark.layer}:{mark.channel}, row {mark.row}, column {mark.column} {seen}."
    return [
        {"id": f"{page}-field", "props": field},
        {"id": f"{page}-about-input", "props": {"children": caption}},
        {"id": f"{page}-overlay", "props": _overlay(state, mark, looks, ends)},
    ]


def visible_mark(state: ExploreState, looks: Mapping[int, SlotLook]) -> Mark | None:
    """The marked unit, if its slot still shows it."""
    mark = state.mark
    look = None if mark is None else looks.get(mark.slot)
    if mark is None or look is None or (look.model, look.layer) != (mark.model, mark.layer):
        return None
    return mark if mark.channel in look.channels else None


def _field(mark: Mark, info: ModelInfo) -> tuple[dict[str, str], str]:
    """Where the theoretical receptive field lies in the picture, and how large it is, in words."""
    field = info.layers[mark.layer].field
    size = info.input_size
    top, left, bottom, right = (0, 0, size, size) if field is None else field.box(mark.row, mark.column)
    share = IMAGE_SIZE / size
    y0, x0, y1, x1 = (min(max(place, 0), size) * share for place in (top, left, bottom, right))
    style = {
        "top": f"{y0:.1f}px",
        "left": f"{x0:.1f}px",
        "width": f"{x1 - x0:.1f}px",
        "height": f"{y1 - y0:.1f}px",
        "borderColor": SLOT_COLOURS[mark.slot],
    }
    seen = "sees the whole picture" if field is None else f"sees {field.rows.size} × {field.columns.size} px"
    return style, seen


def _overlay(
    state: ExploreState, mark: Mark | None, looks: Mapping[int, SlotLook], ends: Mapping[int, float]
) -> dict[str, Any]:
    """The marked neuron's heatmap, or the first one where none is marked."""
    shown = {n: look for n, look in looks.items() if look.activations is not None}
    if not state.view.overlay or not shown:
        return {"hidden": True}
    number = next(iter(shown)) if mark is None else mark.slot
    look = shown[number]
    assert look.activations is not None
    place = 0 if mark is None else look.channels.index(mark.channel)
    return {"hidden": False, "src": heatmap_picture(look.activations[place], ends.get(number) or 1.0)}


def heatmap_picture(values: np.ndarray, end: float) -> str:
    """A map (h, w) as a picture whose colours end at ±`end`, as a ``data:`` address.

    Its weak places are clear, as are those that are not finite.
    """
    share = np.clip(np.nan_to_num(values.astype(float), posinf=0, neginf=0) / end, -1, 1)
    colours = COLOURS[np.round((share + 1) * 127.5).astype(int)]
    opacity = np.minimum(OPAQUE, 1.5 * np.abs(share))[..., None] * 255
    file = io.BytesIO()
    Image.fromarray(np.concatenate((colours, opacity), -1).round().astype(np.uint8), "RGBA").save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
