"""Files that are whole or not there, and the data folder that one server holds."""

import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from perturber.errors import InvalidInputError, StorageError

try:
    import fcntl
except ImportError:  # Windows: what is being written is known by its age alone
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

ABANDONED = 3600.0
"""Seconds after which one belongs to nobody where files cannot be locked: writing takes seconds, whoever does it."""

LEFT = (".????????.part", "tmp????????.__wz_cache")
"""How the temporary files of `write_whole` are called, and those of the cache in files."""

SERVER = "server.lock"
"""File of the data folder that the server on it has locked; the lock ends with its process, however that ends."""

PATIENCE_SECONDS = 10.0
"""For another process that changes the same file, which takes milliseconds."""


def write_whole(path: Path, data: bytes, *, lasting: bool = True) -> None:
    """Write a file beside its place and rename it: who reads at the same moment sees the old one or the new one.

    Folders are made; nothing is left behind where it fails.

    Args:
        lasting: whether it must outlast a power cut from now on; what can be made again need not.

    Raises:
        OSError: the disk is full, or the place cannot be written.
    """
    with whole(path, lasting=lasting) as file:
        file.write_bytes(data)


@contextmanager
def whole(path: Path, *, lasting: bool = True) -> Iterator[Path]:
    """A file to fill, which takes its place in the end, as of `write_whole`.

    Raises:
        OSError: the disk is full, or the place cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary(path.parent, _new_file) as file:
        yield file
        if lasting:
            settle(file)
        os.replace(file, path)
    if lasting:
        settle(path.parent)


@contextmanager
def temporary(parent: Path, make: Callable[[Path], Path] | None = None) -> Iterator[Path]:
    """A folder, or whatever else is made in the parent, that is gone afterwards, whatever happens.

    Meanwhile a lock, which ends with this process, shows those who sweep that somebody is writing it.

    Raises:
        OSError: it cannot be made.
    """
    made, lock = _locked(parent, make or _new_folder)
    try:
        yield made
    finally:
        with suppress(OSError):
            shutil.rmtree(made, ignore_errors=True) if made.is_dir() else made.unlink()
        if lock is not None:
            os.close(lock)


def _new_folder(parent: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=parent))


def _new_file(parent: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=parent, prefix=".", suffix=".part")
    os.close(handle)
    return Path(name)


def _locked(parent: Path, make: Callable[[Path], Path]) -> tuple[Path, int | None]:
    """Something that was just made, and its lock; made once more where a sweep came between."""
    while True:
        made = make(parent)
        if fcntl is None:
            return made, None
        try:
            lock = os.open(made, os.O_RDONLY)
        except FileNotFoundError:
            continue
        except OSError:
            return made, None
        with suppress(OSError):  # some network folders know no locks: there the age counts
            fcntl.flock(lock, fcntl.LOCK_SH)
        if made.exists():
            return made, lock
        os.close(lock)


def settle(path: Path) -> None:
    """Have a file, or a folder's list of what is in it, outlast a power cut from now on.

    Raises:
        OSError: the disk is full.
    """
    if fcntl is None and path.is_dir():
        return  # Windows does not open folders, and keeps their lists by itself
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def changing(path: Path) -> Iterator[None]:
    """Let nobody else, in this process or another, read a file, change it and write it meanwhile.

    Raises:
        OSError: the folder cannot be written, or somebody else takes too long.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock"), timeout=PATIENCE_SECONDS):
        yield


@contextmanager
def holding(data: Path) -> Iterator[None]:
    """Hold the data folder for a server, and remove what was left by processes that were stopped while they wrote.

    Commands may write beside a server, since everything that they write takes its place whole; two servers would each
    go by their own memory of what lies there. A folder that cannot be written is held by nobody and serves many. On a
    network folder this relies on its passing on locks (NFS from version 4 on does, SMB among Windows machines).

    Raises:
        InvalidInputError: another server holds it, or it is no folder.
    """
    lock = FileLock(data / SERVER)
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=1)  # `is_held` has it for a moment
    except Timeout:
        raise InvalidInputError(
            f"Another server runs on the data folder {str(data)!r}. Stop it, or set PERTURBER_DATA to another folder."
        ) from None
    except (FileExistsError, NotADirectoryError) as error:
        raise InvalidInputError(
            f"The data folder cannot be {str(data)!r}: there is a file in its place. Set PERTURBER_DATA to a folder."
        ) from error
    except OSError as error:
        log.warning("%s", unwritable(data, error))
        yield
        return
    try:
        sweep(data)
        yield
    finally:
        lock.release()


def is_held(data: Path) -> bool:
    """Whether a server runs on the data folder.

    Raises:
        OSError: the folder cannot be written, so that nobody can tell.
    """
    if not (data / SERVER).exists():
        return False
    try:
        with FileLock(data / SERVER, timeout=0):
            return False
    except Timeout:
        return True


def writable(folder: Path) -> None:
    """Try to write a file into a folder, which is made.

    Raises:
        OSError: that is not possible.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def unwritable(data: Path, error: OSError) -> StorageError:
    """What to say where something was to be kept."""
    return StorageError(
        f"The data folder {str(data)!r} cannot be written to ({error.strerror or error}). "
        "Check the free space and permissions there; see PERTURBER_DATA."
    )


def sweep(data: Path) -> None:
    """Remove what was left by processes that were stopped while they wrote below the data folder.

    What half a download has left is kept: the next one goes on from there.
    """
    for pattern in LEFT:
        remove_abandoned(path for folder in ("", "*/") for path in data.glob(folder + pattern))
    remove_abandoned((data / "incoming").glob("*"))


def remove_abandoned(paths: Iterable[Path]) -> None:
    """Remove those temporary files and folders that nobody is writing any more."""
    with suppress(OSError):
        for path in paths:
            with suppress(OSError), _claimed(path) as mine:
                if mine:
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


@contextmanager
def _claimed(path: Path) -> Iterator[bool]:
    """Whether nobody has it locked, and nobody will as long as this lasts; where that is not known, whether it is old.

    Raises:
        OSError: somebody has it locked, or it is gone.
    """
    status = path.lstat()
    plain = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    if fcntl is None or not plain or time.time() - status.st_mtime > ABANDONED:
        yield time.time() - status.st_mtime > ABANDONED
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    finally:
        os.close(handle)
