"""Reading picture files as users have them, and making model inputs of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from perturber.errors import InvalidInputError
from perturber.pictures import decode

INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


LONGEST = 4
"""How many times as long as its shorter side the part of a picture is that is resized."""

TAKEN = "Taken as it is, being of the input's size already."
"""What is said of a picture that is not resized."""


def read_picture(path: Path, *, notes: list[str] | None = None) -> Image.Image:
    """Read a picture file as RGB, the right way up (EXIF orientation); `notes` as for `perturber.pictures.decode`.

    Raises:
        InvalidInputError: no such file, not a picture, broken or too large.
    """
    return decode(path, notes=notes)


@dataclass(frozen=True, kw_only=True)
class Crop:
    """How the centre of a picture becomes a model input, as torchvision's presets and timm do it.

    A picture that is of the result's size already goes in as it is: it was made for this input, as those of ImageNet-C
    are and those that Perturber writes.

    Attributes:
        size: side of the result, in pixels.
        resize: the shorter side is brought to this many pixels first; by default 8/7 of `size`.
        side: of the square that is then cut out, in pixels, and brought to `size`; by default `size`.
        interpolation: one of `INTERPOLATIONS`.
        always: whether a picture of the result's size is resized and cropped like all others.

    Raises:
        InvalidInputError: a size below 1, or a square larger than the shorter side.
    """

    size: int
    resize: int | None = None
    side: int | None = None
    interpolation: str = "bicubic"
    always: bool = False

    def __post_init__(self) -> None:
        if min(self.size, self.shorter, self._side) < 1:
            raise InvalidInputError("Pictures cannot be resized or cropped to less than one pixel.")
        if self._side > self.shorter:
            raise InvalidInputError(
                f"No square of {self._side} pixels can be cut out of pictures whose shorter side has {self.shorter}."
            )

    @property
    def shorter(self) -> int:
        """What the shorter side is brought to, in pixels."""
        return self.resize or max(round(self.size * 8 / 7), self.side or 0)

    @property
    def _side(self) -> int:
        return self.side or self.size

    def __call__(self, picture: Image.Image) -> np.ndarray:
        """The centre of a picture: (size, size, 3) uint8.

        Of one that is much longer than wide only the middle is resized, so that 40,000 × 2 pixels are no more work.
        """
        if self.fits(picture.size):
            return np.asarray(picture)
        shorter = min(picture.size)
        width, height = (min(length, LONGEST * shorter + (length - shorter) % 2) for length in picture.size)
        picture = _middle(picture, width, height)
        # As torchvision does, to the pixel.
        resized = [self.shorter if n == shorter else int(self.shorter * n / shorter) for n in (width, height)]
        picture = picture.resize((resized[0], resized[1]), INTERPOLATIONS[self.interpolation])
        picture = _middle(picture, self._side, self._side)
        return np.asarray(picture.resize((self.size, self.size), INTERPOLATIONS[self.interpolation]))

    @property
    def rule(self) -> str:
        """What is done to a picture that is not taken as it is, as a person would say it."""
        brought = "" if self._side == self.size else f", and brought to {self.size} × {self.size}"
        middle = f"the middle {self._side} × {self._side} taken{brought}"
        return f"Shorter side brought to {self.shorter} pixels ({self.interpolation}), {middle}."

    def fits(self, size: tuple[int, int]) -> bool:
        """Whether a picture of this width and height goes in as it is."""
        return size == (self.size, self.size) and not self.always


def _middle(picture: Image.Image, width: int, height: int) -> Image.Image:
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return picture.crop((left, top, left + width, top + height))
