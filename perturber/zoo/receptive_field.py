"""Theoretical receptive fields: which input pixels one unit can depend on, followed through a forward pass."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True)
class Span:
    """A receptive field along one axis, in input pixels; unit i sees `size` pixels from ``start + i * stride``."""

    start: int = 0
    size: int = 1
    stride: int = 1

    def window(self, *, kernel: int, stride: int, padding: int, dilation: int) -> "Span":
        """The field behind a convolution or pooling with this geometry."""
        return Span(
            self.start - padding * self.stride,
            self.size + (kernel - 1) * dilation * self.stride,
            self.stride * stride,
        )

    def padded(self, before: int) -> "Span":
        """The field after padding with this many units in front."""
        return Span(self.start - before * self.stride, self.size, self.stride)

    def joined(self, other: "Span") -> "Span | None":
        """The smallest field that holds both, or None where their units do not lie on one grid."""
        if self.stride != other.stride:
            return None
        start = min(self.start, other.start)
        return Span(start, max(self.start + self.size, other.start + other.size) - start, self.stride)


@dataclass(frozen=True)
class Field:
    """The receptive field of a layer's units along both axes."""

    rows: Span = Span()
    columns: Span = Span()

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """What the unit at (row, column) sees: (top, left, bottom, right), half open, perhaps beyond the picture."""
        top = self.rows.start + row * self.rows.stride
        left = self.columns.start + column * self.columns.stride
        return top, left, top + self.rows.size, left + self.columns.size

    def joined(self, other: "Field") -> "Field | None":
        """The smallest field that holds both, or None where there is none on one grid."""
        rows, columns = self.rows.joined(other.rows), self.columns.joined(other.columns)
        return Field(rows, columns) if rows and columns else None


def join(fields: Iterable[Field | None]) -> Field | None:
    """The field of what depends on all of these; None is the whole picture."""
    result, *others = fields
    for other in others:
        result = result.joined(other) if result and other else None
    return result


def follow(operation: str, arguments: Sequence[Any], fields: Sequence[Field | None], output: Tensor) -> Field | None:
    """The field behind one operation of ATen; None where a unit may depend on the whole picture.

    Args:
        operation: its name, such as ``convolution``.
        arguments: its positional arguments.
        fields: of those of its inputs that depend on the picture.
        output: its (first) result.
    """
    field = join(fields)
    if field is None:
        return None
    if operation == "convolution":
        _, weight, _, stride, padding, dilation, transposed, *_ = arguments
        return None if transposed else _window(field, weight.shape[2:], stride, padding, dilation)
    if operation in ("max_pool2d_with_indices", "avg_pool2d"):
        kernel, stride, padding, dilation = (*arguments[1:5], *(None,) * 4)[:4]
        dilation = dilation if operation.startswith("max") else None
        return _window(field, kernel, stride or kernel, padding or 0, dilation or 1)
    if operation == "constant_pad_nd":
        left, _, top, _ = (*arguments[1], 0, 0, 0, 0)[:4]
        return Field(field.rows.padded(top), field.columns.padded(left))
    shapes = [a.shape[-2:] for a in _tensors(arguments)]
    return field if output.ndim > 3 and output.shape[-2:] in shapes else None


def _window(field: Field, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Field:
    def at(axis: int) -> dict[str, int]:
        given = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        return {key: value if isinstance(value, int) else value[axis % len(value)] for key, value in given.items()}

    return Field(field.rows.window(**at(0)), field.columns.window(**at(1)))


def _tensors(arguments: Sequence[Any]) -> list[Tensor]:
    flat = [a for argument in arguments for a in (argument if isinstance(argument, list | tuple) else (argument,))]
    return [a for a in flat if isinstance(a, Tensor)]
