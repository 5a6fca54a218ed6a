"""Layers as values, and catching what passes at them in a forward pass."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from perturber.zoo.receptive_field import Field


@dataclass(frozen=True)
class Layer:
    """One layer: its name, the shape of its activations at the network's own input size, and what its units see.

    Attributes:
        field: theoretical receptive field in pixels of the network's input; None is the whole picture.
    """

    name: str
    channels: int
    height: int
    width: int
    field: Field | None = None


@dataclass(frozen=True)
class Site:
    """Where a value passes: at the `call`-th call of a module in a forward pass, going in or coming out.

    Attributes:
        grid: (h, w) of the patches where the value is tokens (B, P + h·w, C), P of them (class, registers) in front:
            it is shown as maps (B, C, h, w) of the patches. None where it is maps itself.
    """

    module: str
    going_in: bool
    call: int
    grid: tuple[int, int] | None = None


class _StopForwardError(Exception):
    """Ends a forward pass as soon as everything that was asked for is there."""


def run_and_capture(
    module: nn.Module, inputs: Tensor, layers: Mapping[str, tuple[Site, ...]], *, to_the_end: bool
) -> tuple[dict[str, Tensor], Tensor | None]:
    """A forward pass that keeps what passes at some layers.

    Args:
        layers: name → where its values pass; several are concatenated along the channels.
        to_the_end: whether the output is wanted; if not, nothing runs behind the last layer.

    Returns:
        Name → value (B, C, h, w), and the output (None where it was not wanted).
    """
    wanted = list(dict.fromkeys(site for sites in layers.values() for site in sites))
    captured: dict[Site, Tensor] = {}
    output = None
    with ExitStack() as hooks:
        for site in wanted:
            part = module.get_submodule(site.module)
            register = part.register_forward_pre_hook if site.going_in else part.register_forward_hook
            hooks.callback(register(_keeper(site, captured, 0 if to_the_end else len(wanted))).remove)
        with suppress(_StopForwardError):
            output = module(inputs)
    values = {name: [captured[site] for site in sites] for name, sites in layers.items()}
    return {name: parts[0] if len(parts) == 1 else torch.cat(parts, 1) for name, parts in values.items()}, output


def _keeper(site: Site, captured: dict[Site, Tensor], enough: int) -> Callable[..., Any]:
    """A hook that keeps the value at a site, and ends the pass when `enough` sites have been seen (0: never).

    The network goes on with a copy: an activation in place may follow, and what is kept stays part of the graph.
    With tokens it goes on with those that the maps make, so that gradients reach the maps.
    """
    calls = -1

    def keep(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls != site.call:
            return None
        value = arguments[1][0] if site.going_in else arguments[2]
        captured[site] = maps = value if site.grid is None else to_maps(value, site.grid)
        if len(captured) == enough:
            raise _StopForwardError
        passed = value.clone() if site.grid is None else _to_tokens(maps, value)
        return (passed, *arguments[1][1:]) if site.going_in else passed

    return keep


def to_maps(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """The patches among tokens (B, P + h·w, C), row by row, as maps (B, C, h, w); the P in front have no place."""
    return tokens[:, tokens.shape[1] - grid[0] * grid[1] :].transpose(1, 2).unflatten(2, grid)


def _to_tokens(maps: Tensor, tokens: Tensor) -> Tensor:
    """Tokens again, with those in front as they were."""
    patches = maps.flatten(2).transpose(1, 2)
    return torch.cat([tokens[:, : tokens.shape[1] - patches.shape[1]], patches], 1)
