"""Colours of fur, eyes and noses by place on the surface."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from perturber.objects.generators.animals import Animal
from perturber.objects.generators.fields import Figure
from perturber.objects.generators.noise import Noise, mix, smoothstep

Array = np.ndarray

HAIR, TUFT = 150.0, 38.0
"""Hairs and tufts of hair per unit of length, across the fur."""


@dataclass(frozen=True)
class Skin:
    """Where texels lie on an animal's body.

    Attributes:
        p: (N, 3) places, displaced along the fur where hairs of one colour overlap another.
        normal: (N, 3).
        limb: (N,) name of the limb.
        share: share of the surface by limb name (N,), for soft borders.
        noise: to break regular patterns.
    """

    p: Array
    normal: Array
    limb: Array
    share: Callable[..., Array]
    noise: Noise


Coat = Callable[[Skin], Array]
EarCoat = Callable[[Array, Array], Array]
"""How far a place looks outwards (N,) in [-1, 1], and the place on the left ear (N, 3) → colours."""


def streaks(noise: Noise, p: Array, flow: Array, frequency: float, length: float, steps: int = 9) -> Array:
    """Noise drawn out along the fur: (N,), mean 0, standard deviation 1."""
    total = np.zeros(len(p))
    for t in np.linspace(-length, length, steps):
        total += noise(p + t * flow, frequency)
    return (total - total.mean()) / (total.std() + 1e-9)


def paint_body(animal: Animal, shape: Figure, coat: Coat, p: Array, normal: Array, *, seed: int) -> Array:
    """Colours (N, 3) of the body: coat, hairs, shadow in folds, eyelids, lips."""
    noise = Noise(seed)
    flow = shape.flow(p, normal)
    flow += 0.5 * np.stack([noise.fractal(p + 9 * k, 7.0, 2) - 0.5 for k in range(3)], 1)
    hairs = streaks(noise, p, flow, HAIR, 0.022)
    tufts = streaks(noise, p, flow, TUFT, 0.05)
    head = np.exp(-((np.linalg.norm(p - animal.joints["stop"][:3], axis=1) / 0.22) ** 4))
    overlap = (0.013 * tufts + 0.009 * hairs) * (1 - 0.6 * head)
    weights = shape.weights(p)
    limbs = np.array([primitive.limb for primitive in shape.primitives])

    def share(*names: str) -> Array:
        return weights[:, [any(limb.startswith(n) for n in names) for limb in limbs]].sum(1)

    skin = Skin(p + flow * overlap[:, None], normal, limbs[weights.argmax(1)], share, noise)
    colour = coat(skin)
    bare = smoothstep(0.4, 0.6, share("nose"))
    contrast = (0.13 * hairs + 0.10 * tufts * (1 - 0.5 * head)) * (1 - bare)
    contrast *= 1 - 0.62 * smoothstep(0.3, 0.9, colour.mean(1))  # white hair casts pale shadows
    colour = colour * np.exp(contrast)[:, None] + 0.012 * (hairs * (1 - bare))[:, None]
    colour = _mouth_and_lids(animal, share, p, colour)
    return np.clip(colour * _shelter(shape, p, normal)[:, None], 0, 1)


def _mouth_and_lids(animal: Animal, share: Callable[..., Array], p: Array, colour: Array) -> Array:
    jaw, snout = share("jaw"), share("muzzle", "head")
    ahead = smoothstep(animal.joints["jaw"][2] - 0.01, animal.joints["jaw"][2] + 0.03, p[:, 2])
    line = np.exp(-(((jaw - snout) / 0.16) ** 2)) * ahead * smoothstep(0.25, 0.4, jaw + share("muzzle"))
    chin = animal.joints["chin"]
    line *= smoothstep(chin[1] - 0.6 * chin[3], chin[1] - 0.1 * chin[3], p[:, 1])
    colour = mix(colour, np.array([0.09, 0.06, 0.06]), 0.9 * line)
    x, y, z, r = animal.eye
    centre = np.array([x, y, z])
    gaze = np.array(animal.gaze) / np.linalg.norm(animal.gaze)
    away = np.abs(p * [1, 1, 1]) * [1, 0, 0] + p * [0, 1, 1] - centre
    away -= (away @ gaze)[:, None] * gaze
    away[:, 0] *= 0.85
    distance = np.linalg.norm(away, axis=1) / r
    front = smoothstep(z - 2.5 * r, z - 1.5 * r, p[:, 2])
    return mix(colour, np.array([0.07, 0.05, 0.04]), 0.92 * front * smoothstep(1.06, 0.92, distance))


def _shelter(shape: Figure, p: Array, normal: Array) -> Array:
    """Less light where other surface is near: 1 in the open."""
    open_sky = np.ones(len(p))
    for reach, weight in ((0.03, 0.35), (0.10, 0.45)):
        open_sky -= weight * (1 - np.clip(shape.field(p + normal * reach) / reach, 0, 1))
    below = smoothstep(0.2, -0.9, normal[:, 1])
    return np.clip(open_sky, 0.35, 1) * (1 - 0.22 * below)


def paint_eye(animal: Animal, p: Array, *, iris: Array, rim: Array, pupil: float, slit: float, lid: Array) -> Array:
    """Colours (N, 3) of an eyeball.

    Args:
        iris, rim: colours of the iris at the pupil and at its edge.
        pupil: radius of the pupil in eye radii.
        slit: width of the pupil relative to its height.
        lid: colour of the eyelids.
    """
    x, y, z, r = animal.eye
    side = np.where(p[:, :1] > 0, 1.0, -1.0)
    local = (p * np.concatenate((side, np.ones((len(p), 2))), 1) - np.array([x, y, z])) / r
    gaze = np.array(animal.gaze) / np.linalg.norm(animal.gaze)
    right = np.cross((0, 1, 0), gaze)
    right /= np.linalg.norm(right)
    a, b = local @ right, local @ np.cross(gaze, right)
    out = np.hypot(a, b)
    colour = mix(np.tile(iris, (len(p), 1)), rim, smoothstep(0.3, 0.75, out))
    colour = mix(colour, np.array([0.03, 0.02, 0.02]), smoothstep(1.1, 0.9, np.hypot(a / slit, b) / pupil))
    colour = mix(colour, np.array([0.05, 0.035, 0.03]), smoothstep(0.84, 0.95, out))
    colour *= (1 - 0.45 * smoothstep(0.1, 0.7, b))[:, None]
    opening = 0.84 * np.sqrt(np.clip(1 - (a / 0.98) ** 2, 0, 1)) - np.abs(b + 0.05)
    screen = a * side[:, 0]  # the lamp stands at the upper left of the picture
    light = smoothstep(0.24, 0.15, np.hypot(screen + 0.22, b - 0.32))
    glint = smoothstep(0.12, 0.05, np.hypot(screen - 0.25, b + 0.28))
    colour = mix(mix(colour, np.ones(3), light), np.ones(3), 0.45 * glint)
    colour = mix(colour, np.array([0.05, 0.035, 0.03]), smoothstep(0.10, 0.02, opening))
    return mix(colour, lid, smoothstep(-0.06, -0.14, opening))
