"""Collections of pictures: a folder, or a tar, tar.gz or zip file, whose members are never written to the disk."""

import gzip
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from PIL import Image

from perturber.errors import InvalidInputError
from perturber.pictures import decode
from perturber.zoo.classes import ClassName

SUFFIXES = {
    ".jpeg",
    ".jpg",
    ".png",
    ".webp",
    ".avif",
    ".heic",
    ".heif",
    ".bmp",
    ".gif",
    ".tif",
    ".tiff",
    ".tga",
    ".ppm",
}
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


@dataclass(frozen=True)
class Zip:
    """Pictures in a zip; each is unpacked when it is wanted.

    Attributes:
        archive: open; several threads may read it at once.
    """

    path: Path
    names: Sequence[str]
    archive: zipfile.ZipFile

    def content(self, name: str) -> bytes:
        """The member of this name.

        Raises:
            OSError: it is broken or encrypted.
        """
        try:
            with self.archive.open(name) as file:
                return file.read(MAX_PICTURE + 1)
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            raise OSError(str(error)) from error


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
    """The pictures in a folder, and in the folders in it, or in a tar, tar.gz or zip file.

    Raises:
        InvalidInputError: there is no such thing, it cannot be read, or it is an archive that is truncated or corrupt.
    """
    if path.name.lower().endswith(".zip"):
        return _zip(path)
    if path.name.lower().endswith(TARS):
        return _tar(path)
    check_folder(path)
    found = (p for pattern in ("*", "*/*") for p in path.glob(pattern) if is_picture(p.name))
    return Folder(path, sorted(p.relative_to(path).as_posix() for p in found))


def picture(source: Collection, name: str, *, notes: list[str] | None = None) -> Image.Image:
    """One of its pictures as RGB, the right way up; `notes` as for `perturber.pictures.decode`.

    Raises:
        InvalidInputError: it cannot be read as a picture, or is too large.
    """
    try:
        content = source.content(name)
    except OSError as error:
        raise InvalidInputError(f"The picture {name!r} in {str(source.path)!r} cannot be read.") from error
    return decode(content, name=f"{source.path.name}/{name}", notes=notes)


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
        raise InvalidInputError(f"There is no file {str(path)!r}; name a folder or an archive with pictures.") from None
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InvalidInputError(f"The tar {str(path)!r} cannot be used: {str(error).rstrip('.')}.") from error
    return Tar(path, dict(sorted(places.items())), unpacked)


def _zip(path: Path) -> Zip:
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise InvalidInputError(f"There is no file {str(path)!r}; name a folder or an archive with pictures.") from None
    except (OSError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInputError(f"The zip {str(path)!r} is cut off, or is none: {str(error).rstrip('.')}.") from error
    pictures = (m.filename for m in archive.infolist() if is_picture(m.filename) and 0 < m.file_size <= MAX_PICTURE)
    return Zip(path, sorted(pictures), archive)


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as file:
        content = file.read(MAX_UNPACKED + 1)
        if len(content) > MAX_UNPACKED:
            raise tarfile.ReadError(f"it unpacks to more than {MAX_UNPACKED // 2**30} GiB")
    return content
