"""Slopes and flips in Explore without a browser: ordered at rest, ended as the scene moves on, else a sentence."""

import time
from collections.abc import Callable, Iterator

import pytest
from explore_visit import Visit
from flask.testing import FlaskClient

from app import create_app
from perturber.experiments.slopes import sliding
from perturber.service import InferenceService, JobState
from perturber.service.works.slopes import FlipsRequest, SlopesRequest

LINK = "a1=0&h2=1&cards=none"
ON = ("slopes", ["slopes"])

Open = Callable[[str], Visit]


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    client = create_app(service=service).server.test_client()
    client.get("/_dash-dependencies")
    return client


@pytest.fixture
def visit(client: FlaskClient) -> Iterator[Open]:
    opened: list[Visit] = []

    def open_(query: str = LINK) -> Visit:
        opened.append(Visit(client, query))
        return opened[-1]

    yield open_
    for one in opened:
        one.look(("slopes", []))  # what it has ordered ends with it


def orders(service: InferenceService) -> dict[str, JobState]:
    jobs = service.jobs.all()
    return {j.id: j.state for j in jobs if isinstance(service.jobs.request(j.id), SlopesRequest | FlipsRequest)}


def words(page: Visit) -> str:
    return page.of("slopes")["options"][0]["label"]


def beat_until_bars(page: Visit) -> dict:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        page.follow()
        if rows := page.properties["explore-panel"]["slopes"]:
            return rows
        time.sleep(0.2)
    raise AssertionError(words(page))


def test_once_the_scene_rests_bars_appear_and_they_go_with_it(visit: Open, service: InferenceService) -> None:
    page, before = visit(LINK), set(orders(service))
    page.look()
    page.follow()
    assert set(orders(service)) == before, "it is off"
    page.look(ON)
    assert "slopes=true" in page.query
    assert set(orders(service)) == before, "nothing is ordered before it rests"
    assert "once the scene rests" in words(page)
    page.follow()
    new = set(orders(service)) - before
    assert len(new) == 2
    assert page.running
    rows = beat_until_bars(page)
    assert set(sliding()) <= set(rows)
    bars = [span for own in rows.values() for span in own if span["className"] == "slope"]
    shares = [abs(float(span["style"]["--share"])) for span in bars]
    assert max(shares) == 1
    assert sum(share == 1 for share in shares) <= 0.1 * len(shares) + 1, "most are drawn to scale"
    assert "per °, by central differences" in rows["yaw"][0]["title"]
    assert "by autograd" in rows["contrast"][0]["title"]
    page.look(scene={"yaw": 10})
    assert page.properties["explore-panel"]["slopes"] == {}
    assert all(orders(service)[job].over for job in new), "what is no longer shown is not computed"


def test_what_moves_asks_for_nothing(visit: Open, service: InferenceService) -> None:
    page = visit(LINK)
    page.look(ON)
    before = set(orders(service))
    for yaw in range(3):
        page.look(scene={"yaw": yaw})
    assert set(orders(service)) == before


def test_two_visits_do_not_end_each_other(visit: Open, service: InferenceService) -> None:
    page = visit(LINK)
    page.look(ON, client="one")
    other = visit(LINK)
    other.look(ON, client="two")
    assert page.drawn["slopes"] != other.drawn["slopes"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (f"{LINK}&p1=0", "no shown model predicts"),
        (f"{LINK}&attack=pgd(l2=1,steps=0;efficientnet_lite0)", "an attack is on this picture"),
    ],
)
def test_why_there_are_none(visit: Open, service: InferenceService, query: str, sentence: str) -> None:
    page, before = visit(query), set(orders(service))
    page.look(ON)
    page.follow()
    assert sentence in words(page)
    assert set(orders(service)) == before


def test_switched_off_nothing_stays(visit: Open) -> None:
    page = visit(LINK)
    page.look(ON)
    page.follow()
    page.look(("slopes", []))
    page.follow()
    assert page.properties["explore-panel"]["slopes"] == {}
    assert words(page) == "Slopes"
    assert "slopes" not in page.query
