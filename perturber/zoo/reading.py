"""Reading weights of each format without running anything that stands in them."""

import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import torch
from safetensors.torch import load_file
from torch import Tensor

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo import tfjs

State = dict[str, Tensor]

NESTS = ("state_dict", "model", "model_state_dict", "net")
"""Keys under which training scripts put the tensors, beside epochs and optimisers."""


def read_state(path: Path) -> State:
    """Names and tensors of a file, whose format its name tells; nothing in it is ever run.

    Keras' weights come as Keras has them (see `perturber.zoo.layouts`).

    Raises:
        InvalidInputError: not such a file, or one that contains more than tensors and plain values.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnknownNameError(f"format of the weights {path.name!r}:", path.suffix, READERS)
    try:
        return reader(path)
    except (InvalidInputError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise InvalidInputError(f"The file {path.name!r} cannot be read as weights.") from error


def _torch(path: Path) -> State:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        what = f" ({found[1]})" if found else ""
        raise InvalidInputError(
            f"The file {path.name!r} was refused: it contains more than tensors{what} and could run code when loaded. "
            "If you trust its source, load it once with the program that wrote it and save only its tensors "
            f"with torch.save(model.state_dict(), {path.stem + '.pth'!r})."
        ) from error
    for _ in range(3):
        inner = next((state[key] for key in NESTS if isinstance(state, Mapping) and key in state), None)
        if not isinstance(inner, Mapping):
            break
        state = inner
    if not isinstance(state, Mapping) or not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise InvalidInputError(f"The file {path.name!r} does not hold a state dict (names and tensors).")
    return {str(name): tensor for name, tensor in state.items()}


def _keras(path: Path) -> State:
    """Keras' HDF5 files, of weights alone or of a whole model: ``layer/…/kernel:0`` → tensor in Keras' layout."""
    state = {}
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        if "layer_names" not in root.attrs:
            raise InvalidInputError(
                f"The file {path.name!r} does not name its layers as Keras' HDF5 files do; save it with "
                "model.save('model.h5')."
            )

        def keep(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset):
                state[name] = torch.from_numpy(item[()])

        root.visititems(keep)
    return state


READERS: dict[str, Callable[[Path], State]] = {
    ".safetensors": load_file,
    ".pth": _torch,
    ".pt": _torch,
    ".ckpt": _torch,
    ".tar": _torch,
    ".h5": _keras,
    ".hdf5": _keras,
    ".json": tfjs.read,
}
"""Ending of a file's name → function that reads it."""
