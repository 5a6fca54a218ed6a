"""What a page with a scene shows at one moment: kept as a snapshot, and opened again from one or from a short link."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from perturber.errors import InvalidInputError, PerturberError
from perturber.service import ClassScore, Look, LookRequest
from perturber.sessions import NewSnapshot, Sessions, ShortLinks
from perturber.ui.callbacks.follow import Settled
from perturber.ui.context import service
from perturber.ui.looks import look_to_save
from perturber.ui.states.page import PageState, parse_query

SNAPSHOT, SHORT = "snapshot", "short"
"""Keys of an address that stand for all of a page's state: the id of a snapshot, and of a short link."""

S = TypeVar("S", bound=PageState)


@dataclass(frozen=True)
class Moment:
    """What a page asks the service about its state.

    Attributes:
        request: the picture, and what each network is asked.
        slots: what the page calls the request's slots, in their order.
    """

    request: LookRequest
    slots: tuple[str, ...]


class KeptPage(Protocol, Generic[S]):
    """A page whose moments are kept.

    Attributes:
        name: with which its ids begin.
        path: its address.
    """

    name: str
    path: str

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[S, list[str]]:
        """The state that a link holds, and one sentence for each thing that was wrong in it."""

    def lasting(self, state: S) -> S:
        """The state without what belongs to one visit, as counts of its clicks and looks."""

    def moment(self, state: S) -> Moment:
        """What the service is asked about it."""


KEPT: dict[str, KeptPage[Any]] = {}
"""Path → page, of those whose modules were imported (see `session_callbacks`)."""


def opened(page: KeptPage[S], query: Mapping[str, str]) -> tuple[S, list[str]]:
    """The state that an address asks for: that of a snapshot, that behind a short link, or what it says itself.

    Returns:
        The state, and one sentence for each thing that was wrong; then the state is what can be had.
    """
    values, memory, problems = query, dict[str, Any](), list[str]()
    try:
        if SNAPSHOT in query:
            kept = Sessions(service().settings.data).snapshot(snapshot_number(query[SNAPSHOT]))
            values, memory = _of(page, kept.page, kept.query), kept.memory
        elif SHORT in query:
            link = ShortLinks(service().settings.data).long_query(query[SHORT])
            values = _of(page, link.page, link.query)
    except PerturberError as error:
        values, problems = {}, [str(error)]
    try:
        state, wrong = page.read(values, memory)
    except InvalidInputError as error:  # a memory of another version, or in a file that somebody has written
        state, wrong = page.read(values, {})
        problems.append(f"What the snapshot remembers beside its link cannot be read: {error}")
    return page.lasting(state), [*problems, *wrong]


def taken(page: KeptPage[S], shown: Settled, comment: str) -> NewSnapshot:
    """A snapshot of what a page shows at rest, with the picture and the predictions that the service gives now.

    Raises:
        InvalidInputError: something in it is not finished, or it cannot be kept.
    """
    state, _ = page.read(parse_query(shown.query), shown.memory)
    state = page.lasting(state)
    moment = page.moment(state)
    look, unfinished = look_to_save(moment.request)
    if unfinished is not None:
        raise InvalidInputError(unfinished)
    return NewSnapshot.of(
        page=page.path,
        query=state.query(),
        memory=state.memory(),
        picture=look.image,
        predictions=predictions(moment, look),
        comment=comment,
    )


def predictions(moment: Moment, look: Look) -> list[dict[str, Any]]:
    """What each network found, as JSON: the most probable classes, and those that are followed."""
    found = []
    for name, slot in zip(moment.slots, look.slots, strict=True):
        info = service().model(slot.model)
        scores = {score.index: score for score in (*(slot.top or ()), *slot.pinned)}
        found.append(
            {
                "slot": name,
                "model": slot.model,
                "label": info.label,
                "weights": info.fingerprint,
                "layer": slot.layer,
                "channels": list(slot.channels),
                "scores": [_plain(score) for score in scores.values()],
            }
        )
    return found


def snapshot_number(text: str) -> int:
    """The id of a snapshot in an address; what is none is nobody's."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _of(page: KeptPage[S], path: str, query: str) -> dict[str, str]:
    if path != page.path:
        raise InvalidInputError(f"This is a state of the page {path}, and not of {page.path}.")
    return parse_query(query)


def _plain(score: ClassScore) -> dict[str, Any]:
    """JSON knows no NaN."""
    numbers = {key: getattr(score, key) for key in ("logit", "probability")}
    known = {key: value if math.isfinite(value) else None for key, value in numbers.items()}
    return {"index": score.index, "name": score.name, **known}
