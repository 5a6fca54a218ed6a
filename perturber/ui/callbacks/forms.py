"""What pages have in common whose state is a form: the state in the browser, its address, and the menu of sessions."""

from collections.abc import Callable
from math import inf
from typing import Any

from dash import ClientsideFunction, Input, Output, State, callback, clientside_callback

from perturber.errors import InvalidInputError
from perturber.sessions import Sessions
from perturber.ui.components.controls import options
from perturber.ui.components.session_bar import CHOICES, LONGEST_ADDRESS, STORE
from perturber.ui.context import service
from perturber.ui.states.page import NOT_OURS

Part = Callable[[str], str]
"""Name of a part of a page → its id."""


def query_of(facts: object, longest: float = inf) -> str:
    """The query of a page's state, as its browser has kept it.

    Raises:
        InvalidInputError: it is not what a page of this app would send.
    """
    query = facts.get("query") if isinstance(facts, dict) else None
    if not isinstance(query, str) or len(query) > longest:
        raise InvalidInputError(NOT_OURS)
    return query


def address_of(path: str, query: str) -> str:
    """What the browser's address shows of a state: a longer one than all software takes is left out."""
    return f"{path}?{query}" if query and len(query) <= LONGEST_ADDRESS else path


def address_callback(part: Part) -> None:
    """Keeps the browser's address at what the page says; to be called once as its module is imported."""
    clientside_callback(
        ClientsideFunction("page", "address"), Input(part("address"), "data"), prevent_initial_call=True
    )


def sessions_callback(part: Part) -> None:
    """Fills a page's menu of sessions; to be called once as its module is imported."""

    @callback(
        Output(part("session"), "options"),
        Output(part("session"), "value"),
        Input(part("facts"), "id"),
        State(STORE, "data", allow_optional=True),
    )
    def sessions(_: object, present: object) -> tuple[Any, Any]:
        found = Sessions(service().settings.data).all(limit=CHOICES).sessions
        opened = present.get("id") if isinstance(present, dict) else None
        chosen = opened if any(one.id == opened for one in found) else None
        return options((one.id, one.name) for one in found), chosen
