"""The race car's paint: stripes, numbers, sponsors that do not exist, windows with the driver behind them."""

import numpy as np

from perturber.objects.generators.drawing import Sheet, stamp
from perturber.objects.generators.noise import mix, smoothstep
from perturber.objects.generators.racecar import AXLE, SCALE, WHEEL

Array = np.ndarray

BLUE = np.array([0.03, 0.12, 0.52])
NAVY = np.array([0.02, 0.05, 0.22])
WHITE = np.array([0.94, 0.94, 0.93])
ORANGE = np.array([0.98, 0.42, 0.04])
CARBON = np.array([0.06, 0.06, 0.065])
RUBBER = np.array([0.050, 0.050, 0.055])


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
    gleam = smoothstep(0.06, 0.22, normal[:, 1]) * smoothstep(0.95, 0.45, normal[:, 1])
    colours = mix(colours, np.array([0.62, 0.78, 0.98]), 0.20 * gleam)  # lacquer mirrors the sky where it looks up
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
    s.line(
        [(d(0.72), 0.74), (d(0.78), 0.40), (d(0.66), 0.20), (d(-0.52), 0.20), (d(-0.60), 0.50), (d(-0.44), 0.80)],
        (6, 10, 40),
        0.012,
    )
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
            s.shape(
                [(side * 0.46, y), (side * 0.70, y + 0.03), (side * 0.70, y + 0.06), (side * 0.46, y + 0.03)], (8, 8, 9)
            )
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
