"""The primitive operations that a snippet is compiled to: element by element on tensors that broadcast.

Operands are tensors or Python numbers, at least one of them a tensor; ints are held as floats, as GLSL ES 1.00 allows.
Where GLSL leaves a result undefined, these are finite if that costs little, and their gradients are zero.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import add, eq, ge, gt, le, lt, mul, ne, neg, sub, truediv
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

Operand = Any  # Tensor | float | bool: torch's own signatures are as loose
Function = Callable[..., Tensor]

FINITE = 1e30
"""What infinities become where gradients flow: a float32 that still bears to be multiplied."""


@dataclass(frozen=True)
class Operation:
    """One primitive.

    Args:
        name: unique.
        function: of the operands.
        cost: of one pass over the pixels of one channel, in passes of an addition.
        smooth: used instead of `function` where gradients are wanted: the same values, with finite gradients.
        into: writes the same values into the tensor `out`, which may be one of the operands.
        truth: whether the result is bool.
        plain: the same on Python numbers, for folding constants; without one, `function` folds them.
    """

    name: str
    function: Function
    cost: float = 1
    smooth: Function | None = None
    plain: Callable[..., float] | None = None
    into: Function | None = None
    truth: bool = False


def _tensor(operand: Operand, like: Tensor) -> Tensor:
    return operand if isinstance(operand, Tensor) else like.new_tensor(operand)


def _tensors(*operands: Operand) -> list[Tensor]:
    like = next(operand for operand in operands if isinstance(operand, Tensor))
    return [_tensor(operand, like) for operand in operands]


def _defined(function: Function, where: Function, *safe: float) -> Function:
    """`function` with zero gradient, and no infinities, wherever `where` is false; `safe` operands are defined."""

    def smooth(*operands: Operand) -> Tensor:
        tensors = _tensors(*operands)
        inside = where(*tensors)
        value = function(*(torch.where(inside, t, s) for t, s in zip(tensors, safe, strict=True)))
        outside = function(*(t.detach() for t in tensors)).nan_to_num(0, FINITE, -FINITE)
        return torch.where(inside, value, outside)

    return smooth


def _into(function: Function) -> Function:
    """For torch's own functions, whose first operand must be a tensor."""

    def into(first: Operand, *rest: Operand, out: Tensor) -> Tensor:
        return function(_tensor(first, out), *rest, out=out)

    return into


def _div(a: Operand, b: Operand) -> Tensor:
    return torch.div(a if isinstance(a, Tensor) else _tensor(a, b), b)


def _madd_into(total: Operand, a: Operand, b: Operand, *, out: Tensor) -> Tensor:
    if not isinstance(a, Tensor):
        a, b = b, a
    total = _tensor(total, out)
    if isinstance(b, Tensor):
        return torch.addcmul(total, a, b, out=out)
    return torch.add(total, a, alpha=b, out=out)


def _minimum_into(a: Operand, b: Operand, *, out: Tensor) -> Tensor:
    return torch.minimum(_tensor(a, out), _tensor(b, out), out=out)


def _maximum_into(a: Operand, b: Operand, *, out: Tensor) -> Tensor:
    return torch.maximum(_tensor(a, out), _tensor(b, out), out=out)


def _clamp_into(x: Operand, low: Operand, high: Operand, *, out: Tensor) -> Tensor:
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        return out.copy_(_clamp(x, low, high))
    return torch.clamp(x, low, high, out=out)


def _select_into(condition: Tensor, yes: Operand, no: Operand, *, out: Tensor) -> Tensor:
    return torch.where(condition, _tensor(yes, out), _tensor(no, out), out=out)


def _madd(total: Operand, a: Operand, b: Operand) -> Tensor:
    """``total + a · b`` in one pass where there is a kernel for it."""
    if isinstance(total, Tensor) and isinstance(a, Tensor):
        return torch.addcmul(total, a, b) if isinstance(b, Tensor) else torch.add(total, a, alpha=b)
    if isinstance(total, Tensor) and isinstance(b, Tensor):
        return torch.add(total, b, alpha=a)
    return total + a * b


def _mix(a: Operand, b: Operand, t: Operand) -> Tensor:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return torch.lerp(a, b, t)
    return a * (1 - t) + b * t


def _minimum(a: Operand, b: Operand) -> Tensor:
    if not isinstance(b, Tensor):
        return torch.clamp_max(a, b)
    return torch.minimum(a, b) if isinstance(a, Tensor) else torch.clamp_max(b, a)


def _maximum(a: Operand, b: Operand) -> Tensor:
    if not isinstance(b, Tensor):
        return torch.clamp_min(a, b)
    return torch.maximum(a, b) if isinstance(a, Tensor) else torch.clamp_min(b, a)


def _clamp(x: Operand, low: Operand, high: Operand) -> Tensor:
    if not isinstance(low, Tensor) and not isinstance(high, Tensor):
        return torch.clamp(x, low, high)
    raised = _maximum(x, low) if isinstance(x, Tensor) or isinstance(low, Tensor) else max(x, low)
    return _minimum(raised, high)


def _where_divisible(function: Function) -> Function:
    """A remainder or quotient by 0 is 0, so that it is a number."""

    def checked(a: Operand, b: Operand) -> Tensor:
        if isinstance(b, Tensor):
            return torch.where(b == 0, 0, function(a, b))
        return function(a, b) if b else a * 0

    return checked


_mod = _where_divisible(lambda x, y: x - y * torch.floor(x / y))  # torch.remainder takes ten times as long
_int_div = _where_divisible(lambda a, b: torch.trunc(a / b))
_int_mod = _where_divisible(lambda a, b: a - b * torch.trunc(a / b))


def _sqrt(x: Tensor) -> Tensor:
    return x.clamp_min(0).sqrt()


def _rsqrt(x: Tensor) -> Tensor:
    return torch.where(x > 0, x.rsqrt(), 0)


def _log(x: Tensor) -> Tensor:
    return x.clamp_min(torch.finfo(x.dtype).tiny).log()


def _log2(x: Tensor) -> Tensor:
    return x.clamp_min(torch.finfo(x.dtype).tiny).log2()


def _pow(x: Operand, y: Operand) -> Tensor:
    return torch.pow(x.clamp_min(0) if isinstance(x, Tensor) else max(x, 0.0), y)


def _atan2(y: Operand, x: Operand) -> Tensor:
    return torch.atan2(*_tensors(y, x))


def texture(image: Tensor, u: Operand, v: Operand) -> Tensor:
    """The picture at (u, v), whose origin is the lower left corner: bilinear, continued beyond its border."""
    places = (p if isinstance(p, Tensor) else image.new_full((1, 1, 1, 1), p) for p in (u, v))
    u, v = torch.broadcast_tensors(*places)
    grid = torch.stack((2 * u[:, 0] - 1, 1 - 2 * v[:, 0]), -1).nan_to_num(0, 2, -2)
    grid = grid.expand(len(image), -1, -1, -1)
    return F.grid_sample(image, grid, padding_mode="border", align_corners=False)


def _above_zero(x: Tensor, *_: Tensor) -> Tensor:
    return x > 0


def _inside_one(x: Tensor) -> Tensor:
    return x.abs() < 1


def _nonzero_divisor(_: Tensor, b: Tensor) -> Tensor:
    return b != 0


def _arcsine(x: Tensor) -> Tensor:
    return x.clamp(-1, 1).asin()


def _arccosine(x: Tensor) -> Tensor:
    return x.clamp(-1, 1).acos()


OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation("add", add, plain=add, into=_into(torch.add)),
        Operation("sub", sub, plain=sub, into=_into(torch.sub)),
        Operation("mul", mul, plain=mul, into=_into(torch.mul)),
        Operation("madd", _madd, plain=lambda total, a, b: total + a * b, into=_madd_into),
        Operation("neg", neg, plain=neg, into=_into(torch.neg)),
        Operation("div", _div, smooth=_defined(_div, _nonzero_divisor, 0, 1), plain=truediv, into=_into(torch.div)),
        Operation("int_div", _int_div, 2, smooth=_defined(_int_div, _nonzero_divisor, 0, 1)),
        Operation("int_mod", _int_mod, 4, smooth=_defined(_int_mod, _nonzero_divisor, 0, 1)),
        Operation("min", _minimum, plain=min, into=_minimum_into),
        Operation("max", _maximum, plain=max, into=_maximum_into),
        Operation("clamp", _clamp, plain=lambda x, low, high: min(max(x, low), high), into=_clamp_into),
        Operation("abs", torch.abs, plain=abs, into=_into(torch.abs)),
        Operation("sign", torch.sign, into=_into(torch.sign)),
        Operation("floor", torch.floor, into=_into(torch.floor)),
        Operation("ceil", torch.ceil, into=_into(torch.ceil)),
        Operation("trunc", torch.trunc, into=_into(torch.trunc)),
        Operation("fract", lambda x: x - x.floor(), 2),
        Operation("mod", _mod, 5, smooth=_defined(_mod, _nonzero_divisor, 0, 1)),
        Operation("mix", _mix, 2),
        Operation("sqrt", _sqrt, 2, smooth=_defined(_sqrt, _above_zero, 1)),
        Operation("rsqrt", _rsqrt, 4, smooth=_defined(_rsqrt, _above_zero, 1)),
        Operation("exp", torch.exp, 3, into=_into(torch.exp)),
        Operation("exp2", torch.exp2, 3, into=_into(torch.exp2)),
        Operation("log", _log, 4, smooth=_defined(_log, _above_zero, 1)),
        Operation("log2", _log2, 4, smooth=_defined(_log2, _above_zero, 1)),
        Operation("pow", _pow, 10, smooth=_defined(_pow, _above_zero, 1, 1)),
        Operation("sin", torch.sin, 4, into=_into(torch.sin)),
        Operation("cos", torch.cos, 4, into=_into(torch.cos)),
        Operation("tan", torch.tan, 6, into=_into(torch.tan)),
        Operation("asin", _arcsine, 6, smooth=_defined(_arcsine, _inside_one, 0)),
        Operation("acos", _arccosine, 6, smooth=_defined(_arccosine, _inside_one, 0)),
        Operation("atan", torch.atan, 6, into=_into(torch.atan)),
        Operation("atan2", _atan2, 10, smooth=_defined(_atan2, lambda y, x: (x != 0) | (y != 0), 0, 1)),
        Operation("lt", lt, plain=lt, truth=True),
        Operation("gt", gt, plain=gt, truth=True),
        Operation("le", le, plain=le, truth=True),
        Operation("ge", ge, plain=ge, truth=True),
        Operation("eq", eq, plain=eq, truth=True),
        Operation("ne", ne, plain=ne, truth=True),
        Operation("and", torch.logical_and, plain=lambda a, b: a and b, truth=True),
        Operation("or", torch.logical_or, plain=lambda a, b: a or b, truth=True),
        Operation("xor", torch.logical_xor, plain=lambda a, b: a != b, truth=True),
        Operation("not", torch.logical_not, plain=lambda a: not a, truth=True),
        Operation("select", torch.where, 2, plain=lambda c, yes, no: yes if c else no, into=_select_into),
    )
}
"""Every element-wise primitive by its name."""
