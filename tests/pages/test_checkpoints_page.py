"""The Checkpoints page without a browser: its looks, its figures and jobs, its sliders, and whatever else is sent."""

import base64
import json
import random
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
from exports import chosen, described, exported, said
from flask.testing import FlaskClient
from plotly.graph_objects import Figure

from app import create_app
from perturber.figures import SLOT_COLOURS
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.training import all_series
from perturber.ui.callbacks.follow import Asked, Follow, Settled
from perturber.ui.callbacks.look import answer
from perturber.ui.callbacks.messages import Answer
from perturber.ui.components.checkpoints import PANELS, figure_id
from perturber.ui.components.controls import control_id, order_id
from perturber.ui.showing.training import correlated

FAMILY, BASE, STEPS = "lite0_adversarial", "efficientnet_lite0", (0, 10, 50, 200, 500, 1000, 2800)
MODELS = (BASE, *(f"{FAMILY}@{step}" for step in STEPS[1:]))
LAYER = "blocks.3.0"
QUERY = f"m1={FAMILY}@50&m2=lite0_stylised@10&layer={LAYER}&channels=3,7"
MOST = 130
"""Components of a page."""


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def page(client: FlaskClient) -> Iterator[ModuleType]:
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/checkpoints")
    with client.application.app_context():
        yield sys.modules[found["module"]]


def look(page: ModuleType, query: str = QUERY, *changes: tuple[str, Any, Any], **more: Any) -> Answer:
    """One look of the page after some changes of controls: name, slot, value."""
    sent = [{"control": name, "slot": slot, "value": value} for name, slot, value in changes]
    request = {"query": query, "memory": {}, "scene": {}, "changes": sent, "drawn": {}, "client": "me", "sequence": 1}
    return answer(page.PAGE_PARTS, {**request, **more})


def follow(page: ModuleType, query: str = QUERY, order: str | None = None, **shown: str) -> Follow:
    state, problems = page.PAGE_PARTS.read(dict(p.split("=") for p in query.split("&")), {})
    assert problems == []
    settled = Settled(query=query, memory={}, client="me", sequence=1)
    asked = Asked(
        settled=settled,
        order=None if order is None else {"order": order, "slot": ""},
        hovered={},
        tools={},
        shown=shown,
        woken=True,
    )
    return page.PAGE_PARTS.follow(state, asked)


def props(found: Answer | Follow, id_: Any) -> dict[str, Any]:
    given = found.props if isinstance(found, Follow) else found["props"]
    return {name: value for one in given if one["id"] == id_ for name, value in one["props"].items()}


def figure(found: Answer | Follow, panel: str) -> Figure:
    return props(found, figure_id("checkpoints", panel))["figure"]


def words(drawn: Figure) -> str:
    return " ".join(note.text for note in drawn.layout.annotations).replace("<br>", " ")


def numbers(values: Any) -> np.ndarray:
    """A trace's numbers, as Plotly writes them into JSON."""
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]) if "bdata" in values else np.array(values)


# ---- looks ---------------------------------------------------------------------------------------------------------


def test_both_checkpoints_look_at_the_scene(page: ModuleType, service: InferenceService) -> None:
    found = look(page, scene={"yaw": 5})
    models = (f"{FAMILY}@50", "lite0_stylised@10")
    request = LookRequest(scene=Scene().replace(yaw=5), slots=tuple(SlotRequest(model=model) for model in models))
    for number, slot in enumerate(service.look(request).slots):
        rows = props(found, control_id("checkpoints", "bars", number))["rows"]
        assert [row["index"] for row in rows] == [score.index for score in slot.top or ()]
        assert [row["share"] for row in rows] == [f"{score.probability * 100:.1f} %" for score in slot.top or ()]
    status = props(found, "checkpoints-status")["children"]
    assert all(part in status for part in ("Render", "Model 1", "Model 2", "ms"))
    assert "yaw=5" in str(found["query"])


def test_a_slider_that_is_let_go_is_another_checkpoint(page: ModuleType) -> None:
    found = look(page, QUERY, ("place", 0, 6))
    assert f"m1={FAMILY}@2800" in str(found["query"])
    assert props(found, control_id("checkpoints", "place", 0))["value"] == 6
    wrong = look(page, QUERY, ("place", 0, 7))
    assert "Allowed: whole numbers from 0 to 6." in props(wrong, "notice")["children"]
    assert props(wrong, control_id("checkpoints", "place", 0))["value"] == 2  # it goes back


def test_playing_takes_a_step_with_each_look_that_is_due(page: ModuleType) -> None:
    found, steps = look(page, QUERY, ("play", 1, 1)), []
    for beat in range(12):
        if found["again"] is None:
            break
        assert 0 < found["again"] <= 660
        due = [None, time.time() - 0.001 if beat % 2 else time.time() + 0.5]
        found = look(page, str(found["query"]), memory={**found["memory"], "playing": due})
        steps.append(str(found["query"]).partition("m2=lite0_stylised@")[2].partition("&")[0])
    assert steps == ["10", "50", "50", "200", "200", "500", "500", "1000", "1000", "2800"]
    assert props(found, control_id("checkpoints", "play", 1))["children"] == "▶"


def test_another_tab_is_seen_at_once_without_what_was_drawn_there(page: ModuleType) -> None:
    found = look(page, QUERY, ("tab", "", "maps"), drawn={"opened": "0"})
    assert props(found, "checkpoints-tabs") == {"className": "tab of-maps"}
    assert words(figure(found, "multiples")) == "…"
    assert not props(look(page, drawn={"opened": "0"}), "checkpoints-tabs")


# ---- figures -------------------------------------------------------------------------------------------------------


def test_predictions_follow_the_most_probable_classes(page: ModuleType, service: InferenceService) -> None:
    drawn = figure(follow(page), "predictions")
    slots = tuple(SlotRequest(model=model) for model in MODELS)
    tops = [slot.top or () for slot in service.look(LookRequest(scene=Scene(), slots=slots)).slots]
    best: dict[str, float] = {}
    for score in (score for top in tops for score in top):
        best[score.name] = max(score.probability, best.get(score.name, 0))
    assert [trace.name for trace in drawn.data] == sorted(best, key=lambda name: -best[name])[:5]
    known = {(n, score.name): score.probability for n, top in enumerate(tops) for score in top}
    for trace in drawn.data:
        assert len(trace.y) == len(STEPS)
        for n, value in enumerate(trace.y):
            assert value == pytest.approx(known.get((n, trace.name), value), abs=1e-5)


def test_errors_come_from_the_log_and_sliders_are_marked(page: ModuleType) -> None:
    drawn = figure(follow(page), "errors")
    assert [trace.name for trace in drawn.data] == ["training", "validation", "attacked"]
    assert [(line.x0, line.line.color) for line in drawn.layout.shapes] == [(2, SLOT_COLOURS[0])]
    both = figure(follow(page, QUERY.replace("lite0_stylised@10", f"{FAMILY}@0")), "errors")
    assert [line.x0 for line in both.layout.shapes] == [2, 0]


def test_activations_are_those_of_every_checkpoint(page: ModuleType, service: InferenceService) -> None:
    found = follow(page, f"{QUERY}&tab=maps")
    slots = tuple(SlotRequest(model=model, layer=LAYER, channels=(3, 7)) for model in MODELS)
    maps = np.stack([s.activations for s in service.look(LookRequest(scene=Scene(), slots=slots)).slots])
    drawn = figure(found, "multiples")
    assert [trace.zmax for trace in drawn.data] == pytest.approx(np.abs(maps).max((0, 2, 3)).tolist(), rel=1e-4)
    assert [note.text for note in drawn.layout.annotations][-7:] == [f"step {step}" for step in STEPS]
    assert "Red" in props(found, "checkpoints-hint")["children"]


def test_filters_of_the_first_layer(page: ModuleType, service: InferenceService) -> None:
    found = follow(page, f"{QUERY}&tab=kernels")
    assert len(figure(found, "multiples").layout.images) == 2 * len(STEPS)
    kernels = [service.kernels(model) for model in MODELS]
    scale = max(float(np.abs(one).max()) for one in kernels if one is not None)
    note = props(found, "checkpoints-hint")["children"]
    assert f"± {scale:.2g}" in note
    assert "32 filters" in note


@pytest.mark.parametrize("tab", ["curves", "pictures", "maps", "kernels"])
def test_what_is_shown_is_not_sent_again(page: ModuleType, tab: str) -> None:
    first = follow(page, f"{QUERY}&tab={tab}&yaw=3")
    again = follow(page, f"{QUERY}&tab={tab}&yaw=3", **first.shown)
    assert first.props
    assert again.props == []
    assert {**first.shown, **again.shown} == first.shown
    moved = follow(page, f"{QUERY}&tab={tab}&yaw=4", **first.shown)
    drawn = {one["id"]["figure"] for one in moved.props if isinstance(one["id"], dict) and "figure" in one["id"]}
    assert drawn == {"curves": {"predictions", "activations", "weights"}, "maps": {"multiples"}}.get(tab, set())


def test_links_open_both_checkpoints_elsewhere(page: ModuleType) -> None:
    found = follow(page, f"{QUERY}&yaw=3")
    for name, path in (("explore", "/"), ("compare", "/compare")):
        expected = f"{path}?yaw=3&m1={FAMILY}@50&m2=lite0_stylised@10"
        assert props(found, f"checkpoints-open-{name}")["href"] == expected


# ---- jobs ----------------------------------------------------------------------------------------------------------


def test_pictures_are_made_on_order_only(page: ModuleType, service: InferenceService) -> None:
    query = f"m1={FAMILY}@50&m2={FAMILY}@10&layer={LAYER}&channels=3&tab=pictures"
    found = follow(page, query)
    assert props(found, order_id("checkpoints", "make")) == {"hidden": False, "disabled": False, "children": "Make 7"}
    assert not found.running
    drawn = figure(found, "multiples")
    assert not drawn.layout.images
    assert words(drawn).count("not made") == len(STEPS)
    assert drawn.layout.shapes[0].line.color == SLOT_COLOURS[0]
    assert "Make them" in props(found, "checkpoints-preview-0")["title"]
    ordered = follow(page, query, "make")
    assert ordered.running
    assert props(ordered, order_id("checkpoints", "cancel")) == {"hidden": False}
    cancelled = follow(page, query, "cancel")
    assert cancelled.running  # an answer that was on its way may be shown later: all this is shown once more
    assert not follow(page, query).running
    assert words(figure(cancelled, "multiples")).count("cancelled") == len(STEPS)
    assert all(job.state.over for job in service.jobs.all())


def test_the_preview_of_a_slot_is_its_checkpoints(page: ModuleType) -> None:
    found = follow(page, QUERY.replace("3,7", "11,12"))
    for number, step in ((0, 50), (1, 10)):
        preview = props(found, f"checkpoints-preview-{number}")
        assert f"{LAYER}: 11, 12, step {step}" in preview["title"]
        picture = base64.b64decode(preview["src"].partition(",")[2]).decode()
        assert picture.count("not made") == 2


@pytest.mark.slow
def test_curves_are_computed_once(page: ModuleType) -> None:
    query = f"{QUERY}&count=3"
    first = follow(page, query)
    assert "Choose Compute" in words(figure(first, "activations"))
    assert props(first, order_id("checkpoints", "compute")) == {"hidden": False, "disabled": False}
    found = follow(page, query, "compute")
    end = time.monotonic() + 120
    while found.running and time.monotonic() < end:
        assert not props(found, "checkpoints-progress").get("hidden", False)
        time.sleep(0.1)
        found = follow(page, query)
    assert props(found, order_id("checkpoints", "compute")) == {"hidden": False, "disabled": True}
    for panel in ("activations", "weights"):
        drawn = figure(found, panel)
        lines = {trace.name: np.asarray(trace.y) for trace in drawn.data if trace.name}
        assert all(values[0] == 1 and len(values) == len(STEPS) for values in lines.values())
        assert min(values[-1] for values in lines.values()) < 0.9999
        assert next(trace.name for trace in drawn.data if trace.line.width == 3).startswith(LAYER)
    assert props(found, "checkpoints-hint")["children"].startswith("Correlations over 3 pictures")


def test_curves_that_cannot_be_computed_say_why(page: ModuleType) -> None:
    found = follow(page, f"{QUERY}&pictures=examples")
    assert "PERTURBER_EXAMPLES" in words(figure(found, "weights"))
    assert not found.running


# ---- callbacks -----------------------------------------------------------------------------------------------------


def text_of(id_: Any) -> str:
    """An id as Dash writes it."""
    return id_ if isinstance(id_, str) else json.dumps(id_, sort_keys=True, separators=(",", ":"))


def ask(client: FlaskClient, needle: str, inputs: list[Any], state: list[Any], changed: int = 0) -> Any:
    """Ask the callback with such an output, as Dash's own script does."""
    spec = next(one for one in client.get("/_dash-dependencies").get_json() if needle in one["output"])
    names = spec["output"].strip(".").split("...")
    outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
    for one in [*outputs, *spec["inputs"], *spec["state"]]:
        one["id"] = json.loads(one["id"]) if one["id"].startswith("{") else one["id"]
    given = [{**one, "value": value} for one, value in zip(spec["inputs"], inputs, strict=True)]
    body = {
        "output": spec["output"],
        "outputs": outputs if spec["output"].startswith("..") else outputs[0],
        "inputs": given,
        "state": [{**one, "value": value} for one, value in zip(spec["state"], state, strict=True)],
        "changedPropIds": [f"{text_of(given[changed]['id'])}.{given[changed]['property']}"],
    }
    response = client.post("/_dash-update-component", json=body)
    assert response.status_code in (200, 204), response.text
    return response.get_json() if response.status_code == 200 else None


@pytest.mark.parametrize("name", ["lite0_adversarial", "lite0_stylised", "lite0_adversarial_nobn"])
def test_correlations_of_the_bundled_series_come_with_the_project(page: ModuleType, name: str) -> None:
    state, _ = page.PAGE_PARTS.read({"m1": f"{name}@50"}, {})
    found = correlated(state).product
    assert found is not None
    assert found.pictures == 412
    assert set(found.samples.values()) == {20_000}
    for values in (*found.layers.values(), *found.weights.values()):
        assert values.shape == (len(state.series.steps),)
        assert values[0] == 1
        assert (values <= 1).all()
    assert found.layers["conv_head"][-1] < found.layers["conv_stem"][-1]  # later layers move further


def settled(query: str = QUERY) -> dict[str, Any]:
    return {"query": query, "memory": {}, "records": [], "client": "me", "sequence": 1}


@pytest.mark.parametrize(("tab", "marked"), [("curves", 4), ("pictures", 1), ("maps", 0), ("kernels", 0)])
def test_while_a_slider_moves_what_is_at_hand_follows(client: FlaskClient, tab: str, marked: int) -> None:
    facts = {"query": QUERY, "memory": {}}
    for known in (None, settled()):
        found = ask(client, "words-0", [4, 6, FAMILY, FAMILY], [tab, known, facts])["response"]
        assert found["checkpoints-words-0"]["children"].startswith("step 500 · epoch")
        assert found["checkpoints-words-1"]["children"].startswith("step 2800 · epoch")
        assert f"{LAYER}: 3, 7, step 500" in found["checkpoints-preview-0"]["title"]
        ids = [text_of(figure_id("checkpoints", panel)) for panel in PANELS]
        patches = [found[name]["figure"] for name in ids if name in found]
        assert len(patches) == (marked if known else 0)  # at first nothing is drawn
        for patch in patches:
            (change,) = patch["operations"]
            assert change["location"] == ["layout", "shapes"]
            places = [round(shape["x0"] + 0.5) for shape in change["params"]["value"]]
            assert places == ([4, 6] if tab == "curves" else [4])


@pytest.mark.parametrize("sent", [[99, None, "nobody", 3], [None] * 4, ["x", {}, [], True]])
def test_an_odd_slider_changes_nothing_that_is_not_there(client: FlaskClient, sent: list[Any]) -> None:
    found = ask(client, "words-0", sent, ["curves", settled(), {"query": QUERY, "memory": {}}])["response"]
    assert found["checkpoints-words-1"]["children"].startswith("step 10 ·")


def test_a_figure_is_saved_as_it_is_drawn(client: FlaskClient) -> None:
    def save(panel: str, query: str) -> Any:
        return exported(client, "checkpoints", settled(query), chosen(panel))

    found = save("errors", QUERY)
    assert found["checkpoints-export-file"]["data"]["filename"] == "checkpoints-errors.json"
    figure = described(found, "checkpoints")["figure"]
    assert (figure["layout"]["width"], figure["layout"]["height"], len(figure["data"])) == (720, 420, 3)
    found = save("multiples", f"{QUERY}&tab=maps")
    assert found["checkpoints-export-file"]["data"]["filename"] == "checkpoints-maps.json"
    layout = described(found, "checkpoints")["figure"]["layout"]
    assert layout["height"] < layout["width"] / 2
    for panel, query in (("multiples", f"{QUERY}&tab=pictures&channels=9"), ("weights", f"{QUERY}&count=5")):
        found = save(panel, query)
        assert "checkpoints-export-file" not in found
        assert "to save yet" in said(found, "checkpoints")


# ---- the layout, and whatever is sent ------------------------------------------------------------------------------


def test_few_components(page: ModuleType) -> None:
    assert 1 + sum(1 for _ in page.layout()._traverse()) <= MOST
    assert 1 + sum(1 for _ in page.layout(channels="0-7")._traverse()) <= MOST


def test_the_page_says_what_is_wrong_in_its_link(page: ModuleType) -> None:
    text = str(page.layout(m1=f"{FAMILY}@7", yaw="12", colour="red"))
    assert "Unknown checkpoint" in text
    assert "'colour'" in text
    assert f"yaw=12&m1={FAMILY}@2800" in text


def test_without_checkpoints_it_says_how_to_get_some(page: ModuleType, tmp_path: Path, service: Any) -> None:
    models = tmp_path / "models"
    models.mkdir()
    settings = replace(service.settings, models=models)
    (models / "catalog.toml").write_text("")
    assert all_series(settings) == {}
    before, service.settings = service.settings, settings
    try:
        assert "perturber train" in str(page.layout())
        assert "perturber train" in props(look(page), "notice")["children"]
    finally:
        service.settings = before


@pytest.mark.slow
def test_whatever_is_sent_is_answered(page: ModuleType) -> None:
    chooser = random.Random(0)
    odd = [None, "", "x" * 999, -1, 10**30, 2.5, True, [], {}, [[1]], {"a": 1}, "../../etc/passwd", "\x00"]
    controls = ["series", "place", "play", "of", "tab", "layer", "channels", "naive", "objective", "pictures", "count"]
    for _ in range(120):
        changes = [
            (chooser.choice([*controls, "nose"]), chooser.choice([0, 1, 2, ""]), chooser.choice(odd))
            for _ in range(chooser.randint(1, 3))
        ]
        found = look(page, QUERY, *changes)
        said = props(found, "notice")["children"]
        assert not found["failed"]
        assert said.endswith((".", "?")) or not said
        assert "Something went wrong" not in said
