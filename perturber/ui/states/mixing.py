"""The state of the Mixing page as a value: which models, what is done to their weights, and what can be undone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from perturber.attack import Attack
from perturber.editing import LEVELS, MAX_LENGTH, Edit, Level
from perturber.errors import InvalidInputError
from perturber.scene import Scene, SceneBase
from perturber.service import LookRequest, SlotRequest
from perturber.ui.states import reading
from perturber.ui.states.mixing_edits import Known, fitted, read_edit, read_model
from perturber.ui.states.page import Memory, scene_from_query, scene_to_query
from perturber.ui.states.reading import LinkValues

JOB = re.compile(r"[0-9a-f]{24}")

EPSILONS = {"l2": 1.0, "linf": 0.0157}
"""Norm of the attack on a scan → its first ε."""

ATTACK_STEPS = 8

MAX_UNDO = 100
"""Edits that can be undone."""

MAX_UNDO_LENGTH = 40_000
"""Characters of their texts in all: they travel with every request."""


class Version(BaseModel):
    """What undo goes back to; attributes as of a `MixingState`, the edit as text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    edit: str = Field(max_length=MAX_LENGTH)
    second: str = Field(max_length=100)
    level: Level


class ScanForm(BaseModel):
    """How a scan is to be made.

    Attributes:
        reverse: whether the early parts are Model 1's.
        norm: of the attack on every cut; None for none.
        epsilon: of the attack.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reverse: bool = False
    norm: Literal["l2", "linf"] | None = None
    epsilon: float = EPSILONS["l2"]

    def attack(self, model: str) -> Attack | None:
        """The attack on every cut, if there is to be one.

        Raises:
            InvalidInputError: there is no such ε.
        """
        if self.norm is None:
            return None
        return Attack(model=model, norm=self.norm, epsilon=self.epsilon, steps=ATTACK_STEPS)


class MixingMemory(Memory):
    """What is not worth a link; see `MixingState`."""

    past: tuple[Version, ...] = Field(default=(), max_length=MAX_UNDO)
    future: tuple[Version, ...] = Field(default=(), max_length=MAX_UNDO)
    sliding: bool = False
    clicks: dict[str, int] = Field(default={}, max_length=10)
    form: ScanForm = ScanForm()


@dataclass(frozen=True, kw_only=True)
class MixingState:
    """Everything that the page shows follows from this.

    Attributes:
        edit: of one or two models; they may be two that cannot be mixed, which the page then says.
        second: Model 2 in the page's menu; in ``prune`` mode it is not part of the edit.
        level: how fine the sliders are.
        scan: the job of the compatibility scan that is drawn, or None.
        past, future: where undo and redo lead, the next one last.
        sliding: whether a slider is being dragged: a drag is one step of undo.
        clicks: button → how often it was clicked.
        form: how the next scan is to be made.
    """

    scene: SceneBase
    edit: Edit
    second: str
    level: Level = "stage"
    scan: str | None = None
    past: tuple[Version, ...] = ()
    future: tuple[Version, ...] = ()
    sliding: bool = False
    clicks: Mapping[str, int] = field(default_factory=dict)
    form: ScanForm = field(default_factory=ScanForm)

    @classmethod
    def default(cls, known: Known) -> "MixingState":
        """Before anything is done: the first model unchanged, beside another of its architecture where there is one."""
        first = next(iter(known.architectures))
        second = known.partner(first)
        return cls(scene=Scene(), edit=Edit.mix(first, second, {}), second=second)

    @classmethod
    def from_query(cls, query: Mapping[str, str], known: Known) -> tuple["MixingState", list[str]]:
        """Read a link; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        values = LinkValues(query, problems)
        state = cls.default(known)
        edit = values.take("edit", state.edit, lambda text: read_edit(text, known))
        if "edit" in query:
            state = replace(state, edit=edit, second=edit.second or known.partner(edit.first))
            state = values.take("second", state, lambda name: state._beside(name, known))
        else:
            state = values.take("second", state, lambda name: state.mixed_with(name, known))
        level, edit = fitted(state.edit, values.take("level", state.level, read_level), known)
        scene = {key: value for key, value in query.items() if key not in ("edit", "second", "level", "scan")}
        state = replace(
            state,
            edit=edit,
            level=level,
            scan=values.take("scan", None, read_job),
            scene=scene_from_query(state.scene, scene, problems),
        )
        return state, problems

    def recalling(self, memory: Mapping[str, Any]) -> "MixingState":
        """This state with what is not in a link.

        Raises:
            InvalidInputError: it is not what `memory` gives.
        """
        found = MixingMemory.read(dict(memory))
        return replace(
            self,
            past=found.past,
            future=found.future,
            sliding=found.sliding,
            clicks=found.clicks,
            form=found.form,
        )

    def memory(self) -> dict[str, Any]:
        """What a link does not hold."""
        return MixingMemory(
            past=self.past, future=self.future, sliding=self.sliding, clicks=dict(self.clicks), form=self.form
        ).model_dump(mode="json")

    def query(self) -> str:
        """The link's query: what differs from the parameters' defaults, and the edit."""
        values: dict[str, object] = {**scene_to_query(self.scene), "edit": str(self.edit)}
        values |= {"second": self.second} if self.edit.mode == "prune" else {}
        values |= {"level": self.level} if self.level != LEVELS[0] else {}
        values |= {"scan": self.scan} if self.scan else {}
        return urlencode(values, safe=",")

    def explore_query(self) -> str:
        """The query of Explore's link to the same scene, with the edited model in the third slot."""
        slots = {"m1": self.edit.first, "m2": self.second, "m3": str(self.edit)}
        return urlencode({**scene_to_query(self.scene), **slots}, safe=",")

    def with_scene(self, scene: SceneBase) -> "MixingState":
        """This state of another scene."""
        return replace(self, scene=scene)

    def mixed_with(self, second: str, known: Known) -> "MixingState":
        """With another Model 2 beside the same Model 1; a mixture becomes one with it.

        Raises:
            UnknownNameError: there is no such model.
        """
        read_model(second, known)
        edit = self.edit if self.edit.mode == "prune" else replace(self.edit, second=second)
        return replace(self, edit=edit, second=second)

    def models(self, fits: bool) -> tuple[str | None, str | None, str | None]:
        """What Model 1, Model 2 and Edited are; None for Model 2 where one is pruned, for Edited where two do not fit.

        Args:
            fits: whether the models can be mixed.
        """
        return self.edit.first, self.edit.second, str(self.edit) if fits else None

    def request(self, client: str | None, fits: bool) -> LookRequest:
        """What the page asks the service, as of `models`."""
        slots = tuple(SlotRequest(model=model) for model in self.models(fits) if model is not None)
        return LookRequest(scene=self.scene, slots=slots, client=client)

    def version(self) -> Version:
        """What undo comes back to."""
        return Version(edit=str(self.edit), second=self.second, level=self.level)

    def _beside(self, second: str, known: Known) -> "MixingState":
        """With the Model 2 that a link names beside its edit."""
        read_model(second, known)
        if self.edit.second is not None and second != self.second:
            raise InvalidInputError(f"The edit names Model 2 already: {self.second}, not {second}.")
        return replace(self, second=second)


def read_level(value: object) -> Level:
    """How fine the units are.

    Raises:
        InvalidInputError: naming what is allowed.
    """
    return reading.choice("level of units", value, LEVELS)


def read_job(value: str) -> str:
    """The id of a job.

    Raises:
        InvalidInputError: it is none.
    """
    if not JOB.fullmatch(value):
        raise InvalidInputError(f"A scan cannot be {value[:40]!r}. Allowed: the id of a job.")
    return value
