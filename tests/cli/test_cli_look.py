"""``perturber look``, ``render``, ``parameters``, ``evaluate``: output, exit codes, a sentence for each mistake."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.parameters import PARAMETERS
from perturber.zoo.classes import IMAGENET_1K


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
        (("look", "--image", __file__), "test_cli_look.py"),
        (("render", "--out", "/no/such/folder/x.png"), "Cannot write '/no/such/folder/x.png'"),
        (("evaluate", "--model", "efficientnet_lite0", "--images", "no/such/folder"), "no/such/folder"),
    ],
)
def test_invalid_input_is_one_sentence_and_exit_code_2(perturber, arguments: tuple[str, ...], sentence: str) -> None:
    code, out, err = perturber(*arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err
