"""Ready pictures: archives of WebP files that are found by key alone."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.featurevis import Bundle, Recipe, Target, bundle_folder, compress, key, read_contents, save_bundle
from perturber.zoo import load
from perturber.zoo.catalogue import entries

TARGETS = [Target(layer="blocks.1.0", index=index) for index in range(3)]
READY = bundle_folder(Settings().models)


def picture(seed: int, size: int = 64) -> np.ndarray:
    """A smooth one (1, size, size, 3), as lossy formats are made for."""
    small = np.random.default_rng(seed).integers(60, 200, (4, 4, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((size, size), Image.Resampling.BICUBIC))[None]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "some@10.zip"
    save_bundle(path, "some@10", "f" * 64, [(t, Recipe(), compress(picture(t.index))) for t in TARGETS])
    return path


def test_a_picture_is_found_by_weights_target_and_recipe(archive: Path) -> None:
    bundle = Bundle(archive.parent)
    assert len(bundle) == len(TARGETS)
    for target in TARGETS:
        found = bundle.get(key("f" * 64, target, Recipe()))
        assert found.shape == (1, 64, 64, 3)
        assert found.dtype == np.uint8
        assert np.abs(found.astype(int) - picture(target.index)).mean() < 3
    for fingerprint, target, recipe in [
        ("e" * 64, TARGETS[0], Recipe()),
        ("f" * 64, TARGETS[0], Recipe(naive=True)),
        ("f" * 64, Target(kind="channel", layer="blocks.1.0"), Recipe()),
    ]:
        name = key(fingerprint, target, recipe)
        assert name not in bundle
        assert bundle.get(name) is None


def test_the_same_pictures_give_the_same_archive(archive: Path) -> None:
    before = archive.read_bytes()
    save_bundle(archive, "some@10", "f" * 64, [(t, Recipe(), compress(picture(t.index))) for t in TARGETS])
    assert archive.read_bytes() == before


def test_an_archive_says_what_it_holds(archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        contents = json.loads(file.read("contents.json"))
    assert contents["model"] == "some@10"
    assert contents["command"] == "perturber models pictures some@10 --out models"
    assert [entry["index"] for entry in contents["pictures"]] == [0, 1, 2]
    assert contents["pictures"][0] | {"layer": "blocks.1.0", "naive": False, "steps": 128} == contents["pictures"][0]
    assert read_contents(archive) == [(target, Recipe()) for target in TARGETS]
    assert read_contents(archive.with_name("other.zip")) == []
    archive.write_bytes(archive.read_bytes()[:100])
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_contents(archive)


def test_damage_is_passed_over(archive: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = [key("f" * 64, target, Recipe()) for target in TARGETS]
    data = bytearray(archive.read_bytes())
    at = data.index(b"RIFF") + 40
    data[at : at + 40] = bytes(40)
    archive.write_bytes(data)
    (archive.parent / "broken.zip").write_bytes(b"no zip file")
    bundle = Bundle(archive.parent)
    assert "broken.zip" in caplog.text
    assert [bundle.get(name) is None for name in names].count(True) == 1
    assert "cannot be read" in caplog.text
    assert len(Bundle(archive.parent / "nothing there")) == 0


def test_what_comes_along_belongs_to_the_networks_that_come_along() -> None:
    """Every archive's keys follow from its network's weights as they are now, its file name, and its recipes."""
    known = entries(Settings())
    files = sorted(READY.glob("*.zip"))
    assert {"efficientnet_lite0", "lite0_adversarial@2800", "lite0_stylised@2800"} <= {path.stem for path in files}
    assert sum(path.stat().st_size for path in files) <= 40 * 2**20
    for path in files:
        assert path.stem.partition("@")[0] in known
        fingerprint = load(path.stem, "cpu", Settings()).fingerprint
        with zipfile.ZipFile(path) as file:
            contents = json.loads(file.read("contents.json"))
            names = set(file.namelist())
        assert (contents["model"], contents["fingerprint"]) == (path.stem, fingerprint)
        targets = [(Target(**_of(entry, Target)), Recipe(**_of(entry, Recipe))) for entry in contents["pictures"]]
        assert names == {"contents.json", *(f"{key(fingerprint, *one)}.webp" for one in targets)}


def _of(entry: dict[str, object], kind: type) -> dict[str, object]:
    fields = {name: value for name, value in entry.items() if name in kind.__dataclass_fields__}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
