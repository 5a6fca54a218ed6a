"""A pair of foreground objects between which a scene can morph, and the folder format that holds one.

A folder ``library/<name>/`` contains

``mesh.npz``
    ``faces`` (F, 3) int32, counter-clockwise seen from outside; ``uv`` (V, 2) float32, v upwards, repeats
    outside [0, 1]; ``positions`` (2, V, 3) float32; ``normals`` (2, V, 3) float32, unit length, smooth
    across UV seams. Vertices are already split at UV seams, so one index serves all arrays.
``texture_0.webp``, ``texture_1.webp``
    RGB, one size for both, power of two, at least 1024.
``pair.json``
    ``label`` ("Dog ↔ Cat"), ``names`` (["Dog", "Cat"]), ``specular`` and ``shininess`` (a number for each of
    the two: Blinn–Phong coefficient in [0, 1] and exponent).

Both objects are right-handed, y up, face +z at yaw 0, are centred on the origin, and their bounding
spheres have radius 1.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True, eq=False)
class MorphPair:
    """Two objects that share topology and UV layout.

    Attributes:
        name: key in URLs and on the command line.
        label: name in the interface.
        names: the two objects' own names.
        faces: (F, 3) int32.
        uv: (V, 2) float32, v upwards.
        positions: (2, V, 3) float32.
        normals: (2, V, 3) float32, unit length.
        textures: (2, T, T, 3) uint8, first row at the top (v = 1).
        specular: (2,) Blinn–Phong specular coefficients in [0, 1].
        shininess: (2,) Blinn–Phong exponents.
    """

    name: str
    label: str
    names: tuple[str, str]
    faces: np.ndarray
    uv: np.ndarray
    positions: np.ndarray
    normals: np.ndarray
    textures: np.ndarray
    specular: tuple[float, float]
    shininess: tuple[float, float]

    @classmethod
    def load(cls, folder: Path) -> "MorphPair":
        """Read a pair from its folder."""
        info = json.loads((folder / "pair.json").read_text())
        with np.load(folder / "mesh.npz", allow_pickle=False) as arrays:
            mesh = {key: arrays[key] for key in ("faces", "uv", "positions", "normals")}
        textures = [np.asarray(Image.open(folder / f"texture_{i}.webp").convert("RGB")) for i in (0, 1)]
        return cls(
            name=folder.name,
            label=info["label"],
            names=tuple(info["names"]),
            textures=np.stack(textures),
            specular=tuple(info["specular"]),
            shininess=tuple(info["shininess"]),
            **mesh,
        )

    def save(self, folder: Path) -> None:
        """Write the pair as a folder that `load` reads."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            folder / "mesh.npz",
            faces=self.faces.astype(np.int32),
            uv=self.uv.astype(np.float32),
            positions=self.positions.astype(np.float32),
            normals=self.normals.astype(np.float32),
        )
        for i, texture in enumerate(self.textures):
            Image.fromarray(texture).save(folder / f"texture_{i}.webp", quality=92, method=6)
        info = {
            "label": self.label,
            "names": list(self.names),
            "specular": list(self.specular),
            "shininess": list(self.shininess),
        }
        (folder / "pair.json").write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n")
