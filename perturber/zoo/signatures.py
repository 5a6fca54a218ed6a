"""Which architectures have certain names and shapes: a hint for weights that do not fit the one that was given.

``signatures.txt`` beside this file has a line for each architecture of timm and torchvision, as
``python -m perturber.zoo.signatures`` prints them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import timm
import torch
import torchvision

from perturber.zoo.architectures import build

FILE = Path(__file__).with_name("signatures.txt")


def architectures(shapes: Mapping[str, Sequence[int]]) -> list[str]:
    """The architectures whose keys and shapes these are, whatever the number of classes; torchvision's first."""
    return _known().get(signature(shapes), [])


def signature(shapes: Mapping[str, Sequence[int]]) -> str:
    """Of a state's keys and shapes.

    Each tensor's first dimension is left out: it is the next layer's second, and for the last layer the number of
    classes, which tells nothing about the architecture.
    """
    lines = sorted(f"{key} {list(shape[1:])}" for key, shape in shapes.items() if not key.endswith("_tracked"))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


@cache
def _known() -> dict[str, list[str]]:
    known: dict[str, list[str]] = {}
    for line in FILE.read_text("ascii").splitlines():
        found, _, architecture = line.partition(" ")
        known.setdefault(found, []).append(architecture)
    return known


def _lines() -> Iterator[str]:
    names = [
        *(f"torchvision:{name}" for name in torchvision.models.list_models(module=torchvision.models)),
        *(f"timm:{name}" for name in timm.list_models()),
    ]
    for name in names:
        with torch.device("meta"):
            try:
                state = build(name, 1000).state_dict()
            except (RuntimeError, NotImplementedError, TypeError):  # what it computes when built needs numbers
                continue
        yield f"{signature({key: tensor.shape for key, tensor in state.items()})} {name}"


if __name__ == "__main__":
    for line in _lines():
        print(line, flush=True)
