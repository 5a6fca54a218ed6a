"""Proportions of the dog and the cat: one skeleton, two sets of measures.

Lengths are in heights of the dog's withers; x to the animal's left, y up from the ground, z forward. What is
listed with x > 0 in a `SIDED` name exists on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from perturber.objects.generators.fields import Ball, Cone, Figure, Primitive

Array = np.ndarray
Joint = tuple[float, float, float, float]  # x, y, z, radius
Mass = tuple[tuple[float, float, float], tuple[float, float, float], float]  # centre, radii, tilt


@dataclass(frozen=True)
class Ear:
    """A flap along a Bézier curve.

    Attributes:
        spine: four control points from the base to the tip.
        widths: at the base, at a third, at two thirds, at the tip.
        front: direction of the flap's leading edge.
        cup: how far the edges bend inwards, in widths.
        thickness: of the flap.
    """

    spine: tuple[tuple[float, float, float], ...]
    widths: tuple[float, float, float, float]
    front: tuple[float, float, float]
    cup: float
    thickness: float


@dataclass(frozen=True)
class Animal:
    """The measures of one animal.

    Attributes:
        joints, masses: of the skeleton.
        eye: centre and radius of the left eyeball.
        gaze: direction of the left eye.
        ear: the left ear.
        stagger: how far the feet of (front, hind) legs stand forward on the left and back on the right.
        hair: length of the tufts by limb.
        whiskers: length and thickness.
        collar, collar_width: where it lies, from the neck's foot (0) to its top (1), and how wide it is.
        head: by how much the head is larger than the measures of its parts say.
        legs: by how much the legs are shorter than measured.
        carriage: by how much the head is carried higher and further forward than measured.
    """

    joints: Mapping[str, Joint]
    masses: Mapping[str, Mass]
    eye: Joint
    gaze: tuple[float, float, float]
    ear: Ear
    stagger: tuple[float, float]
    hair: Mapping[str, float]
    whiskers: tuple[float, float]
    collar: float
    collar_width: float
    head: float
    legs: float
    carriage: tuple[float, float] = (0.0, 0.0)

    def as_measured(self, p: Array) -> Array:
        """Where places (N, 3) on the finished animal lie in its measures, before `legs` shortened it."""
        return np.stack((p[:, 0], np.interp(p[:, 1], *self._heights()[::-1]), p[:, 2]), 1)

    def head_as_measured(self, p: Array) -> Array:
        """The same for places on the head, which `head` enlarged before."""
        pivot = np.array(self.joints["neck_high"][:3])
        return pivot + (self.as_measured(p - [0.0, *self.carriage]) - pivot) / self.head

    def finished(self) -> "Animal":
        """The animal with its head enlarged and its legs shortened as `head` and `legs` say."""
        pivot, k = np.array(self.joints["neck_high"][:3]), self.head

        def lowered(p: tuple[float, ...]) -> tuple[float, ...]:
            return (p[0], float(np.interp(p[1], *self._heights())), *p[2:])

        def carried(p: tuple[float, ...]) -> tuple[float, ...]:
            x, y, z, *rest = lowered(p)
            return (x, y + self.carriage[0], z + self.carriage[1], *rest)

        def moved(p: tuple[float, ...]) -> tuple[float, ...]:
            return carried((*(pivot + k * (np.array(p[:3]) - pivot)).tolist(), *(k * v for v in p[3:])))

        ways = {**dict.fromkeys(HEAD_JOINTS, moved), "neck_high": carried}
        joints = {n: ways.get(n, lowered)(j) for n, j in self.joints.items()}
        masses = {
            n: (moved(m[0]), tuple(k * v for v in m[1]), m[2]) if n in HEAD_MASSES else (lowered(m[0]), *m[1:])
            for n, m in self.masses.items()
        }
        ear = replace(
            self.ear,
            spine=tuple(moved(p) for p in self.ear.spine),  # type: ignore[misc]
            widths=tuple(k * w for w in self.ear.widths),  # type: ignore[arg-type]
        )
        return replace(self, joints=joints, masses=masses, eye=moved(self.eye), ear=ear)  # type: ignore[arg-type]

    def _heights(self) -> tuple[list[float], list[float]]:
        """Heights as measured and heights on the finished animal; feet and trunk keep their form."""
        return [-1.0, 0.12, 0.50, 3.0], [-1.0, 0.12, 0.50 - self.legs, 3.0 - self.legs]


HEAD_JOINTS = ("stop", "nose_tip", "jaw", "chin")
HEAD_MASSES = ("skull", "nose", "cheek", "brow", "lip")

BONES = (  # limb, from, to, softness
    ("torso", "rump", "loin", 0.03),
    ("torso", "loin", "ribs", 0.03),
    ("torso", "ribs", "breast", 0.03),
    ("neck", "neck_high", "neck_low", 0.035),
    ("muzzle", "nose_tip", "stop", 0.018),
    ("jaw", "chin", "jaw", 0.015),
    ("tail", "tail_0", "tail_1", 0.02),
    ("tail", "tail_1", "tail_2", 0.006),
    ("tail", "tail_2", "tail_3", 0.006),
    ("tail", "tail_3", "tail_4", 0.006),
)
SIDED_BONES = (
    ("front", "shoulder", "elbow", 0.04),
    ("front", "elbow", "wrist", 0.012),
    ("front", "wrist", "knuckle", 0.006),
    ("hind", "hip", "knee", 0.045),
    ("hind", "knee", "hock", 0.015),
    ("hind", "hock", "foot", 0.010),
)
MASSES: tuple[tuple[str, str, float, tuple[float, ...]], ...] = (  # limb, name, softness, direction of the fur
    ("torso", "chest", 0.03, (0, -0.4, -1)),
    ("torso", "belly", 0.03, (0, -0.3, -1)),
    ("head", "skull", 0.025, (0, 0.3, -1)),
    ("nose", "nose", 0.008, (0, 0, -1)),
)
SIDED_MASSES: tuple[tuple[str, str, float, tuple[float, ...]], ...] = (
    ("head", "cheek", 0.02, (0.3, -0.5, -1)),
    ("head", "brow", 0.015, (0.3, 0.6, -1)),
    ("muzzle", "lip", 0.012, (0.3, -0.4, -1)),
    ("front", "front_paw", 0.015, (0, 0, 1)),
    ("hind", "hind_paw", 0.015, (0, 0, 1)),
    ("front", "front_toe_in", 0.008, (0, 0, 1)),
    ("front", "front_toe_out", 0.008, (0, 0, 1)),
    ("hind", "hind_toe_in", 0.008, (0, 0, 1)),
    ("hind", "hind_toe_out", 0.008, (0, 0, 1)),
)

HOUND = Animal(
    joints={
        "rump": (0, 0.80, -0.45, 0.165),
        "loin": (0, 0.79, -0.15, 0.155),
        "ribs": (0, 0.76, 0.15, 0.19),
        "breast": (0, 0.75, 0.36, 0.165),
        "neck_low": (0, 0.87, 0.38, 0.165),
        "neck_high": (0, 1.17, 0.57, 0.125),
        "stop": (0, 1.235, 0.76, 0.092),
        "nose_tip": (0, 1.205, 0.965, 0.066),
        "jaw": (0, 1.180, 0.72, 0.064),
        "chin": (0, 1.132, 0.920, 0.040),
        "tail_0": (0, 0.87, -0.57, 0.062),
        "tail_1": (0, 0.96, -0.71, 0.056),
        "tail_2": (0, 1.09, -0.80, 0.050),
        "tail_3": (0, 1.22, -0.84, 0.043),
        "tail_4": (0, 1.33, -0.83, 0.028),
        "shoulder": (0.115, 0.70, 0.33, 0.115),
        "elbow": (0.135, 0.47, 0.27, 0.075),
        "wrist": (0.130, 0.17, 0.31, 0.057),
        "knuckle": (0.130, 0.07, 0.32, 0.054),
        "hip": (0.100, 0.74, -0.44, 0.150),
        "knee": (0.140, 0.46, -0.36, 0.085),
        "hock": (0.135, 0.24, -0.58, 0.050),
        "foot": (0.135, 0.07, -0.55, 0.047),
    },
    masses={
        "chest": ((0, 0.67, 0.20), (0.185, 0.25, 0.27), 8),
        "belly": ((0, 0.73, -0.10), (0.150, 0.18, 0.32), -6),
        "skull": ((0, 1.290, 0.645), (0.155, 0.138, 0.170), 0),
        "nose": ((0, 1.238, 1.024), (0.042, 0.033, 0.030), 0),
        "cheek": ((0.080, 1.215, 0.69), (0.075, 0.080, 0.095), 0),
        "brow": ((0.062, 1.330, 0.752), (0.048, 0.030, 0.040), 0),
        "lip": ((0.042, 1.165, 0.915), (0.040, 0.052, 0.088), 8),
        "front_paw": ((0.130, 0.045, 0.355), (0.058, 0.048, 0.085), 0),
        "hind_paw": ((0.135, 0.042, -0.51), (0.056, 0.045, 0.085), 0),
        "front_toe_in": ((0.108, 0.035, 0.425), (0.026, 0.033, 0.035), 0),
        "front_toe_out": ((0.152, 0.035, 0.425), (0.026, 0.033, 0.035), 0),
        "hind_toe_in": ((0.113, 0.034, -0.44), (0.026, 0.032, 0.035), 0),
        "hind_toe_out": ((0.157, 0.034, -0.44), (0.026, 0.032, 0.035), 0),
    },
    eye=(0.076, 1.284, 0.790, 0.032),
    gaze=(0.40, 0.05, 1.0),
    ear=Ear(
        spine=((0.100, 1.375, 0.60), (0.215, 1.405, 0.59), (0.220, 1.20, 0.66), (0.175, 1.03, 0.69)),
        widths=(0.12, 0.19, 0.21, 0.12),
        front=(-0.45, 0.2, 1.0),
        cup=0.10,
        thickness=0.040,
    ),
    stagger=(0.04, -0.05),
    hair={"torso": 0.030, "neck": 0.030, "tail": 0.036, "hind": 0.030, "front": 0.022, "head": 0.014},
    whiskers=(0.05, 0.0012),
    collar=0.36,
    collar_width=0.050,
    head=1.10,
    legs=0.05,
)

TABBY = Animal(
    joints={
        "rump": (0, 0.63, -0.46, 0.155),
        "loin": (0, 0.62, -0.15, 0.155),
        "ribs": (0, 0.62, 0.15, 0.158),
        "breast": (0, 0.62, 0.34, 0.145),
        "neck_low": (0, 0.70, 0.37, 0.155),
        "neck_high": (0, 0.87, 0.51, 0.132),
        "stop": (0, 0.940, 0.700, 0.080),
        "nose_tip": (0, 0.918, 0.765, 0.046),
        "jaw": (0, 0.900, 0.68, 0.062),
        "chin": (0, 0.872, 0.752, 0.036),
        "tail_0": (0, 0.69, -0.58, 0.062),
        "tail_1": (0, 0.80, -0.72, 0.056),
        "tail_2": (0, 0.96, -0.79, 0.054),
        "tail_3": (0, 1.12, -0.80, 0.052),
        "tail_4": (0, 1.26, -0.74, 0.044),
        "shoulder": (0.095, 0.58, 0.31, 0.105),
        "elbow": (0.105, 0.38, 0.27, 0.075),
        "wrist": (0.100, 0.14, 0.31, 0.056),
        "knuckle": (0.100, 0.06, 0.32, 0.052),
        "hip": (0.090, 0.60, -0.44, 0.130),
        "knee": (0.120, 0.37, -0.34, 0.092),
        "hock": (0.110, 0.18, -0.55, 0.052),
        "foot": (0.110, 0.06, -0.53, 0.050),
    },
    masses={
        "chest": ((0, 0.565, 0.22), (0.160, 0.195, 0.25), 4),
        "belly": ((0, 0.545, -0.10), (0.165, 0.185, 0.34), 0),
        "skull": ((0, 0.975, 0.605), (0.172, 0.148, 0.160), 0),
        "nose": ((0, 0.938, 0.801), (0.018, 0.012, 0.013), 0),
        "cheek": ((0.100, 0.924, 0.642), (0.082, 0.076, 0.086), 0),
        "brow": ((0.072, 1.035, 0.705), (0.048, 0.026, 0.034), 0),
        "lip": ((0.036, 0.906, 0.766), (0.042, 0.036, 0.038), 0),
        "front_paw": ((0.100, 0.042, 0.345), (0.054, 0.045, 0.072), 0),
        "hind_paw": ((0.110, 0.040, -0.49), (0.052, 0.043, 0.075), 0),
        "front_toe_in": ((0.080, 0.032, 0.400), (0.025, 0.030, 0.030), 0),
        "front_toe_out": ((0.120, 0.032, 0.400), (0.025, 0.030, 0.030), 0),
        "hind_toe_in": ((0.090, 0.031, -0.43), (0.025, 0.030, 0.030), 0),
        "hind_toe_out": ((0.130, 0.031, -0.43), (0.025, 0.030, 0.030), 0),
    },
    eye=(0.073, 0.986, 0.730, 0.037),
    gaze=(0.30, 0.02, 1.0),
    ear=Ear(
        spine=((0.088, 1.01, 0.60), (0.107, 1.08, 0.60), (0.126, 1.135, 0.60), (0.142, 1.188, 0.595)),
        widths=(0.175, 0.165, 0.108, 0.016),
        front=(-1.0, 0.1, 0.45),
        cup=0.28,
        thickness=0.022,
    ),
    stagger=(0.05, -0.05),
    hair={"torso": 0.032, "neck": 0.036, "tail": 0.032, "hind": 0.028, "front": 0.020, "head": 0.026},
    whiskers=(0.20, 0.0022),
    collar=0.40,
    collar_width=0.030,
    head=1.14,
    legs=0.09,
    carriage=(-0.05, -0.03),
)


DOG, CAT = HOUND.finished(), TABBY.finished()


def figure(animal: Animal) -> Figure:
    """The animal's body (without eyes and ears)."""
    primitives: list[Primitive] = []
    for limb, a, b, soft in BONES:
        primitives.append(_cone(limb, animal.joints[a], animal.joints[b], soft))
    for limb, name, soft, flow in MASSES:
        primitives.append(_ball(limb, animal.masses[name], soft, flow))
    for side in (1, -1):
        for limb, a, b, soft in SIDED_BONES:
            foot, top = (_sided(animal, limb, animal.joints[j], side) for j in (a, b))
            primitives.append(_cone(f"{limb}{side:+d}", foot, top, soft))
        for limb, name, soft, flow in SIDED_MASSES:
            (x, y, z), radii, tilt = animal.masses[name]
            moved = _sided(animal, limb, (x, y, z, 0), side)[:3]
            key = limb if limb in ("head", "muzzle") else f"{limb}{side:+d}"
            primitives.append(_ball(key, (moved, radii, tilt), soft, (flow[0] * side, *flow[1:])))
    return Figure(tuple(primitives))


def _sided(animal: Animal, limb: str, joint: Joint, side: int) -> Joint:
    x, y, z, r = joint
    reach = {"front": animal.stagger[0], "hind": animal.stagger[1]}.get(limb, 0.0)
    hang = np.clip((0.62 - y) / 0.5, 0, 1)  # the foot moves, the shoulder stays
    return (x * side, y, z + reach * hang * side, r)


def _cone(limb: str, a: Joint, b: Joint, soft: float) -> Cone:
    return Cone(limb, np.array(a[:3], float), np.array(b[:3], float), a[3], b[3], soft)


def _ball(limb: str, mass: Mass, soft: float, flow: tuple[float, ...]) -> Ball:
    centre, radii, tilt = mass
    direction = np.array(flow, float)
    return Ball(
        limb,
        np.array(centre, float),
        np.array(radii, float),
        tilt,
        soft,
        direction / np.linalg.norm(direction),
    )
