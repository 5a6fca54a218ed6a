"""Weights are data: found, checked against their hash, read without running code, and mapped onto an architecture."""

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from perturber.config import Settings
from perturber.effects.colour import LUMA
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo import tfjs
from perturber.zoo.catalogue import ModelEntry
from perturber.zoo.fitting import fit, takes_grey
from perturber.zoo.layouts import DIRECT, LAYOUTS
from perturber.zoo.reading import State, kind, read_parts
from perturber.zoo.sources import weights_file


def load_weights(module: nn.Module, entry: ModelEntry, settings: Settings) -> tuple[str, ...]:
    """Fill a network with its catalogue weights.

    Returns:
        What was stripped, left out, chosen or converted, a sentence each.

    Raises:
        InvalidInputError: file missing, changed or unsafe, or its tensors do not fit; names the first that differ.
    """
    weights = entry.weights
    if weights.layout not in (*DIRECT, *LAYOUTS):
        raise UnknownNameError("layout of weights", weights.layout, [*DIRECT, *LAYOUTS])
    path = weights_file(entry, settings)
    verify(path, expected(entry, path))
    found = fit(read_parts(path), module, path.name, layout=weights.layout, layers=weights.layers, ema=weights.ema)
    carried = found.normalisation
    notes = [*found.notes, *fill(module, found.state)]
    if carried is not None and not carried.agrees(entry.mean, entry.std):
        notes.append("The catalogue's mean and std differ from those that the file carries, and count.")
    return tuple(notes)


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
    for part in tfjs.files(path) if kind(path) == "tfjs" else [path]:
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


def fill(module: nn.Module, state: State) -> list[str]:
    """Copy tensors into a network, whose keys and shapes are its own but for convolutions of grey pictures.

    Returns:
        What was converted, a sentence each.
    """
    expected, notes = module.state_dict(), []
    grey = [key for key, like in expected.items() if takes_grey(state[key], like)]
    for key in grey:
        if "StdConv" in type(module.get_submodule(key.rpartition(".")[0])).__name__:
            raise InvalidInputError(
                "Weights that take one channel cannot be used here: their filters are standardised."
            )
    if grey:
        state = {**state, **{key: _coloured(state[key]) for key in grey}}
        notes.append("It takes one channel: its first filters see the luma (Rec. 601) of the coloured picture.")
    if any(tensor.dtype == torch.float64 != expected[key].dtype for key, tensor in state.items()):
        notes.append("The weights are of double precision and are rounded to single.")
    module.load_state_dict({key: _laid_out(state[key], value) for key, value in expected.items()})
    return notes


def _coloured(filters: Tensor) -> Tensor:
    """Filters (O, 1, h, w) of grey pictures as filters (O, 3, h, w) of coloured ones: equal where these are grey."""
    return filters * torch.tensor(LUMA, dtype=filters.dtype).view(1, 3, 1, 1)


def _laid_out(tensor: Tensor, like: Tensor) -> Tensor:
    """Values in the order in which another tensor has them: to copy into another order *and* type is slow."""
    channels_last = like.ndim == 4 and like.is_contiguous(memory_format=torch.channels_last)
    return tensor.contiguous(memory_format=torch.channels_last if channels_last else torch.contiguous_format)
