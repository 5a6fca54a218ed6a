"""What a glTF document shows and where: its scene, the nodes in it, and their instances."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from trimesh import transformations

from perturber.errors import InvalidInputError
from perturber.objects.reading.accessors import BrokenError, Buffers, entry, indices, number, numbers
from perturber.objects.reading.accessors import table as subtable

MAX_PARTS = 20_000
"""Nodes of a scene, instances of a mesh, and primitives in all."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of the scene.

    Attributes:
        table: what the document says of it.
        world: (4, 4) from its coordinates to the scene's.
        visible: neither it nor one above it is hidden (KHR_node_visibility).
    """

    table: dict[str, Any]
    world: np.ndarray
    visible: bool


def scene(
    tree: dict[str, Any], name: str, draws: Callable[[dict[str, Any]], bool], notes: list[str]
) -> dict[int, Node]:
    """The nodes of the scene that is meant, parents before children; of the next one where that is empty.

    Args:
        tree: the document.
        name: what to call it in errors.
        draws: whether a node has triangles.
        notes: gets a sentence where another scene is taken, or one of several is guessed.

    Raises:
        InvalidInputError: too many nodes, or nothing that can be seen.
    """
    room, hidden = MAX_PARTS, False
    for roots, sentence in _scenes(tree):
        nodes = _nodes(tree, roots, name, room)
        room -= len(nodes)
        drawn = [node for node in nodes.values() if draws(node.table)]
        if any(node.visible for node in drawn):
            notes += [sentence] if sentence else []
            return nodes
        hidden |= bool(drawn)
    why = "all are hidden (KHR_node_visibility)" if hidden else "points and lines are not shown"
    raise InvalidInputError(f"{name!r} has no triangles to show; {why}.")


def count(table: dict[str, Any], tree: dict[str, Any]) -> int:
    """How often a node's mesh is shown."""
    attributes = _instancing(table)
    return max([number(entry(tree, "accessors", index), "count") for index in attributes.values()], default=1)


def instances(node: Node, buffers: Buffers) -> np.ndarray:
    """Where a node's mesh is shown, once or several times (EXT_mesh_gpu_instancing): (N, 4, 4)."""
    attributes, many = _instancing(node.table), count(node.table, buffers.tree)
    parts = []
    for key, default in (("TRANSLATION", (0, 0, 0)), ("ROTATION", (0, 0, 0, 1)), ("SCALE", (1, 1, 1))):
        if key in attributes:
            part = buffers.array(attributes[key], columns=len(default), count=many, most=MAX_PARTS)
        else:
            part = np.tile(np.array(default, np.float64), (many, 1))
        if not np.isfinite(part).all():
            raise BrokenError("an instance's place is not finite")
        parts.append(part)
    return node.world @ np.stack([_placed(*rows) for rows in zip(*parts, strict=True)])


def _instancing(table: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a node's instances that place them; empty where it has none."""
    attributes = subtable(subtable(subtable(table, "extensions"), "EXT_mesh_gpu_instancing"), "attributes")
    return {key: index for key, index in attributes.items() if key in ("TRANSLATION", "ROTATION", "SCALE")}


def _scenes(tree: dict[str, Any]) -> Iterator[tuple[list[Any], str]]:
    """The nodes at the top of each scene, the one that is meant first, and what to say where it is taken."""
    scenes, nodes = tree.get("scenes", []), tree.get("nodes", [])
    if scenes:
        said = tree.get("scene")
        first = entry(tree, "scenes", 0 if said is None else said)
        guess = "" if said is not None or len(scenes) == 1 else f"It has {len(scenes)} scenes; the first one is shown."
        yield indices(first, "nodes"), guess
        for number, other in enumerate(scenes):
            if other is not first and isinstance(other, dict) and other.get("nodes"):
                yield indices(other, "nodes"), f"Its own scene is empty; scenes[{number}] is shown."
    children = {child for node in nodes if isinstance(node, dict) for child in indices(node, "children")}
    why = "Its scenes are empty" if scenes else "It has no scene"
    yield [i for i in range(len(nodes)) if i not in children], f"{why}; all of its nodes are shown."


def _nodes(tree: dict[str, Any], roots: list[Any], name: str, most: int) -> dict[int, Node]:
    found: dict[int, Node] = {}
    waiting = [(root, np.eye(4), True) for root in reversed(roots)]
    while waiting:
        index, parent, visible = waiting.pop()
        table = entry(tree, "nodes", index)
        if index in found:
            raise BrokenError(f"nodes[{index}] has two parents")
        if len(found) >= most:
            raise InvalidInputError(f"{name!r} has more than {MAX_PARTS:,} nodes.")
        visible = visible and subtable(subtable(table, "extensions"), "KHR_node_visibility").get("visible") is not False
        node = found[index] = Node(table=table, world=parent @ _matrix(table), visible=visible)
        waiting += [(child, node.world, visible) for child in reversed(indices(table, "children"))]
    return found


def _matrix(node: dict[str, Any]) -> np.ndarray:
    """From a node's coordinates to its parent's."""
    if "matrix" in node:
        return numbers(node, "matrix", 16).reshape(4, 4).T
    return _placed(
        numbers(node, "translation", 3, (0, 0, 0)),
        numbers(node, "rotation", 4, (0, 0, 0, 1)),
        numbers(node, "scale", 3, (1, 1, 1)),
    )


def _placed(translation: np.ndarray, rotation: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Scaled, then turned by a quaternion (x, y, z, w) of any length, then moved: (4, 4)."""
    x, y, z, w = rotation
    turn = transformations.quaternion_matrix([w, x, y, z])
    return transformations.translation_matrix(translation) @ turn @ np.diag([*scale, 1.0])
