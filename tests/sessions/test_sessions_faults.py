"""Sessions when several processes write, are killed, or find no room."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from session_values import comments, new

from perturber import doctor
from perturber.backup import backup, restore
from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError
from perturber.sessions import FILE, Sessions
from perturber.sessions import database as databases


def _add_many(data: Path, id: str, number: int) -> None:
    for turn in range(10):
        Sessions(data).add(id, new(turn, comment=f"{number}-{turn}"))


def test_several_processes_write_at_once(sessions: Sessions) -> None:
    """Nothing is lost, and each has the order in which it was added."""
    id = sessions.create("x")
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    several = [context.Process(target=_add_many, args=(sessions.data, id, number)) for number in range(3)]
    for process in several:
        process.start()
    for process in several:
        process.join()
    assert [process.exitcode for process in several] == [0, 0, 0]
    found = comments(sessions, id)
    assert sorted(found) == sorted(f"{number}-{turn}" for number in range(3) for turn in range(10))
    for number in range(3):
        assert [one for one in found if one.startswith(f"{number}-")] == [f"{number}-{turn}" for turn in range(10)]


SAVER = """
import sys
from pathlib import Path
import numpy as np
from perturber.sessions import NewSnapshot, Sessions
sessions = Sessions(Path(sys.argv[1]))
id = sessions.create("killed")
for turn in range(10**6):
    picture = np.random.default_rng(turn).integers(0, 256, (64, 64, 3), np.uint8)
    new = NewSnapshot.of(page="/explore", query=f"yaw={turn % 90}", picture=picture, comment=str(turn))
    made = sessions.add(id, new)
    print(id, made, turn, flush=True)
"""


def test_what_was_acknowledged_outlasts_kills(bare: Sessions) -> None:
    """Whenever the one that saves is killed; what is listed can be opened, and is what was saved."""
    acknowledged: dict[int, int] = {}
    wait = np.random.default_rng(0)
    for _ in range(5):
        saver = subprocess.Popen([sys.executable, "-c", SAVER, str(bare.data)], stdout=subprocess.PIPE, text=True)
        assert saver.stdout is not None
        lines = [saver.stdout.readline()]
        time.sleep(wait.uniform(0, 0.3))
        saver.kill()
        lines += saver.communicate()[0].splitlines(keepends=True)
        whole = [line.split() for line in lines if line.endswith("\n")]
        assert whole
        acknowledged |= {int(made): int(turn) for _, made, turn in whole}
        assert bare.database.faults() == []
        there = {one.id: int(one.comment) for session in bare.all().sessions for one in bare.open(session.id).strip}
        assert acknowledged.items() <= there.items()
        for one, turn in there.items():
            np.testing.assert_array_equal(
                bare.snapshot(one).pixels(),
                np.random.default_rng(turn).integers(0, 256, (64, 64, 3), np.uint8),
            )


FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from perturber.errors import StorageError
from perturber.sessions import NewSnapshot, Sessions
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sessions = Sessions(Path(sys.argv[1]))
id = sys.argv[2]
def new(turn):
    picture = np.random.default_rng(turn).integers(0, 256, (200, 200, 3), np.uint8)
    return NewSnapshot.of(page="/explore", query="", picture=picture, comment=str(turn))
sessions.add(id, new(0))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))
for turn in range(1, 100):
    try:
        sessions.add(id, new(turn))
        print(turn, flush=True)
    except StorageError as error:
        print(error, flush=True)
        break
print(len(sessions.open(id).strip))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
sessions.add(id, new(turn))
"""


def test_a_full_disk_is_a_sentence(bare: Sessions) -> None:
    """With a limit on the size of a file; what was kept before stays, and it goes on when there is room."""
    pytest.importorskip("resource", reason="limits as Unix has them")
    id = bare.create("x")
    printed = subprocess.run(
        [sys.executable, "-c", FULL, str(bare.data), id], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    *kept, sentence, count = printed
    assert 1 <= len(kept) < 20
    assert "cannot be written to" in sentence
    assert sentence.endswith("Check the free space and permissions there; see PERTURBER_DATA.")
    assert int(count) == 1 + len(kept)
    assert comments(bare, id) == [str(turn) for turn in range(2 + len(kept))]
    assert bare.database.faults() == []


READER = """
import os, sys
from pathlib import Path
import numpy as np
from perturber.errors import StorageError
from perturber.sessions import NewSnapshot, Sessions
from PIL import Image
Image.init()
new = NewSnapshot.of(page="/explore", query="", picture=np.zeros((8, 8, 3), np.uint8))
sessions = Sessions(Path(sys.argv[1]))
if os.getuid() == 0:  # who may write whatever a file's mode says
    os.setuid(65534)
print(sessions.all().sessions[0].name, sessions.snapshot(int(sys.argv[3])).comment)
id = sys.argv[2]
for write in (lambda: sessions.create("y"), lambda: sessions.add(id, new), lambda: sessions.delete(id)):
    try:
        write()
    except StorageError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as Unix has them")
def test_a_read_only_folder_can_be_looked_at() -> None:
    with tempfile.TemporaryDirectory() as place:  # where another user can get to
        os.chmod(place, 0o755)
        data = Path(place) / "data"
        sessions = Sessions(data)
        id = sessions.create("x", snapshots=[new(7)])
        snapshot = sessions.open(id).strip[0].id
        for path, mode in ((data / FILE, 0o444), (data, 0o555)):
            path.chmod(mode)
        printed = subprocess.run(
            [sys.executable, "-c", READER, str(data), id, str(snapshot)], capture_output=True, text=True, check=False
        )
        data.chmod(0o755)
        if "PermissionError" in printed.stderr and "site-packages" in printed.stderr:
            pytest.skip("the packages cannot be read by another user")
        first, *sentences = printed.stdout.splitlines()
        assert first == "x 7", printed.stderr
        assert len(sentences) == 3
        assert all("cannot be written to" in sentence for sentence in sentences)
        assert comments(sessions, id) == ["7"]


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written to"):
        Sessions(tmp_path / "file").create("x")


def test_a_writer_that_never_ends_is_a_sentence(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    id = sessions.create("x")
    monkeypatch.setattr(databases, "PATIENCE_SECONDS", 0.05)
    other = sqlite3.connect(sessions.data / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match=r"Somebody else has been writing .* Try again later"):
        sessions.rename(id, "y")
    assert sessions.open(id).name == "x"  # readers do not wait
    other.close()
    sessions.rename(id, "y")


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + bytes(range(256)) * 40])
def test_a_broken_file_is_a_sentence(bare: Sessions, content: bytes) -> None:
    bare.data.mkdir()
    (bare.data / FILE).write_bytes(content)
    for attempt in (bare.all, lambda: bare.create("x"), bare.database.faults):
        with pytest.raises(InvalidInputError, match=r"cannot be read: .*perturber restore"):
            attempt()
    with bare.database.held():  # a server starts all the same
        assert (bare.data / FILE).read_bytes() == content
    copied = backup(Settings(data=bare.data), bare.data.parent / "copy.tar")  # and the rest is copied
    assert len(copied.notes) == 1
    assert copied.notes[0].startswith("Not in the copy: The sessions in")


# ---- copies, and what the doctor says -----------------------------------------------------------------------------

WRITER = """
import sys
from pathlib import Path
import numpy as np
from perturber.sessions import NewSnapshot, Sessions
sessions = Sessions(Path(sys.argv[1]))
id = sessions.create("written")
with sessions.database.held():
    for turn in range(10**6):
        picture = np.random.default_rng(turn).integers(0, 256, (64, 64, 3), np.uint8)
        sessions.add(id, NewSnapshot.of(page="/", query="", picture=picture, comment=str(turn)))
        if turn == 5:
            print("ready", flush=True)
"""


def test_a_copy_from_beneath_a_writer_is_one_moment(tmp_path: Path) -> None:
    """Also where the writer was killed and the log is left; a restored file takes no log of the one before."""
    data = tmp_path / "data"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(data)], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        for number in range(3):
            backup(Settings(data=data), tmp_path / f"{number}.tar")
    finally:
        writer.kill()
        writer.communicate()
    assert (data / f"{FILE}-wal").stat().st_size
    backup(Settings(data=data), tmp_path / "3.tar")
    last = Sessions(data).all().sessions[0]
    for number in range(4):
        restore(Settings(data=data), tmp_path / f"{number}.tar", replace=True)
        sessions = Sessions(data)
        assert sessions.database.faults() == []
        (session,) = sessions.all().sessions
        found = [int(one.comment) for one in sessions.open(session.id).strip]
        assert len(found) >= 6
        assert found == list(range(len(found)))
        sessions.rename(session.id, "still works")
    assert session.snapshots == last.snapshots


def test_the_doctor_looks_at_sessions(sessions: Sessions) -> None:
    sessions.create("x", snapshots=[new(turn) for turn in range(20)])
    settings = Settings(data=sessions.data)
    (finding,) = doctor._sessions(settings)
    assert (finding.state, finding.said.startswith("1, 0.")) == (doctor.State.OK, True)
    (nothing,) = doctor._sessions(Settings(data=sessions.data / "other"))
    assert (nothing.state, nothing.said) == (doctor.State.OK, "0, 0.0 MiB")


def test_the_doctor_finds_a_damaged_file(bare: Sessions) -> None:
    bare.create("x", snapshots=[new(turn) for turn in range(20)])
    with (bare.data / FILE).open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xff" * 4096 * 3)
    found = [one for one in doctor.examine(Settings(data=bare.data)) if one.about == "sessions"]
    assert [one.state for one in found] == [doctor.State.ERROR]
    assert "perturber restore" in found[0].said + found[0].todo
