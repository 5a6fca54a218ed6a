"""Edited weights, written in place into one resident copy of a network."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.editing.edit import DECIMALS, DEFAULTS, Edit, Mode
from perturber.editing.units import LEVELS, units
from perturber.errors import InvalidInputError, UnknownNameError

State = Mapping[str, Tensor]


class EditedNetwork(zoo.Network):
    """A network with an edit's weights; everything but its name and its fingerprint is its Model 1's.

    All networks of one `Editor` share its weights: each sees to it that they are its own whenever it is used. Two that
    take turns are right, and slow; work in many steps should have an editor of its own.

    Attributes:
        edit: what was done to the weights.
        editor: whose weights they are.
    """

    def __init__(self, editor: "Editor", edit: Edit) -> None:
        own = ("module", "fingerprint")  # everything else is the resident's: its layers were found once
        vars(self).update({name: value for name, value in vars(editor.resident).items() if name not in own})
        self.editor = editor
        self.edit = edit
        self.entry = replace(self.entry, name=str(edit), label=str(edit))

    @property
    def module(self) -> nn.Module:  # type: ignore[override]
        """The classifier, with this edit's weights."""
        self.editor.write(self.edit)
        return self.editor.resident.module

    @cached_property
    def fingerprint(self) -> str:
        """Follows from the bases' fingerprints and the edit's text."""
        return hashlib.sha256(" ".join([*self.editor.bases.values(), str(self.edit)]).encode()).hexdigest()

    @cached_property
    def memory(self) -> int:
        """Bytes of parameters and buffers; the bases' are counted with the bases."""
        return self.editor.resident.memory


@dataclass(frozen=True)
class _Layer:
    """A layer's tensors: where they are written, and what they are in both bases (in the first alone for pruning).

    Attributes:
        names: of the units that it lies in, from coarse to fine.
        kernel: (O, I, kh, kw), where it is a convolution.
        silenced: whether a tensor's entry of a filter is to be 0 where the filter is switched off.
    """

    names: tuple[str, ...]
    targets: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    silenced: list[bool]
    kernel: Tensor | None


class Editor:
    """Weights made from those of one or two networks, ready in milliseconds.

    Holds a copy of Model 1 and rewrites in it what changed since the last edit. All of a unit's tensors are mixed:
    weights, biases, normalisation parameters and statistics; integers (batch counts) stay Model 1's.

    A filter is switched off by setting to 0 its weights, its bias, and its entries in the normalisation behind it:
    scale and shift, so that the channel is really silent, and the running mean, which has the same effect where a
    normalisation has neither.

    Args:
        first: Model 1; gives preprocessing and classes.
        second: Model 2, to mix with; None to prune.

    Attributes:
        resident: the copy, as the last edit left it.
        bases: name → fingerprint of Model 1 (and Model 2).
        mode: what this editor can do.
        names: every unit at every level, coarse ones first.

    Raises:
        InvalidInputError: the networks have different architectures; names the first weights that differ.
    """

    def __init__(self, first: zoo.Network, second: zoo.Network | None = None) -> None:
        if second is not None:
            check_same_architecture(first, second)
        networks = [first] if second is None else [first, second]
        self.mode: Mode = "prune" if second is None else "mix"
        self._models = (first.entry.name, None if second is None else second.entry.name)
        self._networks = networks
        self.resident = independent(first)
        self._layers = _layers(self.resident.module, [network.module.state_dict() for network in networks])
        self.names = tuple(dict.fromkeys(layer.names[i] for i in range(len(LEVELS)) for layer in self._layers))
        self._written = {layer.names[-1]: DEFAULTS[self.mode] for layer in self._layers}

    @cached_property
    def bases(self) -> dict[str, str]:
        """Name → fingerprint of Model 1 (and Model 2)."""
        return {network.entry.name: network.fingerprint for network in self._networks}

    def network(self, edit: Edit) -> EditedNetwork:
        """The network with an edit's weights, which are written at once.

        Raises:
            UnknownNameError: a unit that the networks do not have.
            ValueError: an edit of other models.
        """
        if (edit.first, edit.second) != self._models:
            raise ValueError(f"{edit} is no edit of {self._models}")
        for unit in edit.values():
            if unit not in self.names:
                raise UnknownNameError(f"unit of {edit.first}", unit, self.names)
        self.write(edit)
        return EditedNetwork(self, edit)

    @torch.no_grad()
    def write(self, edit: Edit) -> None:
        """Bring the weights of `resident` to an edit (one that `network` has taken)."""
        listed = edit.values()
        for layer in self._layers:
            amount = next((listed[name] for name in reversed(layer.names) if name in listed), DEFAULTS[self.mode])
            if self._written[layer.names[-1]] != amount:
                (_mix if self.mode == "mix" else _prune)(layer, *amount)
                self._written[layer.names[-1]] = amount


def independent(network: zoo.Network) -> zoo.Network:
    """A copy with weights of its own, which no editor changes."""
    with torch.inference_mode(False):  # they are to take part in gradients, whoever makes it
        return network.copy()


def check_same_architecture(first: zoo.Network, second: zoo.Network) -> None:
    """Refuse networks whose weights do not correspond.

    Raises:
        InvalidInputError: naming the first weights that differ.
    """
    ours, theirs = (network.module.state_dict() for network in (first, second))
    a, b = first.entry.name, second.entry.name
    problems = [f"only {a} has {name}" for name in ours if name not in theirs]
    problems += [f"only {b} has {name}" for name in theirs if name not in ours]
    problems += [
        f"{name} is {_shape(tensor)} in {a} and {_shape(theirs[name])} in {b}"
        for name, tensor in ours.items()
        if name in theirs and tensor.shape != theirs[name].shape
    ]
    if problems:
        more = f", and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise InvalidInputError(f"{a} and {b} cannot be mixed: {'; '.join(problems[:3])}{more}.")


def kept_filters(kernel: Tensor, low: float, high: float) -> Tensor:
    """Which filters of a convolution stay: those with ranks n with low · O ≤ n < high · O.

    Filters are ranked by their mean absolute weight, from the smallest; of equal ones the first comes first.

    Args:
        kernel: (O, I, kh, kw); the filters of a depthwise convolution count, too.
        low, high: multiples of 0.0001 from 0 to 1.

    Returns:
        (O,) bool.
    """
    order = kernel.abs().flatten(1).mean(1).argsort(stable=True)
    start, end = (math.ceil(round(share * len(order), DECIMALS)) for share in (low, high))  # 0.07 · 100 is 7
    kept = torch.zeros(len(order), dtype=torch.bool, device=kernel.device)
    kept[order[start:end]] = True
    return kept


def _layers(module: nn.Module, states: list[State]) -> list[_Layer]:
    """Every layer with its tensors; those of integers stay as they are."""
    targets = module.state_dict()
    of_entry = [{entry: unit for unit, names in units(module, level).items() for entry in names} for level in LEVELS]
    convolutions = {f"{path}.weight" for path, part in module.named_modules() if isinstance(part, nn.Conv2d)}
    layers = []
    for entries in units(module, LEVELS[-1]).values():
        mixed = [entry for entry in entries if targets[entry].is_floating_point()]
        kernel = next((states[0][entry] for entry in mixed if entry in convolutions), None)
        layers.append(
            _Layer(
                names=tuple(names[entries[0]] for names in of_entry),
                targets=[targets[entry] for entry in mixed],
                first=[states[0][entry] for entry in mixed],
                second=[states[-1][entry] for entry in mixed],
                silenced=[not entry.endswith("running_var") for entry in mixed],
                kernel=kernel,
            )
        )
    return layers


def _mix(layer: _Layer, amount: float) -> None:
    for target, first, second in zip(layer.targets, layer.first, layer.second, strict=True):
        if amount in (0, 1):  # exactly the base's
            target.copy_(second if amount else first)
        else:
            torch.lerp(first, second, amount, out=target)


def _prune(layer: _Layer, low: float, high: float) -> None:
    for target, first in zip(layer.targets, layer.first, strict=True):
        target.copy_(first)
    if layer.kernel is None:
        return
    pruned = ~kept_filters(layer.kernel, low, high)
    for target, silenced in zip(layer.targets, layer.silenced, strict=True):
        if silenced:
            target[pruned] = 0


def _shape(tensor: Tensor) -> str:
    return " × ".join(str(n) for n in tensor.shape) or "a number"
