"""``perturber attack`` as a user meets it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perturber.attack import METHODS
from perturber.cli.attack import find_class
from perturber.errors import InvalidInputError
from perturber.zoo.classes import IMAGENET_1K

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
NAMES = [c.name for c in IMAGENET_1K]


def test_a_scene_is_attacked_written_and_shown_to_another_model(perturber: Any, tmp_path: Path) -> None:
    out, clean = tmp_path / "adv.png", tmp_path / "clean.png"
    scene = ("--object", "dog_cat", "--background", "lawn", "--set", "yaw=-40")
    models = ("--model", LITE0, "--model", LITE1)
    code, text, _ = perturber("attack", *scene, *models, "--epsilon", "1", "--steps", "8", "--json", "--out", str(out))
    assert code == 0
    report = json.loads(text)
    assert report["attack"] == f"pgd(l2=1,steps=8;{LITE0})"
    assert report["scene"]["yaw"] == -40
    assert report["steps"] == 8
    first, second = report["results"]
    assert (first["model"], first["attacked"], second["model"], second["attacked"]) == (LITE0, True, LITE1, False)
    assert first["after"]["index"] != first["before"]["index"]
    assert first["class_before"] == first["before"]
    assert first["class_after"]["probability"] < first["before"]["probability"]
    assert second["class_before"]["index"] == first["before"]["index"]
    assert first["top"][0] == first["after"]

    assert perturber("render", *scene, "--out", str(clean))[0] == 0
    moved = (np.asarray(Image.open(out)).astype(float) - np.asarray(Image.open(clean))) / 255
    rounding = 224 * np.sqrt(3) * 0.5 / 255
    assert 0.4 < report["l2"] <= 1.0001
    assert np.linalg.norm(moved) == pytest.approx(report["l2"], abs=2 * rounding)
    assert "8 bits" in report["rounding"]
    written = np.asarray(Image.open(out))
    big = tmp_path / "big.png"  # a picture file is cropped to its middle 7/8
    Image.fromarray(np.pad(written, ((16, 16), (16, 16), (0, 0)))).save(big)
    looked = json.loads(perturber("look", "--image", str(big), *models, "--json")[1])
    assert [r["top"][0]["index"] for r in looked["results"]] == [r["rounded"]["index"] for r in report["results"]]
    assert looked["results"][0]["top"][0]["probability"] == pytest.approx(first["rounded"]["probability"], abs=1e-4)


def test_a_picture_is_brought_to_a_target(perturber: Any, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(90, 160, (256, 256, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    options = (
        "--norm",
        "linf",
        "--epsilon",
        "0.03",
        "--steps",
        "6",
        "--target",
        "tabby",
        "--random-start",
        "--seed",
        "3",
    )
    code, text, _ = perturber("attack", "--image", str(tmp_path / "x.png"), *options)
    assert code == 0
    assert "pgd(linf=0.03,steps=6,target=281,start=random,seed=3;" in text
    assert "→ tabby" in text
    assert "L∞ 0.03 (7.65/255)" in text


def test_fgsm_takes_its_one_step_and_norms_their_own_strength(perturber: Any) -> None:
    code, text, _ = perturber("attack", "--method", "fgsm", "--json")
    assert code == 0
    report = json.loads(text)
    assert report["attack"] == f"fgsm(linf=0.0156863,steps=1;{LITE0})"
    assert report["linf"] == pytest.approx(4 / 255, rel=1e-3)
    assert "out" not in report
    assert "rounded" not in report["results"][0]


def test_help_lists_every_method(perturber: Any) -> None:
    code, text, _ = perturber("attack", "--help")
    assert code == 0
    words = " ".join(text.split())
    for key, method in METHODS.items():
        assert f"{key}: {method.label} in {next(iter(method.norms))}" in words
        assert method.help in words


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "alexnet"), "Unknown model 'alexnet'"),
        (("--method", "hope"), "Unknown attack 'hope'"),
        (("--norm", "l7"), "Unknown norm of pgd 'l7'"),
        (("--epsilon", "-1"), "epsilon of pgd in l2 cannot be '-1.0'"),
        (("--steps", "100000"), "steps of pgd in l2 cannot be '100000'"),
        (("--target", "unicorn"), "Unknown class 'unicorn'"),
        (("--target", "5000"), "has no class '5000'"),
        (("--set", "yaw"), "Write PARAMETER=VALUE"),
        (("--image", "no/such/file.jpg"), "no/such/file.jpg"),
        (("--steps", "0", "--out", "/no/such/folder/x.png"), "Cannot write '/no/such/folder/x.png'"),
    ],
)
def test_invalid_input_is_one_sentence_and_exit_code_2(
    perturber: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    code, out, err = perturber("attack", *arguments)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


def test_classes_are_found_by_name_part_or_number() -> None:
    assert find_class(NAMES, "tabby") == 281
    assert find_class(NAMES, "Siamese") == 284
    assert find_class(NAMES, "5") == 5
    assert find_class(["crane", "crane bird"], "crane") == 0
    with pytest.raises(InvalidInputError, match=r"'terrier' matches \d+ classes: .* Give a full name or a number"):
        find_class(NAMES, "terrier")
    with pytest.raises(InvalidInputError, match="Unknown class ''"):
        find_class(NAMES, "")
