"""Post-processing of pictures, in the order in which it is applied."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from perturber.effects import colour
from perturber.parameters import PARAMETERS
from perturber.scene import SceneBase

__all__ = ["EFFECTS", "apply"]

Effect = Callable[[Tensor, Tensor], Tensor]

EFFECTS: dict[str, Effect] = {
    "hue": colour.hue,
    "saturation": colour.saturation,
    "alpha": colour.alpha,
}
"""Parameter key → function of pictures (B, 3, H, W) in [0, 1] and one value per picture (B,)."""


def apply(images: Tensor, scenes: Sequence[SceneBase]) -> Tensor:
    """Apply every effect whose parameter is not at its default; the others cost nothing and change no bit.

    Args:
        images: (B, 3, H, W) in [0, 1].
        scenes: B scenes, one for each picture.
    """
    for key, effect in EFFECTS.items():
        default = PARAMETERS[key].default
        changed = [i for i, scene in enumerate(scenes) if getattr(scene, key) != default]
        if not changed:
            continue
        amounts = torch.tensor([getattr(scenes[i], key) for i in changed], device=images.device)
        if len(changed) == len(scenes):
            images = effect(images, amounts)
        else:
            images = images.index_copy(0, torch.tensor(changed, device=images.device), effect(images[changed], amounts))
    return images
