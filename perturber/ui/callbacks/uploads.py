"""Users' own objects and backgrounds: files are chosen or dropped, checked, shown, and only then used.

They come in as JSON of a callback. Another site's page cannot send that without asking this server first, which then
allows nothing; what it could send, a form, is no callback's request. Names of files stay mere names.
"""

import base64
import binascii
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, get_args

from dash import Input, Output, State, callback, ctx, no_update, set_props

from perturber import objects
from perturber.errors import BusyError, InvalidInputError, NotAllowedError, PerturberError
from perturber.figures import data_uri
from perturber.scene import Scene
from perturber.service import LookRequest
from perturber.ui.callbacks.messages import BUG
from perturber.ui.components.parameter_panel import Kind, panel_choices
from perturber.ui.components.upload import (
    ADDED,
    READING,
    Outcome,
    drop_id,
    outcome_children,
    plain_dialog,
    said,
    upload_dialog,
    upload_id,
    was_added,
)
from perturber.ui.context import service
from perturber.ui.failures import told
from perturber.ui.limits import UPLOADS, limited
from perturber.ui.looks import looked
from perturber.ui.states.page import NOT_OURS

NO_PREVIEW = "The server has too much to do to draw it at this moment."
REFUSED = "The server has not taken these files: they may be too large together."

AT_ONCE = 2
"""Uploads that are read at the same moment: each may take some hundred MiB meanwhile."""

WAITING = 2
"""Further ones that may wait for that; each holds one of the server's threads."""

_line = threading.BoundedSemaphore(AT_ONCE + WAITING)
_reading = threading.BoundedSemaphore(AT_ONCE)


def upload_callbacks(page: str) -> None:
    """The callbacks by which a page takes users' own things; to be called once as its module is imported."""
    _opening(page)
    _choosing(page)
    _closing(page)


def _opening(page: str) -> None:
    """The dialog opens on the panel's wish, and for files that are dropped on the scene."""
    opened = [Output(f"{page}-dialog", prop, allow_duplicate=True) for prop in ("children", "is_open")]

    @callback(*opened, Input(f"{page}-panel", "add"), prevent_initial_call=True)
    def wished(wish: object) -> tuple[Any, Any]:
        if not isinstance(wish, Mapping):
            return no_update, no_update
        return upload_dialog(page, _kind(wish.get("kind"))), True

    @callback(
        *opened,
        Output(drop_id(page), "contents"),
        Input(drop_id(page), "contents"),
        State(drop_id(page), "filename"),
        # What stands last is shown only where no answer comes: the server takes no request above its limit.
        running=[
            (Output(f"{page}-dialog", "is_open"), True, True),
            (Output(f"{page}-dialog", "children"), plain_dialog(READING), plain_dialog(REFUSED, wrong=True)),
        ],
        prevent_initial_call=True,
    )
    def dropped(contents: object, names: object) -> tuple[Any, ...]:
        if not contents:
            return (no_update,) * 3
        kind = kind_of(contents)
        outcome = receive(kind, contents, names, label=None)
        _offer(page, outcome)
        return upload_dialog(page, kind, outcome), True, None


def _choosing(page: str) -> None:
    """Files that are chosen in the dialog, or dropped on it."""
    outcome_id, files = upload_id(page, "outcome"), upload_id(page, "files")

    @callback(
        Output(outcome_id, "children"),
        Output(upload_id(page, "use"), "disabled"),
        Output(upload_id(page, "added"), "data"),
        Output(files, "contents"),  # so that the same file can be chosen again
        Input(files, "contents"),
        State(files, "filename"),
        State(upload_id(page, "name"), "value"),
        State(upload_id(page, "added"), "data"),
        running=[(Output(outcome_id, "children"), said(READING), said(REFUSED, wrong=True))],
        prevent_initial_call=True,
    )
    def chosen(contents: object, names: object, label: object, added: object) -> tuple[Any, ...]:
        if not contents:
            return (no_update,) * 4
        kind = _kind(added.get("kind") if isinstance(added, Mapping) else None)
        outcome = receive(kind, contents, names, label=label if isinstance(label, str) else None)
        _offer(page, outcome)
        return outcome_children(outcome), not was_added(outcome), {"kind": kind, "name": outcome.name}, None


def _closing(page: str) -> None:
    """The dialog closes, and what was added is used or not."""

    @callback(
        Output(f"{page}-dialog", "is_open", allow_duplicate=True),
        Output(f"{page}-panel", "value", allow_duplicate=True),
        Output(f"{page}-panel", "options", allow_duplicate=True),
        Input(upload_id(page, "use"), "n_clicks"),
        Input(upload_id(page, "close"), "n_clicks"),
        State(upload_id(page, "added"), "data"),
        State(upload_id(page, "name"), "value"),
        State(f"{page}-panel", "value"),
        prevent_initial_call=True,
    )
    def left(use: int | None, close: int | None, added: object, label: object, scene: object) -> tuple[Any, Any, Any]:
        if not (use or close):  # the dialog has only just come to be
            return no_update, no_update, no_update
        found = added if isinstance(added, Mapping) else {}
        name = found.get("name")
        if name is None:
            return False, no_update, no_update
        kind = _kind(found.get("kind"))
        if isinstance(label, str):
            try:
                objects.store().rename(kind, name, label)
            except NotAllowedError as error:  # somebody else had added the same
                set_props("notice", {"children": str(error)})
        used = ctx.triggered_id == upload_id(page, "use") and isinstance(scene, Mapping)
        return False, {**scene, kind: name} if used else no_update, panel_choices()["options"]  # type: ignore[dict-item]


def receive(kind: Kind, contents: object, names: object, *, label: str | None) -> Outcome:
    """Add what a browser has sent, or say what is wrong with it; then nothing has changed.

    Args:
        contents: of each file, a ``data:`` address.
        names: of the files, as the user has them.
        label: name in the interface; by default after the files.
    """
    try:
        limited("uploads", UPLOADS)
        with turn():
            name = add(kind, decoded(contents, names), label=label)
        notes = objects.store().notes(kind, name)
        try:
            look, _ = looked(LookRequest(scene=Scene().replace(**{kind: name})))
        except BusyError:
            return Outcome(message=f"{ADDED} {NO_PREVIEW}", notes=notes, name=name)
        return Outcome(message=ADDED, notes=notes, name=name, preview=data_uri(look.image))
    except PerturberError as error:
        return Outcome(message=str(error))
    except Exception as error:
        told("an upload could not be read", error)
        return Outcome(message=BUG)


@contextmanager
def turn() -> Iterator[None]:
    """Wait until one may read an upload: memory, and threads for everything else, must not run out.

    Raises:
        InvalidInputError: too many wait already.
    """
    if not _line.acquire(blocking=False):
        raise InvalidInputError("Several uploads are being read; try again in a moment.")
    try:
        with _reading:
            yield
    finally:
        _line.release()


def add(kind: Kind, files: Mapping[str, bytes], *, label: str | None) -> str:
    """Add files as an object or a background, and return its name.

    Raises:
        InvalidInputError: they cannot be used.
        StorageError: they cannot be stored.
    """
    if kind == "object":
        return objects.store().add_object(files, label=label)
    if len(files) != 1:
        raise InvalidInputError(f"A background is one picture, not {len(files)} files.")
    return objects.store().add_background(*files.values(), label=label)


def decoded(contents: object, names: object) -> dict[str, bytes]:
    """Files by their names, which stay mere names.

    Raises:
        InvalidInputError: none, larger than allowed together, or not what a page of this app would send.
    """
    texts = _texts(contents)
    given = _texts(names)
    if len(texts) != len(given) or not all(text.startswith("data:") for text in texts):
        raise InvalidInputError(NOT_OURS)
    coded = [text.partition(",")[2] for text in texts]
    limit = service().settings.max_upload_mib
    if sum(len(code) // 4 * 3 - code[-2:].count("=") for code in coded) > limit * 2**20:
        raise InvalidInputError(f"The files are larger than {limit} MiB together.")
    files: dict[str, bytes] = {}
    for name, code in zip(given, coded, strict=True):
        if name in files:
            raise InvalidInputError(f"Two files are called {name[-80:]!r}; rename one of them.")
        try:
            files[name] = base64.b64decode(code, validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInputError(NOT_OURS) from error
    return files


def kind_of(contents: object) -> Kind:
    """What files that are dropped on the scene are: one picture is a background, anything else an object."""
    texts = _texts(contents)
    return "background" if len(texts) == 1 and texts[0].startswith("data:image/") else "object"


def _texts(sent: object) -> Sequence[str]:
    given = sent if isinstance(sent, list) else [sent]
    texts = [text for text in given if isinstance(text, str)]
    if len(texts) != len(given):
        raise InvalidInputError(NOT_OURS)
    return texts


def _kind(sent: object) -> Kind:
    for kind in get_args(Kind):
        if sent == kind:
            return kind
    raise InvalidInputError(NOT_OURS)


def _offer(page: str, outcome: Outcome) -> None:
    """The panel's menus offer what was added.

    Not by an output: a dialog that has just come to be would then count as a change of its files.
    """
    if was_added(outcome):
        set_props(f"{page}-panel", panel_choices())
