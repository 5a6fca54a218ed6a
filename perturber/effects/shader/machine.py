"""Runs a snippet for every pixel of a batch at once.

Where pixels go different ways, both ways are run and a mask decides which values change; loops are unrolled. Run once
over a single pixel, the same machine checks types and counts the work before any real picture is touched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches

import torch
from torch import Tensor

from perturber.effects.shader import builtins
from perturber.effects.shader.builtins import MisuseError
from perturber.effects.shader.operators import binary, construct, unary
from perturber.effects.shader.syntax import Node
from perturber.effects.shader.values import (
    BOOL,
    FLOAT,
    INT,
    KINDS,
    SAMPLER,
    VOID,
    Component,
    Kind,
    Value,
    both,
    negated,
    select,
    zero,
)

ITERATIONS = 256
"""Turns of all loops together."""

OPERATIONS = 8192
"""Component-wise operations for each pixel."""

VARIABLES = 256
"""Components of variables that live at the same time."""

TEXTURE_READ = 40
"""What reading the picture counts, in operations."""

CALLS = 12
"""Functions that call each other."""

SWIZZLES = ("xyzw", "rgba", "stpq")


@dataclass
class Frame:
    """A function that is being run: its scopes and which pixels are still in it."""

    returns: Kind
    entered: Component
    scopes: list[dict[str, Value]]
    left: Component = False  # pixels that have returned
    result: Value | None = None
    loops: list["Loop"] = field(default_factory=list)


@dataclass
class Loop:
    """A loop that is being run: pixels that have left it, and those that have left this turn."""

    broken: Component = False
    skipped: Component = False


@dataclass
class Place:
    """What can be assigned to: components of a variable."""

    kind: Kind
    parts: list[Component]
    indices: list[int]


class Machine:
    """One run of a snippet.

    Args:
        image: (B, 3, H, W).
        value: (B,).
        checking: also run what constant conditions leave out, and keep within the limits.
    """

    def __init__(self, image: Tensor, value: Tensor, *, checking: bool = False) -> None:
        batch, _, height, width = image.shape
        self.image = image
        self.checking = checking
        self.operations = self.iterations = self.alive = self.most_alive = 0
        self.functions: dict[str, Node] = {}
        self.called: list[str] = []
        self.used: set[str] = set()
        u = (torch.arange(width, device=image.device, dtype=image.dtype) + 0.5) / width
        v = (torch.arange(height, 0, -1, device=image.device, dtype=image.dtype) - 0.5) / height
        red, green, blue = image.unbind(1)
        self.globals = {
            "color": Value(Kind("float", 4), [red, green, blue, 1.0]),
            "uv": Value(Kind("float", 2), [u.view(1, 1, -1), v.view(1, -1, 1)], constant=True),
            "value": Value(FLOAT, [value.to(image.dtype).view(batch, 1, 1)], constant=True),
            "image": Value(SAMPLER, [], constant=True),
            "resolution": Value(Kind("float", 2), [float(width), float(height)], constant=True),
        }
        self.frames = [Frame(VOID, True, [self.globals])]
        self.mask: Component = True

    # ---- running ------------------------------------------------------------

    def run(self, root: Node) -> Tensor:
        """Run a whole snippet; returns the colours (B, 3, H, W), not limited."""
        for node in root.parts:
            if node.kind == "function_definition":
                name = _function_name(node)
                if name in self.functions:
                    raise node.error(f"there are two functions {name!r}")
                self.functions[name] = node
        for node in root.parts:
            if node.kind != "function_definition":
                self.statement(node, top=True)
        if "main" in self.functions:
            self.invoke(self.functions["main"], "main", [])
        if self.checking:
            for name in [name for name in self.functions if name not in self.used]:
                _, parameters = self.signature(self.functions[name])
                self.invoke(self.functions[name], name, [zero(kind) for kind, *_ in parameters])
        *colour, opacity = self.globals["color"].parts
        shape = self.image.shape[0], *self.image.shape[2:]
        parts = (torch.as_tensor(c * opacity, dtype=self.image.dtype, device=self.image.device) for c in colour)
        return torch.stack([part.expand(shape) for part in parts], 1)

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    def active(self) -> Component:
        """The pixels for which statements count now."""
        mask = both(self.mask, negated(self.frame.left))
        for loop in self.frame.loops:
            mask = both(mask, both(negated(loop.broken), negated(loop.skipped)))
        return mask

    def count(self, node: Node, operations: int) -> None:
        self.operations += operations
        if self.checking and self.operations > OPERATIONS:
            raise node.error(f"the code does too much for each pixel; allowed are {OPERATIONS} operations")

    @contextmanager
    def only(self, condition: Component) -> Iterator[None]:
        """Run for those pixels alone for which a condition holds."""
        before, self.mask = self.mask, both(self.mask, condition)
        try:
            yield
        finally:
            self.mask = before

    @contextmanager
    def scope(self) -> Iterator[None]:
        self.frame.scopes.append({})
        try:
            yield
        finally:
            self.alive -= sum(value.kind.count for value in self.frame.scopes.pop().values())

    # ---- statements ------------------------------------------------------------

    def statement(self, node: Node, *, top: bool = False) -> None:
        if self.active() is False and not self.checking:
            return
        handler = STATEMENTS.get(node.kind)
        if handler is None:
            raise node.error(f"{_short(node)} is not supported")
        if top and node.kind in ("break_statement", "continue_statement"):
            raise node.error(f"{node.parts[0].text} outside of a loop")
        handler(self, node)

    def compound(self, node: Node) -> None:
        with self.scope():
            for part in node.parts:
                self.statement(part)

    def expression_statement(self, node: Node) -> None:
        for part in node.parts:
            self.expression(part)

    def declaration(self, node: Node) -> None:
        constant = any(part.kind == "type_qualifier" and part.text == "const" for part in node.parts)
        kind = self.kind(node.fields.get("type"), node)
        if kind in (VOID, SAMPLER):
            raise node.error(f"there can be no variable of type {kind}")
        for part in node.parts:
            if part.kind in ("identifier", "array_declarator", "init_declarator"):
                self.declare(part, kind, constant)
            elif part.kind == "function_declarator":
                raise part.error("a function must have a body")

    def declare(self, node: Node, kind: Kind, constant: bool) -> None:
        target = node.fields["declarator"] if node.kind == "init_declarator" else node
        name = target
        if target.kind == "array_declarator":
            name = target.fields["declarator"]
            size = target.fields.get("size")
            if size is None:
                raise target.error("an array needs its length")
            number = self.whole(size, "an array's length")
            if not 1 <= number <= VARIABLES:
                raise size.error(f"an array's length is 1 to {VARIABLES}")
            kind = Kind(kind.base, kind.size, kind.columns, number)
        if name.kind != "identifier":
            raise name.error(f"{_short(name)} is not a name")
        if name.text in self.frame.scopes[-1]:
            raise name.error(f"there is already a variable {name.text!r} here")
        if name.text in KINDS:
            raise name.error(f"{name.text!r} is the name of a type")
        start = zero(kind)
        if node.kind == "init_declarator":
            start = self.converted(self.expression(node.fields["value"]), kind, node.fields["value"])
        elif constant:
            raise node.error(f"the constant {name.text!r} needs a value")
        self.keep(name, Value(kind, start.parts, constant))

    def keep(self, name: Node, value: Value) -> None:
        """Make a variable."""
        self.frame.scopes[-1][name.text] = value
        self.alive += value.kind.count
        self.most_alive = max(self.most_alive, self.alive)
        if self.checking and self.alive > VARIABLES:
            raise name.error(f"there are too many variables; allowed are {VARIABLES} numbers")

    def if_(self, node: Node) -> None:
        condition = self.condition(node.fields["condition"])
        with self.only(condition), self.scope():
            self.statement(node.fields["consequence"])
        if "alternative" in node.fields:
            with self.only(negated(condition)), self.scope():
                self.statement(node.fields["alternative"])

    def else_(self, node: Node) -> None:
        self.statement(node.parts[-1])

    def condition(self, node: Node) -> Component:
        value = self.expression(node)
        if value.kind != BOOL:
            raise node.error(f"a condition must be a bool, not a {value.kind}")
        return value.parts[0]

    def for_(self, node: Node) -> None:
        with self.scope():
            name, start = self.loop_start(node)
            loop = Loop()
            self.frame.loops.append(loop)
            index = start
            while self.loop_goes_on(node, name, index):
                self.iterations += 1
                if self.iterations > ITERATIONS:
                    raise node.error(f"loops may turn {ITERATIONS} times in all")
                self.frame.scopes[-1][name.text] = Value(INT if name.kind == "int" else FLOAT, [index], constant=True)
                loop.skipped = False
                if self.active() is not False or self.checking:
                    with self.scope():
                        self.statement(node.fields["body"])
                index = self.loop_step(node, name, index)
            self.frame.loops.pop()

    def loop_start(self, node: Node) -> tuple[Node, float]:
        """The loop's index and where it starts: ``int i = 0``."""
        start = node.fields.get("initializer")
        sound = (
            start is not None and start.kind == "declaration" and start.fields["declarator"].kind == "init_declarator"
        )
        if start is None or not sound:
            raise node.error("a loop must begin like: for (int i = 0; …")
        kind = self.kind(start.fields["type"], start)
        if kind not in (INT, FLOAT):
            raise start.error("a loop's index must be an int or a float")
        declarator = start.fields["declarator"]
        name = declarator.fields["declarator"]
        value = self.converted(self.expression(declarator.fields["value"]), kind, declarator.fields["value"])
        index = Node(str(kind), name.text, name.line, name.column)
        self.keep(index, Value(kind, [self.number(value, declarator.fields["value"])], constant=True))
        return index, self.number(value, declarator.fields["value"])

    def loop_goes_on(self, node: Node, name: Node, index: float) -> bool:
        condition = node.fields.get("condition")
        if condition is None:
            raise node.error("a loop needs a condition with constant bounds")
        self.frame.scopes[-1][name.text] = Value(INT if name.kind == "int" else FLOAT, [index], constant=True)
        result = self.condition(condition)
        if not isinstance(result, bool):
            raise condition.error("a loop's bounds must be constant")
        return result

    def loop_step(self, node: Node, name: Node, index: float) -> float:
        update = node.fields.get("update")
        where = update or node
        target = update.fields.get("argument", update.fields.get("left")) if update else None
        if update is None or target is None or target.text != name.text:
            raise where.error(f"a loop must change its index {name.text!r} by a constant")
        operator = update.fields["operator"].text
        if update.kind == "update_expression":
            return index + 1 if operator == "++" else index - 1
        if update.kind != "assignment_expression" or operator not in ("+=", "-=", "*="):
            raise where.error(f"a loop must change its index {name.text!r} by a constant")
        by = self.number(self.expression(update.fields["right"]), update.fields["right"])
        return {"+=": index + by, "-=": index - by, "*=": index * by}[operator]

    def break_(self, node: Node) -> None:
        if not self.frame.loops:
            raise node.error("break outside of a loop")
        loop = self.frame.loops[-1]
        loop.broken = _or(loop.broken, self.active())

    def continue_(self, node: Node) -> None:
        if not self.frame.loops:
            raise node.error("continue outside of a loop")
        loop = self.frame.loops[-1]
        loop.skipped = _or(loop.skipped, self.active())

    def return_(self, node: Node) -> None:
        given = [part for part in node.parts if part.kind != "return"]
        frame = self.frame
        if frame.returns == VOID:
            if given:
                raise node.error("there is nothing to return a value to")
        elif not given:
            raise node.error(f"this function must return a {frame.returns}")
        else:
            value = self.converted(self.expression(given[0]), frame.returns, given[0])
            old = frame.result or value
            active = self.active()
            pairs = zip(value.parts, old.parts, strict=True)
            frame.result = Value(frame.returns, [select(active, new, before) for new, before in pairs])
        frame.left = _or(frame.left, self.active())

    # ---- expressions ------------------------------------------------------------

    def expression(self, node: Node) -> Value:
        handler = EXPRESSIONS.get(node.kind)
        if handler is None:
            raise node.error(f"{_short(node)} is not supported")
        return handler(self, node)

    def parenthesised(self, node: Node) -> Value:
        if len(node.parts) != 1:
            raise node.error(f"{_short(node)} is not supported")
        return self.expression(node.parts[0])

    def literal(self, node: Node) -> Value:
        text = node.text.lower()
        try:
            if text.startswith("0x"):
                return Value(INT, [float(int(text.rstrip("u"), 16))])
            if text.lstrip("+-").rstrip("u").isdecimal():
                return Value(INT, [float(text.rstrip("u"))])
            number = float(text.removesuffix("lf").removesuffix("f"))
        except ValueError:
            raise node.error(f"{_short(node)} is not a number") from None
        if abs(number) > 1e30:
            raise node.error(f"{_short(node)} is too large")
        return Value(FLOAT, [number])

    def truth(self, node: Node) -> Value:
        return Value(BOOL, [node.text == "true"])

    def identifier(self, node: Node) -> Value:
        return self.variable(node)

    def variable(self, node: Node) -> Value:
        visible = [*reversed(self.frame.scopes), self.globals]
        for scope in visible:
            if node.text in scope:
                return scope[node.text]
        names = [name for scope in visible for name in scope]
        close = get_close_matches(node.text, names, n=1)
        hint = f"; did you mean {close[0]!r}" if close else ""
        raise node.error(f"there is no variable {node.text!r}{hint}")

    def binary(self, node: Node) -> Value:
        operator = node.fields["operator"].text
        first = self.expression(node.fields["left"])
        if operator in ("&&", "||") and first.kind == BOOL:
            with self.only(first.parts[0] if operator == "&&" else negated(first.parts[0])):
                second = self.expression(node.fields["right"])
        else:
            second = self.expression(node.fields["right"])
        return self.operated(node, lambda: binary(operator, first, second))

    def operated(self, node: Node, action: Callable[[], Value]) -> Value:
        try:
            result = action()
        except MisuseError as error:
            raise node.error(str(error)) from None
        self.count(node, result.kind.count * (result.kind.size if result.kind.matrix else 1))
        return result

    def unary(self, node: Node) -> Value:
        value = self.expression(node.fields["argument"])
        return self.operated(node, lambda: unary(node.fields["operator"].text, value))

    def update(self, node: Node) -> Value:
        place = self.place(node.fields["argument"])
        before = Value(place.kind, [place.parts[i] for i in place.indices])
        operator = node.fields["operator"].text[0]
        after = self.operated(node, lambda: binary(operator, before, Value(INT, [1.0])))
        self.assign(place, after)
        return after if node.parts[0].text in ("++", "--") else before

    def ternary(self, node: Node) -> Value:
        condition = self.condition(node.fields["condition"])
        with self.only(condition):
            first = self.expression(node.fields["consequence"])
        with self.only(negated(condition)):
            second = self.expression(node.fields["alternative"])
        kind = first.kind if second.converted(first.kind) else second.kind
        first, second = self.converted(first, kind, node), self.converted(second, kind, node)
        self.count(node, kind.count)
        return Value(kind, [select(condition, a, b) for a, b in zip(first.parts, second.parts, strict=True)])

    def assignment(self, node: Node) -> Value:
        value = self.expression(node.fields["right"])
        place = self.place(node.fields["left"])
        operator = node.fields["operator"].text[:-1]
        if operator:
            before = Value(place.kind, [place.parts[i] for i in place.indices])
            value = self.operated(node, lambda: binary(operator, before, value))
        value = self.converted(value, place.kind, node)
        self.assign(place, value)
        return value

    def assign(self, place: Place, value: Value) -> None:
        active = self.active()
        for index, new in zip(place.indices, value.parts, strict=True):
            place.parts[index] = select(active, new, place.parts[index])

    def place(self, node: Node) -> Place:
        """What stands on the left of an assignment."""
        if node.kind == "parenthesized_expression" and len(node.parts) == 1:
            return self.place(node.parts[0])
        if node.kind == "identifier":
            value = self.variable(node)
            if value.constant:
                raise node.error(f"{node.text!r} cannot be changed")
            return Place(value.kind, value.parts, list(range(value.kind.count)))
        if node.kind == "field_expression":
            outer = self.place(node.fields["argument"])
            chosen = self.swizzle(node.fields["field"], outer.kind)
            if len(set(chosen)) < len(chosen):
                raise node.fields["field"].error("a component cannot be assigned to twice")
            kind = Kind(outer.kind.base, len(chosen))
            return Place(kind, outer.parts, [outer.indices[i] for i in chosen])
        if node.kind == "subscript_expression":
            outer = self.place(node.fields["argument"])
            start, kind = self.element(node, outer.kind)
            return Place(kind, outer.parts, outer.indices[start : start + kind.count])
        raise node.error(f"{_short(node)} cannot be assigned to")

    def field(self, node: Node) -> Value:
        value = self.expression(node.fields["argument"])
        chosen = self.swizzle(node.fields["field"], value.kind)
        return Value(Kind(value.kind.base, len(chosen)), [value.parts[i] for i in chosen])

    def swizzle(self, node: Node, kind: Kind) -> list[int]:
        if not kind.vector:
            raise node.error(f"a {kind} has no components .{node.text}")
        for names in SWIZZLES:
            if all(letter in names[: kind.size] for letter in node.text) and 1 <= len(node.text) <= 4:
                return [names.index(letter) for letter in node.text]
        raise node.error(f"a {kind} has no components .{node.text}")

    def subscript(self, node: Node) -> Value:
        value = self.expression(node.fields["argument"])
        start, kind = self.element(node, value.kind)
        return Value(kind, value.parts[start : start + kind.count])

    def element(self, node: Node, kind: Kind) -> tuple[int, Kind]:
        """First component and kind of what an index names."""
        count = kind.length or (kind.columns if kind.columns > 1 else kind.size)
        if count == 1 and kind.length is None:
            raise node.error(f"a {kind} has no elements")
        index = node.fields.get("index") or node.parts[-1]
        number = self.whole(index, "an index")
        if not 0 <= number < count:
            raise index.error(f"the index {number} is not one of 0 to {count - 1}")
        return number * kind.element.count, kind.element

    def calling(self, node: Node) -> Value:
        function = node.fields["function"]
        arguments = node.fields["arguments"].parts
        name = function.text
        if function.kind == "identifier" and name in self.functions:
            return self.invoke(node, name, [self.expression(a) for a in arguments], arguments)
        values = [self.expression(a) for a in arguments]
        if name in KINDS and KINDS[name] not in (VOID, SAMPLER):
            return self.operated(node, lambda: construct(KINDS[name], values))
        if name not in builtins.NAMES:
            close = get_close_matches(name, [*builtins.NAMES, *self.functions, *KINDS], n=1)
            hint = f"; did you mean {close[0]!r}" if close else ""
            raise function.error(f"there is no function {name!r}{hint}")
        if name in builtins.TEXTURES:
            self.count(node, TEXTURE_READ)
        return self.operated(node, lambda: builtins.apply(name, values, self.image))

    # ---- functions ------------------------------------------------------------

    def signature(self, node: Node) -> tuple[Kind, list[tuple[Kind, Node, str]]]:
        """What a function returns, and each parameter's kind, name and direction."""
        declarator = node.fields["declarator"]
        parameters = []
        for part in declarator.fields["parameters"].parts:
            if part.text == "void":
                continue
            kind = self.kind(part.fields.get("type"), part)
            name = part.fields.get("declarator")
            if name is None or name.kind != "identifier":
                raise part.error("a parameter needs a type and a name")
            way = next((p.text for p in part.parts if p.text in ("out", "inout")), "in")
            parameters.append((kind, name, way))
        return self.kind(node.fields.get("type"), node), parameters

    def invoke(self, node: Node, name: str, values: list[Value], arguments: tuple[Node, ...] = ()) -> Value:
        """Run a function of the snippet; `arguments` are what its values were written as."""
        if name in self.called:
            raise node.error(f"the function {name!r} calls itself")
        if len(self.called) >= CALLS:
            raise node.error(f"functions may call each other {CALLS} levels deep")
        definition = self.functions[name]
        returns, parameters = self.signature(definition)
        if len(values) != len(parameters):
            raise node.error(f"{name}() takes {len(parameters)} arguments, not {len(values)}")
        self.used.add(name)
        frame = Frame(returns, True, [{}])
        inner = self.active()
        places: list[tuple[Place, str]] = []
        for number, ((kind, parameter, way), value) in enumerate(zip(parameters, values, strict=True)):
            if way != "in" and arguments:
                places.append((self.place(arguments[number]), parameter.text))
            start = zero(kind) if way == "out" else self.converted(value, kind, node)
            frame.scopes[0][parameter.text] = Value(kind, list(start.parts))
        outer, self.mask = self.mask, inner
        self.frames.append(frame)
        self.called.append(name)
        try:
            for part in definition.fields["body"].parts:
                self.statement(part)
        finally:
            self.called.pop()
            self.frames.pop()
            self.mask = outer
            self.alive -= sum(v.kind.count for v in frame.scopes[0].values() if v.kind.count) - sum(
                kind.count for kind, *_ in parameters
            )
        if returns != VOID and frame.result is None:
            raise definition.error(f"the function {name!r} must return a {returns}")
        for place, name_inside in places:
            result = frame.scopes[0][name_inside]
            self.assign(place, self.converted(result, place.kind, node))
        return frame.result or Value(VOID, [])

    # ---- kinds and constants ------------------------------------------------------------

    def kind(self, node: Node | None, near: Node) -> Kind:
        if node is None or node.text not in KINDS:
            raise (node or near).error(f"{_short(node or near)} is not a type")
        return KINDS[node.text]

    def converted(self, value: Value, kind: Kind, node: Node) -> Value:
        result = value.converted(kind)
        if result is None:
            raise node.error(f"a {kind} is needed here, not a {value.kind}")
        return result

    def number(self, value: Value, node: Node) -> float:
        part = value.parts[0] if value.parts else None
        if not value.kind.scalar or isinstance(part, Tensor | bool) or part is None:
            raise node.error(f"{_short(node)} must be constant")
        return float(part)

    def whole(self, node: Node, what: str) -> int:
        value = self.expression(node)
        if value.kind != INT or isinstance(value.parts[0], Tensor):
            raise node.error(f"{what} must be a constant whole number")
        return int(value.parts[0])


def _function_name(node: Node) -> str:
    declarator = node.fields["declarator"]
    name = declarator.fields.get("declarator")
    if declarator.kind != "function_declarator" or name is None or name.kind != "identifier":
        raise node.error("a function needs a name and parameters")
    return name.text


def _or(first: Component, second: Component) -> Component:
    return negated(both(negated(first), negated(second)))


def _short(node: Node) -> str:
    text = node.text.strip().split("\n")[0]
    return repr(text[:30] + "…" if len(text) > 30 else text) if text else "this"


STATEMENTS: dict[str, Callable[[Machine, Node], None]] = {
    "compound_statement": Machine.compound,
    "expression_statement": Machine.expression_statement,
    "declaration": Machine.declaration,
    "if_statement": Machine.if_,
    "else_clause": Machine.else_,
    "for_statement": Machine.for_,
    "break_statement": Machine.break_,
    "continue_statement": Machine.continue_,
    "return_statement": Machine.return_,
}
"""The grammar's name of a statement → what runs it."""

EXPRESSIONS: dict[str, Callable[[Machine, Node], Value]] = {
    "parenthesized_expression": Machine.parenthesised,
    "number_literal": Machine.literal,
    "true": Machine.truth,
    "false": Machine.truth,
    "identifier": Machine.identifier,
    "binary_expression": Machine.binary,
    "unary_expression": Machine.unary,
    "update_expression": Machine.update,
    "conditional_expression": Machine.ternary,
    "assignment_expression": Machine.assignment,
    "field_expression": Machine.field,
    "subscript_expression": Machine.subscript,
    "call_expression": Machine.calling,
}
"""The grammar's name of an expression → what computes it."""
