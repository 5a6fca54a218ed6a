"""Parts of an object: pieces of surface that exist in both objects of a pair with the same faces.

Positions are (2, V, 3): one set of coordinates for each object. Charts lie flat with the mean lengths of both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from perturber.objects.generators.atlas import Chart, Texels, pack, texels
from perturber.objects.generators.finish import corner_normals, split, to_unit_sphere
from perturber.objects.mesh import MorphPair

Array = np.ndarray


@dataclass(frozen=True)
class Part:
    """A named piece of surface.

    Attributes:
        name: painters go by it.
        positions: (2, V, 3).
        faces: (F, 3), counter-clockwise from outside.
        charts: cover every face once.
        crease: edges sharper than this many degrees stay sharp.
        normals: (2, F, 3, 3) of the faces' corners, or None to derive them from the faces.
    """

    name: str
    positions: Array
    faces: Array
    charts: list[Chart]
    crease: float = 40.0
    normals: Array | None = None

    def mirrored(self, name: str | None = None) -> "Part":
        """The same part on the other side (x → −x)."""
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self,
            name=name or self.name,
            positions=self.positions * flip,
            faces=self.faces[:, ::-1],
            charts=[Chart(chart.faces, chart.corners[:, ::-1] * np.array([-1.0, 1.0])) for chart in self.charts],
            normals=None if self.normals is None else self.normals[:, :, ::-1] * flip,
        )


def tube(
    name: str,
    rings: Array,
    *,
    cuts: Sequence[int] = (0,),
    scale: float = 1.0,
    crease: float = 40.0,
    caps: float = 1.0,
    round_caps: bool = True,
) -> Part:
    """A closed surface through rings of points, with a fan over each end.

    Args:
        rings: (2, R, C, 3); seen from outside, with the ring index going up, columns go to the right.
        cuts: columns at which the chart is cut into strips.
        scale: magnification in the texture.
        caps: further magnification of the two ends.
        round_caps: each end becomes a disc in the texture; else it keeps its outline.
    """
    _, n, m, _ = rings.shape
    poles = rings[:, [0, -1]].mean(2)
    positions = np.concatenate((rings.reshape(2, n * m, 3), poles), 1)
    across = _mean_length(np.diff(rings, axis=2, append=rings[:, :, :1])).max(0)
    along = _mean_length(np.diff(rings, axis=1)).mean(1)
    x = np.concatenate(([0], np.cumsum(across))) * scale
    y = np.concatenate(([0], np.cumsum(along))) * scale
    faces: list[tuple[int, int, int]] = []
    charts = []
    bounds = [*cuts, cuts[0] + m]
    for begin, end in pairwise(bounds):
        members, corners = [], []
        for c in range(begin, end):
            at = np.array([x[c % m] + (c // m) * x[-1], x[c % m + 1] + (c // m) * x[-1]])
            for r in range(n - 1):
                a, b = r * m + c % m, r * m + (c + 1) % m
                flat = np.array([[at[0], y[r]], [at[1], y[r]], [at[1], y[r + 1]], [at[0], y[r + 1]]])
                for triangle, pick in (((a, b, b + m), [0, 1, 2]), ((a, b + m, a + m), [0, 2, 3])):
                    members.append(len(faces))
                    faces.append(triangle)
                    corners.append(flat[pick])
        charts.append(Chart(np.array(members), np.array(corners)))
    ends: list[list[tuple[int, int, int]]] = [
        [(n * m, (c + 1) % m, c) for c in range(m)],
        [(n * m + 1, (n - 1) * m + c, (n - 1) * m + (c + 1) % m) for c in range(m)],
    ]
    for fan in ends:
        members = list(range(len(faces), len(faces) + m))
        faces.extend(fan)
        laid = (_disc if round_caps else _outline)(positions, np.array(fan))
        charts.append(Chart(np.array(members), laid * scale * caps))
    return Part(name, positions, np.array(faces), charts, crease)


def _mean_length(steps: Array) -> Array:
    return np.linalg.norm(steps, axis=-1).mean(0)


def _disc(positions: Array, fan: Array) -> Array:
    """A disc around the fan's first corner, with the mean distances of the ring."""
    m = len(fan)
    radius = np.linalg.norm(positions[:, fan[:, 1]] - positions[:, fan[:, 0]], axis=-1).mean()
    angle = 2 * np.pi * np.arange(m + 1) / m
    rim = np.stack((np.cos(angle), np.sin(angle)), -1) * max(radius, 1e-3)
    return np.stack((np.zeros((m, 2)), rim[:-1], rim[1:]), 1)


def _outline(positions: Array, fan: Array) -> Array:
    """The fan as it looks from outside, with the mean outline of both objects."""
    corners = positions.mean(0)[fan]
    spokes = corners[:, 1:] - corners[:, :1]
    normal = np.cross(spokes[:, 0], spokes[:, 1]).sum(0)
    right = spokes[0, 0] - normal * (spokes[0, 0] @ normal) / (normal @ normal)
    axes = np.stack(
        (right / np.linalg.norm(right), np.cross(normal, right) / np.linalg.norm(np.cross(normal, right))), 1
    )
    return np.concatenate((np.zeros((len(fan), 1, 2)), spokes @ axes), 1)


@dataclass(frozen=True)
class Assembly:
    """Parts together, laid out in one texture.

    Attributes:
        parts: in order.
        faces: (F, 3) into positions.
        positions: (2, V, 3).
        part_of: (F,) index of the part that each face belongs to.
        uv: (F, 3, 2).
        texels: what each texel shows.
        normals: (2, F, 3, 3) of the faces' corners.
    """

    parts: list[Part]
    faces: Array
    positions: Array
    part_of: Array
    uv: Array
    texels: Texels
    normals: Array

    @classmethod
    def build(cls, parts: list[Part], size: int) -> "Assembly":
        offsets = np.cumsum([0] + [part.positions.shape[1] for part in parts])
        starts = np.cumsum([0] + [len(part.faces) for part in parts])
        charts = [
            Chart(chart.faces + start, chart.corners)
            for part, start in zip(parts, starts, strict=False)
            for chart in part.charts
        ]
        uv, _ = pack(charts, starts[-1], size)
        normals = [
            np.stack([corner_normals(p, part.faces, part.crease) for p in part.positions])
            if part.normals is None
            else part.normals
            for part in parts
        ]
        return cls(
            parts,
            np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=False)]),
            np.concatenate([part.positions for part in parts], 1),
            np.repeat(np.arange(len(parts)), [len(part.faces) for part in parts]),
            uv,
            texels(uv, size),
            np.concatenate(normals, 1),
        )

    def places(self, i: int) -> tuple[Array, Array]:
        """Position and unit normal on object i of each texel: two (N, 3)."""
        normal = self.texels.spread(self.normals[i])
        normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
        return self.texels.spread(self.positions[i][self.faces]), normal

    def texel_parts(self) -> Array:
        """Index of the part that each texel shows: (N,)."""
        return self.part_of[self.texels.face]

    def pair(self, textures: Sequence[Array], **info: object) -> MorphPair:
        """The finished pair, each object in its unit sphere."""
        positions = []
        for p in self.positions:
            centre, radius = to_unit_sphere(p)
            positions.append((p - centre) / radius)
        faces, first = split(
            np.repeat(self.faces[..., None], 1, -1), self.uv, self.normals[0], self.normals[1], decimals=4
        )
        return MorphPair(
            faces=faces,
            uv=self.uv.reshape(-1, 2)[first].astype(np.float32),
            positions=np.stack([p[self.faces.ravel()[first]] for p in positions]).astype(np.float32),
            normals=self.normals.reshape(2, -1, 3)[:, first].astype(np.float32),
            textures=np.stack(textures),
            **info,  # type: ignore[arg-type]
        )
