"""Weights are data: found, checked against their hash, read without running code, and mapped onto an architecture."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo import tfjs
from perturber.zoo.catalogue import ModelEntry
from perturber.zoo.layouts import LAYOUTS
from perturber.zoo.reading import State, read_state
from perturber.zoo.sources import weights_file


def load_weights(module: nn.Module, entry: ModelEntry, settings: Settings) -> None:
    """Fill a network with its catalogue weights.

    Raises:
        InvalidInputError: file missing, changed or unsafe, or its tensors do not fit; names the first that differ.
    """
    weights = entry.weights
    if weights.layout not in LAYOUTS:
        raise UnknownNameError("layout of weights", weights.layout, LAYOUTS)
    path = weights_file(entry, settings)
    verify(path, expected(entry, path))
    state = LAYOUTS[weights.layout](read_state(path), module)
    fill(module, _renamed(state, weights.layers), path.name)


def _renamed(state: State, layers: Mapping[str, str]) -> State:
    """Whole layers under other names."""
    split = {key: key.rpartition(".") for key in state}
    return {f"{layers.get(layer, layer)}{dot}{kind}": state[key] for key, (layer, dot, kind) in split.items()}


def expected(entry: ModelEntry, path: Path) -> str:
    """The catalogue's hash, or, where it has none, that of the first pull; empty where neither is known."""
    if entry.weights.sha256:
        return entry.weights.sha256
    try:
        return hash_file(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def hash_file(path: Path) -> Path:
    """Beside pulled weights without a published hash: the hash of what was pulled first."""
    return path.with_name(f"{path.name}.sha256")


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, of a TensorFlow.js model with its shards behind it."""
    found = hashlib.sha256()
    for part in tfjs.files(path) if path.suffix == ".json" else [path]:
        with part.open("rb") as file:
            while block := file.read(2**20):
                found.update(block)
    return found.hexdigest()


def verify(path: Path, sha256: str) -> None:
    """Compare a file with its hash, of which only the first digits may be known.

    Raises:
        InvalidInputError: they differ, or the file cannot be read.
    """
    try:
        found = digest(path)
    except OSError as error:
        raise InvalidInputError(f"The weights {path.name!r} cannot be read: {error.strerror}.") from error
    if not found.startswith(sha256):
        raise InvalidInputError(
            f"The weights {path.name!r} are not the expected file: sha256 {found[:12]}…, expected {sha256[:12]}…. "
            "Install or download them again."
        )


def fill(module: nn.Module, state: State, name: str) -> None:
    """Copy tensors into a network whose keys and shapes must be the same.

    Raises:
        InvalidInputError: listing the first keys that are missing, surplus or of another shape.
    """
    expected = module.state_dict()
    # How many batches training has seen plays no part in inference; Keras and PyTorch before 0.4.1 do not keep it.
    counts = {key: value for key, value in expected.items() if key.endswith("num_batches_tracked")}
    state = {**counts, **state}
    problems = [f"missing {key}" for key in expected if key not in state]
    problems += [f"surplus {key}" for key in state if key not in expected]
    problems += [
        f"{key} is {tuple(state[key].shape)} instead of {tuple(value.shape)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise InvalidInputError(f"The weights {name!r} do not fit the network: {'; '.join(problems[:3])}{more}.")
    module.load_state_dict({key: _laid_out(state[key], value) for key, value in expected.items()})


def _laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """Values in the order in which another tensor has them: to copy into another order *and* type is slow."""
    channels_last = like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last)
    return tensor.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
