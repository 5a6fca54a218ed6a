"""A tiny network of four classes in a user's catalogue, and pictures that it can tell apart by their colour."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file
from training_files import CLASSES, COLOURS, MODULE, content, make_recipe

from perturber import zoo
from perturber.config import Settings
from perturber.threads import one_thread
from perturber.training import Batches, Recipe, Trainer, read_pool
from perturber.zoo import own


@pytest.fixture(autouse=True)
def one_core() -> Iterator[None]:
    """The network is so small that sharing its work costs more than it saves."""
    with one_thread():
        yield


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder with the network ``tiny``, whose module is on the path."""
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "tiny_training_network.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PERTURBER_DATA", str(data))
    sys.modules.pop("tiny_training_network", None)
    import tiny_training_network

    save_file(tiny_training_network.network().state_dict(), data / "tiny.safetensors")
    settings = Settings(device="cpu", data=data)
    table = {
        "label": "Tiny", "architecture": "factory:tiny_training_network:network", "licence": "MIT",
        "training": "standard", "classes": "colours", "class_names": list(CLASSES), "mean": [0.5, 0.5, 0.5],
        "std": [0.5, 0.5, 0.5], "input_size": 32, "resize": 36,
        "weights": {"source": "file", "path": "tiny.safetensors", "layout": "same"},
    }  # fmt: skip
    own.add("tiny", table, settings)
    return settings


@pytest.fixture
def tiny(settings: Settings) -> zoo.Network:
    return zoo.load("tiny", "cpu", settings)


@pytest.fixture
def pictures() -> dict[str, bytes]:
    """``<class>/<number>.png``, six of each class."""
    return {
        f"{name}/{name}{i}.png": content(10 * c + i, COLOURS[c]) for c, name in enumerate(CLASSES) for i in range(6)
    }


@pytest.fixture
def folder(tmp_path: Path, pictures: dict[str, bytes]) -> Path:
    for name, data in pictures.items():
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "pictures"


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    return make_recipe


@pytest.fixture
def trainer(tiny: zoo.Network, folder: Path) -> Callable[..., Trainer]:
    """Makes a trainer of the tiny network on the folder of pictures."""

    def make(**changes: Any) -> Trainer:
        made = make_recipe(**changes)
        return Trainer(tiny, made, Batches(read_pool([str(folder)], tiny.entry.class_list), made))

    return make
