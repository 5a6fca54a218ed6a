"""Test: whether what was seen once holds over many objects, backgrounds and views."""

import dash
from dash import html

from perturber.ui.callbacks.claim import claim_callbacks, opened
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.components.claim import PAGE
from perturber.ui.states.claim import PATH

dash.register_page(__name__, path=PATH, name="Test", title="Perturber · Test", order=8)


def layout(**query: str) -> html.Div:
    """The page with the two scenes that its link holds."""
    return opened(query)


claim_callbacks()
exporting_callbacks(PAGE, PATH)
