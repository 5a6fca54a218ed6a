"""``perturber sweep``: tables of what networks make of many scenes."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber import cli

AXES = ["--axis", "yaw=-60:60:3", "--axis", "texture_influence=0,1"]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main("sweep", *arguments)
    assert ended.value.code == 0


def test_tables_of_all_kinds_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow.parquet

    paths = [tmp_path / f"sweep.{ending}" for ending in ("csv", "json", "parquet")]
    for path in paths:
        run(*AXES, "--measure", "probability:malamute", "--measure", "activation:blocks.3.0:3:max", "--out", str(path))
    assert "6 scenes were known from earlier sweeps" in capsys.readouterr().err
    head, *rows = csv.reader(io.StringIO(paths[0].read_text()))
    assert head[:2] == ["yaw", "texture_influence"]
    assert head[2] == "probability of class 249: efficientnet_lite0"
    table = np.array(rows, float)
    assert table[:, 0].tolist() == [-60, -60, 0, 0, 60, 60]
    assert ((table[:, 2] >= 0) & (table[:, 2] <= 1)).all()
    of_json = json.loads(paths[1].read_text())
    of_parquet = pyarrow.parquet.read_table(paths[2]).to_pydict()
    for n, name in enumerate(head):
        np.testing.assert_allclose(of_json[name], table[:, n])
        np.testing.assert_allclose(of_parquet[name], table[:, n])


def test_a_latin_hypercube(tmp_path: Path) -> None:
    out = tmp_path / "sampled.csv"
    run("--sample", "5", "--range", "yaw=-60:60", "--range", "distance=3:5", "--measure", "entropy", "--out", str(out))
    assert len(out.read_text().splitlines()) == 6


def test_pictures_of_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "pictures.csv"
    folder.mkdir()
    for n in range(3):
        Image.new("RGB", (60, 40), (90 * n, 40, 0)).save(folder / f"{n}.png")
    run("--images", str(folder), "--limit", "2", "--axis", "hue=-0.1,0.1", "--out", str(out))
    head, *rows = csv.reader(io.StringIO(out.read_text()))
    assert head[:3] == ["picture", "hue", "entropy: efficientnet_lite0"]
    assert [row[:2] for row in rows] == [["0.png", "-0.1"], ["0.png", "0.1"], ["1.png", "-0.1"], ["1.png", "0.1"]]
    assert all(0 < float(row[2]) < 10 for row in rows)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "a.txt", *AXES], "does not end like"),
        (["--out", "a.csv"], "Say where to look"),
        (["--out", "a.csv", *AXES, "--sample", "3"], "not by both"),
        (["--out", "a.csv", *AXES, "--range", "yaw=0:1"], "--range is about --sample"),
        (["--out", "a.csv", *AXES, "--limit", "3"], "--limit is about --images"),
        (["--out", "a.csv", "--images", ".", "--sample", "3"], "not by --sample"),
        (["--out", "a.csv", "--images", "/no/such/folder"], "/no/such/folder"),
        (["--out", "a.csv", "--axis", "yaw"], "Write PARAMETER="),
        (["--out", "a.csv", "--axis", "yaw=1:2:3:4"], "LOW:HIGH:COUNT"),
        (["--out", "a.csv", "--axis", "no_such=0:1"], "no_such"),
        (["--out", "a.csv", *AXES, "--measure", "speed"], "Unknown measure"),
        (["--out", "a.csv", *AXES, "--measure", "activation:blocks.3.0"], "names no neuron"),
        (["--out", "a.csv", *AXES, "--measure", "activation:blocks.3.0:1:middle"], "Unknown pooling"),
        (["--out", "a.csv", *AXES, "--measure", "entropy:3"], "that of all classes"),
        (["--out", "a.csv", *AXES, "--measure", "divergence"], "two networks"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main("sweep", *arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
