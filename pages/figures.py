"""Figures: panels of other pages, composed into one figure for a paper."""

import dash
from dash import html

from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.callbacks.figures import figures_callbacks
from perturber.ui.components.figures import PAGE, PATH, figures_page
from perturber.ui.states.figures import FiguresState

dash.register_page(__name__, path=PATH, name="Figures", title="Perturber · Figures", order=5)


def layout(**query: str) -> html.Div:
    """The page with the figure that its link holds, or else with the one that the tab is at."""
    return figures_page(*FiguresState.from_query(query))


figures_callbacks()
exporting_callbacks(PAGE, PATH)
