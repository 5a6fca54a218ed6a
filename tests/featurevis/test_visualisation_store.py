"""The store of finished pictures: lossless, bounded, and whole whatever happens."""

import errno
import inspect
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from perturber.errors import InvalidInputError, StorageError
from perturber.featurevis import Store

KEYS = [f"{number:064x}" for number in range(4)]


def noise(seed: int = 0, variants: int = 2, size: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (variants, size, size, 3), dtype=np.uint8)


def test_what_was_put_comes_back(tmp_path: Path) -> None:
    store = Store(tmp_path / "deep" / "folder", 1)
    assert store.get(KEYS[0]) is None
    assert store.size() == 0
    store.put(KEYS[0], noise())
    np.testing.assert_array_equal(Store(store.folder, 1).get(KEYS[0]), noise())
    assert store.size() == sum(path.stat().st_size for path in store.folder.iterdir())
    store.put(KEYS[0], noise(1, variants=3))
    np.testing.assert_array_equal(store.get(KEYS[0]), noise(1, variants=3))
    assert [path.name for path in store.folder.iterdir()] == [f"{KEYS[0]}.png"]


def test_the_least_recently_used_leave_first(tmp_path: Path) -> None:
    store = Store(tmp_path, 1)
    large = noise(variants=2, size=256)  # 0.4 MiB: two fit
    for age, name in ((200, KEYS[0]), (100, KEYS[1])):
        store.put(name, large)
        old = (tmp_path / f"{name}.png").stat().st_mtime - age
        os.utime(tmp_path / f"{name}.png", (old, old))
    assert store.get(KEYS[0]) is not None
    store.put(KEYS[2], large)
    assert store.get(KEYS[1]) is None
    assert store.get(KEYS[0]) is not None
    assert store.get(KEYS[2]) is not None
    assert store.size() <= 2**20


def test_a_file_that_vanishes_meanwhile_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path, 1)
    large = noise(variants=2, size=256)
    for name in KEYS[:2]:
        store.put(name, large)
    unlink = Path.unlink

    def slow(path: Path) -> None:
        unlink(path)
        unlink(path)

    monkeypatch.setattr(Path, "unlink", slow)
    store.put(KEYS[2], large)
    assert store.size() <= 2**20


@pytest.mark.parametrize("damage", [b"", b"GIF89a", "half", "flipped"])
def test_a_damaged_entry_is_deleted(damage: object, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(tmp_path, 1)
    store.put(KEYS[0], noise())
    path = tmp_path / f"{KEYS[0]}.png"
    whole = path.read_bytes()
    flipped = whole[:2000] + bytes([whole[2000] ^ 255]) + whole[2001:]
    path.write_bytes({"half": whole[: len(whole) // 2], "flipped": flipped}.get(damage, damage))  # type: ignore
    with caplog.at_level(logging.WARNING):
        assert store.get(KEYS[0]) is None
    assert "damaged" in caplog.text
    assert not path.exists()


@pytest.mark.parametrize("broken", ["os.replace", "pathlib.Path.write_bytes"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path, 1)
    store.put(KEYS[0], noise())

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(broken, full)
        with pytest.raises(StorageError, match=r"No space left on device\. Check the free space"):
            store.put(KEYS[0], noise(1))
    np.testing.assert_array_equal(store.get(KEYS[0]), noise())
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEYS[0]}.png"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be kept in"):
        Store(tmp_path / "file" / "folder", 1).put(KEYS[0], noise())


@pytest.mark.parametrize("key", ["", "../" * 20 + "etc/x", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 65, None])
def test_no_text_of_a_user_becomes_a_path(key: str, tmp_path: Path) -> None:
    store = Store(tmp_path, 1)
    with pytest.raises(InvalidInputError, match="Not a key"):
        store.get(key)
    with pytest.raises(InvalidInputError, match="Not a key"):
        store.put(key, noise())


WRITER = """
import importlib.util, sys
import numpy as np
from pathlib import Path
spec = importlib.util.spec_from_file_location("store", sys.argv[1])  # the file alone: importing torch takes seconds
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
store = module.Store(Path(sys.argv[2]), 1)
pictures = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
for turn in range(24):
    key = f"{turn % 4:064x}"
    store.put(key, pictures)
    back = store.get(key)
    assert back is None or np.array_equal(back, pictures)
"""


def test_two_processes_write_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, inspect.getfile(Store), str(tmp_path)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for writer in writers:
        _, complaints = writer.communicate(timeout=60)
        assert writer.returncode == 0, complaints
        assert "damaged" not in complaints
    store = Store(tmp_path, 1)
    assert 0 < store.size() <= 2**20
    assert all(path.suffix == ".png" for path in tmp_path.iterdir())
    expected = noise(0, 2, 256)
    for name in KEYS:
        found = store.get(name)
        assert found is None or np.array_equal(found, expected)
