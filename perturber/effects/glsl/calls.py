"""Calls: constructors, the language's functions and the snippet's own."""

from collections.abc import Callable

from tree_sitter import Node

from perturber.effects.glsl.builtins import BUILTINS, arity, resolve
from perturber.effects.glsl.scope import Scope
from perturber.effects.glsl.syntax import Tree
from perturber.effects.glsl.tree import (
    CallBuiltin,
    CallOwn,
    Construct,
    Convert,
    Element,
    Expression,
    Function,
    Literal,
    Read,
    Swizzle,
)
from perturber.effects.glsl.types import TYPES, Type, converts

MAX_LENGTH = 64
"""Elements of an array."""


class Calls:
    """Checks the calls of one snippet.

    Args:
        tree: for places and quotations.
        scope: what names mean.
        check: checks an expression.
    """

    def __init__(self, tree: Tree, scope: Scope, check: Callable[[Node], Expression]) -> None:
        self._tree = tree
        self._scope = scope
        self._check = check
        self.inside: Function | None = None
        """The function whose body is being checked."""

    def check(self, node: Node) -> Expression:
        """A call with its type.

        Raises:
            GlslError: nothing of this name takes these arguments.
        """
        function, list_ = node.child_by_field_name("function"), node.child_by_field_name("arguments")
        assert function is not None
        assert list_ is not None
        arguments = [self._check(child) for child in list_.named_children]
        if function.type == "subscript_expression":
            return self._array(function, arguments)
        name = self._tree.word(function)
        if function.type != "identifier":
            raise self._tree.error(function, f"'{self._tree.text(function)}' cannot be called")
        if name in TYPES:
            return self._construct(node, TYPES[name], arguments)
        if name in self._scope.functions:
            return self._own(node, name, arguments)
        if name in BUILTINS:
            return self._builtin(node, name, arguments)
        raise self._scope.unknown_function(name, self._tree.place(function))

    def _own(self, node: Node, name: str, arguments: list[Expression]) -> Expression:
        functions, place = self._scope.functions[name], self._tree.place(node)
        signatures = [[p.variable.type for p in function.parameters] for function in functions]
        types = [a.type for a in arguments]
        which = resolve(signatures, types)
        if which is None:
            if len(functions) == 1 and len(signatures[0]) != len(types):
                raise place.error(f"'{name}' takes {_count(len(signatures[0]))}, not {len(types)}")
            takes = " or ".join(f"({_listed(signature)})" for signature in signatures)
            raise place.error(f"'{name}' takes {takes}, not ({_listed(types)})")
        function = functions[which]
        for parameter, argument in zip(function.parameters, arguments, strict=True):
            if parameter.direction != "in":
                self._check_output(argument, parameter.variable.type)
        if self.inside is not None:
            self.inside.calls.append((function, place))
        return CallOwn(function.result, place, function, _converted(arguments, signatures[which]))

    def _check_output(self, argument: Expression, type_: Type) -> None:
        inner = argument
        while isinstance(inner, Swizzle | Element):
            if isinstance(inner, Swizzle) and len(set(inner.indices)) < len(inner.indices):
                raise argument.place.error("this argument is written to and must not name a component twice")
            inner = inner.base
        if not isinstance(inner, Read) or not inner.variable.writable:
            raise argument.place.error("this argument is written to and must be a variable that can be")
        if argument.type != type_:
            raise argument.place.error(f"this argument is written to and must be {type_}, not {argument.type}")

    def _builtin(self, node: Node, name: str, arguments: list[Expression]) -> Expression:
        overloads, place = BUILTINS[name], self._tree.place(node)
        types = [a.type for a in arguments]
        which = resolve([overload.parameters for overload in overloads], types)
        if which is None:
            if all(len(overload.parameters) != len(types) for overload in overloads):
                raise place.error(f"'{name}' takes {_count(arity(name))}, not {len(types)}")
            raise place.error(f"'{name}' cannot be applied to ({_listed(types)})")
        overload = overloads[which]
        return CallBuiltin(overload.result, place, overload, _converted(arguments, overload.parameters))

    def _construct(self, node: Node, type_: Type, arguments: list[Expression]) -> Expression:
        place = self._tree.place(node)
        if type_.scalar in ("void", "sampler2D"):
            raise place.error(f"{type_} cannot be made")
        for argument in arguments:
            if argument.type.scalar in ("void", "sampler2D") or argument.type.length:
                raise argument.place.error(f"{type_} cannot be made of {argument.type}")
        if len(arguments) == 1:
            only = arguments[0].type
            if only.is_scalar or type_.is_scalar or (type_.is_matrix and only.is_matrix):
                return Construct(type_, place, tuple(arguments))
        given = sum(argument.type.size for argument in arguments)
        if given < type_.size or not arguments:
            raise place.error(f"{type_} needs {type_.size} components, but only {given} are given")
        if given - arguments[-1].type.size >= type_.size:
            raise arguments[-1].place.error(f"{type_} has {type_.size} components; this argument is one too many")
        return Construct(type_, place, tuple(arguments))

    def _array(self, function: Node, arguments: list[Expression]) -> Expression:
        """``float[3](1.0, 2.0, 3.0)``; the parser has put a 0 between empty brackets."""
        base, index = function.child_by_field_name("argument"), function.child_by_field_name("index")
        assert base is not None
        assert index is not None
        name = self._tree.word(base)
        if base.type != "identifier" or name not in TYPES:
            raise self._tree.error(function, f"'{self._tree.text(function)}' cannot be called")
        length = self.length(index)
        return self.list_of(TYPES[name], length, arguments, function)

    def list_of(self, element: Type, length: int, arguments: list[Expression], node: Node) -> Expression:
        """An array of the elements given; a length of 0 leaves it to their number.

        Raises:
            GlslError: too many, too few, or of another type.
        """
        place = self._tree.place(node)
        length = length or len(arguments)
        if len(arguments) != length or not 0 < length <= MAX_LENGTH:
            allowed = "" if length <= MAX_LENGTH else f"; {MAX_LENGTH} are allowed"
            raise place.error(f"this array has {length} elements, but {len(arguments)} are given{allowed}")
        if element.scalar in ("void", "sampler2D"):
            raise place.error(f"there are no arrays of {element}")
        for argument in arguments:
            if not converts(argument.type, element):
                raise argument.place.error(f"an array of {element} cannot hold {argument.type}")
        type_ = Type(element.scalar, element.rows, element.columns, length)
        return Construct(type_, place, _converted(arguments, [element] * length))

    def length(self, node: Node) -> int:
        """A constant length of an array, or 0 for what the parser has put between empty brackets.

        Raises:
            GlslError: not a constant int in range.
        """
        if self._tree.word(node) == "[":
            return 0
        expression = self._check(node)
        number = expression.value if isinstance(expression, Literal) else None
        if isinstance(expression, Read):
            number = expression.variable.number
        if type(number) is not int or not 0 < number <= MAX_LENGTH:
            raise self._tree.error(node, f"the length of an array must be a constant int from 1 to {MAX_LENGTH}")
        return number


def _converted(arguments: list[Expression], types: "list[Type] | tuple[Type, ...]") -> tuple[Expression, ...]:
    return tuple(
        argument if argument.type == type_ else Convert(type_, argument.place, argument)
        for argument, type_ in zip(arguments, types, strict=True)
    )


def _count(number: int | str) -> str:
    return f"{number} argument" if number in (1, "1") else f"{number} arguments"


def _listed(types: "list[Type] | tuple[Type, ...]") -> str:
    return ", ".join(map(str, types))
