"""An attack as a value, and as a text that fits into an address."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from perturber.attack.methods import DEFAULT_METHOD, METHODS, AttackMethod
from perturber.attack.norms import NORMS, NormName
from perturber.errors import InvalidInputError, UnknownNameError

MAX_MODEL = 16_000
"""Characters of a model's name, which may be the text of an edit."""

MAX_STEP_SIZE = 1000
TEXT = re.compile(r"([a-z][a-z0-9]*)\(([^;]*);(.*)\)", re.DOTALL)
NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e-?[0-9]{1,3})?")
HOW = f"Write method(norm=ε,option=value;model), for example {DEFAULT_METHOD}(l2=1,steps=8;efficientnet_lite0)"
OPTIONS = ("steps", "step", "target", "start", "momentum", "seed")


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A search for a small perturbation that changes what a network predicts.

    As text: ``pgd(l2=1,steps=8,step=0.125,target=281,start=random,seed=7;efficientnet_lite0)``, where only norm and
    model must be given; `parse` and `str` are each other's inverse. Numbers keep six significant digits.

    Attributes:
        model: name of the attacked model in the catalogue, or an edit's text.
        method: key of `perturber.attack.METHODS`.
        norm: that measures the perturbation, one of the method's.
        epsilon: largest size of the perturbation, from 0: for ``l2`` and ``linf`` in the [0, 1] pixel scale, for ``l0``
            a number of pixels.
        step_size: from 0; for ``l0`` the change of the pixel that changes most. None: the method's own choice.
        steps: taken so far, from 0 to the method's most.
        target: class to reach; None moves away from the present one.
        random_start: whether it starts at a random point of the ball, where the method can.
        momentum: share of the sum of gradients that is kept from step to step, from 0 to 1, where the method has one;
            None: 1.
        seed: of the random start, from 0 to 2³¹ − 1.

    Raises:
        InvalidInputError: a value is not allowed, or the method does not take it.
    """

    model: str
    method: str = DEFAULT_METHOD
    norm: NormName = "l2"
    epsilon: float = 1.0
    step_size: float | None = None
    steps: int = 0
    target: int | None = None
    random_start: bool = False
    momentum: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.model, str) or not re.fullmatch(rf"\S{{1,{MAX_MODEL}}}", self.model):
            raise InvalidInputError(
                f"Not the name of a model: {str(self.model)[:80]!r}. Allowed: 1 to {MAX_MODEL} characters, no spaces."
            )
        if self.method not in METHODS:
            raise UnknownNameError("attack", self.method, METHODS)
        method = METHODS[self.method]
        if self.norm not in method.norms:
            raise UnknownNameError(f"norm of {self.method}", self.norm, method.norms)
        norm = NORMS[self.norm]
        self._check("epsilon", norm.maximum, whole=norm.whole)
        self._check("step_size", MAX_STEP_SIZE)
        self._check("steps", method.max_steps, whole=True)
        self._check("target", 2**31 - 1, whole=True)
        self._check("momentum", 1)
        self._check("seed", 2**31 - 1, whole=True)
        if not isinstance(self.random_start, bool):
            raise InvalidInputError(f"random_start cannot be {str(self.random_start)[:80]!r}. Allowed: true, false.")
        if self.step_size is not None and not method.has_step_size:
            raise self._lacks("step size", lambda other: other.has_step_size)
        if self.random_start and not method.has_random_start:
            raise self._lacks("random start", lambda other: other.has_random_start)
        if self.momentum is not None and not method.has_momentum:
            raise self._lacks("momentum", lambda other: other.has_momentum)

    @property
    def step(self) -> float:
        """Size of a step; see `step_size`."""
        return METHODS[self.method].step_size(self.norm, self.epsilon) if self.step_size is None else self.step_size

    @property
    def has_momentum(self) -> bool:
        """Whether the method sums up gradients."""
        return METHODS[self.method].has_momentum

    @property
    def decay(self) -> float:
        """Share of the momentum that is kept from step to step."""
        if not self.has_momentum:
            return 0.0
        return 1.0 if self.momentum is None else self.momentum

    @classmethod
    def parse(cls, text: str) -> "Attack":
        """Read an attack's text.

        Raises:
            InvalidInputError: it is not an attack, or its values are not allowed.
        """
        found = TEXT.fullmatch(text.strip())
        if not found:
            raise InvalidInputError(f"Not an attack: {text[:80]!r}. {HOW}.")
        method, body, model = found.groups()
        if method not in METHODS:
            raise UnknownNameError("attack", method, METHODS)
        given: dict[str, str] = {}
        for part in body.split(","):
            key, separator, value = (piece.strip() for piece in part.partition("="))
            if not separator:
                raise InvalidInputError(f"Not an option with a value: {part[:80]!r}. {HOW}.")
            if key in given:
                raise InvalidInputError(f"{key!r} is given twice in {text[:80]!r}.")
            if key not in (*NORMS, *OPTIONS):
                raise UnknownNameError("option of an attack", key, (*NORMS, *OPTIONS))
            given[key] = value
        norms = [key for key in given if key in NORMS]
        if len(norms) != 1:
            raise InvalidInputError(f"An attack takes one norm, not {len(norms)}: {text[:80]!r}. {HOW}.")
        if given.get("start", "random") != "random":
            raise InvalidInputError(f"The start cannot be {given['start'][:80]!r}. Write start=random or leave it out.")
        numbers = {key: _number(key, value) for key, value in given.items() if key != "start"}
        return cls(
            model=model.strip(),
            method=method,
            norm=norms[0],  # type: ignore[arg-type]
            epsilon=numbers[norms[0]],
            step_size=numbers.get("step"),
            steps=numbers.get("steps", 0),  # type: ignore[arg-type]
            target=numbers.get("target"),  # type: ignore[arg-type]
            random_start="start" in given,
            momentum=numbers.get("momentum"),
            seed=numbers.get("seed", 0),  # type: ignore[arg-type]
        )

    def __str__(self) -> str:
        values = {
            self.norm: f"{self.epsilon:.6g}",
            "steps": f"{self.steps}" if self.steps else None,
            "step": None if self.step_size is None else f"{self.step_size:.6g}",
            "target": None if self.target is None else f"{self.target}",
            "start": "random" if self.random_start else None,
            "momentum": None if self.momentum is None else f"{self.momentum:.6g}",
            "seed": f"{self.seed}" if self.seed else None,
        }
        body = ",".join(f"{key}={value}" for key, value in values.items() if value is not None)
        return f"{self.method}({body};{self.model})"

    def _check(self, name: str, maximum: float, *, whole: bool = False) -> None:
        """Refuse all but numbers from 0 to a maximum, and None where it is the default. Keep equal ones equal."""
        value = getattr(self, name)
        if value is None and type(self).__dataclass_fields__[name].default is None:
            return
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not number or not 0 <= value <= maximum or (whole and value != int(value)):
            kind = "whole numbers" if whole else "numbers"
            raise InvalidInputError(
                f"{name} of {self.method} in {self.norm} cannot be {str(value)[:40]!r}. "
                f"Allowed: {kind}, 0 to {maximum:.10g}."
            )
        object.__setattr__(self, name, int(value) if whole else float(f"{value:.6g}") + 0.0)  # + 0.0: no negative zero

    def _lacks(self, what: str, has: Callable[[AttackMethod], bool]) -> InvalidInputError:
        others = [key for key, other in METHODS.items() if has(other) and self.norm in other.norms]
        choose = f", or choose {' or '.join(others)}" if others else ""
        return InvalidInputError(f"{self.method} has no {what}. Leave it out{choose}.")


def _number(key: str, text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise InvalidInputError(f"{key} cannot be {text[:80]!r}. Write a number, for example {key}=1.")
    return float(text)
