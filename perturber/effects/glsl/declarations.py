"""Declarations of variables and parameters: their types, lengths and starts."""

from tree_sitter import Node

from perturber.effects.glsl.errors import suggestion
from perturber.effects.glsl.expressions import Expressions
from perturber.effects.glsl.scope import INPUTS, Scope
from perturber.effects.glsl.syntax import Tree
from perturber.effects.glsl.tree import Block, Declare, Expression, Literal, Parameter, Statement, Variable
from perturber.effects.glsl.types import INT, TYPES, VOID, Type

NOTHING = "this is neither an assignment nor a call, so it changes nothing"


class Declarations:
    """Checks the declarations of one snippet.

    Args:
        tree: for places and quotations.
        scope: where variables are made known.
        expressions: checks the values that variables start with.
    """

    def __init__(self, tree: Tree, scope: Scope, expressions: Expressions) -> None:
        self._tree = tree
        self._scope = scope
        self._expressions = expressions

    def parameters(self, node: Node) -> tuple[Parameter, ...]:
        """What stands in the brackets behind a function's name."""
        nodes = node.named_children
        if len(nodes) == 1 and self._tree.text(nodes[0]) == "void":
            return ()
        return tuple(self._parameter(child, f"({i})") for i, child in enumerate(nodes))

    def _parameter(self, node: Node, unnamed: str) -> Parameter:
        if node.type != "parameter_declaration":
            raise self._tree.error(node, f"'{self._tree.text(node)}' is not a parameter")
        type_, declarator = self.type(node, parameter=True), node.child_by_field_name("declarator")
        words = {self._tree.word(child) for child in node.children[:3]}
        direction = next((word for word in ("inout", "out") if word in words), "in")
        name = unnamed
        if declarator is not None:
            name, type_, _ = self._named(declarator, type_)
        if type_ == VOID or (type_.scalar == "sampler2D" and direction != "in"):
            raise self._tree.error(node, f"a parameter cannot be {direction} {type_}")
        writable = "const" not in words and type_.scalar != "sampler2D"
        return Parameter(Variable(name, type_, writable), direction)

    def type(self, node: Node, *, parameter: bool = False) -> Type:
        """The type at the beginning of a declaration.

        Raises:
            GlslError: there is no such type, or a word before it has no meaning here.
        """
        type_node = _field(node, "type")
        allowed = {"const", "in", "out", "inout"} if parameter else {"const"}
        for child in node.children:
            if child.id == type_node.id:
                break
            if self._tree.word(child) not in allowed:
                raise self._tree.error(child, f"'{self._tree.text(child)}' is not allowed here")
        name = self._tree.text(type_node)
        if name not in TYPES:
            if any(name == variable.name for variable in INPUTS):
                raise self._tree.error(type_node, NOTHING)
            raise self._tree.error(type_node, f"there is no type '{name}'{suggestion(name, TYPES)}")
        return TYPES[name]

    def check(self, node: Node) -> Statement:
        """A declaration of one variable or several, which are known from here on."""
        declarators = node.children_by_field_name("declarator")
        type_node = _field(node, "type")
        if any(declarator.type == "pointer_declarator" for declarator in declarators):
            raise self._tree.error(type_node, NOTHING)
        type_ = self.type(node)
        if len(declarators) == 1 and declarators[0].type == "function_declarator":
            return self._prototype(declarators[0])
        constant = any(child.type == "type_qualifier" for child in node.children)
        statements = [self._declare(declarator, type_, constant) for declarator in declarators]
        return statements[0] if len(statements) == 1 else Block(self._tree.place(node), tuple(statements))

    def _prototype(self, node: Node) -> Statement:
        place, name = self._tree.place(node), self._tree.text(_field(node, "declarator"))
        if name not in self._scope.functions:
            raise place.error(f"the function '{name}' is announced, but never defined")
        return Block(place, ())

    def _declare(self, node: Node, type_: Type, constant: bool) -> Statement:
        value = node.child_by_field_name("value") if node.type == "init_declarator" else None
        name, type_, open_ended = self._named(_field(node, "declarator") if value is not None else node, type_)
        place = self._tree.place(node)
        if type_.scalar in ("void", "sampler2D"):
            raise place.error(f"a variable cannot be {type_}")
        start: Expression | None = None
        if value is not None:
            start = self._start(value, type_)
            if open_ended:
                type_ = start.type
            start = self._expressions.converted(start, type_, "the start of")
        elif constant or open_ended:
            raise place.error(f"the {'constant' if constant else 'array'} '{name}' needs a value")
        number = start.value if constant and type_ == INT and isinstance(start, Literal) else None
        variable = Variable(name, type_, not constant, number if type(number) is int else None)
        self._scope.declare(variable, place)
        return Declare(place, variable, start)

    def _start(self, node: Node, type_: Type) -> Expression:
        if node.type != "initializer_list":
            return self._expressions.check(node)
        if not type_.length:
            raise self._tree.error(node, f"a list in braces is for arrays; write {type_}(...)")
        elements = [self._expressions.check(child) for child in node.named_children]
        length = type_.length if type_.length > 0 else 0
        return self._expressions.calls.list_of(type_.element, length, elements, node)

    def _named(self, node: Node, type_: Type) -> tuple[str, Type, bool]:
        """Name and type that a declarator gives, and whether an array's length is left to its list."""
        if node.type == "identifier":
            return self._tree.word(node), type_, False
        if node.type == "array_declarator" and _field(node, "declarator").type == "identifier":
            size = node.child_by_field_name("size")
            length = self._expressions.calls.length(size) if size is not None else -1
            array = Type(type_.scalar, type_.rows, type_.columns, length)
            return self._tree.word(_field(node, "declarator")), array, length < 0
        raise self._tree.error(node, f"'{self._tree.text(node)}' cannot be declared like this")


def _field(node: Node, field: str) -> Node:
    child = node.child_by_field_name(field)
    assert child is not None, f"{node.type} without {field}"
    return child
