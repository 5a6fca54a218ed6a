"""Typed expressions → values in a graph."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from perturber.effects.glsl.errors import Place
from perturber.effects.glsl.graph import Graph
from perturber.effects.glsl.memory import Memory
from perturber.effects.glsl.tree import (
    Assign,
    Binary,
    CallBuiltin,
    CallOwn,
    Choose,
    Comma,
    Construct,
    Convert,
    Element,
    Expression,
    Function,
    Increment,
    Literal,
    Read,
    Swizzle,
    Unary,
    Variable,
)
from perturber.effects.glsl.types import Type
from perturber.effects.glsl.values import Component, Ref, Value

MAX_LEVELS = 100
"""Nesting of statements and expressions, through all functions."""

MAX_WORK = 40_000
"""Statements and expressions visited while loops are unrolled and functions inlined: a second or so."""

Places = tuple[int, ...]
Location = tuple[Variable, list[tuple[Component, Places]]]
"""Which components of a variable are meant, and under which condition where an index depends on the pixel."""

_ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div"}
_COMPARISONS = {"<": "lt", ">": "gt", "<=": "le", ">=": "ge"}


class Evaluator:
    """Evaluates expressions.

    Args:
        graph: what steps are added to.
        memory: what the variables hold.
        call: runs a function of the snippet: (function, arguments, place) → (result, its parameters at its end).
    """

    def __init__(
        self,
        graph: Graph,
        memory: Memory,
        call: Callable[[Function, tuple[Value, ...], Place], tuple[Value, list[Value]]],
    ) -> None:
        self._graph = graph
        self._memory = memory
        self._call = call
        self._levels = 0
        self._work = 0
        self._rules: dict[type[Expression], Callable[[Any], Value]] = {
            Literal: lambda e: (e.value,),
            Read: lambda e: self._memory.read(e.variable),
            Swizzle: self._swizzle,
            Element: self._element,
            Convert: lambda e: convert(self._graph, self.evaluate(e.operand), e.operand.type, e.type),
            Unary: self._unary,
            Binary: self._binary,
            Assign: self._assign,
            Increment: self._increment,
            Choose: self._choose,
            Comma: self._comma,
            Construct: self._construct,
            CallBuiltin: self._builtin,
            CallOwn: self._own,
        }

    @contextmanager
    def level(self, place: Place) -> Iterator[None]:
        """One level deeper.

        Raises:
            GlslError: too deep, or more visited than is allowed.
        """
        self._levels += 1
        self._work += 1
        if self._levels > MAX_LEVELS:
            raise place.error(f"this is nested too deeply; {MAX_LEVELS} levels are allowed, functions included")
        if self._work > MAX_WORK:
            raise place.error("the snippet is too much work to compile: fewer passes through loops, or fewer calls")
        yield
        self._levels -= 1

    def evaluate(self, expression: Expression) -> Value:
        """The expression's components."""
        with self.level(expression.place):
            return self._rules[type(expression)](expression)

    def _swizzle(self, expression: Swizzle) -> Value:
        base = self.evaluate(expression.base)
        return tuple(base[i] for i in expression.indices)

    def _element(self, expression: Element) -> Value:
        base = self.evaluate(expression.base)
        choices = self._choices(expression)
        size = expression.type.size
        value = base[choices[-1][1] * size :][:size]
        for condition, i in choices[-2::-1]:
            value = self._graph.select(condition, base[i * size : (i + 1) * size], value)
        return value

    def _choices(self, expression: Element) -> list[tuple[Component, int]]:
        """Which element ``[index]`` means, each under its condition; an index outside means the last one."""
        index, count = self.evaluate(expression.index)[0], expression.base.type.count
        if isinstance(index, Ref):
            return [(self._graph.apply("eq", (index,), (i,))[0], i) for i in range(count)]
        if not 0 <= index < count:
            raise expression.index.place.error(
                f"the index {int(index)} is outside {expression.base.type}; use 0 to {count - 1}"
            )
        return [(True, int(index))]

    def _unary(self, expression: Unary) -> Value:
        return self._graph.apply("not" if expression.operator == "!" else "neg", self.evaluate(expression.operand))

    def _binary(self, expression: Binary) -> Value:
        operator, left = expression.operator, self.evaluate(expression.left)
        if operator in ("&&", "||"):
            right = lambda: self.evaluate(expression.right)  # noqa: E731
            known = lambda: (operator == "||",)  # noqa: E731
            return self._memory.branch(left[0], *((right, known) if operator == "&&" else (known, right)))
        types = expression.left.type, expression.right.type
        return self.combine(operator, left, self.evaluate(expression.right), *types)

    def combine(self, operator: str, left: Value, right: Value, left_type: Type, right_type: Type) -> Value:
        """``left operator right`` without the operators that may leave out a side."""
        graph = self._graph
        if operator in ("==", "!=", "^^"):
            return self._equal(operator, left, right, left_type)
        if operator in _COMPARISONS:
            return graph.apply(_COMPARISONS[operator], left, right)
        if operator == "%":
            return graph.apply("int_mod", left, right)
        matrices = left_type.is_matrix or right_type.is_matrix
        if operator == "*" and matrices and not (left_type.is_scalar or right_type.is_scalar):
            return self._product(left, right, left_type, right_type)
        if operator == "/" and left_type.scalar == "int":
            return graph.apply("int_div", left, right)
        return graph.apply(_ARITHMETIC[operator], left, right)

    def _equal(self, operator: str, left: Value, right: Value, type_: Type) -> Value:
        truths = type_.scalar == "bool"
        differs = self._graph.apply("xor" if truths else "ne", left, right)
        total: Value = differs[:1]
        for component in differs[1:]:
            total = self._graph.apply("or", total, (component,))
        return self._graph.apply("not", total) if operator == "==" else total

    def _product(self, left: Value, right: Value, left_type: Type, right_type: Type) -> Value:
        """Matrices by columns: M v is the sum of M's columns, weighted by v; v M are v's dot products with them."""
        size = left_type.rows
        columns = [(left if left_type.is_matrix else right)[i : i + size] for i in range(0, size * size, size)]
        if not left_type.is_matrix:
            return tuple(self._graph.sum_of_products(left, column)[0] for column in columns)
        result: Value = ()
        for start in range(0, len(right), size):
            total: Value = (0.0,)
            for column, weight in zip(columns, right[start : start + size], strict=True):
                total = self._graph.apply("madd", total, column, (weight,))
            result += total
        return result

    def _choose(self, expression: Choose) -> Value:
        condition = self.evaluate(expression.condition)[0]
        return self._memory.branch(
            condition, lambda: self.evaluate(expression.yes), lambda: self.evaluate(expression.no)
        )

    def _comma(self, expression: Comma) -> Value:
        self.evaluate(expression.first)
        return self.evaluate(expression.second)

    # Assignment

    def _locate(self, target: Expression) -> Location:
        if isinstance(target, Read):
            return target.variable, [(True, tuple(range(target.type.size)))]
        assert isinstance(target, Swizzle | Element)
        variable, bases = self._locate(target.base)
        if isinstance(target, Swizzle):
            return variable, [(condition, tuple(base[i] for i in target.indices)) for condition, base in bases]
        size, choices = target.type.size, self._choices(target)
        return variable, [
            (self._graph.apply("and", (outer,), (inner,))[0], base[i * size : (i + 1) * size])
            for outer, base in bases
            for inner, i in choices
        ]

    def _load(self, location: Location) -> Value:
        variable, alternatives = location
        whole = self._memory.read(variable)
        value = tuple(whole[i] for i in alternatives[-1][1])
        for condition, places in alternatives[-2::-1]:
            value = self._graph.select(condition, tuple(whole[i] for i in places), value)
        return value

    def _store(self, location: Location, value: Value) -> None:
        variable, alternatives = location
        whole = list(self._memory.read(variable))
        for condition, places in alternatives:
            old = tuple(whole[i] for i in places)
            for i, component in zip(places, self._graph.select(condition, value, old), strict=True):
                whole[i] = component
        self._memory.write(variable, tuple(whole))

    def _assign(self, expression: Assign) -> Value:
        target = expression.target
        value = self.evaluate(expression.value)
        location = self._locate(target)
        if expression.operator:
            old = self._load(location)
            value = self.combine(expression.operator, old, value, target.type, expression.value.type)
        self._store(location, value * (target.type.size if len(value) == 1 else 1))
        return value

    def _increment(self, expression: Increment) -> Value:
        location = self._locate(expression.target)
        old = self._load(location)
        one = 1 if expression.type.scalar == "int" else 1.0
        new = self._graph.apply(_ARITHMETIC[expression.operator], old, (one,))
        self._store(location, new)
        return old if expression.before else new

    # Calls

    def _construct(self, expression: Construct) -> Value:
        type_ = expression.type
        values = [self.evaluate(argument) for argument in expression.arguments]
        first = expression.arguments[0].type
        if len(values) == 1 and type_.is_matrix and (first.is_matrix or first.is_scalar):
            value = convert(self._graph, values[0], first, first.of("float"))
            return _diagonal(value[0], type_) if first.is_scalar else _resized(value, first, type_)
        parts = [
            component
            for argument, value in zip(expression.arguments, values, strict=True)
            for component in convert(self._graph, value, argument.type, argument.type.of(type_.scalar))
        ]
        return tuple(parts * type_.size if len(parts) == 1 else parts[: type_.size])

    def _builtin(self, expression: CallBuiltin) -> Value:
        arguments = [self.evaluate(argument) for argument in expression.arguments]
        self._graph.place = expression.place
        value = expression.function.emit(self._graph, *arguments)
        return value * expression.type.size if len(value) == 1 else value

    def _own(self, expression: CallOwn) -> Value:
        arguments, outputs = [], []
        for i, (parameter, argument) in enumerate(zip(expression.function.parameters, expression.arguments)):  # noqa: B905
            if parameter.direction == "in":
                arguments.append(self.evaluate(argument))
                continue
            location = self._locate(argument)
            outputs.append((i, location))
            arguments.append(self._load(location))
        value, final = self._call(expression.function, tuple(arguments), expression.place)
        for i, location in outputs:
            self._store(location, final[i])
        return value


def _diagonal(value: Component, type_: Type) -> Value:
    return tuple(value if i == j else 0.0 for i in range(type_.columns) for j in range(type_.rows))


def _resized(value: Value, source: Type, target: Type) -> Value:
    """The upper left part of a matrix, continued by the identity."""
    return tuple(
        value[i * source.rows + j] if i < source.columns and j < source.rows else float(i == j)
        for i in range(target.columns)
        for j in range(target.rows)
    )


def convert(graph: Graph, value: Value, source: Type, target: Type) -> Value:
    """Components as another scalar type: floats lose their fraction as ints, and are true unless zero."""
    if source.scalar == target.scalar:
        return value
    if target.scalar == "bool":
        return graph.apply("ne", value, (0.0,))
    if source.scalar == "bool":
        one, nought = (1, 0) if target.scalar == "int" else (1.0, 0.0)
        return tuple(graph.select(component, (one,), (nought,))[0] for component in value)
    if target.scalar == "float":
        return tuple(c if isinstance(c, Ref) else float(c) for c in value)
    whole = graph.apply("trunc", value)
    return tuple(c if isinstance(c, Ref) else int(c) if math.isfinite(c) else 0 for c in whole)
