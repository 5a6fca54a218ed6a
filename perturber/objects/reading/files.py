"""The files of one upload: contents under the names that the user gave them, which never become paths."""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from urllib.parse import unquote

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.objects.reading.text import loosely, readings

MODELS = (".obj", ".glb", ".gltf")
PICTURES = (
    ".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".heic", ".heif", ".bmp", ".tga", ".tif", ".tiff",
    ".gif", ".ppm",
)  # fmt: skip
USED = (*MODELS, *PICTURES, ".mtl", ".bin")

MAX_ENTRIES = 1000
"""Files in one zip file; more are refused before any is unpacked."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How files in it may be packed; of others, Python unpacks all that is there at once, however much that is."""

MOST_LISTED = 6
"""Names in one sentence."""


class Files(Mapping[str, bytes]):
    """Contents by base name; references to them are found whatever folder or case they were written with.

    Args:
        given: name → content as the user sent them; a zip file stands for what it holds. Files of kinds that no
            reader uses are left out.

    Attributes:
        unread: the names of those that are left out.

    Raises:
        InvalidInputError: nothing usable, too large, a broken zip file, or two different files of one name.
    """

    def __init__(self, given: Mapping[str, bytes]) -> None:
        limit = Settings().max_upload_mib
        if sum(map(len, given.values())) > limit * 2**20:
            raise InvalidInputError(f"The files are larger than {limit} MiB together.")
        self._contents: dict[str, bytes] = {}
        self.unread: list[str] = []
        room = limit * 2**20
        for name, content in given.items():
            if extension(name) == ".zip":
                room -= self._unpack(base_name(name), content, room)
            else:
                self._add(name, content)
        self._loosely = {loosely(name): name for name in self._contents}
        self._pictures = {loosely(stem(name)): name for name in reversed(self.of_kind(*PICTURES))}
        if not self._contents:
            shown = ", ".join(repr(base_name(name)) for name in list(given)[:5]) or "no file"
            raise InvalidInputError(f"There is nothing to read in {shown}; allowed are {', '.join(USED)} and .zip.")

    def __getitem__(self, name: str) -> bytes:
        return self._contents[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents)

    def __len__(self) -> int:
        return len(self._contents)

    def of_kind(self, *extensions: str) -> list[str]:
        """The names with one of these extensions, in the order in which they were given."""
        return [name for name in self._contents if extension(name) in extensions]

    def find(self, reference: str) -> str | None:
        """The file that a reference in another file means: by its base name alone, else in any case."""
        names = names_in(reference)
        exact = (name for name in names if name in self._contents)
        return next(exact, None) or next(
            (self._loosely[loosely(name)] for name in names if loosely(name) in self._loosely), None
        )

    def find_picture(self, reference: str) -> str | None:
        """The picture that a reference means; one that has another ending too, where there is none with the same."""
        stems = (loosely(stem(name)) for name in names_in(reference))
        return self.find(reference) or next((self._pictures[key] for key in stems if key in self._pictures), None)

    def _add(self, name: str, content: bytes) -> None:
        name = base_name(name)
        if name.startswith("."):
            return
        if extension(name) not in USED:
            self.unread.append(name)
            return
        if self._contents.setdefault(name, content) != content:
            raise InvalidInputError(f"Two different files are called {name!r}; rename one of them.")

    def _unpack(self, name: str, content: bytes, room: int) -> int:
        """Add what a zip file holds; returns its size in bytes."""
        limit, total = Settings().max_upload_mib, 0
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                entries = archive.infolist()
                if len(entries) > MAX_ENTRIES:
                    raise InvalidInputError(f"{name!r} holds more than {MAX_ENTRIES:,} files.")
                for entry in entries:
                    if entry.is_dir():
                        continue
                    if extension(entry.filename) not in USED:
                        self._add(entry.filename, b"")
                        continue
                    if entry.flag_bits & 1:
                        raise InvalidInputError(f"{name!r} is locked with a password.")
                    if entry.compress_type not in METHODS:
                        raise InvalidInputError(
                            f"{name!r} is packed in a way that is not supported; pack it as an ordinary zip (Deflate)."
                        )
                    with archive.open(entry) as file:
                        unpacked = file.read(room - total + 1)  # what the entry says of its size may be a lie
                    total += len(unpacked)
                    if total > room:
                        raise InvalidInputError(f"{name!r} unpacks to more than {limit} MiB.")
                    self._add(entry.filename, unpacked)
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            EOFError,
            OSError,
            ValueError,
            LookupError,
        ) as error:
            raise InvalidInputError(f"The zip file {name!r} is broken or of a kind that cannot be read.") from error
        except Exception as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(f"The zip file {name!r} cannot be unpacked.") from error
        return total


def names_in(reference: str) -> list[str]:
    """The base names that a reference in another file may mean."""
    return [base_name(name) for text in (reference, unquote(reference)) for name in readings(text.strip().strip('"'))]


def base_name(name: str) -> str:
    """The last part of a file name of any system, printable and of limited length."""
    last = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-100:]


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: the first of many."""
    first = list(islice(names, MOST_LISTED + 1))
    return ", ".join(first[:MOST_LISTED]) + (", …" if len(first) > MOST_LISTED else "")


def extension(name: str) -> str:
    """``.obj`` for ``Dog.OBJ``; empty where there is none."""
    _, dot, last = base_name(name).rpartition(".")
    return f".{last.lower()}" if dot else ""


def stem(name: str) -> str:
    """``Dog`` for ``Dog.OBJ``."""
    name = base_name(name)
    return name.rpartition(".")[0] or name
