"""What every page with a scene has of sessions: two quiet buttons, and what one of them unfolds."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from perturber.sessions import Session, Summary
from perturber.sessions.checks import LONGEST_COMMENT, LONGEST_NAME
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import button, dropdown, labelled, named
from perturber.ui.components.filmstrip import WINDOW, act_id, field_id, filmstrip, remembered, strip_tools

STORE = "session"
"""Id of the store in the app's frame: which session is open in this tab, its ``id`` and ``name``; or None."""

PARTS = ("session", "link")
"""What can be unfolded."""

TESTED = "explore"
"""The page whose scene can be tested."""

CHOICES = 200
"""Sessions that a menu offers, those that were changed last."""

LONGEST_ADDRESS = 8000
"""Characters of an address that every browser, proxy and mail takes."""


def session_store() -> dcc.Store:
    """To stand in the app's frame: a tab keeps its session from page to page, and through a reload."""
    return dcc.Store(id=STORE, storage_type="session")


def toggle_id(page: str, part: str) -> str:
    """The id of the button that unfolds a part."""
    return f"{page}-{part}-toggle"


def panel_id(page: str) -> str:
    """The id of what is unfolded, which is empty otherwise."""
    return f"{page}-session-panel"


def copy_id(page: str, field: str) -> dict[str, str]:
    """The id of what copies a field."""
    return {"page": page, "copy": field}


def panel_class(part: str) -> str:
    """The class of the panel in which a part is unfolded, or none where that is empty."""
    return f"unfolded {part}" if part else ""


def session_bar(page: str) -> list[Component]:
    """The buttons beside the status line, and what one of them unfolds."""
    folded = attributes(aria_expanded="false")
    titles = {"session": "Take snapshots of this page, and open others", "link": "Copy the address of this page"}
    buttons = [
        button(
            toggle_id(page, part),
            part.title(),
            titles[part],
            className=f"quiet unfolds {part}",
            **{**folded, "aria-controls": panel_id(page)},
        )
        for part in PARTS
    ]
    if page == TESTED:
        title = "Test over many objects, backgrounds and views what this scene shows"
        buttons.append(button(f"{page}-test", "Test this", title, className="quiet unfolds test"))
    return [*buttons, html.Section(id=panel_id(page), className=panel_class(""))]


def session_panel(
    page: str,
    sessions: Sequence[Summary],
    session: Session | None,
    *,
    first: int = 0,
    deleted: Sequence[int] = (),
    edited: int | None = None,
    picked: Sequence[int] = (),
    comment: str = "",
    message: str = "",
) -> list[Component]:
    """The session that is open in this tab, and its filmstrip.

    Args:
        sessions: that can be chosen.
        session: that is open, or None.
        first, deleted, edited: see `remembered`.
        picked: ids of the snapshots that are.
        comment: that stands in the field for the next snapshot.
        message: a sentence.
    """
    menu = dropdown(
        {"page": page, "session-choice": "menu"},
        "Session",
        {
            "options": [{"value": one.id, "label": _label(one)} for one in sessions],
            "value": None if session is None else session.id,
            "placeholder": "Choose a session …",
        },
        searchable=True,
        wide=True,
    )
    name = text_field(page, "name", "Name of a new session", "New session …", LONGEST_NAME)
    make = button(act_id(page, "create"), "Create", "Make a session of this name, and open it")
    top = [menu, name, make]
    if session is None:
        hint = html.P("Choose a session, or create one; then take snapshots of what this page shows.", className="none")
        return [html.Div(top, className="bar"), hint, said(page, message)]
    words = text_field(page, "comment", "Comment on the next snapshot", "Comment (optional)", LONGEST_COMMENT, comment)
    take = button(act_id(page, "take"), "Take a snapshot", "Keep what this page shows", className="use")
    leads = html.A("Notes and all snapshots", href=f"/sessions?id={session.id}")
    parts = strip_parts(page, session, first=first, deleted=deleted, edited=edited, picked=picked, message=message)
    return [html.Div([*top, words, take, leads], className="bar"), *parts]


def strip_parts(
    page: str,
    session: Session,
    *,
    first: int = 0,
    window: int = WINDOW,
    deleted: Sequence[int] = (),
    edited: int | None = None,
    picked: Sequence[int] = (),
    message: str = "",
) -> list[Component]:
    """The filmstrip with its tools and, where a comment is being written, its field; as of `session_panel`."""
    return [
        filmstrip(page, session, first=first, window=window, picked=picked),
        html.Div(strip_tools(page, undo=bool(deleted)), className="bar tools"),
        *_editor(page, session, edited),
        said(page, message),
        remembered(page, session=session.id, first=first, deleted=deleted, edited=edited),
    ]


def link_panel(page: str, address: str, *, short: str | None = None, message: str = "") -> list[Component]:
    """The page's address, to be copied; one that is too long gets none but a short link.

    Args:
        address: with all of the page's state.
        short: the short link, where one was made.
        message: a sentence.
    """
    rows: list[Component] = []
    if len(address) <= LONGEST_ADDRESS:
        rows.append(_address(page, "address", "Address", address))
    else:
        rows.append(html.P(f"This state takes {len(address):,} characters, too many for an address.", className="none"))
    if short is not None:
        rows.append(_address(page, "short", "Short link", short))
    else:
        rows.append(button(act_id(page, "short"), "Make a short link", "A short address of this, kept for good"))
    return [*rows, said(page, message)]


def said(page: str, message: str = "", *, wrong: bool = True) -> html.P:
    """Where a sentence about the session is said."""
    return html.P(id=field_id(page, "said"), role="alert", **sentence(message, wrong=wrong))


def sentence(message: str, *, wrong: bool) -> dict[str, Any]:
    """Properties of what says a sentence.

    Args:
        wrong: whether it is about something that went wrong.
    """
    return {"children": message, "className": "message" if wrong else "message fine"}


def text_field(page: str, field: str, label: str, placeholder: str, longest: int, value: str = "") -> Component:
    """A field of one line."""
    made = dcc.Input(
        id=field_id(page, field),
        type="text",
        placeholder=placeholder,
        maxLength=longest,
        autoComplete="off",
        value=value,
    )
    return named(label, made)


def _address(page: str, field: str, label: str, address: str) -> html.Div:
    text = dcc.Input(id=field_id(page, field), type="text", readOnly=True, value=address)
    title = f"Copy the {label.lower()}"
    copy = dcc.Clipboard(id=copy_id(page, field), content=address, title=title, className="quiet copy")
    return html.Div([labelled(label, text), copy], className="bar address")


def _editor(page: str, session: Session, edited: int | None) -> list[Component]:
    there = next((one for one in session.strip if one.id == edited), None)
    if there is None:
        return []
    field = dcc.Textarea(
        id=field_id(page, "edited"), value=there.comment, maxLength=LONGEST_COMMENT, rows=2, className="comment"
    )
    keep = button(act_id(page, "keep"), "Keep the comment", "Keep this comment", className="use")
    cancel = button(act_id(page, "cancel"), "Cancel", "Leave the comment as it is")
    number = session.strip.index(there) + 1
    return [html.Div([labelled(f"Comment on snapshot {number}", field), keep, cancel], className="bar")]


def _label(one: Summary) -> str:
    return f"{one.name} · {one.owner}" if one.owner else one.name


def session_data(session: Session) -> dict[str, Any]:
    """What the store holds of an open session."""
    return {"id": session.id, "name": session.name}
