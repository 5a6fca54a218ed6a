"""The parts of a network whose weights are changed together.

Found by rule from the module tree, in the order in which modules are registered, which is forward order in every
network that we know:

* **layer**: a convolution (or any other module with weights) and the normalisation behind it: the one that is
  registered next in the same parent and has as many channels;
* **block**: a module with at least two convolutions (or linear maps) inside, such as a residual block; layers outside
  of blocks are their own blocks;
* **stage**: a child of the network. A Sequential is opened where it holds layers or other Sequentials (VGG's and
  EfficientNet's), or where it is the only one that holds blocks (MobileNetV2's); it is one stage where it stands among
  others like it (ResNet's).

Where a convolution is named after a neighbour without weights (Lucid's ``mixed3a_1x1_pre_relu_conv``), the neighbour
names the unit: ``mixed3a_1x1`` as a layer, ``mixed3a`` as a block and stage.

Units nest: a layer lies in one block, a block in one stage, and a finer unit's name begins with the coarser one's.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Literal

from torch import nn

from perturber.zoo.modules import CONVOLUTIONS, NORMS

Level = Literal["stage", "block", "layer"]

LEVELS: tuple[Level, ...] = ("stage", "block", "layer")
"""From coarse to fine."""

CONTAINERS = (nn.Sequential, nn.ModuleList)
"""Of these exactly: a class of its own that is derived from them is a block with a meaning."""


def units(module: nn.Module, level: Level = "stage") -> dict[str, tuple[str, ...]]:
    """The units of a network.

    Args:
        level: how fine: ``stage``, ``block`` or ``layer``.

    Returns:
        Unit in forward order → names of its state-dict entries; each entry belongs to exactly one unit.
    """
    name = _namer(module, level)
    layers = _layers(module)
    times = Counter(map(name, layers))
    found: dict[str, list[str]] = {}
    for path, entries in layers.items():
        alone = level != "layer" or times[name(path)] == 1  # two layers stay two, whoever names them
        found.setdefault(name(path) if alone else path, []).extend(entries)
    return {unit: tuple(entries) for unit, entries in found.items()}


def last_layers(module: nn.Module, layers: Iterable[str]) -> dict[str, str]:
    """Stage → the last of these layers in it, in the order of a forward pass; stages without layers are left out."""
    names, found = list(layers), {}
    for stage in units(module, "stage"):
        inside = [name for name in names if name == stage or name.startswith((f"{stage}.", f"{stage}_"))]
        if inside:
            found[stage] = inside[-1]
    return found


def _layers(module: nn.Module) -> dict[str, list[str]]:
    """Path of each module with weights → its entries and those of the normalisation behind it."""
    state = module.state_dict()
    inner = {parent for path in {_parent(entry) for entry in state} for parent in _parents(path)}
    found: dict[str, list[str]] = {}
    last = owner = ""
    for entry, tensor in state.items():
        # What a block holds beside its layers, such as a class token, is a layer of its own.
        path = entry if _parent(entry) in inner else _parent(entry)
        if path != last:
            owner = last if _normalises(module, path, last, len(tensor) if tensor.ndim == 1 else 0) else path
        found.setdefault(owner, []).append(entry)
        last = path
    return found


def _normalises(module: nn.Module, path: str, convolution: str, channels: int) -> bool:
    """Whether a module normalises what the one that is registered before it gives out."""
    modules = dict(module.get_submodule(_parent(path)).named_children())
    before, part = (modules.get(p.removeprefix(f"{_parent(path)}.")) for p in (convolution, path))
    return isinstance(part, NORMS) and isinstance(before, CONVOLUTIONS) and before.out_channels == channels


def _namer(module: nn.Module, level: Level) -> Callable[[str], str]:
    """What the unit of a layer is called, from the layer's path."""
    weighty = {parent for entry in module.state_dict() for parent in _parents(entry)}
    bare = {path for path, _ in module.named_modules() if path not in weighty}
    coarse = {"stage": set(_stages(module)), "block": set(_blocks(module)), "layer": set[str]()}[level]

    def name(path: str) -> str:
        outer = _first_part(path, coarse)
        if outer is not None and outer != path:
            return outer
        start = len(_parent(path)) + 1
        neighbours = [path[:i] for i in range(start, len(path)) if path[i] == "_" and path[:i] in bare]
        return (neighbours[-1] if level == "layer" else neighbours[0]) if neighbours else path

    return name


def _first_part(path: str, among: Collection[str]) -> str | None:
    return next((part for part in (*_parents(path), path) if part in among), None)


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _parents(path: str) -> list[str]:
    """Of all depths, the outermost first; ends with the network itself, "", where the path has no dot."""
    return [path[:i] for i, sign in enumerate(path) if sign == "."] or [""]


def _blocks(module: nn.Module) -> Iterator[str]:
    for path, part in module.named_modules():
        layers = sum(isinstance(inner, (*CONVOLUTIONS, nn.Linear)) for inner in part.modules())
        if path and layers > 1 and not isinstance(part, nn.Sequential | nn.ModuleList | nn.ModuleDict):
            yield path


def _stages(parent: nn.Module, prefix: str = "") -> Iterator[str]:
    containers = [child for child in parent.children() if type(child) in CONTAINERS]
    of_blocks = [container for container in containers if not _is_open(container)]
    for name, child in parent.named_children():
        if type(child) in CONTAINERS and (_is_open(child) or of_blocks == [child]):
            yield from _stages(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _is_open(container: nn.Module) -> bool:
    """Whether it holds layers or other containers, not just blocks."""
    children = list(container.children())
    leaves = any(not list(child.children()) and list(child.parameters()) for child in children)
    return leaves or any(type(child) in CONTAINERS for child in children)
