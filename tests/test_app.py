"""What the server answers: pages, a page's looks, files, and whatever else anybody sends."""

import base64
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from callback_requests import ask, props_of, spec_of, text_of
from dash import Input, Output
from flask.testing import FlaskClient
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from perturber import objects
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.ui.callbacks.messages import BUG
from perturber.ui.components.controls import control_id
from perturber.ui.context import cache_config
from perturber.ui.meshes import mesh_payload
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.page import NOT_OURS

LITE0 = "efficientnet_lite0"
QUERY = f"m1={LITE0}&l1=blocks.3.0&c1=0,3&m2="


@pytest.fixture(scope="module")
def service() -> Iterator[InferenceService]:
    with InferenceService() as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


def request_of(query: str = QUERY, **changes: Any) -> dict[str, Any]:
    return {
        "query": query, "memory": {}, "scene": {}, "changes": [], "drawn": {}, "client": "a", "sequence": 1, **changes
    }  # fmt: skip


def look(client: FlaskClient, query: str = QUERY, **changes: Any) -> dict[str, Any]:
    """What the Explore page is answered."""
    return props_of(ask(client, spec_of(client, "explore-panel.request"), [request_of(query, **changes)]))[
        "explore-panel"
    ]["answer"]


def shown(answer: dict[str, Any], control: str, slot: int | str = "") -> dict[str, Any]:
    """What a control of the page shows by an answer."""
    found: dict[str, Any] = {}
    for one in answer["props"]:
        if text_of(one["id"]) == text_of(control_id("explore", control, slot)):
            found |= one["props"]
    return found


def notice(answer: dict[str, Any]) -> str:
    (found,) = (one["props"]["children"] for one in answer["props"] if one["id"] == "notice")
    return found


def picture(source: str) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) as opened:
        return np.asarray(opened)


def test_a_look_is_answered_with_picture_heatmaps_and_predictions(
    client: FlaskClient, service: InferenceService
) -> None:
    answer = look(client, scene={"yaw": 30})
    request = LookRequest(
        scene=Scene().replace(yaw=30), slots=(SlotRequest(model=LITE0, layer="blocks.3.0", channels=(0, 3)),)
    )
    expected = service.look(request)
    (source,) = (one["props"]["src"] for one in answer["props"] if one["id"] == "explore-input")
    np.testing.assert_array_equal(picture(source), expected.image)
    rows = shown(answer, "bars", 0)["rows"]
    assert [row["number"] for row in rows] == [f"{score.logit:.2f}" for score in expected.slots[0].top or ()]
    maps = shown(answer, "maps", 0)
    assert maps["scale"] == pytest.approx(4 * expected.slots[0].deviation, rel=1e-4)
    values = np.frombuffer(base64.b64decode(maps["values"]), np.float32)
    np.testing.assert_array_equal(values, expected.slots[0].activations.ravel())
    assert answer["query"].startswith("yaw=30")
    assert answer["serviceMs"] > 0


def test_a_figure_that_is_drawn_already_gets_only_its_values(client: FlaskClient) -> None:
    first = look(client)
    assert shown(first, "maps", 0)["figure"]["data"]
    again = look(client, drawn=first["drawn"])
    assert "figure" not in shown(again, "maps", 0)
    assert len(base64.b64decode(shown(again, "maps", 0)["values"])) == 2 * 14 * 14 * 4
    other = look(client, QUERY.replace("c1=0,3", "c1=0,4"), drawn=first["drawn"])
    assert shown(other, "maps", 0)["figure"]["data"]


def test_a_settled_look_is_kept(client: FlaskClient) -> None:
    def status(answer: dict[str, Any]) -> str:
        return next(one["props"]["children"] for one in answer["props"] if one["id"] == "explore-status")

    first, again = look(client, scene={"yaw": 77}), look(client, scene={"yaw": 77})
    assert "Render" in status(first)
    assert "Cached" in status(again)
    assert shown(first, "bars", 0)["rows"] == shown(again, "bars", 0)["rows"]


@pytest.mark.parametrize(
    ("parameter", "value", "sentence"),
    [
        ("colour", 1, "Unknown parameter 'colour'"),
        ("distance", 99, "0.5 to 20"),
        ("distance", "NaN", "0.5 to 20"),
        ("distance", [], "0.5 to 20"),
        ("object", "../../etc", "dog_cat"),
        ("plane_neuron", "blocks.3.0", "layer:neuron"),
        ("plane_neuron", "blocks.3.0:80", "0 to 79"),
        ("plane_neuron", None, "layer:neuron"),
        ("custom_code", "color.r = ;", "ine 1"),
        ("custom_code", "x" * 10_001, "10000 characters"),
    ],
)
def test_an_invalid_parameter_gets_a_sentence(client: FlaskClient, parameter: str, value: Any, sentence: str) -> None:
    answer = look(client, scene={parameter: value, "yaw": 7})
    assert sentence in notice(answer)
    (problems,) = (one["props"]["problems"] for one in answer["props"] if one["id"] == "explore-panel")
    assert sentence in problems[parameter]
    assert answer["query"].startswith("yaw=7")  # what is right is shown all the same
    assert answer["looked"]


@pytest.mark.parametrize(
    ("control", "slot", "value", "sentence"),
    [
        ("model", 0, "resnet9000", "efficientnet_lite1"),
        ("model", 0, {"a": 1}, "efficientnet_lite1"),
        ("layer", 0, "fc", "conv_stem"),
        ("layer", 0, None, "conv_stem"),
        ("channels", 0, "80", "0 to 79"),
        ("channels", 0, "-1", "0"),
        ("channels", 0, "0.5", "0.5"),
        ("channels", 7, "1", "no model"),
        ("nothing", "", 1, "nothing"),
    ],
)
def test_an_invalid_change_gets_a_sentence(
    client: FlaskClient, control: str, slot: int | str, value: Any, sentence: str
) -> None:
    answer = look(client, changes=[{"control": control, "slot": slot, "value": value}])
    said = notice(answer)
    assert sentence in said
    assert said.endswith((".", "?"))
    assert "Traceback" not in said
    assert answer["query"] == look(client)["query"]


def test_texts_are_read_as_they_are_meant(client: FlaskClient) -> None:
    answer = look(client, scene={"plane_neuron": " efficientnet_lite1/conv_stem:3 "})
    assert answer["scene"] == {"plane_neuron": "efficientnet_lite1/conv_stem:3"}
    assert notice(answer) == ""


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        "x",
        request_of(query=5),
        request_of(changes=[{"control": "model"}] * 201),
        request_of(changes=[{"control": "x" * 41}]),
        request_of(surplus=1),
        {**request_of(), "scene": []},
    ],
)
def test_a_strange_request_gets_a_sentence(client: FlaskClient, sent: Any) -> None:
    props = props_of(ask(client, spec_of(client, "explore-panel.request"), [sent]))
    assert props == {"notice": {"children": NOT_OURS}}


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


@pytest.mark.parametrize("outputs", [[], [Output("a", "children")], [Output("a", "children"), Output("b", "title")]])
@pytest.mark.parametrize(
    ("fail", "sentence"),
    [
        (lambda: Scene().replace(distance=99), "0.5 to 20"),
        (lambda: mesh_payload(None), BUG),  # type: ignore[arg-type]
    ],
)
def test_an_error_of_a_callback_is_said_and_changes_nothing_else(
    service: InferenceService,
    caplog: pytest.LogCaptureFixture,
    outputs: list[Output],
    fail: Any,
    sentence: str,
) -> None:
    app = create_app(service=service)

    @app.callback(*outputs, Input("a", "n_clicks"))
    def failing(_: int) -> None:
        fail()

    client = app.server.test_client()
    props = props_of(ask(client, spec_of(client, "a.n_clicks"), [1]))
    assert list(props) == ["notice"]
    assert sentence in props["notice"]["children"]
    told = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == (sentence == BUG)
    assert all(re.fullmatch(r"a callback failed: AttributeError: .* at .*meshes\.py:\d+", line) for line in told)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:8050", "[::1]:8050", "10.1.2.3", "lab.localhost", "Lab.Example"]
)
def test_the_servers_own_names(service: InferenceService, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "lab.example")
    assert create_app(service=service).server.test_client().get("/alive", headers={"Host": host}).status_code != 421


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "x" * 300, "[::1"]
)
def test_a_name_that_leads_here_from_elsewhere_is_refused(client: FlaskClient, host: str) -> None:
    """DNS rebinding: a page of evil.example, whose name leads to this server all of a sudden, asks in its own name."""
    response = client.get("/healthz", headers={"Host": host})
    assert response.status_code in (400, 421)
    assert response.get_json()["error"].endswith(".")


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://localhost:9000"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_only_this_servers_pages_change_things(client: FlaskClient, headers: dict[str, str], allowed: bool) -> None:
    response = client.post("/_dash-update-component", json={}, headers=headers)
    assert (response.status_code != 403) == allowed
    assert client.get("/healthz", headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_changes_things(client: FlaskClient, kind: str) -> None:
    """Which a page of another site cannot send without asking first (CORS)."""
    response = client.post("/_dash-update-component", data=b"{}", content_type=kind)
    assert (response.status_code, response.get_json()["error"][-1]) == (415, ".")


def test_the_server_says_how_it_is(client: FlaskClient, service: InferenceService) -> None:
    health = client.get("/healthz")
    assert health.status_code == 200
    said = health.get_json()
    assert said.pop("busy_seconds") >= 0
    assert said.pop("memory")["models"] >= 0
    assert said == {"ready": True, "device": "cpu", "waiting": 0, "jobs": 0, "failures": 0}
    client.get("/nowhere")
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert found["perturber_ready",] == 1
    assert found["perturber_requests_total", "/healthz", "200"] >= 1
    assert found["perturber_requests_total", "/<path:path>", "404"] >= 1
    assert found["perturber_request_seconds_count", "/healthz"] >= 1
    assert found["process_resident_memory_bytes",] > 0
    assert found["perturber_memory_bytes", "models"] == service.health().memory["models"]


def test_a_service_that_has_stopped_does_not_look_healthy() -> None:
    service = InferenceService()
    client = create_app(service=service).server.test_client()
    service.close()
    assert client.get("/healthz").status_code == 503
    assert client.get("/healthz").get_json()["ready"] is False


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/compare", 200), ("/compares", 404), ("/a/b.php", 404)])
def test_unknown_paths_are_not_found(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.text.startswith("<!DOCTYPE html>")  # the page that says so


def test_a_mesh_of_the_plane_orders_nothing(client: FlaskClient, service: InferenceService) -> None:
    """A picture's address on any site would, otherwise."""
    before = len(service.jobs.all())
    assert client.get("/scene/plane?neuron=blocks.1.0:7").status_code == 200
    assert len(service.jobs.all()) == before


def test_a_request_that_is_too_large(client: FlaskClient) -> None:
    content = b"x" * (client.application.config["MAX_CONTENT_LENGTH"] + 1)
    response = client.post("/_dash-update-component", data=content, content_type="application/json")
    assert response.status_code == 413
    assert "error" in response.get_json()


@pytest.mark.parametrize("name", ["nowhere", "..", "%2e%2e%2fapp", "dog_cat%2f..%2f..%2fmesh"])
def test_only_the_librarys_names_are_files(client: FlaskClient, name: str) -> None:
    for kind in ("object", "backdrop"):
        response = client.get(f"/scene/{kind}/{name}")
        # A name that holds a slash is another address: Dash answers with its empty frame.
        assert response.status_code == 400 or response.text.startswith("<!DOCTYPE html>")
        assert not response.content_type.startswith("image")


def picture_at(address: str) -> np.ndarray:
    """The picture (H, W, 3) in a ``data:`` address."""
    with Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))) as file:
        return np.asarray(file.convert("RGB")).astype(int)


def test_the_view_gets_the_whole_mesh(client: FlaskClient) -> None:
    payload = client.get("/scene/object/dog_cat").get_json()
    pair = objects.pair("dog_cat")
    polys = np.frombuffer(base64.b64decode(payload["polys"]), np.uint32).reshape(-1, 4)
    np.testing.assert_array_equal(polys[:, 1:], pair.faces)
    for points, positions in zip(payload["points"], pair.positions, strict=True):
        np.testing.assert_array_equal(np.frombuffer(base64.b64decode(points), np.float32).reshape(-1, 3), positions)
    places = np.frombuffer(base64.b64decode(payload["places"]), np.float32).reshape(-1, 2)
    np.testing.assert_array_equal(places, pair.uv)
    for address, texture in zip(payload["textures"], pair.textures, strict=True):
        assert np.abs(picture_at(address) - texture[..., :3]).mean() < 3


def test_the_views_plane(client: FlaskClient) -> None:
    payload = client.get("/scene/plane?neuron=blocks.0.0:2").get_json()
    assert np.frombuffer(base64.b64decode(payload["places"]), np.float32).shape == (8 * 2,)
    assert picture_at(payload["textures"][0]).shape == (128, 128, 3)
    assert client.get("/scene/plane?neuron=nobody:x").status_code == 400
    assert client.get("/scene/plane").status_code == 400


def test_a_backdrop_is_the_background_among_its_mirror_images(client: FlaskClient) -> None:
    with Image.open(io.BytesIO(client.get("/scene/backdrop/lawn").data)) as file:
        tile = np.asarray(file.convert("RGB")).astype(int)
    with Image.open(objects.background_file("lawn")) as file:
        lawn = np.asarray(file.convert("RGB")).astype(int)
    assert tile.shape == (2048, 2048, 3)
    for mirrored in (tile, tile[:, ::-1], tile[::-1], tile[::-1, ::-1]):
        assert np.abs(mirrored[:1024, :1024] - lawn).mean() < 6  # JPEG is not exact


def test_headers_keep_everything_on_this_host(client: FlaskClient) -> None:
    page = client.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-eval" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert re.findall(r'(?:src|href)="(?:https?:)?//', page.text) == []


def test_a_first_request_that_is_refused_bars_no_script(service: InferenceService) -> None:
    """Dash adds scripts of its own as it is asked for the first time: what the policy allows must follow."""
    client = create_app(service=service).server.test_client()
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
    page = client.get("/")
    shown = re.sub(r"<!--.*?-->", "", page.text, flags=re.DOTALL)
    found = re.findall(r"<script([^>]*)>(.*?)</script>", shown, re.DOTALL)
    scripts = [text for kind, text in found if text and "application/json" not in kind]
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in page.headers["Content-Security-Policy"]


def test_two_apps_in_one_process_ask_their_own_service(client: FlaskClient) -> None:
    class Other(InferenceService):
        asked = 0

        def look(self, request: LookRequest) -> Any:
            self.asked += 1
            return super().look(request)

    with Other() as other:
        second = create_app(service=other).server.test_client()
        assert look(client)["looked"]
        assert other.asked == 0
        assert look(second)["looked"]
        assert other.asked == 1


def test_the_first_state_is_what_the_server_warms_up(service: InferenceService) -> None:
    state = ExploreState.default(service.model)
    assert [slot.model for slot in state.shown.values()] == [LITE0, "lite0_adversarial"]
    slots = list(state.shown.values())
    assert slots[0].layer == slots[1].layer
    assert slots[0].channels == slots[1].channels
    groups = {group.name: group.channels for group in service.model(LITE0).groups[slots[0].layer]}
    assert slots[0].group == groups["Dog"]
    assert service.look(state.request(None)).slots[0].activations is not None


@pytest.mark.parametrize(
    ("named", "kind"), [("memory", "SimpleCache"), ("files", "FileSystemCache"), ("redis://host:6379/1", "RedisCache")]
)
def test_places_of_the_cache(named: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.ui.context.find_spec", lambda _: SimpleNamespace())
    assert cache_config(replace(Settings(), cache=named))["CACHE_TYPE"] == kind


def test_a_cache_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match=r"'memcached'.*memory"):
        cache_config(replace(Settings(), cache="memcached"))
    monkeypatch.setattr("perturber.ui.context.find_spec", lambda _: None)
    with pytest.raises(InvalidInputError, match=re.escape("perturber[redis]")):
        cache_config(replace(Settings(), cache="redis://host"))
