"""The fire truck's paint: drawings of its sides, front and rear, and colours of its parts."""

import numpy as np

from perturber.objects.generators.drawing import Colour, Sheet, stamp
from perturber.objects.generators.firetruck import (
    BODY_FRONT,
    CAB_REAR,
    FLOOR,
    FRONT_AXLE,
    REAR_AXLE,
    WHEEL,
)
from perturber.objects.generators.noise import Noise, mix, smoothstep

Array = np.ndarray

RED = np.array([0.74, 0.045, 0.035])
WHITE = np.array([0.93, 0.93, 0.91])
CHROME = np.array([0.78, 0.80, 0.83])
STEEL = np.array([0.62, 0.64, 0.66])
RUBBER = np.array([0.055, 0.055, 0.06])


def paint(name: str, p: Array, normal: Array, params: Array) -> Array:
    """Colours (N, 3) of a part's texels at places p."""
    if name == "shell":
        return _paint_shell(p, normal)
    if name.endswith("wheel"):
        return _paint_wheel(name, p, normal)
    if name.startswith(("rail", "fly")):
        return _paint_lattice(p, normal)
    flat = {
        "bumper": CHROME, "pylon": STEEL, "step": STEEL, "arm": RUBBER, "box": RED, "skirt": RUBBER * 1.5,
        "rung": STEEL, "pipe": np.array([0.85, 0.80, 0.62]), "cap": CHROME, "turntable": STEEL * 0.8, "siren": CHROME,
    }  # fmt: skip
    kind = name.split("_")[0]
    if kind in flat:
        colours = np.tile(flat[kind], (len(p), 1)) * (0.86 + 0.14 * normal[:, 1:2])
        return _bumper_details(colours, p, normal) if kind == "bumper" else colours
    if kind == "suction":
        ends = np.abs(p[:, 2] + 1.58) > 2.24
        ribs = 0.8 + 0.4 * (p[:, 2] / 0.06 % 1 < 0.5)
        return np.where(ends[:, None], CHROME, RUBBER * ribs[:, None])
    if kind == "mirror":
        return np.where(normal[:, 2:3] < -0.7, [0.55, 0.66, 0.75], RUBBER * 1.6)
    if kind == "beacon":
        return np.where(p[:, 1:2] < 2.53, RUBBER, [0.95, 0.10, 0.06]) * np.ones((len(p), 1))
    return _paint_light_bar(p)


def _paint_shell(p: Array, normal: Array) -> Array:
    x, y, z = p.T
    colours = np.tile(RED, (len(p), 1))
    colours = np.where(((z > BODY_FRONT + 0.08) & (y > 2.63))[:, None], WHITE, colours)
    side = np.abs(normal[:, 0]) > 0.6
    for sign in (1, -1):
        stamp(colours, side & (normal[:, 0] * sign > 0), -sign * z, y, _side_sheet(-sign))
    stamp(colours, (normal[:, 2] > 0.6) & (z > 3), x, y, _front_sheet())
    stamp(colours, (normal[:, 2] < -0.6) & (z < -3), -x, y, _rear_sheet())
    top = (normal[:, 1] > 0.8) & (z < BODY_FRONT)
    tread = 0.46 + 0.08 * np.sign(np.sin(z * 60) * np.sin(x * 60))
    colours = np.where(top[:, None], tread[:, None] * np.array([1.0, 1.0, 1.02]), colours)
    notch = (z > BODY_FRONT - 0.001) & (z < CAB_REAR + 0.001)
    colours = np.where((notch | (normal[:, 1] < -0.7))[:, None], RUBBER * 1.4, colours)
    dirt = Noise(51).fractal(p, 3.0, 3)
    colours *= (0.94 + 0.12 * dirt)[:, None]
    return colours * (0.62 + 0.38 * smoothstep(FLOOR - 0.1, 1.1, y))[:, None]


def _side_sheet(direction: int) -> Sheet:
    """A side; `direction` +1 where the front lies to the right of the drawing."""
    s = Sheet(-4.4, 4.4, 0.3, 2.8)

    def box(z0: float, z1: float, y0: float, y1: float, fill: Colour, radius: float = 0.03) -> None:
        s.box(direction * z0, direction * z1, y0, y1, fill, radius)

    def frame(
        z0: float, z1: float, y0: float, y1: float, line: Colour, width: float = 0.02, radius: float = 0.04
    ) -> None:
        s.frame(direction * z0, direction * z1, y0, y1, line, width, radius)

    box(-4.4, 4.4, 0.3, 0.62, (70, 72, 75))
    doors = [(0.02, 0.92, 0.68), (-1.42, -0.08, 1.42), (-1.42, -0.08, 0.68), (-3.02, -1.52, 1.42), (-4.16, -3.12, 0.68)]
    for i, (z0, z1, y0) in enumerate(doors):
        top = 1.32 if i == 2 else 2.08
        if i in (1, 3):
            _shutter(s, direction, z0, z1, y0, top)
            continue
        frame(z0, z1, y0, top, (92, 6, 6), 0.022)
        middle = (z0 + z1) / 2
        if i != 2:
            box(middle - 0.008, middle + 0.008, y0, top, (92, 6, 6), 0)
        for z in (middle - 0.10, middle + 0.10):
            box(z - 0.04, z + 0.04, y0 + 0.28, y0 + 0.42, (228, 230, 232), 0.02)
    _pump_panel(s, direction)
    box(-4.4, 4.4, 1.14, 1.34, (240, 240, 236), 0)
    box(-4.4, 4.4, 1.36, 1.39, (214, 170, 70), 0)
    box(-4.4, 4.4, 1.09, 1.12, (214, 170, 70), 0)
    for z0, z1 in ((1.98, 2.62), (2.80, 3.50)):
        frame(z0 - 0.07, z1 + 0.07, 0.66, 2.48, (95, 6, 6), 0.018, 0.08)
        box(z0 - 0.02, z1 + 0.02, 1.54, 2.36, (30, 30, 32), 0.09)
        box(z0, z1, 1.57, 2.33, (28, 36, 44), 0.07)
        _reflection(s, direction, z0, z1, 1.57, 2.33)
        box(z0 + 0.02, z0 + 0.20, 1.44, 1.48, (225, 228, 230))
        box(z0 - 0.055, z0 - 0.025, 0.8, 1.5, (225, 228, 230))
    for z, r in ((FRONT_AXLE, 0.71), (REAR_AXLE, 0.71)):
        s.disc(direction * z, WHEEL, r, (216, 220, 224))
        s.disc(direction * z, WHEEL, r - 0.06, (14, 14, 15))
    s.text(direction * -1.55, 2.24, "CITY FIRE DEPARTMENT", 0.15, (250, 214, 90), 0.10)
    s.text(direction * 3.15, 0.93, "27", 0.20, (250, 214, 90), 0.12)
    s.text(direction * 3.15, 1.24, "FIRE", 0.14, (176, 12, 10), 0.12)
    for z in (-4.10, 0.60):
        box(z - 0.08, z + 0.08, 2.19, 2.30, (240, 34, 22), 0.02)
    for k in range(9):  # folded hose in the tray over the pump
        box(1.02 + 0.07 * k, 1.065 + 0.07 * k, 2.18, 2.36, (214, 184, 120), 0.02)
    return s


def _shutter(s: Sheet, direction: int, z0: float, z1: float, y0: float, y1: float) -> None:
    s.box(direction * z0, direction * z1, y0, y1, (186, 190, 194), 0.03)
    for y in np.arange(y0 + 0.07, y1 - 0.02, 0.075):
        s.box(direction * z0, direction * z1, y, y + 0.022, (128, 133, 138))
    s.frame(direction * z0, direction * z1, y0, y1, (228, 230, 232), 0.035, 0.03)
    s.box(direction * (z0 + 0.1), direction * (z1 - 0.1), y0 + 0.05, y0 + 0.10, (60, 62, 65))


def _pump_panel(s: Sheet, direction: int) -> None:
    s.box(direction * 1.00, direction * 1.66, 0.66, 2.14, (170, 174, 178), 0.02)
    for i, z in enumerate((1.10, 1.24, 1.38, 1.52)):
        for y in (1.98, 1.82):
            s.disc(direction * (z + 0.02), y, 0.062, (25, 25, 28))
            s.disc(direction * (z + 0.02), y, 0.046, (238, 238, 232))
        s.box(
            direction * (z - 0.02),
            direction * (z + 0.05),
            1.62,
            1.70,
            ((200, 40, 30), (230, 190, 40), (30, 80, 170), (40, 130, 60))[i],
        )
    for z, y in ((1.14, 1.46), (1.50, 1.46), (1.14, 0.80), (1.50, 0.80)):
        s.disc(direction * z, y, 0.085, (60, 62, 66))
        s.disc(direction * z, y, 0.062, (205, 208, 212))


def _reflection(s: Sheet, direction: int, z0: float, z1: float, y0: float, y1: float) -> None:
    """Sky in the upper part of a window, and a slanted gleam."""
    for k in range(24):
        t = k / 24
        y = y1 - t * 0.6 * (y1 - y0)
        grey = round(150 * (1 - t) ** 1.5)
        s.box(
            direction * (z0 + 0.03), direction * (z1 - 0.03), y - 0.022, y,
            (40 + grey // 2, 52 + grey * 6 // 10, 64 + grey * 7 // 10), 0,
        )  # fmt: skip


def _front_sheet() -> Sheet:
    s = Sheet(-1.3, 1.3, 0.3, 2.85)
    s.box(-1.3, 1.3, 0.3, 0.62, (60, 62, 65))
    s.box(-1.12, 1.12, 1.50, 2.38, (24, 25, 27), 0.10)
    for x0, x1 in ((-1.08, -0.02), (0.02, 1.08)):
        s.box(x0, x1, 1.54, 2.34, (26, 34, 42), 0.07)
        _reflection(s, 1, x0, x1, 1.54, 2.34)
    for x in (-0.85, 0.15):
        s.line([(x, 1.52), (x + 0.55, 1.80)], (12, 12, 12), 0.025)
    s.text(0, 2.495, "FIRE", 0.155, (250, 246, 235), 0.14)
    s.box(-0.52, 0.52, 0.80, 1.36, (225, 228, 230), 0.04)
    s.box(-0.46, 0.46, 0.85, 1.31, (30, 31, 33), 0.03)
    for y in np.arange(0.89, 1.31, 0.085):
        s.box(-0.46, 0.46, y, y + 0.03, (205, 208, 212), 0)
    s.disc(0, 1.08, 0.15, (225, 190, 90))
    s.disc(0, 1.08, 0.12, (180, 14, 12))
    s.text(0, 1.08, "27", 0.11, (255, 255, 250), 0.12)
    for side in (-1, 1):
        s.box(side * 0.60, side * 1.12, 0.84, 1.10, (215, 218, 222), 0.05)
        for x in (0.73, 0.98):
            s.disc(side * x, 0.97, 0.105, (70, 74, 80))
            s.disc(side * x, 0.97, 0.090, (255, 253, 240))
            s.disc(side * x, 0.97, 0.035, (205, 215, 230))
        s.box(side * 0.60, side * 1.12, 1.16, 1.30, (235, 30, 20), 0.03)
        s.box(side * 0.86, side * 1.12, 1.16, 1.30, (250, 150, 30), 0.03)
    return s


def _rear_sheet() -> Sheet:
    s = Sheet(-1.3, 1.3, 0.3, 2.6)
    for k in range(-2, 9, 2):  # chevrons point up to the middle
        for side in (-1, 1):
            y = 0.3 + 0.26 * k
            s.shape([(side * 1.3, y - 1.3), (0, y), (0, y + 0.26), (side * 1.3, y - 1.04)], (236, 200, 40))
    s.box(-0.55, 0.55, 0.62, 2.22, (188, 192, 196), 0.03)
    for y in np.arange(0.70, 2.2, 0.075):
        s.box(-0.55, 0.55, y, y + 0.022, (132, 137, 142), 0)
    for side in (-1, 1):
        s.box(side * 0.92, side * 1.14, 0.72, 1.34, (30, 30, 32), 0.03)
        for y, fill in ((0.76, (240, 240, 236)), (0.96, (250, 150, 30)), (1.15, (235, 25, 18))):
            s.box(side * 0.94, side * 1.12, y, y + 0.16, fill, 0.02)
        s.box(side * 0.86, side * 1.14, 2.22, 2.40, (235, 25, 18), 0.03)
    s.text(0, 2.36, "KEEP BACK", 0.12, (250, 246, 235), 0.10)
    return s


def _bumper_details(colours: Array, p: Array, normal: Array) -> Array:
    """Chrome that mirrors sky over road; tread plate on top."""
    x, y, z = p.T
    mirror = mix(colours * 0.45, colours * 1.12, smoothstep(0.60, 0.72, y))
    colours = np.where((normal[:, 1:2] < 0.5), mirror, colours)
    tread = 0.62 + 0.10 * np.sign(np.sin(x * 55) * np.sin(z * 55))
    colours = np.where(normal[:, 1:2] > 0.7, tread[:, None], colours)
    lamp = (normal[:, 2] > 0.7) & (np.abs(np.abs(x) - 0.95) < 0.14) & (np.abs(y - 0.72) < 0.08)
    return np.where(lamp[:, None], [0.93, 0.10, 0.06], colours)


def _paint_light_bar(p: Array) -> Array:
    x, y, _ = p.T
    colours = np.where((np.abs(x) < 0.20)[:, None], [0.90, 0.92, 0.95], [0.90, 0.06, 0.05])
    colours = colours * (0.75 + 0.35 * np.abs(np.sin((x + 0.95) / 0.19 * np.pi)))[:, None]
    return np.where((y < 2.765)[:, None], RUBBER * 1.5, colours)


def _paint_lattice(p: Array, normal: Array) -> Array:
    """Truss: two chords with struts between them."""
    _, y, z = p.T
    side = np.abs(normal[:, 0]) > 0.7
    middle = np.median(y)
    tall = np.abs(y - middle).max() + 1e-6
    chord = np.abs(y - middle) > 0.62 * tall
    strut = np.abs(((z * 2.0) % 1) * 2 - 1 - (y - middle) / tall) < 0.24
    strut |= np.abs(((z * 2.0 + 0.5) % 1) * 2 - 1 + (y - middle) / tall) < 0.24
    open_ = (side & ~chord & ~strut)[:, None]
    return np.where(open_, [0.20, 0.19, 0.19], [0.84, 0.85, 0.86])


def _paint_wheel(name: str, p: Array, normal: Array) -> Array:
    centre_z = FRONT_AXLE if name.startswith("front") else REAR_AXLE
    y, z = p[:, 1] - WHEEL, p[:, 2] - centre_z
    r, angle = np.hypot(y, z) / WHEEL, np.arctan2(y, z)
    tread = 0.75 + 0.35 * (np.abs((angle * 24 / np.pi) % 1 - 0.5) > 0.2)
    colours = RUBBER * np.where(r > 0.95, tread, 1.0)[:, None]
    rim = np.tile(CHROME, (len(p), 1)) * (0.72 + 0.28 * smoothstep(0.3, 0.6, r))[:, None]
    holes = (np.abs(r - 0.42) < 0.055) & (np.abs((angle * 10 / (2 * np.pi)) % 1 - 0.5) < 0.26)
    rim = np.where(holes[:, None], [0.08, 0.08, 0.09], rim)
    bolts = (np.abs(r - 0.27) < 0.02) & (np.abs((angle * 10 / (2 * np.pi)) % 1 - 0.5) < 0.16)
    rim = np.where((bolts | (r < 0.10))[:, None], [0.35, 0.36, 0.38], rim)
    return mix(colours, rim, smoothstep(0.655, 0.635, r) * (p[:, 0] * np.sign(p[:, 0]) > 0.9))
