"""Finding the pictures of a folder to which each neuron of a network answers most."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.examples.index import TOP, ExampleIndex, Tops
from perturber.zoo.evaluate import read_ahead, spread
from perturber.zoo.pictures import read_picture


class Indexing:
    """Shows every picture of a folder to a network, once, and keeps the best of each channel of each layer.

    A picture counts for a channel by the maximum of its activations, before the non-linearity. Of pictures that are
    equal the first by name is better. A channel that is not a number anywhere in a picture does not keep it.

    Args:
        network: looked into on its own device.
        folder: pictures in it and its sub-folders, sorted by relative path; no labels needed.
        batch: pictures a step; bounds the memory, since all layers of a batch are held at once.
        limit: take this many, evenly spread over all.
        patience: seconds for which a step waits for pictures; where they are not there yet, it does nothing. None: as
            long as it takes.

    Attributes:
        total: pictures.
        done: pictures taken so far, those among them that could not be read included.
        unreadable: pictures that could not be read.

    Raises:
        InvalidInputError: no such folder, or no picture in it.
    """

    def __init__(
        self,
        network: zoo.Network,
        folder: Path,
        *,
        batch: int = 16,
        limit: int | None = None,
        patience: float | None = None,
    ) -> None:
        self.network = network
        self.pictures = tuple(spread(picture_names(folder), limit))
        self.folder = folder.resolve()
        self.total = len(self.pictures)
        self.done = self.unreadable = 0
        self._arrays = read_ahead(
            network.entry.crop,
            (self.folder / name for name in self.pictures),
            batch,
            read_picture,
            patience=patience,
        )
        # The channels of all layers stand one below the other: one sort a batch serves them all.
        self._units: dict[str, slice] = {}
        units = 0
        for name, layer in network.layers.items():
            self._units[name] = slice(units, units + layer.channels)
            units += layer.channels
        shape = (units, TOP)
        self._values = torch.full(shape, -torch.inf, device=network.device)
        self._numbers = torch.full(shape, -1, dtype=torch.int32, device=network.device)
        self._places = torch.zeros(shape, dtype=torch.int32, device=network.device)

    @property
    def finished(self) -> bool:
        """Whether every picture was taken."""
        return self.done == self.total

    def step(self) -> None:
        """Take the next batch; to be called until finished."""
        arrays = next(self._arrays)
        good = {self.done + i: array for i, array in enumerate(arrays) if array is not None}
        if good:
            images = torch.from_numpy(np.stack(list(good.values()))).to(self.network.device)
            with torch.inference_mode():
                inputs = self.network.preprocess(images.permute(0, 3, 1, 2) / 255)
                probe = self.network.look(inputs, layers=tuple(self._units), logits=False)
                self._merge(probe.activations, torch.tensor(list(good), dtype=torch.int32, device=self.network.device))
        self.done += len(arrays)
        self.unreadable += len(arrays) - len(good)

    def result(self) -> ExampleIndex:
        """The best pictures among those taken so far.

        Raises:
            InvalidInputError: none of them could be read.
        """
        if self.unreadable == self.done:
            raise InvalidInputError(f"None of the pictures in {str(self.folder)!r} can be read.")
        values, numbers, places = (t.cpu().numpy() for t in (self._values, self._numbers, self._places))
        layers = {}
        for name, units in self._units.items():
            rows, columns = np.divmod(places[units], self.network.layers[name].width)
            layers[name] = Tops(values[units], numbers[units], rows.astype(np.int16), columns.astype(np.int16))
        return ExampleIndex(
            model=self.network.entry.name,
            fingerprint=self.network.fingerprint,
            folder=self.folder,
            pictures=self.pictures,
            unreadable=self.unreadable,
            input_size=self.network.entry.input_size,
            resize=self.network.entry.crop.shorter,
            interpolation=self.network.entry.interpolation,
            layers=layers,
        )

    def _merge(self, activations: Mapping[str, Tensor], numbers: Tensor) -> None:
        maxima = torch.cat([activations[name].amax((2, 3)) for name in self._units], dim=1).float().T
        maxima = maxima.masked_fill(maxima.isnan(), -torch.inf)
        values, order = torch.cat([self._values, maxima], 1).sort(dim=1, descending=True, stable=True)
        order = order[:, :TOP]
        self._values = values[:, :TOP]
        self._numbers = torch.cat([self._numbers, numbers.expand(len(maxima), -1)], 1).gather(1, order)
        self._places = torch.cat([self._places, torch.zeros_like(maxima, dtype=torch.int32)], 1).gather(1, order)
        for name, units in self._units.items():
            # Few pictures enter after the first batches: where their maximum lies is looked up for these alone.
            channel, rank = (order[units] >= TOP).nonzero(as_tuple=True)
            maps = activations[name][order[units][channel, rank] - TOP, channel]
            self._places[units][channel, rank] = maps.flatten(1).argmax(1).int()


def build(
    network: zoo.Network,
    folder: Path,
    *,
    limit: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExampleIndex:
    """Index a folder in one go.

    Args:
        limit: take this many pictures, evenly spread over all.
        progress: called with the number of pictures done and in all.

    Raises:
        InvalidInputError: no such folder, or nothing in it that could be used.
    """
    indexing = Indexing(network, folder, limit=limit)
    while not indexing.finished:
        indexing.step()
        progress(indexing.done, indexing.total)
    return indexing.result()
