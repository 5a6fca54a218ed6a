"""What cards and prediction views fetch, and whatever else anybody sends to the same addresses."""

import io
import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber.config import Settings
from perturber.examples import TOP, ExampleIndex, Tops, index_path
from perturber.scene import Scene
from perturber.service import InferenceService, RankRequest
from perturber.zoo.classes import CLASS_LISTS

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
STEM = "conv_stem"  # the cheapest layer to visualise
CLASSES = [c.wnid for c in CLASS_LISTS["imagenet1k"]]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def configured(service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets other settings for the time of a test."""
    return lambda **changes: monkeypatch.setattr(service, "settings", replace(service.settings, **changes))


def sentence(response: Any, status: int = 400) -> str:
    """The sentence of a refusal."""
    assert response.status_code == status, response.text
    text = response.get_json()["error"]
    assert text.endswith((".", "?"))
    assert "Traceback" not in text
    return text


def picture(response: Any) -> np.ndarray:
    assert response.status_code == 200, response.text
    with Image.open(io.BytesIO(response.data)) as opened:
        return np.asarray(opened.convert("RGB"))


def item(**changes: Any) -> dict[str, Any]:
    return {"model": LITE0, "layer": STEM, "numbers": [1], **changes}


def ask(client: FlaskClient, *items: dict[str, Any], again: bool = False, **view: Any) -> list[list[dict[str, Any]]]:
    response = client.post("/neurons/visualisations", json={"items": items, "view": view, "again": again})
    assert response.status_code == 200, response.text
    return response.get_json()


def until_over(client: FlaskClient, *items: dict[str, Any], **view: Any) -> list[list[dict[str, Any]]]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        answers = ask(client, *items, **view)
        if all(v["state"] in ("done", "failed", "cancelled") for states in answers for v in states):
            return answers
        time.sleep(0.1)
    raise AssertionError(answers)


# ---- feature visualisations ------------------------------------------------------------------------------------------


def test_visualisations_are_asked_for_followed_and_fetched(client: FlaskClient) -> None:
    ((first,),) = ask(client, item())
    assert first["state"] in ("waiting", "running")
    assert first["job"] in [job["id"] for job in client.get("/jobs").get_json()]
    answers = until_over(client, item(), item(numbers=[]))
    ((found,), nothing) = answers
    assert (found["state"], found["key"], found["error"]) == ("done", first["key"], None)
    assert nothing == []
    made = picture(client.get(f"/neurons/visualisation/{found['key']}.png"))
    assert made.shape == (128, 128, 3)
    assert made.std() > 5
    jobs = {job["id"]: job for job in client.get("/jobs").get_json()}
    assert jobs[first["job"]]["state"] == "done"
    assert LITE0 in jobs[first["job"]]["title"]


def test_variants_come_on_one_sheet(client: FlaskClient, service: InferenceService) -> None:
    (((found,),)) = until_over(client, item(numbers=[2]), variants=3)
    assert found["state"] == "done"
    made = picture(client.get(f"/neurons/visualisation/{found['key']}.png"))
    variants = service.visualisations.pictures(found["key"])
    assert variants is not None
    assert len(variants) == 3
    assert made.shape == (128 * 2 + 4, 128 * 2 + 4, 3)
    corners = (made[:128, :128], made[:128, 132:], made[132:, :128])
    for corner, variant in zip(corners, variants, strict=True):
        np.testing.assert_array_equal(corner, variant)
    assert (made[132:, 132:] == 255).all()
    assert (made[:, 128:132] == 255).all()


def test_every_option_is_another_picture(client: FlaskClient) -> None:
    options: list[dict[str, Any]] = [{}, {"naive": True}, {"objective": "channel"}, {"variants": 2}]
    found = [ask(client, item(numbers=[3]), **view)[0][0] for view in options]
    assert len({v["key"] for v in found}) == 4
    for one in found:
        client.post(f"/jobs/{one['job']}/cancel", json={})


def test_cancelled_ones_are_made_again_on_demand_only(client: FlaskClient) -> None:
    asked = item(layer="blocks.6.0", numbers=[5, 6])
    (states,) = ask(client, asked)
    jobs = {state["job"] for state in states}
    assert len(jobs) == 1
    status = client.post(f"/jobs/{jobs.pop()}/cancel", json={}).get_json()
    assert status["state"] == "cancelled"
    assert [state["state"] for state in ask(client, asked)[0]] == ["cancelled"] * 2
    assert client.get(f"/neurons/visualisation/{states[0]['key']}.png").status_code == 404
    (again,) = ask(client, asked, again=True)
    assert {state["state"] for state in again} <= {"waiting", "running"}
    assert [state["key"] for state in again] == [state["key"] for state in states]
    client.post(f"/jobs/{again[0]['job']}/cancel", json={})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ("text", "JSON object"),
        ({}, "up to 16 items"),
        ({"items": {}}, "up to 16 items"),
        ({"items": [item()] * 17}, "up to 16 items"),
        ({"items": [[]]}, "up to 16 items"),
        ({"items": [{}]}, "up to 8 numbers"),
        ({"items": [item(numbers=list(range(9)))]}, "up to 8 numbers"),
        ({"items": [item(numbers=[0] * 100_000)]}, "up to 8 numbers"),
        ({"items": [item(numbers="0")]}, "up to 8 numbers"),
        ({"items": [item(numbers=[32])]}, "0 to 31"),
        ({"items": [item(numbers=[-1])]}, "0 to 31"),
        ({"items": [item(numbers=[1.0])]}, "0 to 31"),
        ({"items": [item(numbers=[True])]}, "0 to 31"),
        ({"items": [item(numbers=[None])]}, "0 to 31"),
        ({"items": [item(numbers=[float("nan")])]}, "0 to 31"),
        ({"items": [item(numbers=[{}])]}, "0 to 31"),
        ({"items": [item(model="resnet9000")]}, LITE1),
        ({"items": [item(model="../../models")]}, LITE1),
        ({"items": [item(model=None)]}, LITE1),
        ({"items": [item(layer="../conv_stem")]}, STEM),
        ({"items": [item(layer="")]}, STEM),
        ({"items": [item(layer=[STEM])]}, STEM),
        ({"items": [item(layer=None, numbers=[1000])]}, "0 to 999"),
        ({"items": [item(layer=None, numbers=["dog"])]}, "0 to 999"),
        ({"items": [item()], "view": []}, "view of a request"),
        ({"items": [item()], "view": None}, "view of a request"),
        ({"items": [item()], "view": {"variants": 7}}, "1 to 6"),
        ({"items": [item()], "view": {"variants": float("nan")}}, "whole numbers"),
        ({"items": [item()], "view": {"objective": "class"}}, "neuron, channel"),
        ({"items": [item()], "view": {"objective": ["neuron"]}}, "neuron, channel"),
        ({"items": [item()], "view": {"naive": 1}}, "true, false"),
        ({"items": [item()], "view": {"divisor": 10**400}}, "-3 to 3"),
        ({"items": [item()], "view": {"divisor": float("nan")}}, "-3 to 3"),
        ({"items": [item()], "view": {"size": 4096}}, "display option"),
    ],
)
def test_bad_requests_for_visualisations_get_a_sentence(client: FlaskClient, body: Any, said: str) -> None:
    assert said in sentence(client.post("/neurons/visualisations", json=body))


def test_keys_that_are_none(client: FlaskClient) -> None:
    sentence(client.get(f"/neurons/visualisation/{'0' * 64}.png"), 404)
    for key in ("x", "0" * 63, "..", "%2e%2e", "A" * 64, "0" * 63 + "%0a"):
        assert "Not a key" in sentence(client.get(f"/neurons/visualisation/{key}.png"))


# ---- nonsense --------------------------------------------------------------------------------------------------------

NONSENSE: list[Any] = [
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**400, "", "0", "../../etc/passwd", "a/b", "\ud800", "\x00",
    "x" * 5000, [], [[]], [None], list(range(3000)), {}, {"a": {}}, {"": 0}, STEM, LITE0,
]  # fmt: skip
POSTS = {
    "/neurons/visualisations": {"items": [item(numbers=[])], "view": {}, "again": False},
    "/neurons/rank": {
        "scene": {}, "slots": [item(channels=[1])], "slot": 0, "by": "active", "class": None, "reference": None,
        "view": {},
    },
    f"/neurons/groups/{LITE0}/{STEM}": {"name": "A", "channels": []},
    "/jobs/none/cancel": {},
}  # fmt: skip


def spoiled(value: Any, chance: random.Random) -> Any:
    """The value with nonsense somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(list(value))
        return {**value, key: spoiled(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        return [spoiled(value[0], chance), *value[1:]]
    return chance.choice(NONSENSE)


@pytest.mark.parametrize("path", POSTS)
def test_nonsense_is_refused_in_one_sentence(client: FlaskClient, path: str) -> None:
    chance = random.Random(path)
    for _ in range(60):
        body = spoiled(POSTS[path], chance)
        response = client.post(path, json=body)
        assert response.status_code == 200 or sentence(response), body


@pytest.mark.parametrize("path", [*POSTS, "/explore/look", "/explore/figure"])
def test_only_json_is_taken(client: FlaskClient, path: str) -> None:
    """A form of another site can send anything but JSON under its own name."""
    good = json.dumps({"scene": {}, "slots": [], **POSTS.get(path, {})})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        sentence(client.post(path, data=good, content_type=kind))
    for broken in ("", "{", '{"a": 1', "[" * 100_000, "9" * 5000, b"\xff\xfe"):
        sentence(client.post(path, data=broken, content_type="application/json"))


@pytest.mark.parametrize(
    "path",
    [
        f"/neurons/groups/{LITE0}/nowhere",
        f"/neurons/groups/nobody/{STEM}",
        f"/neurons/groups/../{STEM}",
        f"/neurons/groups/{LITE0}/%2e%2e",
        f"/neurons/examples/{LITE0}/nowhere/0.png",
        f"/neurons/examples/nobody/{STEM}/0.png",
        f"/neurons/examples/{LITE0}/{STEM}/32.png",
        f"/neurons/examples/{LITE0}/{STEM}/{'9' * 50}.png",
        f"/classes/{LITE0}/1000.jpg",
        f"/classes/{LITE0}/{'9' * 50}.jpg",
        "/classes/nobody/0.jpg",
    ],
)
def test_addresses_of_what_there_is_not(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    if not response.text.startswith("<!DOCTYPE html>"):  # an address that no route knows is Dash's
        sentence(response)


# ---- example pictures ------------------------------------------------------------------------------------------------


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (260, 240), colour).save(path)


def page_of(client: FlaskClient, query: str = "") -> str:
    """What Dash's router answers with for the Explore page, as text."""
    client.get("/_dash-dependencies")
    response = client.post(
        "/_dash-update-component",
        json={
            "output": ".._pages_content.children..._pages_store.data..",
            "outputs": [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}],
            "inputs": [
                {"id": "_pages_location", "property": "pathname", "value": "/"},
                {"id": "_pages_location", "property": "search", "value": query},
            ],
            "state": [],
            "changedPropIds": ["_pages_location.pathname"],
        },
    )
    assert response.status_code == 200, response.text
    return response.text


def test_class_examples_of_both_layouts(client: FlaskClient, configured: Any, tmp_path: Path) -> None:
    paint(tmp_path / f"{CLASSES[3]}_shark.JPEG", (200, 20, 20))
    paint(tmp_path / CLASSES[7] / "any.png", (20, 20, 200))
    configured(examples=tmp_path)
    red, blue = (picture(client.get(f"/classes/{LITE0}/{n}.jpg")) for n in (3, 7))
    assert red.shape == blue.shape == (224, 224, 3)
    assert np.abs(red.mean((0, 1)) - (200, 20, 20)).max() < 4
    assert np.abs(blue.mean((0, 1)) - (20, 20, 200)).max() < 4
    assert "no example" in sentence(client.get(f"/classes/{LITE0}/4.jpg"), 404)
    assert '"examples":true' in page_of(client)


def test_no_folder_of_examples(client: FlaskClient) -> None:
    assert "no example" in sentence(client.get(f"/classes/{LITE0}/3.jpg"), 404)
    assert '"examples":false' in page_of(client)


def test_a_folder_that_cannot_be_used_is_named_until_it_can(
    client: FlaskClient, configured: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "later"
    configured(examples=folder)
    assert "There is no folder" in sentence(client.get(f"/classes/{LITE0}/3.jpg"))
    page = page_of(client)
    assert "There is no folder" in page
    assert '"examples":false' in page
    folder.mkdir()
    assert "no labelled pictures" in page_of(client)
    paint(folder / f"{CLASSES[3]}_shark.JPEG", (200, 20, 20))  # the server runs on
    page = page_of(client)
    assert '"examples":true' in page
    assert "no labelled pictures" not in page
    assert client.get(f"/classes/{LITE0}/3.jpg").status_code == 200


def test_classes_of_a_link_that_no_model_has(client: FlaskClient) -> None:
    page = page_of(client, "?pinned=3,1000&explain=5000&hue=0.2")
    assert "has no class '1000'" in page
    assert "has no class '5000'" in page
    assert '"pinned":[]' in page
    assert '"explain":null' in page
    assert '"hue":0.2' in page
    assert '"pinned":[3,999]' in page_of(client, "?pinned=3,999")


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
        pictures=("0.png", "1.png", "2.png", "gone.png"), layers={STEM: tops},
    )  # fmt: skip
    path = index_path(service.settings.data, info.fingerprint)
    index.save(path)
    return path


def test_dataset_examples(client: FlaskClient, service: InferenceService, configured: Any, tmp_path: Path) -> None:
    configured(data=tmp_path / "data")
    address = f"/neurons/examples/{LITE0}/{STEM}/{{}}.png"
    command = f"perturber examples index FOLDER --model {LITE0}"
    response = client.get(address.format(0))
    assert response.status_code == 404
    assert command in response.get_json()["error"]

    path = make_index(service, tmp_path / "pictures")
    sheet = picture(client.get(address.format(0)))
    assert sheet.shape == (3 * 96 + 8, 3 * 96 + 8, 3)
    middles = sheet[48::100, 48::100].reshape(9, 3).astype(int)
    assert middles[:3, 0].tolist() == [40, 100, 160]
    assert middles[3].tolist() == [233] * 3  # its file is gone
    assert middles[4:, 0].tolist() == [40, 100, 160, 40, 100]
    few = picture(client.get(address.format(1)))[48::100, 48::100].reshape(9, 3).astype(int)
    assert few[:2, 0].tolist() == [160, 40]
    assert (few[2:] == 233).all()
    assert "blocks.0.0" in sentence(client.get(f"/neurons/examples/{LITE0}/blocks.0.0/0.png"))  # was not indexed

    path.write_bytes(b"PK broken")
    assert "cannot be read; index the folder again" in sentence(client.get(address.format(0)))


# ---- ranking ---------------------------------------------------------------------------------------------------------


def slot(model: str = LITE0, **changes: Any) -> dict[str, Any]:
    return {"model": model, "layer": "blocks.3.0", "channels": [0], **changes}


@pytest.mark.parametrize(
    ("by", "more", "request_more"),
    [
        ("active", {}, {}),
        ("relevant", {}, {}),
        ("relevant", {"class": 281}, {"class_index": 281}),
        ("changed", {"reference": {"yaw": 60}}, {"reference": Scene().replace(yaw=60)}),
    ],
)
def test_rankings_are_the_services(
    client: FlaskClient, service: InferenceService, by: Any, more: dict[str, Any], request_more: dict[str, Any]
) -> None:
    body = {"scene": {"hue": 0.1}, "slots": [None, slot(), None], "slot": 1, "by": by, **more}
    answer = client.post("/neurons/rank", json=body).get_json()
    request = RankRequest(by=by, scene=Scene().replace(hue=0.1), model=LITE0, layer="blocks.3.0", **request_more)
    expected = service.rank(request)
    assert answer["channels"] == list(expected.channels)
    assert answer["scores"] == pytest.approx(expected.scores)


def test_ranking_by_the_difference_to_the_other_shown_model(client: FlaskClient) -> None:
    def differ(*slots: Any) -> Any:
        return client.post("/neurons/rank", json={"scene": {}, "slots": slots, "slot": 0, "by": "differ"})

    assert differ(slot(), slot(LITE1, hidden=True), slot()).get_json()["scores"] == [0.0] * 8
    assert "same shape" in sentence(differ(slot(layer=STEM), slot(LITE1, layer=STEM)))  # of 224 and of 240 pixels


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"by": "changed"}, "no reference scene"),
        ({"by": "changed", "reference": []}, "reference of a request"),
        ({"by": "changed", "reference": {"hue": 7}}, "-0.5 to 0.5"),
        ({"by": "differ"}, "Only one model"),
        ({"by": "relevant", "class": 1000}, "0 to 999"),
        ({"by": "relevant", "class": "dog"}, "0 to 999"),
        ({"by": "relevant", "class": 2.5}, "0 to 999"),
        ({"by": "loudest"}, "active, changed, relevant, differ"),
        ({"by": ["active"]}, "active, changed, relevant, differ"),
        ({"slot": 1}, "no model"),
        ({"slot": 2}, "no model"),
        ({"slot": 9}, "no model"),
        ({"slot": "0"}, "no model"),
        ({"slot": False}, "no model"),
        ({"slot": None}, "no model"),
    ],
)
def test_rankings_that_cannot_be(client: FlaskClient, more: dict[str, Any], said: str) -> None:
    """Slot 1 is hidden, slot 2 is empty."""
    body = {"scene": {}, "slots": [slot(), slot(LITE1, hidden=True), None], "slot": 0, "by": "active", **more}
    assert said in sentence(client.post("/neurons/rank", json=body))


# ---- groups ----------------------------------------------------------------------------------------------------------

GROUPS = f"/neurons/groups/{LITE0}/{STEM}"


@pytest.fixture
def folder(configured: Any, tmp_path: Path) -> Path:
    """The data folder of this test."""
    configured(data=tmp_path)
    return tmp_path


def keep(client: FlaskClient, name: Any, channels: Any) -> Any:
    return client.post(GROUPS, json={"name": name, "channels": channels})


def test_groups_are_kept_replaced_and_removed(client: FlaskClient, folder: Path) -> None:
    assert client.get(GROUPS).get_json() == {}
    assert keep(client, "Fur", [3, 1]).get_json() == {"Fur": [3, 1]}
    assert keep(client, "  Ohren:\n 耳  ", [2, 2]).get_json() == {"Fur": [3, 1], "Ohren: 耳": [2]}
    assert keep(client, "Fur", [7]).get_json()["Fur"] == [7]
    assert client.get(f"/neurons/groups/{LITE0}/conv_head").get_json() == {}
    assert client.get(f"/neurons/groups/{LITE1}/{STEM}").get_json() == {}
    assert keep(client, "nobody", []).get_json() == {"Fur": [7], "Ohren: 耳": [2]}
    assert keep(client, "Fur", []).get_json() == {"Ohren: 耳": [2]}
    assert client.get(GROUPS).get_json() == {"Ohren: 耳": [2]}
    assert [path.name for path in folder.iterdir()] == ["groups.json"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "a\x1bb", "\ud800", None, 5, ["Fur"], {"a": 1}])
def test_names_that_groups_cannot_have(client: FlaskClient, folder: Path, name: Any) -> None:
    assert "1 to 60 characters" in sentence(keep(client, name, [1]))
    assert not (folder / "groups.json").exists()


@pytest.mark.parametrize("channels", [None, "1", {"0": 1}, [32], [-1], [1.5], [True], ["1"], [[1]], list(range(33))])
def test_channels_that_groups_cannot_have(client: FlaskClient, folder: Path, channels: Any) -> None:
    text = sentence(keep(client, "Fur", channels))
    assert "list of channels" in text or "0 to 31" in text
    assert not (folder / "groups.json").exists()


@pytest.mark.parametrize(
    "content",
    ["{", "[]", "7", "null", '{"a": 5}', '{"a": {"b": []}}', '{"a": {"b": {"c": 5}}}', '{"a": {"b": {"c": ["x"]}}}'],
)
def test_a_broken_file_of_groups_is_named_and_kept(client: FlaskClient, folder: Path, content: str) -> None:
    path = folder / "groups.json"
    path.write_text(content)
    for response in (client.get(GROUPS), keep(client, "Fur", [1]), keep(client, "Fur", [])):
        assert str(path) in sentence(response)
    assert path.read_text() == content


def test_a_full_disk_is_named_and_leaves_nothing(
    client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(client, "Fur", [1])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", full)
        assert "No space left" in sentence(keep(client, "Ears", [2]))
    with monkeypatch.context() as patch:
        patch.setattr("os.replace", full)
        assert "No space left" in sentence(keep(client, "Ears", [2]))
    assert client.get(GROUPS).get_json() == {"Fur": [1]}
    assert [path.name for path in folder.iterdir()] == ["groups.json"]


def test_a_data_folder_that_is_none(client: FlaskClient, configured: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    configured(data=tmp_path / "file")
    sentence(client.get(GROUPS))
    sentence(keep(client, "Fur", [1]))


# ---- jobs ------------------------------------------------------------------------------------------------------------


def test_jobs_that_there_are_not(client: FlaskClient) -> None:
    for name in ("none", "..", "0" * 24, "x" * 300):
        assert "no job" in sentence(client.post(f"/jobs/{name}/cancel", json={}))
