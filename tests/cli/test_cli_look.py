"""``perturber look``, ``render``, ``parameters``, ``evaluate``: output, exit codes, a sentence for each mistake."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from odd_networks import put
from PIL import Image

from perturber import zoo
from perturber.config import Settings
from perturber.parameters import PARAMETERS
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.pictures import read_picture


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
    larger = ("--model", "efficientnet_lite1")  # of 240 pixels: it sees scenes of 224 enlarged
    expected = top("--set", "yaw=-23.3", *larger)
    assert top("--image", path, *larger) == pytest.approx(expected, abs=0.01)
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


def test_a_picture_reaches_each_network_as_it_is_evaluated(
    perturber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Networks of 224, 240 and 32 pixels in one look, each as `evaluate` would show it the picture."""
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    settings, path = Settings(device="cpu"), tmp_path / "x.png"
    names = ("efficientnet_lite0", "efficientnet_lite1", put(settings, "usual"))
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 255, (9, 12, 3), dtype=np.uint8)).resize((400, 300)).save(path)
    models = [part for name in names for part in ("--model", name)]

    def logits(*more: str) -> tuple[list[dict[int, float]], list[str]]:
        report = json.loads(perturber("look", *models, "--image", str(path), *more, "--json")[1])
        return [{one["index"]: one["logit"] for one in of["top"]} for of in report["results"]], report["notes"]

    found, notes = logits()
    for name, top in zip(names, found, strict=True):
        network = zoo.load(name, "cpu", settings)
        picture = torch.tensor(network.entry.crop(read_picture(path))).permute(2, 0, 1)[None] / 255
        expected = network.logits(picture)[0]
        assert list(top) == expected.topk(5).indices.tolist()
        assert list(top.values()) == pytest.approx(expected.topk(5).values.tolist(), abs=1e-4)
    assert [note.partition(":")[0] for note in notes] == [f"For {name}" for name in names]
    assert all(f"the middle {size} × {size} taken" in note for note, size in zip(notes, (224, 240, 32), strict=True))

    Image.open(path).crop((0, 0, 240, 240)).save(path)
    assert logits()[1][1] == "For efficientnet_lite1: Taken as it is, being of the input's size already."
    changed, notes = logits("--set", "contrast=0.5")  # post-processing is made for 224 pixels
    assert changed != found
    assert notes == ["Shorter side brought to 256 pixels (bicubic), the middle 224 × 224 taken."]


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
