"""The physical attack of the Explore page as a value: what its scene is to do, what may move, and where it began."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.adversary import MAX_RENDERS
from perturber.experiments.space import REACH
from perturber.parameters import get
from perturber.scene import SceneBase
from perturber.ui.states import reading

PHYSICAL = "physical"
"""What the method menu calls it."""

STOPPED, UNDO = "Stopped; the sliders stay where they are.", " Undo brings them back."

KEYS = ("physical", "physical_target", "physical_moves", "physical_renders", "physical_from")
"""Of a link."""

GOAL = re.compile(r"(?P<fooled>[1-9])(-(?P<keeps>[1-9]))?")
"""Of a link: the slot that is to be fooled, and the one that is to stay right, if any."""

MOVES: dict[str, tuple[str, ...]] = {
    group.lower(): tuple(keys) for group, keys in groupby(REACH, key=lambda key: get(key).group)
}
"""Group → its parameters that an attack may move."""


@dataclass(frozen=True, kw_only=True)
class PhysicalAttack:
    """A physical attack, under way or not.

    Attributes:
        keeps: the slot whose model is to stay right, so that the scene parts the two; None where one is fooled alone.
        moves: groups of parameters that may move (see `MOVES`).
        renders: the most that may be rendered.
        start: parameters that it has moved, and their values where it began.
        job: that looks for the scene; None where none does.
        said: what has come of it, for as long as its scene is shown.
    """

    keeps: int | None = None
    moves: tuple[str, ...] = tuple(MOVES)
    renders: int = 200
    start: tuple[tuple[str, float], ...] = ()
    job: str | None = None
    said: str = ""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "PhysicalAttack":
        """Read what a link holds besides the slot and the class that are attacked.

        Raises:
            InvalidInputError: it is none.
        """
        _, keeps = slots(values["physical"]) if "physical" in values else (0, None)
        none = cls()
        return cls(
            keeps=keeps,
            moves=groups(str(values["physical_moves"]).split(",")) if "physical_moves" in values else none.moves,
            renders=renders(values.get("physical_renders", none.renders)),
            start=_start(str(values.get("physical_from", ""))),
        )

    def query(self, slot: int, target: int | None) -> dict[str, str]:
        """What differs from the defaults, and the goal.

        Args:
            slot, target: that are attacked.
        """
        start = ",".join(f"{key}:{value}".removesuffix(".0") for key, value in self.start)
        return {
            "physical": f"{slot + 1}" if self.keeps is None else f"{slot + 1}-{self.keeps + 1}",
            **({} if target is None else {"physical_target": str(target)}),
            **({} if self.moves == tuple(MOVES) else {"physical_moves": ",".join(self.moves)}),
            **({} if self.renders == PhysicalAttack.renders else {"physical_renders": str(self.renders)}),
            **({"physical_from": start} if start else {}),
        }

    @property
    def keys(self) -> tuple[str, ...]:
        """The parameters that may move."""
        return tuple(key for group in self.moves for key in MOVES[group])

    def halted(self, said: str | None = None) -> "PhysicalAttack":
        """With no job that moves anything.

        Args:
            said: of that; by default that it was stopped, if it was under way.
        """
        stopped = STOPPED + (UNDO if self.start else "") if self.job is not None else ""
        return replace(self, job=None, said=stopped if said is None else said)

    def moved(self, start: SceneBase, scene: SceneBase, **values: Any) -> "PhysicalAttack":
        """On its way from one scene to another, with other values."""
        keys = [key for own in MOVES.values() for key in own if getattr(start, key) != getattr(scene, key)]
        return replace(self, start=tuple((key, float(getattr(start, key))) for key in keys), **values)


def slots(text: object) -> tuple[int, int | None]:
    """The slots of a goal: the one to be fooled, and the one to stay right, if any.

    Raises:
        InvalidInputError: it is no goal.
    """
    found = GOAL.fullmatch(str(text))
    if found is None:
        raise InvalidInputError(
            f"physical cannot be {str(text)[:40]!r}. Allowed: the number of the model to fool, as 1, or 1-2 where "
            "Model 2 is to stay right meanwhile."
        )
    return int(found["fooled"]) - 1, None if found["keeps"] is None else int(found["keeps"]) - 1


def groups(names: object) -> tuple[str, ...]:
    """Groups of parameters that may move, in the panel's order; none where none is named.

    Raises:
        UnknownNameError: one of them has nothing that could.
    """
    named = [name for name in names if name != ""] if isinstance(names, list) else [names]
    for name in named:
        if not isinstance(name, str) or name not in MOVES:
            raise UnknownNameError("group of parameters to move", name, MOVES)
    return tuple(name for name in MOVES if name in named)


def renders(value: object) -> int:
    """How many pictures may be made.

    Raises:
        InvalidInputError: too many, or none.
    """
    return reading.whole("The number of renders", value, 1, MAX_RENDERS)


def _start(text: str) -> tuple[tuple[str, float], ...]:
    allowed = {key for keys in MOVES.values() for key in keys}
    found: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition(":")
        if key not in allowed:
            raise UnknownNameError("parameter to move", key, sorted(allowed))
        found[key] = float(get(key).parse(value))
    return tuple(found.items())
