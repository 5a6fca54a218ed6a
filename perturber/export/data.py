"""The numbers that a figure shows, packed into its file, with which it is compared when it is drawn again."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np
import plotly.graph_objects as go

from perturber.export import table

MAX_PACKED = 2**19
"""Characters of packed numbers in a file; of more there is the hash alone."""

MAX_BYTES = 2**26
"""Of numbers that are unpacked."""


def numbers(columns: Sequence[str], rows: Sequence[Sequence[table.Cell]]) -> np.ndarray:
    """A figure's table (see `table.rows`) as numbers: (rows, columns) float64, NaN for what is none."""
    values = [[value if isinstance(value, int | float) else nan for value in row] for row in rows]
    return np.array(values, np.float64).reshape(len(rows), len(columns))


def digest(values: np.ndarray) -> str:
    """SHA-256 of their shape and bits."""
    return hashlib.sha256(f"{values.shape}".encode() + values.astype("<f8").tobytes()).hexdigest()


def packed(values: np.ndarray) -> str:
    """As text, losslessly; empty where that would be too long."""
    text = base64.b64encode(zlib.compress(values.astype("<f8").tobytes(), 9)).decode()
    return text if len(text) <= MAX_PACKED else ""


@dataclass(frozen=True)
class Compared:
    """How far two figures' numbers differ.

    Attributes:
        equal: whether they are the same to the bit.
        difference: the largest one; infinite where they are not of one kind, NaN where the file does not hold them.
    """

    equal: bool
    difference: float


def compared(figure: go.Figure, sha256: str, text: str) -> Compared:
    """A figure beside the numbers of another, as its file holds them.

    Args:
        sha256: their `digest`; "" where it is not known.
        text: they themselves, `packed`; may be empty.
    """
    mine = numbers(*table.rows(figure))
    if sha256 and digest(mine) == sha256:
        return Compared(True, 0.0)
    theirs = _unpacked(text)
    if theirs is None:
        return Compared(False, nan)
    if theirs.size != mine.size or not np.array_equal(np.isnan(theirs), np.isnan(mine.ravel())):
        return Compared(False, inf)
    return Compared(False, float(np.nanmax(np.abs(theirs - mine.ravel()), initial=0.0)))


def _unpacked(text: str) -> np.ndarray | None:
    """The numbers in a row; None where there are none, or where they are broken."""
    try:
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(base64.b64decode(text, validate=True), MAX_BYTES)
    except (binascii.Error, zlib.error):
        return None
    if not unpacking.eof or not content or len(content) % 8:
        return None
    return np.frombuffer(content, "<f8")
