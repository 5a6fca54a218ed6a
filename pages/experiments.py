"""Experiments: measurements of networks side by side, tuning curves, and sensitivity to frequencies."""

import dash
from dash import html

from perturber.ui.callbacks.experiments import experiments_callbacks, model_names
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.components.experiments import PAGE, experiments_page
from perturber.ui.showing.experiments import known
from perturber.ui.states.experiments import PATH, ExperimentsState

dash.register_page(__name__, path=PATH, name="Experiments", title="Perturber · Experiments", order=5)


def layout(**query: str) -> html.Div:
    """The page in the state that its link holds."""
    there = known()
    state, problems = ExperimentsState.from_query(query, there)
    return experiments_page(state, problems, there, model_names(state))


experiments_callbacks()
exporting_callbacks(PAGE, PATH)
