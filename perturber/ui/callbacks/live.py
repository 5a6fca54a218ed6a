"""Live sessions: who presents and who follows, and what a tab that does is told; ``assets/live.js`` asks."""

import secrets
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, ctx, no_update
from flask import Blueprint, Response, current_app, redirect, request
from plotly.io.json import to_json_plotly
from pydantic import Field

from perturber.errors import PerturberError
from perturber.sessions import Sessions
from perturber.ui import accounts
from perturber.ui.callbacks.messages import Seat, triggered_value
from perturber.ui.components.live import IDLE, SEAT, SESSION, idle_props, seated_props
from perturber.ui.context import service
from perturber.ui.live import live
from perturber.ui.states.page import Sent
from perturber.users import current, need_owner

FOLLOW = "#follow="
"""End of an address with which a tab begins to follow the session that it names."""

routes = Blueprint("live", __name__)


class Question(Seat):
    """What a tab asks.

    Attributes:
        since, page, seen: see `Live.hear`.
    """

    since: int = 0
    page: str = Field(default="", max_length=100)
    seen: int = 0


class OpenSession(Sent):
    """The session that is open in a tab."""

    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    name: str = Field(max_length=1000)


@routes.post("/live")
def hear() -> Response:
    """What is new for a tab that presents or follows; nothing (204) where nothing is within a second."""
    asked = Question.read(request.get_json())
    token = asked.token or secrets.token_urlsafe()
    if asked.presents and live().presenter(asked.session) is None:  # the server was started anew
        _present_again(asked.session, token)
    news = live().hear(
        asked.session, token, _name(), away=asked.away, since=asked.since, page=asked.page, seen=asked.seen
    )
    if news is None:
        return Response(status=204)
    told: dict[str, Any] = {"since": news.since, "place": news.place, "wanted": news.wanted}
    if news.roster is not None:
        told["seat"] = {"token": token, "presents": news.roster.presents}
        told["bar"] = seated_props(news.roster, f"{request.host_url}live/{asked.session}")
    text = f'{to_json_plotly(told)[:-1]},"shown":{news.shown or "null"}}}'
    return Response(text, mimetype="application/json", headers={"Cache-Control": "no-store"})


@routes.get("/live/<session>")
def join(session: str) -> Any:
    """Follow a session: its presenter's page, or the first one where nobody presents it at present."""
    path, query = live().place(session) or ("/", "")
    if live().presenter(session) is None:
        Sessions(service().settings.data).open(session)  # says that there is none
    return redirect(f"{path}{'?' if query else ''}{query}{FOLLOW}{session}")


def live_callbacks(app: dash.Dash) -> None:
    """The callbacks of the bar."""
    app.clientside_callback(
        ClientsideFunction("live", "sit"),
        Output("live-bar", "title"),  # never written
        Input(SEAT, "data"),
        Input(IDLE, "data"),
    )

    @app.callback(Output(IDLE, "data"), Input(SESSION, "data"), Input(SEAT, "data"))
    def idle(opened: object, seat: object) -> Any:
        if seat:
            return no_update
        session = OpenSession.read(opened).id if opened else None
        return idle_props(session is not None, None if session is None else live().presenter(session))

    @app.callback(
        Output(SEAT, "data"), Input("live-present", "n_clicks"), State(SESSION, "data"), prevent_initial_call=True
    )
    def present(clicks: object, opened: object) -> Any:
        if not clicks:
            return no_update
        session, token = OpenSession.read(opened).id, secrets.token_urlsafe()
        _present(session, token)
        return Seat(session=session, token=token, presents=True).model_dump()

    @app.callback(
        Output(SEAT, "data", allow_duplicate=True),
        Input("live-follow", "n_clicks"),
        Input("live-away", "n_clicks"),
        State(SEAT, "data"),
        State(SESSION, "data"),
        prevent_initial_call=True,
    )
    def follow(_: object, __: object, data: object, opened: object) -> Any:
        if not triggered_value():
            return no_update
        seat = Seat.read(data) if data else Seat(session=OpenSession.read(opened).id)
        return {**seat.model_dump(), "away": ctx.triggered_id == "live-away"}

    @app.callback(
        Output(SEAT, "data", allow_duplicate=True),
        Input("_pages_location", "hash"),
        State(SEAT, "data"),
        prevent_initial_call="initial_duplicate",
    )
    def come(ending: object, data: object) -> Any:
        """An address says whom to follow."""
        if not isinstance(ending, str) or not ending.startswith(FOLLOW):
            return no_update
        seat = Seat.read({"session": ending.removeprefix(FOLLOW)})
        return no_update if data and Seat.read(data).session == seat.session else seat.model_dump()

    @app.callback(Input("live-to", "value"), State(SEAT, "data"), prevent_initial_call=True)
    def hand_over(number: object, data: object) -> None:
        if isinstance(number, int):
            seat = Seat.read(data)
            live().hand_over(seat.session, seat.token, number)

    @app.callback(
        Output(SEAT, "data", allow_duplicate=True),
        Input("live-stop", "n_clicks"),
        State(SEAT, "data"),
        prevent_initial_call=True,
    )
    def stop(clicks: object, data: object) -> Any:
        if not clicks or not data:
            return no_update
        seat = Seat.read(data)
        live().leave(seat.session, seat.token)
        return None


def _present(session: str, token: str) -> None:
    """Present a session, which takes somebody who may change it.

    Raises:
        InvalidInputError: there is no such session.
        NotAllowedError: it belongs to somebody else, or too much is presented already.
    """
    found = Sessions(service().settings.data).open(session)
    need_owner(found.owner, f"The session “{found.name}”")
    live().present(session, token, _name())


def _present_again(session: str, token: str) -> None:
    try:
        _present(session, token)
    except PerturberError:  # one to whom it was handed over, perhaps: it follows until the owner is back
        return


def _name() -> str:
    """What others call this tab; empty where its user has no account."""
    user = current()
    return user.name if accounts.KEY in current_app.config and user is not accounts.GUEST else ""
