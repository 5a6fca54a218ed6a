"""The pictures to which each neuron answers most, as a value that is kept on the disk."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from perturber import zoo
from perturber.disk import write_whole
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.examples.folders import real_file
from perturber.zoo.pictures import Crop, read_picture

TOP = 9
"""Pictures that are kept for a channel."""

FORMAT = "perturber-examples-2"
"""Says how to read a file; to be changed with the arrays in it."""


class Tops(NamedTuple):
    """The best pictures of a layer's channels, best first; each (C, TOP).

    Attributes:
        values: float32, the maximum of a channel's activations over a picture; −inf where there is none.
        pictures: int32, number in `ExampleIndex.pictures`; −1 where there is none.
        rows, columns: int16, where in the activations the maximum lies.
    """

    values: np.ndarray
    pictures: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


DTYPES = (np.float32, np.int32, np.int16, np.int16)


@dataclass(frozen=True)
class Example:
    """A picture to which a channel answers: the maximum of its activations, and the row and column where it lies."""

    path: Path
    value: float
    row: int
    column: int


@dataclass(frozen=True, kw_only=True, eq=False)
class ExampleIndex:
    """For each channel of each layer of a network the TOP pictures of a folder.

    Attributes:
        model, fingerprint: of the network.
        folder: resolved.
        pictures: paths relative to the folder, with "/".
        unreadable: how many of them could not be read.
        input_size, resize, interpolation: how the network's pictures were cropped.
        layers: layer → its channels' best.
    """

    model: str
    fingerprint: str
    folder: Path
    pictures: tuple[str, ...]
    unreadable: int
    input_size: int
    resize: int
    interpolation: str
    layers: dict[str, Tops]

    def top(self, layer: str, channel: int) -> list[Example]:
        """A channel's pictures, best first; fewer than TOP where there were not enough.

        Raises:
            UnknownNameError: naming the layers.
            InvalidInputError: naming the layer's channels.
        """
        if layer not in self.layers:
            raise UnknownNameError(f"layer of {self.model}", layer, self.layers)
        tops = self.layers[layer]
        if not 0 <= channel < len(tops.values):
            raise InvalidInputError(
                f"Layer {layer!r} of {self.model} has no channel {channel}. "
                f"Allowed: whole numbers, 0 to {len(tops.values) - 1}."
            )
        return [
            Example(self.folder / self.pictures[number], float(value), int(row), int(column))
            for value, number, row, column in zip(*(array[channel] for array in tops), strict=True)
            if number >= 0
        ]

    def patches(self, layer: zoo.Layer, channel: int, size: int = 96) -> list[np.ndarray | None]:
        """What a channel saw in its pictures, best first: its receptive field where it answered most.

        A field that reaches over the picture's border is shifted inward, so that every patch is square and shows as
        much; one that is larger than the picture is the whole picture.

        Args:
            layer: of the network that was indexed.
            size: side of a patch, in pixels.

        Returns:
            For each of `top` (size, size, 3) uint8, or None where the file cannot be read any more.

        Raises:
            UnknownNameError, InvalidInputError: as `top`.
        """
        whole = (0, 0, self.input_size, self.input_size)
        patches: list[np.ndarray | None] = []
        for example in self.top(layer.name, channel):
            seen = self._seen(example.path)
            box = layer.field.box(example.row, example.column) if layer.field else whole
            patches.append(None if seen is None else cut(seen, box, size))
        return patches

    def save(self, path: Path) -> None:
        """Write to a file; who reads at the same moment sees the old one or the new one, whole.

        Raises:
            InvalidInputError: the place cannot be written to.
        """
        header = {name: getattr(self, name) for name in HEADER} | {
            "format": FORMAT,
            "folder": str(self.folder),
            "layers": [(name, len(tops.values)) for name, tops in self.layers.items()],
        }
        parts = zip(*self.layers.values(), strict=True)
        arrays = {name: np.concatenate(part) for name, part in zip(Tops._fields, parts, strict=True)}
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # an option could have such a name
        try:
            write_whole(path, file.getvalue())
        except OSError as error:
            raise InvalidInputError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error

    @classmethod
    def load(cls, path: Path) -> "ExampleIndex":
        """Read what `save` wrote.

        Raises:
            InvalidInputError: no such file, or broken.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(file["header"].tobytes())
                whole = Tops(*(file[name] for name in Tops._fields))
            return cls._parse(header, whole)
        except FileNotFoundError:
            raise InvalidInputError(
                "There are no example pictures for this network yet. Find them with `perturber examples index`."
            ) from None
        except Exception as error:  # what a broken file raises on its way through zip, NumPy and JSON is not documented
            raise InvalidInputError(
                f"The example pictures in {str(path)!r} cannot be read. Index the folder again."
            ) from error

    @classmethod
    def _parse(cls, header: dict, whole: Tops) -> "ExampleIndex":
        if header["format"] != FORMAT:
            raise ValueError(header["format"])
        ends = np.cumsum([channels for _, channels in header["layers"]])
        for array, dtype in zip(whole, DTYPES, strict=True):
            if array.shape != (ends[-1], TOP) or array.dtype != dtype:
                raise ValueError(f"{array.shape} {array.dtype}")
        if whole.pictures.min() < -1 or whole.pictures.max() >= len(header["pictures"]):
            raise ValueError("numbers of pictures that are not there")
        parts = zip(*(np.split(array, ends[:-1]) for array in whole), strict=True)
        layers = {name: Tops(*part) for (name, _), part in zip(header["layers"], parts, strict=True)}
        known = {name: header[name] for name in HEADER} | {"pictures": tuple(header["pictures"])}
        return cls(folder=Path(header["folder"]), layers=layers, **known)

    def _seen(self, path: Path) -> np.ndarray | None:
        """A picture as the network saw it: (S, S, 3) uint8, S its input size."""
        real = real_file(self.folder, path)
        crop = Crop(size=self.input_size, resize=self.resize, interpolation=self.interpolation)
        try:
            return None if real is None else crop(read_picture(real))
        except InvalidInputError:
            return None


HEADER = ("model", "fingerprint", "pictures", "unreadable", "input_size", "resize", "interpolation")
"""Attributes that are written as they are."""


def cut(picture: np.ndarray, box: tuple[int, int, int, int], size: int) -> np.ndarray:
    """A square around a box, shifted into the picture: (size, size, 3) uint8.

    Args:
        picture: (S, S, 3) uint8.
        box: top, left, bottom, right, half open; may reach outside.
    """
    top, left, bottom, right = box
    whole = len(picture)
    side = min(max(bottom - top, right - left), whole)
    top, left = (min(max((low + high - side) // 2, 0), whole - side) for low, high in ((top, bottom), (left, right)))
    patch = Image.fromarray(picture[top : top + side, left : left + side])
    return np.asarray(patch.resize((size, size), Image.Resampling.BICUBIC))


def index_path(data: Path, fingerprint: str) -> Path:
    """Where a network's example pictures are kept: one index for each network, a new one replaces the old one.

    Args:
        data: `Settings.data`.
        fingerprint: of the network.
    """
    return data / "examples" / f"{fingerprint}.npz"
