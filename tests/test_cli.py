"""The command line as a user meets it: output, exit codes, one sentence for each mistake."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber import cli
from perturber.parameters import PARAMETERS
from perturber.zoo.classes import IMAGENET_1K


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["perturber", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    output = capsys.readouterr()
    return int(exit_.value.code or 0), output.out, output.err


@pytest.fixture
def perturber(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    return lambda *arguments: run(monkeypatch, capsys, *arguments)


def test_look_prints_the_top_five(perturber) -> None:
    arguments = ("--object", "dog_cat", "--set", "yaw=-23.3", "--set", "texture_influence=0", "--json")
    code, out, _ = perturber("look", "--model", "efficientnet_lite0", *arguments)
    assert code == 0
    report = json.loads(out)
    assert report["scene"]["yaw"] == -23.3
    top = report["results"][0]["top"]
    assert len(top) == 5
    assert set(top[0]) == {"index", "name", "logit", "probability"}
    assert [score["logit"] for score in top] == sorted((score["logit"] for score in top), reverse=True)
    assert 0 < sum(score["probability"] for score in top) <= 1
    assert all(IMAGENET_1K[score["index"]].name == score["name"] for score in top)


def test_look_at_a_picture_respects_exif_orientation(perturber, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored on its side: a viewer turns it a quarter clockwise
    Image.fromarray(np.rot90(pixels)).save(tmp_path / "turned.png", exif=exif)
    reports = [
        json.loads(perturber("look", "--image", str(tmp_path / name), "--json")[1])["results"][0]["top"]
        for name in ("upright.png", "turned.png")
    ]
    assert reports[0] == reports[1]


def test_render_writes_the_model_input(perturber, tmp_path: Path) -> None:
    out = tmp_path / "x.png"
    assert perturber("render", "--set", "alpha=0.5", "--out", str(out))[0] == 0
    picture = np.asarray(Image.open(out))
    assert picture.shape == (224, 224, 3)
    assert 10 < picture.max() <= 128


def test_parameters_lists_every_row(perturber) -> None:
    _, out, _ = perturber("parameters")
    assert all(key in out for key in PARAMETERS)
    _, out, _ = perturber("parameters", "--json")
    assert [row["key"] for row in json.loads(out)] == list(PARAMETERS)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("look", "--model", "alexnet"), "Unknown model 'alexnet'"),
        (("look", "--object", "cow"), "Unknown object 'cow'"),
        (("look", "--set", "yaw"), "Write PARAMETER=VALUE"),
        (("look", "--set", "yaw=north"), "Allowed: a number from -180 to 180"),
        (("look", "--set", "contrast_of_things=1"), "Unknown parameter 'contrast_of_things'"),
        (("look", "--device", "abacus"), "Unknown device 'abacus'"),
        (("look", "--image", "no/such/file.jpg"), "no/such/file.jpg"),
        (("look", "--image", __file__), "test_cli.py"),
        (("render", "--out", "/no/such/folder/x.png"), "Cannot write '/no/such/folder/x.png'"),
        (("evaluate", "--model", "efficientnet_lite0", "--images", "no/such/folder"), "no/such/folder"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_code_2(perturber, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = perturber(*arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


CUBE = "".join(f"v {x} {y} {z}\n" for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)) + (
    "f 1 3 4 2\nf 5 6 8 7\nf 1 2 6 5\nf 3 7 8 4\nf 1 5 7 3\nf 2 4 8 6\n"
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a user's files, and a data folder beside them."""
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    (tmp_path / "dog.obj").write_text(CUBE)
    (tmp_path / "cat.obj").write_text(CUBE.replace("v 1 1 1", "v 3 1 1"))
    for name, colour in (("red", (255, 0, 0)), ("green", (0, 255, 0)), ("white", (255, 255, 255))):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{name}.png")
    return tmp_path


def test_an_object_of_ones_own_is_added_shown_and_removed(perturber, own: Path) -> None:
    arguments = ("--texture", str(own / "red.png"), "--label", "My dog")
    code, out, _ = perturber("objects", "add", str(own / "dog.obj"), *arguments)
    assert code == 0
    name = out.strip()
    _, background, _ = perturber("backgrounds", "add", str(own / "green.png"))
    rows = json.loads(perturber("objects", "list", "--json")[1])
    assert rows[-1] == {"name": name, "label": "My dog", "own": True}
    assert rows[0]["own"] is False
    assert "My dog" in perturber("objects", "list")[1]
    assert "green" in perturber("backgrounds", "list")[1]

    picture = own / "out.png"
    scene = ("--object", name, "--background", background.strip(), "--set", "lighting_influence=0")
    assert perturber("render", *scene, "--out", str(picture))[0] == 0
    pixels = np.asarray(Image.open(picture)).astype(int)
    np.testing.assert_allclose(pixels[112, 112], [255, 0, 0], atol=2)
    np.testing.assert_allclose(pixels[2, 2], [0, 255, 0], atol=4)

    assert perturber("objects", "remove", name)[0] == 0
    assert perturber("backgrounds", "remove", background.strip())[0] == 0
    assert name not in perturber("objects", "list")[1]
    assert [path for path in (own / "data").rglob("*") if path.is_file()] == []


def test_a_pair_of_ones_own_morphs(perturber, own: Path) -> None:
    _, out, _ = perturber(
        "objects", "add", str(own / "dog.obj"), "--texture", str(own / "red.png"), "--alpha", str(own / "white.png"),
        "--second", str(own / "cat.obj"), "--second-texture", str(own / "green.png"),
    )  # fmt: skip
    assert f"{out.strip():26} dog ↔ cat" in perturber("objects", "list")[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("objects", "add", "dog.obj", "--texture", "nothing.png"), "nothing.png"),
        (("objects", "add", "red.png"), "no object"),
        (("objects", "add", "."), "Cannot read"),
        (("backgrounds", "add", "dog.obj"), "cannot be read as a picture"),
        (("objects", "remove", "dog_cat"), "belongs to the project"),
        (("objects", "remove", "own-x"), "Unknown object of your own"),
        (("backgrounds", "remove", "own-x"), "Unknown background of your own"),
    ],
)
def test_mistakes_with_ones_own_files(
    perturber, own: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(own)
    code, out, err = perturber(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (own / "data" / "objects").exists()
