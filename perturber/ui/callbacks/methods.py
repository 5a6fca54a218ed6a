"""The export dialog shows the text for a paper's methods section."""

from typing import Any

from dash import Input, Output, State, callback, no_update, set_props

from perturber.errors import PerturberError
from perturber.ui import methods
from perturber.ui.callbacks.follow import Settled
from perturber.ui.components.export import SAYS_WRONG, methods_form, part_id


def methods_callback(page: str, path: str) -> None:
    """That of a page's export dialog; to be called once as the page's module is imported.

    Args:
        path: of the page.
    """

    @callback(
        Output(part_id(page, "dialog"), "children", allow_duplicate=True),
        Input(part_id(page, "describe"), "n_clicks"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def describe(clicks: object, settled: object, facts: object) -> Any:
        if not clicks:  # the dialog has only just come to be
            return no_update
        try:
            found = methods.describe(f"{path}?{Settled.latest(settled, facts).query}")
        except PerturberError as error:
            set_props(part_id(page, "said"), {"children": str(error), "className": SAYS_WRONG})
            return no_update
        return methods_form(page, found.markdown, found.bibtex, found.notes)
