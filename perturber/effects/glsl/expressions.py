"""Expressions of the syntax tree → typed expressions. Types are checked as in GLSL ES 1.00, ints pass for floats."""

import re
from collections.abc import Callable

from tree_sitter import Node

from perturber.effects.glsl.calls import Calls
from perturber.effects.glsl.scope import Scope
from perturber.effects.glsl.syntax import Tree
from perturber.effects.glsl.tree import (
    Assign,
    Binary,
    Choose,
    Comma,
    Convert,
    Element,
    Expression,
    Increment,
    Literal,
    Read,
    Swizzle,
    Unary,
)
from perturber.effects.glsl.types import BOOL, FLOAT, INT, Type, converts, vector

_SETS = ("xyzw", "rgba", "stpq")
_LOGICAL = ("&&", "||", "^^")


class Expressions:
    """Checks the expressions of one snippet.

    Args:
        tree: for places and quotations.
        scope: what names mean; the caller moves it along.
    """

    def __init__(self, tree: Tree, scope: Scope) -> None:
        self._tree = tree
        self._scope = scope
        self.calls = Calls(tree, scope, self.check)
        self._rules: dict[str, Callable[[Node], Expression]] = {
            "number_literal": self._number,
            "true": self._truth,
            "false": self._truth,
            "identifier": self._identifier,
            "parenthesized_expression": self._parenthesised,
            "field_expression": self._field,
            "subscript_expression": self._subscript,
            "unary_expression": self._unary,
            "binary_expression": self._binary,
            "assignment_expression": self._assignment,
            "update_expression": self._update,
            "conditional_expression": self._conditional,
            "comma_expression": self._comma,
            "call_expression": self.calls.check,
        }

    def check(self, node: Node) -> Expression:
        """The expression with its type.

        Raises:
            GlslError: it has none.
        """
        rule = self._rules.get(node.type)
        if rule is None:
            if node.type == "cast_expression":
                raise self._tree.error(node, "casts are not supported; write float(x) instead of (float) x")
            raise self._tree.error(node, f"'{self._tree.text(node)}' is not an expression of GLSL")
        return rule(node)

    def condition(self, node: Node, of: str) -> Expression:
        """An expression that must be a bool."""
        expression = self.check(node)
        if expression.type != BOOL:
            raise self._tree.error(node, f"the condition of {of} must be a bool, not {expression.type}")
        return expression

    def converted(self, expression: Expression, target: Type, purpose: str) -> Expression:
        """The expression as another type, where ints may pass for floats.

        Raises:
            GlslError: it is another type; `purpose` completes "… cannot be".
        """
        if not converts(expression.type, target):
            raise expression.place.error(f"{_article(expression.type)} cannot be {purpose} {_article(target)}")
        return convert(expression, target)

    def _number(self, node: Node) -> Expression:
        text, place = self._tree.word(node), self._tree.place(node)
        if re.fullmatch(r"0[xX].*|\d+", text):
            base = 16 if text[:2] in ("0x", "0X") else 8 if text.startswith("0") and len(text) > 1 else 10
            number = int(text, base)
            if number >= 2**31:
                raise place.error(f"the int {text} is too large; the largest is {2**31 - 1}")
            return Literal(INT, place, number)
        value = float(text.rstrip("fF"))
        if value > 3.4e38:
            raise place.error(f"the float {text} is too large; the largest is 3.4e38")
        return Literal(FLOAT, place, value)

    def _truth(self, node: Node) -> Expression:
        return Literal(BOOL, self._tree.place(node), node.type == "true")

    def _identifier(self, node: Node) -> Expression:
        place = self._tree.place(node)
        variable = self._scope.variable(self._tree.word(node), place)
        return Read(variable.type, place, variable)

    def _parenthesised(self, node: Node) -> Expression:
        while node.type == "parenthesized_expression":  # doubled for the parser's sake
            node = node.named_children[0]
        return self.check(node)

    def _field(self, node: Node) -> Expression:
        base = self.check(_child(node, "argument"))
        field = _child(node, "field")
        place, names = self._tree.place(field), self._tree.word(field)
        if not base.type.is_vector:
            raise place.error(f"{_article(base.type)} has no components like '.{names}'")
        letters = next((letters for letters in _SETS if set(names) <= set(letters)), None)
        if letters is None or len(names) > 4:
            raise place.error(f"'.{names}' is no choice of components; use up to four of xyzw, rgba or stpq")
        indices = tuple(letters.index(name) for name in names)
        if max(indices) >= base.type.rows:
            raise place.error(f"{_article(base.type)} has no component '{names[indices.index(max(indices))]}'")
        shape = vector(len(indices), base.type.scalar) if len(indices) > 1 else Type(base.type.scalar)
        return Swizzle(shape, place, base, indices)

    def _subscript(self, node: Node) -> Expression:
        base = self.check(_child(node, "argument"))
        index_node = _child(node, "index")
        index = self.check(index_node)
        if not base.type.count:
            raise self._tree.error(node, f"{_article(base.type)} has no elements to choose from with []")
        if index.type != INT:
            raise self._tree.error(index_node, f"an index must be an int, not {index.type}")
        if isinstance(index, Literal) and not 0 <= index.value < base.type.count:
            raise self._tree.error(
                index_node, f"the index {index.value} is outside {base.type}; use 0 to {base.type.count - 1}"
            )
        return Element(base.type.element, self._tree.place(node), base, index)

    def _unary(self, node: Node) -> Expression:
        return self._apply_unary(node, self.check(_child(node, "argument")))

    def _apply_unary(self, node: Node, operand: Expression) -> Expression:
        operator, place = self._tree.operator(node), self._tree.place(node)
        if operator == "!":
            if operand.type != BOOL:
                hint = "; use not()" if operand.type.scalar == "bool" else ""
                raise place.error(f"'!' needs a bool, not {operand.type}{hint}")
        elif operator not in ("+", "-") or not operand.type.is_numeric:
            raise place.error(f"'{operator}' cannot be applied to {_article(operand.type)}")
        return operand if operator == "+" else Unary(operand.type, place, operator, operand)

    def _binary(self, node: Node) -> Expression:
        left, operator = _child(node, "left"), self._tree.operator(node)
        if operator in ("||", "^^"):
            return self._disjunction(node)
        return self._combined(operator, node, self.check(left), self.check(_child(node, "right")))

    def _disjunction(self, node: Node) -> Expression:
        """A chain of ``||`` and ``^^``, which reach here as one operator, although ``^^`` binds tighter."""
        links: list[tuple[str, Node, Expression]] = []
        while node.type == "binary_expression" and self._tree.operator(node) in ("||", "^^"):
            links.append((self._tree.operator(node), node, self.check(_child(node, "right"))))
            node = _child(node, "left")
        terms = [("", node, self.check(node))]
        for operator, at, operand in reversed(links):
            if operator == "^^":
                first, where, before = terms.pop()
                terms.append((first, where, self._combined("^^", at, before, operand)))
            else:
                terms.append((operator, at, operand))
        total = terms[0][2]
        for operator, at, operand in terms[1:]:
            total = self._combined(operator, at, total, operand)
        return total

    def _combined(self, operator: str, node: Node, left: Expression, right: Expression) -> Expression:
        operator_node = node.child_by_field_name("operator")
        place = self._tree.place(operator_node or node)
        left, right = _alike(left, right)
        result = binary_type(operator, left.type, right.type)
        if result is None:
            hint = ""
            if operator in ("<", ">", "<=", ">=") and left.type.is_vector:
                hint = "; compare vectors with lessThan() and its relatives"
            raise place.error(f"'{operator}' cannot be applied to {left.type} and {right.type}{hint}")
        return Binary(result, place, operator, left, right)

    def _assignment(self, node: Node) -> Expression:
        target_node = _child(node, "left")
        target = self.target(target_node)
        value = self.check(_child(node, "right"))
        operator = self._tree.operator(node)[:-1]
        place = self._tree.place(node)
        if not operator:
            return Assign(target.type, place, "", target, self.converted(value, target.type, "assigned to"))
        if target.type.scalar == "float" and value.type.scalar == "int":
            value = convert(value, value.type.of("float"))
        if binary_type(operator, target.type, value.type) != target.type:
            raise self._tree.error(
                _child(node, "operator"), f"'{operator}=' cannot be applied to {target.type} and {value.type}"
            )
        return Assign(target.type, place, operator, target, value)

    def target(self, node: Node) -> Expression:
        """An expression that can be assigned to.

        Raises:
            GlslError: it cannot.
        """
        target = self.check(node)
        inner = target
        while isinstance(inner, Swizzle | Element):
            if isinstance(inner, Swizzle) and len(set(inner.indices)) < len(inner.indices):
                raise inner.place.error(f"'{self._tree.text(node)}' names a component twice and cannot be assigned to")
            inner = inner.base
        if not isinstance(inner, Read):
            raise self._tree.error(node, f"'{self._tree.text(node)}' cannot be assigned to")
        if not inner.variable.writable:
            raise self._tree.error(node, f"'{inner.variable.name}' can only be read")
        return target

    def _update(self, node: Node) -> Expression:
        operator, argument = self._tree.operator(node), _child(node, "argument")
        first = node.children[0]
        before = first.type not in ("++", "--")
        outer: list[Node] = []
        while before and argument.type == "unary_expression":  # the grammar reads -a++ as (-a)++
            outer.append(argument)
            argument = _child(argument, "argument")
        target = self.target(argument)
        if not target.type.is_numeric:
            raise self._tree.error(node, f"'{operator}' cannot be applied to {_article(target.type)}")
        result: Expression = Increment(target.type, target.place, operator[0], target, before)
        for unary in reversed(outer):
            result = self._apply_unary(unary, result)
        return result

    def _conditional(self, node: Node) -> Expression:
        condition = self.condition(_child(node, "condition"), "'?'")
        yes, no = _alike(self.check(_child(node, "consequence")), self.check(_child(node, "alternative")))
        if yes.type != no.type or yes.type.scalar in ("void", "sampler2D"):
            raise no.place.error(f"both results of '?' must have one type, not {yes.type} and {no.type}")
        return Choose(yes.type, self._tree.place(node), condition, yes, no)

    def _comma(self, node: Node) -> Expression:
        first, second = self.check(_child(node, "left")), self.check(_child(node, "right"))
        return Comma(second.type, first.place, first, second)


def _child(node: Node, field: str) -> Node:
    child = node.child_by_field_name(field)
    assert child is not None, f"{node.type} without {field}"
    return child


def _article(type_: Type) -> str:
    return f"an {type_}" if str(type_)[0] in "i" else f"a {type_}"


def convert(expression: Expression, target: Type) -> Expression:
    """The expression as another scalar type of the same shape."""
    if expression.type == target:
        return expression
    if isinstance(expression, Literal):
        return Literal(target, expression.place, float(expression.value))
    return Convert(target, expression.place, expression)


def _alike(left: Expression, right: Expression) -> tuple[Expression, Expression]:
    """Both as floats where one of them is, and the other an int."""
    if {left.type.scalar, right.type.scalar} == {"int", "float"}:
        return convert(left, left.type.of("float")), convert(right, right.type.of("float"))
    return left, right


def binary_type(operator: str, left: Type, right: Type) -> Type | None:
    """What ``left operator right`` gives, or None where it is not defined."""
    if operator in _LOGICAL:
        return BOOL if left == right == BOOL else None
    if operator in ("==", "!="):
        return BOOL if left == right and left.scalar not in ("void", "sampler2D") else None
    if left.scalar != right.scalar or not left.is_numeric or not right.is_numeric:
        return None
    if operator in ("<", ">", "<=", ">="):
        return BOOL if left.is_scalar and right.is_scalar else None
    if operator == "%" and left.scalar != "int":
        return None
    if left.is_scalar or right.is_scalar:
        return right if left.is_scalar else left
    if operator == "*" and (left.is_matrix or right.is_matrix):
        if left.is_matrix and right.is_matrix:
            return left if left == right else None
        return Type("float", left.rows) if left.rows == right.rows else None
    return left if left == right else None
