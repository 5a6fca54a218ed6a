"""The tour of Explore, without a browser: what is shown of what is stored, and where its buttons lead."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from callback_requests import ask, props_of, spec_of
from flask.testing import FlaskClient

from app import create_app
from perturber.service import InferenceService
from perturber.ui.components.tour import AGAIN, CARD, OVER, STEPS, TOUR, after, card_class

LAST = len(STEPS)


@pytest.fixture(scope="module")
def client() -> Iterator[FlaskClient]:
    with InferenceService() as service:
        yield create_app(service=service).server.test_client()


def show(client: FlaskClient, *, since: Any, step: Any, present: int = OVER) -> dict[str, Any]:
    """Properties of the card."""
    spec = spec_of(client, f"{TOUR}.modified_timestamp")
    return props_of(ask(client, spec, [since], [step, card_class(present)]))[CARD]


def test_the_first_visit_begins_with_the_first_step(client: FlaskClient) -> None:
    card = show(client, since=1_700_000_000_000, step=1)
    assert card["className"] == card_class(1)
    assert f"1 of {LAST}" in str(card["children"])


@pytest.mark.parametrize("since", [None, -1])
def test_nothing_is_shown_before_the_store_is_read(client: FlaskClient, since: int | None) -> None:
    assert show(client, since=since, step=1) == {"children": [], "className": card_class(OVER)}


@pytest.mark.parametrize("step", [OVER, None, -1, LAST + 1, 1.5, True, "1", [1], {"step": 1}])
def test_what_is_no_step_shows_nothing(client: FlaskClient, step: Any) -> None:
    assert show(client, since=1, step=step) == {"children": [], "className": card_class(OVER)}


def test_the_card_stays_from_step_to_step(client: FlaskClient) -> None:
    assert show(client, since=1, step=2, present=1) == {"className": card_class(2)}


def test_an_address_starts_it_again(client: FlaskClient) -> None:
    spec = spec_of(client, "_pages_location.hash")
    assert props_of(ask(client, spec, [AGAIN])) == {TOUR: {"data": 1}}
    for ending in ("", None, "#other"):
        assert props_of(ask(client, spec, [ending])) == {}


def test_buttons_lead_through_all_steps() -> None:
    steps = [1]
    while steps[-1] != OVER:
        steps.append(after(steps[-1], "next"))
    assert steps == [*range(1, LAST + 1), OVER]
    assert [after(step, "back") for step in range(1, LAST + 1)] == [1, *range(1, LAST)]
    assert {after(step, "skip") for step in range(1, LAST + 1)} == {OVER}


@pytest.mark.parametrize(("name", "text"), STEPS)
def test_a_step_is_short(name: str, text: str) -> None:
    assert len(re.findall(r"[.!?](?:\s|$)", text)) <= 2
    assert len(text) <= 200, name
