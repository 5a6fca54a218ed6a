"""Library: everything of the users' own, with its size, its age and what uses it."""

import dash
from dash import html

from perturber.errors import PerturberError
from perturber.library import items
from perturber.ui.callbacks.library import library_callbacks, room_words
from perturber.ui.components.library import FIRST, PATH, library_page
from perturber.ui.context import service

dash.register_page(__name__, path=PATH, name="Library", title="Perturber · Library", order=8)


def layout(**_: str) -> html.Div:
    """The page."""
    settings = service().settings
    try:
        return library_page(items(settings), FIRST, room_words(settings))
    except PerturberError as error:
        return html.Div([html.H1("Library"), html.P(str(error), role="alert")], className="shelf library")


library_callbacks()
