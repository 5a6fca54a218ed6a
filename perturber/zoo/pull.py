"""Downloading weights: resumed where it broke off, checked, and never half a file under the final name."""

import os
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from perturber.config import Settings
from perturber.disk import settle, write_whole
from perturber.errors import InvalidInputError, StorageError
from perturber.zoo.catalogue import ModelEntry
from perturber.zoo.sources import pulled_file, weights_file
from perturber.zoo.weights import digest, expected, hash_file, verify

PATIENCE_SECONDS = 30
"""Without a word from the server."""

BLOCK = 2**18


def pull(
    entry: ModelEntry, settings: Settings, progress: Callable[[int, int | None], None] = lambda done, total: None
) -> Path:
    """Bring a network's weights into the weights folder, unless they are there.

    What has come so far lies beside them as ``<name>.part``; the next call goes on from there, if the server can.

    Args:
        progress: called with the bytes that are there and those in all, where the server says how many.

    Returns:
        The file.

    Raises:
        InvalidInputError: they come from no URL, or the server or the connection fails; says what to copy where.
        StorageError: the file cannot be written.
    """
    if entry.weights.source != "url":
        return weights_file(entry, settings)
    url, path = entry.weights.place["url"], pulled_file(entry, settings)
    if urlsplit(url).scheme not in ("http", "https"):
        raise InvalidInputError(f"The weights of {entry.name!r} cannot come from {url!r}. Allowed: http and https.")
    if path.is_file():
        verify(path, expected(entry, path))
        return path
    part = path.with_name(f"{path.name}.part")
    by_hand = f"Download {url} elsewhere and copy it to {str(path)!r}."
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(url, part, progress)
        _check(entry, path, part)
        settle(part)
        os.replace(part, path)
    except HTTPError as error:
        raise InvalidInputError(f"The server answered {error.code} {error.reason}. {by_hand}") from error
    except (URLError, HTTPException, ConnectionError, TimeoutError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise InvalidInputError(
            f"{urlsplit(url).netloc} could not be reached, or broke off ({reason}). Pull again to go on from there. "
            f"{by_hand}"
        ) from error
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror}.") from error
    return path


def _check(entry: ModelEntry, path: Path, part: Path) -> None:
    """Compare with the hash; what is wrong is not gone on with."""
    sha256 = expected(entry, path)
    if not sha256:
        write_whole(hash_file(path), digest(part).encode("ascii"))
        return
    found = digest(part)
    if not found.startswith(sha256):
        part.unlink()
        raise InvalidInputError(
            f"The download of {entry.name!r} is not the expected file: sha256 {found[:12]}…, expected {sha256[:12]}…; "
            "it was deleted."
        )


def _download(url: str, part: Path, progress: Callable[[int, int | None], None]) -> None:
    have = part.stat().st_size if part.is_file() else 0
    headers = {"User-Agent": "perturber", "Accept-Encoding": "identity"}
    try:
        with _open(url, headers | ({"Range": f"bytes={have}-"} if have else {})) as response:
            _receive(response, part, have if response.status == 206 else 0, progress)
    except HTTPError as error:
        if error.code != 416:  # what is there is the whole file already, or more than it
            raise
        if have and str(error.headers.get("Content-Range", "")).rpartition("/")[2] == str(have):
            return
        part.unlink()
        with _open(url, headers) as response:
            _receive(response, part, 0, progress)


def _open(url: str, headers: dict[str, str]) -> HTTPResponse:
    return urlopen(Request(url, headers=headers), timeout=PATIENCE_SECONDS)


def _receive(response: HTTPResponse, part: Path, start: int, progress: Callable[[int, int | None], None]) -> None:
    said = response.headers.get("Content-Range", "")
    if start and not said.startswith(f"bytes {start}-"):
        raise ConnectionError(f"the server sent another part than the one asked for: {said!r}")
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    done = start
    with part.open("ab" if start else "wb") as file:
        progress(done, total)
        while block := response.read(BLOCK):
            file.write(block)
            done += len(block)
            progress(done, total)
    if total is not None and done != total:
        raise ConnectionError(f"{done} of {total} bytes came")


def remove(entry: ModelEntry, settings: Settings) -> bool:
    """Delete pulled weights, whole or half, and what was noted of them; whether there were any.

    Raises:
        InvalidInputError: they were not pulled.
        StorageError: the folder cannot be written.
    """
    if entry.weights.source != "url":
        raise InvalidInputError(f"The weights of {entry.name!r} were not pulled, so they cannot be removed.")
    path = pulled_file(entry, settings)
    there = [p for p in (path, path.with_name(f"{path.name}.part"), hash_file(path)) if p.is_file()]
    try:
        for file in there:
            file.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be removed: {error.strerror}.") from error
    return bool(there)
