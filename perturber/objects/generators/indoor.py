"""A living room in the afternoon, from the height of a pet's eyes: sofa, window, lamp, plant, rug on oak boards."""

import numpy as np

from perturber.objects.generators import indoor_paint as paint
from perturber.objects.generators.furniture import furniture
from perturber.objects.generators.lawn import blur_by
from perturber.objects.generators.march import Solid, camera, cast, draw, occlusion, shadow
from perturber.objects.generators.noise import smoothstep

Array = np.ndarray

HORIZON, FOCAL = 0.43, 1.05
EYE = np.array([0.0, 0.55, 0.0])

SUN = np.array([-0.30, 0.72, 0.88]) / np.linalg.norm([-0.30, 0.72, 0.88])
"""Towards the sun, which stands behind the window."""

FILL = np.array([-0.55, 0.70, -0.45]) / np.linalg.norm([-0.55, 0.70, -0.45])
"""Towards a second window, behind the camera at the upper left: the soft light of the room."""


def paint_indoor(size: int) -> Array:
    """(size, size, 3) in [0, 1]."""
    solids = furniture()
    picture, depth = draw(size, lambda rows, side: _strip(rows, side, solids))
    picture = blur_by(picture, (2.6 * smoothstep(1.9, 3.6, depth) + 0.8 * smoothstep(0.9, 0.6, depth)) * size / 1024)
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    grain = np.random.default_rng(61).normal(0, 0.005, (size, size, 1))
    return picture * (1 - 0.17 * (np.hypot(u - 0.5, v - 0.5) / 0.7) ** 3)[..., None] + grain


def _strip(rows: Array, size: int, solids: list[Solid]) -> tuple[Array, Array]:
    u, _, rays = camera(size, rows, horizon=HORIZON, focal=FOCAL)
    colour, depth = _look(EYE, rays, solids, mirrored=True)
    return colour.reshape(*u.shape, 3), depth.reshape(u.shape)


def _look(eye: Array, rays: Array, solids: list[Solid], *, mirrored: bool) -> tuple[Array, Array]:
    """Colours (N, 3) that rays bring back, and how far they went (N,)."""
    eye = np.broadcast_to(eye, rays.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = np.where(rays[:, 1] < 0, -eye[:, 1] / rays[:, 1], np.inf)
        wall = np.where(rays[:, 2] > 0, (paint.WALL - eye[:, 2]) / rays[:, 2], np.inf)
    depth, which = cast(solids, eye, rays, np.minimum(np.minimum(floor, wall), 30.0))
    p = eye + depth[:, None] * rays
    colour = np.zeros_like(p)
    for k, solid in enumerate(solids):
        at = np.flatnonzero(which == k)
        if len(at):
            normal = solid.normals(p[at])
            colour[at] = solid.paint(p[at], normal) * np.maximum(_light(p[at], normal, solids), solid.glow)
    at = np.flatnonzero((which < 0) & (wall <= floor))
    normal = np.broadcast_to([0.0, 0.0, -1.0], (len(at), 3))
    surface, shining = paint.back_wall(p[at])
    colour[at] = np.where(shining[:, None], surface, surface * _light(p[at], normal, solids))
    at = np.flatnonzero((which < 0) & (floor < wall))
    if len(at):
        colour[at] = _floor(p[at], rays[at], solids, mirrored)
    return colour, depth


def _floor(p: Array, rays: Array, solids: list[Solid], mirrored: bool) -> Array:
    up = np.broadcast_to([0.0, 1.0, 0.0], p.shape)
    surface, gloss = paint.floor(p)
    colour = surface * _light(p, up, solids)
    if mirrored:  # polish shows the room upside down, the more the flatter one looks along the boards
        flipped = rays * [1.0, -1.0, 1.0] + 0.012 * paint.waviness(p)[:, None] * [1.0, 0.4, 0.0]
        seen, _ = _look(p + 1e-3 * up, flipped, solids, mirrored=False)
        slope = -rays[:, 1] / np.linalg.norm(rays, axis=1)
        share = gloss * (0.01 + 0.60 * (1 - slope) ** 5)
        colour = colour * (1 - share[:, None]) + seen * share[:, None]
    return colour


def _light(p: Array, normal: Array, solids: list[Solid]) -> Array:
    """Colour of the light on places (N, 3): the room's own, two windows, the sun, and the lamp."""
    above = p + 4e-3 * normal
    open_ = occlusion(solids, above, normal, reaches=(0.05, 0.16, 0.40), strength=0.85)
    open_ *= 1 - 0.35 * np.exp(-np.maximum(p[:, 1], 0) / 0.12) * (np.abs(normal[:, 1]) < 0.5)
    open_ *= 1 - 0.35 * np.exp(-np.maximum(paint.WALL - p[:, 2], 0) / 0.18) * (normal[:, 1] > 0.5)
    fill = shadow(solids, above, FILL, reach=2.0, soft=0.35) * np.clip(normal @ FILL, 0, 1)
    sun = np.clip(normal @ SUN, 0, 1) * paint.sunlit(p, SUN)
    at = np.flatnonzero(sun > 0)
    sun[at] *= shadow(solids, above[at], SUN, reach=3.0, soft=0.02)
    window = np.array([-0.75, 1.5, paint.WALL]) - p
    reach = np.linalg.norm(window, axis=1)
    day = np.clip(0.35 + 0.65 * (normal * window).sum(1) / reach, 0, 1) / (1 + 0.5 * reach**2)
    lamp = paint.LAMP - p
    reach = np.linalg.norm(lamp, axis=1)
    warm = np.clip(0.25 + 0.75 * (normal * lamp).sum(1) / reach, 0, 1) / (0.35 + 2.2 * reach**2)
    return (
        open_[:, None] * (np.array([0.44, 0.44, 0.45]) + day[:, None] * [0.62, 0.68, 0.76])
        + fill[:, None] * [0.46, 0.45, 0.44]
        + sun[:, None] * [0.80, 0.68, 0.46]
        + (warm * (0.4 + 0.6 * open_))[:, None] * [0.62, 0.42, 0.20]
    )
