"""The built-in functions of GLSL ES 1.00 that make sense for a pixel."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from perturber.effects.shader.values import BOOL, FLOAT, Component, Kind, Value, call

Componentwise = Callable[..., Tensor]


class MisuseError(Exception):
    """A function cannot take these arguments; says why."""


def _clamp(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(x, low), high)


def _smoothstep(low: Tensor, high: Tensor, x: Tensor) -> Tensor:
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


COMPONENTWISE: dict[str, tuple[int, Componentwise]] = {
    "radians": (1, lambda x: x * (math.pi / 180)),
    "degrees": (1, lambda x: x * (180 / math.pi)),
    "sin": (1, torch.sin), "cos": (1, torch.cos), "tan": (1, torch.tan),
    "asin": (1, torch.asin), "acos": (1, torch.acos),
    "sinh": (1, torch.sinh), "cosh": (1, torch.cosh), "tanh": (1, torch.tanh),
    "pow": (2, torch.pow), "exp": (1, torch.exp), "log": (1, torch.log),
    "exp2": (1, torch.exp2), "log2": (1, torch.log2), "sqrt": (1, torch.sqrt), "inversesqrt": (1, torch.rsqrt),
    "abs": (1, torch.abs), "sign": (1, torch.sign), "floor": (1, torch.floor), "ceil": (1, torch.ceil),
    "trunc": (1, torch.trunc), "round": (1, torch.round),
    "fract": (1, lambda x: x - torch.floor(x)),
    "mod": (2, lambda x, y: x - y * torch.floor(x / y)),
    "min": (2, torch.minimum), "max": (2, torch.maximum), "clamp": (3, _clamp),
    "mix": (3, lambda x, y, a: x + a * (y - x)),
    "step": (2, lambda edge, x: (x >= edge).to(x.dtype)),
    "smoothstep": (3, _smoothstep),
}  # fmt: skip
"""Functions that treat every component alike: number of arguments, and the function of tensors."""

KEEP_INT = {"abs", "sign", "min", "max", "clamp"}
"""Those whose result is whole where their arguments are."""

COMPARISONS: dict[str, Componentwise] = {
    "lessThan": torch.lt, "lessThanEqual": torch.le, "greaterThan": torch.gt, "greaterThanEqual": torch.ge,
    "equal": torch.eq, "notEqual": torch.ne,
}  # fmt: skip


def componentwise(name: str, arguments: list[Value]) -> Value:
    """A function that treats every component alike; scalars serve every component."""
    count, function = COMPONENTWISE[name]
    _expect(name, arguments, count)
    size = max(a.kind.size for a in arguments)
    for argument in arguments:
        if argument.kind.base not in ("float", "int") or argument.kind.columns > 1 or argument.kind.length is not None:
            raise MisuseError(f"{name}() does not take a {argument.kind}")
        if argument.kind.size not in (1, size):
            raise MisuseError(f"{name}() takes vectors of one size, not {_kinds(arguments)}")
    whole = name in KEEP_INT and all(a.kind.base == "int" for a in arguments)
    parts = [call(function, [_part(a, i) for a in arguments]) for i in range(size)]
    return Value(Kind("int" if whole else "float", size), parts)


def atan(arguments: list[Value]) -> Value:
    """The arc tangent of one number, or of y and x."""
    if len(arguments) not in (1, 2):
        raise MisuseError(f"atan() takes 1 or 2 arguments, not {len(arguments)}")
    size = _vectors("atan", arguments)
    function = torch.atan if len(arguments) == 1 else torch.atan2
    return Value(Kind("float", size), [call(function, [a.parts[i] for a in arguments]) for i in range(size)])


def _dot(x: list[Component], y: list[Component]) -> Component:
    total: Component = x[0] * y[0]
    for a, b in zip(x[1:], y[1:], strict=True):
        total = total + a * b
    return total


def _length(x: list[Component]) -> Component:
    return call(lambda s: s.clamp_min(1e-30).sqrt(), [_dot(x, x)])


def _scaled(x: list[Component], by: Component) -> list[Component]:
    return [a * by for a in x]


def _minus(x: list[Component], y: list[Component]) -> list[Component]:
    return [a - b for a, b in zip(x, y, strict=True)]


def dot(arguments: list[Value]) -> Value:
    """Sum of products."""
    _expect("dot", arguments, 2)
    _vectors("dot", arguments)
    return Value(FLOAT, [_dot(arguments[0].parts, arguments[1].parts)])


def length(arguments: list[Value]) -> Value:
    """Euclidean length."""
    _expect("length", arguments, 1)
    _vectors("length", arguments)
    return Value(FLOAT, [_length(arguments[0].parts)])


def distance(arguments: list[Value]) -> Value:
    """Euclidean distance."""
    _expect("distance", arguments, 2)
    _vectors("distance", arguments)
    return Value(FLOAT, [_length(_minus(arguments[0].parts, arguments[1].parts))])


def normalize(arguments: list[Value]) -> Value:
    """The vector of length 1."""
    _expect("normalize", arguments, 1)
    size = _vectors("normalize", arguments)
    by = call(torch.reciprocal, [_length(arguments[0].parts)])
    return Value(Kind("float", size), _scaled(arguments[0].parts, by))


def cross(arguments: list[Value]) -> Value:
    """The vector product."""
    _expect("cross", arguments, 2)
    if _vectors("cross", arguments) != 3:
        raise MisuseError(f"cross() takes two vec3, not {_kinds(arguments)}")
    (a, b, c), (x, y, z) = (v.parts for v in arguments)
    return Value(Kind("float", 3), [b * z - c * y, c * x - a * z, a * y - b * x])


def faceforward(arguments: list[Value]) -> Value:
    """N, turned so that it faces against I."""
    _expect("faceforward", arguments, 3)
    size = _vectors("faceforward", arguments)
    n, i, reference = (a.parts for a in arguments)
    against = call(lambda d: torch.where(d < 0, 1.0, -1.0).to(d.dtype), [_dot(reference, i)])
    return Value(Kind("float", size), _scaled(n, against))


def reflect(arguments: list[Value]) -> Value:
    """I − 2 (N·I) N."""
    _expect("reflect", arguments, 2)
    size = _vectors("reflect", arguments)
    i, n = (a.parts for a in arguments)
    return Value(Kind("float", size), _minus(i, _scaled(n, 2 * _dot(n, i))))


def refract(arguments: list[Value]) -> Value:
    """Snell's law; 0 at total reflection."""
    _expect("refract", arguments, 3)
    size = _vectors("refract", arguments[:2])
    if not arguments[2].kind.scalar:
        raise MisuseError("refract() takes a float as its third argument")
    (i, n), (eta,) = (a.parts for a in arguments[:2]), arguments[2].parts
    along = _dot(n, i)
    k = 1 - eta * eta * (1 - along * along)
    inside = call(lambda k: (k >= 0).to(k.dtype), [k])
    root = call(lambda k: k.clamp_min(1e-30).sqrt(), [k])
    bent = _minus(_scaled(i, eta), _scaled(n, eta * along + root))
    return Value(Kind("float", size), _scaled(bent, inside))


def matrix_comp_mult(arguments: list[Value]) -> Value:
    """Product component by component."""
    _expect("matrixCompMult", arguments, 2)
    if arguments[0].kind != arguments[1].kind or not arguments[0].kind.matrix:
        raise MisuseError(f"matrixCompMult() takes two matrices of one size, not {_kinds(arguments)}")
    return Value(arguments[0].kind, [a * b for a, b in zip(arguments[0].parts, arguments[1].parts, strict=True)])


def any_(arguments: list[Value]) -> Value:
    """Whether any component is true."""
    return Value(BOOL, [_reduce("any", torch.logical_or, arguments)])


def all_(arguments: list[Value]) -> Value:
    """Whether all components are true."""
    return Value(BOOL, [_reduce("all", torch.logical_and, arguments)])


def not_(arguments: list[Value]) -> Value:
    """Each component's opposite."""
    _reduce("not", torch.logical_or, arguments)  # the same arguments are allowed
    return Value(arguments[0].kind, [call(torch.logical_not, [part]) for part in arguments[0].parts])


def comparison(name: str, arguments: list[Value]) -> Value:
    """Vectors compared component by component."""
    _expect(name, arguments, 2)
    first, second = arguments
    equality = name in ("equal", "notEqual")
    alike = first.kind.vector and second.kind.vector and first.kind.size == second.kind.size
    bools = [a.kind.base == "bool" for a in arguments]
    if not alike or (any(bools) and not (equality and all(bools))):
        raise MisuseError(f"{name}() takes two vectors of one size, not {_kinds(arguments)}")
    pairs = zip(first.parts, second.parts, strict=True)
    return Value(Kind("bool", first.kind.size), [call(COMPARISONS[name], pair) for pair in pairs])


def texture(image: Tensor, arguments: list[Value]) -> Value:
    """The picture's colour at a place (0 to 1, from the lower left), bilinear, its border continued.

    Args:
        image: (B, 3, H, W).
        arguments: the sampler and a vec2.
    """
    _expect("texture2D", arguments, 2)
    if arguments[0].kind.base != "sampler2D" or arguments[1].kind != Kind("float", 2):
        raise MisuseError(f"texture2D() takes a sampler2D and a vec2, not {_kinds(arguments)}")
    shape = image.shape[0], *image.shape[2:]
    u, v = (torch.as_tensor(p, dtype=image.dtype, device=image.device).expand(shape) for p in arguments[1].parts)
    grid = torch.stack((2 * u - 1, 1 - 2 * v), -1)
    colour = F.grid_sample(image, torch.nan_to_num(grid), padding_mode="border", align_corners=False)
    return Value(Kind("float", 4), [*colour.unbind(1), 1.0])


FUNCTIONS: dict[str, Callable[[list[Value]], Value]] = {
    "atan": atan, "dot": dot, "length": length, "distance": distance, "normalize": normalize, "cross": cross,
    "faceforward": faceforward, "reflect": reflect, "refract": refract, "matrixCompMult": matrix_comp_mult,
    "any": any_, "all": all_, "not": not_,
}  # fmt: skip

TEXTURES = {"texture2D", "texture"}

NAMES = {*COMPONENTWISE, *COMPARISONS, *FUNCTIONS, *TEXTURES}


def apply(name: str, arguments: list[Value], image: Tensor) -> Value:
    """Call a built-in function.

    Raises:
        MisuseError: it does not take these arguments.
    """
    if name in COMPONENTWISE:
        return componentwise(name, arguments)
    if name in COMPARISONS:
        return comparison(name, arguments)
    return texture(image, arguments) if name in TEXTURES else FUNCTIONS[name](arguments)


def _part(value: Value, number: int) -> Component:
    return value.parts[number] if value.kind.size > 1 else value.parts[0]


def _expect(name: str, arguments: list[Value], count: int) -> None:
    if len(arguments) != count:
        raise MisuseError(f"{name}() takes {count} argument{'s' * (count > 1)}, not {len(arguments)}")


def _vectors(name: str, arguments: list[Value]) -> int:
    """The one size of all arguments, which must be floats or vectors of them."""
    sizes = {a.kind.size for a in arguments}
    plain = all(a.kind.base in ("float", "int") and a.kind.columns == 1 and a.kind.length is None for a in arguments)
    if len(sizes) != 1 or not plain:
        raise MisuseError(f"{name}() takes vectors of one size, not {_kinds(arguments)}")
    return sizes.pop()


def _reduce(name: str, function: Componentwise, arguments: list[Value]) -> Component:
    _expect(name, arguments, 1)
    if arguments[0].kind.base != "bool" or not arguments[0].kind.vector:
        raise MisuseError(f"{name}() takes a vector of bool, not a {arguments[0].kind}")
    result = arguments[0].parts[0]
    for part in arguments[0].parts[1:]:
        result = call(function, (result, part))
    return result


def _kinds(arguments: list[Value]) -> str:
    return " and ".join(f"a {a.kind}" for a in arguments)
