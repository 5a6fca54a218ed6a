"""The Mixing page's routes, and whatever else anybody sends to them."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dash
import pytest
from edited_models import LITE0, LITE1, TWIN, twin
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber.config import Settings
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.zoo import own

EDIT = f"mix({LITE0},{TWIN};blocks.3=0.5)"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)
    twin(settings)
    with InferenceService(settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


def sentence(response: Any) -> str:
    """The sentence of a refusal."""
    assert response.status_code == 400, response.text
    text = response.get_json()["error"]
    assert text.endswith((".", "?"))
    assert "Traceback" not in text
    assert len(text) < 3000
    return text


def body(**changes: Any) -> dict[str, Any]:
    return {"scene": {}, "edit": EDIT, "second": TWIN, "level": "stage", **changes}


def finished(client: FlaskClient, response: Any) -> dict[str, Any]:
    """The job that was ordered, when it is over."""
    assert response.status_code == 200, response.text
    job = response.get_json()
    end = time.monotonic() + 120
    while job["state"] in ("waiting", "running") and time.monotonic() < end:
        time.sleep(0.05)
        job = client.get(f"/mixing/job/{job['job']}").get_json()
    return job


def test_three_models_answer(client: FlaskClient, service: InferenceService) -> None:
    answer = client.post("/mixing/look", json=body(scene={"yaw": 5}, client="me")).get_json()
    slots = tuple(SlotRequest(model=model) for model in (LITE0, TWIN, EDIT))
    expected = service.look(LookRequest(scene=Scene().replace(yaw=5), slots=slots))
    assert [slot["signature"] for slot in answer["slots"]] == [LITE0, TWIN, EDIT]
    for shown, slot in zip(answer["slots"], expected.slots, strict=True):
        assert [s["index"] for s in shown["top"]] == [s.index for s in slot.top or ()]
        assert [s["logit"] for s in shown["top"]] == pytest.approx([s.logit for s in slot.top or ()], abs=1e-4)
    assert answer["input"].startswith("data:image/")
    assert all(word in answer["status"] for word in ("Render", "Model 1", "Model 2", "Edited", "ms"))


def test_where_one_is_pruned_there_is_no_second(client: FlaskClient) -> None:
    edit = f"prune({LITE0};blocks.2=0-0.5)"
    answer = client.post("/mixing/look", json=body(edit=edit)).get_json()
    assert [slot and slot["signature"] for slot in answer["slots"]] == [LITE0, None, edit]
    assert "Model 2" not in answer["status"]


def test_units(client: FlaskClient, service: InferenceService) -> None:
    for level in ("stage", "block", "layer"):
        answer = client.get("/mixing/units", query_string={"first": LITE0, "second": TWIN, "level": level})
        assert tuple(answer.get_json()) == service.units(LITE0, TWIN, level)  # type: ignore[arg-type]
    alone = client.get("/mixing/units", query_string={"first": LITE1}).get_json()
    assert alone[0] == "conv_stem"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "Unknown model ''"),
        ({"first": "nobody"}, "nobody"),
        ({"first": LITE0, "second": LITE1}, "cannot be mixed"),
        ({"first": LITE0, "second": "../x"}, "../x"),
        ({"first": EDIT}, "Unknown model"),
        ({"first": LITE0, "level": "atom"}, "stage, block, layer"),
        ({"first": "x" * 100_000}, "Unknown model"),
    ],
)
def test_units_that_there_are_not(client: FlaskClient, query: dict[str, str], words: str) -> None:
    assert words in sentence(client.get("/mixing/units", query_string=query))


def test_a_scan_is_drawn_and_found_again(client: FlaskClient) -> None:
    job = finished(client, client.post("/mixing/scan", json=body(scene={"pitch": 1}, reverse=True)))
    assert (job["state"], job["error"], job["model"], job["done"]) == ("done", None, None, job["steps"])
    assert job["title"] == f"Compatibility of {LITE0} and {TWIN}"
    assert job["figure"]["layout"]["xaxis"]["title"]["text"] == "Model 1 up to …, then Model 2"
    again = client.post("/mixing/scan", json=body(scene={"pitch": 1}, reverse=True)).get_json()
    assert (again["job"], again["state"]) == (job["job"], "done")
    other = client.post("/mixing/scan", json=body(scene={"pitch": 1}))
    assert other.get_json()["job"] != job["job"]
    client.post(f"/jobs/{other.get_json()['job']}/cancel", json={})
    assert finished(client, other)["state"] == "cancelled"


def test_scans_that_cannot_be_made(client: FlaskClient) -> None:
    assert "PERTURBER_EXAMPLES" in sentence(client.post("/mixing/scan", json=body(folder=True)))
    pruned = f"prune({LITE0})"
    assert "cannot be mixed" in sentence(client.post("/mixing/scan", json=body(edit=pruned, second=LITE1)))
    assert "Unknown model" in sentence(client.post("/mixing/scan", json=body(edit=pruned, second=EDIT)))


def test_an_edit_is_kept_and_listed(client: FlaskClient, service: InferenceService) -> None:
    assert client.get("/mixing/saved").get_json() == []
    save = {"edit": EDIT, "name": "kept"}
    job = finished(client, client.post("/mixing/save", json=save))
    assert (job["state"], job["model"]) == ("done", "kept")
    (row,) = client.get("/mixing/saved").get_json()
    assert (row["name"], row["text"], row["first"], row["second"], row["mode"]) == ("kept", EDIT, LITE0, TWIN, "mix")
    assert row["amounts"] == {"blocks.3": [0.5]}
    assert "already" in sentence(client.post("/mixing/save", json=save))
    (service.settings.data / "edits" / "stranger.safetensors").write_bytes(b"?")  # none of ours
    assert len(client.get("/mixing/saved").get_json()) == 1

    own.remove("kept", service.settings)
    assert client.get("/mixing/saved").get_json() == []
    assert finished(client, client.post("/mixing/save", json=save))["state"] == "done"
    assert "kept" in own.tables(service.settings)  # a second time, not just said to be
    own.remove("kept", service.settings)


def test_a_broken_file_does_not_hide_the_others(client: FlaskClient, service: InferenceService) -> None:
    for name in ("good", "bad"):
        assert finished(client, client.post("/mixing/save", json={"edit": EDIT, "name": name}))["state"] == "done"
    (service.settings.data / "edits" / "bad.safetensors").write_bytes(b"broken")
    assert [row["name"] for row in client.get("/mixing/saved").get_json()] == ["good"]
    for name in ("good", "bad"):
        own.remove(name, service.settings)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": LITE0}, "already"),
        ({"name": "../x"}, "cannot be called"),
        ({"name": ""}, "cannot be called"),
        ({"name": "x" * 10_000}, "cannot be called"),
        ({"name": None}, "name"),
        ({"name": ["x"]}, "name"),
        ({"edit": f"mix({LITE0},{LITE1})"}, "cannot be mixed"),
        ({"edit": f"prune({LITE0};nose=0.5-1)"}, "nose"),
        ({"edit": 7}, "Not an edit"),
        ({"edit": "mix(" * 10_000}, "too long"),
        ({"recalibrate": True}, "PERTURBER_EXAMPLES"),
    ],
)
def test_what_cannot_be_kept(client: FlaskClient, service: InferenceService, changes: Any, words: str) -> None:
    assert words in sentence(client.post("/mixing/save", json={"edit": EDIT, "name": "new", **changes}))
    assert list(own.tables(service.settings)) == [TWIN]


def test_recalibration_over_the_examples(
    client: FlaskClient, service: InferenceService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Image.new("RGB", (240, 240), (80 * number, 90, 200)).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(service, "settings", replace(service.settings, examples=tmp_path))
    save = {"edit": EDIT, "name": "again", "recalibrate": True}
    job = finished(client, client.post("/mixing/save", json=save))
    assert (job["state"], job["steps"]) == ("done", 3)
    own.remove("again", service.settings)
    assert "no labelled pictures" in finished(client, client.post("/mixing/scan", json=body(folder=True)))["error"]


def test_jobs_that_there_are_not(client: FlaskClient) -> None:
    for name in ("x", "0" * 24, "x" * 5000, "%00", "é"):
        sentence(client.get(f"/mixing/job/{name}"))


def test_nothing_that_is_sent_is_a_bug(client: FlaskClient) -> None:
    """Wrong kinds, slashes, huge and strange texts, in every place."""
    odd = [None, True, 0, -1.5, 1e308, [], {}, [[]], {"a": 1}, "", "/", "../../x", "\x00", "é" * 300, "\ud800"]
    odd += ["x" * 50_000, "mix(", "mix(,)", "mix(a,b;=)", "prune(;;)", f"mix({LITE0},{TWIN};blocks.3=NaN)", EDIT, LITE0]
    chooser = random.Random(0)
    for route in ("look", "scan", "save"):
        for raw in (b"", b"{", b"[]", b"null", b'"x"', b"\xff"):
            sentence(client.post(f"/mixing/{route}", data=raw, content_type="application/json"))
        for _ in range(60):
            data = body(name="../x", client="me")
            for key in chooser.sample(sorted(data), chooser.randint(1, 3)):
                data[key] = chooser.choice(odd)
            if route == "save":
                data["name"] = chooser.choice([value for value in odd if value != LITE0] + ["A"])
            if route == "scan":
                data["level"] = chooser.choice(["atom", None, []])  # nothing is to be begun
            response = client.post(f"/mixing/{route}", json=data)
            assert response.status_code in (200, 204, 400), (data, response.text)
            if response.status_code == 400:
                sentence(response)


def test_the_page_says_what_is_wrong_in_its_link(client: FlaskClient) -> None:
    (page,) = (page for page in dash.page_registry.values() if page["path"] == "/mixing")
    with client.application.app_context():
        layout = str(page["layout"](edit=f"mix({LITE0},{LITE1})", yaw="12"))
    assert f"{LITE0} and {LITE1} cannot be mixed" in layout
    assert "'yaw': 12" in layout
    assert "'second': 'lite0_adversarial'" in layout  # the first of Model 1's architecture
