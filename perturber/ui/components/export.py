"""The button that exports a figure, and the dialog that asks how the file is to look."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import dash_bootstrap_components as dbc
from dash import dcc, html

from perturber.export import FONTS, PRESETS, Format
from perturber.export.colours import DIVERGING_PALETTES, QUALITATIVE_PALETTES
from perturber.export.presets import DPI, FONT_POINTS, WIDTH_MM
from perturber.ui.components.controls import TITLE, button, dialog_title, dropdown, named, options

LOOKS = "export-looks"
"""Id of the store that remembers, for all pages in a tab, how files were to look."""

DRAFT = "figure-draft"
"""Id of the store that remembers, for all pages in a tab, the figure that is being composed."""

FORMATS = {
    Format.SVG: "Vector graphics, for editing and the web",
    Format.PDF: "Vector graphics with fonts embedded, for papers",
    Format.PNG: "Pixels, as many an inch as you say",
    Format.HTML: "A page that needs no network, and says what is pointed at",
    Format.CSV: "The numbers in the figure as a table",
    Format.JSON: "The figure as Plotly has it, and its numbers",
}
"""Format → what it is for."""

SAYS_WRONG, SAYS_FINE = "message", "message fine"
"""Classes of the sentence in the dialog: of what went wrong, and of what was done."""

OF_A_PRESET = ("width", "points", "dpi")
"""Fields that a preset fills in."""

OF_DATA = (Format.CSV, Format.JSON)
"""Formats that are not drawn, so that looks do not matter."""

BY_CHROMIUM = (Format.SVG, Format.PDF, Format.PNG)

NO_CHROMIUM = (
    "The server has no Chromium to draw with: SVG and PNG come from this browser and do not say how they came about, "
    "and there is no PDF."
)

FONT_NAMES = dict(zip(FONTS, ("Sans serif", "Serif"), strict=True))
GROUNDS = {"light": "Light", "dark": "Dark"}
QUALITATIVE = dict(zip(QUALITATIVE_PALETTES, ("As on the page", "Okabe and Ito", "Tol, bright"), strict=True))
DIVERGING = dict(zip(DIVERGING_PALETTES, ("Red and blue", "Orange and purple"), strict=True))
PRESET_NAMES = {name: preset.label for name, preset in PRESETS.items()}
"""Value of a field → its words."""


class Looks(NamedTuple):
    """How a file is to look, as the dialog's fields say; see `perturber.export.Preset`."""

    format: Any = Format.PDF.value
    preset: Any = "column"
    width: Any = PRESETS["column"].width
    font: Any = PRESETS["column"].font
    points: Any = PRESETS["column"].points
    ground: Any = "light"
    qualitative: Any = PRESETS["column"].qualitative
    diverging: Any = PRESETS["column"].diverging
    dpi: Any = PRESETS["column"].dpi

    @classmethod
    def remembered(cls, data: object) -> "Looks":
        """Those that a browser has kept, as far as there are any."""
        known = data if isinstance(data, Mapping) else {}
        return cls(**{name: known[name] for name in cls._fields if name in known})


def export_id(page: str, kind: Any) -> dict[str, Any]:
    """The id of the button that exports a figure."""
    return {"page": page, "export": kind}


def look_id(page: str, look: Any) -> dict[str, Any]:
    """The id of a field of the dialog: the figure, or one of `Looks`."""
    return {"page": page, "look": look}


def part_id(page: str, part: str) -> str:
    """The id of another part of the dialog: ``dialog``, ``said``, ``go`` or ``file``."""
    return f"{page}-export-{part}"


def export_button(page: str, kind: str, label: str, *, className: str = "") -> html.Button:
    """The button that opens the dialog.

    Args:
        kind: name of the figure (see `perturber.ui.paper.kinds`).
        label: what is exported, for a tooltip and for who cannot see it.
    """
    title = f"Export: {label}"
    return button(export_id(page, kind), "Export", title, className=f"quiet export {className}".rstrip())


def export_dialog(page: str) -> Sequence[Any]:
    """The closed dialog, and what remembers its looks."""
    return [
        dbc.Modal(id=part_id(page, "dialog"), is_open=False, centered=True, labelledby=TITLE),
        dcc.Store(id=LOOKS, storage_type="session"),
    ]


def export_form(
    page: str, kind: str, kinds: Mapping[str, str], looks: Looks, *, chromium: bool, panel: bool = True
) -> list[Any]:
    """What the dialog holds.

    Args:
        kind: of the figure that is exported.
        kinds: of all figures of the page → what they are.
        chromium: whether the server can draw.
        panel: whether its figures can be panels of another one.
    """
    if not chromium and looks.format == Format.PDF:
        looks = looks._replace(format=Format.SVG.value)
    disabled = disabled_looks(looks.format)

    def menu(look: str, label: str, words: Mapping[Any, str]) -> html.Div:
        props = {
            "options": options(words.items()),
            "value": getattr(looks, look),
            "disabled": disabled.get(look, False),
        }
        return dropdown(look_id(page, look), label, props)

    def number(look: str, label: str, limits: tuple[float, float], unit: str) -> html.Span:
        field = dcc.Input(
            id=look_id(page, look),
            type="number",
            value=getattr(looks, look),
            min=limits[0],
            max=limits[1],
            step="any",
            disabled=disabled[look],
        )
        return html.Span([named(label, field), unit], className="number")

    figure = {"options": options(kinds.items()), "value": kind}
    formats = [
        {"value": one.value, "label": one.upper(), "title": title, "disabled": one is Format.PDF and not chromium}
        for one, title in FORMATS.items()
    ]
    format_choice = dcc.RadioItems(
        id=look_id(page, "format"), options=formats, value=looks.format, inline=True, className="tabs"
    )
    colours = [
        menu("qualitative", "Colours of lines and bars", QUALITATIVE),
        menu("diverging", "Colours of maps", DIVERGING),
    ]
    rows: list[tuple[str, list[Any]]] = [
        ("Figure", [dropdown(look_id(page, "figure"), "Figure", figure, wide=True, maxHeight=320, optionHeight=26)]),
        ("Format", [named("Format", format_choice)]),
        ("Size", [menu("preset", "Size", PRESET_NAMES), number("width", "Width in millimetres", WIDTH_MM, "mm wide")]),
        ("Font", [menu("font", "Font", FONT_NAMES), number("points", "Size of the font in points", FONT_POINTS, "pt")]),
        ("Ground", [menu("ground", "Ground", GROUNDS)]),
        ("Colours", colours),
        ("Resolution", [number("dpi", "Dots an inch", DPI, "dpi, for PNG")]),
    ]
    body = [
        *(html.Div([html.Span(words), *controls]) for words, controls in rows),
        *([] if chromium else [html.P(NO_CHROMIUM, className="without")]),
        html.P(id=part_id(page, "said"), className=SAYS_WRONG, role="alert"),
        dcc.Download(id=part_id(page, "file")),
        dcc.Store(id=f"{page}-saved"),
    ]
    buttons = [
        button(part_id(page, "describe"), "Methods …", "What was done, as text for a paper, and the works behind it"),
        button(part_id(page, "add"), "Add to figure", "Make it a panel of the figure on the page Figures"),
        html.Button("Download", id=part_id(page, "go"), className="use", n_clicks=0),
    ]
    if not panel:
        del buttons[1]
    return [dialog_title("Export a figure"), dbc.ModalBody(body, class_name="looks"), dbc.ModalFooter(buttons)]


def methods_form(page: str, markdown: str, bibtex: str, notes: Sequence[str]) -> list[Any]:
    """What the dialog with the text for a paper holds."""
    texts = [("text", "Text (Markdown, works as Pandoc names them)", markdown), ("works", "Works (BibTeX)", bibtex)]
    body: list[Any] = [html.P(" ".join(notes), className="without")] if notes else []
    for name, label, text in texts:
        copy = dcc.Clipboard(content=text, title=f"Copy: {label}", className="quiet", id=part_id(page, f"copy-{name}"))
        body.append(html.Div([html.H3(label), copy], className="bar"))
        body.append(html.Pre(text, tabIndex=0, id=part_id(page, name)))
    return [dialog_title("Methods"), dbc.ModalBody(body, class_name="methods")]


def disabled_looks(format: object) -> dict[str, bool]:
    """Field → whether it does not matter for files of a format."""
    data = format in OF_DATA
    return {name: format != Format.PNG if name == "dpi" else data for name in Looks._fields if name != "format"}
