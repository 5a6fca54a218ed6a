"""The snapshots of a session in a row: a click on a picture opens its state, and what is picked can be changed."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from perturber.sessions import Session, SnapshotSummary
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import button
from perturber.ui.moments import SNAPSHOT

WINDOW = 12
"""Snapshots that are shown at once: each is a few components, of which every callback of a page takes its time."""

LONGEST_CAPTION = 80


def act_id(page: str, act: Any) -> dict[str, Any]:
    """The id of a button of a page's session."""
    return {"page": page, "strip": act}


def field_id(page: str, field: Any) -> dict[str, Any]:
    """The id of a field beside them."""
    return {"page": page, "session": field}


def pick_id(page: str, snapshot: Any) -> dict[str, Any]:
    """The id of the box by which a snapshot is picked."""
    return {"page": page, "pick": snapshot}


def memory_id(page: str, part: Any) -> dict[str, Any]:
    """The id of what a page remembers of its filmstrip (see `remembered`)."""
    return {"page": page, "strip-state": part}


def remembered(page: str, *, session: str, first: int, deleted: Sequence[int], edited: int | None) -> dcc.Store:
    """What the browser brings back with the next button.

    Args:
        session: id of the session that is shown.
        first: place of the first snapshot that is shown.
        deleted: ids of the snapshots that were deleted last.
        edited: id of the snapshot whose comment is being written.
    """
    data = {"session": session, "first": first, "deleted": list(deleted), "edited": edited}
    return dcc.Store(id=memory_id(page, "strip"), data=data)


def filmstrip(page: str, session: Session, *, first: int, window: int = WINDOW, picked: Sequence[int] = ()) -> html.Div:
    """A part of a session's snapshots, in their order.

    Args:
        page: name of the page that it is on.
        first: place of the first one that is shown.
        picked: ids of those that are.
    """
    shown = session.strip[first : first + window]
    if not shown:
        return html.Div(html.P("No snapshots yet.", className="none"), className="strip")
    total = len(session.strip)
    turns: list[Component] = []
    if total > window:
        about = f"{first + 1}–{first + len(shown)} of {total}"
        turns = [
            button(act_id(page, "before"), "‹", "The snapshots before these", disabled=first == 0),
            html.Span(about, className="about"),
            button(act_id(page, "after"), "›", "The snapshots after these", disabled=first + window >= total),
        ]
    cards = [_card(page, one, number, one.id in picked) for number, one in enumerate(shown, first + 1)]
    return html.Div([html.Div(cards, className="cards"), html.Div(turns, className="bar")], className="strip")


def strip_tools(page: str, *, undo: bool) -> list[Component]:
    """The buttons for the snapshots that are picked.

    Args:
        undo: whether something was deleted that can be brought back.
    """
    tools: list[Component] = [
        button(act_id(page, "pair"), "Side by side", "Compare the two snapshots that are picked"),
        button(act_id(page, "comment"), "Comment …", "Write another comment to the snapshot that is picked"),
        button(act_id(page, "earlier"), "← Earlier", "Move the snapshot that is picked towards the beginning"),
        button(act_id(page, "later"), "Later →", "Move the snapshot that is picked towards the end"),
        button(act_id(page, "delete"), "Delete", "Delete the snapshots that are picked"),
    ]
    if undo:
        tools.append(button(act_id(page, "undo"), "Undo", "Bring back what was deleted last", className="quiet undo"))
    return tools


def thumbnail(content: bytes | None) -> html.Img:
    """A small picture beside what says what it is; an empty place where there is none."""
    if content is None:
        return html.Img(alt="", className="thumbnail none")
    return html.Img(src=f"data:image/webp;base64,{base64.b64encode(content).decode()}", alt="", className="thumbnail")


def when(seconds: float) -> str:
    """A time as a person says it, in the server's zone; of this year without the year."""
    time, now = datetime.fromtimestamp(seconds).astimezone(), datetime.now().astimezone()
    return time.strftime("%d %b, %H:%M" if time.year == now.year else "%d %b %Y, %H:%M")


def page_name(path: str) -> str:
    """What the page of a path is called; the path where there is no such page (any more)."""
    return next((page["name"] for page in dash.page_registry.values() if page["path"] == path), path)


def link_of(snapshot: SnapshotSummary) -> str:
    """The address that opens a snapshot's state, with all that is not in its link."""
    return f"{snapshot.page}?{SNAPSHOT}={snapshot.id}"


def caption_of(snapshot: SnapshotSummary) -> str:
    """The first words of its comment, or else where and when it was taken."""
    words = " ".join(snapshot.comment.split())
    if not words:
        return f"{page_name(snapshot.page)}, {when(snapshot.created)}"
    return words if len(words) <= LONGEST_CAPTION else f"{words[: LONGEST_CAPTION - 1]}…"


def _card(page: str, snapshot: SnapshotSummary, number: int, picked: bool) -> html.Div:
    about = f"{page_name(snapshot.page)} · {when(snapshot.created)}"
    title = f"Open snapshot {number}: {caption_of(snapshot)}"
    words = " ".join(snapshot.comment.split())
    label = f"{number}. {words}" if words else f"{number}."
    return html.Div(
        [
            html.A(thumbnail(snapshot.thumbnail), href=link_of(snapshot), title=title, **attributes(aria_label=title)),
            dbc.Checkbox(id=pick_id(page, snapshot.id), value=picked, label=label),
            html.Small(about),
        ],
        className="snapshot",
        title=snapshot.comment,
    )
