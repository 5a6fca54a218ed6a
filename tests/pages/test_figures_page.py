"""The Figures page without a browser: panels are added, moved and changed, drawn, exported, kept and described."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlencode

import dash
import pytest
from callback_requests import ask, props_of
from exports import chosen, described, exported, file_of, said
from flask.testing import FlaskClient
from session_values import new

from app import create_app
from perturber.export import read_provenance, table
from perturber.service import InferenceService
from perturber.sessions import Sessions, ShortLinks
from perturber.ui import paper
from perturber.ui.callbacks.adding import draft_of
from perturber.ui.states.figures import KEY, FiguresState, PanelState
from perturber.ui.states.page import parse_query

QUIET = "c1=3,7&c2=1&cards=none"
PANELS = [
    (f"/?{QUIET}&yaw=12", "input"),
    (f"/?{QUIET}", "activations-model-1"),
    (f"/?{QUIET}", "predictions-model-2"),
    ("/checkpoints?m1=lite0_adversarial@50&tab=curves", "errors"),
]


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def page(client: FlaskClient) -> Iterator[ModuleType]:
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/figures")
    with client.application.app_context():
        yield sys.modules[found["module"]]


def figure(*panels: tuple[str, str], **values: Any) -> FiguresState:
    return FiguresState(panels=tuple(PanelState.of(*panel) for panel in panels), **values)


class Visit:
    """The page as its visitor has it: what its components show."""

    def __init__(self, client: FlaskClient, state: FiguresState | None = None, draft: str | None = None) -> None:
        self.client = client
        opened = state or FiguresState()
        self.shown: dict[str, dict[str, Any]] = {
            "figures-facts": {"data": {"query": opened.query(), "memory": {}}},
            "figure-draft": {"data": None if draft is None else {"query": draft}},
            "figures-grid": {"selectedRows": []},
        }
        self.specs = client.get("/_dash-dependencies").get_json()
        self.set("figures-facts", data=self["figures-facts", "data"], by="figures-rows.value")

    def __getitem__(self, place: tuple[str, str]) -> Any:
        return self.shown.get(place[0], {}).get(place[1])

    def set(self, id_: str, by: str = "", **props: Any) -> dict[str, Any]:
        """Change a component, and take over what its callback answers.

        Args:
            by: the input that counts as changed; by default the first of `props`.
        """
        self.shown.setdefault(id_, {}).update(props)
        name = by or f"{id_}.{next(iter(props))}"
        found: dict[str, Any] = {}
        for spec in self.specs:
            names = [f"{one['id']}.{one['property']}" for one in spec["inputs"]]
            if name not in names or spec["clientside_function"] or "figure" not in spec["output"]:
                continue
            values = [self[one["id"], one["property"]] for one in spec["inputs"]]
            state = [self[one["id"], one["property"]] for one in spec["state"]]
            for component, changed in props_of(ask(self.client, spec, values, state, names.index(name))).items():
                self.shown.setdefault(component, {}).update(changed)
                found[component] = changed
        return found

    def press(self, name: str) -> dict[str, Any]:
        return self.set(f"figures-{name}", n_clicks=(self[f"figures-{name}", "n_clicks"] or 0) + 1)

    def choose(self, row: int) -> None:
        self.shown["figures-grid"]["selectedRows"] = [self.rows[row]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self["figures-grid", "rowData"]

    @property
    def state(self) -> FiguresState:
        return FiguresState.from_query(parse_query(self["figures-facts", "data"]["query"]))[0]

    @property
    def graph(self) -> dict[str, Any]:
        return self["figures-paper", "children"]["props"]["children"]["props"]["figure"]


@pytest.fixture
def visit(client: FlaskClient) -> Visit:
    return Visit(client, figure(*PANELS, rows=2, columns=2, shared=True))


def test_the_page_shows_what_its_link_holds(page: ModuleType, visit: Visit) -> None:
    state = visit.state
    laid_out = page.layout(**{KEY: state.as_json()})
    assert laid_out.children[2].data["query"] == state.query()
    assert "cut off" in str(page.layout(**{KEY: "{"}).children[0])
    assert [(row["letter"], row["what"]) for row in visit.rows] == [
        ("a", "Explore · Model input"),
        ("b", "Explore · Activations: Model 1"),
        ("c", "Explore · Predictions: Model 2"),
        ("d", "Checkpoints · Errors"),
    ]
    texts = [one.get("text") for one in visit.graph["layout"]["annotations"]]
    assert [f"<b>{letter}</b>" in texts for letter in "abcde"] == [True] * 4 + [False]
    assert visit["figures-sheet", "hidden"] is False
    assert visit["figures-size", "children"].startswith("175 × ")


def test_panels_are_moved_changed_and_removed(visit: Visit) -> None:
    kinds = [panel.kind for panel in visit.state.panels]
    visit.set("figures-grid", virtualRowData=visit.rows[1:] + visit.rows[:1])
    assert [panel.kind for panel in visit.state.panels] == kinds[1:] + kinds[:1]
    assert visit["figures-address", "data"].endswith(visit.state.query())
    visit.set("figures-facts", data=visit["figures-facts", "data"])
    assert visit["figure-draft", "data"]["query"] == visit.state.query()
    visit.choose(3)
    visit.press("earlier")
    assert [panel.kind for panel in visit.state.panels] == [kinds[1], kinds[2], kinds[0], kinds[3]]
    visit.press("later")
    visit.press("later")  # there is no place behind the last one
    assert visit.state.panels[-1].kind == kinds[0]
    edit = {"rowId": visit.rows[0]["id"], "colId": "caption", "value": "<b>ε</b>"}
    visit.set("figures-grid", cellValueChanged=[edit])
    visit.set("figures-grid", cellValueChanged=[{**edit, "colId": "across", "value": "2"}])
    assert (visit.state.panels[0].caption, visit.state.panels[0].across) == ("<b>ε</b>", 2)
    assert "&#60;b&#62;ε&#60;/b&#62;" in [one.get("text") for one in visit.graph["layout"]["annotations"]]
    assert "do not fit into 2 × 2 cells" in visit["figures-said", "children"]
    visit.set("figures-rows", value=3)
    assert visit["figures-said", "children"] == ""
    visit.choose(0)
    visit.press("remove")
    assert len(visit.state.panels) == 3
    visit.press("remove")
    assert "not in the figure any more" in visit["figures-said", "children"]
    visit.shown["figures-grid"]["selectedRows"] = []
    visit.press("later")
    assert visit["figures-said", "children"] == "Choose a panel in the list first."
    visit.press("clear")
    assert visit.state.panels == ()
    assert visit["figures-empty", "hidden"] is False


def test_fields_are_those_of_the_figure(visit: Visit) -> None:
    visit.set("figures-title", value="  A   title ")
    visit.set("figures-options", value=[])
    visit.set("figures-preset", value="slide")
    state = visit.state
    assert (state.title, state.letters, state.shared, state.preset) == ("A title", False, False, "slide")
    assert visit.graph["layout"]["height"] / visit.graph["layout"]["width"] == pytest.approx(1080 / 1920)
    assert [row["letter"] for row in visit.rows] == ["1", "2", "3", "4"]
    visit.set("figures-columns", value=99)
    assert visit.state == state
    assert visit["figures-columns", "value"] == 2
    assert "no figure" in visit["figures-said", "children"]


def test_panels_come_from_links_and_snapshots(client: FlaskClient, service: InferenceService) -> None:
    sessions = Sessions(service.settings.data)
    session = sessions.create("Dogs", snapshots=[new(1, page="/", query=QUIET, comment="first"), new(2)])
    short = ShortLinks(service.settings.data).short_link("tab=kernels", "/checkpoints")
    visit = Visit(client)
    assert visit["figures-empty", "hidden"] is False
    visit.set("figures-link", value="http://elsewhere.example/?yaw=3")
    assert visit["figures-kind", "value"] == "activations-model-1"
    visit.set("figures-link", value=f"/s/{short}")
    assert "multiples" in [one["value"] for one in visit["figures-kind", "options"]]
    visit.set("figures-link", value="/help")
    assert "There are no figures of '/help'" in visit["figures-of-link", "children"]
    visit.set("figures-facts", by="figures-facts.id")
    assert {"value": session, "label": "Dogs"} in visit["figures-session", "options"]
    visit.set("figures-session", value=session)
    visit.shown |= {"link-explore": {"href": "/?yaw=77"}, "link-checkpoints": {"href": "/checkpoints?tab=maps"}}
    visit.set("figures-page", value="/")
    assert visit["figures-link", "value"] == "/?yaw=77"
    visit.set("figures-page", value="/nowhere")
    visit.set("figures-page", value="/checkpoints")
    assert visit["figures-link", "value"] == "/checkpoints?tab=maps"
    options = visit["figures-snapshot", "options"]
    assert [one["label"] for one in options] == ["1 · Explore · first"]  # pages of other names have no figures
    visit.set("figures-snapshot", value=options[0]["value"])
    assert visit["figures-link", "value"] == f"/?{QUIET}"
    visit.shown["figures-kind"]["value"] = "predictions-model-1"
    visit.press("add")
    assert [(one.link, one.kind) for one in visit.state.panels] == [(f"/?{QUIET}", "predictions-model-1")]
    visit.shown["figures-kind"]["value"] = "cka"
    visit.press("add")
    assert "activations-model-1" in visit["figures-said", "children"]
    assert len(visit.state.panels) == 1


def test_what_cannot_be_drawn_says_why_in_its_cell(client: FlaskClient) -> None:
    state = figure(PANELS[1], ("/compare?tab=cka", "cka"), (f"/?{QUIET}", "curve"), rows=1)
    visit = Visit(client, state)
    texts = " ".join(str(one.get("text")) for one in visit.graph["layout"]["annotations"]).replace("<br>", " ")
    assert texts.count("Choose ") >= 2
    assert visit["figures-notes", "children"].startswith("Not in the figure yet: b, c.")
    with client.application.app_context(), pytest.raises(Exception, match="Panel b cannot be drawn"):
        paper.draw(f"/figures?{state.query()}", "figure", wait=False)


def test_the_tab_remembers_its_figure(client: FlaskClient) -> None:
    draft = figure(PANELS[0]).query()
    visit = Visit(client, draft=draft)
    assert visit.state == figure(PANELS[0])
    linked = Visit(client, figure(PANELS[1]), draft=draft)
    assert linked.state == figure(PANELS[1])


def test_other_pages_add_panels(client: FlaskClient) -> None:
    spec = next(s for s in client.get("/_dash-dependencies").get_json() if "explore-export-add" in str(s["inputs"]))
    facts = {"query": QUIET, "memory": {}}
    draft: Any = None
    for kind in ("input", "predictions-model-1"):
        found = props_of(ask(client, spec, [1], [kind, None, facts, draft]))
        (draft,) = (props["data"] for id_, props in found.items() if id_.startswith("figure-draft"))
    assert [panel.kind for panel in draft_of(draft).panels] == ["input", "predictions-model-1"]
    assert "panel b" in found["explore-export-said"]["children"]
    wrong = props_of(ask(client, spec, [1], ["../x", None, facts, draft]))
    assert list(wrong) == ["explore-export-said"]


def test_the_numbers_are_those_of_the_pages(client: FlaskClient) -> None:
    state = figure(*PANELS, rows=2, columns=2)
    with client.application.app_context():
        drawn = paper.draw(f"/figures?{state.query()}", "figure")
        alone = [paper.draw(*panel).figure for panel in PANELS]
    rows = [row[3:6] for one in alone for row in table.rows(one)[1]]
    assert [row[3:6] for row in table.rows(drawn.figure)[1]] == rows
    assert {one.name for one in drawn.models} >= {"efficientnet_lite0", "lite0_adversarial"}
    assert drawn.preset == "page"


def test_the_figure_is_exported(client: FlaskClient, visit: Visit) -> None:
    found = exported(client, "figures", {"query": visit.state.query()}, chosen("figure"))
    assert said(found, "figures") == ""
    assert found["figures-export-file"]["data"]["filename"] == "figures-figure.json"
    told = read_provenance(file_of(found, "figures"))
    assert told.link == f"/figures?{visit.state.query()}"
    assert {one.name for one in told.models} >= {"efficientnet_lite0", "lite0_adversarial"}
    width = described(found, "figures")["figure"]["layout"]["width"]
    assert width == pytest.approx(331.3, abs=0.1)  # it is laid out for the file's width, not for the page's


def test_figures_are_kept_in_a_session(client: FlaskClient, visit: Visit, service: InferenceService) -> None:
    sessions = Sessions(service.settings.data)
    session = sessions.create("Kept")
    state = visit.state
    visit.press("save")
    assert "Choose a session first" in visit["figures-about-kept", "children"]
    visit.set("figures-session", value=session)
    visit.shown["figures-name"] = {"value": "Figure 1"}
    visit.press("save")
    (kept,) = sessions.figures(session)
    assert FiguresState.read(sessions.figure(kept.id).value) == state
    assert visit["figures-kept", "value"] == kept.id
    visit.press("clear")
    visit.press("open")
    assert visit.state == state
    visit.shown["figures-name"]["value"] = "Figure 2"
    visit.press("rename")
    assert visit["figures-kept", "options"] == [{"value": kept.id, "label": "Figure 2"}]
    visit.press("delete")
    assert sessions.figures(session) == ()
    assert visit["figures-restore", "hidden"] is False
    visit.press("restore")
    assert [one.name for one in sessions.figures(session)] == ["Figure 2"]
    visit.shown["figures-kept"]["value"] = 10**9
    visit.press("open")
    assert "There is no figure" in visit["figures-said", "children"]


def test_the_link_is_copied_and_made_short_where_it_is_long(client: FlaskClient, service: InferenceService) -> None:
    visit = Visit(client, figure(PANELS[0]))
    visit.press("copy")
    assert visit["figures-copy", "content"] == f"http://localhost/figures?{visit.state.query()}"
    code = urlencode({"custom_code": "color.r = 0.5; // " + "x" * 9000})
    long = Visit(client, figure((f"/?{code}", "input")))
    long.press("copy")
    server, _, id_ = long["figures-copy", "content"].rpartition("/s/")
    assert server == "http://localhost"
    found = ShortLinks(service.settings.data).long_query(id_)
    assert (found.page, FiguresState.from_query(parse_query(found.query))[0]) == ("/figures", long.state)
    long.set("figures-title", value="t")
    assert long["figures-address", "data"] == "/figures"


def test_methods_are_described(client: FlaskClient, visit: Visit) -> None:
    spec = next(s for s in visit.specs if s["inputs"] == [{"id": "figures-export-describe", "property": "n_clicks"}])
    found = props_of(ask(client, spec, [1], [None, visit["figures-facts", "data"]]))
    assert "@madry2018" in json.dumps(found["figures-export-dialog"]["children"])
