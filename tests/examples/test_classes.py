"""Example pictures of classes from folders in both layouts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.errors import InvalidInputError
from perturber.examples import ClassExamples

TENCH, GOLDFISH = "n01440764", "n01443537"


def paint(path: Path, grey: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (60, 40), (grey, grey, grey)).save(path, format="PNG")


def test_both_layouts_and_the_first_by_name(tmp_path: Path) -> None:
    for name, grey in (
        (f"{TENCH}_tench.JPEG", 10), (f"{GOLDFISH}/b.png", 30), (f"{GOLDFISH}/a.BMP", 20), ("n99999999_x.png", 40),
    ):  # fmt: skip
        paint(tmp_path / name, grey)
    (tmp_path / GOLDFISH / "._a.png").write_bytes(b"what another system leaves behind")
    examples = ClassExamples(tmp_path)
    assert examples.paths == {0: tmp_path / f"{TENCH}_tench.JPEG", 1: tmp_path / GOLDFISH / "a.BMP"}
    for index, grey in ((0, 10), (1, 20)):
        picture = examples.picture(index, size=32)
        assert picture is not None
        assert (picture.shape, picture.dtype) == ((32, 32, 3), np.uint8)
        assert (picture == grey).all()
    assert examples.picture(2) is None
    assert examples.picture(-1) is None


def test_a_broken_file_gives_way_to_the_next(tmp_path: Path) -> None:
    (tmp_path / TENCH).mkdir()
    for name in ("a", "b"):
        (tmp_path / TENCH / f"{name}.jpg").write_bytes(b"no picture")
    paint(tmp_path / TENCH / "c.png", 90)
    (tmp_path / f"{GOLDFISH}_x.png").write_bytes(b"no picture")
    examples = ClassExamples(tmp_path)
    picture = examples.picture(0)
    assert picture is not None
    assert picture.shape == (224, 224, 3)
    assert (picture == 90).all()
    assert examples.picture(1) is None


def test_links_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    paint(folder / f"{TENCH}_b.png", 50)
    paint(tmp_path / "outside" / "a.png", 60)
    (folder / f"{TENCH}_a.png").symlink_to(tmp_path / "outside" / "a.png")
    (folder / GOLDFISH).symlink_to(tmp_path / "outside")
    examples = ClassExamples(folder)
    assert examples.paths == {0: folder / f"{TENCH}_b.png"}
    (folder / f"{TENCH}_b.png").unlink()
    (folder / f"{TENCH}_b.png").symlink_to(tmp_path / "outside" / "a.png")  # after the folder was listed
    assert examples.picture(0) is None
    with pytest.raises(InvalidInputError, match=r"^The pictures in .* are links to files outside it"):
        ClassExamples(folder)


def test_a_folder_may_itself_be_a_link(tmp_path: Path) -> None:
    paint(tmp_path / "real" / f"{TENCH}_a.png", 70)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert ClassExamples(tmp_path / "link").picture(0) is not None


def test_a_folder_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match=r"^There is no folder .*no/such"):
        ClassExamples(tmp_path / "no/such")
    paint(tmp_path / "n99999999_x.png", 1)
    with pytest.raises(InvalidInputError, match=r"^The folder .* holds no labelled pictures. Name them <wnid>_"):
        ClassExamples(tmp_path)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(InvalidInputError, match=r"^The folder .* cannot be read: Permission denied\.$"):
        ClassExamples(tmp_path)


def test_every_class_of_the_photographs_has_one(photographs: Path) -> None:
    examples = ClassExamples(photographs)
    assert len(examples.paths) == 1000
    assert examples.paths[0].name == "n01440764_tench.JPEG"
    assert examples.picture(999) is not None
