"""The fire truck's measures. Metres; x to the driver's left, y up from the road, z forward."""

import numpy as np

from perturber.objects.generators.shapes import Block, Shell, Turned

Array = np.ndarray

HALF_WIDTH, FLOOR = 1.22, 0.42
CAB_ROOF, BODY_ROOF = 2.72, 2.50
CAB_REAR, BODY_FRONT = 1.86, 1.70
FRONT, REAR = 3.70, -4.30
FRONT_AXLE, REAR_AXLE, WHEEL = 2.42, -2.30, 0.55

STATIONS = np.concatenate(
    ([REAR, REAR + 0.05], np.linspace(-4.05, 1.5, 29), [BODY_FRONT - 0.02, BODY_FRONT, BODY_FRONT + 0.005],
     [CAB_REAR - 0.005, CAB_REAR, CAB_REAR + 0.02], np.linspace(2.05, 3.42, 17), [3.58, 3.66, FRONT])
)  # fmt: skip


def shell() -> Shell:
    """Body and cab as one shell with a notch between them."""
    return Shell(np.stack([_outline(z) for z in STATIONS]))


def _outline(z: float) -> Array:
    in_notch = BODY_FRONT < z < CAB_REAR
    roof = CAB_ROOF if z > BODY_FRONT + 0.08 else BODY_ROOF
    inset = 0.16 if in_notch else float(np.interp(z, [REAR, REAR + 0.05, 3.58, 3.66, FRONT], [0.03, 0, 0, 0.03, 0.10]))
    w, top, r = HALF_WIDTH - inset, roof - inset, 0.16 if z > BODY_FRONT else 0.05
    side_y = np.linspace(FLOOR + 0.03, top - r, 15)
    points = [(0.0, FLOOR), (w / 2, FLOOR), (w - 0.03, FLOOR), *((w, y) for y in side_y)]
    points += [(w - 0.29 * r, top - 0.29 * r), (w - r, top), (w * 0.6, top), (w * 0.3, top), (0.0, top)]
    x, y = np.array(points).T
    rake = 0.13 * np.clip(y - 1.45, 0, None) * np.clip((z - 3.0) / 0.7, 0, 1)
    return np.stack((x, y, z - rake), 1)


def blocks() -> dict[str, Array]:
    """Corners of the boxes by name."""
    rungs = {f"rung_{k:02d}": Block((0, 3.06, -3.70 + 0.63 * k), (0.84, 0.07, 0.08)).as_corners() for k in range(12)}
    boxes = {
        "bumper": Block((0, 0.70, 3.95), (2.50, 0.44, 0.56)),
        "light_bar": Block((0, 2.84, 3.05), (1.96, 0.22, 0.34), taper=(0.97, 0.8)),
        "rail_left": Block((0.46, 3.10, -0.10), (0.09, 0.40, 7.90)),
        "rail_right": Block((-0.46, 3.10, -0.10), (0.09, 0.40, 7.90)),
        "fly_left": Block((0.32, 3.26, 0.30), (0.07, 0.34, 7.30)),
        "fly_right": Block((-0.32, 3.26, 0.30), (0.07, 0.34, 7.30)),
        "pylon_left": Block((0.50, 2.72, 1.30), (0.12, 0.48, 0.16)),
        "pylon_right": Block((-0.50, 2.72, 1.30), (0.12, 0.48, 0.16)),
        "step": Block((0, 0.62, -4.50), (2.40, 0.16, 0.44)),
        "mirror_left": Block((1.46, 1.98, 3.50), (0.18, 0.46, 0.10)),
        "mirror_right": Block((-1.46, 1.98, 3.50), (0.18, 0.46, 0.10)),
        "arm_left": Block((1.32, 2.10, 3.46), (0.24, 0.04, 0.04)),
        "arm_right": Block((-1.32, 2.10, 3.46), (0.24, 0.04, 0.04)),
        "box_left": Block((1.00, 2.58, -1.30), (0.40, 0.18, 5.30)),
        "box_right": Block((-1.00, 2.58, -1.30), (0.40, 0.18, 5.30)),
        "beacon_left": Block((1.05, 2.61, -4.12), (0.22, 0.22, 0.22), taper=(0.8, 0.8)),
        "beacon_right": Block((-1.05, 2.61, -4.12), (0.22, 0.22, 0.22), taper=(0.8, 0.8)),
        "skirt_left": Block((1.13, 0.46, 0.10), (0.20, 0.16, 3.00)),
        "skirt_right": Block((-1.13, 0.46, 0.10), (0.20, 0.16, 3.00)),
    }
    return {**{name: block.as_corners() for name, block in boxes.items()}, **rungs}


def _wheel(z: float, width: float) -> Turned:
    r, h = WHEEL, width / 2
    profile = (
        (-h, 0.55 * r), (-h, 0.86 * r), (-0.8 * h, 0.98 * r), (-0.3 * h, r), (0.3 * h, r), (0.8 * h, 0.98 * r),
        (h, 0.88 * r), (h * 1.02, 0.64 * r), (h * 0.97, 0.60 * r), (h * 0.86, 0.50 * r), (h * 0.86, 0.30 * r),
        (h * 1.08, 0.24 * r), (h * 1.10, 0.10 * r),
    )  # fmt: skip
    return Turned((HALF_WIDTH + 0.05 - h, r, z), profile)


def turned() -> dict[str, Turned]:
    """Bodies of revolution by name; wheels, horns and caps are those of the left side."""
    return {
        "front_wheel": _wheel(FRONT_AXLE, 0.32),
        "rear_wheel": _wheel(REAR_AXLE, 0.46),
        "pipe": Turned(
            (0.55, 2.80, 2.62), ((0, 0.03), (0.25, 0.04), (0.50, 0.06), (0.60, 0.10), (0.58, 0.05)), (0, 0, 1)
        ),
        "suction": Turned(
            (1.20, 2.46, -3.95),
            ((0, 0.10), (0.10, 0.10), (0.12, 0.075), (2.0, 0.075), (4.6, 0.075), (4.62, 0.10), (4.75, 0.10)),
            (0, 0, 1),
        ),
        "siren": Turned(
            (0.62, 1.02, 4.05), ((-0.2, 0.08), (-0.08, 0.14), (0.10, 0.15), (0.12, 0.13), (0.08, 0.04)), (0, 0, 1)
        ),
        "cap": Turned((1.20, 1.02, 1.32), ((0, 0.15), (0.10, 0.15), (0.12, 0.13), (0.20, 0.11), (0.20, 0.03))),
        "turntable": Turned((0, 2.45, -3.30), ((0, 0.62), (0.30, 0.62), (0.32, 0.58), (0.34, 0.3)), (0, 1, 0)),
    }
