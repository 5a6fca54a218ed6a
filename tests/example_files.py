"""A folder of tiny pictures, and a small network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from perturber import zoo
from perturber.config import Settings


@pytest.fixture(scope="session")
def network() -> zoo.Network:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1, stride=2), nn.BatchNorm2d(5), nn.ReLU(),
        nn.Conv2d(5, 7, (1, 5), padding=(0, 2)), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(7, 1000),
    )  # fmt: skip
    entry = zoo.entry("efficientnet_lite0", Settings().models)
    return zoo.Network(replace(entry, name="small", input_size=32, resize=36), module)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of several shapes, some in a sub-folder, and a file that is none."""
    root = tmp_path / "pictures"
    random = np.random.default_rng(0)
    for i in range(12):
        pixels = random.integers(0, 256, (36 + i, 48, 3), dtype=np.uint8)
        path = root / ("sub" if i % 3 == 2 else "") / f"{i:02}.{('png', 'PNG', 'bmp')[i % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    (root / "05.jpg").write_bytes(b"no picture")
    (root / "._00.png").write_bytes(b"what another system leaves behind")
    (root / "notes.txt").write_text("no picture either")
    return root
