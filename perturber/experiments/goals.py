"""What a scene is to do to a network, or to two: fool it, or part them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from perturber.errors import InvalidInputError

CLEAR = 0.01
"""Logits, by which a class must lead to count as most probable: the last bits of a pass do not decide then."""

SHARP = 2.0
"""How much likelier than by the network itself the leading classes are taken to be, where a score must be smooth."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One network is to be fooled, and another one, if there is one, is not.

    Attributes:
        fooled: the network that is to be wrong.
        classes: those that are right.
        target: the class that it is to say, or None for any that is not right.
        keeps: a network that is to be right meanwhile, or None.

    Raises:
        InvalidInputError: no class is right, the target is, or the two networks are one.
    """

    fooled: str
    classes: tuple[int, ...]
    target: int | None = None
    keeps: str | None = None

    def __post_init__(self) -> None:
        if not self.classes:
            raise InvalidInputError("No class is right, so no network can be wrong. Name one.")
        if self.target in self.classes:
            raise InvalidInputError("The class to reach is one of those that are right. Choose another one.")
        if self.keeps == self.fooled:
            raise InvalidInputError(
                f"{self.fooled} cannot be right and wrong at the same time. Choose another network."
            )

    @property
    def models(self) -> tuple[str, ...]:
        """The networks that it is about, the fooled one first."""
        return (self.fooled,) if self.keeps is None else (self.fooled, self.keeps)

    def gap(self, model: str, logits: Tensor) -> Tensor:
        """How many logits a network is away from what it is to do.

        Args:
            logits: (B, K).

        Returns:
            (B,): above 0 while another class leads, below where one does that is to.
        """
        own, others, sign = self._sides(model, logits)
        return sign * (own.amax(1) - others.amax(1))

    def odds(self, model: str, logits: Tensor) -> Tensor:
        """As `gap`, of log-odds at a temperature of 1 / `SHARP`: smooth where another class comes to lead."""
        own, others, sign = self._sides(model, SHARP * logits)
        return sign * (own.logsumexp(1) - others.logsumexp(1)) / SHARP

    def _sides(self, model: str, logits: Tensor) -> tuple[Tensor, Tensor, int]:
        """The logits of some classes and of all others, and −1 where it is the first that are to lead."""
        sought = model == self.fooled and self.target is not None
        some: Sequence[int] = (self.target,) if sought and self.target is not None else self.classes
        own = torch.zeros(logits.shape[1], dtype=torch.bool, device=logits.device)
        own[list(some)] = True
        return logits[:, own], logits[:, ~own], -1 if sought or model != self.fooled else 1


def worst(parts: Mapping[str, np.ndarray]) -> np.ndarray:
    """How far a scene is from the goal: (B,), the largest of the networks' distances; ∞ where one is NaN."""
    return np.nan_to_num(np.max(list(parts.values()), 0), nan=np.inf)


def reached(gap: float) -> bool:
    """Whether that is a scene that does what it is to do, by `CLEAR`."""
    return gap <= -CLEAR
