"""glTF 2.0, as .glb or as .gltf with its files → one surface in its rest pose.

Written against the Khronos specification (registry.khronos.org/glTF/specs/2.0/glTF-2.0.html). trimesh's reader takes
sparse accessors for zeros and normalised integers for what they are not, and knows neither skins nor the set and
transform of texture coordinates; here its matrices and triangle strips are used, and it checks the tests' results.
"""

from typing import Any

import numpy as np
from trimesh import transformations
from trimesh.util import triangle_strips_to_faces

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.objects.reading.accessors import BrokenError, Buffers, entry, number
from perturber.objects.reading.accessors import table as subtable
from perturber.objects.reading.files import Files
from perturber.objects.reading.gltf_container import check, container
from perturber.objects.reading.gltf_materials import Uv, material, to_srgb
from perturber.objects.reading.surface import Material, Surface

TRIANGLES, STRIP, FAN = 4, 5, 6

MAX_PARTS = 20_000
"""Nodes of a scene, and primitives in it."""


def read(content: bytes, name: str, files: Files) -> Surface:
    """Read a glTF document.

    Args:
        content: of the .glb or .gltf file.
        name: what to call it in errors.
        files: where it finds its buffers and pictures.

    Raises:
        InvalidInputError: anything that cannot be used.
    """
    try:
        tree, binary = container(content)
        check(tree, name)
        return _Reader(tree, Buffers(tree, files, binary), name).surface()
    except BrokenError as error:
        raise InvalidInputError(f"{name!r} is not a valid glTF 2.0 file: {error}.") from error


class _Reader:
    """Goes through the scene of one document."""

    def __init__(self, tree: dict[str, Any], buffers: Buffers, name: str) -> None:
        self.tree = tree
        self.buffers = buffers
        self.name = name
        self.limit = Settings().max_triangles
        self.room = 30 * self.limit  # items of accessors, which may be declared without any data
        self.materials: dict[int | None, tuple[int, Uv]] = {}
        self.list: list[Material] = []

    def surface(self) -> Surface:
        nodes = self._nodes()
        parts, triangles = 0, 0
        for index, _ in nodes:
            for primitive in self._primitives(index):
                parts, triangles = parts + 1, triangles + self._triangles(primitive)
        if parts > MAX_PARTS:
            raise InvalidInputError(f"{self.name!r} has {parts:,} parts; at most {MAX_PARTS:,} are allowed.")
        if triangles > self.limit:
            raise InvalidInputError(f"{self.name!r} has {triangles:,} triangles; at most {self.limit:,} are allowed.")
        if not triangles:
            raise InvalidInputError(f"{self.name!r} has no triangles.")
        worlds = dict(nodes)
        surfaces = [
            self._part(primitive, index, matrix, worlds)
            for index, matrix in nodes
            for primitive in self._primitives(index)
        ]
        return _join([surface for surface in surfaces if surface is not None], tuple(self.list))

    def _nodes(self) -> list[tuple[int, np.ndarray]]:
        """The nodes of the scene with their matrices, parents before children."""
        scenes = self.tree.get("scenes", [])
        if scenes:
            roots = entry(self.tree, "scenes", self.tree.get("scene", 0)).get("nodes", [])
        else:
            children = {
                c for node in self.tree.get("nodes", []) if isinstance(node, dict) for c in _list(node, "children")
            }
            roots = [i for i in range(len(self.tree.get("nodes", []))) if i not in children]
        if not isinstance(roots, list):
            raise BrokenError("a scene's nodes are not a list")
        found: dict[int, np.ndarray] = {}
        waiting = [(root, np.eye(4)) for root in reversed(roots)]
        while waiting:
            index, parent = waiting.pop()
            node = entry(self.tree, "nodes", index)
            if index in found:
                raise BrokenError(f"nodes[{index}] has two parents")
            if len(found) >= MAX_PARTS:
                raise InvalidInputError(f"{self.name!r} has more than {MAX_PARTS:,} nodes.")
            found[index] = parent @ _matrix(node)
            waiting += [(child, found[index]) for child in reversed(_list(node, "children"))]
        return list(found.items())

    def _primitives(self, index: int) -> list[dict[str, Any]]:
        node = entry(self.tree, "nodes", index)
        if "mesh" not in node:
            return []
        primitives = entry(self.tree, "meshes", node["mesh"]).get("primitives", [])
        if not isinstance(primitives, list) or not all(isinstance(p, dict) for p in primitives):
            raise BrokenError("a mesh has no primitives")
        return [p for p in primitives if p.get("mode", TRIANGLES) in (TRIANGLES, STRIP, FAN)]

    def _triangles(self, primitive: dict[str, Any]) -> int:
        if "KHR_draco_mesh_compression" in subtable(primitive, "extensions"):
            raise InvalidInputError(
                f"{self.name!r} is compressed with Draco (KHR_draco_mesh_compression), which is not supported; "
                "export it without compression."
            )
        source = primitive.get("indices", subtable(primitive, "attributes").get("POSITION"))
        corners = number(entry(self.tree, "accessors", source), "count")
        return corners // 3 if primitive.get("mode", TRIANGLES) == TRIANGLES else max(corners - 2, 0)

    def _array(self, index: Any, columns: int, count: int | None = None) -> np.ndarray:
        values = self.buffers.array(index, most=max(self.room, 0))
        self.room -= len(values)
        if values.shape[1] != columns or (count is not None and len(values) != count):
            raise BrokenError(f"accessors[{index}] does not fit its use")
        if not np.isfinite(values).all():
            raise InvalidInputError(f"{self.name!r} holds numbers that are not finite.")
        return values

    def _part(
        self, primitive: dict[str, Any], index: int, matrix: np.ndarray, worlds: dict[int, np.ndarray]
    ) -> Surface | None:
        """One primitive in the scene's coordinates; None where it is empty."""
        attributes = subtable(primitive, "attributes")
        positions = self._array(attributes.get("POSITION"), 3)
        faces = self._faces(primitive, len(positions))
        if not len(faces):
            return None
        used, faces = np.unique(faces, return_inverse=True)
        faces = faces.reshape(-1, 3)
        count, positions = len(positions), positions[used]
        where, uv_of = self._material(primitive.get("material"))
        uv = self._array(attributes[uv_of.set], 2, count)[used] if uv_of.set in attributes else None
        normals = self._array(attributes["NORMAL"], 3, count)[used] if "NORMAL" in attributes else None
        transforms = matrix[None]
        skin = entry(self.tree, "nodes", index).get("skin")
        if skin is not None and "JOINTS_0" in attributes and "WEIGHTS_0" in attributes:
            transforms = self._skinned(skin, attributes, count, used, worlds)
        if len(transforms) == 1 and np.linalg.det(transforms[0, :3, :3]) < 0:
            faces = faces[:, ::-1]
        turns = transforms[:, :3, :3]
        positions = _turned(positions, turns) + transforms[:, :3, 3]
        normals = None if normals is None else _turned(normals, _cofactors(turns))
        return Surface(
            positions=positions,
            faces=faces,
            uv=np.full((*faces.shape, 2), np.nan) if uv is None else uv_of.upwards(uv)[faces],
            normals=np.full((*faces.shape, 3), np.nan) if normals is None else normals[faces],
            colours=self._colours(attributes, count, used, faces),
            material=np.full(len(faces), where),
            materials=(),
        )

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
            made, uv = material(self.tree, index, self.buffers)
            self.materials[index] = len(self.list), uv
            self.list.append(made)
        return self.materials[index]

    def _colours(
        self, attributes: dict[str, Any], count: int, used: np.ndarray, faces: np.ndarray
    ) -> np.ndarray | None:
        if "COLOR_0" not in attributes:
            return None
        columns = 3 if entry(self.tree, "accessors", attributes["COLOR_0"]).get("type") == "VEC3" else 4
        colours = self._array(attributes["COLOR_0"], columns, count)[used]
        colours = np.clip(colours, 0, 1) if colours.dtype.kind == "f" else np.clip(colours / 255, 0, 1)
        if columns == 3:
            colours = np.concatenate((colours, np.ones((len(colours), 1))), 1)
        colours[:, :3] = to_srgb(colours[:, :3])
        return colours[faces]

    def _skinned(
        self, skin: Any, attributes: dict[str, Any], count: int, used: np.ndarray, worlds: dict[int, np.ndarray]
    ) -> np.ndarray:
        """What the rest pose of the joints does to each vertex: (V, 4, 4)."""
        table = entry(self.tree, "skins", skin)
        joints = _list(table, "joints")
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


def _matrix(node: dict[str, Any]) -> np.ndarray:
    """From a node's coordinates to its parent's."""
    if "matrix" in node:
        return _floats(node, "matrix", 16).reshape(4, 4).T
    x, y, z, w = _floats(node, "rotation", 4, (0, 0, 0, 1))
    turn = transformations.quaternion_matrix([w, x, y, z])
    move = transformations.translation_matrix(_floats(node, "translation", 3, (0, 0, 0)))
    return move @ turn @ np.diag([*_floats(node, "scale", 3, (1, 1, 1)), 1.0])


def _floats(table: dict[str, Any], key: str, count: int, default: tuple[float, ...] = ()) -> np.ndarray:
    value = table.get(key, default)
    if not isinstance(value, list | tuple) or len(value) != count:
        raise BrokenError(f"{key} does not have {count} numbers")
    if not all(isinstance(v, int | float) and abs(v) < 1e30 for v in value):
        raise BrokenError(f"{key} does not have {count} finite numbers")
    return np.array(value, np.float64)


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


def _list(table: dict[str, Any], key: str) -> list[Any]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, int) for v in value):
        raise BrokenError(f"{key} is not a list of numbers")
    return value


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
