"""Flat drawings in metres, and stamping them on a surface."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Array = np.ndarray
Colour = tuple[int, ...]


class Sheet:
    """A transparent drawing; the origin is its lower left corner, x to the right, y upwards, in metres.

    Args:
        x0, x1, y0, y1: the area that it covers.
        resolution: pixels per metre.
    """

    def __init__(self, x0: float, x1: float, y0: float, y1: float, resolution: float = 280) -> None:
        self.area, self.resolution = (x0, x1, y0, y1), resolution
        size = (round((x1 - x0) * resolution), round((y1 - y0) * resolution))
        self.image = Image.new("RGBA", size, (0, 0, 0, 0))
        self.draw = ImageDraw.Draw(self.image)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        x0, _, _, y1 = self.area
        return (x - x0) * self.resolution, (y1 - y) * self.resolution

    def box(self, x0: float, x1: float, y0: float, y1: float, fill: Colour, radius: float = 0.0) -> None:
        corners = [*self._at(min(x0, x1), max(y0, y1)), *self._at(max(x0, x1), min(y0, y1))]
        self.draw.rounded_rectangle(corners, radius * self.resolution, fill)

    def frame(
        self, x0: float, x1: float, y0: float, y1: float, line: Colour, width: float = 0.02, radius: float = 0.0
    ) -> None:
        corners = [*self._at(min(x0, x1), max(y0, y1)), *self._at(max(x0, x1), min(y0, y1))]
        thick = max(1, round(width * self.resolution))
        self.draw.rounded_rectangle(corners, radius * self.resolution, None, line, thick)

    def disc(self, x: float, y: float, r: float, fill: Colour) -> None:
        (a, b), k = self._at(x, y), r * self.resolution
        self.draw.ellipse([a - k, b - k, a + k, b + k], fill)

    def shape(self, points: list[tuple[float, float]], fill: Colour) -> None:
        self.draw.polygon([self._at(*p) for p in points], fill)

    def line(self, points: list[tuple[float, float]], fill: Colour, width: float = 0.02) -> None:
        thick = max(1, round(width * self.resolution))
        self.draw.line([self._at(*p) for p in points], fill, thick, "curve")

    def text(
        self,
        x: float,
        y: float,
        words: str,
        height: float,
        fill: Colour,
        bold: float = 0.06,
        edge: Colour | None = None,
    ) -> None:
        """Centred text with capitals of about this height; `bold` is a stroke in heights."""
        font = ImageFont.load_default(size=height * self.resolution * 1.38)
        stroke = round(bold * height * self.resolution)
        if edge is not None:
            self.draw.text(
                self._at(x, y), words, edge, font, anchor="mm",
                stroke_width=stroke + max(2, round(0.09 * height * self.resolution)),
            )  # fmt: skip
        self.draw.text(self._at(x, y), words, fill, font, anchor="mm", stroke_width=stroke, stroke_fill=fill)


def stamp(colours: Array, where: Array, x: Array, y: Array, sheet: Sheet) -> None:
    """Lay a drawing over colours.

    Args:
        colours: (N, 3), changed in place.
        where: (N,) which places may be changed.
        x, y: (N,) coordinates of the places on the sheet.
    """
    x0, _, _, y1 = sheet.area
    pixels = np.asarray(sheet.image, float) / 255
    pixels[..., :3] *= pixels[..., 3:]
    column = (x[where] - x0) * sheet.resolution - 0.5
    row = (y1 - y[where]) * sheet.resolution - 0.5
    ink = np.stack([ndimage.map_coordinates(pixels[..., k], (row, column), order=1, cval=0.0) for k in range(4)], -1)
    colours[where] = colours[where] * (1 - ink[:, 3:]) + ink[:, :3]
