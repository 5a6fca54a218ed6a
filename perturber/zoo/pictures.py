"""Reading picture files as users have them."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from perturber.errors import InvalidInputError

MAX_PIXELS = 40_000_000
"""Larger pictures are refused before they are decoded."""


def read_picture(path: Path) -> Image.Image:
    """Read a picture file as RGB, the right way up (EXIF orientation).

    Raises:
        InvalidInputError: no such file, not a picture, broken or too large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
            with Image.open(path) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise Image.DecompressionBombError
                return ImageOps.exif_transpose(picture).convert("RGB")
    except FileNotFoundError:
        raise InvalidInputError(f"There is no picture {str(path)!r}.") from None
    except Image.DecompressionBombError:
        raise InvalidInputError(
            f"The picture {str(path)!r} has more than {MAX_PIXELS // 10**6} million pixels; make it smaller."
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InvalidInputError(
            f"The file {str(path)!r} cannot be read as a picture; allowed are PNG, JPEG, WebP and their like."
        ) from error


def crop(picture: Image.Image, size: int, *, resize: int | None = None) -> np.ndarray:
    """The centre of a picture: (size, size, 3) uint8.

    Args:
        size: side of the result, in pixels.
        resize: the shorter side is brought to this many pixels first (bicubic); by default 8/7 of `size`.
    """
    shorter = resize or round(size * 8 / 7)
    width, height = picture.size
    scale = shorter / min(width, height)
    if scale != 1:
        picture = picture.resize(
            (max(size, round(width * scale)), max(size, round(height * scale))), Image.Resampling.BICUBIC
        )
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return np.asarray(picture.crop((left, top, left + size, top + size)))
