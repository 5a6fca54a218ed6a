"""How far training moves a network: correlations of its activations and weights with those of another state of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.editing import check_same_architecture, units
from perturber.errors import InvalidInputError

SAMPLES = 20_000
"""Of each layer, as in the thesis' Figure 4.6."""


@dataclass(frozen=True, eq=False)
class ActivationCorrelation:
    """How alike the channels of two networks answer.

    Attributes:
        layers: layer → mean over its channels, from −1 to 1; NaN where none of them ever changes.
        channels: layer → (C,) float64, Pearson correlation of each channel; NaN where it never changes.
        samples: layer → values of each channel that were compared.
    """

    layers: Mapping[str, float]
    channels: Mapping[str, np.ndarray]
    samples: Mapping[str, int]


class ActivationCorrelationWork:
    """Pearson correlation of each channel of one network with the same one of another.

    A step shows one batch of pictures to one of the networks.

    Samples are values, before the non-linearity, at random places of random pictures: the same ones of all channels
    of a layer, of both networks and each time; all there are where they are fewer.

    Args:
        first, second: networks of one architecture.
        pictures: (N, 3, H, W) in [0, 1].
        layers: names; None for all.
        samples: of each layer.
        seed: of their choice.
        batch: pictures a step.

    Attributes:
        total: steps.
        done: steps taken so far.

    Raises:
        InvalidInputError: the architectures differ, or there are no pictures.
        UnknownNameError: a layer that does not exist.
    """

    def __init__(
        self,
        first: zoo.Network,
        second: zoo.Network,
        pictures: Tensor,
        *,
        layers: Sequence[str] | None = None,
        samples: int = SAMPLES,
        seed: int = 0,
        batch: int = 4,
    ) -> None:
        check_same_architecture(first, second)
        if not len(pictures):
            raise InvalidInputError("There are no pictures to compare activations over.")
        self.layers = tuple(first.layers if layers is None else layers)
        for layer in self.layers:
            zoo.check_layer(first.entry.name, first.layers, layer)
        self._networks, self._pictures = (first, second), pictures
        self._starts = range(0, len(pictures), batch)
        self._places = {
            layer: chosen(len(pictures) * first.layers[layer].height * first.layers[layer].width, samples, seed)
            for layer in self.layers
        }
        self._sums = {layer: _Pearson() for layer in self.layers}
        self._first: dict[str, Tensor] = {}  # values of the first network over the present batch
        self.total, self.done = 2 * len(self._starts), 0

    @property
    def finished(self) -> bool:
        """Whether every picture was looked at."""
        return self.done == self.total

    @torch.inference_mode()
    def step(self) -> None:
        """Show the next pictures to the network whose turn it is; to be called until finished."""
        number, second = divmod(self.done, 2)
        values = self._values(self._networks[second], self._starts[number])
        if second:
            for layer, value in values.items():
                self._sums[layer].add(self._first.pop(layer).double(), value.double())
        else:
            self._first = values
        self.done += 1

    def _values(self, network: zoo.Network, start: int) -> dict[str, Tensor]:
        """Layer → (C, n), the chosen values over the batch from a picture on; layers without any are left out."""
        images = self._pictures[start : start + self._starts.step]
        found = network.look(network.preprocess(images.to(network.device)), layers=self.layers, logits=False)
        values = {}
        for layer, maps in found.activations.items():
            size = maps[0, 0].numel()
            low, high = np.searchsorted(self._places[layer], (start * size, (start + len(images)) * size))
            if low < high:
                places = torch.from_numpy(self._places[layer][low:high] - start * size)
                values[layer] = maps.movedim(1, 0).flatten(1)[:, places.to(maps.device)]
        return values

    def result(self) -> ActivationCorrelation:
        """What is known so far."""
        channels = {layer: sums.result() for layer, sums in self._sums.items() if sums.count}
        return ActivationCorrelation(
            layers={layer: _mean(values) for layer, values in channels.items()},
            channels=channels,
            samples={layer: self._sums[layer].count for layer in channels},
        )


def chosen(total: int, samples: int, seed: int) -> np.ndarray:
    """Which of so many values are compared: sorted int64, without repetition; all where they are no more than that."""
    if total <= samples:
        return np.arange(total)
    return np.sort(np.random.default_rng(seed).choice(total, samples, replace=False))


def weight_correlation(first: zoo.Network, second: zoo.Network) -> dict[str, float]:
    """Pearson correlation of the weights of each layer, without biases and normalisations (the thesis' Figure 4.7).

    Returns:
        Layer (see `perturber.editing.units`) in forward order → from −1 to 1; NaN where all weights are the same.

    Raises:
        InvalidInputError: the architectures differ.
    """
    check_same_architecture(first, second)
    ours, theirs = first.module.state_dict(), second.module.state_dict()
    result = {}
    for layer, entries in units(first.module, "layer").items():
        names = [name for name in entries if ours[name].ndim > 1]
        if names:
            sums = _Pearson()
            sums.add(*(torch.cat([state[n].flatten() for n in names]).double()[None] for state in (ours, theirs)))
            result[layer] = float(sums.result()[0])
    return result


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


class _Pearson:
    """Correlation of each row of one matrix with the same row of another, whose columns come in batches.

    Sums are about the means of the first batch, so that large means do not drown what differs.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, a: Tensor, b: Tensor) -> None:
        """The next columns, (C, n) float64 each."""
        if not self.count:
            self._origins = a.mean(1, keepdim=True), b.mean(1, keepdim=True)
            self._sums = torch.zeros(5, len(a), dtype=a.dtype, device=a.device)
        x, y = (values - origin for values, origin in zip((a, b.to(a.device)), self._origins, strict=True))
        self._sums += torch.stack([values.sum(1) for values in (x, y, x * x, y * y, x * y)])
        self.count += a.shape[1]

    def result(self) -> np.ndarray:
        """(C,) from −1 to 1; NaN for rows that never change."""
        sums = self._sums / self.count
        x, y, squares, product = sums[0], sums[1], sums[2:4], sums[4]
        deviations = (squares - torch.stack((x, y)).square()).clamp(min=0).sqrt()
        values = (product - x * y) / deviations.prod(0)
        for deviation, origin in zip(deviations, self._origins, strict=True):
            values[deviation <= 1e-9 * origin[:, 0].abs()] = torch.nan
        return values.clamp(-1, 1).cpu().numpy()
