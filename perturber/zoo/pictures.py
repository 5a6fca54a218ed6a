"""Reading picture files as users have them."""

from pathlib import Path

import numpy as np
from PIL import Image

from perturber.pictures import decode


def read_picture(path: Path) -> Image.Image:
    """Read a picture file as RGB, the right way up (EXIF orientation).

    Raises:
        InvalidInputError: no such file, not a picture, broken or too large.
    """
    return decode(path)


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
