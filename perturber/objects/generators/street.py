"""A street between houses, drawn by casting one ray for each pixel into a corridor of planes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perturber.objects.generators.lawn import blur_by
from perturber.objects.generators.noise import Noise, mix, smoothstep

Array = np.ndarray

HORIZON = 0.43
EYE = 1.55
"""Height of the camera over the road, in metres; with the focal length it sets the perspective."""

FOCAL = 1.05
"""In picture heights."""

KERB, PAVEMENT, WALL = 4.6, 0.14, 7.6
"""Half the road's width, the pavement's height, and where the houses stand, in metres."""


@dataclass(frozen=True)
class House:
    """One façade along the street.

    Attributes:
        start, end: where it stands, metres from the camera.
        height: to the eaves.
        wall: colour of the plaster or brick.
        bay, storey: width and height of what repeats around each window.
        brick: whether joints show.
        awning: colour over the shop windows.
    """

    start: float
    end: float
    height: float
    wall: tuple[float, float, float]
    bay: float
    storey: float
    brick: bool
    awning: tuple[float, float, float]


LEFT = (
    House(-5, 9, 13.5, (0.56, 0.33, 0.26), 2.1, 3.3, True, (0.15, 0.30, 0.22)),
    House(9, 17, 10.5, (0.80, 0.74, 0.62), 2.4, 3.2, False, (0.22, 0.24, 0.36)),
    House(17, 28, 15.0, (0.46, 0.40, 0.37), 2.0, 3.4, True, (0.45, 0.36, 0.20)),
    House(28, 46, 11.5, (0.72, 0.66, 0.58), 2.3, 3.2, False, (0.30, 0.30, 0.30)),
    House(46, 90, 14.0, (0.58, 0.42, 0.34), 2.2, 3.3, True, (0.30, 0.30, 0.30)),
)
RIGHT = (
    House(-5, 7, 11.0, (0.84, 0.80, 0.72), 2.3, 3.2, False, (0.30, 0.22, 0.16)),
    House(7, 19, 14.5, (0.62, 0.36, 0.28), 2.0, 3.3, True, (0.18, 0.26, 0.34)),
    House(19, 30, 11.0, (0.76, 0.70, 0.60), 2.5, 3.2, False, (0.20, 0.32, 0.24)),
    House(30, 52, 16.0, (0.52, 0.46, 0.43), 2.1, 3.4, True, (0.30, 0.30, 0.30)),
    House(52, 90, 12.0, (0.70, 0.58, 0.48), 2.2, 3.2, False, (0.30, 0.30, 0.30)),
)


def paint_street(size: int) -> Array:
    """(size, size, 3) in [0, 1]."""
    over = 2
    rows = np.array_split(np.arange(size * over), 8)
    strips = [_strip(part, size * over) for part in rows]
    picture = np.concatenate([s[0] for s in strips])
    depth = np.concatenate([s[1] for s in strips])
    picture = picture.reshape(size, over, size, over, 3).mean((1, 3))
    depth = depth[::over, ::over]
    blur = 4.2 * smoothstep(7, 30, depth) + 1.2 * smoothstep(5, 9, depth)
    picture = blur_by(picture, blur * size / 1024)
    v, u = (np.mgrid[:size, :size] + 0.5) / size
    grain = np.random.default_rng(8).normal(0, 0.007, (size, size, 1))
    return picture * (1 - 0.15 * (np.hypot(u - 0.5, v - 0.5) / 0.7) ** 3)[..., None] + grain


def _strip(rows: Array, size: int) -> tuple[Array, Array]:
    v, u = np.meshgrid((rows + 0.5) / size, (np.arange(size) + 0.5) / size, indexing="ij")
    dx, dy = (u - 0.5) / FOCAL, (HORIZON - v) / FOCAL  # the ray is (dx, dy, 1) · depth
    colour, depth = _sky(u, v), np.full(u.shape, 200.0)
    with np.errstate(divide="ignore"):
        road = np.where(dy < 0, -EYE / dy, np.inf)
        kerb_x = KERB * np.sign(dx)
        walls = np.where(dx != 0, WALL / np.abs(dx), np.inf)
        pavement = np.where(dy < 0, -(EYE - PAVEMENT) / dy, np.inf)
    x_road = dx * road
    on_road = np.abs(x_road) < KERB
    on_pavement = ~on_road & (np.abs(dx * pavement) >= KERB) & (np.abs(dx * pavement) < WALL)
    on_kerb = ~on_road & ~on_pavement & (dy < 0) & (np.abs(dx * pavement) < KERB)
    with np.errstate(divide="ignore", invalid="ignore"):
        kerbs = kerb_x / dx
    _put(colour, depth, on_road, road, lambda m: _asphalt(x_road[m], road[m]))
    _put(colour, depth, on_pavement, pavement, lambda m: _slabs((dx * pavement)[m], pavement[m]))
    _put(colour, depth, on_kerb, kerbs, lambda m: np.full((m.sum(), 3), 0.60))
    for side, houses in ((-1, LEFT), (1, RIGHT)):
        for k, house in enumerate(houses):
            y = EYE + dy * walls
            hit = (np.sign(dx) == side) & (walls >= house.start) & (walls < house.end)
            hit &= (y >= PAVEMENT) & (y < house.height + 0.5)
            light = 0.80 if side < 0 else 1.06
            _put(colour, depth, hit, walls, _facade_painter(house, k, walls, y, light))
    far = np.array([0.80, 0.84, 0.88])
    colour = mix(colour, far, 0.55 * smoothstep(15, 95, depth) * (depth < 199))
    return _far_end(colour, depth, u, v), depth


def _facade_painter(house: House, seed: int, z: Array, y: Array, light: float) -> Callable[[Array], Array]:
    return lambda where: light * _facade(house, seed, z[where], y[where])


def _far_end(colour: Array, depth: Array, u: Array, v: Array) -> Array:
    """Trees and a tower where the street ends, in the haze."""
    noise = Noise(34, 2)
    place = np.stack((u, v), -1)
    tower = (np.abs(u - 0.535) < 0.022) & (v > 0.29) | (np.abs(u - 0.455) < 0.035) & (v > 0.345)
    windows = 0.94 + 0.10 * ((u * 260 % 1 > 0.5) & (v * 180 % 1 > 0.45))
    colour = np.where((tower & (depth > 199))[..., None], np.array([0.68, 0.70, 0.74]) * windows[..., None], colour)
    crown = 0.375 + 0.035 * (noise.fractal(np.stack((u * 40, 0 * u), -1), 1.0, 3) - 0.5) * 2
    leaves = noise.fractal(place, 90.0, 3)
    green = mix(np.array([0.34, 0.44, 0.30]), np.array([0.58, 0.66, 0.48]), leaves)
    edge = smoothstep(-0.012, 0.012, v - crown + 0.03 * (leaves - 0.5))
    return mix(colour, green, edge * (depth > 199) * (v < HORIZON + 0.01))


def _put(colour: Array, depth: Array, where: Array, distance: Array, paint: Callable[[Array], Array]) -> None:
    where = where & (distance < 90)
    if where.any():
        colour[where] = paint(where)
        depth[where] = distance[where]


def _sky(u: Array, v: Array) -> Array:
    cloud = Noise(31, 2).fractal(np.stack((u * 3 + 2, v * 6), -1), 1.0, 5)
    colour = mix(np.array([0.48, 0.66, 0.90]), np.array([0.88, 0.92, 0.96]), smoothstep(0, HORIZON, v))
    return mix(colour, np.array([0.97, 0.97, 0.97]), 0.8 * smoothstep(0.45, 0.65, cloud))


def _asphalt(x: Array, z: Array) -> Array:
    place = np.stack((x, z), -1)
    noise = Noise(32, 2)
    grey = 0.335 + 0.09 * (noise.fractal(place, 0.7, 4) - 0.5)
    grey += 0.16 * (noise.fractal(place, 34.0, 2) - 0.5) * smoothstep(16, 4, z)
    tyre = np.exp(-(((np.abs(np.abs(x) - 2.3) - 0.85) / 0.28) ** 2))
    grey -= 0.028 * tyre
    crack = np.abs(noise.fractal(place + 9, 0.55, 4) - 0.5)
    grey *= 1 - 0.30 * smoothstep(0.006, 0.002, crack)
    colour = grey[..., None] * np.array([1.0, 1.0, 1.03])
    worn = 0.72 + 0.5 * (noise.fractal(place + 20, 5.0, 3) - 0.5)
    dashes = (np.abs(x) < 0.07) & ((z + 1.2) % 6.0 < 3.0)
    edges = np.abs(np.abs(x) - (KERB - 0.35)) < 0.06
    colour = mix(colour, np.array([0.88, 0.88, 0.85]), worn * (dashes | edges))
    gutter = smoothstep(KERB - 0.22, KERB, np.abs(x))
    return colour * (1 - 0.35 * gutter)[..., None]


def _slabs(x: Array, z: Array) -> Array:
    place = np.stack((x, z), -1)
    noise = Noise(33, 2)
    stone = 0.58 + 0.10 * (noise.fractal(place, 3.0, 4) - 0.5)
    stone += 0.08 * (noise(np.stack((np.floor(np.abs(x) / 0.75), np.floor(z / 0.75)), -1) * 7.7) - 0.5)
    joint = np.minimum(np.abs(x) % 0.75, z % 0.75)
    stone *= 1 - 0.25 * smoothstep(0.03, 0.012, joint)
    rim = np.abs(x) < KERB + 0.16
    stone = np.where(rim, 0.70, stone)
    shade = 0.72 + 0.28 * smoothstep(WALL - 0.1, WALL - 1.6, np.abs(x))
    return (stone * shade)[..., None] * np.array([1.0, 0.98, 0.95])


def _facade(house: House, seed: int, z: Array, y: Array) -> Array:
    place = np.stack((z, y), -1)
    noise = Noise(40 + seed, 2)
    colour = np.tile(np.array(house.wall), (len(z), 1)) * (0.82 + 0.36 * noise.fractal(place, 1.4, 4))[:, None]
    if house.brick:
        course = np.floor(y / 0.085)
        along = (z + 0.12 * (course % 2)) / 0.25
        tone = noise(np.stack((np.floor(along), course), -1) * 3.3)
        joint = (y / 0.085 % 1 < 0.16) | (along % 1 < 0.07)
        colour = np.where(joint[:, None], colour * 0.6 + 0.24, colour * (0.80 + 0.4 * tone)[:, None])
    shop = 3.6
    cell_z, cell_y = (z - house.start) / house.bay, (y - shop) / house.storey
    a, b = cell_z % 1 - 0.5, cell_y % 1 - 0.5
    upper = (y > shop) & (y < house.height - 0.9)
    colour = np.where((upper & (np.abs(a) < 0.30) & (np.abs(b) < 0.36))[:, None], [0.86, 0.84, 0.80], colour)
    frame = upper & (np.abs(a) < 0.26) & (np.abs(b) < 0.325)
    bars = (np.abs(a) < 0.016) | (np.abs(b - 0.08) < 0.014)
    curtain = noise(np.stack((np.floor(cell_z), np.floor(cell_y)), -1) * 5.1)
    glass = mix(np.array([0.13, 0.16, 0.20]), np.array([0.62, 0.72, 0.82]), 0.75 * smoothstep(-0.2, 0.45, b + a * 0.6))
    glass = mix(glass, np.array([0.75, 0.72, 0.66]), 0.5 * (curtain > 0.6) * (b > 0.05))
    glass = np.where(bars[:, None], [0.90, 0.89, 0.86], glass)
    shadow = smoothstep(0.24, 0.325, b)
    colour = np.where(frame[:, None], glass * (1 - 0.45 * shadow)[:, None], colour)
    ground = y < shop
    colour = np.where(ground[:, None], _shop(house, noise, z, y, a), colour)
    cornice = (np.abs(y - shop) < 0.16) | (y > house.height - 0.45)
    colour = np.where(cornice[:, None], np.array(house.wall) * 0.6 + 0.34, colour)
    edge = np.minimum(z - house.start, house.end - z)
    return colour * (0.70 + 0.30 * smoothstep(0.0, 0.25, edge))[:, None]


def _shop(house: House, noise: Noise, z: Array, y: Array, a: Array) -> Array:
    inside = noise.fractal(np.stack((z, y), -1) + 3, 1.7, 3)
    glass = mix(np.array([0.10, 0.11, 0.13]), np.array([0.72, 0.62, 0.46]), 0.7 * smoothstep(0.45, 0.7, inside))
    glass = mix(glass, np.array([0.66, 0.74, 0.82]), 0.35 * smoothstep(0.3, -0.5, a))
    pillar = np.abs(a) > 0.42
    sill = y < 0.65
    colour = np.where((pillar | sill)[:, None], np.array(house.wall) * 0.55, glass)
    stripe = (z / 0.35 % 1 < 0.5)[:, None]
    awning = np.where(stripe, np.array(house.awning), [0.88, 0.86, 0.80])
    colour = np.where(((y > 2.45) & (y < 3.0))[:, None], awning, colour)
    return np.where((y >= 3.0)[:, None], np.array(house.awning) * 0.8, colour)
