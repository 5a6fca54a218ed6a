"""The store: names from content, all or nothing on disk, one sentence for whatever cannot be used."""

import subprocess
import sys
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from user_files import CUBE, GREEN, QUAD, RED, Gltf, corners, picture, zipped

from perturber import objects
from perturber.disk import temporary
from perturber.errors import InvalidInputError, StorageError, UnknownNameError
from perturber.objects import Store
from perturber.scene import Scene

CUBE_FILES = {"cube.obj": CUBE.encode(), "cube.png": corners()}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return objects.store()


def files_of(store: Store) -> list[Path]:
    return [path for path in store.folder.rglob("*") if path.is_file()]


def test_an_added_object_is_everywhere_at_once(store: Store) -> None:
    before = objects.names("object")
    name = store.add_object(CUBE_FILES, label="My cube")
    assert objects.names("object") == {**before, name: "My cube"}
    assert list(objects.names("object"))[: len(before)] == list(before)
    assert objects.is_own(name)
    assert not objects.is_own("dog_cat")
    pair = objects.pair(name)
    assert (pair.name, pair.label, pair.names) == (name, "My cube", ("cube", "cube"))
    assert pair.positions.shape == pair.normals.shape == (2, len(pair.uv), 3)
    assert objects.pair(name) is pair
    assert Scene.parse({"object": name}).object == name
    assert name.isascii()
    assert name.replace("-", "").isalnum()


def test_names_follow_from_content_and_roles(store: Store) -> None:
    name = store.add_object(CUBE_FILES)
    assert store.add_object(dict(reversed(CUBE_FILES.items()))) == name
    assert store.add_object({"a/folder/cube.obj": CUBE_FILES["cube.obj"], "cube.png": CUBE_FILES["cube.png"]}) == name
    assert store.add_object({"x.zip": zipped(CUBE_FILES)}) == name
    assert len(store.names("object")) == 1
    others = [
        store.add_object({**CUBE_FILES, "cube.png": picture(RED)}),
        store.add_object({"cube.obj": CUBE_FILES["cube.obj"]}),
        store.add_object(CUBE_FILES, alpha="cube.png"),
    ]
    assert len({name, *others}) == 4
    pair = {"a.obj": CUBE.encode(), "b.obj": CUBE.replace("v 1 1 1", "v 2 1 1").encode()}
    assert store.add_object(pair) != store.add_object(dict(reversed(pair.items())))  # the morph runs the other way


def test_what_was_added_survives_a_restart(store: Store) -> None:
    name = store.add_object({**CUBE_FILES, "cube_alpha.png": picture((128,) * 3)}, label="Kept")
    background = store.add_background(corners(), label="Wall")
    again = Store(Path(store.folder))
    assert again.names("object") == {name: "Kept"}
    assert again.names("background") == {background: "Wall"}
    program = (
        "from perturber import objects; from perturber.scene import Scene;"
        f"s = Scene.parse({{'object': '{name}', 'background': '{background}'}});"
        "print(objects.pair(s.object).textures.sum(), objects.background(s.background).sum())"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert [int(word) for word in printed] == [objects.pair(name).textures.sum(), objects.background(background).sum()]


def test_textures_are_kept_to_the_bit(store: Store) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    name = store.add_object({"quad.obj": QUAD.encode(), "a.png": picture(pixels)})
    np.testing.assert_array_equal(objects.pair(name).textures[1], pixels)
    mask = np.random.default_rng(1).integers(32, 256, (1024, 1024), dtype=np.uint8)
    name = store.add_object({"quad.obj": QUAD.encode(), "a.png": picture(pixels), "a_alpha.png": picture(mask)})
    np.testing.assert_array_equal(objects.pair(name).textures[0, ..., 3], mask)


def test_the_middle_of_a_picture_becomes_the_background(store: Store) -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = GREEN
    name = store.add_background(picture(pixels))
    square = objects.background(name)
    assert square.shape == (1024, 1024, 3)
    assert square.dtype == np.uint8
    np.testing.assert_allclose(square[:, 20:-20].reshape(-1, 3).mean(0), GREEN, atol=4)
    assert store.add_background(picture(pixels)) == name
    assert Scene.parse({"background": name}).background == name


def test_what_was_done_to_a_picture_stays_with_what_shows_it(store: Store) -> None:
    name = store.add_background(picture((10, 20, 30, 40)))
    assert store.notes("background", name) == ("Its transparency is left out.",)
    assert Store(Path(store.folder)).notes("background", name) == store.notes("background", name)
    assert store.notes("background", store.add_background(corners())) == ()
    frames = BytesIO()
    first, second = (Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN))
    first.save(frames, format="GIF", save_all=True, append_images=[second])
    files = {"cube.obj": CUBE.encode(), "cube.gif": frames.getvalue()}
    name = store.add_object(files)
    assert store.pair(name).notes == ("cube.gif: Of its 2 frames the first one is taken.",)
    assert store.add_object(files, label="Another label") == name
    assert store.notes("object", name) == store.pair(name).notes
    assert store.notes("object", "dog_cat") == store.notes("object", "../../x") == ()


def test_removed_things_are_gone(store: Store) -> None:
    name, background = store.add_object(CUBE_FILES), store.add_background(corners())
    objects.pair(name)
    store.remove("object", name)
    store.remove("background", background)
    assert files_of(store) == []
    assert not set(objects.names("object")) & {name}
    for call in (
        lambda: objects.pair(name),
        lambda: objects.background(background),
        lambda: store.remove("object", name),
        lambda: Scene.parse({"object": name}),
        lambda: store.remove("object", "../../x"),
        lambda: objects.pair("../library/dog_cat"),
    ):
        with pytest.raises(UnknownNameError):
            call()


def test_labels_are_one_short_line_of_text(store: Store) -> None:
    name = store.add_object(CUBE_FILES, label="<b>A\tdog\n\x00\u202e</b> " + "x" * 100)
    label = store.names("object")[name]
    assert label.startswith("<b>A dog </b> xxx")
    assert len(label) == 60
    assert store.add_object(CUBE_FILES) == name
    assert store.names("object")[name] == label  # the same files again, without a word
    store.add_object(CUBE_FILES, label="Renamed")
    assert objects.pair(name).label == store.names("object")[name] == "Renamed"
    unnamed = store.add_object({"brown_dog.obj": CUBE.encode()}, label=" \n ")
    assert store.names("object")[unnamed] == "brown dog"


def test_two_processes_may_add_the_same_at_once(store: Store, tmp_path: Path) -> None:
    (tmp_path / "cube.obj").write_text(CUBE)
    program = (
        "from perturber.cli import main; import sys;"
        f"sys.argv[1:] = ['objects', 'add', {str(tmp_path / 'cube.obj')!r}]; main()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    names = {process.communicate(timeout=120)[0].strip() for process in processes}
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert names == set(store.names("object"))
    assert len(names) == 1
    assert list((store.folder / "incoming").iterdir()) == []


def test_what_a_stopped_process_left_is_swept_away(store: Store) -> None:
    left = store.folder / "incoming" / "left"
    left.mkdir(parents=True)
    (left / "mesh.npz").write_bytes(b"half")
    with temporary(store.folder / "incoming") as fresh:
        store.add_background(corners())
        assert not left.exists()
        assert fresh.exists()


def test_a_data_folder_that_is_none_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    assert store.names("object") == {}
    with pytest.raises(StorageError, match="PERTURBER_DATA"):
        store.add_background(corners())


def bomb() -> bytes:
    """A picture of 10,000 million pixels in a few bytes: its head alone counts."""
    file = BytesIO()
    Image.new("1", (8, 8)).save(file, format="PNG")
    content = bytearray(file.getvalue())
    content[16:24] = (100_000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    return bytes(content)


def zip_bomb() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.obj", bytes(200 * 2**20))
    return file.getvalue()


def lying_zip() -> bytes:
    """Its directory says 10 bytes where there are a hundred million."""
    content = zipped({"a.obj": bytes(10**8)})
    return content.replace((10**8).to_bytes(4, "little"), (10).to_bytes(4, "little"))


def many_entries() -> bytes:
    return zipped({f"{i}.obj": b"" for i in range(1001)})


REFUSED = {
    "nothing": ({}, "nothing to read"),
    "no object": ({"a.png": corners()}, "no object"),
    "unknown kind": ({"a.exe": b"MZ"}, "nothing to read"),
    "empty file": ({"a.obj": b""}, "no faces"),
    "garbage": ({"a.obj": bytes(range(256)) * 50}, "no faces"),
    "no vertices": ({"a.obj": b"f 1 2 3"}, "only 0"),
    "NaN": ({"a.obj": CUBE.replace("v 1 1 1", "v 1 nan 1").encode()}, "not a finite number"),
    "infinity": ({"a.obj": CUBE.replace("v 1 1 1", "v 1 1e999 1").encode()}, "not a finite number"),
    "enormous": ({"a.obj": CUBE.replace("v 1 1 1", "v 1 1e200 1").encode()}, "sensible size"),
    "words": ({"a.obj": CUBE.replace("v 1 1 1", "v one 1 1").encode()}, "is not a number"),
    "two numbers": ({"a.obj": CUBE.replace("v 1 1 1", "v 1 1").encode()}, "too few numbers"),
    "index too large": ({"a.obj": CUBE.encode() + b"f 1 2 9"}, "only 8"),
    "index zero": ({"a.obj": CUBE.encode() + b"f 0 1 2"}, "without a vertex"),
    "index before the start": ({"a.obj": CUBE.encode() + b"f -1 -2 -9"}, "before the start"),
    "index of many digits": ({"a.obj": CUBE.encode() + b"f 1 2 " + b"9" * 30}, "cannot be read"),
    "corner of four": ({"a.obj": CUBE.encode() + b"f 1/1/1/1 2 3"}, "cannot be read"),
    "two corners": ({"a.obj": CUBE.partition("f")[0].encode() + b"f 1 2"}, "fewer than three"),
    "points": ({"a.obj": CUBE.partition("f")[0].encode() + b"p 1 2"}, "only points"),
    "huge polygon": ({"a.obj": CUBE.encode() + b"f" + b" 1 2 3" * 500}, "1,500 corners"),
    "a point": ({"a.obj": b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n"}, "no face with an area"),
    "a line": ({"a.obj": b"v 1 1 1\nv 2 2 2\nv 3 3 3\nf 1 2 3\n"}, "no face with an area"),
    "three objects": ({f"{i}.obj": CUBE.encode() for i in range(3)}, "One object, or two"),
    "object and document": ({"a.obj": CUBE.encode(), "b.glb": Gltf().quad().glb()}, "Only two .obj"),
    "which texture": ({"a.obj": CUBE.encode(), "x.png": corners(), "y.png": picture(RED)}, "Which of"),
    "no picture": ({"a.obj": CUBE.encode(), "x.png": b"no picture"}, "cannot be read as a picture"),
    "half a picture": ({"a.obj": CUBE.encode(), "x.png": corners()[:90]}, "is cut off"),
    "picture bomb": ({"a.obj": CUBE.encode(), "x.png": bomb()}, "more than 40 million pixels"),
    "zip bomb": ({"a.zip": zip_bomb()}, "unpacks to more than 30 MiB"),
    "lying zip": ({"a.zip": lying_zip()}, r"broken|unpacks to more"),
    "broken zip": ({"a.zip": zipped({"a.obj": CUBE.encode()})[:-30]}, "broken"),
    "zip of too many": ({"a.zip": many_entries()}, "more than 1,000 files"),
    "zip of nothing": ({"a.zip": zipped({"readme.txt": b"x"})}, "nothing to read"),
    "two of one name": ({"a.zip": zipped({"x/a.obj": b"1", "y/a.obj": b"2"})}, "Two different files"),
    "too large": ({"a.obj": b"#" * (30 * 2**20 + 1)}, "larger than 30 MiB"),
    "too many lines": ({"a.obj": b"\n" * 6_000_000}, "too many lines"),
    "broken document": ({"a.glb": b"glTF"}, "not a valid glTF"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_gets_one_sentence_and_leaves_nothing(store: Store, case: str) -> None:
    files, reason = REFUSED[case]
    with pytest.raises(InvalidInputError, match=reason) as error:
        store.add_object(files)
    sentence = str(error.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert len(sentence) < 300
    assert files_of(store) == []
    assert store.names("object") == {}


@pytest.mark.parametrize("content", [b"", b"no picture", corners()[:90], bomb(), b"\0" * (30 * 2**20 + 1)])
def test_backgrounds_that_are_none(store: Store, content: bytes) -> None:
    with pytest.raises(InvalidInputError):
        store.add_background(content)
    assert files_of(store) == []


def test_limits_come_from_the_settings(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_MAX_TRIANGLES", "11")
    with pytest.raises(InvalidInputError, match="12 triangles; at most 11"):
        store.add_object(CUBE_FILES)
    monkeypatch.setenv("PERTURBER_MAX_TRIANGLES", "12")
    store.add_object(CUBE_FILES)
    monkeypatch.setenv("PERTURBER_MAX_MEGAPIXELS", "1")
    with pytest.raises(InvalidInputError, match="more than 1 million pixels"):
        store.add_background(picture(np.zeros((1000, 1001, 3))))
    monkeypatch.setenv("PERTURBER_MAX_UPLOAD_MIB", "1")
    with pytest.raises(InvalidInputError, match="larger than 1 MiB"):
        store.add_object({"a.obj": CUBE.encode(), "b.bin": bytes(2**20)})


@pytest.mark.parametrize("where", ["os.replace", "tempfile.mkdtemp", "numpy.savez", "PIL.Image.Image.save"])
def test_a_failure_while_writing_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    wall = corners()
    with monkeypatch.context() as patch:
        patch.setattr(where, full)
        with pytest.raises(StorageError, match="No space left on device"):
            store.add_object(CUBE_FILES)
        if where != "numpy.savez":
            with pytest.raises(StorageError, match="No space left on device"):
                store.add_background(wall)
    assert files_of(store) == []
    assert store.names("object") == store.names("background") == {}
    name = store.add_object(CUBE_FILES, label="Mine")
    for where in ("os.replace", "tempfile.mkdtemp"):
        monkeypatch.setattr(where, full)
        with pytest.raises(StorageError, match="No space left on device"):
            store.rename("object", name, "Other")
        with pytest.raises(StorageError, match="No space left on device"):
            store.remove("object", name)
        monkeypatch.undo()
    assert Store(store.folder).names("object") == {name: "Mine"}
    assert store.pair(name).label == "Mine"


def tried(store: Store, files: dict[str, bytes]) -> None:
    """Whatever the files are: an object, or one sentence and nothing left."""
    try:
        name = store.add_object(files)
    except InvalidInputError:
        assert files_of(store) == []
        return
    pair = store.pair(name)
    assert np.isfinite(pair.positions).all()
    assert np.isfinite(pair.normals).all()
    assert np.linalg.norm(pair.positions, axis=2).max() < 1.001
    assert pair.faces.max() < len(pair.uv)
    store.remove("object", name)


MANY = fuzz(100)
NAMES = st.sampled_from(
    ["a.obj", "b.obj", "a.glb", "a.gltf", "a.mtl", "a.png", "a.zip", "a.bin", "../../etc/x.obj", ""]
)


@MANY
@given(files=st.dictionaries(NAMES, st.binary(max_size=200), max_size=4))
def test_any_bytes(store: Store, files: dict[str, bytes]) -> None:
    tried(store, files)


def mutated(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, insertion in edits:
        place %= len(content) + 1
        content = content[:place] + insertion + content[place + length :]
    return content


EDITS = st.lists(
    st.tuples(
        st.integers(0, 5000),
        st.integers(0, 6),
        st.one_of(
            st.binary(max_size=5),
            st.sampled_from(
                [b"-", b"/", b"//", b"nan", b"1e999", b"999999999", b" ", b"\n", b"null", b"[]", b"{}", b'"']
            ),
        ),
    ),
    min_size=1,
    max_size=6,
)


@MANY
@given(edits=EDITS, which=st.sampled_from(["quad.obj", "quad.mtl", "a.png"]))
def test_damaged_objects(store: Store, edits: list[tuple[int, int, bytes]], which: str) -> None:
    files = {
        "quad.obj": b"mtllib quad.mtl\nusemtl m\n" + QUAD.encode() + b"vn 0 0 1\nf 1/1/1 2/2/1 3/3/1\nf -1 -2 -3\n",
        "quad.mtl": b"newmtl m\nKd 1 0.5 0\nd 0.5\nmap_Kd -s 1 1 1 a.png\n",
        "a.png": corners(16),
    }
    tried(store, {**files, which: mutated(files[which], edits)})


@MANY
@given(edits=EDITS, binary=st.booleans())
def test_damaged_documents(store: Store, edits: list[tuple[int, int, bytes]], binary: bool) -> None:
    document = Gltf().quad()
    document.tree["materials"] = [
        {"alphaMode": "MASK", "pbrMetallicRoughness": {"baseColorTexture": {"index": document.image(corners(16))}}}
    ]
    document.primitive["material"] = 0
    if binary:
        tried(store, {"a.glb": mutated(document.glb(), edits)})
    else:
        tried(store, {"a.gltf": mutated(document.gltf("a.bin"), edits), "a.bin": document.binary})
