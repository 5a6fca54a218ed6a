"""How a figure looks in a file: its size, its font, its colours."""

from dataclasses import dataclass
from math import isfinite

import plotly.graph_objects as go

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.export.colours import DIVERGING_PALETTES, QUALITATIVE_PALETTES

PIXELS_PER_INCH = 96.0
"""Of CSS pixels, in which Plotly lays figures out."""

POINTS_PER_INCH = 72.0
MM_PER_INCH = 25.4

ASPECT = 0.62
"""Height by width of figures that say nothing of theirs."""

BASE_FONT = 11.0
"""Size of a figure's font, in CSS pixels, where it says nothing of it: that of `perturber.figures`."""

FONTS = {
    "sans": "Arial, 'Liberation Sans', Helvetica, sans-serif",
    "serif": "'Times New Roman', 'Liberation Serif', Times, serif",
}
"""Font family → what a browser takes for it, the first that there is."""

WIDTH_MM, FONT_POINTS, DPI = (20.0, 1000.0), (4.0, 60.0), (72, 1200)
"""What is allowed."""


def millimetres(pixels: float) -> float:
    """CSS pixels → millimetres."""
    return pixels / PIXELS_PER_INCH * MM_PER_INCH


def pixels(millimetres: float) -> float:
    """Millimetres → CSS pixels."""
    return millimetres / MM_PER_INCH * PIXELS_PER_INCH


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How a figure looks in a file.

    A figure is laid out as on its page, with its own fonts, lines and margins, and enlarged as a whole until its font
    has the size that is asked for.

    Attributes:
        label: what it is for.
        width: of the file, in millimetres.
        height: of the file, in millimetres; None follows the figure's own proportions.
        font: family, one of `FONTS`.
        points: size of the figure's font in the file; labels that are smaller on the page stay smaller.
        dark: light text and lines on dark ground.
        qualitative, diverging: names of palettes (see `perturber.export.colours`).
        dpi: pixels an inch of a PNG.

    Raises:
        InvalidInputError: a value is not allowed.
    """

    label: str
    width: float
    height: float | None = None
    font: str = "sans"
    points: float = 8.0
    dark: bool = False
    qualitative: str = "perturber"
    diverging: str = "red-blue"
    dpi: int = 300

    def __post_init__(self) -> None:
        for kind, name, allowed in (
            ("font", self.font, FONTS),
            ("palette", self.qualitative, QUALITATIVE_PALETTES),
            ("diverging palette", self.diverging, DIVERGING_PALETTES),
        ):
            if name not in allowed:
                raise UnknownNameError(kind, name, allowed)
        sizes = {"width": self.width, "height": self.width if self.height is None else self.height}
        for what, value in sizes.items():
            _within(f"{what} of a figure", value, WIDTH_MM, "mm")
        _within("size of a figure's font", self.points, FONT_POINTS, "points")
        _within("resolution of a figure", self.dpi, DPI, "dpi")

    def size(self, figure: go.Figure) -> tuple[float, float]:
        """Width and height of the file, in CSS pixels."""
        own = figure.layout.width, figure.layout.height
        aspect = own[1] / own[0] if all(own) else ASPECT
        width = pixels(self.width)
        return width, width * aspect if self.height is None else pixels(self.height)

    def scale(self, figure: go.Figure) -> float:
        """By which a figure is enlarged for its font to have the right size."""
        return self.points / POINTS_PER_INCH * PIXELS_PER_INCH / (figure.layout.font.size or BASE_FONT)


def layout_size(preset: Preset) -> tuple[float, float | None]:
    """Pixels in which a figure of the usual font is laid out for a file, before it is enlarged; None for any height."""
    scale = preset.points / POINTS_PER_INCH * PIXELS_PER_INCH / BASE_FONT
    return pixels(preset.width) / scale, None if preset.height is None else pixels(preset.height) / scale


def _within(what: str, value: float, limits: tuple[float, float], unit: str) -> None:
    low, high = limits
    if not (isfinite(value) and low <= value <= high):
        raise InvalidInputError(f"The {what} cannot be {value:g} {unit}. Allowed: {low:g} to {high:g} {unit}.")


PRESETS = {
    "column": Preset(label="One column (85 mm)", width=85),
    "page": Preset(label="Two columns (175 mm)", width=175),
    "slide": Preset(label="Slide (1920 × 1080)", width=millimetres(1920), height=millimetres(1080), points=24, dpi=96),
}
"""Name → preset; `dataclasses.replace` changes what is not to be as it says."""
