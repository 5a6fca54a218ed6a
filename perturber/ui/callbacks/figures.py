"""What the Figures page does: one callback for the figure, which is a value, and others for what it is made of."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from dash import Input, Output, State, callback, ctx, no_update
from flask import request

from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.export import PRESETS, layout_size
from perturber.figures.compose import letter
from perturber.sessions import NewFigure, Sessions, ShortLinks
from perturber.ui import paper
from perturber.ui.callbacks.forms import address_callback, address_of, query_of, sessions_callback
from perturber.ui.callbacks.messages import triggered_value
from perturber.ui.components.controls import options
from perturber.ui.components.export import LOOKS, OF_A_PRESET, Looks
from perturber.ui.components.figures import DRAFT, PAGES, PATH, chosen_options, ids_of, part, preview, rows_of
from perturber.ui.components.session_bar import LONGEST_ADDRESS
from perturber.ui.context import service
from perturber.ui.limits import EXPORTS, SAVES, limited
from perturber.ui.papers.figures import composed
from perturber.ui.states.figures import FiguresState, PanelState
from perturber.ui.states.page import NOT_OURS, parse_query

ZOOM = {"column": 2.0, "page": 1.3, "slide": 1.3}
"""Preset → by which the preview is enlarged."""

NARROW = 35.0
"""Millimetres of a column in which labels of curves and bars hardly have room."""

FIELDS = ("rows", "columns", "options", "title", "preset")


def figures_callbacks() -> None:
    """To be called once as the page's module is imported."""
    address_callback(part)
    _building()
    _remembering()
    _choosing()
    _keeping()


# ---- the figure ---------------------------------------------------------------------------------------------------


def _building() -> None:
    @callback(
        output={
            "facts": Output(part("facts"), "data"),
            "grid": Output(part("grid"), "rowData"),
            "fields": {name: Output(part(name), "value") for name in FIELDS},
            "paper": Output(part("paper"), "children"),
            "sheet": Output(part("sheet"), "hidden"),
            "empty": Output(part("empty"), "hidden"),
            "size": Output(part("size"), "children"),
            "notes": Output(part("notes"), "children"),
            "address": Output(part("address"), "data"),
            "said": Output(part("said"), "children"),
        },
        inputs={
            "fields": {name: Input(part(name), "value") for name in FIELDS},
            "order": Input(part("grid"), "virtualRowData"),
            "edits": Input(part("grid"), "cellValueChanged"),
            "clicks": [Input(part(name), "n_clicks") for name in (*BUTTONS, "again")],
            "draft": Input(DRAFT, "data"),
        },
        state={
            "facts": State(part("facts"), "data"),
            "selected": State(part("grid"), "selectedRows"),
            "adding": {"link": State(part("link"), "value"), "kind": State(part("kind"), "value")},
            "kept": State(part("kept"), "value"),
        },
    )
    def build(fields: Any, order: Any, edits: Any, clicks: Any, draft: Any, **shown: Any) -> dict[str, Any]:
        first, what = not (isinstance(shown["facts"], dict) and shown["facts"].get("drawn")), _triggered()
        chosen = _chosen(shown["selected"])
        state = FiguresState()
        try:
            state = _state(shown["facts"])
            values = {"fields": fields, "order": order, "edits": edits, "draft": draft, "chosen": chosen, **shown}
            new = CHANGES.get("draft" if first else what, _unchanged)(state, what, values)
            if new == state and not first and what != "again":
                return _nothing(said="")
            limited("figures", EXPORTS)
            return {**_nothing(said=""), **_drawn(new), **_kept(new, first=first and new == state)}
        except (PerturberError, BusyError) as error:
            lists = {"grid": rows_of(state, _words(state)), "fields": _fields(state)}
            return {**_nothing(said=str(error)), **lists}


BUTTONS = ("earlier", "later", "remove", "clear", "add", "open")

Values = dict[str, Any]


def _triggered() -> str:
    """Name of the part that has changed."""
    id_ = ctx.triggered_id
    if id_ == DRAFT:
        return "draft"
    name = id_.partition("-")[2] if isinstance(id_, str) else ""
    if name == "grid":
        return "edits" if any(one.endswith(".cellValueChanged") for one in ctx.triggered_prop_ids) else "order"
    if name in (*BUTTONS, "again") and not triggered_value():  # it has only just come to be
        return ""
    return name


def _unchanged(state: FiguresState, what: str, values: Values) -> FiguresState:
    return state


def _field(state: FiguresState, what: str, values: Values) -> FiguresState:
    fields = values["fields"]
    ticked = fields["options"] if isinstance(fields["options"], list) else []
    plain = {name: fields[name] for name in ("rows", "columns", "preset")}
    boxes = {name: name in ticked for name in ("letters", "shared")}
    return state.with_values(**plain, **boxes, title=fields["title"] or "")


def _order(state: FiguresState, what: str, values: Values) -> FiguresState:
    ids, rows = ids_of(state), values["order"]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInputError(NOT_OURS)
    found = [row.get("id") for row in rows]
    if sorted(map(str, found)) != sorted(ids):  # rows of before, which the list has not taken away yet
        return state
    return state.ordered([ids.index(str(one)) for one in found])


def _edit(state: FiguresState, what: str, values: Values) -> FiguresState:
    if not isinstance(values["edits"], list):
        raise InvalidInputError(NOT_OURS)
    for edit in values["edits"]:
        if not isinstance(edit, dict) or edit.get("colId") not in ("caption", "across"):
            raise InvalidInputError(NOT_OURS)
        value = edit.get("value")
        if edit["colId"] == "across":
            value = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 3 else value
        else:
            value = "" if value is None else value
        state = state.changed(_number(state, edit.get("rowId")), **{edit["colId"]: value})
    return state


def _move(state: FiguresState, what: str, values: Values) -> FiguresState:
    return state.moved(_number(state, values["chosen"]), -1 if what == "earlier" else 1)


def _remove(state: FiguresState, what: str, values: Values) -> FiguresState:
    return state.without(_number(state, values["chosen"]))


def _clear(state: FiguresState, what: str, values: Values) -> FiguresState:
    return state.with_values(panels=(), title="")


def _add(state: FiguresState, what: str, values: Values) -> FiguresState:
    link, kind = (values["adding"][name] for name in ("link", "kind"))
    if not isinstance(link, str) or not link.strip():
        raise InvalidInputError("Paste the link of a page first, or choose a snapshot.")
    if not isinstance(kind, str):
        raise InvalidInputError("Choose which figure of the page to add.")
    panel = PanelState.of(long_link(link), kind)
    paper.check(panel.link, kind)
    return state.with_panel(panel)


def _open(state: FiguresState, what: str, values: Values) -> FiguresState:
    if values["kept"] is None:
        raise InvalidInputError("Choose a figure of the session first.")
    return FiguresState.read(Sessions(service().settings.data).figure(values["kept"]).value)


def _of_draft(state: FiguresState, what: str, values: Values) -> FiguresState:
    """What this tab was at, unless the page was opened by a link or is at something already."""
    return state if state != FiguresState() else draft_of(values["draft"])


CHANGES: dict[str, Callable[[FiguresState, str, Values], FiguresState]] = {
    **dict.fromkeys(FIELDS, _field),
    "order": _order,
    "edits": _edit,
    "earlier": _move,
    "later": _move,
    "remove": _remove,
    "clear": _clear,
    "add": _add,
    "open": _open,
    "draft": _of_draft,
}
"""What has changed on the page → what it makes of the figure."""


def draft_of(data: object) -> FiguresState:
    """The figure that a tab is at, as its browser has kept it; an empty one where there is none."""
    query = data.get("query") if isinstance(data, dict) else None
    return FiguresState.from_query(parse_query(query))[0] if isinstance(query, str) else FiguresState()


def _state(facts: object) -> FiguresState:
    return FiguresState.from_query(parse_query(query_of(facts)))[0]


def _chosen(rows: object) -> str | None:
    """The id of the row that is chosen in the list."""
    row = rows[0] if isinstance(rows, list) and rows else None
    return str(row.get("id")) if isinstance(row, dict) else None


def _number(state: FiguresState, id_: object) -> int:
    ids = ids_of(state)
    if id_ is None:
        raise InvalidInputError("Choose a panel in the list first.")
    if id_ not in ids:
        raise InvalidInputError("This panel is not in the figure any more. Choose another one.")
    return ids.index(str(id_))


def _remembering() -> None:
    """The tab remembers the figure, on all pages, and the file that it is laid out for."""

    @callback(
        Output(DRAFT, "data", allow_duplicate=True),
        Input(part("facts"), "data"),
        State(DRAFT, "data"),
        prevent_initial_call=True,
    )
    def remember(facts: object, draft: object) -> Any:
        state = _state(facts)
        return no_update if state == draft_of(draft) else {"query": state.query()}

    @callback(
        Output(LOOKS, "data", allow_duplicate=True),
        Input(part("preset"), "value"),
        State(LOOKS, "data"),
        prevent_initial_call="initial_duplicate",
    )
    def export_alike(preset: object, looks: object) -> Any:
        if not isinstance(preset, str) or preset not in PRESETS:
            return no_update
        filled = {field: getattr(PRESETS[preset], field) for field in OF_A_PRESET}
        return Looks.remembered(looks)._replace(preset=preset, **filled)._asdict()


# ---- what is shown ------------------------------------------------------------------------------------------------


def _nothing(said: str) -> dict[str, Any]:
    keys = ("facts", "grid", "paper", "sheet", "empty", "size", "notes", "address")
    return {**dict.fromkeys(keys, no_update), "fields": dict.fromkeys(FIELDS, no_update), "said": said}


def _fields(state: FiguresState) -> dict[str, Any]:
    plain = {name: getattr(state, name) for name in ("rows", "columns", "title", "preset")}
    return {**plain, "options": chosen_options(state)}


def _words(state: FiguresState) -> list[str]:
    """What each panel shows."""
    words = []
    for panel in state.panels:
        path = urlsplit(panel.link).path
        page = paper.PAGES.get(path)
        what = panel.kind if page is None else page.kinds.get(panel.kind, panel.kind)
        words.append(f"{PAGES.get(path, path)} · {what}")
    return words


def _drawn(state: FiguresState) -> dict[str, Any]:
    """The list and the preview.

    Raises:
        InvalidInputError: the panels do not fit into the grid.
    """
    rows = rows_of(state, _words(state))
    shown = {"grid": rows, "fields": _fields(state)}
    if not state.panels:
        return {**shown, "sheet": True, "empty": False, "size": "", "notes": ""}
    drawn = paper.FIGURES.panels(state, wait=False)
    preset = PRESETS[state.preset]
    try:
        figure = composed(state, drawn, *layout_size(preset))
    except InvalidInputError as error:
        return {**shown, "sheet": True, "empty": True, "size": "", "notes": "", "said": str(error)}
    width, height = figure.layout.width, figure.layout.height
    millimetres = preset.width, preset.width * height / width
    missing = [letter(n) for n, one in enumerate(drawn) if one.paper is None]
    notes = list(dict.fromkeys(note for one in drawn if one.paper is not None for note in one.paper.notes))
    if missing:
        notes.insert(0, f"Not in the figure yet: {', '.join(missing)}. It can be exported when all panels are there.")
    if (wide := preset.width / state.columns) < NARROW:
        notes.append(
            f"Columns of {wide:.0f} mm are narrow: where words touch, give panels more columns, or take fewer."
        )
    return {
        **shown,
        "paper": preview(figure, ZOOM[state.preset]),
        "sheet": False,
        "empty": True,
        "size": f"{millimetres[0]:.0f} × {millimetres[1]:.0f} mm, enlarged {ZOOM[state.preset]:g} times",
        "notes": " ".join(notes),
    }


def _kept(state: FiguresState, *, first: bool) -> dict[str, Any]:
    """What the browser remembers of the figure; what it was opened with it has from somewhere."""
    query = state.query()
    facts = {"query": query, "memory": {}, "drawn": True}
    if first:
        return {"facts": facts}
    address = address_of(PATH, query)
    return {"facts": facts, "address": address}


# ---- what may become a panel --------------------------------------------------------------------------------------


def long_link(text: str) -> str:
    """What a short link stands for; others are returned as they are.

    Raises:
        InvalidInputError: there is no such short link.
    """
    try:
        path = urlsplit(text.strip()).path
    except ValueError:
        return text
    if not path.startswith("/s/"):
        return text
    found = ShortLinks(service().settings.data).long_query(path.removeprefix("/s/"))
    return f"{found.page}?{found.query}"


def _choosing() -> None:
    @callback(
        Output(part("kind"), "options"),
        Output(part("kind"), "value"),
        Output(part("of-link"), "children"),
        Input(part("link"), "value"),
        State(part("kind"), "value"),
        prevent_initial_call=True,
    )
    def kinds_of_link(link: object, kind: object) -> tuple[Any, ...]:
        if not isinstance(link, str) or not link.strip():
            return [], None, ""
        try:
            path = PanelState.of(long_link(link), "any").link.partition("?")[0]
            kinds = paper.kinds(path)
        except PerturberError as error:
            return [], None, str(error)
        known = kind if kind in kinds else next(iter(kinds))
        return options(kinds.items()), known, ""

    sessions_callback(part)

    @callback(
        Output(part("snapshot"), "options"),
        Output(part("snapshot"), "value"),
        Input(part("session"), "value"),
        prevent_initial_call=True,
    )
    def snapshots(session: object) -> tuple[Any, Any]:
        if not isinstance(session, str):
            return [], None
        strip = Sessions(service().settings.data).open(session).strip
        moments = [(one.id, _moment(n, one)) for n, one in enumerate(strip, 1) if one.page in PAGES]
        return options(moments), None

    @callback(
        Output(part("link"), "value"),
        Input(part("page"), "value"),
        Input(part("snapshot"), "value"),
        *(State(f"link-{name.lower()}", "href") for name in PAGES.values()),
        prevent_initial_call=True,
    )
    def link_of_state(page: object, snapshot: Any, *links: Any) -> Any:
        chosen = triggered_value()
        if chosen is None:
            return no_update
        if ctx.triggered_id == part("page"):  # the links to the pages lead to the states in which they were left
            return dict(zip(PAGES, links, strict=True)).get(str(page), no_update)
        found = Sessions(service().settings.data).snapshot(snapshot)
        return f"{found.page}?{found.query}"

    @callback(
        Output(part("copy"), "content"),
        Input(part("copy"), "n_clicks"),
        State(part("facts"), "data"),
        prevent_initial_call=True,
    )
    def link_to_copy(_: object, facts: object) -> str:
        query = _state(facts).query()
        server = request.host_url.rstrip("/")
        if len(query) <= LONGEST_ADDRESS:
            return f"{server}{PATH}?{query}" if query else f"{server}{PATH}"
        limited("links", SAVES)
        return f"{server}/s/{ShortLinks(service().settings.data).short_link(query, PATH)}"


def _moment(number: int, snapshot: Any) -> str:
    taken = datetime.fromtimestamp(snapshot.created, UTC)
    words = snapshot.comment.splitlines()[0][:60] if snapshot.comment.strip() else f"{taken:%d %B %Y, %H:%M} UTC"
    return f"{number} · {PAGES[snapshot.page]} · {words}"


# ---- kept ---------------------------------------------------------------------------------------------------------


def _keeping() -> None:
    @callback(
        output={
            "options": Output(part("kept"), "options"),
            "value": Output(part("kept"), "value"),
            "name": Output(part("name"), "value"),
            "deleted": Output(part("deleted"), "data"),
            "undo": Output(part("restore"), "hidden"),
            "said": Output(part("about-kept"), "children"),
        },
        inputs={
            "session": Input(part("session"), "value"),
            "clicks": [Input(part(name), "n_clicks") for name in ("save", "rename", "delete", "restore")],
        },
        state={
            "kept": State(part("kept"), "value"),
            "name": State(part("name"), "value"),
            "facts": State(part("facts"), "data"),
            "deleted": State(part("deleted"), "data"),
        },
        prevent_initial_call=True,
    )
    def keep(session: Any, clicks: Any, kept: Any, name: Any, facts: Any, deleted: Any) -> dict[str, Any]:
        what = str(ctx.triggered_id).partition("-")[2]
        unchanged = dict.fromkeys(("options", "value", "name", "deleted", "undo"), no_update)
        if what != "session" and not triggered_value():
            return {**unchanged, "said": ""}
        try:
            return {**unchanged, **_changed_session(what, session, kept, name, facts, deleted)}
        except (PerturberError, BusyError) as error:
            return {**unchanged, "said": str(error)}


def _changed_session(what: str, session: Any, kept: Any, name: Any, facts: Any, deleted: Any) -> dict[str, Any]:
    """What the session's part of the page shows after a change.

    Raises:
        PerturberError: it could not be made.
    """
    sessions = Sessions(service().settings.data)
    if not isinstance(session, str):
        if what == "session":
            return {"options": [], "value": None, "said": ""}
        raise InvalidInputError("Choose a session first, above under “Add a panel”.")
    shown: dict[str, Any] = {"value": None, "deleted": None, "undo": True, "said": ""}
    if what == "save":
        limited("saves", SAVES)
        made = NewFigure.of(name, _state(facts).value())
        shown |= {"value": sessions.save_figure(session, made), "said": f"Kept as “{made.name}”."}
    elif what == "rename":
        sessions.rename_figure(_figure(kept), name)
        shown |= {"value": kept, "said": "Renamed."}
    elif what == "delete":
        sessions.delete_figure(_figure(kept))
        shown |= {"deleted": kept, "undo": False, "said": "Deleted."}
    elif what == "restore":
        sessions.restore_figure(_figure(deleted))
        shown |= {"value": deleted, "said": "It is back."}
    return {**shown, "options": options((one.id, one.name) for one in sessions.figures(session))}


def _figure(id_: Any) -> int:
    if id_ is None:
        raise InvalidInputError("Choose a figure of the session first.")
    return id_
