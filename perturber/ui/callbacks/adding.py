"""A figure of a page becomes a panel of the figure that the tab is composing."""

from typing import Any

from dash import Input, Output, State, callback, no_update, set_props

from perturber.errors import PerturberError
from perturber.figures.compose import letter
from perturber.ui import paper
from perturber.ui.callbacks.figures import draft_of
from perturber.ui.callbacks.follow import Settled
from perturber.ui.components.export import DRAFT, SAYS_FINE, SAYS_WRONG, look_id, part_id
from perturber.ui.states import reading
from perturber.ui.states.figures import PanelState


def adding_callback(page: str, path: str) -> None:
    """That of a page's export dialog; to be called once as the page's module is imported.

    Args:
        path: of the page.
    """

    @callback(
        Output(DRAFT, "data", allow_duplicate=True),
        Output(part_id(page, "said"), "children", allow_duplicate=True),
        Input(part_id(page, "add"), "n_clicks"),
        State(look_id(page, "figure"), "value"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        State(DRAFT, "data"),
        prevent_initial_call=True,
    )
    def add(clicks: object, kind: object, settled: object, facts: object, draft: object) -> tuple[Any, Any]:
        if not clicks:  # the dialog has only just come to be
            return no_update, no_update
        said = part_id(page, "said")
        try:
            shown = Settled.latest(settled, facts)
            chosen = reading.choice("figure", kind, paper.kinds(path))
            memory = paper.remembered(path, chosen, shown.query, shown.memory, shown.records)
            figure = draft_of(draft).with_panel(PanelState.of(f"{path}?{shown.query}", chosen, memory))
        except PerturberError as error:
            set_props(said, {"className": SAYS_WRONG})
            return no_update, str(error)
        set_props(said, {"className": SAYS_FINE})
        name = letter(len(figure.panels) - 1)
        return {"query": figure.query()}, f"It is panel {name} of the figure on the page Figures now."
