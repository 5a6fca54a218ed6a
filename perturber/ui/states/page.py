"""What the states of all pages with a scene have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perturber.errors import InvalidInputError
from perturber.scene import SceneBase

NOT_OURS = "This request is not one that a page of this app would send."


class Sent(BaseModel):
    """What a page's script sends, or brings back."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def read(cls, data: object) -> Self:
        """What a browser has sent.

        Raises:
            InvalidInputError: it is not what a page of this app would send.
        """
        try:
            return cls.model_validate(data)
        except (ValidationError, RecursionError) as error:
            raise InvalidInputError(NOT_OURS) from error


MAX_CHANGES = 200
"""Of a request."""


class Memory(Sent):
    """What a page's link does not hold.

    Attributes:
        problems: whether the panel says that something is wrong.
        postponed: changes of a request that there was no room for, as its page sent them; the next request counts them.
    """

    problems: bool = False
    postponed: list[Any] = Field(default=[], max_length=MAX_CHANGES)


@dataclass(frozen=True)
class Change:
    """A control of a page has another value, or was clicked.

    Attributes:
        control: name of the control, as in its id.
        slot: which of several it is, or None.
        value: of whatever kind the control has; what a browser sends may be anything.
    """

    control: str
    slot: int | str | None
    value: Any

    @property
    def text(self) -> str:
        """The value as text, without blanks around it."""
        return "" if self.value is None else str(self.value).strip()

    @property
    def on(self) -> frozenset[str]:
        """The boxes of a check list that are ticked."""
        return frozenset(map(str, self.value)) if isinstance(self.value, list) else frozenset()

    @property
    def number(self) -> int:
        """The number of the slot that the control belongs to.

        Raises:
            InvalidInputError: it belongs to none.
        """
        if type(self.slot) is not int:
            raise InvalidInputError(f"The control {self.control!r} belongs to no slot {str(self.slot)[:40]!r}.")
        return self.slot


class PageState(Protocol):
    """Everything that a page shows follows from its state, which is a frozen value.

    A page reads its state from a link and from the browser alike: from a query, which holds all that a link does,
    and from a memory, which holds what is not worth a link (the browser keeps both and understands neither).
    """

    @property
    def scene(self) -> SceneBase:
        """The scene."""

    def query(self) -> str:
        """The query of a link to this state."""

    def memory(self) -> dict[str, Any]:
        """What a link does not hold, as JSON."""

    def with_scene(self, scene: SceneBase) -> Self:
        """This state of another scene."""


def parse_query(query: str) -> dict[str, str]:
    """The values of a link's query by their keys; the last one counts."""
    return dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))


def scene_to_query(scene: SceneBase) -> dict[str, str]:
    """A link's parameters of a scene as text: those that differ from their defaults, whole numbers without a point."""
    return {key: _written(value) for key, value in scene.changes().items()}


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def scene_from_query(scene: SceneBase, query: Mapping[str, str], problems: list[str]) -> SceneBase:
    """The scene with these parameters; what is wrong keeps its value, and adds a sentence to `problems`."""
    for key, value in query.items():
        try:
            scene = scene.replace(**{key: value})
        except InvalidInputError as error:
            problems.append(str(error))
    return scene
