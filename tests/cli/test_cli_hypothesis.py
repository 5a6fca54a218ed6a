"""``perturber hypothesis``: a table and a sentence of each neuron."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
FEW = ("--range", "hue", "--range", "texture_influence=0:1", "--views", "20")


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def test_a_sentence_and_a_table(perturber: Run, tmp_path: Path) -> None:
    out = tmp_path / "found.csv"
    code, printed, told = perturber("hypothesis", "efficientnet_lite0", "blocks.0.0:0-1", *FEW, "--out", out)
    assert code == 0
    assert "100 pictures" in told
    assert "blocks.0.0:1 is " in printed
    assert printed.count("Texture Influence 0 to 1 ") == 2
    rows = list(csv.DictReader(out.open()))
    assert [(row["neuron"], row["parameter"]) for row in rows] == [
        (f"blocks.0.0:{channel}", key) for channel in (0, 1) for key in ("hue", "texture_influence")
    ]
    other = tmp_path / "found.json"
    code, printed, _ = perturber("hypothesis", "efficientnet_lite0", "blocks.0.0:0", *FEW, "--json", "--out", other)
    assert code == 0
    result = json.loads(printed)
    assert result["neurons"][0]["findings"][1]["parameter"] == "texture_influence"
    assert len(json.loads(other.read_text())["start"]) == 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["efficientnet_lite0", "blocks.0.0"], "LAYER:CHANNELS"),
        (["efficientnet_lite0", "blocks.9:1"], "blocks.9"),
        (["efficientnet_lite0", "blocks.0.0:9999"], "9999"),
        (["efficientnet_lite0", "blocks.0.0:0", "--views", "3"], "Allowed: 20"),
        (["efficientnet_lite0", "blocks.0.0:0", "--range", "object"], "step by step"),
        (["efficientnet_lite0", "blocks.0.0:0", "--out", "a.txt"], "does not end like"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], words: str, perturber: Run) -> None:
    code, _, told = perturber("hypothesis", *arguments)
    assert code == 2
    assert words in told
    assert "Traceback" not in told
