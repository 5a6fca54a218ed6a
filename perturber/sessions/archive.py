"""A session as one file, to be carried to another server, and back: a zip of JSON, pictures and plain arrays.

What comes from a file is a stranger's. Its entries are looked up under names that are known beforehand and never become
paths; their sizes are counted as they are unpacked; every picture is decoded and written anew, every array is checked
number by number. Nothing is kept before all of it was found in order, and what was kept is removed again where the rest
fails.
"""

import io
import json
import re
import time
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NoReturn, TypeVar

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from perturber import __version__, zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, PerturberError
from perturber.objects import MorphPair, Store
from perturber.objects.reading import BACKGROUND_SIDE
from perturber.objects.reading.paint import LARGE, SMALL
from perturber.objects.store import clean_label
from perturber.own_groups import MAX_CHANNELS, MAX_NAME, OwnGroups
from perturber.pictures import decode, size_of
from perturber.quotas import check_room
from perturber.sessions import checks
from perturber.sessions.belongings import OWN, Belongings, weights_hash
from perturber.sessions.store import MAX_FIGURES, MAX_SNAPSHOTS, NewFigure, NewSnapshot, NewTest, Sessions
from perturber.users import Role, current, need

FORMAT = "perturber-session-3"
"""Says how to read a file; to be changed with what stands in it."""

READABLE = ("perturber-session-1", "perturber-session-2", FORMAT)
"""Of these, the first has no figures, and the first two have no tests."""

F = TypeVar("F", bound=NewFigure)

CONTENTS = "session.json"
THUMBNAIL = "thumbnail.webp"
ARRAYS = {"faces": "<i4", "uv": "<f4", "positions": "<f4", "normals": "<f4"}
"""Of an object, each a file of plain numbers in this type."""

ENTRY = re.compile(
    r"session\.json|thumbnail\.webp|pictures/\d{1,4}\.webp|backgrounds/own-[0-9a-f]{20}\.webp"
    r"|objects/own-[0-9a-f]{20}/(?:(?:faces|uv|positions|normals)\.bin|texture_[01]\.webp)"
)
"""How the files in it may be called."""

MAX_ENTRIES = 2_000
MAX_OWN = 50
"""Objects, and backgrounds, of one session."""

MAX_GROUPS = 500
MAX_PIXELS = 64 * 10**6
"""Of all snapshots' pictures together: their compression takes about a second for each million."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How files in it may be packed; of others, Python unpacks all that is there at once, however much that is."""


@dataclass(frozen=True)
class Exported:
    """A session as a file.

    Attributes:
        content: of the zip.
        name: that the file may have.
        notes: what is not in it, a sentence each.
    """

    content: bytes
    name: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """A session that was brought in.

    Attributes:
        id: of the new session.
        notes: what was renamed, left out, or is not here, a sentence each.
    """

    id: str
    notes: tuple[str, ...]


# ---- what a file says ---------------------------------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Snapshot(_Strict):
    page: str
    query: str
    memory: dict[str, Any]
    predictions: Any
    comment: str


class _Figure(_Strict):
    name: str
    value: dict[str, Any]


class _Object(_Strict):
    label: str = Field(max_length=1000)
    names: list[str] = Field(min_length=2, max_length=2)
    specular: list[float] = Field(min_length=2, max_length=2)
    shininess: list[float] = Field(min_length=2, max_length=2)
    notes: list[str] = Field(max_length=100)


class _Background(_Strict):
    label: str = Field(max_length=1000)
    notes: list[str] = Field(max_length=100)


class _Contents(_Strict):
    format: str
    perturber: str
    exported: float
    name: str
    notes: str
    snapshots: list[_Snapshot] = Field(max_length=MAX_SNAPSHOTS)
    figures: list[_Figure] = Field(default=[], max_length=MAX_FIGURES)
    tests: list[_Figure] = Field(default=[], max_length=MAX_FIGURES)
    objects: dict[str, _Object] = Field(max_length=MAX_OWN)
    backgrounds: dict[str, _Background] = Field(max_length=MAX_OWN)
    groups: dict[str, dict[str, dict[str, list[int]]]]
    models: dict[str, str]


# ---- out ----------------------------------------------------------------------------------------------------------


def export_session(settings: Settings, id: str) -> Exported:
    """Pack a session with what its states name of the users' own: objects, backgrounds, groups; no weights.

    Raises:
        InvalidInputError: there is no session of this id.
        StorageError: something cannot be read.
    """
    sessions, store = Sessions(settings.data), Store(settings.data)
    session = sessions.open(id)
    snapshots = [sessions.snapshot(one.id) for one in session.strip]
    figures = [sessions.figure(one.id) for one in sessions.figures(id)]
    tests = sessions.tests(id)
    states = [(one.query, json.dumps(one.memory)) for one in snapshots]
    values = [*(one.value for one in figures), *(one.value for one in tests)]
    belongings = Belongings.of([*states, *((json.dumps(value), "") for value in values)], settings)
    hashes = {name: weights_hash(name, settings) for name in belongings.models}
    objects, backgrounds, file = {}, {}, io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, one in enumerate(snapshots):
            archive.writestr(f"pictures/{number}.webp", one.picture, zipfile.ZIP_STORED)
        for name in belongings.objects:
            objects[name] = _pack_object(archive, store.pair(name))
        for name in belongings.backgrounds:
            content = store.background_file(name).read_bytes()
            archive.writestr(f"backgrounds/{name}.webp", content, zipfile.ZIP_STORED)
            label = store.names("background").get(name, name)
            backgrounds[name] = {"label": label, "notes": list(store.notes("background", name))}
        if session.thumbnail is not None:
            archive.writestr(THUMBNAIL, session.thumbnail, zipfile.ZIP_STORED)
        contents = {
            "format": FORMAT,
            "perturber": __version__,
            "exported": time.time(),
            "name": session.name,
            "notes": session.notes,
            "snapshots": [{key: getattr(one, key) for key in _Snapshot.model_fields} for one in snapshots],
            "figures": [{key: getattr(one, key) for key in _Figure.model_fields} for one in figures],
            "tests": [{key: getattr(one, key) for key in _Figure.model_fields} for one in tests],
            "objects": objects,
            "backgrounds": backgrounds,
            "groups": belongings.groups,
            "models": hashes,
        }
        archive.writestr(CONTENTS, json.dumps(contents, ensure_ascii=False, indent=1))
    content = file.getvalue()
    notes = [f"{name!r} is not here any more, and not in the file." for name in belongings.missing]
    own = [name for name in belongings.models if zoo.entries(settings)[name.partition("@")[0]].own]
    notes += [f"The weights of {name!r} are not in the file; it must be there where it is opened." for name in own]
    if len(content) > settings.max_upload_mib * 2**20:
        notes.append(
            f"The file has more than the {settings.max_upload_mib} MiB that may be brought in at once "
            "(PERTURBER_MAX_UPLOAD_MIB)."
        )
    slug = "-".join(re.findall(r"[a-z0-9]+", session.name.lower()))[:60] or "session"
    return Exported(content, f"{slug}.zip", tuple(notes))


def _pack_object(archive: zipfile.ZipFile, pair: MorphPair) -> dict[str, object]:
    """Write an object's files; what is to be said of it."""
    folder = f"objects/{pair.name}"
    for key, kind in ARRAYS.items():
        archive.writestr(f"{folder}/{key}.bin", np.ascontiguousarray(getattr(pair, key), kind).tobytes())
    for number, texture in enumerate(pair.textures):
        file = io.BytesIO()
        Image.fromarray(texture).save(file, "WEBP", lossless=True, quality=0, method=0, exact=True)
        archive.writestr(f"{folder}/texture_{number}.webp", file.getvalue(), zipfile.ZIP_STORED)
        if np.array_equal(*pair.textures):
            break
    values = {"specular": list(pair.specular), "shininess": list(pair.shininess)}
    return {"label": pair.label, "names": list(pair.names), "notes": list(pair.notes), **values}


# ---- in -----------------------------------------------------------------------------------------------------------


def import_session(settings: Settings, content: bytes) -> Imported:
    """Keep the session in a file, with what it brings along, as the user's own.

    Objects and backgrounds that are not here get names of their own, which the states are told.

    Args:
        content: of the zip.

    Raises:
        NotAllowedError: the user only looks, or has no room left.
        InvalidInputError: it is none of `export_session`'s, broken, too large, or holds anything that cannot be kept.
            Nothing is kept then.
        StorageError: the data folder cannot be written to; as above.
    """
    need(Role.EDITOR, "import sessions")
    files = _unpacked(content, settings.max_upload_mib)
    contents = _contents(files)
    _check_files(files, contents)
    thumbnail = files.get(THUMBNAIL)
    if thumbnail is not None:
        checks.thumbnail(thumbnail)
    checks.line("A session", contents.name, checks.LONGEST_NAME)
    checks.prose("Notes", contents.notes, checks.LONGEST_NOTES)
    snapshots = _snapshots(files, contents)
    figures, tests = _figures(contents.figures, NewFigure), _figures(contents.tests, NewTest)
    store, groups = Store(settings.data), OwnGroups(settings.data)
    for name in contents.objects:
        _object(files, contents, name)
    for name in contents.backgrounds:
        _background(files, name)
    notes: list[str] = []
    wanted = _groups(contents, groups, settings, notes)
    size = sum(new.size for new in snapshots) + sum(len(file) for name, file in files.items() if "own-" in name)
    size += sum(new.size for new in (*figures, *tests))
    check_room(settings.data, current().name, size, settings)
    undo: list[Callable[[], object]] = []
    try:
        names = _store_own(files, contents, store, undo, notes)
        for model, layer, name, channels in wanted:
            groups.keep(model, layer, name, channels)
            undo.append(lambda m=model, la=layer, n=name: groups.remove(m, la, n))  # type: ignore[misc]
        told = [_told(new, names) for new in snapshots]
        drawn = [replace(new, value=_renamed(new.value, names)) for new in figures]
        proved = [replace(new, value=_renamed(new.value, names)) for new in tests]
        made = Sessions(settings.data).create(
            contents.name,
            notes=contents.notes,
            thumbnail=thumbnail,
            snapshots=told,
            figures=drawn,
            tests=proved,
        )
    except BaseException:
        for step in reversed(undo):
            with suppress(PerturberError):
                step()
        raise
    states = [*((new.query, new.memory) for new in told), *((new.value, "") for new in (*drawn, *proved))]
    missing = Belongings.of(states, settings).missing
    notes += [
        f"{name!r} was not in the file and is not here; what it stands for shows its default." for name in missing
    ]
    return Imported(made, (*notes, *_about_models(contents, settings)))


def _unpacked(content: bytes, limit: int) -> dict[str, bytes]:
    """What a zip holds, by name.

    Raises:
        InvalidInputError: it is broken, too large, or holds what no session does.
    """
    if len(content) > limit * 2**20:
        raise InvalidInputError(f"The file is larger than {limit} MiB.")
    found: dict[str, bytes] = {}
    room = limit * 2**20
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if len(archive.infolist()) > MAX_ENTRIES:
                raise InvalidInputError(f"The file holds more than {MAX_ENTRIES:,} files, which no session does.")
            for entry in archive.infolist():
                if not ENTRY.fullmatch(entry.filename) or entry.filename in found:
                    raise InvalidInputError(f"The file holds {entry.filename[:80]!r}, which no session does.")
                if entry.flag_bits & 1:
                    raise InvalidInputError("The file is locked with a password.")
                if entry.compress_type not in METHODS:
                    raise InvalidInputError("The file is packed in a way that sessions are not.")
                with archive.open(entry) as file:
                    found[entry.filename] = file.read(room + 1)  # what the entry says of its size may be a lie
                room -= len(found[entry.filename])
                if room < 0:
                    raise InvalidInputError(f"The file unpacks to more than {limit} MiB.")
    except InvalidInputError:
        raise
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError, ValueError, LookupError) as error:
        raise InvalidInputError("The file is broken, or no session that was exported.") from error
    return found


def _contents(files: Mapping[str, bytes]) -> _Contents:
    """What a file says of itself.

    Raises:
        InvalidInputError: nothing that a session does.
    """
    if CONTENTS not in files:
        raise InvalidInputError("The file is no session that was exported: there is no session.json in it.")
    try:
        read = json.loads(files[CONTENTS].decode(), parse_constant=_no_constant)
        kind = read.get("format") if isinstance(read, dict) else None
        if kind not in READABLE:
            raise InvalidInputError(
                f"The session in the file is of the kind {str(kind)[:40]!r}, which is unknown here. Allowed: "
                f"{', '.join(READABLE)}."
            )
        return _Contents.model_validate(read)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))[:80]
        raise InvalidInputError(f"The session in the file cannot be read: {place}: {first['msg']}.") from None
    except (ValueError, RecursionError) as error:
        said = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:200].rstrip(".")
        raise InvalidInputError(f"The session in the file cannot be read: {said}.") from error


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _check_files(files: Mapping[str, bytes], contents: _Contents) -> None:
    """Refuse a file that lacks something, or has something of which it does not speak."""
    needed = {CONTENTS, *(f"pictures/{number}.webp" for number in range(len(contents.snapshots)))}
    needed |= {f"objects/{name}/{key}.bin" for name in contents.objects for key in ARRAYS}
    needed |= {f"objects/{name}/texture_0.webp" for name in contents.objects}
    needed |= {f"backgrounds/{name}.webp" for name in contents.backgrounds}
    allowed = needed | {THUMBNAIL, *(f"objects/{name}/texture_1.webp" for name in contents.objects)}
    for name in (*contents.objects, *contents.backgrounds):
        if not OWN.fullmatch(name):
            raise InvalidInputError(
                f"The session in the file names {name[:80]!r}, which nothing of one's own is called."
            )
    for what, which in (("lacks", needed - files.keys()), ("does not speak of", files.keys() - allowed)):
        if which:
            raise InvalidInputError(f"The session in the file {what} {min(which)!r}.")


def _snapshots(files: Mapping[str, bytes], contents: _Contents) -> list[NewSnapshot]:
    pictures = [files[f"pictures/{number}.webp"] for number in range(len(contents.snapshots))]
    sizes = [size_of(picture) or (0, 0) for picture in pictures]
    if sum(width * height for width, height in sizes) > MAX_PIXELS:
        raise InvalidInputError(
            f"The pictures in the file have more than {MAX_PIXELS // 10**6} million pixels together."
        )
    found = []
    for number, (picture, one) in enumerate(zip(pictures, contents.snapshots, strict=True), 1):
        try:
            found.append(NewSnapshot.of(**dict(one), picture=picture))
        except InvalidInputError as error:
            raise InvalidInputError(f"Snapshot {number} in the file cannot be kept. {error}") from error
    return found


def _figures(told: Sequence[_Figure], kind: type[F]) -> list[F]:
    """The figures, or tests, of a file; no two of which have one name."""
    found: dict[str, F] = {}
    what = kind.what.removeprefix("A ")
    for number, one in enumerate(told, 1):
        try:
            new = kind.of(one.name, one.value)
        except InvalidInputError as error:
            raise InvalidInputError(f"{what.title()} {number} in the file cannot be kept. {error}") from error
        if found.setdefault(new.name, new) is not new:
            raise InvalidInputError(f"The file holds two {what}s of the name {new.name[:80]!r}.")
    return list(found.values())


def _object(files: Mapping[str, bytes], contents: _Contents, name: str) -> MorphPair:
    """An object in a file.

    Raises:
        InvalidInputError: anything that the renderer could not show.
    """
    said, folder = contents.objects[name], f"objects/{name}"

    def expect(right: object, what: str) -> None:
        if not right:
            raise InvalidInputError(f"The object {said.label[:60]!r} in the file cannot be used: its {what}.")

    flat = {}
    for key, kind in ARRAYS.items():
        expect(len(files[f"{folder}/{key}.bin"]) % 4 == 0, f"{key} are cut off")
        flat[key] = np.frombuffer(files[f"{folder}/{key}.bin"], kind)
    count, vertices = len(flat["faces"]) // 3, len(flat["uv"]) // 2
    expect(1 <= count <= Settings().max_triangles, "triangles are too many, or none")
    expect(1 <= vertices <= 3 * count, "vertices do not fit its triangles")
    sizes = {"faces": 3 * count, "uv": 2 * vertices, "positions": 6 * vertices, "normals": 6 * vertices}
    expect(all(len(flat[key]) == size for key, size in sizes.items()), "arrays do not fit each other")
    expect(flat["faces"].min() >= 0 and flat["faces"].max() < vertices, "triangles have corners that are not there")
    for key, most in (("uv", 1e4), ("positions", 2.0), ("normals", 2.0)):  # as reading an upload leaves them
        expect(np.abs(flat[key]).max() <= most, f"{key} are not finite, or too large")  # which NaN is not, either
    textures = [
        _texture(files[file], said.label) for file in (f"{folder}/texture_{n}.webp" for n in (0, 1)) if file in files
    ]
    expect(textures[0].shape == textures[-1].shape, "textures differ in size")
    expect(all(0 <= value <= 1 for value in said.specular), "gloss is not from 0 to 1")
    expect(all(0 < value <= 10_000 for value in said.shininess), "shininess is not from 0 to 10,000")
    first, second = (clean_label(one) or "Object" for one in said.names)
    return MorphPair(
        name=name,
        label=clean_label(said.label) or "Object",
        names=(first, second),
        faces=flat["faces"].astype(np.int32).reshape(-1, 3),
        uv=flat["uv"].astype(np.float32).reshape(-1, 2),
        positions=flat["positions"].astype(np.float32).reshape(2, -1, 3),
        normals=flat["normals"].astype(np.float32).reshape(2, -1, 3),
        textures=np.stack([textures[0], textures[-1]]),
        specular=(said.specular[0], said.specular[1]),
        shininess=(said.shininess[0], said.shininess[1]),
        notes=_clean_notes(said.notes),
    )


def _texture(content: bytes, label: str) -> np.ndarray:
    if size_of(content) not in ((SMALL, SMALL), (LARGE, LARGE)) or content[:4] != b"RIFF":
        raise InvalidInputError(
            f"The object {label[:60]!r} in the file cannot be used: a texture is no WebP of {SMALL} or {LARGE} pixels."
        )
    return np.asarray(decode(content, alpha=True))


def _background(files: Mapping[str, bytes], name: str) -> np.ndarray:
    """A background in a file: (S, S, 3) uint8.

    Raises:
        InvalidInputError: it is none.
    """
    content = files[f"backgrounds/{name}.webp"]
    if size_of(content) != (BACKGROUND_SIDE, BACKGROUND_SIDE) or content[:4] != b"RIFF":
        raise InvalidInputError(
            f"A background in the file cannot be used: it is no WebP of {BACKGROUND_SIDE} × {BACKGROUND_SIDE} pixels."
        )
    return np.asarray(decode(content))


def _clean_notes(notes: Sequence[str]) -> tuple[str, ...]:
    return tuple("".join(c for c in note[:500] if c.isprintable()) for note in notes)


def _store_own(
    files: Mapping[str, bytes],
    contents: _Contents,
    store: Store,
    undo: list[Callable[[], object]],
    notes: list[str],
) -> dict[str, str]:
    """Add objects and backgrounds that are not here; name in the file → name here."""
    names: dict[str, str] = {}
    for old in contents.objects:  # read once more, since all together may not fit into memory
        pair = _object(files, contents, old)
        if store.has("object", old) and _is_same(store.pair(old), pair):
            continue
        there = set(store.names("object"))
        names[old] = new = store.add_pair(pair)
        if new not in there:
            undo.append(lambda n=new: store.remove("object", n))  # type: ignore[misc]
        notes.append(f"The object “{pair.label}” ({old}) is here as {new}.")
    for old, said in contents.backgrounds.items():
        picture = _background(files, old)
        if store.has("background", old) and np.array_equal(store.background(old), picture):
            continue
        there = set(store.names("background"))
        names[old] = new = store.add_picture(picture, label=said.label, notes=_clean_notes(said.notes))
        if new not in there:
            undo.append(lambda n=new: store.remove("background", n))  # type: ignore[misc]
        notes.append(f"The background “{clean_label(said.label)}” ({old}) is here as {new}.")
    return {old: new for old, new in names.items() if old != new}


def _is_same(one: MorphPair, other: MorphPair) -> bool:
    """Whether two objects look the same."""
    arrays = (*ARRAYS, "textures")
    plain = (one.specular, one.shininess) == (other.specular, other.shininess)
    return plain and all(np.array_equal(getattr(one, key), getattr(other, key)) for key in arrays)


def _told(new: NewSnapshot, names: Mapping[str, str]) -> NewSnapshot:
    """A snapshot whose state names things as they are called here."""
    return replace(new, query=_renamed(new.query, names), memory=_renamed(new.memory, names))


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """A state's text with other names."""
    return OWN.sub(lambda found: names.get(found[0], found[0]), text)


def _groups(
    contents: _Contents, groups: OwnGroups, settings: Settings, notes: list[str]
) -> list[tuple[str, str, str, list[int]]]:
    """Model, layer, name and channels of the groups that are to be kept.

    Raises:
        InvalidInputError: there are too many, or something is no group.
    """
    known, found = zoo.entries(settings), []
    if sum(len(named) for layers in contents.groups.values() for named in layers.values()) > MAX_GROUPS:
        raise InvalidInputError(f"The file holds more than {MAX_GROUPS} groups.")
    for model, layers in contents.groups.items():
        if model not in known:
            notes.append(f"Groups of {model[:80]!r} are left out: there is no such model here.")
            continue
        there = groups.by_layer(model)
        for layer, named in layers.items():
            if not re.fullmatch(r"[\w.-]{1,100}", layer, re.ASCII):
                raise InvalidInputError(f"{layer[:80]!r} in the file is no layer.")
            taken = dict(there.get(layer, {}))
            for name, channels in named.items():
                title = checks.line("A group", name, MAX_NAME)
                if not 1 <= len(channels) <= MAX_CHANNELS or not all(0 <= channel < 10**6 for channel in channels):
                    raise InvalidInputError(f"The group {title!r} in the file has channels that no layer has.")
                wanted, number = list(dict.fromkeys(channels)), 2
                free = title
                while free in taken and taken[free] != wanted:
                    free, number = f"{title[: MAX_NAME - 6]} ({number})", number + 1
                if free not in taken:
                    found.append((model, layer, free, wanted))
                    taken[free] = wanted
                if free != title:
                    notes.append(f"The group “{title}” of {layer} is here as “{free}”: there is another of its name.")
    return found


def _about_models(contents: _Contents, settings: Settings) -> list[str]:
    """What differs of the models, a sentence each."""
    known, notes = zoo.entries(settings), []
    for name, sha256 in contents.models.items():
        if name.partition("@")[0] not in known:
            notes.append(
                f"There is no model {name[:80]!r} here; its weights had the SHA-256 {sha256[:12] or 'unknown'}."
            )
            continue
        here = weights_hash(name, settings)
        shared = min(len(here), len(sha256))
        if shared and here[:shared] != sha256[:shared]:
            notes.append(f"{name[:80]!r} has other weights here ({here[:12]}…) than where the session comes from.")
    return notes
