"""Figures as files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import plotly.graph_objects as go

from perturber.errors import InvalidInputError
from perturber.export import data, table
from perturber.export.arrays import unpacked
from perturber.export.colours import coloured
from perturber.export.drawing import Plotter, plotter
from perturber.export.presets import FONTS, PIXELS_PER_INCH, POINTS_PER_INCH, Preset
from perturber.export.provenance import Provenance, into_csv, into_html, into_pdf, into_png, into_svg
from perturber.export.sharp import sharpened

MAX_MEGAPIXELS = 64.0
"""Of a PNG."""


class Format(StrEnum):
    """Of a file, by its extension."""

    SVG = "svg"
    PDF = "pdf"
    PNG = "png"
    HTML = "html"
    CSV = "csv"
    JSON = "json"


MIME = {
    Format.SVG: "image/svg+xml",
    Format.PDF: "application/pdf",
    Format.PNG: "image/png",
    Format.HTML: "text/html",
    Format.CSV: "text/csv",
    Format.JSON: "application/json",
}


def export(figure: go.Figure, format: Format, provenance: Provenance, *, by: Plotter | None = None) -> bytes:
    """A figure as a file that says how it came about.

    SVG, PDF and PNG have the size and fonts that the preset of the provenance says. An HTML page is laid out alike
    for a screen, holds Plotly's script and needs no network. CSV is the table of `table.rows`, and JSON holds the same
    beside the figure itself.

    Args:
        by: draws SVG, PDF and PNG; by default the process' own.

    Raises:
        NoChromiumError: SVG, PDF or PNG, and there is no Chromium.
        DrawingError: the figure could not be drawn.
        InvalidInputError: a PNG would have too many pixels.
    """
    figure = unpacked(figure)
    rows = table.rows(figure)
    values = data.numbers(*rows)
    shown = {"data_sha256": data.digest(values), "data": data.packed(values)}
    return WRITERS[format](Work(figure, rows, provenance.model_copy(update=shown), by))


def styled(figure: go.Figure, preset: Preset) -> go.Figure:
    """A copy of a figure in the preset's font and colours, as large as it is laid out: not yet enlarged."""
    copy = coloured(unpacked(figure), qualitative=preset.qualitative, diverging=preset.diverging, dark=preset.dark)
    (width, height), scale = preset.size(figure), preset.scale(figure)
    copy.update_layout(font_family=FONTS[preset.font], width=width / scale, height=height / scale, autosize=False)
    return copy


@dataclass(frozen=True)
class Work:
    """What a file is made of; `rows` is the figure's table."""

    figure: go.Figure
    rows: tuple[list[str], list[list[table.Cell]]]
    provenance: Provenance
    by: Plotter | None

    @property
    def preset(self) -> Preset:
        """How it is drawn."""
        return self.provenance.preset

    def drawn(self, format: Format, *, dpi: float = PIXELS_PER_INCH, sharp: bool = True) -> bytes:
        """By Chromium."""
        figure = styled(self.figure, self.preset)
        if sharp:
            figure = sharpened(figure)
        scale = self.preset.scale(self.figure) * dpi / PIXELS_PER_INCH
        sides = [side * scale for side in (figure.layout.width, figure.layout.height)]
        if format is Format.PNG:  # Chromium cuts fractions of pixels off
            sides = [round(side) + 0.01 for side in sides]
        width, height = (side / scale for side in sides)
        return (self.by or plotter()).draw(figure, format.value, width=width, height=height, scale=scale)  # type: ignore[arg-type]


def _svg(work: Work) -> bytes:
    return into_svg(work.drawn(Format.SVG), work.provenance)


def _pdf(work: Work) -> bytes:
    width, height = (pixels / PIXELS_PER_INCH * POINTS_PER_INCH for pixels in work.preset.size(work.figure))
    return into_pdf(work.drawn(Format.PDF), work.provenance, (width, height))


def _png(work: Work) -> bytes:
    dpi = work.preset.dpi
    width, height = (pixels / PIXELS_PER_INCH * dpi for pixels in work.preset.size(work.figure))
    if width * height > MAX_MEGAPIXELS * 1e6:
        raise InvalidInputError(
            f"A PNG may have {MAX_MEGAPIXELS:g} million pixels, and this one would have {width:.0f} × {height:.0f}. "
            f"Ask for less than {dpi} dpi, or for a smaller figure."
        )
    return into_png(work.drawn(Format.PNG, dpi=dpi, sharp=False), work.provenance)


def _html(work: Work) -> bytes:
    figure = styled(work.figure, work.preset)
    page = figure.to_html(include_plotlyjs=True, include_mathjax=False, div_id="figure", config={"displaylogo": False})
    ground = f'<body style="background: {figure.layout.paper_bgcolor}">'
    return into_html("<!DOCTYPE html>\n" + page.replace("<body>", ground, 1), work.provenance)


def _csv(work: Work) -> bytes:
    return into_csv(table.as_csv(*work.rows), work.provenance)


def _json(work: Work) -> bytes:
    columns, rows = work.rows
    described = {
        "provenance": json.loads(work.provenance.as_json()),
        "figure": json.loads(work.figure.to_json()),
        "columns": columns,
        "rows": rows,
    }
    return json.dumps(described, ensure_ascii=False, allow_nan=False).encode()


WRITERS: dict[Format, Callable[[Work], bytes]] = {
    Format.SVG: _svg,
    Format.PDF: _pdf,
    Format.PNG: _png,
    Format.HTML: _html,
    Format.CSV: _csv,
    Format.JSON: _json,
}
