"""The tour of Explore goes on, ends, and starts again; how far it is, the browser remembers."""

from typing import Any

from dash import ALL, Input, Output, State, callback, no_update

from perturber.ui.callbacks.messages import triggered_part, triggered_value
from perturber.ui.components.tour import AGAIN, CARD, OVER, TOUR, after, button_id, card_class, card_parts, is_step


def tour_callbacks() -> None:
    """The callbacks; to be called once as Explore's module is imported."""

    @callback(
        Output(CARD, "children"),
        Output(CARD, "className"),
        Input(TOUR, "modified_timestamp"),
        State(TOUR, "data"),
        State(CARD, "className"),
    )
    def show(since: object, step: Any, present: object) -> tuple[Any, str]:
        """Nothing is shown before the store has been read: a tour that is over must not appear for a moment."""
        if not isinstance(since, int) or since < 0 or not is_step(step):
            return [], card_class(OVER)
        return card_parts() if present == card_class(OVER) else no_update, card_class(step)

    @callback(
        Output(TOUR, "data"),
        Input(button_id(ALL), "n_clicks"),
        State(TOUR, "data"),
        prevent_initial_call=True,
    )
    def turn(_: object, step: Any) -> Any:
        """Dash also asks as the card comes to be, whose buttons nobody has clicked."""
        return (
            after(step, triggered_part("tour", ("skip", "back", "next", "again")))
            if triggered_value() and is_step(step)
            else no_update
        )

    @callback(
        Output(TOUR, "data", allow_duplicate=True),
        Input("_pages_location", "hash"),
        prevent_initial_call="initial_duplicate",
    )
    def again(ending: object) -> Any:
        """An address asks for the tour, as Help's link does."""
        return 1 if ending == AGAIN else no_update
