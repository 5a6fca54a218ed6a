"""Files that are whole or not there, and the data folder that one server holds."""

import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from perturber.errors import InvalidInputError, StorageError

try:
    import fcntl
except ImportError:  # Windows: what is being written is known by its age alone
    fcntl = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

YOUNG = 2.0
"""Seconds in which a temporary file or folder that was just made is locked at the latest."""

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
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with writing(Path(name)):
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                if lasting:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(name, path)
        if lasting:
            settle(path.parent)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


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
def writing(path: Path) -> Iterator[None]:
    """Show those who sweep that a temporary file or folder is being written, by a lock that ends with this process."""
    if fcntl is None:
        yield
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network folders cannot: there the age counts
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
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
            with suppress(OSError):
                if _is_abandoned(path):
                    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _is_abandoned(path: Path) -> bool:
    """Whether nobody has this locked, or it is old where that cannot be found out."""
    status = path.lstat()
    age = time.time() - status.st_mtime
    if fcntl is None or age > ABANDONED or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        return age > ABANDONED
    if age < YOUNG:
        return False
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # somebody has it, or locks are not known here
        return False
    finally:
        os.close(handle)
    return True
