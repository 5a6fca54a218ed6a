"""Random views of a picture: Lucent's chain of transforms as one resampling.

Lucent pads, shifts, scales, rotates, shifts again and enlarges to the network's input. All of this is affine, so that
one bilinear resampling gives the same views, and only those pixels need be made that a neuron sees. The distribution
is that of `lucent.optvis.transform.standard_transforms` followed by the resize of `lucent.optvis.render`. Differences:

* pictures are interpolated once instead of up to four times, so they are sharper;
* what the chain cuts off at the edge of an intermediate frame stays visible: strips of the grey margin of at most
  7 pixels, and up to 3 pixels at the edge of the view, where the chain has black;
* Lucent leaves pictures of 224 pixels and more as large as they are; here all are resized to the network's input.
"""

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from perturber.zoo import Layer

PAD = 12
PAD_VALUE = 0.5
SHIFT = 8
SCALES = tuple(1 + (i - 5) / 50 for i in range(11))
ANGLES = (*range(-10, 11), 0, 0, 0, 0, 0)
LATE_SHIFT = 4
"""Those of Lucent's standard transforms: pixels, grey level, degrees."""

Window = tuple[int, int, int, int]
"""Part of a network's input, in pixels: top, left, bottom, right, half open."""


@dataclass(frozen=True, kw_only=True)
class View:
    """One view.

    Attributes:
        shift: pixels of the picture to the right and down.
        scale: of the padded picture; the frame grows with it, so that only what makes smaller changes the view.
        angle: degrees, counter-clockwise.
        late_shift: the same as `shift` behind the rotation.
    """

    shift: tuple[int, int] = (0, 0)
    scale: float = 1.0
    angle: float = 0.0
    late_shift: tuple[int, int] = (0, 0)

    @classmethod
    def draw(cls, generator: random.Random) -> "View":
        """A view from Lucent's distribution."""
        return cls(
            shift=(generator.randrange(SHIFT), generator.randrange(SHIFT)),
            scale=generator.choice(SCALES),
            angle=float(generator.choice(ANGLES)),
            late_shift=(generator.randrange(LATE_SHIFT), generator.randrange(LATE_SHIFT)),
        )

    def matrix(self, size: int, out: int) -> np.ndarray:
        """(3, 3) from pixels (x, y, 1) of a view of side `out` to those of the padded picture of side `size`."""
        scaled = math.ceil(self.scale * size)
        margin = max(0, math.ceil((size - scaled) / 2))
        frame = scaled + 2 * margin
        centre = (frame - 1) / 2
        return (
            _move(-self.shift[0], -self.shift[1])
            @ _zoom((size - 1) / (scaled - 1))
            @ _move(centre - margin, centre - margin)
            @ _turn(self.angle)
            @ _move(-centre - self.late_shift[0], -centre - self.late_shift[1])
            @ _zoom((frame - 1) / (out - 1))
        )

    def show(self, pictures: Tensor, out: int, window: Window | None = None) -> Tensor:
        """Look at all pictures from this view.

        Args:
            pictures: (B, 3, S, S) in [0, 1].
            out: side of the network's input.
            window: the part of it that is wanted; everything where it is not given.

        Returns:
            (B, 3, height of the window, its width); black outside the padded picture.
        """
        top, left, bottom, right = window or (0, 0, out, out)
        padded = F.pad(pictures, [PAD] * 4, value=PAD_VALUE)
        size = padded.shape[-1]
        samples = max(1, round(size / out))  # a large picture's pixels must all be seen, not every second one
        to_picture = self.matrix(size, out) * 2 / (size - 1)
        x = (torch.arange((right - left) * samples, device=pictures.device) + 0.5) / samples - 0.5 + left
        y = ((torch.arange((bottom - top) * samples, device=pictures.device) + 0.5) / samples - 0.5 + top)[:, None]
        grid = torch.stack([float(a) * x + float(b) * y + float(c - 1) for a, b, c in to_picture[:2]], -1)
        shown = F.grid_sample(padded, grid.expand(len(padded), -1, -1, -1), align_corners=True)
        return shown if samples == 1 else F.avg_pool2d(shown, samples)


@lru_cache(maxsize=1024)
def seen(layer: Layer, input_size: int, size: int) -> Window:
    """The square of a picture that the middle unit of a layer sees in any view: nothing outside has any effect on it.

    Args:
        layer: its receptive field is the theoretical one.
        input_size: side of the network's input.
        size: side of the picture.

    Returns:
        The part of the picture; all of it where the unit sees as much.
    """
    if layer.field is None:
        return 0, 0, size, size
    top, left, bottom, right = layer.field.box(layer.height // 2, layer.width // 2)
    corners = np.array([(x, y, 1) for x, y in product((left, right - 1), (top, bottom - 1))]).T
    extremes = product((0, SHIFT - 1), (0, SHIFT - 1), (SCALES[0], 1.0, SCALES[-1]), (-10, 0, 10), (0, LATE_SHIFT - 1))
    views = [View(shift=(x, y), scale=s, angle=a, late_shift=(late, late)) for x, y, s, a, late in extremes]
    places = np.concatenate([(view.matrix(size + 2 * PAD, input_size) @ corners)[:2] for view in views], 1) - PAD
    low, high = np.floor(places.min(1)), np.floor(places.max(1)) + 2  # bilinear: each place weighs two pixels
    side = int(min(size, (high - low).max()))
    x, y = (int(min(max(0, round(middle - side / 2)), size - side)) for middle in (low + high) / 2)
    return y, x, y + side, x + side


def cut(pictures: np.ndarray, part: Window | None) -> np.ndarray:
    """A part of pictures (n, S, S, 3); all of them where there is none."""
    top, left, bottom, right = part or (0, 0, *pictures.shape[1:3])
    return pictures[:, top:bottom, left:right]


def _move(x: float, y: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]])


def _zoom(factor: float) -> np.ndarray:
    return np.diag([factor, factor, 1.0])


def _turn(degrees: float) -> np.ndarray:
    """From a picture that was turned counter-clockwise back to the one before; y points down."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])
