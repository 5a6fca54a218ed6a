"""A page's session: what the server keeps of what is shown, and what comes back of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import numpy as np
import pytest
from callback_requests import props_of, text_of
from explore_visit import Visit
from flask.testing import FlaskClient
from plotly.utils import PlotlyJSONEncoder
from session_visits import Strip, parts, send, spec_with, words

from perturber.errors import StorageError
from perturber.service import InferenceService
from perturber.sessions import NewSnapshot, Sessions, ShortLinks
from perturber.ui.components.session_bar import LONGEST_ADDRESS
from perturber.ui.moments import KEPT
from perturber.users import Role, User

LITE0 = "efficientnet_lite0"
QUERY = f"m1={LITE0}&l1=blocks.3.0&c1=0&h2=1&cards=none"
VERA = User("vera", Role.VIEWER)

Act = Callable[..., Strip]


@pytest.fixture
def visit(client: FlaskClient) -> Visit:
    here = Visit(client, QUERY)
    here.look(scene={"yaw": 30.0})
    return here


def strip_of(visit: Visit) -> Strip:
    known = {f"explore-{part}.data": one["value"] for part, one in (("settled", visit.settled), ("facts", visit.facts))}
    return Strip(visit.client, "explore", **known)


def layout(app: dash.Dash, path: str, query: dict[str, str]) -> Any:
    (page,) = (page for page in dash.page_registry.values() if page["path"] == path)
    with app.server.test_request_context(path):
        return json.loads(json.dumps(page["layout"](**query), cls=PlotlyJSONEncoder))


def facts(app: dash.Dash, path: str, query: dict[str, str]) -> dict[str, Any]:
    """What a page knows as it is opened, and the sentences about its link."""
    made = layout(app, path, query)
    (found,) = (one["props"]["data"] for one in parts(made) if str(one["props"].get("id")).endswith("-facts"))
    (problems,) = (one for one in parts(made) if str(one["props"].get("id")).endswith("-problems"))
    return {**found, "problems": words(problems)}


# ---- snapshots ----------------------------------------------------------------------------------------------------


def test_a_snapshot_is_what_the_service_shows_of_the_pages_state(
    app: dash.Dash, service: InferenceService, sessions: Sessions, visit: Visit
) -> None:
    visit.look(("reference", 1), scene={"yaw": 30.0})
    visit.look(scene={"yaw": -50.0, "hue": 0.2})
    strip = strip_of(visit)
    strip.press("create", name="Fur")
    strip.press("take", comment="from the left")
    (listed,) = sessions.all().sessions
    assert strip.session == {"id": listed.id, "name": "Fur"}
    (one,) = sessions.open(listed.id).strip
    kept = sessions.snapshot(one.id)
    assert (kept.page, kept.query, kept.comment) == ("/", visit.query, "from the left")
    assert kept.memory["reference"] == {"yaw": 30.0}

    with app.server.test_request_context("/"):
        state, problems = KEPT["/"].read(visit.values, kept.memory)
        assert problems == []
        look = service.look(state.request(None))
    np.testing.assert_array_equal(kept.pixels(), look.image)
    (slot,) = kept.predictions
    assert (slot["slot"], slot["model"], slot["layer"], slot["channels"]) == ("Model 1", LITE0, "blocks.3.0", [0])
    assert [(s["index"], s["logit"], s["probability"]) for s in slot["scores"]] == [
        (s.index, s.logit, s.probability) for s in look.slots[0].top or ()
    ]

    opened = facts(app, "/", {"snapshot": str(one.id)})
    assert (opened["query"], opened["memory"], opened["problems"]) == (kept.query, kept.memory, "")


def test_what_belongs_to_one_visit_is_not_kept(app: dash.Dash, sessions: Sessions, visit: Visit) -> None:
    visit.memory = {**visit.memory, "since": 70}
    strip = strip_of(visit)
    strip.press("create", name="x")
    strip.press("take")
    assert sessions.snapshot(sessions.open(strip.session["id"]).strip[0].id).memory["since"] == 0


@pytest.mark.parametrize(
    ("path", "name", "query", "memory", "kept"),
    [
        (
            "/compare",
            "compare",
            f"m1={LITE0}&m2=lite0_adversarial&tab=channels&channels=3,5",
            {"most": [7]},
            {"most": [7]},
        ),
        ("/mixing", "mixing", f"edit=prune({LITE0};blocks.3=0-0.5)&yaw=20", {"clicks": {"undo": 3}}, {"clicks": {}}),
        ("/checkpoints", "checkpoints", "tab=kernels&yaw=5", {"playing": [1.0, None]}, {"playing": [None, None]}),
    ],
)
def test_other_pages_are_kept_as_well(
    app: dash.Dash, client: FlaskClient, sessions: Sessions, path: str, name: str, query: str, memory: Any, kept: Any
) -> None:
    settled = {"query": query, "memory": memory, "client": "me", "sequence": 1}
    strip = Strip(client, name, **{f"{name}-settled.data": settled})
    strip.press("create", name="x")
    strip.press("take")
    (one,) = sessions.open(strip.session["id"]).strip
    snapshot = sessions.snapshot(one.id)
    assert snapshot.page == path
    assert {key: snapshot.memory[key] for key in kept} == kept
    assert len(snapshot.predictions) == 2
    opened = facts(app, path, {"snapshot": str(one.id)})
    assert (opened["query"], opened["memory"], opened["problems"]) == (snapshot.query, snapshot.memory, "")


def test_an_address_may_name_what_is_not_there(
    app: dash.Dash, client: FlaskClient, sessions: Sessions, visit: Visit
) -> None:
    strip = strip_of(visit)
    strip.press("create", name="x")
    strip.press("take")
    (one,) = sessions.open(strip.session["id"]).strip
    assert "state of the page /, and not of /compare" in facts(app, "/compare", {"snapshot": str(one.id)})["problems"]
    for wrong in ("77", "x", "-1", "1e3", "9" * 40):
        assert "There is no snapshot" in facts(app, "/", {"snapshot": wrong})["problems"]
    assert "There is no short link" in facts(app, "/", {"short": "nothing"})["problems"]
    orders = json.dumps({"since": 9, "postponed": [{"control": "group", "slot": 0, "value": "drop:Fur"}]})
    with sessions.database.writing() as connection:  # as a stranger's file may have it
        connection.exec_driver_sql("UPDATE snapshots SET memory = ?", (orders,))
    memory = facts(app, "/", {"snapshot": str(one.id)})["memory"]
    assert (memory["postponed"], memory["since"]) == ([], 0)  # it orders nothing of who opens it
    with sessions.database.writing() as connection:
        connection.exec_driver_sql("UPDATE snapshots SET memory = '{\"surplus\": 1}'")
    opened = facts(app, "/", {"snapshot": str(one.id)})
    assert "cannot be read" in opened["problems"]
    assert opened["query"] == visit.query


def test_the_filmstrip_is_ordered_commented_and_thinned(sessions: Sessions, visit: Visit) -> None:
    strip = strip_of(visit)
    strip.press("create", name="x")
    for comment in ("one", "two", "three"):
        strip.press("take", comment=comment)

    def comments() -> list[str]:
        return [one.comment for one in sessions.open(strip.session["id"]).strip]

    first, second, third = (one.id for one in sessions.open(strip.session["id"]).strip)
    strip.press("later", picked=[first])
    strip.press("earlier", picked=[third])
    assert comments() == ["two", "three", "one"]
    strip.press("earlier", picked=[second])  # which is the first one already
    assert comments() == ["two", "three", "one"]
    strip.press("comment", picked=[third])
    assert strip.memory["edited"] == third
    strip.press("keep", edited="drei")
    assert comments() == ["two", "drei", "one"]
    strip.press("delete", picked=[first, third])
    assert comments() == ["two"]
    strip.press("undo")
    assert comments() == ["two", "drei", "one"]
    assert strip.press("pair", picked=[first, second])["_pages_location"]["href"] == f"/sessions?a={first}&b={second}"
    for act in ("pair", "comment", "earlier", "delete"):
        strip.press(act)
        assert strip.said.startswith("Pick ")


def test_long_filmstrips_are_shown_in_parts(sessions: Sessions, visit: Visit) -> None:
    strip = strip_of(visit)
    strip.press("create", name="x")
    strip.press("take")
    (one,) = sessions.open(strip.session["id"]).strip
    kept = sessions.snapshot(one.id)
    for n in range(29):
        sessions.add(one.session, NewSnapshot.of(page="/", query=f"yaw={n}", picture=kept.pixels(), comment=str(n)))

    def shown() -> list[int]:
        ids = [part["props"]["id"] for part in parts(strip.panel) if isinstance(part["props"].get("id"), dict)]
        return [id_["pick"] for id_ in ids if "pick" in id_]

    every = [snapshot.id for snapshot in sessions.open(one.session).strip]
    strip.press("take")
    every.append(sessions.open(one.session).strip[-1].id)
    assert shown() == every[-12:]
    strip.press("before")
    assert shown() == every[7:19]
    for _ in range(3):
        strip.press("before")
    assert shown() == every[:12]
    assert len(parts(strip.panel)) < 110


def test_sessions_are_chosen_and_remembered(sessions: Sessions, visit: Visit) -> None:
    first, second = sessions.create("first"), sessions.create("second")
    strip = strip_of(visit)
    strip.press("", choice=first)
    assert strip.session == {"id": first, "name": "first"}
    strip.press("", choice=second)
    strip.press("take")
    assert (sessions.open(first).snapshots, sessions.open(second).snapshots) == (0, 1)
    sessions.delete(second)
    strip.press("take")
    assert strip.said == f"There is no session '{second}'. It may have been deleted."


def fold(client: FlaskClient, part: str, **values: Any) -> dict[str, Any]:
    spec = spec_with(client, "explore-session-toggle")
    return props_of(send(client, spec, values, f"explore-{part}-toggle.n_clicks"))


def test_folded_there_is_nothing(client: FlaskClient, sessions: Sessions, visit: Visit) -> None:
    known = {"explore-settled.data": visit.settled["value"]}
    id_ = sessions.create("mine")
    props = fold(client, "session", **known, **{"session.data": {"id": id_, "name": "mine"}})
    panel = props["explore-session-panel"]
    assert panel["className"] == "unfolded session"
    assert "No snapshots yet." in words(panel["children"])
    assert props["explore-session-toggle"]["aria-expanded"] == "true"
    closed = fold(client, "session", **known, **{"explore-session-panel.className": "unfolded session"})
    assert closed["explore-session-panel"] == {"children": [], "className": ""}
    gone = fold(client, "session", **known, **{"session.data": {"id": "0" * 16, "name": "gone"}})
    assert "There is no session" in words(gone["explore-session-panel"]["children"])


def test_no_callback_of_the_session_is_asked_by_looks(client: FlaskClient) -> None:
    """Neither what a look changes nor what settles wakes one."""
    found = []
    for spec in client.get("/_dash-dependencies").get_json():
        if "session-panel" in spec["output"] or '"strip"' in spec["output"] or '"copy"' in spec["output"]:
            found.append(spec["output"])
            assert not [one["id"] for one in spec["inputs"] if one["id"].endswith(("panel", "settled", "interval"))]
    assert len(found) == 3 * 4


# ---- what cannot be done ------------------------------------------------------------------------------------------


def test_a_full_disk_is_said_and_changes_nothing(
    sessions: Sessions, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip = strip_of(visit)
    strip.press("create", name="x")
    before = strip.panel

    def full(*_: object) -> None:
        raise StorageError("The disk is full. Make room and try again.")

    monkeypatch.setattr(Sessions, "add", full)
    props = strip.press("take", comment="written with care")
    assert strip.said == "The disk is full. Make room and try again."
    assert set(props) == {text_of({"page": "explore", "session": "said"})}
    assert strip.panel == before


def test_a_folder_that_cannot_be_written_is_said(sessions: Sessions, visit: Visit, service: InferenceService) -> None:
    data: Path = service.settings.data
    aside = data.with_name("aside")
    shutil.move(data, aside)
    try:
        data.write_text("a file is where the folder was")
        strip = strip_of(visit)
        strip.press("create", name="x")
        assert str(data) in strip.said
    finally:
        data.unlink()
        shutil.move(aside, data)


def test_what_is_not_finished_is_not_kept(sessions: Sessions, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    strip = strip_of(visit)
    strip.press("create", name="x")
    monkeypatch.setattr("perturber.ui.looks.unfinished_plane", lambda _: "The plane is at step 1 of 9.")
    strip.press("take")
    assert strip.said == "The plane is at step 1 of 9."
    assert sessions.open(strip.session["id"]).snapshots == 0


def test_a_bug_is_told_of_and_leaves_the_page(
    visit: Visit, sessions: Sessions, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Sessions, "create", broken)
    strip = strip_of(visit)
    strip.press("create", name="x")
    assert "Something went wrong" in strip.said
    assert "ZeroDivisionError" in caplog.text


def test_who_only_looks_sees_and_changes_nothing(
    app: dash.Dash, sessions: Sessions, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    strip = strip_of(visit)
    strip.press("create", name="x")
    strip.press("take")
    (one,) = sessions.open(strip.session["id"]).strip
    monkeypatch.setattr("perturber.ui.accounts._who", lambda: VERA)
    for act in ("create", "take", "delete", "earlier", "keep", "short"):
        strip.press(act, picked=[one.id], name="y", comment="c", edited="e")
        assert "that takes an editor" in strip.said, act
    assert (sessions.all().total, sessions.open(one.session).snapshots) == (1, 1)
    strip.press("", choice="0" * 16)
    assert "There is no session" in strip.said
    assert facts(app, "/", {"snapshot": str(one.id)})["query"] == visit.query


# ---- links --------------------------------------------------------------------------------------------------------


def test_an_address_is_copied_as_it_is_then(client: FlaskClient, visit: Visit) -> None:
    known = {"explore-settled.data": visit.settled["value"]}
    shown = fold(client, "link", **known)["explore-session-panel"]["children"]
    fields = {one["props"]["value"] for one in parts(shown) if one["type"] == "Input"}
    assert fields == {f"http://localhost/?{visit.query}"}
    visit.look(scene={"yaw": 77.0})
    spec = spec_with(client, {"copy": "address", "page": "explore"})
    values = {
        "explore-settled.data": visit.settled["value"],
        f"{text_of({'copy': 'address', 'page': 'explore'})}.n_clicks": 1,
    }
    (copied, written) = props_of(send(client, spec, values, next(reversed(values)))).values()
    assert copied["content"] == written["value"] == f"http://localhost/?{visit.query}"
    assert "yaw=77" in copied["content"]


def test_a_short_link_leads_to_the_state(client: FlaskClient, sessions: Sessions, visit: Visit) -> None:
    strip = strip_of(visit)
    strip.press("short")
    (short,) = (
        one["props"]["value"] for one in parts(strip.panel) if one["type"] == "Input" and "/s/" in one["props"]["value"]
    )
    answer = client.get(short.removeprefix("http://localhost"))
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/?{visit.query}"


def test_a_state_that_no_address_holds_is_read_by_its_id(
    app: dash.Dash, client: FlaskClient, sessions: Sessions
) -> None:
    code = "color.r = 0.5;" + " // " + "é" * 5_000
    visit = Visit(client, QUERY)
    visit.look(scene={"custom_code": code})
    assert len(visit.query) > LONGEST_ADDRESS
    strip = strip_of(visit)
    strip.press("short")
    assert "too many for an address" in words(strip.panel)
    made = ShortLinks(sessions.data).short_link(visit.query, "/")
    answer = client.get(f"/s/{made}")
    assert answer.headers["Location"] == f"/?short={made}"
    assert facts(app, "/", {"short": made})["query"] == visit.query


def test_a_link_that_leads_nowhere_says_so(client: FlaskClient, sessions: Sessions) -> None:
    for wrong in ("unknown234", "x", "%3Cscript%3E", "a" * 3000):
        answer = client.get(f"/s/{wrong}")
        assert answer.status_code == 404
        assert "There is no" in answer.text
