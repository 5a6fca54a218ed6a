"""Class names, picture files and accuracy over real photographs."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.evaluate import labelled_pictures
from perturber.zoo.pictures import crop, read_picture


def test_class_names_tell_classes_apart() -> None:
    assert len({c.name for c in IMAGENET_1K}) == len({c.wnid for c in IMAGENET_1K}) == 1000
    assert [IMAGENET_1K[i].name for i in (207, 281, 555, 751)] == ["golden retriever", "tabby", "fire engine", "racer"]


def test_class_order_is_the_usual_one(photographs: Path) -> None:
    with (photographs / "classes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["index"]), row["wnid"]) for row in rows] == [(c.index, c.wnid) for c in IMAGENET_1K]


def test_accuracy_on_a_fixed_subset(photographs: Path, lite0: zoo.Network) -> None:
    """All 1000 give 84.8 / 97.1 %, as the weights' own code does; the benchmark measures them."""
    seen: list[tuple[int, int]] = []
    result = zoo.evaluate(lite0, photographs, limit=100, progress=lambda done, total: seen.append((done, total)))
    assert result.count == 100
    assert result.top1 >= 0.80
    assert result.top5 >= 0.94
    assert seen[-1] == (100, 100)


def test_labels_come_from_names_or_folders(tmp_path: Path) -> None:
    for name in ("n01440764_tench.JPEG", "n01443537/a.png", "other/b.png", "readme.txt", "n99999999_x.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name, format="PNG")
    found = [(path.name, label) for path, label in labelled_pictures(tmp_path, "imagenet1k")]
    assert found == [("n01440764_tench.JPEG", 0), ("a.png", 1)]


def test_unreadable_pictures_are_named_and_not_counted(tmp_path: Path, lite0: zoo.Network) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "n01440764_good.png")
    (tmp_path / "n01440764_bad.png").write_bytes(b"no picture")
    result = zoo.evaluate(lite0, tmp_path)
    assert (result.count, result.unreadable) == (1, ("n01440764_bad.png",))


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no labelled pictures"):
        labelled_pictures(tmp_path, "imagenet1k")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1"])
def test_every_colour_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / ("x.tiff" if mode in ("CMYK", "I;16") else "x.png")
    Image.new(mode, (30, 20)).save(path)
    assert crop(read_picture(path), 16).shape == (16, 16, 3)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(InvalidInputError, match="cannot be read as a picture"):
        read_picture(tmp_path / "x.jpg")
    good = np.zeros((64, 64, 3), np.uint8)
    Image.fromarray(good).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    with pytest.raises(InvalidInputError, match="cannot be read as a picture"):
        read_picture(tmp_path / "half.png")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    for side in (7000, 20000):
        Image.new("1", (side, side)).save(tmp_path / "bomb.png")
        with pytest.raises(InvalidInputError, match="more than 40 million pixels"):
            read_picture(tmp_path / "bomb.png")


def test_crop_takes_the_centre() -> None:
    picture = np.zeros((256, 400, 3), np.uint8)
    picture[16:240, 88:312] = np.random.default_rng(0).integers(0, 255, (224, 224, 3))
    np.testing.assert_array_equal(crop(Image.fromarray(picture), 224), picture[16:240, 88:312])
    assert crop(Image.new("RGB", (5, 900)), 224).shape == (224, 224, 3)
