"""The bar of a live session, in the frame of all pages: who presents, who follows, and what one can do about it."""

from typing import Any

from dash import dcc, html

from perturber.sessions.live import Roster
from perturber.ui.callbacks.messages import Props
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import button, named

SESSION = "session"
"""Id of the store of the session that is open in this tab: ``{"id", "name"}``."""

SEAT = "live-seat"
"""Id of the store of the tab's seat (see `Seat`), or None."""

KNOWN = "live-known"
"""Id of the store of the number of the roster that the bar shows."""

BEAT = "live-beat"
BEAT_MS = 1000
"""Between two questions of a tab about who is there."""

GONE = {"display": "none"}
NOBODY = "Nobody presents this session now; this page waits"
TITLES = {
    "present": "Whoever follows this session sees what you do",
    "follow": "See what the presenter does",
    "away": "Stay here, and go on by yourself",
    "stop": "Leave the live session",
}
BUTTONS = {"present": "Present", "follow": "Follow", "away": "Break away", "stop": "Stop"}


def live_bar() -> html.Div:
    """The bar, hidden until a session is open or followed."""
    to = dcc.Dropdown(id="live-to", placeholder="Hand over to …", searchable=False, clearable=False)
    parts = [
        html.Span(id="live-words", **attributes(data_live="")),
        html.A("Link", id="live-link", title="Whoever opens this link follows", hidden=True),
        dcc.Clipboard(id="live-copy", title="Copy the link for those who are to follow", style=GONE),
        named("Hand over to", to),
        *(button(f"live-{name}", words, TITLES[name], hidden=True) for name, words in BUTTONS.items()),
    ]
    kept = [dcc.Store(id=SEAT, storage_type="session"), dcc.Store(id=KNOWN)]
    beat = dcc.Interval(id=BEAT, interval=BEAT_MS, disabled=True)
    return html.Div([*kept, beat, *parts], id="live-bar", className="live", hidden=True)


def idle_props(opened: bool, presenter: str | None) -> list[Props]:
    """The bar of a tab that neither presents nor follows.

    Args:
        opened: whether a session is open in it.
        presenter: who presents that, or None.
    """
    follow = None if presenter is None else f"Follow {presenter}"
    return _bar("" if opened else None, present=BUTTONS["present"], follow=follow)


def seated_props(roster: Roster, address: str) -> list[Props]:
    """The bar of a tab that presents or follows.

    Args:
        address: with which others follow.
    """
    if roster.presents:
        names = [f"{one.name} (away)" if one.away else one.name for one in roster.followers]
        words = f"Presenting to {', '.join(names)}" if names else "Presenting; nobody follows yet"
        options = [{"value": one.number, "label": one.name} for one in roster.followers]
        return _bar(words, stop="Stop", address=address, options=options)
    if roster.presenter is None:
        return _bar(NOBODY, stop="Leave")
    if roster.away:
        return _bar(f"{roster.presenter} presents", follow="Follow again", stop="Leave")
    if roster.gone:
        return _bar(f"{roster.presenter} is gone; this page waits", away=BUTTONS["away"], stop="Leave")
    return _bar(f"Following {roster.presenter}", away=BUTTONS["away"], stop="Leave")


def _bar(
    words: str | None, *, address: str | None = None, options: list[dict[str, Any]] | None = None, **buttons: str | None
) -> list[Props]:
    props: dict[str, dict[str, Any]] = {
        "live-bar": {"hidden": words is None},
        "live-words": {"children": words or "", "title": words or ""},
        "live-link": {"hidden": address is None, "href": address or ""},
        "live-copy": {"style": GONE if address is None else {}, "content": address or ""},
        "live-to": {"style": {} if options else GONE, "options": options or [], "value": None},
    }
    props |= {
        f"live-{name}": {"hidden": buttons.get(name) is None, "children": buttons.get(name) or words}
        for name, words in BUTTONS.items()
    }
    return [Props(id=id_, props=values) for id_, values in props.items()]
