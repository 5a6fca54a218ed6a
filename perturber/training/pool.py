"""What there is to train on: pictures of several collections, their labels, and which were redrawn from which."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from PIL import Image

from perturber.errors import InvalidInputError
from perturber.zoo.classes import ClassName
from perturber.zoo.collections import Collection, collection, labels, picture, stem


@dataclass(frozen=True, eq=False)
class Item:
    """One picture.

    Attributes:
        source: the collection that it lies in.
        name: in that collection.
        label: index of its class; None where it is not known.
        redrawn: whether a style network has drawn it anew.
        original: the picture that it was redrawn from, where that is at hand.
    """

    source: Collection
    name: str
    label: int | None
    redrawn: bool = False
    original: "Item | None" = None

    def read(self) -> Image.Image:
        """Decode it: RGB, the right way up.

        Raises:
            InvalidInputError: it cannot be read as a picture, or is too large.
        """
        return picture(self.source, self.name)


@dataclass(frozen=True, eq=False)
class Group:
    """Pictures that are drawn in turn.

    Attributes:
        path: the collection.
        weight: how often this group is drawn, relative to the others.
        items: its pictures.
        left_out: how many more it has that must not be used, or cannot be.
    """

    path: Path
    weight: float
    items: tuple[Item, ...]
    left_out: int = 0


@dataclass(frozen=True, eq=False)
class Pool:
    """Everything there is to train on.

    Attributes:
        plain: ordinary pictures.
        stylised: redrawn ones.
    """

    plain: tuple[Group, ...]
    stylised: tuple[Group, ...] = ()

    @property
    def count(self) -> int:
        """Pictures in all: what an epoch has."""
        return sum(len(group.items) for group in (*self.plain, *self.stylised))

    @property
    def digest(self) -> str:
        """Tells listings apart, wherever they lie: SHA-256 in hexadecimal of names, labels and pairs."""
        found = hashlib.sha256()
        for group in (*self.plain, *self.stylised):
            found.update(f"{group.weight}\n".encode())
            for item in group.items:
                original = item.original.name if item.original else ""
                found.update(f"{item.name}\t{item.label}\t{original}\n".encode("utf-8", "surrogateescape"))
        return found.hexdigest()


def read_pool(
    plain: Sequence[str],
    classes: Sequence[ClassName],
    *,
    stylised: Sequence[str] = (),
    held_out: Iterable[str] = (),
) -> Pool:
    """List the pictures of several collections.

    A redrawn picture belongs to the plain one of the same folder and stem (``a/b.jpg`` and ``a/b.png``), or else of the
    same stem where there is just one. One that has neither original nor label is left out: nothing could be learnt.

    Args:
        plain: ``PATH`` or ``PATH=weight`` of folders, or tar, tar.gz or zip files.
        classes: of the network; a picture of another class counts as unlabelled.
        stylised: the same, of redrawn pictures.
        held_out: stems of pictures that must not be used in any version.

    Raises:
        InvalidInputError: there is no such thing, it cannot be read, or no picture is left in it.
    """
    refused = {stem(line) for line in held_out}
    sources = tuple(_source(text, classes, refused) for text in plain)
    originals = _Originals(item for group in sources for item in group.items)
    return Pool(sources, tuple(_redrawn(_source(text, classes, refused), originals) for text in stylised))


def read_stems(path: Path) -> frozenset[str]:
    """The stems that a text file lists, one per line; folders, endings and empty lines do not count.

    Raises:
        InvalidInputError: the file cannot be read, or lists nothing.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"The list {str(path)!r} cannot be read. Give a text file.") from error
    found = frozenset(stem(line) for line in lines if line.strip() and not line.startswith("#"))
    if not found:
        raise InvalidInputError(f"The list {str(path)!r} is empty. Write one picture name per line.")
    return found


def _source(text: str, classes: Sequence[ClassName], refused: set[str]) -> Group:
    name, weight = _weighted(text)
    source = collection(Path(name).expanduser())
    kept = [name for name in source.names if stem(name) not in refused]
    if not kept:
        raise InvalidInputError(f"There are no pictures to train on in {name!r}.")
    items = tuple(Item(source, name, label) for name, label in zip(kept, labels(kept, classes), strict=True))
    return Group(source.path, weight, items, len(source.names) - len(items))


class _Originals:
    """The plain pictures, by what redrawn ones are called."""

    def __init__(self, items: Iterable[Item]) -> None:
        items = list(items)
        times = Counter(stem(item.name) for item in items)
        self.by_key = {_key(item): item for item in items}
        self.by_stem = {stem(item.name): item for item in items if times[stem(item.name)] == 1}

    def of(self, item: Item) -> Item | None:
        return self.by_key.get(_key(item)) or self.by_stem.get(stem(item.name))


def _redrawn(group: Group, originals: _Originals) -> Group:
    """A group of redrawn pictures, paired with their originals; those from which nothing could be learnt left out."""
    usable = []
    for item in group.items:
        original = originals.of(item)
        label = item.label if item.label is not None or original is None else original.label
        if original is not None or label is not None:
            usable.append(Item(item.source, item.name, label, redrawn=True, original=original))
    if not usable:
        raise InvalidInputError(
            f"No picture in {str(group.path)!r} has a label or an original in --data, so nothing can be learnt from "
            "them."
        )
    left_out = group.left_out + len(group.items) - len(usable)
    return Group(group.path, group.weight, tuple(usable), left_out)


def _weighted(text: str) -> tuple[str, float]:
    """``PATH=weight``; what is no number behind the last sign belongs to the path."""
    path, sign, number = text.rpartition("=")
    try:
        weight = float(number) if sign else 1.0
    except ValueError:
        return text, 1.0
    if not 0 < weight < 1e6:
        raise InvalidInputError(f"The weight of {path!r} cannot be {number!r}. Allowed: numbers above 0.")
    return (path, weight) if sign else (text, weight)


def _key(item: Item) -> tuple[str, str]:
    """Folder and stem; what lies in none is in the folder that the collection is."""
    folder = PurePosixPath(item.name).parent.name or item.source.path.name
    return folder, stem(item.name)
