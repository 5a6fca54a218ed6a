"""What the library's page does: it finds, sorts, and deletes what has been confirmed."""

from typing import Any

from dash import ALL, Input, Output, State, callback, no_update, set_props

from perturber.config import Settings
from perturber.errors import InvalidInputError, PerturberError
from perturber.library import items, remove
from perturber.quotas import MIB, kept_bytes
from perturber.sessions import Sessions, ShortLinks
from perturber.ui.callbacks.messages import by_id, pressed_ids
from perturber.ui.callbacks.session_bar import saying
from perturber.ui.callbacks.sessions import sought_text
from perturber.ui.components.filmstrip import field_id, memory_id, pick_id
from perturber.ui.components.library import (
    A_PAGE,
    COLUMNS,
    FIRST,
    KINDS,
    LIST,
    PAGE,
    Listed,
    key_of,
    list_id,
    list_parts,
)
from perturber.ui.components.shelf import size_of
from perturber.ui.context import service
from perturber.ui.limits import SAVES, limited
from perturber.ui.states.page import NOT_OURS
from perturber.users import current

ORDERS = tuple(column.order for column in COLUMNS if column.order)


def library_callbacks() -> None:
    """The callbacks; to be called once as the page's module is imported."""

    @callback(
        Output(LIST, "children"),
        Input(list_id(ALL), "n_clicks"),
        Input(field_id(PAGE, "find"), "value"),
        Input(field_id(PAGE, "kind"), "value"),
        State(pick_id(PAGE, ALL), "value"),
        State(pick_id(PAGE, ALL), "id"),
        State(memory_id(PAGE, ALL), "data"),
        prevent_initial_call=True,
    )
    def change(_: object, find: object, kind: object, picks: object, boxes: object, memory: object) -> Any:
        act = _pressed()
        listed = read_listed(memory)
        sought = {"find": sought_text(find), "kind": kind if isinstance(kind, str) and kind in KINDS else ""}
        if act is None and all(listed[key] == value for key, value in sought.items()):
            return no_update
        with saying(PAGE):
            if act is None:
                listed = {**listed, **sought, "offset": 0, "deleting": []}
                return list_parts(items(service().settings), listed)
            picked = [str(one) for one, on in by_id(boxes, picks, "pick").items() if on is True]
            listed = {**listed, "deleting": listed["deleting"] if act == "confirm" else []}
            if act == "confirm":
                return _deleted(listed)
            shown = _listed(act, listed, picked)  # before what there is is read: it may bring something back
            return list_parts(items(service().settings), shown, picked=picked)
        return no_update


def room_words(settings: Settings) -> str:
    """How much is kept, and how much may be."""
    kept = kept_bytes(settings.data, settings)
    words = []
    for who, limit, size in (
        ("You keep", settings.user_mib, kept[current().name]),
        ("All users together keep", settings.users_mib, kept.total()),
    ):
        left = f" of {size_of(limit * MIB)}; {size_of(max(0, limit * MIB - size))} are left" if limit else ""
        words.append(f"{who} {size_of(size)}{left}.")
    links, size = ShortLinks(settings.data).kept()
    return " ".join([*words, f"Short links: {links:,}, with {size_of(size)} of states; they are kept for good."])


def read_listed(memory: object) -> dict[str, Any]:
    """What is shown, as the browser brings it back."""
    sent = memory[0] if isinstance(memory, list) and memory and isinstance(memory[0], dict) else {}
    find, kind, order, offset = (sent.get(key) for key in ("find", "kind", "order", "offset"))
    return {
        "find": sought_text(find),
        "kind": kind if isinstance(kind, str) and kind in KINDS else "",
        "order": order if order in ORDERS else FIRST["order"],
        "offset": offset if type(offset) is int and 0 <= offset < 10**6 else 0,
        **{key: _texts(sent.get(key)) for key in ("deleting", "deleted")},
    }


def _texts(sent: object) -> list[str]:
    return [one for one in sent if isinstance(one, str)][:1000] if isinstance(sent, list) else []


def _pressed() -> str | None:
    return next((str(id_["list"]) for id_, _ in pressed_ids() if "list" in id_), None)


def _listed(act: str, listed: dict[str, Any], picked: list[str]) -> Listed:
    """What is shown after a button.

    Raises:
        InvalidInputError: nothing is picked.
        NotAllowedError, StorageError: it cannot be brought back.
    """
    if act in ("before", "after"):
        return {**listed, "offset": max(0, listed["offset"] + (A_PAGE if act == "after" else -A_PAGE))}
    if act.startswith("by ") and act[3:] in ORDERS:
        return {**listed, "order": act[3:], "offset": 0}
    if act == "delete":
        if not picked:
            raise InvalidInputError("Pick first what is to be deleted.")
        return {**listed, "deleting": picked}
    if act == "cancel":
        return listed
    if act == "undo":
        limited("changes of the library", SAVES)
        for one in listed["deleted"]:
            Sessions(service().settings.data).restore(one)
        return {**listed, "deleted": []}
    raise InvalidInputError(NOT_OURS)


def _deleted(listed: dict[str, Any]) -> list[Any]:
    """Delete what has been confirmed, as far as that goes."""
    limited("changes of the library", SAVES)
    settings, gone, sentences = service().settings, 0, list[str]()
    sessions = []
    known = {key_of(one): one for one in items(settings)}
    for key in listed["deleting"]:
        if (item := known.get(key)) is None:
            continue
        try:
            remove(item.kind, item.name, settings)
        except PerturberError as error:
            sentences.append(str(error))
            continue
        gone += 1
        sessions += [item.name] if item.kind == "session" else []
    listed = {**listed, "deleting": [], "deleted": sessions}
    set_props("library-room", {"children": room_words(settings)})
    done = [f"{gone} {'thing is' if gone == 1 else 'things are'} deleted."] if gone else []
    words = " ".join([*done, *dict.fromkeys(sentences)])
    return list_parts(items(settings), listed, message=words, wrong=bool(sentences))
