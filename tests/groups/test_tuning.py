"""Neurons whose filters are known are found to be what they are."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.groups import tuning

SIDE = 31


def gabor(degrees: float, period: float = 8) -> Tensor:
    """Stripes that run this far counter-clockwise from horizontal: (3, SIDE, SIDE)."""
    down, right = np.mgrid[-15:16, -15:16]
    angle = math.radians(degrees)
    across = right * math.sin(angle) + down * math.cos(angle)
    wave = np.cos(2 * math.pi * across / period) * np.exp(-(down**2 + right**2) / (2 * 4.0**2))
    return torch.tensor(wave - wave.mean(), dtype=torch.float32).expand(3, -1, -1)


def arc(radius: float = 12, period: float = 8) -> Tensor:
    """A bright arc between dark ones, all about a point to the right."""
    down, right = np.mgrid[-15:16, -15:16]
    wave = np.cos(2 * math.pi * (np.hypot(right - radius, down) - radius) / period)
    wave = wave * np.exp(-(down**2 + right**2) / (2 * 9.0**2))
    return torch.tensor(wave - wave.mean(), dtype=torch.float32).expand(3, -1, -1)


def blob() -> Tensor:
    """Centre and surround: no orientation is better than another."""
    down, right = np.mgrid[-15:16, -15:16]
    square = down**2 + right**2
    wave = np.exp(-square / 8) / 8 - np.exp(-square / 32) / 32
    return torch.tensor(wave - wave.mean(), dtype=torch.float32).expand(3, -1, -1)


def colour(red: float, green: float, blue: float) -> Tensor:
    """The same everywhere."""
    return torch.tensor([red, green, blue])[:, None, None].expand(-1, SIDE, SIDE) / SIDE**2


FILTERS = {
    "Edges 0°": gabor(0), "Edges 90°": gabor(90), "Edges 45°": gabor(45), "Edges 135°": gabor(135),
    "Colour: red": colour(2, -1, -1), "Colour: blue": colour(-1, -1, 2), "Colour: yellow": colour(1, 1, -2),
    "Curves": arc(), "": blob(),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(network: Callable[[nn.Module, int], zoo.Network]) -> dict[str, dict[int, float]]:
    convolution = nn.Conv2d(3, len(FILTERS) + 1, SIDE, padding=SIDE // 2, stride=4, bias=False)
    filters = [one / one.norm() for one in FILTERS.values()]
    convolution.weight.data = torch.stack([*filters, torch.zeros(3, SIDE, SIDE)])
    head = (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(len(FILTERS) + 1, 1000))
    return tuning.groups(tuning.measure(network(nn.Sequential(convolution, *head), 96), ["0"], 0)["0"])


@pytest.mark.parametrize("name", [name for name in FILTERS if name])
def test_each_filter_is_in_its_group(name: str, found: dict[str, dict[int, float]]) -> None:
    assert list(FILTERS).index(name) in found[name]


def test_none_is_in_another_group(found: dict[str, dict[int, float]]) -> None:
    names = list(FILTERS)
    edges = {names[c] for name, inside in found.items() if name.startswith("Edges") for c in inside}
    assert edges <= {"Edges 0°", "Edges 45°", "Edges 90°", "Edges 135°", "Curves"}  # an arc has a main direction, too
    for name, inside in found.items():
        if name.startswith("Colour") or name == "Curves":
            assert {names[c] for c in inside} <= {name}
    silent = len(FILTERS)
    assert not any(silent in inside for inside in found.values())


def test_indices_from_responses() -> None:
    """Two neurons: one answers to one orientation alone, the other to all alike and half as much to noise."""
    gratings = torch.zeros(2, 8, 2)
    gratings[1, 2, 0] = 3.0
    gratings[0, :, 1] = 1.0
    hues = torch.tensor([[0.0, 1.0], [0.0, 0.0], [0.0, -1.0], [0.0, 0.0]])
    one = torch.ones(2)
    seen = tuning.tuning(hues, gratings, straight=one, bent=torch.tensor([1.0, 3.0]), noise=torch.tensor([3.0, 0.5]))
    assert seen.oriented.tolist() == pytest.approx([1, 0], abs=1e-6)
    assert float(seen.orientation[0]) == pytest.approx(45)
    assert seen.colour.tolist() == pytest.approx([0, 0.5])
    assert float(seen.hue[1]) == pytest.approx(0, abs=1e-4)
    assert seen.curved.tolist() == pytest.approx([0, 0.5])
    assert seen.textured.tolist() == pytest.approx([0.5, 1 / 3])
