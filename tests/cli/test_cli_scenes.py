"""``perturber objects`` and ``perturber backgrounds`` as a user meets them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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


def test_an_object_of_your_own_is_added_shown_and_removed(perturber, own: Path) -> None:
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


def test_what_was_done_to_a_picture_is_said_beside_the_name(perturber, own: Path) -> None:
    Image.new("RGBA", (40, 30), (0, 255, 0, 100)).save(own / "glass.png")
    code, out, err = perturber("backgrounds", "add", str(own / "glass.png"))
    assert (code, out.count("\n")) == (0, 1)
    assert err == "glass.png: Its transparency is left out.\n"


def test_a_pair_of_your_own_morphs(perturber, own: Path) -> None:
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
        (("objects", "remove", "dog_cat"), "is built in"),
        (("objects", "remove", "own-x"), "Unknown object of your own"),
        (("backgrounds", "remove", "own-x"), "Unknown background of your own"),
    ],
)
def test_invalid_files_of_your_own_are_refused(
    perturber, own: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(own)
    code, out, err = perturber(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not (own / "data" / "objects").exists()
