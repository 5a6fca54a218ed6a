"""``perturber featurevis`` as a user meets it."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.cli import featurevis
from perturber.cli.featurevis import parse_numbers
from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError
from perturber.featurevis import Recipe, Store, Target, key
from perturber.service import InferenceService
from perturber.zoo import load

MODEL, LAYER = "efficientnet_lite0", "blocks.1.0"
TINY = ("--steps", 2, "--size", 32)


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def perturber(perturber: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    return lambda *arguments: perturber("featurevis", "--model", MODEL, *arguments)


@pytest.fixture(scope="module")
def fingerprint() -> str:
    return load(MODEL, "cpu", Settings()).fingerprint


def stored(data: Path) -> set[str]:
    return {path.stem for path in (data / "visualisations").glob("*.png")}


def test_the_store_is_filled_and_what_is_there_is_left_alone(
    perturber, data: Path, tmp_path: Path, fingerprint: str
) -> None:
    out = tmp_path / "out"
    options = ("--layer", LAYER, "--objective", "channel", "--naive", "--variants", 2, *TINY, "--out", out)
    code, printed, err = perturber(*options, "--neurons", "5,0-17")
    assert (code, printed) == (0, "18 neurons: 0 already there, 18 made\n")
    assert "18/18" in err
    recipe = Recipe(naive=True, variants=2, steps=2, size=32)
    keys = [key(fingerprint, Target(kind="channel", layer=LAYER, index=index), recipe) for index in range(20)]
    assert stored(data) == set(keys[:18])
    assert {path.name for path in out.iterdir()} == {f"{LAYER}_{index}.png" for index in range(18)}
    store = Store(data / "visualisations", 1)
    for index in (0, 5, 17):
        strip = np.asarray(Image.open(out / f"{LAYER}_{index}.png"))
        np.testing.assert_array_equal(strip, np.concatenate(list(store.get(keys[index])), axis=1))
        assert strip.shape == (32, 64, 3)
    assert perturber(*options, "--neurons", "16-19")[1] == "4 neurons: 2 already there, 2 made\n"
    assert stored(data) == set(keys)
    assert perturber(*options, "--neurons", "0-19")[1] == "20 neurons: 20 already there, 0 made\n"
    assert {path.name for path in out.iterdir()} == {f"{LAYER}_{index}.png" for index in range(20)}


def test_classes(perturber, data: Path, tmp_path: Path, fingerprint: str) -> None:
    code, printed, _ = perturber("--classes", "7,3", *TINY, "--out", tmp_path)
    assert (code, printed) == (0, "2 classes: 0 already there, 2 made\n")
    recipe = Recipe(steps=2, size=32)
    assert stored(data) == {key(fingerprint, Target(kind="class", index=index), recipe) for index in (3, 7)}
    assert {path.name for path in tmp_path.glob("*.png")} == {"class_3.png", "class_7.png"}


def test_after_an_interrupted_run_only_the_rest_is_made(perturber, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(featurevis.CHUNKS, "cpu", 3)
    wait = InferenceService.wait

    def interrupted(service: InferenceService, job: str, progress: Callable[[int, int], None]) -> None:
        if len(stored(data)) >= 6:
            raise KeyboardInterrupt
        wait(service, job, progress)

    arguments = ("--layer", LAYER, "--neurons", "0-9", *TINY)
    with monkeypatch.context() as patch:
        patch.setattr(InferenceService, "wait", interrupted)
        code, printed, err = perturber(*arguments)
    assert code not in (0, 2)
    assert printed == ""
    assert "6/10" in err
    there = len(stored(data))
    assert 6 <= there <= 9  # the job of the third chunk may have been done when it was interrupted
    assert perturber(*arguments)[1] == f"10 neurons: {there} already there, {10 - there} made\n"
    assert len(stored(data)) == 10


def test_pictures_that_cannot_be_stored_are_reported_at_the_end(
    perturber, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, refused = Store.put, []

    def full(store: Store, name: str, pictures: np.ndarray) -> None:
        if len(refused) < 2:
            refused.append(name)
            raise StorageError("The disk is full.")
        put(store, name, pictures)

    monkeypatch.setattr(Store, "put", full)
    code, printed, err = perturber("--layer", LAYER, "--neurons", "0-4", *TINY, "--out", tmp_path / "out")
    assert (code, printed) == (2, "5 neurons: 0 already there, 5 made\n")
    assert "perturber: 2 of them could not be stored. The disk is full." in err
    assert len(stored(data)) == 3
    assert len(list((tmp_path / "out").iterdir())) == 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--model", "alexnet", "--layer", LAYER), "Unknown model 'alexnet'"),
        (("--layer", "mixed4d"), f"Unknown layer of {MODEL} 'mixed4d'"),
        (("--layer", LAYER, "--neurons", "20-999999999"), "no channel '999999999'. Allowed: whole numbers, 0 to 23."),
        (
            ("--layer", LAYER, "--neurons", "one"),
            "'one' is not a list of numbers. Write them like 0-63 or 0,5,12-15, or all.",
        ),
        (("--classes", "999-1000"), "no class '1000'. Allowed: whole numbers, 0 to 999."),
        (("--classes", "-3"), "'-3' is not a list of numbers"),
        (("--layer", LAYER, "--classes", "0"), "Give either --layer"),
        ((), "Give either --layer"),
        (("--layer", LAYER, "--steps", 0), "steps cannot be '0'"),
        (("--layer", LAYER, "--variants", 7), "variants cannot be '7'. Allowed: whole numbers from 1 to 6."),
        (("--layer", LAYER, "--device", "abacus"), "Unknown device 'abacus'"),
        (("--layer", LAYER, "--neurons", "0", *TINY, "--out", __file__), "Cannot write"),
    ],
)
def test_invalid_input_is_one_sentence_and_exit_code_2(perturber, arguments: tuple[object, ...], sentence: str) -> None:
    code, out, err = perturber(*arguments)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err


def test_by_default_the_recipe_is_that_of_pages() -> None:
    recipe = Recipe()
    defaults = inspect.signature(featurevis.featurevis).parameters
    assert {name: defaults[name].default for name in vars(recipe) if name != "seed"} == {
        name: value for name, value in vars(recipe).items() if name != "seed"
    }


def at_most_63(ends: Sequence[int]) -> None:
    if max(ends) > 63:
        raise InvalidInputError("too large")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("all", range(64)),
        ("0-63", range(64)),
        ("7", [7]),
        ("0,5,12-15", [0, 5, 12, 13, 14, 15]),
        (" 3 , 1 - 2,2", [3, 1, 2]),
        ("5-5", [5]),
        ("63", [63]),
    ],
)
def test_numbers(text: str, numbers: Sequence[int]) -> None:
    assert parse_numbers(text, 64, at_most_63) == list(numbers)


@pytest.mark.parametrize(
    "text",
    ["", ",", "1,", "1,,2", "-1", "1-", "5-3", "1-2-3", "1.5", "x", "0x1", "½", "²", "٣", "1 2", "all,1", "64", "0-64"],
)
def test_invalid_numbers_are_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_numbers(text, 64, at_most_63)
