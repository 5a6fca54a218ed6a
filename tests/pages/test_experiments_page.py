"""The Experiments page without a browser: a card is opened, filled in, run, drawn, downloaded, exported, described."""

import base64
import csv
import io
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import dash
import numpy as np
import pytest
from callback_requests import props_of, text_of, value
from exports import chosen, described, exported, said
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber.config import Settings
from perturber.service import InferenceService
from perturber.service.estimates import duration
from perturber.ui import paper
from perturber.ui.components.experiments import field_id, item_id, values_of, view_id
from perturber.ui.experiments import EXPERIMENTS
from perturber.ui.methods import describe
from perturber.ui.showing.experiments import known
from perturber.ui.states.experiments import ExperimentsState
from perturber.ui.states.page import parse_query
from perturber.users import Role, User

QUICK = "m1=efficientnet_lite0&count=2"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("collections")
    for name in ("cues/dog1-cat2.png", "cues/cat1-cat2.png", ".hidden/x.png", "empty/x.txt"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(len(name)).integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(path, format="PNG")
    head = "subj,session,trial,rt,object_response,category,condition,imagename"
    told = [
        f"ann,1,{n},0.5,{name.split('1')[0]},x,y,{name}" for n, name in enumerate(("dog1-cat2.png", "cat1-cat2.png"))
    ]
    (folder / "cues" / "people.csv").write_text("\n".join([head, *told]))
    return folder


@pytest.fixture(scope="module")
def service(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None, collections=folder)
    with InferenceService(settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def page(client: FlaskClient) -> Iterator[ModuleType]:
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/experiments")
    with client.application.app_context():
        yield sys.modules[found["module"]]


class Visit:
    """The page as its visitor has it: what its components show."""

    def __init__(self, client: FlaskClient, query: str = QUICK) -> None:
        self.client = client
        self.specs = [
            spec
            for spec in client.get("/_dash-dependencies").get_json()
            if "experiments-" in spec["output"] and not spec["clientside_function"]
        ]
        self.shown: dict[str, dict[str, Any]] = {
            "experiments-facts": {"data": {"query": query, "memory": {}}},
            "experiments-followed": {"data": {}},
        }
        self.fields = self._fields()
        self.follow()

    def __getitem__(self, place: tuple[str, str]) -> Any:
        return self.shown.get(f"experiments-{place[0]}", {}).get(place[1])

    @property
    def query(self) -> str:
        return self["facts", "data"]["query"]

    @property
    def state(self) -> ExperimentsState:
        with self.client.application.app_context():
            return ExperimentsState.from_query(parse_query(self.query), known())[0]

    def open(self, key: str) -> None:
        self._ask("experiments-settings.children", text_of(item_id(key)), "n_clicks", 1)

    def set(self, name: str, value: Any) -> None:
        self.fields[name] = value
        self._ask("experiments-settings.children", text_of(field_id(name)), "value", value)

    def look_at(self, view: str) -> None:
        self._ask("experiments-settings.children", text_of(view_id("shown")), "value", view)

    @property
    def views(self) -> list[str]:
        """What the menu of views offers."""
        return [one["value"] for one in self["views", "children"]["props"]["children"]["props"]["options"]]

    @property
    def view(self) -> str:
        """What is shown of the result."""
        return self["followed", "data"]["view"]

    def press(self, name: str) -> None:
        self.follow(f"experiments-{name}", 1)

    def follow(self, by: str = "experiments-facts", clicks: int | None = None) -> None:
        prop = "data" if by.endswith("facts") else "n_clicks" if clicks else "n_intervals"
        self._ask("experiments-run.disabled", by, prop, clicks or self["facts", "data"])

    def wait(self) -> None:
        end = time.monotonic() + 120
        while self["interval", "disabled"] is False and time.monotonic() < end:
            time.sleep(0.05)
            self.follow("experiments-interval")
        assert self["interval", "disabled"] is True

    def download(self, kind: str) -> str:
        self._ask("experiments-file.data", f"experiments-{kind}", "n_clicks", 1)
        return self["file", "data"]["content"]

    def _fields(self) -> dict[str, Any]:
        state = self.state
        with self.client.application.app_context():
            return values_of(state, known())

    def _ask(self, output: str, by: str, prop: str, told: Any) -> None:
        (spec,) = (spec for spec in self.specs if output in spec["output"])
        given = {f"{by}.{prop}": told}
        parts = [part.rpartition(".") for part in spec["output"].strip(".").split("...")]
        sent = {
            "output": spec["output"],
            "outputs": [{"id": id_, "property": name} for id_, _, name in parts],
            "inputs": [self._value(one, given) for one in spec["inputs"]],
            "state": [self._value(one, given) for one in spec["state"]],
            "changedPropIds": [f"{by}.{prop}"],
        }
        before = self.query
        for component, props in props_of(self.client.post("/_dash-update-component", json=sent)).items():
            self.shown.setdefault(component, {}).update(props)
            if component == "experiments-settings":
                self.fields = self._fields()
        if self.query != before:
            self.follow()

    def _value(self, one: dict[str, Any], given: dict[str, Any]) -> Any:
        id_, prop = one["id"], one["property"]
        if "field" in id_:
            ids = [field_id(name) for name in self.fields]
            return [value(id_, prop, id_ if prop == "id" else self.fields[id_["field"]]) for id_ in ids]
        if "open" in id_:
            return [value(item_id(key), prop, given.get(f"{text_of(item_id(key))}.{prop}")) for key in EXPERIMENTS]
        if '"view"' in id_:
            told = given.get(f"{text_of(view_id('shown'))}.{prop}")
            return [] if told is None else [value(view_id("shown"), prop, told)]
        return value(id_, prop, given.get(f"{id_}.{prop}", self.shown.get(id_, {}).get(prop)))


@pytest.fixture
def visit(client: FlaskClient) -> Visit:
    return Visit(client)


def test_the_page_shows_what_its_link_holds(page: ModuleType) -> None:
    laid_out = page.layout(experiment="shape", views="2", m1="efficientnet_lite0", nothing="1")
    text = str(laid_out)
    assert "Unknown option of this experiment" in text
    assert "Geirhos, Meding" in text
    assert text.count("aria-current") == 1
    for key in EXPERIMENTS:
        assert EXPERIMENTS[key].title in text
        page.layout(experiment=key)


def test_a_measurement_runs_and_is_kept(client: FlaskClient, visit: Visit, service: InferenceService) -> None:
    assert visit["words", "children"].startswith("32 pictures × 1 network: about ")
    assert (visit["result", "hidden"], visit["run", "disabled"]) == (True, False)
    visit.press("run")
    assert (visit["interval", "disabled"], visit["cancel", "hidden"]) == (False, False)
    visit.wait()
    assert visit["words", "children"] == "Done."
    assert (visit["result", "hidden"], visit["cancel", "hidden"], visit["run", "disabled"]) == (False, True, True)
    assert visit.view == "fluctuation, ± standard deviation"
    drawn = visit["figure", "children"]["props"]["children"]["props"]["figure"]
    (bar,) = drawn["data"]
    assert bar["x"] == ["all", "Dog", "Cat", "Fire Truck", "Race Car"]
    assert "EfficientNet" in visit["numbers", "children"]
    rows = list(csv.reader(io.StringIO(visit.download("csv"))))
    assert len(rows) == 33
    told = json.loads(visit.download("json"))
    assert told["figures"][0]["value"] == pytest.approx(drawn_values(bar)[0])
    visit.look_at(visit.view)  # as the menu comes to be
    assert visit.query == QUICK
    visit.look_at("class changes")
    assert "figure=class+changes" in visit.query
    assert visit.view == "class changes"
    service.jobs._jobs.clear()  # as after a restart
    later = Visit(client)
    assert later["words", "children"] == "Measured before: nothing is computed twice."
    assert later["result", "hidden"] is False
    assert later["run", "disabled"] is True


def drawn_values(trace: dict[str, Any]) -> list[float]:
    """Values of a trace, packed or not."""
    y = trace["y"]
    return list(y) if isinstance(y, list) else np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"]).tolist()


def test_fields_change_the_state(visit: Visit) -> None:
    visit.set("o-count", 3)
    assert visit.state.options == {"count": 3}
    assert visit["words", "children"].startswith("48 pictures")
    visit.set("o-count", 1)
    assert "Values (count) cannot be 1" in visit["said", "children"]
    assert visit.state.options == {"count": 3}
    visit.set("o-count", 3)
    visit.set("o-low", 50)
    visit.set("o-high", 20)
    assert "cannot go from 50 to 20" in visit["said", "children"]
    assert visit["run", "disabled"] is True
    visit.set("o-parameter", "distance")
    assert (visit.fields["o-low"], visit.fields["o-high"]) == (0.5, 20)
    visit.set("models", ["efficientnet_lite0", "lite0_adversarial"])
    assert visit.state.models == ("efficientnet_lite0", "lite0_adversarial")
    visit.set("models", [])
    assert visit["said", "children"] == "Choose a network at least."
    visit.open("tuning")
    assert (visit.state.experiment, visit.state.options) == ("tuning", {})
    assert visit["address", "data"] == "/experiments?experiment=tuning"
    visit.set("o-over", "scenes")
    assert {"o-first_parameter", "o-second_count"} <= visit.fields.keys()


def test_what_runs_is_cancelled(client: FlaskClient) -> None:
    visit = Visit(client, "m1=efficientnet_lite0&count=300")
    visit.press("run")
    visit.press("cancel")
    visit.wait()
    assert visit["words", "children"].startswith("Cancelled. 4,800 pictures")
    assert visit["run", "disabled"] is False


def test_tuning_curves_and_frequencies_are_drawn(client: FlaskClient) -> None:
    tuning = Visit(client, "experiment=tuning&m1=efficientnet_lite0&layer=blocks.0.0&channels=0-2&over=gradients")
    tuning.press("run")
    tuning.wait()
    assert len(tuning["figure", "children"]["props"]["children"]["props"]["figure"]["data"]) == 3
    rows = list(csv.reader(io.StringIO(tuning.download("csv"))))
    assert len(rows) == 7 * 24 + 1
    assert rows[0][2:] == ["blocks.0.0:0", "blocks.0.0:1", "blocks.0.0:2"]
    told = json.loads(tuning.download("json"))
    assert float(rows[1][2]) == pytest.approx(told["responses"][0][0][0], rel=1e-4)
    fourier = Visit(client, "experiment=fourier&m1=efficientnet_lite0&most=1&count=3&norm=30")
    fourier.press("run")
    fourier.wait()
    (heatmap,) = fourier["figure", "children"]["props"]["children"]["props"]["figure"]["data"]
    assert heatmap["type"] == "heatmap"
    assert len(list(csv.reader(io.StringIO(fourier.download("csv"))))) == 10


def test_neurons_are_hypotheses(client: FlaskClient) -> None:
    query = "experiment=hypotheses&m1=efficientnet_lite0&layer=blocks.0.0&channels=0-1&parameters=one&parameter=hue"
    visit = Visit(client, f"{query}&views=20")
    assert visit["words", "children"].startswith("60 pictures × 1 network: about ")
    visit.press("run")
    visit.wait()
    assert (visit.view, visit.views) == ("all", ["all", "0", "1"])
    told = json.loads(visit.download("json"))
    findings = [neuron["findings"][0] for neuron in told["neurons"]]
    drawn = visit["figure", "children"]["props"]["children"]["props"]["figure"]
    assert sorted(trace["name"] for trace in drawn["data"]) == sorted(one["verdict"] for one in findings)
    visit.look_at("1")
    assert visit.view == "1"
    assert "blocks.0.0:1 " in visit["numbers", "children"]
    assert "blocks.0.0:0 " not in visit["numbers", "children"]
    assert findings[1]["verdict"] in visit["numbers", "children"]
    rows = list(csv.DictReader(io.StringIO(visit.download("csv"))))
    assert [float(row["effect"]) for row in rows] == pytest.approx([one["effect"] for one in findings])
    assert [row["verdict"] for row in rows] == [one["verdict"] for one in findings]
    found = exported(client, "experiments", {"query": visit.query}, chosen("result"))
    assert said(found, "experiments") == ""
    visit.set("o-channels", "0-8")
    assert "Allowed: up to 8 channels" in visit["said", "children"]
    visit.set("o-channels", "0-1")
    visit.set("o-low", 0.2)
    visit.set("o-high", -0.2)
    assert "cannot go from 0.2 to -0.2" in visit["said", "children"]


def test_the_map_has_its_border(client: FlaskClient) -> None:
    query = "experiment=viewpoints&m1=efficientnet_lite0&longitudes=4&latitudes=2"
    visit = Visit(client, query)
    visit.press("run")
    visit.wait()
    assert visit.view == "map"
    with client.application.app_context():
        drawn = paper.draw(f"/experiments?{query}", "result", wait=False)
        assert len(drawn.figure.data) == 4
        parts = np.concatenate([one.z.ravel() for one in drawn.figure.data])
        pictures = visit["examples", "children"]
        assert bool(pictures) == bool((parts == 3).any())
        if pictures:
            assert paper.draw(f"/experiments?{query}", "examples", wait=False).name == "viewpoints-examples"


def test_folders_come_from_the_settings(client: FlaskClient, folder: Path) -> None:
    visit = Visit(client, "experiment=cue-conflict&m1=efficientnet_lite0&folder=cues")
    assert visit["words", "children"].startswith("2 pictures × 1 network")
    visit.press("run")
    visit.wait()
    assert "error consistency" in visit.views
    visit.look_at("accuracy")
    assert "ann" in visit["numbers", "children"]
    assert (visit["run", "disabled"], visit["run", "children"]) == (False, "Run again")
    visit.set("folder", "empty")
    assert "'empty' holds no pictures" in visit["said", "children"]
    assert str(folder) not in visit["said", "children"]
    assert visit["run", "disabled"] is True
    before = visit.query
    for wrong in (".hidden", "../cues", str(folder)):
        visit.set("folder", wrong)
        assert "Unknown collection of pictures" in visit["said", "children"]
    assert visit.query == before


def test_without_folders_the_card_says_how_to_offer_some(
    client: FlaskClient, service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "settings", replace(service.settings, collections=None))
    visit = Visit(client, "experiment=labelled-attacks")
    assert "PERTURBER_COLLECTIONS=FOLDER" in visit["said", "children"]
    assert visit["run", "disabled"] is True


def test_a_viewer_looks_and_orders_nothing(
    client: FlaskClient, service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perturber.ui.accounts._who", lambda: User("vera", Role.VIEWER))
    before = [job.id for job in service.jobs.all()]
    visit = Visit(client, "m1=efficientnet_lite0&count=5")
    visit.press("run")
    assert visit["said", "children"].startswith("A viewer cannot start jobs")
    assert [job.id for job in service.jobs.all()] == before


def test_figures_are_exported_and_described(client: FlaskClient, visit: Visit) -> None:
    visit.press("run")
    visit.wait()
    found = exported(client, "experiments", {"query": QUICK}, chosen("result"))
    assert said(found, "experiments") == ""
    assert described(found, "experiments")["figure"]["data"][0]["type"] == "bar"
    other = exported(client, "experiments", {"query": f"{QUICK}&count=9"}, chosen("result"))
    assert "Choose Run first" in said(other, "experiments")
    nothing = exported(client, "experiments", {"query": QUICK}, chosen("examples"))
    assert "no pictures beside this figure" in said(nothing, "experiments")
    with client.application.app_context():
        text = describe(f"/experiments?{QUICK}").markdown
    assert "Fluctuation of predictions (parameter yaw" in text
    assert "`efficientnet_lite0`" in text


def test_times_are_said_as_people_do() -> None:
    assert [duration(s) for s in (0.2, 40, 600, 7200)] == ["1 s", "40 s", "10 min", "2.0 h"]
