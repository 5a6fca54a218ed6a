"""What the server answers to the Compare page, and to whatever else anybody sends there."""

import random
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from app import create_app
from perturber.config import Settings
from perturber.scene import Scene
from perturber.service import InferenceService
from perturber.service.comparing import CompareRequest
from perturber.ui.compare_state import DEFAULT_MODELS, CompareState

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
PRUNED = "prune(efficientnet_lite0;blocks.3=0.1-1)"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


def asked(**changes: Any) -> dict[str, Any]:
    return {"scene": {"yaw": 20}, "models": [LITE0, PRUNED], "pinned": [207], **changes}


def sentence(response: Any) -> str:
    assert response.status_code == 400, response.text[:300]
    text = response.get_json()["error"]
    assert text.endswith((".", "?"))
    return text


def test_look_holds_what_the_service_says(client: FlaskClient, service: InferenceService) -> None:
    answer = client.post("/compare/look", json=asked(layer="blocks.3.0", channels=[7, 2])).get_json()
    request = CompareRequest(
        scene=Scene().replace(yaw=20), models=(LITE0, PRUNED), pinned=(207,), layer="blocks.3.0", channels=(7, 2)
    )
    expected = service.compare(request)
    assert expected.maps is not None
    for slot, column in zip(answer["slots"], expected.columns, strict=True):
        assert [score["index"] for score in slot["top"]] == [score.index for score in column.top]
        assert slot["pinned"][0]["logit"] == pytest.approx(column.pinned[0].logit, abs=1e-4)
    assert answer["slots"][0]["agreement"] is None
    assert answer["slots"][1]["agreement"]["shared_top5"] == expected.columns[1].agreement.shared_top5  # type: ignore[union-attr]
    assert [channel for channel, _ in answer["most"]] == [channel for channel, _ in expected.maps.most]
    assert answer["figure"]["data"][0]["zmax"] == pytest.approx(4 * expected.maps.deviation, rel=1e-4)
    assert answer["input"].startswith("data:image/png")


def test_only_the_open_tab_is_computed(client: FlaskClient) -> None:
    kinds = {}
    for tab in ("channels", "depth", "cka", "same"):
        figure = client.post("/compare/look", json=asked(tab=tab)).get_json()["figure"]
        kinds[tab] = figure and {trace["type"] for trace in figure["data"]}
    assert kinds == {"channels": {"heatmap"}, "depth": {"scatter"}, "cka": None, "same": None}


def test_layers_that_do_not_differ_say_so(client: FlaskClient) -> None:
    notes = [
        client.post("/compare/look", json=asked(layer=layer)).get_json()["note"]
        for layer in ("blocks.2.0", "blocks.3.0")
    ]
    assert notes == ["A and B do not differ at blocks.2.0 for this picture.", None]


def test_other_architectures_get_a_sentence(client: FlaskClient) -> None:
    for tab in ("channels", "depth"):
        answer = client.post("/compare/look", json=asked(models=[LITE0, LITE1], tab=tab)).get_json()
        assert answer["figure"] is None
        assert "different architectures" in answer["note"]
        assert answer["slots"][1]["agreement"]["jensen_shannon"] > 0
    three = client.post("/compare/look", json=asked(models=[LITE0, LITE1, PRUNED], tab="depth")).get_json()
    assert len(three["figure"]["data"]) == 2
    assert "from blocks.3.0.conv_pw on" in three["note"]
    assert "another architecture: 2 · EfficientNet-Lite1" in three["note"]


def finished(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    for _ in range(300):
        answer = client.post("/compare/job", json=body).get_json()
        if answer["state"] == "done":
            return answer
        time.sleep(0.1)
    raise AssertionError(answer)


def test_a_job_is_found_again_by_its_state(client: FlaskClient, service: InferenceService) -> None:
    body = asked(tab="cka", count=3)
    assert client.post("/compare/job", json=body).get_json()["state"] == "none"
    ordered = client.post("/compare/job", json={**body, "order": True}).get_json()
    answer = finished(client, body)
    assert answer["id"] == ordered["id"]
    layers = len(service.model(LITE0).layers)
    assert len(answer["figure"]["data"][0]["x"]) == layers
    assert "3 pictures" in answer["note"]
    known = client.post("/compare/job", json={**body, "have": answer["have"]}).get_json()
    assert known["figure"] is None  # the page has it
    pinned = client.post("/compare/job", json={**body, "pinned": [1, 2]}).get_json()
    assert pinned["id"] == answer["id"]  # does not matter to it
    assert client.post("/compare/job", json={**body, "scene": {}}).get_json()["state"] == "none"


def test_same_channels(client: FlaskClient) -> None:
    body = asked(tab="same", count=3, layer="blocks.2.0", other="blocks.2.0", models=[LITE0, PRUNED])
    client.post("/compare/job", json={**body, "order": True})
    answer = finished(client, body)
    assert answer["note"].startswith("40 of 40 channels")  # the edit lies behind it
    client.post("/compare/job", json={**body, "order": True, "matched": True})
    assert finished(client, {**body, "matched": True, "have": answer["have"]})["figure"] is not None


def test_examples_only_where_they_are_configured(client: FlaskClient) -> None:
    body = asked(tab="cka", count=3, pictures="examples", order=True)
    client.post("/compare/job", json=body)
    for _ in range(100):
        answer = client.post("/compare/job", json={**body, "order": False}).get_json()
        if answer["state"] == "failed":
            break
        time.sleep(0.1)
    assert "PERTURBER_EXAMPLES" in answer["error"]


def test_a_model_by_its_name_or_an_edits_text(client: FlaskClient) -> None:
    found = client.post(
        "/compare/model", json={"model": " prune( efficientnet_lite0 ; blocks.3 = 0.10-1.0) "}
    ).get_json()
    assert found["name"] == PRUNED
    assert found["facts"]["edit"]
    assert "Unknown model" in sentence(client.post("/compare/model", json={"model": "nobody"}))
    assert "Not an edit" in sentence(client.post("/compare/model", json={"model": "mix(x"}))
    for wrong in ({}, [], None, {"model": 3}):
        sentence(client.post("/compare/model", json=wrong))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"models": [LITE0]}, "2 to 4"),
        ({"models": [LITE0] * 5}, "2 to 4"),
        ({"models": [LITE0, 3]}, "list of the names"),
        ({"models": [LITE0, "nobody"]}, "Unknown model"),
        ({"scene": {"hue": 7}}, "-0.5 to 0.5"),
        ({"scene": 3}, "must hold a scene"),
        ({"a": 3}, "1 to 2"),
        ({"a": True}, "1 to 2"),
        ({"b": 1}, "another column"),
        ({"tab": "other"}, "channels, depth, cka, same"),
        ({"tab": ["cka"]}, "channels, depth, cka, same"),
        ({"layer": "nowhere"}, "Unknown layer"),
        ({"other": 5}, "Unknown layer"),
        ({"channels": []}, "1 to 8"),
        ({"channels": [99999]}, "no channel"),
        ({"channels": list(range(9))}, "1 to 8"),
        ({"channels": 5}, "1 to 8"),
        ({"pinned": [1000]}, "0 to 999"),
        ({"count": 2}, "3 to 128"),
        ({"count": "many"}, "3 to 128"),
        ({"pictures": "/etc"}, "scene, examples"),
        ({"matched": 7}, "true, false"),
    ],
)
def test_every_mistake_is_one_sentence(client: FlaskClient, changes: dict[str, Any], words: str) -> None:
    for route in ("look", "job"):
        assert words in sentence(client.post(f"/compare/{route}", json={**asked(tab="cka"), **changes}))


def test_only_json_is_read(client: FlaskClient) -> None:
    for route in ("look", "job", "model"):
        sentence(client.post(f"/compare/{route}", data="scene=1"))
        sentence(client.post(f"/compare/{route}", data="[" * 100_000, content_type="application/json"))
    assert "Nothing is to be computed" in sentence(client.post("/compare/job", json=asked(tab="depth")))


def test_nonsense_never_breaks_it(client: FlaskClient) -> None:
    dice = random.Random(1)
    nonsense = [None, True, -1, 1e400, "", "x" * 5000, [], [None], {}, {"a": 1}, [[0]], float("nan"), "1,2", 2**70]
    keys = ["scene", "models", "a", "b", "tab", "layer", "other", "channels", "pinned", "count", "pictures", "matched"]
    for _ in range(150):
        body = {**asked(tab="cka"), **{key: dice.choice(nonsense) for key in dice.sample(keys, 2)}}
        response = client.post(f"/compare/{dice.choice(['look', 'job'])}", json=body)
        assert response.status_code in (200, 400), (body, response.text[:300])


def test_the_url_there_and_back(service: InferenceService) -> None:
    query = {
        "yaw": "30",
        "m1": LITE0,
        "m2": PRUNED,
        "m4": LITE1,
        "a": "2",
        "b": "1",
        "tab": "same",
        "layer": "blocks.5.1",
    }
    query |= {"other": "blocks.4.0", "channels": "7,3", "pinned": "207,1", "count": "12", "matched": "true"}
    state, problems = CompareState.from_query(query, service.model)
    assert problems == []
    assert state.models == (LITE0, PRUNED, LITE1)
    assert (state.a, state.b, state.tab, state.layer, state.other) == (2, 1, "same", "blocks.5.1", "blocks.4.0")
    assert (state.channels, state.pinned, state.count, state.matched) == ((7, 3), (207, 1), 12, True)
    from urllib.parse import parse_qsl

    assert CompareState.from_query(dict(parse_qsl(state.query())), service.model) == (state, [])
    assert (
        CompareState.from_json(
            {**state.model_dump(), "scene": state.scene.changes(), "models": list(state.models)}, service.model
        )
        == state
    )


def test_what_is_wrong_in_a_url_gets_a_sentence_and_the_rest_is_kept(service: InferenceService) -> None:
    query = {"hue": "7", "pitch": "5", "m1": LITE1, "m2": "nobody", "m3": "prune(", "a": "9", "tab": "depth"}
    query |= {"layer": "nowhere", "channels": "x", "pinned": "5000", "count": "0", "hello": "1"}
    state, problems = CompareState.from_query(query, service.model)
    assert len(problems) == 9
    assert all(problem.endswith((".", "?")) for problem in problems)
    assert state.models == (LITE1, DEFAULT_MODELS[1])
    assert (state.scene.pitch, state.scene.hue, state.tab, state.a, state.count) == (5, 0, "depth", 1, 32)
    assert state.layer == service.model(LITE1).default_layer
    np.testing.assert_array_equal(state.channels, range(4))
