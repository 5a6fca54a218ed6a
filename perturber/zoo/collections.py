"""Collections of pictures: a folder, or a tar or tar.gz file, whose members are never written to the disk."""

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL import Image

from perturber.errors import InvalidInputError
from perturber.pictures import decode
from perturber.zoo.classes import ClassName

SUFFIXES = {".jpeg", ".jpg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".tga", ".ppm"}
"""Of the files that count as pictures, in lower case."""

TARS = (".tar", ".tar.gz", ".tgz")
"""Endings of the names of files that are read as tar."""

MAX_PICTURE = 64 * 2**20
"""Bytes of one picture in a tar; what is larger is no picture that anyone means to be looked at."""

MAX_UNPACKED = 4 * 2**30
"""Bytes that a tar.gz may unpack to: it is held in memory."""

BLOCK = 512
"""Of a tar, in bytes."""


class Collection(Protocol):
    """Pictures under their names."""

    @property
    def path(self) -> Path:
        """The folder or file."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Of the pictures, relative to the folder, with ``/``, sorted: the same ones each time."""
        ...

    def content(self, name: str) -> bytes:
        """The file of this name; may be called by several threads."""
        ...


@dataclass(frozen=True)
class Folder:
    """Pictures in a folder and in the folders in it."""

    path: Path
    names: Sequence[str]

    def content(self, name: str) -> bytes:
        """The file of this name."""
        with (self.path / name).open("rb") as file:
            return file.read(MAX_PICTURE + 1)


@dataclass(frozen=True)
class Tar:
    """Pictures in a tar: an uncompressed one is read where it lies, the content of a compressed one is in memory.

    Attributes:
        places: name → offset and size in bytes.
        unpacked: a compressed one's content.
    """

    path: Path
    places: Mapping[str, tuple[int, int]]
    unpacked: bytes | None = None

    @property
    def names(self) -> Sequence[str]:
        """Of the pictures, sorted."""
        return list(self.places)

    def content(self, name: str) -> bytes:
        """The member of this name."""
        offset, size = self.places[name]
        if self.unpacked is not None:
            return self.unpacked[offset : offset + size]
        with self.path.open("rb") as file:  # one of its own for each thread
            file.seek(offset)
            return file.read(size)


def is_tar(path: Path) -> bool:
    """Whether a path is named like a tar."""
    return path.name.lower().endswith(TARS)


def is_picture(name: str) -> bool:
    """Whether a file is named like a picture; hidden ones are not, as other systems leave them beside pictures."""
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.rpartition("/")[2].startswith(".")


def stem(name: str) -> str:
    """What a picture is called without its folders and its ending: the same in all its versions."""
    last = PurePosixPath(name.strip()).name
    return os.path.splitext(last)[0] if is_picture(last) else last


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


def collection(path: Path) -> Collection:
    """The pictures in a folder, and in the folders in it, or in a tar or tar.gz file.

    Raises:
        InvalidInputError: there is no such thing, it cannot be read, or it is a tar that is truncated or corrupt.
    """
    if is_tar(path):
        return _tar(path)
    check_folder(path)
    found = (p for pattern in ("*", "*/*") for p in path.glob(pattern) if is_picture(p.name))
    return Folder(path, sorted(p.relative_to(path).as_posix() for p in found))


def picture(source: Collection, name: str) -> Image.Image:
    """One of its pictures as RGB, the right way up.

    Raises:
        InvalidInputError: it cannot be read as a picture, or is too large.
    """
    try:
        content = source.content(name)
    except OSError as error:
        raise InvalidInputError(f"The picture {name!r} in {str(source.path)!r} cannot be read.") from error
    return decode(content, name=f"{source.path.name}/{name}")


def labels(names: Iterable[str], classes: Sequence[ClassName]) -> list[int | None]:
    """Class of each picture: named ``<wnid>_*`` or lying in a folder named ``<wnid>``; None where neither is known.

    A class without a WordNet identifier goes by its name.
    """
    index = {c.wnid or c.name: c.index for c in classes}

    def label(name: str) -> int | None:
        path = PurePosixPath(name)
        return index.get(path.parent.name, index.get(path.name.partition("_")[0]))

    return [label(name) for name in names]


def _tar(path: Path) -> Tar:
    try:
        unpacked = None if path.name.lower().endswith(".tar") else _unpacked(path)
        with path.open("rb") if unpacked is None else io.BytesIO(unpacked) as file:
            places, end = {}, 0
            with tarfile.open(fileobj=file, mode="r:") as tar:
                for member in tar:
                    end = member.offset_data + (-(-member.size // BLOCK) * BLOCK if member.isreg() else 0)
                    if member.isreg() and is_picture(member.name) and 0 < member.size <= MAX_PICTURE:
                        places[member.name] = (member.offset_data, member.size)
            file.seek(end)
            if file.read(BLOCK) != bytes(BLOCK):  # tarfile takes what is cut off, or broken, for the end
                raise tarfile.ReadError("it breaks off, or is corrupt, before its end")
    except FileNotFoundError:
        raise InvalidInputError(f"There is no file {str(path)!r}; name a folder or a tar with pictures.") from None
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InvalidInputError(f"The tar {str(path)!r} cannot be used: {str(error).rstrip('.')}.") from error
    return Tar(path, dict(sorted(places.items())), unpacked)


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        content = file.read(MAX_UNPACKED + 1)
        if len(content) > MAX_UNPACKED:
            raise tarfile.ReadError(f"it unpacks to more than {MAX_UNPACKED // 2**30} GiB")
    return content
