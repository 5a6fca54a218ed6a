"""Files that are whole or not there, and what is left by processes that were killed."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perturber.config import Settings
from perturber.disk import changing, holding, is_held, sweep
from perturber.errors import InvalidInputError
from perturber.objects import Store
from perturber.own_groups import OwnGroups

WRITER = """
import os, sys
from io import BytesIO
from pathlib import Path
import numpy as np
from PIL import Image
from perturber.disk import write_whole
from perturber.objects import Store
data = Path(sys.argv[1])
for turn in range(1, 10**6):
    file = BytesIO()
    Image.fromarray(np.full((8, 8, 3), turn % 256, np.uint8)).save(file, format="PNG")
    Store(data).add_background(file.getvalue() + str(turn).encode())
    write_whole(data / "edits" / "one.bin", bytes([turn % 256]) * 2**22)
    if turn == 1:
        print("ready", flush=True)
"""


def test_killed_in_the_middle_of_a_store(tmp_path: Path) -> None:
    """Whenever the writer is killed, everything that can be read is whole; then nothing else is there."""
    wait = random.Random(0)
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(wait.uniform(0.05, 0.4))
        writer.kill()
        writer.communicate()
        store = Store(tmp_path)
        names = store.names("background")
        assert set(names) == {path.name for path in (tmp_path / "backgrounds").glob("*")}
        assert names
        for name in names:
            assert store.background(name).shape == (1024, 1024, 3)
        content = (tmp_path / "edits" / "one.bin").read_bytes()
        assert (len(content), len(set(content))) == (2**22, 1)
    sweep(tmp_path)
    assert list((tmp_path / "incoming").iterdir()) == []
    assert [path.name for path in (tmp_path / "edits").iterdir()] == ["one.bin"]
    assert set(Store(tmp_path).names("background")) == set(names)


def test_who_holds_the_folder_sweeps_what_nobody_writes(tmp_path: Path) -> None:
    left = [".abcdefgh.part", "edits/.abcdefgh.part", "cache/tmpabcdefgh.__wz_cache", "incoming/tmpx/mesh.npz"]
    kept = ["weights/net.pth.part", "edits/mine.safetensors", "notes.part", "objects/own-1/pair.json"]
    for name in [*left, *kept]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    writer = subprocess.Popen(
        [sys.executable, "-c", BESIDE, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    written = [writer.stdout.readline().strip() for _ in range(2)]

    def there() -> set[str]:
        with holding(tmp_path):
            found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
        return found - {"server.lock"}

    assert there() == {*kept, *written}
    writer.kill()
    writer.communicate()
    assert there() == set(kept)


BESIDE = """
import sys
from pathlib import Path
from perturber.disk import _new_file, temporary
data = Path(sys.argv[1])
with temporary(data / "edits", _new_file) as file, temporary(data / "incoming") as folder:
    (folder / "mesh.npz").write_bytes(b"x")
    print(file.relative_to(data), (folder / "mesh.npz").relative_to(data), sep="\\n", flush=True)
    sys.stdin.read()
"""

HOLDER = """
import sys
from pathlib import Path
from perturber.disk import holding
with holding(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_one_server_a_folder(tmp_path: Path) -> None:
    """The second says so; a killed one is no hindrance; who writes whole files is none either way."""
    assert not is_held(tmp_path)
    first = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"ready\n"
    assert is_held(tmp_path)
    with (
        pytest.raises(InvalidInputError, match=r"Another server runs on the data folder .* Stop it, or set"),
        holding(tmp_path),
    ):
        pytest.fail("two servers")
    OwnGroups(tmp_path).keep("model", "layer", "beside a server", [1])
    assert OwnGroups(tmp_path).of("model", "layer") == {"beside a server": [1]}
    first.kill()
    first.communicate()
    with holding(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_two_processes_change_one_file(tmp_path: Path) -> None:
    """Nothing that one has added is lost to what the other read before."""
    several = [subprocess.Popen([sys.executable, "-c", KEEPER, str(tmp_path), str(number)]) for number in range(2)]
    assert [process.wait() for process in several] == [0, 0]
    assert len(OwnGroups(tmp_path).of("model", "layer")) == 40
    with changing(tmp_path / "catalog.toml"):
        pass


KEEPER = """
import sys
from pathlib import Path
from perturber.own_groups import OwnGroups
for number in range(20):
    OwnGroups(Path(sys.argv[1])).keep("model", "layer", f"{sys.argv[2]} {number}", [number])
"""


def test_a_data_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with (
            pytest.raises(InvalidInputError, match=r"there is a file in its place\. Set PERTURBER_DATA"),
            holding(place),
        ):
            pytest.fail("served from a file")


QUOTA = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from PIL import Image
from io import BytesIO
from perturber.errors import StorageError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
data = Path(sys.argv[1])

def background():
    from perturber.objects import Store
    file = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(file, format="PNG")
    Store(data).add_background(file.getvalue())

def thing():
    from perturber.objects import Store
    Store(data).add_object({"a.obj": b"v 0 0 0\\nv 1 0 0\\nv 0 1 0\\n" + b"f 1 2 3\\n" * 500})

def picture():
    from perturber.featurevis.store import Store
    Store(data / "visualisations", 1).put("0" * 64, np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8))

def groups():
    from perturber.own_groups import OwnGroups
    for number in range(100):
        OwnGroups(data).keep("model", "layer", f"group {number}", range(20))

def development():
    from perturber.training.development import Development, development_file, save_development
    values = {"layer": np.random.default_rng(0).random(5000)}
    save_development(development_file(data, "0"), Development(values, values, {"layer": 1}, 1))

def catalogue():
    from perturber.config import Settings
    from perturber.zoo import own
    own.put_back("model", {"label": "x" * 5000}, Settings(data=data))

for write in (background, thing, picture, groups, development, catalogue):
    try:
        write()
        print(write.__name__, "was stored")
    except StorageError as error:
        print(write.__name__, error)
"""


def test_every_writer_says_that_there_is_no_room(tmp_path: Path) -> None:
    """With a limit on the size of a file, which is hit in the middle of writing it."""
    pytest.importorskip("resource", reason="limits as Unix has them")
    printed = subprocess.run(
        [sys.executable, "-c", QUOTA, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(printed) == 6, printed
    assert all("File too large" in line and line.endswith(".") for line in printed), printed
    found = {path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"}
    assert found <= {"groups.json"}
    assert len(OwnGroups(tmp_path).of("model", "layer")) >= 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked as on Unix")
def test_what_was_acknowledged_outlasts_kills(tmp_path: Path) -> None:
    """Of each kind of thing that is stored; `perturber bench kill` does it fifty times."""
    from perturber.bench.kill import kill

    outcome = kill(Settings(device="cpu", data=tmp_path), kills=2)
    assert outcome.errors == []
    assert outcome.left == 0
    assert all(count.acknowledged for count in outcome.kinds.values())
