"""A tiny network's source, pictures that it can tell apart by their colour, and recipes to train it by."""

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from perturber.training import Recipe

CLASSES = ("red", "green", "blue", "grey")
COLOURS = ((200, 60, 60), (60, 200, 60), (60, 60, 200), (120, 120, 120))

MODULE = """
import torch
from torch import nn


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4),
    )
"""


def content(seed: int, colour: tuple[int, int, int], side: int = 40) -> bytes:
    """A noisy picture of one colour, as a PNG file."""
    noise = np.random.default_rng(seed).normal(0, 40, (side, side, 3))
    buffer = io.BytesIO()
    Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def make_recipe(**changes: Any) -> Recipe:
    values = {
        "kind": "adversarial", "base": "tiny", "steps": 20, "batch": 6, "size": 24, "lr": 0.01, "warmup": 2,
        "attack_warmup": 4,
    }  # fmt: skip
    return Recipe(**{**values, **changes})


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
