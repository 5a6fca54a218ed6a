"""Many who ask at once: nobody's request holds the server while something is made, or until there is room."""

import base64
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import requests
import waitress
from callback_requests import props_of, value
from explore_visit import Visit
from exports import chosen, described, exported, said
from flask.testing import FlaskClient
from user_files import picture
from waitress import wasyncore

from app import CALLS, LOOKS, THREADS, create_app
from perturber.attack import Attack
from perturber.config import Settings
from perturber.scene import Scene
from perturber.service import InferenceService, JobState, LookRequest, PerturbationsRequest
from perturber.service.engine import LocalEngine
from perturber.ui.callbacks.look import BUSY
from perturber.ui.callbacks.uploads import NO_PREVIEW, receive
from perturber.ui.components.scene_page import ALIVE
from perturber.ui.components.upload import ADDED

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
QUERY = f"m1={LITE0}&l1=blocks.3.0&c1=0&h2=1&cards=none"
CROWD = LOOKS + 24
PATIENCE_SECONDS = 20.0
CROWD_SECONDS = 300.0
"""Of the crowd itself, on a machine that has other things to do."""


class HeldEngine(LocalEngine):
    """Looks at nothing while it is held."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.free = threading.Event()
        self.free.set()

    def answer(self, requests: Sequence[Any]) -> list[Any]:
        self.free.wait()
        return super().answer(requests)


class Http:
    """Asks a server as Flask's test client asks an app."""

    def __init__(self, url: str, patience: float = PATIENCE_SECONDS) -> None:
        self.url, self.patience = url, patience

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=PATIENCE_SECONDS)

    def post(self, path: str, json: Any) -> SimpleNamespace:
        found = requests.post(f"{self.url}{path}", json=json, timeout=self.patience)
        return SimpleNamespace(status_code=found.status_code, text=found.text, get_json=found.json)

    def visit(self, query: str = QUERY) -> Visit:
        return Visit(self, query)  # type: ignore[arg-type]  # it has what a visit needs


@pytest.fixture(scope="module")
def engines() -> list[HeldEngine]:
    return []


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, engines: list[HeldEngine]) -> Iterator[InferenceService]:
    def engine(settings: Settings) -> HeldEngine:
        engines.append(HeldEngine(settings))
        return engines[0]

    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None), engine) as one:
        yield one


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture(scope="module")
def http(service: InferenceService) -> Iterator[Http]:
    server = waitress.create_server(create_app(service=service).server, host="127.0.0.1", port=0, threads=THREADS)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    found = Http(f"http://127.0.0.1:{server.effective_port}")
    found.visit().look()  # what a page needs to know of the models is known from now on
    yield found
    server.close()
    wasyncore.close_all(server._map)
    thread.join(PATIENCE_SECONDS)


@pytest.fixture
def no_room(service: InferenceService) -> Iterator[Callable[..., None]]:
    """Takes the room away, for a while."""
    yield lambda **room: service.limit(**{"looks": LOOKS, "calls": CALLS, **room})
    service.limit(looks=LOOKS, calls=CALLS)


def save(visit: Visit) -> dict[str, Any]:
    """Export the predictions of the first slot."""
    shown = {"query": visit.query, "memory": visit.memory}
    return exported(visit.client, "explore", shown, chosen("predictions-model-1"))


def job(service: InferenceService, seed: int) -> str:
    """One that is under way for long."""
    attack = Attack(model="each", norm="l2", epsilon=1.0, steps=1000, random_start=True, seed=seed)
    fingerprints = (service.model(LITE0).fingerprint,)
    models = {"models": (LITE0,), "slots": (0,), "fingerprints": fingerprints}
    return service.jobs.submit(PerturbationsRequest(scene=Scene(), attack=attack, **models)).id


def cancelled(http: Http, service: InferenceService, seed: int) -> JobState:
    """Order a job, and press Cancel below the slots; how it stands then."""
    name = job(service, seed)
    found = http.visit(f"{QUERY}&attack_figure=models-{name}").follow("models")
    assert "explore-job" in found, found
    return service.jobs.status(name).state


def everywhere(http: Http) -> list[int]:
    """Statuses of what is there for everybody at any time."""
    return [http.get(path).status_code for path in ("/", ALIVE, "/bootstrap.css")]


@pytest.mark.slow
def test_forty_unfinished_planes_and_attacks_hold_no_thread(http: Http, service: InferenceService) -> None:
    def asked(number: int) -> dict[str, Any]:
        """Looks at a plane, a figure of which is saved, and now and then looks at an attack."""
        plane = f"{QUERY}&p1=0&plane=1&plane_neuron={LITE0}/blocks.3.0:{number}"
        if number % 4 == 0:
            return save(Http(http.url, CROWD_SECONDS).visit(plane))
        attack = [("attack-count", 100), ("attack-run", 1)] if number % 16 == 1 else []
        return Http(http.url, CROWD_SECONDS).visit(plane).look(*attack, scene={"yaw": number + 1}, client="")

    with ThreadPoolExecutor(CROWD) as pool:
        crowd = [pool.submit(asked, number) for number in range(CROWD)]
        assert everywhere(http) == [200, 204, 200]
        assert cancelled(http, service, seed=1) is JobState.CANCELLED
        answers = [one.result() for one in crowd]
    assert any(answer.get("looked") and answer["again"] is not None for answer in answers)  # it is not finished
    assert not any("explore-export-file" in answer for answer in answers)


@pytest.mark.slow
def test_a_full_service_leaves_room_for_pages_and_for_cancelling(
    http: Http, service: InferenceService, engines: list[HeldEngine]
) -> None:
    def asked(number: int) -> dict[str, Any]:
        return Http(http.url, CROWD_SECONDS).visit().look(scene={"yaw": number + 1}, client=f"visitor {number}")

    engines[0].free.clear()
    with ThreadPoolExecutor(CROWD) as pool:
        try:
            crowd = [pool.submit(asked, number) for number in range(CROWD)]
            while sum(one.done() for one in crowd) < CROWD - LOOKS:
                time.sleep(0.05)
            assert everywhere(http) == [200, 204, 200]
            assert cancelled(http, service, seed=2) is JobState.CANCELLED
        finally:
            engines[0].free.set()
        answers = [one.result() for one in crowd]
    refused = [answer for answer in answers if not answer["looked"]]
    assert len(refused) == CROWD - LOOKS
    assert all(answer["again"] for answer in refused)


def test_what_there_was_no_room_for_is_asked_again(client: FlaskClient, no_room: Callable[..., None]) -> None:
    here = Visit(client, QUERY)
    here.look()
    for room in ({"looks": 0}, {"looks": 0, "calls": 0}):
        no_room(**room)
        refused = here.look(("channels", "7", 0)) if room == {"looks": 0} else here.look(("model", LITE1, 0))
        assert (refused["looked"], refused["failed"], here.notice) == (False, True, BUSY)
        assert refused["again"] > 0
        assert here.values["m1"] == LITE0  # nothing has changed yet
    here.follow()
    assert here.running  # it asks again, too
    no_room()
    answer = here.look(scene={"yaw": 9})  # as the page does by itself, with what it was told
    assert (answer["looked"], here.notice, here.values["m1"], here.memory["postponed"]) == (True, "", LITE1, [])
    here.look(("model", LITE0, 0), ("channels", "7", 0))
    assert here.channels == [7]


def test_a_strange_memory_of_postponed_changes_gets_a_sentence(client: FlaskClient) -> None:
    for postponed in (5, ["x"], [{"control": 5}], [{"control": "add"}] * 201):
        output, sent = "explore-panel.answer", {"query": QUERY, "memory": {"postponed": postponed}, "scene": {}}
        sent |= {"changes": [], "drawn": {}, "client": "me", "sequence": 1}
        found = props_of(Visit(client).ask(output, [value("explore-panel", "request", sent)]))
        assert list(found) == ["notice"]


def test_files_there_is_no_room_for_are_to_be_asked_for_later(
    client: FlaskClient, no_room: Callable[..., None]
) -> None:
    no_room(calls=0)
    response = client.get(f"/neurons/examples/prune({LITE0};blocks.3=0-0.25)/conv_stem/0.png")
    assert (response.status_code, response.get_json()["error"][-1]) == (503, ".")
    assert int(response.headers["Retry-After"]) > 0


def test_an_upload_is_added_where_there_is_no_room_to_draw_it(
    client: FlaskClient, no_room: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_room(looks=0)
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path))  # what is added belongs to this test alone
    with client.application.app_context():
        content = f"data:image/png;base64,{base64.b64encode(picture(np.full((8, 8, 3), 99, np.uint8))).decode()}"
        outcome = receive("background", [content], ["wall.png"], label=None)
    assert (outcome.message, outcome.preview) == (f"{ADDED} {NO_PREVIEW}", None)
    assert outcome.name is not None


def test_no_unfinished_figure_is_saved(client: FlaskClient, service: InferenceService) -> None:
    """A file would not say how far the feature visualisation, or the attack, had come."""
    plane = Visit(client, f"{QUERY}&plane=1&plane_neuron={LITE0}/blocks.0.0:5")
    scene = Scene(plane=True, plane_neuron=f"{LITE0}/blocks.0.0:5")
    assert "is at step" in said(save(plane), "explore")
    status = service.plane_status(LookRequest(scene=scene))
    service.jobs.cancel(status.job)
    assert "was not made" in said(save(plane), "explore")

    attacked = Visit(client, f"{QUERY}&yaw=3")
    attacked.look(("attack-count", 6), ("attack-run", 1))
    assert "The attack is at step 4 of 6." in said(save(attacked), "explore")
    assert described(save(attacked), "explore")["figure"]["data"]


def test_looks_are_measured(client: FlaskClient) -> None:
    visit = Visit(client)
    for _ in range(2):
        visit.look(scene={"yaw": 77.5})
    found = client.get("/metrics").text
    for line in (
        'perturber_kept_total{hit="true"}',
        'perturber_work_seconds_count{kind="answer"}',
        "perturber_batch_sum",
    ):
        assert float(found.split(f"{line} ")[1].split()[0]) >= 1
