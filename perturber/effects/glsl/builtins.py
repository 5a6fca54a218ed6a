"""The functions of GLSL ES 1.00 that make sense for a pixel: what they take, and what they come to.

Signatures are written as in the language's specification: ``G`` is float, vec2, vec3 or vec4, the same wherever it
stands; ``J`` is the same for ints, ``V``, ``I`` and ``B`` are vectors of floats, ints and bools, ``M`` matrices.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from perturber.effects.glsl.graph import Graph
from perturber.effects.glsl.types import FLOAT, TYPES, Type, converts, vector
from perturber.effects.glsl.values import Value

Emit = Callable[..., Value]


@dataclass(frozen=True)
class Overload:
    """One way to call a function.

    Args:
        parameters: the types of its arguments.
        result: the type of its value.
        emit: adds it to a graph: ``emit(graph, *values)``.
    """

    name: str
    parameters: tuple[Type, ...]
    result: Type
    emit: Emit


def _op(name: str) -> Emit:
    return lambda graph, *values: graph.apply(name, *values)


def _scaled(by: float) -> Emit:
    return lambda graph, x: graph.apply("mul", x, (by,))


def _step(graph: Graph, edge: Value, x: Value) -> Value:
    return _as_float(graph, graph.apply("ge", x, edge))


def _as_float(graph: Graph, truth: Value) -> Value:
    return tuple(graph.select(component, (1.0,), (0.0,))[0] for component in truth)


def _smoothstep(graph: Graph, low: Value, high: Value, x: Value) -> Value:
    """t² (3 − 2 t) with t = (x − low) / (high − low), limited to [0, 1]."""
    t = graph.apply("div", graph.apply("sub", x, low), graph.apply("sub", high, low))
    t = graph.apply("clamp", t, (0.0,), (1.0,))
    return graph.apply("mul", graph.apply("mul", t, t), graph.apply("madd", (3.0,), t, (-2.0,)))


def _length(graph: Graph, x: Value) -> Value:
    if len(x) == 1:
        return graph.apply("abs", x)
    return graph.apply("sqrt", graph.sum_of_products(x, x))


def _distance(graph: Graph, a: Value, b: Value) -> Value:
    return _length(graph, graph.apply("sub", a, b))


def _dot(graph: Graph, a: Value, b: Value) -> Value:
    return graph.sum_of_products(a, b)


def _cross(graph: Graph, a: Value, b: Value) -> Value:
    x, y, z = (graph.apply("sub", graph.apply("mul", (a[i],), (b[j],)), graph.apply("mul", (a[j],), (b[i],)))
               for i, j in ((1, 2), (2, 0), (0, 1)))  # fmt: skip
    return (*x, *y, *z)


def _normalize(graph: Graph, x: Value) -> Value:
    """x / |x|; the zero vector stays."""
    if len(x) == 1:
        return graph.apply("sign", x)
    return graph.apply("mul", x, graph.apply("rsqrt", graph.sum_of_products(x, x)))


def _faceforward(graph: Graph, n: Value, incident: Value, reference: Value) -> Value:
    facing = graph.apply("lt", graph.sum_of_products(reference, incident), (0.0,))[0]
    return graph.select(facing, n, graph.apply("neg", n))


def _reflect(graph: Graph, incident: Value, n: Value) -> Value:
    """I − 2 (N · I) N."""
    return graph.apply("madd", incident, n, graph.apply("mul", graph.sum_of_products(n, incident), (-2.0,)))


def _refract(graph: Graph, incident: Value, n: Value, eta: Value) -> Value:
    """Snell's law, as the specification writes it: k = 1 − η² (1 − (N · I)²), and 0 where k < 0."""
    along = graph.sum_of_products(n, incident)
    square = graph.apply("sub", (1.0,), graph.apply("mul", along, along))
    k = graph.apply("sub", (1.0,), graph.apply("mul", graph.apply("mul", eta, eta), square))
    factor = graph.apply("add", graph.apply("mul", eta, along), graph.apply("sqrt", k))
    bent = graph.apply("sub", graph.apply("mul", incident, eta), graph.apply("mul", n, factor))
    return graph.select(graph.apply("lt", k, (0.0,))[0], (0.0,) * len(n), bent)


def _joined(name: str, graph: Graph, truth: Value) -> Value:
    total: Value = truth[:1]
    for component in truth[1:]:
        total = graph.apply(name, total, (component,))
    return total


def _unequal(graph: Graph, a: Value, b: Value) -> Value:
    return graph.apply("not", graph.apply("eq", a, b))


def _xnor(graph: Graph, a: Value, b: Value) -> Value:
    return graph.apply("not", graph.apply("xor", a, b))


def _texture(graph: Graph, _: Value, coordinates: Value) -> Value:
    return graph.read(coordinates)


_ONE = ("G(G)",)
_TWO = ("G(G,G)", "G(G,float)")
_RELATION = ("B(I,I)", "B(V,V)")

_TABLE: dict[str, list[tuple[tuple[str, ...], Emit]]] = {
    "radians": [(_ONE, _scaled(math.pi / 180))],
    "degrees": [(_ONE, _scaled(180 / math.pi))],
    **{name: [(_ONE, _op(name))] for name in ("sin", "cos", "tan", "asin", "acos")},
    "atan": [(_ONE, _op("atan")), (("G(G,G)",), _op("atan2"))],
    "pow": [(("G(G,G)",), _op("pow"))],
    **{name: [(_ONE, _op(name))] for name in ("exp", "log", "exp2", "log2", "sqrt", "floor", "ceil", "fract")},
    "inversesqrt": [(_ONE, _op("rsqrt"))],
    **{name: [(("J(J)", *_ONE), _op(name))] for name in ("abs", "sign")},
    "trunc": [(_ONE, _op("trunc"))],
    "mod": [(_TWO, _op("mod"))],
    **{name: [(("J(J,J)", "J(J,int)", *_TWO), _op(name))] for name in ("min", "max")},
    "clamp": [(("J(J,J,J)", "J(J,int,int)", "G(G,G,G)", "G(G,float,float)"), _op("clamp"))],
    "mix": [(("G(G,G,G)", "G(G,G,float)"), _op("mix"))],
    "step": [(("G(G,G)", "G(float,G)"), _step)],
    "smoothstep": [(("G(G,G,G)", "G(float,float,G)"), _smoothstep)],
    "length": [(("float(G)",), _length)],
    "distance": [(("float(G,G)",), _distance)],
    "dot": [(("float(G,G)",), _dot)],
    "cross": [(("vec3(vec3,vec3)",), _cross)],
    "normalize": [(_ONE, _normalize)],
    "faceforward": [(("G(G,G,G)",), _faceforward)],
    "reflect": [(("G(G,G)",), _reflect)],
    "refract": [(("G(G,G,float)",), _refract)],
    "matrixCompMult": [(("M(M,M)",), _op("mul"))],
    "lessThan": [(_RELATION, _op("lt"))],
    "lessThanEqual": [(_RELATION, _op("le"))],
    "greaterThan": [(_RELATION, _op("gt"))],
    "greaterThanEqual": [(_RELATION, _op("ge"))],
    "equal": [(("B(B,B)",), _xnor), (_RELATION, _op("eq"))],
    "notEqual": [(("B(B,B)",), _op("xor")), (_RELATION, _unequal)],
    "any": [(("bool(B)",), partial(_joined, "or"))],
    "all": [(("bool(B)",), partial(_joined, "and"))],
    "not": [(("B(B)",), _op("not"))],
    "texture2D": [(("vec4(sampler2D,vec2)",), _texture)],
    "texture": [(("vec4(sampler2D,vec2)",), _texture)],
}

_GENERIC: dict[str, Callable[[int], Type]] = {
    "G": lambda n: vector(n) if n > 1 else FLOAT,
    "J": lambda n: Type("int", n),
    "V": vector,
    "I": lambda n: vector(n, "int"),
    "B": lambda n: vector(n, "bool"),
    "M": lambda n: Type("float", n, n),
}


def _overloads(name: str, signature: str, emit: Emit) -> list[Overload]:
    """One signature written out for every size of its generic types."""
    result, _, rest = signature.partition("(")
    words = [result, *rest.rstrip(")").split(",")]
    generic = {word for word in words if word in _GENERIC}
    sizes = ((1, 2, 3, 4) if generic <= {"G", "J"} else (2, 3, 4)) if generic else (0,)
    written: list[Overload] = []
    for size in sizes:
        types = [_GENERIC[word](size) if word in _GENERIC else TYPES[word] for word in words]
        overload = Overload(name, tuple(types[1:]), types[0], emit)
        if all(overload.parameters != other.parameters for other in written):
            written.append(overload)
    return written


BUILTINS: dict[str, list[Overload]] = {
    name: [o for signatures, emit in rows for signature in signatures for o in _overloads(name, signature, emit)]
    for name, rows in _TABLE.items()
}
"""All overloads of each function by its name."""


def resolve(signatures: Sequence[Sequence[Type]], arguments: Sequence[Type]) -> int | None:
    """Which signature takes these types as they are, else the first that takes them with ints made floats."""
    for fits in (Type.__eq__, converts):
        for i, parameters in enumerate(signatures):
            if len(parameters) == len(arguments) and all(map(fits, arguments, parameters)):
                return i
    return None


def arity(name: str) -> str:
    """How many arguments a function takes, in words: "1 or 2"."""
    counts = sorted({len(overload.parameters) for overload in BUILTINS[name]})
    return " or ".join(map(str, counts))
