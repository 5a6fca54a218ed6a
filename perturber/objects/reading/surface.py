"""What the readers of file formats hand on: triangles with whatever the file says of their corners."""

from dataclasses import dataclass, field, replace

import numpy as np

from perturber.objects.reading.wrapping import Wrap


@dataclass(frozen=True, kw_only=True)
class Material:
    """How some of a surface's triangles are coloured.

    Attributes:
        colour: sRGB and alpha in [0, 1]; multiplies the picture where there is one.
        picture: content of the diffuse texture's file, or None.
        alpha: content of the alpha texture's file, or None; it replaces the alpha of the picture.
        opaque: the picture's own alpha channel means nothing.
        cutoff: alpha in [0, 1] from which on a point is wholly there, and below it not at all; None blends.
        both_sides: to be seen from behind too.
        glow: what it emits, linear red, green and blue, where 1 is a white surface in full light; it is added.
        glow_picture: content of a picture that multiplies what it emits, or None.
        wrap: how the pictures go on beyond their left and right edges, and beyond their upper and lower ones.
        name: what the file calls it, for errors.
    """

    colour: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    picture: bytes | None = None
    alpha: bytes | None = None
    opaque: bool = False
    cutoff: float | None = None
    both_sides: bool = False
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    glow_picture: bytes | None = None
    wrap: tuple[Wrap, Wrap] = ("repeat", "repeat")
    name: str = field(default="", compare=False)

    @property
    def pictures(self) -> tuple[bytes, ...]:
        """All that it has."""
        return tuple(picture for picture in (self.picture, self.alpha, self.glow_picture) if picture is not None)


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """Triangles.

    Attributes:
        positions: (V, 3) float64; y up, front +z, any place and size.
        faces: (F, 3) int64.
        uv: (F, 3, 2) float64, v upwards; NaN where the file has none.
        normals: (F, 3, 3) float64; NaN where the file has none.
        colours: (F, 3, 4) float64 sRGB and alpha in [0, 1] at the corners, or None.
        material: (F,) int64, indices of `materials`.
        materials: at least one.
    """

    positions: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    normals: np.ndarray
    colours: np.ndarray | None
    material: np.ndarray
    materials: tuple[Material, ...]

    def only(self, faces: np.ndarray) -> "Surface":
        """Some of the triangles: indices, or a mask (F,)."""
        return replace(
            self,
            faces=self.faces[faces],
            uv=self.uv[faces],
            normals=self.normals[faces],
            colours=None if self.colours is None else self.colours[faces],
            material=self.material[faces],
        )
