"""Objects as the browser's view of the scene takes them."""

import base64
from typing import TypedDict

import numpy as np
from PIL import Image

from perturber.objects import MorphPair
from perturber.ui.showing.pictures import webp

TEXTURE_SIDE = 1024
"""Of the view's textures, in texels, at most."""


class MeshPayload(TypedDict):
    """A morph pair for the browser, arrays as base64; lists hold what belongs to either end of the morph.

    Attributes:
        polys: uint32, a 3 and the vertices of each triangle.
        places: float32, where each vertex lies on the texture: two from 0 to 1, the second one upwards.
        points, normals: float32, three a vertex.
        textures: addresses of pictures.
    """

    polys: str
    places: str
    points: list[str]
    normals: list[str]
    textures: list[str]


def mesh_payload(pair: MorphPair) -> MeshPayload:
    """A morph pair with its textures, without their opacity."""
    triangles = np.concatenate((np.full((len(pair.faces), 1), 3), pair.faces), 1)
    return MeshPayload(
        polys=_encode(triangles.astype(np.uint32)),
        places=_encode(pair.uv.astype(np.float32)),
        points=[_encode(points.astype(np.float32)) for points in pair.positions],
        normals=[_encode(normals.astype(np.float32)) for normals in pair.normals],
        textures=[webp(_at_most(texture[..., :3])) for texture in pair.textures],
    )


def _at_most(texture: np.ndarray) -> np.ndarray:
    if len(texture) <= TEXTURE_SIDE:
        return texture
    picture = Image.fromarray(np.ascontiguousarray(texture))
    return np.asarray(picture.resize((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.BOX))


def _encode(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
