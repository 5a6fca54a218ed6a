"""Accuracy over labelled pictures."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.order import largest
from perturber.zoo.classes import CLASS_LISTS, ClassName
from perturber.zoo.collections import collection, labels, picture, stem
from perturber.zoo.network import Network
from perturber.zoo.pictures import TAKEN, Crop

T = TypeVar("T")

Perturb = Callable[[Tensor, Tensor], Tensor]
"""Pictures (B, 3, H, W) in [0, 1] and their classes (B,) → what the network is shown in their place."""


UNKNOWN = "Some logits are not finite (NaN or ∞); a class whose logit is NaN is not among the first."


@dataclass(frozen=True)
class Evaluation:
    """Share of pictures whose class is the first (`top1`) or among the first five (`top5`), over `count` pictures.

    `robust_top1` and `robust_top5` are those of the perturbed pictures, None where nothing perturbs them; `unreadable`
    names the files that could not be read; they are not counted. `notes` says, as sentences with the number of pictures
    that each is about, how they were brought to the input's size, what was left out of them, scaled or guessed, and
    for how many logits were not finite; before them what was done to the weights of a network of the user's own.
    """

    top1: float
    top5: float
    count: int
    unreadable: tuple[str, ...] = ()
    robust_top1: float | None = None
    robust_top5: float | None = None
    notes: tuple[str, ...] = ()


def spread(items: Sequence[T], limit: int | None) -> Sequence[T]:
    """At most this many items, evenly spread over all: the same ones each time."""
    if limit is None or limit >= len(items):
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def labelled_pictures(
    folder: Path, classes: str | Sequence[ClassName], limit: int | None = None
) -> Sequence[tuple[Path, int]]:
    """Pictures named ``<wnid>_*`` or lying in folders named ``<wnid>``, with their class index, sorted by name.

    A class without a WordNet identifier goes by its name.

    Args:
        classes: a class list, or the name of one.
        limit: take this many, evenly spread over the sorted list.

    Raises:
        InvalidInputError: no such folder, or no labelled picture in it.
    """
    known = CLASS_LISTS.get(classes, ()) if isinstance(classes, str) else classes
    return spread([(folder / name, label) for name, label in _labelled(folder, collection(folder).names, known)], limit)


def read_ahead(
    crop: Crop,
    pictures: Iterable[T],
    batch: int,
    read: Callable[[T], Image.Image],
    *,
    patience: float | None = None,
) -> Iterator[list[np.ndarray | None]]:
    """Pictures cropped, (S, S, 3) uint8, in batches; None where a file cannot be read.

    Two threads of its own decode one batch ahead of whoever takes them; they end with the iterator.

    Args:
        pictures: what `read` takes.
        read: decodes one; raises `InvalidInputError` where it cannot.
        patience: seconds to wait for a batch; an empty one says that it is not there yet. None: as long as it takes.
    """
    rest = iter(pictures)

    def cropped(item: T) -> np.ndarray | None:
        try:
            return crop(read(item))
        except InvalidInputError:
            return None

    readers = ThreadPoolExecutor(2)
    try:
        ahead = [readers.submit(cropped, item) for item in islice(rest, batch)]
        while ahead:
            if patience is not None and wait(ahead, patience).not_done:
                yield []
                continue
            ready, ahead = ahead, [readers.submit(cropped, item) for item in islice(rest, batch)]
            yield [future.result() for future in ready]
    finally:  # whoever takes no more does not wait for what was ahead
        readers.shutdown(wait=False, cancel_futures=True)


def evaluate(
    network: Network,
    folder: Path,
    *,
    limit: int | None = None,
    only: Collection[str] | None = None,
    perturb: Perturb | None = None,
    crop: Crop | None = None,
    batch: int = 32,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Measure top-1 and top-5 over labelled pictures.

    Args:
        folder: that holds them, or a tar, tar.gz or zip file (see `perturber.zoo.collections`).
        limit: use a fixed subset of this many pictures.
        only: use only pictures with one of these stems (see `perturber.zoo.collections.stem`).
        perturb: what changes them, for the robust accuracies.
        crop: how they become inputs; by default as the network's entry says.
        progress: called with the number of pictures done and in all.

    Raises:
        InvalidInputError: no such thing, or nothing in it that could be used.
    """
    source = collection(folder)
    names = source.names if only is None else [name for name in source.names if stem(name) in only]
    if not names and only is not None:
        raise InvalidInputError(f"None of the pictures in {str(folder)!r} is among the {len(only)} listed ones.")
    pictures = spread(_labelled(folder, names, network.entry.class_list), limit)
    plain, robust = _Hits(), _Hits()
    done = 0
    unreadable: list[str] = []
    crop = crop or network.entry.crop
    said: list[str] = []

    def read(name: str) -> Image.Image:
        found = picture(source, name, notes=said)
        said.append(TAKEN if crop.fits(found.size) else crop.rule)
        return found

    for arrays in read_ahead(crop, (name for name, _ in pictures), batch, read):
        shown = list(zip(arrays, pictures[done:], strict=False))
        good = [(array, label) for array, (_, label) in shown if array is not None]
        unreadable += [name.rpartition("/")[2] for array, (name, _) in shown if array is None]
        if good:
            images = torch.tensor(np.stack([a for a, _ in good]), device=network.device).permute(0, 3, 1, 2) / 255
            classes = torch.tensor([label for _, label in good], device=network.device)
            plain.add(network, images, classes)
            if perturb is not None:
                robust.add(network, perturb(images, classes), classes)
        done += len(arrays)
        progress(done, len(pictures))
    if not plain.count:
        raise InvalidInputError(f"None of the pictures in {str(folder)!r} can be read.")
    robust_top1, robust_top5 = (None, None) if perturb is None else robust.shares()
    top1, top5 = plain.shares()
    told = [*Counter(said).most_common(), *((UNKNOWN, hits.unknown) for hits in (plain, robust) if hits.unknown)]
    loaded = network.notes if network.entry.own else ()
    notes = (*loaded, *(f"{count} of {plain.count}: {sentence}" for sentence, count in told))
    return Evaluation(top1, top5, plain.count, tuple(unreadable), robust_top1, robust_top5, notes)


class _Hits:
    """How often the class was the first, or among the first five."""

    def __init__(self) -> None:
        self.first = self.five = self.count = self.unknown = 0

    def add(self, network: Network, images: Tensor, classes: Tensor) -> None:
        with torch.inference_mode():
            logits = network.logits(images)
        best = largest(logits, 5)
        right = (best.indices == classes[:, None]) & ~best.values.isnan()
        self.unknown += int((~logits.isfinite().all(1)).sum())
        self.first += int(right[:, 0].sum())
        self.five += int(right.sum())
        self.count += len(images)

    def shares(self) -> tuple[float, float]:
        return self.first / self.count, self.five / self.count


def _labelled(folder: Path, names: Sequence[str], classes: Sequence[ClassName]) -> list[tuple[str, int]]:
    known = zip(names, labels(names, classes), strict=True)
    found = [(name, label) for name, label in known if label is not None]
    if not found:
        raise InvalidInputError(
            f"The folder {str(folder)!r} holds no labelled pictures. Name them <wnid>_*.JPEG or put them into <wnid>/."
        )
    return found
