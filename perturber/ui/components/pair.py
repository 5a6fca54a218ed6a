"""Two snapshots side by side: pictures, parameters, and what is drawn of their networks."""

from typing import Any
from urllib.parse import quote

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from perturber.errors import PerturberError
from perturber.figures import amplified, data_uri
from perturber.parameters import Value
from perturber.sessions import Difference, Snapshot, differences
from perturber.sessions.scenes import PAGES as SCENE_PAGES
from perturber.ui.components.controls import named
from perturber.ui.components.filmstrip import caption_of, link_of, page_name, when
from perturber.ui.components.sessions import PATH
from perturber.ui.components.tables import plain, table
from perturber.ui.showing.pairs import Pair, Score, SlotPair
from perturber.ui.states.claim import link_to

SIDE = 224
LONGEST_VALUE = 200
HEIGHT = 340
"""Of the maps of a slot, in pixels."""

LOOKING = "Both are being looked at again …"

GRAPH: Any = {"displayModeBar": False, "responsive": True}


def pair_page(first: Snapshot, second: Snapshot) -> html.Div:
    """What was kept of both; the rest comes later (see `pair_parts`)."""
    pixels = first.pixels(), second.pixels()
    figures = [
        _picture(name, snapshot, picture) for name, snapshot, picture in zip("AB", (first, second), pixels, strict=True)
    ]
    return html.Div(
        [
            html.P(
                [html.A("Session", href=f"{PATH}?id={quote(first.session)}"), *_to_test(first, second)],
                className="back",
            ),
            html.H1("Two snapshots side by side"),
            html.Div([*figures, _difference(*pixels), _parameters(first, second)], className="pair"),
            html.Div(html.P(LOOKING, className="none"), id="pair-slots", className="slots-of-pair"),
            dcc.Store(id="pair", data=[first.id, second.id]),
        ],
        className="shelf sessions",
    )


def pair_parts(pair: Pair) -> list[Component]:
    """Slot by slot, the maps and the scores of both."""
    notes: list[Component] = [html.P(note, className="note") for note in pair.notes]
    return [*notes, *(_slot(slot) for slot in pair.slots)]


def _to_test(first: Snapshot, second: Snapshot) -> list[Any]:
    """The way to the page Test, where both show a scene."""
    if not all(one.page in SCENE_PAGES for one in (first, second)):
        return []
    try:
        return [" · ", html.A("Test this", href=link_to(second.query, first.query))]
    except PerturberError:  # an object that is gone
        return []


def _picture(name: str, snapshot: Snapshot, pixels: np.ndarray) -> html.Figure:
    about = f"{page_name(snapshot.page)} · {when(snapshot.created)}"
    caption: list[Any] = [
        html.Strong(name),
        f" · {caption_of(snapshot)}",
        html.Br(),
        f"{about} · ",
        html.A("Open", href=link_of(snapshot)),
    ]
    image = html.Img(src=data_uri(pixels), width=SIDE, height=SIDE, alt=f"Model input of {name}")
    return html.Figure([image, html.Figcaption(caption)])


def _difference(a: np.ndarray, b: np.ndarray) -> html.Figure:
    if a.shape != b.shape:
        return html.Figure(html.Figcaption("The pictures differ in size, so that they have no difference."))
    change = (a.astype(np.float32) - b) / 255
    largest = float(np.abs(change).max())
    if largest == 0:
        words = "The pictures are equal."
    else:
        words = f"About grey; what differs most, by {largest:.3g} of the range from 0 to 1, is black or white."
    image = html.Img(src=data_uri(amplified(change)), width=SIDE, height=SIDE, alt="Difference of the model inputs")
    return html.Figure([image, html.Figcaption([html.Strong("A − B"), html.Br(), words])])


def _parameters(first: Snapshot, second: Snapshot) -> html.Div:
    """What differs of the states, as a table."""
    found = differences(first, second)
    rows = [_row(one) for one in (*found.parameters, *found.others)]
    text = table(("What differs", "A", "B"), rows) if rows else "Nothing differs in their links."
    return html.Div([html.H2("Parameters"), dcc.Markdown(text)], className="of-states")


def _row(one: Difference) -> tuple[str, str, str]:
    values = [_written(value, one.unit) for value in (one.first, one.second)]
    return plain(one.label), values[0], values[1]


def _written(value: Value | None, unit: str) -> str:
    if value is None:
        return "–"
    text = f"{value:g}" if isinstance(value, float) else {True: "on", False: "off"}.get(value, str(value))  # type: ignore[call-overload]
    text = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"
    return plain(f"{text} {unit}".strip().replace("-", "−") if isinstance(value, float | int) else text)


def _slot(slot: SlotPair) -> html.Section:
    """Maps at the left, scores at the right."""
    maps: Component
    if slot.figure is None:
        maps = html.P(slot.why, className="none")
    else:
        graph = dcc.Graph(figure=slot.figure, config=GRAPH, responsive=True, style={"height": HEIGHT})
        maps = named(f"Maps of {slot.title}", graph)
    rows = [_score(one) for one in slot.scores]
    heads = ("Class", "Logit A", "Logit B", "A − B", "Probability A", "Probability B", "A − B")
    text = table(heads, rows, numbers=range(1, 7)) if rows else "No predictions."
    return html.Section([html.H2(slot.title), html.Div([maps, dcc.Markdown(text)], className="of-slot")])


def _score(one: Score) -> tuple[str, ...]:
    a, b = one.logits
    p, q = one.probabilities
    change = "–" if a is None or b is None else f"{a - b:+.2f}".replace("-", "−")
    shift = "–" if p is None or q is None else f"{100 * (p - q):+.1f} pp".replace("-", "−")
    logits = ["–" if logit is None else f"{logit:.2f}".replace("-", "−") for logit in (a, b)]
    shares = ["–" if share is None else f"{100 * share:.1f} %" for share in (p, q)]
    return plain(one.name), *logits, change, *shares, shift
