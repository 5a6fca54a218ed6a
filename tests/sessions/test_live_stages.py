"""Who presents, who follows, and what they are told."""

import json
import threading
import time
from typing import Any

import pytest

from perturber.errors import InvalidInputError, NotAllowedError
from perturber.sessions import live
from perturber.sessions.live import Live, Roster

SESSION, OTHER = "0123456789abcdef", "fedcba9876543210"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stages(clock: Clock) -> Live:
    return Live(clock)


def tell(stages: Live, token: str = "ada's", visit: str = "v1", *, query: str = "yaw=1", **props: Any) -> None:
    told = [{"id": id_, "props": values} for id_, values in props.items()]
    stages.publish(SESSION, token, visit, "/", told, {"query": query})


def heard(stages: Live, token: str, *, page: str = "/", **asked: Any) -> tuple[str, str] | str | None:
    return stages.hear(SESSION, token, "", page=page, wait=0.0, **asked)


def roster(stages: Live, token: str, name: str = "", **asked: Any) -> Roster:
    found = stages.roster(SESSION, token, name, **asked)
    assert found is not None
    return found


def shown(stages: Live, token: str, seen: int = 0) -> dict[str, Any]:
    news = heard(stages, token, seen=seen)
    assert isinstance(news, str)
    return json.loads(news)


def test_who_presents_and_who_follows_is_known_to_all(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    found = roster(stages, "eve's", name="eve")
    assert (found.presents, found.away, found.presenter, found.gone) == (False, False, "ada", False)
    assert found.followers == (live.Follower(2, "eve", False),)
    assert [one.name for one in roster(stages, "x").followers] == ["eve", "Visitor 1"]
    assert [one.name for one in roster(stages, "another of eve's", name="eve").followers][-1] == "eve 2"
    assert roster(stages, "ada's").presents
    assert stages.presenter(SESSION) == "ada"
    assert stages.presenter(OTHER) is None


def test_nothing_is_said_twice(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    found = roster(stages, "eve's")
    assert stages.roster(SESSION, "eve's", "", known=found.number) is None
    assert heard(stages, "eve's") is None
    tell(stages, a={"x": 1})
    first = shown(stages, "eve's")
    assert heard(stages, "eve's", seen=first["seen"]) is None
    assert stages.roster(SESSION, "eve's", "", known=found.number) is None


def test_followers_get_what_they_have_not_seen_in_the_order_in_which_it_was_told(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    tell(stages, a={"x": 1, "y": 2}, b={"x": 3})
    first = shown(stages, "eve's")
    tell(stages, a={"x": 4}, query="yaw=2")
    tell(stages, b={"x": 5}, c={"x": 6}, query="yaw=3")
    after = shown(stages, "eve's", first["seen"])
    assert (after["query"], after["props"]) == (
        "yaw=3",
        [{"id": "a", "props": {"x": 4}}, {"id": "b", "props": {"x": 5}}, {"id": "c", "props": {"x": 6}}],
    )
    late = [{"id": "a", "props": {"y": 2, "x": 4}}, *after["props"][1:]]
    assert shown(stages, "who comes late")["props"] == late
    assert shown(stages, "eve's", seen=12345) == shown(stages, "who comes late")  # a number of another server's run


def test_what_was_not_looked_at_comes_with_the_next_state(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    stages.publish(SESSION, "ada's", "v1", "/", [{"id": "a", "props": {"x": 1}}], {})
    assert heard(stages, "eve's") is None
    assert stages.begins(SESSION, "ada's", "v1")
    tell(stages, b={"x": 2})
    assert [one["id"] for one in shown(stages, "eve's")["props"]] == ["a", "b"]
    assert not stages.begins(SESSION, "ada's", "v1")


def test_another_visit_begins_anew(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    tell(stages, a={"x": 1})
    seen = shown(stages, "eve's")["seen"]
    assert stages.begins(SESSION, "ada's", "v2")
    tell(stages, visit="v2", b={"x": 1})
    assert shown(stages, "eve's", seen)["props"] == [{"id": "b", "props": {"x": 1}}]


def test_followers_are_led_to_the_presenters_page(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    tell(stages)
    assert heard(stages, "eve's", page="/compare") == stages.place(SESSION) == ("/", "?yaw=1")
    assert stages.place(OTHER) is None


def test_what_takes_its_time_is_told_of_the_present_visit_alone(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    tell(stages, a={"x": 1})
    assert stages.follows(SESSION, "ada's", "v1") is None
    stages.add(SESSION, "ada's", "v1", [{"id": "figure", "props": {"figure": {}}}], {"figure": "f"})
    assert stages.follows(SESSION, "ada's", "v1") == {"figure": "f"}
    assert [one["id"] for one in shown(stages, "eve's")["props"]] == ["a", "figure"]
    stages.add(SESSION, "ada's", "v0", [{"id": "old", "props": {"x": 1}}], {})
    assert [one["id"] for one in shown(stages, "eve's")["props"]] == ["a", "figure"]


@pytest.mark.parametrize("token", ["eve's", "nobody's", ""])
def test_only_the_presenter_tells_anything(stages: Live, token: str) -> None:
    stages.present(SESSION, "ada's", "ada")
    tell(stages, a={"x": 1})
    heard(stages, "eve's")
    tell(stages, token, a={"x": 2})
    stages.add(SESSION, token, "v1", [{"id": "a", "props": {"x": 2}}], {})
    assert not stages.presents(SESSION, token)
    assert not stages.begins(SESSION, token, "v1")
    assert stages.follows(SESSION, token, "v1") is None
    with pytest.raises(NotAllowedError, match="do not present"):
        stages.hand_over(SESSION, token, 2)
    assert shown(stages, "eve's")["props"] == [{"id": "a", "props": {"x": 1}}]


def test_handing_over(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    tell(stages, a={"x": 1})
    (eve,) = roster(stages, "eve's", name="eve", away=True).followers
    with pytest.raises(InvalidInputError, match="has left"):
        stages.hand_over(SESSION, "ada's", eve.number + 1)
    with pytest.raises(InvalidInputError, match="has left"):
        stages.hand_over(SESSION, "ada's", 1)  # herself
    stages.hand_over(SESSION, "ada's", eve.number)
    assert roster(stages, "eve's").presents
    assert heard(stages, "eve's") is None
    assert stages.begins(SESSION, "eve's", "v1")
    tell(stages, "ada's", a={"x": 2})
    tell(stages, "eve's", b={"x": 3})
    assert not roster(stages, "ada's").presents
    assert shown(stages, "ada's")["props"] == [{"id": "b", "props": {"x": 3}}]


def test_who_is_away_is_known(stages: Live) -> None:
    stages.present(SESSION, "ada's", "ada")
    assert roster(stages, "eve's", away=True).away
    assert roster(stages, "ada's").followers[0].away
    heard(stages, "eve's")
    assert not roster(stages, "ada's").followers[0].away


def test_who_does_not_ask_any_more_is_gone(stages: Live, clock: Clock) -> None:
    stages.present(SESSION, "ada's", "ada")
    for token in ("eve's", "bob's"):
        heard(stages, token)
    clock.now += live.GONE_SECONDS - 1
    heard(stages, "eve's")
    clock.now += 2
    found = roster(stages, "eve's")
    assert (found.gone, found.presenter, [one.name for one in found.followers]) == (True, "ada", ["Visitor 1"])
    assert not roster(stages, "ada's").gone
    stages.leave(SESSION, "ada's")
    assert roster(stages, "eve's").presenter is None
    stages.leave(SESSION, "eve's")
    assert stages._stages == {}


def test_there_is_room_for_so_many_and_no_more(stages: Live, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_SEATS", 3)
    monkeypatch.setattr(live, "MAX_STAGES", 2)
    stages.present(SESSION, "ada's", "ada")
    stages.present(OTHER, "ed's", "ed")
    with pytest.raises(NotAllowedError, match="2 sessions are presented"):
        stages.present("0" * 16, "x", "x")
    for token in ("a", "b"):
        heard(stages, token)
    with pytest.raises(NotAllowedError, match="3 tabs are in this"):
        heard(stages, "c")
    clock.now += live.FORGOTTEN_SECONDS + 1
    stages.present("0" * 16, "x", "x")
    assert list(stages._stages) == ["0" * 16]


def test_whoever_waits_where_nobody_presents_takes_no_room(stages: Live) -> None:
    found = roster(stages, "eve's")
    assert (found.presents, found.presenter, found.followers) == (False, None, ())
    assert stages.roster(SESSION, "eve's", "", known=found.number) is None
    assert heard(stages, "eve's") is None
    assert stages._stages == {}
    stages.present(SESSION, "ada's", "ada")
    assert roster(stages, "eve's", known=found.number).presenter == "ada"


def test_a_question_waits_for_news_where_not_too_many_do(stages: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    stages.present(SESSION, "ada's", "ada")
    found: list[Any] = []

    def ask() -> None:
        found.append(stages.hear(SESSION, "eve's", "", page="/", wait=30.0))

    waiting = threading.Thread(target=ask)
    waiting.start()
    while not stages._waiting:
        time.sleep(0.001)
    monkeypatch.setattr(live, "WAITING", 1)
    assert stages.hear(SESSION, "bob's", "", page="/", wait=30.0) is None  # at once
    tell(stages, a={"x": 1})
    waiting.join(10)
    assert '"x":1' in found[0]
    assert stages._waiting == 0


def test_what_many_ask_for_is_written_once(stages: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    write = live.to_json_plotly
    monkeypatch.setattr(live, "to_json_plotly", lambda value: written.append(value) or write(value))
    stages.present(SESSION, "ada's", "ada")
    tell(stages, a={"x": "value"})
    assert written == []  # as long as nobody follows
    texts = [heard(stages, f"{n}") for n in range(10)]
    assert all(text is texts[0] for text in texts)
    assert written.count("value") == 1
