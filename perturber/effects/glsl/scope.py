"""Which names mean what at a place of the snippet."""

from perturber.effects.glsl.builtins import BUILTINS
from perturber.effects.glsl.errors import GlslError, Place, suggestion
from perturber.effects.glsl.tree import Function, Variable
from perturber.effects.glsl.types import FLOAT, SAMPLER, TYPES, vector

COLOR = Variable("color", vector(4))
UV = Variable("uv", vector(2), writable=False)
VALUE = Variable("value", FLOAT, writable=False)
IMAGE = Variable("image", SAMPLER, writable=False)
RESOLUTION = Variable("resolution", vector(2), writable=False)
INPUTS = (COLOR, UV, VALUE, IMAGE, RESOLUTION)

MAX_FUNCTIONS = 64


class Scope:
    """Variables by nested blocks, and all functions of the snippet."""

    def __init__(self) -> None:
        self._levels: list[dict[str, Variable]] = [{variable.name: variable for variable in INPUTS}]
        self.functions: dict[str, list[Function]] = {}

    def push(self) -> None:
        """Enter a block."""
        self._levels.append({})

    def pop(self) -> None:
        """Leave a block and forget its variables."""
        self._levels.pop()

    def declare(self, variable: Variable, place: Place) -> None:
        """Add a variable to the innermost block.

        Raises:
            GlslError: the name is taken, by a variable of the same block, one of the inputs, or a type.
        """
        name = variable.name
        if name in TYPES:
            raise place.error(f"'{name}' is a type and cannot be the name of a variable")
        if name in self._levels[-1] or (len(self._levels) == 1 and name in self.functions):
            is_input = len(self._levels) == 1 and any(name == variable.name for variable in INPUTS)
            hint = ", one of the snippet's inputs" if is_input else ""
            raise place.error(f"there is already something called '{name}' here{hint}")
        self._levels[-1][name] = variable

    def variable(self, name: str, place: Place) -> Variable:
        """The variable that a name means.

        Raises:
            GlslError: there is none.
        """
        for level in reversed(self._levels):
            if name in level:
                return level[name]
        if name in self.functions or name in BUILTINS or name in TYPES:
            raise place.error(f"'{name}' is a {'type' if name in TYPES else 'function'}, not a variable")
        names = [name for level in self._levels for name in level]
        raise place.error(f"there is no variable '{name}'{suggestion(name, names)}")

    def add_function(self, function: Function) -> None:
        """Make a function known.

        Raises:
            GlslError: the name is taken, or there are too many.
        """
        place = function.place
        if function.name in TYPES or function.name in self._levels[0]:
            raise place.error(f"'{function.name}' cannot be the name of a function: it has another meaning")
        same = self.functions.setdefault(function.name, [])
        types = [p.variable.type for p in function.parameters]
        if any([p.variable.type for p in other.parameters] == types for other in same):
            raise place.error(f"there is already a function '{function.name}' with these parameters")
        same.append(function)
        if sum(map(len, self.functions.values())) > MAX_FUNCTIONS:
            raise place.error(f"there are too many functions; {MAX_FUNCTIONS} are allowed")

    def unknown_function(self, name: str, place: Place) -> GlslError:
        """The error for a call of something that is no function."""
        if any(name in level for level in self._levels):
            return place.error(f"'{name}' is a variable, not a function")
        names = [*self.functions, *BUILTINS, *TYPES]
        return place.error(f"there is no function '{name}'{suggestion(name, names)}")
