"""The Sweep page without a browser: its form, its sweep, single scenes, selected ones, files, and who may what."""

import base64
import csv
import io
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dash
import numpy as np
import pytest
from callback_requests import ask, props_of
from flask.testing import FlaskClient
from PIL import Image

from app import create_app
from perturber.examples.folders import collections
from perturber.experiments.measures import Measure
from perturber.experiments.sweep import Axis, Grid, LatinHypercube, Range
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.sessions import Sessions
from perturber.ui.callbacks.sweep import cell_of, selected_cells
from perturber.ui.components.sweep import FIELDS, fields_of
from perturber.ui.context import service as running
from perturber.ui.showing.sweep import product_of
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.page import parse_query
from perturber.ui.states.sweep import SweepState
from perturber.users import Role, User
from perturber.zoo.pictures import Crop, read_picture

LITE0, ADVERSARIAL = "efficientnet_lite0", "lite0_adversarial"
GRID = Grid((Axis.even("pitch", -20, 20, 2), Axis.even("yaw", -60, 60, 3)))
STATE = SweepState.default().with_values(design=GRID, measures=(Measure(kind="probability", class_index=250),))


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


class Visit:
    """The page as its visitor has it: what its components show."""

    def __init__(self, client: FlaskClient, state: SweepState = STATE) -> None:
        self.client = client
        self.specs = [one for one in client.get("/_dash-dependencies").get_json() if not one["clientside_function"]]
        self.shown: dict[str, dict[str, Any]] = {f"sweep-{k}": {"value": v} for k, v in fields_of(state).items()}
        editor = {"kind": "probability", "channel": 0, "pooling": "mean", "row": 0, "column": 0}
        self.shown |= {f"sweep-{name}": {"value": value} for name, value in editor.items()}
        self.set("sweep-facts", data={"query": state.query(), "memory": {}, "client": "me"})

    def __getitem__(self, place: tuple[str, str]) -> Any:
        return self.shown.get(f"sweep-{place[0]}", {}).get(place[1])

    def set(self, id_: str, by: str = "", **props: Any) -> None:
        """Change a component, and take over what the callbacks of it, and of what they change, answer."""
        self.shown.setdefault(id_, {}).update(props)
        names = [by or f"{id_}.{next(iter(props))}"]
        while names:
            name = names.pop()
            for spec in self.specs:
                inputs = [f"{one['id']}.{one['property']}" for one in spec["inputs"]]
                if name not in inputs or "sweep" not in spec["output"] or "sweep-export" in spec["output"]:
                    continue
                values, state = ([self._value(one) for one in spec[key]] for key in ("inputs", "state"))
                answer = ask(self.client, spec, values, state, inputs.index(name))
                found = {} if answer.status_code == 204 else props_of(answer)
                for component, changed in found.items():
                    self.shown.setdefault(component, {}).update(changed)
                    names += ["sweep-facts.data"] if component == "sweep-facts" else []

    def _value(self, one: dict[str, Any]) -> Any:
        return self.shown.get(one["id"], {}).get(one["property"])

    def press(self, name: str) -> None:
        self.set(f"sweep-{name}", n_clicks=(self[name, "n_clicks"] or 0) + 1)

    def run(self) -> None:
        self.press("run")
        end = time.monotonic() + 120
        while not self["interval", "disabled"]:
            assert time.monotonic() < end
            time.sleep(0.05)
            self.set("sweep-interval", n_intervals=1)

    @property
    def state(self) -> SweepState:
        with self.client.application.app_context():
            folders = collections(running().settings.collections)
        return SweepState.from_query(parse_query(self["facts", "data"]["query"]), named, folders)[0]


def named(name: str) -> Any:
    return type("Info", (), {"name": name})()


@pytest.fixture
def visit(client: FlaskClient) -> Visit:
    return Visit(client)


def test_the_page_shows_what_its_link_holds(client: FlaskClient) -> None:
    (page,) = (page for page in dash.page_registry.values() if page["path"] == "/sweep")
    with client.application.test_request_context("/sweep"):
        laid_out = sys.modules[page["module"]].layout(**parse_query(STATE.query()), nonsense="1")
    assert "nonsense" in str(laid_out.children[0])
    assert laid_out.children[2].data["query"] == STATE.query()


def test_it_says_what_a_sweep_takes_before_anything_is_computed(visit: Visit, service: InferenceService) -> None:
    assert visit["about", "children"].startswith("6 scenes × 2 networks: some ")
    assert visit["changes", "children"] == "The first scene, unchanged."
    assert visit["empty", "children"].startswith("Nothing is looked at yet. Run orders it")
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(visit["start", "src"].partition(",")[2]))))
    np.testing.assert_array_equal(picture, service.look(LookRequest(scene=STATE.scene)).image)
    assert service.jobs.all() == []


def test_the_form_makes_the_state(visit: Visit) -> None:
    visit.set("sweep-key2", value="object")
    assert "listing" in visit["axis2", "className"]
    visit.set("sweep-values2", value=["dog_cat", "firetruck_racecar"])
    assert visit.state.design == Grid((GRID.axes[0], Axis("object", ("dog_cat", "firetruck_racecar"))))
    visit.set("sweep-key2", value=None)
    visit.set("sweep-count1", value=4)
    assert visit.state.design == Grid((Axis.even("pitch", -20, 20, 4),))
    assert visit["address", "data"] == f"/sweep?{visit.state.query()}"
    visit.set("sweep-m2", value=None)
    assert visit.state.models == (LITE0,)
    visit.set("sweep-kind", value="activation")
    assert "of-activation" in visit["editor", "className"]
    visit.shown["sweep-channel"]["value"] = 5
    visit.press("add")
    assert visit.state.measures[1] == Measure(kind="activation", layer=visit["layer", "value"], channel=5)
    assert (visit.state.shown, visit["shown", "value"]) == (1, 1)
    assert "Activation of " in visit["shown", "options"][1]["label"]
    visit.press("remove")
    assert visit.state.measures == STATE.measures
    visit.set("sweep-design", value="latin")
    assert visit.state.design == LatinHypercube((Range("pitch", -20, 20),), 60)
    visit.set("sweep-samples", value=12)
    assert visit.state.design == LatinHypercube((Range("pitch", -20, 20),), 12)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("low1", 30, "must rise"),
        ("low1", None, "Choose the values"),
        ("high1", 10**9, "Pitch"),
        ("count1", 20_000, "cannot have"),
        ("count1", 1.5, "cannot take"),
        ("key1", "custom_code", "no quantity"),
        ("key2", "pitch", "named twice"),
        ("key1", "nothing", "nothing"),
        ("m2", LITE0, "named twice"),
        ("m1", "no_such", "no_such"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(visit: Visit, field: str, value: Any, says: str) -> None:
    visit.set(f"sweep-{field}", value=value)
    assert says in visit["said", "children"]
    assert visit.state == STATE


def test_what_a_network_does_not_have_is_said(client: FlaskClient) -> None:
    visit = Visit(client, STATE.with_values(measures=(Measure(kind="logit", class_index=5000),)))
    assert "5000" in visit["wrong", "children"]
    assert "5000" in visit["empty", "children"]
    assert visit["run", "disabled"]


def test_a_sweep_is_run_and_drawn(visit: Visit, service: InferenceService) -> None:
    visit.run()
    assert visit["progress", "children"].startswith("6 of 6 scenes.")
    assert not visit["sheet", "hidden"]
    first, _ = (one for one in visit["graph", "figure"]["data"])
    assert list(first["x"]) == [-60, 0, 60]
    look = service.look(LookRequest(scene=STATE.at(4), slots=(SlotRequest(model=LITE0, pinned=(250,)),)))
    with visit.client.application.app_context():
        product = product_of(STATE.request(service))
    assert product is not None
    assert product.values[4, 0] == pytest.approx(look.slots[0].pinned[0].probability, rel=1e-3)
    assert len(visit["graph", "figure"]["layout"]["images"]) == 2 * 3 + 2
    assert Visit(visit.client)["progress", "children"].startswith("6 of 6 scenes.")  # who comes later sees it, too
    wider = Visit(visit.client, STATE.with_values(design=Grid((GRID.axes[0], Axis.even("yaw", -120, 120, 5)))))
    wider.run()
    assert "6 of 10 scenes were known already." in wider["progress", "children"]


def point(x: float, y: float) -> dict[str, Any]:
    return {"points": [{"x": x, "y": y, "curveNumber": 1, "bbox": {"x0": 1, "x1": 2, "y0": 3, "y1": 4}}]}


def test_a_scene_that_is_pointed_at_is_shown_and_a_click_opens_it(visit: Visit) -> None:
    visit.run()
    visit.set("sweep-graph", hoverData=point(60, -20))
    said = str(visit["tooltip", "children"])
    assert visit["tooltip", "show"]
    assert "data:image/jpeg" in said
    assert "Pitch -20°, Yaw 60°" in said
    assert "Lite0 adversarial sees " in said
    visit.set("sweep-graph", hoverData=None)
    assert not visit["tooltip", "show"]
    visit.set("sweep-graph", clickData=point(60, -20))
    link = visit.shown["_pages_location"]["href"]
    scene = parse_query(link.removeprefix("/"))
    assert (scene["yaw"], scene["pitch"], scene["m2"], scene["pinned"]) == ("60", "-20", ADVERSARIAL, "250")
    assert visit["number", "value"] == 3
    visit.set("sweep-number", value=3)
    assert link in str(visit["scene", "children"])
    visit.set("sweep-number", value=7)
    assert visit["scene", "children"] == "There are the scenes 1 to 6."


def test_selected_scenes_are_listed_and_kept(visit: Visit, service: InferenceService) -> None:
    visit.run()
    visit.press("keep")
    assert "Choose a session first" in visit["kept", "children"]
    sessions = Sessions(service.settings.data)
    visit.set("sweep-session", value=sessions.create("Sweeps"))
    visit.press("keep")
    assert "Select scenes first" in visit["kept", "children"]
    visit.set("sweep-graph", selectedData={"points": [], "range": {"x2": [-70, 10], "y2": [-30, 0]}})
    assert visit["chosen-ones", "data"] == [0, 1]
    table = visit["list", "children"][1]["props"]["children"]
    assert table.count("data:image/jpeg") == 2
    visit.press("keep")
    assert visit["kept", "children"] == "2 snapshots more in the session."
    kept = sessions.open(visit["session", "value"]).strip
    states = [ExploreState.from_query(parse_query(one.query), service.model)[0] for one in kept]
    assert [state.scene for state in states] == [STATE.at(0), STATE.at(1)]
    assert "Pitch -20°, Yaw -60°" in kept[0].comment
    visit.set("sweep-graph", selectedData=None)
    assert visit["chosen-ones", "data"] == []


def test_the_table_is_downloaded(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    visit.run()
    visit.press("csv")
    file = base64.b64decode(visit["file", "data"]["content"]).decode()
    rows = list(csv.reader(io.StringIO(file)))
    assert rows[0][:2] == ["pitch", "yaw"]
    assert len(rows) == 7
    monkeypatch.setattr("perturber.experiments.sweep.find_spec", lambda name: None)
    visit.press("parquet")
    assert "pyarrow" in visit["progress", "children"]


def test_a_sweep_is_cancelled(client: FlaskClient, service: InferenceService) -> None:
    visit = Visit(client, STATE.with_values(design=Grid((Axis.even("yaw", -90, 90, 900),))))
    visit.press("run")
    assert not visit["interval", "disabled"]
    visit.press("cancel")
    assert visit["interval", "disabled"]
    assert not visit["run", "disabled"]
    assert list(service.orders.all()) == []


def test_a_viewer_looks_and_orders_nothing(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.ui.accounts._who", lambda: User("vera", Role.VIEWER))
    visit = Visit(client, STATE.with_values(design=Grid((Axis.even("yaw", -50, 90, 3),))))
    assert visit["about", "children"].startswith("3 scenes")
    visit.press("run")
    assert visit["progress", "children"].startswith("A viewer cannot start jobs")


def test_points_of_the_figure_are_found_whatever_its_kind() -> None:
    lines = STATE.with_values(design=Grid((Axis("object", ("dog_cat", "firetruck_racecar")),)))
    assert cell_of(lines, {"x": "firetruck_racecar", "y": 0.3}) == 1
    switched = STATE.with_values(design=Grid((Axis("plane", (False, True)), Axis("yaw", (5, 1, 3)))))
    assert cell_of(switched, {"x": 3, "y": "on"}) == 5
    assert selected_cells(switched, {"range": {"x": [0.5, 2.5], "y": [-0.5, 0.5]}}) == [1, 2]  # words are counted
    latin = STATE.with_values(design=LatinHypercube((Range("yaw", -60, 60),), 9))
    assert selected_cells(latin, {"points": [{"pointNumber": 8}, {"pointNumber": 9}, {"pointNumber": 2}]}) == [2, 8]
    for wrong in (None, {}, {"x": 1}, {"x": [], "y": {}}, "x"):
        assert cell_of(STATE, wrong) is None
        assert selected_cells(STATE, {"points": [wrong], "range": {"x": wrong, "y": wrong}}) == []


def test_explore_leads_here(client: FlaskClient, service: InferenceService) -> None:
    explored = ExploreState.default(service.model).with_scene(STATE.at(3)).with_view(pinned=(250, 3))
    found, problems = SweepState.from_query(parse_query(explored.sweep_query()), service.model)
    assert problems == []
    assert (found.scene, found.models) == (STATE.at(3), (LITE0, ADVERSARIAL))
    slot = explored.slot(0)
    assert found.measures == (
        Measure(kind="probability", class_index=250),
        Measure(kind="activation", layer=slot.layer, channel=slot.channels[0]),
    )
    assert set(FIELDS) == set(fields_of(found))


# ---- pictures in place of scenes ----------------------------------------------------------------------------------


@pytest.fixture
def folder(service: InferenceService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three pictures, one of which cannot be read."""
    folder = tmp_path / "lent" / "cats"
    folder.mkdir(parents=True)
    for n in range(2):
        pixels = np.random.default_rng(n).integers(0, 255, (64, 80, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{n}.png")
    (folder / "torn.png").write_bytes(b"no picture")
    monkeypatch.setattr(service, "settings", replace(service.settings, collections=folder.parent))
    return folder


def test_pictures_are_gone_through(visit: Visit, service: InferenceService, folder: Path) -> None:
    visit.set("sweep-design", value="pictures")
    assert visit["folder", "value"] == "cats"
    assert visit["key1", "value"] is None  # pitch changes nothing in a picture
    assert "contrast" in {one["value"] for one in visit["key1", "options"]}
    assert "yaw" not in {one["value"] for one in visit["key1", "options"]}
    assert visit["pictured", "className"] == "sampled"
    assert visit["axis2", "className"] == "axis gone"
    assert visit["about", "children"].startswith("3 pictures × 2 networks: some ")
    assert visit["changes", "children"].endswith("Its post-processing is applied to each picture.")
    visit.run()
    assert visit["progress", "children"] == (
        "3 of 3 pictures. 1 pictures cannot be read; what networks make of them is left empty."
    )
    first, _ = visit["graph", "figure"]["data"]
    assert (list(first["x"]), first["mode"]) == (["0.png", "1.png", "torn.png"], "markers")
    image = Crop(size=224)(read_picture(folder / "1.png"))
    request = LookRequest(scene=STATE.scene, image=image, slots=(SlotRequest(model=LITE0, pinned=(250,)),))
    expected = service.look(request).slots[0].pinned[0].probability
    assert np.frombuffer(base64.b64decode(first["y"]["bdata"]), first["y"]["dtype"])[1] == pytest.approx(
        expected, rel=1e-3
    )
    assert len(visit["graph", "figure"]["layout"]["images"]) == 2  # the torn one has none
    box = {"x0": 1, "x1": 2, "y0": 3, "y1": 4}
    visit.set("sweep-graph", hoverData={"points": [{"x": "torn.png", "y": None, "bbox": box}]})
    assert "torn.png" in str(visit["tooltip", "children"])
    assert "not known" in str(visit["tooltip", "children"])
    assert str(folder) not in str(visit["tooltip", "children"])


def test_a_picture_is_seen_and_listed_and_no_scene_is_opened(
    visit: Visit, service: InferenceService, folder: Path
) -> None:
    visit.set("sweep-design", value="pictures")
    visit.set("sweep-key1", value="contrast")
    visit.set("sweep-count1", value=2)
    visit.run()
    assert visit["progress", "children"].startswith("6 of 6 pictures.")
    lowest = visit.state.design.axes[1].values[0]  # type: ignore[union-attr]
    pointed = {"points": [{"x": lowest, "y": "1.png", "bbox": {"x0": 1, "x1": 2, "y0": 3, "y1": 4}}]}
    visit.set("sweep-graph", hoverData=pointed)
    assert "1.png, " in str(visit["tooltip", "children"])
    visit.shown.pop("_pages_location", None)
    visit.set("sweep-graph", clickData=pointed)
    assert "_pages_location" not in visit.shown
    assert visit["number", "value"] == 3
    assert "Explore" not in str(visit["scene", "children"])
    visit.set("sweep-graph", selectedData={"points": [], "range": {"x": [-9, 9], "y": [0.5, 1.5]}})
    assert visit["chosen-ones", "data"] == [2, 3]
    assert "2 pictures." in str(visit["list", "children"])
    visit.set("sweep-session", value=Sessions(service.settings.data).create("Pictures"))
    visit.press("keep")
    assert visit["kept", "children"] == "Pictures of a folder are not kept in sessions. Download the table instead."
    visit.press("csv")
    rows = list(csv.reader(io.StringIO(base64.b64decode(visit["file", "data"]["content"]).decode())))
    assert [row[0] for row in rows] == ["picture", "0.png", "0.png", "1.png", "1.png", "torn.png", "torn.png"]


def test_measures_of_a_start_leave_as_pictures_come(client: FlaskClient, folder: Path) -> None:
    visit = Visit(client, STATE.with_values(measures=(Measure(kind="probability"),)))
    visit.set("sweep-design", value="pictures")
    assert visit["said", "children"] == (
        "Pictures have no start that a measure could refer to. Taken out: Probability of the start’s first class."
    )
    assert visit.state.measures == (Measure(kind="entropy"),)


def test_a_server_without_folders_says_so(visit: Visit) -> None:
    visit.set("sweep-design", value="pictures")
    assert visit["said", "children"].startswith("This server offers no folders of pictures.")
    assert visit.state == STATE
