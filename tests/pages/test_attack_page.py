"""Explore's attack panel and its figures without a browser: orders, jobs, tables, and whatever else is sent."""

import csv
import io
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import dash
import pytest
from dash.development.base_component import Component
from edited_models import LITE0, LITE1

from app import create_app
from perturber.service import InferenceService
from perturber.ui.callbacks.follow import Asked, Follow, Order, Settled
from perturber.ui.callbacks.look import answer
from perturber.ui.callbacks.messages import BUG
from perturber.ui.components.controls import control_id
from perturber.ui.states.attack import AttackState
from perturber.ui.states.page import parse_query

CURVE = {"pictures": "scene", "pictures-count": 4, "most": 1, "points": 3, "curve-steps": 1, "method": []}


class Visit:
    """What a browser does with Explore: it asks, and keeps what it was answered."""

    def __init__(self, page: Any, **query: str) -> None:
        self.page = page
        slots = {"m1": LITE0, "m2": LITE1, "p1": "0", "p2": "0", "cards": "none", "a2": "0"}
        self.query = "&".join(f"{key}={value}" for key, value in {**slots, **query}.items())
        self.memory: dict[str, Any] = {}
        self.shown: dict[str, str] = {}
        self.properties: dict[str, dict[str, Any]] = {}
        self.running = False
        self.sequence = 0

    @property
    def values(self) -> dict[str, str]:
        return parse_query(self.query)

    def look(self, *changes: tuple[str, Any], **scene: Any) -> None:
        """Change controls and parameters until all steps are taken."""
        self.sequence += 1
        sent = [{"control": control, "value": value, "slot": ""} for control, value in changes]
        asked = {"query": self.query, "memory": self.memory, "scene": scene, "changes": sent, "drawn": {}}
        found = answer(self.page, asked | {"client": "me", "sequence": self.sequence})
        self.take(found["props"])
        if found["query"] is not None:
            self.query, self.memory = found["query"], found["memory"]
        if found["again"] is not None:
            self.look(**scene)

    def follow(self, order: str | None = None, **tools: Any) -> Follow:
        """What takes its time, with a button that was pressed and the settings beside it."""
        settled = {"query": self.query, "memory": self.memory, "client": "me", "sequence": self.sequence}
        asked = Asked(
            settled=Settled.read(settled),
            order=None if order is None else Order(order=order, slot=""),
            hovered={},
            tools=tools,
            shown=self.shown,
            woken=True,
        )
        state, _ = self.page.read(self.values, self.memory)
        found = self.page.follow(state, asked)
        self.take(found.props)
        self.shown = {**self.shown, **found.shown}
        self.running = found.running
        for one in found.props:
            if isinstance(one["id"], Mapping) and one["id"].get("control") == "job":
                self.look(("job", one["props"]["value"]))
        return found

    def wait(self) -> None:
        """Until nothing goes on any more."""
        end = time.monotonic() + 120
        self.follow()
        while self.running and time.monotonic() < end:
            time.sleep(0.05)
            self.follow()
        assert not self.running

    def order(self, name: str, **tools: Any) -> Follow:
        """Press the button of a figure, and wait for what it makes."""
        found = self.follow(name, **tools)
        self.wait()
        return found

    def take(self, props: Any) -> None:
        for one in props:
            id_ = one["id"]
            key = id_ if isinstance(id_, str) else " ".join(str(v) for k, v in id_.items() if k != "page" and v != "")
            self.properties[key] = {**self.properties.get(key, {}), **one["props"]}

    @property
    def figure(self) -> dict[str, Any]:
        figure = self.properties["explore-figure"]["figure"]
        return figure if isinstance(figure, dict) else figure.to_plotly_json()

    @property
    def notes(self) -> list[Component]:
        return self.properties["explore-notes"]["children"]

    @property
    def sentences(self) -> list[str]:
        return [note.children for note in self.notes]

    @property
    def job(self) -> str:
        return self.values["attack_figure"].partition("-")[2]


@pytest.fixture
def page(service: InferenceService) -> Iterator[Any]:
    app = create_app(service=service)
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/")
    with app.server.test_request_context("/"):
        yield sys.modules[found["module"]].PAGE_PARTS


@pytest.fixture
def visit(page: Any) -> Callable[..., Visit]:
    def begin(**query: str) -> Visit:
        here = Visit(page, **query)
        here.look()
        return here

    return begin


def test_a_scene_that_moves_ends_the_attack_and_its_controls_say_so(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.look(("attack-run", 1))
    assert here.properties["attack-end"]["disabled"] is False
    here.look(hue=0.1)
    assert "attack" not in here.values
    assert here.properties["attack-end"]["disabled"] is True


# ---- the same attack on every model -------------------------------------------------------------------------------


def test_the_same_attack_on_every_shown_model(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit()
    here.look(("attack-count", 2), ("drawer", "models"))
    here.order("models")
    assert re.fullmatch(r"models-[0-9a-f]{24}", here.values["attack_figure"])
    assert [line["name"].split(":")[0] for line in here.figure["data"]] == ["Model 1", "Model 2"]
    assert [image.alt for image in here.notes] == [f"Amplified perturbation of Model {n}" for n in (1, 2)]
    assert all(image.src.startswith("data:image/png") for image in here.notes)
    assert all(re.search(r"% low\. .* → .*‖δ‖∞", image.title) for image in here.notes)
    product = service.jobs.product(here.job)
    assert str(product.attack).startswith("pgd(l2=1,steps=2")
    assert "explore-figure" not in {
        one["id"] for one in here.follow().props if "figure" in one["props"]
    }  # drawn already


def test_a_hidden_model_is_not_attacked(visit: Callable[..., Visit]) -> None:
    here = visit(h2="1", attack_figure="models")
    here.look(("attack-count", 1))
    here.order("models")
    assert len(here.notes) == 1


# ---- robustness curves --------------------------------------------------------------------------------------------


def test_a_curve_its_words_and_its_values(visit: Callable[..., Visit]) -> None:
    here = visit(attack_figure="curve")
    here.order("curve", **CURVE)
    assert len(here.figure["data"]) == 4
    assert here.sentences[0].startswith("Model 1 loses the class at ε = 0.5 (128/255)")
    assert here.sentences[-1].startswith("PGD, 1 step, untargeted.")
    assert "the class that each model predicts" in here.sentences[-1]
    here.follow("csv")
    table = here.properties["explore-download"]["data"]
    assert table["filename"] == "robustness.csv"
    rows = list(csv.DictReader(io.StringIO(table["content"])))
    assert [(row["model"], row["epsilon"]) for row in rows] == [
        (m, e) for m in (LITE0, LITE1) for e in ("0", "0.5", "1")
    ]


def test_a_link_brings_the_curve_back(visit: Callable[..., Visit]) -> None:
    here = visit(attack_figure="curve")
    here.order("curve", **CURVE)
    again = visit(**here.values)
    again.follow()
    assert not again.running
    assert again.figure == here.figure
    assert again.sentences == here.sentences
    assert again.properties["explore-job"]["children"] == "Done"
    again.look(hue=0.2)
    again.follow()
    assert again.properties["explore-job"]["children"] == "of an earlier scene, attack or choice of models"
    assert again.properties["explore-notes"]["className"] == "notes old"


def test_a_finished_figure_is_drawn_once(visit: Callable[..., Visit], monkeypatch: pytest.MonkeyPatch) -> None:
    here = visit(attack_figure="curve")
    here.order("curve", **CURVE)
    monkeypatch.setattr("perturber.ui.showing.drawer.robustness", None)
    again = visit(**here.values)
    again.follow()
    assert again.figure == here.figure


def test_an_order_may_come_before_its_figure_is_known_to_be_open(
    visit: Callable[..., Visit], service: InferenceService
) -> None:
    """Whoever opens the drawer and presses at once is not left waiting."""
    here = visit()
    ordered = here.follow("curve", **{**CURVE, "points": 2})
    (job,) = (one["props"]["value"] for one in ordered.props if one["id"] == control_id("explore", "job"))
    here.look(("drawer", "curve"), ("job", job))
    here.wait()
    assert "untargeted" in here.sentences[-1]


def test_pixels_are_whole(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit(h2="1", attack_figure="curve")
    here.look(("attack-method", "sparse l0"))
    here.order("curve", **{**CURVE, "most": 5, "points": 4})
    assert service.jobs.product(here.job).request.epsilons == (0, 2, 3, 5)


def test_the_largest_epsilon_is_twice_the_panels(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit(h2="1", attack_figure="curve")
    for kind, epsilon, largest in (("pgd l2", 0.5, 1), ("pgd linf", 0.7, 1)):
        here.look(("attack-method", kind))
        here.look(("attack-epsilon", epsilon))
        here.order("curve", **{**CURVE, "most": None, "points": 2})
        assert service.jobs.product(here.job).request.epsilons == (0, largest)


def test_a_job_is_cancelled_and_ordered_again(visit: Callable[..., Visit], service: InferenceService) -> None:
    here = visit(attack_figure="curve")
    tools = {**CURVE, "pictures": "variations", "pictures-count": 256}
    here.follow("curve", **tools)
    here.follow()
    assert here.running
    assert here.properties["curve"]["children"] == "Cancel"
    job = here.job
    here.follow("curve", **tools)
    assert service.jobs.status(job).state == "cancelled"
    assert here.properties["explore-job"]["children"] == "Cancelled"
    assert here.properties["curve"]["children"] == "Compute"
    here.follow("curve", **tools)
    assert (here.job, service.jobs.status(job).state.over) == (job, False)
    service.jobs.cancel(job)


# ---- layers -------------------------------------------------------------------------------------------------------


def test_layers_of_steps_that_nobody_had_followed(visit: Callable[..., Visit]) -> None:
    here = visit()
    here.look(("attack-count", 3), ("attack-run", 1))
    here.look(("drawer", "layers"))
    here.follow()
    assert len(here.figure["data"]) == 3
    assert here.sentences[0].startswith("After step 1 the change jumps most at ")
    here.look(("attack-alpha", 0.5))
    here.follow()
    assert len(here.figure["data"]) == 3
    here.look(("attack-end", 1))
    here.follow()
    assert here.figure["data"] in ([], ())


# ---- what cannot be -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figure", "tools", "changes", "sentence"),
    [
        ("models", {}, [("hide", 0), ("hide", 1)], "No model is shown"),
        ("models", {}, [("attack-target", 5000)], "has no class '5000'"),
        ("curve", {"points": 1}, [], "cannot be '1'. Allowed: whole numbers from 2 to 33."),
        ("curve", {"points": None}, [], "Allowed: whole numbers from 2 to 33."),
        ("curve", {"most": "much"}, [], "epsilon of pgd in l2 cannot be 'much'"),
        ("curve", {"pictures": "holiday"}, [], "Unknown source of pictures 'holiday'"),
        ("curve", {"pictures": "variations", "pictures-count": None}, [], "cannot have None pictures"),
        ("curve", {"pictures": "folder"}, [], "Set PERTURBER_EXAMPLES"),
        ("curve", {"curve-steps": []}, [], "cannot have [] steps"),
        ("curve", {"method": ["autoattack"], "most": 9}, [("attack-method", "sparse l0")], "norm of AutoAttack 'l0'"),
    ],
)
def test_an_impossible_order_gets_a_sentence(
    page: Any, figure: str, tools: dict[str, Any], changes: list[tuple[str, Any]], sentence: str
) -> None:
    here = Visit(page, attack_figure=figure)
    hidden = {f"h{value + 1}": "1" for control, value in changes if control == "hide"}
    here.query += "".join(f"&{key}={value}" for key, value in hidden.items())
    here.look(*(change for change in changes if change[0] != "hide"))
    found = here.follow(figure, **{**CURVE, **tools})
    assert sentence in (found.notice or ""), found.notice
    assert here.values["attack_figure"] == figure  # the link names no job
    assert not here.running


def test_an_unknown_job_in_a_link_gets_a_sentence(visit: Callable[..., Visit]) -> None:
    here = visit(attack_figure="curve-" + "0" * 24)
    assert "does not exist, or no longer does" in (here.follow().notice or "")
    assert "Choose Compute first" in (here.follow("csv").notice or "")
    here.order("curve", **{**CURVE, "points": 2})  # and can be ordered anew
    assert here.job != "0" * 24
    assert len(here.figure["data"]) == 4


def test_there_is_no_table_before_there_are_values(visit: Callable[..., Visit]) -> None:
    here = visit(attack_figure="curve")
    assert "Choose Compute first" in (here.follow("csv").notice or "")


@pytest.mark.slow
def test_nothing_that_is_sent_is_a_bug(visit: Callable[..., Visit], service: InferenceService) -> None:
    """Wrong kinds, huge and strange values, in every control of the panel and every setting of an order."""
    here = visit(attack_figure="curve", h2="1")
    odd = [None, True, -1, 1e308, [], {}, [[]], {"a": 1}, "", "\x00", "é" * 300, "pgd", "pgd l7", float("nan")]
    controls = ["slot", "method", "epsilon", "step-size", "target", "start", "count", "alpha"]
    for value in odd:
        for control in controls:
            here.look((f"attack-{control}", value))
            assert here.properties["notice"]["children"] != BUG, (control, value)
            here.look(("attack-end", 1))
        for tool in CURVE:
            notice = here.follow("curve", **{**CURVE, tool: value}).notice
            assert notice != BUG, (tool, value)
    for job in service.jobs.all():
        service.jobs.cancel(job.id)


@pytest.mark.parametrize("figure", ["layers", "models", "curve", "curve-0123456789abcdef01234567"])
def test_the_open_figure_is_part_of_the_link(figure: str) -> None:
    state = AttackState.parse({"attack_figure": figure})
    assert state.query() == {"attack_figure": figure}
    assert f"{state.open}-{state.job}" == figure if state.job else state.open == figure
    attacked = AttackState.parse({"attack_figure": figure, "attack": "pgd(l2=1;x)"})
    request = attacked.request()
    assert request is not None
    assert request.layers == (figure == "layers")
