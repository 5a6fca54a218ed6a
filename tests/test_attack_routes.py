"""What the attack panel's routes answer, and whatever else anybody sends to them."""

import csv
import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from edited_models import LITE0, LITE1
from flask.testing import FlaskClient

from app import create_app
from perturber.config import Settings
from perturber.service import InferenceService
from perturber.ui.attack_state import AttackState

SLOTS = [{"model": model, "layer": "blocks.3.0", "channels": [0]} for model in (LITE0, LITE1)]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


def body(attack: str = "pgd(l2=1,steps=2;any)", **changes: Any) -> dict[str, Any]:
    return {"scene": {}, "slots": SLOTS, "attack": attack, **changes}


def curve(**changes: Any) -> dict[str, Any]:
    return {"pictures": "scene", "count": 4, "most": 1, "points": 3, "steps": 1, **changes}


def finished(client: FlaskClient, response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    job = response.get_json()
    end = time.monotonic() + 120
    while job["state"] in ("waiting", "running") and time.monotonic() < end:
        time.sleep(0.05)
        job = client.get(f"/attack/job/{job['job']}").get_json()
    assert job["state"] == "done", job
    return job


def test_the_same_attack_on_every_shown_model(client: FlaskClient) -> None:
    job = finished(client, client.post("/attack/models", json=body()))
    assert [line["name"].split(":")[0] for line in job["figure"]["data"]] == ["Model 1", "Model 2"]
    assert [picture["slot"] for picture in job["pictures"]] == [0, 1]
    assert all(picture["picture"].startswith("data:image/png") for picture in job["pictures"])
    assert job["about"] == "pgd(l2=1,steps=2)"
    again = client.get(f"/attack/job/{job['job']}", query_string={"have": job["have"]}).get_json()
    assert "figure" not in again  # the page has it
    hidden = [SLOTS[0], {**SLOTS[1], "hidden": True}]
    one = finished(client, client.post("/attack/models", json=body(slots=hidden)))
    assert len(one["pictures"]) == 1


def test_a_curve_its_words_and_its_values(client: FlaskClient) -> None:
    job = finished(client, client.post("/attack/curve", json=body(curve=curve())))
    assert len(job["figure"]["data"]) == 4
    assert job["notes"][0].startswith("Model 1 loses the class at ε = 0.5 (128/255)")
    assert job["notes"][-1].startswith("PGD, 1 step, untargeted.")
    assert "the class that each model itself predicts" in job["notes"][-1]
    table = client.get(f"/attack/job/{job['job']}.csv")
    assert table.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [(row["model"], row["epsilon"]) for row in rows] == [
        (m, e) for m in (LITE0, LITE1) for e in ("0", "0.5", "1")
    ]


def test_pixels_are_whole(client: FlaskClient, service: InferenceService) -> None:
    sent = body("sparse(l0=5,steps=1;any)", curve=curve(most=5, points=4), slots=SLOTS[:1])
    job = finished(client, client.post("/attack/curve", json=sent))
    assert service.jobs.product(job["job"]).request.epsilons == (0, 2, 3, 5)


@pytest.mark.parametrize(
    ("route", "sent", "sentence"),
    [
        ("models", {"attack": None}, "must hold an attack"),
        ("models", {"slots": []}, "No model is shown"),
        ("models", {"attack": "pgd(l2=1,target=5000;x)"}, "has no class '5000'"),
        ("curve", {}, "what the curve is to be taken over"),
        ("curve", {"curve": curve(points=1)}, "ε cannot take 1 values. Allowed: 2 to 33."),
        ("curve", {"curve": curve(most="much")}, "epsilon of pgd in l2 cannot be 'much'"),
        ("curve", {"curve": curve(pictures="holiday")}, "Unknown source of pictures 'holiday'"),
        ("curve", {"curve": curve(pictures="variations", count=None)}, "cannot have None pictures"),
        ("curve", {"curve": curve(pictures="folder")}, "Set PERTURBER_EXAMPLES"),
        ("curve", {"curve": curve(steps=[])}, "cannot have [] steps"),
        ("curve", {"attack": "sparse(l0=5;x)", "curve": curve(autoattack=True, most=9)}, "norm of AutoAttack 'l0'"),
    ],
)
def test_what_cannot_be_is_one_sentence(client: FlaskClient, route: str, sent: dict, sentence: str) -> None:
    response = client.post(f"/attack/{route}", json=body(**sent))
    assert response.status_code == 400, response.text
    assert sentence in response.get_json()["error"]


def test_jobs_that_are_not_there_or_have_no_values(client: FlaskClient, service: InferenceService) -> None:
    assert "no job" in client.get("/attack/job/0123").get_json()["error"]
    assert client.get("/attack/job/0123.csv").status_code == 400
    job = finished(client, client.post("/attack/models", json=body()))
    assert "no values" in client.get(f"/attack/job/{job['job']}.csv").get_json()["error"]


@pytest.mark.parametrize("figure", ["layers", "models", "curve", "curve-0123456789abcdef01234567"])
def test_the_open_figure_is_part_of_the_link(figure: str) -> None:
    state = AttackState.parse({"attack_figure": figure})
    assert state.query() == {"attack_figure": figure}
    assert state.facts()["attackFigure"] == figure
    attacked = AttackState.parse({"attack_figure": figure, "attack": "pgd(l2=1;x)"})
    assert attacked.request(details=True).layers == (figure == "layers")
    assert not attacked.request().layers
