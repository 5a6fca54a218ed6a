"""What pages fetch as files, and whatever else anybody asks of the same addresses."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber.examples import TOP, ExampleIndex, Tops, index_path
from perturber.featurevis import Recipe, Target
from perturber.service import InferenceService
from perturber.ui.files import sheet
from perturber.zoo.classes import CLASS_LISTS

LITE0 = "efficientnet_lite0"
STEM = "conv_stem"  # the cheapest layer to visualise
CLASSES = [c.wnid for c in CLASS_LISTS["imagenet1k"]]


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def configured(service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets other settings for the time of a test."""
    return lambda **changes: monkeypatch.setattr(service, "settings", replace(service.settings, **changes))


def sentence(response: Any, status: int = 400) -> str:
    """The sentence of a refusal."""
    assert response.status_code == status, response.text
    text = response.get_json()["error"]
    assert "Traceback" not in text
    return text


def picture(response: Any) -> np.ndarray:
    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(response.data)) as opened:
        return np.asarray(opened.convert("RGB"))


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (260, 240), colour).save(path)


# ---- feature visualisations ------------------------------------------------------------------------------------------


def visualised(service: InferenceService, channel: int, **recipe: Any) -> str:
    """The key of a feature visualisation, once it is made."""
    targets = [Target(kind="neuron", layer=STEM, index=channel)]
    (found,) = service.visualise(LITE0, targets, Recipe(**recipe))
    if found.job:
        service.wait(found.job)
    return found.key


def test_a_visualisation_is_fetched(client: FlaskClient, service: InferenceService) -> None:
    response = client.get(f"/neurons/visualisation/{visualised(service, 1)}.png?v=done")
    made = picture(response)
    assert made.shape == (128, 128, 3)
    assert made.std() > 5
    assert response.headers["Cache-Control"].endswith("max-age=0")  # a picture that grows has one address


def test_a_part_of_a_visualisation(client: FlaskClient, service: InferenceService) -> None:
    address = f"/neurons/visualisation/{visualised(service, 1)}.png"
    whole = picture(client.get(address))
    np.testing.assert_array_equal(picture(client.get(f"{address}?part=10,20,40,60")), whole[10:40, 20:60])
    for part in ("", "1,2,3", "0,0,129,128", "5,0,5,9", "-1,0,4,4", "1;2;3;4", "0,0,9999999,4"):
        assert "has no part" in sentence(client.get(f"{address}?part={part}"))


def test_variants_come_on_one_sheet(client: FlaskClient, service: InferenceService) -> None:
    key = visualised(service, 2, variants=3)
    made = picture(client.get(f"/neurons/visualisation/{key}.png"))
    variants = service.visualisations.pictures(key)
    assert variants is not None
    assert len(variants) == 3
    assert made.shape == (128 * 2 + 4, 128 * 2 + 4, 3)
    corners = (made[:128, :128], made[:128, 132:], made[132:, :128])
    for corner, variant in zip(corners, variants, strict=True):
        np.testing.assert_array_equal(corner, variant)
    assert (made[132:, 132:] == 255).all()
    assert (made[:, 128:132] == 255).all()


@pytest.mark.parametrize(("count", "columns", "shape"), [(1, 3, (6, 6)), (4, 3, (16, 26)), (9, 3, (26, 26))])
def test_sheets(count: int, columns: int, shape: tuple[int, int]) -> None:
    pictures = [np.full((6, 6, 3), n, np.uint8) for n in range(count)]
    made = sheet(pictures, columns=columns)
    assert made.shape == (*shape, 3)
    assert (made == 255).sum() == made.size - count * 6 * 6 * 3


def test_invalid_keys(client: FlaskClient) -> None:
    sentence(client.get(f"/neurons/visualisation/{'0' * 64}.png"), 404)
    for key in ("x", "0" * 63, "..", "%2e%2e", "A" * 64, "0" * 63 + "%0a"):
        assert "Not a key" in sentence(client.get(f"/neurons/visualisation/{key}.png"))


# ---- example pictures ------------------------------------------------------------------------------------------------


def test_class_examples_of_both_layouts(client: FlaskClient, configured: Any, tmp_path: Path) -> None:
    paint(tmp_path / f"{CLASSES[3]}_shark.JPEG", (200, 20, 20))
    paint(tmp_path / CLASSES[7] / "any.png", (20, 20, 200))
    configured(examples=tmp_path)
    red, blue = (picture(client.get(f"/classes/{LITE0}/{n}.jpg")) for n in (3, 7))
    assert red.shape == blue.shape == (224, 224, 3)
    assert np.abs(red.mean((0, 1)) - (200, 20, 20)).max() < 4
    assert np.abs(blue.mean((0, 1)) - (20, 20, 200)).max() < 4
    assert "no example" in sentence(client.get(f"/classes/{LITE0}/4.jpg"), 404)


def test_no_folder_of_examples(client: FlaskClient) -> None:
    assert "no example" in sentence(client.get(f"/classes/{LITE0}/3.jpg"), 404)


def test_a_folder_that_cannot_be_used_is_named_until_it_can(
    client: FlaskClient, configured: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "later"
    configured(examples=folder)
    assert "There is no folder" in sentence(client.get(f"/classes/{LITE0}/3.jpg"))
    folder.mkdir()
    assert "no labelled pictures" in sentence(client.get(f"/classes/{LITE0}/3.jpg"))
    paint(folder / f"{CLASSES[3]}_shark.JPEG", (200, 20, 20))  # the server runs on
    assert client.get(f"/classes/{LITE0}/3.jpg").status_code == 200


def make_index(service: InferenceService, folder: Path) -> Path:
    """An index of one layer: channel 0 has nine pictures, one of which is gone, channel 1 has two."""
    info = service.model(LITE0)
    for n in range(3):
        paint(folder / f"{n}.png", (60 * n + 40, 0, 0))
    channels = info.layers[STEM].channels
    numbers = np.full((channels, TOP), -1, np.int32)
    numbers[0] = [0, 1, 2, 3, 0, 1, 2, 0, 1]
    numbers[1, :2] = [2, 0]
    tops = Tops(
        np.zeros((channels, TOP), np.float32), numbers, *(np.full((channels, TOP), 50, np.int16) for _ in range(2))
    )
    index = ExampleIndex(
        model=LITE0, fingerprint=info.fingerprint, folder=folder.resolve(), unreadable=0, input_size=224, resize=256,
        interpolation="bicubic",
        pictures=("0.png", "1.png", "2.png", "gone.png"), layers={STEM: tops},
    )  # fmt: skip
    path = index_path(service.settings.data, info.fingerprint)
    index.save(path)
    return path


def test_dataset_examples(client: FlaskClient, service: InferenceService, configured: Any, tmp_path: Path) -> None:
    configured(data=tmp_path / "data")
    address = f"/neurons/examples/{LITE0}/{STEM}/{{}}.png?v={{}}"
    command = f"perturber examples index FOLDER --model {LITE0}"
    assert command in sentence(client.get(address.format(0, 0)), 404)

    path = make_index(service, tmp_path / "pictures")
    sheet = picture(client.get(address.format(0, 1)))
    assert sheet.shape == (3 * 96 + 8, 3 * 96 + 8, 3)
    middles = sheet[48::100, 48::100].reshape(9, 3).astype(int)
    assert middles[:3, 0].tolist() == [40, 100, 160]
    assert middles[3].tolist() == [233] * 3  # its file is gone
    assert middles[4:, 0].tolist() == [40, 100, 160, 40, 100]
    few = picture(client.get(address.format(1, 1)))[48::100, 48::100].reshape(9, 3).astype(int)
    assert few[:2, 0].tolist() == [160, 40]
    assert (few[2:] == 233).all()
    missing = client.get(f"/neurons/examples/{LITE0}/blocks.0.0/0.png")  # was not indexed
    assert "blocks.0.0" in sentence(missing)

    path.write_bytes(b"PK broken")
    assert "cannot be read. Index the folder again" in sentence(client.get(address.format(0, 2)))


# ---- what there is not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"/neurons/examples/{LITE0}/nowhere/0.png",
        f"/neurons/examples/nobody/{STEM}/0.png",
        f"/neurons/examples/{LITE0}/{STEM}/32.png",
        f"/neurons/examples/{LITE0}/{STEM}/{'9' * 50}.png",
        f"/classes/{LITE0}/1000.jpg",
        f"/classes/{LITE0}/{'9' * 50}.jpg",
        "/classes/nobody/0.jpg",
        "/classes/../0.jpg",
        "/scene/object/nothing",
        "/scene/object/..%2f..",
        "/scene/backdrop/nothing",
        "/scene/plane?neuron=nobody:0",
    ],
)
def test_addresses_of_what_there_is_not(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    if not response.text.startswith("<!DOCTYPE html>"):  # an address that no route knows is Dash's
        assert sentence(response)


def test_no_route_answers_questions(client: FlaskClient) -> None:
    """Those are callbacks; routes only hand out files, and to who follows a live session what its presenter got.

    That one is posted, because a tab's token does not belong in an address.
    """
    rules = [str(rule) for rule in client.application.url_map.iter_rules() if {"POST", "PUT"} & (rule.methods or set())]
    assert [rule for rule in rules if not rule.startswith(("/_dash", "/<path:path>"))] == ["/live"]
