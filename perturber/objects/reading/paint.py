"""Textures from materials: pictures decoded, brought to size, tinted, and filled where nothing is to be seen."""

from collections.abc import Mapping

import numpy as np
from PIL import Image

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.objects.reading.surface import Material
from perturber.pictures import decode, size_of

SMALL, LARGE = 1024, 2048
"""Sides that textures have; blur counts in mip levels, so that small pictures are enlarged."""

FAINT = 32
"""Alpha, of 255, below which a texel's own colour has too few bits left to count."""

IN_ALL = 5
"""Times the megapixels of one picture that all pictures of an object may have together."""


class Painter:
    """Decodes the pictures of one upload.

    Args:
        files: its files, to name a picture in errors and notes.
        notes: gets a sentence for each thing that was left out, scaled or guessed in a picture.

    Raises:
        InvalidInputError: on any call, a picture that cannot be read, or too many pixels in all.
    """

    def __init__(self, files: Mapping[str, bytes], notes: list[str]) -> None:
        self.names = {id(content): name for name, content in files.items()}
        self.notes = notes
        self.room = IN_ALL * Settings().max_megapixels * 10**6
        self._last: tuple[bytes | None, bytes | None, Image.Image | None, Image.Image | None] = (None, None, None, None)

    def side(self, materials: tuple[Material, ...]) -> int:
        """Side of the texture that keeps the finest of the materials' pictures."""
        pictures = [p for m in materials for p in (m.picture, m.glow_picture) if p is not None]
        largest = max((max(size_of(picture) or (1, 1)) for picture in pictures), default=0)
        return LARGE if largest > SMALL else SMALL

    def paint(self, material: Material, side: int) -> np.ndarray:
        """A material's texture (side, side, 4) uint8 sRGB with straight alpha, first row at the top."""
        texels, light = self.colour(material, side), self.light(material, side)
        return texels if light is None else np.round(brightened(texels, light)).astype(np.uint8)

    def light(self, material: Material, side: int) -> np.ndarray | None:
        """What a material emits (side, side, 3) uint8 sRGB, as bright as colours can be; None where it is nothing."""
        if not any(material.glow):
            return None
        light = np.ones((1, 1, 3))
        if material.glow_picture is not None:
            picture = self._decode(material.glow_picture).convert("RGB")
            light = to_linear(_resized(picture, side).astype(np.float32) / 255)
        light = to_srgb(np.minimum(light * np.array(material.glow, np.float32), 1))
        return np.broadcast_to(np.round(light * 255).astype(np.uint8), (side, side, 3))

    def colour(self, material: Material, side: int) -> np.ndarray:
        """The same as `paint` without what it emits."""
        if material.picture is None and material.alpha is None:
            texels = np.empty((side, side, 4), np.uint8)
            texels[:] = np.round(np.array(material.colour) * 255)
            return _opaque(texels) if material.opaque else _cut(texels, material.cutoff)
        picture, mask = self._pictures(material)
        picture = picture or Image.new("RGB", mask.size if mask else (1, 1), "white")
        if material.opaque:
            picture = picture.convert("RGB")
        elif mask is not None:
            picture = picture.convert("RGB")
            picture.putalpha(mask.resize(picture.size, Image.Resampling.BICUBIC))
        texels = _resized(picture.convert("RGBA"), side)
        if material.opaque:
            return _tinted(texels, (*material.colour[:3], 1.0))
        texels = _tinted(texels, material.colour)
        if texels[..., 3].min() < 255:
            texels[..., :3] = filled(texels)
        return _cut(texels, material.cutoff)

    def _pictures(self, material: Material) -> tuple[Image.Image | None, Image.Image | None]:
        if self._last[0] is not material.picture or self._last[1] is not material.alpha:
            picture = None if material.picture is None else self._decode(material.picture)
            mask = None if material.alpha is None else self._decode(material.alpha)
            if mask is not None:
                # Some keep it in the alpha channel, most in the brightness.
                own = mask.mode == "RGBA" and np.asarray(mask.getchannel("A")).min() < 255
                mask = mask.getchannel("A") if own else mask.convert("RGB").convert("L")
            self._last = material.picture, material.alpha, picture, mask
        return self._last[2], self._last[3]

    def _decode(self, content: bytes) -> Image.Image:
        width, height = size_of(content) or (1, 1)
        self.room -= width * height
        if self.room < 0:
            megapixels = IN_ALL * Settings().max_megapixels
            raise InvalidInputError(
                f"The textures have more than {megapixels} million pixels together; make them smaller."
            )
        name, said = self.names.get(id(content), "texture"), list[str]()
        picture = decode(content, name=name, alpha=True, side=LARGE, notes=said)
        self.notes += (f"{name}: {sentence}" for sentence in said)
        return picture.resize((min(picture.width, LARGE), min(picture.height, LARGE)), Image.Resampling.BICUBIC)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light → sRGB (IEC 61966-2-1), both in [0, 1]."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB → linear light, both in [0, 1]."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def brightened(texels: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Texels (..., 4) of 0…255 with light (..., 3), sRGB as well, added to their colour: float32."""
    result = texels.astype(np.float32)
    sum_ = to_linear(result[..., :3] / 255) + to_linear(light.astype(np.float32) / 255)
    result[..., :3] = 255 * to_srgb(np.minimum(sum_, 1))
    return result


def _resized(picture: Image.Image, side: int) -> np.ndarray:
    """Pillow weighs colours by alpha meanwhile, so that what is not to be seen does not run into what is."""
    if picture.size != (side, side):
        picture = picture.resize((side, side), Image.Resampling.BICUBIC)
    return np.array(picture)


def _opaque(texels: np.ndarray) -> np.ndarray:
    texels[..., 3] = 255
    return texels


def _cut(texels: np.ndarray, cutoff: float | None) -> np.ndarray:
    if cutoff is not None:
        texels[..., 3] = np.where(texels[..., 3] >= cutoff * 255, 255, 0)
    return texels


def _tinted(texels: np.ndarray, colour: tuple[float, float, float, float]) -> np.ndarray:
    if colour == (1.0, 1.0, 1.0, 1.0):
        return texels
    table = np.round(np.arange(256)[:, None] * np.array(colour)).astype(np.uint8)
    return np.stack([table[:, channel][texels[..., channel]] for channel in range(4)], -1)


def filled(texels: np.ndarray) -> np.ndarray:
    """Colours (S, S, 3) that run on where nothing is to be seen, so that blending there mixes in nothing foreign.

    A pyramid of means, weighted by alpha, goes up as long as the side is even, and comes down into the gaps.

    Args:
        texels: (S, S, 4) uint8.
    """
    alpha = texels[..., 3:]
    seen = alpha >= FAINT
    weight = np.where(seen, alpha, 0).astype(np.float32) / 255
    levels = [(texels[..., :3].astype(np.float32) * weight, weight)]
    while levels[-1][0].shape[0] % 2 == 0:
        levels.append(tuple(_halved(array) for array in levels[-1]))  # type: ignore[arg-type]
    total, weight = levels[-1]
    colour = total / np.maximum(weight, 1e-6)
    if not weight.all():
        colour = np.where(weight > 0, colour, total.sum((0, 1)) / max(float(weight.sum()), 1e-6))
    for total, weight in reversed(levels[:-1]):
        colour = np.where(weight > 0, total / np.maximum(weight, 1e-6), colour.repeat(2, 0).repeat(2, 1))
    return np.where(seen, texels[..., :3], np.round(colour)).astype(np.uint8)


def _halved(array: np.ndarray) -> np.ndarray:
    half = array.shape[0] // 2
    return array.reshape(half, 2, half, 2, -1).mean((1, 3))
