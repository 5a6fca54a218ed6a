"""A page's session: what it shows is kept as snapshots, which are opened, compared, ordered and commented.

Everything runs when a button is pressed, and nothing with the looks of a page.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from dash import ALL, Input, Output, State, callback, ctx, no_update, set_props
from flask import request

from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.sessions import Session, Sessions, ShortLinks
from perturber.ui.callbacks.follow import Settled
from perturber.ui.callbacks.messages import BUG, by_id, pressed_ids
from perturber.ui.components.filmstrip import WINDOW, act_id, field_id, memory_id, pick_id
from perturber.ui.components.session_bar import (
    CHOICES,
    PARTS,
    STORE,
    copy_id,
    link_panel,
    panel_class,
    panel_id,
    sentence,
    session_data,
    session_panel,
    toggle_id,
)
from perturber.ui.context import service
from perturber.ui.failures import told
from perturber.ui.limits import LINKS, SAVES, limited
from perturber.ui.moments import KEPT, KeptPage, taken
from perturber.ui.states.page import NOT_OURS


def session_callbacks(page: KeptPage[Any]) -> None:
    """The callbacks of a page with a scene; to be called once as its module is imported."""
    KEPT[page.path] = page
    _folding(page)
    _acting(page)
    _copying(page)


def _folding(page: KeptPage[Any]) -> None:
    name = page.name

    @callback(
        Output(panel_id(name), "children"),
        Output(panel_id(name), "className"),
        *(Output(toggle_id(name, part), "aria-expanded") for part in PARTS),
        *(Input(toggle_id(name, part), "n_clicks") for part in PARTS),
        State(panel_id(name), "className"),
        State(STORE, "data"),
        State(f"{name}-settled", "data"),
        State(f"{name}-facts", "data"),
        prevent_initial_call=True,
    )
    def fold(_: object, __: object, present: object, open_: object, settled: object, facts: object) -> tuple[Any, ...]:
        part = next((part for part in PARTS if ctx.triggered_id == toggle_id(name, part)), "")
        if not part or present == panel_class(part):
            return [], panel_class(""), "false", "false"
        expanded = [str(part == one).lower() for one in PARTS]
        return _unfolded(page, part, open_, settled, facts), panel_class(part), *expanded


def _unfolded(page: KeptPage[Any], part: str, open_: object, settled: object, facts: object) -> list[Any]:
    if part == "link":
        return link_panel(page.name, _address(page, Settled.latest(settled, facts)))
    id_, message = open_id(open_), ""
    session = None
    if id_ is not None:
        try:
            session = Sessions(service().settings.data).open(id_)
        except InvalidInputError as error:
            message = str(error)
    return _panel(page.name, session, message=message)


def _acting(page: KeptPage[Any]) -> None:
    name = page.name

    @callback(
        Output(panel_id(name), "children", allow_duplicate=True),
        Output(STORE, "data", allow_duplicate=True),
        Input(act_id(name, ALL), "n_clicks"),
        Input({"page": name, "session-choice": ALL}, "value"),
        Input(field_id(name, ALL), "n_submit"),
        *strip_states(name),
        State(STORE, "data"),
        State(f"{name}-settled", "data"),
        State(f"{name}-facts", "data"),
        prevent_initial_call=True,
    )
    def act(
        _: object, choice: object, __: object, fields: object, ids: object, picks: object, boxes: object,
        memory: object, open_: object, settled: object, facts: object,
    ) -> tuple[Any, Any]:  # fmt: skip
        what = pressed()
        if what is None:
            return no_update, no_update
        asked = Asked.read(what, fields, ids, picks, boxes, memory)
        with saying(name):
            if what == "short":
                return _short(page, Settled.latest(settled, facts)), no_update
            session = _chosen(what, asked, choice, open_)
            if session is None:
                return no_update, no_update
            if what == "take":
                limited("snapshots", SAVES)
                new = taken(page, Settled.latest(settled, facts), asked.field("comment"))
                Sessions(service().settings.data).add(session, new)
                asked = asked.at_end()
            elif what not in ("create", "choice"):
                asked = acted(asked)
            found = Sessions(service().settings.data).open(session)
            comment = "" if what == "take" else asked.field("comment")
            return _panel(name, found, asked, comment=comment), session_data(found)
        return no_update, no_update


def strip_states(name: str) -> list[State]:
    """What a filmstrip's callback is told beside the button: its fields, what is picked, and what it remembers."""
    return [
        State(field_id(name, ALL), "value"),
        State(field_id(name, ALL), "id"),
        State(pick_id(name, ALL), "value"),
        State(pick_id(name, ALL), "id"),
        State(memory_id(name, ALL), "data"),
    ]


@dataclass(frozen=True)
class Asked:
    """What was asked of a session.

    Attributes:
        what: the button.
        fields: field → what stands in it.
        picked: ids of snapshots.
        session, first, deleted, edited: see `remembered`.
    """

    what: str
    fields: Mapping[str, Any]
    picked: tuple[int, ...]
    session: str = ""
    first: int | None = None
    deleted: tuple[int, ...] = ()
    edited: int | None = None

    @classmethod
    def read(cls, what: str, fields: object, ids: object, picks: object, boxes: object, memory: object) -> "Asked":
        """What a browser has sent.

        Raises:
            InvalidInputError: it is not what a page of this app would send.
        """
        known = memory[0] if isinstance(memory, list) and memory and isinstance(memory[0], dict) else {}
        deleted, first, edited = known.get("deleted"), known.get("first"), known.get("edited")
        chosen = [one for one, on in by_id(boxes, picks, "pick").items() if on is True and type(one) is int]
        return cls(
            what=what,
            fields=by_id(ids, fields, "session"),
            picked=tuple(chosen),
            session=str(known.get("session", ""))[:40],
            first=first if type(first) is int and 0 <= first < 10**6 else None,
            deleted=tuple(n for n in deleted if type(n) is int)[:1000] if isinstance(deleted, list) else (),
            edited=edited if type(edited) is int else None,
        )

    def field(self, name: str) -> str:
        """What stands in a field."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""

    def one(self) -> int:
        """The snapshot that is picked.

        Raises:
            InvalidInputError: none, or several.
        """
        if len(self.picked) != 1:
            raise InvalidInputError("Pick one snapshot first.")
        return self.picked[0]

    def at_end(self) -> "Asked":
        """Showing the last snapshots."""
        return Asked(self.what, self.fields, self.picked, session=self.session, deleted=self.deleted)


def acted(asked: Asked, window: int = WINDOW) -> Asked:
    """Do what a button of the filmstrip says; what is asked then.

    Args:
        window: snapshots that are shown at once.

    Raises:
        NotAllowedError, InvalidInputError, StorageError: it cannot be done; nothing has changed then.
    """
    sessions = Sessions(service().settings.data)
    deleted, edited, first, picked = asked.deleted, asked.edited, asked.first or 0, asked.picked
    match asked.what:
        case "pair":
            if len(picked) != 2:
                raise InvalidInputError("Pick two snapshots first.")
            set_props("_pages_location", {"href": f"/sessions?a={picked[0]}&b={picked[1]}"})
        case "before" | "after":
            first, picked = first + (window if asked.what == "after" else -window), ()
        case "comment":
            edited = asked.one()
        case "cancel":
            edited = None
        case "keep":
            limited("comments", SAVES)
            sessions.comment(edited or 0, asked.field("edited"))
            edited = None
        case "earlier" | "later":
            limited("changes of sessions", SAVES)
            _moved(sessions, asked.session, asked.one(), -1 if asked.what == "earlier" else 1)
        case "delete":
            if not picked:
                raise InvalidInputError("Pick the snapshots first that are to be deleted.")
            limited("changes of sessions", SAVES)
            for one in picked:
                sessions.delete_snapshot(one)
            deleted, picked = picked, ()
        case "undo":
            limited("changes of sessions", SAVES)
            for one in deleted:
                sessions.restore_snapshot(one)
            deleted = ()
        case _:
            raise InvalidInputError(NOT_OURS)
    return Asked(asked.what, asked.fields, picked, asked.session, max(0, first), deleted, edited)


def shown_from(asked: Asked | None, session: Session, window: int = WINDOW) -> int:
    """The place of the first snapshot that is shown: the last ones, unless one has turned to others."""
    last = max(0, len(session.strip) - window)
    return last if asked is None or asked.first is None else min(asked.first, last)


def pressed() -> str | None:
    """The button that was pressed, ``choice`` for a session that was chosen; what has only just come to be is not."""
    for id_, _ in pressed_ids():
        if "strip" in id_:
            return str(id_["strip"])
        if "session-choice" in id_:
            return "choice"
        if "session" in id_ and (what := {"name": "create", "comment": "take"}.get(str(id_["session"]))):
            return what
    return None


@contextmanager
def saying(page: str) -> Iterator[None]:
    """Whatever goes wrong within is said beside the session, and the page stays as it is."""
    try:
        yield
    except (PerturberError, BusyError) as error:
        set_props(field_id(page, "said"), sentence(str(error), wrong=True))
    except Exception as error:
        told("a session could not be changed", error)
        set_props(field_id(page, "said"), sentence(BUG, wrong=True))


def open_id(data: object) -> str | None:
    """The id of the session that is open in a tab, as its store says."""
    id_ = data.get("id") if isinstance(data, dict) else None
    return id_ if isinstance(id_, str) and len(id_) <= 40 else None


def _chosen(what: str, asked: Asked, choice: object, open_: object) -> str | None:
    """The session that is to be shown; None where it is shown already."""
    if what == "create":
        limited("sessions", SAVES)
        return Sessions(service().settings.data).create(asked.field("name"))
    if what == "choice":
        chosen = choice[0] if isinstance(choice, list) and choice else None
        return chosen if isinstance(chosen, str) and chosen != asked.session else None
    if (id_ := asked.session or open_id(open_)) is None:
        raise InvalidInputError("Choose a session first, or create one.")
    return id_


def _panel(
    name: str, session: Session | None, asked: Asked | None = None, *, comment: str = "", message: str = ""
) -> list[Any]:
    sessions = Sessions(service().settings.data).all(limit=CHOICES).sessions
    if session is None:
        return session_panel(name, sessions, None, message=message)
    same = asked is not None and asked.session == session.id
    kept = asked if asked is not None and same else None
    if all(one.id != session.id for one in sessions):
        sessions = (session, *sessions)
    return session_panel(
        name,
        sessions,
        session,
        first=shown_from(kept, session),
        deleted=kept.deleted if kept else (),
        edited=kept.edited if kept else None,
        picked=kept.picked if kept else (),
        comment=comment,
        message=message,
    )


def _moved(sessions: Sessions, session: str, snapshot: int, by: int) -> None:
    order = [one.id for one in sessions.open(session).strip]
    if snapshot not in order:
        raise InvalidInputError("This snapshot is not in the session any more. Load the page again.")
    place = order.index(snapshot)
    order.insert(min(max(place + by, 0), len(order) - 1), order.pop(place))
    sessions.reorder(session, order)


def _copying(page: KeptPage[Any]) -> None:
    name = page.name

    @callback(
        Output(copy_id(name, "address"), "content"),
        Output(field_id(name, "address"), "value"),
        Input(copy_id(name, "address"), "n_clicks"),
        State(f"{name}-settled", "data"),
        State(f"{name}-facts", "data"),
        prevent_initial_call=True,
    )
    def copy(clicks: object, settled: object, facts: object) -> tuple[Any, Any]:
        """What is copied is the address of what is shown then, not of what was shown when it was unfolded."""
        if not clicks:
            return no_update, no_update
        found = _address(page, Settled.latest(settled, facts))
        return found, found


# ---- links --------------------------------------------------------------------------------------------------------


def _address(page: KeptPage[Any], shown: Settled) -> str:
    return f"{_server()}{page.path}?{shown.query}"


def _short(page: KeptPage[Any], shown: Settled) -> list[Any]:
    limited("links", LINKS)
    made = ShortLinks(service().settings.data).short_link(shown.query, page.path)
    return link_panel(page.name, _address(page, shown), short=f"{_server()}/s/{made}")


def _server() -> str:
    """This server as its visitor calls it."""
    return request.host_url.rstrip("/")
