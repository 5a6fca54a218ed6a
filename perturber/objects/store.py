"""Objects and backgrounds of the users' own, on disk under names made from their content.

A name is ``own-`` and the beginning of a SHA-256 over the files and their roles: the same files have the same name on
every machine, so a `Scene` that names them can be shared on one server and survives its restart. Each lies in a folder
of its own, which is made under a temporary name and renamed when it is whole: readers and other processes see all of
it or nothing, and what is refused leaves nothing behind.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from perturber.config import Settings
from perturber.disk import remove_abandoned, settle, temporary, unwritable
from perturber.errors import UnknownNameError
from perturber.objects.mesh import MorphPair
from perturber.quotas import bytes_in, check_room, owner_in
from perturber.users import Role, current, need, need_owner

Kind = Literal["object", "background"]

FORMAT = "perturber-2"
"""Part of every name: to be changed when the same files would be read differently."""

PICTURE = "picture.webp"
"""File of a background's picture in its folder."""

LONGEST_LABEL = 60
NAME = re.compile(r"own-[0-9a-f]{20}")
"""What names of the users' own things look like."""

_INFO: dict[Kind, str] = {"object": "pair.json", "background": "background.json"}
_FOLDERS: dict[Kind, str] = {"object": "objects", "background": "backgrounds"}


class Store:
    """What users brought along.

    Args:
        folder: is made when the first thing is added.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add_object(
        self,
        files: Mapping[str, bytes],
        *,
        label: str | None = None,
        texture: str | None = None,
        alpha: str | None = None,
        second: str | None = None,
        second_texture: str | None = None,
        second_alpha: str | None = None,
    ) -> str:
        """Add an object, or a pair that morphs.

        Args:
            files: content by the name that the user gave it: one .obj with its .mtl and pictures, one .glb, one
                .gltf with its files, two .obj of one topology, or a .zip of such.
            label: name in the interface; by default after the files.
            texture, alpha: names in `files` of diffuse and alpha texture, instead of what materials or names say.
            second: name in `files` of the .obj into which the other one morphs.
            second_texture, second_alpha: its textures.

        Returns:
            Its name; the same for the same files.

        Raises:
            NotAllowedError: the user only looks, or has no room left.
            InvalidInputError: anything that cannot be used. Nothing is stored then.
            StorageError: the data folder cannot be written to.
        """
        from perturber.objects.reading import Roles, Upload, read_object

        need(Role.EDITOR, "add objects")
        roles = Roles(
            texture=texture, alpha=alpha, second=second, second_texture=second_texture, second_alpha=second_alpha
        )
        upload = Upload.of(files, roles)
        parts = [(name, upload.files[name]) for name in sorted(upload.files)]
        name = _name(
            "object",
            [*parts, *((f"role {k}", (v or "").encode()) for k, v in vars(upload.roles).items())],
            order=upload.models,
        )
        shown = clean_label(label) or clean_label(" ↔ ".join(upload.names)) or "Object"
        if self.has("object", name):
            if label and self._is_theirs("object", name):
                self._relabel("object", name, shown)
            return name
        pair = read_object(upload, name=name, label=shown)
        with self._new("object", name) as folder:
            pair.save(folder, lossless=True)
        return name

    def add_background(self, content: bytes, *, label: str | None = None) -> str:
        """Add a picture; its middle becomes a background.

        Returns:
            Its name; the same for the same content.

        Raises:
            NotAllowedError: the user only looks, or has no room left.
            InvalidInputError: not a picture, broken or too large. Nothing is stored then.
            StorageError: the data folder cannot be written to.
        """
        from perturber.objects.reading import read_background

        need(Role.EDITOR, "add backgrounds")
        name = _name("background", [("", content)])
        shown = clean_label(label) or f"Background {name[4:8]}"
        if self.has("background", name):
            if label and self._is_theirs("background", name):
                self._relabel("background", name, shown)
            return name
        notes: list[str] = []
        picture = read_background(content, notes=notes)
        with self._new("background", name) as folder:
            Image.fromarray(picture).save(folder / PICTURE, quality=95, method=4)
            _write_info(folder / _INFO["background"], {"label": shown, "notes": notes})
        return name

    def add_pair(self, pair: MorphPair) -> str:
        """Add an object that has been read before, in another store, under a name made from what it holds.

        Returns:
            Its name, whatever it was called; the same for equal ones.

        Raises:
            NotAllowedError: the user only looks, or has no room left.
            StorageError: the data folder cannot be written to.
        """
        need(Role.EDITOR, "add objects")
        arrays = ((key, getattr(pair, key)) for key in ("faces", "uv", "positions", "normals", "textures"))
        parts = [part for key, a in arrays for part in ((key, repr(a.shape).encode()), (key, a.tobytes()))]
        name = _name("object", [*parts, ("gloss", repr((pair.specular, pair.shininess)).encode())])
        if not self.has("object", name):
            with self._new("object", name) as folder:
                replace(pair, name=name, label=clean_label(pair.label) or "Object").save(folder, lossless=True)
        return name

    def add_picture(self, picture: np.ndarray, *, label: str, notes: Sequence[str] = ()) -> str:
        """Add a background that has been read before, (S, S, 3) uint8, as it is; as of `add_pair`."""
        need(Role.EDITOR, "add backgrounds")
        name = _name("background", [("shape", repr(picture.shape).encode()), ("picture", picture.tobytes())])
        if not self.has("background", name):
            with self._new("background", name) as folder:
                Image.fromarray(picture).save(folder / PICTURE, lossless=True, quality=0, method=0)
                info: dict[str, object] = {
                    "label": clean_label(label) or f"Background {name[4:8]}",
                    "notes": list(notes),
                }
                _write_info(folder / _INFO["background"], info)
        return name

    def rename(self, kind: Kind, name: str, label: str) -> None:
        """Give something another label; one without any printable text leaves it as it is.

        Raises:
            UnknownNameError: there is nothing of this name in the store.
            NotAllowedError: it belongs to somebody else.
            StorageError: the data folder cannot be written to.
        """
        if not self.has(kind, name):
            raise UnknownNameError(f"{kind} of your own", name, self.names(kind))
        if (shown := clean_label(label)) not in ("", present := self.names(kind)[name]):
            need_owner(owner_in(self._info(kind, name)), f"“{present}”")
            self._relabel(kind, name, shown)

    def remove(self, kind: Kind, name: str) -> None:
        """Forget something for good.

        Raises:
            UnknownNameError: there is nothing of this name in the store.
            NotAllowedError: it belongs to somebody else.
            StorageError: the data folder cannot be written to.
        """
        if not self.has(kind, name):
            raise UnknownNameError(f"{kind} of your own", name, self.names(kind))
        need_owner(owner_in(self._info(kind, name)), f"“{self.names(kind).get(name, name)}”")
        with self._temporary() as folder:
            try:
                os.replace(self._path(kind, name), folder / "removed")  # others never see half of it
            except FileNotFoundError:  # another process was faster
                return

    def has(self, kind: Kind, name: str) -> bool:
        """Whether there is something of this name."""
        return isinstance(name, str) and NAME.fullmatch(name) is not None and self._info(kind, name).is_file()

    def names(self, kind: Kind) -> dict[str, str]:
        """Name → label of everything, by label; read anew, so that other processes' additions are there."""
        found = {}
        try:
            with os.scandir(self.folder / _FOLDERS[kind]) as entries:
                names = [entry.name for entry in entries if NAME.fullmatch(entry.name)]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        for name in names:
            label = _label(self._info(kind, name))
            if label is not None:
                found[name] = label
        return dict(sorted(found.items(), key=lambda item: (item[1].lower(), item[0])))

    def notes(self, kind: Kind, name: str) -> tuple[str, ...]:
        """What of something's files was left out, changed or guessed, a sentence each; none of what is not here."""
        if not self.has(kind, name):
            return ()
        return tuple(json.loads(self._info(kind, name).read_text()).get("notes", ()))

    def stamp(self, kind: Kind, name: str) -> tuple[str, int]:
        """A value that changes when what the name stands for does.

        Raises:
            UnknownNameError: there is nothing of this name.
        """
        try:
            return str(self._path(kind, name)), os.stat(self._info(kind, name)).st_mtime_ns
        except OSError:
            raise UnknownNameError(kind, name, self.names(kind)) from None

    def pair(self, name: str) -> MorphPair:
        """Read an object.

        Raises:
            UnknownNameError: there is none of this name.
        """
        if not self.has("object", name):
            raise UnknownNameError("object", name, self.names("object"))
        return MorphPair.load(self._path("object", name))

    def background(self, name: str) -> np.ndarray:
        """Read a background: (S, S, 3) uint8.

        Raises:
            UnknownNameError: there is none of this name.
        """
        if not self.has("background", name):
            raise UnknownNameError("background", name, self.names("background"))
        with Image.open(self.background_file(name)) as picture:
            return np.asarray(picture.convert("RGB"))

    def background_file(self, name: str) -> Path:
        """Where a background's picture lies, a WebP; whether there is one is for `has` to say."""
        return self._path("background", name) / PICTURE

    def _path(self, kind: Kind, name: str) -> Path:
        return self.folder / _FOLDERS[kind] / name

    def _info(self, kind: Kind, name: str) -> Path:
        return self._path(kind, name) / _INFO[kind]

    def _is_theirs(self, kind: Kind, name: str) -> bool:
        """Whether the user may change it."""
        return current().may_change(owner_in(self._info(kind, name)))

    def _relabel(self, kind: Kind, name: str, label: str) -> None:
        info = self._info(kind, name)
        with self._temporary() as folder:
            _write_info(folder / info.name, {**json.loads(info.read_text()), "label": label})
            settle(folder / info.name)
            os.replace(folder / info.name, info)

    @contextmanager
    def _new(self, kind: Kind, name: str) -> Iterator[Path]:
        """A folder to fill, which takes its place under its name in the end, and belongs to the user.

        Raises:
            NotAllowedError: the user has no room left.
        """
        with self._temporary() as folder:
            made = folder / name
            made.mkdir()
            yield made
            owner, info = current().name, made / _INFO[kind]
            _write_info(info, {**json.loads(info.read_text()), **({"owner": owner} if owner else {})})
            check_room(self.folder, owner, bytes_in(made), Settings())
            for part in (*made.iterdir(), made):
                settle(part)
            place = self._path(kind, name)
            place.parent.mkdir(exist_ok=True)
            try:
                os.replace(made, place)
            except OSError:
                if not self.has(kind, name):  # otherwise another process was faster with the same
                    raise
            settle(place.parent)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        """A folder on the store's own file system that is gone afterwards, whatever happens.

        Raises:
            StorageError: it cannot be made, or what is done within fails to write.
        """
        incoming = self.folder / "incoming"
        try:
            incoming.mkdir(parents=True, exist_ok=True)
            remove_abandoned(incoming.glob("*"))
            with temporary(incoming) as folder:
                yield folder
        except OSError as error:
            raise unwritable(self.folder, error) from error


def clean_label(text: str | None) -> str:
    """One line of printable text, shortened; markup stays the text that it is."""
    printable = "".join(c if c.isprintable() else " " for c in text or "")
    return " ".join(printable.split())[:LONGEST_LABEL].strip()


def _name(kind: Kind, parts: list[tuple[str, bytes]], order: tuple[str, ...] = ()) -> str:
    digest = hashlib.sha256(f"{FORMAT} {kind}".encode())
    for name, content in (*parts, *(("model", name.encode()) for name in order)):
        for piece in (name.encode(errors="surrogatepass"), content):
            digest.update(len(piece).to_bytes(8, "little"))
            digest.update(piece)
    return f"own-{digest.hexdigest()[:20]}"


def _write_info(file: Path, info: dict[str, object]) -> None:
    file.write_text(json.dumps(info, indent=2, ensure_ascii=False) + "\n")


_labels: dict[Path, tuple[int, str]] = {}


def _label(info: Path) -> str | None:
    """The label in a file, read again when the file is another; None where there is none."""
    try:
        changed = info.stat().st_mtime_ns
        if _labels.get(info, (None, ""))[0] != changed:
            if len(_labels) > 10_000:
                _labels.clear()
            _labels[info] = changed, clean_label(str(json.loads(info.read_text())["label"])) or info.parent.name
        return _labels[info][1]
    except (OSError, ValueError, KeyError, TypeError):
        return None
