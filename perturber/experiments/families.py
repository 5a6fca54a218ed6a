"""Families of synthetic pictures, each over two quantities: what a neuron's tuning is drawn over.

As in OpenAI Microscope and the Circuits thread (Cammarata et al. 2020, Curve Detectors; Schubert et al. 2021,
High-Low Frequency Detectors). Pictures have three channels in [0, 1] and mid-grey for zero.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from perturber.errors import UnknownNameError

TURNS = tuple(15.0 * n for n in range(24))
HALF_TURNS = tuple(15.0 * n for n in range(12))


@dataclass(frozen=True)
class Quantity:
    """One of the two quantities.

    Attributes:
        label: what a figure's axis says.
        unit: "" for a pure number.
        values: that it takes.
    """

    label: str
    unit: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Family:
    """Pictures over two quantities.

    Attributes:
        label: name in the interface.
        help: what the pictures show.
        rows, columns: the quantities.
        draw: side of the pictures in pixels, values of both quantities (B,) each → (B, 3, side, side) in [0, 1].
        pooling: what of a map tells of a neuron's answer: its middle where something lies in the middle of the picture,
            its largest value for waves, which lie well somewhere, or its mean.
        shown: share of the side of the pictures' middle that is worth being shown.
    """

    label: str
    help: str
    rows: Quantity
    columns: Quantity
    draw: Callable[[int, Tensor, Tensor], Tensor]
    pooling: Literal["middle", "max", "mean"] = "middle"
    shown: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Values of the two quantities."""
        return len(self.rows.values), len(self.columns.values)

    def pictures(self, side: int, first: int, count: int) -> Tensor:
        """Some of the pictures in order, the second quantity changing fastest: (B, 3, side, side), B ≤ `count`."""
        pairs = [(row, column) for row in self.rows.values for column in self.columns.values][first : first + count]
        rows, columns = torch.tensor(pairs).T
        return self.draw(side, rows, columns)


def family(name: str) -> Family:
    """The family of this name.

    Raises:
        UnknownNameError: naming the families that there are.
    """
    if name not in FAMILIES:
        raise UnknownNameError("family of pictures", name, FAMILIES)
    return FAMILIES[name]


def _plane(side: int) -> tuple[Tensor, Tensor]:
    """x to the right and y up of each pixel from the middle, in pixels: (1, side, side) each."""
    line = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    y, x = torch.meshgrid(-line, line, indexing="ij")
    return x[None], y[None]


def _along(side: int, degrees: Tensor) -> Tensor:
    """How far each pixel lies in a direction, counter-clockwise from the right: (B, side, side), in pixels."""
    x, y = _plane(side)
    angle = torch.deg2rad(degrees).view(-1, 1, 1)
    return x * angle.cos() + y * angle.sin()


def _grey(values: Tensor) -> Tensor:
    """(B, side, side) about 0 → pictures."""
    return (0.5 + values).clamp(0, 1)[:, None].expand(-1, 3, -1, -1).contiguous()


def _curves(side: int, radius: Tensor, degrees: Tensor) -> Tensor:
    """A dark arc on grey through the middle, bent towards a direction."""
    x, y = _plane(side)
    angle, radius = torch.deg2rad(degrees).view(-1, 1, 1), radius.view(-1, 1, 1) * side
    away = torch.hypot(x - radius * angle.cos(), y - radius * angle.sin()) - radius
    window = torch.exp(-(x**2 + y**2) / (2 * (side / 8) ** 2))
    return _grey(-0.5 * torch.exp(-((away / (side / 56)) ** 2)) * window)


def _gratings(side: int, period: Tensor, degrees: Tensor) -> Tensor:
    waves = torch.cos(2 * math.pi * _along(side, degrees) / period.view(-1, 1, 1))
    return _grey(0.5 * waves)


def _colours(side: int, saturation: Tensor, hue: Tensor) -> Tensor:
    """One colour, of the HSV circle, of value 1 at full saturation and mid-grey at none."""
    turns = hue.view(-1, 1) / 60 + torch.tensor([5.0, 3.0, 1.0])
    k = turns % 6
    pure = 1 - torch.minimum(torch.minimum(k, 4 - k), torch.ones(())).clamp_min(0)
    colour = 0.5 + saturation.view(-1, 1) * (pure - 0.5)
    return colour[:, :, None, None].expand(-1, -1, side, side).contiguous()


def _gradients(side: int, width: Tensor, degrees: Tensor) -> Tensor:
    """From dark to bright in a direction, over a share of the side."""
    share = _along(side, degrees) / (width.view(-1, 1, 1) * side)
    return _grey(share.clamp(-0.5, 0.5))


def _boundaries(side: int, period: Tensor, degrees: Tensor) -> Tensor:
    """A fine grating on the side towards a direction, and one four times as coarse on the other, both across it."""
    along = _along(side, degrees)
    fine, coarse = (torch.cos(2 * math.pi * along / (period.view(-1, 1, 1) * factor)) for factor in (1, 4))
    return _grey(0.5 * torch.where(along > 0, fine, coarse))


FAMILIES = {
    "curves": Family(
        "Curves",
        "A dark arc, bent towards a direction.",
        Quantity("Radius", "of the picture", (0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.6)),
        Quantity("Orientation", "°", TURNS),
        _curves,
        shown=0.5,
    ),
    "gratings": Family(
        "Gratings",
        "Black-and-white waves that run in a direction.",
        Quantity("Period", "px", (3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)),
        Quantity("Orientation", "°", HALF_TURNS),
        _gratings,
        pooling="max",
        shown=0.2,
    ),
    "colours": Family(
        "Colours",
        "One colour everywhere.",
        Quantity("Saturation", "", (0.0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0)),
        Quantity("Hue", "°", TURNS),
        _colours,
        pooling="mean",
    ),
    "gradients": Family(
        "Brightness gradients",
        "From black to white in a direction, over a share of the picture.",
        Quantity("Width", "of the picture", (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.4)),
        Quantity("Orientation", "°", TURNS),
        _gradients,
        shown=0.5,
    ),
    "boundaries": Family(
        "High–low frequency boundaries",
        "Fine waves on the side towards a direction, and waves four times as long on the other.",
        Quantity("Period of the fine side", "px", (2.0, 3.0, 4.0, 6.0, 8.0, 12.0)),
        Quantity("Orientation", "°", TURNS),
        _boundaries,
        shown=0.25,
    ),
}
"""Name → family."""
