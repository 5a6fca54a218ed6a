"""What the components of a value are while a snippet is compiled."""

from typing import NamedTuple


class Ref(NamedTuple):
    """One channel of what a step makes."""

    slot: int
    channel: int


Component = Ref | float | int | bool
Value = tuple[Component, ...]


class View(NamedTuple):
    """Neighbouring channels of a slot."""

    slot: int
    start: int
    channels: int


Operand = View | float | tuple[float, ...]
"""What a step reads: channels, a number, or one number for each channel."""


def is_constant(value: Value) -> bool:
    """Whether all components are plain numbers."""
    return all(not isinstance(component, Ref) for component in value)
