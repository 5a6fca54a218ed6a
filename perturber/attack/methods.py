"""The methods of attack. Each is one class, which enters `METHODS` when it is defined; nothing else names it."""

# ruff: noqa: RUF012 - the base class declares `norms` a ClassVar, which the rule does not see in its subclasses
import re
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from perturber.attack.norms import NORMS, NormName
from perturber.errors import UnknownNameError

MAX_STEPS = 10_000

FIRST_LINF = 0.0156863
"""4/255, in the six digits that an `Attack` keeps."""

METHODS: dict[str, "AttackMethod"] = {}
"""Key → method, in the order in which menus show them."""


class AttackMethod:
    """What tells one method from another: where it starts, how far it steps, and what it makes of a gradient.

    A subclass sets the attributes below, overrides what differs, and is then known to links, pages and the command
    line. The norm brings the rest: random start, length of a direction, projection (see `perturber.attack.norms`).

    Attributes:
        key: name in texts and links: lower-case letters and digits, a letter first.
        label: name in the interface.
        help: one sentence on what it does, with its source.
        norms: norms that it is made for, the default first → ε to begin with.
        max_steps: most steps that it takes.
        has_step_size: whether the user chooses the size of a step; see `step_size` for what it is otherwise.
        has_random_start: whether it may start at a random point of the ball.
        has_momentum: whether it keeps a running sum of gradients, of which an attack's `momentum` is the decay.
    """

    key: ClassVar[str]
    label: ClassVar[str]
    help: ClassVar[str]
    norms: ClassVar[Mapping[NormName, float]]
    max_steps: ClassVar[int] = MAX_STEPS
    has_step_size: ClassVar[bool] = True
    has_random_start: ClassVar[bool] = True
    has_momentum: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "key" not in vars(cls) or not re.fullmatch("[a-z][a-z0-9]*", cls.key) or cls.key in METHODS:
            raise TypeError(f"{cls.__name__} needs a key of its own, of lower-case letters and digits.")
        METHODS[cls.key] = cls()

    def step_size(self, norm: NormName, epsilon: float) -> float:
        """Size of a step where none is chosen: the norm's default."""
        return NORMS[norm].default_step(epsilon)

    def direction(self, gradient: Tensor, momentum: Tensor | None, decay: Tensor) -> tuple[Tensor, Tensor | None]:
        """Where the next step goes; by default along the gradient.

        Args:
            gradient: (B, 3, H, W), finite, and the method's to change.
            momentum: (B, 3, H, W), what this returned at the step before, at first zero; None without momentum.
            decay: (B, 1, 1, 1), share of the momentum that is kept.

        Returns:
            The direction (B, 3, H, W), of any length, and the momentum for the next step.
        """
        return gradient, momentum


class PGD(AttackMethod):
    """Projected gradient descent."""

    key, label = "pgd", "PGD"
    help = "Takes several short steps along the gradient and stays inside the ball (Madry et al. 2018)."
    norms = {"l2": 1.0, "linf": FIRST_LINF}


class FGSM(AttackMethod):
    """The fast gradient sign method."""

    key, label = "fgsm", "FGSM"
    help = "Takes one step of size ε along the gradient's signs (Goodfellow et al. 2015)."
    norms = {"linf": FIRST_LINF}
    max_steps = 1
    has_step_size = has_random_start = False

    def step_size(self, norm: NormName, epsilon: float) -> float:
        """The whole radius."""
        return epsilon


class MIFGSM(AttackMethod):
    """FGSM in several steps, with momentum."""

    key, label = "mifgsm", "MI-FGSM"
    help = "Follows a running sum of gradients, which carries over better to other models (Dong et al. 2018)."
    norms = {"linf": FIRST_LINF, "l2": 1.0}
    has_momentum = True

    def direction(self, gradient: Tensor, momentum: Tensor | None, decay: Tensor) -> tuple[Tensor, Tensor | None]:
        """The decayed sum of gradients, each divided by its mean size (Dong et al. 2018, equation 6).

        The paper divides by the sum of sizes; the mean only scales what has no scale.
        """
        assert momentum is not None
        size = gradient.abs().mean((1, 2, 3), keepdim=True)
        gradient /= torch.where(size > 0, size, 1)
        summed = gradient.addcmul_(momentum, decay)
        return summed, summed


class SparsePGD(AttackMethod):
    """Projected gradient descent in the L0 ball."""

    key, label = "sparse", "Sparse PGD"
    help = "Changes a limited number of pixels by any amount (Croce & Hein 2019)."
    norms = {"l0": 100}


DEFAULT_METHOD = PGD.key


def plain_method(norm: NormName) -> AttackMethod:
    """The first method that is made for a norm: what a robustness curve uses.

    Raises:
        UnknownNameError: naming the norms.
    """
    for method in METHODS.values():
        if norm in method.norms:
            return method
    raise UnknownNameError("norm", norm, NORMS)
