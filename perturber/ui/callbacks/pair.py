"""Two snapshots side by side: what takes longer than opening the page is asked once it is there."""

from typing import Any

from dash import Input, Output, callback, html

from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.sessions import Sessions
from perturber.ui.components.pair import pair_parts
from perturber.ui.context import service
from perturber.ui.showing.pairs import pair_of
from perturber.ui.states.page import NOT_OURS


def pair_callbacks() -> None:
    """The callback; to be called once as the page's module is imported."""

    @callback(Output("pair-slots", "children"), Input("pair", "data"))
    def look(ids: object) -> list[Any]:
        if not (isinstance(ids, list) and len(ids) == 2):
            raise InvalidInputError(NOT_OURS)
        sessions = Sessions(service().settings.data)
        try:
            return pair_parts(pair_of(*(sessions.snapshot(one) for one in ids)))
        except (PerturberError, BusyError) as error:
            return [html.P(str(error), className="note")]
