"""Pulling weights from a server on this machine: whole, in pieces, wrong, missing."""

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType

import pytest

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError
from perturber.zoo.pull import pull, remove
from perturber.zoo.weights import hash_file

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Keeps what it was asked for; may break off, and may not know ranges."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.breaks_after: int | None = None
        self.knows_ranges = True


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if self.path != "/weights%20of.pth":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.knows_ranges else 0
        if start and start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        rest = CONTENT[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest[: self.server.breaks_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def entry(server: Server) -> zoo.ModelEntry:
    place = {"url": f"http://127.0.0.1:{server.server_port}/weights%20of.pth"}
    entry = zoo.entry("resnet18", Settings().models)
    return replace(entry, weights=replace(entry.weights, sha256=SHA256, place=MappingProxyType(place)))


def lying(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in settings.weights_folder.glob("*")}


def test_a_pulled_file_is_there_whole_and_makes_the_network_ready(
    entry: zoo.ModelEntry, own_settings: Settings, server: Server
) -> None:
    seen: list[tuple[int, int | None]] = []
    assert not zoo.is_ready(entry, own_settings)
    path = pull(entry, own_settings, lambda *now: seen.append(now))
    assert path == own_settings.data / "weights" / "weights of.pth"
    assert lying(own_settings) == {"weights of.pth": CONTENT}
    assert zoo.is_ready(entry, own_settings)
    assert seen[0] == (0, len(CONTENT))
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert pull(entry, own_settings) == path
    assert len(server.ranges) == 1  # what is there is not asked for again
    assert remove(entry, own_settings)
    assert not remove(entry, own_settings)
    assert lying(own_settings) == {}


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_what_broke_off_goes_on(
    knows_ranges: bool, entry: zoo.ModelEntry, own_settings: Settings, server: Server
) -> None:
    server.breaks_after, server.knows_ranges = 300_000, knows_ranges
    with pytest.raises(InvalidInputError, match=r"broke off .* to go on from there. Download http.* and copy it to"):
        pull(entry, own_settings)
    assert lying(own_settings) == {"weights of.pth.part": CONTENT[:300_000]}
    assert not zoo.is_ready(entry, own_settings)
    server.breaks_after = None
    pull(entry, own_settings)
    assert lying(own_settings) == {"weights of.pth": CONTENT}
    assert server.ranges == [None, "bytes=300000-"]


@pytest.mark.parametrize("extra", [b"", b"more"])
def test_a_part_that_is_whole_already_or_too_long(
    extra: bytes, entry: zoo.ModelEntry, own_settings: Settings, server: Server
) -> None:
    own_settings.weights_folder.mkdir(parents=True)
    (own_settings.weights_folder / "weights of.pth.part").write_bytes(CONTENT + extra)
    pull(entry, own_settings)
    assert lying(own_settings) == {"weights of.pth": CONTENT}
    assert len(server.ranges) == (2 if extra else 1)


def test_a_wrong_file_is_thrown_away(entry: zoo.ModelEntry, own_settings: Settings) -> None:
    wrong = replace(entry, weights=replace(entry.weights, sha256="0" * 64))
    with pytest.raises(InvalidInputError, match=rf"sha256 {SHA256[:12]}…, expected 000000000000…"):
        pull(wrong, own_settings)
    assert lying(own_settings) == {}


def test_the_first_digits_of_a_hash_are_enough(entry: zoo.ModelEntry, own_settings: Settings) -> None:
    pull(replace(entry, weights=replace(entry.weights, sha256=SHA256[:8])), own_settings)
    assert len(lying(own_settings)) == 1


def test_without_a_published_hash_the_first_pull_counts(entry: zoo.ModelEntry, own_settings: Settings) -> None:
    unknown = replace(entry, weights=replace(entry.weights, sha256=""))
    path = pull(unknown, own_settings)
    assert hash_file(path).read_text() == SHA256
    pull(unknown, own_settings)
    path.write_bytes(b"something else")
    with pytest.raises(InvalidInputError, match="not the expected file"):
        pull(unknown, own_settings)
    remove(unknown, own_settings)
    assert lying(own_settings) == {}


def test_a_file_that_is_not_there(entry: zoo.ModelEntry, own_settings: Settings) -> None:
    url = entry.weights.place["url"].replace("weights", "nothing")
    gone = replace(entry, weights=replace(entry.weights, place=MappingProxyType({"url": url})))
    with pytest.raises(
        InvalidInputError, match=r"answered 404 Not Found. Download .* and copy it to '.*nothing of.pth'"
    ):
        pull(gone, own_settings)
    assert lying(own_settings) == {}


def test_without_a_network_it_says_what_to_copy_where(entry: zoo.ModelEntry, own_settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/w.pth"  # nobody listens there
    away = replace(entry, weights=replace(entry.weights, place=MappingProxyType({"url": url})))
    with pytest.raises(InvalidInputError) as caught:
        pull(away, own_settings)
    assert "could not be reached" in str(caught.value)
    assert f"Download {url} elsewhere and copy it to {str(own_settings.weights_folder / 'w.pth')!r}." in str(
        caught.value
    )


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/w.pth"])
def test_other_schemes_are_refused(url: str, entry: zoo.ModelEntry, own_settings: Settings) -> None:
    odd = replace(entry, weights=replace(entry.weights, place=MappingProxyType({"url": url})))
    with pytest.raises(InvalidInputError, match="Allowed: http and https"):
        pull(odd, own_settings)


@pytest.mark.parametrize("file", ["../w.pth", "", ".hidden", "a/b"])
def test_file_names_cannot_lead_out(file: str, entry: zoo.ModelEntry, own_settings: Settings) -> None:
    place = {"url": "http://127.0.0.1/", "file": file}
    with pytest.raises(InvalidInputError, match="no plain file name"):
        pull(replace(entry, weights=replace(entry.weights, place=MappingProxyType(place))), own_settings)


def test_a_folder_that_cannot_be_written(entry: zoo.ModelEntry, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        pull(entry, Settings(data=tmp_path, weights=tmp_path / "file" / "weights"))


def test_only_what_was_pulled_is_removed(own_settings: Settings, add: Callable[..., zoo.ModelEntry]) -> None:
    with pytest.raises(InvalidInputError, match="were not pulled"):
        remove(zoo.entry("efficientnet_lite0", own_settings.models), own_settings)
    with pytest.raises(InvalidInputError, match="were not pulled"):
        remove(add(), own_settings)
