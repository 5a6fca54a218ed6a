"""An attack as a value, and as a text that fits into an address."""

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

from perturber.attack.norms import NORMS, NormName
from perturber.errors import InvalidInputError, UnknownNameError

Method = Literal["pgd", "fgsm", "mifgsm", "sparse"]

METHODS: dict[str, tuple[NormName, ...]] = {
    "pgd": ("l2", "linf"),
    "fgsm": ("linf",),
    "mifgsm": ("linf", "l2"),
    "sparse": ("l0",),
}
"""Method → the norms it is made for."""

MAX_STEPS = 10_000
MAX_MODEL = 16_000
"""Characters of a model's name, which may be the text of an edit."""

MAX_STEP_SIZE = 1000
TEXT = re.compile(r"([a-z]+)\(([^;]*);(.*)\)", re.DOTALL)
NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e-?[0-9]{1,3})?")
HOW = "Write method(norm=ε,option=value;model), for example pgd(l2=1,steps=8;efficientnet_lite0)"
OPTIONS = ("steps", "step", "target", "start", "momentum", "seed")


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A search for a small perturbation that changes what a network predicts.

    As text: ``pgd(l2=1,steps=8,step=0.125,target=281,start=random,seed=7;efficientnet_lite0)``, where only norm and
    model must be given; `parse` and `str` are each other's inverse. Numbers keep six significant digits.

    Attributes:
        model: name of the attacked model in the catalogue, or an edit's text.
        method: ``pgd`` (Madry et al. 2018), ``fgsm`` (Goodfellow et al. 2015), ``mifgsm`` (Dong et al. 2018) or
            ``sparse`` (the sparse PGD of Croce & Hein 2019).
        norm: in which the perturbation is small; see `METHODS`.
        epsilon: how small, from 0: for ``l2`` and ``linf`` in the scale of pixels in [0, 1], for ``l0`` a number of
            pixels.
        step_size: from 0; for ``l0`` the change of the pixel that changes most. None: ε/8, for ``l0`` 0.5. Not for
            ``fgsm``, whose step is ε.
        steps: taken so far, from 0 to `MAX_STEPS`; 0 or 1 for ``fgsm``.
        target: class to reach; None leaves the present one.
        random_start: whether it starts at a random point of the ball. Not for ``fgsm``.
        momentum: share of the last steps' gradients that is kept, from 0 to 1, for ``mifgsm`` only; None: 1.
        seed: of the random start, from 0 to 2³¹ − 1.

    Raises:
        InvalidInputError: anything of this does not hold.
    """

    model: str
    method: Method = "pgd"
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
        if self.method not in get_args(Method):
            raise UnknownNameError("attack", self.method, METHODS)
        if self.norm not in METHODS[self.method]:
            raise UnknownNameError(f"norm of {self.method}", self.norm, METHODS[self.method])
        norm = NORMS[self.norm]
        self._check("epsilon", norm.maximum, whole=norm.whole)
        self._check("step_size", MAX_STEP_SIZE)
        self._check("steps", 1 if self.method == "fgsm" else MAX_STEPS, whole=True)
        self._check("target", 2**31 - 1, whole=True)
        self._check("momentum", 1)
        self._check("seed", 2**31 - 1, whole=True)
        if not isinstance(self.random_start, bool):
            raise InvalidInputError(f"random_start cannot be {str(self.random_start)[:80]!r}. Allowed: true, false.")
        if self.momentum is not None and not self.has_momentum:
            raise InvalidInputError(f"{self.method} has no momentum. Leave it out, or choose mifgsm.")
        if self.method == "fgsm" and (self.step_size is not None or self.random_start):
            raise InvalidInputError("fgsm is one step of size ε from the picture itself. Choose pgd for anything else.")

    @property
    def step(self) -> float:
        """Size of a step; see `step_size`."""
        if self.method == "fgsm":
            return self.epsilon
        return NORMS[self.norm].default_step(self.epsilon) if self.step_size is None else self.step_size

    @property
    def has_momentum(self) -> bool:
        """Whether the method sums up gradients."""
        return self.method == "mifgsm"

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
            InvalidInputError: it is none, or its values are not allowed.
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
                raise InvalidInputError(f"Not a value of an attack: {part[:80]!r}. {HOW}.")
            if key in given:
                raise InvalidInputError(f"{key!r} is given twice in {text[:80]!r}.")
            if key not in (*NORMS, *OPTIONS):
                raise UnknownNameError("value of an attack", key, (*NORMS, *OPTIONS))
            given[key] = value
        norms = [key for key in given if key in NORMS]
        if len(norms) != 1:
            raise InvalidInputError(f"An attack takes one norm, not {len(norms)}: {text[:80]!r}. {HOW}.")
        if given.get("start", "random") != "random":
            raise InvalidInputError(f"The start cannot be {given['start'][:80]!r}. Write start=random or leave it out.")
        numbers = {key: _number(key, value) for key, value in given.items() if key != "start"}
        return cls(
            model=model.strip(),
            method=method,  # type: ignore[arg-type]
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
        """Refuse what is no number from 0 to a maximum; what may be left out may be None. Keep it in one form."""
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


def _number(key: str, text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise InvalidInputError(f"{key} cannot be {text[:80]!r}. Write a number, for example {key}=1.")
    return float(text)
