"""What may be kept in a session: texts, JSON and pictures of limited size, each refused with a sentence."""

import io
import json
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from perturber.errors import InvalidInputError
from perturber.pictures import decode, size_of

LONGEST_NAME = 100
LONGEST_NOTES = 20_000
LONGEST_COMMENT = 2_000
LONGEST_QUERY = 100_000
"""Characters of a state: custom code of 10,000 takes up to 30,000 in a link."""

LARGEST_JSON = 200_000
"""Characters of a memory, and of predictions."""

DEEPEST_JSON = 20
LONGEST_SIDE = 1024
"""Pixels of a model's input."""

THUMBNAIL_SIDE = 128
PAGE = re.compile(r"/[a-z0-9_-]{0,40}")
"""What the path of a page looks like."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is kept.

    Attributes:
        content: WebP, lossless.
        thumbnail: WebP, small and lossy.
        width, height: in pixels.
    """

    content: bytes
    thumbnail: bytes
    width: int
    height: int

    @classmethod
    def of(cls, given: np.ndarray | bytes) -> "Picture":
        """A picture to be kept, equal to the bit.

        Args:
            given: (H, W, 3) uint8, or the content of a PNG or lossless WebP file.

        Raises:
            InvalidInputError: neither, or too large.
        """
        pixels = _pixels(given)
        height, width = pixels.shape[:2]
        # As small as more effort would make it within 1 %, in a fifth of the time.
        return cls(_webp(Image.fromarray(pixels), lossless=True, quality=50, method=2), thumbnail(given), width, height)


def thumbnail(given: np.ndarray | bytes) -> bytes:
    """A small WebP of a picture; as of `Picture.of`.

    Raises:
        InvalidInputError: no picture, or too large.
    """
    picture = Image.fromarray(_pixels(given))
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    return _webp(picture, quality=75, method=4)


def pixels_of(content: bytes) -> np.ndarray:
    """What `Picture.content` holds: (H, W, 3) uint8."""
    with Image.open(io.BytesIO(content), formats=["WEBP"]) as picture:
        return np.asarray(picture.convert("RGB"))


def line(what: str, text: object, longest: int) -> str:
    """A text of one line.

    Raises:
        InvalidInputError: empty, too long, or with signs that cannot be printed.
    """
    found = " ".join(text.split()) if isinstance(text, str) else ""
    if not 1 <= len(found) <= longest or not found.isprintable():
        raise InvalidInputError(f"{what} cannot be called {str(text)[:80]!r}. Allowed: 1 to {longest} characters.")
    return found


def prose(what: str, text: object, longest: int) -> str:
    """A text of several lines, without signs that cannot be printed.

    Raises:
        InvalidInputError: no text, or too long.
    """
    if not isinstance(text, str) or len(text) > longest:
        length = f"{len(text):,} characters" if isinstance(text, str) else "something else than text"
        raise InvalidInputError(f"{what} cannot be {length}. Allowed: up to {longest:,} characters.")
    return "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c in "\n\t")


def page(text: object) -> str:
    """The path of a page.

    Raises:
        InvalidInputError: none of this server's.
    """
    if not isinstance(text, str) or not PAGE.fullmatch(text):
        raise InvalidInputError(f"{str(text)[:80]!r} is no page. Allowed: paths such as /compare.")
    return text


def query(text: object) -> str:
    """A page's state as a link's query, without the question mark.

    Raises:
        InvalidInputError: too long, or nothing that a link holds.
    """
    found = text.removeprefix("?") if isinstance(text, str) else "\n"
    if len(found) > LONGEST_QUERY:
        raise InvalidInputError(
            f"A state of {len(found):,} characters is too long. Allowed: up to {LONGEST_QUERY:,}, as a link holds them."
        )
    if not found.isprintable() or "#" in found:
        raise InvalidInputError(f"{str(text)[:80]!r} is no state. Allowed: what stands behind ? in a page's link.")
    return found


def plain_json(what: str, value: object) -> str:
    """A value as the text of JSON.

    Raises:
        InvalidInputError: nothing that JSON has, too long, or too deep.
    """
    try:
        if _is_deeper(value, DEEPEST_JSON):
            raise InvalidInputError(f"{what} cannot be nested deeper than {DEEPEST_JSON} levels.")
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInputError(f"{what} cannot be kept as JSON: {error}.") from error
    if len(text) > LARGEST_JSON:
        raise InvalidInputError(f"{what} cannot take {len(text):,} characters. Allowed: up to {LARGEST_JSON:,}.")
    return text


def _is_deeper(value: object, levels: int) -> bool:
    here = [value]
    for _ in range(levels + 1):
        here = [
            item
            for one in here
            if isinstance(one, dict | list | tuple)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        if not here:
            return False
    return True


def _pixels(given: np.ndarray | bytes) -> np.ndarray:
    if isinstance(given, bytes):
        if not (given.startswith(b"\x89PNG") or (given[:4] == b"RIFF" and given[8:12] == b"WEBP")):
            raise InvalidInputError("A snapshot's picture must be a PNG or WebP file.")
        if (size := size_of(given)) is not None:
            _check_size(*size)
        return np.asarray(decode(given))
    if not isinstance(given, np.ndarray) or given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3:
        raise InvalidInputError("A snapshot's picture must have three channels of 8 bits.")
    _check_size(given.shape[1], given.shape[0])
    return given


def _check_size(width: int, height: int) -> None:
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise InvalidInputError(
            f"A snapshot's picture cannot have {width} × {height} pixels. Allowed: up to {LONGEST_SIDE} a side."
        )


def _webp(picture: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="WEBP", **options)
    return file.getvalue()
