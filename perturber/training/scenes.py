"""Random scenes of the project's own objects and backgrounds, to train on."""

import numpy as np

from perturber import objects
from perturber.scene import Scene, SceneBase


def random_scene(random: np.random.Generator) -> SceneBase:
    """A scene of an object that comes with the project, seen from anywhere around it, in any light."""
    backgrounds = [name for name in objects.names("background") if not objects.is_own(name)]
    pairs = [name for name in objects.names("object") if not objects.is_own(name)]

    def between(low: float, high: float) -> float:
        return float(random.uniform(low, high))

    return Scene.parse(
        {
            "object": pairs[random.integers(len(pairs))],
            "background": backgrounds[random.integers(len(backgrounds))],
            "yaw": between(-180, 180),
            "pitch": between(-45, 10),
            "roll": between(-10, 10),
            "distance": between(2.4, 5),
            "pan_x": between(-0.4, 0.4),
            "pan_y": between(-0.3, 0.3),
            # Mostly the one or the other: what lies between is nothing that the base has an opinion of.
            "morph": min(1.0, max(0.0, between(-1, 2))),
            "lighting_influence": between(0.5, 1),
            "light_azimuth": between(-60, 60),
            "light_elevation": between(-30, 30),
            "background_blur": max(0.0, between(-2, 3)),
            "background_saturation": between(0.6, 1.3),
        }
    )
