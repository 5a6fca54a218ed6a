"""Sweep: what networks make of a scene as its parameters go through their ranges."""

from uuid import uuid4

import dash
from dash import html

from perturber.examples.folders import collections
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.callbacks.sweep import sweep_callbacks
from perturber.ui.components.sweep import PAGE, sweep_page
from perturber.ui.context import service
from perturber.ui.showing.sweep import all_words, infos
from perturber.ui.states.sweep import PATH, sweep_of

dash.register_page(__name__, path=PATH, name="Sweep", title="Perturber · Sweep", order=4)


def layout(**query: str) -> html.Div:
    """The page in the state that its link holds."""
    state, problems = sweep_of(query, service())
    models = service().models() | {info.name: info for info in infos(state)}
    facts = {"query": state.query(), "memory": {}, "client": uuid4().hex}
    folders = tuple(collections(service().settings.collections))
    return sweep_page(state, facts, problems, models, all_words(state), folders)


sweep_callbacks()
exporting_callbacks(PAGE, PATH)
