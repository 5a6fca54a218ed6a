"""Reading weights of each format without running anything that stands in them.

What a file is, its content says: names such as ``.bin``, ``.pkl``, ``.best`` or none say little.
"""

import argparse
import json
import pathlib
import pickle
import re
import struct
import types
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Self

import h5py
import numpy as np
import numpy._core.multiarray as multiarray  # where arrays' pickles come from
import torch
from safetensors.torch import load_file
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.zoo import tfjs

State = dict[str, Tensor]

Parts = dict[str, State]
"""Mappings of a file that hold tensors: the keys that lead to one, joined by dots ("" for the file itself) → its own
tensors by name."""

BEGINNING = 1024
"""Bytes at the beginning of a file that tell what it is."""

DEEPEST = 8
"""Mappings inside of mappings that are looked into; real files have up to four."""


def read_parts(path: Path) -> Parts:
    """The tensors of a file, mapping by mapping; what else it holds is passed over, and nothing in it is ever run.

    Keras' weights come as Keras has them (see `perturber.zoo.layouts`).

    Raises:
        InvalidInputError: not such a file, a part of one, or one that contains more than tensors and plain values.
    """
    try:
        found = kind(path)
        if found is None:
            raise _stranger(path)
        parts = READERS[found](path)
    except (InvalidInputError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise InvalidInputError(f"The file {path.name!r} cannot be read as weights.") from error
    if not parts:
        raise InvalidInputError(f"The file {path.name!r} does not hold a state dict (names and tensors).")
    strange = (name for state in parts.values() for name, tensor in state.items() if not _dense(tensor))
    if name := next(strange, None):
        raise InvalidInputError(
            f"The tensor {name[:200]!r} in {path.name!r} is sparse, quantised or without values, and cannot be used. "
            "Save the network with plain tensors."
        )
    return parts


def kind(path: Path) -> str | None:
    """What a file of weights is, by its content: a key of `READERS`; None where it is none of them."""
    with path.open("rb") as file:
        head = file.read(BEGINNING)
    return next((found for found, is_it in KINDS.items() if is_it(head, path.stat().st_size)), None)


def _stranger(path: Path) -> InvalidInputError:
    """What a file that holds no weights is instead."""
    with path.open("rb") as file:
        head = file.read(BEGINNING)
    if not head:
        return InvalidInputError(f"The file {path.name!r} is empty. Copy or download it again.")
    for begins, sentence in OTHERS.items():
        if re.match(begins, head, re.IGNORECASE | re.DOTALL):
            return InvalidInputError(f"The file {path.name!r} {sentence}")
    return InvalidInputError(
        f"The file {path.name!r} cannot be read as weights: by its content it is none of safetensors, torch.save's, "
        "Keras' HDF5, NumPy's .npz and TensorFlow.js' model.json."
    )


def _is_safetensors(head: bytes, size: int) -> bool:
    return len(head) > 8 and head[8:9] == b"{" and 2 <= struct.unpack("<Q", head[:8])[0] < max(size, 100 * 2**20)


KINDS: dict[str, Callable[[bytes, int], bool]] = {
    "safetensors": _is_safetensors,
    "zip": lambda head, _: head.startswith(b"PK\x03\x04"),
    "pickle": lambda head, _: head[:1] == b"\x80" and head[1:2] <= b"\x05",
    "hdf5": lambda head, _: head.startswith(b"\x89HDF\r\n\x1a\n"),
    "tfjs": lambda head, _: head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"),
}
"""Kind of file → whether its first bytes (and size) show it; in the order in which they are tried."""

OTHERS = {
    rb"\s*(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml|!--)": "is a web page. Whoever served it wanted a confirmation "
    "or a login; download the weights with the browser.",
    rb"version https://git-lfs": "is a Git LFS pointer: it stands for the weights. Fetch them with git lfs pull.",
    rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!|.{257}ustar": "is a packed archive. Unpack it, and give "
    "the file of weights inside.",
    rb"\x08[\x01-\x0f]\x12|.{4}TFL3|\x0a.{0,4}\x0a": "holds a whole graph (ONNX or TensorFlow), not PyTorch's "
    "weights. Give the state dict that the network was exported from.",
}
"""How files begin that hold no weights, as a regular expression → what is said of them."""


def _dense(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not (tensor.is_meta or tensor.is_quantized or tensor.is_nested)


def _zip(path: Path) -> Parts:
    """What torch.save writes since PyTorch 1.6, or NumPy's .npz."""
    if not zipfile.is_zipfile(path):
        raise _cut_off(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if any(re.search(r"(^|/)(constants\.pkl|code/)", name) for name in names):
        raise InvalidInputError(
            f"The file {path.name!r} is a TorchScript archive, which holds code. In the program that made it, save "
            f"only its tensors with {_save(path)}."
        )
    if all(name.endswith(".npy") for name in names):
        with np.load(path, allow_pickle=False) as arrays:
            return {"": {name: torch.from_numpy(arrays[name]) for name in arrays}}
    if not any(name.endswith("data.pkl") for name in names):
        raise InvalidInputError(
            f"The file {path.name!r} is an archive that torch.save has not made. If it holds a file of weights, unpack "
            "it and give that file; a Keras model is saved for this with model.save('model.h5')."
        )
    return _torch(path)


def _legacy(path: Path) -> Parts:
    """What torch.save wrote before PyTorch 1.6: pickles, the first of which is a number."""
    with path.open("rb") as file:
        head = file.read(64)
    if not re.match(rb"\x80.(\x95.{8})?\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19\.", head, re.DOTALL) and len(head) == 64:
        raise InvalidInputError(
            f"The file {path.name!r} was refused: it is a plain pickle, which could run code when loaded, and not a "
            f"file of torch.save. In the program that made it, save the tensors with {_save(path)}."
        )
    return _torch(path)


def _torch(path: Path) -> Parts:
    try:
        # Not by its path, whose suffix PyTorch would go by.
        with path.open("rb") as file, _ALLOWING, torch.serialization.safe_globals(ALLOWED), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what PyTorch says of old files means its own developers
            tree = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, str(error)) from error
    except (EOFError, struct.error) as error:
        raise _cut_off(path) from error
    except RuntimeError as error:
        if "EOF" in str(error) or "zip archive" in str(error):
            raise _cut_off(path) from error
        raise
    parts = dict(_walk(tree, "", set(), 0))
    if not parts and isinstance(tree, Mapping) and tree:
        names = [*(repr(str(key)[:60]) for key in list(tree)[:8]), *(["…"] if len(tree) > 8 else [])]
        raise InvalidInputError(
            f"The file {path.name!r} does not hold a state dict (names and tensors), but {', '.join(names)}."
        )
    return parts


def _refused(path: Path, said: str) -> InvalidInputError:
    if "Unsupported operand" in said:
        return InvalidInputError(
            f"The file {path.name!r} was saved with a pickle protocol that is not torch.save's own, and cannot be "
            f"checked for code. Save it again with {_save(path)}."
        )
    found = re.search(r"GLOBAL ([\w.]+)", said)
    what = f" ({found[1]})" if found else ""
    return InvalidInputError(
        f"The file {path.name!r} was refused: it contains more than tensors{what} and could run code when loaded. "
        f"If you trust its source, load it once with the program that wrote it and save only its tensors with "
        f"{_save(path)}."
    )


def _save(path: Path) -> str:
    return f"torch.save(model.state_dict(), {f'{path.stem or path.name}.pth'!r})"


def _cut_off(path: Path) -> InvalidInputError:
    return InvalidInputError(f"The file {path.name!r} is cut off: its end is missing. Copy or download it again.")


def _walk(value: object, path: str, seen: set[int], depth: int) -> Iterator[tuple[str, State]]:
    """Mappings that hold tensors, the outer ones first; each once, however often a file refers to it."""
    if depth > DEEPEST or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        items = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = [(str(place), item) for place, item in enumerate(value)]
    else:
        return
    tensors = {name: found for name, item in items if (found := _tensor(item)) is not None}
    if tensors:
        yield path, tensors
    for name, item in items:
        if name not in tensors:
            yield from _walk(item, f"{path}.{name}" if path else name, seen, depth + 1)


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        return torch.from_numpy(value)
    return value.detach() if isinstance(value, Tensor) else None


class _Companion:
    """Stands for a value beside the tensors whose type means nothing to a network: takes all, keeps and does nothing.

    The type itself is never imported or made, so there is nothing in it that a hostile file could call.
    """

    def __new__(cls, *_: object, **__: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


class _Mapping:
    """Stands for a kind of dictionary; what is made is an OrderedDict, which PyTorch's unpickler can fill."""

    def __new__(cls, *_: object, **__: object) -> Any:
        return OrderedDict()


_PATHS = ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath", "Path", "PurePath")
_DICTIONARIES = (
    "collections.defaultdict",
    "easydict.EasyDict",
    "yacs.config.CfgNode",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning_fabric.utilities.data.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict",
)
_PLAIN = ("bool", "bytes", "dict", "float", "frozenset", "int", "list", "range", "slice", "str", "tuple")
_DATES = ("date", "datetime", "time", "timedelta", "timezone")

ALLOWED: list[Any] = [
    *((_Companion, f"{made.__module__}.{made.__name__}") for made in (argparse.Namespace, types.SimpleNamespace)),
    *((_Companion, f"{module}.{name}") for module in (pathlib.__name__, "pathlib._local") for name in _PATHS),
    *((_Companion, f"datetime.{name}") for name in _DATES),
    *((_Companion, f"builtins.{name}") for name in _PLAIN),  # what a defaultdict makes, and plain values
    *((_Companion, name) for name in ("decimal.Decimal", "fractions.Fraction", "uuid.UUID")),
    *((_Mapping, name) for name in _DICTIONARIES),
    np.ndarray,
    np.dtype,
    *(type(np.dtype(code)) for code in "?bhilqBHILQefdgFDSU"),  # neither objects nor records
    *(
        (made, f"numpy.{core}.multiarray.{made.__name__}")
        for core in ("core", "_core")
        for made in (multiarray.scalar, multiarray._reconstruct)
    ),
]
"""What a checkpoint may hold beside tensors: PyTorch's own list, and the companions that training scripts save.

Those of NumPy are the real ones, since an array may be a weight."""

_ALLOWING = Lock()
"""PyTorch's list belongs to the process: one thread at a time widens it."""


def _safetensors(path: Path) -> Parts:
    try:
        return {"": load_file(path)}
    except Exception as error:
        with path.open("rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            header = file.read(length)
        whole = len(header) == length and 8 + length + _values(header) <= path.stat().st_size
        if whole:
            raise
        raise _cut_off(path) from error


def _values(header: bytes) -> int:
    """Bytes of the tensors that a safetensors header describes."""
    rows = (row for name, row in json.loads(header).items() if name != "__metadata__")
    return max((row["data_offsets"][1] for row in rows), default=0)


def _keras(path: Path) -> Parts:
    """Keras' HDF5 files, of weights alone or of a whole model: ``layer/…/kernel:0`` → tensor in Keras' layout."""
    state = {}
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _cut_off(path) if "truncated" in str(error) else error from error
    with file:
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
    return {"": state}


def _tfjs(path: Path) -> Parts:
    if b'"weight_map"' in path.read_bytes():
        raise InvalidInputError(
            f"The file {path.name!r} is only the index of weights that lie in several files. Save them into one with "
            f"{_save(path)}."
        )
    return {"": tfjs.read(path)}


READERS: dict[str, Callable[[Path], Parts]] = {
    "safetensors": _safetensors,
    "zip": _zip,
    "pickle": _legacy,
    "hdf5": _keras,
    "tfjs": _tfjs,
}
"""Kind of file → function that reads it."""
