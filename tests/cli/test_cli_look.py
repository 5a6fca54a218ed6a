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


def test_what_was_rendered_or_attacked_is_looked_at_as_it_is(perturber, tmp_path: Path) -> None:
    """Rounded to 8 bits nothing but the rounding is left; enlarged and cropped it would be another picture."""
    path = str(tmp_path / "x.png")

    def top(*arguments: str) -> dict[str, float]:
        report = json.loads(perturber("look", *arguments, "--json")[1])
        return {score["name"]: score["probability"] for score in report["results"][0]["top"]}

    perturber("render", "--set", "yaw=-23.3", "--out", path)
    scene, again = top("--set", "yaw=-23.3"), top("--image", path)
    assert list(scene)[:2] == list(again)[:2]
    assert list(again.values()) == pytest.approx(list(scene.values()), abs=0.01)
    _, out, _ = perturber("look", "--image", path)
    assert out.startswith(f"{path}: Taken as it is, being of the input's size already.")
    _, out, _ = perturber("look", "--image", path, "--resize", "256")
    assert out.startswith(f"{path}: Shorter side brought to 256 pixels (bicubic), the middle 224 × 224 taken.")

    _, out, _ = perturber("attack", "--epsilon", "1", "--out", path, "--json")
    attacked = json.loads(out)["results"][0]
    again = top("--image", path)
    assert next(iter(again)) == attacked["rounded"]["name"]
    assert again[attacked["rounded"]["name"]] == pytest.approx(attacked["rounded"]["probability"], abs=1e-4)
    assert again[attacked["rounded"]["name"]] == pytest.approx(attacked["top"][0]["probability"], abs=0.05)


def test_evaluate_says_what_it_left_out_and_did(perturber, tmp_path: Path) -> None:
    for name, side in (("n02099601_a.png", 224), ("n02099601_b.png", 300)):
        Image.new("RGB", (side, side), (90, 120, 60)).save(tmp_path / name)
    (tmp_path / "n02099601_c.png").write_bytes(b"")
    arguments = ("evaluate", "--model", "efficientnet_lite0", "--images", str(tmp_path))
    code, out, _ = perturber(*arguments)
    assert code == 0
    assert "over 2 pictures" in out
    assert "1 of 2: Taken as it is, being of the input's size already." in out
    assert "1 of 2: Shorter side brought to 256 pixels (bicubic), the middle 224 × 224 taken." in out
    assert "1 could not be read and are not counted: n02099601_c.png" in out
    _, out, _ = perturber(*arguments, "--resize", "230", "--crop", "200", "--json")
    (note,) = json.loads(out)["notes"]
    middle = "the middle 200 × 200 taken, and brought to 224 × 224."
    assert note == f"2 of 2: Shorter side brought to 230 pixels (bicubic), {middle}"


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
        (("look", "--resize", "256"), "give one by --image"),
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
