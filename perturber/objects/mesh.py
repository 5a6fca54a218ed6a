"""A pair of foreground objects between which a scene can morph, and the folder format that holds one.

A folder ``library/<name>/`` contains

``mesh.npz``
    ``faces`` (F, 3) int32, counter-clockwise seen from outside; ``uv`` (V, 2) float32, v upwards, repeats
    outside [0, 1]; ``positions`` (2, V, 3) float32; ``normals`` (2, V, 3) float32, unit length, smooth
    across UV seams. Vertices are already split at UV seams, so one index serves all arrays. Where both objects
    are one and the same, the last two hold it once, (1, V, 3).
``texture_0.webp``, ``texture_1.webp``
    RGB, or RGBA where something is transparent; one size for both, power of two, at least 1024. The second is
    missing where it is the first.
``pair.json``
    ``label`` ("Dog ↔ Cat"), ``names`` (["Dog", "Cat"]), ``specular`` and ``shininess`` (a number for each of
    the two: Blinn–Phong coefficient in [0, 1] and exponent); ``notes`` where there are some.

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
        textures: (2, T, T, 3) uint8 RGB, or (2, T, T, 4) RGBA with straight alpha; first row at the top (v = 1).
        specular: (2,) Blinn–Phong specular coefficients in [0, 1].
        shininess: (2,) Blinn–Phong exponents.
        notes: what of the files it was read from was left out, changed or guessed, a sentence each.
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
    notes: tuple[str, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> "MorphPair":
        """Read a pair from its folder."""
        info = json.loads((folder / "pair.json").read_text())
        with np.load(folder / "mesh.npz", allow_pickle=False) as arrays:
            mesh = {key: arrays[key] for key in ("faces", "uv", "positions", "normals")}
        for key in ("positions", "normals"):
            mesh[key] = _both(mesh[key])
        textures = [_read_texture(path) for i in (0, 1) if (path := folder / f"texture_{i}.webp").exists()]
        return cls(
            name=folder.name,
            label=info["label"],
            names=tuple(info["names"]),
            textures=_both(np.stack(textures)),
            specular=tuple(info["specular"]),
            shininess=tuple(info["shininess"]),
            notes=tuple(info.get("notes", ())),
            **mesh,
        )

    def save(self, folder: Path, *, lossless: bool = False) -> None:
        """Write the pair as a folder that `load` reads.

        Args:
            folder: is made where it is missing.
            lossless: keep every texel as it is, and write quickly rather than small; textures with alpha are
                always kept so.
        """
        folder.mkdir(parents=True, exist_ok=True)
        write = np.savez if lossless else np.savez_compressed
        write(
            folder / "mesh.npz",
            faces=self.faces.astype(np.int32),
            uv=self.uv.astype(np.float32),
            positions=_once(self.positions).astype(np.float32),
            normals=_once(self.normals).astype(np.float32),
        )
        for i, texture in enumerate(_once(self.textures)):
            _write_texture(texture, folder / f"texture_{i}.webp", lossless=lossless)
        info = {
            "label": self.label,
            "names": list(self.names),
            "specular": list(self.specular),
            "shininess": list(self.shininess),
            **({"notes": list(self.notes)} if self.notes else {}),
        }
        (folder / "pair.json").write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n")


def _once(array: np.ndarray) -> np.ndarray:
    """Only the first of two equal items (2, ...) → (1, ...); two that differ as they are."""
    return array[:1] if np.array_equal(array[0], array[1]) else array


def _both(array: np.ndarray) -> np.ndarray:
    """(1, ...) or (2, ...) → (2, ...); what is there once is shown twice, not copied."""
    return np.broadcast_to(array, (2, *array.shape[1:]))


def _read_texture(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGBA" if picture.mode == "RGBA" else "RGB"))


def _write_texture(texture: np.ndarray, path: Path, *, lossless: bool) -> None:
    if lossless or texture.shape[-1] == 4:
        # The fastest of libwebp's ways; `exact` keeps the colour of transparent texels, which blending reads.
        Image.fromarray(texture).save(path, lossless=True, quality=0, method=0, exact=True)
    else:
        Image.fromarray(texture).save(path, quality=92, method=6)
