"""Values of a snippet: what kind they are, and their components.

A component is a tensor that broadcasts to (B, H, W), or a plain number that is the same for every pixel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Component = Any
"""A tensor, a float or a bool; their operators mix freely, which no type says."""


@dataclass(frozen=True)
class Kind:
    """A type of GLSL.

    Attributes:
        base: float, int, bool, void or sampler2D.
        size: components of a scalar (1), a vector or a matrix' column.
        columns: of a matrix; 1 for everything else.
        length: of an array, or None.
    """

    base: str
    size: int = 1
    columns: int = 1
    length: int | None = None

    @property
    def count(self) -> int:
        """Components in all."""
        return self.size * self.columns * (self.length or 1)

    @property
    def matrix(self) -> bool:
        """Whether this is a matrix."""
        return self.columns > 1 and self.length is None

    @property
    def scalar(self) -> bool:
        """Whether this is a single number or truth value."""
        return self.count == 1 and self.length is None and self.base in ("float", "int", "bool")

    @property
    def vector(self) -> bool:
        """Whether this is a vector."""
        return self.size > 1 and self.columns == 1 and self.length is None

    @property
    def element(self) -> "Kind":
        """What an index gives: an array's element, a matrix' column, a vector's component."""
        if self.length is not None:
            return Kind(self.base, self.size, self.columns)
        return Kind(self.base, self.size) if self.columns > 1 else Kind(self.base)

    def __str__(self) -> str:
        prefix = {"float": "", "int": "i", "bool": "b"}.get(self.base, "")
        name = self.base
        if self.columns > 1:
            name = f"mat{self.size}"
        elif self.size > 1:
            name = f"{prefix}vec{self.size}"
        return name if self.length is None else f"{name}[{self.length}]"


FLOAT, INT, BOOL, VOID, SAMPLER = Kind("float"), Kind("int"), Kind("bool"), Kind("void"), Kind("sampler2D")

KINDS = {
    str(kind): kind
    for kind in (
        FLOAT, INT, BOOL, VOID, SAMPLER,
        *(Kind(base, size) for base in ("float", "int", "bool") for size in (2, 3, 4)),
        *(Kind("float", size, size) for size in (2, 3, 4)),
    )
}  # fmt: skip
"""Name in GLSL → type."""


@dataclass
class Value:
    """A value, or the place where a variable keeps it.

    Attributes:
        kind: its type.
        parts: its components; a matrix' column by column, an array's element by element.
        constant: it cannot be assigned to.
    """

    kind: Kind
    parts: list[Component]
    constant: bool = False

    def converted(self, kind: Kind) -> "Value | None":
        """This value as another kind, if GLSL allows it without being told: int to float."""
        if self.kind == kind:
            return Value(kind, list(self.parts))
        same_shape = (self.kind.size, self.kind.columns, self.kind.length) == (kind.size, kind.columns, kind.length)
        return Value(kind, list(self.parts)) if same_shape and (self.kind.base, kind.base) == ("int", "float") else None


def zero(kind: Kind) -> Value:
    """Zeros, or false, of a kind."""
    start: Component = False if kind.base == "bool" else 0.0
    return Value(kind, [start] * kind.count)


def call(function: Callable[..., Tensor], parts: Sequence[Component]) -> Component:
    """Apply a torch function to components; plain numbers alone give a plain number."""
    example = next((part for part in parts if isinstance(part, Tensor) and part.dtype != torch.bool), None)
    if example is None:
        example = next((part for part in parts if isinstance(part, Tensor)), None)
    if example is None:
        result = function(*(torch.tensor(part, dtype=_plain_type(part)) for part in parts))
        return result.item()
    dtype = example.dtype if example.dtype != torch.bool else torch.get_default_dtype()
    tensors = (
        part
        if isinstance(part, Tensor)
        else torch.tensor(part, dtype=torch.bool if isinstance(part, bool) else dtype, device=example.device)
        for part in parts
    )
    return function(*tensors)


def _plain_type(part: Component) -> torch.dtype:
    return torch.bool if isinstance(part, bool) else torch.float64


def select(mask: Component, new: Component, old: Component) -> Component:
    """`new` where the mask is true, `old` elsewhere."""
    if isinstance(mask, bool):
        return new if mask else old
    if new is old:
        return old
    return (
        call(torch.where, (mask, new, old))
        if isinstance(new, Tensor) or isinstance(old, Tensor)
        else _split(mask, new, old)
    )


def _split(mask: Component, new: Component, old: Component) -> Component:
    if new == old:
        return new
    assert isinstance(mask, Tensor)
    if isinstance(new, bool):
        return mask if new else ~mask
    return mask.to(torch.get_default_dtype()) * (new - old) + old


def both(first: Component, second: Component) -> Component:
    """Logical and."""
    if isinstance(first, bool):
        return second if first else False
    if isinstance(second, bool):
        return first if second else False
    return first & second


def negated(mask: Component) -> Component:
    """Logical not."""
    return not mask if isinstance(mask, bool) else ~mask
