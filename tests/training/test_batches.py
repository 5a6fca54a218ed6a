from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from training_files import CLASSES, COLOURS, content, write_tar

from perturber.errors import InvalidInputError
from perturber.training import Batch, Batches, Recipe, read_pool
from perturber.training.augmentation import augmentation
from perturber.training.batches import turns_of
from perturber.zoo.classes import ClassName

NAMES = tuple(ClassName(i, "", name) for i, name in enumerate(CLASSES))


def _equal(a: Batch, b: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True))


def test_a_batch_is_the_same_whenever_it_is_asked_for(folder: Path, recipe: Callable[..., Recipe]) -> None:
    pool = read_pool([str(folder)], NAMES)
    through = Batches(pool, recipe(scenes=0.34))
    first = [through.batch(step) for step in range(4)]
    later = Batches(pool, recipe(scenes=0.34, steps=9))
    assert _equal(later.batch(3), first[3])
    assert not _equal(first[0], first[1])
    assert not torch.equal(Batches(pool, recipe(seed=1)).batch(0).pictures, Batches(pool, recipe()).batch(0).pictures)
    batch = first[0]
    assert batch.pictures.shape == (6, 3, 24, 24)
    assert batch.pictures.min() >= 0
    assert batch.pictures.max() <= 1
    assert batch.labels[:2].tolist() == [-1, -1]  # scenes
    assert (batch.labels[2:] >= 0).all()
    for picture, label in zip(batch.pictures[2:], batch.labels[2:].tolist(), strict=True):
        if label < 3:
            assert picture.mean((1, 2)).argmax() == label


def test_pictures_take_turns_by_weight(tmp_path: Path, folder: Path, recipe: Callable[..., Recipe]) -> None:
    tar = write_tar(tmp_path / "a.tar", {f"red/{i}.png": content(i, COLOURS[0]) for i in range(5)})
    groups = read_pool([f"{folder}=3", str(tar)], NAMES).plain
    turns = turns_of(groups, 400, 4, (0,)).reshape(-1, 2)
    assert 0.7 < (turns[:, 0] == 0).mean() < 0.8
    of_tar = turns[turns[:, 0] == 1][:, 1]
    for start in range(0, len(of_tar) - 5, 5):
        assert sorted(of_tar[start : start + 5]) == list(range(5))
    times = Counter(turns[turns[:, 0] == 0][:, 1].tolist())
    assert max(times.values()) - min(times.values()) <= 1


def test_an_unreadable_picture_is_replaced_and_named(
    folder: Path, recipe: Callable[..., Recipe], caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("red/red0.png", "red/red1.png"):
        (folder / name).write_bytes(b"no picture")
    (folder / "blue/blue3.png").write_bytes((folder / "blue/blue3.png").read_bytes()[:300])
    pool = read_pool([str(folder)], NAMES)
    runs = [Batches(pool, recipe()) for _ in range(2)]
    for step in range(8):  # twice all pictures
        a, b = (batches.batch(step) for batches in runs)
        assert _equal(a, b)
    names = {"pictures/red/red0.png", "pictures/red/red1.png", "pictures/blue/blue3.png"}
    assert set(runs[0].skipped) == names
    assert all(name in caplog.text for name in names)
    for path in folder.glob("*/*.png"):
        path.write_bytes(b"")
    with pytest.raises(InvalidInputError, match=r"None of the pictures in .* can be read"):
        Batches(pool, recipe()).batch(0)


def test_a_redrawn_picture_and_its_original_are_cropped_alike(
    tmp_path: Path, folder: Path, pictures: dict[str, bytes], recipe: Callable[..., Recipe]
) -> None:
    # What was redrawn is the same but for its name, so that the crops can be compared.
    drawn = {f"drawn/{name.rpartition('/')[2]}": data for name, data in pictures.items()} | {
        "red/new.png": content(9, COLOURS[0])
    }
    stylised = write_tar(tmp_path / "s.tar", drawn)
    pool = read_pool([str(folder)], NAMES, stylised=[str(stylised)])
    batches = Batches(pool, recipe(kind="stylised", stylised_share=0.5, batch=8))
    lonely = 0
    for step in range(8):
        batch = batches.batch(step)
        assert torch.equal(batch.pictures, batch.plain)
        assert (batch.labels >= 0).all()  # the original says it
        assert batch.has_plain[4:].all()
        lonely += int((~batch.has_plain).sum())
    assert lonely == 1
    with pytest.raises(InvalidInputError, match="--stylised"):
        Batches(read_pool([str(folder)], NAMES), recipe(kind="stylised"))
    with pytest.raises(InvalidInputError, match="--data"):
        Batches(read_pool([], NAMES), recipe())


def test_augmentation_of_strength_zero_is_the_centre() -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8))
    found = [augmentation(np.random.default_rng(seed), 32, 0)(picture) for seed in range(2)]
    assert torch.equal(*found)
    strong = [augmentation(np.random.default_rng(seed), 32, 1) for seed in (0, 0, 1)]
    first, again, other = (change(picture) for change in strong)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.shape == (3, 32, 32)
    tiny = Image.new("RGB", (3, 1))
    assert strong[0](tiny).shape == (3, 32, 32)
