"""Which function carries out which parameters of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from perturber.parameters import PARAMETERS
from perturber.scene import SceneBase

Function = TypeVar("Function", bound=Callable[..., Tensor])


@dataclass(frozen=True)
class Effect:
    """One step of the post-processing.

    Attributes:
        function: of pictures (B, 3, H, W) in [0, 1] and, for each of `keys`, one value per picture: a tensor (B,), or
            a list of texts.
        keys: parameters whose values it takes.
        idle: those of them that change nothing while the others are at their defaults (seeds, the cutoff).
    """

    function: Callable[..., Tensor]
    keys: tuple[str, ...]
    idle: tuple[str, ...] = ()

    def works_on(self, scene: SceneBase) -> bool:
        """Whether it changes the picture of this scene."""
        return any(getattr(scene, k) != PARAMETERS[k].default for k in self.keys if k not in self.idle)


_registered: dict[str, Effect] = {}


def effect(*keys: str, idle: tuple[str, ...] = ()) -> Callable[[Function], Function]:
    """Make a function the effect of parameters; see `Effect`. The function itself stays as it is.

    Args:
        keys: rows of the table, in the order of the function's arguments. The first one's place in the table is the
            effect's place in the order of application.
        idle: as in `Effect`.
    """

    def register(function: Function) -> Function:
        for key in keys:
            if key not in PARAMETERS:
                raise TypeError(f"{function.__name__} is the effect of {key!r}, which is not in the parameter table.")
        if keys[0] in _registered:
            raise TypeError(f"{keys[0]!r} already has an effect, {_registered[keys[0]].function.__name__}.")
        _registered[keys[0]] = Effect(function, keys, idle)
        return function

    return register


def registered() -> tuple[Effect, ...]:
    """The effects of all modules that have been imported, in the table's order."""
    return tuple(_registered[key] for key in PARAMETERS if key in _registered)
