"""The page of sessions: their list, and one that is open with its notes and all of its snapshots."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from dash import dcc, html
from dash.development.base_component import Component

from perturber.experiments.paired import holm
from perturber.sessions import KeptTest, Listing, Session, Summary
from perturber.sessions.checks import LONGEST_NAME, LONGEST_NOTES
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import button, dropdown, labelled, options
from perturber.ui.components.filmstrip import field_id, memory_id, pick_id, thumbnail, when
from perturber.ui.components.session_bar import said, strip_parts, text_field
from perturber.ui.components.shelf import Column, pick, shelf_table, size_of, turns
from perturber.ui.components.tables import plain, table

PAGE, PATH = "sessions", "/sessions"

LIST = "sessions-list"
"""Name of the list, as that of a page: what is picked in it are sessions."""

A_PAGE = 50
"""Sessions that are listed at once."""

WINDOW = 40
"""Snapshots of an open session that are shown at once."""

COLUMNS = (
    Column("name", "Name", text=True),
    Column("owner", "Owner", text=True),
    Column("snapshots", "Snapshots"),
    Column("size", "Size"),
    Column("changed", "Changed"),
)
"""Of the list; each can be its order."""

Listed = Mapping[str, Any]
"""What of the list is shown: ``find``, ``order``, ``offset``; ``deleted`` and ``renamed``, ids of sessions."""

FIRST: dict[str, Any] = {"find": "", "order": "changed", "offset": 0, "deleted": [], "renamed": None}


def list_id(act: Any) -> dict[str, Any]:
    """The id of a button of the list."""
    return {"page": PAGE, "list": act}


def open_id(act: Any) -> dict[str, Any]:
    """The id of a button of the session that is open."""
    return {"page": PAGE, "open": act}


def list_page(listing: Listing, listed: Listed) -> html.Div:
    """The list, and what can be done with it."""
    find = dcc.Input(
        id=field_id(LIST, "find"),
        type="search",
        placeholder="Find a name or an owner",
        debounce=0.4,
        value=listed["find"],
    )
    name = text_field(LIST, "name", "Name of a new session", "New session …", LONGEST_NAME)
    bring = dcc.Upload(
        html.Button("Import …", className="quiet", title="Bring in a session that was exported, here or elsewhere"),
        id="sessions-import",
        multiple=True,
        style={},
        style_active={},
        className="import",
    )
    bar = [labelled("Find", find), name, button(list_id("create"), "Create", "Make a session of this name"), bring]
    return html.Div(
        [
            html.H1("Sessions"),
            html.Div(bar, className="bar"),
            html.Div(list_parts(listing, listed), id=LIST),
            dcc.Download(id="sessions-download"),
        ],
        className="shelf sessions",
    )


def list_parts(
    listing: Listing,
    listed: Listed,
    *,
    picked: Collection[str] = (),
    message: str = "",
    wrong: bool = False,
    notes: Collection[str] = (),
) -> list[Component]:
    """The rows, their buttons and the turning of pages.

    Args:
        picked: ids of the sessions that are.
        message: a sentence; about what went wrong where `wrong` says so.
        notes: what was skipped or changed of what was brought in or out, a sentence each.
    """
    tools: list[Component] = [
        button(list_id("rename"), "Rename …", "Give the session that is picked another name"),
        button(list_id("duplicate"), "Duplicate", "Keep a copy of the session that is picked as your own"),
        button(list_id("export"), "Export", "Save the session that is picked as one zip file"),
        button(list_id("delete"), "Delete", "Delete the sessions that are picked"),
    ]
    if listed["deleted"]:
        tools.append(button(list_id("undo"), "Undo", "Bring back what was deleted last", className="quiet undo"))
    rows = [_row(one, one.id in picked) for one in listing.sessions]
    renamed = next((one for one in listing.sessions if one.id == listed["renamed"]), None)
    table = shelf_table(list_id, COLUMNS, listed["order"], rows, before=2)
    parts = [
        html.Div(tools, className="bar tools"),
        *([] if renamed is None else [_naming(renamed)]),
        said(LIST, message, wrong=wrong),
        *([html.Ul([html.Li(note) for note in notes], className="notes-of-file")] if notes else []),
        table if rows else html.P(_nothing(listed), className="none"),
    ]
    if listing.total > A_PAGE:
        parts.append(turns(list_id, "sessions", listed["offset"], len(rows), listing.total))
    return [*parts, dcc.Store(id=memory_id(LIST, "list"), data=dict(listed))]


def open_page(session: Session, tests: Sequence[KeptTest]) -> html.Div:
    """One session: its name, its snapshots, its notes."""
    return html.Div(
        [
            html.Div(open_parts(session, tests), id="sessions-open"),
            dcc.Download(id="sessions-download"),
            dcc.Store(id="sessions-opened", data={"id": session.id, "name": session.name}),
        ],
        className="shelf sessions",
    )


def open_parts(session: Session, tests: Sequence[KeptTest]) -> list[Component]:
    """What the page of an open session shows."""
    title = dcc.Input(
        id=field_id(PAGE, "title"), type="text", value=session.name, maxLength=LONGEST_NAME, debounce=True
    )
    owner = f"{session.owner} · " if session.owner else ""
    count = f"{session.snapshots} snapshot{'' if session.snapshots == 1 else 's'}"
    about = f"{owner}{count} · {size_of(session.size)} · changed {when(session.changed)}"
    tools = [
        button(open_id("duplicate"), "Duplicate", "Keep a copy of this session as your own"),
        button(open_id("export"), "Export", "Save this session as one zip file"),
        button(open_id("delete"), "Delete", "Delete this session"),
    ]
    return [
        html.P(html.A("All sessions", href=PATH), className="back"),
        html.H1("Session"),
        html.Div([labelled("Name", title), html.Span(about, className="about"), *tools], className="bar"),
        html.H2("Snapshots"),
        html.Div(strip_parts(PAGE, session, window=WINDOW), id="sessions-strip", className="large"),
        html.Div(parts_of_tests(tests), id="sessions-tests"),
        html.H2("Notes"),
        html.Div(_notes(session.notes), className="notes"),
    ]


def parts_of_tests(tests: Sequence[KeptTest], *, deleted: int | None = None, message: str = "") -> list[Component]:
    """The tests of a session, with p-values corrected for all of them; nothing where there are none.

    Args:
        deleted: id of the one that was deleted last.
        message: a sentence about what went wrong.
    """
    if not tests and deleted is None:
        return []
    menu = {"options": options((one.id, one.name) for one in tests), "value": None, "placeholder": "Test …"}
    bar: list[Component] = [
        dropdown(field_id(PAGE, "test"), "Test", menu, wide=True),
        text_field(PAGE, "test-name", "New name of the test", "New name", LONGEST_NAME),
        button(open_id("rename-test"), "Rename", "Give the test that is chosen this name"),
        button(open_id("delete-test"), "Delete", "Delete the test that is chosen"),
    ]
    if deleted is not None:
        bar.append(
            button(open_id(f"restore-test {deleted}"), "Undo", "Bring back the test that was deleted", className="undo")
        )
    return [
        html.H2("Tests"),
        dcc.Markdown(table_of_tests(tests), className="tests"),
        html.P("Holm: p corrected for all networks of all these tests.", className="about"),
        html.Div(bar, className="bar"),
        said("tests", message),
    ]


def table_of_tests(tests: Sequence[KeptTest]) -> str:
    """Each network of each test in a row, in Markdown; what files of others hold may be anything."""
    found = [(one, effect) for one in tests for effect in _effects(one.value)]
    corrected = holm([effect[1] for _, effect in found])
    rows, before = list[tuple[str, ...]](), None
    for (one, (label, p)), over_all in zip(found, corrected, strict=True):
        first = one.id != before
        query = str(one.value.get("query", ""))
        name = f"[{plain(one.name)}](/test?{quote(query, safe=QUERY_SIGNS)})" if first else ""
        words = plain(str(one.value.get("sentence", ""))[:600]) if first else ""
        rows.append((name, words, plain(label), f"{p:.4f}", f"{over_all:.4f}"))
        before = one.id
    return table(("Test", "What came of it", "Network", "p", "Holm"), rows, numbers=(3, 4))


QUERY_SIGNS = "=&%+:,.-_~"
"""That a link keeps as they are; none of them ends one in Markdown."""


def _effects(value: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Label and p of each network over all pairs."""
    networks, rows = value.get("networks"), value.get("rows")
    labels = {}
    for one in networks if isinstance(networks, list) else []:
        if isinstance(one, dict):
            labels[str(one.get("name"))] = str(one.get("label"))[:100]
    found = []
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict) and row.get("group") == "" and isinstance(models := row.get("models"), list):
            p = row.get("p")
            if len(models) == 1 and isinstance(p, float | int) and 0 <= p <= 1:
                found.append((labels.get(str(models[0]), str(models[0])[:100]), float(p)))
    return found


def gone_parts(session: Session) -> list[Component]:
    """What the page of a session shows that has been deleted just now."""
    undo = button(open_id("undo"), "Undo", "Bring this session back", className="quiet undo")
    return [
        html.P(html.A("All sessions", href=PATH), className="back"),
        html.H1(session.name),
        html.Div(
            [html.Span("This session is deleted. For seven days it can be brought back here."), undo], className="bar"
        ),
        said(PAGE),
    ]


def defused(notes: str) -> str:
    """Notes for a Markdown component: it takes no HTML and no scripts for links, and here it gets no pictures.

    They could be on other servers, which would learn who reads the notes; they become links.
    """
    return re.sub(r"!(?=\[)", "!\u2060", notes)


def _notes(notes: str) -> list[Component]:
    field = dcc.Textarea(
        id=field_id(PAGE, "notes"),
        value=notes,
        maxLength=LONGEST_NOTES,
        placeholder="What this session is about. Markdown: # title, **bold**, - list, [link](address)",
    )
    bar = [
        button(open_id("keep"), "Keep the notes", "Keep the notes as they stand in the field", className="use"),
        button(open_id("preview"), "Preview", "Show the notes as they stand in the field"),
        html.Span("Markdown; pictures become links", className="about"),
    ]
    shown = dcc.Markdown(defused(notes), id="sessions-preview", className="preview", link_target="_blank", dedent=False)
    left = html.Div([labelled("Notes in Markdown", field), html.Div(bar, className="bar"), said("notes")])
    return [left, html.Section(shown, **attributes(aria_label="Notes"))]


def _row(one: Summary, picked: bool) -> html.Tr:
    return html.Tr(
        [
            html.Td(pick(pick_id(LIST, one.id), one.name, picked)),
            html.Td(thumbnail(one.thumbnail)),
            html.Th(html.A(one.name, href=f"{PATH}?{urlencode({'id': one.id})}"), scope="row"),
            html.Td(one.owner),
            html.Td(f"{one.snapshots}", className="amount"),
            html.Td(size_of(one.size), className="amount"),
            html.Td(when(one.changed), className="amount"),
        ]
    )


def _naming(one: Summary) -> html.Div:
    field = text_field(LIST, "renamed", f"New name of {one.name}", "Name", LONGEST_NAME, one.name)
    return html.Div(
        [
            field,
            button(list_id("named"), "Keep the name", "Call the session so", className="use"),
            button(list_id("cancel"), "Cancel", "Leave the name as it is"),
        ],
        className="bar",
    )


def _nothing(listed: Listed) -> str:
    if listed["find"]:
        return "No session has these letters in its name or its owner’s."
    return "No sessions yet. Create one here, or press Session at the lower edge of Explore."
