"""Networks that several tests share."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from perturber import zoo
from perturber.config import Settings
from perturber.zoo import own


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(device="cpu")


@pytest.fixture(scope="session")
def lite0(settings: Settings) -> zoo.Network:
    return zoo.load("efficientnet_lite0", "cpu", settings)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


FACTORIES = """
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn


def network(width: int = 4) -> nn.Module:
    torch.manual_seed(width)
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 8, 3), nn.BatchNorm2d(8), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )


def wide() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 1024, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(1024, 10),
    )


def transformer() -> nn.Module:
    torch.manual_seed(0)
    return VisionTransformer(img_size=32, patch_size=8, embed_dim=24, depth=3, num_heads=2, num_classes=10)


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))


def maps() -> nn.Module:
    return nn.Conv2d(3, 10, 1)


def broken() -> nn.Module:
    raise ValueError("no luck")


def nothing() -> None:
    return None


number = 3
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A user's own installed module ``tiny_networks``."""
    (tmp_path / "tiny_networks.py").write_text(FACTORIES)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("tiny_networks", None)
    return importlib.import_module("tiny_networks")


@pytest.fixture
def own_settings(tmp_path: Path) -> Settings:
    return Settings(device="cpu", data=tmp_path / "data")


def _table(**changes: Any) -> dict[str, Any]:
    """A model's table in a catalogue: a network of 10 classes for pictures of 32 pixels."""
    return {
        "label": "Tiny",
        "architecture": "factory:tiny_networks:network",
        "licence": "MIT",
        "training": "other",
        "classes": "digits",
        "class_names": [f"digit {i}" for i in range(10)],
        "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5],
        "input_size": 32,
        "resize": 36,
        "weights": {"source": "file", "path": "tiny.safetensors", "layout": "same"},
        **changes,
    }


@pytest.fixture
def table() -> Callable[..., dict[str, Any]]:
    return _table


@pytest.fixture
def add(factories: ModuleType, own_settings: Settings) -> Callable[..., zoo.ModelEntry]:
    """Writes a factory's weights beside the user's catalogue and puts the network into it."""

    def put(name: str = "tiny", factory: str = "network", *arguments: Any, **changes: Any) -> zoo.ModelEntry:
        own_settings.data.mkdir(exist_ok=True)
        module = getattr(factories, factory)(*arguments)
        save_file(module.state_dict(), own_settings.data / f"{name}.safetensors")
        weights = {"source": "file", "path": f"{name}.safetensors", "layout": "same"}
        architecture = f"factory:tiny_networks:{factory}"
        return own.add(name, _table(**{"architecture": architecture, "weights": weights, **changes}), own_settings)

    return put
