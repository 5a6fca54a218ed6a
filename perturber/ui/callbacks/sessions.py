"""What the page of sessions does: its list, a session that is open, and what comes in and goes out as files."""

from collections.abc import Sequence
from typing import Any

from dash import ALL, Input, Output, State, callback, ctx, dcc, no_update, set_props
from dash.development.base_component import Component

from perturber.errors import InvalidInputError, PerturberError
from perturber.sessions import ORDERS, Listing, Sessions
from perturber.sessions.archive import export_session, import_session
from perturber.ui.callbacks.messages import by_id, pressed_ids
from perturber.ui.callbacks.session_bar import Asked, acted, pressed, saying, shown_from, strip_states
from perturber.ui.callbacks.uploads import decoded, turn
from perturber.ui.components.filmstrip import act_id, field_id, memory_id, pick_id
from perturber.ui.components.session_bar import STORE, sentence, session_data, strip_parts
from perturber.ui.components.sessions import (
    A_PAGE,
    FIRST,
    LIST,
    PAGE,
    PATH,
    WINDOW,
    Listed,
    defused,
    gone_parts,
    list_id,
    list_parts,
    open_id,
    open_parts,
    parts_of_tests,
)
from perturber.ui.context import service
from perturber.ui.limits import SAVES, UPLOADS, limited
from perturber.ui.states.page import NOT_OURS

CHANGES = "changes of sessions"


def sessions_callbacks() -> None:
    """The callbacks; to be called once as the page's module is imported."""
    _listing()
    _importing()
    _opening()
    _strip()
    _changing()
    _renaming()


def listing_of(listed: Listed) -> Listing:
    """The sessions that the list shows."""
    return Sessions(service().settings.data).all(
        find=listed["find"], order=listed["order"], offset=listed["offset"], limit=A_PAGE
    )


def _listing() -> None:
    @callback(
        Output(LIST, "children"),
        Output("sessions-download", "data"),
        Input(list_id(ALL), "n_clicks"),
        Input(field_id(LIST, "find"), "value"),
        Input(field_id(LIST, ALL), "n_submit"),
        State(field_id(LIST, ALL), "value"),
        State(field_id(LIST, ALL), "id"),
        State(pick_id(LIST, ALL), "value"),
        State(pick_id(LIST, ALL), "id"),
        State(memory_id(LIST, ALL), "data"),
        prevent_initial_call=True,
    )
    def change(
        _: object, find: object, __: object, fields: object, ids: object, picks: object, boxes: object, memory: object
    ) -> tuple[Any, Any]:
        act = _act("list", {"name": "create", "renamed": "named"})
        sought = ctx.triggered_id == field_id(LIST, "find") and act is None
        listed = read_listed(memory)
        if act is None and (not sought or sought_text(find) == listed["find"]):
            return no_update, no_update
        with saying(LIST):
            if act is None:
                listed = {**listed, "find": sought_text(find), "offset": 0}
                return _parts(listed), no_update
            values = by_id(ids, fields, "session")
            picked = [str(one) for one, on in by_id(boxes, picks, "pick").items() if on is True]
            if act == "export":
                return _exported(listed, picked)
            listed = _listed(act, listed, picked, values)
            kept = picked if act in ("rename", "cancel") else []
            return _parts(listed, picked=kept), no_update
        return no_update, no_update


def _parts(listed: Listed, **options: Any) -> list[Component]:
    """What the list shows: its last page where there are not so many any more; as of `list_parts`."""
    listing = listing_of(listed)
    if listing.total and not listing.sessions:
        listed = {**listed, "offset": (listing.total - 1) // A_PAGE * A_PAGE}
        listing = listing_of(listed)
    return list_parts(listing, listed, **options)


def _exported(listed: Listed, picked: Sequence[str]) -> tuple[Any, Any]:
    found = _export(_one(picked))
    parts = _parts(listed, picked=picked, message=f"Exported as {found.name}.", notes=found.notes)
    return parts, dcc.send_bytes(found.content, found.name)


def _listed(act: str, listed: dict[str, Any], picked: Sequence[str], fields: dict[Any, Any]) -> dict[str, Any]:
    """What of the list is shown after a button.

    Raises:
        NotAllowedError, InvalidInputError, StorageError: it cannot be done; nothing has changed then.
    """
    sessions = Sessions(service().settings.data)
    if act in ("before", "after"):
        return {**listed, "offset": max(0, listed["offset"] + (A_PAGE if act == "after" else -A_PAGE))}
    if act.startswith("by "):
        return {**listed, "order": act[3:] if act[3:] in ORDERS else "changed", "offset": 0}
    if act in ("rename", "cancel"):
        return {**listed, "renamed": _one(picked) if act == "rename" else None}
    limited(CHANGES, SAVES)
    if act == "create":
        sessions.create(str(fields.get("name") or ""))
        return {**FIRST}
    if act == "named":
        sessions.rename(str(listed["renamed"]), str(fields.get("renamed") or ""))
        return {**listed, "renamed": None}
    if act == "duplicate":
        sessions.duplicate(_one(picked))
        return {**FIRST}
    if act == "delete":
        if not picked:
            raise InvalidInputError("Pick the sessions first that are to be deleted.")
        for one in picked:
            sessions.delete(one)
        return {**listed, "deleted": list(picked)}
    if act == "undo":
        for one in listed["deleted"]:
            sessions.restore(one)
        return {**listed, "deleted": []}
    raise InvalidInputError(NOT_OURS)


def _importing() -> None:
    @callback(
        Output(LIST, "children", allow_duplicate=True),
        Output("sessions-import", "contents"),  # so that the same file can be chosen again
        Input("sessions-import", "contents"),
        State("sessions-import", "filename"),
        State(memory_id(LIST, ALL), "data"),
        running=[(Output(field_id(LIST, "said"), "children"), "Reading …", "")],
        prevent_initial_call=True,
    )
    def bring(contents: object, names: object, memory: object) -> tuple[Any, Any]:
        if not contents:
            return no_update, no_update
        listed = {**FIRST}
        try:
            limited("uploads", UPLOADS)
            files = decoded(contents, names)
            if len(files) != 1:
                raise InvalidInputError("Bring in one file at a time, as it was exported.")
            with turn():
                found = import_session(service().settings, *files.values())
        except PerturberError as error:
            listed = read_listed(memory)
            return _parts(listed, message=str(error), wrong=True), None
        name = Sessions(service().settings.data).open(found.id).name
        return _parts(listed, message=f"“{name}” is here.", notes=found.notes), None


# ---- a session that is open ---------------------------------------------------------------------------------------


def _opening() -> None:
    @callback(
        Output(STORE, "data", allow_duplicate=True),
        Input("sessions-opened", "data"),
        prevent_initial_call="initial_duplicate",
    )
    def open_in_this_tab(session: object) -> Any:
        """The session that is looked at is the one to which the tab's next snapshots go."""
        return session if isinstance(session, dict) else no_update


def _strip() -> None:
    @callback(
        Output("sessions-strip", "children"),
        Input(act_id(PAGE, ALL), "n_clicks"),
        *strip_states(PAGE),
        prevent_initial_call=True,
    )
    def act(_: object, fields: object, ids: object, picks: object, boxes: object, memory: object) -> Any:
        what = pressed()
        if what is None:
            return no_update
        with saying(PAGE):
            asked = acted(Asked.read(what, fields, ids, picks, boxes, memory), WINDOW)
            session = Sessions(service().settings.data).open(asked.session)
            return strip_parts(
                PAGE,
                session,
                first=shown_from(asked, session, WINDOW),
                window=WINDOW,
                deleted=asked.deleted,
                edited=asked.edited,
                picked=asked.picked,
            )
        return no_update


def _changing() -> None:
    @callback(
        Output("sessions-open", "children"),
        Output("sessions-download", "data", allow_duplicate=True),
        Input(open_id(ALL), "n_clicks"),
        State("sessions-opened", "data"),
        State(field_id(PAGE, ALL), "value"),
        State(field_id(PAGE, ALL), "id"),
        prevent_initial_call=True,
    )
    def act(_: object, opened: object, fields: object, ids: object) -> tuple[Any, Any]:
        what = _act("open", {})
        if what is None:
            return no_update, no_update
        sessions, id_ = Sessions(service().settings.data), _opened(opened)
        if what in ("keep", "preview"):
            _write(id_, by_id(ids, fields, "session").get("notes"), keep=what == "keep")
            return no_update, no_update
        if "-test" in what:
            set_props("sessions-tests", {"children": _tests(sessions, id_, what, by_id(ids, fields, "session"))})
            return no_update, no_update
        with saying(PAGE):
            if what == "export":
                found = _export(id_)
                words = " ".join([f"Exported as {found.name}.", *found.notes])
                set_props(field_id(PAGE, "said"), sentence(words, wrong=False))
                return no_update, dcc.send_bytes(found.content, found.name)
            limited(CHANGES, SAVES)
            if what == "duplicate":
                set_props("_pages_location", {"href": f"{PATH}?id={sessions.duplicate(id_)}"})
                return no_update, no_update
            if what == "delete":
                session = sessions.open(id_)
                sessions.delete(id_)
                return gone_parts(session), no_update
            if what == "undo":
                sessions.restore(id_)
                return open_parts(sessions.open(id_), sessions.tests(id_)), no_update
            raise InvalidInputError(NOT_OURS)
        return no_update, no_update


def _tests(sessions: Sessions, session: str, what: str, fields: dict[Any, Any]) -> list[Component]:
    """What the page shows of a session's tests after a button."""
    deleted, message, chosen = None, "", fields.get("test")
    act, _, number = what.partition(" ")
    try:
        limited(CHANGES, SAVES)
        if act == "restore-test":
            sessions.restore_test(int(number) if number.isdecimal() and len(number) < 19 else 0)
        elif type(chosen) is not int:
            raise InvalidInputError("Choose a test first.")
        elif act == "rename-test":
            sessions.rename_test(chosen, str(fields.get("test-name") or ""))
        elif act == "delete-test":
            sessions.delete_test(chosen)
            deleted = chosen
        else:
            raise InvalidInputError(NOT_OURS)
    except PerturberError as error:
        message = str(error)
    return parts_of_tests(sessions.tests(session), deleted=deleted, message=message)


def _write(session: str, notes: object, *, keep: bool) -> None:
    """Show notes as they are written, and keep them where that is wanted."""
    with saying("notes"):
        text = notes if isinstance(notes, str) else ""
        if keep:
            limited(CHANGES, SAVES)
            Sessions(service().settings.data).write_notes(session, text)
        set_props("sessions-preview", {"children": defused(text)})
        set_props(field_id("notes", "said"), sentence("The notes are kept." if keep else "", wrong=False))


def _renaming() -> None:
    @callback(
        Output("sessions-opened", "data"),
        Input(field_id(PAGE, "title"), "value"),
        State("sessions-opened", "data"),
        prevent_initial_call=True,
    )
    def rename(name: object, opened: object) -> Any:
        sessions, id_ = Sessions(service().settings.data), _opened(opened)
        with saying(PAGE):
            session = sessions.open(id_)
            if not isinstance(name, str) or name == session.name:
                return no_update
            limited(CHANGES, SAVES)
            sessions.rename(id_, name)
            set_props(field_id(PAGE, "said"), sentence("", wrong=False))
            return session_data(sessions.open(id_))
        return no_update


# ---- reading what was sent ----------------------------------------------------------------------------------------


def read_listed(memory: object) -> dict[str, Any]:
    """What of the list is shown, as the browser brings it back."""
    sent = memory[0] if isinstance(memory, list) and memory and isinstance(memory[0], dict) else {}
    find, order, offset, renamed = (sent.get(key) for key in ("find", "order", "offset", "renamed"))
    deleted = sent.get("deleted")
    return {
        "find": sought_text(find),
        "order": order if order in ORDERS else "changed",
        "offset": offset if type(offset) is int and 0 <= offset < 10**6 else 0,
        "deleted": [one for one in deleted if isinstance(one, str)][:1000] if isinstance(deleted, list) else [],
        "renamed": renamed if isinstance(renamed, str) else None,
    }


def sought_text(find: object) -> str:
    """What is looked for, as far as it can be printed."""
    return "".join(c for c in find[:100] if c.isprintable()) if isinstance(find, str) else ""


def _act(kind: str, by_enter: dict[str, str]) -> str | None:
    """The button of a kind that was pressed, also by Enter in the field that belongs to it."""
    for id_, prop in pressed_ids():
        if prop != "value":
            found = id_.get(kind) if kind in id_ else by_enter.get(str(id_.get("session")))
            if found is not None:
                return str(found)
    return None


def _opened(data: object) -> str:
    id_ = data.get("id") if isinstance(data, dict) else None
    if not isinstance(id_, str):
        raise InvalidInputError(NOT_OURS)
    return id_


def _one(picked: Sequence[str]) -> str:
    if len(picked) != 1:
        raise InvalidInputError("Pick one session first.")
    return picked[0]


def _export(id_: str) -> Any:
    limited("exports", SAVES)
    return export_session(service().settings, id_)
