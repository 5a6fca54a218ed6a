"""What the variables hold while a snippet is compiled: a picture of every pixel's state at once.

Where pixels take different ways, both ways are followed, each with its own state, and the states are joined by
selecting, for every component in which they differ, by the condition that parted them.
"""

from collections.abc import Callable, Iterable

from perturber.effects.glsl.graph import Graph
from perturber.effects.glsl.tree import Variable
from perturber.effects.glsl.types import Type
from perturber.effects.glsl.values import Component, Ref, Value, is_constant

State = dict[Variable, Value]
Deferred = list[tuple[Component, State]]


def zero(type_: Type) -> Value:
    """The value of a variable that has been given none."""
    start: Component = False if type_.scalar == "bool" else 0 if type_.scalar == "int" else 0.0
    return (start,) * (0 if type_.scalar in ("void", "sampler2D") else type_.size)


class Memory:
    """The state of all variables.

    Args:
        graph: where selections are added.
        state: what is known at first.
    """

    def __init__(self, graph: Graph, state: State) -> None:
        self._graph = graph
        self.state = state

    def read(self, variable: Variable) -> Value:
        """What a variable holds; zero before it has been given anything."""
        return self.state[variable] if variable in self.state else zero(variable.type)

    def write(self, variable: Variable, value: Value) -> None:
        """Give a variable its value."""
        self.state[variable] = value

    def forget(self, variables: Iterable[Variable]) -> None:
        """Drop variables that no later code can name."""
        for variable in variables:
            self.state.pop(variable, None)

    def branch(self, condition: Component, yes: Callable[[], Value], no: Callable[[], Value]) -> Value:
        """Follow `yes` where the condition holds and `no` elsewhere, and join values and states."""
        if not isinstance(condition, Ref):
            return yes() if condition else no()
        before = dict(self.state)
        value_yes = yes()
        state_yes, self.state = self.state, dict(before)
        value_no = no()
        self.join(condition, state_yes, before)
        return self._graph.select(condition, value_yes, value_no)

    def join(self, condition: Component, other: State, known: Iterable[Variable]) -> None:
        """Take the variables that were `known` before from `other` where the condition holds."""
        for variable in known:
            mine, theirs = self.read(variable), other.get(variable, zero(variable.type))
            if mine is not theirs and mine != theirs:
                self.state[variable] = self._graph.select(condition, theirs, mine)

    def freeze(self, stopped: Component, before: State, flags: set[Variable]) -> State:
        """Undo, where a loop has `stopped`, what one more pass has done since `before`.

        Constants stay constants for the passes that follow, so that the loop's counter goes on counting: what they
        should have been is returned and put right by `thaw` when the loop is over.
        """
        deferred: State = {}
        for variable, old in before.items():
            new = self.read(variable)
            if new is old or new == old:
                continue
            if variable not in flags and is_constant(old) and is_constant(new):
                deferred[variable] = old
            else:
                self.state[variable] = self._graph.select(stopped, old, new)
        return deferred

    def thaw(self, deferred: Deferred, out_of_sight: set[Variable]) -> None:
        """Give variables that were constant in a loop what they held where the loop had stopped."""
        for stopped, state in reversed(deferred):
            for variable, old in state.items():
                if variable not in out_of_sight:
                    self.state[variable] = self._graph.select(stopped, old, self.read(variable))
