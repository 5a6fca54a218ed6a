"""Weights are data: found, checked against their hash, read without running code, and mapped onto an architecture."""

import hashlib
import importlib.util
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from perturber.errors import InvalidInputError
from perturber.zoo.catalogue import Weights

State = dict[str, Tensor]


def load_weights(module: nn.Module, weights: Weights) -> None:
    """Fill a network with its catalogue weights.

    Raises:
        InvalidInputError: file missing, changed or unsafe, or its tensors do not fit; names the first that differ.
    """
    path = SOURCES[weights.source](weights.place)
    verify(path, weights.sha256)
    fill(module, LAYOUTS[weights.layout](read_state(path), module), path.name)


def verify(path: Path, sha256: str) -> None:
    """Compare a file with its hash.

    Raises:
        InvalidInputError: they differ.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise InvalidInputError(
            f"The weights {path.name!r} are not the expected file: sha256 {found[:12]}…, expected {sha256[:12]}…. "
            "Install or download them again."
        )


def read_state(path: Path) -> State:
    """Read tensors from a ``.safetensors`` file or a PyTorch checkpoint; nothing in the file is ever run.

    Raises:
        InvalidInputError: not such a file, or one that contains more than tensors and plain containers.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InvalidInputError(
            f"The file {path.name!r} was refused: it contains more than tensors and could run code when loaded."
        ) from error
    except Exception as error:
        raise InvalidInputError(f"The file {path.name!r} cannot be read as weights.") from error
    if not isinstance(state, Mapping) or not all(isinstance(value, Tensor) for value in state.values()):
        raise InvalidInputError(f"The file {path.name!r} does not hold a state dict (names and tensors).")
    return dict(state)


def fill(module: nn.Module, state: State, name: str) -> None:
    """Copy tensors into a network whose keys and shapes must be the same.

    Raises:
        InvalidInputError: listing the first keys that are missing, surplus or of another shape.
    """
    expected = module.state_dict()
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
    module.load_state_dict(state)


def _package_file(place: Mapping[str, str]) -> Path:
    """A file inside an installed package, found without importing it."""
    package = place["package"]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InvalidInputError(f"The package {package!r} is not installed; run: pip install {package}.")
    path = Path(next(iter(spec.submodule_search_locations))) / place["file"]
    if not path.is_file():
        raise InvalidInputError(f"The package {package!r} has no file {place['file']!r}; install it again.")
    return path


SOURCES: dict[str, Callable[[Mapping[str, str]], Path]] = {"package": _package_file}
"""Kind of place → function that finds the file there."""


def _same_names(state: State, module: nn.Module) -> State:
    return state


def _efficientnet_lite_pytorch(state: State, module: nn.Module) -> State:
    """Names of the package efficientnet_lite_pytorch → names of timm's EfficientNet.

    The package counts blocks through, timm counts them in each stage; where a block does not expand, timm calls
    its projection ``conv_pw`` and counts its normalisations from the depth-wise one.
    """
    outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    expanding = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    plain = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    blocks = list(_stage_blocks(module))
    expands = {name.split(".")[1] for name in state if "._expand_conv." in name}
    renamed = {}
    for name, tensor in state.items():
        inside = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        if inside and int(inside[1]) < len(blocks):
            part = (expanding if inside[1] in expands else plain).get(inside[2], inside[2])
            renamed[f"{blocks[int(inside[1])]}.{part}.{inside[3]}"] = tensor
        else:
            head, _, tail = name.partition(".")
            renamed[f"{outer.get(head, head)}.{tail}"] = tensor
    return renamed


def _stage_blocks(module: nn.Module) -> Iterator[str]:
    for stage, blocks in module.get_submodule("blocks").named_children():
        for block, _ in blocks.named_children():
            yield f"blocks.{stage}.{block}"


LAYOUTS: dict[str, Callable[[State, nn.Module], State]] = {
    "same": _same_names,
    "efficientnet_lite_pytorch": _efficientnet_lite_pytorch,
}
"""Naming of the keys in a file → function that renames them as the architecture does."""
