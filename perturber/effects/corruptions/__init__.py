"""The fifteen corruptions of ImageNet-C (Hendrycks & Dietterich 2019, "Benchmarking neural network robustness to common
corruptions and perturbations"), with a continuous severity, for batches.

At the severities 1 … 5 each family has the published constants, which are pixels of pictures of 224 × 224 and stay so
at other sizes (but for elastic transform's, which grow with the picture). Between them, and between the untouched
picture at 0 and severity 1, the constants are interpolated linearly; each family's function says what else it does.
What is random depends on the item's seed alone, and stays in place while the severity changes.
"""

from collections.abc import Callable
from dataclasses import dataclass

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

__all__ = ["FAMILIES", "Corruption"]


@dataclass(frozen=True)
class Corruption:
    """One family.

    Attributes:
        key: name in code, as published.
        label: name for people.
        help: one sentence on what it does.
        function: pictures (B, 3, H, W) in [0, 1], severities (B,) in [0, 5], seeds (B,) int64 → pictures of the same
            shape and type in [0, 1].
    """

    key: str
    label: str
    help: str
    function: Callable[[Tensor, Tensor, Tensor], Tensor]


_ROWS = (
    ("Gaussian Noise", "Adds normally distributed noise, as sensors have in low light.", gaussian_noise),
    ("Shot Noise", "Counts light in few photons, so that noise grows with brightness.", shot_noise),
    ("Impulse Noise", "Makes single colour values black or white, as broken pixels and bit errors do.", impulse_noise),
    ("Defocus Blur", "Spreads each point over a disc, as a lens out of focus does.", defocus_blur),
    ("Glass Blur", "Moves pixels to their neighbourhood, as frosted glass does.", glass_blur),
    ("Motion Blur", "Smears along a line, as a camera does that moves quickly.", motion_blur),
    ("Zoom Blur", "Smears from the middle outwards, as a camera does that approaches quickly.", zoom_blur),
    ("Snow", "Whitens the picture and lets snow fall before it.", snow),
    ("Frost", "Shows the scene through a window with ice crystals.", frost),
    ("Fog", "Puts a cloud before the scene.", fog),
    ("Brightness", "Lifts the brightness of all pixels and keeps their hue and saturation.", brightness),
    ("Contrast", "Draws all pixels towards the picture's mean colour.", contrast),
    ("Elastic Transform", "Stretches the picture and bends it by a smooth random field.", elastic_transform),
    ("Pixelate", "Makes the picture small and large again, so that pixels become blocks.", pixelate),
    ("JPEG Compression", "Compresses the picture until blocks and false colours show.", jpeg_compression),
)

FAMILIES: dict[str, Corruption] = {
    function.__name__: Corruption(function.__name__, label, help, function) for label, help, function in _ROWS
}
"""All families by key, in the paper's order."""
