from pathlib import Path

import pytest
from training_files import CLASSES, COLOURS, content, write_tar

from perturber.errors import InvalidInputError
from perturber.training import read_pool, read_stems
from perturber.training.pool import Item
from perturber.zoo.classes import ClassName

NAMES = tuple(ClassName(i, "", name) for i, name in enumerate(CLASSES))


def _by_name(items: tuple[Item, ...]) -> dict[str, Item]:
    return {item.name: item for item in items}


def test_labels_come_from_folders_and_names(tmp_path: Path) -> None:
    picture = content(0, COLOURS[0])
    tar = write_tar(tmp_path / "a.tar", {"red/1.png": picture, "photos/blue_2.png": picture, "other/3.png": picture})
    (group,) = read_pool([f"{tar}=2.5"], NAMES).plain
    assert {item.name: item.label for item in group.items} == {
        "red/1.png": 0,
        "photos/blue_2.png": 2,
        "other/3.png": None,
    }
    assert group.weight == 2.5
    assert group.path == tar


def test_redrawn_pictures_find_their_originals(tmp_path: Path, folder: Path) -> None:
    picture = content(0, COLOURS[0])
    plain = write_tar(tmp_path / "photos.tar", {"a_1.png": picture, "x/same.png": picture, "y/same.png": picture})
    stylised = write_tar(
        tmp_path / "stylised.tar.gz",
        {
            "red/red1.jpg": picture,  # same folder and stem
            "drawn/a_1.png": picture,  # same stem
            "y/same.webp": picture,  # the stem alone would not tell
            "z/same.png": picture,  # which one? and no label
            "green/unknown.png": picture,  # no original, but a label
        },
    )
    pool = read_pool([str(folder), str(plain)], NAMES, stylised=[str(stylised)])
    (group,) = pool.stylised
    found = _by_name(group.items)
    originals = {name: item.original and item.original.name for name, item in found.items()}
    assert originals == {
        "red/red1.jpg": "red/red1.png",
        "drawn/a_1.png": "a_1.png",
        "y/same.webp": "y/same.png",
        "green/unknown.png": None,
    }
    assert group.left_out == 1
    assert found["green/unknown.png"].label == 1
    assert pool.count == 24 + 3 + 4
    with pytest.raises(InvalidInputError, match="nothing can be learnt"):
        read_pool([str(plain)], NAMES, stylised=[str(write_tar(tmp_path / "b.tar", {"z/q.png": picture}))])


def test_held_out_pictures_are_in_no_version(tmp_path: Path, folder: Path) -> None:
    stylised = write_tar(tmp_path / "s.tar", {f"d/{name}1.jpg": content(1, COLOURS[0]) for name in CLASSES})
    (tmp_path / "held_out.txt").write_text("# some\nred/red1.png\n\ngreen2.JPEG\nblue1\n")
    held_out = read_stems(tmp_path / "held_out.txt")
    assert held_out == {"red1", "green2", "blue1"}
    pool = read_pool([str(folder)], NAMES, stylised=[str(stylised)], held_out=held_out)
    assert pool.plain[0].left_out == 3
    assert pool.stylised[0].left_out == 2
    assert not {"red/red1.png", "green/green2.png", "blue/blue1.png"} & _by_name(pool.plain[0].items).keys()
    assert set(_by_name(pool.stylised[0].items)) == {"d/green1.jpg", "d/grey1.jpg"}
    assert pool.digest != read_pool([str(folder)], NAMES, stylised=[str(stylised)]).digest


def test_a_listing_has_one_digest_wherever_it_lies(tmp_path: Path, folder: Path, pictures: dict[str, bytes]) -> None:
    tar = write_tar(tmp_path / "pictures.tar", pictures)
    assert read_pool([str(folder)], NAMES).digest == read_pool([str(tar)], NAMES).digest


def test_invalid_pools_are_one_sentence(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"weight of .* cannot be '-1'"):
        read_pool([f"{folder}=-1"], NAMES)
    with pytest.raises(InvalidInputError, match="There is no folder"):
        read_pool([str(tmp_path / "nowhere")], NAMES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="There are no pictures to train on"):
        read_pool([str(tmp_path / "empty")], NAMES)
    (tmp_path / "list.txt").write_text("\n")
    with pytest.raises(InvalidInputError, match="is empty"):
        read_stems(tmp_path / "list.txt")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_stems(tmp_path / "no.txt")
