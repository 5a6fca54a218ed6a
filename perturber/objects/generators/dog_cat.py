"""The pair Dog ↔ Cat."""

import numpy as np

from perturber.objects.generators import coats
from perturber.objects.generators.animals import CAT, DOG, Animal, figure
from perturber.objects.generators.body import body, ears, eyes
from perturber.objects.generators.fur import Coat, paint_body, paint_eye, streaks
from perturber.objects.generators.noise import Noise
from perturber.objects.generators.parts import Assembly
from perturber.objects.mesh import MorphPair

Array = np.ndarray

TEXTURE = 1024

EYES = {
    "dog": {"iris": np.array([0.30, 0.16, 0.07]), "rim": np.array([0.16, 0.08, 0.04]), "pupil": 0.5, "slit": 1.0},
    "cat": {"iris": np.array([0.80, 0.78, 0.28]), "rim": np.array([0.38, 0.52, 0.20]), "pupil": 0.62, "slit": 0.5},
}


def generate() -> MorphPair:
    """Build meshes and textures of both animals."""
    assembly = Assembly.build([body(DOG, CAT), *ears(DOG, CAT), *eyes(DOG, CAT)], TEXTURE)
    textures = [
        _paint(assembly, 0, DOG, coats.hound, coats.hound_ear, EYES["dog"]),
        _paint(assembly, 1, CAT, coats.tabby, coats.tabby_ear, EYES["cat"]),
    ]
    return assembly.pair(
        textures,
        name="dog_cat",
        label="Dog ↔ Cat",
        names=("Dog", "Cat"),
        specular=(0.10, 0.10),
        shininess=(18.0, 18.0),
    )


def _paint(assembly: Assembly, i: int, animal: Animal, coat: Coat, ear: object, eye: dict) -> Array:
    p, normal = assembly.places(i)
    part = assembly.texel_parts()
    names = np.array([part.name for part in assembly.parts])[part]
    colours = np.zeros_like(p)
    at = names == "body"
    colours[at] = paint_body(animal, figure(animal), coat, p[at], normal[at], seed=11 + i)
    at = names == "ear"
    colours[at] = _paint_ear(animal, ear, p[at], normal[at], seed=21 + i)
    at = names == "eye"
    colours[at] = paint_eye(animal, p[at], **eye)
    return assembly.texels.picture(colours)


def _paint_ear(animal: Animal, ear, p: Array, normal: Array, *, seed: int) -> Array:  # type: ignore[no-untyped-def]
    spine = np.array(animal.ear.spine)
    tangent = spine[3] - spine[1]
    tangent = tangent / np.linalg.norm(tangent)
    outward = np.cross(animal.ear.front, tangent)
    mirror = np.where(p[:, :1] > 0, 1.0, -1.0) * [1, 0, 0] + [0, 1, 1]
    outer = (normal * mirror) @ outward
    hairs = streaks(Noise(seed), p, tangent * mirror, 150.0, 0.02)
    return np.asarray(ear(outer, p * mirror)) * np.exp(0.12 * hairs)[:, None]
