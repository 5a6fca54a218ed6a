"""Running a compiled snippet on batches of pictures."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from perturber.effects.glsl.check import check
from perturber.effects.glsl.graph import ONE
from perturber.effects.glsl.lower import lower
from perturber.effects.glsl.operations import texture
from perturber.effects.glsl.schedule import Schedule, schedule
from perturber.effects.glsl.syntax import Tree
from perturber.effects.glsl.values import Operand, Ref, Value, View

MAX_BYTES = 2**30
"""Memory for the values of one pass; a batch that would need more is run in as few parts as fit."""


class Program:
    """A compiled snippet.

    Args:
        plan: the steps to run.
        result: red, green, blue and alpha, as components.
    """

    def __init__(self, plan: Schedule, result: Value) -> None:
        self._plan = plan
        self._result = result

    def __call__(self, images: Tensor, value: Tensor) -> Tensor:
        """Run the snippet for every pixel of every picture at once.

        Args:
            images: (B, 3, H, W) in [0, 1], floating point.
            value: (B,), what the snippet reads as ``value``.

        Returns:
            (B, 3, H, W) in [0, 1]; differentiable in both arguments. What is no number becomes 0.
        """
        bytes_each = self._plan.channels * images[0, 0].numel() * images.element_size() if len(images) else 0
        part = max(1, MAX_BYTES // max(1, bytes_each))
        if len(images) <= part:
            return self._run(images, value)
        return torch.cat([self._run(i, v) for i, v in zip(images.split(part), value.split(part), strict=True)])

    def _run(self, images: Tensor, value: Tensor) -> Tensor:
        smooth = torch.is_grad_enabled() and (images.requires_grad or value.requires_grad)
        slots: list[Tensor | None] = [*_inputs(images, value), *[None] * (self._plan.slots - ONE - 1)]
        for step, unused, reused in self._plan.steps:
            operands: list[Any] = [_operand(operand, slots, images) for operand in step.operands]
            operation, old = step.operation, slots[reused] if reused >= 0 and not smooth else None
            if operation is None:
                slots[step.slot] = texture(*operands)
            elif operation.into is not None and old is not None:
                slots[step.slot] = operation.into(*operands, out=old)
            else:
                slots[step.slot] = ((smooth and operation.smooth) or operation.function)(*operands)
            for slot in unused:
                slots[slot] = None
        return self._colour(slots, images)

    def _colour(self, slots: list[Tensor | None], images: Tensor) -> Tensor:
        *rgb, alpha = self._result
        colour = _gather(tuple(rgb), slots, images)
        own = colour.shape == images.shape and colour.data_ptr() != images.data_ptr() and not colour.requires_grad
        if isinstance(alpha, Ref):
            colour = colour * _gather((alpha,), slots, images).clamp(0, 1)
        elif alpha < 1 or alpha != alpha:
            colour = colour * max(0.0, float(alpha) if alpha == alpha else 0.0)
        # clamp() keeps what is no number, so the order of these two does not matter.
        if own:
            return colour.clamp_(0, 1).nan_to_num_(0)
        return colour.clamp(0, 1).nan_to_num(0).expand_as(images).contiguous()


def _inputs(images: Tensor, value: Tensor) -> list[Tensor]:
    height, width = images.shape[-2:]
    columns, rows = (torch.arange(n, dtype=images.dtype, device=images.device) for n in (width, height))
    across = ((columns + 0.5) / width).view(1, 1, 1, -1)
    up = ((height - 0.5 - rows) / height).view(1, 1, -1, 1)
    resolution = images.new_tensor([width, height]).view(1, 2, 1, 1)
    return [images, value.to(images).view(-1, 1, 1, 1), across, up, resolution, images.new_ones(1, 1, 1, 1)]


def _operand(operand: Operand, slots: list[Tensor | None], images: Tensor) -> Tensor | float:
    if isinstance(operand, View):
        tensor = slots[operand.slot]
        assert tensor is not None
        return tensor if operand.channels == tensor.shape[1] else tensor.narrow(1, *operand[1:])
    if isinstance(operand, tuple):
        return images.new_tensor(operand).view(1, -1, 1, 1)
    return operand


def _gather(components: Value, slots: list[Tensor | None], images: Tensor) -> Tensor:
    """Components side by side: a view where they already lie so, else a copy."""
    first = components[0]
    if isinstance(first, Ref):
        in_order = tuple(Ref(first.slot, first.channel + i) for i in range(len(components)))
        if components == in_order:
            view = _operand(View(*first, len(components)), slots, images)
            assert isinstance(view, Tensor)
            return view
    shape = (len(images), 1, *images.shape[-2:])
    parts = []
    for component in components:
        part = _operand(View(*component, 1) if isinstance(component, Ref) else component, slots, images)
        parts.append((part if isinstance(part, Tensor) else images.new_tensor(float(part))).expand(shape))
    return torch.cat(parts, 1)


@lru_cache(maxsize=256)
def compile_source(source: str) -> Program:
    """Compile a snippet; the same text is compiled once.

    Raises:
        GlslError: it is no GLSL, is wrong, or needs more work or memory than is allowed. Nothing has run by then.
    """
    graph, result = lower(check(Tree(source)))
    return Program(schedule(graph, result), result)
