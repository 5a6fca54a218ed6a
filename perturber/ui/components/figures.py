"""The Figures page: what a figure is made of at the left, how it looks at the right."""

import hashlib
from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
from dash import dcc, html
from plotly.graph_objects import Figure

from perturber.export import PRESETS
from perturber.figures.compose import letter
from perturber.ui.components.controls import button, checks, dropdown, labelled, named, options
from perturber.ui.components.export import DRAFT, export_button, export_dialog
from perturber.ui.states.figures import LONGEST_CAPTION, LONGEST_TITLE, MOST, PATH, FiguresState

PAGE = "figures"

EMPTY = "No panels yet. Paste the link of another page, or choose “Add to figure” in its Export dialog."

PAGES = {
    "/": "Explore",
    "/compare": "Compare",
    "/mixing": "Mixing",
    "/checkpoints": "Checkpoints",
    "/sweep": "Sweep",
    "/experiments": "Experiments",
}
"""Path → name of the pages whose figures can be panels."""

SIDES = [(n, str(n)) for n in range(1, MOST + 1)]


def part(name: str) -> str:
    """The id of a part of the page."""
    return f"{PAGE}-{name}"


def figures_page(state: FiguresState, problems: Sequence[str]) -> html.Div:
    """The page in a state; its callback fills in what is shown."""
    return html.Div(
        [
            html.Div([html.P(p) for p in problems], className="problems", role="alert"),
            html.Div([html.Section([*_settings(state), *_panels(), *_adding(), *_keeping()]), _preview()]),
            dcc.Store(id=part("facts"), data={"query": state.query(), "memory": {}}),
            dcc.Store(id=part("settled")),
            dcc.Store(id=part("address")),
            *export_dialog(PAGE),
        ],
        className="figures",
        id=PAGE,
    )


def _settings(state: FiguresState) -> list[Any]:
    sides = [
        dropdown(part(name), name.title(), {"options": options(SIDES), "value": getattr(state, name)})
        for name in ("rows", "columns")
    ]
    presets = {"options": options((name, one.label) for name, one in PRESETS.items()), "value": state.preset}
    boxes = [
        ("letters", "Letters", "Call the panels a, b, c …"),
        ("shared", "One scale", "Give all maps of activations the same scale, with one colour bar"),
    ]
    title = dcc.Input(id=part("title"), value=state.title, maxLength=LONGEST_TITLE, debounce=True, className="wide")
    return [
        html.H1("Figure"),
        html.Div(
            [
                labelled("Grid", [sides[0], html.Span("×"), sides[1]], "Rows × columns", "sides"),
                checks(part("options"), boxes, {"value": chosen_options(state)}),
            ],
            className="bar",
        ),
        html.Div([labelled("Title", named("Title", title), className="wide")], className="bar"),
        html.Div(
            [labelled("For", [dropdown(part("preset"), "For which file it is laid out here", presets, wide=True)])],
            className="bar",
        ),
    ]


def chosen_options(state: FiguresState) -> list[str]:
    """The boxes that are ticked."""
    return [name for name in ("letters", "shared") if getattr(state, name)]


def _panels() -> list[Any]:
    columns: list[dict[str, Any]] = [
        {"field": "letter", "headerName": "", "rowDrag": True, "width": 62, "resizable": False},
        {"field": "what", "headerName": "Panel", "flex": 3, "tooltipField": "link"},
        {
            "field": "caption",
            "headerName": "Caption",
            "headerTooltip": "Double-click or press Enter to change one",
            "flex": 3,
            "editable": True,
            "cellEditorParams": {"maxLength": LONGEST_CAPTION},
        },
        {
            "field": "across",
            "headerName": "Wide",
            "headerTooltip": "Columns that the panel takes",
            "width": 74,
            "editable": True,
            "cellEditor": "agSelectCellEditor",
            "cellEditorParams": {"values": list(range(1, MOST + 1))},
        },
    ]
    grid = dag.AgGrid(
        id=part("grid"),
        columnDefs=columns,
        rowData=[],
        getRowId="params.data.id",
        defaultColDef={"sortable": False, "suppressMovable": True, "suppressHeaderMenuButton": True},
        dashGridOptions={
            "rowDragManaged": True,
            "animateRows": False,
            "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
            "domLayout": "autoHeight",
            "rowHeight": 28,
            "headerHeight": 26,
            "suppressNoRowsOverlay": True,
        },
        style={"width": "100%"},
    )
    buttons = [
        button(part("earlier"), "↑ Earlier", "Move the chosen panel to the place before it"),
        button(part("later"), "↓ Later", "Move the chosen panel to the place behind it"),
        button(part("remove"), "Remove", "Remove the chosen panel"),
        button(part("clear"), "Remove all", "Begin a new figure"),
    ]
    return [
        html.H2("Panels"),
        html.Div(grid, className="grid"),
        html.Div(buttons, className="bar"),
        html.P(id=part("said"), className="message", role="alert"),
    ]


def _adding() -> list[Any]:
    pages = {"options": options(PAGES.items()), "value": None}
    link = dcc.Input(
        id=part("link"), placeholder="Link of a page, from its address bar", debounce=True, className="wide"
    )
    return [
        html.H2("Add a panel"),
        html.Div(
            [
                labelled("From", [dropdown(part("page"), "Page", pages, placeholder="Page …")]),
                html.Span("as this tab has left it"),
            ],
            className="bar",
        ),
        html.Div([labelled("Link", named("Link of a page", link), className="wide")], className="bar"),
        html.Div(
            [
                labelled("Or", [dropdown(part("session"), "Session", {"options": []}, placeholder="Session …")]),
                dropdown(part("snapshot"), "Snapshot", {"options": []}, wide=True, placeholder="Snapshot …"),
            ],
            className="bar",
        ),
        html.Div(
            [
                labelled("Figure", [dropdown(part("kind"), "Figure", {"options": []}, wide=True)], className="wide"),
                button(part("add"), "Add", "Add this figure as a panel", className="use"),
            ],
            className="bar",
        ),
        html.P(id=part("of-link"), className="message", role="alert"),
    ]


def _keeping() -> list[Any]:
    name = dcc.Input(id=part("name"), placeholder="Name", maxLength=100, className="wide")
    return [
        html.H2("Kept in the session"),
        html.Div(
            [
                dropdown(part("kept"), "Figures of the session", {"options": []}, wide=True, placeholder="Figure …"),
                button(part("open"), "Open", "Show this figure in place of the present one"),
                button(part("delete"), "Delete", "Delete this figure from the session"),
                button(part("restore"), "Undo", "Bring back the figure that was deleted", hidden=True),
            ],
            className="bar",
        ),
        html.Div(
            [
                named("Name of the figure", name),
                button(part("save"), "Save", "Keep the figure under this name; one of the same name is replaced"),
                button(part("rename"), "Rename", "Give the figure that is chosen above this name"),
            ],
            className="bar",
        ),
        html.P(id=part("about-kept"), className="message", role="status"),
        dcc.Store(id=part("deleted")),
    ]


def _preview() -> html.Section:
    tools = [
        html.H2("Preview"),
        html.Span(id=part("size"), className="size"),
        button(part("again"), "Draw again", "Draw all panels once more, for those that were not finished"),
        dcc.Clipboard(id=part("copy"), title="Copy the link to this figure", className="quiet"),
        export_button(PAGE, "figure", "all panels as one figure"),
    ]
    return html.Section(
        [
            html.Div(tools, className="bar"),
            html.P(EMPTY, id=part("empty"), className="empty"),
            html.Div(html.Div(id=part("paper")), className="sheet", hidden=True, id=part("sheet")),
            html.P(id=part("notes"), className="notes"),
        ],
        className="preview",
    )


def preview(figure: Figure, zoom: float) -> html.Div:
    """A figure as large as it is laid out, enlarged as a whole.

    Each is drawn anew: Plotly's script would keep what it has made of the axes of the one before.
    """
    digest = hashlib.sha256(figure.to_json().encode()).hexdigest()
    size = {side: f"{figure.layout[side]:.0f}px" for side in ("width", "height")}
    graph = dcc.Graph(id=part("preview"), figure=figure, config={"staticPlot": True}, responsive=False, style=size)
    return html.Div(graph, key=digest, style={**size, "zoom": zoom})


def rows_of(state: FiguresState, words: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of the list of panels.

    Args:
        words: what each panel shows.
    """
    return [
        {
            "id": id_,
            "letter": letter(n) if state.letters else str(n + 1),
            "what": what,
            "caption": panel.caption,
            "across": panel.across,
            "link": panel.link[:300],
        }
        for n, (id_, panel, what) in enumerate(zip(ids_of(state), state.panels, words, strict=True))
    ]


def ids_of(state: FiguresState) -> list[str]:
    """What tells the panels apart, wherever they stand; equal ones are numbered."""
    seen: dict[str, int] = {}
    found = []
    for panel in state.panels:
        digest = hashlib.sha256(f"{panel.kind} {panel.link} {panel.memory!r}".encode()).hexdigest()[:12]
        seen[digest] = number = seen.get(digest, 0) + 1
        found.append(f"{digest}-{number}")
    return found


__all__ = ["DRAFT", "PAGE", "PATH", "chosen_options", "figures_page", "ids_of", "part", "rows_of"]
