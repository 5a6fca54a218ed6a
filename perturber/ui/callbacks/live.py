"""Live sessions: who presents and who follows, and what the pages of those who follow are told.

A page that follows asks `hear` instead of the look callback (see ``assets/page.js``); all else is the bar's.
"""

import secrets
from typing import Any

import dash
from dash import Input, Output, State, ctx, no_update, set_props
from flask import Blueprint, Response, current_app, redirect, request
from plotly.io.json import to_json_plotly
from pydantic import ConfigDict, Field

from perturber.errors import PerturberError
from perturber.sessions import Sessions
from perturber.ui import accounts
from perturber.ui.callbacks.messages import Seat, triggered_value
from perturber.ui.components.live import BEAT, KNOWN, SEAT, idle_props, seated_props
from perturber.ui.components.session_bar import STORE as SESSION
from perturber.ui.context import service
from perturber.ui.live import PAUSE_MS, live
from perturber.ui.states.page import Sent
from perturber.users import current, need_owner

FOLLOW = "#follow="
"""End of an address with which a tab begins to follow the session that it names."""

LOCATION = "_pages_location"
"""Id of what says in Dash which page is open."""

LEAVING_MS = 500
"""As long as a page may take to be left for another one."""

routes = Blueprint("live", __name__)


class Question(Seat):
    """What a page that follows asks; see `Live.hear`."""

    page: str = Field(max_length=100)
    seen: int = 0


class OpenSession(Sent):
    """The session that is open in a tab, of what its store holds."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    name: str = Field(max_length=1000)


@routes.post("/live")
def hear() -> Response:
    """What is new for a page that follows, as an `Answer`; where nothing is within a second, an empty one."""
    asked = Question.read(request.get_json())
    props: list[dict[str, Any]] = []
    again = PAUSE_MS
    try:
        news = live().hear(asked.session, asked.token, _name(), page=asked.page, seen=asked.seen)
    except PerturberError as error:
        news, again = None, LEAVING_MS
        props.append({"id": "notice", "props": {"children": str(error)}})
    if isinstance(news, tuple):
        again = LEAVING_MS
        props.append({"id": LOCATION, "props": dict(zip(("pathname", "search"), news, strict=True))})
    if not isinstance(news, str):
        nothing: dict[str, Any] = {
            "looked": False,
            "failed": True,
            "query": None,
            "scene": {},
            "props": props,
            "again": again,
        }
        news = to_json_plotly(nothing)
    return Response(news, mimetype="application/json", headers={"Cache-Control": "no-store"})


@routes.get("/live/<session>")
def join(session: str) -> Any:
    """Follow a session: its presenter's page, or the first one where nobody presents it at present."""
    path, query = live().place(session) or ("/", "")
    if live().presenter(session) is None:
        Sessions(service().settings.data).open(session)  # says that there is none
    return redirect(f"{path}{query}{FOLLOW}{session}")


def live_callbacks(app: dash.Dash) -> None:
    """The callbacks of the bar."""
    new_seat = Output(SEAT, "data", allow_duplicate=True)

    @app.callback(
        Output(KNOWN, "data"),
        Output(BEAT, "disabled"),
        Input(BEAT, "n_intervals"),
        Input(SEAT, "data"),
        Input(SESSION, "data"),
        Input(LOCATION, "hash"),
        State(KNOWN, "data"),
        State(LOCATION, "pathname"),
    )
    def beat(_: object, data: object, opened: object, ending: object, known: object, path: object) -> Any:
        """Say that the tab is there, and show who else is."""
        triggered = {key.rpartition(".")[0] for key in ctx.triggered_prop_ids}  # Dash tells of several at once
        if (LOCATION in triggered or not triggered) and isinstance(ending, str) and ending.startswith(FOLLOW):
            seat = _seat(ending.removeprefix(FOLLOW))
            if not data or Seat.read(data).session != seat.session:
                set_props(SEAT, {"data": seat.model_dump()})  # and then this is asked again
                return no_update, no_update
        if not data and not opened and not triggered:  # nothing is to be shown, nor is anything
            return no_update, no_update
        if not data:
            session = OpenSession.read(opened).id if opened else None
            _show(idle_props(session is not None, None if session is None else live().presenter(session)))
            return 0, True
        seat = Seat.read(data)
        if seat.presents and live().presenter(seat.session) is None:  # the server was started anew
            seat = _presents_again(seat)
        number = known if triggered == {BEAT} and isinstance(known, int) else 0
        roster = live().roster(seat.session, seat.token, _name(), away=seat.away, known=number)
        if roster is not None:
            _show(seated_props(roster, f"{request.host_url}live/{seat.session}"))
            seat = seat.model_copy(update={"presents": roster.presents, "away": roster.away})
        if seat.model_dump() != data:
            set_props(SEAT, {"data": seat.model_dump()})
        place = None if seat.presents or seat.away else live().place(seat.session)
        if place is not None and path != place[0]:
            set_props(LOCATION, dict(zip(("pathname", "search"), place, strict=True)))
        return no_update if roster is None else roster.number, False

    @app.callback(
        Output(SEAT, "data"), Input("live-present", "n_clicks"), State(SESSION, "data"), prevent_initial_call=True
    )
    def present(clicks: object, opened: object) -> Any:
        if not clicks:
            return no_update
        seat = _seat(OpenSession.read(opened).id, presents=True)
        _present(seat)
        return seat.model_dump()

    @app.callback(
        new_seat,
        Input("live-follow", "n_clicks"),
        Input("live-away", "n_clicks"),
        State(SEAT, "data"),
        State(SESSION, "data"),
        prevent_initial_call=True,
    )
    def follow(_: object, __: object, data: object, opened: object) -> Any:
        if not triggered_value():
            return no_update
        seat = Seat.read(data) if data else _seat(OpenSession.read(opened).id)
        return {**seat.model_dump(), "away": ctx.triggered_id == "live-away"}

    @app.callback(Input("live-to", "value"), State(SEAT, "data"), prevent_initial_call=True)
    def hand_over(number: object, data: object) -> None:
        if isinstance(number, int):
            seat = Seat.read(data)
            live().hand_over(seat.session, seat.token, number)

    @app.callback(new_seat, Input("live-stop", "n_clicks"), State(SEAT, "data"), prevent_initial_call=True)
    def stop(clicks: object, data: object) -> Any:
        if not clicks or not data:
            return no_update
        seat = Seat.read(data)
        live().leave(seat.session, seat.token)
        return None


def _seat(session: str, *, presents: bool = False) -> Seat:
    """A new place.

    Raises:
        InvalidInputError: this is no id of a session.
    """
    return Seat.read({"session": session, "token": secrets.token_urlsafe(), "presents": presents})


def _present(seat: Seat) -> None:
    """Present a session, which takes somebody who may change it.

    Raises:
        InvalidInputError: there is no such session.
        NotAllowedError: it belongs to somebody else, or too much is presented already.
    """
    found = Sessions(service().settings.data).open(seat.session)
    need_owner(found.owner, f"The session “{found.name}”")
    live().present(seat.session, seat.token, _name())


def _presents_again(seat: Seat) -> Seat:
    try:
        _present(seat)
    except PerturberError:  # one to whom it was handed over, perhaps: it follows until the owner is back
        return seat
    return seat.model_copy(update={"again": seat.again + 1})  # with which its page tells all that it shows


def _show(props: list[Any]) -> None:
    for one in props:
        set_props(one["id"], one["props"])


def _name() -> str:
    """What others call this tab; empty where its user has no account."""
    user = current()
    return user.name if accounts.KEY in current_app.config and user is not accounts.GUEST else ""
