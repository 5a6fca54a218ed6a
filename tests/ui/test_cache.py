"""What is kept and shown again without the service: settled looks, figures of finished jobs, files."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import dash
import numpy as np
import plotly.graph_objects as go
import pytest
from edited_models import LITE0, LITE1
from flask import Flask

from app import create_app
from perturber.attack import Attack
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.examples import TOP, ExampleIndex, Tops, index_path
from perturber.scene import Scene
from perturber.service import (
    AttackRequest,
    InferenceService,
    JobState,
    JobStatus,
    LookRequest,
    Progress,
    SlotRequest,
    Visualised,
)
from perturber.ui.callbacks.look import answer
from perturber.ui.looks import look_key, looked
from perturber.ui.showing.jobs import job_figure

REQUEST = LookRequest(scene=Scene(), slots=(SlotRequest(model=LITE0, layer="blocks.3.0", channels=(0, 3)),))


@pytest.fixture
def app(service: InferenceService) -> Iterator[Flask]:
    server = create_app(service=service).server
    with server.app_context():
        yield server


@pytest.fixture
def looks(service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> list[LookRequest]:
    """What the service is asked to look at."""
    asked: list[LookRequest] = []
    look = service.look

    def noted(request: LookRequest) -> Any:
        asked.append(request)
        return look(request)

    monkeypatch.setattr(service, "look", noted)
    return asked


# ---- looks --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
def test_a_settled_look_is_kept_whoever_asks(looks: list[LookRequest]) -> None:
    first, kept = looked(replace(REQUEST, client="a"))
    again, kept_then = looked(replace(REQUEST, client="b"))
    assert (kept, kept_then, len(looks)) == (False, True, 1)
    np.testing.assert_array_equal(again.image, first.image)
    np.testing.assert_array_equal(again.slots[0].activations, first.slots[0].activations)
    assert again.slots[0].top == first.slots[0].top
    assert looked(replace(REQUEST, scene=Scene(yaw=5)))[1] is False


@pytest.mark.usefixtures("app")
def test_an_attack_is_kept_once_all_its_steps_are_taken(looks: list[LookRequest]) -> None:
    attack = Attack(model=LITE0, method="pgd", norm="l2", epsilon=1, steps=5)
    attacked = replace(REQUEST, client="a", attack=AttackRequest(attack=attack, details=True))
    found = [looked(attacked) for _ in range(4)]
    steps = [answer.attack and answer.attack.progress.done for answer, _ in found]
    assert (steps, [kept for _, kept in found]) == ([2, 4, 5, 5], [False, False, False, True])
    assert len(looks) == 3
    assert looked(replace(attacked, attack=AttackRequest(attack=attack, alpha=0.5)))[1] is False


@pytest.mark.usefixtures("app")
def test_a_plane_is_kept_once_its_picture_is_finished(service: InferenceService, monkeypatch: Any) -> None:
    plane = replace(REQUEST, scene=Scene(plane=True))
    found = service.look(REQUEST)
    done, made = 1, Visualised(key="", state=JobState.RUNNING, progress=Progress(done=1, steps=2))
    monkeypatch.setattr(service, "look", lambda _: replace(found, plane=Progress(done=done, steps=2)))
    monkeypatch.setattr(service, "plane_status", lambda _: made)
    assert [looked(plane)[1] for _ in range(2)] == [False, False]
    done, made = 2, replace(made, state=JobState.CANCELLED)  # somebody may have it made after all
    assert [looked(plane)[1] for _ in range(2)] == [False, False]
    made = replace(made, state=JobState.DONE)
    assert [looked(plane)[1] for _ in range(2)] == [False, True]


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(REQUEST, slots=(SlotRequest(model=f"prune({LITE0};blocks.3=0-0.5)"),)),
        LookRequest(
            scene=Scene(),
            slots=(SlotRequest(model=LITE1),),
            attack=AttackRequest(attack=Attack(model=LITE0, method="pgd", norm="l2", epsilon=1)),
        ),
        LookRequest(scene=Scene(plane=True, plane_neuron=f"{LITE0}/conv_stem:0"), slots=(SlotRequest(model=LITE1),)),
    ],
    ids=["model", "edit", "attack", "plane"],
)
def test_other_weights_are_another_key(
    service: InferenceService, monkeypatch: pytest.MonkeyPatch, request_: LookRequest
) -> None:
    key, model = look_key(request_), service.model
    assert look_key(replace(request_, client="somebody")) == key

    def retrained(name: str) -> Any:
        return replace(model(name), fingerprint="other") if name == LITE0 else model(name)

    monkeypatch.setattr(service, "model", retrained)
    assert look_key(request_) != key


@pytest.mark.usefixtures("app")
def test_the_status_line_says_cached() -> None:
    (explore,) = (page for page in dash.page_registry.values() if page["path"] == "/")
    page = sys.modules[explore["module"]].PAGE_PARTS
    asked = {"query": f"m1={LITE0}&h2=1", "memory": {}, "scene": {}, "changes": [], "drawn": {}, "client": "me"}

    def status(sequence: int) -> str:
        props = answer(page, {**asked, "sequence": sequence})["props"]
        return next(one["props"]["children"] for one in props if one["id"] == "explore-status")

    first, again = status(1), status(2)
    assert "Cached answer" not in first
    assert again.startswith("Cached answer · ")


# ---- figures of jobs ----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("app")
def test_the_figure_of_a_finished_job_is_drawn_once() -> None:
    drawn: list[int] = []

    def draw() -> go.Figure:
        drawn.append(1)
        return go.Figure(go.Scatter(y=[1, len(drawn)]))

    running = JobStatus(id="f" * 24, title="a job", state=JobState.RUNNING)
    done = replace(running, state=JobState.DONE)
    assert [job_figure(running, draw)["data"][0]["y"][1] for _ in range(2)] == [1, 2]
    assert [job_figure(done, draw)["data"][0]["y"][1] for _ in range(2)] == [3, 3]
    assert job_figure(done, draw, "matched")["data"][0]["y"][1] == 4
    assert job_figure(replace(done, id="e" * 24), draw)["data"][0]["y"][1] == 5


# ---- files --------------------------------------------------------------------------------------------------------


def test_the_mesh_of_an_object_is_made_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    first = client.get(f"/scene/object/{Scene().object}")
    monkeypatch.setattr("perturber.ui.files.mesh_payload", None)
    assert client.get(f"/scene/object/{Scene().object}").data == first.data
    assert first.status_code == 200, first.text
    for _ in range(2):  # a refusal is not kept, and stays one
        assert client.get("/scene/object/nothing").status_code == 400


def test_a_sheet_of_patches_is_made_once_for_each_index(
    app: Flask, service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = service.model(LITE0)
    layer = info.layers["conv_stem"]
    client = app.test_client()
    url = f"/neurons/examples/{LITE0}/conv_stem/1.png?v="
    assert client.get(f"{url}1").status_code == 404  # there is no index yet; that is not kept
    shape = (layer.channels, TOP)
    none = np.full(shape, -1, np.int16)
    tops = Tops(np.full(shape, -np.inf, np.float32), none.astype(np.int32), none, none)
    path = index_path(service.settings.data, info.fingerprint)
    path.parent.mkdir(parents=True, exist_ok=True)
    index = ExampleIndex(
        model=LITE0,
        fingerprint=info.fingerprint,
        folder="/nowhere",
        pictures=(),
        unreadable=0,
        input_size=224,
        resize=256,
        interpolation="bicubic",
        layers={"conv_stem": tops},
    )
    index.save(path)
    first = client.get(f"{url}1")
    assert first.status_code == 200, first.text
    monkeypatch.setattr("perturber.ui.files.sheet", lambda *_, **__: np.zeros((4, 4, 3), np.uint8))
    assert client.get(f"{url}1").data == first.data
    assert client.get(f"{url}2").data != first.data


# ---- places -------------------------------------------------------------------------------------------------------


def served(service: InferenceService, cache: str) -> Callable[[], bool]:
    """An app with its cache somewhere; tells whether a look comes out of it."""
    settings = replace(service.settings, cache=cache)

    class Configured:
        def __getattr__(self, name: str) -> Any:
            return settings if name == "settings" else getattr(service, name)

    server = create_app(service=Configured()).server  # type: ignore[arg-type]

    def kept() -> bool:
        with server.app_context():
            return looked(replace(REQUEST, scene=Scene(pitch=7)))[1]

    return kept


def test_memory_belongs_to_one_app(service: InferenceService) -> None:
    first, second = served(service, "memory"), served(service, "memory")
    assert [first(), first(), second()] == [False, True, False]


def test_files_outlast_the_app(service: InferenceService) -> None:
    first = served(service, "files")
    assert [first(), first()] == [False, True]
    assert served(service, "files")()
    assert list((service.settings.data / "cache").iterdir())


def test_unknown_place_gets_a_sentence(monkeypatch: pytest.MonkeyPatch, service: InferenceService) -> None:
    monkeypatch.setenv("PERTURBER_CACHE", "memcached")
    assert Settings().cache == "memcached"
    with pytest.raises(InvalidInputError, match=r"PERTURBER_CACHE .*'memcached'.* Allowed: memory, files, or a redis"):
        served(service, "memcached")
