"""Kinds of parameters: what a row of the table can be, and how user input becomes its value."""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from perturber.errors import InvalidInputError, UnknownNameError

Value = float | int | bool | str


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One row of the table.

    Attributes:
        key: name in code, URLs and on the command line.
        label: name in the interface.
        group: heading under which the interface shows it, a key of `perturber.parameters.GROUPS`.
        help: what it does, with its formula, for the user.
        default: the value that leaves the picture as it is (for cameras and choices: the start value).
        unit: unit of the value, empty for a pure number.
    """

    key: str
    label: str
    group: str
    help: str
    default: Value
    unit: str = ""

    type: ClassVar[type] = str

    @property
    def allowed(self) -> str:
        """The values that are allowed, with their unit, in words."""
        raise NotImplementedError

    def parse(self, value: object) -> Value:
        """Turn user input into a valid value.

        Raises:
            InvalidInputError: with a sentence that names the allowed values.
        """
        raise NotImplementedError

    def _refuse(self, value: object, allowed: str) -> InvalidInputError:
        return InvalidInputError(f"{self.label} ({self.key}) cannot be {_quote(value)}. Allowed: {allowed}.")


@dataclass(frozen=True, kw_only=True)
class Number(Parameter):
    """A parameter on an interval.

    Attributes:
        minimum, maximum: the closed interval of allowed values, in `unit`.
        step: the slider's step; values between steps are allowed.
        periodic: minimum and maximum are the same state (angles); values outside wrap around.
        whole: only whole numbers are allowed.
    """

    default: float
    minimum: float
    maximum: float
    step: float
    periodic: bool = False
    whole: bool = False

    type: ClassVar[type] = float

    @property
    def allowed(self) -> str:
        """The interval with its unit."""
        space = " " if self.unit not in ("", "°") else ""
        return f"{self.minimum:g} to {self.maximum:g}{space}{self.unit}"

    def parse(self, value: object) -> float:
        """Read a number; angles come back into their interval.

        Raises:
            InvalidInputError: not a number, not a whole one where that is needed, or outside the interval.
        """
        allowed = f"a {'whole ' * self.whole}number from {self.allowed}"
        try:
            if isinstance(value, bool) or not isinstance(value, int | float | str):
                raise ValueError
            number = float(value)
        except (ValueError, OverflowError):
            raise self._refuse(value, allowed) from None
        span = self.maximum - self.minimum
        if self.periodic and abs(number) < 1e6 and not self.minimum <= number <= self.maximum:
            number = (number - self.minimum) % span + self.minimum
        if not self.minimum <= number <= self.maximum:  # also refuses NaN
            raise self._refuse(value, allowed)
        if self.whole and number != round(number):
            raise self._refuse(value, allowed)
        return number


@dataclass(frozen=True, kw_only=True)
class Switch(Parameter):
    """A parameter that is on or off."""

    default: bool = False

    type: ClassVar[type] = bool

    @property
    def allowed(self) -> str:
        """The two words."""
        return "on or off"

    def parse(self, value: object) -> bool:
        """Read on/off, true/false, 1/0, yes/no or a Boolean.

        Raises:
            InvalidInputError: anything else.
        """
        word = str(value).strip().lower()
        if word in ("on", "true", "1", "yes"):
            return True
        if word in ("off", "false", "0", "no"):
            return False
        raise self._refuse(value, self.allowed)


@dataclass(frozen=True, kw_only=True)
class Choice(Parameter):
    """A parameter that names one of a set that is known at run time.

    Attributes:
        kind: which set: ``"object"`` or ``"background"`` (see `perturber.objects.names`).
    """

    default: str
    kind: Literal["object", "background"]

    @property
    def options(self) -> dict[str, str]:
        """Allowed value → label."""
        from perturber import objects

        return objects.names(self.kind)

    @property
    def allowed(self) -> str:
        """The names."""
        return ", ".join(self.options)

    def parse(self, value: object) -> str:
        """Read a name.

        Raises:
            UnknownNameError: naming the names that exist.
        """
        if not isinstance(value, str) or value not in self.options:
            raise UnknownNameError(self.kind, value, self.options)
        return value


@dataclass(frozen=True, kw_only=True)
class Text(Parameter):
    """A parameter that is a text.

    Attributes:
        longest: characters that are allowed.
        lines: height of its field; one line ends with Enter.
    """

    default: str
    longest: int
    lines: int = 1

    @property
    def allowed(self) -> str:
        """The length."""
        return f"up to {self.longest} characters"

    def parse(self, value: object) -> str:
        """Read a text.

        Raises:
            InvalidInputError: too long, or not a text.
        """
        if not isinstance(value, str) or len(value) > self.longest:
            raise self._refuse(value, self.allowed)
        return value


@dataclass(frozen=True, kw_only=True)
class Code(Text):
    """A GLSL snippet (see `perturber.effects.glsl`)."""

    @property
    def allowed(self) -> str:
        """What it is, and its length."""
        return f"GLSL, {super().allowed}"

    def parse(self, value: object) -> str:
        """Read a snippet and compile it.

        Raises:
            InvalidInputError: too long, or not a snippet that compiles; names line, column and reason.
        """
        from perturber.effects.glsl import compile_source

        source = super().parse(value).replace("\r\n", "\n")
        compile_source(source)
        return source


@dataclass(frozen=True, kw_only=True)
class Neuron(Text):
    """One channel of a layer: ``layer:neuron`` of the catalogue's first network, or ``model/layer:neuron``."""

    @property
    def allowed(self) -> str:
        """The form."""
        return "layer:neuron or model/layer:neuron"

    def parse(self, value: object) -> str:
        """Read the name of a neuron; whether it exists is known to the service alone.

        Raises:
            InvalidInputError: not of this form.
        """
        text = super().parse(value).strip()
        if not re.fullmatch(r"(?:[\w.@-]{1,80}/)?[\w.-]{1,100}:\d{1,6}", text, re.ASCII):
            raise self._refuse(value, f"{self.allowed}, for example {self.default}")
        return text


def _quote(value: object) -> str:
    return repr(value if isinstance(value, int | float) else str(value)[:80])
