"""The four objects that come with the project, what each is to be called, and random views of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from perturber.scene import Scene, SceneBase
from perturber.zoo.classes import IMAGENET_1K, ClassName

BACKGROUNDS = ("indoor", "lawn", "street", "underwater")
"""Any of them may stand behind any object, so that no group is one of its background."""

YAWS, PITCHES, DISTANCES = (-70.0, -46.7, -23.3, 0.0, 23.3, 46.7, 70.0), (0.0, -16.7), (4.0, 5.5)

VIEWS = tuple(
    {"yaw": yaw, "pitch": pitch, "distance": distance} for distance, pitch, yaw in product(DISTANCES, PITCHES, YAWS)
)
"""The 28 views of each object."""


@dataclass(frozen=True)
class Subject:
    """One end of a morph pair, where it is at home.

    Attributes:
        pair: key of the morph pair.
        morph: 0 or 1.
        background: key of the picture behind it.
        right: ImageNet-1k classes that name it.
    """

    pair: str
    morph: float
    background: str
    right: frozenset[int]

    def scene(self, **view: object) -> SceneBase:
        """The object before its background, or as `view` says; the rest is at its default."""
        return Scene.parse({"object": self.pair, "morph": self.morph, "background": self.background, **view})

    def outputs(self, classes: Sequence[ClassName]) -> list[int]:
        """Which of a network's outputs name it; none where its classes have no WordNet identifiers."""
        known = {IMAGENET_1K[index].wnid for index in self.right}
        return [c.index for c in classes if c.wnid in known]


SUBJECTS = {
    "Dog": Subject("dog_cat", 0.0, "lawn", frozenset(range(151, 269))),  # every breed
    "Cat": Subject("dog_cat", 1.0, "lawn", frozenset(range(281, 286))),  # every house cat
    "Fire Truck": Subject("firetruck_racecar", 0.0, "street", frozenset({555})),  # fire engine
    "Race Car": Subject("firetruck_racecar", 1.0, "street", frozenset({751, 817})),  # racer, sports car
}

COUNTERPARTS = {"Dog": "Cat", "Cat": "Dog", "Fire Truck": "Race Car", "Race Car": "Fire Truck"}
"""What each morphs into."""


def random_views(count: int, seed: tuple[int, ...]) -> list[dict[str, object]]:
    """Camera, light and background at random: what `Subject.scene` takes, the same for the same seed.

    The front or a side is seen, never the back alone: a network that does not know the object says nothing about it.
    """
    random = np.random.default_rng(seed)

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    return [
        {
            "background": BACKGROUNDS[random.integers(len(BACKGROUNDS))],
            "yaw": between(-90, 90),
            "pitch": between(-30, 5),
            "distance": between(3, 5.5),
            "pan_x": between(-0.2, 0.2),
            "pan_y": between(-0.2, 0.2),
            "light_azimuth": between(-60, 60),
            "light_elevation": between(-30, 30),
            "background_blur": max(0.0, between(-2, 3)),
        }
        for _ in range(count)
    ]
