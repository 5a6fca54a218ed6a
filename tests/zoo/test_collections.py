"""Folders and tars of pictures, and accuracies over them."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo import collections
from perturber.zoo.catalogue import ModelEntry, find
from perturber.zoo.classes import ClassName
from perturber.zoo.collections import collection, labels, picture, stem


def _png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((9, 9, 3), value, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def members() -> dict[str, bytes]:
    return {f"n0000000{i % 3}/{i}.png": _png(i) for i in range(9)} | {
        "read.me": b"text",
        "n00000001/.hidden.png": _png(1),
    }


def _tar(path: Path, members: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as tar:
        folder = tarfile.TarInfo("n00000001")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_a_tar_has_the_pictures_of_a_folder(tmp_path: Path, members: dict[str, bytes]) -> None:
    for name, data in members.items():
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    kinds = [
        tmp_path / "folder", _tar(tmp_path / "a.tar", members, "w"), _tar(tmp_path / "a.tar.gz", members, "w:gz"),
        _tar(tmp_path / "a.tgz", members, "w:gz"),
    ]  # fmt: skip
    for source in map(collection, kinds):
        assert list(source.names) == sorted(n for n in members if n.startswith("n0") and "hidden" not in n)
        for name in source.names:
            assert source.content(name) == members[name]
            assert np.asarray(picture(source, name)).max() == int(stem(name))


def test_a_truncated_or_corrupt_tar_is_named(tmp_path: Path, members: dict[str, bytes]) -> None:
    path = _tar(tmp_path / "shard.tar", members, "w")
    whole, end = path.read_bytes(), 512 * (2 + 2 * 11)
    for broken in (
        whole[: end - 700],  # in the last picture
        whole[:end],  # behind it, without the end of the archive
        whole[:5000],
        whole[:4096] + bytes([1]) * 512 + whole[4608:],  # a header
        b"",
        b"no tar at all" * 100,
    ):
        path.write_bytes(broken)
        with pytest.raises(InvalidInputError, match=r"The tar .*shard\.tar' cannot be used"):
            collection(path)
    zipped, whole = tmp_path / "shard.tar.gz", gzip.compress(whole)
    for broken in (whole[:-9], whole[:100], whole[:60] + bytes([whole[60] ^ 255]) + whole[61:], b"text"):
        zipped.write_bytes(broken)
        with pytest.raises(InvalidInputError, match=r"The tar .*shard\.tar\.gz' cannot be used"):
            collection(zipped)
    with pytest.raises(InvalidInputError, match="There is no file"):
        collection(tmp_path / "no.tar")


def test_what_unpacks_to_too_much_is_refused(
    tmp_path: Path, members: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _tar(tmp_path / "bomb.tar.gz", members, "w:gz")
    monkeypatch.setattr(collections, "MAX_UNPACKED", 4000)
    with pytest.raises(InvalidInputError, match="unpacks to more than"):
        collection(path)


def test_a_zip_has_the_pictures_of_a_folder(tmp_path: Path, members: dict[str, bytes]) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (members | {"__MACOSX/._0.png": b"x"}).items():
            archive.writestr(name, data)
    found = collection(path)
    assert list(found.names) == sorted(name for name in members if name.endswith(".png") and "hidden" not in name)
    assert [np.asarray(picture(found, name))[0, 0, 0] for name in found.names] == [0, 3, 6, 1, 4, 7, 2, 5, 8]
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInputError, match="is cut off, or is none"):
        collection(path)
    at = 30 + len("n00000000/0.png")  # behind the first member's header
    path.write_bytes(data[:at] + bytes([255]) * 16 + data[at + 16 :])
    broken = collection(path)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        [picture(broken, name) for name in broken.names]


def test_labels_and_stems() -> None:
    classes = [ClassName(0, "n01440764", "tench"), ClassName(1, "", "red")]
    names = ["n01440764/a.png", "x/n01440764_tench.jpg", "n01440764_tench.JPEG", "red/1.png", "n02/1.png", "a.png"]
    assert labels(names, classes) == [0, 0, 0, 1, None, None]
    assert [stem(name) for name in ("a/b.c.JPEG\n", "b.c", "d/e.webp")] == ["b.c", "b.c", "e"]


def test_evaluation_of_some_pictures_under_perturbation(
    tmp_path: Path, add: Callable[..., ModelEntry], own_settings: Settings
) -> None:
    add()
    network = zoo.load("tiny", "cpu", own_settings)
    path = _tar(tmp_path / "a.tar", {f"digit {i % 10}/p{i}.png": _png(25 * i) for i in range(10)}, "w")
    seen = []

    def darken(images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        seen.extend(classes.tolist())
        return images * 0

    plain = zoo.evaluate(network, path)
    assert (plain.count, plain.robust_top1) == (10, None)
    some = zoo.evaluate(network, path, only={"p3", "p4"}, perturb=darken)
    assert some.count == 2
    assert seen == [3, 4]
    constant = int(network.logits(torch.zeros(1, 3, 32, 32)).argmax())
    assert some.robust_top1 == (0.5 if constant in (3, 4) else 0)
    assert some.robust_top5 is not None
    with pytest.raises(InvalidInputError, match=r"None of the pictures in .* is among the 1"):
        zoo.evaluate(network, path, only={"p77"})


def test_a_step_names_a_checkpoint(add: Callable[..., ModelEntry], own_settings: Settings) -> None:
    add("early")
    add("taught", "network", 4, checkpoints=["early.safetensors", "taught-000020.safetensors"])
    entry = find("taught@0", own_settings)
    assert (entry.name, entry.label, entry.checkpoints) == ("taught@0", "Tiny, step 0", ())
    assert zoo.load("taught@0", "cpu", own_settings).entry == entry
    assert find("taught@20", own_settings).weights.place["path"].endswith("taught-000020.safetensors")
    for name in ("taught@1", "taught@", "taught@020", "early@0"):
        with pytest.raises(UnknownNameError, match="Unknown checkpoint of"):
            find(name, own_settings)
    with pytest.raises(UnknownNameError, match="Unknown model 'nobody'"):
        find("nobody@1", own_settings)
