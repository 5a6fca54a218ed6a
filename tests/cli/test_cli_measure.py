"""``perturber measure``: figures with intervals, the data behind them, and what is refused."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.groups.subjects import SUBJECTS
from perturber.zoo.classes import IMAGENET_1K

SMALL = ("--set", "longitudes=4", "--set", "latitudes=2")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def test_figures_come_from_the_data(perturber: Run, tmp_path: Path) -> None:
    out = tmp_path / "views.csv"
    code, printed, told = perturber("measure", "viewpoints", *SMALL, "--json", "--out", out)
    assert code == 0
    assert "32 pictures × 1 networks" in told
    result = json.loads(printed)
    head, *rows = csv.reader(io.StringIO(out.read_text()))
    assert result["head"] == head
    at = {name: column for column, name in enumerate(head)}
    for name in SUBJECTS:
        own = [row for row in rows if row[at["object"]] == name]
        weights = [np.cos(np.radians(float(row[at["latitude"]]))) for row in own]
        hits = [float(row[at["efficientnet_lite0: right"]]) for row in own]
        (figure,) = (one for one in result["figures"] if one["name"] == "share of the sphere" and one["group"] == name)
        assert figure["value"] == pytest.approx(100 * np.average(hits, weights=weights))
        assert figure["low"] <= figure["value"] <= figure["high"]
    again = tmp_path / "again.json"
    code, printed, _ = perturber("measure", "viewpoints", *SMALL, "--out", again)  # kept, and the same
    assert code == 0
    assert json.loads(again.read_text()) == result
    assert "share of the sphere (%)" in printed


def test_pictures_of_a_folder(perturber: Run, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(2):
        pixels = random.integers(0, 255, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{IMAGENET_1K[number].wnid}_{number}.png")
    (folder / f"{IMAGENET_1K[3].wnid}_3.png").write_bytes(b"no picture")
    code, printed, _ = perturber(
        "measure", "adversarial", "--images", folder, "--set", "pictures=4", "--set", "epsilons=0.5", "--set", "steps=1"
    )
    assert code == 0
    assert "adversarial over 4 pictures" in printed
    assert "1 files could not be read" in printed


def test_the_list_has_definitions_sources_and_options(perturber: Run) -> None:
    code, printed, _ = perturber("measure", "list", "--json")
    assert code == 0
    told = {one["name"]: one for one in json.loads(printed)}
    assert {"fluctuation", "backgrounds", "corruptions", "shape", "adversarial", "viewpoints"} <= told.keys()
    assert "mCE" in told["corruptions"]["definition"]
    assert told["shape"]["decisions"]
    code, printed, _ = perturber("measure", "list")
    assert "--set baseline=first" in printed
    assert "Hendrycks & Dietterich 2019" in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["speed"], "Unknown measurement 'speed'"),
        (["shape", "--set", "views"], "Write OPTION=VALUE"),
        (["shape", "--set", "view=3"], "Unknown option of shape 'view'. Did you mean 'views'?"),
        (["viewpoints", "--set", "longitudes=1"], "Allowed: a whole number from 4 to 180"),
        (["viewpoints", "--out", "a.txt"], "does not end like"),
        (["viewpoints", "--images", "."], "without a folder"),
        (["viewpoints", "--decisions", "a.csv"], "compares no decisions"),
        (["shape", "--decisions", "a.csv"], "Give their folder"),
        (["shape", "--images", "/no/such/folder"], "/no/such/folder"),
        (["viewpoints", "--model", "vgg"], "vgg"),
        (["viewpoints", "--set", "longitudes=180", "--set", "latitudes=90"], "Allowed: up to 50,000"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], words: str, perturber: Run) -> None:
    code, _, told = perturber("measure", *arguments)
    assert code == 2
    assert words in told
    assert "Traceback" not in told
