"""The attack of the Explore page as a value: what its URL and its requests say of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from perturber.attack import Attack
from perturber.errors import InvalidInputError
from perturber.service import AttackRequest

KEYS = ("attack", "attack_alpha", "original_alpha", "attack_figure")
"""Of a link."""

FIGURE = re.compile(r"(layers|models|curve)(-[0-9a-f]{24})?")
"""Which figure of the attack is open, and the job that has made it."""


@dataclass(frozen=True, kw_only=True)
class AttackState:
    """An attack on the picture, or none, and how it is shown (see `AttackRequest`).

    Attributes:
        figure: see `FIGURE`; None where none is open.
    """

    attack: Attack | None = None
    attack_alpha: float = 1.0
    original_alpha: float = 1.0
    figure: str | None = None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "AttackState":
        """Read what a page sends or a link holds.

        Raises:
            InvalidInputError: it is none, or a share is not from 0 to 1.
        """
        text = values.get("attack")
        return cls(
            attack=None if text in (None, "") else Attack.parse(str(text)),
            attack_alpha=_share("attack_alpha", values.get("attack_alpha", 1.0)),
            original_alpha=_share("original_alpha", values.get("original_alpha", 1.0)),
            figure=_figure(values.get("attack_figure")),
        )

    def query(self) -> dict[str, object]:
        """What differs from none."""
        figure: dict[str, object] = {} if self.figure is None else {"attack_figure": self.figure}
        if self.attack is None:
            return figure
        shares = {"attack_alpha": self.attack_alpha, "original_alpha": self.original_alpha}
        return {
            "attack": str(self.attack),
            **{key: f"{share:g}" for key, share in shares.items() if share != 1},
            **figure,
        }

    def facts(self) -> dict[str, Any]:
        """The attack's parts, for the page's script."""
        shown = {
            "attackAlpha": self.attack_alpha,
            "originalAlpha": self.original_alpha,
            "attackFigure": self.figure,
        }
        if self.attack is None:
            return {"attack": None, **shown}
        attack = self.attack
        return {
            "attack": {
                "model": attack.model,
                "method": attack.method,
                "norm": attack.norm,
                "epsilon": attack.epsilon,
                "stepSize": attack.step_size,
                "steps": attack.steps,
                "target": attack.target,
                "randomStart": attack.random_start,
                "seed": attack.seed,
            },
            **shown,
        }

    def request(self, *, details: bool = False) -> AttackRequest | None:
        """What the page asks the service."""
        if self.attack is None:
            return None
        return AttackRequest(
            attack=self.attack,
            alpha=self.attack_alpha,
            original=self.original_alpha,
            details=details,
            layers=details and self.figure == "layers",
        )


def _share(name: str, value: object) -> float:
    try:
        share = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        share = float("nan")
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise InvalidInputError(f"{name} cannot be {str(value)[:40]!r}. Allowed: numbers from 0 to 1.")
    return share


def _figure(value: object) -> str | None:
    if value in (None, ""):
        return None
    if not isinstance(value, str) or not FIGURE.fullmatch(value):
        raise InvalidInputError(f"attack_figure cannot be {str(value)[:40]!r}. Allowed: layers, models, curve.")
    return value
