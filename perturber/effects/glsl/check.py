"""Statements, declarations and functions of the syntax tree → a typed program."""

from collections.abc import Callable
from dataclasses import dataclass

from tree_sitter import Node

from perturber.effects.glsl.declarations import NOTHING, Declarations
from perturber.effects.glsl.expressions import Expressions
from perturber.effects.glsl.scope import Scope
from perturber.effects.glsl.syntax import Tree
from perturber.effects.glsl.tree import (
    Assign,
    Block,
    CallOwn,
    Comma,
    Declare,
    Evaluate,
    Expression,
    Function,
    If,
    Increment,
    Jump,
    Loop,
    Return,
    Statement,
)
from perturber.effects.glsl.types import VOID


@dataclass(frozen=True)
class Checked:
    """A snippet of which every part has been checked.

    Args:
        body: the loose statements.
        main: the function that is to follow them, where the snippet has one.
    """

    body: Block
    main: Function | None


def check(tree: Tree) -> Checked:
    """Give everything in the snippet its type.

    Raises:
        GlslError: at the first thing that has none.
    """
    return _Checker(tree).program()


class _Checker:
    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._scope = Scope()
        self._expressions = Expressions(tree, self._scope)
        self._declarations = Declarations(tree, self._scope, self._expressions)
        self._function: Function | None = None
        self._loops = 0
        self._rules: dict[str, Callable[[Node], Statement]] = {
            "declaration": self._declarations.check,
            "expression_statement": self._expression,
            "compound_statement": self._block,
            "if_statement": self._if,
            "for_statement": self._for,
            "while_statement": self._while,
            "break_statement": self._jump,
            "continue_statement": self._jump,
            "return_statement": self._return,
        }

    def program(self) -> Checked:
        root = self._tree.root
        bodies: list[tuple[Function, Node]] = []
        for node in root.named_children:
            if node.type == "function_definition":
                bodies.append((self._signature(node), node))
        signatures = {node.id: function for function, node in bodies}
        statements = []
        for node in root.named_children:
            if node.id in signatures:
                self._define(signatures[node.id], node)
            else:
                statements.append(self._statement(node))
        _refuse_recursion([function for function, _ in bodies])
        mains = [f for f in self._scope.functions.get("main", []) if not f.parameters and f.result == VOID]
        if mains:
            self._refuse_loose(statements)
        return Checked(Block(self._tree.place(root), tuple(statements)), mains[0] if mains else None)

    def _refuse_loose(self, statements: list[Statement]) -> None:
        for statement in statements:
            if not _only_declares(statement):
                raise statement.place.error("with a main() function, all statements must be inside of functions")

    # Functions

    def _signature(self, node: Node) -> Function:
        declarator = _field(node, "declarator")
        if declarator.type != "function_declarator" or _field(declarator, "declarator").type != "identifier":
            raise self._tree.error(declarator, "this is not how a function begins")
        name_node = _field(declarator, "declarator")
        result = self._declarations.type(node)
        name = self._tree.word(name_node)
        parameters = self._declarations.parameters(_field(declarator, "parameters"))
        function = Function(name, result, parameters, self._tree.place(name_node))
        self._scope.add_function(function)
        return function

    def _define(self, function: Function, node: Node) -> None:
        self._function = self._expressions.calls.inside = function
        self._scope.push()
        for parameter in function.parameters:
            self._scope.declare(parameter.variable, function.place)
        body = self._statements(_field(node, "body"))
        self._scope.pop()
        function.body = body
        self._function = self._expressions.calls.inside = None
        if function.result != VOID and not function.returns:
            raise function.place.error(f"the function '{function.name}' never returns its {function.result}")

    # Statements

    def _statement(self, node: Node) -> Statement:
        rule = self._rules.get(node.type)
        if rule is None:
            what = {
                "function_definition": "functions cannot be defined inside of other code",
                "case_statement": "'case' is not supported; use if and else",
            }.get(node.type, f"'{self._tree.text(node)}' is not a statement of GLSL")
            raise self._tree.error(node, what)
        return rule(node)

    def _statements(self, node: Node) -> Block:
        children = tuple(self._statement(child) for child in node.named_children)
        return Block(self._tree.place(node), children)

    def _block(self, node: Node) -> Statement:
        self._scope.push()
        block = self._statements(node)
        self._scope.pop()
        return block

    def _scoped(self, node: Node) -> Statement:
        """The body of an if or a loop: what it declares is its own."""
        self._scope.push()
        statement = self._statement(node)
        self._scope.pop()
        return statement

    def _expression(self, node: Node) -> Statement:
        place = self._tree.place(node)
        if not node.named_children:
            return Block(place, ())
        expression = self._expressions.check(node.named_children[0])
        if not _acts(expression):
            raise place.error(NOTHING)
        return Evaluate(place, expression)

    def _if(self, node: Node) -> Statement:
        condition = self._expressions.condition(_field(node, "condition"), "'if'")
        yes = self._scoped(_field(node, "consequence"))
        alternative = node.child_by_field_name("alternative")
        no = None if alternative is None else self._scoped(alternative.named_children[0])
        return If(self._tree.place(node), condition, yes, no)

    def _for(self, node: Node) -> Statement:
        self._scope.push()
        start = node.child_by_field_name("initializer")
        begin: Statement | None = None
        if start is not None:
            if start.type == "declaration":
                begin = self._declarations.check(start)
            else:
                begin = Evaluate(self._tree.place(start), self._expressions.check(start))
        condition = node.child_by_field_name("condition")
        test = None if condition is None else self._expressions.condition(condition, "'for'")
        update = node.child_by_field_name("update")
        step = None if update is None else self._expressions.check(update)
        body = self._looped(node)
        self._scope.pop()
        return Loop(self._tree.place(node), begin, test, step, body)

    def _while(self, node: Node) -> Statement:
        condition = self._expressions.condition(_field(node, "condition"), "'while'")
        return Loop(self._tree.place(node), None, condition, None, self._looped(node))

    def _looped(self, node: Node) -> Statement:
        self._loops += 1
        body = self._scoped(_field(node, "body"))
        self._loops -= 1
        return body

    def _jump(self, node: Node) -> Statement:
        kind = node.type.removesuffix("_statement")
        if not self._loops:
            raise self._tree.error(node, f"'{kind}' is only allowed inside of a loop")
        return Jump(self._tree.place(node), kind)

    def _return(self, node: Node) -> Statement:
        place = self._tree.place(node)
        value = self._expressions.check(node.named_children[0]) if node.named_children else None
        function = self._function
        expected = function.result if function else VOID
        if value is None or expected == VOID:
            if value is not None:
                where = f"the function '{function.name}' is void and" if function else "the snippet"
                raise place.error(f"{where} returns no value")
            if expected != VOID:
                raise place.error(f"a value of type {expected} must follow 'return'")
            return Return(place, None)
        assert function is not None
        function.returns = True
        return Return(place, self._expressions.converted(value, expected, f"returned by '{function.name}' as"))


def _field(node: Node, field: str) -> Node:
    child = node.child_by_field_name(field)
    assert child is not None, f"{node.type} without {field}"
    return child


def _only_declares(statement: Statement) -> bool:
    if isinstance(statement, Block):
        return all(map(_only_declares, statement.statements))
    return isinstance(statement, Declare)


def _acts(expression: Expression) -> bool:
    if isinstance(expression, Comma):
        return _acts(expression.first) or _acts(expression.second)
    return isinstance(expression, Assign | Increment | CallOwn)


def _refuse_recursion(functions: list[Function]) -> None:
    """Take away functions that call none of the rest, until only those are left that call themselves in the end."""
    left = set(functions)
    while True:
        free = {f for f in left if not any(callee in left for callee, _ in f.calls)}
        if not free:
            break
        left -= free
    for function in functions:
        if function in left:
            place = next(place for callee, place in function.calls if callee in left)
            raise place.error(f"the function '{function.name}' ends up calling itself, which GLSL forbids")
