"""The row of primitive operations that a snippet is compiled to, built one value at a time.

A value is a tuple of components; a component is a plain number, or a channel of a tensor that an earlier step makes.
Where the components of a vector lie side by side, one step serves them all, and where they do not, nothing is copied
to bring them together. Equal steps are made once, numbers are folded, and what the steps will cost is counted while
they are made, before a pixel is touched.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from perturber.effects.glsl.errors import Place
from perturber.effects.glsl.operations import OPERATIONS, Operation
from perturber.effects.glsl.rules import RULES
from perturber.effects.glsl.values import Component, Operand, Ref, Value, View, is_constant

MAX_COST = 20_000
"""Passes over one channel of a picture; about 10 µs each for 224² pixels on one CPU core."""

MAX_READS = 256
READ_COST = 60
SMALL_COST = 0.25
"""Of a step on numbers that are the same along a row or a column: it costs its start alone."""


@dataclass(frozen=True)
class Step:
    """Make `channels` channels of `slot` out of operands; an `operation` of None reads the picture at (u, v)."""

    operation: Operation | None
    operands: tuple[Operand, ...]
    slot: int
    channels: int
    place: Place


@dataclass(frozen=True)
class Slot:
    """A tensor (B or 1, channels, H or 1, W or 1); bool where it holds truths."""

    channels: int
    items: bool
    rows: bool
    columns: bool
    truth: bool = False

    @property
    def full(self) -> bool:
        """Whether it has a number for every pixel."""
        return self.rows and self.columns


IMAGE, VALUE, ACROSS, UP, RESOLUTION, ONE = range(6)
INPUTS = (
    Slot(3, True, True, True),
    Slot(1, True, False, False),
    Slot(1, False, False, True),
    Slot(1, False, True, False),
    Slot(2, False, False, False),
    Slot(1, False, False, False),
)
"""The picture, the slider, u (one row), v (one column), width and height, and a 1 of the picture's type."""


class Graph:
    """Steps, in the order in which they are to run.

    `place` is where the user's text now being compiled stands: what becomes too much is reported there.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.slots: list[Slot] = list(INPUTS)
        self.place = Place(1, 1)
        self.cost = 0.0
        self.reads = 0
        self._made: dict[tuple[object, ...], Component] = {}

    def apply(self, name: str, *operands: Value) -> Value:
        """Apply a primitive to each row of components; operands of one component serve every row."""
        count = max(len(operand) for operand in operands)
        rows = [tuple(operand[i if len(operand) > 1 else 0] for operand in operands) for i in range(count)]
        operation = OPERATIONS[name]
        known: dict[tuple[Component, ...], Component] = {}
        missing: dict[tuple[Component, ...], None] = {}
        for row in rows:
            if row in known:
                continue
            if is_constant(row):
                self._spend(0 if operation.plain else SMALL_COST)
                known[row] = _folded(operation, row)
            elif (simple := self._simplified(name, row)) is not None:
                known[row] = simple
            elif (name, *row) in self._made:
                known[row] = self._made[name, *row]
            else:
                missing[row] = None
        for group in _groups(list(missing)):
            slot = self._step(operation, group)
            for channel, row in enumerate(group):
                known[row] = self._made[name, *row] = Ref(slot, channel)
        return tuple(known[row] for row in rows)

    def read(self, coordinates: Value) -> Value:
        """The picture's colour, a vec4, at a vec2."""
        if coordinates == (Ref(ACROSS, 0), Ref(UP, 0)):
            return (Ref(IMAGE, 0), Ref(IMAGE, 1), Ref(IMAGE, 2), 1.0)
        key = ("read", *coordinates)
        if key not in self._made:
            self.reads += 1
            if self.reads > MAX_READS:
                raise self.place.error(f"the snippet reads the picture too often; {MAX_READS} times are allowed")
            flags = [self.slots[c.slot] for c in coordinates if isinstance(c, Ref)]
            slot = Slot(3, True, any(s.rows for s in flags), any(s.columns for s in flags))
            self._spend(READ_COST if slot.full else SMALL_COST)
            operands = (View(IMAGE, 0, 3), *(_operand([c]) for c in coordinates))
            self._made[key] = Ref(self._add(None, operands, slot), 0)
        first = self._made[key]
        assert isinstance(first, Ref)
        return (*(Ref(first.slot, channel) for channel in range(3)), 1.0)

    def select(self, condition: Component, yes: Value, no: Value) -> Value:
        """`yes` where the condition holds, `no` elsewhere."""
        if not isinstance(condition, Ref):
            return yes if condition else no
        if not yes:  # a function's result that is void, or a sampler
            return yes
        return self.apply("select", (condition,), yes, no)

    def sum_of_products(self, a: Value, b: Value) -> Value:
        """The dot product."""
        total: Value = (0.0,)
        for x, y in zip(a, b, strict=True):
            total = self.apply("madd", total, (x,), (y,))
        return total

    def typed(self, number: Component) -> Value:
        """A number as a tensor of the pictures' type, for what cannot do with numbers alone."""
        key = ("typed", number)
        if key not in self._made:
            operands = (View(ONE, 0, 1), _operand([number]))
            self._made[key] = Ref(self._add(OPERATIONS["mul"], operands, Slot(1, False, False, False)), 0)
        return (self._made[key],)

    def _simplified(self, name: str, row: tuple[Component, ...]) -> Component | None:
        rule = RULES.get(name)
        return rule(self, *row) if rule else None

    def _step(self, operation: Operation, group: list[tuple[Component, ...]]) -> int:
        refs = [self.slots[c.slot] for row in group for c in row if isinstance(c, Ref)]
        truth = operation.truth or (operation.name == "select" and all(s.truth for s in refs))
        shape = (any(s.items for s in refs), any(s.rows for s in refs), any(s.columns for s in refs))
        slot = Slot(len(group), *shape, truth)
        self._spend(operation.cost * len(group) if slot.full else SMALL_COST)
        return self._add(operation, tuple(_operand(list(column)) for column in zip(*group, strict=True)), slot)

    def _add(self, operation: Operation | None, operands: tuple[Operand, ...], slot: Slot) -> int:
        self.slots.append(slot)
        self.steps.append(Step(operation, operands, len(self.slots) - 1, slot.channels, self.place))
        return len(self.slots) - 1

    def _spend(self, cost: float) -> None:
        self.cost += cost
        if self.cost > MAX_COST:
            raise self.place.error(
                f"the snippet needs too much work for each pixel; about {MAX_COST} additions are allowed"
            )


def _groups(rows: list[tuple[Component, ...]]) -> list[list[tuple[Component, ...]]]:
    """Split rows where the components of an operand no longer lie side by side (or stay the same)."""
    groups: list[list[tuple[Component, ...]]] = []
    for row in rows:
        if groups and all(_continues([r[i] for r in groups[-1]], row[i]) for i in range(len(row))):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _continues(column: list[Component], new: Component) -> bool:
    last = column[-1]
    if not isinstance(last, Ref) or not isinstance(new, Ref):
        return not isinstance(last, Ref) and not isinstance(new, Ref)
    strides = {0, 1} if len(column) == 1 else {column[1].channel - column[0].channel}  # type: ignore[union-attr]
    return new.slot == last.slot and new.channel - last.channel in strides


def _operand(column: list[Component]) -> Operand:
    first = column[0]
    if isinstance(first, Ref):
        return View(first.slot, first.channel, len(column) if column[-1] != first else 1)
    numbers = tuple(c for c in column if not isinstance(c, Ref))
    return numbers[0] if all(number == numbers[0] for number in numbers) else numbers


def _folded(operation: Operation, row: Sequence[Component]) -> Component:
    """The operation on plain numbers, by Python where it can, else by torch in float64; ints wrap at 32 bits."""
    result: float | int | bool
    try:
        result = operation.plain(*row) if operation.plain else _by_torch(operation, row)
    except (ArithmeticError, ValueError):
        result = _by_torch(operation, row)
    if all(type(component) is int for component in row) and not isinstance(result, bool):
        return (int(result) + 2**31) % 2**32 - 2**31 if math.isfinite(result) else 0
    return result


def _by_torch(operation: Operation, row: Sequence[Component]) -> float | bool:
    numbers = [
        torch.tensor(c, dtype=torch.bool if isinstance(c, bool) else torch.float64)
        for c in row
        if not isinstance(c, Ref)
    ]
    result: float | bool = operation.function(*numbers).item()
    return result
