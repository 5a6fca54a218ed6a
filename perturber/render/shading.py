"""Three lamps and Blinn–Phong reflection (Blinn 1977, "Models of light reflection for computer synthesized pictures").

    shade = ambient + Σ strength · max(n·l, 0)
    gloss = specular · Σ strength · max(n·h, 0)^shininess      h halfway between lamp and eye

The lamps are fixed to the camera, so that turning the object moves its shadows over it; azimuth and elevation turn them
all about it.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from perturber.render.camera import rotation


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


def lamp_directions(azimuth: Tensor, elevation: Tensor) -> Tensor:
    """Unit vectors to each lamp and halfway between it and the eye, as ``Ry(azimuth) · Rx(−elevation)`` turns them.

    Args:
        azimuth, elevation: (B,) degrees; positive moves a light in front to the right, or upwards.

    Returns:
        (B, 2 · lamps, 3), the directions first.
    """
    standing = azimuth.new_tensor([lamp.direction for lamp in LAMPS])
    turn = rotation(azimuth, torch.zeros_like(azimuth), torch.zeros_like(azimuth)) @ rotation(
        torch.zeros_like(azimuth), elevation, torch.zeros_like(azimuth)
    )
    towards = F.normalize(standing @ turn.transpose(1, 2), dim=2)
    # At the minimum of the norm, a lamp straight behind the surface, the direction does not matter: nothing is lit.
    halfway = F.normalize(towards + towards.new_tensor([0, 0, 1]), dim=2)
    return torch.cat((towards, halfway), 1)


def blinn_phong(normal: Tensor, shininess: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Light that a white surface reflects to an eye far away (OpenGL's non-local viewer).

    Args:
        normal: (3, N) surface normals in camera space, any length.
        shininess: (N,) or (1,) exponent.
        directions: (2 · lamps, 3) from `lamp_directions`, or (2 · lamps, 3, N) where every sample has its own.

    Returns:
        Diffuse shade, ambient light included, and gloss before the specular coefficient; each (N,).
    """
    normal = normal * torch.rsqrt((normal * normal).sum(0) + 1e-20)
    strength = normal.new_tensor([lamp.strength for lamp in LAMPS])
    cosines = directions @ normal if directions.ndim == 2 else torch.einsum("lcn,cn->ln", directions, normal)
    facing, alignment = cosines.split(len(LAMPS))
    # Limited to 2⁻³⁰, which nobody sees: floats near underflow make a CPU crawl.
    highlight = (alignment.clamp_min(1e-6).log2() * shininess).clamp_min(-30).exp2()
    # A lamp behind the surface leaves no highlight.
    highlight = torch.where(facing > 0, highlight, 0)
    return AMBIENT + strength @ facing.clamp_min(0), strength @ highlight
