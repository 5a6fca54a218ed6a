"""The Figures page's state as a value: its link, its changes, and what it refuses."""

import json
from typing import Any

import pytest

from perturber.errors import InvalidInputError
from perturber.ui.states.figures import KEY, LONGEST, FiguresState, PanelState
from perturber.ui.states.page import parse_query

PANELS = [
    {"link": "/?yaw=12&code=a%26b", "kind": "activations-model-1", "caption": "ε & <b>"},
    {"link": "/compare?tab=cka", "kind": "cka", "across": 2},
    {"link": "/checkpoints", "kind": "errors", "memory": {"order": {"seed": 3}}},
]


@pytest.fixture
def state() -> FiguresState:
    return FiguresState.read({"rows": 3, "columns": 2, "panels": PANELS, "shared": True, "title": "A “title”"})


def kinds(state: FiguresState) -> list[str]:
    return [panel.kind for panel in state.panels]


def test_a_link_holds_all_of_it(state: FiguresState) -> None:
    assert FiguresState.from_query(parse_query(state.query())) == (state, [])
    assert FiguresState.read(json.loads(json.dumps(state.value()))) == state
    assert FiguresState().query() == ""
    assert FiguresState.from_query({}) == (FiguresState(), [])
    assert "letters" not in state.query()  # which is as at first


def test_panels_move_change_and_go(state: FiguresState) -> None:
    first, second, third = kinds(state)
    assert kinds(state.moved(0, 1)) == [second, first, third]
    assert kinds(state.moved(2, -1)) == [first, third, second]
    assert kinds(state.moved(0, -1)) == kinds(state.moved(2, 1)) == [first, second, third]
    assert kinds(state.ordered([2, 0])) == [third, first, second]
    assert kinds(state.without(1)) == [first, third]
    assert state.changed(1, caption=" two\nlines\u202e ").panels[1].caption == "two lines"
    assert state.changed(0, across=2).panels[0].across == 2
    more = state.with_panel(PanelState.of("https://host:8050/mixing?edit=x#part", "compatibility"))
    assert more.panels[-1].link == "/mixing?edit=x"
    assert (more.rows, FiguresState(rows=1, columns=1).with_panel(more.panels[0]).with_panel(more.panels[1]).rows) == (
        3,
        2,
    )
    for number in (3, -1, True, None, "0"):
        with pytest.raises(InvalidInputError, match="There is no panel"):
            state.without(number)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "valid dictionary"),
        ([], "valid dictionary"),
        ({"rows": 0}, "rows"),
        ({"rows": 7}, "rows"),
        ({"rows": "2"}, "rows"),
        ({"columns": 2.0}, "columns"),
        ({"letters": 1}, "letters"),
        ({"preset": "poster"}, "preset: one of column, page, slide"),
        ({"title": "x" * 201}, "title"),
        ({"more": 1}, "more"),
        ({"panels": {}}, "panels"),
        ({"panels": [{"link": "/", "kind": "input"}] * 37}, "panels"),
        ({"panels": [{"link": "/"}]}, "panels.0.kind"),
        ({"panels": [{"link": "/", "kind": "../x"}]}, "panels.0.kind"),
        ({"panels": [{"link": "/figures?figure={}", "kind": "figure"}]}, "panels.0.link: no link to a page"),
        ({"panels": [{"link": "//elsewhere.example/", "kind": "input"}]}, "panels.0.link"),
        ({"panels": [{"link": "https://elsewhere.example/", "kind": "input"}]}, "panels.0.link"),
        ({"panels": [{"link": "javascript:alert(1)", "kind": "input"}]}, "panels.0.link"),
        ({"panels": [{"link": "/?a=\x00", "kind": "input"}]}, "panels.0.link"),
        ({"panels": [{"link": "/" + "?" + "x" * 30_000, "kind": "input"}]}, "panels.0.link"),
        ({"panels": [{"link": "/", "kind": "input", "across": 0}]}, "panels.0.across"),
        ({"panels": [{"link": "/", "kind": "input", "caption": 3}]}, "panels.0.caption"),
        ({"panels": [{"link": "/", "kind": "input", "caption": "x" * 301}]}, "panels.0.caption"),
        ({"panels": [{"link": "/", "kind": "input", "memory": []}]}, "panels.0.memory"),
        ({"panels": [{"link": "/?" + "x" * 29_000, "kind": "input"}] * 4}, "in a link. Allowed: up to 90,000"),
    ],
)
def test_what_is_no_figure_gets_a_sentence(value: Any, said: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        FiguresState.read(value)
    assert said in str(caught.value)
    found, problems = FiguresState.from_query({KEY: json.dumps(value)})
    assert found == FiguresState()
    assert len(problems) == 1


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 100_000, "x" * (LONGEST + 1), '{"rows":NaN}', "\ud800"])
def test_broken_links_get_a_sentence(text: str) -> None:
    found, problems = FiguresState.from_query({KEY: text, "yaw": "3"})
    assert found == FiguresState()
    assert problems[0] == "'yaw' says nothing about a figure."
    assert len(problems) == 2
