"""Commands about networks that give NaN or ∞: JSON stays JSON, and a sentence says what is not finite."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from odd_networks import DIGITS, KINDS, put, spoiled
from page_visits import strict
from PIL import Image

from perturber.config import Settings

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    for kind in KINDS:
        put(Settings(), kind)


def test_look(perturber: Run) -> None:
    models = [part for kind in KINDS for part in ("--model", kind)]
    found = {one["model"]: one for one in strict(perturber("look", *models, "--json")[1])["results"]}
    assert found["overflowing"]["top"] == []
    assert found["overflowing"]["gaps"] == [{"what": "logits", "count": 10, "total": 10}]
    assert found["lonely"]["gaps"] == [{"what": "logits", "count": 1, "total": 10}]
    assert found["usual"]["gaps"] == found["clamped"]["gaps"] == []
    code, out, _ = perturber("look", *models)
    assert code == 0
    assert "overflowing gives NaN or ∞ in 10 of 10 logits, which are left blank." in out
    assert "nan" not in out


def test_attack(perturber: Run, tmp_path: Path) -> None:
    models = [part for kind in reversed(KINDS) for part in ("--model", kind)]
    assert strict(perturber("attack", *models, "--out", tmp_path / "x.png", "--json")[1])["unknown_steps"] == 0
    models = ["--model", "overflowing", "--model", "steep"]
    assert strict(perturber("attack", *models, "--out", tmp_path / "x.png", "--json")[1])["unknown_steps"] == 8
    _, out, _ = perturber("attack", "--model", "steep")
    assert "In 8 of 8 steps of the attack the gradient was not finite" in out
    assert "L2 0 (0/255)" in out


def test_evaluate(perturber: Run, tmp_path: Path) -> None:
    (tmp_path / "pictures" / DIGITS[0]).mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "pictures" / DIGITS[0] / "a.png")
    _, out, _ = perturber("evaluate", "--model", "overflowing", "--images", tmp_path / "pictures", "--json")
    report = strict(out)
    assert (report["top1"], report["top5"]) == (0, 0)
    assert any(note.startswith("1 of 1: Some logits are not finite") for note in report["notes"])


def test_a_network_with_nan_weights_is_not_added(perturber: Run, tmp_path: Path) -> None:
    path = spoiled(tmp_path / "failed.safetensors", "8.bias")
    (tmp_path / "digits.txt").write_text("\n".join(DIGITS))
    arguments = ("--architecture", "factory:odd_networks:usual", "--classes", tmp_path / "digits.txt")
    code, _, err = perturber("models", "add", "failed", path, *arguments, "--input-size", 32)
    assert code == 2
    assert "failed cannot be used: 2 of 10 weights in '8.bias' are not finite (NaN or ∞)" in err
    assert "failed" not in perturber("models", "list")[1]
