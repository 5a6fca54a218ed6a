"""What a model slot of Explore shows of a look."""

import math
from collections.abc import Mapping

import numpy as np

from perturber.figures import SIGMAS, activation_mosaic, cam_picture, gradient_picture
from perturber.service import SlotLook
from perturber.ui.callbacks.messages import Props
from perturber.ui.components.bars import NO_LOGITS, Evidence, bar_rows
from perturber.ui.components.controls import control_id
from perturber.ui.components.maps import MapsProperties, Pictures, figure_without_values, map_values, scale_ends
from perturber.ui.showing.pictures import jpeg
from perturber.ui.states.display import DIVISOR_RANGE, DIVISOR_STEP, View

NO_ACTIVATIONS = "Activations are switched off"
NO_PREDICTIONS = "Predictions are switched off"


def scales(looks: Mapping[int, SlotLook], view: View) -> dict[int, float]:
    """Slot → activation at which its colours end."""
    own = {n: SIGMAS * slot.deviation for n, slot in looks.items() if slot.activations is not None}
    if view.divisor is not None:
        return dict.fromkeys(own, 10**view.divisor)
    return dict.fromkeys(own, max(own.values())) if view.shared and own else own


def divisor_of(ends: Mapping[int, float]) -> float:
    """log10 of the widest scale, at a stop of the slider that would fix it.

    Args:
        ends: of `scales`.
    """
    widest = max(ends.values())
    least, most = DIVISOR_RANGE
    found = math.log10(widest) if widest > 0 else least
    return round(min(max(round(found / DIVISOR_STEP) * DIVISOR_STEP, least), most), 2)


def slot_signature(slot: SlotLook, view: View) -> str:
    """Tells which figure and cards are drawn: the same signature, the same but for values and pictures."""
    if slot.activations is None:
        return "none"
    return f"{slot.model} {slot.layer} {','.join(map(str, slot.channels))} {view.cards}"


def maps_props(
    page: str, number: int, slot: SlotLook, scale: float, *, drawn: bool, cards: list[Pictures] | None
) -> Props:
    """What the heatmaps show; of what is drawn already only the values.

    Args:
        scale: where the colours end.
        drawn: whether these neurons are drawn already.
        cards: of other neurons, what stands under their maps until the pictures are known; None for maps alone.
    """
    if slot.activations is None:
        return {"id": control_id(page, "maps", number), "props": {"empty": NO_ACTIVATIONS}}
    shown: MapsProperties = {
        "values": map_values(slot.activations),
        "scale": scale if scale > 0 else 1.0,
        "ends": scale_ends(scale),
    }
    if not drawn:
        shown |= {
            "figure": figure_without_values(activation_mosaic(slot.activations, slot.channels, scale=scale)),
            "channels": slot.channels,
            "aspect": (slot.activations.shape[1], slot.activations.shape[2]),
            "empty": "",
            "pictures": cards,
        }
    return {"id": control_id(page, "maps", number), "props": dict(shown)}


def bars_props(
    page: str,
    number: int,
    slot: SlotLook,
    image: np.ndarray,
    *,
    example: Evidence | None,
    examples: Mapping[int, Evidence],
) -> Props:
    """What a slot predicts, and what in the picture speaks for it.

    Args:
        image: (224, 224, 3) uint8 that the network saw.
        example: what the most probable class looks like.
        examples: class → picture that takes its place while the class is pointed at.
    """
    props = {
        "rows": bar_rows(slot.top or (), action="Click to pin it."),
        "empty": NO_PREDICTIONS if slot.top is None else "" if slot.top else NO_LOGITS,
        "pinned": bar_rows(slot.pinned, action="Click to let it go."),
        "evidence": [*([] if example is None else [example]), *explained(slot, image)],
        "examples": examples,
    }
    return {"id": control_id(page, "bars", number), "props": props}


def explained(slot: SlotLook, image: np.ndarray) -> list[Evidence]:
    """Grad-CAM and the input's gradient, where they were asked for.

    Args:
        image: (224, 224, 3) uint8 that the network saw.
    """
    if slot.explanation is None:
        return []
    name = slot.explanation.score.name
    cam, gradient = cam_picture(image, slot.explanation.cam), gradient_picture(slot.explanation.gradient)

    def evidence(kind: str, picture: np.ndarray, title: str, caption: str) -> Evidence:
        return Evidence(kind=kind, src=jpeg(picture), title=title, note="", progress=None, caption=caption)  # type: ignore[typeddict-item]

    return [
        evidence("cam", cam, f"Grad-CAM of the last feature maps for {name}", "Grad-CAM"),
        evidence(
            "gradient",
            gradient,
            f"Gradient of the logit of {name}: red where a brighter pixel raises it",
            "Input gradient",
        ),
    ]
