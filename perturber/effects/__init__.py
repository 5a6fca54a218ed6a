"""Post-processing of pictures, in the order in which it is applied."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from perturber.effects import colour
from perturber.effects.corruptions import FAMILIES
from perturber.effects.custom import custom
from perturber.effects.frequency import decompose
from perturber.effects.noise import gaussian_noise
from perturber.effects.patch_shuffle import patch_shuffle
from perturber.parameters import PARAMETERS, Text
from perturber.scene import SceneBase
from perturber.threads import one_thread

__all__ = ["EFFECTS", "Effect", "apply"]


@dataclass(frozen=True)
class Effect:
    """One step of the post-processing.

    Attributes:
        function: of pictures (B, 3, H, W) in [0, 1] and, for each of `keys`, one value per picture: a tensor (B,), or
            a list of texts.
        keys: parameters whose values it takes.
        idle: those of them that change nothing while the others are at their defaults (seeds, the cutoff).
    """

    function: Callable[..., Tensor]
    keys: tuple[str, ...]
    idle: tuple[str, ...] = ()

    def works_on(self, scene: SceneBase) -> bool:
        """Whether it changes the picture of this scene."""
        return any(getattr(scene, k) != PARAMETERS[k].default for k in self.keys if k not in self.idle)


_BANDS = tuple(f"{band}_{what}" for band in ("low", "high") for what in ("alpha", "sigma", "hue"))

EFFECTS: tuple[Effect, ...] = (
    Effect(colour.alpha, ("alpha",)),
    Effect(colour.hue, ("hue",)),
    Effect(colour.saturation, ("saturation",)),
    Effect(colour.contrast, ("contrast",)),
    Effect(colour.brightness, ("brightness",)),
    Effect(gaussian_noise, ("noise", "noise_seed"), idle=("noise_seed",)),
    Effect(patch_shuffle, ("patch_shuffle", "patch_seed"), idle=("patch_seed",)),
    Effect(custom, ("custom_value", "custom_code")),
    Effect(decompose, ("cutoff", *_BANDS), idle=("cutoff",)),
    *(
        Effect(function, (f"corruption_{key}", "corruption_seed"), idle=("corruption_seed",))
        for key, function in FAMILIES.items()
    ),
)
"""In the order in which they are applied, that of the parameter table."""


def apply(images: Tensor, scenes: Sequence[SceneBase], values: Mapping[str, Tensor] | None = None) -> Tensor:
    """Apply every effect whose parameters are not at their defaults; the others cost nothing and change no bit.

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
    for effect in EFFECTS:
        asked = any(key in values for key in effect.keys)
        changed = [i for i, scene in enumerate(scenes) if asked or effect.works_on(scene)]
        if not changed:
            continue
        if len(changed) == len(scenes):
            images = effect.function(images, *_values(effect, scenes, values, images))
        else:
            index = torch.tensor(changed, device=images.device)
            amounts = _values(effect, [scenes[i] for i in changed], {}, images)
            images = images.index_copy(0, index, effect.function(images[index], *amounts))
    return images


def _values(
    effect: Effect, scenes: Sequence[SceneBase], values: Mapping[str, Tensor], images: Tensor
) -> list[Tensor | list[str]]:
    columns: list[Tensor | list[str]] = []
    for key in effect.keys:
        column = [getattr(scene, key) for scene in scenes]
        if key in values:
            columns.append(values[key])
        elif isinstance(PARAMETERS[key], Text):
            columns.append(column)
        else:
            columns.append(torch.tensor(column, dtype=images.dtype, device=images.device))
    return columns
