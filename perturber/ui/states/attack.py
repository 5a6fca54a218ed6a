"""The attack of the Explore page as a value: what its controls say, how far it has come, and how it is shown."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from perturber.attack import METHODS, NORMS, Attack
from perturber.errors import InvalidInputError
from perturber.service import AttackRequest
from perturber.ui.states import physical, reading
from perturber.ui.states.physical import PHYSICAL, PhysicalAttack

KEYS = ("attack", "attack_alpha", "original_alpha", "attack_figure", *physical.KEYS)
"""Of a link."""

FIGURE = re.compile(r"(layers|models|curve)(-[0-9a-f]{24})?")
"""Which figure of the attack is open, and the job that has made it."""

MOST_STEPS = 200
"""That one click takes."""

CURVE_POINTS, CURVE_STEPS = 9, 8
"""Values of ε of a robustness curve, and steps of its PGD, until something else is asked for."""


class AttackForm(BaseModel):
    """What the attack's controls say, before it begins and while it goes on.

    Attributes:
        slot: whose model is attacked.
        method, norm, epsilon, step_size, target, random_start, momentum, seed: as of an `Attack`.
        count: steps that Run takes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: int = 0
    method: str = "pgd"
    norm: str = "l2"
    epsilon: float = METHODS["pgd"].norms["l2"]
    step_size: float | None = None
    target: int | None = None
    random_start: bool = False
    momentum: float | None = None
    seed: int = 0
    count: int = 8

    @classmethod
    def of(cls, attack: Attack, slot: int, count: int = 8) -> "AttackForm":
        """What the controls say of an attack."""
        names = cls.model_fields.keys() - {"slot", "count"}
        return cls(slot=slot, count=count, **{name: getattr(attack, name) for name in names})

    def attack(self, model: str, steps: int) -> Attack:
        """The attack on a model.

        Raises:
            InvalidInputError: a value that is not allowed.
        """
        values = self.model_dump(exclude={"slot", "count"}, warnings=False)  # an Attack says what is wrong
        return Attack(model=model, steps=min(steps, METHODS[self.method].max_steps), **values)

    def of_kind(self, text: str) -> "AttackForm":
        """Of another method and norm, as ``pgd l2``, with their first ε.

        Raises:
            InvalidInputError: there is none.
        """
        method, _, norm = text.partition(" ")
        reading.choice("attack", method, METHODS)
        reading.choice(f"norm of {METHODS[method].label}", norm, METHODS[method].norms)
        kind = METHODS[method]
        return self.model_copy(
            update={
                "method": method,
                "norm": norm,
                "epsilon": kind.norms[norm],  # type: ignore[index]  # just checked
                "step_size": None,
                "momentum": None,
                "random_start": self.random_start and kind.has_random_start,
            }
        )


@dataclass(frozen=True, kw_only=True)
class AttackState:
    """An attack on the picture, or none, and how it is shown (see `AttackRequest`).

    Attributes:
        attack: with the steps that are wanted, or None.
        figure: see `FIGURE`; None where none is open.
        form: what the controls say.
        done: steps that were taken at the last look; of a physical attack, scenes that were looked at.
        physical: the attack on the scene's parameters, where that kind is chosen, else None; it is on the form's slot.
    """

    attack: Attack | None = None
    attack_alpha: float = 1.0
    original_alpha: float = 1.0
    figure: str | None = None
    form: AttackForm = field(default_factory=AttackForm)
    done: int = 0
    physical: PhysicalAttack | None = None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "AttackState":
        """Read what a link holds; of two attacks the one on the picture.

        Raises:
            InvalidInputError: it is not an attack, or a share is not from 0 to 1.
        """
        text = values.get("attack")
        attack = None if text in (None, "") else Attack.parse(str(text))
        scene, target = PhysicalAttack.parse(values), _target(values.get("physical_target"))  # each key is read alone
        form = AttackForm()
        if chosen := "physical" in values and attack is None:
            form = AttackForm(slot=physical.slots(values["physical"])[0], target=target)
        return cls(
            attack=attack,
            physical=scene if chosen else None,
            form=form,
            attack_alpha=_share("attack_alpha", values.get("attack_alpha", 1.0)),
            original_alpha=_share("original_alpha", values.get("original_alpha", 1.0)),
            figure=_figure(values.get("attack_figure")),
        )

    def query(self) -> dict[str, str]:
        """What differs from none."""
        shares = {"attack_alpha": self.attack_alpha, "original_alpha": self.original_alpha}
        return {
            **({} if self.attack is None else {"attack": str(self.attack)}),
            **{key: f"{share:g}" for key, share in shares.items() if share != 1},
            **({} if self.figure is None else {"attack_figure": self.figure}),
            **({} if self.physical is None else self.physical.query(self.form.slot, self.form.target)),
        }

    def run(self, model: str, steps: int) -> "AttackState":
        """Under way on a model, with so many steps more.

        Raises:
            InvalidInputError: the form holds a value that is not allowed.
        """
        return replace(self, attack=self.form.attack(model, (self.done if self.attack else 0) + steps))

    def halted(self) -> "AttackState":
        """With no more steps than were taken."""
        if self.physical is not None:
            return self if self.physical.job is None else self.ended()
        return self if self.attack is None else replace(self, attack=replace(self.attack, steps=self.done))

    def ended(self) -> "AttackState":
        """Without the attack; the controls keep what they say."""
        return replace(self, attack=None, done=0, physical=self.physical and self.physical.halted())

    def with_physical(self, **values: Any) -> "AttackState":
        """With another physical attack, which is not under way unless a job is given."""
        ended = self.ended()
        return replace(ended, physical=replace(ended.physical or PhysicalAttack(), **values))

    def of_kind(self, text: str) -> "AttackState":
        """Of another kind, which begins before its first step (see `AttackForm.of_kind`).

        Raises:
            InvalidInputError: there is none.
        """
        if text == PHYSICAL:
            return self.with_physical()
        return replace(self.ended(), form=self.form.of_kind(text), physical=None)

    def with_form(self, **values: Any) -> "AttackState":
        """With another form; another attack begins before its first step.

        Raises:
            InvalidInputError: a value that is not allowed.
        """
        form = self.form.model_copy(update=values)
        form.attack("any", 0)  # says what is wrong
        return replace(self.ended(), form=form)

    def request(self) -> AttackRequest | None:
        """What the page asks the service."""
        if self.attack is None:
            return None
        return AttackRequest(
            attack=self.attack,
            alpha=self.attack_alpha,
            original=self.original_alpha,
            details=True,
            layers=self.open == "layers",
        )

    @property
    def open(self) -> str | None:
        """Which figure is open: ``layers``, ``models`` or ``curve``; None where none is."""
        return None if self.figure is None else self.figure.partition("-")[0]

    @property
    def job(self) -> str | None:
        """The job that has made the open figure, where the link names one."""
        return None if self.figure is None else self.figure.partition("-")[2] or None

    @property
    def unit(self) -> str:
        """The unit of the form's ε, in words."""
        form = self.form
        return "pixels" if NORMS[form.norm].whole else f"= {form.epsilon * 255:.3g}/255"


def _share(name: str, value: object) -> float:
    return reading.number(name, value, 0, 1)


def _target(value: object) -> int | None:
    return None if value in (None, "") else reading.whole("The target", value, 0, 10**6)


def _figure(value: object) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not FIGURE.fullmatch(value):
        raise InvalidInputError(f"attack_figure cannot be {str(value)[:40]!r}. Allowed: layers, models, curve.")
    return value
