"""The Explore page without a browser: what its callbacks answer, and whatever else anybody sends to them."""

import base64
import csv
import io
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import dash
import numpy as np
import pytest
from callback_requests import text_of
from explore_visit import PAGE, Visit, at, value
from exports import chosen, described, exported
from flask.testing import FlaskClient
from PIL import Image
from user_files import picture

from app import create_app
from perturber import objects
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, RankRequest, SlotRequest
from perturber.ui.callbacks.messages import BUG
from perturber.ui.showing.history import COLUMNS
from perturber.ui.states.explore import SlotState
from perturber.ui.states.explore_changes import STEPS
from perturber.ui.states.page import Change
from perturber.zoo.classes import CLASS_LISTS

LITE0 = "efficientnet_lite0"
STEM = "conv_stem"  # the cheapest layer to visualise
ALONE = f"l1={STEM}&c1=3,4&p1=0&h2=1&cards=none"
PREDICTED = "a1=0&h2=1&cards=none"
CLASSES = [c.wnid for c in CLASS_LISTS["imagenet1k"]]

Open = Callable[[str], Visit]


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    client = create_app(service=service).server.test_client()
    client.get("/_dash-dependencies")
    return client


@pytest.fixture
def visit(client: FlaskClient) -> Open:
    return lambda query="": Visit(client, query)


@pytest.fixture
def page(client: FlaskClient) -> Iterator[ModuleType]:
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/")
    with client.application.app_context():
        yield sys.modules[found["module"]]


@pytest.fixture
def configured(service: InferenceService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets other settings for the time of a test."""
    return lambda **changes: monkeypatch.setattr(service, "settings", replace(service.settings, **changes))


def values_of(sent: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(sent), "<f4")


# ---- the page and its looks ------------------------------------------------------------------------------------------


def test_the_page_has_few_components(page: ModuleType) -> None:
    assert sum(1 for _ in page.layout()._traverse()) <= 130


def test_the_page_says_what_is_wrong_in_its_link(page: ModuleType) -> None:
    layout = page.layout(pinned="3,1000", explain="5000", hue="0.2", what="1")
    (problems,) = (part for part in layout._traverse() if getattr(part, "id", None) == "explore-problems")
    said = " ".join(str(problem.children) for problem in problems.children)
    assert len(problems.children) == 3
    assert all(word in said for word in ("'1000'", "'5000'", "'what'"))


def test_a_folder_of_examples_that_cannot_be_used_is_named_until_it_can(
    page: ModuleType, configured: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "later"
    configured(examples=folder)
    assert "There is no folder" in str(page.layout())
    folder.mkdir()
    assert "no labelled pictures" in str(page.layout())
    paint(folder / f"{CLASSES[3]}_shark.JPEG", (200, 20, 20))  # the server runs on
    assert "labelled pictures'" not in str(page.layout())


def test_a_look_shows_what_the_service_says(visit: Open, service: InferenceService) -> None:
    here = visit("c1=3,4&c2=5&cards=none&pinned=7")
    answer = here.look(scene={"yaw": 20})
    first = SlotState.first(service.model(LITE0))
    slots = (
        SlotRequest(model=LITE0, layer=first.layer, channels=(3, 4), pinned=(7,)),
        SlotRequest(model="lite0_adversarial", layer=first.layer, channels=(5,), pinned=(7,)),
    )
    expected = service.look(LookRequest(scene=Scene().replace(yaw=20), slots=slots)).slots
    assert here.values["yaw"] == "20"
    for number, slot in enumerate(expected):
        maps, bars = here.of("maps", number), here.of("bars", number)
        assert maps["channels"] == list(slot.channels)
        assert slot.activations is not None
        np.testing.assert_allclose(values_of(maps["values"]), slot.activations.ravel(), rtol=1e-5, atol=1e-5)
        assert maps["scale"] == pytest.approx(4 * slot.deviation)
        assert [row["index"] for row in bars["rows"]] == [score.index for score in slot.top or ()]
        assert [row["index"] for row in bars["pinned"]] == [7]
    assert answer["record"][0] == 1
    again = here.look()
    assert set(here.of("maps", 0)) >= {"figure"}
    (sent,) = (one["props"] for one in again["props"] if one["id"] == at("maps", 0))
    assert set(sent) == {"values", "scale", "ends"}  # the rest is drawn
    assert here.properties["explore-status"]["children"].startswith("Cached answer")


def test_a_hidden_slot_uses_no_compute(visit: Open) -> None:
    here = visit("cards=none")
    here.look(("hide", 1, 1))
    assert here.values["h2"] == "1"
    assert here.properties["explore-slot-1"]["className"] == "slot collapsed"
    assert "Model 2" not in here.properties["explore-status"]["children"]
    assert here.of("hide", 1)["children"] == "+"


def test_a_wrong_value_is_said_and_taken_back(visit: Open) -> None:
    here = visit(ALONE)
    here.look(("channels", "0-99", 0), ("count", 3, 0))
    assert "0-99" in here.notice
    assert here.channels == [3, 4, 5]
    assert here.of("channels", 0)["value"] == "3, 4, 5"
    here.look(("shows", ["activations", "predictions"], 0), ("pin", 5000))
    assert "5000" in here.notice
    assert not here.values.keys() & {"pinned"}
    here.look()
    assert here.notice == ""


def test_what_was_done_to_ones_own_files_is_said_while_they_are_shown(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path))
    wall = objects.store().add_background(picture((0, 200, 0, 100)))
    here = visit(ALONE)
    here.look(scene={"background": wall})
    assert here.notice == "Background: Its transparency is left out."
    here.look(scene={"yaw": 10})
    assert "transparency" in here.notice
    here.look(scene={"background": Scene().background})
    assert here.notice == ""


def test_scales(visit: Open) -> None:
    here = visit("cards=none&l1=blocks.0.0")
    here.look()
    own = [here.of("maps", n)["scale"] for n in (0, 1)]
    assert own[0] != pytest.approx(own[1], rel=0.01)
    start = here.of("divisor")["value"]  # a fixed scale starts where the slider is
    assert start == pytest.approx(np.log10(max(own)), abs=0.026)
    here.look(("boxes", ["shared"]))
    assert [here.of("maps", n)["scale"] for n in (0, 1)] == pytest.approx([max(own)] * 2)
    here.look(("divisor", 0.5))
    assert here.of("maps", 1)["scale"] == pytest.approx(10**0.5)
    assert here.of("maps", 1)["ends"] == ["−3.16", "+3.16"]
    assert here.of("divisor")["value"] == 0.5
    here.look(("four-sigma", 1), ("boxes", []))
    assert here.of("divisor")["value"] == start
    assert [here.of("maps", n)["scale"] for n in (0, 1)] == pytest.approx(own)


# ---- marks -----------------------------------------------------------------------------------------------------------


def test_a_mark_shows_what_a_unit_sees(visit: Open, service: InferenceService) -> None:
    here = visit(ALONE)
    cell = {"channel": 3, "row": 40, "column": 50, "count": 1}
    here.look(("maps", cell, 0))
    field = service.model(LITE0).layers[STEM].field
    assert field is not None
    top, left, bottom, right = field.box(40, 50)
    style = here.properties["explore-field"]["style"]
    assert [style[key] for key in ("top", "left", "width", "height")] == [
        f"{length:.1f}px" for length in (top, left, right - left, bottom - top)
    ]
    assert not here.properties["explore-field"]["hidden"]
    assert here.properties["explore-about-input"]["children"].startswith(f"{STEM}:3, row 40, column 50 sees")
    here.look(("layer", "blocks.6.0", 0))
    assert here.properties["explore-field"]["hidden"]
    here.look(("layer", STEM, 0), ("maps", {**cell, "count": 2}, 0))
    assert here.properties["explore-field"]["hidden"]


@pytest.mark.parametrize("place", [-1, 10**6, 2**80])
def test_a_mark_beyond_the_map_is_no_bug(visit: Open, place: int) -> None:
    here = visit(f"{ALONE}&overlay=true")
    here.look(("maps", {"channel": 3, "row": place, "column": place}, 0))
    assert here.notice != BUG


# ---- feature visualisations ------------------------------------------------------------------------------------------


def test_visualisations_are_ordered_followed_and_shown(visit: Open, client: FlaskClient) -> None:
    here = visit(f"l1={STEM}&c1=1,2&p1=0&h2=1")
    here.look()
    assert [card["front"]["src"] for card in here.of("maps", 0)["pictures"]] == [None, None]
    here.wait()
    fronts = [card["front"] for card in here.of("maps", 0)["pictures"]]
    titles = [f"Feature visualisation of {STEM}:{n}, cut to what the neuron sees" for n in (1, 2)]
    assert [front["title"] for front in fronts] == titles
    for front in fronts:
        assert front["src"].endswith("?v=done&part=53,53,67,67")  # 3 × 3 pixels of the input, in any view
        with Image.open(io.BytesIO(client.get(front["src"]).data)) as image:
            assert image.size == (14, 14)
    back = here.of("maps", 0)["pictures"][0]["back"]
    assert (back["src"], f"perturber examples index FOLDER --model {LITE0}" in back["title"]) == (None, True)
    assert here.properties['{"order":"make","page":"explore","slot":0}']["children"] == ""

    here.look(("channels", "2", 0))  # what is known is there at once
    assert [card["front"] for card in here.of("maps", 0)["pictures"]] == fronts[1:]
    here.look(("cards", "none"))
    assert here.of("maps", 0)["pictures"] is None


def test_every_option_is_another_picture(visit: Open) -> None:
    sources = []
    for option in ("", "&naive=true", "&objective=channel", "&variants=2"):
        here = visit(f"l1={STEM}&c1=5&p1=0&h2=1{option}")
        here.look()
        here.follow()
        while here.running and not here.of("maps", 0)["pictures"][0]["front"]["src"]:
            time.sleep(0.05)
            here.follow()
        sources.append(here.of("maps", 0)["pictures"][0]["front"]["src"].partition("?")[0])
        if here.running:
            here.follow("make", 0)
            here.wait()
    assert len(set(sources)) == 4


def test_making_is_stopped_and_begun_again(visit: Open, service: InferenceService) -> None:
    here = visit("l1=blocks.6.0&c1=5,6&p1=0&h2=1&variants=6")
    here.look()
    here.follow()
    assert here.running
    make = '{"order":"make","page":"explore","slot":0}'
    assert here.properties[make]["title"] == "Stop making these feature visualisations"
    here.follow("make", 0)
    here.wait()
    assert here.properties[make]["children"] == "make"
    assert {card["front"]["note"] for card in here.of("maps", 0)["pictures"]} == {"cancelled"}
    assert not here.running
    here.follow("make", 0)
    assert here.running
    here.follow("make", 0)
    here.wait()


# ---- predictions -----------------------------------------------------------------------------------------------------


def paint(path: Path, colour: tuple[int, int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (260, 240), colour).save(path)


def test_without_a_folder_a_visualisation_stands_in(visit: Open, service: InferenceService) -> None:
    here = visit(PREDICTED)
    here.look()
    top = here.of("bars", 0)["rows"][0]
    here.follow()
    (example,) = here.of("bars", 0)["evidence"]
    assert example["caption"] == f"{top['name']}: its logit’s feature visualisation"
    assert "PERTURBER_EXAMPLES" in example["title"]
    assert here.running
    here.follow("make", 0)
    here.wait()
    assert here.of("bars", 0)["evidence"][0]["note"] == "cancelled"
    assert here.properties['{"order":"make","page":"explore","slot":0}']["children"] == "make"


def test_examples_from_a_folder(visit: Open, configured: Any, tmp_path: Path) -> None:
    here = visit(PREDICTED)
    here.look()
    rows = here.of("bars", 0)["rows"]
    for row in rows[:2]:
        paint(tmp_path / f"{CLASSES[row['index']]}_one.JPEG", (200, 30, 30))
    configured(examples=tmp_path)
    here.look()
    bars = here.of("bars", 0)
    assert [one["src"] for one in bars["evidence"]] == [f"/classes/{LITE0}/{rows[0]['index']}.jpg"]
    assert list(bars["examples"]) == [str(row["index"]) for row in rows[:2]]
    here.follow(hovered=(0, rows[1]["index"]))  # the browser has its picture
    assert here.of("bars", 0)["evidence"] == bars["evidence"]
    here.follow(hovered=(0, rows[2]["index"]))
    (stand_in,) = here.of("bars", 0)["evidence"]
    assert stand_in["caption"] == f"{rows[2]['name']}: its logit’s feature visualisation"
    assert "none of this class" in stand_in["title"]
    here.follow()
    assert here.of("bars", 0)["evidence"] == bars["evidence"]
    for index in (-1, 10**6):
        here.follow(hovered=(0, index))
        assert here.properties.get("notice", {}).get("children") == ""
    here.follow("make", 0)
    here.wait()


def test_what_speaks_for_a_class(visit: Open) -> None:
    here = visit(f"{PREDICTED}&explain=281")
    here.look()
    kinds = {one["kind"]: one for one in here.of("bars", 0)["evidence"]}
    assert set(kinds) == {"example", "cam", "gradient"}
    assert "tabby" in kinds["cam"]["title"]
    here.follow()
    assert {one["kind"] for one in here.of("bars", 0)["evidence"]} == set(kinds)
    here.look(("explain", "none"))
    assert [one["kind"] for one in here.of("bars", 0)["evidence"]] == ["example"]


# ---- ranking and groups ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "more"),
    [
        ("active", {"by": "active"}),
        ("relevant", {"by": "relevant"}),
        ("relevant:281", {"by": "relevant", "class_index": 281}),
        ("changed", {"by": "changed", "reference": Scene().replace(yaw=60)}),
    ],
)
def test_rankings_are_the_services(visit: Open, service: InferenceService, choice: str, more: dict[str, Any]) -> None:
    here = visit(f"l1=blocks.3.0&c1=0&h2=1&cards=none&yaw=60{'&pinned=281' if '281' in choice else ''}")
    here.look(("reference", 1))
    here.look(scene={"yaw": Scene().yaw, "hue": 0.1})
    here.look(("group", choice, 0))
    request = RankRequest(scene=Scene().replace(hue=0.1), model=LITE0, layer="blocks.3.0", **more)
    assert here.channels == list(service.rank(request).channels)
    assert here.of("group", 0)["value"] is None  # one can choose it again


def test_ranking_by_the_difference_to_the_other_shown_model(visit: Open, service: InferenceService) -> None:
    here = visit(f"l1=blocks.3.0&c1=0&m2={LITE0}&l2=blocks.3.0&c2=0&cards=none")
    here.look(("group", "differ", 0))
    assert len(here.channels) == 8
    here = visit(f"l1={STEM}&c1=0&m2=efficientnet_lite1&l2={STEM}&c2=0&cards=none")  # of 224 and of 240 pixels
    here.look(("group", "differ", 0))
    assert "same shape" in here.notice


@pytest.mark.parametrize(
    ("choice", "slot", "said"),
    [
        ("changed", 0, "no reference scene"),
        ("differ", 0, "Only one model"),
        ("relevant:1000", 0, "0 to 999"),
        ("relevant:dog", 0, "whole numbers"),
        ("relevant:2.5", 0, "whole numbers"),
        ("loudest", 0, "active, changed, relevant, differ"),
        ("own:nothing", 0, "no group 'nothing'"),
        ("published:nothing", 0, "no group 'nothing'"),
        ("active", 2, "no model"),
        ("active", 9, "no model"),
        ("active", "0", "no slot"),
        ("active", "", "no slot"),
    ],
)
def test_groups_that_cannot_be(visit: Open, choice: str, slot: Any, said: str) -> None:
    """Slot 1 is hidden, slot 2 is empty."""
    here = visit(ALONE)
    here.look(("group", choice, slot))
    assert said in here.notice
    assert here.channels == [3, 4]


def test_what_the_menu_of_groups_offers(page: ModuleType) -> None:
    state, _ = page.ExploreState.from_query({"pinned": "281", "h2": "1"}, page.service().model)
    options = {option["value"]: option for option in page.ExplorePage().controls(state)[page.At("group", 0)]["options"]}
    assert options["relevant:281"]["label"] == "Most relevant for tabby"
    assert options["changed"]["disabled"]
    assert options["differ"]["disabled"]
    state = page.changed(state, Change("reference", None, 1), page.service().model)
    options = {option["value"]: option for option in page.ExplorePage().controls(state)[page.At("group", 0)]["options"]}
    assert not options["changed"]["disabled"]


@pytest.fixture
def folder(configured: Any, tmp_path: Path) -> Path:
    """The data folder of this test."""
    configured(data=tmp_path)
    return tmp_path


def keep(here: Visit, name: Any, *, number: int = 0) -> dict[str, Any]:
    """Keep the channels that a slot shows, as the dialog does."""

    def naming(part: str) -> dict[str, Any]:
        return {"page": PAGE, "naming": part, "slot": number}

    spec = next(one for one in dependencies(here) if '"naming":"keep"' in str(one["inputs"][0]["id"]))
    body = {
        "output": spec["output"],
        "outputs": {"id": naming("said"), "property": "children"},
        "inputs": [
            value(naming("keep"), "n_clicks", 1),
            value(naming("name"), "n_submit", None),
        ],
        "state": [value(naming("name"), "value", name), here.settled, here.facts],
        "changedPropIds": [f"{text_of(naming('keep'))}.n_clicks"],
    }
    response = here.client.post("/_dash-update-component", json=body)
    assert response.status_code == 200, response.text
    found = response.get_json()
    here.take(found.get("sideUpdate", {}))
    return {**found.get("sideUpdate", {}), **found["response"]}


def dependencies(here: Visit) -> list[dict[str, Any]]:
    return here.client.get("/_dash-dependencies").get_json()


def said(found: dict[str, Any]) -> str:
    """What the dialog answers; "" where it has closed."""
    words = found[text_of({"page": PAGE, "naming": "said", "slot": 0})]["children"]
    assert (words == "") == (found.get(f"{PAGE}-dialog") == {"is_open": False})
    return words


def mine(*channels: int) -> dict[str, Any]:
    """How a group is kept."""
    return {"channels": list(channels), "owner": "127.0.0.1"}


def own(here: Visit) -> list[str]:
    """The users' own groups that a menu offers."""
    return [o["label"] for o in here.of("group", 0)["options"] if o["value"].startswith("own:")]


def test_groups_are_kept_replaced_chosen_and_removed(visit: Open, folder: Path) -> None:
    here = visit(ALONE)
    here.look()
    assert said(keep(here, "Fur")) == ""
    assert own(here) == ["Fur (2)"]
    here.look(("channels", "7", 0))
    assert said(keep(here, "  Ohren:\n 耳  ")) == ""
    assert own(here) == ["Fur (2)", "Ohren: 耳 (1)"]
    here.look(("group", "own:Fur", 0))
    assert here.channels == [3, 4]
    here.look(("group", "drop:Fur", 0))
    assert own(here) == ["Ohren: 耳 (1)"]
    here.look(("group", "own:Ohren: 耳", 0))
    assert here.channels == [7]
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == ["groups.json"]
    assert json.loads((folder / "groups.json").read_text()) == {LITE0: {STEM: {"Ohren: 耳": mine(7)}}}
    here.look(("layer", "conv_head", 0))
    assert own(here) == []


def test_a_long_group_is_paged_and_kept_whole(visit: Open, folder: Path) -> None:
    long = [20, 3, 5, 7, 11, 13, 17, 19, 0, 2, 23]
    (folder / "groups.json").write_text(json.dumps({LITE0: {STEM: {"Long": long}}}))
    here = visit(ALONE)
    here.look(("group", "own:Long", 0))
    assert here.channels == long[:8]
    here.look(("on", 1, 0))
    assert here.channels == long[8:] + long[:5]
    keep(here, "Again")
    assert "Again (11)" in own(here)


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "a\x1bb", "\ud800", None, 5, ["Fur"], {"a": 1}])
def test_names_that_groups_cannot_have(visit: Open, folder: Path, name: Any) -> None:
    here = visit(ALONE)
    here.look()
    assert "1 to 60 characters" in said(keep(here, name))
    assert not (folder / "groups.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        *(
            "{",
            "[]",
            "7",
            "null",
            '{"a": 5}',
            '{"a": {"b": []}}',
            '{"a": {"b": {"c": 5}}}',
            '{"a": {"b": {"c": ["x"]}}}',
        ),
        *('{"a": {"b": {"c": {}}}}', '{"a": {"b": {"c": {"channels": [1], "owner": 5}}}}'),
    ],
)
def test_a_broken_file_of_groups_is_named_and_kept(visit: Open, folder: Path, content: str) -> None:
    here = visit(ALONE)
    here.look()
    path = folder / "groups.json"
    path.write_text(content)
    assert str(path) in said(keep(here, "Fur"))
    here.look(("group", "own:Fur", 0))
    assert str(path) in here.notice
    answer = here.look(scene={"yaw": 3})
    assert answer["looked"]  # one cannot choose groups, and everything else goes on
    assert path.read_text() == content


def test_a_full_disk_is_named_and_leaves_nothing(visit: Open, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = visit(ALONE)
    here.look()
    keep(here, "Fur")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for target in ((tempfile, "mkstemp"), ("os.replace",)):
        with monkeypatch.context() as patch:
            patch.setattr(*target, full)
            assert "No space left" in said(keep(here, "Ears"))
    assert json.loads((folder / "groups.json").read_text()) == {LITE0: {STEM: {"Fur": mine(3, 4)}}}
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == ["groups.json"]


def test_a_data_folder_that_is_none(visit: Open, configured: Any, tmp_path: Path) -> None:
    here = visit(ALONE)
    here.look()
    (tmp_path / "file").write_text("")
    configured(data=tmp_path / "file")
    assert said(keep(here, "Fur"))


# ---- figures below the slots -----------------------------------------------------------------------------------------


def test_all_channels_and_a_click_on_one(visit: Open, service: InferenceService) -> None:
    here = visit("cards=none&c1=0-7&c2=1&p1=0&p2=0")
    here.look(("drawer", "summary"))
    assert here.values["summary"] == "true"
    assert here.properties["explore-drawer"]["className"] == "drawer open"
    here.follow()
    figure = here.properties["explore-figure"]["figure"]
    assert [trace["name"][:7] for trace in figure["data"]] == ["Model 1", "Model 2"]
    for curve, channel, expected in ((0, 33, [0, 1, 2, 3, 4, 5, 6, 33]), (1, 44, [1, 44])):
        clicked = {"points": [{"curveNumber": curve, "customdata": channel}]}
        output = f'..{{"control":"add","page":"{PAGE}","slot":""}}.value...{PAGE}-figure.clickData..'
        inputs = [value(f"{PAGE}-figure", "clickData", clicked)]
        response = here.ask(output, inputs, [here.settled, here.facts]).get_json()["response"]
        assert response[f"{PAGE}-figure"] == {"clickData": None}
        (told,) = (props["value"] for id_, props in response.items() if "add" in id_)
        here.look(("add", told))
        assert [int(c) for c in here.values[f"c{curve + 1}"].split(",")] == expected


def test_the_history_is_drawn_saved_and_forgotten(visit: Open, service: InferenceService) -> None:
    here = visit(f"{PREDICTED}&pinned=281")
    here.look()
    here.look(scene={"hue": 0.2})
    here.look(("drawer", "history"), scene={"hue": 0.2})
    here.follow()
    figure = here.properties["explore-figure"]["figure"]
    assert [trace["name"] for trace in figure["data"]] == ["Model 1: top class", "Model 1: tabby"]
    assert figure["layout"]["yaxis"]["title"]["text"] == "probability"
    here.look(("measure", "logit"))
    here.follow()
    assert here.properties["explore-figure"]["figure"]["layout"]["yaxis"]["title"]["text"] == "logit"

    here.follow("csv")
    saved = here.properties["explore-download"]["data"]
    assert saved["filename"] == "history.csv"
    rows = list(csv.DictReader(io.StringIO(saved["content"])))
    assert tuple(rows[0]) == COLUMNS
    assert {(row["slot"], row["model"]) for row in rows} == {("Model 1", LITE0)}
    slots = (SlotRequest(model=LITE0, pinned=(281,)),)
    for update, scene in (("1", {}), ("2", {"hue": 0.2})):
        mine = [row for row in rows if row["update"] == update]
        assert [row["kind"] for row in mine] == [f"top {n}" for n in range(1, 6)] + ["pinned"]
        assert json.loads(mine[0]["scene"]) == scene
        expected = service.look(LookRequest(scene=Scene().replace(**scene), slots=slots)).slots[0]
        for row, score in zip(mine, [*(expected.top or ()), *expected.pinned], strict=True):
            assert (int(row["class_index"]), row["class"]) == (score.index, score.name)
            assert float(row["logit"]) == pytest.approx(score.logit, abs=1e-4)
            assert float(row["probability"]) == pytest.approx(score.probability, abs=1e-5)

    shown = {"query": here.query, "memory": here.memory, "records": here.records}
    drawn = described(exported(here.client, "explore", shown, chosen("history")), "explore")
    assert [row[drawn["columns"].index("x")] for row in drawn["rows"]] == [1, 2, 3, 4] * 2
    assert drawn["figure"]["layout"]["yaxis"]["title"]["text"] == "logit"

    here.follow("clear")
    here.look(("since", here.of("since")["value"]))
    here.follow()
    assert here.properties["explore-figure"]["figure"]["data"] == []
    here.look(scene={"hue": 0.1})
    here.follow()
    assert here.properties["explore-figure"]["figure"]["data"][0]["x"] == [here.sequence]


# ---- whatever is sent ------------------------------------------------------------------------------------------------

NONSENSE: list[Any] = [
    None, True, 0, -1, 1.5, float("nan"), float("inf"), 10**400, "", "0", "../../etc/passwd", "a/b", "\ud800", "\x00",
    "x" * 5000, [], [[]], [None], list(range(3000)), {}, {"a": {}}, {"": 0}, STEM, LITE0,
    {"channel": 3, "row": 2**70, "column": -5}, {"index": 10**6}, {"slot": 0, "channel": 10**6},
]  # fmt: skip


def test_nothing_that_is_sent_is_a_bug(visit: Open) -> None:
    chooser = random.Random(0)
    controls = [*(control for control in STEPS if control not in ("attack-run", "attack-step")), "group"]
    here = visit(ALONE)
    for _ in range(80):
        changes = [
            (chooser.choice(controls), chooser.choice(NONSENSE), chooser.choice([0, 0, 0, 1, 2, 7, "", "x"]))
            for _ in range(3)
        ]
        here.look(*changes)
        assert BUG not in here.notice, changes
        assert len(here.notice) < 6000
        if chooser.random() < 0.1:
            here.query, here.memory = ALONE, {}


@pytest.mark.parametrize("place", ["query", "memory", "changes", "drawn", "scene", "sequence", "client"])
def test_a_request_of_another_kind_is_refused(visit: Open, place: str) -> None:
    here = visit(ALONE)
    wrong: Any = 3 if place != "sequence" else "x"
    asked = {"query": "", "memory": {}, "scene": {}, "changes": [], "drawn": {}, "client": "me", "sequence": 1}
    response = here.ask("explore-panel.answer", [value("explore-panel", "request", {**asked, place: wrong})])
    assert response.status_code < 500
    assert "Traceback" not in response.text
