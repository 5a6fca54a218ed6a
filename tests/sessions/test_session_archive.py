"""Sessions as files: there and back, to another server, and files of strangers."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from session_values import new, noise
from user_files import CUBE

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, NotAllowedError, StorageError
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.sessions import Sessions
from perturber.sessions import archive as archives
from perturber.sessions.archive import export_session, import_session
from perturber.users import Role, User, acting
from perturber.zoo import own

LITE0 = "efficientnet_lite0"
Files = dict[str, bytes]


def settings_of(folder: Path) -> Settings:
    return Settings(device="cpu", data=folder, weights=None)


def picture(seed: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise(seed, 40, 50)).save(file, format="PNG")
    return file.getvalue()


def made(data: Path) -> tuple[str, str, str]:
    """A session whose states show an object, a background and a group of one's own: all three names."""
    thing = Store(data).add_object({"cube.obj": CUBE.encode()}, label="Cube")
    background = Store(data).add_background(picture(9), label="Mine")
    OwnGroups(data).keep(LITE0, "blocks.3.0", "Fur", [1, 2])
    OwnGroups(data).keep(LITE0, "blocks.5.0", "Elsewhere", [3])
    query = f"object={thing}&yaw=3&m1={LITE0}&l1=blocks.3.0&c1=1,2"
    snapshots = [
        new(1, query=query, memory={"reference": {"background": background}}, predictions=[{"class": "dog"}]),
        new(2, query=f"background={background}&m1=lite0_adversarial&l1=blocks.3.0"),
    ]
    id = Sessions(data).create("Fur & Shape!", notes="*n*", thumbnail=noise(3), snapshots=snapshots)
    return id, thing, background


def kept(data: Path) -> set[str]:
    """All that is there, but for what locks leave."""
    found = {path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()}
    groups = OwnGroups(data).by_layer(LITE0)
    return {name for name in found if not name.endswith((".lock", ".db"))} | {str(groups), str(Sessions(data).all())}


def unpacked(content: bytes) -> Files:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str, str]:
    """The file of a session, and the names of its object and its background."""
    data = tmp_path_factory.mktemp("first")
    id, thing, background = made(data)
    return export_session(settings_of(data), id).content, thing, background


def test_there_and_back(tmp_path: Path) -> None:
    """On the same server nothing is stored twice, and the states stay what they are."""
    settings = settings_of(tmp_path)
    id, *_ = made(tmp_path)
    file = export_session(settings, id)
    assert (file.name, file.notes) == ("fur-shape.zip", ())
    before = {name for name in kept(tmp_path) if "Listing" not in name}
    with acting(User("ed", Role.EDITOR)):
        imported = import_session(settings, file.content)
    assert imported.notes == ()
    assert {name for name in kept(tmp_path) if "Listing" not in name} == before
    sessions = Sessions(tmp_path)
    old, copy = sessions.open(id), sessions.open(imported.id)
    assert (copy.name, copy.notes, copy.owner) == (old.name, old.notes, "ed")
    for one, other in zip(old.strip, copy.strip, strict=True):
        first, second = sessions.snapshot(one.id), sessions.snapshot(other.id)
        for key in ("page", "query", "memory", "predictions", "comment"):
            assert getattr(first, key) == getattr(second, key)
        np.testing.assert_array_equal(first.pixels(), second.pixels())
    with Image.open(io.BytesIO(copy.thumbnail or b"")) as small:
        assert small.size == (32, 24)


def test_a_file_holds_no_weights_but_their_hashes(exported: tuple[bytes, str, str]) -> None:
    content, thing, background = exported
    files = unpacked(content)
    assert {name.partition("/")[0] for name in files} == {
        "session.json", "thumbnail.webp", "pictures", "objects", "backgrounds",
    }  # fmt: skip
    said = json.loads(files["session.json"])
    hashes = {name: zoo.entries(Settings())[name].weights.sha256 for name in (LITE0, "lite0_adversarial")}
    assert said["models"] == hashes
    assert all(len(sha256) >= 8 for sha256 in hashes.values())
    assert said["groups"] == {LITE0: {"blocks.3.0": {"Fur": [1, 2]}}}
    assert (list(said["objects"]), list(said["backgrounds"])) == ([thing], [background])


def test_to_another_server(exported: tuple[bytes, str, str], tmp_path: Path) -> None:
    """What it shows comes along under names that the content has here, and the states are told them."""
    content, thing, _ = exported
    settings, store = settings_of(tmp_path), Store(tmp_path)
    OwnGroups(tmp_path).keep(LITE0, "blocks.3.0", "Fur", [7])
    imported = import_session(settings, content)
    ((new_thing, label),) = store.names("object").items()
    ((new_background, other),) = store.names("background").items()
    assert (label, other) == ("Cube", "Mine")
    assert new_thing != thing  # whoever uploads the same files there must not get a stranger's object for them
    sessions = Sessions(tmp_path)
    first, second = (sessions.snapshot(one.id) for one in sessions.open(imported.id).strip)
    assert first.query.startswith(f"object={new_thing}&yaw=3")
    assert first.memory == {"reference": {"background": new_background}}
    assert second.query.startswith(f"background={new_background}&")
    assert OwnGroups(tmp_path).of(LITE0, "blocks.3.0") == {"Fur": [7], "Fur (2)": [1, 2]}
    assert len(imported.notes) == 3
    assert f"“Cube” ({thing}) is here as {new_thing}." in " ".join(imported.notes)
    assert "The group “Fur” of blocks.3.0 is here as “Fur (2)”" in " ".join(imported.notes)
    before = {name for name in kept(tmp_path) if "Listing" not in name}
    again = import_session(settings, content)
    assert {name for name in kept(tmp_path) if "Listing" not in name} == before
    assert sessions.open(again.id).strip[0].query == first.query


def test_what_arrives_looks_as_it_did(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    id, thing, background = made(here)
    import_session(settings_of(there), export_session(settings_of(here), id).content)
    (arrived,) = Store(there).names("object")
    old, now = Store(here).pair(thing), Store(there).pair(arrived)
    for key in ("faces", "uv", "positions", "normals", "textures", "specular", "shininess", "names", "label", "notes"):
        np.testing.assert_array_equal(getattr(old, key), getattr(now, key))
    (arrived,) = Store(there).names("background")
    np.testing.assert_array_equal(Store(here).background(background), Store(there).background(arrived))
    assert Store(here).notes("background", background) == Store(there).notes("background", arrived)


def test_what_is_not_there_is_said(exported: tuple[bytes, str, str], tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    table = {"label": "x", "architecture": "timm:resnet18", "licence": "MIT", "training": "other"}
    numbers = {"classes": "imagenet1k", "mean": [0.5] * 3, "std": [0.5] * 3, "input_size": 224, "resize": 256}
    weights = {"source": "file", "layout": "same", "path": "edits/x.safetensors", "sha256": "1" * 64}
    own.add("mine", {**table, **numbers, "weights": weights}, settings)
    gone = "own-" + "0" * 20
    id = Sessions(tmp_path).create("x", snapshots=[new(1, query=f"object={gone}&m1=mine")])
    file = export_session(settings, id)
    assert [note[:40] for note in file.notes] == [
        f"{gone!r} is not here any more, and not in the file."[:40], "The weights of 'mine' are not in the file;"[:40],
    ]  # fmt: skip
    (missing, models) = import_session(settings_of(tmp_path / "other"), file.content).notes
    assert f"{gone!r} was not in the file and is not here" in missing
    assert models == "There is no model 'mine' here; its weights had the SHA-256 111111111111."
    own.add("mine", {**table, **numbers, "weights": {**weights, "sha256": "2" * 64}}, settings)
    assert "'mine' has other weights here (222222222222…)" in import_session(settings, file.content).notes[1]
    files = unpacked(exported[0])
    said = json.loads(files["session.json"])
    said["groups"] = {"no_such_model": {"layer": {"a": [1]}}}
    notes = import_session(settings, packed({**files, "session.json": json.dumps(said).encode()})).notes
    assert "Groups of 'no_such_model' are left out: there is no such model here." in notes


# ---- files of strangers -------------------------------------------------------------------------------------------


def saying(**changes: Any) -> Callable[[Files], bytes]:
    """A file that says something else."""

    def spoil(files: Files) -> bytes:
        return packed({**files, "session.json": json.dumps({**json.loads(files["session.json"]), **changes}).encode()})

    return spoil


def snapshot_with(**changes: Any) -> Callable[[Files], bytes]:
    def spoil(files: Files) -> bytes:
        first, *rest = json.loads(files["session.json"])["snapshots"]
        return saying(snapshots=[{**first, **changes}, *rest])(files)

    return spoil


def with_file(name: str, content: bytes | Callable[[bytes], bytes]) -> Callable[[Files], bytes]:
    """A file of which one that ends like this is another, or that holds one more."""

    def spoil(files: Files) -> bytes:
        found = next((one for one in files if one.endswith(name)), name)
        return packed({**files, found: content if isinstance(content, bytes) else content(files[found])})

    return spoil


def without(name: str) -> Callable[[Files], bytes]:
    return lambda files: packed({key: value for key, value in files.items() if not key.endswith(name)})


def text_of(text: str) -> Callable[[Files], bytes]:
    return with_file("session.json", text.encode())


def image(kind: str, width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(file, format=kind)
    return file.getvalue()


def numbers(kind: str, value: float) -> Callable[[bytes], bytes]:
    """The first number is another."""
    return lambda old: struct.pack(kind, value) + old[4:]


def twice(files: Files) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("session.json", files["session.json"])
        archive.writestr("session.jsoN", files["session.json"])
    return file.getvalue().replace(b"session.jsoN", b"session.json")


def locked(files: Files) -> bytes:
    content = bytearray(packed(files))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def by_another_way(files: Files) -> bytes:
    return packed(files, zipfile.ZIP_BZIP2)


def lying_about_sizes(files: Files) -> bytes:
    """One entry unpacks to 40 MB, although its sizes in the directory say otherwise."""
    content = bytearray(packed({**files, "thumbnail.webp": bytes(40 * 2**20)}))
    at = content.rindex(b"thumbnail.webp") - 46
    content[at + 24 : at + 28] = struct.pack("<I", 100)
    return bytes(content)


HOSTILE: dict[str, tuple[Callable[[Files], bytes], str]] = {
    "no zip": (lambda _: b"no zip", "is broken, or no session"),
    "nothing": (lambda _: b"", "is broken, or no session"),
    "half": (lambda files: packed(files)[:500], "is broken, or no session"),
    "damaged": (lambda files: packed(files).replace(b"\x00\x00\x00", b"\x01\x02\x03", 30), "broken|cannot|holds"),
    "other zip": (lambda _: packed({}), "there is no session.json in it"),
    "path": (with_file("../../etc/passwd", b"x"), r"holds '../../etc/passwd', which no session does"),
    "absolute path": (with_file("/etc/passwd", b"x"), "holds '/etc/passwd'"),
    "path below": (with_file("pictures/../0.webp", b"x"), "holds 'pictures/../0.webp'"),
    "backslashes": (with_file("..\\0.webp", b"x"), "which no session does"),
    "weights": (with_file("weights/x.safetensors", b"x"), "which no session does"),
    "unspoken": (with_file("pictures/7.webp", b"x"), "does not speak of 'pictures/7.webp'"),
    "twice": (twice, "holds 'session.json', which no session does"),
    "too many": (
        lambda files: packed({**files, **{f"pictures/{n}.webp": b"" for n in range(2000)}}),
        "more than 2,000 files",
    ),
    "bomb": (with_file("thumbnail.webp", bytes(40 * 2**20)), "unpacks to more than 30 MiB"),
    "lying bomb": (lying_about_sizes, "unpacks to more than 30 MiB|is broken"),
    "large": (lambda files: bytes(31 * 2**20), "larger than 30 MiB"),
    "locked": (locked, "locked with a password"),
    "bzip2": (by_another_way, "packed in a way that sessions are not"),
    "no JSON": (text_of("{"), "cannot be read"),
    "list": (text_of("[]"), "is of the kind 'None'"),
    "deep": (text_of("[" * 10**6), "nested too deeply"),
    "latin-1": (with_file("session.json", b'{"a": "\xe4"}'), "cannot be read"),
    "NaN": (text_of('{"format": NaN}'), "NaN is no number of JSON"),
    "many digits": (text_of('{"format": ' + "1" * 10**5 + "}"), "cannot be read"),
    "newer": (saying(format="perturber-session-9"), "of the kind 'perturber-session-9', which is unknown here"),
    "more": (saying(extra=1), "cannot be read: extra: Extra inputs"),
    "number as name": (saying(name=5), "cannot be read: name: "),
    "no name": (saying(name=" "), "A session cannot be called"),
    "long notes": (saying(notes="x" * 20_001), "Notes cannot be 20,001 characters"),
    "snapshots": (saying(snapshots=[{}] * 501), "cannot be read: snapshots: "),
    "no pictures": (saying(snapshots=[]), "does not speak of 'pictures/0.webp'"),
    "page": (snapshot_with(page="//evil.example"), r"Snapshot 1 in the file cannot be kept\. '//evil.example' is no"),
    "query": (snapshot_with(query="a=b\n"), "is no state"),
    "deep memory": (snapshot_with(memory={"a": json.loads("[" * 100 + "]" * 100)}), "deeper than 20 levels"),
    "infinite": (
        lambda files: with_file("session.json", files["session.json"].replace(b'"dog"', b"1e999"))(files),
        "cannot be kept as JSON",
    ),
    "lacks a picture": (without("pictures/1.webp"), "lacks 'pictures/1.webp'"),
    "GIF": (with_file("pictures/0.webp", image("GIF", 8, 8)), "must be a PNG or WebP"),
    "large picture": (with_file("pictures/0.webp", image("WEBP", 2000, 10)), "cannot have 2000 × 10 pixels"),
    "many pixels": (with_file("pictures/0.webp", image("WEBP", 10_000, 8_000)), "more than 64 million pixels"),
    "broken picture": (with_file("pictures/0.webp", b"RIFF\x10\0\0\0WEBPVP8L" + bytes(9)), "cannot be kept"),
    "thumbnail": (with_file("thumbnail.webp", b"<svg onload=alert(1)>"), "must be a PNG or WebP"),
    "object's name": (saying(objects={"../x": {}}), "cannot be read: objects"),
    "group": (saying(groups={LITE0: {"blocks.3.0": {"a": [-1]}}}), "has channels that no layer has"),
    "group's name": (saying(groups={LITE0: {"blocks.3.0": {"": [1]}}}), "A group cannot be called"),
    "layer": (saying(groups={LITE0: {"../x": {"a": [1]}}}), r"'../x' in the file is no layer"),
    "groups": (
        saying(groups={LITE0: {"x": {str(n): [1] for n in range(501)}}}),
        "more than 500 groups",
    ),
    "corner": (with_file("faces.bin", numbers("<i", 10**6)), "triangles have corners that are not there"),
    "corner below": (with_file("faces.bin", numbers("<i", -1)), "triangles have corners that are not there"),
    "cut off": (with_file("uv.bin", lambda old: old[:-3]), "uv are cut off"),
    "fewer": (with_file("normals.bin", lambda old: old[:-12]), "arrays do not fit each other"),
    "no triangles": (with_file("faces.bin", b""), "triangles are too many, or none"),
    "no vertices": (with_file("uv.bin", b""), "vertices do not fit"),
    "NaN corner": (with_file("positions.bin", numbers("<f", float("nan"))), "positions are not finite"),
    "far corner": (with_file("positions.bin", numbers("<f", 9.0)), "positions are not finite, or too large"),
    "texture": (with_file("texture_0.webp", image("WEBP", 64, 64)), "a texture is no WebP of 1024 or 2048"),
    "texture's kind": (with_file("texture_0.webp", image("PNG", 1024, 1024)), "a texture is no WebP"),
    "background": (with_file("0.webp", b"x"), "Snapshot 1|cannot be used"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_files_of_strangers_are_a_sentence(name: str, exported: tuple[bytes, str, str], tmp_path: Path) -> None:
    """And nothing of them is kept."""
    spoil, sentence = HOSTILE[name]
    files = unpacked(exported[0])
    with pytest.raises(InvalidInputError, match=sentence) as refused:
        import_session(settings_of(tmp_path), spoil(files))
    assert len(str(refused.value)) < 500
    assert list(tmp_path.iterdir()) == []


def test_a_background_that_is_none(exported: tuple[bytes, str, str], tmp_path: Path) -> None:
    content, _, background = exported
    for bad in (image("PNG", 1024, 1024), image("WEBP", 1024, 512), b"RIFF"):
        spoil = with_file(f"{background}.webp", bad)
        with pytest.raises(InvalidInputError, match="A background in the file cannot be used"):
            import_session(settings_of(tmp_path), spoil(unpacked(content)))
    assert list(tmp_path.iterdir()) == []


def test_names_of_objects_are_checked(exported: tuple[bytes, str, str], tmp_path: Path) -> None:
    files = unpacked(exported[0])
    said = json.loads(files["session.json"])
    said["objects"] = {"../x": next(iter(said["objects"].values()))}
    with pytest.raises(InvalidInputError, match=r"names '../x', which nothing of one's own is called"):
        import_session(settings_of(tmp_path), packed({**files, "session.json": json.dumps(said).encode()}))


def test_where_the_rest_fails_nothing_is_kept(
    exported: tuple[bytes, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full by then; what was there before stays."""
    OwnGroups(tmp_path).keep(LITE0, "blocks.3.0", "Mine", [7])
    before = kept(tmp_path)

    def full(*_: object, **__: object) -> str:
        assert Store(tmp_path).names("object")
        raise StorageError("The disk is full.")

    monkeypatch.setattr(archives.Sessions, "create", full)
    with pytest.raises(StorageError, match="The disk is full"):
        import_session(settings_of(tmp_path), exported[0])
    assert kept(tmp_path) == before


def test_who_may_import(exported: tuple[bytes, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with acting(User("vi", Role.VIEWER)), pytest.raises(NotAllowedError, match="A viewer cannot import sessions"):
        import_session(settings_of(tmp_path), exported[0])
    monkeypatch.setenv("PERTURBER_USER_MIB", "1")
    large = Sessions(tmp_path).create("x", snapshots=[new(1, picture=noise(1, 600, 600))])
    content = export_session(settings_of(tmp_path), large).content
    with acting(User("ed", Role.EDITOR)), pytest.raises(NotAllowedError, match="You may keep 1 MiB"):
        import_session(settings_of(tmp_path), content)
    assert Sessions(tmp_path).all(owner="ed").total == 0
