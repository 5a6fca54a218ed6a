"""Post-processing of pictures, in the order of the parameter table.

An effect is a function with the decorator `effect`, in any module of this package.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from importlib import import_module
from pkgutil import iter_modules

import torch
from torch import Tensor

from perturber.effects.registry import Effect, effect, registered
from perturber.parameters import PARAMETERS, Text
from perturber.scene import SceneBase
from perturber.threads import one_thread

__all__ = ["EFFECTS", "Effect", "apply", "changes", "effect"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

EFFECTS: tuple[Effect, ...] = registered()
"""In the order in which they are applied."""


def changes(scene: SceneBase) -> bool:
    """Whether any effect works on a scene's picture."""
    return any(step.works_on(scene) for step in EFFECTS)


def apply(images: Tensor, scenes: Sequence[SceneBase], values: Mapping[str, Tensor] | None = None) -> Tensor:
    """Apply every effect whose parameters are not at their defaults; the others use no compute and change no bit.

    Args:
        images: (B, 3, H, W) in [0, 1].
        scenes: B scenes, one for each picture.
        values: parameter key → (B,), in place of what the scenes say: for derivatives with respect to parameters.
    """
    values = values or {}
    alone = len(scenes) == 1 and images.device.type == "cpu"
    with one_thread() if alone else nullcontext():
        return _apply(images, scenes, values)


def _apply(images: Tensor, scenes: Sequence[SceneBase], values: Mapping[str, Tensor]) -> Tensor:
    for step in EFFECTS:
        asked = any(key in values for key in step.keys)
        changed = [i for i, scene in enumerate(scenes) if asked or step.works_on(scene)]
        if not changed:
            continue
        if len(changed) == len(scenes):
            images = step.function(images, *_values(step, scenes, values, images))
        else:
            index = torch.tensor(changed, device=images.device)
            amounts = _values(step, [scenes[i] for i in changed], {}, images)
            images = images.index_copy(0, index, step.function(images[index], *amounts))
    return images


def _values(
    step: Effect, scenes: Sequence[SceneBase], values: Mapping[str, Tensor], images: Tensor
) -> list[Tensor | list[str]]:
    columns: list[Tensor | list[str]] = []
    for key in step.keys:
        column = [getattr(scene, key) for scene in scenes]
        if key in values:
            columns.append(values[key])
        elif isinstance(PARAMETERS[key], Text):
            columns.append(column)
        else:
            columns.append(torch.tensor(column, dtype=images.dtype, device=images.device))
    return columns
