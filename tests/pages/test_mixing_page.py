"""The Mixing page without a browser: what its callbacks answer, and whatever else anybody sends to them."""

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import dash
import pytest
from callback_requests import Followed, text_of
from edited_models import LITE0, LITE1, TWIN, twin
from exports import chosen, described, exported, said
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber.config import Settings
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.ui.callbacks.messages import BUG
from perturber.ui.states.page import parse_query
from perturber.zoo import own

EDIT = f"mix({LITE0},{TWIN};blocks.3=0.5)"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)
    twin(settings)
    with InferenceService(settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    client = create_app(service=service).server.test_client()
    client.get("/_dash-dependencies")
    return client


class Visit(Followed):
    """What a browser does with the page: it asks, and keeps what it was answered."""

    def __init__(self, client: FlaskClient, edit: str = EDIT, **query: str) -> None:
        self.client = client
        values = {"edit": edit, **query}
        self.query = "&".join(f"{key}={value}" for key, value in values.items())
        self.memory: dict[str, Any] = {}
        self.shown: dict[str, str] = {}
        self.properties: dict[str, Any] = {}
        self.running = False
        self.sequence = 0

    @property
    def values(self) -> dict[str, str]:
        return parse_query(self.query)

    def look(self, *changes: tuple[str, Any] | tuple[str, Any, str], **scene: Any) -> dict[str, Any]:
        """Change controls and parameters, and take over what is answered."""
        self.sequence += 1
        sent = [{"control": c, "value": v, "slot": (*slot, "")[0]} for c, v, *slot in changes]
        asked = {"query": self.query, "memory": self.memory, "scene": scene, "changes": sent, "drawn": {}}
        asked |= {"client": "me", "sequence": self.sequence}
        response = post(
            self.client, "mixing-panel.answer", [{"id": "mixing-panel", "property": "request", "value": asked}]
        )
        answer = response["response"]["mixing-panel"]["answer"]
        self.take({text_of(one["id"]): one["props"] for one in answer["props"]})
        if answer["query"] is not None:
            self.query, self.memory = answer["query"], answer["memory"]
        return answer

    def follow(self, order: str | None = None, **tools: Any) -> dict[str, Any]:
        """What takes its time, with a button that was pressed and the settings beside it."""
        settled = {"query": self.query, "memory": self.memory, "records": [], "client": "me", "sequence": self.sequence}
        order_id = {"page": "mixing", "order": order, "slot": ""}
        orders = [] if order is None else [{"id": order_id, "property": "n_clicks", "value": 1}]
        ids = [{"page": "mixing", "tool": name} for name in tools]
        inputs = [
            {"id": "mixing-interval", "property": "n_intervals", "value": 1},
            {"id": "mixing-settled", "property": "data", "value": settled},
            orders,
            [],
        ]
        state = [
            [],
            [{"id": one, "property": "value", "value": value} for one, value in zip(ids, tools.values(), strict=True)],
            [{"id": one, "property": "id", "value": one} for one in ids],
            {"id": "mixing-followed", "property": "data", "value": self.shown},
            {"id": "mixing-facts", "property": "data", "value": {"query": self.query, "memory": self.memory}},
        ]
        triggered = "mixing-interval.n_intervals" if order is None else f"{text_of(order_id)}.n_clicks"
        output = "..mixing-followed.data...mixing-interval.disabled.."
        response = post(self.client, output, inputs, state, triggered)
        self.shown = response["response"]["mixing-followed"]["data"]
        self.running = not response["response"]["mixing-interval"]["disabled"]
        props = response.get("sideUpdate", {})
        self.take(props)
        return props

    def control(self, name: str, slot: int | str = "") -> dict[str, Any]:
        """What a control shows."""
        return self.properties[text_of({"page": "mixing", "control": name, "slot": slot})]

    @property
    def notice(self) -> str:
        return self.properties["notice"]["children"]


def post(client: FlaskClient, output: str, inputs: list, state: Any = (), triggered: str = "") -> dict[str, Any]:
    """As Dash's own client asks a callback."""
    parts = output.strip(".").split("...")
    outputs = [dict(zip(("id", "property"), part.rsplit(".", 1), strict=True)) for part in parts]
    body = {
        "output": output,
        "outputs": outputs[0] if len(outputs) == 1 else outputs,
        "inputs": inputs,
        "state": list(state),
        "changedPropIds": [triggered or f"{inputs[0]['id']}.{inputs[0]['property']}"],
    }
    response = client.post("/_dash-update-component", json=body)
    assert response.status_code == 200, response.text
    return response.get_json()


@pytest.fixture
def visit(client: FlaskClient) -> Callable[..., Visit]:
    return lambda *args, **query: Visit(client, *args, **query)


@pytest.fixture
def page(client: FlaskClient) -> Iterator[ModuleType]:
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/mixing")
    with client.application.app_context():
        yield sys.modules[found["module"]]


# ---- looks --------------------------------------------------------------------------------------------------------


def test_three_models_answer(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit()
    here.look(yaw=5)
    slots = tuple(SlotRequest(model=model) for model in (LITE0, TWIN, EDIT))
    expected = service.look(LookRequest(scene=Scene().replace(yaw=5), slots=slots)).slots
    rows = [here.control("bars", slot)["rows"] for slot in (0, 1, 2)]
    for shown, slot in zip(rows, expected, strict=True):
        assert [(row["index"], row["number"]) for row in shown] == [(s.index, f"{s.logit:.2f}") for s in slot.top or ()]
    lengths = [row["length"] for shown in rows for row in shown]
    largest = max(float(row["number"]) for shown in rows for row in shown)
    assert max(lengths) == 1
    assert lengths == pytest.approx([max(0, float(r["number"])) / largest for s in rows for r in s], abs=1e-3)
    assert here.properties["mixing-input"]["src"].startswith("data:image/")
    status = here.properties["mixing-status"]["children"]
    assert all(word in status for word in ("Render", "Model 1", "Model 2", "Edited", "ms"))
    link = parse_query(here.properties["mixing-explore"]["href"].partition("?")[2])
    assert link == {"yaw": "5", "m1": LITE0, "m2": TWIN, "m3": EDIT}


def test_where_one_is_pruned_there_is_no_second(visit: Callable[..., Visit]) -> None:
    here = visit(f"prune({LITE0};blocks.2=0-0.5)")
    here.look()
    assert here.control("bars", 0)["rows"]
    assert here.control("bars", 1)["rows"] == []
    assert here.control("bars", 2)["rows"]
    assert "Model 2" not in here.properties["mixing-status"]["children"]


def test_a_drag_and_its_undoing(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit()
    sliders = {unit: [0] for unit in service.units(LITE0, TWIN)}
    for share in (0.6, 0.7):
        here.look(
            ("units", {**sliders, "blocks.3": [share]}), ("units", {"unit": "blocks.3", "done": False, "count": 1})
        )
        assert here.values["edit"] == EDIT.replace("0.5", str(share))
    here.look(("units", {"unit": "blocks.3", "done": True, "count": 3}))
    assert not here.control("back")["disabled"]
    here.look(("back", 1))
    assert here.values["edit"] == EDIT
    assert here.control("units")["value"]["blocks.3"] == [0.5]
    assert (here.control("back")["disabled"], here.control("forth")["disabled"]) == (True, False)


def test_controls_follow_from_the_state(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit(f"mix({LITE0},{TWIN})")
    here.look(("level", "block"))
    assert tuple(here.control("units")["units"]) == service.units(LITE0, TWIN, "block")
    here.look(("mode", "prune"))
    assert here.control("units")["default"] == [0, 1]
    assert "pruning" in here.control("frame")["className"]
    here.look(("preset", "strong"))
    assert here.control("preset")["value"] is None
    assert set(map(tuple, here.control("units")["value"].values())) == {(0.5, 1)}
    assert here.control("name", 2)["children"] == "without some filters"


def test_models_that_cannot_be_mixed_are_shown_one_by_one(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.look(("second", LITE1))
    assert "cannot be mixed" in here.control("units")["empty"]
    assert here.control("units")["units"] == []
    assert "impossible" in here.control("frame")["className"]
    assert here.control("preset")["disabled"]
    assert here.properties["mixing-save"]["disabled"]
    assert here.control("bars", 0)["rows"]
    assert here.control("bars", 1)["rows"]
    assert (here.control("bars", 2)["rows"], "cannot be mixed" in here.control("bars", 2)["empty"]) == ([], True)
    assert here.notice == ""
    again = visit(**here.values)  # the link holds it, too
    again.look()
    assert again.values == here.values
    here.look(("second", TWIN))
    assert (here.values["edit"], here.control("units")["empty"]) == (EDIT, "")
    assert not here.properties["mixing-save"]["disabled"]


def test_the_page_says_what_is_wrong_in_its_link(page: ModuleType) -> None:
    layout = str(page.layout(edit=f"mix({LITE0},nobody)", yaw="12"))
    assert "Unknown model 'nobody'" in layout
    assert "'yaw': 12" in layout
    assert "lite0_adversarial" in layout  # the first of Model 1's architecture


def test_the_page_has_few_components(page: ModuleType) -> None:
    assert sum(1 for _ in page.layout()._traverse()) <= 130


def test_units_are_asked_for_once(page: ModuleType, service: InferenceService, monkeypatch: Any) -> None:
    expected = service.units(LITE0, TWIN, "layer")
    assert page.units_of(LITE0, TWIN, "layer") == expected
    with pytest.raises(page.InvalidInputError, match="cannot be mixed"):
        page.units_of(LITE0, LITE1, "layer")
    monkeypatch.setattr(service, "units", None)
    assert page.units_of(LITE0, TWIN, "layer") == expected
    with pytest.raises(page.InvalidInputError, match="cannot be mixed"):
        page.units_of(LITE0, LITE1, "layer")


# ---- scans --------------------------------------------------------------------------------------------------------


def test_a_scan_is_drawn_and_found_again(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit()
    here.look(("reverse", ["reverse"]), ("scan", 1, "scene"), pitch=1)
    job = here.values["scan"]
    here.wait()
    assert service.jobs.status(job).state == "done"
    assert here.properties["mixing-scan"]["children"] == f"{LITE0} and {TWIN}"
    figure = here.properties["mixing-compatibility"]["figure"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "Model 1 up to …, then Model 2"
    assert "mixing-compatibility" not in here.follow()  # it is drawn

    fresh = visit(**here.values)
    fresh.wait()
    assert fresh.properties["mixing-compatibility"]["figure"] == figure
    here.look(("scan", 2, "scene"))
    assert here.values["scan"] == job
    found = exported(here.client, "mixing", {"query": here.query}, chosen("compatibility"))
    assert found["mixing-export-file"]["data"]["filename"] == "mixing-compatibility.json"
    assert described(found, "mixing")["figure"]["layout"]["xaxis"] == figure["layout"]["xaxis"]


def test_a_scan_is_cancelled(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit()
    cancel = '{"order":"cancel","page":"mixing","slot":""}'
    here.look(("level", "layer"), ("attack", "l2"), ("epsilon", 0.5), ("scan", 1, "scene"))  # takes long
    here.follow()
    assert here.running
    assert not here.properties[cancel]["hidden"]
    assert "steps" in here.properties["mixing-scan"]["children"]
    first = here.values["scan"]
    here.look(("reverse", ["reverse"]), ("scan", 2, "scene"))  # another one: nobody will see the first
    assert service.jobs.status(first).state == "cancelled"
    here.follow("cancel")
    assert service.jobs.status(here.values["scan"]).state == "cancelled"
    assert here.properties[cancel]["hidden"]
    assert here.properties["mixing-scan"]["children"].endswith("under attack: cancelled.")
    assert not here.running


def test_scans_that_cannot_be_made(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.look(("scan", 1, "folder"))
    assert "PERTURBER_EXAMPLES" in here.notice
    here.look(("second", LITE1), ("scan", 1, "scene"))
    assert "cannot be mixed" in here.notice
    assert "scan" not in here.values
    assert "no figure" in said(
        exported(here.client, "mixing", {"query": here.query}, chosen("compatibility")), "mixing"
    )


def test_unknown_job_in_a_link(visit: Callable[..., Visit]) -> None:
    here = visit(scan="0" * 24)
    here.wait()
    assert "does not exist" in here.properties["mixing-scan"]["children"]
    assert not here.running
    here.look(("scan", 1, "scene"))  # nothing to end
    assert here.values["scan"] != "0" * 24
    here.follow("cancel")


# ---- edits that are kept ------------------------------------------------------------------------------------------


def kept(here: Visit, name: Any, recalibrate: bool = False) -> Visit:
    """Once an edit has been kept, or refused."""
    here.look()
    here.follow("keep", name=name, recalibrate=["recalibrate"] if recalibrate else [])
    here.wait()
    return here


def test_an_edit_is_kept_and_loaded(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = kept(visit(), " kept ")
    assert here.notice == "Saved as kept; it is in the menus of models now."
    assert here.properties["mixing-dialog"] == {"is_open": False}
    for menu in ("first", "second"):
        assert "kept" in [option["value"] for option in here.control(menu)["options"]]
    (option,) = here.control("kept")["options"]
    assert (option["value"], option["label"][:6]) == ("kept", "kept (")
    assert "already exists" in kept(here, "kept").properties["mixing-refused"]["children"]
    (service.settings.data / "edits" / "stranger.safetensors").write_bytes(b"?")  # none of ours

    here.look(("preset", "all"))
    assert here.values["edit"] != EDIT
    here.look(("kept", "kept"))
    assert here.values["edit"] == EDIT
    assert (len(here.control("kept")["options"]), here.control("kept")["value"]) == (1, None)

    own.remove("kept", service.settings)
    here.look(("kept", "kept"))
    assert "Unknown edit 'kept'" in here.notice
    assert here.control("kept")["disabled"]
    assert kept(visit(), "kept").notice.startswith("Saved as kept")  # a second time, not just said to be
    assert own.tables(service.settings)["kept"]["owner"] == "127.0.0.1"  # without accounts, whoever comes from there
    own.remove("kept", service.settings)


def test_a_broken_file_does_not_hide_the_others(visit: Callable[..., Visit], service: InferenceService) -> None:
    for name in ("good", "bad"):
        kept(visit(), name)
    (service.settings.data / "edits" / "bad.safetensors").write_bytes(b"broken")
    here = visit()
    here.look(("kept", "nothing"))
    assert [option["value"] for option in here.control("kept")["options"]] == ["good"]
    for name in ("good", "bad"):
        own.remove(name, service.settings)


@pytest.mark.parametrize(
    ("edit", "name", "recalibrate", "words"),
    [
        (EDIT, LITE0, False, "already"),
        (EDIT, "../x", False, "cannot be called"),
        (EDIT, "", False, "cannot be called"),
        (EDIT, "x" * 10_000, False, "cannot be called"),
        (EDIT, None, False, "cannot be called"),
        (EDIT, ["x"], False, "cannot be called"),
        (f"mix({LITE0},{LITE1})", "new", False, "cannot be mixed"),
        (EDIT, "new", True, "PERTURBER_EXAMPLES"),
    ],
)
def test_what_cannot_be_kept(
    visit: Callable[..., Visit], service: InferenceService, edit: str, name: Any, recalibrate: bool, words: str
) -> None:
    here = kept(visit(edit), name, recalibrate)
    assert words in here.properties["mixing-refused"]["children"]
    assert "mixing-dialog" not in here.properties  # it stays open
    assert list(own.tables(service.settings)) == [TWIN]


def test_recalibration_over_the_examples(
    visit: Callable[..., Visit], service: InferenceService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        Image.new("RGB", (240, 240), (80 * number, 90, 200)).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(service, "settings", replace(service.settings, examples=tmp_path))
    here = kept(visit(), "again", recalibrate=True)
    assert here.notice.startswith("Saved as again")
    own.remove("again", service.settings)
    here.look(("scan", 1, "folder"))
    here.wait()
    assert "no labelled pictures" in here.properties["mixing-scan"]["children"]


def test_the_dialog_asks_for_a_name(client: FlaskClient, page: ModuleType) -> None:
    children, is_open = page.ask_for_a_name(1)
    assert is_open
    assert "Recalibrate" not in str(children)  # there are no examples
    assert "Recalibrate" in str(page.save_dialog("mixing", examples=True))


# ---- whatever is sent ---------------------------------------------------------------------------------------------


def test_nothing_that_is_sent_is_a_bug(visit: Callable[..., Visit]) -> None:
    """Wrong kinds, slashes, huge and strange texts, in every place."""
    odd = [None, True, 0, -1.5, 1e308, [], {}, [[]], {"a": 1}, {"blocks.3": [2]}, "", "/", "../../x", "\x00", "é" * 300]
    odd += ["x" * 50_000, "mix(", "mix(,)", "mix(a,b;=)", "prune(;;)", f"mix({LITE0},{TWIN};blocks.3=NaN)", EDIT, LITE0]
    controls = ["first", "second", "mode", "level", "units", "preset", "kept", "back", "forth", "attack", "epsilon"]
    chooser = random.Random(0)
    here = visit()
    for _ in range(60):
        changes = [(chooser.choice(controls), chooser.choice(odd)) for _ in range(3)]
        answer = here.look(*changes)
        assert BUG not in here.notice, changes
        assert not answer["failed"]
        assert len(here.notice) < 6000


@pytest.mark.parametrize(
    "query",
    [
        {"edit": "x" * 20_000},
        {"edit": f"mix({LITE0},{TWIN};nose=1)"},
        {"level": "é" * 300},
        {"scan": "../x"},
        {"x": "y"},
    ],
)
def test_invalid_link_shows_what_it_can(visit: Callable[..., Visit], query: dict[str, str]) -> None:
    here = visit(**{"edit": EDIT, **query})
    answer = here.look()
    assert answer["looked"]
    assert here.values.keys() == {"edit"}
