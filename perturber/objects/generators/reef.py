"""What lives around the clearing under water: rocks, corals, sponges, sea grass and a starfish."""

from itertools import pairwise

import numpy as np

from perturber.objects.generators.march import Paint, Solid, Triple, capsule, ellipsoid, join, outside, upright
from perturber.objects.generators.noise import Noise, mix, smoothstep

Array = np.ndarray

ROCKS: tuple[tuple[Triple, Triple], ...] = (  # centre, radii
    ((-1.45, 0.08, 3.0), (0.70, 0.56, 0.60)), ((-0.98, 0.00, 2.45), (0.30, 0.22, 0.28)),
    ((-2.15, 0.25, 4.3), (1.05, 1.15, 0.85)), ((1.42, 0.06, 2.9), (0.62, 0.50, 0.52)),
    ((0.98, 0.00, 3.5), (0.38, 0.26, 0.36)), ((2.25, 0.30, 4.5), (1.05, 1.40, 0.90)),
    ((-1.0, 0.0, 6.2), (0.95, 0.55, 0.60)), ((0.7, 0.0, 7.4), (1.3, 0.85, 0.8)),
    ((3.7, 0.5, 8.3), (2.1, 2.1, 1.1)), ((-4.0, 0.5, 8.6), (2.2, 2.4, 1.2)),
)  # fmt: skip


def reef() -> list[Solid]:
    """All solids of the reef."""
    solids = [_rock(centre, radii, 160 + k) for k, (centre, radii) in enumerate(ROCKS)]
    solids += _corals() + _sponges() + _grass()
    solids.append(_starfish(np.array([0.36, 0.012, 1.24]), 0.095))
    return solids


def _speckled(colour: tuple[float, float, float], seed: int, other: tuple[float, float, float] | None = None,
              frequency: float = 14.0) -> Paint:  # fmt: skip
    noise = Noise(seed)
    second = np.array(colour) * 0.6 if other is None else np.array(other)

    def paint(p: Array, _: Array) -> Array:
        blend = smoothstep(0.35, 0.65, noise.fractal(p, frequency, 3))
        return mix(np.tile(colour, (len(p), 1)), second, blend) * (0.82 + 0.36 * noise(p, 90.0))[:, None]

    return paint


def _rock(centre: Triple, radii: Triple, seed: int) -> Solid:
    """A lump of old reef, grown over with algae and crusts of many colours."""
    noise = Noise(seed)
    rough = 0.16 * min(radii)

    def distance(p: Array) -> Array:
        bumps = noise.fractal(p, 1.6 / min(radii), 4) - 0.5
        return 0.62 * (ellipsoid(p, centre, radii) + 2.4 * rough * bumps)

    def paint(p: Array, normal: Array) -> Array:
        tone = noise.fractal(p + 3, 5.0, 4)
        colour = mix(np.array([0.42, 0.35, 0.31]), np.array([0.70, 0.60, 0.50]), tone)
        for shift, crust, share in (
            (11, (0.74, 0.34, 0.50), 0.54),
            (23, (0.86, 0.58, 0.24), 0.58),
            (37, (0.42, 0.50, 0.24), 0.54),
        ):
            patch = noise.fractal(p + shift, 3.2, 4)
            colour = mix(colour, np.array(crust), 0.85 * smoothstep(share, share + 0.05, patch))
        pores = noise(p + 50, 55.0)
        return colour * (0.68 + 0.5 * pores * (0.6 + 0.4 * np.clip(normal[:, 1], 0, 1)))[:, None]

    return Solid(distance, paint, centre, max(radii) * 1.22)


def _corals() -> list[Solid]:
    solids = []
    brains = (((-0.94, 0.14, 2.34), 0.19, (0.86, 0.66, 0.30)), ((1.16, 0.50, 2.62), 0.20, (0.60, 0.68, 0.32)),
              ((0.92, 0.04, 2.58), 0.14, (0.86, 0.50, 0.44)))  # fmt: skip
    solids += [_brain(centre, radius, colour, 180 + k) for k, (centre, radius, colour) in enumerate(brains)]
    branching = (
        ((-1.24, 0.54, 2.66), 0.46, (0.97, 0.44, 0.32), 4), ((-0.72, 0.03, 2.85), 0.36, (0.97, 0.76, 0.34), 3),
        ((1.46, 0.50, 2.62), 0.44, (0.70, 0.42, 0.84), 4), ((0.98, 0.20, 3.25), 0.40, (0.97, 0.55, 0.64), 3),
        ((-1.80, 1.20, 3.9), 0.65, (0.95, 0.62, 0.36), 4), ((1.80, 1.30, 4.1), 0.70, (0.97, 0.52, 0.44), 4),
        ((0.35, 0.62, 7.0), 0.80, (0.85, 0.55, 0.55), 3),
    )  # fmt: skip
    for k, (foot, tall, colour, depth) in enumerate(branching):
        solids.append(_bush(np.array(foot), tall, colour, depth, 190 + k))
    fans = (((-1.52, 0.62, 2.95), 0.56, (0.80, 0.24, 0.50), 0.30), ((1.62, 0.52, 3.15), 0.62, (0.97, 0.64, 0.22), -0.3))
    solids += [_fan(np.array(foot), tall, colour, turn, 200 + k) for k, (foot, tall, colour, turn) in enumerate(fans)]
    return solids


def _brain(centre: Triple, radius: float, colour: tuple[float, float, float], seed: int) -> Solid:
    """A dome with winding furrows."""
    noise = Noise(seed)

    def furrows(p: Array) -> Array:
        winding = noise.fractal(p, 1.3 / radius, 2) * 9
        return np.abs(winding % 1 - 0.5) * 2

    def distance(p: Array) -> Array:
        return 0.7 * (ellipsoid(p, centre, (radius, 0.8 * radius, radius)) - 0.05 * radius * furrows(p))

    def paint(p: Array, _: Array) -> Array:
        return np.array(colour) * (0.45 + 0.65 * furrows(p))[:, None]

    return Solid(distance, paint, centre, radius * 1.1)


def _bush(foot: Array, tall: float, colour: tuple[float, float, float], depth: int, seed: int) -> Solid:
    """Staghorn coral: branches that fork upwards and outwards, paler at their tips."""
    rng = np.random.default_rng(seed)
    rods: list[tuple[Array, Array, float, float]] = []

    def grow(at: Array, way: Array, length: float, thick: float, left: int) -> None:
        end = at + way * length
        rods.append((at, end, thick, 0.78 * thick))
        if left == 0:
            return
        for k in range(2 + (left > 1 and rng.random() < 0.6)):
            turn = rng.normal(0, 0.42, 3) + 0.30 * np.array([np.cos(2.1 * k + left), 0.5, np.sin(2.1 * k + left)])
            new = way + turn
            grow(end, new / np.linalg.norm(new), length * rng.uniform(0.68, 0.92), 0.78 * thick, left - 1)

    for k in range(5):
        way = np.array([0.75 * np.cos(1.26 * k), 1.0, 0.75 * np.sin(1.26 * k)]) + rng.normal(0, 0.15, 3)
        grow(foot, way / np.linalg.norm(way), 0.34 * tall, 0.062 * tall, depth - 1)
    ends = np.array([rod[1] for rod in rods])
    low, high = np.minimum(ends.min(0), foot), ends.max(0)
    centre, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 + 0.08 * tall
    noise = Noise(seed)

    def distance(p: Array) -> Array:
        near = np.full(len(p), 9.0)
        for rod in rods:
            near = np.minimum(near, capsule(p, *rod))
        return near

    def paint(p: Array, _: Array) -> Array:
        tip = smoothstep(0.10 * tall, 0.0, np.min([np.linalg.norm(p - e, axis=1) for e in ends[-len(ends) // 2 :]], 0))
        knobs = 0.80 + 0.4 * noise(p, 60.0 / tall * 0.5)
        return mix(np.tile(colour, (len(p), 1)), np.array([0.98, 0.92, 0.80]), 0.55 * tip) * knobs[:, None]

    return Solid(distance, paint, tuple(centre), radius)


def _fan(foot: Array, tall: float, colour: tuple[float, float, float], turn: float, seed: int) -> Solid:
    """Sea fan: a flat net of veins on a short stem."""
    side, front = np.array([np.cos(turn), 0, np.sin(turn)]), np.array([-np.sin(turn), 0, np.cos(turn)])
    centre = foot + np.array([0, 0.55 * tall, 0])
    noise = Noise(seed, 2)

    def flat(p: Array) -> tuple[Array, Array, Array]:
        q = p - foot
        return q @ side, q[:, 1], q @ front

    def distance(p: Array) -> Array:
        a, b, c = flat(p)
        disc = np.hypot(a / 0.95, b - 0.55 * tall) - 0.45 * tall * (0.9 + 0.2 * noise(np.stack((a, b), -1), 9.0))
        bend = c - 0.25 * a**2 / tall - 0.02 * np.sin(9 * b / tall)
        plate = outside(disc, np.abs(bend) - 0.006) + np.minimum(np.maximum(disc, np.abs(bend) - 0.006), 0)
        stem = capsule(p, foot, foot + np.array([0, 0.2 * tall, 0]), 0.022, 0.014)
        return 0.75 * np.minimum(plate, stem)

    def paint(p: Array, _: Array) -> Array:
        a, b, _ = flat(p)
        angle, reach = np.arctan2(a, b + 0.05 * tall), np.hypot(a, b)
        warp = 0.10 * (noise.fractal(np.stack((a, b), -1), 12.0, 2) - 0.5)
        ribs = np.abs((angle + warp) * 14 / np.pi % 1 - 0.5) < 0.10
        fine = np.abs((angle + warp) * 44 / np.pi % 1 - 0.5) < 0.16
        rings = np.abs((reach / tall + warp) * 26 % 1 - 0.5) < 0.14
        tone = np.where(ribs, 1.25, np.where(fine | rings, 0.95, 0.50))
        return np.array(colour) * tone[:, None]

    return Solid(distance, paint, tuple(centre), 0.66 * tall)


def _sponges() -> list[Solid]:
    """Tubes in groups, open at the top."""
    groups = (
        ((-1.16, 0.26, 2.50), (0.95, 0.68, 0.18), 5),
        ((0.78, 0.06, 3.30), (0.46, 0.52, 0.90), 6),
        ((-1.45, 0.85, 3.9), (0.86, 0.38, 0.48), 5),
    )
    solids = []
    for k, (foot, colour, count) in enumerate(groups):
        rng = np.random.default_rng(210 + k)
        tubes = []
        for j in range(count):
            at = np.array(foot) + [0.11 * np.cos(2.4 * j), 0, 0.11 * np.sin(2.4 * j)] * rng.uniform(0.4, 1.2, 3)
            tubes.append((at, rng.uniform(0.22, 0.46), rng.uniform(0.034, 0.050)))
        solids.append(_tubes(tubes, np.array(foot), colour, 215 + k))
    return solids


def _tubes(
    tubes: list[tuple[Array, float, float]], foot: Array, colour: tuple[float, float, float], seed: int
) -> Solid:
    def distance(p: Array) -> Array:
        each = []
        for at, tall, r in tubes:
            lean = p - np.stack((0.18 * (p[:, 1] - at[1]) * np.sign(at[0] - foot[0]), 0 * p[:, 0], 0 * p[:, 0]), 1)
            middle = (at[0], at[1] + tall / 2, at[2])
            rings = 0.006 * np.sin((p[:, 1] - at[1]) * 75)
            wall = upright(lean, middle, r, tall, 1.25 * r) - 0.008 - rings
            hole = upright(lean, (at[0], at[1] + tall, at[2]), 0.65 * r, 0.5 * tall, 0.85 * r)
            each.append(np.maximum(wall, -hole))
        return 0.85 * np.minimum.reduce(each)

    noise = Noise(seed)

    def paint(p: Array, _: Array) -> Array:
        return np.array(colour) * (0.70 + 0.5 * noise.fractal(p, 30.0, 3))[:, None]

    return Solid(distance, paint, (float(foot[0]), float(foot[1]) + 0.22, float(foot[2])), 0.46)


def _grass() -> list[Solid]:
    """Tufts of sea grass that lean with the current."""
    solids = []
    for k, (x, z, tall) in enumerate(
        (
            (-0.74, 1.72, 0.30),
            (-0.90, 2.02, 0.38),
            (0.78, 1.80, 0.30),
            (1.00, 2.15, 0.42),
            (0.60, 4.6, 0.6),
            (-0.45, 4.9, 0.55),
        )
    ):
        rng = np.random.default_rng(220 + k)
        blades = []
        for _ in range(13):
            foot = np.array([x + rng.normal(0, 0.05), 0.0, z + rng.normal(0, 0.05)])
            lean = np.array([0.10 + rng.normal(0, 0.07), 1.0, rng.normal(0, 0.08)])
            high = tall * rng.uniform(0.55, 1.0)
            share = np.linspace(0, 1, 6)[:, None]
            blades.append(foot + high * (lean * share + np.array([0.22, -0.06, 0.0]) * share**2))
        solids.append(_tuft(blades, np.array([x, 0.0, z]), tall, 230 + k))
    return solids


def _tuft(blades: list[Array], foot: Array, tall: float, seed: int) -> Solid:
    def distance(p: Array) -> Array:
        near = np.full(len(p), 9.0)
        for blade in blades:
            for i, (a, b) in enumerate(pairwise(blade)):
                near = np.minimum(near, capsule(p, a, b, 0.0090 - 0.0014 * i, 0.0076 - 0.0014 * i))
        return near

    noise = Noise(seed)

    def paint(p: Array, _: Array) -> Array:
        share = np.clip(p[:, 1] / tall, 0, 1)
        colour = mix(np.array([0.12, 0.30, 0.10]), np.array([0.52, 0.68, 0.22]), share)
        return colour * (0.75 + 0.5 * noise(p * [1, 0.1, 1], 120.0))[:, None]

    return Solid(distance, paint, (float(foot[0]) + 0.05, tall / 2, float(foot[2])), 0.75 * tall + 0.06)


def _starfish(centre: Array, size: float) -> Solid:
    noise = Noise(240)

    def distance(p: Array) -> Array:
        q = p - centre
        angle = (np.arctan2(q[:, 0], q[:, 2]) + 0.5) % (2 * np.pi / 5) - np.pi / 5
        r = np.hypot(q[:, 0], q[:, 2])
        folded = np.stack((r * np.cos(angle), q[:, 1], r * np.sin(angle)), 1)
        arm = capsule(folded * [1, 1.5, 1], np.zeros(3), np.array([size, -0.01, 0.0]), 0.30 * size, 0.09 * size)
        return 0.6 * join([arm, ellipsoid(q, (0, 0, 0), (0.36 * size, 0.2 * size, 0.36 * size))], 0.08 * size)

    def paint(p: Array, _: Array) -> Array:
        q = p - centre
        angle = (np.arctan2(q[:, 0], q[:, 2]) + 0.5) % (2 * np.pi / 5) - np.pi / 5
        ridge = np.abs(np.hypot(q[:, 0], q[:, 2]) * np.sin(angle)) < 0.05 * size
        knobs = noise(p, 130.0) > 0.62
        colour = np.tile([0.90, 0.40, 0.16], (len(p), 1))
        return np.where((ridge | knobs)[:, None], [0.99, 0.72, 0.42], colour)

    return Solid(distance, paint, tuple(centre), 1.25 * size)
