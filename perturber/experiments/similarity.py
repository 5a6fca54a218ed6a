"""How alike the layers of two networks represent pictures: linear centred kernel alignment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from perturber import zoo
from perturber.errors import InvalidInputError

POOLED = 7
"""Maps are pooled to at most this side before they are compared as a whole."""

MIN_PICTURES, MAX_PICTURES = 3, 512
"""Of two pictures CKA is always 1; each layer needs the square of their number."""


def cka(x: Tensor, y: Tensor) -> float:
    """Linear centred kernel alignment of two representations of the same N inputs (Kornblith et al. 2019, section 3).

    ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) in Frobenius norms, after each feature's mean was taken off; rotations and isotropic scalings
    of either change nothing. Computed in float64.

    Args:
        x: (N, P).
        y: (N, Q).

    Returns:
        From 0 to 1; NaN where one of them is the same for every input.
    """
    a, b = _Gram(len(x)), _Gram(len(y))
    a.add(x.double())
    b.add(y.double())
    return float((a.normalised() * b.normalised()).sum())


def pooled(maps: Tensor) -> Tensor:
    """Activations (N, C, h, w) as features (N, F): average-pooled to at most 7 × 7, then flattened."""
    return F.adaptive_avg_pool2d(maps, (min(POOLED, maps.shape[2]), min(POOLED, maps.shape[3]))).flatten(1)


class _Gram:
    """Inner products X Xᵀ (N, N) of the features of N pictures, which come in batches.

    Features are held until all are there. They are taken from the first batch's mean, which the centring undoes: large
    means would drown what differs.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self._parts: list[Tensor] = []

    def add(self, features: Tensor) -> None:
        """The next pictures' (n, P), n ≤ the number of those that lack."""
        if not self._parts:
            self._origin = features.mean(0)
            self._products = features.new_zeros(self.count, self.count)
        part = features - self._origin
        self._parts.append(part)
        start, end = self.seen, self.seen + len(part)
        if end > self.count:
            raise ValueError(f"{end} pictures instead of {self.count}")
        products = torch.cat([part @ earlier.T for earlier in self._parts], 1)
        self._products[start:end, :end] = products
        self._products[:end, start:end] = products.T
        self.seen = end

    def normalised(self) -> Tensor:
        """Of the centred features, divided by the norm: the inner product of two such is their CKA."""
        products = self._products.double()
        centred = products - products.mean(0) - products.mean(1)[:, None] + products.mean()
        first = self._parts[0][0]
        same = all(bool((part == first).all()) for part in self._parts)
        return (centred / (torch.nan if same else centred.norm())).to(self._products.dtype)


class CkaMatrix:
    """CKA of each layer of one network with each of another, over batches of features (see `cka`).

    Holds N × N numbers for each layer whose pictures are all there, and all features for each one that lacks some: who
    fills it with a few layers at a time needs little memory.

    Args:
        rows: layers of the one network.
        columns: of the other; None: the same network, whose features count for both.
        count: N, pictures in all.
    """

    def __init__(self, rows: Sequence[str], columns: Sequence[str] | None, count: int) -> None:
        self.rows = tuple(rows)
        self.columns = self.rows if columns is None else tuple(columns)
        self.count = count
        self._same = columns is None
        ours, whole = dict[str, _Gram](), dict[str, Tensor]()
        self._open = ours, ours if self._same else dict[str, _Gram]()
        self._whole = whole, whole if self._same else dict[str, Tensor]()
        self._result = np.full((len(self.rows), len(self.columns)), np.nan)

    def add_rows(self, features: Mapping[str, Tensor]) -> None:
        """Features (n, P) of the next pictures in some of the layers, P of each layer's own."""
        self._add(0, features)

    def add_columns(self, features: Mapping[str, Tensor]) -> None:
        """As `add_rows`, for the other network."""
        self._add(1, features)

    def result(self) -> np.ndarray:
        """(rows, columns) float64; NaN for layers whose pictures are not all there, or are all the same."""
        return self._result.copy()

    def _add(self, side: int, features: Mapping[str, Tensor]) -> None:
        for layer, part in features.items():
            gram = self._open[side].setdefault(layer, _Gram(self.count))
            gram.add(part)
            if gram.seen == self.count:
                self._finish(side, layer, self._open[side].pop(layer).normalised())

    def _finish(self, side: int, layer: str, gram: Tensor) -> None:
        self._whole[side][layer] = gram
        for other, theirs in self._whole[1 - side].items():
            value = float(torch.dot(gram.flatten(), theirs.flatten()))
            row, column = (other, layer) if side else (layer, other)
            self._result[self.rows.index(row), self.columns.index(column)] = value
            if self._same:
                self._result[self.rows.index(column), self.columns.index(row)] = value


@dataclass(frozen=True, kw_only=True, eq=False)
class Similarity:
    """How alike the layers of two networks are.

    Attributes:
        rows: layers of network A, in forward order.
        columns: of network B.
        cka: (rows, columns) float64 from 0 to 1; NaN where a layer is not done, or the same for every picture.
        count: pictures.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cka: np.ndarray
    count: int


class SimilarityWork:
    """Linear CKA of each layer of a network with each of another (see `CkaMatrix`), one batch of pictures a step.

    Features are activations before the non-linearity, average-pooled to at most 7 × 7. Few layers are looked at at a
    time, so that their features over all pictures fit into `memory_mib`; a network runs once for each such group, and
    no further than to its last layer. A network that is compared with itself is run once for both.

    Args:
        network_a, network_b: of any architectures.
        pictures: (N, 3, H, W) in [0, 1], N from 3 to 512.
        layers_a, layers_b: names; None for all.
        batch: pictures a step.
        memory_mib: MiB for features.

    Attributes:
        total: steps.
        done: steps taken so far.

    Raises:
        InvalidInputError: too few or too many pictures.
        UnknownNameError: a layer that does not exist.
    """

    def __init__(
        self,
        network_a: zoo.Network,
        network_b: zoo.Network,
        pictures: Tensor,
        *,
        layers_a: Sequence[str] | None = None,
        layers_b: Sequence[str] | None = None,
        batch: int = 8,
        memory_mib: int = 256,
    ) -> None:
        if not MIN_PICTURES <= len(pictures) <= MAX_PICTURES:
            raise InvalidInputError(
                f"Layers cannot be compared over {len(pictures)} pictures. Allowed: {MIN_PICTURES} to {MAX_PICTURES}."
            )
        sides = [
            (network, tuple(network.layers if layers is None else layers))
            for network, layers in ((network_a, layers_a), (network_b, layers_b))
        ]
        for network, layers in sides:
            for layer in layers:
                zoo.check_layer(network.entry.name, network.layers, layer)
        self._pictures = pictures
        same = network_a is network_b and sides[0][1] == sides[1][1]
        self._matrix = CkaMatrix(sides[0][1], None if same else sides[1][1], len(pictures))
        self._batches = [slice(start, start + batch) for start in range(0, len(pictures), batch)]
        adders = (self._matrix.add_rows, self._matrix.add_columns)
        self._groups = [
            (network, group, add)
            for (network, layers), add in list(zip(sides, adders, strict=True))[: 1 if same else 2]
            for group in _groups(network, layers, memory_mib * 2**20 // len(pictures))
        ]
        self.total = len(self._groups) * len(self._batches)
        self.done = 0

    @property
    def finished(self) -> bool:
        """Whether every layer has seen every picture."""
        return self.done == self.total

    @torch.inference_mode()
    def step(self) -> None:
        """Take the next batch; to be called until finished."""
        group, part = divmod(self.done, len(self._batches))
        network, layers, add = self._groups[group]
        images = self._pictures[self._batches[part]].to(network.device)
        found = network.look(network.preprocess(images), layers=layers, logits=False).activations
        add({layer: pooled(maps) for layer, maps in found.items()})
        self.done += 1

    def result(self) -> Similarity:
        """What is known so far."""
        matrix = self._matrix
        return Similarity(rows=matrix.rows, columns=matrix.columns, cka=matrix.result(), count=matrix.count)


def _groups(network: zoo.Network, layers: Sequence[str], limit: int) -> Iterator[tuple[str, ...]]:
    """Layers in order, as many at a time as have features of at most `limit` bytes a picture; at least one."""
    group: list[str] = []
    size = 0
    for name in layers:
        layer = network.layers[name]
        own = 4 * layer.channels * min(POOLED, layer.height) * min(POOLED, layer.width)
        if group and size + own > limit:
            yield tuple(group)
            group, size = [], 0
        group.append(name)
        size += own
    if group:
        yield tuple(group)
