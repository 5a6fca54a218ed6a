"""Proportions of the dog and the cat: one skeleton, two sets of measures.

Lengths are in heights of the dog's withers; x to the animal's left, y up from the ground, z forward. What is
listed with x > 0 in a `SIDED` name exists on both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
    """The measures of one animal. `stagger` moves the feet of (front, hind) legs: left forward, right back."""

    joints: Mapping[str, Joint]
    masses: Mapping[str, Mass]
    eye: Joint
    gaze: tuple[float, float, float]
    ear: Ear
    stagger: tuple[float, float]


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
MASSES = (  # limb, name, softness, direction of the fur
    ("torso", "chest", 0.03, (0, -0.4, -1)),
    ("torso", "belly", 0.03, (0, -0.3, -1)),
    ("head", "skull", 0.025, (0, 0.3, -1)),
    ("nose", "nose", 0.008, (0, 0, -1)),
)
SIDED_MASSES = (
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

DOG = Animal(
    joints={
        "rump": (0, 0.80, -0.45, 0.165),
        "loin": (0, 0.79, -0.15, 0.155),
        "ribs": (0, 0.76, 0.15, 0.19),
        "breast": (0, 0.75, 0.36, 0.165),
        "neck_low": (0, 0.87, 0.38, 0.165),
        "neck_high": (0, 1.17, 0.57, 0.125),
        "stop": (0, 1.235, 0.76, 0.085),
        "nose_tip": (0, 1.205, 0.955, 0.060),
        "jaw": (0, 1.165, 0.72, 0.062),
        "chin": (0, 1.140, 0.915, 0.038),
        "tail_0": (0, 0.87, -0.57, 0.062),
        "tail_1": (0, 0.96, -0.71, 0.056),
        "tail_2": (0, 1.09, -0.80, 0.050),
        "tail_3": (0, 1.22, -0.84, 0.043),
        "tail_4": (0, 1.33, -0.83, 0.028),
        "shoulder": (0.115, 0.70, 0.33, 0.115),
        "elbow": (0.135, 0.47, 0.27, 0.075),
        "wrist": (0.130, 0.17, 0.31, 0.052),
        "knuckle": (0.130, 0.07, 0.32, 0.050),
        "hip": (0.100, 0.74, -0.44, 0.150),
        "knee": (0.140, 0.46, -0.36, 0.085),
        "hock": (0.135, 0.24, -0.58, 0.050),
        "foot": (0.135, 0.07, -0.55, 0.047),
    },
    masses={
        "chest": ((0, 0.67, 0.20), (0.185, 0.25, 0.27), 8),
        "belly": ((0, 0.73, -0.10), (0.150, 0.18, 0.32), -6),
        "skull": ((0, 1.285, 0.645), (0.145, 0.130, 0.165), 0),
        "nose": ((0, 1.232, 1.012), (0.042, 0.032, 0.030), 0),
        "cheek": ((0.080, 1.215, 0.69), (0.075, 0.080, 0.095), 0),
        "brow": ((0.062, 1.330, 0.752), (0.048, 0.030, 0.040), 0),
        "lip": ((0.036, 1.170, 0.915), (0.036, 0.045, 0.080), 8),
        "front_paw": ((0.130, 0.045, 0.355), (0.058, 0.048, 0.085), 0),
        "hind_paw": ((0.135, 0.042, -0.51), (0.056, 0.045, 0.085), 0),
        "front_toe_in": ((0.108, 0.035, 0.425), (0.026, 0.033, 0.035), 0),
        "front_toe_out": ((0.152, 0.035, 0.425), (0.026, 0.033, 0.035), 0),
        "hind_toe_in": ((0.113, 0.034, -0.44), (0.026, 0.032, 0.035), 0),
        "hind_toe_out": ((0.157, 0.034, -0.44), (0.026, 0.032, 0.035), 0),
    },
    eye=(0.073, 1.278, 0.782, 0.034),
    gaze=(0.40, 0.05, 1.0),
    ear=Ear(
        spine=((0.095, 1.375, 0.60), (0.200, 1.41, 0.59), (0.215, 1.22, 0.66), (0.190, 1.06, 0.68)),
        widths=(0.10, 0.17, 0.18, 0.06),
        front=(0.0, 0.2, 1.0),
        cup=0.10,
        thickness=0.030,
    ),
    stagger=(0.04, -0.05),
)

CAT = Animal(
    joints={
        "rump": (0, 0.64, -0.46, 0.145),
        "loin": (0, 0.63, -0.15, 0.145),
        "ribs": (0, 0.62, 0.15, 0.150),
        "breast": (0, 0.62, 0.35, 0.130),
        "neck_low": (0, 0.70, 0.38, 0.130),
        "neck_high": (0, 0.87, 0.52, 0.118),
        "stop": (0, 0.940, 0.700, 0.080),
        "nose_tip": (0, 0.918, 0.765, 0.046),
        "jaw": (0, 0.900, 0.68, 0.062),
        "chin": (0, 0.872, 0.752, 0.036),
        "tail_0": (0, 0.69, -0.58, 0.052),
        "tail_1": (0, 0.80, -0.74, 0.046),
        "tail_2": (0, 0.98, -0.83, 0.044),
        "tail_3": (0, 1.15, -0.84, 0.042),
        "tail_4": (0, 1.29, -0.76, 0.036),
        "shoulder": (0.095, 0.59, 0.32, 0.095),
        "elbow": (0.105, 0.39, 0.27, 0.062),
        "wrist": (0.100, 0.13, 0.31, 0.046),
        "knuckle": (0.100, 0.06, 0.32, 0.044),
        "hip": (0.090, 0.60, -0.44, 0.130),
        "knee": (0.120, 0.37, -0.34, 0.078),
        "hock": (0.110, 0.19, -0.56, 0.046),
        "foot": (0.110, 0.06, -0.53, 0.043),
    },
    masses={
        "chest": ((0, 0.58, 0.20), (0.140, 0.165, 0.24), 6),
        "belly": ((0, 0.59, -0.12), (0.145, 0.150, 0.32), 0),
        "skull": ((0, 0.975, 0.605), (0.172, 0.148, 0.160), 0),
        "nose": ((0, 0.940, 0.806), (0.024, 0.017, 0.016), 0),
        "cheek": ((0.100, 0.925, 0.640), (0.082, 0.078, 0.085), 0),
        "brow": ((0.072, 1.035, 0.705), (0.048, 0.026, 0.034), 0),
        "lip": ((0.032, 0.906, 0.772), (0.038, 0.032, 0.036), 0),
        "front_paw": ((0.100, 0.042, 0.345), (0.054, 0.045, 0.072), 0),
        "hind_paw": ((0.110, 0.040, -0.49), (0.052, 0.043, 0.075), 0),
        "front_toe_in": ((0.080, 0.032, 0.400), (0.025, 0.030, 0.030), 0),
        "front_toe_out": ((0.120, 0.032, 0.400), (0.025, 0.030, 0.030), 0),
        "hind_toe_in": ((0.090, 0.031, -0.43), (0.025, 0.030, 0.030), 0),
        "hind_toe_out": ((0.130, 0.031, -0.43), (0.025, 0.030, 0.030), 0),
    },
    eye=(0.074, 0.982, 0.730, 0.040),
    gaze=(0.30, 0.02, 1.0),
    ear=Ear(
        spine=((0.105, 1.03, 0.60), (0.125, 1.10, 0.60), (0.145, 1.18, 0.60), (0.160, 1.255, 0.595)),
        widths=(0.17, 0.15, 0.09, 0.012),
        front=(-1.0, 0.1, 0.45),
        cup=0.28,
        thickness=0.022,
    ),
    stagger=(0.05, -0.05),
)


def figure(animal: Animal) -> Figure:
    """The animal's body (without eyes and ears)."""
    primitives: list[Primitive] = []
    for limb, a, b, soft in BONES:
        primitives.append(_cone(limb, animal.joints[a], animal.joints[b], soft))
    for limb, name, soft, flow in MASSES:
        primitives.append(_ball(limb, animal.masses[name], soft, flow))
    for side in (1, -1):
        for limb, a, b, soft in SIDED_BONES:
            ends = [_sided(animal, limb, animal.joints[j], side) for j in (a, b)]
            primitives.append(_cone(f"{limb}{side:+d}", *ends, soft))
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
