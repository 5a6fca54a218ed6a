"""The pair Dog ↔ Cat."""

import numpy as np

from perturber.objects.generators import coats
from perturber.objects.generators.animals import CAT, DOG, Animal, figure
from perturber.objects.generators.body import body, ears, eyes
from perturber.objects.generators.fur import Coat, EarCoat, paint_body, paint_eye, streaks
from perturber.objects.generators.noise import Noise
from perturber.objects.generators.parts import Assembly
from perturber.objects.generators.trimmings import add_tufts, collar, whiskers
from perturber.objects.mesh import MorphPair

Array = np.ndarray

TEXTURE = 1024
TUFTS = 1400

EYES = {
    "dog": {
        "iris": np.array([0.30, 0.16, 0.07]),
        "rim": np.array([0.16, 0.08, 0.04]),
        "pupil": 0.5,
        "slit": 1.0,
        "lid": coats.DARK_TAN * 0.75,
    },
    "cat": {
        "iris": np.array([0.90, 0.86, 0.32]),
        "rim": np.array([0.52, 0.66, 0.24]),
        "pupil": 0.52,
        "slit": 0.42,
        "lid": coats.TABBY * 0.8,
    },
}

TRIMMINGS = (
    {"collar": (0.72, 0.07, 0.06), "tag": (0.86, 0.68, 0.26), "whisker": (0.25, 0.20, 0.17)},
    {"collar": (0.07, 0.40, 0.50), "tag": (0.88, 0.72, 0.30), "whisker": (0.97, 0.96, 0.94)},
)


def generate() -> MorphPair:
    """Build meshes and textures of both animals."""
    animals = DOG, CAT
    parts = [body(*animals), *ears(*animals), *eyes(*animals), *collar(*animals), *whiskers(*animals)]
    assembly = Assembly.build(parts, TEXTURE)
    textures = [
        _paint(assembly, 0, DOG, coats.hound, coats.hound_ear, EYES["dog"]),
        _paint(assembly, 1, CAT, coats.tabby, coats.tabby_ear, EYES["cat"]),
    ]
    return add_tufts(assembly, animals, count=TUFTS, seed=31).pair(
        textures,
        name="dog_cat",
        label="Dog ↔ Cat",
        names=("Dog", "Cat"),
        specular=(0.10, 0.10),
        shininess=(18.0, 18.0),
    )


def _paint(assembly: Assembly, i: int, animal: Animal, coat: Coat, ear: EarCoat, eye: dict) -> Array:
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
    for name, colour in TRIMMINGS[i].items():
        at = names == name
        colours[at] = np.array(colour) * (0.85 + 0.15 * normal[at, 1:2])
    return assembly.texels.picture(colours)


def _paint_ear(animal: Animal, ear: EarCoat, p: Array, normal: Array, *, seed: int) -> Array:
    spine = np.array(animal.ear.spine)
    tangent = spine[3] - spine[1]
    tangent = tangent / np.linalg.norm(tangent)
    outward = np.cross(animal.ear.front, tangent)
    mirror = np.where(p[:, :1] > 0, 1.0, -1.0) * [1, 0, 0] + [0, 1, 1]
    outer = (normal * mirror) @ outward
    hairs = streaks(Noise(seed), p, tangent * mirror, 150.0, 0.02)
    return np.asarray(ear(outer, p * mirror)) * np.exp(0.12 * hairs)[:, None]
