"""Picture files as users have them, decoded safely: the one place where Pillow meets a file from outside."""

import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

from perturber.config import Settings
from perturber.errors import InvalidInputError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "TGA", "PPM")
"""Pillow's decoders that may run; others start programs (EPS) or are too rare to be worth trusting."""


def decode(source: Path | bytes, *, name: str | None = None, alpha: bool = False) -> Image.Image:
    """Decode a picture, the right way up (EXIF orientation); of an animation the first frame.

    Args:
        source: a file, or the content of one.
        name: what to call it in an error; by default the file's path.
        alpha: keep transparency (mode RGBA where the picture has some); otherwise it is dropped.

    Returns:
        A picture of mode RGB, or RGBA.

    Raises:
        InvalidInputError: no such file, not a picture, broken, or more pixels than `Settings.max_megapixels`
            allows, which is checked before anything is decoded.
    """
    if isinstance(source, Path):
        name = str(source)
    called = "" if name is None else f" {name[:200]!r}"
    limit = Settings().max_megapixels
    Image.init()  # some of the decoders are not known to Pillow before
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is lower than the one Pillow warns of
            with Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=FORMATS) as picture:
                if picture.width * picture.height > limit * 10**6:
                    raise Image.DecompressionBombError
                return _to_rgb(ImageOps.exif_transpose(picture), alpha=alpha)
    except FileNotFoundError:
        raise InvalidInputError(f"There is no picture{called}.") from None
    except Image.DecompressionBombError:
        raise InvalidInputError(f"The picture{called} has more than {limit} million pixels; make it smaller.") from None
    except Exception as error:  # what Pillow's decoders raise on broken files is not documented
        raise InvalidInputError(
            f"The file{called} cannot be read as a picture; allowed are PNG, JPEG, WebP and their like."
        ) from error


def _to_rgb(picture: Image.Image, *, alpha: bool) -> Image.Image:
    picture.load()
    if picture.mode.startswith("I"):  # 16 bits a pixel: Pillow would cut off what is brighter than 255
        if picture.getextrema()[1] > 255:  # type: ignore[operator]
            picture = picture.convert("I").point(lambda value: value / 257)
        picture = picture.convert("L")
    return picture.convert("RGBA" if alpha and picture.has_transparency_data else "RGB")
