"""What the server answers: pages, the requests of the Explore page, and whatever else anybody sends."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber import objects
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.ui.state import ExploreState

LITE0 = "efficientnet_lite0"


@pytest.fixture(scope="module")
def service() -> Iterator[InferenceService]:
    with InferenceService() as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


def slot(**changes: Any) -> dict[str, Any]:
    return {"model": LITE0, "layer": "blocks.3.0", "channels": [0, 3], **changes}


def test_look_answers_with_picture_heatmap_and_prediction(client: FlaskClient, service: InferenceService) -> None:
    asked = {"scene": {"yaw": 30}, "slots": [slot(), slot(predictions=False)], "client": "a"}
    answer = client.post("/explore/look", json=asked).get_json()
    request = LookRequest(
        scene=Scene().replace(yaw=30), slots=(SlotRequest(model=LITE0, layer="blocks.3.0", channels=(0, 3)),)
    )
    expected = service.look(request)
    with Image.open(io.BytesIO(base64.b64decode(answer["input"].split(",")[1]))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), expected.image)
    first, second = answer["slots"]
    assert [score["logit"] for score in first["top"]] == pytest.approx(
        [score.logit for score in expected.slots[0].top or ()], abs=1e-4
    )
    assert second["top"] is None
    assert first["figure"]["data"][0]["zmax"] == pytest.approx(first["scale"])
    assert answer["serviceMs"] > 0


def test_a_figure_that_is_drawn_already_gets_only_its_values(client: FlaskClient) -> None:
    asked = {"scene": {}, "slots": [slot()]}
    first = client.post("/explore/look", json=asked).get_json()["slots"][0]
    again = client.post("/explore/look", json={**asked, "drawn": [first["signature"]]}).get_json()["slots"][0]
    assert "figure" not in again
    values = np.frombuffer(base64.b64decode(again["z"]["data"]), np.float32).reshape(again["z"]["rows"], -1)
    z = first["figure"]["data"][0]["z"]
    drawn = np.frombuffer(base64.b64decode(z["bdata"]), z["dtype"]).reshape([int(n) for n in z["shape"].split(",")])
    np.testing.assert_array_equal(values, drawn)


def test_predictions_as_a_figure(client: FlaskClient) -> None:
    figure = client.post("/explore/figure", json={"scene": {}, "slots": [slot()], "slot": 0}).get_json()
    assert figure["data"][0]["type"] == "bar"
    assert len(figure["data"][0]["text"]) == 5


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (None, "must hold a scene"),
        ([], "must hold a scene"),
        ({"scene": {}}, "list of up to 3 model slots"),
        ({"scene": {}, "slots": [slot()] * 4}, "list of up to 3 model slots"),
        ({"scene": {"colour": 1}, "slots": []}, "Unknown parameter 'colour'"),
        ({"scene": {"distance": 99}, "slots": []}, "0.5 to 20"),
        ({"scene": {"distance": "NaN"}, "slots": []}, "0.5 to 20"),
        ({"scene": {"distance": []}, "slots": []}, "0.5 to 20"),
        ({"scene": {"object": "../../etc"}, "slots": []}, "dog_cat"),
        ({"scene": {}, "slots": [slot(model="resnet9000")]}, "efficientnet_lite1"),
        ({"scene": {}, "slots": [slot(model={"a": 1})]}, "efficientnet_lite1"),
        ({"scene": {}, "slots": [slot(layer="fc")]}, "conv_stem"),
        ({"scene": {}, "slots": [slot(layer=None)]}, "conv_stem"),
        ({"scene": {}, "slots": [slot(channels=[80])]}, "0 to 79"),
        ({"scene": {}, "slots": [slot(channels=[-1])]}, "0 to 79"),
        ({"scene": {}, "slots": [slot(channels=[0.5])]}, "0 to 79"),
        ({"scene": {}, "slots": [slot(channels=[[]])]}, "0 to 79"),
        ({"scene": {}, "slots": [slot(channels=[])]}, "1 to 8"),
        ({"scene": {}, "slots": [slot(channels=list(range(9)))]}, "1 to 8"),
        ({"scene": {}, "slots": [slot(channels="0")]}, "list of channels"),
    ],
)
def test_a_bad_request_gets_a_sentence(client: FlaskClient, body: Any, sentence: str) -> None:
    for path in ("/explore/look", "/explore/figure"):
        response = client.post(path, json=body)
        assert response.status_code == 400
        assert sentence in response.get_json()["error"]
        assert "Traceback" not in response.text


@pytest.mark.parametrize("number", [None, 2, -1, 0.0, "0", []])
def test_a_figure_of_no_slot(client: FlaskClient, number: Any) -> None:
    response = client.post("/explore/figure", json={"scene": {}, "slots": [slot()], "slot": number})
    assert response.status_code == 400
    assert "slot" in response.get_json()["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"output": "x.y"},
        {"outputs": None},
        {"inputs": []},
        {"inputs": 5},
        {"inputs": [{"id": "_pages_location", "property": "pathname", "value": 5}] * 2},
        {"state": 7},
        {"changedPropIds": 3},
    ],
)
def test_hand_made_callback_requests(client: FlaskClient, changes: dict[str, Any]) -> None:
    sound = {
        "output": ".._pages_content.children..._pages_store.data..",
        "outputs": [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": "/"},
            {"id": "_pages_location", "property": "search", "value": "?yaw=5"},
        ],
        "state": [],
        "changedPropIds": ["_pages_location.pathname"],
    }
    client.get("/_dash-dependencies")
    assert client.post("/_dash-update-component", json=sound).status_code == 200
    response = client.post("/_dash-update-component", json={**sound, **changes})
    assert response.status_code == 400
    assert response.get_json()["error"].endswith(".")


def test_a_request_that_is_too_large(client: FlaskClient) -> None:
    response = client.post("/explore/look", data=b"x" * 3_000_000, content_type="application/json")
    assert response.status_code == 413
    assert "error" in response.get_json()


@pytest.mark.parametrize("name", ["nowhere", "..", "%2e%2e%2fapp", "dog_cat%2f..%2f..%2fmesh"])
def test_only_the_librarys_names_are_files(client: FlaskClient, name: str) -> None:
    for kind in ("object", "background"):
        response = client.get(f"/scene/{kind}/{name}")
        # A name that holds a slash is another address: Dash answers with its empty frame.
        assert response.status_code == 400 or response.text.startswith("<!DOCTYPE html>")
        assert not response.content_type.startswith("image")


def test_the_view_gets_the_whole_mesh(client: FlaskClient) -> None:
    payload = client.get("/scene/object/dog_cat").get_json()
    pair = objects.pair("dog_cat")
    polys = np.frombuffer(base64.b64decode(payload["polys"]), np.uint32).reshape(-1, 4)
    np.testing.assert_array_equal(polys[:, 1:], pair.faces)
    for points, positions in zip(payload["points"], pair.positions, strict=True):
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(points), np.float32).reshape(-1, 3), positions)
    for colours in payload["colours"]:
        assert len(base64.b64decode(colours)) == 3 * len(pair.uv)


def test_headers_keep_everything_on_this_host(client: FlaskClient) -> None:
    page = client.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []


def test_two_apps_in_one_process_ask_their_own_service(client: FlaskClient) -> None:
    class Other(InferenceService):
        asked = 0

        def look(self, request: LookRequest) -> Any:
            self.asked += 1
            return super().look(request)

    with Other() as other:
        second = create_app(service=other).server.test_client()
        asked = {"scene": {}, "slots": []}
        assert client.post("/explore/look", json=asked).status_code == 200
        assert other.asked == 0
        assert second.post("/explore/look", json=asked).status_code == 200
        assert other.asked == 1


def test_first_state_is_what_the_server_warms_up(service: InferenceService) -> None:
    state = ExploreState.default(service.model)
    assert [slot.model for slot in state.shown.values()] == [LITE0, "efficientnet_lite1"]
    assert service.look(state.request(None)).slots[0].activations is not None


def test_texts_are_read_before_they_reach_the_scene(client: FlaskClient) -> None:
    good = client.post("/scene/text", json={"key": "plane_neuron", "value": " efficientnet_lite1/conv_stem:3 "})
    assert good.get_json() == {"value": "efficientnet_lite1/conv_stem:3"}
    code = {"key": "custom_code", "value": "color.r = value;"}
    assert client.post("/scene/text", json=code).get_json() == {"value": "color.r = value;"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (None, "key of a text"),
        ([1], "key of a text"),
        ({"key": "yaw", "value": "3"}, "key of a text"),
        ({"key": "nothing"}, "Unknown parameter 'nothing'"),
        ({"key": "plane_neuron", "value": "blocks.3.0"}, "layer:neuron"),
        ({"key": "plane_neuron", "value": "blocks.3.0:80"}, "0 to 79"),
        ({"key": "plane_neuron", "value": None}, "layer:neuron"),
        ({"key": "custom_code", "value": "color.r = ;"}, "ine 1"),
        ({"key": "custom_code", "value": "x" * 10_001}, "10000 characters"),
    ],
)
def test_texts_that_are_none(client: FlaskClient, body: Any, sentence: str) -> None:
    response = client.post("/scene/text", json=body)
    assert response.status_code == 400
    assert sentence in response.get_json()["error"]


def test_the_views_plane(client: FlaskClient) -> None:
    payload = client.get("/scene/plane?neuron=blocks.0.0:2").get_json()
    colours = np.frombuffer(base64.b64decode(payload["colours"][0]), np.uint8)
    assert len(colours) == 3 * len(np.frombuffer(base64.b64decode(payload["points"][0]), np.float32)) / 3
    assert client.get("/scene/plane?neuron=nobody:x").status_code == 400
    assert client.get("/scene/plane").status_code == 400


def test_backgrounds_are_pictures(client: FlaskClient) -> None:
    response = client.get("/scene/background/lawn")
    with Image.open(io.BytesIO(response.data)) as picture:
        assert picture.size == (1024, 1024)


OURS = {"X-Perturber": "1"}


def upload(content: bytes, name: str = "wall.png") -> dict[str, Any]:
    return {"files": (io.BytesIO(content), name)}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    return tmp_path


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_upload_that_another_site_sends_is_refused(client: FlaskClient, data: Path) -> None:
    """A page elsewhere can send a form, but not our header."""
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, format="PNG")
    for path in ("/scene/backgrounds", "/scene/objects"):
        response = client.post(path, data=upload(picture.getvalue()))
        assert response.status_code == 400
        assert "page of this app" in response.get_json()["error"]
    assert files_in(data) == []
    answer = client.post("/scene/backgrounds", data=upload(picture.getvalue()), headers=OURS).get_json()
    assert answer["name"] in [option["value"] for option in answer["options"]]
    look = client.post("/explore/look", json={"scene": {"background": answer["name"]}, "slots": []})
    assert look.status_code == 200


@pytest.mark.parametrize(
    ("path", "data_sent", "sentence"),
    [
        ("/scene/backgrounds", {}, "no file"),
        ("/scene/backgrounds", {"files": [(io.BytesIO(b"a"), "a.png"), (io.BytesIO(b"b"), "b.png")]}, "one picture"),
        ("/scene/objects", {"files": (io.BytesIO(b"MZ"), "../../evil.obj")}, ""),
    ],
)
def test_uploads_that_hold_nothing_of_use(
    client: FlaskClient, data: Path, path: str, data_sent: dict[str, Any], sentence: str
) -> None:
    response = client.post(path, data=data_sent, headers=OURS)
    assert response.status_code == 400
    assert sentence in response.get_json()["error"]
    assert files_in(data) == []


def test_an_upload_that_is_too_large(client: FlaskClient, data: Path) -> None:
    response = client.post("/scene/objects", data=upload(b"x" * (32 * 2**20), "big.obj"), headers=OURS)
    assert response.status_code == 413
    assert files_in(data) == []
