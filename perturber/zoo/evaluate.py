"""Accuracy over a folder of labelled pictures."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from perturber.errors import InvalidInputError
from perturber.zoo.classes import CLASS_LISTS
from perturber.zoo.network import Network
from perturber.zoo.pictures import crop, read_picture

SUFFIXES = {".jpeg", ".jpg", ".png", ".webp"}


@dataclass(frozen=True)
class Evaluation:
    """Share of pictures whose class is the first (`top1`) or among the first five (`top5`), over `count` pictures.

    `unreadable` names the files that could not be read; they are not counted.
    """

    top1: float
    top5: float
    count: int
    unreadable: tuple[str, ...] = ()


def labelled_pictures(folder: Path, classes: str, limit: int | None = None) -> list[tuple[Path, int]]:
    """Pictures named ``<wnid>_*`` or lying in folders named ``<wnid>``, with their class index.

    Args:
        limit: take this many, evenly spread over the sorted list.

    Raises:
        InvalidInputError: no such folder, or no labelled picture in it.
    """
    if not folder.is_dir():
        raise InvalidInputError(f"There is no folder {str(folder)!r}.")
    index = {c.wnid: c.index for c in CLASS_LISTS[classes]}
    files = sorted(p for pattern in ("*", "*/*") for p in folder.glob(pattern) if p.suffix.lower() in SUFFIXES)
    labelled = []
    for path in files:
        wnid = path.name.split("_")[0] if path.parent == folder else path.parent.name
        if wnid in index:
            labelled.append((path, index[wnid]))
    if not labelled:
        raise InvalidInputError(
            f"The folder {str(folder)!r} holds no labelled pictures; name them <wnid>_*.JPEG or put them into <wnid>/."
        )
    if limit is None or limit >= len(labelled):
        return labelled
    return [labelled[i * len(labelled) // limit] for i in range(limit)]


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
    pictures = labelled_pictures(folder, network.entry.classes, limit)
    hits1 = hits5 = count = 0
    unreadable: list[str] = []
    with ThreadPoolExecutor(2) as readers:
        for start, arrays in _batches(network, pictures, batch, readers):
            good = [
                (array, label) for array, (_, label) in zip(arrays, pictures[start:], strict=False) if array is not None
            ]
            unreadable += [path.name for a, (path, _) in zip(arrays, pictures[start:], strict=False) if a is None]
            if good:
                images = torch.tensor(np.stack([a for a, _ in good]), device=network.device).permute(0, 3, 1, 2) / 255
                labels = torch.tensor([label for _, label in good], device=network.device)[:, None]
                with torch.inference_mode():
                    logits = network.look(network.preprocess(images)).logits
                assert logits is not None
                right = logits.topk(5).indices == labels
                hits1, hits5, count = hits1 + int(right[:, 0].sum()), hits5 + int(right.sum()), count + len(good)
            progress(start + len(arrays), len(pictures))
    if not count:
        raise InvalidInputError(f"None of the pictures in {str(folder)!r} can be read.")
    return Evaluation(top1=hits1 / count, top5=hits5 / count, count=count, unreadable=tuple(unreadable))


def _batches(
    network: Network, pictures: Sequence[tuple[Path, int]], batch: int, readers: ThreadPoolExecutor
) -> Iterator[tuple[int, list[np.ndarray | None]]]:
    """Decoded pictures (None where one cannot be read), one batch ahead of the network."""

    def read(item: tuple[Path, int]) -> np.ndarray | None:
        try:
            return crop(read_picture(item[0]), network.entry.input_size, resize=network.entry.resize)
        except InvalidInputError:
            return None

    starts = range(0, len(pictures), batch)
    ahead = [readers.submit(read, item) for item in pictures[:batch]]
    for start in starts:
        ready, ahead = ahead, [readers.submit(read, item) for item in pictures[start + batch : start + 2 * batch]]
        yield start, [future.result() for future in ready]
