"""Copies of the data folder: whole ones, taken from beneath a writer, and archives that are refused."""

import gzip
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber import backup as backups
from perturber.backup import CONTENTS, FORMAT, backup, restore
from perturber.config import Settings
from perturber.disk import holding
from perturber.errors import InvalidInputError
from perturber.featurevis import Store as Pictures
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.zoo import own

KEY = "0" * 64
NOISE = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)


def settings_of(folder: Path) -> Settings:
    return Settings(device="cpu", data=folder, weights=None)


def table(path: str) -> dict[str, object]:
    """Of a model of one's own; its weights are never read here."""
    from perturber.zoo import entry

    lite0 = entry("efficientnet_lite0", Settings().models)
    plain = {name: getattr(lite0, name) for name in ("architecture", "licence", "classes", "input_size", "resize")}
    weights = {"source": "file", "layout": "same", "path": path, "sha256": "0" * 64}
    return {"label": path, "training": "other", "mean": [0.5] * 3, "std": [0.5] * 3, **plain, "weights": weights}


def fill(folder: Path) -> str:
    """Something of each kind; the name of the background."""
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(file, format="PNG")
    Pictures(folder / "visualisations", 64).put(KEY, NOISE)
    OwnGroups(folder).keep("model", "layer", "group", [1, 2])
    own.add("mine", table("edits/mine.safetensors"), settings_of(folder))
    for name in ("edits/mine.safetensors", "weights/net.pth", "weights/other.pth.part", "cache/answer", "incoming/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return Store(folder).add_background(file.getvalue(), label="Mine")


def files(folder: Path) -> dict[str, bytes]:
    """All but locks, and what a server that starts sweeps."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {
        name: path.read_bytes()
        for path in found
        if not (name := path.relative_to(folder).as_posix()).startswith("incoming/")
    }


@pytest.mark.parametrize("ending", backups.ENDINGS)
def test_there_and_back(ending: str, tmp_path: Path) -> None:
    """Every file comes back to the bit, but for what is nobody's: caches, what is unfinished, locks."""
    data, archive = tmp_path / "data", tmp_path / f"copy{ending}"
    name = fill(data)
    with holding(data):  # a server runs
        copied = backup(settings_of(data), archive)
    assert (archive.stat().st_mode & 0o077, copied.notes) == (0, [])
    restored = restore(settings_of(tmp_path / "new"), archive)
    assert (restored.files, restored.size) == (copied.files, copied.size)
    kept = {
        path: content
        for path, content in files(data).items()
        if not path.startswith("cache/") and not path.endswith(".part")
    }
    assert files(tmp_path / "new") == kept
    assert Store(tmp_path / "new").names("background") == {name: "Mine"}
    np.testing.assert_array_equal(Pictures(tmp_path / "new" / "visualisations", 64).get(KEY), NOISE)
    assert OwnGroups(tmp_path / "new").of("model", "layer") == {"group": [1, 2]}
    assert list(own.tables(settings_of(tmp_path / "new"))) == ["mine"]


def test_what_lies_elsewhere_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data)
    own.add("far", table(str(tmp_path / "far.pth")), settings_of(data))
    (data / "runs").symlink_to(tmp_path)
    copied = backup(settings_of(data), tmp_path / "copy.tar", small=True)
    assert len(copied.notes) == 3
    assert "'runs' is a link" in copied.notes[0]
    assert "The weights of 'far' lie in" in copied.notes[1]
    assert "visualisations, weights" in copied.notes[2]
    restore(settings_of(tmp_path / "new"), tmp_path / "copy.tar")
    assert not {"visualisations", "weights", "runs"} & {path.name for path in (tmp_path / "new").iterdir()}


def test_a_folder_with_something_in_it_is_replaced_only_if_that_is_said(tmp_path: Path) -> None:
    data, archive = tmp_path / "data", tmp_path / "copy.tar.gz"
    fill(data)
    backup(settings_of(data), archive)
    OwnGroups(data).keep("model", "layer", "later", [3])
    (data / "edits" / "later.safetensors").write_bytes(b"x")
    before = files(data)
    with pytest.raises(InvalidInputError, match=r"is not empty\. Give --replace"):
        restore(settings_of(data), archive)
    with holding(data), pytest.raises(InvalidInputError, match="Another server runs"):
        restore(settings_of(data), archive, replace=True)
    assert files(data) == before
    restore(settings_of(data), archive, replace=True)
    assert OwnGroups(data).of("model", "layer") == {"group": [1, 2]}
    assert not (data / "edits" / "later.safetensors").exists()
    assert list((data / "incoming").iterdir()) == []


WRITER = """
import io, sys
from pathlib import Path
from PIL import Image
from perturber.objects import Store
from perturber.own_groups import OwnGroups
store, name = Store(Path(sys.argv[1])), ""
for turn in range(10**6):
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (turn % 256, 0, 0)).save(file, format="PNG")
    last, name = name, store.add_background(file.getvalue() + b"%d" % turn, label=str(turn))
    OwnGroups(Path(sys.argv[1])).keep("model", "layer", f"{turn % 9}", range(turn, turn + 300))
    if turn % 2:
        store.remove("background", last)
    if turn == 20:
        print("ready", flush=True)
"""


def test_a_copy_from_beneath_a_writer_is_whole(tmp_path: Path) -> None:
    """Whatever it lists can be read, and nothing in it is half an upload."""
    data = tmp_path / "data"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(data)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        for number in range(5):
            backup(settings_of(data), tmp_path / f"{number}.tar.zst")
    finally:
        writer.kill()
        writer.communicate()
    for number in range(5):
        place = tmp_path / str(number)
        restore(settings_of(place), tmp_path / f"{number}.tar.zst")
        store = Store(place)
        names = store.names("background")
        assert len(names) >= 10
        assert set(names) == {path.name for path in (place / "backgrounds").iterdir()}
        for name in names:
            assert store.background(name).shape == (1024, 1024, 3)
        assert all(len(channels) == 300 for channels in OwnGroups(place).of("model", "layer").values())


def test_a_model_that_is_stored_anew_meanwhile_is_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalogue was read before its weights became others."""
    data, elsewhere = tmp_path / "data", backups._together
    fill(data)
    turns = iter(range(10))

    def meanwhile(*args: object) -> object:
        if next(turns) == 0:
            own.add("mine", table("edits/other.safetensors"), settings_of(data))
        return elsewhere(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(backups, "_together", meanwhile)
    backup(settings_of(data), tmp_path / "copy.tar")
    restore(settings_of(tmp_path / "new"), tmp_path / "copy.tar")
    assert own.tables(settings_of(tmp_path / "new"))["mine"]["weights"]["path"] == "edits/other.safetensors"
    assert next(turns) == 2


# ---- archives of others -------------------------------------------------------------------------------------------


def member(name: str, content: bytes = b"x", **changes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


ABOUT = member(CONTENTS, json.dumps({"format": FORMAT}).encode())


def archive_of(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.mark.parametrize(
    "bad",
    [
        member("../outside"),
        member("objects/../../outside"),
        member("objects/../incoming/x"),
        member("/etc/outside"),
        member("link", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("link", b"", type=tarfile.SYMTYPE, linkname="groups.json"),
        member("link", b"", type=tarfile.LNKTYPE, linkname=CONTENTS),
        member("device", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("pipe", b"", type=tarfile.FIFOTYPE),
        member("server.lock"),
        member("a", pax_headers={"comment": "x" * 2**23}),
    ],
    ids=lambda bad: bad[0].name,
)
def test_what_leads_out_of_the_folder_is_refused(bad: tuple[tarfile.TarInfo, bytes], tmp_path: Path) -> None:
    data = tmp_path / "data"
    fill(data)
    before = files(data)
    archive = archive_of(tmp_path / "bad.tar.gz", ABOUT, member("groups.json", b"{}"), bad)
    with pytest.raises(InvalidInputError, match=r"'bad.tar.gz' is (refused|broken)"):
        restore(settings_of(data), archive, replace=True)
    assert files(data) == before
    assert {path.name for path in tmp_path.iterdir()} == {"data", "bad.tar.gz"}


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("spoil", [half, Path.unlink, lambda path: path.write_bytes(b"no archive at all")])
@pytest.mark.parametrize("ending", backups.ENDINGS)
def test_a_broken_archive_is_a_sentence(ending: str, spoil: Callable[[Path], None], tmp_path: Path) -> None:
    data, archive = tmp_path / "data", tmp_path / f"copy{ending}"
    fill(data)
    backup(settings_of(data), archive)
    spoil(archive)
    before = files(data)
    with pytest.raises(InvalidInputError, match=r"is broken, or none of|There is no file"):
        restore(settings_of(data), archive, replace=True)
    assert files(data) == before


def test_other_peoples_archives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"none of `perturber backup`"):
        restore(settings_of(tmp_path / "new"), archive_of(tmp_path / "other.tar.gz", member("groups.json")))
    with pytest.raises(InvalidInputError, match=r"cannot be called 'copy.zip'.* Allowed: names with .tar.zst, "):
        restore(settings_of(tmp_path / "new"), tmp_path / "copy.zip")


def test_an_archive_that_unpacks_to_more_than_there_is_room_for(tmp_path: Path) -> None:
    """It announces so much; nothing is unpacked for it."""
    path = tmp_path / "large.tar.gz"
    large = member("large")[0]
    large.size = 2**60
    with gzip.open(path, "wb") as file:
        for info, content in (ABOUT, (large, b"")):
            file.write(info.tobuf(tarfile.GNU_FORMAT) + content.ljust(-len(content) % 512 + len(content), b"\0"))
    with pytest.raises(InvalidInputError, match=r"unpacks to more than the .* GiB that are free"):
        restore(settings_of(tmp_path / "new"), path)


def test_a_copy_cannot_lie_in_the_folder(tmp_path: Path) -> None:
    fill(tmp_path)
    with pytest.raises(InvalidInputError, match="cannot lie in the data folder"):
        backup(settings_of(tmp_path), tmp_path / "weights" / "copy.tar")
    with pytest.raises(InvalidInputError, match="There is no data folder"):
        backup(settings_of(tmp_path / "nowhere"), tmp_path / "copy.tar")
