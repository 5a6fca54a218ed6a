"""A typed program → a graph of primitive steps: loops unrolled, functions inlined, constants folded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from perturber.effects.glsl import scope
from perturber.effects.glsl.check import Checked
from perturber.effects.glsl.errors import Place
from perturber.effects.glsl.evaluate import Evaluator
from perturber.effects.glsl.graph import ACROSS, IMAGE, RESOLUTION, UP, VALUE, Graph
from perturber.effects.glsl.memory import Deferred, Memory, State, zero
from perturber.effects.glsl.tree import (
    Block,
    Declare,
    Evaluate,
    Expression,
    Function,
    If,
    Jump,
    Loop,
    Return,
    Statement,
    Variable,
)
from perturber.effects.glsl.types import BOOL, VOID
from perturber.effects.glsl.values import Component, Ref, Value

MAX_ITERATIONS = 256
"""Passes through the body of any loop within its outermost loop."""

MAX_PASSES = 2048
"""Passes through all loops of a snippet."""


@dataclass
class _Running:
    """A loop that is being unrolled: where it has been left, and what is to be put right at its end."""

    returned: Variable
    broken: Variable = field(default_factory=lambda: Variable("(broken)", BOOL))
    continued: Variable = field(default_factory=lambda: Variable("(continued)", BOOL))
    stopped: Component = False
    deferred: Deferred = field(default_factory=list)

    @property
    def own_flags(self) -> tuple[Variable, Variable]:
        return self.broken, self.continued


@dataclass
class _Frame:
    """A call that is being inlined: what it returns, and the loops that it is in."""

    returned: Variable = field(default_factory=lambda: Variable("(returned)", BOOL))
    result: Variable | None = None
    loops: list[_Running] = field(default_factory=list)


def lower(program: Checked) -> tuple[Graph, Value]:
    """All steps that a program needs, and the colour (rgba) that it ends with.

    Raises:
        GlslError: it needs more work than is allowed, or a loop has no constant bounds.
    """
    return _Lowering().run(program)


class _Lowering:
    def __init__(self) -> None:
        self.graph = Graph()
        inputs: dict[Variable, Value] = {
            scope.COLOR: (Ref(IMAGE, 0), Ref(IMAGE, 1), Ref(IMAGE, 2), 1.0),
            scope.UV: (Ref(ACROSS, 0), Ref(UP, 0)),
            scope.VALUE: (Ref(VALUE, 0),),
            scope.RESOLUTION: (Ref(RESOLUTION, 0), Ref(RESOLUTION, 1)),
            scope.IMAGE: (),
        }
        self.memory = Memory(self.graph, inputs)
        self.evaluator = Evaluator(self.graph, self.memory, self.call)
        self.frames: list[_Frame] = []
        self.nest: dict[int, int] = {}
        self.passes = 0
        self.rules: dict[type[Statement], Callable[..., None]] = {
            Declare: self.declare,
            Evaluate: self.perform,
            If: self.branch,
            Loop: self.loop,
            Jump: self.jump,
            Return: self.give_back,
            Block: lambda statement: self.block(statement.statements),
        }

    def run(self, program: Checked) -> tuple[Graph, Value]:
        with self.frame(None):
            self.statement(program.body)
        if program.main:
            self.call(program.main, (), program.main.place)
        return self.graph, self.memory.read(scope.COLOR)

    def evaluate(self, expression: Expression) -> Value:
        return self.evaluator.evaluate(expression)

    # Statements

    def statement(self, statement: Statement) -> None:
        self.graph.place = statement.place
        with self.evaluator.level(statement.place):
            self.rules[type(statement)](statement)

    def block(self, statements: tuple[Statement, ...]) -> None:
        left: list[tuple[Component, State]] = []
        for i, statement in enumerate(statements, 1):
            self.statement(statement)
            stopped = self.stopped()
            if stopped is True:
                break
            if isinstance(stopped, Ref) and i < len(statements):
                # Go on for those pixels that have not left the block; to the others it will be as if it ended here.
                left.append((stopped, dict(self.memory.state)))
                for flag in self.flags():
                    self.memory.write(flag, (False,))
        for stopped, state in reversed(left):
            self.memory.join(stopped, state, state)

    def branch_void(self, condition: Component, yes: Callable[[], None], no: Callable[[], None]) -> None:
        def nothing(way: Callable[[], None]) -> Value:
            way()
            return ()

        if isinstance(condition, Ref) or condition:
            self.memory.branch(condition, lambda: nothing(yes), lambda: nothing(no))
        else:
            no()

    def perform(self, statement: Evaluate) -> None:
        self.evaluate(statement.expression)

    def declare(self, statement: Declare) -> None:
        start = statement.start
        value = zero(statement.variable.type) if start is None else self.evaluate(start)
        self.memory.write(statement.variable, value)

    def branch(self, statement: If) -> None:
        condition = self.evaluate(statement.condition)[0]
        no = statement.no
        self.branch_void(
            condition, lambda: self.statement(statement.yes), lambda: None if no is None else self.statement(no)
        )

    # Ways out of the middle

    def flags(self) -> list[Variable]:
        frame = self.frames[-1]
        return [frame.returned, *(frame.loops[-1].own_flags if frame.loops else ())]

    def stopped(self) -> Component:
        """Where the rest of this block is not to be done."""
        total: Value = (False,)
        for flag in self.flags():
            total = self.graph.apply("or", total, self.memory.read(flag))
        return total[0]

    def jump(self, statement: Jump) -> None:
        loop = self.frames[-1].loops[-1]
        self.memory.write(loop.broken if statement.kind == "break" else loop.continued, (True,))

    def give_back(self, statement: Return) -> None:
        frame = self.frames[-1]
        if statement.value is not None and frame.result is not None:
            self.memory.write(frame.result, self.evaluate(statement.value))
        self.memory.write(frame.returned, (True,))

    # Loops

    def loop(self, statement: Loop) -> None:
        frame, known = self.frames[-1], set(self.memory.state)
        outermost = not self.nest
        if statement.start is not None:
            self.statement(statement.start)
        running = _Running(frame.returned)
        frame.loops.append(running)
        self.nest.setdefault(id(statement), 0)
        while running.stopped is not True and self.goes_on(statement, running):
            self.count(statement)
            self.one_pass(statement, running)
        frame.loops.pop()
        own = set(self.memory.state) - known
        self.memory.thaw(running.deferred, own)
        self.memory.forget(own)
        if outermost:
            self.nest.clear()

    def goes_on(self, statement: Loop, running: _Running) -> bool:
        for flag in running.own_flags:
            self.memory.state.setdefault(flag, (False,))
        if statement.condition is None:
            return True
        self.graph.place = statement.place
        with self.frozen(running, running.stopped):
            condition = self.evaluate(statement.condition)[0]
        if isinstance(condition, Ref):
            raise statement.condition.place.error(
                "the bounds of a loop must be constant; to leave it for some pixels alone, use 'if' and 'break'"
            )
        return bool(condition)

    def one_pass(self, statement: Loop, running: _Running) -> None:
        """Run the body once for all pixels that are still in the loop, and find out which are so afterwards."""
        known = set(self.memory.state)
        with self.frozen(running, running.stopped):
            for flag in (running.returned, *running.own_flags):
                self.memory.write(flag, (False,))
            self.statement(statement.body)
            self.memory.write(running.continued, (False,))
            self.memory.forget(set(self.memory.state) - known)
        running.stopped = self.stopped()
        if running.stopped is not True and statement.step is not None:
            with self.frozen(running, running.stopped):
                self.evaluate(statement.step)

    @contextmanager
    def frozen(self, running: _Running, stopped: Component) -> Iterator[None]:
        """Do something for those pixels alone that are still in the loop."""
        before = dict(self.memory.state)
        yield
        if isinstance(stopped, Ref):
            deferred = self.memory.freeze(stopped, before, {running.returned, *running.own_flags})
            if deferred:
                running.deferred.append((stopped, deferred))

    def count(self, statement: Loop) -> None:
        self.passes += 1
        self.nest[id(statement)] += 1
        if self.nest[id(statement)] > MAX_ITERATIONS:
            raise statement.place.error(
                f"this loop runs too often; {MAX_ITERATIONS} passes are allowed, nested loops multiplied"
            )
        if self.passes > MAX_PASSES:
            raise statement.place.error(f"all loops together run too often; {MAX_PASSES} passes are allowed")

    # Functions

    @contextmanager
    def frame(self, result: Variable | None) -> Iterator[_Frame]:
        frame = _Frame(result=result)
        self.memory.write(frame.returned, (False,))
        if result is not None:
            self.memory.write(result, zero(result.type))
        self.frames.append(frame)
        yield frame
        self.frames.pop()
        self.memory.forget([frame.returned])

    def call(self, function: Function, arguments: tuple[Value, ...], place: Place) -> tuple[Value, list[Value]]:
        """What a function returns, and what its parameters hold at its end."""
        assert function.body is not None
        variables = [parameter.variable for parameter in function.parameters]
        result = None if function.result == VOID else Variable("(result)", function.result)
        for parameter, value in zip(function.parameters, arguments, strict=True):
            self.memory.write(
                parameter.variable, zero(parameter.variable.type) if parameter.direction == "out" else value
            )
        with self.frame(result):
            self.statement(function.body)
        outputs = [self.memory.read(variable) for variable in variables]
        value = () if result is None else self.memory.read(result)
        self.memory.forget(variables if result is None else [*variables, result])
        self.graph.place = place
        return value, outputs
