"""A snippet whose types have been checked: what `check` makes and `lower` reads."""

from dataclasses import dataclass, field

from perturber.effects.glsl.builtins import Overload
from perturber.effects.glsl.errors import Place
from perturber.effects.glsl.types import Type


@dataclass(frozen=True, eq=False)
class Variable:
    """One variable; two of the same name in different scopes are two.

    Args:
        writable: whether it may be assigned to.
        number: the value of a constant int, for the lengths of arrays.
    """

    name: str
    type: Type
    writable: bool = True
    number: int | None = None


@dataclass(frozen=True)
class Expression:
    """Something with a value of a type."""

    type: Type
    place: Place


@dataclass(frozen=True)
class Literal(Expression):
    """A number or truth value."""

    value: float | int | bool


@dataclass(frozen=True)
class Read(Expression):
    """A variable."""

    variable: Variable


@dataclass(frozen=True)
class Swizzle(Expression):
    """Components of a vector by their names."""

    base: Expression
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Element(Expression):
    """``base[index]``."""

    base: Expression
    index: Expression


@dataclass(frozen=True)
class Convert(Expression):
    """The same shape of another scalar type."""

    operand: Expression


@dataclass(frozen=True)
class Unary(Expression):
    """``-a`` or ``!a``."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary(Expression):
    """``left operator right``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Assign(Expression):
    """``target operator= value``; a plain assignment has no operator."""

    operator: str
    target: Expression
    value: Expression


@dataclass(frozen=True)
class Increment(Expression):
    """``++target`` and its relatives; `before` says that the old value is the result."""

    operator: str
    target: Expression
    before: bool


@dataclass(frozen=True)
class Choose(Expression):
    """``condition ? yes : no``."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True)
class Comma(Expression):
    """Both, one after the other; the second's value."""

    first: Expression
    second: Expression


@dataclass(frozen=True)
class Construct(Expression):
    """``vec3(…)``, ``float(…)``, ``mat2(…)``, an array's list."""

    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class CallBuiltin(Expression):
    """A function of the language."""

    function: Overload
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class CallOwn(Expression):
    """A function of the snippet."""

    function: "Function"
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Statement:
    """Something that is done."""

    place: Place


@dataclass(frozen=True)
class Declare(Statement):
    """A new variable; without a start it is zero."""

    variable: Variable
    start: Expression | None


@dataclass(frozen=True)
class Evaluate(Statement):
    """An expression for its effect."""

    expression: Expression


@dataclass(frozen=True)
class If(Statement):
    """``if (condition) yes else no``."""

    condition: Expression
    yes: Statement
    no: Statement | None


@dataclass(frozen=True)
class Loop(Statement):
    """``for`` and ``while``."""

    start: Statement | None
    condition: Expression | None
    step: Expression | None
    body: Statement


@dataclass(frozen=True)
class Jump(Statement):
    """``break`` or ``continue``."""

    kind: str


@dataclass(frozen=True)
class Return(Statement):
    """``return value;``."""

    value: Expression | None


@dataclass(frozen=True)
class Block(Statement):
    """Statements in braces, or the variables of one declaration."""

    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Parameter:
    """Of a function; `direction` is "in", "out" or "inout"."""

    variable: Variable
    direction: str


@dataclass(eq=False)
class Function:
    """One of the snippet's own functions; `body` is filled in once it has been checked."""

    name: str
    result: Type
    parameters: tuple[Parameter, ...]
    place: Place
    body: Block | None = None
    calls: "list[tuple[Function, Place]]" = field(default_factory=list)
    returns: bool = False
