"""A plane that shows a picture from both sides, as an object of the scene."""

import numpy as np

from perturber.objects import MorphPair

HALF_SIDE = 2**-0.5
"""So that the corners lie on the unit sphere, as an object's do."""


def plane_pair(name: str, picture: np.ndarray) -> MorphPair:
    """A square at z = 0 that faces +z; its back shows the picture's mirror image.

    Args:
        name: of the object.
        picture: (T, T, 3) uint8, T a power of two; the first row is at the top.
    """
    uv = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], float)
    # The texture repeats beyond its border: the outer half texel stays inside.
    inner = 0.5 / len(picture) + uv * (1 - 1 / len(picture))
    corners = np.pad((uv * 2 - 1) * HALF_SIDE, ((0, 0), (0, 1)))
    front = np.array([[0, 1, 3], [0, 3, 2]])
    normals = np.repeat([[0.0, 0, 1], [0, 0, -1]], len(uv), axis=0)
    return MorphPair(
        name=name,
        label="Feature visualisation",
        names=("Feature visualisation", "Feature visualisation"),
        faces=np.concatenate((front, front[:, ::-1] + len(uv))).astype(np.int32),
        uv=np.tile(inner, (2, 1)).astype(np.float32),
        positions=np.tile(corners, (2, 2, 1)).astype(np.float32),
        normals=np.stack([normals] * 2).astype(np.float32),
        textures=np.stack([picture] * 2),
        specular=(0.0, 0.0),
        shininess=(1.0, 1.0),
    )
