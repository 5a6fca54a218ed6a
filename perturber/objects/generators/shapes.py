"""Simple parts of vehicles: boxes, turned bodies, and the long shell of sections."""

from dataclasses import dataclass, field

import numpy as np

from perturber.objects.generators.atlas import Chart
from perturber.objects.generators.parts import Part, tube

Array = np.ndarray
Triple = tuple[float, float, float]

_BOX_SIDES = (  # corner numbers (bits: x, y, z), counter-clockwise from outside, starting lower left
    (5, 1, 3, 7),  # +x
    (0, 4, 6, 2),  # -x
    (6, 7, 3, 2),  # +y
    (0, 1, 5, 4),  # -y
    (4, 5, 7, 6),  # +z
    (1, 0, 2, 3),  # -z
)


@dataclass(frozen=True)
class Block:
    """Where a box stands.

    Attributes:
        centre, size: in the object's units.
        pitch: rotation about x in degrees; positive lowers the front.
        roll: rotation about z in degrees; positive lifts the left side (+x).
        taper: size of the top relative to the bottom, in x and z.
    """

    centre: Triple
    size: Triple
    pitch: float = 0.0
    roll: float = 0.0
    taper: tuple[float, float] = (1.0, 1.0)

    def as_corners(self) -> Array:
        """(8, 3): the bits of a corner's number tell whether it lies on the greater side in x, y, z."""
        bits = np.array([[(k >> i) & 1 for i in range(3)] for k in range(8)]) - 0.5
        bits[:, [0, 2]] *= np.where(bits[:, 1:2] > 0, np.array(self.taper), 1.0)
        p = bits * np.array(self.size)
        c, s = np.cos(np.radians(self.pitch)), np.sin(np.radians(self.pitch))
        p = p @ np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        c, s = np.cos(np.radians(self.roll)), np.sin(np.radians(self.roll))
        return p @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]]) + np.array(self.centre)


def hidden(x: float, y: float, z: float) -> Array:
    """Corners of a tiny box inside an object, where a part waits that only the other one shows."""
    return Block((x, y, z), (0.03, 0.03, 0.03)).as_corners()


def box(name: str, first: Array, second: Array, scale: float = 1.0) -> Part:
    """A box in both objects, from corners (8, 3) in the order of `Block.as_corners`."""
    positions = np.stack([first, second])
    faces: list[tuple[int, int, int]] = []
    charts = []
    for side in _BOX_SIDES:
        quad = positions[:, list(side)]
        wide = np.linalg.norm(quad[:, 1] - quad[:, 0], axis=1).mean() * scale
        tall = np.linalg.norm(quad[:, 3] - quad[:, 0], axis=1).mean() * scale
        flat = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]])
        charts.append(Chart(np.arange(len(faces), len(faces) + 2), flat[[[0, 1, 2], [0, 2, 3]]]))
        faces += [(side[0], side[1], side[2]), (side[0], side[2], side[3])]
    return Part(name, positions, np.array(faces), charts, crease=20)


@dataclass(frozen=True)
class Turned:
    """A body of revolution.

    Attributes:
        centre: of the axis.
        profile: (distance along the axis, radius) from one end to the other.
        axis: direction of the axis.
    """

    centre: Triple
    profile: tuple[tuple[float, float], ...]
    axis: Triple = (1.0, 0.0, 0.0)

    def rings(self, columns: int) -> Array:
        axis = np.array(self.axis) / np.linalg.norm(self.axis)
        side = np.cross(axis, (0, 0, 1) if abs(axis[2]) < 0.9 else (0, 1, 0))
        side /= np.linalg.norm(side)
        angle = 2 * np.pi * np.arange(columns) / columns
        around = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * np.cross(axis, side)
        along = np.array([[a for a, _ in self.profile]]).T
        radius = np.array([[r for _, r in self.profile]]).T
        return np.array(self.centre) + along[..., None] * axis + radius[..., None] * around


def turned(
    name: str, first: Turned, second: Turned, columns: int = 28, scale: float = 1.0, crease: float = 40.0
) -> Part:
    """A body of revolution in both objects."""
    return tube(name, np.stack([first.rings(columns), second.rings(columns)]), scale=scale, crease=crease, caps=0.6)


@dataclass(frozen=True)
class Shell:
    """Sections along a vehicle: half outlines from the middle of the floor to the middle of the roof.

    Attributes:
        outlines: (R, K, 3) from the rear to the front, x ≥ 0, first and last column at x = 0.
    """

    outlines: Array = field(repr=False)

    def rings(self) -> Array:
        mirror = self.outlines[:, -2:0:-1] * np.array([-1.0, 1.0, 1.0])
        return np.concatenate((self.outlines, mirror), 1)


def shell(name: str, first: Shell, second: Shell, *, scale: float = 1.0, crease: float = 28.0) -> Part:
    """The shell in both objects, its chart cut along the middle of the floor."""
    return tube(name, np.stack([first.rings(), second.rings()]), scale=scale, crease=crease, caps=1.5, round_caps=False)
