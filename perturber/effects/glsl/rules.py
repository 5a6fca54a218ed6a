"""What a primitive comes to when some of its operands are known numbers: no step, or a cheaper one."""

from collections.abc import Callable
from typing import Protocol

from perturber.effects.glsl.values import Component, Ref, Value, is_constant


class _Graph(Protocol):
    """What the rules need of a `graph.Graph`."""

    def apply(self, name: str, *operands: Value) -> Value: ...

    def typed(self, number: Component) -> Value: ...


def _is(component: Component, number: float) -> bool:
    return not isinstance(component, Ref) and component == number


def _add_rule(_: _Graph, a: Component, b: Component) -> Component | None:
    return b if _is(a, 0) else a if _is(b, 0) else None


def _sub_rule(_: _Graph, a: Component, b: Component) -> Component | None:
    return a if _is(b, 0) else None


def _mul_rule(_: _Graph, a: Component, b: Component) -> Component | None:
    if _is(a, 0) or _is(b, 0):
        return a if _is(a, 0) else b
    return b if _is(a, 1) else a if _is(b, 1) else None


def _div_rule(_: _Graph, a: Component, b: Component) -> Component | None:
    return a if _is(b, 1) else None


def _madd_rule(graph: _Graph, total: Component, a: Component, b: Component) -> Component | None:
    if _is(total, 0) or is_constant((a, b)) or _is(a, 0) or _is(b, 0):
        return graph.apply("add", (total,), graph.apply("mul", (a,), (b,)))[0]
    return None


def _and_rule(_: _Graph, a: Component, b: Component) -> Component | None:
    if not isinstance(a, Ref):
        return b if a else False
    if not isinstance(b, Ref):
        return a if b else False
    return a if a == b else None


def _or_rule(_: _Graph, a: Component, b: Component) -> Component | None:
    if not isinstance(a, Ref):
        return True if a else b
    if not isinstance(b, Ref):
        return True if b else a
    return a if a == b else None


def _select_rule(graph: _Graph, condition: Component, yes: Component, no: Component) -> Component | None:
    if not isinstance(condition, Ref):
        return yes if condition else no
    if yes == no and type(yes) is type(no):
        return yes
    if yes == condition or (type(yes) is bool and yes):
        return graph.apply("or", (condition,), (no,))[0]
    if no == condition or (type(no) is bool and not no):
        return graph.apply("and", (condition,), (yes,))[0]
    if type(yes) is bool:
        return graph.apply("and", graph.apply("not", (condition,)), (no,))[0]
    if type(no) is bool:
        return graph.apply("or", graph.apply("not", (condition,)), (yes,))[0]
    if is_constant((yes, no)):
        # torch.where on two numbers would not know the picture's type.
        return graph.apply("select", (condition,), graph.typed(yes), (no,))[0]
    return None


RULES: dict[str, Callable[..., Component | None]] = {
    "add": _add_rule,
    "sub": _sub_rule,
    "mul": _mul_rule,
    "div": _div_rule,
    "madd": _madd_rule,
    "and": _and_rule,
    "or": _or_rule,
    "select": _select_rule,
}
"""What a primitive comes to when some of its operands are known."""
