"""The Test page without a browser: two scenes, an order, its result, files, and what is kept."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from callback_requests import props_of
from flask.testing import FlaskClient
from session_visits import send, spec_with

from app import create_app
from perturber import chromium
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.export.claim_report import report_html, report_pdf
from perturber.objects import Store
from perturber.service import InferenceService
from perturber.sessions import Sessions
from perturber.ui.components.claim import FIELDS
from perturber.ui.states.claim import ClaimState, link_to
from perturber.ui.states.page import parse_query

B = "texture_influence=0"
QUERY = ClaimState(b=B, views=5, models=("efficientnet_lite0",)).query()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("test-page"))) as made:
        yield made


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


def built(client: FlaskClient, query: str, triggered: str = "test-views.value", **changes: Any) -> dict[str, Any]:
    """What the callback of the fields answers; ``test-`` is left out of the names."""
    state = ClaimState.from_query(parse_query(query))[0]
    values = {f"test-{name}.value": getattr(state, name) for name in FIELDS}
    values = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
    values |= {"test-facts.data": {"query": query, "memory": {}}}
    values |= {f"test-{name.replace('__', '.')}": value for name, value in changes.items()}
    answer = send(client, spec_with(client, "test-models", "value"), values, triggered)
    assert answer.status_code == 200, answer.get_json()
    return {key.removeprefix("test-"): value for key, value in props_of(answer).items()}


def ran(client: FlaskClient, triggered: str, query: str = QUERY, job: Any = None) -> dict[str, Any]:
    values = {triggered: 1, "test-facts.data": {"query": query, "memory": {}}, "test-job.data": job}
    answer = send(client, spec_with(client, "test-run"), values, triggered)
    assert answer.status_code == 200, answer.get_json()
    return {key.removeprefix("test-"): value for key, value in props_of(answer).items()}


@pytest.fixture(scope="module")
def job(client: FlaskClient, service: InferenceService) -> str:
    started = ran(client, "test-run.n_clicks")
    name = started["job"]["data"]
    service.wait(name)
    return str(name)


def words(found: object) -> str:
    return json.dumps(found, ensure_ascii=False)


def test_fields_make_the_state_and_an_estimate(client: FlaskClient) -> None:
    found = built(client, QUERY, **{"views__value": 7})
    assert "views=7" in found["facts"]["data"]["query"]
    assert found["address"]["data"] == f"/test?{found['facts']['data']['query']}"
    assert "7 pairs, 14 pictures × 1 networks: about" in found["estimate"]["children"]
    assert "| Texture Influence | 1 | 0 |" in words(found["scenes"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"views__value": None}, "Views cannot be empty"),
        ({"views__value": 4}, "too few to be tested"),
        ({"views__value": 10**400}, "Views cannot be"),
        ({"models__value": []}, "at least"),
        ({"seeds__value": "1;2"}, "Seeds cannot be"),
        ({"objects__value": ["nothing:1"]}, "nothing"),
        ({"models__value": "x"}, "not one that a page"),
        ({"wanted__value": "n00000000"}, "no class that stands for"),
        ({"pictures__value": 20}, "Texture Influence, which pictures of a folder do not have"),
    ],
)
def test_what_cannot_be_is_said_beside_the_scenes(client: FlaskClient, changes: dict[str, Any], said: str) -> None:
    assert said in built(client, QUERY, **changes)["said"]["children"]


def test_another_a(client: FlaskClient) -> None:
    taken = built(
        client, QUERY, "test-take.n_clicks", **{"take__n_clicks": 1, "link__value": "http://x/?yaw=12&m1=nothing"}
    )
    assert parse_query(taken["facts"]["data"]["query"])["a"] == "yaw=12"
    wrong = built(client, QUERY, "test-take.n_clicks", **{"take__n_clicks": 1, "link__value": "/help"})
    assert "shows no scene" in wrong["said"]["children"]
    swapped = built(client, QUERY, "test-swap.n_clicks", **{"swap__n_clicks": 1})
    assert parse_query(swapped["facts"]["data"]["query"])["a"] == B


def test_from_explore_and_from_two_snapshots() -> None:
    state, problems = ClaimState.from_query(parse_query(link_to(f"{B}&m1=x&m2=y&yaw=3").partition("?")[2]))
    assert not problems
    assert (state.a, state.models, len(state.objects), len(state.backgrounds)) == ("", ("x", "y"), 4, 4)
    state, _ = ClaimState.from_query(parse_query(link_to("yaw=3", "yaw=5").partition("?")[2]))
    assert (state.a, state.b) == ("yaw=5", "yaw=3")


def test_what_is_left_out_is_said(client: FlaskClient) -> None:
    attack = "attack=pgd(l2=1,steps=2;efficientnet_lite0)"
    query = link_to(f"yaw=3&{attack}").partition("?")[2]
    state, problems = ClaimState.from_query(parse_query(query))
    assert not problems
    assert state.scene("b").yaw == 3
    said = "The attack on B is left out: a test is of scenes only."
    assert said in words(built(client, query)["scenes"])
    assert "left out" not in words(built(client, QUERY)["scenes"])
    taken = built(client, query, "test-take.n_clicks", **{"take__n_clicks": 1, "link__value": f"/?yaw=5&{attack}"})
    assert said.replace("on B", "on A and B") in words(taken["scenes"])
    assert replace(state, b="yaw=3").claim() == state.claim()  # which the job is found by


def test_an_uploaded_background_is_used_or_said_to_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path))
    own = Store(tmp_path).add_picture(np.full((64, 64, 3), 90, np.uint8), label="Wall")
    state = ClaimState(a=f"background={own}", b=f"background={own}&yaw=3")
    assert state.left_out() == []
    listed = replace(state, backgrounds=("meadow",))
    (said,) = listed.left_out()
    assert said == "The uploaded picture behind A and B is left out: the test is over the backgrounds below."
    assert replace(listed, backgrounds=("meadow", own)).left_out() == []
    assert replace(listed, b="yaw=3").left_out() == []  # they differ in it


def test_a_result_is_shown_once_it_is_there(client: FlaskClient, job: str) -> None:
    found = ran(client, "test-interval.n_intervals", job=job)
    assert "when Texture Influence goes from 1 to 0." in words(found["result"])
    assert (found["interval"]["disabled"], found["tools"]["hidden"]) == (True, False)
    again = ran(client, "test-facts.data")  # a link to what was done
    assert again["job"]["data"] == job
    other = ran(client, "test-facts.data", QUERY.replace("b=", "seed=4&b="))
    assert other["job"]["data"] is None
    assert "Nothing is tested yet" in words(other["result"])
    for odd in ("nothing", None, 3, {"a": 1}):
        assert ran(client, "test-interval.n_intervals", job=odd)["wrong"]["children"]


def downloaded(client: FlaskClient, kind: str, job: object) -> dict[str, Any]:
    trigger = f"test-{kind}.n_clicks"
    answer = send(client, spec_with(client, "test-csv"), {"test-job.data": job, trigger: 1}, trigger)
    return props_of(answer)


def test_files(client: FlaskClient, job: str) -> None:
    csv = downloaded(client, "csv", job)["test-download"]["data"]
    assert csv["filename"] == "test-texture-influence.csv"
    assert csv["content"].count("\n") == 6
    told = json.loads(downloaded(client, "json", job)["test-download"]["data"]["content"])
    assert told["differs"] == ["texture_influence"]
    report = downloaded(client, "html", job)["test-download"]["data"]
    html = base64.b64decode(report["content"]).decode()
    assert told["sentence"] in html
    assert told["networks"][0]["fingerprint"] in html
    assert html.count('<img src="data:image/png') == 2 + 2 * 2 * 2
    assert "http://" not in html.partition("<script")[0]
    assert downloaded(client, "csv", "nothing")["test-done"]["children"].endswith(".")


def test_text_of_users_is_escaped_in_a_report(client: FlaskClient, service: InferenceService, job: str) -> None:
    found = service.jobs.product(job)
    odd = replace(found, labels={"efficientnet_lite0": "<script>alert(1)</script>"}, wanted="<b>&", notes=("<i>",))
    html = report_html(odd, ("data:,", "data:,"), {"<u>": []}, link='"><x>').decode()
    for sign in ("<script>alert(1)", "<b>&,", "<i>", "<u>", "<x>"):
        assert sign not in html


def test_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    if chromium.find():
        assert report_pdf(b"<!doctype html><p>Hello").startswith(b"%PDF")
    monkeypatch.setattr(chromium, "NAMES", ())
    with pytest.raises(InvalidInputError, match="no Chromium"):
        report_pdf(b"")


def kept(client: FlaskClient, job: object, session: object, name: object = "Texture") -> str:
    values = {"test-keep.n_clicks": 1, "test-name.value": name, "test-job.data": job, "session.data": session}
    answer = send(client, spec_with(client, "test-keep"), values, "test-keep.n_clicks")
    return str(next(iter(props_of(answer).values()))["children"])


def test_a_result_is_kept_in_the_session(client: FlaskClient, service: InferenceService, job: str) -> None:
    sessions = Sessions(service.settings.data)
    session = sessions.create("s")
    assert "Open a session first" in kept(client, job, None)
    assert "Kept as “Texture” in s." in kept(client, job, {"id": session, "name": "s"})
    (test,) = sessions.tests(session)
    assert ClaimState.from_query(parse_query(test.value["query"]))[0].query() == QUERY
    assert "no result" in kept(client, {"odd": 1}, {"id": session})


def test_the_page_stands_under_its_link_and_in_no_navigation(client: FlaskClient) -> None:
    assert client.get(f"/test?{QUERY}").status_code == 200
    assert '"link-test"' not in words(client.get("/_dash-layout").get_json())


def test_a_folder_is_never_named_by_a_page(client: FlaskClient, tmp_path: Path) -> None:
    found = built(client, QUERY.replace("texture_influence%3D0", "saturation%3D0") + "&pictures=9")
    assert "PERTURBER_EXAMPLES" in found["said"]["children"]
    assert str(tmp_path) not in words(found)
