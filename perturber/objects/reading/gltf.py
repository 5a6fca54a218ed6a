"""glTF 2.0, as .glb or as .gltf with its files → one surface in its rest pose.

Written against the Khronos specification (registry.khronos.org/glTF/specs/2.0/glTF-2.0.html). trimesh's reader takes
sparse accessors for zeros and normalised integers for what they are not, and knows neither skins nor the set and
transform of texture coordinates; here its matrices and triangle strips are used, and it checks the tests' results.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
from trimesh.util import triangle_strips_to_faces

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.objects.reading import gltf_draco, gltf_scene
from perturber.objects.reading.accessors import BrokenError, Buffers, entry, indices, number, numbers
from perturber.objects.reading.accessors import table as subtable
from perturber.objects.reading.files import Files
from perturber.objects.reading.gltf_container import check, container, left_out
from perturber.objects.reading.gltf_materials import Uv, material
from perturber.objects.reading.gltf_scene import MAX_PARTS, Node
from perturber.objects.reading.paint import to_srgb
from perturber.objects.reading.surface import Material, Surface

TRIANGLES, STRIP, FAN = 4, 5, 6

MAX_TARGETS = 1000
"""Shapes into which a mesh may morph."""

LOST = {
    "POSITION": "Vertices that no triangle uses and that are not finite numbers ({:,}) are left out.",
    "TEXCOORD": "Texture coordinates that are not finite numbers ({:,}) are replaced by others, made from the shape.",
    "NORMAL": "Normals that are not finite numbers ({:,}) are replaced by others, made from the shape.",
    "COLOR": "Colours of vertices that are not finite numbers ({:,}) are replaced by white.",
}
"""What is said of values that are not finite, by the attribute's name."""


def read(content: bytes, name: str, files: Files, notes: list[str]) -> Surface:
    """Read a glTF document.

    Args:
        content: of the .glb or .gltf file.
        name: what to call it in errors.
        files: where it finds its buffers and pictures.
        notes: gets a sentence for each thing that was left out, changed or guessed.

    Raises:
        InvalidInputError: anything that cannot be used.
    """
    try:
        tree, binary = container(content, name)
        check(tree, name)
        notes += left_out(tree)
        return _Reader(tree, Buffers(tree, files, binary), name, notes).surface()
    except BrokenError as error:
        raise InvalidInputError(f"{name!r} is not a valid glTF 2.0 file: {error}.") from error


class _Reader:
    """Goes through the scene of one document."""

    def __init__(self, tree: dict[str, Any], buffers: Buffers, name: str, notes: list[str]) -> None:
        self.tree = tree
        self.buffers = buffers
        self.name = name
        self.notes = notes
        self.limit = Settings().max_triangles
        self.room = 30 * self.limit  # items of accessors, which may be declared without any data
        self.materials: dict[int | None, tuple[int, Uv]] = {}
        self.list: list[Material] = []
        self.meshes: dict[int, dict[bool, list[dict[str, Any]]]] = {}
        self.lost: Counter[str] = Counter()

    def surface(self) -> Surface:
        nodes = gltf_scene.scene(self.tree, self.name, lambda node: bool(self._primitives(node)), self.notes)
        shown = [node for node in nodes.values() if node.visible and "mesh" in node.table]
        parts, triangles, other = 0, 0, 0
        for node in shown:
            copies, primitives = gltf_scene.count(node.table, self.tree), self._primitives(node.table)
            parts += copies * len(primitives)
            if parts > MAX_PARTS:
                raise InvalidInputError(f"{self.name!r} has more than {MAX_PARTS:,} parts.")
            triangles += copies * sum(map(self._triangles, primitives))
            other += len(self._primitives(node.table, triangles=False))
        if triangles > self.limit:
            raise InvalidInputError(f"{self.name!r} has {triangles:,} triangles; at most {self.limit:,} are allowed.")
        if not triangles:
            raise InvalidInputError(f"{self.name!r} has no triangles.")
        if other:
            self.notes.append(f"Parts made of points or lines ({other:,}) are left out.")
        worlds = {index: node.world for index, node in nodes.items()}
        surfaces = [part for node in shown for part in self._parts(node, worlds)]
        self.notes += [LOST[what].format(count) for what, count in self.lost.items() if count]
        return _join(surfaces, tuple(self.list))

    def _primitives(self, node: dict[str, Any], *, triangles: bool = True) -> list[dict[str, Any]]:
        """The parts of a node's mesh that are made of triangles, or the others."""
        if "mesh" not in node:
            return []
        mesh = entry(self.tree, "meshes", node["mesh"])
        if node["mesh"] not in self.meshes:
            primitives = mesh.get("primitives", [])
            if not isinstance(primitives, list) or not all(isinstance(p, dict) for p in primitives):
                raise BrokenError("a mesh has no primitives")
            made = [p.get("mode", TRIANGLES) in (TRIANGLES, STRIP, FAN) for p in primitives]
            self.meshes[node["mesh"]] = {
                of: [p for p, own in zip(primitives, made, strict=True) if own is of] for of in (True, False)
            }
        return self.meshes[node["mesh"]][triangles]

    def _triangles(self, primitive: dict[str, Any]) -> int:
        source = primitive.get("indices", subtable(primitive, "attributes").get("POSITION"))
        corners = number(entry(self.tree, "accessors", source), "count")
        return corners // 3 if primitive.get("mode", TRIANGLES) == TRIANGLES else max(corners - 2, 0)

    def _array(self, index: Any, columns: int, count: int | None = None, *, finite: bool = True) -> np.ndarray:
        values = self.buffers.array(index, columns=columns, count=count, most=max(self.room, 0))
        self.room -= len(values)
        if finite and not np.isfinite(values).all():
            raise InvalidInputError(f"{self.name!r} holds numbers that are not finite.")
        return values

    def _parts(self, node: Node, worlds: dict[int, np.ndarray]) -> Iterator[Surface]:
        """A node's mesh in the scene's coordinates, once or several times."""
        if primitives := self._primitives(node.table):
            places = gltf_scene.instances(node, self.buffers)
            for primitive in primitives:
                yield from self._part(primitive, node.table, places, worlds)

    def _part(
        self, primitive: dict[str, Any], node: dict[str, Any], places: np.ndarray, worlds: dict[int, np.ndarray]
    ) -> Iterator[Surface]:
        """One primitive at each of the places (N, 4, 4); nothing where it is empty."""
        gltf_draco.decode(primitive, self.name, self.buffers)
        attributes, weights = subtable(primitive, "attributes"), self._weights(node)
        positions = self._attribute(primitive, "POSITION", 3, weights)
        faces = self._faces(primitive, len(positions))
        if not len(faces):
            return
        used, faces = np.unique(faces, return_inverse=True)
        faces = faces.reshape(-1, 3)
        count, lost = len(positions), ~np.isfinite(positions).all(1)
        if lost[used].any():
            raise InvalidInputError(
                f"{self.name!r} has triangles with corners that are not finite numbers; export it again."
            )
        self.lost["POSITION"] += int(lost.sum())

        def vertices(name: str, columns: int) -> np.ndarray:
            """An attribute of the vertices in use, NaN where it is missing or not finite."""
            if name not in attributes:
                return np.full((len(used), columns), np.nan)
            values = self._attribute(primitive, name, columns, weights, count)[used]
            lost = ~np.isfinite(values).all(1)
            self.lost[name.partition("_")[0]] += int(lost.sum())
            return np.where(lost[:, None], np.nan, values) if lost.any() else values

        positions = positions[used]
        where, uv_of = self._material(primitive.get("material"))
        uv, normals, colours = uv_of.upwards(vertices(uv_of.set, 2)), vertices("NORMAL", 3), None
        if "COLOR_0" in attributes:
            kind = entry(self.tree, "accessors", attributes["COLOR_0"]).get("type")
            colours = _colours(vertices("COLOR_0", 3 if kind == "VEC3" else 4))
        moves = places[:, None]
        if "skin" in node and {"JOINTS_0", "WEIGHTS_0"} <= attributes.keys():
            # The joints alone say where it is, however many instances there are.
            moves = self._skinned(node["skin"], attributes, count, used, worlds)[None]
        for transforms in moves:
            turns = transforms[:, :3, :3]
            mirrored = len(turns) == 1 and np.linalg.det(turns[0]) < 0
            corners = faces[:, ::-1] if mirrored else faces
            yield Surface(
                positions=_turned(positions, turns) + transforms[:, :3, 3],
                faces=corners,
                uv=uv[corners],
                normals=_turned(normals, _cofactors(turns))[corners],
                colours=None if colours is None else colours[corners],
                material=np.full(len(corners), where),
                materials=(),
            )

    def _weights(self, node: dict[str, Any]) -> np.ndarray:
        """How much of each morph target is shown: as the node says, else its mesh."""
        source = node if "weights" in node else entry(self.tree, "meshes", node["mesh"])
        given = source.get("weights", [])
        if isinstance(given, list) and len(given) > MAX_TARGETS:
            raise InvalidInputError(f"{self.name!r} has more than {MAX_TARGETS:,} morph targets.")
        return numbers({"weights": given}, "weights", len(given) if isinstance(given, list) else 0)

    def _attribute(
        self, primitive: dict[str, Any], name: str, columns: int, weights: np.ndarray, count: int | None = None
    ) -> np.ndarray:
        """An attribute of a primitive's vertices with the morph targets that are shown; may be not finite."""
        values = self._array(subtable(primitive, "attributes").get(name), columns, count, finite=False)
        targets = primitive.get("targets", [])
        if not isinstance(targets, list):
            raise BrokenError("targets are not a list")
        for weight, target in zip(weights, targets, strict=False):
            if weight and name in subtable({"a target": target}, "a target"):
                values = values + weight * self._array(target[name], columns, len(values), finite=False)
        return values

    def _faces(self, primitive: dict[str, Any], vertices: int) -> np.ndarray:
        if "indices" in primitive:
            corners = self._array(primitive["indices"], 1)[:, 0]
            if corners.dtype.kind != "i" or (len(corners) and not 0 <= corners.min() <= corners.max() < vertices):
                raise BrokenError("a primitive asks for a vertex that is not there")
        else:
            corners = np.arange(vertices)
        mode = primitive.get("mode", TRIANGLES)
        if mode == TRIANGLES:
            return corners[: len(corners) // 3 * 3].reshape(-1, 3)
        if len(corners) < 3:
            return np.zeros((0, 3), np.int64)
        if mode == STRIP:
            return np.asarray(triangle_strips_to_faces([corners]), np.int64)
        return np.stack((np.full(len(corners) - 2, corners[0]), corners[1:-1], corners[2:]), 1)

    def _material(self, index: Any) -> tuple[int, Uv]:
        if index is not None:
            entry(self.tree, "materials", index)
        if index not in self.materials:
            made, uv = material(self.tree, index, self.buffers, self.notes)
            self.materials[index] = len(self.list), uv
            self.list.append(made)
        return self.materials[index]

    def _skinned(
        self, skin: Any, attributes: dict[str, Any], count: int, used: np.ndarray, worlds: dict[int, np.ndarray]
    ) -> np.ndarray:
        """What the rest pose of the joints does to each vertex: (V, 4, 4)."""
        table = entry(self.tree, "skins", skin)
        joints = indices(table, "joints")
        if not joints or not all(joint in worlds for joint in joints):
            raise BrokenError("a skin has joints that are not in the scene")
        matrices = np.stack([worlds[joint] for joint in joints])
        if "inverseBindMatrices" in table:
            inverse = self._array(table["inverseBindMatrices"], 16, len(joints))
            matrices = matrices @ inverse.reshape(-1, 4, 4).transpose(0, 2, 1)
        which = self._array(attributes["JOINTS_0"], 4, count)[used]
        share = self._array(attributes["WEIGHTS_0"], 4, count)[used].astype(np.float64)
        if which.dtype.kind != "i" or (len(which) and not 0 <= which.min() <= which.max() < len(joints)):
            raise BrokenError("a vertex follows a joint that is not there")
        total = share.sum(1, keepdims=True)
        share = np.where(total > 1e-9, share / np.where(total > 1e-9, total, 1), [1.0, 0, 0, 0])
        return sum((share[:, i, None, None] * matrices[which[:, i]] for i in range(4)), np.zeros((1, 4, 4)))


def _colours(values: np.ndarray) -> np.ndarray:
    """Linear colours (V, 3 or 4) of vertices → sRGB and alpha in [0, 1]; white where they are missing."""
    colours = np.nan_to_num(values if values.dtype.kind == "f" else values / 255, nan=1.0).clip(0, 1)
    if colours.shape[1] == 3:
        colours = np.concatenate((colours, np.ones((len(colours), 1))), 1)
    colours[:, :3] = to_srgb(colours[:, :3])
    return colours


def _cofactors(matrices: np.ndarray) -> np.ndarray:
    """How normals turn where points turn by `matrices` (N, 3, 3): the inverse transposes, but for their length."""
    a, b, c = matrices[:, 0], matrices[:, 1], matrices[:, 2]
    cofactors = np.stack((np.cross(b, c), np.cross(c, a), np.cross(a, b)), 1)
    return cofactors * np.sign((a * cofactors[:, 0]).sum(1))[:, None, None]


def _turned(vectors: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Vectors (V, 3), each multiplied by its own matrix (V, 3, 3), or all by the same one (1, 3, 3)."""
    if len(matrices) == 1:
        return vectors @ matrices[0].T
    return np.einsum("nij,nj->ni", matrices, vectors)


def _join(parts: list[Surface], materials: tuple[Material, ...]) -> Surface:
    if not parts:
        raise BrokenError("it has no triangles")
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    colours = None
    if any(part.colours is not None for part in parts):
        colours = np.concatenate(
            [np.ones((*part.faces.shape, 4)) if part.colours is None else part.colours for part in parts]
        )
    return Surface(
        positions=np.concatenate([part.positions for part in parts]),
        faces=np.concatenate([part.faces + start for part, start in zip(parts, starts, strict=False)]),
        uv=np.concatenate([part.uv for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        colours=colours,
        material=np.concatenate([part.material for part in parts]),
        materials=materials,
    )
