"""What is presented on a page is what those who follow are told: all of it, and for no inference of their own."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from callback_requests import ask, props_of, spec_of, text_of, value
from explore_visit import Visit
from flask.testing import FlaskClient

from app import create_app
from perturber.service import InferenceService
from perturber.sessions import Sessions
from perturber.sessions.live import Live
from perturber.ui.live import live
from perturber.users import Role, User, acting

QUERY = "m1=efficientnet_lite0&l1=blocks.3.0&c1=0,1,2&m2=efficientnet_lite0&l2=blocks.2.0&c2=4&cards=none"
ADA, ED, VERA = User("ada", Role.EDITOR), User("ed", Role.EDITOR), User("vera", Role.VIEWER)

BEAT = ("live-beat.n_intervals", "live-seat.data", "session.data", "_pages_location.hash")
"""What the bar's callback hears."""

As = Callable[[User], None]


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def session(service: InferenceService) -> str:
    """A session of Ada's."""
    with acting(ADA):
        return Sessions(service.settings.data).create("Dogs at night")


@pytest.fixture
def asks_as(monkeypatch: pytest.MonkeyPatch) -> As:
    """Whoever asks from now on."""

    def ask_as(user: User) -> None:
        monkeypatch.setattr("perturber.ui.accounts._who", lambda: user)
        monkeypatch.setattr("perturber.ui.callbacks.live._name", lambda: user.name)

    return ask_as


@pytest.fixture
def looks(service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the engine was asked."""
    asked: list[Any] = []
    (engine,) = [service.dispatcher.engine]
    answer = engine.answer
    monkeypatch.setattr(engine, "answer", lambda requests: asked.extend(requests) or answer(requests))
    return asked


def present(client: FlaskClient, session: str) -> dict[str, Any]:
    """The seat of a tab whose button Present was pressed."""
    spec = spec_of(client, "live-present.n_clicks")
    found = props_of(ask(client, spec, [1], [{"id": session, "name": "Dogs at night"}]))
    assert "live-seat" in found, found
    return found["live-seat"]["data"]


class Tab:
    """A tab in a live session: its seat, what its bar shows, and what its page's components do if it follows."""

    def __init__(self, client: FlaskClient, session: str, seat: dict[str, Any] | None = None) -> None:
        self.client, self.seat = client, dict(seat or {"session": session, "token": f"a tab's {id(self)}"})
        self.known = self.seen = 0
        self.properties: dict[str, dict[str, Any]] = {}
        self.bar: dict[str, dict[str, Any]] = {}
        self.told: dict[str, Any] = {}

    def beat(self, path: str = "/") -> dict[str, Any]:
        """What the bar's callback sets."""
        spec = spec_of(self.client, *BEAT)
        props = props_of(ask(self.client, spec, [1, self.seat, None, ""], [self.known, path]))
        self.bar |= props
        self.known = props.get("live-known", {}).get("data", self.known)
        self.seat = props.get("live-seat", {}).get("data", self.seat)
        return props

    def hear(self, page: str = "/") -> dict[str, Any]:
        """What its page is answered."""
        response = self.client.post("/live", json={**self.seat, "page": page, "seen": self.seen})
        assert response.status_code == 200, response.text
        told = response.get_json()
        for one in told["props"]:
            self.properties.setdefault(text_of(one["id"]), {}).update(one["props"])
        if told["looked"]:
            self.told, self.seen = told, told["seen"]
        return told


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for news."""
    monkeypatch.setitem(Live.hear.__kwdefaults__, "wait", 0.0)


def full(client: FlaskClient, page: Visit) -> Visit:
    """The same state on a page that was just opened and knows of nothing."""
    fresh = Visit(client, page.query)
    fresh.memory = page.memory
    fresh.look()
    return fresh


def test_followers_see_what_the_presenters_page_shows(
    client: FlaskClient, session: str, looks: list[Any], asks_as: As
) -> None:
    asks_as(ADA)
    seat = present(client, session)
    page = Visit(client, QUERY)
    page.look(seat=seat, scene={"yaw": 11})
    asks_as(VERA)
    tabs = [Tab(client, session) for _ in range(10)]
    for tab in tabs:
        tab.hear()
    asks_as(ADA)
    page.look(("layer", "blocks.4.1", 0), seat=seat, scene={"yaw": 12})
    page.look(seat=seat, scene={"yaw": 13, "hue": 0.2})
    for tab in tabs:
        assert tab.hear()["looked"]
        assert not tab.hear()["looked"]
    assert len(looks) == 3  # one for each state, whoever follows
    wanted = full(client, page)
    assert len(looks) == 3  # it was kept
    for tab in tabs:
        assert (tab.told["query"], tab.told["memory"]) == (page.query, page.memory)
        assert (tab.told["scene"]["yaw"], tab.told["scene"]["hue"]) == (13, 0.2)
        assert tab.told["drawn"] == page.drawn
        for id_, props in page.properties.items():
            assert props.items() <= tab.properties[id_].items(), id_
        for id_, props in wanted.properties.items():
            for name in props.keys() - {"figure"}:  # its scale is that of its first values, whose place others take
                assert id_ == "explore-status" or tab.properties[id_][name] == props[name], (id_, name)
    controls = [id_ for id_ in tabs[0].properties if '"control"' in id_]
    assert len(controls) > 40  # all, whatever a follower's page has shown before
    assert tabs[0].properties[text_of({"page": "explore", "control": "layer", "slot": 0})]["value"] == "blocks.4.1"
    tabs[0].beat()
    assert tabs[0].bar["live-words"]["children"] == "Following ada"


def test_comparing_is_done_once_as_well(
    client: FlaskClient, session: str, looks: list[Any], asks_as: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[Any] = []
    compare = InferenceService.compare
    monkeypatch.setattr(InferenceService, "compare", lambda self, asked: compared.append(asked) or compare(self, asked))
    asks_as(ADA)
    seat = present(client, session)
    spec = spec_of(client, "compare-panel.request")
    sent = {"query": "m1=efficientnet_lite0&m2=efficientnet_lite0", "memory": {}, "scene": {}, "changes": []}
    answer = props_of(ask(client, spec, [{**sent, "drawn": {}, "client": "c", "sequence": 1, "seat": seat}]))
    tabs = [Tab(client, session) for _ in range(3)]
    for tab in tabs:
        (place,) = tab.hear(page="/")["props"]
        assert (place["id"], place["props"]["pathname"]) == ("_pages_location", "/compare")
        assert tab.beat(path="/help")["_pages_location"] == place["props"]
        tab.hear(page="/compare")
        for one in answer["compare-panel"]["answer"]["props"]:
            assert one["props"].items() <= tab.properties[text_of(one["id"])].items()
    assert len(compared) == 1


def test_what_takes_its_time_is_followed_for_all(client: FlaskClient, session: str, asks_as: As) -> None:
    asks_as(ADA)
    seat = present(client, session)
    page = Visit(client, f"{QUERY}&summary=true")
    page.look(seat=seat)
    settled = {"query": page.query, "memory": page.memory, "records": page.records, "client": "me", "sequence": 1}
    page_settled = value("explore-settled", "data", {**settled, "seat": seat})
    tab = Tab(client, session)
    tab.hear()
    output = "..explore-followed.data...explore-interval.disabled.."
    inputs = [value("explore-interval", "n_intervals", 1), page_settled, [], []]
    state = [[], [], [], value("explore-followed", "data", {}), page.facts]
    found = props_of(page.ask(output, inputs, state, "explore-settled.data"))
    tab.hear()
    shown = {id_: props for id_, props in found.items() if id_ not in ("explore-interval", "explore-followed")}
    assert "explore-figure" in shown
    for id_, props in shown.items():
        assert props.items() <= tab.properties[id_].items()
    assert tab.properties["explore-followed"]["data"] == found["explore-followed"]["data"]
    # The page of one who follows asks for none of it
    inputs[1] = value("explore-settled", "data", {**settled, "seat": {**tab.seat, "presents": False}})
    found = props_of(page.ask(output, inputs, state, "explore-settled.data"))
    assert found.keys() == {"explore-interval", "explore-followed"}
    # unless one of its buttons is pressed, with which it breaks away
    inputs[2] = [value({"page": "explore", "order": "clear", "slot": ""}, "n_clicks", 1)]
    found = props_of(page.ask(output, inputs, state, f"{text_of(inputs[2][0]['id'])}.n_clicks"))
    assert found["live-seat"]["data"]["away"]
    inputs[1] = value("explore-settled", "data", {**settled, "seat": found["live-seat"]["data"]})
    inputs[2] = []
    found = props_of(page.ask(output, inputs, state, "explore-settled.data"))
    assert "explore-figure" in found  # away, it asks for itself


def test_who_may_present(client: FlaskClient, session: str, asks_as: As) -> None:
    spec = spec_of(client, "live-present.n_clicks")
    opened = [{"id": session, "name": "Dogs at night"}]
    for user in (ED, VERA):
        asks_as(user)
        assert "belongs to ada" in props_of(ask(client, spec, [1], opened))["notice"]["children"]
    asks_as(User("boss", Role.ADMIN))
    assert props_of(ask(client, spec, [1], opened))["live-seat"]["data"]["presents"]
    nowhere = [{"id": "0" * 16, "name": ""}]
    assert "no session" in props_of(ask(client, spec, [1], nowhere))["notice"]["children"]
    assert props_of(ask(client, spec, [0], opened)) == {}


def test_a_presenter_may_hand_over_to_whoever_follows(client: FlaskClient, session: str, asks_as: As) -> None:
    asks_as(ADA)
    mine = Tab(client, session, present(client, session))
    asks_as(VERA)
    hers = Tab(client, session)
    hers.beat()
    asks_as(ADA)
    mine.beat()
    assert mine.bar["live-words"]["children"] == "Presenting to vera"
    (option,) = mine.bar["live-to"]["options"]
    spec = spec_of(client, "live-to.value")
    told = props_of(ask(client, spec, [option["value"]], [hers.seat]))
    assert "do not present" in told["notice"]["children"]  # she cannot take it
    ask(client, spec, [option["value"]], [mine.seat])
    mine.beat()
    asks_as(VERA)
    hers.beat()
    assert (mine.seat["presents"], hers.seat["presents"]) == (False, True)
    page = Visit(client, QUERY)
    page.look(seat=hers.seat)
    asks_as(ADA)
    mine.hear()
    assert mine.told["query"] == page.query
    assert mine.bar["live-words"]["children"] == "Following vera"


def test_breaking_away_coming_back_and_leaving(client: FlaskClient, session: str, asks_as: As) -> None:
    asks_as(ADA)
    mine = Tab(client, session, present(client, session))
    tab = Tab(client, session)
    spec = spec_of(client, "live-follow.n_clicks", "live-away.n_clicks")
    opened = {"id": session, "name": "Dogs at night"}
    tab.seat = props_of(ask(client, spec, [1, 0], [None, opened]))["live-seat"]["data"]
    for number, away in ((1, True), (0, False)):
        tab.seat = props_of(ask(client, spec, [1, 1], [tab.seat, opened], triggered=number))["live-seat"]["data"]
        tab.beat()
        mine.beat()
        assert (tab.seat["away"], "(away)" in mine.bar["live-words"]["children"]) == (away, away)
        assert tab.bar["live-away"]["hidden"] == away
        assert tab.bar["live-follow"]["hidden"] == (not away)
    stop = spec_of(client, "live-stop.n_clicks")
    for one in (mine, tab):
        assert props_of(ask(client, stop, [1], [one.seat]))["live-seat"]["data"] is None
    with client.application.app_context():
        assert live().presenter(session) is None


def test_who_has_a_session_open_may_present_or_follow_it(client: FlaskClient, session: str, asks_as: As) -> None:
    asks_as(ADA)
    spec = spec_of(client, *BEAT)
    opened = {"id": session, "name": "Dogs at night"}

    def bar(opened: Any) -> dict[str, Any]:
        return props_of(ask(client, spec, [None, None, opened, ""], [0, "/"], triggered=2))

    assert bar(None)["live-bar"]["hidden"]
    assert [bar(opened)[f"live-{name}"]["hidden"] for name in ("present", "follow", "stop")] == [False, True, True]
    present(client, session)
    assert bar(opened)["live-follow"] == {"hidden": False, "children": "Follow ada"}
    assert bar(opened)["live-beat"] == {"disabled": True}


def test_after_a_restart_its_owner_presents_again(service: InferenceService, session: str, asks_as: As) -> None:
    """The tabs have their seats still; who has no right to the session does not get it by that."""
    asks_as(ADA)
    seat = present(create_app(service=service).server.test_client(), session)
    anew = create_app(service=service).server.test_client()
    asks_as(ED)
    thief = Tab(anew, session, {"session": session, "token": "t", "presents": True})
    follower = Tab(anew, session)
    for tab in (thief, follower):
        tab.beat()
    assert not thief.seat["presents"]
    assert "Nobody presents" in follower.bar["live-words"]["children"]
    asks_as(ADA)
    mine = Tab(anew, session, seat)
    mine.beat()
    assert mine.seat == {**seat, "again": 1}  # another one, so that its page tells all that it shows
    asks_as(ED)
    follower.beat()
    assert follower.bar["live-words"]["children"] == "Following ada"


def test_a_link_leads_to_the_presenters_page(client: FlaskClient, session: str, asks_as: As) -> None:
    asks_as(ADA)
    assert client.get(f"/live/{session}").location == f"/#follow={session}"
    Visit(client, QUERY).look(seat=present(client, session), scene={"yaw": 33})
    asks_as(VERA)
    location = client.get(f"/live/{session}").location
    assert location.startswith("/?yaw=33&")
    assert location.endswith(f"#follow={session}")
    spec = spec_of(client, *BEAT)
    come = [None, None, None, f"#follow={session}"]
    seat = props_of(ask(client, spec, come, [0, "/"], triggered=3))["live-seat"]["data"]
    assert (seat["session"], seat["presents"], len(seat["token"])) == (session, False, 43)
    come[1] = seat
    assert "live-seat" not in props_of(ask(client, spec, come, [0, "/"], triggered=3))  # it is there already
    come[3] = "#follow=../x"
    assert "not one that a page" in props_of(ask(client, spec, come, [0, "/"], triggered=3))["notice"]["children"]
    for nothing in ("0" * 16, "..", "%00"):
        assert client.get(f"/live/{nothing}").status_code in (400, 404, 308)


@pytest.mark.parametrize(
    "sent",
    [
        None,
        [],
        {},
        {"session": "../../x", "page": "/"},
        {"session": "0" * 17, "page": "/"},
        {"session": "0" * 16, "page": "/", "token": "x" * 65},
        {"session": "0" * 16, "page": "/", "seen": "now"},
        {"session": "0" * 16, "page": "/" * 101},
        {"session": "0" * 16, "page": "/", "more": 1},
    ],
)
def test_other_questions_are_refused(client: FlaskClient, sent: Any) -> None:
    response = client.post("/live", data=json.dumps(sent), content_type="application/json")
    assert response.status_code == 400
    assert "not one that a page of this app would send" in response.get_json()["error"]


def test_other_sites_ask_in_vain(client: FlaskClient) -> None:
    body = {"session": "0" * 16}
    assert client.post("/live", json=body, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/live", data=json.dumps(body), content_type="text/plain").status_code == 415


def test_a_made_up_seat_publishes_nothing(client: FlaskClient, session: str, asks_as: As) -> None:
    asks_as(ADA)
    page = Visit(client, QUERY)
    page.look(seat=present(client, session))
    tab = Tab(client, session)
    tab.hear()
    for token in (tab.seat["token"], "", "x" * 43):
        answer = page.look(seat={"session": session, "token": token, "presents": True}, scene={"yaw": 99})
        assert answer["looked"]
    assert not tab.hear()["looked"]
