"""Live sessions: what one tab presents of a session, all tabs that follow it show.

The server keeps the presenter's page as a mirror: every property that a component was told, and when. Whoever follows
asks for what is new since the last time; nothing is computed for them, and what several ask for is written once.
All of it is in the memory of one server, and over when that stops: tabs sit down again by themselves.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from itertools import chain, count, groupby
from threading import Condition
from typing import Any

from plotly.io.json import to_json_plotly

from perturber.errors import InvalidInputError, NotAllowedError

MAX_STAGES = 50
"""Sessions that are presented at the same time."""

MAX_SEATS = 64
"""Tabs that present or follow one session."""

GONE_SECONDS = 75.0
"""After which a tab that has not asked is not there any more; those in the background ask once a minute."""

FORGOTTEN_SECONDS = 600.0
"""For which a presenter is waited for, where somebody else wants to present another session."""

WAIT_SECONDS = 1.0
"""For which a question waits for news, at most."""

WAITING = 32
"""Questions that wait at the same time, each of which holds a thread of the server; those beyond do not wait."""

VISITOR = "Visitor"
"""Who has no name."""


@dataclass(frozen=True)
class Follower:
    """A tab that follows, as others see it.

    Attributes:
        number: by which the presenter hands over; of one session, and no secret.
        away: whether it shows something of its own at present.
    """

    number: int
    name: str
    away: bool


@dataclass(frozen=True)
class Roster:
    """Who presents and who follows, as one tab sees it.

    Attributes:
        number: of its last change.
        presents: whether this tab does.
        away: whether it shows something of its own at present.
        presenter: who does, or None.
        gone: whether nothing has been heard of the presenter for a while.
        followers: all of them.
    """

    number: int
    presents: bool
    away: bool
    presenter: str | None
    gone: bool
    followers: tuple[Follower, ...]


@dataclass
class _Cell:
    """A property of a component, and when it was told; its JSON is written when it is first asked for."""

    sequence: int
    id: Any
    name: str
    value: Any
    text: str | None = None

    def written(self) -> str:
        if self.text is None:
            self.text, self.value = f"{json.dumps(self.name)}:{to_json_plotly(self.value)}", None
        return self.text


@dataclass
class Mirror:
    """A page as its presenter sees it.

    Attributes:
        owner: who presents, and the name of the visit to the page.
        path: of the page.
        began, sequence: numbers of its first and its last state.
        head: of the last state, what goes with the properties: query, memory, scene and the like.
        followed: what is shown of what takes its time, or None if nobody has asked for it yet.
    """

    owner: tuple[str, str]
    path: str
    began: int
    sequence: int = 0
    head: Mapping[str, Any] = field(default_factory=dict)
    followed: Mapping[str, str] | None = None
    _cells: dict[tuple[str, str], _Cell] = field(default_factory=dict)
    _texts: dict[int, str] = field(default_factory=dict)

    def tell(self, props: Iterable[Mapping[str, Any]], sequence: int) -> None:
        """Components have these properties from now on.

        Args:
            props: of each component an ``id`` and ``props``.
        """
        for one in props:
            id_ = one["id"] if isinstance(one["id"], str) else json.dumps(one["id"], sort_keys=True)
            for name, value in one["props"].items():
                self._cells.pop((id_, name), None)  # in the order in which they were told last
                self._cells[id_, name] = _Cell(sequence, one["id"], name, value)

    def advance(self, sequence: int, **head: Any) -> None:
        """What was told until now is to be shown."""
        self.sequence, self.head = sequence, {**self.head, **head}
        self._texts.clear()

    def since(self, seen: int) -> str:
        """What is new since a state was seen, as JSON: ``props``, all of the head, and the number, ``seen``.

        Args:
            seen: its number; where it is none of this mirror, all of it is new.
        """
        after = seen if self.began <= seen <= self.sequence else 0
        if after not in self._texts:
            new = [cell for cell in self._cells.values() if cell.sequence > after]
            props = ",".join(
                f'{{"id":{json.dumps(id_)},"props":{{{",".join(cell.written() for cell in cells)}}}}}'
                for id_, cells in groupby(new, key=lambda cell: cell.id)
            )
            head = to_json_plotly({**self.head, "seen": self.sequence})
            self._texts[after] = f'{head[:-1]},"props":[{props}]}}'
        return self._texts[after]


@dataclass
class _Seat:
    name: str
    number: int
    seen: float
    away: bool = False


@dataclass
class _Stage:
    """A session that is presented, or was so a moment ago.

    Attributes:
        seats: digest of a tab's token → its seat.
        presenter: such a digest, or None.
        changed: number of the last change of the roster.
    """

    changed: int
    seats: dict[str, _Seat] = field(default_factory=dict)
    presenter: str | None = None
    gone: bool = False
    shown: Mirror | None = None
    seated: int = 0

    def sit(self, key: str, name: str, now: float) -> bool:
        """A tab is there; whether it has just come."""
        if (seat := self.seats.get(key)) is not None:
            seat.seen = now
            return False
        if len(self.seats) >= MAX_SEATS:
            raise NotAllowedError(f"{MAX_SEATS} tabs are in this live session already. Try again when one has left.")
        self.seated += 1
        taken = {seat.name for seat in self.seats.values()}
        numbered = (f"{name or VISITOR} {n}" for n in count(2 if name else 1))
        called = next(one for one in chain([name] if name else [], numbered) if one not in taken)
        self.seats[key] = _Seat(called, self.seated, now)
        return True

    def clear(self, now: float) -> bool:
        """Those who are not there any more leave, but for the presenter, who is gone; whether that is new."""
        missing = [key for key, seat in self.seats.items() if now - seat.seen > GONE_SECONDS]
        left = [key for key in missing if key != self.presenter]
        for key in left:
            del self.seats[key]
        was, self.gone = self.gone, self.presenter in missing
        return bool(left) or was != self.gone

    def roster(self, key: str) -> Roster:
        seats = {other: seat for other, seat in self.seats.items() if other != self.presenter}
        return Roster(
            number=self.changed,
            presents=self.presenter == key,
            away=self.seats[key].away if key in self.seats else False,
            presenter=None if self.presenter is None else self.seats[self.presenter].name,
            gone=self.gone,
            followers=tuple(Follower(seat.number, seat.name, seat.away) for seat in seats.values()),
        )


class Live:
    """All sessions that are presented on this server; for any number of threads.

    A tab is known by a token, which is long and random, and which nobody else learns.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, _Stage] = {}
        self._changed = Condition()
        self._waiting = 0
        self._last = self._first = time.time_ns() // 1000  # no number of another server's run comes again

    # ---- presenting -----------------------------------------------------------------------------------------------

    def presenter(self, session: str) -> str | None:
        """The name of who presents a session, or None."""
        with self._changed:
            stage = self._stages.get(session)
            return None if stage is None else stage.roster("").presenter

    def present(self, session: str, token: str, name: str) -> None:
        """This tab presents a session from now on, also where another one has done so until now.

        Whoever calls this has checked that it may.

        Raises:
            NotAllowedError: too many sessions are presented already, or too many tabs are in this one.
        """
        with self._changed:
            now, key = self._clock(), _key(token)
            if session not in self._stages:
                self._make_room(now)
            stage = self._stages.setdefault(session, _Stage(self._last))
            stage.sit(key, name, now)
            stage.presenter = key
            self._news(stage)

    def hand_over(self, session: str, token: str, number: int) -> None:
        """Let a follower present from now on.

        Raises:
            NotAllowedError: this tab does not present the session (any more).
            InvalidInputError: there is no such follower (any more).
        """
        with self._changed:
            if not self._presents(session, token):
                raise NotAllowedError("You do not present this session any more.")
            stage = self._stages[session]
            found = [key for key, seat in stage.seats.items() if seat.number == number and key != stage.presenter]
            if not found:
                raise InvalidInputError("This follower has left. Choose another one.")
            stage.presenter, stage.seats[found[0]].away = found[0], False
            self._news(stage)

    def leave(self, session: str, token: str) -> None:
        """This tab neither presents nor follows any more."""
        with self._changed:
            stage, key = self._stages.get(session), _key(token)
            if stage is None or stage.seats.pop(key, None) is None:
                return
            if stage.presenter == key:
                stage.presenter = stage.shown = None
            if not stage.seats:
                del self._stages[session]
            self._news(stage)

    def presents(self, session: str, token: str) -> bool:
        """Whether this tab presents the session."""
        with self._changed:
            return self._presents(session, token)

    # ---- what is shown --------------------------------------------------------------------------------------------

    def begins(self, session: str, token: str, visit: str) -> bool:
        """Whether this tab presents, and nothing of this visit to a page has been told yet: then all of it is to be."""
        with self._changed:
            if not self._presents(session, token):
                return False
            shown = self._stages[session].shown
            return shown is None or not shown.sequence or shown.owner != (_key(token), visit)

    def publish(
        self,
        session: str,
        token: str,
        visit: str,
        path: str,
        props: Iterable[Mapping[str, Any]],
        head: Mapping[str, Any],
    ) -> None:
        """What the presenter's page shows from now on; nothing happens where the tab does not present (any more).

        Args:
            visit: names the visit to the page.
            path: of the page.
            props: of each component an ``id`` and ``props``, of all components where the visit begins.
            head: what else is to be told; empty where nothing was looked at: then this goes with the next state.
        """
        with self._changed:
            if not self._presents(session, token):
                return
            stage, owner = self._stages[session], (_key(token), visit)
            number = self._number()
            if stage.shown is None or stage.shown.owner != owner:
                stage.shown = Mirror(owner, path, number)
            stage.shown.tell(props, number)
            if head:
                stage.shown.advance(number, **head)
                self._changed.notify_all()

    def follows(self, session: str, token: str, visit: str) -> Mapping[str, str] | None:
        """What the presenter's page shows of what takes its time; None where none of it has been told yet."""
        with self._changed:
            shown = self._stages[session].shown if self._presents(session, token) else None
            return None if shown is None or shown.owner[1] != visit else shown.followed

    def add(
        self, session: str, token: str, visit: str, props: Iterable[Mapping[str, Any]], followed: Mapping[str, str]
    ) -> None:
        """What has come meanwhile of what takes its time; of an earlier visit nothing is told."""
        with self._changed:
            shown = self._stages[session].shown if self._presents(session, token) else None
            if shown is None or shown.owner[1] != visit or not shown.sequence:
                return
            number = self._number()
            shown.tell(props, number)
            shown.followed = followed
            shown.advance(number)
            self._changed.notify_all()

    # ---- following ------------------------------------------------------------------------------------------------

    def roster(self, session: str, token: str, name: str, *, away: bool = False, known: int = 0) -> Roster | None:
        """Who is there, for a tab that thereby says that it is; None where that is known.

        Args:
            name: of the user, empty for one that has none.
            away: whether the tab shows something of its own at present.
            known: number of the roster that the tab knows.

        Raises:
            NotAllowedError: too many tabs are here.
        """
        with self._changed:
            key = _key(token)
            self._sit(session, key, name, away)
            stage = self._stages.get(session) or _Stage(self._first)
            return None if known == stage.changed else stage.roster(key)

    def hear(
        self, session: str, token: str, name: str, *, page: str, seen: int = 0, wait: float = WAIT_SECONDS
    ) -> tuple[str, str] | str | None:
        """What is new for a page that follows; waits for it for a while.

        Args:
            name: as of `roster`.
            page: path of the page.
            seen: number of the state that it shows.

        Returns:
            Path and query of the page to go to, if it is another one; JSON of what the presenter's page shows, as far
            as it is new (see `Mirror.since`); or None where nothing is.

        Raises:
            NotAllowedError: too many tabs are here.
        """
        with self._changed:
            self._sit(session, _key(token), name, away=False)

            def found() -> tuple[str, str] | str | None:
                stage = self._stages.get(session)
                shown = None if stage is None else stage.shown
                if stage is None or shown is None or not shown.sequence or self._presents(session, token):
                    return None
                if page != shown.path:
                    return _place(stage)
                return None if seen == shown.sequence else shown.since(seen)

            if self._waiting >= WAITING:
                return found()
            self._waiting += 1
            try:
                return self._changed.wait_for(found, wait)
            finally:
                self._waiting -= 1

    def place(self, session: str) -> tuple[str, str] | None:
        """Path and query of the page that is presented, or None."""
        with self._changed:
            stage = self._stages.get(session)
            return None if stage is None else _place(stage)

    # ---- inside, with the lock held -------------------------------------------------------------------------------

    def _number(self) -> int:
        self._last += 1
        return self._last

    def _news(self, stage: _Stage) -> None:
        stage.changed = self._number()
        self._changed.notify_all()

    def _presents(self, session: str, token: str) -> bool:
        stage = self._stages.get(session)
        return stage is not None and stage.presenter is not None and compare_digest(stage.presenter, _key(token))

    def _sit(self, session: str, key: str, name: str, away: bool) -> None:
        stage = self._stages.get(session)
        if stage is None:  # nobody presents; whoever waits takes no room
            return
        now = self._clock()
        news = stage.sit(key, name, now)
        seat = stage.seats[key]
        news |= seat.away != away
        seat.away = away
        if stage.clear(now) or news:
            self._news(stage)

    def _make_room(self, now: float) -> None:
        for session, stage in list(self._stages.items()):
            if all(now - seat.seen > FORGOTTEN_SECONDS for seat in stage.seats.values()):
                del self._stages[session]
        if len(self._stages) >= MAX_STAGES:
            raise NotAllowedError(f"{MAX_STAGES} sessions are presented already. Try again when one of them is over.")


def _key(token: str) -> str:
    """What a token is kept as: nobody learns one by the time that comparing takes."""
    return hashlib.sha256(token.encode()).hexdigest()


def _place(stage: _Stage) -> tuple[str, str] | None:
    shown = stage.shown
    return None if shown is None or not shown.sequence else (shown.path, f"?{shown.head.get('query', '')}")
