"""The race car, a closed GT car: measures and paint.

Metres; x to the driver's left, y up from the road, z forward. `SCALE` brings it to the truck's length, so that
both get the same share of the texture.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

from perturber.objects.generators.drawing import Sheet, stamp
from perturber.objects.generators.noise import mix, smoothstep
from perturber.objects.generators.shapes import Block, Shell, Turned, hidden

Array = np.ndarray

SCALE = 1.6
FRONT, REAR = 2.32, -2.32
AXLE, WHEEL = 1.38, 0.345
FRONT_TRACK, REAR_TRACK = 0.965, 0.995

BLUE = np.array([0.03, 0.12, 0.52])
NAVY = np.array([0.02, 0.05, 0.22])
WHITE = np.array([0.94, 0.94, 0.93])
ORANGE = np.array([0.98, 0.42, 0.04])
CARBON = np.array([0.06, 0.06, 0.065])
RUBBER = np.array([0.050, 0.050, 0.055])

BELT, ROOF_EDGE, ROOF = 14, 18, 22
"""Columns of the half outline: foot of the side windows, their top, middle of the roof."""


def _curve(*points: tuple[float, float]) -> PchipInterpolator:
    z, value = np.array(sorted(points)).T
    return PchipInterpolator(z, value, extrapolate=True)


WIDTH = _curve(
    (2.32, 0.66), (2.22, 0.80), (2.0, 0.89), (1.72, 0.945), (1.38, 0.965), (1.0, 0.935), (0.6, 0.905), (0.0, 0.90),
    (-0.6, 0.925), (-1.0, 0.975), (-1.38, 0.995), (-1.8, 0.985), (-2.2, 0.94), (-2.32, 0.90),
)  # fmt: skip
SHOULDER = _curve(
    (2.32, 0.46), (2.22, 0.53), (2.0, 0.61), (1.7, 0.70), (1.38, 0.735), (0.9, 0.715), (0.4, 0.735), (-0.4, 0.77),
    (-1.0, 0.83), (-1.38, 0.86), (-1.9, 0.87), (-2.25, 0.85), (-2.32, 0.80),
)  # fmt: skip
DECK = _curve(
    (2.32, 0.48), (2.22, 0.55), (2.0, 0.61), (1.6, 0.67), (1.1, 0.745), (0.9, 0.785), (0.4, 0.80), (-0.4, 0.835),
    (-1.0, 0.89), (-1.6, 0.93), (-2.2, 0.93), (-2.32, 0.86),
)  # fmt: skip
TOP = _curve(
    (2.32, 0.49), (2.22, 0.57), (2.0, 0.64), (1.6, 0.71), (1.1, 0.795), (0.98, 0.82), (0.80, 0.92), (0.5, 1.075),
    (0.22, 1.17), (-0.1, 1.205), (-0.5, 1.195), (-0.9, 1.14), (-1.3, 1.055), (-1.7, 0.975), (-2.2, 0.945), (-2.32, 0.87),
)  # fmt: skip
BELT_WIDTH = _curve((2.32, 0.40), (1.6, 0.62), (0.95, 0.76), (0.5, 0.80), (-0.4, 0.79), (-1.0, 0.72), (-1.6, 0.66), (-2.32, 0.62))
ROOF_WIDTH = _curve((2.32, 0.26), (1.6, 0.48), (0.98, 0.66), (0.5, 0.63), (0.2, 0.595), (-0.5, 0.575), (-1.0, 0.54), (-1.6, 0.52), (-2.32, 0.50))
FLOOR = _curve((2.32, 0.14), (2.0, 0.10), (-1.6, 0.11), (-2.32, 0.26))


def shell(stations: int) -> Shell:
    """The body with its greenhouse."""
    t = np.linspace(0, 1, stations)
    t = t + 0.06 * np.sin(2 * np.pi * t) * -1  # closer at the ends
    return Shell(np.stack([_outline(z) for z in REAR + (FRONT - REAR) * t]) * SCALE)


def _outline(z: float) -> Array:
    w, ys, yf = WIDTH(z), SHOULDER(z), FLOOR(z)
    yd, yt, wb, wr = DECK(z), TOP(z), BELT_WIDTH(z), ROOF_WIDTH(z)
    rise = yt - yd
    controls = {
        0: (0, yf), 2: (0.84 * w, yf), 3: (0.94 * w, yf + 0.03), 6: (w, yf + 0.42 * (ys - yf)),
        9: (0.985 * w, yf + 0.82 * (ys - yf)), 11: (0.925 * w, ys), BELT: (wb, yd + 0.10 * rise),
        16: ((wb + wr) / 2 + 0.012, yd + 0.5 * rise), ROOF_EDGE: (wr, yd + 0.86 * rise), ROOF: (0, yt),
        20: (wr * 0.55, yd + 0.97 * rise),
    }  # fmt: skip
    index = sorted(controls)
    xy = PchipInterpolator(index, np.array([controls[k] for k in index], float))(np.arange(ROOF + 1))
    bow = 0.10 * (xy[:, 0] / w) ** 2 * np.clip((abs(z) - 1.9) / 0.42, 0, 1) * np.sign(z)  # corners swept back
    return np.concatenate((xy, (z - bow)[:, None]), 1)


def blocks() -> dict[str, Array]:
    """Corners of the boxes by name; what only the truck has waits in the cabin or the boot."""
    shapes = {
        "bumper": Block((0, 0.105, 2.16), (1.72, 0.030, 0.40), taper=(0.98, 0.98)),
        "light_bar": Block((0, 1.205, -0.12), (0.20, 0.05, 0.40), taper=(0.8, 0.6), pitch=-2),
        "rail_left": Block((0.935, 1.275, -2.09), (0.025, 0.34, 0.54)),
        "rail_right": Block((-0.935, 1.275, -2.09), (0.025, 0.34, 0.54)),
        "pylon_left": Block((0.40, 1.11, -2.07), (0.030, 0.42, 0.16), pitch=-12),
        "pylon_right": Block((-0.40, 1.11, -2.07), (0.030, 0.42, 0.16), pitch=-12),
        "step": Block((0, 0.20, -2.26), (1.56, 0.10, 0.26)),
        "mirror_left": Block((0.985, 0.90, 0.62), (0.20, 0.115, 0.10), taper=(0.9, 0.8)),
        "mirror_right": Block((-0.985, 0.90, 0.62), (0.20, 0.115, 0.10), taper=(0.9, 0.8)),
        "arm_left": Block((0.87, 0.865, 0.64), (0.14, 0.025, 0.05), roll=12),
        "arm_right": Block((-0.87, 0.865, 0.64), (0.14, 0.025, 0.05), roll=-12),
        "skirt_left": Block((0.90, 0.125, 0.0), (0.14, 0.05, 1.95)),
        "skirt_right": Block((-0.90, 0.125, 0.0), (0.14, 0.05, 1.95)),
    }
    result = {name: block.as_corners() * SCALE for name, block in shapes.items()}
    result |= {f"rung_{k:02d}": corners * SCALE for k, corners in enumerate(_wing(12))}
    for name, x, z in (("fly", 0.3, -1.3), ("box", 0.5, -0.6), ("beacon", 0.4, -1.5)):
        for side, sign in (("left", 1), ("right", -1)):
            result[f"{name}_{side}"] = hidden(sign * x * SCALE, 0.55 * SCALE, z * SCALE)
    return result


def _wing(slices: int) -> list[Array]:
    """The rear wing in slices from the trailing to the leading edge; each grows out of a rung of the ladder."""
    t = np.linspace(0, 1, slices + 1)
    z = -2.31 + 0.44 * t
    middle = 1.285 + 0.125 * (1 - t) ** 1.6 + 0.02 * t**3
    half = 0.022 * np.sqrt(np.clip(1.02 - t**6, 0, 1)) * (0.25 + 0.75 * np.minimum(1, 1.6 * t))
    result = []
    for k in range(slices):
        corners = [
            (0.925 * (1 if bit & 1 else -1), middle[j] + half[j] * (1 if bit & 2 else -1), z[j])
            for bit in range(8)
            for j in [k + (bit >> 2)]
        ]
        result.append(np.array(corners))
    return result


def _wheel(z: float, track: float, width: float) -> Turned:
    r, h = WHEEL * SCALE, width / 2 * SCALE
    profile = (
        (-h, 0.60 * r), (-h, 0.90 * r), (-0.85 * h, 0.98 * r), (-0.4 * h, r), (0.4 * h, r), (0.85 * h, 0.985 * r),
        (h, 0.92 * r), (h * 1.03, 0.76 * r), (h * 0.98, 0.73 * r), (h * 0.86, 0.66 * r), (h * 0.88, 0.30 * r),
        (h * 0.97, 0.16 * r), (h * 1.0, 0.07 * r),
    )  # fmt: skip
    return Turned(((track + 0.038) * SCALE - h, r, z * SCALE), profile)


def turned() -> dict[str, Turned]:
    """Bodies of revolution of the left side, by name."""

    def scaled(centre: tuple[float, float, float], profile: tuple, axis: tuple[float, float, float]) -> Turned:
        x, y, z = (v * SCALE for v in centre)
        return Turned((x, y, z), tuple((a * SCALE, r * SCALE) for a, r in profile), axis)

    return {
        "front_wheel": _wheel(AXLE, FRONT_TRACK, 0.29),
        "rear_wheel": _wheel(-AXLE, REAR_TRACK, 0.33),
        "pipe": scaled(
            (0.45, 0.36, -2.22), ((0, 0.045), (-0.10, 0.050), (-0.16, 0.055), (-0.17, 0.050), (-0.12, 0.02))[::-1],
            (0, 0, 1),
        ),
        "suction": scaled((0.45, 0.55, -1.4), tuple((0.02 * k, 0.02) for k in range(7)), (0, 0, 1)),
        "siren": scaled((0.30, 0.40, 1.5), tuple((0.02 * k, 0.02) for k in range(5)), (0, 0, 1)),
        "cap": scaled((0.40, 0.55, -0.9), ((0, 0.02), (0.01, 0.02), (0.02, 0.02), (0.03, 0.02), (0.04, 0.01)), (1, 0, 0)),
        "turntable": scaled((0, 0.5, -1.2), ((0, 0.05), (0.02, 0.05), (0.04, 0.04), (0.05, 0.02)), (0, 1, 0)),
    }  # fmt: skip


def paint(name: str, p: Array, normal: Array, params: Array) -> Array:
    """Colours (N, 3) of a part's texels at places p (scaled metres)."""
    p = p / SCALE
    if name == "shell":
        return _paint_shell(p, normal, params[:, 1])
    if name.endswith("wheel"):
        return _paint_wheel(name, p)
    kind = name.split("_")[0]
    flat = {
        "bumper": CARBON, "light": NAVY, "pylon": CARBON * 1.5, "step": CARBON, "arm": CARBON, "skirt": CARBON,
        "pipe": np.array([0.5, 0.5, 0.52]), "mirror": ORANGE,
    }  # fmt: skip
    colours = np.tile(flat.get(kind, CARBON), (len(p), 1))
    if kind == "rung":
        colours = np.tile(ORANGE, (len(p), 1))
        sheet = Sheet(-0.9, 0.9, -2.3, -1.85)
        sheet.text(0, -2.09, "VELOX", 0.20, (250, 250, 248), 0.12)
        stamp(colours, normal[:, 1] > 0.5, p[:, 0], -(p[:, 2] + 4.18), sheet)
        sheet = Sheet(-0.9, 0.9, 1.1, 1.45)
        sheet.text(0, 1.37, "VELOX", 0.06, (250, 250, 248), 0.1)
        stamp(colours, normal[:, 2] < -0.5, -p[:, 0], p[:, 1], sheet)
    if kind == "rail":
        colours = np.tile(BLUE, (len(p), 1))
        for sign in (1, -1):
            sheet = Sheet(-2.5, 2.5, 1.0, 1.5)
            sheet.text(-sign * -2.09, 1.275, "27", 0.17, (250, 250, 248), 0.12)
            stamp(colours, normal[:, 0] * sign > 0.7, -sign * p[:, 2], p[:, 1], sheet)
    if kind == "mirror":
        colours = np.where(normal[:, 2:3] < -0.6, [0.55, 0.65, 0.74], colours)
    return colours


def _paint_shell(p: Array, normal: Array, column: Array) -> Array:
    x, y, z = p.T
    ax = np.abs(x)
    colours = np.tile(BLUE, (len(p), 1))
    sweep = y - (0.36 + 0.10 * z - 0.03 * z**2)
    colours = mix(colours, WHITE, smoothstep(0.0, -0.01, sweep))
    colours = mix(colours, ORANGE, smoothstep(0.032, 0.026, np.abs(sweep - 0.02)))
    upper = (column > 11) & (normal[:, 1] > 0.05)
    colours = mix(colours, WHITE, upper * smoothstep(0.012, 0.006, np.abs(ax - 0.23) - 0.14))
    colours = mix(colours, ORANGE, upper * smoothstep(0.012, 0.006, np.abs(ax - 0.405)))
    side = (np.abs(normal[:, 0]) > 0.5) & (column < 13)
    for sign in (1, -1):
        stamp(colours, side & (x * sign > 0), -sign * z, y, _side_sheet(-sign))
    stamp(colours, (normal[:, 2] > 0.10) & (z > 1.55) & (column < 20) | (z > 2.1), x, y, _front_sheet())
    stamp(colours, (normal[:, 2] < -0.55) & (z < -1.9), -x, y, _rear_sheet())
    stamp(colours, (normal[:, 1] > 0.3) & (column > 11), x, -z, _top_sheet())
    colours = _glass(colours, p, normal, column)
    colours = np.where((normal[:, 1] < -0.6)[:, None], CARBON, colours)
    return colours * (0.72 + 0.28 * smoothstep(0.08, 0.45, y))[:, None]


def _glass(colours: Array, p: Array, normal: Array, column: Array) -> Array:
    """Windows follow the shell's own columns: windscreen, side windows, rear window, with pillars between."""
    x, y, z = p.T
    cabin = (z < 0.93) & (z > -1.62)
    screen = (column > 18.25) & (z > 0.24) & (z < 0.95)
    sides = (column > 14.35) & (column < 17.75) & (z > -1.18 - 0.1 * (17 - column)) & (z < 0.90)
    rear = (column > 18.6) & (z < -0.86) & (z > -1.56)
    post = sides & (np.abs(z + 0.42 + 0.06 * (column - 16)) < 0.035)
    glass = cabin & (screen | sides | rear) & ~post
    sky = 0.30 * smoothstep(0.85, 1.2, y) + 0.20 * smoothstep(0.2, 0.9, normal[:, 1])
    tint = mix(np.tile([0.05, 0.06, 0.075], (len(p), 1)), np.array([0.62, 0.74, 0.86]), sky)
    band = screen & (z < 0.36)
    tint = np.where(band[:, None], ORANGE, tint)
    colours = np.where(glass[:, None], tint, colours)
    stamp(colours, screen & ~band, x, y, _cockpit_front())
    for sign in (1, -1):
        stamp(colours, sides & ~post & (x * sign > 0), -sign * z, y, _cockpit_side(-sign))
    banner = Sheet(-0.7, 0.7, 1.0, 1.3)
    banner.text(0, 1.150, "NORDO", 0.060, (250, 250, 248), 0.12)
    stamp(colours, band, x, y, banner)
    seam = cabin & ((np.abs(column - 14.3) < 0.14) & (z > -1.2) & (z < 0.9))
    return np.where(seam[:, None], CARBON, colours)


def _helmet(s: Sheet, x: float, y: float, facing: float) -> None:
    s.box(x - 0.095, x + 0.095, y - 0.075, y + 0.075, (214, 216, 218), 0.07)
    s.box(x - 0.09, x + 0.09, y + 0.035, y + 0.055, (225, 100, 20))
    s.box(x - 0.07 + 0.03 * facing, x + 0.07 + 0.03 * facing, y - 0.03, y + 0.02, (14, 15, 18), 0.02)


def _cockpit_front() -> Sheet:
    """Roll cage and driver behind the windscreen."""
    s = Sheet(-0.8, 0.8, 0.75, 1.25, 400)
    for side in (-1, 1):
        s.line([(side * 0.60, 0.80), (side * 0.47, 1.16)], (120, 124, 130, 210), 0.022)
    s.line([(-0.50, 1.08), (0.50, 1.08)], (120, 124, 130, 210), 0.022)
    s.line([(-0.50, 0.84), (0.0, 1.08), (0.50, 0.84)], (96, 100, 106, 130), 0.016)
    s.box(0.16, 0.50, 0.80, 0.90, (30, 60, 150, 235), 0.05)
    _helmet(s, 0.33, 0.965, 0.0)
    s.box(-0.62, 0.62, 0.75, 0.835, (18, 18, 20), 0.0)
    return s


def _cockpit_side(direction: int) -> Sheet:
    s = Sheet(-1.3, 1.3, 0.75, 1.25, 400)
    for z0, z1 in ((0.35, -0.9), (-0.9, 0.2)):
        s.line([(direction * z0, 0.86), (direction * z1, 1.14)], (110, 114, 120, 190), 0.022)
    _helmet(s, direction * 0.0, 0.975, 0.9 * direction)
    return s


def _side_sheet(direction: int) -> Sheet:
    s = Sheet(-2.4, 2.4, 0.05, 1.0, 420)

    def d(z: float) -> float:
        return direction * z

    for z in (AXLE, -AXLE):
        s.disc(d(z), WHEEL + 0.005, 0.425, (8, 8, 9))
    s.line([(d(0.72), 0.74), (d(0.78), 0.40), (d(0.66), 0.20), (d(-0.52), 0.20), (d(-0.60), 0.50), (d(-0.44), 0.80)], (6, 10, 40), 0.012)
    s.disc(d(0.10), 0.475, 0.225, (248, 248, 246))
    s.text(d(0.10), 0.475, "27", 0.24, (12, 12, 14), 0.12)
    s.text(d(-0.45), 0.60, "APEXA", 0.085, (250, 250, 248), 0.12)
    s.text(d(-0.42), 0.235, "TURBIN OIL", 0.07, (20, 40, 140), 0.10)
    s.text(d(0.44), 0.23, "KARRO", 0.07, (235, 90, 10), 0.12)
    s.text(d(-1.93), 0.62, "VELOX", 0.10, (250, 250, 248), 0.12)
    s.shape([(d(0.92), 0.66), (d(0.74), 0.66), (d(0.78), 0.44), (d(0.90), 0.50)], (8, 8, 9))
    s.shape([(d(-0.66), 0.74), (d(-0.86), 0.80), (d(-0.88), 0.64), (d(-0.72), 0.58)], (8, 8, 9))
    s.box(d(-0.30), d(-0.16), 0.715, 0.74, (10, 12, 30), 0.01)
    return s


def _front_sheet() -> Sheet:
    s = Sheet(-1.0, 1.0, 0.05, 0.85, 420)
    s.shape([(-0.52, 0.42), (0.52, 0.42), (0.62, 0.20), (-0.62, 0.20)], (8, 8, 9))
    for y in (0.25, 0.30, 0.35):
        s.line([(-0.58, y), (0.58, y)], (52, 54, 58), 0.008)
    for side in (-1, 1):
        s.shape([(side * 0.64, 0.36), (side * 0.84, 0.40), (side * 0.82, 0.20), (side * 0.70, 0.18)], (8, 8, 9))
        s.shape([(side * 0.52, 0.525), (side * 0.80, 0.60), (side * 0.86, 0.665), (side * 0.70, 0.645)], (16, 17, 20))
        for x, y in ((0.665, 0.588), (0.765, 0.622)):
            s.disc(side * x, y, 0.036, (210, 220, 232))
            s.disc(side * x, y, 0.026, (255, 255, 250))
    return s


def _rear_sheet() -> Sheet:
    s = Sheet(-1.0, 1.0, 0.05, 1.0, 420)
    s.box(-0.80, 0.80, 0.62, 0.80, (12, 12, 14), 0.06)
    for side in (-1, 1):
        for x in (0.48, 0.67):
            s.disc(side * x, 0.71, 0.072, (150, 8, 8))
            s.disc(side * x, 0.71, 0.050, (250, 40, 24))
    s.text(0, 0.71, "NORDO", 0.08, (250, 250, 248), 0.12)
    s.box(-0.78, 0.78, 0.10, 0.40, (12, 12, 14), 0.03)
    for x in np.linspace(-0.6, 0.6, 7):
        s.box(x - 0.012, x + 0.012, 0.12, 0.36, (60, 62, 66), 0)
    s.text(0, 0.51, "27", 0.13, (250, 250, 248), 0.12)
    return s


def _top_sheet() -> Sheet:
    """Bonnet and roof seen from above, the front at the lower edge."""
    s = Sheet(-1.0, 1.0, -2.4, 2.4, 300)
    s.disc(0, -1.55, 0.24, (248, 248, 246))
    s.text(0, -1.55, "27", 0.25, (12, 12, 14), 0.12)
    for side in (-1, 1):
        for k in range(4):
            y = -1.34 + 0.07 * k
            s.shape([(side * 0.46, y), (side * 0.70, y + 0.03), (side * 0.70, y + 0.06), (side * 0.46, y + 0.03)], (8, 8, 9))
    s.text(0, 0.30, "27", 0.34, (12, 12, 14), 0.12)
    s.text(0, 1.98, "VELOX", 0.13, (20, 40, 140), 0.12)
    return s


def _paint_wheel(name: str, p: Array) -> Array:
    centre = AXLE if name.startswith("front") else -AXLE
    y, z = p[:, 1] - WHEEL, p[:, 2] - centre
    r, angle = np.hypot(y, z) / WHEEL, np.arctan2(y, z)
    colours = np.tile(RUBBER, (len(p), 1))
    outside = np.abs(p[:, 0]) > 0.80
    lettering = outside & (np.abs(r - 0.855) < 0.035) & ((angle * 3 / np.pi) % 1 < 0.55)
    dash = np.abs((angle * 30 / np.pi) % 1 - 0.5) < 0.30
    colours = np.where((lettering & dash)[:, None], [0.95, 0.80, 0.15], colours)
    spoke = np.abs((angle * 10 / (2 * np.pi)) % 1 - 0.5) < 0.16 + 0.06 * r
    rim = np.where(spoke[:, None], [0.80, 0.66, 0.30], [0.10, 0.10, 0.11])
    rim = np.where(((r > 0.66) | (r < 0.17))[:, None], [0.84, 0.70, 0.34], rim)
    rim = np.where((r < 0.08)[:, None], [0.75, 0.08, 0.06], rim)
    return mix(colours, rim, smoothstep(0.76, 0.74, r) * outside)
