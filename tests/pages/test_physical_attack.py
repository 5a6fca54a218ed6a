"""The physical attack in Explore without a browser: sliders that move by themselves, their end, and the way back."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import dash
import pytest
from explore_visit import Visit
from flask.testing import FlaskClient

from app import create_app
from perturber.scene import Scene, SceneBase
from perturber.service import InferenceService, JobState, LookRequest, PerturbationsRequest, SlotRequest
from perturber.service.works.adversary import AdversaryRequest
from perturber.ui.showing.physical import EVERY_MS
from perturber.ui.states.physical import MOVES
from perturber.users import Role, User

LITE0, ROBUST = "efficientnet_lite0", "lite0_adversarial"
LINK = f"m1={LITE0}&m2={ROBUST}&a1=0&a2=0&cards=none&yaw=150.5&hue=0.01"
START = Scene().replace(yaw=150.5, hue=0.01)
SOON = f"{LINK}&physical=1&physical_moves=camera,post-processing&physical_renders=12"
NEVER = f"{LINK}&physical=1&physical_moves=light&physical_renders=5000&physical_target=0"
"""Light does not make a tench of a dog."""

Open = Callable[[str], Visit]


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def visit(client: FlaskClient, service: InferenceService) -> Iterator[Open]:
    yield lambda query: Visit(client, query)
    for job in service.jobs.all():
        service.jobs.cancel(job.id)


def orders(service: InferenceService) -> dict[str, JobState]:
    jobs = service.jobs.all()
    return {job.id: job.state for job in jobs if isinstance(service.jobs.request(job.id), AdversaryRequest)}


def scene_of(page: Visit) -> SceneBase:
    return Scene.parse({key: text for key, text in page.values.items() if key in Scene().as_dict()})


def said(page: Visit) -> str:
    return page.properties["explore-outcome"]["children"]


def top(service: InferenceService, scene: SceneBase, model: str) -> str:
    (slot,) = service.look(LookRequest(scene=scene, slots=(SlotRequest(model=model),))).slots
    assert slot.top
    return slot.top[0].name


def until(page: Visit, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    ends = time.monotonic() + 120
    while time.monotonic() < ends:
        found = page.look()
        if holds(found):
            return found
        time.sleep(0.1)
    raise AssertionError(said(page))


def running(page: Visit, service: InferenceService) -> str:
    """Start it, and wait until it has moved a slider; its job."""
    page.look()
    page.look(("attack-run", 1))
    until(page, lambda found: bool(found["scene"]))
    job = page.memory["job"]
    assert service.jobs.status(job).state is JobState.RUNNING
    return job


def test_the_sliders_move_until_a_scene_fools_the_model_and_undo_brings_them_back(
    visit: Open, service: InferenceService
) -> None:
    page = visit(SOON)
    page.look()
    assert scene_of(page) == START
    started = page.look(("attack-run", 1))
    assert started["again"] == EVERY_MS
    moves: list[dict[str, Any]] = []
    while (found := page.look())["again"] is not None:
        assert found["again"] == EVERY_MS
        moves += [found["scene"]] if found["scene"] else []
        time.sleep(0.1)
    moves.append(found["scene"])
    sliders = {key: getattr(START, key) for group in ("camera", "post-processing") for key in MOVES[group]}
    changed = sliders.copy()
    for move in moves:
        assert move.keys() <= sliders.keys()
        changed |= move
    assert changed != sliders
    assert scene_of(page) == START.replace(**changed), "what the panel was told is what the link holds"
    fresh = Visit(page.client, page.query)
    fresh.look()
    assert fresh.properties["explore-input"] == page.properties["explore-input"]
    before, after = top(service, START, LITE0), top(service, scene_of(page), LITE0)
    assert before != after
    assert f"Model 1 says {after} (" in said(page)
    assert f"in place of {before} (" in said(page)
    assert "renders." in said(page)
    assert page.memory["job"] is None
    assert page.properties["explore-attack-progress"]["children"] == ""
    undone = page.look(("attack-end", 1))
    assert scene_of(page) == START
    assert START.replace(**undone["scene"]) == START
    assert undone["scene"].keys() == {key for key in sliders if changed[key] != sliders[key]}
    assert said(page) == ""
    assert page.of("attack-end")["disabled"]
    assert "physical_from" not in page.values


def test_one_model_is_parted_from_another(visit: Open, service: InferenceService) -> None:
    page = visit(SOON.replace("physical=1", "physical=1-2"))
    page.look(("attack-run", 1))
    until(page, lambda found: found["again"] is None)
    tops = [top(service, scene_of(page), model) for model in (LITE0, ROBUST)]
    assert tops[1] == top(service, START, ROBUST)
    assert tops[0] != tops[1]
    assert f"Model 1 says {tops[0]} (" in said(page)
    assert f"says {tops[1]} (" in said(page)


def test_stop_ends_the_job_and_leaves_the_sliders(visit: Open, service: InferenceService) -> None:
    page = visit(NEVER)
    job = running(page, service)
    assert page.properties["explore-attack-progress"]["children"].endswith("of at most 5000 renders")
    assert (page.of("attack-run")["disabled"], page.of("attack-stop")["disabled"]) == (True, False)
    assert page.look()["again"] == EVERY_MS
    moved = scene_of(page)
    stopped = page.look(("attack-stop", 1))
    assert stopped["again"] is None
    assert service.jobs.status(job).state is JobState.CANCELLED
    assert scene_of(page) == moved != START
    assert said(page).startswith("Stopped; the sliders stay where they are.")
    page.look(("attack-end", 1))
    assert scene_of(page) == START


def test_who_drags_takes_over(visit: Open, service: InferenceService) -> None:
    page = visit(NEVER)
    job = running(page, service)
    moved = scene_of(page)
    answer = page.look(scene={**moved.as_dict(), "yaw": 20.0})
    assert (answer["again"], answer["scene"]) == (None, {})
    assert scene_of(page) == moved.replace(yaw=20)
    assert (page.of("attack-run")["disabled"], page.of("attack-stop")["disabled"]) == (False, True)
    assert service.jobs.status(job).state is JobState.CANCELLED
    page.look(("attack-end", 1))
    assert scene_of(page) == START.replace(yaw=20)


def test_another_visit_does_not_end_it(visit: Open, service: InferenceService) -> None:
    page = visit(NEVER)
    job = running(page, service)
    page.look(("attack-stop", 1), client="somebody else")
    assert service.jobs.status(job).state is JobState.RUNNING


def test_one_that_somebody_cancels_stops(visit: Open, service: InferenceService) -> None:
    page = visit(NEVER)
    service.jobs.cancel(running(page, service))
    assert page.look()["again"] is None
    assert said(page) == "Cancelled"
    assert page.memory["job"] is None


def test_where_nothing_is_found_the_sliders_are_back(visit: Open) -> None:
    page = visit(NEVER.replace("5000", "3"))
    page.look(("attack-run", 1))
    until(page, lambda found: found["again"] is None)
    assert scene_of(page) == START
    assert said(page).startswith("Nothing was found in ")
    assert "the sliders are back at the start" in said(page)
    assert "physical_from" not in page.values


def test_slopes_wait_for_it(visit: Open, service: InferenceService) -> None:
    page = visit(NEVER)
    running(page, service)
    page.look(("slopes", ["slopes"]))
    page.follow()
    assert "physical attack" in page.of("slopes")["options"][0]["label"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (f"{LINK}&m2={LITE0}&physical=1-2", f"{LITE0} cannot be right and wrong at the same time."),
        (f"{LINK}&physical=1-1", "cannot be right and wrong at the same time."),
        (f"{LINK}&physical=3", "This slot shows no model."),
        (f"{LINK}&physical=2-7", "This slot shows no model."),
        (f"{LINK}&physical=9", "This slot shows no model."),
        (f"{LINK}&physical=1&physical_moves=", "No parameter may change, so there is nothing to look for."),
        (f"{LINK}&physical=1&physical_target=1000", "1000"),
    ],
)
def test_what_cannot_be_looked_for_has_one_sentence(
    visit: Open, service: InferenceService, query: str, sentence: str
) -> None:
    page, before = visit(query), set(orders(service))
    answer = page.look(("attack-run", 1))
    assert sentence in page.notice
    assert (answer["looked"], answer["again"]) == (True, None)
    assert set(orders(service)) == before


def test_it_is_for_editors(visit: Open, service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.ui.accounts._who", lambda: User("vera", Role.VIEWER))
    page, before = visit(SOON.replace("=12", "=13")), set(orders(service))
    assert page.look(("attack-run", 1))["again"] is None
    assert page.notice == "A viewer cannot start jobs; that takes an editor. Ask an administrator to be one."
    assert set(orders(service)) == before


def test_a_job_that_is_none_of_its_kind_moves_nothing(visit: Open, service: InferenceService) -> None:
    page = visit(SOON)
    page.look()
    page.memory["job"] = "0" * 24
    assert page.look()["again"] is None
    assert "does not exist" in said(page)
    page.look(("attack-method", "pgd l2"), ("drawer", "models"))
    page.follow("models")
    (other,) = (j.id for j in service.jobs.all() if isinstance(service.jobs.request(j.id), PerturbationsRequest))
    page.look(("attack-method", "physical"))
    page.memory["job"] = other
    page.drawn["physical"] = f"me {other}"
    assert page.look()["again"] is None
    assert service.jobs.status(other).state is not JobState.CANCELLED
    assert scene_of(page) == START


def test_a_snapshot_starts_nothing(visit: Open, service: InferenceService) -> None:
    """What is kept of a page under attack holds its scene, its options and the way back, and no job."""
    page = visit(NEVER)
    running(page, service)
    explore = next(sys.modules[one["module"]] for one in dash.page_registry.values() if one["path"] == "/").PAGE_PARTS
    with page.client.application.test_request_context("/"):
        state, _ = explore.read(page.values, page.memory)
        kept = explore.lasting(state)
    assert (state.attack.physical.job is None, kept.attack.physical.job) == (False, None)
    assert (kept.scene, kept.attack.physical.start) == (state.scene, state.attack.physical.start)
