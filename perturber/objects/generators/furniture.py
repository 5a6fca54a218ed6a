"""What stands in the living room: sofa with cushions, plant, low shelf with books, floor lamp."""

import numpy as np

from perturber.objects.generators.march import Paint, Solid, Triple, block, capsule, ellipsoid, join, outside, upright
from perturber.objects.generators.noise import Noise

Array = np.ndarray

FABRIC = np.array([0.50, 0.53, 0.55])
OAK = np.array([0.56, 0.40, 0.25])
WALNUT = np.array([0.30, 0.19, 0.12])
SHADE = np.array([0.98, 0.88, 0.66])

LAMP_FOOT: Triple = (-0.10, 0.0, 3.32)


def furniture() -> list[Solid]:
    """All solids of the room."""
    return [*_sofa(), *_shelf(), *_plant(), *_lamp()]


def _plain(colour: Array, seed: int, frequency: float = 9.0, depth: float = 0.10) -> Paint:
    noise = Noise(seed)
    return lambda p, _: colour * (1 + 2 * depth * (noise.fractal(p, frequency, 3) - 0.5))[:, None]


def _weave(colour: Array, seed: int) -> Paint:
    """Cloth: threads both ways and a little wear."""
    noise = Noise(seed)

    def paint(p: Array, normal: Array) -> Array:
        threads = np.sin(p[:, 0] * 420) * np.sin((p[:, 1] + p[:, 2]) * 420)
        tone = 1 + 0.05 * threads + 0.14 * (noise.fractal(p, 5.0, 3) - 0.5) + 0.10 * (noise(p, 120.0) - 0.5)
        return colour * tone[:, None]

    return paint


def _sofa() -> list[Solid]:
    """Three seats against the wall, its right arm beyond the picture's edge."""
    cloth = _weave(FABRIC, 71)

    def frame(p: Array) -> Array:
        back = block(p, (1.18, 0.52, 3.44), (2.10, 0.62, 0.24), 0.09)
        base = block(p, (1.18, 0.25, 3.08), (2.10, 0.22, 0.84), 0.05)
        arms = [block(p, (x, 0.37, 3.06), (0.20, 0.48, 0.88), 0.085) for x in (0.18, 2.18)]
        return join([back, base, *arms], 0.012)

    def seats(p: Array) -> Array:
        soft = [block(p, (x, 0.43, 2.98), (0.60, 0.16, 0.72), 0.065) for x in (0.585, 1.185, 1.785)]
        return np.minimum.reduce(soft) - 0.012 * np.exp(-(((p[:, 2] - 3.0) / 0.25) ** 2))

    def backs(p: Array) -> Array:
        lean = p + np.stack((0 * p[:, 0], 0 * p[:, 0], -0.16 * (p[:, 1] - 0.5)), 1)
        return 0.95 * np.minimum.reduce(
            [block(lean, (x, 0.70, 3.26), (0.59, 0.40, 0.18), 0.075) for x in (0.585, 1.185, 1.785)]
        )

    def legs(p: Array) -> Array:
        return np.minimum.reduce(
            [upright(p, (x, 0.07, z), 0.018, 0.14, 0.028) for x in (0.16, 2.2) for z in (2.70, 3.4)]
        )

    middle, size = (1.18, 0.5, 3.1), 1.35
    solids = [Solid(f, cloth, middle, size) for f in (frame, seats, backs)]
    solids.append(Solid(legs, _plain(WALNUT, 72), middle, size))
    pillows = (((0.50, 0.67, 3.05), (0.86, 0.62, 0.22), -0.35), ((0.80, 0.65, 3.06), (0.74, 0.30, 0.20), 0.30),
               ((1.50, 0.66, 3.04), (0.90, 0.86, 0.78), -0.15))  # fmt: skip
    return solids + [
        _pillow(centre, np.array(colour), turn, 80 + i) for i, (centre, colour, turn) in enumerate(pillows)
    ]


def _pillow(centre: Triple, colour: Array, turn: float, seed: int) -> Solid:
    c, s = np.cos(turn), np.sin(turn)
    tilt = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    cloth = _weave(colour, seed)

    def distance(p: Array) -> Array:
        q = (p - np.array(centre)) @ tilt
        q[:, 2] -= 0.45 * q[:, 1]
        a, b = np.abs(q[:, 0]) / 0.20, np.abs(q[:, 1]) / 0.20
        thick = 0.012 + 0.075 * np.clip(1 - a**2.6, 0, 1) ** 0.6 * np.clip(1 - b**2.6, 0, 1) ** 0.6
        pinch = 1 - 0.10 * np.maximum(a, b) ** 3 + 0.10 * np.minimum(a, b) ** 2
        wide, tall, deep = np.abs(q[:, 0]) - 0.205 * pinch, np.abs(q[:, 1]) - 0.205 * pinch, np.abs(q[:, 2]) - thick
        return 0.55 * (outside(wide, tall, deep) + np.minimum(np.maximum(np.maximum(wide, tall), deep), 0))

    return Solid(distance, cloth, centre, 0.36)


BOOKS = (
    (0.17, 0.030, (0.62, 0.16, 0.13)), (0.19, 0.040, (0.13, 0.24, 0.36)), (0.16, 0.026, (0.85, 0.78, 0.62)),
    (0.20, 0.034, (0.20, 0.36, 0.28)), (0.18, 0.030, (0.86, 0.58, 0.20)), (0.17, 0.045, (0.30, 0.22, 0.34)),
    (0.20, 0.028, (0.80, 0.80, 0.78)), (0.18, 0.036, (0.55, 0.25, 0.20)), (0.16, 0.030, (0.24, 0.42, 0.50)),
)  # fmt: skip
"""Height, thickness, colour."""


def _shelf() -> list[Solid]:
    """A low open shelf under the window, with books and a basket."""
    left, right, top, depth = -1.52, -0.42, 0.56, 0.30
    z = 3.58 - depth / 2
    middle = (left + right) / 2

    def boards(p: Array) -> Array:
        flat = [block(p, (middle, y, z), (right - left, 0.032, depth), 0.006) for y in (0.10, 0.32, top)]
        sides = [block(p, (x, 0.33, z), (0.032, 0.48, depth), 0.006) for x in (left, middle, right)]
        feet = [block(p, (x, 0.05, z), (0.04, 0.10, depth * 0.8), 0.004) for x in (left + 0.04, right - 0.04)]
        back = block(p, (middle, 0.33, 3.57), (right - left, 0.48, 0.012))
        return np.minimum.reduce([*flat, *sides, *feet, back])

    grain = Noise(90)

    def wood(p: Array, _: Array) -> Array:
        fibre = grain.fractal(p * [3.0, 40.0, 40.0], 1.0, 3)
        return OAK * (0.85 + 0.3 * fibre)[:, None]

    solids = [Solid(boards, wood, (middle, 0.33, z), 0.66)]
    for row, (y, start) in enumerate(((0.336, left + 0.05), (0.116, middle + 0.05))):
        solids.append(_books(start, y, z - 0.02, row))
    basket = (middle - 0.27, 0.20, z - 0.02)

    def wicker(p: Array, _: Array) -> Array:
        return (
            np.array([0.66, 0.50, 0.32]) * (0.72 + 0.4 * (np.sin(p[:, 0] * 160) * np.sin(p[:, 1] * 190) > 0))[:, None]
        )

    solids.append(Solid(lambda p: block(p, basket, (0.40, 0.165, 0.24), 0.03), wicker, basket, 0.26))
    vase: Triple = (-0.62, 0.66, z)

    def body(p: Array) -> Array:
        return join([ellipsoid(p, vase, (0.065, 0.08, 0.065)), upright(p, (-0.62, 0.75, z), 0.03, 0.08, 0.036)], 0.01)

    return [*solids, Solid(body, _plain(np.array([0.22, 0.42, 0.46]), 91, 30.0, 0.06), vase, 0.17)]


def _books(start: float, y: float, z: float, row: int) -> Solid:
    order = np.random.default_rng(95 + row).permutation(len(BOOKS))
    edges = start + np.concatenate(([0], np.cumsum([BOOKS[k][1] + 0.002 for k in order])))
    sizes = [(BOOKS[k][0] * 0.9, BOOKS[k][1]) for k in order]
    colours = np.array([BOOKS[k][2] for k in order])
    centre = ((edges[0] + edges[-1]) / 2, y + 0.09, z)

    def distance(p: Array) -> Array:
        each = [block(p, (edges[i] + w / 2, y + h / 2, z), (w, h, 0.20), 0.004) for i, (h, w) in enumerate(sizes)]
        return np.minimum.reduce(each)

    def paint(p: Array, normal: Array) -> Array:
        which = np.clip(np.searchsorted(edges, p[:, 0]) - 1, 0, len(order) - 1)
        tall = np.array([h for h, _ in sizes])[which]
        share = (p[:, 1] - y) / tall
        label = ((np.abs(share - 0.78) < 0.03) | (np.abs(share - 0.22) < 0.02))[:, None]
        pages = (normal[:, 1] > 0.7)[:, None]
        return np.where(pages, [0.90, 0.87, 0.78], np.where(label, [0.88, 0.80, 0.58], colours[which]))

    return Solid(distance, paint, centre, 0.30)


def _plant() -> list[Solid]:
    """A rubber plant in a pot at the left edge: stems with broad leaves."""
    foot = np.array([-1.18, 0.0, 2.62])
    pot: Triple = (float(foot[0]), 0.17, float(foot[2]))
    rim: Triple = (pot[0], 0.335, pot[2])
    clay, earth = _plain(np.array([0.86, 0.83, 0.78]), 101), _plain(np.array([0.16, 0.11, 0.08]), 102, 40.0, 0.4)
    solids = [
        Solid(lambda p: upright(p, pot, 0.115, 0.34, 0.165), clay, pot, 0.27),
        Solid(lambda p: upright(p, rim, 0.15, 0.03), earth, rim, 0.18),
    ]
    bark = _plain(np.array([0.30, 0.24, 0.14]), 104)
    rng = np.random.default_rng(103)
    for k, (lean_x, lean_z, tall) in enumerate(((-0.10, 0.02, 1.25), (0.09, -0.05, 1.05), (-0.02, 0.10, 1.45))):
        top = foot + np.array([lean_x, tall, lean_z])
        root = foot + np.array([0.25 * lean_x, 0.33, 0.25 * lean_z])
        solids.append(_rod(root, top, 0.012, 0.005, bark))
        for j in range(9):
            along = 0.30 + 0.70 * (j / 8)
            around = 2.4 * j + 1.7 * k + rng.normal(0, 0.2)
            solids.append(
                _leaf(
                    root + (top - root) * along,
                    around,
                    0.65 - 0.5 * along + rng.normal(0, 0.1),
                    0.125 * rng.uniform(0.75, 1.1),
                    rng,
                )
            )
    return solids


def _rod(a: Array, b: Array, ra: float, rb: float, paint: Paint) -> Solid:
    radius = float(np.linalg.norm(b - a)) / 2 + 0.03
    return Solid(lambda p: capsule(p, a, b, ra, rb), paint, tuple((a + b) / 2), radius)


def _leaf(at: Array, around: float, droop: float, half: float, rng: np.random.Generator) -> Solid:
    """An oval leaf of half length `half` that grows outwards from `at` and hangs by `droop` radians."""
    out = np.array([np.cos(around), 0.0, np.sin(around)])
    along = out * np.cos(droop - 0.5) - np.array([0, 1.0, 0]) * np.sin(droop - 0.5)
    side = np.cross(along, (0, 1, 0))
    side /= np.linalg.norm(side)
    over = np.cross(side, along)
    centre = at + along * (half + 0.03)
    axes = np.stack((along, side, over), 1)
    tone = np.array([0.10, 0.27, 0.10]) * rng.uniform(0.85, 1.35) * [1, 1, rng.uniform(0.7, 1.2)]

    def local(p: Array) -> Array:
        q = (p - centre) @ axes
        q[:, 2] += 1.1 * q[:, 0] ** 2 / half * 0.35 - 0.5 * np.abs(q[:, 1]) * 0.35
        return q

    def distance(p: Array) -> Array:
        return 0.7 * ellipsoid(local(p), (0, 0, 0), (half, 0.46 * half, 0.008))

    def paint(p: Array, normal: Array) -> Array:
        q = local(p)
        rib = np.abs(q[:, 1]) < 0.02 * half + 0.004
        veins = np.abs((np.abs(q[:, 1]) * 0.6 - q[:, 0]) / half * 3.2 % 1 - 0.5) < 0.06
        gleam = 0.25 * np.clip(normal[:, 1], 0, 1) ** 3
        colour = tone + gleam[:, None] * [0.5, 0.6, 0.5]
        return np.where(rib[:, None], tone * 2.1, np.where(veins[:, None], colour * 1.25, colour))

    return Solid(distance, paint, tuple(centre), half * 1.25)


def _lamp() -> list[Solid]:
    x, _, z = LAMP_FOOT
    brass = _plain(np.array([0.62, 0.48, 0.26]), 111, 20.0, 0.05)

    def stand(p: Array) -> Array:
        foot = upright(p, (x, 0.012, z), 0.14, 0.024)
        return np.minimum(foot, capsule(p, np.array([x, 0.02, z]), np.array([x, 1.44, z]), 0.012, 0.010))

    def shade(p: Array) -> Array:
        return upright(p, (x, 1.52, z), 0.205, 0.27, 0.135)

    def cloth(p: Array, normal: Array) -> Array:
        bright = np.exp(-(((p[:, 1] - 1.50) / 0.13) ** 2))
        folds = 1 + 0.03 * np.sin(np.arctan2(p[:, 0] - x, p[:, 2] - z) * 60)
        return SHADE * ((0.86 + 0.26 * bright) * folds)[:, None]

    return [Solid(stand, brass, (x, 0.73, z), 0.76), Solid(shade, cloth, (x, 1.52, z), 0.27, glow=1.0)]
