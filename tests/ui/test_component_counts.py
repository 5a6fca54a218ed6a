"""How many components a page has: the time of each of its callbacks grows with them."""

from collections.abc import Iterator
from typing import Any

import dash
import pytest
from dash.development.base_component import Component

from app import create_app
from perturber.service import InferenceService
from perturber.ui.experiments import EXPERIMENTS

MOST = 130
"""Of a page, beside the frame's navigation."""

MOST_OPEN = 165
"""Of Explore with a third model, the attack and a figure's own tools unfolded, which are mounted only then."""

LITE0, LITE1, ROBUST = "efficientnet_lite0", "efficientnet_lite1", "lite0_adversarial"
EDIT = f"mix({LITE0},{ROBUST};blocks.3=0.5)"
THREE = {"m1": LITE0, "m2": LITE1, "m3": EDIT}

LINKS: list[tuple[str, dict[str, str]]] = [
    ("/", {}),
    ("/compare", {}),
    *(("/compare", {**THREE, "m4": ROBUST, "tab": tab}) for tab in ("channels", "depth", "cka", "same")),
    ("/mixing", {}),
    ("/mixing", {"edit": EDIT, "level": "layer"}),
    ("/mixing", {"edit": f"prune({LITE0};blocks.3=0-0.5)", "second": LITE1}),
    ("/", {**THREE, "summary": "true"}),
    ("/", {**THREE, "explain": "top", "pinned": "1,2,3", "attack_figure": "models", "overlay": "true"}),
    *(("/checkpoints", {"tab": tab}) for tab in ("curves", "pictures", "maps", "kernels")),
    *(("/experiments", {"experiment": name, "over": "scenes"}) for name in EXPERIMENTS),
    ("/experiments", {"experiment": "hypotheses", "parameters": "one"}),
    ("/sessions", {}),
    ("/library", {}),
    ("/figures", {}),
    ("/sweep", {}),
    ("/test", {}),
    ("/help", {}),
    ("/not-found-404", {}),
]

OPEN = {**THREE, "attack": f"pgd(l2=1,steps=2;{LITE0})", "attack_figure": "curve"}
OPEN_PHYSICAL = {**THREE, "physical": "1-2", "attack_figure": "curve"}


@pytest.fixture(scope="module")
def app() -> Iterator[dash.Dash]:
    with InferenceService() as service:
        yield create_app(service=service)


def parts(layout: Any) -> Iterator[Component]:
    """Components of a layout; the options of a menu are none."""
    if isinstance(layout, list | tuple):
        for part in layout:
            yield from parts(part)
    elif isinstance(layout, Component):
        yield layout
        yield from parts(getattr(layout, "children", None))


def count(layout: Any) -> int:
    return sum(1 for _ in parts(layout))


@pytest.mark.parametrize(("path", "query"), LINKS)
def test_a_page_has_few_components(app: dash.Dash, path: str, query: dict[str, str]) -> None:
    assert components(app, path, query) <= MOST


@pytest.mark.parametrize("query", [OPEN, OPEN_PHYSICAL])
def test_explore_with_everything_open_has_not_many_more(app: dash.Dash, query: dict[str, str]) -> None:
    assert components(app, "/", query) <= MOST_OPEN


def components(app: dash.Dash, path: str, query: dict[str, str]) -> int:
    return count(layout_of(app, path, query))


def layout_of(app: dash.Dash, path: str, query: dict[str, str]) -> Component:
    (page,) = (page for page in dash.page_registry.values() if page["path"] == path)
    with app.server.test_request_context(path):
        return page["layout"](**query)


@pytest.mark.parametrize(("path", "query"), LINKS)
def test_text_is_no_button(app: dash.Dash, path: str, query: dict[str, str]) -> None:
    """A page hears of every click on what has a control's id."""
    for part in parts(layout_of(app, path, query)):
        id_ = getattr(part, "id", None)
        if isinstance(id_, dict) and "control" in id_ and type(part).__name__ in ("Div", "Span", "P", "H2", "Pre"):
            assert getattr(part, "disable_n_clicks", False) or id_["control"] == "grab", id_


def test_every_page_is_counted(app: dash.Dash) -> None:
    assert {page["path"] for page in dash.page_registry.values()} == {path for path, _ in LINKS}


def test_parts_of_parts_are_counted() -> None:
    layout = dash.html.Div([dash.html.P("a"), dash.html.P([dash.html.B(), "b"]), dash.html.P(dash.html.B())])
    assert count(layout) == 6
