"""Refusing what a model does not have."""

from collections.abc import Sequence

import numpy as np

from perturber import effects, zoo
from perturber.errors import InvalidInputError
from perturber.scene import SceneBase
from perturber.service.requests import IMAGE_SIZE, AttackRequest, ModelInfo, SlotRequest

MAX_CHANNELS = 64
"""Channels that one slot may ask for."""


def check_image(image: np.ndarray | None, scene: SceneBase | None = None) -> None:
    """Refuse a picture of the wrong shape.

    Args:
        scene: whose post-processing it gets, where a picture that gets none may be of any side.

    Raises:
        InvalidInputError: naming the right one.
    """
    if image is None or image.shape == (IMAGE_SIZE, IMAGE_SIZE, 3):
        return
    square = image.ndim == 3 and image.shape == (len(image), len(image), 3) and len(image) > 0
    if scene is None or not square:
        raise InvalidInputError(f"A picture must be {IMAGE_SIZE} × {IMAGE_SIZE} RGB, not of shape {image.shape}.")
    if effects.changes(scene):
        raise InvalidInputError(
            f"Post-processing is made for pictures of {IMAGE_SIZE} × {IMAGE_SIZE} pixels, not of {len(image)} × "
            f"{len(image)}. Give one of that size, or leave the scene's parameters as they are."
        )


def check_slot(info: ModelInfo, slot: SlotRequest) -> None:
    """Refuse a slot that asks for what its model does not have.

    Raises:
        UnknownNameError: naming the model's layers.
        InvalidInputError: naming the channels or classes that are allowed.
    """
    if slot.layer is not None:
        zoo.check_layer(info.name, info.layers, slot.layer, slot.channels)
    if len(slot.channels) > MAX_CHANNELS:
        raise InvalidInputError(f"{len(slot.channels)} channels are too many. Allowed: up to {MAX_CHANNELS}.")
    check_classes(info, slot.pinned)
    if slot.explain is not None and slot.explain != "top":
        check_classes(info, (slot.explain,))


def check_attack(info: ModelInfo, request: AttackRequest) -> None:
    """Refuse an attack that the model cannot stand, or shares that are none.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    if request.attack.target is not None:
        check_classes(info, (request.attack.target,))
    for name, share in (("Attack Alpha", request.alpha), ("Original Alpha", request.original)):
        if not 0 <= share <= 1:
            raise InvalidInputError(f"{name} cannot be {share}. Allowed: numbers from 0 to 1.")


def check_classes(info: ModelInfo, classes: Sequence[int]) -> None:
    """Refuse classes that a model does not have.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    for index in classes:
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(info.classes):
            raise InvalidInputError(
                f"{info.name} has no class {str(index)[:40]!r}. Allowed: whole numbers, 0 to {len(info.classes) - 1}."
            )
