"""Finding a network's layers, whatever its architecture, by watching one forward pass.

What counts as a layer, and which value it shows:

* every convolution: the output of the batch normalisation that follows it, or its own output where none does;
* every block (a module with at least two convolutions inside, such as a residual block): its output;
* every module that only joins branches, such as the concatenation of an Inception module: its output;
* every transformer block: its output tokens, as maps over the patches that a convolution cut the picture into.

Values are taken before the non-linearity: where a value has passed one, the layer shows what went into it; where
branches that have passed one are concatenated, what went into each of them.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from perturber.zoo.layers import Layer, Site, to_maps
from perturber.zoo.modules import CONVOLUTIONS
from perturber.zoo.receptive_field import Field, follow, join

ACTIVATIONS = {
    "relu", "hardtanh", "leaky_relu", "_prelu_kernel", "elu", "celu", "gelu", "silu", "mish", "hardswish",
    "hardsigmoid", "sigmoid", "tanh", "softplus", "clamp", "clamp_min",
}  # fmt: skip
"""Non-linearities, as ATen names them."""

MAX_EXTRA_TOKENS = 16
"""Class and register tokens in front of the patches, at most."""

LUCID_SUFFIX = "_pre_relu_conv"
"""In Lucid's InceptionV1 the convolution in front of the non-linearity ``mixed3a_1x1`` is called so."""


@dataclass(frozen=True)
class Discovery:
    """What was found.

    Attributes:
        output: what the network gave out.
        layers: every layer with the sites whose values make it, in the order in which a forward pass produces them.
        features: where the last feature maps pass that the classifier draws on as a whole; None where there are none.
    """

    output: Any

    layers: dict[str, tuple[Layer, tuple[Site, ...]]]
    features: Site | None


def discover(module: nn.Module, example: Tensor) -> Discovery:
    """Every layer of a network.

    Args:
        module: in evaluation mode, without in-place activation modules.
        example: one input, (1, 3, H, W).
    """
    watch = _Watch(module, example)
    with torch.no_grad(), ExitStack() as stack:
        for name, part in module.named_modules():
            for handle in watch.hook(name, part):
                stack.callback(handle.remove)
        stack.enter_context(watch)
        output = module(example)
    return Discovery(output, watch.layers(), watch.features())


@dataclass(eq=False)
class _Value:
    """A tensor at one moment: an operation in place makes another value of the same tensor.

    Attributes:
        seen: receptive field, None for the whole picture.
        site: where it can be caught, once a module has taken it or given it out.
        convolution: name of the module that made it, for convolutions' outputs and what only normalises them.
        before: what it was made of, before the non-linearity.
        joined: whether it is a concatenation.
    """

    shape: torch.Size
    seen: Field | None
    site: Site | None = None
    convolution: str | None = None
    before: list["_Value"] = field(default_factory=list)
    joined: bool = False


class _Watch(TorchDispatchMode):
    """Follows values through a forward pass."""

    def __init__(self, root: nn.Module, example: Tensor) -> None:
        super().__init__()
        convolutions = [name for name, part in root.named_modules() if isinstance(part, CONVOLUTIONS)]
        names = {name for name, _ in root.named_modules()}
        self.blocks = {
            name
            for name, part in root.named_modules()
            if name
            and not isinstance(part, nn.Sequential | nn.ModuleList)
            and sum(conv.startswith(f"{name}.") for conv in convolutions) > 1
        }
        linear = [name for name, part in root.named_modules() if isinstance(part, nn.Linear)]
        self.stacked = {  # transformer blocks, if they give out tokens
            f"{name}.{child}" if name else child
            for name, part in root.named_modules()
            if isinstance(part, nn.Sequential | nn.ModuleList)
            for child, _ in part.named_children()
        }
        self.stacked = {name for name in self.stacked if sum(full.startswith(f"{name}.") for full in linear) > 1}
        self.titles = {
            name: short if (short := name.removesuffix(LUCID_SUFFIX)) in names else name for name in convolutions
        }
        self.kept: list[Any] = [example]  # keeps every tensor alive, so that identities stay unique
        self.values: dict[int, _Value] = {id(example): _Value(example.shape, Field())}
        self.maps: list[_Value] = []
        self.tokens: list[_Value] = []
        self.bare = True  # whether all tokens are patches
        self.calls: dict[str, int] = {}
        self.found: dict[str, list[_Value]] = {}

    def hook(self, name: str, part: nn.Module) -> list[Any]:
        """Tell values where they can be caught, and convolutions what they are called."""

        def going_in(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.calls[name] = self.calls.get(name, -1) + 1
            if inputs and isinstance(inputs[0], Tensor):
                self._place(inputs[0], Site(name, True, self.calls[name]))

        def coming_out(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, Tensor) or id(output) not in self.values:
                return
            value = self.values[id(output)]
            joins = value.joined and value.site is None
            self._place(output, Site(name, False, self.calls[name]))
            if isinstance(part, CONVOLUTIONS):
                value.convolution = name
                self.found[self.titles[name]] = [value]
            elif name and (name in self.blocks or joins):
                self.found[name] = value.before or [value]
            elif name in self.stacked and (grid := self._grid(output)):
                maps = _Value(to_maps(output, grid).shape, None, Site(name, False, self.calls[name], grid))
                self.tokens.append(maps)
                self.found[name] = [maps]

        return [part.register_forward_pre_hook(going_in), part.register_forward_hook(coming_out)]

    def _grid(self, output: Tensor) -> tuple[int, int] | None:
        """Which (h, w) a convolution cut the picture into, where the output is one token for each of them."""
        if output.ndim != 3 or len(output) != 1:
            return None
        for height, width in ((m.shape[2], m.shape[3]) for m in reversed(self.maps) if m.convolution):
            if 0 <= (extra := output.shape[1] - height * width) <= MAX_EXTRA_TOKENS:
                self.bare = self.bare and not extra
                return height, width
        return None

    def _place(self, tensor: Tensor, site: Site) -> None:
        value = self.values.get(id(tensor))
        if value is not None and value.site is None:
            value.site = site

    def __torch_dispatch__(self, function: Any, _: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **(kwargs or {}))
        inputs = [self.values[id(t)] for t in _flat(args) if id(t) in self.values]
        output = result[0] if isinstance(result, tuple | list) and result else result
        if inputs and isinstance(output, Tensor):
            self._note(function, args, inputs, output)
        return result

    def _note(self, function: Any, args: tuple, inputs: list[_Value], output: Tensor) -> None:
        operation = function.overloadpacket.__name__.removesuffix("_")
        value = _Value(output.shape, follow(operation, args, [v.seen for v in inputs], output))
        if operation in ACTIVATIONS:
            value.before = [inputs[0]]
        elif operation == "cat":
            value.joined = True
            if any(v.before for v in inputs):
                value.before = [part for v in inputs for part in v.before or [v]]
        elif "batch_norm" in operation and inputs[0].convolution:
            self.found[self.titles[inputs[0].convolution]] = [value]
        self.kept.append(output)
        self.values[id(output)] = value
        # The picture is square; what is not has its channels last, and what is more than one picture, windows of it.
        if output.ndim == 4 and output.shape[0] == 1 and output.shape[2] == output.shape[3] > 1:
            self.maps.append(value)

    def features(self) -> Site | None:
        """Where the last maps pass that are more than one value.

        Behind the last block a class token alone counts, so that the maps are those that go into the block.
        """
        if self.tokens:
            return self.tokens[-1 if self.bare or len(self.tokens) == 1 else -2].site
        return next((value.site for value in reversed(self.maps) if value.site), None)

    def layers(self) -> dict[str, tuple[Layer, tuple[Site, ...]]]:
        """What was found and can be caught; a convolution that gives its block's value is listed as the block."""
        blocks = [values for name, values in self.found.items() if name in self.blocks]
        of_blocks = {id(values[0]) for values in blocks if len(values) == 1}
        result = {}
        for name, values in self.found.items():
            sites = tuple(v.site for v in values if v.site)
            maps = all(len(v.shape) == 4 and v.shape[2:] == values[0].shape[2:] for v in values)
            repeated = name not in self.blocks and len(values) == 1 and id(values[0]) in of_blocks
            if maps and len(sites) == len(values) and not repeated:
                height, width = values[0].shape[2:]
                seen = join(v.seen for v in values)
                result[name] = Layer(name, sum(v.shape[1] for v in values), height, width, seen), sites
        return result


def _flat(arguments: tuple) -> list[Tensor]:
    flat = [a for argument in arguments for a in (argument if isinstance(argument, list | tuple) else (argument,))]
    return [a for a in flat if isinstance(a, Tensor)]
