"""What a page's script and the callbacks tell each other; ``assets/page.js`` is the other end."""

import hashlib
import json
from collections.abc import Container, Iterator
from typing import Any, NotRequired, TypedDict

from dash import ctx
from pydantic import ConfigDict, Field

from perturber.errors import InvalidInputError
from perturber.parameters import Value
from perturber.ui.states.page import MAX_CHANGES, NOT_OURS, Change, Sent

BUG = "Something went wrong in the server; its log says what."


def by_id(ids: object, values: object, key: str) -> dict[Any, Any]:
    """What the components of a pattern show, by a part of their ids.

    Raises:
        InvalidInputError: it is not what a page of this app would send.
    """
    if not (isinstance(ids, list) and isinstance(values, list) and len(ids) == len(values)):
        raise InvalidInputError(NOT_OURS)
    if not all(isinstance(id_, dict) and isinstance(id_.get(key), str | int) for id_ in ids):
        raise InvalidInputError(NOT_OURS)
    return {id_[key]: value for id_, value in zip(ids, values, strict=True)}


def triggered_value() -> Any:
    """What the component that has triggered this callback says."""
    return ctx.triggered[0]["value"] if ctx.triggered else None


def pressed_ids() -> Iterator[tuple[dict[str, Any], str]]:
    """Ids, of those that are patterns, and properties of all that has triggered this callback and has a value.

    What has only just come to be has none: it counts as triggered, but nobody has pressed it.
    """
    for one in ctx.triggered:
        id_ = ctx.triggered_prop_ids.get(one["prop_id"])
        if isinstance(id_, dict) and one["value"]:
            yield id_, str(one["prop_id"]).rpartition(".")[2]


def triggered_part(key: str, allowed: Container[Any]) -> Any:
    """A part of the id of the component that has triggered this callback.

    Raises:
        InvalidInputError: it is none of those that this app has.
    """
    (part,) = by_id([ctx.triggered_id], [None], key)
    if part not in allowed:
        raise InvalidInputError(NOT_OURS)
    return part


def digest(request: object) -> str:
    """SHA-256 of what a page has sent, as JSON without spaces and with sorted keys."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Props(TypedDict):
    """Properties that a component has from now on."""

    id: str | dict[str, Any]
    props: dict[str, Any]


class Answer(TypedDict):
    """What a page's script is told.

    Attributes:
        client, sequence: of the request.
        request: its `digest`, which tells whether this is the answer to what was asked.
        looked: whether the service has looked: then `props` holds all that belongs to one picture.
        failed: whether the request could not be answered.
        query: of the link to the state that is shown, or None where the former one stands.
        memory: what goes with it and is not worth a link.
        scene: parameters that are read differently from what was sent, or that the server has moved.
        props: what components show from now on, in order.
        drawn: what was drawn, for the next request (see `Shown`).
        again: milliseconds after which the same is to be asked again, or None.
        plane: version of the plane in the scene's view, or None where there is none.
        record: of this look, for the page's history, or None.
        live: whether what takes its time is to follow while things move, too.
        serviceMs: the service's time.
        seen: number of the state, in an answer to a page that follows another one (see `perturber.sessions.live`).
    """

    client: str
    sequence: int
    request: str
    looked: bool
    failed: bool
    query: str | None
    memory: dict[str, Any]
    scene: dict[str, Value]
    props: list[Props]
    drawn: dict[str, str]
    again: int | None
    plane: int | None
    record: list[Any] | None
    live: bool
    serviceMs: float
    seen: NotRequired[int]


class Seat(Sent):
    """A tab's place in a live session (see `perturber.sessions.live`).

    Attributes:
        session: its id.
        token: which the tab alone knows; empty where it has none yet.
        presents: whether it presents, as far as it knows.
        away: whether it shows something of its own at present.
        again: how often it has begun to present once more, as the server did not know it any more.
    """

    session: str = Field(pattern=r"^[0-9a-f]{16}$")
    token: str = Field(default="", max_length=64)
    presents: bool = False
    away: bool = False
    again: int = 0


class SentChange(Sent):
    """See `Change`; a control that stands alone has the slot ``""``."""

    control: str = Field(max_length=40)
    slot: int | str = ""
    value: Any = None

    def change(self) -> Change:
        """What has changed."""
        return Change(self.control, None if self.slot == "" else self.slot, self.value)


class Postponed(Sent):
    """What is remembered of requests that there was no room for (see `Memory`)."""

    model_config = ConfigDict(extra="ignore")

    postponed: list[SentChange] = Field(default=[], max_length=MAX_CHANGES)


class PageRequest(Sent):
    """What a page's script sends.

    Attributes:
        query, memory: of the last answer (see `PageState`).
        scene: what the parameter panel shows: values, or text that is not understood (yet).
        changes: what else was changed since, in order.
        drawn: of the last answer that was shown.
        client: names the visit to the page.
        pace: milliseconds between the last answers; None while nothing moves.
        seat: of the tab, where it presents.
    """

    query: str = Field(max_length=100_000)
    memory: dict[str, Any]
    scene: dict[str, Any]
    changes: list[SentChange] = Field(max_length=MAX_CHANGES)
    drawn: dict[str, str] = Field(max_length=20)
    client: str = Field(max_length=64)
    sequence: int
    pace: float | None = None
    seat: Seat | None = None
