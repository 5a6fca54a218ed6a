"""Picture files as users have them, decoded safely: the one place where Pillow meets a file from outside."""

import io
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from perturber.config import Settings
from perturber.errors import InvalidInputError

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "GIF", "TIFF", "TGA", "PPM")
"""Pillow's decoders that may run; others start programs (EPS) or are too rare to be worth trusting."""

HEIC = "HEIF"
"""Pillow's name of the format of Apple's .heic files, which the extra ``heic`` decodes."""

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What stands at bytes 8 to 12 of such a file, behind ``ftyp``."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits that cameras and scanners store in 16: the fewest that hold a picture's brightest pixel are taken for it."""

LONGEST_SIDE = 16_384
"""Of a picture that is brought to a size: decoding costs memory for each row, resizing for each pixel of a side."""

AT_ONCE = 2**20
"""Numbers of more than 8 bits that are scaled at once."""


def decode(
    source: Path | bytes,
    *,
    name: str | None = None,
    alpha: bool = False,
    side: int | None = None,
    notes: list[str] | None = None,
) -> Image.Image:
    """Decode a picture, the right way up (EXIF orientation); of an animation the first frame.

    Transparency is left out, as torchvision's and timm's loaders do it: what a transparent pixel is coloured is shown.
    More than 8 bits a channel are scaled to 8; floats in [0, 1] and in [0, 255] are taken as such, other numbers from
    their smallest to their largest.

    Args:
        source: a file, or the content of one.
        name: what to call it in an error; by default the file's path.
        alpha: keep transparency (mode RGBA where the picture has some), as textures need it.
        side: in pixels, to which the caller reduces what is larger, as it does with uploads; a JPEG is then decoded at
            a fraction of its size that is no smaller than that, and no side may be longer than `LONGEST_SIDE`.
        notes: gets a sentence for each thing that was left out, scaled or guessed.

    Returns:
        A picture of mode RGB, or RGBA.

    Raises:
        InvalidInputError: no such file, not a picture, broken, cut off, with numbers that are not finite, or more
            pixels or longer sides than are allowed, which is checked before anything is decoded.
    """
    if isinstance(source, Path):
        name = str(source)
    called = "" if name is None else f" {name[:200]!r}"
    limit = Settings().max_megapixels
    said: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # our own limit is lower than the one Pillow warns of
            with _open(source) as picture:
                if picture.width * picture.height > limit * 10**6:
                    raise Image.DecompressionBombError
                if side is not None:
                    _check_sides(picture)
                    picture.draft(None, (side, side))
                if getattr(picture, "n_frames", 1) > 1:
                    said.append(f"Of its {picture.n_frames} frames the first one is taken.")  # type: ignore[attr-defined]
                ImageOps.exif_transpose(picture, in_place=True)
                result = _to_rgb(picture, alpha=alpha, notes=said)
    except InvalidInputError as error:
        raise InvalidInputError(f"The picture{called} {error}") from None
    except FileNotFoundError:
        raise InvalidInputError(f"There is no picture{called}.") from None
    except Image.DecompressionBombError:
        raise InvalidInputError(f"The picture{called} has more than {limit} million pixels; make it smaller.") from None
    except Exception as error:  # what Pillow's decoders raise on broken files is not documented
        raise InvalidInputError(f"The file{called} {_why(error, source)}") from error
    if notes is not None:
        notes += said
    return result


def size_of(source: Path | bytes) -> tuple[int, int] | None:
    """Width and height from the head of a picture's file; None where it is none that may be read."""
    try:
        with warnings.catch_warnings(), _open(source) as picture:
            warnings.simplefilter("ignore")
            return picture.size
    except Exception:  # what Pillow raises on broken files is not documented; `decode` makes a sentence of it
        return None


def _open(source: Path | bytes) -> Image.Image:
    Image.init()  # some of the decoders are not known to Pillow before
    formats = [kind for kind in (*FORMATS, HEIC) if kind in Image.OPEN or (kind == HEIC and _knows_heic())]
    return Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=formats)


def _check_sides(picture: Image.Image) -> None:
    if max(picture.size) > LONGEST_SIDE:
        raise InvalidInputError(
            f"has {picture.width:,} × {picture.height:,} pixels, but no side may be longer than {LONGEST_SIDE:,}; "
            "make it smaller."
        )


def _knows_heic() -> bool:
    if find_spec("pillow_heif") is None:
        return False
    import pillow_heif

    pillow_heif.register_heif_opener()  # as often as one likes
    return True


def _why(error: Exception, source: Path | bytes) -> str:
    """What is the matter with a file that Pillow could not read."""
    try:
        start = source[:12] if isinstance(source, bytes) else _first_bytes(source, 12)
    except OSError as unreadable:
        return f"cannot be read: {unreadable.strerror}."
    if not start:
        return "is empty."
    if start[4:8] == b"ftyp" and start[8:12] in HEIC_BRANDS and not _knows_heic():
        return "is HEIC, which needs an extra: pip install 'perturber[heic]'. Or save it as JPEG."
    if any(word in str(error).lower() for word in ("truncated", "end of file", "eof")) or _is_short_webp(source, start):
        return "is cut off: it ends before the picture does. Copy or download it again."
    return "cannot be read as a picture; allowed are PNG, JPEG, WebP, AVIF and their like."


def _is_short_webp(source: Path | bytes, start: bytes) -> bool:
    """Whether a WebP file ends before it says that it does; Pillow only says that there is no decoder."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    return start[:4] == b"RIFF" and start[8:12] == b"WEBP" and size < int.from_bytes(start[4:8], "little") + 8


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _to_rgb(picture: Image.Image, *, alpha: bool, notes: list[str]) -> Image.Image:
    picture.load()
    if picture.mode == "F" or picture.mode.startswith("I"):  # Pillow would cut off what is brighter than 255
        return Image.fromarray(_in_8_bits(np.asarray(picture), notes)).convert("RGB")
    transparent = picture.has_transparency_data
    if transparent and not alpha and _shows_through(picture):
        notes.append("Its transparency is left out.")
    return picture.convert("RGBA" if alpha and transparent else "RGB")


def _shows_through(picture: Image.Image) -> bool:
    """Whether any pixel is transparent at all."""
    picture = picture if "A" in picture.getbands() else picture.convert("RGBA")
    lowest, _ = picture.getchannel("A").getextrema()
    return int(lowest) < 255  # type: ignore[arg-type]


def _in_8_bits(values: np.ndarray, notes: list[str]) -> np.ndarray:
    """Whole numbers or floats of more than 8 bits → uint8."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InvalidInputError("holds numbers that are not finite, so its colours are unknown.")
    whole = np.issubdtype(values.dtype, np.integer)
    if low >= 0 and whole and high <= 2**16 - 1:
        depth = next(bits for bits in DEPTHS if high < 2**bits)
        low, high = 0.0, 2.0**depth - 1
        if depth != 8:
            notes.append(f"Its numbers are taken for {depth} bits, and scaled to 8.")
    elif low >= 0 and not whole and high <= 255:
        low, high = 0.0, 1.0 if high <= 1 else 255.0
    else:
        notes.append(f"Its numbers, {low:g} to {high:g}, are scaled to 0 to 255.")
    scale = 255 / max(high - low, np.finfo(np.float64).tiny)
    result = np.empty(values.shape, np.uint8)
    for start in range(0, values.size, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        result.reshape(-1)[part] = ((values.reshape(-1)[part].astype(np.float64) - low) * scale).round()
    return result
