"""Labels, names of classes and of layers that look like markup: every figure of every page draws them as they stand."""

import json
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import numpy as np
import pytest
from odd_networks import put
from page_visits import Visit, open_pages
from plotly.graph_objects import Figure

from perturber.config import Settings
from perturber.editing import Edit
from perturber.figures.style import as_json
from perturber.figures.training import correlations, picture_multiples, probabilities
from perturber.service import InferenceService
from perturber.ui import paper
from perturber.ui.states.display import MAX_PINNED

LABEL = "A <b>bold</b> & $y$ %{z}"
CLASSES = (
    "x<sub>2</sub> <b>bold</b>", "age < 5 > 3", 'cat, "tabby"', "AT&T &amp; co", '<a href="https://e.x">link</a>',
    "$\\alpha$ dog", "<i>x</i> %{z}", "=1+1", "naïve 犬 🐕", "<br>two<br>lines",
)  # fmt: skip
MARKUP = ("<b>bold", "<sub", "<a ", "<i>", "<br>two", "%{z}", "$y$", "$\\alpha$", "& $", "&T", "&amp;", "< 5")
"""Parts of them that Plotly would take for something else than text."""

Open = Callable[[str, str], Visit]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)
    for name in ("one", "two"):
        put(settings, "marked", name=name, label=LABEL, classes=CLASSES)
    with InferenceService(settings) as running:
        yield running


@pytest.fixture
def opened(service: InferenceService) -> Iterator[Open]:
    with open_pages(service) as opening:
        yield opening


def texts(part: Any) -> Iterator[str]:
    """Every string in a figure."""
    if isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from texts(inner)
    elif isinstance(part, str):
        yield part


def check(figure: Any, *expected: str) -> None:
    """The figure holds these texts as they stand, and nothing of the user's that means something to Plotly."""
    found = list(texts(as_json(figure) if isinstance(figure, Figure) else figure))
    assert [text for text in found if any(markup in text for markup in MARKUP)] == []
    shown = [unescape(text) for text in found]
    assert [text for text in expected if not any(text in one for one in shown)] == []


def test_figures_of_explore(opened: Open) -> None:
    visit = opened("/", "m1=one&m2=two&cards=none")
    visit.look(*(("pin", index) for index in range(MAX_PINNED)))
    visit.look(yaw=10)
    for slot in ("model-1", "model-2"):
        for what in ("activations", "predictions", "explanations"):
            check(paper.draw(f"/?{visit.query}", f"{what}-{slot}").figure)
    for figure, expected in (("history", CLASSES[:MAX_PINNED]), ("summary", (default_layer(visit),))):
        visit.look(("drawer", figure))
        visit.follow()
        check(visit.properties["explore-figure"]["figure"], *expected)
    assert {row["name"] for row in visit.properties["bars 0"]["pinned"]} == set(CLASSES[:MAX_PINNED])


def default_layer(visit: Visit) -> str:
    state, _ = visit.page.read({"m1": "one"}, {})
    return state.slots[0].layer


def test_figures_of_an_attack(opened: Open) -> None:
    visit = opened("/", "m1=one&m2=two&cards=none&p1=0&p2=0")
    visit.look(("attack-count", 1), ("attack-run", 1), ("drawer", "layers"))
    visit.follow()
    check(visit.properties["explore-figure"]["figure"], default_layer(visit))
    for figure in ("models", "curve"):
        visit.look(("drawer", figure))
        visit.wait(figure, pictures="scene", most=1, points=2, **{"curve-steps": 1, "method": []})
        check(visit.properties["explore-figure"]["figure"])


def test_figures_of_compare(opened: Open) -> None:
    visit = opened("/compare", "m1=one&m2=two&count=4")
    visit.look()
    layer = default_layer(opened("/", ""))
    check(paper.draw("/compare?m1=one&m2=two", "channels").figure, LABEL, layer)
    visit.look(("tab", "depth"))
    check(visit.properties["graph depth"]["figure"], LABEL, layer)
    for tab in ("cka", "same"):
        visit.look(("tab", tab))
        visit.wait("compute")
        check(visit.properties["graph job"]["figure"], LABEL, layer)


def test_a_point_of_the_depth_leads_to_its_layer(opened: Open) -> None:
    visit = opened("/compare", "m1=one&m2=two&tab=depth")
    visit.look()
    last = visit.properties["graph depth"]["figure"]["data"][0]["x"][-1]
    visit.look(("graph", {"points": [{"x": last}]}, "depth"))
    assert visit.notice == ""
    assert visit.properties["layer"]["value"] == unescape(last)


def test_the_figure_of_mixing(opened: Open) -> None:
    first = default_layer(opened("/", ""))
    visit = opened("/mixing", f"edit={Edit.mix('one', 'two', {'8<b>bold</b>%{z}': 0.5})}")
    visit.look(("scan", 1))
    visit.wait()
    check(visit.properties["mixing-compatibility"]["figure"], first)


def test_figures_of_a_training() -> None:
    for names in (CLASSES[:5], CLASSES[5:]):
        check(probabilities((0, 1), names, np.zeros((2, 5))), *names)
        check(correlations((0, 1), dict.fromkeys(names, np.ones(2)), names[0]), *names)
        check(picture_multiples([[None] * 5], ["row"], range(5), titles=[names]), *names)


def test_what_the_browser_is_sent_is_text(opened: Open) -> None:
    """Names go into components as they stand, which never take them for markup."""
    visit = opened("/compare", "m1=one&m2=two&pinned=0")
    found = visit.look()
    assert "dangerously" not in json.dumps(found)
    assert [row["name"] for row in visit.properties["bars 0"]["pinned"]] == [CLASSES[0]]
    assert CLASSES[0] not in visit.properties["compare-agreement-1"]["children"]  # which is Markdown
