"""From a mesh in object space to triangles on the sample grid: morph, camera, culling, near plane."""

from dataclasses import dataclass

import torch
from torch import Tensor

from perturber.render.camera import NEAR, TAN_HALF


@dataclass(frozen=True)
class Triangles:
    """The triangles that may be seen, of all pictures of a batch.

    Attributes:
        picture: (T,) int64, which picture each belongs to.
        coefficients: (T, 3, 6), functions ``a·x + b·y + c`` of the sample (second axis: a, b, c) for 1/w, u/w, v/w
            and the camera-space normal's three components over w, where w is the distance along the view axis.
            Quotients with the first are perspective-correct attributes, also for triangles that cross the camera plane.
        x, y: (P, 3) corners on the sample grid of the pieces in front of the near plane.
        owner: (P,) int64 triangle of each piece, or None where pieces and triangles are the same.
    """

    picture: Tensor
    coefficients: Tensor
    x: Tensor
    y: Tensor
    owner: Tensor | None


def project(positions: Tensor, normals: Tensor, uv: Tensor, faces: Tensor, size: int) -> Triangles:
    """Set up the triangles that face the camera.

    Args:
        positions: (B, V, 3) in camera space.
        normals: (B, V, 3) in camera space.
        uv: (V, 2).
        faces: (F, 3) int64, counter-clockwise seen from outside; back faces are dropped.
        size: side of a picture, in samples.
    """
    batch, vertices, _ = positions.shape
    x, y, z = positions.unbind(2)
    w = -z
    focal, centre = size / (2 * TAN_HALF), (size - 1) / 2
    corner = (faces + torch.arange(batch, device=faces.device)[:, None, None] * vertices).view(-1)
    homogeneous = torch.stack((focal * x + centre * w, centre * w - focal * y, w), 2).view(-1, 3)
    points = homogeneous.index_select(0, corner).view(-1, 3, 3)

    # Homogeneous rasterisation (Olano & Greer 1997): one inverse gives every attribute, whatever the signs of w.
    p0, p1, p2 = points.unbind(1)
    n0 = torch.linalg.cross(p1, p2)
    determinant = (p0 * n0).sum(1)
    distance = points[:, :, 2]
    front = (distance > NEAR).any(1)
    seen = ((determinant < 0) & front).nonzero().squeeze(1)

    points = points.index_select(0, seen)
    p0, p1, p2 = points.unbind(1)
    inverse = torch.stack((n0.index_select(0, seen), torch.linalg.cross(p2, p0), torch.linalg.cross(p0, p1)), 2)
    inverse = inverse / determinant.index_select(0, seen)[:, None, None]
    corner = corner.view(-1, 3).index_select(0, seen)
    attributes = torch.cat((uv.new_ones(*corner.shape, 1), uv[corner % vertices], normals.reshape(-1, 3)[corner]), 2)
    picture = torch.div(seen, len(faces), rounding_mode="floor")
    pieces, owner = _in_front(points)
    x, y = pieces[:, :, 0] / pieces[:, :, 2], pieces[:, :, 1] / pieces[:, :, 2]
    return Triangles(picture, inverse @ attributes, x, y, owner)


def _in_front(points: Tensor) -> tuple[Tensor, Tensor | None]:
    """Cut triangles (T, 3, 3) in homogeneous coordinates at the near plane; returns the pieces and their owners."""
    before = points[:, :, 2] >= NEAR
    count = before.sum(1)
    if bool((count == 3).all()):
        return points, None
    pieces, owners = [points[count == 3]], [(count == 3).nonzero().squeeze(1)]
    for corners, lone in ((1, before), (2, ~before)):
        cut = (count == corners).nonzero().squeeze(1)
        # Turn the triangle until the corner that is alone on its side of the plane comes first.
        turn = (lone[cut].to(torch.int64).argmax(1)[:, None] + torch.arange(3, device=points.device)) % 3
        alone, second, third = points[cut].gather(1, turn[:, :, None].expand(-1, -1, 3)).unbind(1)
        at_second, at_third = _cut(alone, second), _cut(alone, third)
        if corners == 1:
            pieces.append(torch.stack((alone, at_second, at_third), 1))
            owners.append(cut)
        else:
            pieces += [
                torch.stack((at_second, second, third), 1),
                torch.stack((at_second, third, at_third), 1),
            ]
            owners += [cut, cut]
    return torch.cat(pieces), torch.cat(owners)


def _cut(inside: Tensor, outside: Tensor) -> Tensor:
    """Where the edge between two points meets the near plane."""
    share = (NEAR - inside[:, 2]) / (outside[:, 2] - inside[:, 2])
    point = torch.lerp(inside, outside, share[:, None])
    return torch.cat((point[:, :2], torch.full_like(point[:, 2:], NEAR)), 1)
