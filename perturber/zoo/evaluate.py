"""Accuracy over a folder of labelled pictures."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from perturber.errors import InvalidInputError
from perturber.zoo.classes import CLASS_LISTS, ClassName
from perturber.zoo.network import Network
from perturber.zoo.pictures import crop, read_picture

T = TypeVar("T")

SUFFIXES = {".jpeg", ".jpg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".tga", ".ppm"}
"""Of the files that count as pictures, in lower case."""


@dataclass(frozen=True)
class Evaluation:
    """Share of pictures whose class is the first (`top1`) or among the first five (`top5`), over `count` pictures.

    `unreadable` names the files that could not be read; they are not counted.
    """

    top1: float
    top5: float
    count: int
    unreadable: tuple[str, ...] = ()


def check_folder(folder: Path) -> None:
    """Refuse what cannot be listed.

    Raises:
        InvalidInputError: no such folder, or one that may not be read.
    """
    try:
        os.scandir(folder).close()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no name that a file could have
        raise InvalidInputError(f"There is no folder {str(folder)!r}; name one that holds pictures.") from None
    except OSError as error:
        raise InvalidInputError(f"The folder {str(folder)!r} cannot be read: {error.strerror}.") from error


def is_picture(name: str) -> bool:
    """Whether a file is named like a picture; hidden ones are not, as other systems leave them beside pictures."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")


def spread(items: Sequence[T], limit: int | None) -> Sequence[T]:
    """At most this many items, evenly spread over all: the same ones each time."""
    if limit is None or limit >= len(items):
        return items
    return [items[i * len(items) // limit] for i in range(limit)]


def labelled_pictures(
    folder: Path, classes: str | Sequence[ClassName], limit: int | None = None
) -> Sequence[tuple[Path, int]]:
    """Pictures named ``<wnid>_*`` or lying in folders named ``<wnid>``, with their class index, sorted by path.

    A class without a WordNet identifier goes by its name.

    Args:
        classes: a class list, or the name of one.
        limit: take this many, evenly spread over the sorted list.

    Raises:
        InvalidInputError: no such folder, or no labelled picture in it.
    """
    check_folder(folder)
    known = CLASS_LISTS.get(classes, ()) if isinstance(classes, str) else classes
    index = {c.wnid or c.name: c.index for c in known}
    labelled = []
    for path in sorted(p for pattern in ("*", "*/*") for p in folder.glob(pattern) if is_picture(p.name)):
        wnid = path.name.split("_")[0] if path.parent == folder else path.parent.name
        if wnid in index:
            labelled.append((path, index[wnid]))
    if not labelled:
        raise InvalidInputError(
            f"The folder {str(folder)!r} holds no labelled pictures; name them <wnid>_*.JPEG or put them into <wnid>/."
        )
    return spread(labelled, limit)


def read_ahead(network: Network, paths: Iterable[Path], batch: int) -> Iterator[list[np.ndarray | None]]:
    """Pictures cropped for a network, (S, S, 3) uint8, in batches; None where a file cannot be read.

    Two threads of its own decode one batch ahead of whoever takes them; they end with the iterator.
    """
    rest = iter(paths)

    def read(path: Path) -> np.ndarray | None:
        try:
            return crop(read_picture(path), network.entry.input_size, resize=network.entry.resize)
        except InvalidInputError:
            return None

    with ThreadPoolExecutor(2) as readers:
        ahead = [readers.submit(read, path) for path in islice(rest, batch)]
        while ahead:
            ready, ahead = ahead, [readers.submit(read, path) for path in islice(rest, batch)]
            yield [future.result() for future in ready]


def evaluate(
    network: Network,
    folder: Path,
    *,
    limit: int | None = None,
    batch: int = 32,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Measure top-1 and top-5 over a folder of labelled pictures.

    Args:
        limit: use a fixed subset of this many pictures.
        progress: called with the number of pictures done and in all.

    Raises:
        InvalidInputError: no such folder, or nothing in it that could be used.
    """
    pictures = labelled_pictures(folder, network.entry.class_list, limit)
    hits1 = hits5 = count = done = 0
    unreadable: list[str] = []
    for arrays in read_ahead(network, (path for path, _ in pictures), batch):
        shown = list(zip(arrays, pictures[done:], strict=False))
        good = [(array, label) for array, (_, label) in shown if array is not None]
        unreadable += [path.name for array, (path, _) in shown if array is None]
        if good:
            images = torch.tensor(np.stack([a for a, _ in good]), device=network.device).permute(0, 3, 1, 2) / 255
            labels = torch.tensor([label for _, label in good], device=network.device)[:, None]
            with torch.inference_mode():
                logits = network.logits(images)
            right = logits.topk(min(5, logits.shape[1])).indices == labels
            hits1, hits5, count = hits1 + int(right[:, 0].sum()), hits5 + int(right.sum()), count + len(good)
        done += len(arrays)
        progress(done, len(pictures))
    if not count:
        raise InvalidInputError(f"None of the pictures in {str(folder)!r} can be read.")
    return Evaluation(top1=hits1 / count, top5=hits5 / count, count=count, unreadable=tuple(unreadable))
