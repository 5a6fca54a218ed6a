"""Users whom the load bench plays get what they asked for, all of them, and what they say of it is told."""

import threading
from collections.abc import Iterator

import pytest
import waitress
from waitress import wasyncore

from app import create_app
from perturber.bench import load
from perturber.bench.server import Server
from perturber.config import Settings
from perturber.service import InferenceService
from perturber.ui.states.explore import ExploreState


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)


@pytest.fixture(scope="module")
def server(settings: Settings) -> Iterator[Server]:
    with InferenceService(settings) as service:
        app = create_app(service=service).server
        service.look(ExploreState.default(service.model).request(None))  # as before a server says that it is ready
        app.test_client().get("/bootstrap.css")  # the first request sets Dash up
        running = waitress.create_server(app, host="127.0.0.1", port=0, threads=8)
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{running.effective_port}", 0)
        running.close()
        wasyncore.close_all(running._map)
        thread.join(20)


def test_users_who_drag_are_answered_in_turn_each_about_its_own_scene(
    server: Server, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    played = load._play(server, count=3, seconds=10.0)
    counts = [len(one) for one in played.latencies]
    assert (len(counts), played.errors, played.busy) == (3, [], 0)
    assert min(counts) >= 1
    assert max(counts) - min(counts) <= 1 + max(counts) // 3
    load._compare(settings, played.samples)
    count, said = len(played.samples), capsys.readouterr().out
    assert f"{count} answers asked for again one by one: {count} pictures equal to the bit, 0 top classes not" in said


def test_a_wrong_answer_is_told(server: Server, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    played = load._play(server, count=1, seconds=5.0)
    load._compare(settings, [{**sample, "scene": {"yaw": 90}} for sample in played.samples])
    assert " 0 pictures equal to the bit" in capsys.readouterr().out


def test_what_jobs_get_is_told(server: Server) -> None:
    load._order(server, 77)
    steps, seconds = load._play(server, 1, seconds=5.0, every=0.2).steps
    assert steps >= 1
    assert 0 < seconds <= 5.5
