"""The Help page's examples, opened as their links are."""

import sys

import dash

from app import create_app
from perturber.service import InferenceService
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.page import parse_query


def test_examples_open_what_they_say(service: InferenceService) -> None:
    create_app(service=service)
    (found,) = (page for page in dash.page_registry.values() if page["path"] == "/help")
    examples = sys.modules[found["module"]].EXAMPLES
    assert len(examples) == 3
    for name, query, _ in examples:
        state, problems = ExploreState.from_query(query, service.model)
        assert problems == [], name
        again, problems = ExploreState.from_query(parse_query(state.query()), service.model)
        assert (again.query(), problems) == (state.query(), []), name
    state, _ = ExploreState.from_query(examples[-1][1], service.model)
    plain, _ = ExploreState.from_query({"m3": examples[-1][1]["m3"], "a3": "0"}, service.model)
    before, after = (service.look(one.request(None)).slots[2] for one in (plain, state))
    assert before.top is not None
    assert after.top is not None
    assert before.top[0].name != after.top[0].name  # the edited model is deceived
