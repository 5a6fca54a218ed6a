"""Three lamps and Blinn–Phong reflection (Blinn 1977, "Models of light reflection for computer synthesized pictures").

    shade = ambient + Σ strength · max(n·l, 0)
    gloss = specular · Σ strength · max(n·h, 0)^shininess      h halfway between lamp and eye

The lamps are fixed to the camera, so that turning the object moves its shadows over it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Lamp:
    """A directional lamp.

    Attributes:
        direction: towards the lamp, in camera space (x right, y up, z towards the camera); any length.
        strength: reflected part of a white surface that faces the lamp.
    """

    direction: tuple[float, float, float]
    strength: float


AMBIENT = 0.35
LAMPS = (
    Lamp((-0.5, 0.8, 0.9), 0.62),  # key: upper left, in front
    Lamp((0.9, 0.1, 0.6), 0.22),  # fill: right
    Lamp((0.2, 0.8, -0.9), 0.30),  # rim: above, behind
)


def blinn_phong(normal: Tensor, shininess: Tensor) -> tuple[Tensor, Tensor]:
    """Light that a white surface reflects to an eye far away (OpenGL's non-local viewer).

    Args:
        normal: (3, N) surface normals in camera space, any length.
        shininess: (N,) or (1,) exponent.

    Returns:
        Diffuse shade, ambient light included, and gloss before the specular coefficient; each (N,).
    """
    normal = normal * torch.rsqrt((normal * normal).sum(0) + 1e-20)
    towards = F.normalize(normal.new_tensor([lamp.direction for lamp in LAMPS]), dim=1)
    halfway = F.normalize(towards + towards.new_tensor([0, 0, 1]), dim=1)
    strength = normal.new_tensor([lamp.strength for lamp in LAMPS])
    facing, alignment = (torch.cat((towards, halfway)) @ normal).split(len(LAMPS))
    # Limited to 2⁻³⁰, which nobody sees: floats near underflow make a CPU crawl.
    highlight = (alignment.clamp_min(1e-6).log2() * shininess).clamp_min(-30).exp2()
    # A lamp behind the surface leaves no highlight.
    highlight = torch.where(facing > 0, highlight, 0)
    return AMBIENT + strength @ facing.clamp_min(0), strength @ highlight
