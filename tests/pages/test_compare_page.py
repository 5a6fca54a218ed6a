"""The Compare page without a browser: what its callbacks answer, and whatever else anybody sends to them."""

import base64
import json
import random
from collections.abc import Callable
from typing import Any

import dash
import numpy as np
import pytest
from callback_requests import Followed, text_of
from exports import chosen, described, exported, said
from flask.testing import FlaskClient

from app import create_app
from perturber.scene import Scene
from perturber.service import CompareRequest, InferenceService
from perturber.ui.callbacks.messages import BUG
from perturber.ui.states.compare import CompareState
from perturber.ui.states.compare_changes import OTHER
from perturber.ui.states.page import parse_query

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
PRUNED = "prune(efficientnet_lite0;blocks.3=0.1-1)"


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    client = create_app(service=service).server.test_client()
    client.get("/_dash-dependencies")
    return client


class Visit(Followed):
    """What a browser does with the page: it asks, and keeps what it was answered."""

    def __init__(self, client: FlaskClient, **query: str) -> None:
        self.client = client
        self.query = "&".join(f"{key}={value}" for key, value in {"m1": LITE0, "m2": PRUNED, **query}.items())
        self.memory: dict[str, Any] = {}
        self.drawn: dict[str, str] = {}
        self.followed: dict[str, str] = {}
        self.properties: dict[str, dict[str, Any]] = {}
        self.running = False
        self.sequence = 0

    def look(self, *changes: tuple[str, Any] | tuple[str, Any, int | str], **scene: Any) -> dict[str, Any]:
        """Change controls and parameters, and take over what is answered."""
        self.sequence += 1
        sent = [{"control": c, "value": v, "slot": (*slot, "")[0]} for c, v, *slot in changes]
        asked = {"query": self.query, "memory": self.memory, "scene": scene, "changes": sent, "drawn": self.drawn}
        asked |= {"client": "me", "sequence": self.sequence}
        inputs = [{"id": "compare-panel", "property": "request", "value": asked}]
        answer = post(self.client, "compare-panel.answer", inputs)["response"]["compare-panel"]["answer"]
        self.take({text_of(one["id"]): one["props"] for one in answer["props"]})
        if answer["query"] is not None:
            self.query, self.memory = answer["query"], answer["memory"]
        if answer["looked"]:
            self.drawn = answer["drawn"]
        return answer

    def follow(self, order: str | None = None) -> dict[str, Any]:
        """What takes its time, with a button that was pressed."""
        id_ = {"page": "compare", "order": order, "slot": ""}
        inputs = [
            {"id": "compare-interval", "property": "n_intervals", "value": 1},
            {"id": "compare-settled", "property": "data", "value": self.settled},
            [] if order is None else [{"id": id_, "property": "n_clicks", "value": 1}],
            [],
        ]
        state = [
            *([], [], []),
            {"id": "compare-followed", "property": "data", "value": self.followed},
            {"id": "compare-facts", "property": "data", "value": {"query": self.query, "memory": self.memory}},
        ]
        triggered = "compare-interval.n_intervals" if order is None else f"{text_of(id_)}.n_clicks"
        output = "..compare-followed.data...compare-interval.disabled.."
        found = post(self.client, output, inputs, state, triggered)
        self.followed = found["response"]["compare-followed"]["data"]
        self.running = not found["response"]["compare-interval"]["disabled"]
        self.take(found.get("sideUpdate", {}))
        return found.get("sideUpdate", {})

    def of(self, name: str, slot: int | str = "") -> dict[str, Any]:
        """What a control shows."""
        return self.properties[text_of({"page": "compare", "control": name, "slot": slot})]

    def text(self, part: str) -> str:
        """The text of an element with an id of its own."""
        return self.properties[f"compare-{part}"]["children"]

    @property
    def settled(self) -> dict[str, Any]:
        return {"query": self.query, "memory": self.memory, "records": [], "client": "me", "sequence": self.sequence}

    @property
    def values(self) -> dict[str, str]:
        return parse_query(self.query)

    @property
    def notice(self) -> str:
        return self.properties["notice"]["children"]


def post(client: FlaskClient, output: str, inputs: list, state: Any = (), triggered: str = "") -> dict[str, Any]:
    """As Dash's own client asks a callback; output: as in the app's list of callbacks."""
    whole = [part.rsplit(".", 1) for part in output.strip(".").split("...")]
    outputs = [
        {"id": json.loads(id_) if id_.startswith("{") else id_, "property": property_} for id_, property_ in whole
    ]
    body = {
        "output": output,
        "outputs": outputs if output.startswith("..") else outputs[0],
        "inputs": inputs,
        "state": list(state),
        "changedPropIds": [triggered or f"{inputs[0]['id']}.{inputs[0]['property']}"],
    }
    response = client.post("/_dash-update-component", json=body)
    assert response.status_code in (200, 204), response.text
    return response.get_json() if response.status_code == 200 else {"response": {}}


def callback(*parts: str) -> str:
    """The name of the callback with outputs like these."""
    (found,) = [name for name in dash.get_app().callback_map if all(part in name for part in parts)]
    return found


@pytest.fixture
def visit(client: FlaskClient) -> Callable[..., Visit]:
    return lambda **query: Visit(client, **query)


def values_of(props: dict[str, Any]) -> np.ndarray:
    """The values of a component's maps, one after the other."""
    return np.frombuffer(base64.b64decode(props["values"]), "<f4")


# ---- a look -------------------------------------------------------------------------------------------------------


def test_a_look_shows_what_the_service_says(visit: Any, service: InferenceService) -> None:
    page = visit(pinned="207", layer="blocks.3.0", channels="7,2")
    page.look(yaw=20)
    request = CompareRequest(
        scene=Scene().replace(yaw=20), models=(LITE0, PRUNED), pinned=(207,), layer="blocks.3.0", channels=(7, 2)
    )
    expected = service.compare(request)
    assert expected.maps is not None
    for n, column in enumerate(expected.columns):
        bars = page.of("bars", n)
        assert [row["index"] for row in bars["rows"]] == [score.index for score in column.top]
        assert bars["pinned"][0]["share"] == f"{column.pinned[0].logit:.2f}".replace("-", "−")
    agreement = expected.columns[1].agreement
    assert agreement is not None
    assert page.of("bars", 0)["pinned"][0]["number"] == ""
    assert float(page.of("bars", 1)["pinned"][0]["number"].replace("−", "-")) == pytest.approx(
        agreement.differences[0], abs=0.0051
    )
    assert f"{agreement.shared_top5} of 5" in page.text("agreement-1")
    assert f"{agreement.jensen_shannon:.3f} bit" in page.text("agreement-1")
    assert [row["index"] for row in page.of("bars", "most")["rows"]] == [c for c, _ in expected.maps.most]
    shown = [page.properties[f"compare-maps-{side}"] for side in ("a", "b", "difference")]
    for props, maps in zip(shown, (expected.maps.a, expected.maps.b, expected.maps.a - expected.maps.b), strict=True):
        np.testing.assert_allclose(values_of(props), maps.ravel(), atol=1e-4)
        assert props["scale"] == pytest.approx(4 * expected.maps.deviation, rel=1e-4)
        assert props["channels"] == [7, 2]
    assert page.properties["compare-input"]["src"].startswith("data:image/")


def test_a_figure_is_sent_once(visit: Any) -> None:
    page = visit()
    page.look()
    again = page.look(yaw=5)
    (maps,) = [one["props"] for one in again["props"] if one["id"] == "compare-maps-a"]
    assert set(maps) == {"values", "scale", "ends"}
    other = page.look(("channels", "9"))
    (maps,) = [one["props"] for one in other["props"] if one["id"] == "compare-maps-a"]
    assert maps["channels"] == [9]


def test_only_the_open_tab_is_computed(visit: Any) -> None:
    shown = {}
    for tab in ("channels", "depth", "cka", "same"):
        ids = {text_of(one["id"]) for one in visit(tab=tab).look()["props"] if set(one["props"]) != {"clickData"}}
        depth = text_of({"page": "compare", "control": "graph", "slot": "depth"})
        shown[tab] = ("compare-maps-a" in ids, depth in ids)
    nothing = (False, False)
    assert shown == {"channels": (True, False), "depth": (False, True), "cka": nothing, "same": nothing}


def test_layers_that_do_not_differ_say_so(visit: Any) -> None:
    page = visit(layer="blocks.2.0")
    page.look()
    assert page.text("note") == "A and B do not differ at blocks.2.0 for this picture."
    page.look(("layer", "blocks.3.0"))
    assert page.text("note") == "Channel, mean |A − B|"


def test_other_architectures_get_a_sentence(visit: Any) -> None:
    for tab in ("channels", "depth"):
        page = visit(m2=LITE1, tab=tab)
        page.look()
        assert "different architectures" in page.text("hint")
        assert page.properties["compare-hints"]["className"] == "hint"
        assert "bit" in page.text("agreement-1")
        page.look(("model", PRUNED, 1))
        assert page.text("hint") == ""
    three = visit(m2=LITE1, m3=PRUNED, tab="depth")
    three.look()
    assert len(three.of("graph", "depth")["figure"]["data"]) == 2
    assert "from blocks.3.0.conv_pw on" in three.text("note")
    assert "2 · EfficientNet-Lite1" in three.text("note")


def test_columns_follow_the_models(visit: Any) -> None:
    page = visit()
    page.look(("add", 1), ("add", 2))
    assert len(page.values) == len(visit(m3="x", m4="y", **dict.fromkeys(OWN, "")).query.split("&"))
    assert page.of("columns")["style"] == {"--columns": 4}
    assert page.of("add")["disabled"]
    assert page.of("column", 3)["className"] == "model"
    page.look(("remove", 1, 1))
    assert page.of("column", 3)["className"] == "model gone"
    assert page.values["m2"] == LITE1


OWN = ("tab", "a", "b", "layer", "other", "channels", "count", "pictures")


def test_the_channels_that_differ_most_are_shown(visit: Any) -> None:
    page = visit(channels="0,1")
    page.look()
    most = [row["index"] for row in page.of("bars", "most")["rows"]]
    page.look(("most", 1))
    assert page.values["channels"] == f"{most[0]},{most[1]}"
    assert page.of("bars", "most")["rows"][0]["name"] == f"✓ {most[0]}"
    assert page.of("channels")["value"] == f"{most[0]}, {most[1]}"
    page.look(("bars", {"index": most[0], "count": 1}, "most"))
    assert page.values["channels"] == str(most[1])


def test_a_wrong_value_gets_a_sentence_and_the_control_its_value_back(visit: Any) -> None:
    page = visit()
    page.look()
    before = page.query
    page.look(("channels", "9999"))
    assert "no channel '9999'" in page.notice
    assert page.of("channels")["value"] == "0, 1, 2, 3"
    assert page.query == before
    page.look(("tab", "depth"))
    assert page.notice == ""


def test_nonsense_never_breaks_it(visit: Any) -> None:
    dice = random.Random(1)
    nonsense = [None, True, -1, 10**20, "", "x" * 500, [], [None], {}, {"index": 1}, [[0]], "1,2", {"points": [0]}]
    controls = ["model", "named", "remove", "pin", "bars", "a", "b", "layer", "graph", "channels", "most", "count"]
    page = visit(tab="cka")
    for _ in range(10):
        changes = [(dice.choice(controls), dice.choice(nonsense), dice.choice(["", 0, 1, 9, "most"])) for _ in range(8)]
        page.look(*changes)
        assert page.notice != BUG
        assert page.notice == "" or page.notice.endswith((".", "?"))


# ---- a model by its name ------------------------------------------------------------------------------------------


def asked_for(client: FlaskClient, value: str) -> dict[str, Any]:
    id_ = {"page": "compare", "control": "model", "slot": 1}
    inputs = [[{"id": id_, "property": "value", "value": value}]]
    triggered = f"{text_of(id_)}.value"
    return post(client, callback("..compare-dialog.children...compare-dialog.is_open.."), inputs, triggered=triggered)[
        "response"
    ]


def named(client: FlaskClient, text: str) -> dict[str, Any]:
    inputs = [
        {"id": "compare-model-use", "property": "n_clicks", "value": 1},
        {"id": "compare-model-text", "property": "n_submit", "value": None},
    ]
    state = [
        {"id": "compare-model-text", "property": "value", "value": text},
        {"id": "compare-model-number", "property": "data", "value": 1},
    ]
    return post(client, callback("compare-model-message"), inputs, state)["response"]


def test_a_menu_asks_for_a_model_by_name(client: FlaskClient, visit: Any) -> None:
    assert asked_for(client, LITE1) == {}
    assert asked_for(client, OTHER)["compare-dialog"]["is_open"] is True
    page = visit()
    page.look(("model", OTHER, 1))
    assert page.of("model", 1)["value"] == PRUNED  # the menu shows what is there meanwhile

    found = named(client, " prune( efficientnet_lite0 ; blocks.5 = 0.30-1.0) ")
    assert found["compare-dialog"]["is_open"] is False
    (control,) = [value for key, value in found.items() if key.startswith("{")]
    page.look(("named", control["value"]))
    assert page.values["m2"] == "prune(efficientnet_lite0;blocks.5=0.3-1)"
    assert page.of("named")["value"] == ""


@pytest.mark.parametrize(("text", "words"), [("nobody", "Unknown model"), ("mix(x", "Not an edit"), ("", "Unknown")])
def test_a_name_that_is_none_gets_a_sentence(client: FlaskClient, text: str, words: str) -> None:
    found = named(client, text)
    assert words in found["compare-model-message"]["children"]
    assert "compare-dialog" not in found


# ---- jobs ---------------------------------------------------------------------------------------------------------


def job(page: Visit) -> dict[str, Any]:
    return page.of("graph", "job")


def test_a_job_is_found_again_by_its_state(visit: Any, client: FlaskClient, service: InferenceService) -> None:
    page = visit(tab="cka", count="3", yaw="21")
    page.look()
    page.follow()
    assert "Choose Compute" in page.text("hint")
    page.follow("compute")
    page.wait()
    assert page.text("steps") == "done"
    assert len(job(page)["figure"]["data"][0]["x"]) == len(service.model(LITE0).layers)
    assert job(page)["style"] == {}
    assert "3 pictures" in page.text("note")
    known = page.follow()
    assert "figure" not in known[text_of({"page": "compare", "control": "graph", "slot": "job"})]

    page.look(("pin", 207))
    page.follow()
    assert page.text("steps") == "done"  # pinned classes do not matter to it
    page.look(yaw=22)
    page.follow()
    assert "Choose Compute" in page.text("hint")
    assert job(page)["style"] == {"visibility": "hidden"}


def test_same_channels(visit: Any) -> None:
    page = visit(tab="same", count="3", layer="blocks.2.0", other="blocks.2.0")
    page.look()
    page.follow("compute")
    page.wait()
    assert page.text("note").startswith("40 of 40 channels")  # the edit lies behind it
    page.look(("matched", "partner"))
    page.follow()
    assert "by best partner" in job(page)["figure"]["layout"]["xaxis"]["title"]["text"]


def test_a_job_is_cancelled_and_begun_again(visit: Any) -> None:
    page = visit(tab="cka", count="128", yaw="23")
    page.look()
    page.follow("compute")
    assert page.running
    page.follow("cancel")
    assert page.text("hint") == "Cancelled."
    assert not page.running
    page.follow("compute")
    assert page.running
    page.follow("cancel")


def test_examples_only_where_they_are_configured(visit: Any) -> None:
    page = visit(tab="cka", count="3", pictures="examples")
    page.look()
    page.follow("compute")
    page.wait()
    assert "PERTURBER_EXAMPLES" in page.text("hint")


def test_a_tab_without_a_job_follows_nothing(visit: Any) -> None:
    page = visit()
    page.look()
    assert page.follow("compute") == {}
    assert not page.running


# ---- saving -------------------------------------------------------------------------------------------------------


def test_figures_are_saved(visit: Any) -> None:
    for tab in ("channels", "depth"):
        page = visit(tab=tab)
        page.look()
        found = exported(page.client, "compare", page.settled, chosen(tab))
        assert found["compare-export-file"]["data"]["filename"] == f"compare-{tab}.json"
        assert described(found, "compare")["figure"]["data"]
    page = visit(tab="cka", yaw="99")
    page.look()
    found = exported(page.client, "compare", page.settled, chosen("cka"))
    assert "Choose Compute first" in said(found, "compare")
    assert "compare-export-file" not in found


# ---- the layout ---------------------------------------------------------------------------------------------------


def test_the_layout_holds_what_the_link_says(client: FlaskClient, service: InferenceService) -> None:
    (page,) = [page for page in dash.page_registry.values() if page["path"] == "/compare"]
    with dash.get_app().server.app_context():
        layout = page["layout"](m2="nobody", tab="depth", count="5000")
    ids = {text_of(one.id): one for one in layout._traverse() if getattr(one, "id", None)}
    assert len(ids["compare-problems"].children) == 2
    query = parse_query(ids["compare-facts"].data["query"])
    assert query["tab"] == "depth"
    assert CompareState.from_query(query, service.model)[1] == []
    frame = text_of({"page": "compare", "control": "frame", "slot": ""})
    assert ids[frame].className == "tab on-depth"
    assert sum(1 for one in layout._traverse() if hasattr(one, "_prop_names")) + 1 <= 115
