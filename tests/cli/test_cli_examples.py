"""``perturber examples`` as a user meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber import zoo


@pytest.fixture
def perturber(
    perturber: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    network: zoo.Network,
) -> Callable[..., tuple[int, str, str]]:
    """The command, with a small network beside the catalogue's."""
    load = zoo.load
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))

    def loaded(name: str, *more: object, **options: object) -> zoo.Network:
        return network if name == "small" else load(name, *more, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(zoo, "load", loaded)
    return lambda *arguments: perturber("examples", *arguments)


def test_a_folder_is_indexed_and_a_neuron_shown(perturber, folder: Path, network: zoo.Network, tmp_path: Path) -> None:
    code, out, err = perturber("index", folder, "--model", "small", "--device", "cpu", "--json")
    assert code == 0
    report = json.loads(out)
    place = tmp_path / "data" / "examples" / f"{network.fingerprint}.npz"
    assert report == {
        "model": "small", "folder": str(folder), "count": 12, "unreadable": 1, "layers": 2, "neurons": 12,
        "file": str(place),
    }  # fmt: skip
    assert place.is_file()
    assert "13/13" in err

    sheet = tmp_path / "sheet.png"
    code, out, _ = perturber("show", "--model", "small", "--layer", "3", "--channel", 6, "--out", sheet)
    assert code == 0
    assert len(out.splitlines()) == 9
    assert str(folder) in out
    pixels = np.asarray(Image.open(sheet))
    assert pixels.shape == (296, 296, 3)
    assert (pixels[96:100] == 255).all()
    assert (pixels[:, 196:200] == 255).all()

    (folder / "sub").rename(tmp_path / "elsewhere")
    _, out, _ = perturber("show", "--model", "small", "--layer", "3", "--channel", 6, "--out", sheet)
    assert "(can no longer be read)" in out
    code, out, _ = perturber("index", folder, "--model", "small", "--limit", 3)
    assert (code, out) == (0, "small: indexed 3 pictures for 12 channels of 2 layers\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("index", "no/such/folder", "--model", "small"), "no/such/folder"),
        (("index", "data", "--model", "alexnet"), "Unknown model 'alexnet'"),
        (("index", "data", "--model", "small", "--device", "abacus"), "Unknown device 'abacus'"),
        (("index", "data", "--model", "small"), "holds no pictures"),
        (("show", "--model", "small", "--layer", "9", "--channel", 0, "--out", "x.png"), "Unknown layer of small '9'"),
        (("show", "--model", "small", "--layer", "3", "--channel", 7, "--out", "x.png"), "no channel '7'"),
        (("show", "--model", "small", "--layer", "3", "--channel", 0, "--out", "x.png"), "perturber examples index"),
    ],
)
def test_invalid_input_is_one_sentence_and_exit_code_2(
    perturber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...], sentence: str
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    code, out, err = perturber(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_unwritable_sheet(perturber, folder: Path) -> None:
    perturber("index", folder, "--model", "small")
    arguments = ("--layer", "0", "--channel", 0, "--out", "/no/such/folder/x.png")
    code, out, err = perturber("show", "--model", "small", *arguments)
    assert (code, out) == (2, "")
    assert "Cannot write '/no/such/folder/x.png'" in err


def test_unwritable_index(perturber, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    code, out, err = perturber("index", folder, "--model", "small")
    assert (code, out) == (2, "")
    assert f"perturber: Cannot write '{tmp_path / 'data' / 'examples'}" in err
    assert "Traceback" not in err
