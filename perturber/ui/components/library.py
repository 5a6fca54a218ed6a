"""The page of all that is the users' own: its size and age, whose it is, what uses it."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from perturber.library import Item
from perturber.ui.components.controls import button, labelled, menu, options
from perturber.ui.components.filmstrip import field_id, memory_id, pick_id, when
from perturber.ui.components.session_bar import said
from perturber.ui.components.shelf import Column, pick, shelf_table, size_of, turns

PAGE, PATH = "library", "/library"
LIST = "library-list"

A_PAGE = 50
"""Things that are listed at once."""

KINDS = {
    "": "Everything",
    "object": "Objects",
    "background": "Backgrounds",
    "group": "Groups",
    "model": "Models",
    "session": "Sessions",
}
"""Kind → what is shown where it is chosen."""

COLUMNS = (
    Column("kind", "Kind", text=True),
    Column("label", "Name", text=True),
    Column("owner", "Owner", text=True),
    Column("size", "Size"),
    Column("changed", "Changed"),
    Column("", "Used by"),
)

MOST_USERS = 3
"""Sessions that are named in a row."""

Listed = Mapping[str, Any]
"""What is shown: ``find``, ``kind``, ``order``, ``offset``; ``deleting``, keys of what is to be deleted once that is
confirmed; ``deleted``, ids of the sessions that were."""

FIRST: dict[str, Any] = {"find": "", "kind": "", "order": "kind", "offset": 0, "deleting": [], "deleted": []}


def list_id(act: Any) -> dict[str, Any]:
    """The id of a button of the list."""
    return {"page": PAGE, "list": act}


def key_of(item: Item) -> str:
    """What tells an item from all others."""
    return f"{item.kind} {item.name}"


def library_page(found: Sequence[Item], listed: Listed, room: str) -> html.Div:
    """The list.

    Args:
        found: everything.
        room: how much is kept, and how much may be, in words.
    """
    find = dcc.Input(
        id=field_id(PAGE, "find"), type="search", placeholder="Find a name or an owner", debounce=0.4, value=""
    )
    kinds = {"options": options(KINDS.items()), "value": listed["kind"]}
    bar = [labelled("Find", find), menu(field_id(PAGE, "kind"), "What is shown", kinds)]
    return html.Div(
        [
            html.H1("Library"),
            html.P(room, id="library-room", className="about"),
            html.Div(bar, className="bar"),
            html.Div(list_parts(found, listed), id=LIST),
        ],
        className="shelf library",
    )


def list_parts(
    found: Sequence[Item], listed: Listed, *, picked: Collection[str] = (), message: str = "", wrong: bool = False
) -> list[Component]:
    """The rows that are shown, and their buttons.

    Args:
        picked: keys of the items that are.
        message: a sentence; about what went wrong where `wrong` says so.
    """
    tools = [button(list_id("delete"), "Delete …", "Delete what is picked, once you have confirmed it")]
    if listed["deleted"]:
        tools.append(button(list_id("undo"), "Undo", "Bring back the sessions deleted last", className="quiet undo"))
    chosen = [one for one in found if key_of(one) in listed["deleting"]]
    shown = _sorted([one for one in found if _matches(one, listed)], listed["order"])
    listed = {**listed, "offset": min(listed["offset"], max(0, len(shown) - 1) // A_PAGE * A_PAGE)}
    part = shown[listed["offset"] : listed["offset"] + A_PAGE]
    rows = [_row(one, key_of(one) in picked) for one in part]
    table = shelf_table(list_id, COLUMNS, listed["order"], rows, before=1)
    parts: list[Component] = [
        html.Div(tools, className="bar tools"),
        *([_question(chosen)] if chosen else []),
        said(PAGE, message, wrong=wrong),
        table if rows else html.P(_nothing(listed), className="none"),
    ]
    if len(shown) > A_PAGE:
        parts.append(turns(list_id, "things", listed["offset"], len(part), len(shown)))
    return [*parts, dcc.Store(id=memory_id(PAGE, "list"), data=dict(listed))]


def _matches(item: Item, listed: Listed) -> bool:
    sought = str(listed["find"]).strip().lower()
    kind = listed["kind"] in ("", item.kind)
    return kind and (sought in item.label.lower() or sought in item.owner.lower())


def _sorted(found: list[Item], order: str) -> list[Item]:
    """By the alphabet, or the largest first; equal ones by their names."""
    found = sorted(found, key=lambda one: one.label.lower())
    if order == "kind":
        return sorted(found, key=lambda one: list(KINDS).index(one.kind))
    if order in ("label", "owner"):
        return sorted(found, key=lambda one: getattr(one, order).lower())
    return sorted(found, key=lambda one: -(getattr(one, order) or 0))


def _row(item: Item, picked: bool) -> html.Tr:
    name: Any = item.label
    if item.kind == "session":
        name = html.A(item.label, href=f"/sessions?id={item.name}")
    users = list(item.used_by[:MOST_USERS])
    if len(item.used_by) > MOST_USERS:
        users.append(f"{len(item.used_by) - MOST_USERS} more")
    return html.Tr(
        [
            html.Td(pick(pick_id(PAGE, key_of(item)), item.label, picked)),
            html.Td(item.kind.title()),
            html.Th(name, scope="row"),
            html.Td(item.owner),
            html.Td(size_of(item.size), className="amount"),
            html.Td("–" if item.changed is None else when(item.changed), className="amount"),
            html.Td(", ".join(users), className="users", title=", ".join(item.used_by)),
        ]
    )


def _question(chosen: Sequence[Item]) -> html.Div:
    """What is asked before something is deleted."""
    names = ", ".join(f"“{one.label}”" for one in chosen[:5]) + (f" and {len(chosen) - 5} more" if chosen[5:] else "")
    sentences = [f"Delete {names}?"]
    used = [one for one in chosen if one.used_by]
    if used:
        users = ", ".join(f"“{one.label}”" for one in used[:5])
        sentences.append(f"In use: {users}. What names it will show a default instead.")
    if any(one.kind == "session" for one in chosen):
        sentences.append("Sessions can be brought back for seven days.")
    if any(one.kind != "session" for one in chosen):
        sentences.append("Objects, backgrounds, groups and models cannot be brought back.")
    buttons = [
        button(list_id("confirm"), "Delete", "Delete this", className="use"),
        button(list_id("cancel"), "Cancel", "Keep everything"),
    ]
    return html.Div([html.P(" ".join(sentences)), *buttons], className="bar question", role="alert")


def _nothing(listed: Listed) -> str:
    if listed["find"] or listed["kind"]:
        return "There is nothing of this kind with these letters."
    return "Nothing of anybody’s own is kept here yet: no uploads, groups, models or sessions."
