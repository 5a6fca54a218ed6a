"""Which steps of a graph are needed for its result, and how long each of their tensors must live."""

from dataclasses import dataclass
from typing import NamedTuple

from perturber.effects.glsl.graph import INPUTS, Graph, Step
from perturber.effects.glsl.values import Component, Ref, View

MAX_CHANNELS = 192
"""Channels that may be alive at the same time, the picture's own included."""


class Task(NamedTuple):
    """A step, the slots that nothing reads after it, and the one of these that its result may overwrite, or -1."""

    step: Step
    unused: tuple[int, ...]
    reused: int


@dataclass(frozen=True)
class Schedule:
    """What is to be run.

    Args:
        steps: in their order.
        slots: how many there are.
        channels: of full size that are alive at the same time, at most.
    """

    steps: tuple[Task, ...]
    slots: int
    channels: int


def schedule(graph: Graph, result: tuple[Component, ...]) -> Schedule:
    """Leave out what the result does not need.

    Raises:
        GlslError: too many values are alive at the same time.
    """
    kept = {component.slot for component in result if isinstance(component, Ref)}
    last_use: dict[int, int] = {}
    needed: list[Step] = []
    wanted = set(kept)
    for step in reversed(graph.steps):
        if step.slot in wanted:
            needed.append(step)
            wanted.update(operand.slot for operand in step.operands if isinstance(operand, View))
    needed.reverse()
    for i, step in enumerate(needed):
        last_use[step.slot] = i
        last_use |= {operand.slot: i for operand in step.operands if isinstance(operand, View)}
    frees: list[list[int]] = [[] for _ in needed]
    for slot, i in last_use.items():
        if slot not in kept and slot >= len(INPUTS):
            frees[i].append(slot)
    return Schedule(
        tuple(Task(step, tuple(free), _reusable(graph, step, free)) for step, free in zip(needed, frees, strict=True)),
        len(graph.slots),
        _peak(graph, needed, frees),
    )


def _reusable(graph: Graph, step: Step, free: list[int]) -> int:
    """A tensor of the result's very shape and type that the step is the last to read.

    Fresh memory costs more than an addition: the system clears it page by page.
    """
    if step.operation is None or step.operation.into is None:
        return -1
    views = [operand for operand in step.operands if isinstance(operand, View)]
    for slot in free:
        whole = all(view.channels == graph.slots[slot].channels for view in views if view.slot == slot)
        if slot != step.slot and whole and graph.slots[slot] == graph.slots[step.slot]:
            return slot
    return -1


def _peak(graph: Graph, steps: list[Step], frees: list[list[int]]) -> int:
    alive = peak = sum(slot.channels for slot in INPUTS if slot.full)
    for step, free in zip(steps, frees, strict=True):
        alive += graph.slots[step.slot].channels * graph.slots[step.slot].full
        if alive > MAX_CHANNELS:
            raise step.place.error(
                f"too many values are needed at the same time; {MAX_CHANNELS} numbers for each pixel are allowed"
            )
        peak = max(peak, alive)
        alive -= sum(graph.slots[slot].channels * graph.slots[slot].full for slot in free)
    return peak
