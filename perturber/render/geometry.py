"""From a mesh in object space to triangles on the sample grid: morph, camera, culling, near plane.

Arrays hold components first and triangles last, ``(components, corners, T)``: every step is then one pass over
contiguous memory.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from perturber.render.camera import NEAR


@dataclass(frozen=True)
class Triangles:
    """The triangles that may be seen, of all pictures of a batch.

    Attributes:
        picture: (T,) int64, which picture each belongs to.
        coefficients: (3, A, T), functions ``a·x + b·y + c`` of the sample (first axis: a, b, c) for 1/w and each
            attribute over w, where w is the distance along the view axis. Quotients with the first are
            perspective-correct attributes, also for triangles that cross the camera plane.
        x, y: (3, P) corners on the sample grid of the pieces in front of the near plane.
        owner: (P,) int64 triangle of each piece, or None where pieces and triangles are the same.
    """

    picture: Tensor
    coefficients: Tensor
    x: Tensor
    y: Tensor
    owner: Tensor | None


def project(points: Tensor, attributes: Tensor, faces: Tensor) -> Triangles:
    """Set up the triangles that face the camera.

    Args:
        points: (B, 3, V) vertices on the sample grid, homogeneous (see `perturber.render.camera.projection`).
        attributes: (B, A, V) to be interpolated; the first is 1.
        faces: (3, F) int64, counter-clockwise seen from outside; back faces are dropped.
    """
    batch, _, vertices = points.shape
    vertex = faces[:, None] + torch.arange(0, batch * vertices, vertices, device=faces.device)[:, None]
    vertex = vertex.view(3, -1)
    corners = _gather(points.transpose(0, 1).reshape(3, -1), vertex)

    # Homogeneous rasterisation (Olano & Greer 1997): one inverse gives every attribute, whatever the signs of w.
    p0, p1, p2 = corners.unbind(1)
    n0 = torch.linalg.cross(p1, p2, dim=0)
    determinant = (p0 * n0).sum(0)
    seen = ((determinant < 0) & (corners[2].amax(0) > NEAR)).nonzero().squeeze(1)

    corners = select(corners, seen)
    p0, p1, p2 = corners.unbind(1)
    edges = n0.index_select(1, seen), torch.linalg.cross(p2, p0, dim=0), torch.linalg.cross(p0, p1, dim=0)
    values = _gather(attributes.transpose(0, 1).reshape(attributes.shape[1], -1), vertex.index_select(1, seen))
    inverse = 1 / determinant.index_select(0, seen)
    terms = ((edge * inverse)[:, None] * values[:, corner] for corner, edge in enumerate(edges))
    picture = torch.div(seen, faces.shape[1], rounding_mode="floor")
    pieces, owner = _in_front(corners)
    x, y = (pieces[:2] / pieces[2]).unbind()
    return Triangles(picture, sum(terms, start=values.new_zeros(())), x, y, owner)


def select(array: Tensor, triangle: Tensor) -> Tensor:
    """Some triangles of an array (·, ·, T); torch gathers from two dimensions ten times faster than from three."""
    return array.flatten(0, 1).index_select(1, triangle).view(*array.shape[:2], -1)


def _gather(table: Tensor, vertex: Tensor) -> Tensor:
    """The columns (A, ·) of the corners (3, T) → (A, 3, T)."""
    return table.index_select(1, vertex.flatten()).view(len(table), 3, -1)


def _in_front(corners: Tensor) -> tuple[Tensor, Tensor | None]:
    """Cut triangles (3, 3, T) at the near plane; returns the pieces and whose they are."""
    before = corners[2] >= NEAR
    count = before.sum(0)
    if bool((count == 3).all()):
        return corners, None
    pieces, owners = [corners[:, :, count == 3]], [(count == 3).nonzero().squeeze(1)]
    for whole, lone in ((1, before), (2, ~before)):
        cut = (count == whole).nonzero().squeeze(1)
        # Turn the triangle until the corner that is alone on its side of the plane comes first.
        turn = (lone[:, cut].to(torch.int64).argmax(0) + torch.arange(3, device=corners.device)[:, None]) % 3
        alone, second, third = corners[:, :, cut].gather(1, turn.expand(3, -1, -1)).unbind(1)
        at_second, at_third = _cut(alone, second), _cut(alone, third)
        if whole == 1:
            pieces.append(torch.stack((alone, at_second, at_third), 1))
            owners.append(cut)
        else:
            pieces += [
                torch.stack((at_second, second, third), 1),
                torch.stack((at_second, third, at_third), 1),
            ]
            owners += [cut, cut]
    return torch.cat(pieces, 2), torch.cat(owners)


def _cut(inside: Tensor, outside: Tensor) -> Tensor:
    """Where the edge between two points (3, ·) meets the near plane."""
    share = (NEAR - inside[2]) / (outside[2] - inside[2])
    point = torch.lerp(inside, outside, share)
    return torch.cat((point[:2], torch.full_like(point[2:], NEAR)))
