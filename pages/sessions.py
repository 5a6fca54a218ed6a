"""Sessions: what the team has kept of its work, one of them with its notes, and two snapshots side by side."""

import dash
from dash import html

from perturber.errors import PerturberError
from perturber.sessions import Sessions
from perturber.ui.callbacks.pair import pair_callbacks
from perturber.ui.callbacks.sessions import listing_of, sessions_callbacks, sought_text
from perturber.ui.components.pair import pair_page
from perturber.ui.components.sessions import FIRST, PATH, list_page, open_page
from perturber.ui.context import service
from perturber.ui.moments import snapshot_number

dash.register_page(__name__, path=PATH, name="Sessions", title="Perturber · Sessions", order=7)


def layout(**query: str) -> html.Div:
    """The list; a session by its ``id``; or two snapshots, ``a`` and ``b``."""
    sessions = Sessions(service().settings.data)
    try:
        if "a" in query and "b" in query:
            return pair_page(*(sessions.snapshot(snapshot_number(query[side])) for side in "ab"))
        if "id" in query:
            return open_page(sessions.open(query["id"]), sessions.tests(query["id"]))
        listed = {**FIRST, "find": sought_text(query.get("find"))}
        return list_page(listing_of(listed), listed)
    except PerturberError as error:
        back = html.P(html.A("All sessions", href=PATH), className="back")
        return html.Div([html.H1("Sessions"), html.P(str(error), role="alert"), back], className="shelf sessions")


sessions_callbacks()
pair_callbacks()
