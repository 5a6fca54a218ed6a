"""Solids given by distance fields, cast by one ray for each pixel: for backgrounds with bodies in them.

Places are in metres: x to the right, y up, z away from the camera. A solid says in which sphere it lies, so that
only the rays that pass through that sphere walk along its distance field.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
Triple = tuple[float, float, float]
Paint = Callable[[Array, Array], Array]
"""Places and normals (N, 3) → colours (N, 3)."""

STEPS = 90
CLOSE = 8e-4
"""Metres at which a ray has arrived."""


@dataclass(frozen=True)
class Solid:
    """A body.

    Attributes:
        distance: places (N, 3) → signed distance to its surface (N,), never too large.
        paint: its colours.
        centre, radius: a sphere around it.
        glow: light that it has of its own, at the least.
    """

    distance: Callable[[Array], Array]
    paint: Paint
    centre: Triple
    radius: float
    glow: float = 0.0

    def normals(self, p: Array, step: float = 1.5e-3) -> Array:
        """Unit normals (N, 3), by central differences."""
        shifts = np.eye(3) * step
        slope = np.stack([self.distance(p + d) - self.distance(p - d) for d in shifts], 1)
        return slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-12)


def camera(size: int, rows: Array, *, horizon: float, focal: float) -> tuple[Array, Array, Array]:
    """Rays through the pixels of some rows of a square picture.

    Args:
        size: side of the picture, in pixels.
        rows: (R,) indices of rows.
        horizon: its height, from the top, in picture heights.
        focal: focal length, in picture heights.

    Returns:
        u and v of the pixels, (R, size), and directions (R · size, 3) whose z is 1: distance along them is depth.
    """
    v, u = np.meshgrid((rows + 0.5) / size, (np.arange(size) + 0.5) / size, indexing="ij")
    rays = np.stack(((u - 0.5) / focal, (horizon - v) / focal, np.ones_like(u)), -1)
    return u, v, rays.reshape(-1, 3)


def draw(size: int, strip: Callable[[Array, int], tuple[Array, Array]], *, over: int = 2) -> tuple[Array, Array]:
    """Draw a picture strip by strip, on every core.

    Args:
        size: side of the picture, in pixels.
        strip: indices of rows (R,), side of the picture in samples → colours (R, side, 3) and depths (R, side).
        over: samples per pixel along each axis.

    Returns:
        Colours (size, size, 3), the mean over each pixel's samples, and depths (size, size).
    """
    side = size * over
    with ThreadPoolExecutor() as pool:
        strips = list(pool.map(lambda rows: strip(rows, side), np.array_split(np.arange(side), max(2, side // 128))))
    colour, depth = (np.concatenate(parts) for parts in zip(*strips, strict=True))
    return colour.reshape(size, over, size, over, 3).mean((1, 3)), depth[::over, ::over]


def cast(solids: Sequence[Solid], eye: Array, rays: Array, limit: Array) -> tuple[Array, Array]:
    """Which solid each ray meets first.

    Args:
        eye: (3,) or (N, 3), where the rays start.
        rays: (N, 3) directions of any length.
        limit: (N,) how far each ray may go, in its own length.

    Returns:
        How far it went (N,), and the solid's index or −1 (N,).
    """
    eye = np.broadcast_to(eye, rays.shape)
    far, which = np.array(limit, float), np.full(len(rays), -1)
    length = np.linalg.norm(rays, axis=1)
    for k, solid in enumerate(solids):
        near, leave = _through(solid, eye, rays)
        at = np.flatnonzero((near < leave) & (near < far))
        t, end = near[at], np.minimum(leave[at], far[at])
        for _ in range(STEPS):
            if len(at) == 0:
                break
            gap = solid.distance(eye[at] + t[:, None] * rays[at])
            met = gap < CLOSE
            far[at[met]], which[at[met]] = t[met], k
            t = t + np.maximum(gap, CLOSE) / length[at]
            keep = ~met & (t < end)
            at, t, end = at[keep], t[keep], end[keep]
    return far, which


def _through(solid: Solid, eye: Array, rays: Array) -> tuple[Array, Array]:
    """Where rays enter and leave a solid's sphere, in their own length; what misses it leaves before it enters."""
    away = eye - np.array(solid.centre)
    a, b = dot(rays, rays), dot(away, rays)
    under = b**2 - a * (dot(away, away) - solid.radius**2)
    root = np.sqrt(np.maximum(under, 0))
    return np.where(under > 0, np.maximum((-b - root) / a, 0), 1.0), np.where(under > 0, (-b + root) / a, 0.0)


def shadow(solids: Sequence[Solid], p: Array, light: Array, *, reach: float, soft: float) -> Array:
    """How much of a wide lamp places see: (N,), 1 in the open.

    The penumbra comes from how closely the ray to the lamp passes by a solid.

    Args:
        p: (N, 3), a little above the surface.
        light: (3,) unit direction to the lamp.
        reach: how far solids matter, in metres.
        soft: half the lamp's apparent width, in radians.
    """
    seen = np.ones(len(p))
    rays = np.broadcast_to(light, p.shape)
    for solid in solids:
        away = p - np.array(solid.centre)
        wide = solid.radius + soft * reach
        near, leave = _through(Solid(solid.distance, solid.paint, solid.centre, wide), p, rays)
        at = np.flatnonzero((near < leave) & (near < reach) & (dot(away, away) < (reach + wide) ** 2))
        t, end = np.maximum(near[at], 0.02), np.minimum(leave[at], reach)
        for _ in range(40):
            if len(at) == 0:
                break
            gap = solid.distance(p[at] + t[:, None] * rays[at])
            seen[at] = np.minimum(seen[at], np.clip(0.5 + 0.5 * gap / (soft * t), 0, 1))
            t = t + np.maximum(np.abs(gap), 0.012)
            keep = (t < end) & (seen[at] > 0.01)
            at, t, end = at[keep], t[keep], end[keep]
    return seen * seen * (3 - 2 * seen)


def occlusion(solids: Sequence[Solid], p: Array, normal: Array, *, reaches: Sequence[float], strength: float) -> Array:
    """How open the sky is over places: (N,), 1 where no solid is near.

    Args:
        p, normal: (N, 3).
        reaches: at which heights over the surface the room is measured, in metres.
        strength: of the darkening.
    """
    lost = np.zeros(len(p))
    for reach in reaches:
        q = p + normal * reach
        room = np.full(len(p), reach)
        for solid in solids:
            away = q - np.array(solid.centre)
            at = np.flatnonzero(dot(away, away) < (solid.radius + reach) ** 2)
            if len(at):
                room[at] = np.minimum(room[at], solid.distance(q[at]))
        lost += np.clip(1 - room / reach, 0, 1)
    return np.clip(1 - strength * lost / len(reaches), 0, 1)


def dot(u: Array, v: Array) -> Array:
    """Products of vectors (N, 3): (N,)."""
    return np.einsum("ij,ij->i", u, v)


def ellipsoid(p: Array, centre: Triple, radii: Triple) -> Array:
    """Distance to an ellipsoid, good near its surface."""
    x, y, z = ((p[:, i] - centre[i]) / radii[i] for i in range(3))
    k0 = np.sqrt(x * x + y * y + z * z)
    k1 = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2 + (z / radii[2]) ** 2)
    return np.where(k1 > 1e-9, k0 * (k0 - 1) / np.maximum(k1, 1e-9), -min(radii))


def block(p: Array, centre: Triple, size: Triple, rounded: float = 0.0) -> Array:
    """Distance to a box with rounded edges."""
    x, y, z = (np.abs(p[:, i] - centre[i]) - (size[i] / 2 - rounded) for i in range(3))
    return outside(x, y, z) + np.minimum(np.maximum(np.maximum(x, y), z), 0) - rounded


def outside(*gaps: Array) -> Array:
    """Distance from places to a body that lies behind several planes, 0 inside it."""
    total = np.maximum(gaps[0], 0) ** 2
    for gap in gaps[1:]:
        total += np.maximum(gap, 0) ** 2
    return np.sqrt(total)


def capsule(p: Array, a: Array, b: Array, ra: float, rb: float) -> Array:
    """Distance to a rod with round ends whose radius goes from `ra` to `rb`."""
    axis = b - a
    t = np.clip((p - a) @ axis / (axis @ axis), 0, 1)
    x, y, z = (p[:, i] - a[i] - t * axis[i] for i in range(3))
    return np.sqrt(x * x + y * y + z * z) - (ra + (rb - ra) * t)


def upright(p: Array, centre: Triple, radius: float, height: float, top: float | None = None) -> Array:
    """Distance to a standing cylinder or cone; `radius` at its foot, `top` (or the same) at its head."""
    y = p[:, 1] - centre[1]
    share = np.clip(y / height + 0.5, 0, 1)
    r = radius + ((radius if top is None else top) - radius) * share
    out, above = np.hypot(p[:, 0] - centre[0], p[:, 2] - centre[2]) - r, np.abs(y) - height / 2
    return 0.9 * (outside(out, above) + np.minimum(np.maximum(out, above), 0))


def join(distances: Sequence[Array], soft: float) -> Array:
    """Smooth minimum of distances, each (N,)."""
    low = np.minimum.reduce(distances)
    return low - soft * np.log(sum(np.exp((low - d) / soft) for d in distances))
