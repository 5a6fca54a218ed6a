"""Operators and constructors."""

from collections.abc import Iterable

import torch
from torch import Tensor

from perturber.effects.shader.builtins import MisuseError
from perturber.effects.shader.values import BOOL, Component, Kind, Value, call


def _quotient(x: Tensor, y: Tensor) -> Tensor:
    return x / y


def _whole_quotient(x: Tensor, y: Tensor) -> Tensor:
    return torch.where(y == 0, 0, torch.trunc(x / torch.where(y == 0, 1, y)))


def _remainder(x: Tensor, y: Tensor) -> Tensor:
    return x - y * _whole_quotient(x, y)


_RELATIONS = {"<": torch.lt, ">": torch.gt, "<=": torch.le, ">=": torch.ge}


def binary(operator: str, first: Value, second: Value) -> Value:
    """Apply a binary operator.

    Raises:
        MisuseError: it does not take these operands.
    """
    if operator in ("&&", "||"):
        return _logical(operator, first, second)
    if operator in ("==", "!="):
        return _equality(operator, first, second)
    if operator in _RELATIONS:
        if not all(v.kind.scalar and v.kind.base != "bool" for v in (first, second)):
            raise _refused(operator, first, second)
        return Value(BOOL, [call(_RELATIONS[operator], (first.parts[0], second.parts[0]))])
    if operator in ("+", "-", "*", "/", "%"):
        return _arithmetic(operator, first, second)
    raise MisuseError(f"the operator {operator} is not supported")


def _arithmetic(operator: str, first: Value, second: Value) -> Value:
    for value in (first, second):
        if value.kind.base not in ("float", "int") or value.kind.length is not None:
            raise _refused(operator, first, second)
    whole = first.kind.base == second.kind.base == "int"
    if operator == "%" and not whole:
        raise MisuseError(f"% takes whole numbers, not a {first.kind} and a {second.kind}; use mod()")
    if operator == "*" and (first.kind.matrix or second.kind.matrix) and not (first.kind.scalar or second.kind.scalar):
        return _matrix_product(first, second)
    larger = first.kind if first.kind.count >= second.kind.count else second.kind
    for value in (first, second):
        if not value.kind.scalar and (value.kind.size, value.kind.columns) != (larger.size, larger.columns):
            raise _refused(operator, first, second)
    pairs = zip(_spread(first, larger), _spread(second, larger), strict=True)
    parts = [_number(operator, *pair, whole=whole) for pair in pairs]
    return Value(Kind("int" if whole else "float", larger.size, larger.columns), parts)


def _spread(value: Value, kind: Kind) -> list[Component]:
    return value.parts * kind.count if value.kind.scalar else value.parts


def _number(operator: str, x: Component, y: Component, *, whole: bool) -> Component:
    if operator == "+":
        return x + y
    if operator == "-":
        return x - y
    if operator == "*":
        return x * y
    if operator == "%":
        return call(_remainder, (x, y))
    return call(_whole_quotient if whole else _quotient, (x, y))


def _matrix_product(first: Value, second: Value) -> Value:
    """Matrix · matrix, matrix · vector, vector · matrix; matrices lie column by column."""
    size = first.kind.size
    if second.kind.size != size or not {first.kind.columns, second.kind.columns} <= {1, size}:
        raise _refused("*", first, second)
    if not first.kind.matrix:  # a row
        columns = [second.parts[c * size : (c + 1) * size] for c in range(size)]
        return Value(first.kind, [_sum(a * b for a, b in zip(first.parts, column, strict=True)) for column in columns])
    parts = []
    for c in range(second.kind.columns):
        column = second.parts[c * size : (c + 1) * size]
        parts += [_sum(first.parts[k * size + row] * column[k] for k in range(size)) for row in range(size)]
    return Value(Kind("float", size, second.kind.columns), parts)


def _sum(terms: Iterable[Component]) -> Component:
    total: Component = 0.0
    for term in terms:
        total = total + term
    return total


def _logical(operator: str, first: Value, second: Value) -> Value:
    if first.kind != BOOL or second.kind != BOOL:
        raise _refused(operator, first, second)
    function = torch.logical_and if operator == "&&" else torch.logical_or
    return Value(BOOL, [call(function, (first.parts[0], second.parts[0]))])


def _equality(operator: str, first: Value, second: Value) -> Value:
    alike = first.converted(second.kind) or second.converted(first.kind)
    if alike is None or first.kind.base in ("void", "sampler2D"):
        raise _refused(operator, first, second)
    same: Component = True
    for pair in zip(first.parts, second.parts, strict=True):
        same = call(torch.logical_and, (same, call(torch.eq, pair)))
    return Value(BOOL, [same if operator == "==" else call(torch.logical_not, (same,))])


def unary(operator: str, value: Value) -> Value:
    """Apply +, − or !.

    Raises:
        MisuseError: it does not take this operand.
    """
    if operator == "!" and value.kind == BOOL:
        return Value(BOOL, [call(torch.logical_not, value.parts)])
    if operator in ("+", "-") and value.kind.base in ("float", "int") and value.kind.length is None:
        return Value(value.kind, [-p for p in value.parts] if operator == "-" else list(value.parts))
    raise MisuseError(f"the operator {operator} does not take a {value.kind}")


def construct(kind: Kind, arguments: list[Value]) -> Value:
    """``vec3(…)``, ``mat2(…)``, ``float(…)``, ``int(…)``.

    Raises:
        MisuseError: too few or too many components, or of a kind that has none.
    """
    if any(a.kind.base in ("void", "sampler2D") or a.kind.length is not None for a in arguments):
        raise MisuseError(f"{kind}() takes numbers, vectors and matrices")
    if not arguments:
        raise MisuseError(f"{kind}() needs {kind.count} component{'s' * (kind.count > 1)}, not 0")
    only = arguments[0] if len(arguments) == 1 else None
    if kind.matrix and only and (only.kind.scalar or only.kind.matrix):
        parts = _diagonal(kind, only)
    elif only and only.kind.scalar:
        parts = only.parts * kind.count
    else:
        parts = [part for argument in arguments for part in argument.parts]
        used = sum(a.kind.count for a in arguments[:-1])
        if len(parts) < kind.count or used >= kind.count or (kind.matrix and len(parts) != kind.count):
            raise MisuseError(f"{kind}() needs {kind.count} components, not {len(parts)}")
    return Value(kind, [_cast(kind.base, part) for part in parts[: kind.count]])


def _diagonal(kind: Kind, value: Value) -> list[Component]:
    """A number on the diagonal, or another matrix' upper left corner in a matrix of ones on the diagonal."""
    parts: list[Component] = []
    for column in range(kind.columns):
        for row in range(kind.size):
            if value.kind.scalar:
                parts.append(value.parts[0] if row == column else 0.0)
            elif max(row, column) < value.kind.size:
                parts.append(value.parts[column * value.kind.size + row])
            else:
                parts.append(float(row == column))
    return parts


def _cast(base: str, part: Component) -> Component:
    if base == "bool":
        return part if _is_bool(part) else call(lambda x: x != 0, (part,))
    if _is_bool(part):
        return part.to(torch.get_default_dtype()) if isinstance(part, Tensor) else float(part)
    return call(torch.trunc, (part,)) if base == "int" else part


def _is_bool(part: Component) -> bool:
    return part.dtype == torch.bool if isinstance(part, Tensor) else isinstance(part, bool)


def _refused(operator: str, first: Value, second: Value) -> MisuseError:
    return MisuseError(f"the operator {operator} does not take a {first.kind} and a {second.kind}")
