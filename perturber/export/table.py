"""The data of a figure as one long table: a row for each point, bar, and cell of a heatmap."""

import base64
import csv
import io
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import pairwise
from math import ceil, isfinite
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image

COLUMNS = ("trace", "name", "type", "x", "y", "z", "text")
"""Those that every table has; those of `EXTRA` follow where a trace has them, then `custom 1` and so on."""

PNG = "data:image/png;base64,"

MOST_PIXELS = 2**16
"""Of all PNGs in a figure that are rows of the table; of more there are the means of square fields."""

EXTRA = ("error_x", "error_y", "size")

Cell = str | float | int | None


def rows(figure: go.Figure) -> tuple[list[str], list[list[Cell]]]:
    """Names of the columns, and the rows.

    Heatmaps come row by row from the first, each cell with the coordinates of its middle (or its name); `x` or `y`
    without values of their own are counted from 0. Values that are not known are None. Of pictures in a figure's
    layout there is nothing; pictures that are traces come pixel by pixel, or as the mean colours of square fields where
    they have more than `MOST_PIXELS`. What hovering shows besides is in the columns `custom 1`, `custom 2`, …
    """
    pixels = sum(height * width for height, width in filter(None, map(_png_size, figure.data)))
    side = ceil((pixels / MOST_PIXELS) ** 0.5) or 1
    found = [
        {"trace": n, "name": unescape(trace.name or ""), "type": trace.type, **row}
        for n, trace in enumerate(figure.data, 1)
        for row in (_cells(trace, side) if trace.type in ("heatmap", "image") else _points(trace))
    ]
    seen = {key for row in found for key in row}
    custom = sorted((key for key in seen if key.startswith("custom ")), key=lambda key: int(key.split()[1]))
    columns = [*COLUMNS, *(name for name in (*EXTRA, "red", "green", "blue", "opacity") if name in seen), *custom]
    return columns, [[_value(row.get(column)) for column in columns] for row in found]


def as_csv(columns: Sequence[str], lines: Sequence[Sequence[Cell]]) -> str:
    """The table as comma-separated values (RFC 4180); numbers are written so that they are read as the same."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_written(value) for value in line] for line in lines)
    return file.getvalue()


def _written(value: Cell) -> str:
    """A cell; text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
    return repr(value)


def _points(trace: Any) -> Iterator[dict[str, Any]]:
    """Of lines, markers and bars."""
    x, y = (_list(trace[along]) for along in "xy")
    count = len((x if y is None else y) or ())
    columns: dict[str, Sequence[Any] | None] = {
        "x": x or _counted(trace, "x", count),
        "y": y or _counted(trace, "y", count),
        "text": _spread(trace["text"], count),
    }
    for name in ("error_x", "error_y"):
        if name in trace and trace[name].array is not None:
            columns[name] = _list(trace[name].array)
    if "marker.size" in trace and _list(trace.marker.size):
        columns["size"] = _list(trace.marker.size)
    custom = _list(trace["customdata"]) or []
    for n in range(count):
        row = {name: values[n] for name, values in columns.items() if values and n < len(values)}
        yield row | (_custom(custom[n]) if n < len(custom) else {})


def _cells(trace: Any, side: int) -> Iterator[dict[str, Any]]:
    """Of heatmaps and pictures; PNGs in fields of so many pixels a side."""
    if trace["z"] is None and _png_size(trace) is None:
        return
    png = trace["z"] is None
    z = _fields(_png(trace), side) if png else np.asarray(trace["z"])
    height, width = z.shape[:2]
    if png and side > 1:
        x, y = (_field_middles(trace, along, side) for along in "xy")
    else:
        x, y = (_middles(trace, along, count) for along, count in (("x", width), ("y", height)))
    text = None if "text" not in trace or trace["text"] is None else np.asarray(trace["text"], object)
    custom = None if trace["customdata"] is None else np.asarray(trace["customdata"])
    for row, column in np.ndindex(height, width):
        cell: dict[str, Any] = {"x": x[column], "y": y[row]}
        if z.ndim == 3:
            cell |= dict(zip(("red", "green", "blue", "opacity"), z[row, column].tolist(), strict=False))
        else:
            cell["z"] = z[row, column].item()
        if text is not None and text.shape[:2] == (height, width):
            cell["text"] = text[row, column]
        if custom is not None and custom.shape[:2] == (height, width):
            cell |= _custom(custom[row, column])
        yield cell


def _png_size(trace: Any) -> tuple[int, int] | None:
    """Height and width of a picture that is a PNG; None for other traces."""
    if trace.type != "image" or trace["z"] is not None or not str(trace["source"]).startswith(PNG):
        return None
    with _opened(trace) as picture:
        return picture.height, picture.width


def _png(trace: Any) -> np.ndarray:
    """Its colours (h, w, 3)."""
    with _opened(trace) as picture:
        return np.asarray(picture.convert("RGB"))


def _opened(trace: Any) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(trace["source"][len(PNG) :])), formats=("PNG",))


def _fields(picture: np.ndarray, side: int) -> np.ndarray:
    """Mean colours of fields of so many pixels a side; those at the right and at the bottom may be smaller."""
    if side == 1:
        return picture
    starts = [np.arange(0, length, side) for length in picture.shape[:2]]
    sums = np.add.reduceat(np.add.reduceat(picture.astype(np.int64), starts[0], 0), starts[1], 1)
    high, wide = (np.diff([*start, length]) for start, length in zip(starts, picture.shape, strict=False))
    return sums / (high[:, None] * wide)[..., None]


def _field_middles(trace: Any, along: str, side: int) -> Sequence[float]:
    height, width = _png_size(trace) or (0, 0)
    places = np.array(_counted(trace, along, width if along == "x" else height), np.float64)
    starts = np.arange(0, len(places), side)
    return (np.add.reduceat(places, starts) / np.diff([*starts, len(places)])).tolist()


def _middles(trace: Any, along: str, count: int) -> Sequence[Any]:
    given = _list(trace[along]) if along in trace else None
    if given is None:
        return _counted(trace, along, count)
    if len(given) == count + 1:  # edges
        return [(a + b) / 2 for a, b in pairwise(given)]
    return given


def _counted(trace: Any, along: str, count: int) -> Sequence[Any]:
    first = 0 if trace[f"{along}0"] is None else trace[f"{along}0"]
    step = 1 if trace[f"d{along}"] is None else trace[f"d{along}"]
    return [first + n * step for n in range(count)]


def _custom(value: Any) -> dict[str, Any]:
    values = np.ravel(value).tolist() if isinstance(value, list | tuple | np.ndarray) else [value]
    return {f"custom {n}": part for n, part in enumerate(values, 1)}


def _spread(text: Any, count: int) -> list[Any] | None:
    return [text] * count if isinstance(text, str) else _list(text)


def _list(values: Any) -> list[Any] | None:
    """An array or list as a list of Python's own; None for what is neither."""
    if isinstance(values, np.ndarray):
        return values.tolist()
    return list(values) if isinstance(values, list | tuple) else None


def _value(value: Any) -> Cell:
    """As JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if value is None or isinstance(value, int | str):
        return unescape(value) if isinstance(value, str) else value
    return str(value)
