"""The camera: one convention for the renderer and for the interactive view in the browser.

The camera stands still at the origin of its own space, looks down −z, y up, and the object moves:

    x_camera = Rz(roll) · Rx(−pitch) · Ry(yaw) · x_object + (pan_x, pan_y, −distance)

so positive yaw turns the object's front to the right of the picture, negative pitch shows it from above, and
positive roll turns it counter-clockwise. Angles in degrees, lengths in radii of the object's bounding sphere.
The picture is square; its field of view is `FIELD_OF_VIEW` in both directions.
"""

import math

import torch
from torch import Tensor

FIELD_OF_VIEW = 30.0
"""Full angle of view, in degrees, horizontally and vertically."""

NEAR = 0.05
"""Distance of the near plane, in radii."""

TAN_HALF = math.tan(math.radians(FIELD_OF_VIEW / 2))


def projection(size: int, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """From camera space to homogeneous coordinates (x·w, y·w, w) on a grid of size × size samples: (3, 3).

    Sample centres lie at whole numbers, x to the right, y downwards; w is the distance along the view axis.
    """
    focal, centre = size / (2 * TAN_HALF), (size - 1) / 2
    return torch.tensor([[focal, 0, -centre], [0, -focal, -centre], [0, 0, -1]], dtype=dtype, device=device)


def rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Rotation from object to camera space.

    Args:
        yaw, pitch, roll: (B,) degrees.

    Returns:
        (B, 3, 3), to be applied as ``R @ x``.
    """
    y, p, r = (torch.deg2rad(angle) for angle in (yaw, -pitch, roll))
    one, zero = torch.ones_like(y), torch.zeros_like(y)

    def matrix(*rows: Tensor) -> Tensor:
        return torch.stack(rows, -1).reshape(-1, 3, 3)

    ry = matrix(y.cos(), zero, y.sin(), zero, one, zero, -y.sin(), zero, y.cos())
    rx = matrix(one, zero, zero, zero, p.cos(), -p.sin(), zero, p.sin(), p.cos())
    rz = matrix(r.cos(), -r.sin(), zero, r.sin(), r.cos(), zero, zero, zero, one)
    return rz @ rx @ ry
