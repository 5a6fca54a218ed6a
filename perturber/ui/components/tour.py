"""The tour of Explore: a card that goes through five things of the page, on the first visit and again from Help.

It stands in the app's frame, so that no page has a component more, and has content only while the tour goes on.
``assets/tour.css`` shows it on Explore alone, with the text of the step, beside the thing that this is about, and
outlines that.
"""

from dash import dcc, html
from dash.development.base_component import Component

from perturber.ui.components.attributes import attributes

TOUR, CARD = "tour", "tour-card"
"""Ids of the store and of the card.

The browser keeps the store in its local storage, under its id: the number of the step, from 1 on, or `OVER`.
"""

OVER = 0
"""Instead of a step, once the tour was finished or skipped."""

AGAIN = "#tour"
"""Ends an address with which the tour starts again; no part of a link's query, and gone once Explore writes its own."""

STEPS = (
    (
        "Scene",
        "Drag the object to turn it, and scroll to come closer. "
        "The model input beside it is exactly the picture that the networks see.",
    ),
    (
        "Neurons",
        "Each map is one neuron: red where the picture excites it, blue where it inhibits it. "
        "Turn the object again, and compare the maps of the two networks.",
    ),
    (
        "Predictions",
        "These are the classes that each network finds most probable. "
        "Under Surface, drag Texture Influence to 0, and see which network changes its mind.",
    ),
    (
        "Attack",
        "Unfold Attack and press Run: small changes of the picture lead one network astray. "
        "Look at the predictions, then at the model input, where hardly anything has changed.",
    ),
    (
        "Link",
        "The address of this page holds all that you have set: copy it to show a colleague the same. "
        "Explore, up here, leads back to it from every other page.",
    ),
)
"""Name of a thing, and what to do with it."""


def tour() -> list[Component]:
    """The store and the card, which is empty until it is known how far the tour is."""
    card = html.Div(id=CARD, className=card_class(OVER), role="dialog", **attributes(aria_label="Tour of Explore"))
    return [dcc.Store(id=TOUR, storage_type="local", data=1), card]


def card_class(step: int) -> str:
    """The class of the card, from which everything follows that differs between steps."""
    return "tour" if step == OVER else f"tour step-{step}"


def card_parts() -> list[Component]:
    """The texts of all steps, and the buttons; they stay from step to step, and so does the keyboard's focus."""
    texts = [html.P(f"{name} · {n} of {len(STEPS)}\n{text}") for n, (name, text) in enumerate(STEPS, 1)]
    return [
        html.Div(texts, **attributes(aria_live="polite")),
        html.Button("Skip", id=button_id("skip"), n_clicks=0, className="quiet skip"),
        html.Button("Back", id=button_id("back"), n_clicks=0, className="quiet back"),
        html.Button([html.Span("Next"), html.Span("Done")], id=button_id("next"), n_clicks=0, className="next"),
    ]


def button_id(name: object) -> dict[str, object]:
    """The id of a button of the card."""
    return {"tour": name}


def is_step(data: object) -> bool:
    """Whether what is stored is a step of the tour; a browser may hold anything."""
    return type(data) is int and 1 <= data <= len(STEPS)


def after(step: int, button: object) -> int:
    """The step to which a button leads."""
    if button == "next":
        return step + 1 if step < len(STEPS) else OVER
    return max(step - 1, 1) if button == "back" else OVER
