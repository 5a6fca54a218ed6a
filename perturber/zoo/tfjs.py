"""Reading the weights of a TensorFlow.js layers model: a ``model.json`` and the binary shards beside it.

The format: tensorflow.js, ``io/types.ts`` (WeightsManifestConfig, WeightsManifestEntry). The shards of each group are
one run of bytes in which the weights lie one behind the other, little-endian; a quantised weight w is stored as the
integer q of ``w = q · scale + min``, or as float16.
"""

import json
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perturber.errors import InvalidInputError

DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint8": "u1", "uint16": "<u2", "bool": "u1"}
"""What a weight can be stored as; strings and complex numbers are no weights of a network."""


def read(path: Path) -> dict[str, Tensor]:
    """Name → float32 tensor in TensorFlow's layout.

    Raises:
        InvalidInputError: no such model, a shard is missing, or the shards are too short or too long.
    """
    state: dict[str, Tensor] = {}
    for group in _manifest(path):
        data = b"".join(shard.read_bytes() for shard in _shards(path, group))
        start = 0
        for weight in group["weights"]:
            stored = weight.get("quantization") or {"dtype": weight["dtype"]}
            if stored["dtype"] not in DTYPES:
                raise InvalidInputError(
                    f"The weight {weight['name']!r} in {path.name!r} is {stored['dtype']!r}. Allowed: "
                    f"{', '.join(DTYPES)}."
                )
            dtype = np.dtype(DTYPES[stored["dtype"]])
            count = prod(weight["shape"])
            end = start + count * dtype.itemsize
            if end > len(data):
                raise InvalidInputError(f"The shards of {path.name!r} end inside the weight {weight['name']!r}.")
            values = np.frombuffer(data[start:end], dtype).astype(np.float32)
            if "scale" in stored:
                values = values * np.float32(stored["scale"]) + np.float32(stored["min"])
            state[weight["name"]] = torch.from_numpy(values.reshape(weight["shape"]))
            start = end
        if start != len(data):
            raise InvalidInputError(
                f"The shards of {path.name!r} are {len(data) - start} bytes longer than its weights."
            )
    return state


def files(path: Path) -> list[Path]:
    """The model's file and its shards, in order.

    Raises:
        InvalidInputError: no such model, or a shard is missing.
    """
    return [path, *(shard for group in _manifest(path) for shard in _shards(path, group))]


def _manifest(path: Path) -> list[dict[str, Any]]:
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
        manifest = model["weightsManifest"]
        assert all(isinstance(group["paths"], list) and isinstance(group["weights"], list) for group in manifest)
    except (OSError, ValueError, LookupError, TypeError, AssertionError) as error:
        raise InvalidInputError(f"The file {path.name!r} is not the model.json of a TensorFlow.js model.") from error
    return manifest


def _shards(path: Path, group: dict[str, Any]) -> list[Path]:
    shards = []
    for name in map(str, group["paths"]):
        shard = path.parent / name
        if name != Path(name).name:  # the file says it, and it may lie
            raise InvalidInputError(f"The shard {name[:80]!r} of {path.name!r} must lie beside it.")
        if not shard.is_file():
            raise InvalidInputError(f"The shard {name!r} of {path.name!r} is missing; copy it beside it.")
        shards.append(shard)
    return shards
