"""What may take its time on a page: feature visualisations, jobs and figures, followed by one callback.

It is asked once things are at rest (``<page>-settled``), when a button orders or cancels something, and by the page's
one interval for as long as something is under way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypedDict, TypeVar

from dash import ALL, Input, Output, State, callback, ctx, set_props
from pydantic import Field

from perturber.errors import BusyError, OvertakenError, PerturberError
from perturber.ui.callbacks.messages import BUG, Props, Seat, by_id, pressed_ids
from perturber.ui.components.controls import control_id, order_id, tool_id
from perturber.ui.failures import told
from perturber.ui.live import known_to_followers, publish_followed
from perturber.ui.states.page import PageState, Sent, parse_query

S = TypeVar("S", bound=PageState)


class Settled(Sent):
    """What a page shows at rest, as its script says.

    Attributes:
        query, memory: of its state.
        records: of its looks, for the history.
        client, sequence: which visit, and the number of its look.
        seat: of the tab, where it presents, or shows what another one presents.
    """

    query: str = Field(max_length=100_000)
    memory: dict[str, Any]
    records: list[list[Any]] = Field(default=[], max_length=1000)
    client: str = Field(max_length=64)
    sequence: int
    seat: Seat | None = None

    @classmethod
    def latest(cls, settled: object, facts: object) -> "Settled":
        """What a page shows at rest, or what it was opened with where it has not come to rest yet.

        Raises:
            InvalidInputError: it is not what a page of this app would send.
        """
        if settled is not None:
            return cls.read(settled)
        opened = facts if isinstance(facts, dict) else {}
        return cls.read({"query": opened.get("query"), "memory": opened.get("memory"), "client": "", "sequence": 0})

    @property
    def follower(self) -> str:
        """Who asks the service for what takes its time: the page's own looks are not overtaken by that."""
        return f"{self.client} follows"


class Order(TypedDict):
    """A button that was pressed: its name, and the slot that it belongs to, or ""."""

    order: str
    slot: int | str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is followed.

    Attributes:
        settled: what the page shows.
        order: the button that was pressed, or None.
        hovered: slot → class that is pointed at there.
        tools: name → value of the settings that belong to an order and to no link.
        shown: name → what is shown there already (see `Follow`).
        woken: whether something has changed since the last time, rather than the interval's beat.
    """

    settled: Settled
    order: Order | None
    hovered: Mapping[int, int]
    tools: Mapping[str, Any]
    shown: Mapping[str, str]
    woken: bool


@dataclass(kw_only=True)
class Follow:
    """What has come of it.

    Attributes:
        props: what components show from now on.
        shown: name → what is shown there; it comes back with the next question, so that it need not be sent again.
        running: whether to ask again soon.
        notice: a sentence for the page's notice, or None to leave it.
    """

    props: list[Props] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    running: bool = False
    notice: str | None = None

    def show(self, id_: Any, **props: Any) -> None:
        """A component has these properties from now on."""
        self.props.append({"id": id_, "props": props})


class FollowedPage(Protocol, Generic[S]):
    """A page with work that takes its time."""

    name: str

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[S, list[str]]:
        """The state that a link holds."""

    def follow(self, state: S, asked: Asked) -> Follow:
        """Where everything stands that the page waits for; orders what a button asks for.

        Raises:
            InvalidInputError: it cannot be ordered.
        """


def follow_callbacks(page: FollowedPage[S]) -> None:
    """The callback of a page that follows what takes its time; to be called once as its module is imported."""
    name = page.name

    @callback(
        Output(f"{name}-followed", "data"),
        Output(f"{name}-interval", "disabled"),
        Input(f"{name}-interval", "n_intervals"),
        Input(f"{name}-settled", "data"),
        Input(order_id(name, ALL, ALL), "n_clicks"),
        Input(control_id(name, "bars", ALL), "hovered"),
        State(control_id(name, "bars", ALL), "id"),
        State(tool_id(name, ALL), "value"),
        State(tool_id(name, ALL), "id"),
        State(f"{name}-followed", "data"),
        State(f"{name}-facts", "data"),
        prevent_initial_call=True,
    )
    def follow(
        _: object,
        settled: object,
        __: object,
        hovered: object,
        bars: object,
        values: object,
        tools: object,
        shown: object,
        facts: object,
    ) -> tuple[dict[str, str], bool]:
        order = _pressed()
        if settled is None and order is None:  # nothing is shown yet; a button may be pressed before things are at rest
            return {}, True
        known = {str(key): str(value) for key, value in shown.items()} if isinstance(shown, dict) else {}
        at_rest = Settled.latest(settled, facts)
        seat, visit = at_rest.seat, at_rest.client
        if seat is not None and not (seat.presents or seat.away):
            if order is None:
                return known, True  # the presenter's page asks for all
            set_props("live-seat", {"data": {**seat.model_dump(), "away": True}})
        asked = Asked(
            settled=at_rest,
            order=order,
            hovered={slot: i for slot, i in by_id(bars, hovered, "slot").items() if type(i) is int},
            tools=by_id(tools, values, "tool"),
            shown=known_to_followers(seat, visit, known),
            woken=any(id_ != f"{name}-interval" for id_ in ctx.triggered_prop_ids.values()),
        )
        found = _followed(page, asked)
        if found.notice is not None:
            found.show("notice", children=found.notice)
        for one in found.props:
            set_props(one["id"], one["props"])
        now = {**asked.shown, **found.shown}
        publish_followed(name, seat, visit, found.props, now)
        return now, not found.running


def _pressed() -> Order | None:
    """The button that was pressed, among all that Dash tells of at once; one that has only just come to be is not."""
    for id_, _ in pressed_ids():
        if "order" in id_:
            (slot,) = by_id([id_], [None], "slot")
            return Order(order=str(id_["order"]), slot=slot)
    return None


def _followed(page: FollowedPage[S], asked: Asked) -> Follow:
    try:
        state, _ = page.read(parse_query(asked.settled.query), asked.settled.memory)
        return page.follow(state, asked)
    except OvertakenError:
        return Follow(running=True)
    except BusyError as error:  # the interval asks again, but no button is pressed again
        return Follow(running=True, notice=str(error) if asked.order else None)
    except PerturberError as error:
        return Follow(notice=str(error))
    except Exception as error:
        told(f"following the work of {page.name} failed", error)
        return Follow(notice=BUG)
