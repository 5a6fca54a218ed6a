"""The fifteen corruptions of ImageNet-C (Hendrycks & Dietterich 2019, "Benchmarking neural network robustness to common
corruptions and perturbations"), with a continuous severity, for batches.

At the severities 1 … 5 each family has the published constants, which are pixels of pictures of 224 × 224 and stay so
at other sizes (but for elastic transform's, which grow with the picture). Between them, and between the untouched
picture at 0 and severity 1, the constants are interpolated linearly; each family's function says what else it does.
What is random depends on the item's seed alone, and stays in place while the severity changes.
"""

from collections.abc import Callable

from torch import Tensor

from perturber.effects.corruptions.defocus import defocus_blur
from perturber.effects.corruptions.elastic import elastic_transform
from perturber.effects.corruptions.fog import fog
from perturber.effects.corruptions.frost import frost
from perturber.effects.corruptions.glass import glass_blur
from perturber.effects.corruptions.jpeg import jpeg_compression
from perturber.effects.corruptions.light import brightness, contrast
from perturber.effects.corruptions.motion import motion_blur
from perturber.effects.corruptions.noise import gaussian_noise, impulse_noise, shot_noise
from perturber.effects.corruptions.pixelate import pixelate
from perturber.effects.corruptions.snow import snow
from perturber.effects.corruptions.zoom import zoom_blur
from perturber.effects.registry import effect

__all__ = ["FAMILIES", "Corruption"]


Corruption = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Of pictures (B, 3, H, W) in [0, 1], severities (B,) in [0, 5] and seeds (B,) int64 → pictures in [0, 1]."""

FAMILIES: dict[str, Corruption] = {
    function.__name__: function
    for function in (
        gaussian_noise, shot_noise, impulse_noise, defocus_blur, glass_blur, motion_blur, zoom_blur, snow, frost, fog,
        brightness, contrast, elastic_transform, pixelate, jpeg_compression,
    )
}  # fmt: skip
"""All families by their published name, in the paper's order; `perturber.parameters` has their labels and help."""

for _name, _function in FAMILIES.items():
    effect(f"corruption_{_name}", "corruption_seed", idle=("corruption_seed",))(_function)
