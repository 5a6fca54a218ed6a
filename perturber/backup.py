"""The data folder as one archive, and back.

A copy is taken while a server and commands go on writing, and is consistent all the same:

- Every file takes its place whole, by a rename: one that is open is the old one or the new one to its end.
- Uploads and feature visualisations are named by their content, so that nothing else is ever found under their names;
  the files of one upload are opened together, and are copied all or none.
- The database of sessions is copied as it is at one moment, by SQLite.
- The catalogue is read before the weights that it names, which are stored before they enter it and stay when they leave
  it. Where a model has been stored anew under its name meanwhile, the copy is made again.

Left out are the cache of answers (``cache/``), what is being uploaded (``incoming/``), downloads that are not complete,
and locks.
"""

import gzip
import io
import json
import os
import shutil
import tarfile
import time
import tomllib
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

import zstandard

from perturber.config import Settings
from perturber.disk import SERVER, holding, temporary, unwritable, whole
from perturber.errors import InvalidInputError, StorageError
from perturber.sessions.database import FILE, LOG_FILES, Database
from perturber.zoo import entries

FORMAT = "perturber-backup-1"
"""Says how to read an archive; to be changed with what stands in it."""

CONTENTS = "perturber-backup.json"
"""First file of an archive."""

CATALOGUE = "catalog.toml"
UPLOADS = ("objects", "backgrounds")
LEFT_OUT = ("cache", "incoming")
AGAIN = ("visualisations", "weights")
"""Folders of what can be made or pulled again, given time."""

TRIES = 3
MEMBERS = 500_000
"""Files and folders of an archive, at most."""

HEADER = 2**20
"""Bytes that may stand between one file of an archive and the next."""

ENDINGS = (".tar.zst", ".tar.gz", ".tar")


@dataclass
class Copied:
    """What a copy holds.

    Attributes:
        files: how many.
        size: of them, in bytes.
        notes: what it does not hold, a sentence each.
    """

    files: int = 0
    size: int = 0
    notes: list[str] = field(default_factory=list)


def backup(settings: Settings, path: Path, *, small: bool = False) -> Copied:
    """Copy the data folder into an archive, whether a server runs on it or not.

    Args:
        path: ends with .tar.zst, .tar.gz or .tar; one of this name is replaced when the new one is whole. Only its
            owner may read it, since it holds whatever the folder does.
        small: leave out feature visualisations, which can be made again, and weights that can be pulled again.

    Raises:
        InvalidInputError: there is no data folder, or the archive cannot have this name or lie there.
        StorageError: the archive cannot be written, or a model was stored again and again meanwhile.
    """
    data = settings.data.resolve()
    if not data.is_dir():
        raise InvalidInputError(f"There is no data folder {str(data)!r}; see PERTURBER_DATA.")
    if path.resolve().is_relative_to(data):
        raise InvalidInputError(f"The copy cannot lie in the data folder itself ({str(data)!r}). Choose another place.")
    _ending(path)
    for _ in range(TRIES):
        try:
            with (
                suppress(_ChangedError),
                whole(path) as file,
                temporary(path.parent) as room,
                _packed(file, path, "wb") as stream,
            ):
                return _write(settings, stream, room, small=small)
        except OSError as error:
            raise StorageError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
    raise StorageError("Models are being stored again and again under the same names. Try again later.")


class _ChangedError(Exception):
    """A model has other weights than at the beginning."""


def restore(settings: Settings, path: Path, *, replace: bool = False) -> Copied:
    """Bring the data folder to what an archive holds.

    All of it is unpacked and checked before anything takes its place.

    Args:
        replace: whether what is in the folder goes.

    Raises:
        InvalidInputError: a server runs on the folder, there is something in it, or the archive is none of `backup`'s,
            broken, larger than the free disk, or holds anything but plain files and folders.
        StorageError: the folder cannot be written.
    """
    data = settings.data
    with holding(data):
        try:
            there = [child for child in _children(data) if child.name != "incoming"]
            if there and not replace:
                raise InvalidInputError(
                    f"The data folder {str(data)!r} is not empty. Give --replace to replace what is in it, or set "
                    "PERTURBER_DATA to another folder."
                )
            (data / "incoming").mkdir(parents=True, exist_ok=True)
            with temporary(data / "incoming") as folder:
                new, old = folder / "new", folder / "old"
                new.mkdir()
                old.mkdir()
                copied = _unpack(path, new)
                _exchange(data, there, new, old)
        except OSError as error:
            raise unwritable(data, error) from error
    return copied


def _exchange(data: Path, there: Sequence[Path], new: Path, old: Path) -> None:
    """Let what is new take the place of what is there, or nothing where something is in the way."""
    moves = [(child, old / child.name) for child in there]
    moves += [(child, data / child.name) for child in _children(new)]
    done: list[tuple[Path, Path]] = []
    try:
        for source, place in moves:
            os.replace(source, place)
            done.append((source, place))
    except BaseException:
        for source, place in reversed(done):
            os.replace(place, source)
        raise


def _children(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != SERVER]


def _ending(path: Path) -> str:
    ending = next((ending for ending in ENDINGS if path.name.endswith(ending)), None)
    if ending is None:
        raise InvalidInputError(
            f"A backup cannot be called {path.name[:80]!r}. Allowed: names with {', '.join(ENDINGS)}."
        )
    return ending


@contextmanager
def _packed(file: Path, named: Path, mode: str) -> Iterator[IO[bytes]]:
    """What a file holds, compressed as its name says."""
    ending = _ending(named)
    if ending == ".tar.zst":
        with zstandard.open(file, mode) as stream:
            yield cast(IO[bytes], stream)
    elif ending == ".tar.gz":
        with gzip.open(file, mode, compresslevel=1) as stream:  # most of it is compressed already
            yield cast(IO[bytes], stream)
    else:
        with file.open(mode) as stream:
            yield cast(IO[bytes], stream)


# ---- copying ------------------------------------------------------------------------------------------------------


def _write(settings: Settings, stream: IO[bytes], room: Path, *, small: bool) -> Copied:
    data = settings.data.resolve()
    copied, catalogue = Copied(), _catalogue(data)
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        about = {"format": FORMAT, "date": datetime.now(UTC).isoformat(timespec="seconds"), "small": small}
        _add(archive, CONTENTS, json.dumps(about).encode())
        if catalogue:
            _add(archive, CATALOGUE, catalogue)
            copied.files, copied.size = 1, len(catalogue)
        if _copy_sessions(data, room / FILE, copied.notes):
            archive.add(room / FILE, FILE)
            copied.files, copied.size = copied.files + 1, copied.size + (room / FILE).stat().st_size
        for group in _together(data, LEFT_OUT + (AGAIN if small else ()), copied.notes):
            with ExitStack() as opened:
                try:
                    files = [opened.enter_context(path.open("rb")) for path in group]
                except FileNotFoundError:  # removed meanwhile: then all of it
                    continue
                for path, file in zip(group, files, strict=True):
                    info = archive.gettarinfo(arcname=path.relative_to(data).as_posix(), fileobj=file)
                    archive.addfile(info, file)
                    copied.files, copied.size = copied.files + 1, copied.size + info.size
    if _stored_anew(catalogue, _catalogue(data)):
        raise _ChangedError
    copied.notes += _elsewhere(settings)
    if small:
        copied.notes.append(f"Not in the copy, since it can be made or pulled again: {', '.join(AGAIN)}.")
    return copied


def _copy_sessions(data: Path, place: Path, notes: list[str]) -> bool:
    """Copy the database of sessions, if it is there and can be read."""
    try:
        return Database(data).copy(place)
    except InvalidInputError as error:  # the rest is worth a copy all the same
        notes.append(f"Not in the copy: {error}")
        return False


def _together(data: Path, left_out: Sequence[str], notes: list[str]) -> Iterator[list[Path]]:
    """The files of the data folder, those together that are of use together alone."""
    for parent, folders, names in os.walk(data):
        here = Path(parent).relative_to(data)
        links = [name for name in (*folders, *names) if Path(parent, name).is_symlink()]
        notes += [f"{(here / name).as_posix()!r} is a link, and not in the copy." for name in links]
        folders[:] = sorted(name for name in folders if not (here == Path() and name in left_out))
        files = sorted(
            Path(parent, name)
            for name in names
            if name not in links
            and not name.endswith((".part", ".lock"))
            and here / name not in {Path(other) for other in (CATALOGUE, FILE, *LOG_FILES)}
        )
        if here.parent.as_posix() in UPLOADS:
            yield files
        else:
            yield from ([file] for file in files)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = len(content), int(time.time()), 0o600
    archive.addfile(info, io.BytesIO(content))


def _catalogue(data: Path) -> bytes:
    with suppress(FileNotFoundError):
        return (data / CATALOGUE).read_bytes()
    return b""


def _stored_anew(before: bytes, after: bytes) -> bool:
    """Whether the weights of a model have become others under its name."""
    old, new = (_tables(text) for text in (before, after))
    return any(name in new and new[name].get("weights") != table.get("weights") for name, table in old.items())


def _tables(text: bytes) -> dict[str, Any]:
    try:
        return tomllib.loads(text.decode())
    except ValueError:  # broken before, and copied as it is
        return {}


def _elsewhere(settings: Settings) -> list[str]:
    """What belongs to the data but lies outside of its folder."""
    data, notes = settings.data.resolve(), []
    for name, entry in entries(settings).items():
        place = Path(str(entry.weights.place.get("path", data)))
        if entry.own and not place.resolve().is_relative_to(data):
            notes.append(f"The weights of {name!r} lie in {str(place)!r}, and are not in the copy.")
    if not settings.weights_folder.resolve().is_relative_to(data) and settings.weights_folder.is_dir():
        notes.append(f"Pulled weights lie in {str(settings.weights_folder)!r}, and are not in the copy.")
    return notes


# ---- unpacking ----------------------------------------------------------------------------------------------------


class _Metered:
    """A stream of which only so much may be read until more is allowed: headers of an archive may say anything."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.allowed = HEADER

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        found = self.stream.read(size)
        self.allowed -= len(found)
        if self.allowed < 0:
            raise tarfile.ReadError("a header that is too long")
        return found


def _unpack(path: Path, folder: Path) -> Copied:
    """Unpack an archive into an empty folder.

    Raises:
        InvalidInputError: it is none of ours, broken, too large, or holds anything but plain files and folders.
        OSError: the folder cannot be written.
    """
    _ending(path)
    try:
        with (
            _packed(path, path, "rb") as stream,
            tarfile.open(
                fileobj=(metered := _Metered(stream)),
                mode="r|",  # type: ignore[call-overload]  # it reads, and no more
            ) as archive,
        ):
            return _extract(archive, metered, folder)
    except FileNotFoundError as error:
        raise InvalidInputError(f"There is no file {str(path)!r}.") from error
    except tarfile.FilterError as error:
        raise InvalidInputError(f"The archive {path.name!r} is refused: {error}.") from error
    except (
        tarfile.TarError,
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        zstandard.ZstdError,
        ValueError,
        RecursionError,
    ) as error:
        raise InvalidInputError(
            f"The archive {path.name!r} is broken, or none of `perturber backup`: {error}."
        ) from error


def _extract(archive: tarfile.TarFile, metered: _Metered, folder: Path) -> Copied:
    copied, room = Copied(), shutil.disk_usage(folder).free
    first = archive.next()
    content = archive.extractfile(first) if first and first.name == CONTENTS and first.size < HEADER else None
    about = json.load(content) if content else None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError(f"it does not begin with {CONTENTS}")
    metered.allowed = HEADER
    members = 0
    while (member := archive.next()) is not None:
        archive.members = []  # type: ignore[attr-defined]  # it would remember them all
        if not (member.isreg() or member.isdir()) or member.issparse():
            raise ValueError(f"{member.name[:200]!r} is neither a plain file nor a folder")
        place = PurePosixPath(member.name)
        if place.is_absolute() or ".." in place.parts or place.parts[:1] in ((SERVER,), ("incoming",)):
            raise ValueError(f"{member.name[:200]!r} is none of what is copied")
        copied.files += member.isreg()
        copied.size += member.size
        if copied.size > room:
            raise InvalidInputError(f"The archive unpacks to more than the {room / 2**30:.1f} GiB that are free.")
        if (members := members + 1) > MEMBERS:
            raise ValueError(f"it holds more than {MEMBERS} files and folders")
        metered.allowed = member.size + HEADER
        archive.extract(member, folder, filter="data")
        metered.allowed = HEADER
    return copied
