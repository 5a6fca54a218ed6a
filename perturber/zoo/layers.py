"""Finding a network's layers, whatever its architecture, by watching one forward pass.

What counts as a layer, and which value it shows:

* every convolution: the output of the batch normalisation that follows it, or its own output where none does;
* every block (a module with at least two convolutions inside, such as a residual block): its output.

Values are taken before the non-linearity: where a block ends in one, the value is what went into it.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

ACTIVATIONS: tuple[type[nn.Module], ...] = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.Softplus,
)  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One layer: its name and the shape of its activations at the network's own input size."""

    name: str
    channels: int
    height: int
    width: int


@dataclass(frozen=True)
class Site:
    """Where a layer's value passes: at the `call`-th call of a module in a forward pass, going in or coming out."""

    module: str
    going_in: bool
    call: int


def discover(module: nn.Module, example: Tensor) -> dict[str, tuple[Layer, Site]]:
    """Every layer of a network, in the order in which a forward pass produces them.

    Args:
        module: in evaluation mode, without in-place activations.
        example: one input, (1, 3, H, W).
    """
    watch = _Watch(module)
    with torch.no_grad(), ExitStack() as hooks:
        for name, part in module.named_modules():
            for handle in watch.hook(name, part):
                hooks.callback(handle.remove)
        module(example)
    return watch.layers()


class _Watch:
    """Follows tensors through a forward pass by their identity."""

    def __init__(self, root: nn.Module) -> None:
        convolutions = [name for name, part in root.named_modules() if isinstance(part, _ConvNd)]
        self.blocks = {
            name
            for name, part in root.named_modules()
            if name
            and not isinstance(part, nn.Sequential | nn.ModuleList)
            and sum(conv.startswith(f"{name}.") for conv in convolutions) > 1
        }
        self.calls: dict[str, int] = {}
        self.kept: list[Any] = []  # keeps every tensor alive, so that identities stay unique
        self.owner: dict[int, str] = {}  # output of a convolution (or of what only passes it on) → its name
        self.before_activation: dict[int, tuple[Tensor, Site]] = {}
        self.found: dict[str, tuple[Tensor, Site]] = {}

    def hook(self, name: str, part: nn.Module) -> list[Any]:
        def going_in(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.calls[name] = self.calls.get(name, -1) + 1
            self.kept.append(inputs)

        def coming_out(_: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self.kept.append(output)
            if isinstance(output, Tensor) and inputs and isinstance(inputs[0], Tensor):
                self._note(name, part, inputs[0], output)

        return [part.register_forward_pre_hook(going_in), part.register_forward_hook(coming_out)]

    def _note(self, name: str, part: nn.Module, value: Tensor, output: Tensor) -> None:
        after = Site(name, False, self.calls[name])
        if isinstance(part, _ConvNd):
            self.owner[id(output)] = name
            self._found(name, output, after)
        elif isinstance(part, ACTIVATIONS) or (isinstance(part, nn.Identity) and name.endswith(".act")):
            self.before_activation[id(output)] = (value, Site(name, True, self.calls[name]))
        elif isinstance(part, _BatchNorm) and id(value) in self.owner:
            self._found(self.owner[id(value)], *self.before_activation.get(id(output), (output, after)))
        elif name in self.blocks:
            self._found(name, *self.before_activation.get(id(output), (output, after)))

    def _found(self, name: str, value: Tensor, site: Site) -> None:
        if value.ndim == 4:
            self.found[name] = (value, site)

    def layers(self) -> dict[str, tuple[Layer, Site]]:
        # A convolution whose value is also its block's output is listed once, as the block.
        block_values = {id(value) for name, (value, _) in self.found.items() if name in self.blocks}
        return {
            name: (Layer(name, *value.shape[1:]), site)
            for name, (value, site) in self.found.items()
            if name in self.blocks or id(value) not in block_values
        }


class _StopForwardError(Exception):
    """Ends a forward pass as soon as everything that was asked for is there."""


def run_and_capture(
    module: nn.Module, inputs: Tensor, sites: dict[str, Site], *, to_the_end: bool
) -> tuple[dict[str, Tensor], Tensor | None]:
    """A forward pass that keeps the values at some sites.

    Args:
        to_the_end: whether the output is wanted; if not, nothing runs behind the last site.

    Returns:
        Name → value (B, C, h, w), and the output (None where it was not wanted).
    """
    captured: dict[str, Tensor] = {}

    def keeper(name: str, site: Site) -> Callable[..., None]:
        calls = -1

        def keep(*arguments: Any) -> None:
            nonlocal calls
            calls += 1
            if calls != site.call:
                return
            value = arguments[1][0] if site.going_in else arguments[2]
            captured[name] = value.clone()  # a functional in-place activation may follow
            if not to_the_end and len(captured) == len(sites):
                raise _StopForwardError

        return keep

    with ExitStack() as hooks:
        for name, site in sites.items():
            part = module.get_submodule(site.module)
            register = part.register_forward_pre_hook if site.going_in else part.register_forward_hook
            hooks.callback(register(keeper(name, site)).remove)
        try:
            output = module(inputs)
        except _StopForwardError:
            return captured, None
    return captured, output
