"""Class names, picture files and accuracy over real photographs."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.transforms import v2 as torchvision

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.evaluate import labelled_pictures
from perturber.zoo.pictures import Crop, read_picture


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
    assert Crop(size=16)(read_picture(path)).shape == (16, 16, 3)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.jpg").write_bytes(b"\xff\xd8\xff broken")
    with pytest.raises(InvalidInputError, match="cannot be read as a picture"):
        read_picture(tmp_path / "x.jpg")
    good = np.zeros((64, 64, 3), np.uint8)
    Image.fromarray(good).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    with pytest.raises(InvalidInputError, match=r"half\.png' is cut off"):
        read_picture(tmp_path / "half.png")
    (tmp_path / "half.png").write_bytes(b"")
    with pytest.raises(InvalidInputError, match=r"half\.png' is empty"):
        read_picture(tmp_path / "half.png")


def test_more_than_8_bits_are_scaled_by_what_they_hold(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    expected = (ramp * 255).round()
    cases = {
        "float in [0, 1]": (ramp, None),
        "float in [0, 255]": (ramp * 255, None),
        "signed": (((ramp - 0.5) * 65536).astype(np.int32), "-32768 to 32768, are scaled to 0 to 255"),
        "12 bits": ((ramp * 4095).round().astype(np.uint16), "taken for 12 bits"),
        "16 bits": ((ramp * 65535).round().astype(np.uint16), "taken for 16 bits"),
        "8 bits": ((ramp * 255).round().astype(np.uint16), None),
    }
    for name, (values, said) in cases.items():
        Image.fromarray(values).save(tmp_path / "x.tif")
        notes: list[str] = []
        found = np.asarray(read_picture(tmp_path / "x.tif", notes=notes)).astype(int)
        assert np.abs(found - expected[..., None]).max() <= 1, name
        assert [said is not None and said in note for note in notes] == [True] * (said is not None), name
    Image.fromarray(np.full((8, 8), np.nan, np.float32)).save(tmp_path / "x.tif")
    with pytest.raises(InvalidInputError, match="not finite"):
        read_picture(tmp_path / "x.tif")


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    picture = np.full((8, 8, 4), 255, np.uint8)
    for alpha, said in ((255, []), (7, ["Its transparency is left out."])):
        picture[0, 0] = 9, 80, 200, alpha
        Image.fromarray(picture).save(tmp_path / "x.png")
        notes: list[str] = []
        assert np.asarray(read_picture(tmp_path / "x.png", notes=notes))[0, 0].tolist() == [9, 80, 200]
        assert notes == said
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    notes = []
    read_picture(tmp_path / "x.gif", notes=notes)
    assert notes == ["Of its 2 frames the first one is taken."]


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_pictures_of_cameras(kind: str, tmp_path: Path) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    Image.new("RGB", (40, 30), (200, 30, 90)).save(tmp_path / "x", format=kind)
    found = np.asarray(read_picture(tmp_path / "x"))
    assert found.shape == (30, 40, 3)
    assert np.abs(found[15, 20].astype(int) - (200, 30, 90)).max() < 12
    half = (tmp_path / "x").read_bytes()
    (tmp_path / "x").write_bytes(half[: len(half) // 2])
    with pytest.raises(InvalidInputError):
        read_picture(tmp_path / "x")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    for side in (7000, 20000):
        Image.new("1", (side, side)).save(tmp_path / "bomb.png")
        with pytest.raises(InvalidInputError, match="more than 40 million pixels"):
            read_picture(tmp_path / "bomb.png")


def test_crop_takes_the_centre() -> None:
    picture = np.zeros((256, 400, 3), np.uint8)
    picture[16:240, 88:312] = np.random.default_rng(0).integers(0, 255, (224, 224, 3))
    np.testing.assert_array_equal(Crop(size=224)(Image.fromarray(picture)), picture[16:240, 88:312])
    for size in ((5, 900), (40_000, 2), (1, 1_000_000)):
        assert Crop(size=224)(Image.new("RGB", size)).shape == (224, 224, 3)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crop_is_torchvisions_to_the_pixel(interpolation: str) -> None:
    random = np.random.default_rng(0)
    for width, height in ((300, 300), (256, 385), (501, 256), (97, 130), (640, 200)):
        picture = Image.fromarray(random.integers(0, 255, (height, width, 3), np.uint8))
        for size, resize in ((224, 256), (224, 232), (299, 342)):
            resized = torchvision.Resize(resize, torchvision.InterpolationMode(interpolation))(picture)
            expected = np.asarray(torchvision.CenterCrop(size)(resized))
            found = Crop(size=size, resize=resize, interpolation=interpolation)(picture)
            np.testing.assert_array_equal(found, expected)


def test_a_picture_of_the_inputs_size_goes_in_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (224, 224, 3), np.uint8)
    picture, crop = Image.fromarray(pixels), Crop(size=224, resize=256)
    assert crop.fits(picture.size)
    np.testing.assert_array_equal(crop(picture), pixels)
    always = replace(crop, always=True)
    assert not always.fits(picture.size)
    assert not np.array_equal(always(picture), pixels)
    np.testing.assert_array_equal(replace(always, resize=224)(picture), pixels)
    small = replace(always, resize=224, side=112)
    assert small(picture).shape == (224, 224, 3)
    assert small.rule == (
        "Shorter side brought to 224 pixels (bicubic), the middle 112 × 112 taken, and brought to 224 × 224."
    )
    with pytest.raises(InvalidInputError, match="No square of 300 pixels"):
        replace(always, resize=256, side=300)
